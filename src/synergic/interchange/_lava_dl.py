# SPDX-License-Identifier: BSD-3-Clause
"""lava-dl's HDF5 networks, which `export_hdf5` of its SLAYER blocks writes and its `netx.hdf5.Network` runs; both ways.

Meaning of the numbers, read from Lava 0.10's bit-accurate LIF, which netx 0.6 builds (weights W are integers):

    I = (4096 - iDecay) I / 4096 + 2^6 sum_j s_j W_ij
    v = (4096 - vDecay) v / 4096 + I + 2^6 bias,        spike and v := 0 where v > 2^6 vThMant.

Our integer neuron is that with d = 4096 - vDecay, v_th = 2^6 vThMant, b = 2^6 bias, k = 4096, reset to zero; with
iDecay below 4096 it is a CurrentLIF, d_i = 4096 - iDecay. Convolutions and poolings become matrices. Local weights and
rules have no place in the format: a plastic layer has, beside what other readers take from it, a group `synergic` with
`projection` and `population`, all fields of IntProjection and IntPopulation in the layout of synergic.network, and
comes back whole. Weights wider than 8 bits that are all even, as SLAYER's are, are halved with the threshold.

A delay of a dense layer is of its inputs, as netx runs it: one a neuron, or one an input where there are as many.
SLAYER delays what the neurons send; the spikes are the same, those of a layer with biases only after its first steps.

Two differences stay. v d / 4096 is rounded towards 0 by Lava and to the nearest by us: for vDecay of 0 and 4096 both
are exact, and so is every spike; else the potentials differ by less than 1.5 * 4096 / vDecay units of 2^-6 weights (2 *
with halved weights) until a spike falls into that gap. A current is rounded likewise: with one that outlives its step
they differ by 1 + 4096 / iDecay times as much. `from_lava_dl(rounding="lava")` reads a network that rounds as Lava and
halves no weights, so that this difference is none. And Lava's layers receive their biases from its first step on, ours
from the step on at which the presentation reaches them; without a bias, or with vDecay = 4096, that is the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice, grid, kind, whole
from synergic._core.files import check_hdf5, check_path, reading, write_whole
from synergic._core.moved import renamed
from synergic._core.refusals import Refusals
from synergic.errors import FormatError, SynergicError, UnsupportedError
from synergic.interchange._export_issues import plastic_issues, refuse_issues
from synergic.interchange._lava_dl_convolution import BLOCKS, FIELDS, Shape, unfold
from synergic.network._convolution import Convolution
from synergic.network._description import DELAY_MAX, READOUTS, Source
from synergic.network._quantise import ONE, IntNetwork, IntPopulation, IntProjection
from synergic.network._storage import check_sizes, read, write
from synergic.neurons import LIF, CurrentLIF, LoihiLIF, Neuron
from synergic.neurons._neuron import plain_only
from synergic.numerics import fixed

Array = npt.NDArray[np.int64]
LAVA_ROUNDINGS = ("nearest", "lava")
SHIFT = 6
"""Bits by which Lava shifts weights, thresholds and biases before the neuron."""
BIAS_BITS, THRESHOLD_BITS = 13, 17
EVEN_LOW, EVEN_HIGH = -256, 254
"""Range of weights in steps of 2, beside 8 bits in steps of 1: what Loihi's synapse holds."""
OWN = "synergic"
"""The group of what only we read."""
LAYER = FIELDS | {"type", "shape", "inFeatures", "outFeatures", "weight", "bias", "delay", "neuron", OWN}
GRADIENT = {"scaleRho", "tauRho"}
"""Fields of a neuron that shape the surrogate gradient in training, and nothing else."""
NEURON = {"type", "iDecay", "vDecay", "vThMant", "theta", "refDelay", "gradedSpike", "wgtExp"} | GRADIENT


