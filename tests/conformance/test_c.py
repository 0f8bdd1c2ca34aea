# SPDX-License-Identifier: BSD-3-Clause
"""Networks as C against the integers of the reference, bit for bit: generated, extreme, and with errors planted."""

import dataclasses
import re
import subprocess
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from networks import plastic_network, random_spikes
from user_neuron import Draining
from user_rule import Habit

import synergic as sy
from conformance.c_programs import COMPILER, SANITIZED, STRICT, WHY_NOT, Compiled, run_in_c
from conformance.executors import assert_agree, networks
from synergic.errors import UnsupportedError
from synergic.interchange import c_footprint, read_c_state, to_c
from synergic.interchange._c._c_program import CProgram

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
SLOW = {"deadline": None, "suppress_health_check": list(HealthCheck)}
RULES = {
    "Hebbian": sy.Hebbian(0.1, 0.1), "Oja": sy.Oja(0.05), "BCM": sy.BCM(0.1), "PairSTDP": sy.PairSTDP(0.2, 0.1),
    "ThreeFactor": sy.ThreeFactor(0.1), "Habit": Habit(0.2),
}  # fmt: skip
NEURONS = {
    "LIF": None, "CurrentLIF": sy.CurrentLIF(0.5), "AdaptiveLIF": sy.AdaptiveLIF(0.2, 0.9), "ReLU": sy.ReLU(),
    "RefractoryLIF": sy.RefractoryLIF(2, 0.5), "LoihiLIF": sy.LoihiLIF(0.5),
    "Table": sy.Table.of("sigmoid"), "Draining": Draining(0.05),
}  # fmt: skip


def told(network, inputs):
    """A signal, if a rule of an integer network needs one."""
    if not any(p.plastic and p.rule.signalled for p in network.projections):
        return None
    return network.encode_signal(np.random.default_rng(5).uniform(-2, 2, inputs.shape[:2]))


def whole(network, inputs):
    """A network in integers, its input, its signal."""
    integer = network if network.integer else sy.quantise(network)
    inputs = integer.encode(inputs) if integer.source.num_message_bits and not network.integer else inputs
    return integer, inputs, told(integer, inputs)


def chain(rule, values=False, **changes):
    """Two plastic layers and plastic feedback to the first."""
    rng = np.random.default_rng(4)
    sizes = {"in": 9, "hidden": 7, "out": 4}

    def connect(name, source, target):
        weights = rng.normal(0, 2 / np.sqrt(sizes[source]), (sizes[target], sizes[source]))
        start = rng.uniform(-0.3, 0.3, weights.shape)
        own = rule
        if "masked" in changes:
            own = dataclasses.replace(rule, mask=rng.random(weights.shape) < changes["masked"])
            start = start * own.mask
        scope = changes.get("scope", "per_sample")
        return sy.Projection(name, source, target, weights, own, rng.uniform(0, 0.1, sizes[target]), start, scope)

    ways = [connect("c1", "in", "hidden"), connect("c2", "hidden", "out")]
    ways += [] if values else [connect("back", "out", "hidden")]
    populations = tuple(
        sy.Population(n, sizes[n], 0.4, 0.5, changes.get("reset", "subtract")) for n in ("hidden", "out")
    )
    source = sy.Source("in", 9, 8 if values else 0)
    network = sy.Network(source, populations, tuple(ways), "out", 6, changes.get("readout", "rank"), tau_w=40.0)
    inputs = rng.random((3, 6, 9))
    return network, inputs if values else (inputs < 0.4).astype(int)


def kinds(name, neuron, reset="subtract"):
    """A population of a kind of neurons, and one that it drives."""
    rng = np.random.default_rng(6)
    decay = 0.5 if neuron is None or neuron.memory else 0.0
    populations = (
        sy.Population("kind", 6, 0.4, decay, reset, rng.uniform(-0.1, 0.1, 6), neuron),
        sy.Population("out", 3, 0.4, 0.5),
    )
    ways = (
        sy.Projection("c1", "in", "kind", rng.normal(0.1, 0.4, (6, 8))),
        sy.Projection("c2", "kind", "out", rng.normal(0.1, 0.4, (3, 6))),
    )
    network = sy.Network(sy.Source("in", 8), populations, ways, "kind", 8, "rate")
    return network, (rng.random((3, 8, 8)) < 0.4).astype(int)


