# SPDX-License-Identifier: BSD-3-Clause
"""HybridSparse beside a HybridDense with the same weights and, as a mask, the same synapses; Lava's Sparse."""

import dataclasses

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg, Loihi2SimCfg
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix
from user_rule import Habit

import synergic as sy
from synergic.errors import ParameterError, UnsupportedError
from synergic.network._quantise import ONE
from synergic.processes import HybridDense, HybridLIF, HybridSimCfg, HybridSparse, running

pytestmark = pytest.mark.alone

KINDS = pytest.mark.parametrize("integer", [False, True], ids=["float", "fixed"])
STEPS, PERIOD, N_IN, N_OUT, VTH = 12, 4, 9, 7, 0.6
SCALE = 100  # integer weights to one of the physical ones
INT_VTH = round(VTH * SCALE * 64)
RNG = np.random.default_rng(11)
EXISTS = RNG.random((N_OUT, N_IN)) < 0.4
EXISTS[3], EXISTS[:, 5] = False, False  # a neuron and an input without any synapse
PER_PRE, PER_POST = RNG.uniform(0.05, 0.3, N_IN), RNG.uniform(-0.3, 0.3, N_OUT)
RULES = {
    "Hebbian": sy.Hebbian(PER_PRE, PER_POST, lambda_=0.9, p_max=0.5),
    "Oja": sy.Oja(np.abs(PER_POST)),
    "BCM": sy.BCM(PER_PRE, floor=PER_POST, lambda_=0.9),
    "PairSTDP": sy.PairSTDP(np.abs(PER_POST), PER_PRE),
    "ThreeFactor": sy.ThreeFactor(0.2, beta=PER_POST),
    "Habit": Habit(0.3),
}


def matrices(integer, rule):
    """Weights, of which some are stored as 0, and local weights, both 0 off EXISTS."""
    rng = np.random.default_rng(3)
    weights = np.where(rng.random(EXISTS.shape) < 0.2, 0, rng.normal(0.1, 0.4, EXISTS.shape)) * EXISTS
    local = rng.uniform(-0.4, 0.4, EXISTS.shape) * EXISTS
    if integer:
        return np.rint(weights * SCALE).astype(int), np.rint(local * rule.scale).astype(int)
    return weights, local


def stored(m, form=csc_matrix):
    """A matrix of the synapses in EXISTS, zeros kept, stored in an order of chance."""
    rows, columns = np.nonzero(EXISTS)
    order = np.random.default_rng(0).permutation(rows.size)
    rows, columns = rows[order], columns[order]
    return form(coo_matrix((m[rows, columns], (rows, columns)), shape=m.shape))


def config(integer, lava=Loihi2SimCfg):
    return lava(select_tag="fixed_pt" if integer else "floating_pt")


