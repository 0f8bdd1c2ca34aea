# SPDX-License-Identifier: BSD-3-Clause
"""The executors under test, the networks they are tried on, and what "agree" means.

Floating point: reference (`simulate`) and Lava, within TOLERANCE of the membrane and with the very same spikes.
Integers: `simulate` of the quantised network, Lava in fixed point, the chip's simulator, C, the chip inside Lava:
bit for bit in spikes, potentials, final local weights, homeostatic biases and counts of saturated values.
"""

import numpy as np
from hypothesis import strategies as st

import synergic as sy
from conformance.c_programs import COMPILER, run_in_c
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.hw_targets.mapping import map_network
from synergic.hw_targets.simulation import simulate_on_chip
from synergic.processes import run_in_lava

TOLERANCE = 1e-9

EXECUTORS = {
    "reference": lambda net, spikes, told: sy.simulate(net, spikes, signal=told),
    "lava float": lambda net, spikes, told: run_in_lava(net, spikes, signal=told),
    "integers": lambda net, spikes, told: sy.simulate(net, spikes, signal=told),
    "lava fixed": lambda net, spikes, told: run_in_lava(net, spikes, signal=told),
    "chip": lambda net, spikes, told: simulate_on_chip(map_network(net), spikes, signal=told)[0],
    "c": lambda net, spikes, told: run_in_c(net, spikes, told, options=("-O0",)),  # test_c.py optimises
    "chip in lava": lambda net, spikes, told: run_in_lava(net, spikes, ChipSimCfg(), signal=told),
}
FLOATS = ("reference", "lava float")
INTEGERS = ("integers", "chip", *(("c",) if COMPILER else ()), "lava fixed")
"""Lava, which takes longest, comes last. C only where a compiler is; test_c.py says where it is not."""


def assert_agree(want, got, tolerance, who):
    """Two records are the same run."""
    # Values that neurons send are real numbers, spikes are far apart.
    for part in ("spikes", "u", "local_weights", "homeostatic_bias"):
        assert getattr(want, part).keys() == getattr(got, part).keys(), f"{who}: {part}"
        for name, values in getattr(want, part).items():
            gap = np.abs(values - getattr(got, part)[name]).max(initial=0)
            assert gap <= tolerance * max(1.0, np.abs(values).max(initial=0)), f"{who}: {part} of {name} by {gap}"
    assert want.saturated == got.saturated, f"{who}: saturated {want.saturated} {got.saturated}"


def conform(network, inputs, more=(), signal=None, among=FLOATS + INTEGERS):
    """Run a network through every executor; AssertionError names the first that disagrees. Returns the records.

    more : an executor that is not among all. among : which to run, where an error is planted in one: it is to be
    found between these, and the others would take as long to say nothing about it.
    """
    among = (*among, *more)
    rounding = "stochastic" if network.streams and len(inputs) % 2 else "nearest"
    integer = sy.quantise(network, rounding=rounding, local_bits=8 if rounding == "stochastic" else 16)
    if signal is None and any(p.plastic and p.rule.signalled for p in network.projections):
        signal = np.random.default_rng(0).uniform(-2, 2, inputs.shape[:2])
    told = None if signal is None else integer.encode_signal(signal)
    whole = integer.encode(inputs) if network.source.num_message_bits else inputs
    records = {}
    for kind, tolerance, *given in ((FLOATS, TOLERANCE, network, inputs, signal), (INTEGERS, 0, integer, whole, told)):
        for name in (*kind, *(() if kind == FLOATS else ("chip in lava",))):
            if name not in among:
                continue
            records[name] = EXECUTORS[name](*given)
            assert_agree(records[kind[0]], records[name], tolerance, name)
    return records