def convolved():
    """A convolution with padding, stride and groups, with masked local weights, and a sparse layer behind it."""
    rng = np.random.default_rng(7)
    shape = sy.Convolution((3, 2), (6, 5), stride=2, padding=1, dilation=1, groups=2)
    kernel = rng.normal(0, 0.5, (4, 1, 3, 2))
    first = sy.Projection.of_kernel("conv", "in", "maps", kernel, shape)
    mask = first.weights != 0
    rule = sy.Hebbian(rng.uniform(0, 0.2, 60), 0.1, mask=mask)
    first = sy.Projection.of_kernel("conv", "in", "maps", kernel, shape, rule=rule, alpha=0.2)
    n = len(first.weights)
    sparse = np.where(rng.random((5, n)) < 0.1, rng.normal(0, 1, (5, n)), 0)
    populations = (sy.Population("maps", n, 0.4, 0.5, bias=0.2), sy.Population("out", 5, 0.4, 0.9, "zero"))
    ways = (first, sy.Projection("sparse", "maps", "out", sparse))
    network = sy.Network(sy.Source("in", 60), populations, ways, "out", 5, "rate")
    return network, (rng.random((3, 5, 60)) < 0.5).astype(int)


def on_the_threshold():
    """A potential that meets the threshold exactly in step 2."""
    projection = sy.Projection("c", "in", "out", [[0.5, 0.0], [0.0, 127 / 64]])
    population = sy.Population("out", 2, 1.0, 1.0)
    network = sy.Network(sy.Source("in", 2), (population,), (projection,), "out", 3)
    return network, np.array([[[1, 0], [1, 0], [0, 0]]])


def loud():
    """Membranes that saturate, upwards and downwards."""
    weights = np.full((3, 257), 2.0)
    weights[1] = -2.0
    population = sy.Population("out", 3, 2060.0, 1.0)
    network = sy.Network(sy.Source("in", 257), (population,), (sy.Projection("c", "in", "out", weights),), "out", 6)
    return network, np.ones((2, 6, 257), int)


def bounded():
    """Local weights that meet their bound."""
    network = plastic_network(recurrent=True, p_max=0.2)
    return network, random_spikes(network, rate=0.5)


def streaming(rule, rounding="stochastic", bits=8, values=False, memory=3, **changes):
    """Integers whose local weights live on over many presentations, begun in the middle of a sequence."""
    network, inputs = chain(rule, values, scope="stream", **changes)
    ways = tuple(dataclasses.replace(q, memory=memory) for q in network.projections)
    network = sy.quantise(dataclasses.replace(network, projections=ways), 8, bits, rounding, seed=5)
    inputs = np.concatenate([np.roll(inputs, n, axis=2) for n in range(3)])
    return dataclasses.replace(network, presented=2**40 + 7), network.encode(inputs) if values else inputs


def streaming_convolution():
    """Local weights of a convolution that live on, beside those of a layer that learns anew in each presentation."""
    network, inputs = convolved()
    first, sparse = (dataclasses.replace(q, plasticity_scope="stream", memory=2) for q in network.projections)
    sparse = dataclasses.replace(sparse, rule=sy.BCM(0.1), alpha=0.1, plasticity_scope="per_sample")
    network = dataclasses.replace(network, projections=(first, sparse))
    return sy.quantise(network, rounding="stochastic"), np.concatenate([inputs, inputs[::-1]])


def adapting(neuron=None, limit=0.4, start=0.0, scope="frozen", masked=None):
    """Hidden neurons, or all, with an intrinsic bias, in the middle of a sequence."""
    network, inputs = chain(RULES["Hebbian"], scope=scope, **({} if masked is None else {"masked": masked}))
    rng, decay = np.random.default_rng(9), 0.5 if neuron is None or neuron.memory else 0.0
    first, second = network.populations
    rule = sy.Homeostasis(rng.uniform(-0.3, 0.3, 7), 0.1, limit, start=start * rng.uniform(-1, 1, 7))
    neuron = neuron or first.neuron
    first = dataclasses.replace(first, decay=decay, homeostasis=rule, bias=rng.uniform(-0.1, 0.1, 7), neuron=neuron)
    second = dataclasses.replace(second, homeostasis=sy.Homeostasis(0.1, 0.05, limit, "identity"))
    network = dataclasses.replace(network, populations=(first, second))
    network = sy.quantise(network, rounding="stochastic", local_bits=12)
    return dataclasses.replace(network, presented=9), np.concatenate([inputs, inputs[::-1]])