@dataclass(frozen=True)
class Layer:
    """A layer in lava-dl's integers. weights : (n_out, n_in); bias : (n_out,); vth : vThMant. current_decay : iDecay.
    convolution : that the weights repeat a kernel. shape : of what comes out. own : the plastic layer that it was
    written from. delays : (n_out, n_in), steps, where there are some."""

    weights: Array
    bias: Array
    vth: int
    decay: int
    current_decay: int
    convolution: Convolution | None
    shape: Shape
    own: tuple[IntProjection, IntPopulation] | None = None
    delays: Array | None = None


@renamed("picture", "input_shape")
def from_lava_dl(
    path: str | Path,
    steps: int,
    readout: str = "rate",
    input_shape: tuple[int, int, int] | None = None,
    rounding: str = "nearest",
) -> IntNetwork:
    """Read a file of lava-dl's netx: a network of dense, conv and pool CUBA blocks in integers.

    The populations are called layer1, layer2, ..., the source "input". Blocks `input` without neurons, and `flatten`,
    only give a shape; channels, rows and columns are counted in this order. A dense layer with different delays becomes
    a projection for each delay.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.
    steps : int
        Steps T of a presentation, 1 or more.
    readout : {"rate", "rank"}, default "rate"
        How the class follows from the output.
    input_shape : tuple of int, (channels, height, width), or None, default None
        Shape of the input, needed where a convolution comes first and no `input` block gives it.
    rounding : {"nearest", "lava"}, default "nearest"
        How decayed potentials and currents are rounded. "nearest": as everywhere here; wide even weights are halved
        into 8 bits. "lava": towards zero, by LoihiLIF, and no weight is halved, so that a network without biases has
        the spikes of netx bit for bit; a chip with weights of 8 bits then has no place for wider ones.

    Returns
    -------
    IntNetwork
        The network, in integers.

    Raises
    ------
    UnsupportedError
        If there are other blocks, delays of other than dense blocks or beyond 62 steps, graded spikes, or weights that
        do not fit 16 bits; the message names the layer.
    FormatError
        If the file is damaged, or no such file.
    ParameterError
        If an argument is out of its range.
    """
    choice("from_lava_dl.rounding", rounding, LAVA_ROUNDINGS)
    return read_lava_dl(path, steps, readout, input_shape, Refusals(), rounding == "lava")


def read_lava_dl(
    path: str | Path,
    steps: int,
    readout: str,
    input_shape: tuple[int, int, int] | None,
    refusals: Refusals,
    as_lava: bool = False,
) -> IntNetwork:
    """`from_lava_dl`. refusals : raised, or those of all layers collected; then the first is raised at the end.
    as_lava : whether it rounds as Lava."""
    check_path("from_lava_dl.path", path)
    whole("from_lava_dl.steps", steps, 1, float("inf"), "It is T, the steps of a presentation.")
    choice("from_lava_dl.readout", readout, READOUTS)
    if input_shape is not None:
        for size in grid("from_lava_dl.input_shape", input_shape, 3, "(channels, height, width)"):
            whole("from_lava_dl.input_shape", size, 1, 2**20, "Give (channels, height, width).")
    allowed = "allowed a network that lava-dl exported"
    check_hdf5(path, "a network of lava-dl, which is HDF5", allowed)
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
            if "layer" not in file:
                got, remedy = "HDF5 of another program", "from_nir reads NIR, synergic.network.load reads our own."
                raise FormatError(f"{path}: got {got}, {allowed}. {remedy}")
            group = file["layer"]
            found: list[Layer | None] = []
            shape = None if input_shape is None else tuple(input_shape)
            for i in range(len(group)):
                layer = None
                with refusals.part():
                    layer = read_layer(group[str(i)], f"layer {i}", shape)
                    found.append(layer)
                shape = shape_after(group[str(i)], layer, shape)
            refusals.end()
    except SynergicError:
        raise
    except Exception as error:  # h5py has one of its own for every kind of damage
        raise FormatError(f"{path}: not a network of lava-dl, or damaged: {error!r}. Export it again.") from error
    layers = [layer for layer in found if layer is not None]
    if not layers:
        raise UnsupportedError(f"{path}: got no layer with neurons, allowed one or more. Export the whole network.")
    for i, layer in enumerate(layers, 1):
        if not layer.own:
            with refusals.part():
                width(f"layer{i}", layer)
    refusals.end()
    populations, projections, before = [], [], Source("input", layers[0].weights.shape[1])
    for i, layer in enumerate(layers, 1):
        name, origin = f"layer{i}", before.name if i == 1 else f"layer{i - 1}"
        if layer.own:
            projections.append(replace(layer.own[0], name=f"dense{i}", source=origin, target=name))
            populations.append(replace(layer.own[1], name=name))
            continue
        bits, half = width(name, layer, not as_lava)
        unit = SHIFT - half
        vth = min(layer.vth << unit, fixed.MEMBRANE_MAX)  # above that nothing ever fires, here and there
        bias, scale = layer.bias << unit, float(1 << unit)
        neuron: Neuron = LIF(integer=True)
        if as_lava or layer.current_decay != ONE:
            neuron = (LoihiLIF if as_lava else CurrentLIF)(ONE - layer.current_decay, integer=True)
        post = IntPopulation(name, len(layer.weights), vth, ONE - layer.decay, "zero", bias, scale, neuron=neuron)
        weights = layer.weights >> half
        delays = np.zeros(weights.shape, np.int64) if layer.delays is None else layer.delays
        for delay in (several := np.unique(delays)):
            projections.append(
                IntProjection(
                    f"dense{i}" if len(several) == 1 else f"dense{i}_delay{delay}",
                    origin,
                    name,
                    weights * (delays == delay),
                    None,
                    np.zeros((), np.int64),
                    None,
                    "frozen",
                    bits,
                    convolution=layer.convolution,
                    delay=int(delay),
                )
            )
        populations.append(post)
    k = np.full(steps, ONE)
    return IntNetwork(before, tuple(populations), tuple(projections), populations[-1].name, steps, readout, k)


