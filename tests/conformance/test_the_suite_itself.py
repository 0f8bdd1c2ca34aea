# SPDX-License-Identifier: BSD-3-Clause
"""An error planted in any one executor makes the suite fail."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from conformance.executors import conform
from synergic.numerics import fixed, floating

LAVA = ["synergic.models.hybrid_dense.models", "synergic.models.hybrid_lif.models"]
WHERE = {
    "reference": (floating, ["synergic.simulate"]),
    "lava float": (floating, LAVA),
    "integers": (fixed, ["synergic.simulate"]),
    "lava fixed": (fixed, LAVA),
    "chip": (fixed, ["synergic.hw_targets.simulator"]),
}
"""By executor: the numerics it calls, and the modules in which it looks them up."""


def changed(function, change):
    """A function whose first result is changed."""

    def wrong(*args, **kwargs):
        out = function(*args, **kwargs)
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    return wrong


PLANTED = {
    "fires on the threshold": lambda n: {"spike": lambda u, vth: u >= vth},
    "one unit more current": lambda n: {
        {floating: "synaptic_input", fixed: "accumulate"}[n]: changed(
            n.synaptic_input if n is floating else n.accumulate, lambda a: a + (1e-6 if n is floating else 64)
        )
    },
    "reset after instead of subtraction": lambda n: {"reset": lambda u, s, vth, mode: n.reset(u, s, vth, "zero")},
    "local weights off by one": lambda n: {"hebbian": changed(n.hebbian, lambda p: p + (1e-6 if n is floating else 1))},
    "saturation not counted": lambda n: {"hebbian": lambda *a, **k: (n.hebbian(*a, **k)[0], 0)},
}


def probes():
    """Networks small enough to try all errors on, that use everything: feedback, bounds, the threshold itself."""
    network = plastic_network(recurrent=True, p_max=0.2)
    yield network, random_spikes(network, rate=0.5)
    population = sy.Population("out", 2, 1.0, 1.0)
    projection = sy.Projection("c", "in", "out", [[0.5, 0.0], [0.0, 127 / 64]])
    yield (
        sy.Network(sy.Source("in", 2), (population,), (projection,), "out", 3),
        np.array([[[1, 0], [1, 0], [0, 0]]]),
    )


def conform_all():
    for probe in probes():
        conform(*probe)


def test_the_probes_agree_as_long_as_nothing_is_planted():
    conform_all()


@pytest.mark.parametrize("error", PLANTED)
@pytest.mark.parametrize("executor", WHERE)
def test_a_planted_error_is_found(executor, error, monkeypatch):
    numerics, modules = WHERE[executor]
    wrong = SimpleNamespace(**{**vars(numerics), **PLANTED[error](numerics)})
    for module in modules:
        monkeypatch.setattr(import_module(module), numerics.__name__.rsplit(".", 1)[-1], wrong)
    with pytest.raises(AssertionError):
        conform_all()
