# SPDX-License-Identifier: BSD-3-Clause
"""Fields with one value in NIR graphs and files: the same network as with full arrays, at every kind of node.

nir's own check of types refuses such files, and those with grouped convolutions (issue 176 of NIR).
"""

import itertools

import h5py
import nir
import numpy as np
import pytest

from synergic.errors import FormatError, SynergicError
from synergic.interchange import from_nir

KERNELS = np.random.default_rng(0).normal(size=(4, 1, 3, 3)), np.random.default_rng(1).normal(size=(4, 2, 3, 5))
WEIGHTS = np.random.default_rng(2).normal(size=(3, 8)), np.random.default_rng(3).normal(size=(3, 3))
FORMS = {"full": np.full, "of shape (1,)": lambda _, v: np.array([v]), "of no shape": lambda _, v: np.float64(v)}
pytestmark = pytest.mark.filterwarnings("ignore:from_nir.reset")


def graph(form, image=True):
    """Every kind of node: each has its fields in one form. image : whether a convolution says what it is moved over."""

    def full(v, *shape):
        return FORMS[form](shape, v)

    def lif(*shape):
        times = {"tau": full(0.02, *shape), "r": full(1.0, *shape), "v_leak": full(0.1, *shape)}
        return nir.LIF(**times, v_threshold=full(0.5, *shape), v_reset=full(0.0, *shape))

    cuba = {"tau_syn": 0.005, "tau_mem": 0.02, "r": 1.0, "v_leak": 0.1, "v_threshold": 0.5, "v_reset": 0.0}
    how = {"padding": 0, "dilation": 1}
    nodes = {
        "in": nir.Input(np.array([4, 8, 8])),
        "c1": nir.Conv2d((8, 8) if image else None, KERNELS[0], 1, groups=4, bias=full(0.1, 4), **how),
        "n1": lif(4, 6, 6),
        "wait": nir.Delay(full(0.002, 4, 6, 6)),
        "c2": nir.Conv2d((6, 6) if image else None, KERNELS[1], 1, groups=2, bias=full(0.1, 4), **how),
        "n2": nir.IF(r=full(500.0, 4, 4, 2), v_threshold=full(0.5, 4, 4, 2), v_reset=full(0.0, 4, 4, 2)),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "n3": lif(4, 2, 1),
        "flat": nir.Flatten(np.array([4, 2, 1]), 0),
        "w1": nir.Affine(WEIGHTS[0], full(0.25, 3)),
        "n4": lif(3),
        "w2": nir.Linear(WEIGHTS[1]),
        "n5": nir.CubaLIF(**{name: full(v, 3) for name, v in cuba.items()}, w_in=full(0.5, 3)),
        "out": nir.Output(np.array([3])),
    }
    return nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False)


@pytest.fixture(scope="module")
def wanted():
    return from_nir(graph("full"), dt=1e-3, steps=5)


@pytest.mark.parametrize("form", FORMS)
def test_one_value_is_the_value_of_all(form, wanted, tmp_path):
    assert from_nir(graph(form), dt=1e-3, steps=5) == wanted
    assert from_nir(graph(form, image=False), dt=1e-3, steps=5) == wanted, "the size of the image, as nir infers it"
    nir.write(tmp_path / "net.nir", graph(form))
    assert from_nir(tmp_path / "net.nir", dt=1e-3, steps=5) == wanted


def test_a_file_in_which_some_fields_have_one_value(wanted, tmp_path):
    """nir asserts one shape, and cannot read what another program writes so."""
    nir.write(tmp_path / "net.nir", graph("full"))
    with h5py.File(tmp_path / "net.nir", "a") as file:
        for field in ("n1/tau", "n2/v_threshold", "n3/r", "n4/v_reset", "n5/tau_syn"):
            value = file[f"node/nodes/{field}"][()].ravel()[0]
            del file[f"node/nodes/{field}"]
            file[f"node/nodes/{field}"] = value
    assert from_nir(tmp_path / "net.nir", dt=1e-3, steps=5) == wanted
    with h5py.File(tmp_path / "net.nir", "a") as file:
        del file["node/nodes/n4/v_leak"]
        file["node/nodes/n4/v_leak"] = np.zeros(2)
    with pytest.raises(FormatError, match=r"net.nir: n4: got .*'v_leak': \(2,\).*allowed one shape, or one value"):
        from_nir(tmp_path / "net.nir", dt=1e-3, steps=5)


def test_python_numbers(wanted):
    given = graph("full")
    given.nodes["w1"] = nir.Affine(WEIGHTS[0], 0.25)
    given.nodes["n4"].tau, given.nodes["n4"].v_threshold = 0.02, 0.5
    assert from_nir(given, dt=1e-3, steps=5) == wanted


@pytest.mark.parametrize(
    ("name", "node", "text"),
    [
        ("out", nir.Output(np.array([4])), r"'n5' -> 'out': got \(3,\) values for \(4,\)"),
        ("wait", nir.Delay(np.full(7, 0.002)), r"'n1' -> 'wait': got \(4, 6, 6\) values for \(7,\)"),
        ("in", nir.Input(np.array([4, 16, 4])), r"'in' -> 'c1': got \(4, 16, 4\) values for \(4, 8, 8\)"),
    ],
)
def test_shapes_that_do_not_meet_are_refused(name, node, text, tmp_path):
    given = graph("full")
    given.nodes[name] = node
    nir.write(tmp_path / "net.nir", given)
    with pytest.raises(FormatError, match=text):
        from_nir(tmp_path / "net.nir", dt=1e-3, steps=5)
    if name != "in":  # which is as many values; who switches nir's check off may mean that
        with pytest.raises(FormatError, match=text):
            from_nir(given, dt=1e-3, steps=5)


@pytest.mark.parametrize(
    "field", ["in/shape", "n1/tau", "n2/r", "n2/v_threshold", "wait/delay", "n5/tau_mem", "c1/groups"]
)
def test_text_in_the_place_of_numbers_is_refused(field, tmp_path):
    nir.write(tmp_path / "net.nir", graph("full"))
    with h5py.File(tmp_path / "net.nir", "a") as file:
        del file[f"node/nodes/{field}"]
        file[f"node/nodes/{field}"] = "text"
    with pytest.raises(FormatError):
        from_nir(tmp_path / "net.nir", dt=1e-3, steps=5)
    with pytest.raises(SynergicError):
        from_nir(tmp_path / "net.nir", steps=5)