PROBES = {
    "homeostasis": adapting,
    "homeostasis begun": lambda: adapting(start=0.4, limit=0.5),
    "homeostasis at its bound": lambda: adapting(limit=0.01),
    "homeostasis of a stream": lambda: adapting(scope="stream", masked=0.4),
    "homeostasis of local weights": lambda: adapting(scope="per_sample"),
    **{
        f"homeostasis of {name}": lambda neuron=neuron: adapting(neuron)
        for name, neuron in NEURONS.items()
        if name not in ("LIF", "ReLU", "Table")  # feedback of values would meet spikes
    },
    **{f"rule {name}": lambda rule=rule: chain(rule) for name, rule in RULES.items()},
    **{f"values {name}": lambda rule=rule: chain(rule, values=True) for name, rule in RULES.items()},
    **{f"masked {name}": lambda rule=rule: chain(rule, masked=0.4) for name, rule in RULES.items() if name != "Habit"},
    **{f"neuron {name}": lambda name=name: kinds(name, NEURONS[name]) for name in NEURONS},
    **{f"zero {name}": lambda name=name: kinds(name, NEURONS[name], "zero") for name in NEURONS},
    **{f"stream {name}": lambda rule=rule: streaming(rule) for name, rule in RULES.items()},
    **{
        f"stream of values {name}": lambda rule=rule: streaming(rule, "nearest", 16, True)
        for name, rule in RULES.items()
    },
    **{
        f"masked stream {name}": lambda rule=rule: streaming(rule, masked=0.4)
        for name, rule in RULES.items()
        if name != "Habit"
    },
    "masked stream to nearest": lambda: streaming(RULES["PairSTDP"], "nearest", 16, masked=0.4),
    "stream of one": lambda: streaming(sy.Hebbian(0.4, 0.3, p_max=0.3), memory=1, reset="zero", readout="rate"),
    "stream of many": lambda: streaming(RULES["Hebbian"], "stochastic", 16, memory=2**20),
    "stream of a convolution": streaming_convolution,
    "frozen": lambda: chain(RULES["Hebbian"], scope="frozen", readout="rate"),
    "identity": lambda: chain(sy.Hebbian(0.1, 0.1, rho="identity", sign=-1), reset="zero"),
    "convolved": convolved,
    "threshold": on_the_threshold,
    "loud": loud,
    "bounded": bounded,
}
"""Networks that use everything, small."""


def only_first(line):
    """What is planted to leave out a line for all neurons but the first."""
    return line, f"if (row_ == 0) {line.strip()}"


def retained_of(probe):
    """The share of P that the writes of a probe keep, as the C text has it, and one."""
    stream = CProgram(whole(*PROBES[probe]())[0]).streams[0].stream
    return f"INT64_C({stream.retained})", f"INT64_C({1 << stream.bits})"


def extremes(rule_bits=16):
    """Integers at the ends of their ranges: weights, local weights, bounds, rates, tables, biases, values."""
    kinds = (("Hebbian", True), ("Hebbian", False), ("PairSTDP", False), ("Oja", True), ("BCM", True),
             ("ThreeFactor", True))  # fmt: skip
    for scope, (name, values) in product(("per_sample", "stream"), kinds):
        network, inputs = chain(RULES[name], values=values, scope=scope)
        ways = tuple(dataclasses.replace(q, memory=1) for q in network.projections)
        rounding = "nearest" if values else "stochastic"
        network = sy.quantise(dataclasses.replace(network, projections=ways), local_bits=rule_bits, rounding=rounding)
        rng, ways = np.random.default_rng(8), []
        for q in network.projections:
            own, low = q.rule, -(2**15) if name == "Hebbian" else -(2**15) + 1
            new = {}
            for key, parameter in own.parameters().items():
                top = 4096 if parameter.kind == "share" else 2**15 - 1
                size = {"pre": q.n_in, "post": q.n_out}.get(parameter.per)
                new[key] = rng.choice([0 if top == 4096 else low, top], size) if size else top
            new |= {"table": rng.choice([-(2**15), 2**15 - 1], 256)} if name == "Hebbian" else {}
            own = dataclasses.replace(own, **new)
            weights = rng.choice([-128, 127], q.weights.shape)
            local = rng.choice([-own.p_top, own.p_top], q.weights.shape)
            alpha = rng.choice([-(2**23), 2**23 - 1], q.n_out)
            ways.append(dataclasses.replace(q, weights=weights, rule=own, local_weights=local, alpha=alpha))
        populations = tuple(
            dataclasses.replace(p, bias=rng.choice([-(2**23), 2**23 - 1], p.size), decay=4096)
            for p in network.populations
        )
        ends = np.where(inputs > 0.3, 255 if values else 1, 0)
        yield dataclasses.replace(network, projections=tuple(ways), populations=populations), ends


def compare(network, inputs, signal, ran):
    """A run in C is that of the reference, with the classes, and with the state that the table of sizes has."""
    record, classes, size = ran
    want = sy.simulate(network, inputs, signal=signal)
    assert_agree(want, record, 0, "c")
    assert (classes == want.classes(network)).all()
    assert size == c_footprint(network).ram