def pair(rule, integer, **changes):
    """A dense and a sparse connection, each with neurons of its own, behind one source. Returns [(connection, lif)]."""
    rule = rule.quantise("c", 16, INT_VTH, False) if integer else rule
    weights, local = matrices(integer, rule)
    alpha = np.random.default_rng(8).uniform(0.1, 0.5, N_OUT)
    how = {"alpha": np.rint(alpha * 500).astype(int) if integer else alpha, "vth": VTH, "period": PERIOD, "record": 3}
    how |= changes
    dense = HybridDense(weights=weights, rule=with_mask(rule), local_weights=local, name="dense", **how)
    if "alpha" in changes:
        how["alpha"] = stored(changes["alpha"])
    sparse = HybridSparse(weights=stored(weights), rule=rule, local_weights=stored(local), name="sparse", **how)
    data = (np.random.default_rng(5).random((N_IN, STEPS)) < 0.6).astype(int)
    source, ends = Source(data=data), []
    signal = Source(data=np.random.default_rng(6).uniform(0.5, 1, (1, STEPS)) * (ONE if integer else 1))
    for connection in (dense, sparse):
        neuron = {"vth": INT_VTH, "decay": ONE // 2} if integer else {"vth": VTH, "decay": 0.5}
        lif = HybridLIF(shape=(N_OUT,), **neuron, record=STEPS, name=f"{connection.name} lif")
        source.s_out.connect(connection.s_in)
        connection.a_out.connect(lif.a_in)
        lif.u_out.connect(connection.u_in)
        if rule.signalled:
            signal.s_out.connect(connection.r_in)
        ends.append((connection, lif))
    return ends


def with_mask(rule):
    """The same rule with EXISTS as its mask, of a class that has one."""
    if "mask" in {field.name for field in dataclasses.fields(rule)}:
        return dataclasses.replace(rule, mask=EXISTS)
    made = type(f"Masked{type(rule).__name__}", (type(rule),), {"__annotations__": {"mask": "object"}, "mask": None})
    sy.Rule.registry.pop(made.__name__)
    return dataclasses.dataclass(frozen=True, eq=False)(made)(**rule.values, mask=EXISTS)


@KINDS
@pytest.mark.parametrize("name", RULES)
@pytest.mark.one_in(3)
def test_it_is_the_dense_connection_with_a_mask(name, integer):
    (dense, lif), (sparse, other) = pair(RULES[name], integer)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=STEPS - 2), run_cfg=config(integer))
        u, potentials = lif.u_record.get(), other.u_record.get()
        assert np.abs(u - potentials).max() <= (0 if integer else 1e-12)
        local = sparse.local_weights.get()
        assert local.nnz == EXISTS.sum()
        assert np.array_equal(local.toarray(), dense.local_weights.get())
        assert np.array_equal(sparse.saturated.get(), dense.saturated.get())
        assert sparse.state.keys() == dense.state.keys()
        for key, variable in dense.state.items():
            got, want = sparse.state[key].get(), variable.get()
            assert np.array_equal(got.toarray() if want.ndim == 2 else got, want * EXISTS if want.ndim == 2 else want)
        entries = local.tocoo()
        for full, row in zip(dense.local_record.get(), sparse.local_record.get(), strict=True):
            assert np.array_equal(full[entries.row, entries.col], row)
    assert 0 < other.s_record.get().mean() < 1
    assert not np.array_equal(local.toarray(), dense.local_start.get())


@KINDS
def test_variables_set_between_runs_act_as_those_of_the_dense_connection(integer):
    (dense, lif), (sparse, other) = pair(RULES["PairSTDP"], integer)
    rng = np.random.default_rng(9)
    new = rng.integers(-90, 90, EXISTS.shape) * EXISTS
    new, local = (new, 50 * new) if integer else (new / 50, new / 300)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=5), run_cfg=config(integer))
        dense.weights.set(new)
        sparse.weights.set(stored(new, csr_matrix))  # in another order of its entries
        assert np.array_equal(sparse.weights.get().toarray(), new)
        alpha, eta = dense.alpha.get() * 2, np.flip(dense.theta["eta_minus"].get())
        for connection in (dense, sparse):
            connection.local_weights.set(local)
            connection.theta["eta_minus"].set(eta)
            connection.alpha.set(alpha)
        lif.run(condition=RunSteps(num_steps=STEPS - 5))
        assert np.abs(lif.u_record.get() - other.u_record.get()).max() <= (0 if integer else 1e-12)
        assert np.array_equal(sparse.local_weights.get().toarray(), dense.local_weights.get())
        sparse.local_weights.set(sparse.local_weights.get().data[:1] * 0, slice(0, 1))
        assert sparse.local_weights.get(0) == 0
        for wrong, text in WRONG.items():
            with pytest.raises(ParameterError, match=rf"^sparse\.weights: got {text}"):
                sparse.weights.set(WRONG_VALUES[wrong](new))


WRONG_VALUES = {
    "off": lambda m: m + 1,
    "shape": lambda m: m.T,
    "sparse shape": lambda m: csr_matrix(m.T),
    "range": lambda m: m * np.nan if m.dtype.kind == "f" else m * 1000,
}
WRONG = {
    "off": "40 values other than 0 off the stored synapses",
    "shape": r"shape \(9, 7\), allowed \(23,\) or \(7, 9\)",
    "sparse shape": r"shape \(9, 7\), allowed \(7, 9\)",
    "range": ".*",
}


def test_one_alpha_a_synapse():
    alpha = np.random.default_rng(1).uniform(0, 0.5, EXISTS.shape) * EXISTS
    (_, lif), (sparse, other) = pair(RULES["Hebbian"], False, alpha=alpha)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=STEPS), run_cfg=HybridSimCfg())
        assert np.abs(lif.u_record.get() - other.u_record.get()).max() <= 1e-12
        assert sparse.local_weights.get().toarray().any()