def draw_rule(draw, rng, n_in, n_out, coarse):
    """A local rule; coarse: numbers that floats and integers hold exactly."""

    def some(low, high, size):
        size = draw(st.sampled_from([(), (size,)]))
        return np.round(rng.uniform(low, high, size) * 16) / 16 if coarse else rng.uniform(low, high, size)

    others = sorted(n for n, rule in sy.Rule.registry.items() if rule.__module__.startswith("synergic."))
    name = draw(st.sampled_from(["Hebbian", "Hebbian", *others]))
    if name != "Hebbian":
        # Rates at which a difference of rounding does not grow from step to step.
        ranges = {"rate": (-0.06, 0.06), "plain": (-1, 1)}
        sizes = {"pre": n_in, "post": n_out}
        values = {}
        for key, (kind, per) in sy.Rule.registry[name].parameters().items():
            if kind == "share":
                values[key] = draw(st.sampled_from([0.0, 0.5, 0.9375, 1.0]))
            else:
                values[key] = some(*ranges[kind], sizes[per]) if per else round(rng.uniform(*ranges[kind]) * 16) / 16
        mask = draw(st.sampled_from([None, rng.random((n_out, n_in)) < 0.7]))
        return sy.Rule.registry[name](**values, p_max=draw(st.sampled_from([0.5, 1.0, 4.0])), mask=mask)
    return sy.Hebbian(
        eta=some(-0.4, 0.4, n_in),
        beta=some(-1, 1, n_out),
        lambda_=draw(st.sampled_from([0.0, 0.5, 0.95, 1.0])),
        rho=draw(st.sampled_from(["tanh", "identity"])),
        sign=draw(st.sampled_from([1, -1])),
        p_max=draw(st.sampled_from([0.5, 1.0, 4.0])),
        mask=draw(st.sampled_from([None, rng.random((n_out, n_in)) < 0.7])),
    )


def draw_neuron(draw, rng, n, style):
    """A kind of neuron, or None for the plain one, with parameters of its own or one for all."""
    kind = draw(st.sampled_from([None, None, None, "CurrentLIF", "LoihiLIF", *(() if style == "loud" else OTHERS)]))
    size = draw(st.sampled_from([(), (n,)]))
    share = draw(st.sampled_from([0.0, 0.5, 0.9375, 1.0])) + np.zeros(size)
    if kind in ("CurrentLIF", "LoihiLIF"):
        return sy.Neuron.registry[kind](share)
    if kind == "RefractoryLIF":
        return sy.RefractoryLIF(rng.integers(1, 5, size), share)
    if kind == "AdaptiveLIF":
        jump = rng.integers(0, 5, size) / 16 if style == "coarse" else rng.uniform(0, 0.5, size)
        return sy.AdaptiveLIF(jump, share)
    if kind == "Table":
        random = rng.random(256)
        return sy.Table.of(draw(st.sampled_from(["sigmoid", "tanh", "exp", lambda x: random])))
    return kind and sy.ReLU()


OTHERS = ("AdaptiveLIF", "RefractoryLIF", "ReLU", "Table")


def draw_homeostasis(draw, rng, n, vth, style):
    """None mostly; else an intrinsic bias, also one that meets its bound. loud: the bias has little room in 24 bits."""
    if not draw(st.sampled_from([False, False, True])):
        return None
    limit = vth * draw(st.sampled_from([0.05, 0.05 if style == "loud" else 1.0]))
    size = draw(st.sampled_from([(), (n,)]))
    target, start = rng.uniform(-0.5, 0.5, size), rng.uniform(-limit, limit, size) * draw(st.sampled_from([0, 1]))
    rate, rho = vth * draw(st.sampled_from([0.0, 0.01, 0.5])), draw(st.sampled_from(["tanh", "identity"]))
    return sy.Homeostasis(target, rate, limit, rho, start)


def draw_weights(rng, style, n_in, n_out):
    """Slow weights: any; or quarters, exact in floats and integers; or so large that sums meet the 24 bits."""
    if style == "loud":
        return rng.uniform(1.5, 2.0, (n_out, n_in))
    if style == "coarse":
        weights = rng.integers(-4, 8, (n_out, n_in)) / 4
        weights[0, 0] = 127 / 64  # the scale of the integers is 64
        return weights
    return rng.normal(0, 2 / np.sqrt(n_in), (n_out, n_in))


SIZES, LOUD = (1, 2, 3, 7, 20, 255, 256, 257), (255, 256, 257)
"""Across the borders of a tianjic's cores; where potential piles up, 172 inputs or more are needed for that."""