def compare_all(cases, **settings):
    """Many networks, with one compilation."""
    cases = [whole(*case) for case in cases]
    made = Compiled([network for network, _, _ in cases], **settings)
    for i, (network, inputs, signal) in enumerate(cases):
        compare(network, inputs, signal, made.run(i, inputs, signal))
    return cases


def generated(count):
    """Networks of the conformance suite in integers; streams round to nearest in half of them, else by random words."""
    found = []

    @settings(max_examples=2 * count, database=None, phases=[Phase.generate], **SLOW)
    @given(networks())
    def collect(case):
        if len(found) < count:
            network, inputs = case
            rounding = ("nearest", "stochastic")[len(found) % 2]
            integer = sy.quantise(
                network, local_bits=16 - 8 * (len(found) % 3 == 2), rounding=rounding, seed=len(found)
            )
            found.append((integer, integer.encode(inputs) if network.source.num_message_bits else inputs))

    collect()
    return found


# Two hundred networks, in parts that run beside each other, with one compilation each.
@pytest.mark.filterwarnings("ignore:.*rounds to 0")
@pytest.mark.slow
@pytest.mark.parametrize("examples", [20, 40, 70, 71])
def test_generated_networks_agree(examples):
    cases = compare_all(generated(examples), options=("-O0",))
    assert len(cases) >= examples
    learning = [q for network, _, _ in cases for q in network.projections if q.plastic]
    assert len({q.rule.rule_type.__name__ for q in learning}) > 1
    assert {q.streams for q in learning} == {True, False}


@pytest.mark.parametrize("optimised", ["-O0", *(pytest.param(o, marks=pytest.mark.slow) for o in ("-O1", "-O2"))])
def test_every_part_agrees(optimised):
    compare_all([make() for make in PROBES.values()], options=(optimised,))


def test_integers_at_the_ends_of_their_ranges_agree():
    cases = compare_all(list(extremes()), options=("-O2",))
    counted = [sy.simulate(*case[:2], signal=case[2]).saturated for case in cases]
    assert all(c["hidden.u"] > 0 for c in counted), "membranes saturate"
    for part in (counted[:6], counted[6:]):
        assert sum(c["c1.P"] > 0 for c in part) >= 3, "local weights meet their bound, of streams too"


@pytest.mark.filterwarnings("ignore:.*rounds to 0")
def test_all_widths_of_weights_agree():
    network, inputs = chain(RULES["Hebbian"])
    asked = [(w, p) for w in (2, 8, 9, 16) for p in (8, 9, 16)]
    widths = [sy.quantise(network, *bits) for bits in asked]
    compare_all([(integer, inputs) for integer in widths])
    for integer, (w, p) in zip(widths, asked, strict=True):
        way = CProgram(integer).projections[0]
        assert way.weights.width == (1 if w <= 8 else 2)
        assert way.P.width == (1 if p == 8 else 2)