@KINDS
def test_a_mask_of_the_rule_chooses_among_the_synapses(integer):
    mask = EXISTS & (np.random.default_rng(2).random(EXISTS.shape) < 0.5)
    rule = sy.Hebbian(0.2, 0.3, mask=mask)
    rule = rule.quantise("c", 16, INT_VTH, False) if integer else rule
    weights = matrices(integer, rule)[0]
    neuron = {"vth": INT_VTH, "decay": ONE // 2} if integer else {"vth": VTH, "decay": 0.5}
    source, lif = Source(data=np.ones((N_IN, 5), int)), HybridLIF(shape=(N_OUT,), **neuron)
    sparse = HybridSparse(weights=stored(weights), rule=rule)
    source.s_out.connect(sparse.s_in)
    sparse.a_out.connect(lif.a_in)
    lif.u_out.connect(sparse.u_in)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=5), run_cfg=config(integer, Loihi1SimCfg))
        assert np.array_equal(sparse.local_weights.get().toarray() != 0, mask)


@KINDS
def test_beside_lavas_sparse_and_lif_under_a_monitor(integer):
    rng = np.random.default_rng(4)
    weights = csr_matrix(2 * rng.integers(-40, 60, (N_OUT, N_IN)) * EXISTS)  # Lava keeps mixed weights even
    weights = weights if integer else weights * 0.01
    source = Source(data=(rng.random((N_IN, STEPS)) < 0.5).astype(int))
    spikes, ends, local = [], [], weights * (5 if integer else 0.1)
    rule = sy.Hebbian(0.1, 0.1).quantise("c", 16, INT_VTH, False) if integer else sy.Hebbian(0.1, 0.1)
    ours = HybridSparse(
        weights=weights, rule=rule, local_weights=local, plasticity_scope="frozen", **({"k": [1]} if integer else {})
    )
    for connection in (Sparse(weights=weights), ours):
        lif, monitor = LIF(shape=(N_OUT,), du=4095 if integer else 1, dv=0, vth=60 if integer else 0.6), Monitor()
        monitor.probe(lif.s_out, STEPS)
        source.s_out.connect(connection.s_in)
        connection.a_out.connect(lif.a_in)
        ends.append((lif, monitor))
    seen = Monitor()
    seen.probe(ours.local_weights, STEPS)
    with running(ends[0][0]):
        ends[0][0].run(condition=RunSteps(num_steps=STEPS), run_cfg=config(integer))
        spikes = [monitor.get_data()[lif.name]["s_out"] for lif, monitor in ends]
        assert np.array_equal(seen.get_data()[ours.name]["local_weights"][-1], local.tocsc().data)
    assert np.array_equal(*spikes)
    assert 0 < spikes[0].mean() < 1


GOOD = {"weights": csr_matrix(np.eye(3)), "rule": sy.Hebbian(0.1, 0.1), "name": "c"}


class Competing(sy.Oja):
    """Not local to a synapse: what the other neurons do counts."""

    @staticmethod
    def floating(local, state, received, theta):
        x = received.x - received.x.mean(-1)
        return local + theta.eta * x[..., :, None] * received.s[..., None, :], {}


class Summing(sy.BCM):
    """Nor this one: its trace is of the neuron's input."""

    @staticmethod
    def floating(local, state, received, theta):
        return local, {"threshold": (local * received.s[..., None, :]).sum(-1)}