def width(name: str, layer: Layer, halve: bool = True) -> tuple[int, int]:
    """Bits of a layer's weights, and 1 if they are halved to fit into 8 of them, else 0. halve : whether they may."""
    low, high = int(layer.weights.min()), int(layer.weights.max())
    bits = max(2, 1 + max(high, -low - 1).bit_length())
    half = int(halve and bits == 9 and not (layer.weights & 1).any())
    if bits > 16:
        raise UnsupportedError(f"{name}: got weights from {low} to {high}, allowed 16 bits. Train with 8-bit weights.")
    return bits - half, half


def shape_after(group: Any, layer: Layer | None, before: Shape | None) -> Shape | None:
    """The output shape of a block; None if it is unknown."""
    if layer is not None:
        return layer.shape
    if text(group["type"]) == "flatten":
        return before
    return tuple(int(v) for v in np.ravel(group["shape"][()])) if "shape" in group else before


def read_layer(group: Any, where: str, before: Shape | None) -> Layer | None:
    """One block; None for those that only give a shape. before : the shape of what it receives, if it is known."""
    name = text(group["type"])
    if name == "flatten" or (name == "input" and "neuron" not in group):
        return None
    if name not in ("dense", *BLOCKS):
        what = "input with neurons" if name == "input" else name
        raise UnsupportedError(f"{where}: got block {what!r}, allowed 'dense', 'conv' and 'pool'. Use these.")
    refuse_unknown(where, group, LAYER)
    if "neuron" not in group:
        raise UnsupportedError(f"{where}.neuron: missing, allowed CUBA. Export the block with dynamics.")
    if "weight" not in group or isinstance(group["weight"], h5py.Group):
        raise UnsupportedError(f"{where}.weight: missing or complex, allowed real numbers. Use a CUBA block.")
    weights = whole_numbers(f"{where}.weight", group["weight"])
    if weights.size == 0:
        raise FormatError(f"{where}.weight: got shape {weights.shape}, allowed one weight or more. Export it again.")
    shape, geometry = tuple(int(v) for v in np.ravel(group["shape"][()])), None
    if name == "dense":
        weights = weights.reshape(math.prod(shape), -1)
    else:
        weights, geometry, shape = unfold(where, name, group, weights, before)
    delays = read_delays(where, name, group["delay"][()], weights) if "delay" in group else None
    bias = whole_numbers(f"{where}.bias", group["bias"]).ravel() if "bias" in group else np.zeros(1, np.int64)
    if name != "dense" and bias.size == shape[0]:
        bias = np.repeat(bias, len(weights) // bias.size)
    vth, decay, current_decay = read_neuron(group["neuron"], f"{where}.neuron")
    own = read_own(group[OWN], f"{where}.{OWN}", weights) if OWN in group else None
    bias = np.broadcast_to(bias, (len(weights),))
    if own is not None and np.any((np.zeros(1) if delays is None else delays) != own[0].delay):
        raise FormatError(
            f"{where}.delay: got other ones than in {OWN!r} beside it, allowed the same. Export it again."
        )
    return Layer(weights, bias, vth, decay, current_decay, geometry, shape, own, delays)


def read_delays(where: str, name: str, given: Any, weights: Array) -> Array | None:
    """Delays of the inputs of a layer, (n_out, n_in), as netx takes them; None where all are 0."""
    values = np.asarray(given, float)
    if not values.any():
        return None
    if name != "dense":
        raise UnsupportedError(f"{where}.delay: got delays of a {name!r} block, allowed of 'dense'. Use delay=False.")
    whole_steps = np.array_equal(values, np.floor(values)) and values.min() >= 0 and values.max() <= DELAY_MAX
    if not whole_steps:
        raise UnsupportedError(
            f"{where}.delay: got {values.min():g} to {values.max():g}, allowed whole steps from 0 to {DELAY_MAX}. "
            "Clamp them in training."
        )
    n_out, n_in = weights.shape
    shapes: dict[tuple[int, ...], tuple[int, ...]] = {(n_in,): (1, n_in), (n_out,): (n_out, 1), (): (1, 1)}
    shapes[n_out, n_in] = (n_out, n_in)
    if values.shape not in shapes:
        raise FormatError(f"{where}.delay: got shape {values.shape}, allowed ({n_out},) or ({n_in},). Export it again.")
    found: Array = np.broadcast_to(values.reshape(shapes[values.shape]), weights.shape).astype(np.int64)
    return found


def read_own(group: Any, where: str, weights: Array) -> tuple[IntProjection, IntPopulation]:
    """A plastic layer as it was written. Raises FormatError, also where the weights beside it are others."""
    with reading(where, "Export it again."):
        projection, population = read(group["projection"], where), read(group["population"], where)
    fits = isinstance(projection, IntProjection) and isinstance(population, IntPopulation)
    if not fits or not np.array_equal(projection.weights, weights) or population.size != len(weights):
        raise FormatError(f"{where}: got another layer than the one around it, allowed the same. Export it again.")
    return projection, population


def read_neuron(group: Any, where: str) -> tuple[int, int, int]:
    """vThMant, vDecay and iDecay of a CUBA neuron."""
    refuse_unknown(where, group, NEURON)
    if text(group["type"]) not in ("CUBA", "LOIHI"):
        raise UnsupportedError(f"{where}.type: got {text(group['type'])!r}, allowed 'CUBA'. Use a CUBA block.")
    fixed_fields = {
        "refDelay": (1, "netx runs a neuron of the file without a rest. Use the default"),
        "gradedSpike": (0, "spikes are 0 and 1. Use graded_spike=False"),
        "wgtExp": (0, "our weights have no exponent. Multiply the weights by 2^wgtExp"),
    }
    for field, (wanted, remedy) in fixed_fields.items():
        values = np.unique(group[field][()]) if field in group else np.array([wanted])
        if values.tolist() != [wanted]:
            raise UnsupportedError(f"{where}.{field}: got {values[:3]}, allowed {wanted}: {remedy}.")
    names = ("vDecay", "vThMant", "iDecay", *({"theta"} & set(group)))
    one = {field: np.unique(whole_numbers(f"{where}.{field}", group[field])) for field in names}
    for field, values in one.items():
        if len(values) != 1:
            raise UnsupportedError(f"{where}.{field}: got {len(values)} values, allowed one. Use shared_param=True.")
    decay, vth, current_decay = (int(one[field][0]) for field in names[:3])
    if "theta" in one and one["theta"][0] != vth << SHIFT:  # the same threshold, as older exports have it too
        got = f"theta {one['theta'][0]} beside vThMant {vth}"
        raise FormatError(f"{where}: got {got}, allowed {vth << SHIFT}: 64 vThMant. Export again.")
    if not (vth > 0 and 0 <= decay <= ONE and 0 <= current_decay <= ONE):
        got = f"vThMant {vth}, vDecay {decay}, iDecay {current_decay}"
        raise FormatError(f"{where}: got {got}, allowed above 0, and 0 to {ONE}. Export again.")
    return vth, decay, current_decay


def refuse_unknown(where: str, group: Any, known: set[str]) -> None:
    """Refuse fields that would change what the network computes without our knowing."""
    if unknown := sorted(set(group) - known):
        raise UnsupportedError(
            f"{where}: got fields {unknown}, allowed {sorted(known)}. What they do to the network is not known here. "
            "Train without them, or take them out of a copy of the file if they change nothing."
        )


def text(data: Any) -> str:
    """A name, which lava-dl writes with an axis or without."""
    value = np.ravel(data[()])[0]
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def whole_numbers(where: str, data: Any) -> Array:
    """A dataset of whole numbers, which lava-dl writes as floats."""
    values = np.asarray(data[()], dtype=float)
    if not np.array_equal(values, np.rint(values)) or np.abs(values).max(initial=0) >= 2**31:
        raise UnsupportedError(
            f"{where}: got fractions or numbers beyond 32 bits, allowed whole ones. Train with a pre_hook_fx."
        )
    return values.astype(np.int64)


def lava_dl_export_issues(network: IntNetwork) -> tuple[str, ...]:
    """List what others do not compute who run the file of `to_lava_dl`.

    Parameters
    ----------
    network : IntNetwork
        The network.

    Returns
    -------
    tuple of str
        A sentence for each thing, such as local weights and rules, which `from_lava_dl` restores; empty for nothing.
    """
    kind("lava_dl_export_issues.network", network, IntNetwork, "Call quantise() first.")
    lost = plastic_issues(network)
    if (network.k != ONE).any():
        lost.append("Network.tau_w: the decay of the slow weights")
    early = [p for p in network.populations if p.onset is not None and any(map(network.lag, network.into(p.name)))]
    lost += [f"{p.name}.onset: begins {p.onset} steps behind the source, before spikes arrive" for p in early]
    for p in network.populations:
        if p.reset == "subtract":
            lost.append(f"{p.name}.reset: by subtraction; lava-dl resets to 0")
        for field, value in (("vth", np.array([p.vth])), ("bias", p.bias)):
            if (value % (1 << SHIFT)).any():
                lost.append(f"{p.name}.{field}: its part below 2^{SHIFT}, rounded to the nearest")
    return tuple(lost)


def to_lava_dl(network: IntNetwork, path: str | Path, lossy: bool = False) -> tuple[str, ...]:
    """Write a chain of populations as an HDF5 file that lava-dl's netx loads.

    Parameters
    ----------
    network : IntNetwork
        The network, in integers.
    path : str or Path
        The file.
    lossy : bool, default False
        Whether to write a network that has `lava_dl_export_issues` too, without what they name.

    Returns
    -------
    tuple of str
        What the file has no place for, including the names of the populations, the steps and the read-out.

    Raises
    ------
    UnsupportedError
        If the format has no place for something and `lossy` is False, or if netx cannot represent the network at all.
    ParameterError
        If the folder does not exist.
    """
    kind("to_lava_dl.network", network, IntNetwork, "Call quantise() first.")
    issues = lava_dl_export_issues(network)
    refuse_issues("to_lava_dl", issues, lossy)
    chain = layers_of(network, Refusals())

    def fill(draft: Path) -> None:
        """Write the layers."""
        with h5py.File(draft, "w") as file:
            for i, (projection, population) in enumerate(chain):
                write_layer(file.create_group(f"layer/{i}"), projection, population)

    write_whole(path, fill)
    return issues


def layers_of(network: IntNetwork, refusals: Refusals) -> list[tuple[IntProjection, IntPopulation]]:
    """Projections and their targets from the source to the output, as netx can hold them.

    Refuses, with or without a loss, any other graph, other neurons, values, and numbers beyond Loihi's.
    """
    before, chain = network.source.name, []
    with refusals.part():
        if network.source.num_message_bits:
            raise UnsupportedError(f"{network.source.name}: got values, allowed spikes. Encode them first.")
    for p in network.ordered:
        with refusals.part():
            plain_only(f"{p.name}.neuron", (p,), "the file is written for them", "Use leaky neurons.")
        with refusals.part():
            into = network.into(p.name)
            if len(into) != 1 or into[0].source != before:
                raise UnsupportedError(
                    f"{p.name}: got {[q.name for q in into]} into it, allowed one projection from {before!r}: "
                    "lava-dl's file is a chain of layers. Cut the others off."
                )
            chain.append((into[0], p))
        for q in network.into(p.name):
            with refusals.part():
                check_written(q, p)
        before = p.name
    with refusals.part():
        if before != network.output:
            raise UnsupportedError(f"{network.output}: is not the last layer, allowed {before!r}. Cut the rest off.")
    return chain


def rounded(values: Any) -> Array:
    """Membrane units in lava-dl's, which are 2^6 as large."""
    return fixed.rshift(np.asarray(values, np.int64), SHIFT)


def check_written(q: IntProjection, p: IntPopulation) -> None:
    """Refuse what Loihi's integers do not hold, which netx would clip or crash on."""
    low, high, odd = int(q.weights.min()), int(q.weights.max()), bool((q.weights & 1).any())
    fits = (low >= -128 and high <= 127) or (not odd and low >= EVEN_LOW and high <= EVEN_HIGH)
    if not fits or low == high == 0:
        raise UnsupportedError(
            f"{q.name}.weights: got {low} to {high}, allowed -128 to 127, or even ones from {EVEN_LOW} to {EVEN_HIGH}, "
            f"not all 0. Use quantise(weight_bits=8)."
        )
    vth, bias = int(rounded(p.vth)), rounded(p.bias)
    for field, top, values in (("vth", 1 << THRESHOLD_BITS, [vth]), ("bias", 1 << (BIAS_BITS - 1), bias)):
        if (field == "vth" and vth == 0) or np.max(values) >= top or np.min(values) < -top:
            raise UnsupportedError(
                f"{p.name}.{field}: got {np.min(values)} to {np.max(values)} of 2^{SHIFT}, allowed up to {top - 1}, "
                f"and thresholds from 1 on. Scale weights and thresholds together."
            )


def write_layer(group: Any, q: IntProjection, p: IntPopulation) -> None:
    """One dense block."""
    group.create_dataset("type", (1,), "S10", [b"dense"])
    group.create_dataset("shape", data=np.array([p.size]))
    group.create_dataset("inFeatures", data=q.n_in)
    group.create_dataset("outFeatures", data=q.n_out)
    group.create_dataset("weight", data=q.weights.astype(np.float32))
    if q.delay:
        group.create_dataset("delay", data=np.full(p.size, float(q.delay)))
    if p.bias.any():
        group.create_dataset("bias", data=rounded(p.bias))
    neuron = {"iDecay": ONE, "vDecay": ONE - p.decay, "vThMant": int(rounded(p.vth)), "refDelay": 1}
    group.create_dataset("neuron/type", (1,), "S10", [b"CUBA"])
    group.create_dataset("neuron/gradedSpike", data=False)
    for name, value in neuron.items():
        group.create_dataset(f"neuron/{name}", data=value)
    if q.rule is not None or p.homeostasis is not None:
        write(group.create_group(f"{OWN}/projection"), q)
        write(group.create_group(f"{OWN}/population"), p)