def c_program(network, folder, *options):
    """The program for a computer, as its text says, compiled."""
    to_c(network, folder, "ours")
    made = [COMPILER, *STRICT, *options, "-Isrc", "-o", "ours", "main.c", "src/ours.c"]
    done = subprocess.run(made, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "ours"


def typed(network, inputs, signal):
    """What the program reads."""
    lines = inputs.reshape(-1, inputs.shape[-1])
    lines = lines if signal is None else np.column_stack([signal.reshape(-1), lines])
    return "\n".join(" ".join(map(str, line)) for line in lines.tolist())


SANE = ["homeostasis", "homeostasis begun", "homeostasis of a stream", "homeostasis at its bound",
        "rule Hebbian", "values Oja", "masked BCM", "rule PairSTDP", "masked ThreeFactor", "neuron CurrentLIF",
        "zero AdaptiveLIF", "neuron ReLU", "neuron Table", "convolved", "loud", "bounded", "extreme 0", "extreme 2",
        "extreme 3", "extreme 4", "extreme 5", *(f"extreme {n}" for n in range(6, 12)),
        "stream Hebbian", "masked stream Oja", "stream of values BCM",
        "stream PairSTDP", "masked stream ThreeFactor", "stream of one", "stream of a convolution"]  # fmt: skip


@pytest.mark.one_in(5)
@pytest.mark.parametrize("name", SANE)
def test_the_program_runs_clean_under_sanitizers_and_its_local_weights_come_back(name, tmp_path):
    case = list(extremes())[int(name.split()[1])] if name.startswith("extreme") else PROBES[name]()
    network, inputs, signal = whole(*case)
    program = c_program(network, tmp_path, "-O1", *SANITIZED)
    learns = any(q.plastic for q in network.projections)
    arguments = [str(program), *(["local.bin"] if learns else [])]
    done = subprocess.run(arguments, cwd=tmp_path, input=typed(network, inputs, signal), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    want = sy.simulate(network, inputs, signal=signal)
    assert [int(line) for line in done.stdout.split()] == want.classes(network).tolist()
    if learns:
        learned = read_c_state(network, tmp_path / "local.bin")
        for q in learned.projections:
            if q.plastic:
                assert (q.local_weights == want.local_weights[q.name][-1]).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [("0 1", "sample 0: too few numbers"), ("0 " * 5 + "2", "beyond 0 .. 1"), ("a", "sample 0: too few"), ("", "")],
)
def test_the_program_refuses_what_is_no_sample(text, said, tmp_path):
    network, _, _ = whole(*on_the_threshold())
    done = subprocess.run([c_program(network, tmp_path)], input=text, capture_output=True, text=True)
    assert said in done.stderr
    assert done.returncode == (2 if said else 0)


def only_later(line):
    """What is planted to leave out a line when a presentation begins, and not in the very first one."""
    return line, f"if (net->step > 99) {line}"


PLANTED = {
    "homeostasis: not added": ("homeostasis", "own_bias + rshift(net->c_hidden[row_], 8)", "own_bias"),
    "homeostasis: rounded down": ("homeostasis", "change = rshift(", "change = ashift("),
    "homeostasis: of the potential after the reset": ("homeostasis", "clip(ashift((int64_t)net->u_hidden[row_]",
                                                      "clip(ashift((int64_t)after"),
    "homeostasis: the last step forgotten": ("homeostasis", "if (!net->written) {", "if (net->step < 5) {"),
    "homeostasis: sums of the last presentation": ("homeostasis", *only_later("memset(net->total_hidden,")),
    "homeostasis: bound": ("homeostasis at its bound", "- change, -", "- change, 1 -"),
    "homeostasis: one target for all": ("homeostasis", "target_hidden[row_]", "target_hidden[0]"),
    "homeostasis: start forgotten": ("homeostasis begun", "memcpy(net->c_hidden, c_start_hidden,",
                                     "(void)(net->c_hidden,"),
    "homeostasis: not written": ("homeostasis", "        adapt_hidden(net);", ""),
    "fires on the threshold": ("threshold", "sent = u > vth;", "sent = u >= vth;"),
    "one unit more current": ("rule Oja", "(int64_t)slow;", "(int64_t)slow + 64;"),
    "one local weight too many": ("rule Oja", "(int64_t)local;", "(int64_t)(local + 1);"),
    "no decay of the slow weights": ("rule Oja", "k = slow_decay[net->step]", "k = 4096 + 0 * slow_decay[net->step]"),
    "the last input forgotten": ("rule Oja", "j < inputs", "j < inputs - 1"),
    "reset to zero instead of subtraction": ("neuron LIF", "const int64_t subtract = 1", "const int64_t subtract = 0"),
    "subtraction instead of reset to zero": ("zero LIF", "const int64_t subtract = 0", "const int64_t subtract = 1"),
    "reset of the helper": ("neuron LIF", "u - vth * sent", "u - vth * sent + sent"),
    "rounds down": ("neuron LIF", "ashift(a + ((int64_t)1 << (n - 1)), n)", "ashift(a, n)"),
    "shifts towards zero": ("neuron LIF", "~(~a >> n)", "-(-a >> n)"),
    "potential saturates too late": ("loud", "8388607", "8388608"),
    "potential saturates too early": ("loud", "-8388608", "-8388607"),
    "saturation not counted": ("loud", "*saturated += within != a", "*saturated += within != a && a < 0"),
    "local bound not counted": ("bounded", "*saturated += within != a", "*saturated += 0 * (within != a)"),
    "local bound too wide": ("bounded", "bounded(P, -32767, 32767", "bounded(P, -32767, 32766"),
    "lag forgotten": ("rule Oja", "net->sent_out[1]", "net->sent_out[0]"),
    "history not moved": ("rule Oja", "memmove(net->sent_out[1]", "memmove(net->sent_out[0]"),
    "spikes of the last presentation": ("rule Oja", *only_later("memset(net->sent_out,")),
    "potential of the last presentation": ("rule Oja", *only_later("memset(net->rest_out,")),
    "traces of the last presentation": ("rule PairSTDP", *only_later("memset(net->before_c1,")),
    "local weights of the last presentation": ("rule Oja", *only_later("restore_local(net);")),
    "Hebbian decay": ("rule Hebbian", "P = rshift(lambda_ * P, 12);", "P = rshift((lambda_ - 1) * P, 12);"),
    "Hebbian of silent inputs": ("rule Hebbian", "s == 0 && P == 0", "s == 0"),
    "Hebbian growth": ("rule Hebbian", "sign * eta * s * q", "sign * eta * s * (q + 1)"),
    "Hebbian table": ("rule Hebbian", "20) + 128", "20) + 127"),
    "Oja forgetting": ("rule Oja", "rshift(P * unit, 32)", "rshift(P * unit, 31)"),
    "Oja growth": ("rule Oja", "(s - forgotten)", "(s - forgotten - 4)"),
    "BCM positive part": ("rule BCM", "x > 0 ? x : 0", "x"),
    "BCM threshold": ("rule BCM", "(4096 - decay) * y * y", "(4095 - decay) * y * y"),
    "BCM growth": ("rule BCM", "rshift(change * (eta * s)", "rshift((change + 1) * (eta * s)"),
    "STDP potentiation": ("rule PairSTDP", "eta_plus * fired * before", "eta_plus * fired * (before - 1)"),
    "STDP depression": ("rule PairSTDP", "- after * (eta_minus * s)", "- after * ((eta_minus + 9) * s)"),
    "STDP trace of inputs": ("rule PairSTDP", "decay_plus * before, 12) + s", "decay_plus * before, 12) + s - (s > 0)"),
    "STDP trace of neurons": ("rule PairSTDP", "after += fired;", "after = fired;"),
    "eligibility": ("rule ThreeFactor", "decay * eligibility +", "(decay - 1) * eligibility +"),
    "global signal": ("rule ThreeFactor", "net->signal = signal;", "net->signal = signal + 1;"),
    "a user's rule": ("rule Habit", "keep * P", "(keep - 1) * P"),
    "values in a rule": ("values Oja", "rshift(4112 *", "rshift(4113 *"),
    "values in sums": ("values Hebbian", " * sent[net->active[a]]", " * (sent[net->active[a]] - 1)"),
    "the potential of a rule": ("rule Oja", "-32768, 32767)", "-32768, 3276)"),
    "spikes in a rule": ("rule PairSTDP", "? 4096 : 0", "? 4095 : 0"),
    "current": ("neuron CurrentLIF", "decay_i * current", "(decay_i - 1) * current"),
    "rounding of Loihi": ("neuron LoihiLIF", "decay * u / 4096", "rshift(decay * u, 12)"),
    "rest after a spike": ("neuron RefractoryLIF", "? refractory_period :", "? refractory_period + 1 :"),
    "current in the rest": ("neuron RefractoryLIF", "decay_i * current", "(decay_i - 1) * current"),
    "raised threshold": ("neuron AdaptiveLIF", "jump * sent", "(jump + 1) * sent"),
    "fallen threshold": ("neuron AdaptiveLIF", "decay_h * raised", "(decay_h - 1) * raised"),
    "rectified": ("neuron ReLU", "rshift(255 *", "rshift(254 *"),
    "table of values": ("neuron Table", "20), 7) + 128", "20), 7) + 129"),
    "a user's neuron": ("neuron Draining", "u > drain", "u >= drain + 999"),
    "kernel": ("convolved", "+ j * 1 - 1", "+ j * 1 - 0"),
    "kernel at the border": ("convolved", "row < 0 ||", "row < 1 ||"),
    "groups": ("convolved", "channel / 2 *", "channel / 4 *"),
    "sparse weights": ("convolved", "a < W_sparse_rows[row_ + 1]", "a + 1 < W_sparse_rows[row_ + 1]"),
    "masked sums": ("convolved", "a < P_conv_rows[row_ + 1]; ++a", "a + 1 < P_conv_rows[row_ + 1]; ++a"),
    "masked update": ("convolved", "at_ < P_conv_rows[row_ + 1]", "at_ + 1 < P_conv_rows[row_ + 1]"),
    "stream: decay": ("stream Hebbian", *retained_of("stream Hebbian")),
    "stream: growth": ("stream Hebbian", "gathered += s * q;", "gathered += s * (q + 99);"),
    "stream: share": ("stream Oja", "+ share * net->gathered_c1", "+ (share + 99999) * net->gathered_c1"),
    "stream: rounded down": ("stream of values Oja", "rshift(exact, 24)", "ashift(exact, 24)"),
    "stream: random word": ("stream Oja", "word >> 8", "word >> 9"),
    "stream: short random word": ("stream of many", "((int64_t)word << 10)", "((int64_t)word << 9)"),
    "stream: register stands still": ("stream Oja", "word = next_word(word);", "(void)next_word;"),
    "stream: taps": ("stream Oja", "(word >> 7)", "(word >> 6)"),
    "stream: words of one presentation in all": ("stream Oja", "++net->presented;", ""),
    "stream: words of another presentation": ("stream Oja", "key + presentation + 1u", "key + presentation + 2u"),
    "stream: no words for what the mask leaves out": (
        "masked stream Oja", "word = next_word(word); /*",
        "if (at_ < P_c1_rows[row_ + 1] && P_c1_columns[at_] == column_) word = next_word(word); /*",
    ),
    "stream: P of the start in each presentation": (
        "stream Oja", "net->written = 0;", "{ uint64_t n = net->presented; restore_lasting(net); net->presented = n; }"
        "net->written = 0;",
    ),
    "stream: never written again": ("stream Oja", "net->written = 0;", ""),
    "stream: nothing written": ("stream Oja", "        write_c2(net);", ""),
    "stream: written a step too early": ("stream Oja", "net->step == 5 && !", "net->step == 4 && !"),
    "stream: sums of the last presentation": ("masked stream Oja", *only_later("memset(net->gathered_c1,")),
    "stream: sums of the last neuron": ("stream Oja", *only_first("memset(net->gathered_c1,")),
    "stream: traces of the last neuron": ("stream PairSTDP", *only_first("        memset(net->before_c1,")),
    "stream: eligibility of all neurons": ("stream ThreeFactor", *only_first("        memset(net->eligibility_c1,")),
    "stream: signal": ("stream ThreeFactor", "past_signal[net->step] = net->signal", "past_signal[net->step] = 0"),
    "stream: bound": ("stream of one", "bounded(rounded, -127, 127", "bounded(rounded, -128, 127"),
    "stream: uncounted": ("stream of one", "bounded(rounded, -127, 127, saturated)", "clip(rounded, -127, 127)"),
    "counts of the read-out": ("neuron LIF", "counts[i] > net->counts", "counts[i] < net->counts"),
    "read-out of potentials": ("rule Oja", "net->u_out[i] > net->u_out[best]", "net->u_out[i] < net->u_out[best]"),
}  # fmt: skip
"""By error the probe, a piece of the generated C, and what is put in its place."""


@pytest.mark.one_in(5)
@pytest.mark.parametrize("error", PLANTED)
def test_an_error_planted_in_c_is_found(error):
    probe, old, new = PLANTED[error]
    network, inputs, signal = whole(*PROBES[probe]())
    options = ("-O1", "-Wno-error")
    compare(network, inputs, signal, Compiled([network], options=options).run(0, inputs, signal))
    with pytest.raises(AssertionError):
        compare(network, inputs, signal, Compiled([network], (old, new), options).run(0, inputs, signal))


@pytest.fixture
def textless(monkeypatch):
    """A rule and a neuron without C text: a subclass does not inherit it. Later tests do not know them."""
    for family in (sy.Rule, sy.Neuron):
        monkeypatch.setattr(family, "registry", dict(family.registry))
    names = {"__module__": __name__}
    return type("Silent", (Habit,), dict(names)), type("Undrained", (Draining,), dict(names))


def test_a_rule_or_neuron_without_c_text_is_refused_before_anything_is_written(textless, tmp_path):
    silent, undrained = textless
    network, _ = chain(silent(0.2))
    with pytest.raises(UnsupportedError, match=r"c1.rule: got Silent, which has no C text, allowed .*'Hebbian'"):
        to_c(sy.quantise(network), tmp_path / "made")
    assert not (tmp_path / "made").exists()
    frozen = dataclasses.replace(
        network, projections=tuple(dataclasses.replace(q, plasticity_scope="frozen") for q in network.projections)
    )
    compare_all([(frozen, chain(silent(0.2))[1])])  # what never runs needs no text
    network, _ = kinds("other", undrained(0.1))
    with pytest.raises(UnsupportedError, match=r"kind.neuron: got Undrained, which has no C text, allowed .*'LIF'"):
        to_c(sy.quantise(network), tmp_path / "made")


def test_names_become_identifiers(tmp_path):
    network, inputs = on_the_threshold()
    named = sy.Population("2 ö-a", 2, 1.0, 1.0)
    ways = (
        sy.Projection("in > a", "in", "2 ö-a", network.projections[0].weights, sy.Hebbian(0.1, 0.1), 0.1),
        sy.Projection("in < a", "in", "2 ö-a", network.projections[0].weights, sy.Hebbian(0.1, 0.1), 0.1),
    )
    compare_all([(sy.Network(network.source, (named,), ways, "2 ö-a", 3), inputs)])


def test_no_floating_point_and_no_other_library(tmp_path):
    network, _, _ = whole(*PROBES["rule ThreeFactor"]())
    to_c(network, tmp_path)
    text = "".join(path.read_text() for path in (tmp_path / "src").glob("*.[ch]"))
    assert set(re.findall(r"#include <(.*)>", text)) == {"stdint.h", "string.h"}
    assert not re.search(r"\b(float|double|malloc|calloc|free)\b", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def test_two_networks_in_one_program():
    first, second = whole(*PROBES["rule Oja"]()), whole(*PROBES["convolved"]())
    made = Compiled([first[0], second[0]])
    for _ in range(2):  # one after another, again
        for i, case in enumerate((first, second)):
            compare(*case, made.run(i, *case[1:]))


def test_one_network_alone():
    network, inputs, signal = whole(*PROBES["rule BCM"]())
    assert_agree(sy.simulate(network, inputs, signal=signal), run_in_c(network, inputs, signal), 0, "c")


def test_streams_run_in_both_forms():
    """Every rule is replayed at the end of a presentation somewhere, and adds up what it gathers somewhere."""
    forms = set()
    for name in PROBES:
        if "stream" in name:
            for q in CProgram(whole(*PROBES[name]())[0]).streams:
                forms.add((q.q.rule.rule_type.__name__, q.replays))
    assert forms == {(name, replays) for name in RULES for replays in (True, False)}


HOW_OFTEN = """
#include <stdio.h>
#include <string.h>
#include "net.h"
static net_state net, other;
static uint8_t bytes[NET_LOCAL_BYTES], again[NET_LOCAL_BYTES];
static uint8_t in[NET_INPUTS];
static void present(net_state *state, int seed, int steps)
{
    net_present_begin(state);
    for (int step = 0; step < steps; ++step) {
        for (int i = 0; i < NET_INPUTS; ++i) in[i] = (uint8_t)((seed * 7 + step * 5 + i * 3) % 11 < 4);
        net_step(state, in, 0);
    }
}
static int same(void)
{
    net_write_local(&net, bytes);
    net_write_local(&other, again);
    return memcmp(bytes, again, sizeof bytes) == 0;
}
int main(void)
{
    net_reset(&net);
    net_reset(&other);
    for (int n = 0; n < 3; ++n) { present(&net, n, NET_STEPS); present(&other, n, NET_STEPS + n); } /* too many */
    printf("%d", same());
    present(&other, 9, NET_STEPS - 1); /* one too few: as if it had not been */
    printf("%d", same());
    present(&net, 3, NET_STEPS); present(&other, 3, NET_STEPS);
    printf("%d", same());
    net_reset(&other); /* the device has been off */
    printf("%d", same());
    printf("%d", net_read_local(&other, bytes));
    for (int n = 4; n < 7; ++n) { present(&net, n, NET_STEPS); present(&other, n, NET_STEPS); }
    printf("%d", same());
    net_reset(&net); net_reset(&other);
    again[0] ^= 1;
    printf("%d", net_read_local(&other, again)); /* no local weights */
    net_write_local(&net, bytes);
    bytes[14] = bytes[16] = 127; /* beyond the bound */
    printf("%d", net_read_local(&other, bytes));
    net_write_local(&net, bytes);
    printf("%d\\n", same());
    return 0;
}
"""


@pytest.mark.parametrize(
    "probe",
    ["stream Hebbian", "masked stream Oja", "masked stream PairSTDP", "homeostasis begun", "homeostasis of a stream"],
)
def test_a_stream_is_written_once_a_presentation_and_goes_on_after_a_restart(probe, tmp_path):
    network, _, _ = whole(*PROBES[probe]())
    to_c(network, tmp_path)
    (tmp_path / "often.c").write_text(HOW_OFTEN)
    made = [COMPILER, *STRICT, "-O1", *SANITIZED, "-Isrc", "-o", "often", "often.c", "src/net.c"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([tmp_path / "often"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.split() == ["111011001"]


READ_BACK = {
    "nearest": lambda: streaming(RULES["Hebbian"], "nearest"),
    "stochastic": lambda: streaming(RULES["Hebbian"], "stochastic"),
    "biases": adapting,
    "both": lambda: adapting(start=0.2, scope="stream"),
}


@pytest.mark.parametrize("case", READ_BACK)
def test_what_lives_on_is_read_back_and_goes_on_to_the_same_bits(case, tmp_path):
    network, inputs, _ = whole(*READ_BACK[case]())
    want = sy.simulate(network, inputs)
    program = c_program(network, tmp_path / "first")
    subprocess.run([program, "left"], cwd=tmp_path, input=typed(network, inputs[:4], None), text=True, check=True,
                   capture_output=True)  # fmt: skip
    left = read_c_state(network, tmp_path / "left")
    assert left.presented == network.presented + 4
    rest = run_in_c(left, inputs[4:])
    for name, local in want.local_weights.items():
        assert (rest.local_weights[name][-1] == local[-1]).all()
    for name, u in want.u.items():
        assert (rest.u[name] == u[4:]).all()
    for name, c in want.homeostatic_bias.items():
        assert (rest.homeostatic_bias[name] == c[4:]).all()
