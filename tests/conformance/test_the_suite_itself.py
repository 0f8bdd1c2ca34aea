# SPDX-License-Identifier: BSD-3-Clause
"""An error planted in any one executor makes the suite fail."""

import inspect
import re
from importlib import import_module
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from conformance.executors import FLOATS, INTEGERS, conform
from synergic.hw_targets.simulation import _simulator as simulator
from synergic.hw_targets.simulation import _workers as workers
from synergic.hw_targets.simulation.kernels import _core_synapses as synapses
from synergic.hw_targets.simulation.kernels import _decay as decay
from synergic.hw_targets.simulation.kernels import _history_kernel as history
from synergic.hw_targets.simulation.kernels import _packets as packets
from synergic.hw_targets.simulation.kernels import _records as records
from synergic.hw_targets.simulation.kernels import _somas as somas
from synergic.hw_targets.simulation.kernels import _step as step
from synergic.numerics import _compiled as compiled
from synergic.numerics import fixed, floating
from synergic.rules import _rule as rule_module

pytestmark = pytest.mark.alone

DENSE, LIF = "synergic.models._plastic_connection", "synergic.models.hybrid_lif.models"
REFERENCE = ("synergic.reference._simulate", "synergic.neurons._lif", "synergic.rules._hebbian")
WHERE = {
    "reference": (floating, dict.fromkeys(REFERENCE, floating), FLOATS),
    "lava float": (floating, {DENSE: compiled, LIF: floating}, FLOATS),
    "integers": (fixed, dict.fromkeys(REFERENCE, fixed), ("integers", "chip")),
    "lava fixed": (fixed, {DENSE: compiled, LIF: fixed}, ("integers", "lava fixed")),
}
"""By executor: its numbers, the modules in which it looks its numerics up, and between whom an error is found."""


def changed(function, change):
    """A function whose first result is changed."""

    def wrong(*args, **kwargs):
        out = function(*args, **kwargs)
        return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

    return wrong


def changed_in_place(function, unit):
    """The compiled rule, of which every local weight comes out larger."""

    def wrong(local_weights, *args, **kwargs):
        clipped = function(local_weights, *args, **kwargs)
        local_weights += unit
        return clipped

    return wrong


def only_of(kind, function, wrong):
    """A function that both kinds of numbers share, wrong for one of them."""
    letter = "f" if kind is floating else "i"
    return lambda s, weights, *rest: (wrong if weights.dtype.kind == letter else function)(s, weights, *rest)


def errors(kind):
    """The planted errors in the functions of floating or fixed, and in the compiled ones for the same numbers."""
    sums, rule = ("synaptic_input", "hebbian_floating") if kind is floating else ("accumulate", "hebbian_fixed")
    unit, current = (1e-6, 1e-6) if kind is floating else (1, 64)
    more = changed(compiled.synaptic_input, lambda a: a + current)
    in_place = getattr(compiled, rule)
    return {
        "fires on the threshold": {"spike": lambda u, vth: u >= vth},
        "one unit more current": {
            sums: changed(getattr(kind, sums), lambda a: a + current),
            ("compiled", "synaptic_input"): only_of(kind, compiled.synaptic_input, more),
        },
        "reset after instead of subtraction": {"reset": lambda u, s, vth, mode: kind.reset(u, s, vth, "zero")},
        "local weights off by one": {
            "hebbian_change": changed(kind.hebbian_change, lambda p: p + unit),
            ("compiled", rule): changed_in_place(in_place, unit),
        },
        "saturation not counted": {
            ("compiled", rule): lambda *a, **k: 0 * in_place(*a, **k),
        },
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


def conform_all(among=FLOATS + INTEGERS):
    for probe in probes():
        conform(*probe, among=among)


def test_the_probes_agree_as_long_as_nothing_is_planted():
    conform_all()


@pytest.mark.one_in(2)
@pytest.mark.parametrize("error", errors(fixed))
@pytest.mark.parametrize("executor", WHERE)
def test_a_planted_error_is_found(executor, error, monkeypatch):
    kind, modules, among = WHERE[executor]
    for module, numerics in modules.items():
        short = numerics.__name__.rsplit(".", 1)[-1]
        planted = {name: wrong for name, wrong in errors(kind)[error].items() if isinstance(name, str)}
        if numerics is compiled:
            planted = {name[1]: wrong for name, wrong in errors(kind)[error].items() if not isinstance(name, str)}
        wrong = SimpleNamespace(**{**vars(numerics), **planted})
        if module == DENSE:
            monkeypatch.setattr(import_module(module).AbstractConnection, "loops", wrong)
        else:
            monkeypatch.setattr(import_module(module), short, wrong)
    if error == "saturation not counted" and executor in ("reference", "integers"):
        bounded = rule_module.bounded  # the reference's rules count there
        monkeypatch.setattr(rule_module, "bounded", lambda *a: (*bounded(*a)[:2], 0))
    with pytest.raises(AssertionError):
        conform_all(among)


IN_THE_COMPILED_LOOP = {
    "fires on the threshold": ("s = now > vth", "s = now >= vth"),
    "one unit more current": ("acc[i] += k * slow[i]", "acc[i] += k * slow[i] + 64"),
    "reset after instead of subtraction": ("u[i] = now - vth if s else now", "u[i] = 0 if s else now"),
    "local weights off by one": ("memory[at + i] = now", "memory[at + i] = now ^ 1"),
    "saturation not counted": ("clipped += beyond", "clipped += 0"),
    "one axon too few": ("before[tile.axon + tile.columns]]", "before[tile.axon + tile.columns - 1]]"),
}
"""The chip's simulator does not call the numerics, it repeats them: errors are planted in its text."""


PARTS = (decay, records, packets, somas, history, synapses, step)
"""Each after those that it calls."""


def interpreted(change=("", "")):
    """The compiled loop as plain Python, its modules as one, with a piece of their text exchanged."""
    text = "\n".join(inspect.getsource(part) for part in PARTS)
    assert not change[0] or text.count(change[0]) == 1
    text = text.replace(*change) if change[0] else text
    text = re.sub(r"^from (__future__|synergic\.hw_targets\.simulation\.kernels)\b.*$", "", text, flags=re.MULTILINE)
    # int64 with any element of an array is int64, also from numpy 2 on, and exact: widths are the business of numba.
    text = re.sub(r"np\.u?int(32|64)\(", "np.int64(", text)
    module = ModuleType("interpreted")
    module.jit = module.jit_parallel = lambda function: function
    exec(text, vars(module))

    def run_samples(program, state, packet_loss, first, last):
        records = {name: getattr(program, name).view(np.recarray) for name in ("groups", "heads", "tiles")}
        module.run_samples(program._replace(**records), state, packet_loss, first, last)

    return SimpleNamespace(run_samples=run_samples)


def run_by(monkeypatch, loop):
    """Let the simulator run this loop, in one thread or in several."""
    for module in (simulator, workers):
        monkeypatch.setattr(module, "kernels", loop)


def test_the_loop_agrees_as_plain_python(monkeypatch):
    run_by(monkeypatch, interpreted())
    conform_all(("integers", "chip"))


@pytest.mark.parametrize("error", IN_THE_COMPILED_LOOP)
def test_an_error_planted_in_the_compiled_loop_is_found(error, monkeypatch):
    run_by(monkeypatch, interpreted(IN_THE_COMPILED_LOOP[error]))
    with pytest.raises(AssertionError):
        conform_all(("integers", "chip"))