@st.composite
def networks(draw, sizes=SIZES, loud=LOUD):
    """A network and its input. sizes, loud : of populations, the latter of the third style below.

    plain: random numbers. coarse: potentials that meet the threshold exactly. loud: under a threshold out of reach
    potential piles up until integer membranes saturate. values: graded input of 8 bits. Sizes cross the borders of
    cores; with or without feedback, skips and delays; with all kinds of neurons, so that values also begin inside.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    style = draw(st.sampled_from(["plain", "coarse", "loud", "values"]))
    size = st.sampled_from(loud if style == "loud" else sizes)
    sizes = draw(st.lists(size, min_size=2, max_size=2 if style == "loud" else 4))
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations, projections = [], []

    def connect(name, source, target, plastic):
        n_in, n_out = sizes[names.index(source)], sizes[names.index(target)]
        local = {}
        if plastic:
            rule = draw_rule(draw, rng, n_in, n_out, style == "coarse")
            alpha = rng.uniform(-0.3, 0.3, draw(st.sampled_from([(), (n_out,)])))
            plasticity_scope = draw(st.sampled_from(["per_sample", "per_sample", "frozen", "stream", "stream"]))
            start = rng.uniform(-rule.p_max, rule.p_max, (n_out, n_in)) if draw(st.booleans()) else None
            start = start if start is None or rule.mask is None else start * rule.mask
            memory = draw(st.sampled_from([1, 2, 30]))
            local = {"rule": rule, "alpha": alpha, "local_weights": start, "plasticity_scope": plasticity_scope}
            local |= {"memory": memory}
        weights, fades = draw_weights(rng, style, n_in, n_out), draw(st.sampled_from([True, True, False]))
        delay = draw(st.sampled_from([0, 0, 1, 2, 7]))
        projections.append(sy.Projection(name, source, target, weights, **local, fades=fades, delay=delay))

    for i, n in enumerate(sizes[1:], 1):
        reset = draw(st.sampled_from(["subtract", "zero"]))
        if style == "loud":
            vth, decay, bias = 2060.0, 1.0, 0.0
        elif style == "coarse":
            vth, decay, bias = rng.choice([0.25, 0.5, 1.0]), rng.choice([0.0, 0.5, 1.0]), 0.0
        else:
            vth, decay, bias = rng.uniform(0.1, 1), rng.uniform(0, 1), rng.uniform(-0.1, 0.1, n)
        neuron = draw_neuron(draw, rng, n, style)
        decay = decay if neuron is None or neuron.memory else 0.0
        rule = draw_homeostasis(draw, rng, n, vth, style)
        onset = draw(st.sampled_from([None, None, 0, 1]))
        populations.append(sy.Population(names[i], n, vth, decay, reset, bias, neuron, rule, onset))
        connect(f"c{i}", names[i - 1], names[i], draw(st.booleans()))
    # In fixed point a population hears either values or spikes: feedback ends where the like of it is heard.
    sent = [style == "values", *(p.num_message_bits == 8 for p in populations)]
    alike = [i for i in range(1, len(sizes) - 1) if sent[i - 1] == sent[-1]]
    if alike and draw(st.booleans()):
        connect("feedback", names[-1], names[alike[0]], draw(st.booleans()))
    if len(sizes) > 2 and sent[0] == sent[-2] and draw(st.booleans()):
        connect("skip", "in", names[-1], draw(st.booleans()))
    if style != "loud" and sent[-2] == sent[-1] and draw(st.booleans()):
        connect("self", names[-1], names[-1], draw(st.booleans()))
    steps = 6 if style == "loud" else draw(st.integers(1, 6))
    tau_w = draw(st.sampled_from([float("inf"), 40.0])) if style == "plain" else float("inf")
    source = sy.Source("in", sizes[0], 8 if style == "values" else 0)
    network = sy.Network(source, tuple(populations), tuple(projections), names[-1], steps, tau_w=tau_w)
    rate = draw(st.sampled_from([1.0, 0.5, 0.1, 0.0]))
    inputs = rng.random((draw(st.integers(1, 3)), steps, sizes[0])) < rate
    return network, inputs * rng.random(inputs.shape) if style == "values" else inputs.astype(int)
