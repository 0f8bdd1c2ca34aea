# SPDX-License-Identifier: BSD-3-Clause
"""A composed graph of Lava processes in integers: what `synergic.quantise` is for descriptions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess

from synergic._core.checks import choice, kind, require, whole
from synergic._core.integers import ONE, VALUE_MAX
from synergic.errors import UnsupportedError
from synergic.network._description import Population
from synergic.network._partial_sums import NARROWEST_LOCAL, WIDEST_LOCAL, widest_local_bits
from synergic.network._quantise import (
    IntPopulation,
    fed_by_values,
    quantise_population,
    quantise_synapses,
)
from synergic.neurons import LIF
from synergic.numerics._lfsr import seed_of
from synergic.numerics.fixed import MEMBRANE_MAX, VALUE_BITS
from synergic.processes._connection import VARS, PlasticConnection
from synergic.processes._population import Neurons
from synergic.processes._shared_memory import MEMORY, SENDS, STATE, THETA, SharedArrays, SharedProcess, SharedVar
from synergic.processes._sparse_synapses import SynapseConnection
from synergic.processes.delta_encoder.process import DeltaEncoder
from synergic.processes.encoder.process import Encoder
from synergic.processes.hybrid_conv.process import HybridConv
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.processes.hybrid_lif.process import HybridLIF
from synergic.processes.hybrid_neuron.process import HybridNeuron
from synergic.processes.hybrid_sparse.process import HybridSparse
from synergic.processes.readout.process import RankReadout
from synergic.rules._stream import ROUNDINGS


def single(values: Any) -> Any:
    """Return a Var of one value as the scalar that a description stores."""
    return values.reshape(()) if values.size == 1 else values


def only(ports: list[Any], where: str, want: Any, remedy: str) -> Any:
    """Return the process at the other end of a connection with one end. It has the type `want`."""
    found = ", ".join(f"{type(q.process).__name__} {q.process.name!r}" for q in ports)
    if len(ports) != 1 or not isinstance(ports[0].process, want):
        raise UnsupportedError(f"{where}: got {found or 'no connection'}, allowed {remedy}")
    return ports[0].process


@dataclass
class FloatGraph:
    """Populations and connections in floating point: what the functions of `quantise` ask of a Network.

    message_bits : what each sender sends, 0 or 8. steps : of a presentation, which homeostasis needs.
    """

    populations: list[Population]
    projections: list[Any]
    message_bits: dict[str, int]
    steps: int = 1

    def into(self, name: str) -> list[Any]:
        """The connections that end at a population."""
        return [q for q in self.projections if q.target == name]


def population(p: Any) -> Population:
    """The neurons of a process, with the present values of its Vars."""
    neuron = LIF()
    if isinstance(p, HybridNeuron):
        neuron = p.proc_params["neuron"].with_values({name: single(v.get()) for name, v in p.theta.items()})
    rule = p.proc_params["homeostasis"]
    rule = rule and replace(rule, start=p.homeostatic_bias.get().ravel())
    vth, decay, reset = p.vth.get()[0], p.decay.get()[0], p.proc_params["reset"]
    return Population(p.name, p.u.shared.size, vth, decay, reset, p.bias.get().ravel(), neuron, rule)


def synapses(p: PlasticConnection) -> SimpleNamespace:
    """The synapses of a process, with the present values of its Vars, and the names of its ends."""
    params, sources = p.proc_params, p.s_in.get_src_ports()
    one = "one HybridLIF or HybridNeuron, whose threshold gives the scale. Make the integers by hand there."
    target = only(p.a_out.get_dst_ports(), f"{p.name}.a_out", Neurons, one)
    rule = params["rule"]
    rule = rule and rule.with_values({name: single(v.get()) for name, v in p.theta.items()})
    local = None if rule is None else (p.local_weights if params["streams"] else p.local_start).shared
    n_in = params["size"][1]
    if isinstance(p, SynapseConnection):
        n_in = int(np.bincount(params["synapses"].pattern.rows).max())  # of one neuron: bounds its sum
    return SimpleNamespace(
        name=p.name, process=p, target=target.name, source=sources[0].process.name if sources else "", rule=rule,
        weights=p.weights.shared, alpha=single(p.alpha.get()), local_weights=local, n_in=n_in, n_out=params["size"][0],
        streams=params["streams"], memory=params["memory"],
    )  # fmt: skip


def bits_of(p: PlasticConnection) -> int:
    """What comes in at a connection: what its sender says that it sends, or what the connection was told."""
    for port in p.s_in.get_src_ports():
        sender = port.process
        if isinstance(sender, Encoder):
            return int(sender.proc_params["code"].num_message_bits)
        if (sent := sender.proc_params.get(SENDS)) is not None:
            return int(sent)
    return int(p.proc_params["num_message_bits"])


def neurons_in_integers(p: Any, form: IntPopulation) -> Any:
    """A process of these neurons, with the clock of another."""
    timing = p.proc_params["timing"]
    clock = {"onset": timing.onset, "period": timing.period, "presentations": timing.presentations}
    return type(p).from_description(form, shape=p.u.shape, record=p.proc_params["record"], **clock)


def connection_in_integers(q: Any, post: IntPopulation, weight_bits: int, local_bits: int, how: Any) -> Any:
    """A process of these synapses, with the clock of another. how : rounding and seed of a stream."""
    p, params = q.process, q.process.proc_params
    values = bool(bits_of(p))
    weights, rule, alpha, local = quantise_synapses(q, post, weight_bits, local_bits, values)
    timing = params["timing"]
    given: dict[str, Any] = {
        "plasticity_scope": params["plasticity_scope"],
        "memory": q.memory,
        "record": params["record"],
    }
    given |= {"rule": rule, "alpha": alpha, "local_weights": local, "weight_bits": weight_bits, "name": p.name, **how}
    given |= {"num_message_bits": VALUE_BITS * values, "delay": params["delay"], "presented": params["presented"]}
    given |= {"onset": timing.onset, "period": timing.period, "presentations": timing.presentations, "lag": timing.lag}
    given |= {"vth": post.vth, "k": np.rint(p.k.get() * ONE).astype(np.int64)}
    if isinstance(p, HybridConv):
        return HybridConv(weight=weights, input_shape=p.input_shape, **p.geometry, **given)
    if isinstance(p, HybridSparse):
        return HybridSparse(weights=params["synapses"].pattern.matrix(weights), **given)
    return HybridDense(weights=weights, **given)


def become(p: Any, other: Any) -> None:
    """Give a process the Vars and parameters of another of its class; its ports, and all connections, stay."""
    for name, var in vars(other).items():
        if isinstance(var, SharedVar):
            take(getattr(p, name), var)
    for label, key in (("theta", THETA), ("state", STATE)):
        if not hasattr(p, label):
            continue
        table = {
            name: getattr(p, name) if name in VARS and label == "theta" else var
            for name, var in vars(other)[label].items()
        }
        for var in table.values():
            var.process = p
        setattr(p, label, table)
        other.proc_params.overwrite(key, SharedArrays(table))
    p.proc_params = other.proc_params


def take(var: SharedVar, other: SharedVar) -> None:
    """Give a Var the values and limits of another of its shape."""
    var.block, var.low, var.high, var.init = other.block, other.low, other.high, other.shared


def check_part(p: Any) -> None:
    """Refuse, by name, a process that this cannot make integers of. Raises UnsupportedError."""
    if p.runtime is not None:
        raise UnsupportedError(f"{p.name}: got a process that runs, allowed one before its first run. Build it anew.")
    numbers = p.proc_params["integer"]
    if numbers and isinstance(p, Neurons | PlasticConnection):
        raise UnsupportedError(f"{p.name}: got integers already, allowed floating point. Leave it out of this graph.")
    easy = isinstance(p, HybridDense | HybridSparse | HybridConv | HybridLIF | HybridNeuron | Encoder | RankReadout)
    if numbers is False and not easy:
        scale = isinstance(p, DeltaEncoder)
        remedy = "Give it an integer threshold." if scale else "Build it anew with synergic.quantise(network)."
        raise UnsupportedError(f"{p.name}: got a {type(p).__name__}, allowed connections and neurons. {remedy}")


def quantise(
    *processes: AbstractProcess,
    weight_bits: int = 8,
    local_bits: int | None = None,
    rounding: str = "nearest",
    seed: int = 0,
) -> dict[str, float]:
    """Turn a composed graph of processes into integers, in place, before its first run.

    All processes of synergic that are connected with those given get the integers that `synergic.quantise` gives to the
    same network as a description. Connections between processes, Monitors and processes of Lava stay as they are.
    What other processes send must be integers too: spikes as they are, values as whole numbers 0 .. 255, a global
    signal at 12 fraction bits.

    Parameters
    ----------
    *processes : AbstractProcess
        Processes of the graph, one or more.
    weight_bits, local_bits, rounding, seed
        As of synergic.quantise.

    Returns
    -------
    dict of str to float
        Scale S_u of each process of neurons, by its name: integer units to one unit of its potential. A Monitor of `u`
        divided by it is in the unit of the floating-point graph.

    Raises
    ------
    ParameterError
        If an argument is out of range, two processes have one name, or a value does not fit its width.
    UnsupportedError
        If a process cannot be made integer: it has run, has integers already, is a whole network or a DeltaEncoder with
        a threshold in floating point, or a connection ends elsewhere than in one HybridLIF or HybridNeuron.

    Warns
    -----
    UserWarning
        As synergic.quantise.

    Examples
    --------
    >>> scales = quantise(lif)  # and all that is connected with it
    >>> lif.run(condition=RunSteps(num_steps=50), run_cfg=ChipSimCfg("tianjic"))
    """
    where = "quantise"
    require(bool(processes), f"{where}.processes", "none", "one or more", "Give a process of the graph.")
    for p in processes:
        kind(f"{where}.processes", p, AbstractProcess, "A description is an argument of synergic.quantise.")
    whole(f"{where}.weight_bits", weight_bits, 2, 16, "8 is what the chips hold.")
    choice(f"{where}.rounding", rounding, ROUNDINGS)
    whole(f"{where}.seed", seed, 0, 2**62, "It seeds stochastic rounding.")
    found = sorted({q for p in processes for q in find_processes(p)}, key=lambda q: int(q.id))
    ours = [p for p in found if isinstance(p, SharedProcess)]
    for p in ours:
        check_part(p)
    parts = [p for p in ours if isinstance(p, Neurons | PlasticConnection)]
    names = [p.name for p in parts]
    twice = sorted({n for n in names if names.count(n) > 1})
    require(not twice, f"{where}.processes", f"{twice} more than once", "unique names", "Rename the processes.")
    for p in parts:
        for port in p.a_in.get_src_ports() if isinstance(p, Neurons) else ():
            only([port], f"{p.name}.a_in", PlasticConnection, "HybridDense, HybridSparse and HybridConv only.")
    connections = [synapses(p) for p in parts if isinstance(p, PlasticConnection)]
    sends = {q.name: bits_of(q.process) for q in connections}
    for q in connections:
        q.source = q.name  # the sender's name need not be unique; only its messages count
    neurons = [p for p in parts if isinstance(p, Neurons)]
    graph = FloatGraph([population(p) for p in neurons], connections, sends)
    if local_bits is None:
        local_bits = widest_local_bits(graph)
    whole(f"{where}.local_bits", local_bits, NARROWEST_LOCAL, WIDEST_LOCAL, "A core holds 8 of them.")
    by_values, forms, others = fed_by_values(graph), {}, []
    for p, form in zip(neurons, graph.populations, strict=True):
        graph.steps = p.proc_params["timing"].period or 1
        forms[p.name] = quantise_population(graph, form, weight_bits, by_values)
        others.append((p, neurons_in_integers(p, forms[p.name])))
    for i, q in enumerate(connections):
        how = {"rounding": rounding, "seed": seed_of(seed, i)} if q.streams else {}
        others.append((q.process, connection_in_integers(q, forms[q.target], weight_bits, local_bits, how)))
    for p, other in others:  # only now: a graph of which a part was refused is what it was
        become(p, other)
    for p in ours:
        if isinstance(p, Encoder) and p.proc_params["integer"] is False:
            whole_numbers(p, "values", SharedVar(np.rint(p.values.shared * VALUE_MAX).astype(np.int64), 0, VALUE_MAX))
        elif isinstance(p, RankReadout) and not p.proc_params["integer"]:
            before = only(p.u_in.get_src_ports(), f"{p.name}.u_in", Neurons, "one HybridLIF or HybridNeuron.")
            vth = p.vth.get() * forms[before.name].scale
            whole_numbers(p, "vth", SharedVar(np.rint(vth).astype(np.int64), 1, MEMBRANE_MAX))
    return {name: form.scale for name, form in forms.items()}


def whole_numbers(p: Any, name: str, values: SharedVar) -> None:
    """Give a process integers in its one Var that had floats."""
    take(getattr(p, name), values)
    p.proc_params[MEMORY].blocks[name] = values.block
    p.proc_params.overwrite("integer", True)