for rule in (Competing, Summing):
    sy.Rule.registry.pop(rule.__name__)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"weights": "text"}, ParameterError, r"c\.weights: got 'text'"),
        ({"weights": csr_matrix((3, 3))}, ParameterError, r"c\.weights: got no stored synapse, allowed one or more"),
        ({"weights": np.zeros((3, 3))}, ParameterError, r"c\.weights: got no stored synapse"),
        ({"weights": csr_matrix((0, 3))}, ParameterError, r"c\.weights: got shape \(0, 3\), allowed \(n_out, n_in\)"),
        ({"weights": csr_matrix(np.diag([1, np.nan, 1]))}, ParameterError, r"c\.weights: got 1 values that are NaN"),
        ({"weights": csr_matrix(np.eye(3) * 1j)}, ParameterError, r"c\.weights: got .*complex"),
        ({"weights": csr_matrix(np.eye(3, dtype=int) * 200), "rule": None}, ParameterError, r"c\.weights: got values"),
        ({"weights": csr_matrix(np.eye(3, dtype=int))}, ParameterError, r"c\.rule: got .*Hebbian, allowed IntRule"),
        ({"local_weights": np.ones((3, 3))}, ParameterError, r"c\.local_weights: got 6 values other than 0 off the"),
        ({"local_weights": csr_matrix(np.ones((3, 3)))}, ParameterError, r"c\.local_weights: got 6 values other than"),
        (
            {"local_weights": csr_matrix((2, 3))},
            ParameterError,
            r"c\.local_weights: got shape \(2, 3\), allowed \(3, 3\)",
        ),
        (
            {"local_weights": 5 * np.eye(3)},
            ParameterError,
            r"c\.local_weights: largest \|P\|: got .*5.*allowed \[0, 4\]",
        ),
        ({"local_weights": np.eye(3), "rule": None}, ParameterError, r"c\.local_weights: got an array, allowed None"),
        ({"alpha": np.ones(2)}, ParameterError, r"c\.alpha: got shape \(2,\), allowed \(\) or \(3,\)"),
        ({"alpha": np.ones((3, 3))}, ParameterError, r"c\.alpha: got 6 values other than 0 off the stored"),
        ({"plasticity_scope": "never"}, ParameterError, r"c\.plasticity_scope: got 'never'"),
        ({"vth": 0}, ParameterError, r"c\.vth: got 0"),
        (
            {"rule": sy.Hebbian([0.1, 0.2], 0.1)},
            ParameterError,
            r"c\.rule\.eta: got shape \(2,\), allowed \(\) or \(3,\)",
        ),
        ({"rule": sy.Hebbian(1, 1, mask=np.ones((3, 3)))}, ParameterError, r"c\.rule\.mask: got 6 values other than 0"),
        (
            {"rule": Competing(0.1)},
            UnsupportedError,
            r"c\.rule: got Competing, whose function looks beyond the synapse",
        ),
        ({"rule": Summing(0.1)}, UnsupportedError, r"c\.rule: got Summing, .*Use HybridDense"),
    ],
)
def test_bad_input_is_refused(changes, error, text):
    with pytest.raises(error, match=text):
        HybridSparse(**{**GOOD, **changes})


def test_what_is_stored_twice_is_added_and_stored_zeros_are_synapses():
    values, rows, columns = [0.25, 0.5, 0.0], [1, 1, 0], [0, 0, 1]
    sparse = HybridSparse(weights=coo_matrix((values, (rows, columns)), shape=(2, 2)), rule=sy.Oja())
    got = sparse.weights.get()
    assert got.data.tolist() == [0.75, 0.0]
    assert got.toarray().tolist() == [[0, 0], [0.75, 0]]
    assert sparse.weights.shape == sparse.local_weights.shape == (2,)


def test_memory_goes_with_the_synapses():
    # As full matrices W, P and its start would have 20 GB each.
    n = 50_000
    rng = np.random.default_rng(0)
    weights = coo_matrix((rng.random(n), rng.integers(0, n, (2, n))), shape=(n, n)).tocsr()
    sparse = HybridSparse(weights=weights, rule=sy.PairSTDP(), alpha=0.1, vth=0.1)
    lif = HybridLIF(shape=(n,), vth=0.1, decay=0.5, bias=0.2)
    lif.s_out.connect(sparse.s_in)
    sparse.a_out.connect(lif.a_in)
    lif.u_out.connect(sparse.u_in)
    with running(lif):
        lif.run(condition=RunSteps(num_steps=3), run_cfg=HybridSimCfg())
        # All fire in every step. Heard in steps 2 and 3: a = 1 and 1.8, eta (a - b) with b = 0.8 f and 0.8 (b + f).
        local = sparse.local_weights.get()
    assert local.nnz == weights.nnz > n - 10
    assert np.allclose(local.data, 0.01 * ((1 - 0.8) + (1.8 - 0.8 * 1.8)))
