# SPDX-License-Identifier: BSD-3-Clause
"""Every public function with arguments that it takes, for the tests that hand it wrong ones."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from lava.proc.io.source import RingBuffer
from matplotlib.figure import Figure
from networks import plastic_network, random_spikes
from wrong_arguments import ANY_SHAPE, NANS, SIGNED, Case

import synergic as sy
from synergic import experiments, learning, plots
from synergic import hw_targets as hw
from synergic import interchange as ic
from synergic import processes as pr
from synergic.data import _corruptions as damage
from synergic.data import _digits as data
from synergic.data import _encodings as encoding
from synergic.data import _images as datasets
from synergic.data import _recordings as recordings
from synergic.hw_targets.costs import _costs as costs
from synergic.hw_targets.costs import load_references, model_value
from synergic.hw_targets.faults import _broken_chip as faults
from synergic.hw_targets.lava_bridge import ChipSimCfg
from synergic.hw_targets.mapping import PASSES, MappingOptions, link_packets
from synergic.interchange._c._c_fingerprint import fingerprint
from synergic.interchange._c._c_state import state_head
from synergic.interchange.slayer import HybridBlock
from synergic.learning import _meta as meta
from synergic.learning import _omniglot as omniglot
from synergic.learning import _training as training
from synergic.learning import tasks
from synergic.learning.tasks import _runs as runs
from synergic.network import (
    IntPopulation,
    IntProjection,
    convolution_matrix,
    convolution_synapses,
    image_after,
    load,
    save,
    split_by_spikes,
)
from synergic.neurons import LIF, IntHomeostasis, potential, steps
from synergic.processes import HybridSimCfg, running
from synergic.processes import _run as lava_graph
from synergic.reference import _metrics as metrics
from synergic.reference import stream
from synergic.rules import integer_form, plain, rate, share

NET = plastic_network()
INT = sy.quantise(NET)
STREAM = sy.quantise(plastic_network(plasticity_scope="stream"))
SPIKES = random_spikes(NET)
WEIGHTS = np.ones((2, 3))
RNG = np.random.default_rng(0)
EVENTS = np.zeros(4, [("x", int), ("y", int), ("t", int), ("p", int)])
SENSOR = (4, 4, 2)
IMAGES = np.full((2, 28, 28), 0.5, np.float32)
TINY = experiments.Classification(dataset="mnist", hidden=4, epochs=1, batch=2, steps=2)


@lru_cache
def mapping():
    return hw.map_network(INT)


@lru_cache
def ran():
    return hw.simulate_on_chip(mapping(), SPIKES)


def axes():
    return Figure().subplots()


def net(**changes):
    return learning.HybridNet((3, 2), steps=4, **changes)


def tensors():
    return {"spikes": torch.zeros(4, 4, 3), "labels": torch.zeros(4, dtype=torch.long)}


def files(folder: Path) -> dict[str, Path]:
    """Files that readers take."""
    made = {name: folder / f"{name}.h5" for name in ("net", "int", "lava_dl", "mapping", "nir")} | {
        "data": folder / "data.npz",
        "c_state": folder / "local.bin",
    }
    save(NET, made["net"])
    save(INT, made["int"])
    ic.to_lava_dl(INT, made["lava_dl"], lossy=True)
    hw.save_mapping(mapping(), made["mapping"])
    np.savez(made["data"], input=SPIKES)
    local = [q.local_weights.astype("<i2").tobytes() for q in INT.projections if q.learns]
    made["c_state"].write_bytes(state_head(fingerprint(INT)) + b"".join(local))
    return made


def images():
    """A data set of two images."""
    labels = np.zeros(2, int)
    return datasets.Images(IMAGES, labels, IMAGES, labels)


def small_task():
    """A run of two images."""
    return tasks.ClassificationTask(TINY, data=images())


def neurons(call, **more):
    return Case(call, {"shape": (2,), "vth": 1.0, "decay": 0.5, "bias": 0.0, "reset": "zero", **CLOCK, **more})


CLOCK = {"onset": 0, "period": 5, "presentations": 2, "record": 1, "name": "here"}
PLASTIC = {
    "rule": sy.Hebbian(0.1, 0.1), "alpha": 0.1, "local_weights": WEIGHTS / 2, "plasticity_scope": "per_sample",
    "vth": 1.0, "k": [1.0], "lag": 0, "memory": 10, "presented": 0, **CLOCK,
}  # fmt: skip
HEBBIAN = {"eta": 0.1, "beta": 0.1, "lambda_": 0.9, "p_max": 4.0, "mask": np.ones((2, 3))}
FAULT = {"rate": 0.1, "seed": 0}
DRAW = {"title": "title"}
LAYER = {
    "plastic": True, "vth": 0.35, "decay": 0.4, "reset": "subtract", "lambda_": 0.9, "rho": "tanh", "sign": 1,
    "p_max": 4.0, "plasticity_scope": "per_sample", "alpha_shape": "neuron",
}  # fmt: skip
CHAIN = {"mode": "hp", "steps": 4, "tau_w": 40.0, "dropout": 0.0}
ON_CHIP = {
    "local_memory": "matrix", "strict": False, "probes": hw.Probes(), "threads": 1, "faults": None,
    "across": "samples", "random_masks": {}, "random_seed": 0,
}  # fmt: skip
PLACED = {
    "chip": "tianjic", "chips": (1, 1), "weight_storage": "full", "balance": False, "fan_out": 4, "fold": "auto",
    "budget": 10, "dead_cores": (), "dead_links": (), "passes": PASSES,
}  # fmt: skip
NO_LIMIT = {"fan_out": "none", "budget": "none"}
FIRST_FIT = MappingOptions(placement="first_fit")


def described():
    """Networks, their parts, executors."""
    part = {"name": "c", "source": "in", "target": "out", "weights": WEIGHTS, "rule": sy.Hebbian(0.1, 0.1)}
    part |= {"alpha": 0.1, "local_weights": WEIGHTS / 2, "plasticity_scope": "frozen", "convolution": None}
    part |= {"memory": 10}
    whole = {"source": sy.Source("in", 3), "populations": (sy.Population("out", 2, 1.0, 0.5),)}
    whole |= {"projections": (sy.Projection("c", "in", "out", WEIGHTS),), "output": "out", "steps": 4}
    integer = sy.quantise(sy.Network(**whole))
    kernel = np.ones((1, 1, 2, 2))
    moved = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return {
        "synergic.Source": Case(sy.Source, {"name": "in", "size": 3, "num_message_bits": 0}),
        "synergic.Population": Case(
            sy.Population,
            {"name": "out", "size": 2, "vth": 1.0, "decay": 0.5, "reset": "zero", "bias": 0.0, "neuron": None},
            fine={"neuron": "none"},  # LIF
        ),
        "synergic.Projection": Case(sy.Projection, part, fine={"source": "text", "target": "text"}),
        "synergic.Projection.of_kernel": Case(
            sy.Projection.of_kernel,
            {
                "name": "c",
                "source": "in",
                "target": "out",
                "kernel": kernel,
                "convolution": sy.Convolution((2, 2), (3, 3)),
            },
            fine={"source": "text", "target": "text"},
            also={"kernel": "weights"},
        ),
        "synergic.Network": Case(sy.Network, {**whole, "readout": "rank", "dt": 1.0, "tau_w": 40.0}),
        "synergic.IntNetwork": Case(
            sy.IntNetwork, {f.name: getattr(integer, f.name) for f in dataclasses.fields(integer)}
        ),
        "synergic.network.IntPopulation": Case(
            IntPopulation,
            {f.name: getattr(INT.populations[0], f.name) for f in dataclasses.fields(IntPopulation)},
            fine={"scale": "huge, huge float", "neuron": "none"},
        ),
        "synergic.network.IntProjection": Case(
            IntProjection,
            {f.name: getattr(INT.projections[0], f.name) for f in dataclasses.fields(IntProjection)},
            fine={"source": "text", "target": "text", "rule": "none"},
        ),
        "synergic.IntNetwork.encode": Case(INT.encode, {"values": np.ones(3)}, fine={"values": ANY_SHAPE}),
        "synergic.IntNetwork.encode_signal": Case(
            INT.encode_signal, {"signal": np.ones((2, 6))}, fine={"signal": f"negative, {ANY_SHAPE}"}
        ),
        "synergic.Convolution": Case(sy.Convolution, {"kernel": (2, 2), "image": (3, 3), **moved}),
        "synergic.network._quantise": Case(
            sy.quantise, {"network": NET, "weight_bits": 8, "local_bits": 16, "rounding": "nearest", "seed": 0}
        ),
        "synergic.Network.continued": Case(NET.continued, {"record": sy.simulate(NET, SPIKES)}),
        "synergic.reference._simulate": Case(
            sy.simulate, {"network": NET, "spikes": SPIKES, "batch": 2, "signal": None}
        ),
        "synergic.BCM": Case(
            sy.BCM,
            {"eta": 0.1, "decay": 0.9, "floor": 0.5, "lambda_": 0.9, "p_max": 4.0},
            fine={"floor": "negative"},
        ),
        "synergic.Hebbian": Case(sy.Hebbian, {**HEBBIAN, "rho": "tanh", "sign": 1}, fine={"beta": SIGNED}),
        "synergic.Oja": Case(sy.Oja, {"eta": 0.1, "p_max": 4.0, "mask": None}),
        "synergic.PairSTDP": Case(
            sy.PairSTDP,
            {"eta_plus": 0.1, "eta_minus": 0.1, "decay_plus": 0.5, "decay_minus": 0.5, "lambda_": 0.9, "p_max": 4.0},
        ),
        "synergic.ThreeFactor": Case(
            sy.ThreeFactor,
            {"eta": 0.1, "decay": 0.5, "beta": 0.1, "lambda_": 0.9, "p_max": 4.0, "mask": None},
            fine={"beta": "negative"},
        ),
        "synergic.AdaptiveLIF": Case(sy.AdaptiveLIF, {"jump": 0.1, "decay_h": 0.5, "integer": False}),
        "synergic.CurrentLIF": Case(sy.CurrentLIF, {"decay_i": 0.5, "integer": False}),
        "synergic.LoihiLIF": Case(sy.LoihiLIF, {"decay_i": 0.5, "integer": False}),
        "synergic.RefractoryLIF": Case(sy.RefractoryLIF, {"refractory_period": 2, "decay_i": 0.5, "integer": False}),
        "synergic.neurons.LIF": Case(LIF, {"integer": False}),
        "synergic.neurons.Homeostasis": Case(
            sy.Homeostasis,
            {"target": np.zeros(3), "rate": 0.1, "limit": 1.0, "rho": "tanh", "start": np.zeros(3)},
            fine={"target": f"negative, bool, {SIGNED}", "start": f"negative, bool, {SIGNED}"},
        ),
        "synergic.neurons.IntHomeostasis": Case(
            IntHomeostasis,
            {
                "target": np.zeros(3, int),
                "rate": 1,
                "rate_exp": 2,
                "limit": 5,
                "table": np.zeros(256, int),
                "table_scale": 9,
                "start": np.zeros(3, int),
            },
            fine={"target": "negative", "start": "negative"},
        ),
        "synergic.reference.stream": Case(stream, {"network": NET, "inputs": SPIKES}, also={"inputs": "input"}),
        "synergic.reference.with_homeostasis": Case(
            sy.with_homeostasis,
            {
                "network": NET,
                "spikes": SPIKES,
                "rate": 0.1,
                "limit": 1.0,
                "rho": "tanh",
                "populations": ("layer1",),
                "batch": 2,
                "signal": None,
            },
            also={"rate": "Homeostasis.rate"},
        ),
        "synergic.ReLU": Case(sy.ReLU, {"integer": False}),
        "synergic.Table": Case(sy.Table, {"entries": np.zeros(256), "integer": False}),
        "synergic.Table.of": Case(sy.Table.of, {"function": "sigmoid"}),
        "synergic.network._split.split_by_spikes": Case(
            split_by_spikes, {"network": split_me(), "fan_in": 2, "threshold": 0.5}
        ),
        "synergic.network._unfold.image_after": Case(
            image_after, {"image": (3, 3), "kernel": (2, 2), "stride": 1, "padding": 0, "dilation": 1}
        ),
        "synergic.network._unfold.convolution_matrix": Case(
            convolution_matrix, {"kernel": kernel, "image": (3, 3), **moved}
        ),
        "synergic.network._unfold.convolution_synapses": Case(
            convolution_synapses, {"shape": (1, 1, 2, 2), "image": (3, 3), **moved}
        ),
        "synergic.data._encodings.Rate": Case(encoding.Rate, {"random": True, "seed": 0}),
        "synergic.data._encodings.Latency": Case(encoding.Latency, {"form": "linear", "smallest": 0.1}),
        "synergic.data._encodings.Latency.decode": Case(encoding.Latency().decode, {"spikes": np.ones((2, 3, 4))}),
        "synergic.data._encodings.Code.encode": Case(
            encoding.Rate(True).encode, {"values": np.ones((2, 3)), "steps": 4, "first": 0}
        ),
        "synergic.data._digits.rate_encode": Case(data.rate_encode, {"values": np.ones((2, 3)), "steps": 4}),
        "synergic.data.frames": Case(
            recordings.frames, {"recordings": [EVENTS], "steps": 4}, fine={"recordings": "empty"}
        ),
        "synergic.load_example": Case(sy.load_example, {"name": "digits-hp"}),
        "synergic.data._digits.digits": Case(data.digits, {"steps": 2, "seed": 0}),
        "synergic.rules.integer_form": Case(integer_form, {"rule_type": sy.Oja}),
        **{
            f"synergic.{place}.{f.__name__}": Case(f, {"per": ""})
            for place, f in (
                ("rules", rate),
                ("rules", share),
                ("rules", plain),
                ("neurons", share),
                ("neurons", plain),
                ("neurons", steps),
                ("neurons", potential),
                ("neurons", steps),
            )
        },
    }


def split_me():
    return sy.Network(
        sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (sy.Projection("c", "in", "out", WEIGHTS),), "out", 4
    )


def in_lava():
    """Processes, run configurations, runs."""
    images = {"values": np.ones((2, 3)), "period": 4, "at_once": False, "name": "here"}
    recordings = [(EVENTS, 0)]
    kernel = {"weight": np.ones((2, 2, 2, 1)), "input_shape": (3, 3, 1), "padding": 0, "stride": 1, "dilation": 1}
    found = {
        "synergic.processes.HybridLIF": neurons(pr.HybridLIF, accumulator_shift=6),
        "synergic.processes.HybridNeuron": neurons(pr.HybridNeuron, neuron=sy.CurrentLIF(0.5), accumulator_shift=6),
        "synergic.processes.HybridDense": Case(pr.HybridDense, {"weights": WEIGHTS, **PLASTIC}),
        "synergic.processes.HybridSparse": Case(pr.HybridSparse, {"weights": WEIGHTS, **PLASTIC}),
        "synergic.processes.HybridConv": Case(
            pr.HybridConv, {**kernel, "groups": 1, **{**PLASTIC, "local_weights": None}}
        ),
        "synergic.processes.HybridNetwork": Case(
            pr.HybridNetwork, {"network": NET, "presentations": 2, "record": 1, "name": "here"}
        ),
        "synergic.processes.FusedNetwork": Case(pr.FusedNetwork, {"network": NET, "record": 1, "name": "here"}),
        "synergic.processes.Encoder": Case(
            pr.Encoder,
            {"code": encoding.Rate(), **images, "onset": 0},
            fine={"values": "shape"},  # sides of an image
        ),
        "synergic.processes.Encoder by port": Case(
            pr.Encoder, {"code": encoding.Rate(), "period": 4, "n": 3, "presentations": 2, "onset": 0}
        ),
        "synergic.processes.DeltaEncoder": Case(
            pr.DeltaEncoder,
            {
                "threshold": 0.5,
                "form": "signed",
                "signal": np.ones((2, 4, 3)),
                "start": 0.0,
                "onset": 0,
                "at_once": False,
                "name": "here",
            },
            fine={"start": "none, negative", "signal": "shape"},
        ),
        "synergic.processes.DeltaEncoder by port": Case(
            pr.DeltaEncoder,
            {"threshold": 2, "n": 3, "start": 0, "period": 4, "presentations": 2},
            fine={"start": "none, negative"},
        ),
        "synergic.processes.EventSource": Case(
            pr.EventSource,
            {
                "recordings": recordings,
                "sensor": SENSOR,
                "period": 4,
                "duration": 10.0,
                "start": 0.0,
                "pool": 2,
                "merge": False,
                "onset": 0,
                "presentations": 1,
                "at_once": False,
                "name": "here",
            },
        ),
        "synergic.processes.RankReadout": Case(
            pr.RankReadout,
            {
                "vth": 1.0,
                "n": 3,
                "period": 4,
                "presentations": 2,
                "early": False,
                "onset": 0,
                "at_once": False,
                "name": "here",
            },
        ),
        "synergic.processes.RateReadout": Case(
            pr.RateReadout, {"n": 3, "period": 4, "presentations": 2, "onset": 0, "at_once": False, "name": "here"}
        ),
        "synergic.processes.RankReadout.from_description": Case(
            pr.RankReadout.from_description, {"network": NET, "presentations": 2, "early": False, "at_once": False}
        ),
        "synergic.processes.RateReadout.from_description": Case(
            pr.RateReadout.from_description, {"network": NET, "presentations": 2, "at_once": False}
        ),
        "synergic.processes._run_config.HybridSimCfg": Case(HybridSimCfg, {"select_tag": "fixed_pt"}),
        "synergic.hw_targets.lava_bridge.ChipSimCfg": Case(ChipSimCfg, {"chip": "tianjic"}),
        "synergic.processes._run.Graph": Case(lava_graph.Graph, {"network": NET, "spikes": SPIKES, "signal": None}),
        "synergic.processes._run.run_in_lava": Case(
            lambda **given: lava_graph.run_in_lava(**given),
            {"network": NET, "spikes": SPIKES[:1], "run_cfg": None, "progress": None, "chunk": 200, "signal": None},
            fine={"progress": "bool"},
            signature=lava_graph.run_in_lava,
        ),
        "synergic.processes._progress.run_steps": Case(
            lambda **given: pr.run_steps(**given),
            {
                "process": RingBuffer(data=np.ones((1, 1))),
                "steps": 1,
                "run_cfg": HybridSimCfg(),
                "progress": False,
                "chunk": 9,
            },
            fine={"progress": "none"},
            signature=pr.run_steps,
            runs=False,
        ),
        "synergic.processes._graph_integers.quantise": Case(
            lambda processes, **given: pr.quantise(processes, **given),
            {
                "processes": RingBuffer(data=np.ones((1, 1))),
                "weight_bits": 8,
                "local_bits": 8,
                "rounding": "nearest",
                "seed": 0,
            },
            signature=pr.quantise,
        ),
        "synergic.processes._runtime.running": Case(
            lambda process: running(process).__enter__(),
            {"process": RingBuffer(data=np.ones((1, 1)))},
            signature=running,
        ),
    }
    for case in found.values():
        case.fine["name"] = "none"  # Lava then finds one
    return found


def on_chip():
    """Mapping, simulation, costs, faults."""
    record, activity = ran()
    one = {"mapping": mapping(), "spikes": SPIKES, "batch": 2, **ON_CHIP, "signal": None}
    both = {"mapping": mapping(), "activity": activity}
    weights, options = {"network": INT, "spikes": SPIKES}, {**PLACED, "placement": "first_fit", "seed": 0, "rate": 0.1}
    del options["chip"], options["passes"]
    swept = {**weights, "labels": np.zeros(len(SPIKES), int), "fault": "bit flips", "rates": (0.0,), "seeds": (0,)}
    return {
        "synergic.hw_targets.Probes": Case(
            lambda **given: hw.Simulator(mapping(), probes=hw.Probes(**given)),
            {"spikes": ("in",), "u": ("layer1",), "local_weights": ("c0",), "sums": ("c0",)},
            fine={"sums": "none"},
            signature=hw.Probes,
        ),
        "synergic.hw_targets.Simulator": Case(hw.Simulator, {"mapping": mapping(), **ON_CHIP}),
        "synergic.hw_targets.Simulator.run": Case(
            hw.Simulator(mapping()).run, {"spikes": SPIKES, "batch": 2, "signal": None}
        ),
        "synergic.hw_targets.Simulator.stream": Case(
            hw.Simulator(hw.map_network(STREAM)).stream, {"spikes": SPIKES, "signal": None}
        ),
        "synergic.hw_targets.Simulator.upload": Case(
            hw.Simulator(mapping()).upload, {"projection": "c0", "alpha": np.int64(3)}
        ),
        "synergic.hw_targets.check_mapping": Case(hw.check_mapping, {"mapping": mapping()}),
        "synergic.hw_targets.cost": Case(hw.cost, both),
        "synergic.hw_targets.estimate": Case(hw.estimate, {"network": INT, **PLACED}, fine=NO_LIMIT),
        "synergic.hw_targets.map_network": Case(
            hw.map_network,
            {"network": INT, **PLACED, "placement": "first_fit", "seed": 0, "rate": 0.1, "options": FIRST_FIT},
            fine=NO_LIMIT,
        ),
        "synergic.hw_targets.report": Case(
            hw.report,
            {
                "network": NET,
                "data": SPIKES,
                "labels": np.zeros(len(SPIKES), int),
                "chip": "tianjic",
                "samples": 1,
                "local_memory": "matrix",
                "strict": False,
                "weight_bits": 8,
                "local_bits": 8,
                "what": "samples",
            },
            fine={"what": "text"},
            also={"data": "input"},
        ),
        "synergic.hw_targets.load_chip": Case(hw.load_chip, {"chip": "tianjic"}),
        "synergic.hw_targets.run_in_jobs": Case(
            hw.run_in_jobs,
            {"simulator": hw.Simulator(mapping()), "spikes": SPIKES, "jobs": 1, "batch": 2, "signal": None},
        ),
        "synergic.hw_targets.simulate_on_chip": Case(hw.simulate_on_chip, one),
        "synergic.hw_targets.mapping.MappingOptions": Case(
            MappingOptions, options, fine={**NO_LIMIT, "balance": "dict"}
        ),
        "synergic.hw_targets.mapping.link_packets": Case(link_packets, {"mapping": mapping(), "rate": 0.1}),
        "synergic.hw_targets.costs.model_value": Case(
            model_value, {"row": load_references()[0][0], "chip": mapping().chip}
        ),
        "synergic.hw_targets.costs._costs.side_by_side": Case(costs.side_by_side, {**weights, "chip": "tianjic"}),
        "synergic.hw_targets.faults._broken_chip.break_network": Case(
            faults.break_network, {"network": INT, "fault": "bit flips", **FAULT}
        ),
        "synergic.hw_targets.faults._broken_chip.break_chip": Case(
            faults.break_chip, {"mapping": mapping(), "fault": "dead cores", **FAULT}
        ),
        "synergic.hw_targets.faults._broken_chip.BrokenChip": Case(
            faults.BrokenChip,
            {
                "mapping": mapping(),
                "dead_cores": (0,),
                "dead_links": (((0, 0), (1, 0)),),
                "packet_loss": 0.1,
                "seed": 0,
                "memory_fault": "bit flips",
                "memory_rate": 0.1,
                "dead_neurons": 0.1,
            },
            fine={"memory_fault": "none"},
        ),
        "synergic.hw_targets.faults._broken_chip.accuracy_under": Case(
            faults.accuracy_under,
            {**swept, "chip": "tianjic", "local_memory": "matrix", "jobs": 1},
            fine={"rates": "empty", "seeds": "empty", "jobs": "none"},
        ),
        "synergic.reference._metrics.footprint": Case(metrics.footprint, {"network": NET, "bits": 32}),
        "synergic.reference._metrics.connection_sparsity": Case(metrics.connection_sparsity, {"network": NET}),
        **{
            f"synergic.reference._metrics.{f.__name__}": Case(f, {"network": INT, "record": record})
            for f in (
                metrics.activation_sparsity,
                metrics.synaptic_operations,
                metrics.membrane_updates,
                metrics.metrics,
            )
        },
        "synergic.plots.raster": Case(plots.raster, {"axes": axes(), "spikes": SPIKES[0], **DRAW}),
        "synergic.plots.membrane": Case(
            plots.membrane,
            {"axes": axes(), "u": np.ones((4, 2)), "vth": 1.0, "labels": ["a", "b"], **DRAW},
            fine={"labels": "ragged", "vth": "huge, huge float"},
        ),
        "synergic.plots.weights": Case(
            plots.weights, {"axes": axes(), "matrix": WEIGHTS, "limit": 2.0, **DRAW}, fine={"limit": "huge, huge float"}
        ),
        "synergic.plots.weights_over_time": Case(
            plots.weights_over_time,
            {"axes": axes(), "history": np.ones((4, 2, 3)), "lines": 2, "xlabel": "step", **DRAW},
        ),
        "synergic.plots.occupancy": Case(plots.occupancy, {"axes": axes(), "mapping": mapping(), **DRAW}),
        "synergic.plots.routes": Case(plots.routes, {"axes": axes(), "mapping": mapping(), "rate": 0.1, **DRAW}),
        "synergic.plots.heat_map": Case(plots.heat_map, {"axes": axes(), **both, "what": "energy", **DRAW}),
        "synergic.plots.core_raster": Case(plots.core_raster, {"axes": axes(), **both, **DRAW}),
        "synergic.plots.phase_timeline": Case(plots.phase_timeline, {"axes": axes(), **both, **DRAW}),
        "synergic.plots.process_graph": Case(
            plots.process_graph, {"axes": axes(), "process": RingBuffer(data=np.ones((1, 1))), **DRAW}
        ),
        "synergic.plots.learning_curve": Case(plots.learning_curve, {"axes": axes(), "losses": [1.0, 0.5], **DRAW}),
        "synergic.plots.robustness": Case(
            plots.robustness, {"axes": axes(), "levels": [0, 1], "curves": {"a": np.ones((2, 2))}, **DRAW}
        ),
    }


def trained():
    """Layers, training, damage."""
    dense = {"n_in": 3, "n_out": 2}
    w = {"w": torch.ones(2)}
    losses = {f"{name}": (lambda w, theta: (w["w"] * theta["t"]).sum()) for name in ("training", "validation")}
    outputs = {"spikes": torch.zeros(4, 3, 2), "u": torch.zeros(4, 3, 2)}
    labels = {"labels": torch.zeros(4, dtype=torch.long)}
    noise = {"images": IMAGES, "rng": RNG}
    shaped = {"images": "shape"}  # any number of axes before height and width
    return {
        "synergic.learning.HybridLinear": Case(learning.HybridLinear, {**dense, **LAYER}),
        "synergic.learning.HybridLinear.forward": Case(
            learning.HybridLinear(3, 2),
            {"s": torch.zeros(4, 5, 3), "k": torch.ones(5), "form": None},
            fine={"s": NANS, "k": NANS},
            signature=learning.HybridLinear.forward,
        ),
        "synergic.learning.MaskedLinear": Case(learning.MaskedLinear, {**dense, **LAYER}),
        "synergic.learning.RuleLinear": Case(
            learning.RuleLinear,
            {
                **dense,
                "rule": sy.Oja(0.1),
                "plastic": True,
                "vth": 1.0,
                "decay": 0.5,
                "reset": "zero",
                "plasticity_scope": "per_sample",
                "alpha_shape": "neuron",
            },
        ),
        "synergic.learning.SpikingConv2d": Case(
            learning.SpikingConv2d,
            {
                "in_channels": 1,
                "out_channels": 2,
                "kernel_size": 3,
                "pool": 2,
                "vth": 1.0,
                "decay": 0.5,
                "reset": "zero",
            },
        ),
        "synergic.learning.HybridNet": Case(
            learning.HybridNet, {"sizes": (3, 2), **CHAIN, "layer": learning.HybridLinear}
        ),
        "synergic.learning.HybridNet.forward": Case(
            net(),
            {"s": torch.zeros(4, 4, 3), "signal": None},
            fine={"s": NANS},
            signature=learning.HybridNet.forward,
        ),
        "synergic.learning.Pattern": Case(
            learning.Pattern, {"rows": torch.tensor([0, 1]), "cols": torch.tensor([0, 1]), "shape": (2, 3)}
        ),
        "synergic.learning.MaskedNet": Case(learning.MaskedNet, {"sizes": (3, 2), **CHAIN}),
        "synergic.learning.ConvHybridNet": Case(
            learning.ConvHybridNet,
            {"input_shape": (1, 8, 8), "channels": (2,), "sizes": (4, 2), "pools": (2,), **CHAIN},
            fine={"pools": "empty"},
        ),
        "synergic.learning.evaluate": Case(
            learning.evaluate, {"net": net(), **tensors(), "batch": 2, "readout": "rate"}
        ),
        "synergic.learning.train": Case(
            learning.train,
            {
                "net": net(),
                **tensors(),
                "epochs": 1,
                "batch": 2,
                "lr": 1e-3,
                "lr_theta": 1e-3,
                "seed": 0,
                "readout": "rate",
                "validation": 0.5,
                "checkpoint": None,
                "device": "cpu",
                "progress": None,
            },
            fine={"progress": "bool", "checkpoint": "text"},
        ),
        "synergic.learning.to_description": Case(
            learning.to_description, {"net": net(), "num_message_bits": 0, "readout": "rank", "memory": 10}
        ),
        "synergic.interchange.slayer.HybridBlock": Case(
            HybridBlock, {"in_neurons": 3, "out_neurons": 2, "delay_shift": True}
        ),
        "synergic.learning._training.rank_loss": Case(
            training.rank_loss, {"u": outputs["u"], **labels, "vth": 1.0}, fine={"u": NANS}
        ),
        "synergic.learning._training.rate_loss": Case(
            training.rate_loss, {"spikes": outputs["spikes"], **labels}, fine={"spikes": NANS}
        ),
        "synergic.learning._training.scores": Case(
            training.scores, {**outputs, "readout": "rate"}, fine={"spikes": NANS, "u": NANS}
        ),
        "synergic.learning._training.early_exit": Case(
            training.early_exit, {**outputs, **labels, "vth": 1.0}, fine={"spikes": NANS, "u": NANS}
        ),
        "synergic.learning._meta.meta_gradient": Case(
            meta.meta_gradient,
            {**losses, "w": w, "theta": {"t": torch.ones(2)}, "xi": 0.1, "second_order": "none"},
        ),
        "synergic.data._corruptions.crop": Case(
            damage.crop, {"images": IMAGES, "half_width": 2}, also={"images": "half_width"}
        ),
        "synergic.data._corruptions.gaussian": Case(damage.gaussian, {**noise, "variance": 0.1}, fine=shaped),
        "synergic.data._corruptions.speckle": Case(damage.speckle, {**noise, "variance": 0.1}, fine=shaped),
        "synergic.data._corruptions.salt_and_pepper": Case(
            damage.salt_and_pepper, {**noise, "amount": 0.1, "salt_share": 0.5}, fine=shaped
        ),
        "synergic.data._corruptions.salt": Case(damage.salt, {**noise, "amount": 0.1}, fine=shaped),
        "synergic.data._corruptions.pepper": Case(damage.pepper, {**noise, "amount": 0.1}, fine=shaped),
        "synergic.data._corruptions.damage": Case(
            damage.damage, {"images": IMAGES, "kind": "salt", "level": 2, "seed": 0}, fine=shaped
        ),
        "synergic.data._corruptions.drop_events": Case(
            damage.drop_events, {"events": EVENTS, "share": 0.5, "rng": RNG}
        ),
        "synergic.data._corruptions.add_events": Case(
            damage.add_events, {"events": EVENTS, "share": 0.5, "sensor": SENSOR, "rng": RNG}
        ),
        "synergic.data._corruptions.mask_region": Case(
            damage.mask_region, {"events": EVENTS, "half_width": 1, "sensor": SENSOR}
        ),
    }


def results(folder: Path):
    """What runs give, data sets, and settings of experiments."""
    record, _ = ran()
    return {
        "synergic.reference._simulate.Record.scores": Case(record.scores, {"network": INT}),
        "synergic.reference._simulate.Record.classes": Case(record.classes, {"network": INT}),
        "synergic.data._recordings.load_recordings": Case(recordings.load_recordings, {"folder": folder}, runs=False),
        "synergic.learning._omniglot.load_omniglot": Case(omniglot.load_omniglot, {"folder": folder}, runs=False),
        **{
            f"synergic.experiments.{kind.__name__}": Case(
                kind,
                {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)},
                fine=dict.fromkeys(("pools", "dense"), "empty"),
            )
            for kind in (
                experiments.Supervised,
                experiments.Classification,
                experiments.Convolution,
                experiments.Continual,
                experiments.Events,
                experiments.FewShot,
                experiments.ClassIncremental,
            )
        },
    }


def in_folders(folder: Path):
    """Runs, and the families of experiments."""
    at, task = folder / "run", small_task()
    runs.open_run(TINY, at)
    runs.write_checkpoint(task, at / runs.CHECKPOINT)
    opened, few, label = {"data": folder, "device": "cpu"}, experiments.FewShot(), np.zeros(1, int)
    return {
        "synergic.learning.tasks._runs.circumstances": Case(runs.circumstances, {"device": "cpu"}),
        "synergic.learning.tasks._runs.run": Case(
            runs.run,
            {"task": task, "folder": at, "progress": None, "writes": True},
            fine={"folder": "text"},
        ),
        "synergic.learning.tasks.run_seeds": Case(
            tasks.run_seeds, {"config": TINY, "seeds": (0,), "folders": (at,), "progress": None, **opened}, runs=False
        ),
        "synergic.learning.tasks._runs.restore": Case(runs.restore, {"folder": at, **opened}, runs=False),
        "synergic.learning.tasks.ClassificationTask": Case(
            tasks.ClassificationTask, {"config": TINY, "data": images(), "device": "cpu"}
        ),
        "synergic.learning.tasks.ContinualTask": Case(
            tasks.ContinualTask, {"config": experiments.Continual(hidden=4), "data": images()}
        ),
        "synergic.learning.tasks.EventsTask": Case(
            tasks.EventsTask,
            {"config": experiments.Events(hidden=4), "data": recordings.Recordings([EVENTS], label, [EVENTS], label)},
        ),
        "synergic.learning.tasks.FewShotNet": Case(tasks.FewShotNet, {"config": few}),
        "synergic.learning.tasks.ClassIncrementalNet": Case(
            tasks.ClassIncrementalNet, {"config": experiments.ClassIncremental(channels=(2,))}
        ),
        "synergic.learning.tasks.ClassIncrementalTask": Case(
            tasks.ClassIncrementalTask,
            {
                "config": experiments.ClassIncremental(channels=(2,), classes=2),
                "images": torch.zeros(966, 20, 31, 31),
                "device": "cpu",
            },
            fine={"images": f"{ANY_SHAPE}, {NANS}, empty tensor, tensor complex"},
        ),
        "synergic.learning.tasks.FewShotTask": Case(
            tasks.FewShotTask,
            {"config": few, "images": torch.zeros(3, 20, 31, 31), "device": "cpu"},
            fine={"images": f"{ANY_SHAPE}, {NANS}, empty tensor, tensor complex"},
        ),
        "synergic.learning.tasks.families": Case(tasks.families, {}),
        "synergic.learning.tasks.family_of": Case(tasks.family_of, {"config": TINY}),
        "synergic.learning.tasks.stream_network": Case(
            tasks.stream_network,
            {"task": small_task(), "memory": 5, "homeostasis": None, "limit": 1.0},
            fine={"homeostasis": "none"},
        ),
        "synergic.learning.tasks.evaluate_stream": Case(
            tasks.evaluate_stream,
            {
                "task": small_task(),
                "network": tasks.stream_network(small_task()),
                "conditions": ("clean",),
                "order": "given",
                "warm_up": 0,
                "samples": 2,
            },
        ),
        "synergic.learning.tasks.open_task": Case(tasks.open_task, {"config": TINY, **opened}, runs=False),
        "synergic.learning.tasks.read_config": Case(
            tasks.read_config, {"family": "classification", "values": {"hidden": 4}}
        ),
    }


def with_files(folder: Path):
    """Readers and writers."""
    at = files(folder)
    out = folder / "out"
    return {
        "synergic.network._storage.save": Case(save, {"network": NET, "path": out}),
        "synergic.network._storage.load": Case(load, {"path": at["net"]}),
        "synergic.hw_targets.save_mapping": Case(hw.save_mapping, {"mapping": mapping(), "path": out}),
        "synergic.hw_targets.load_mapping": Case(hw.load_mapping, {"path": at["mapping"]}),
        "synergic.interchange.from_lava_dl": Case(
            ic.from_lava_dl,
            {"path": at["lava_dl"], "steps": 4, "readout": "rate", "input_shape": (3, 2, 2), "rounding": "lava"},
        ),
        "synergic.interchange.to_lava_dl": Case(ic.to_lava_dl, {"network": INT, "path": out, "lossy": True}),
        "synergic.interchange.check": Case(
            ic.check,
            {
                "file": at["net"],
                "targets": ("c", "nir"),
                "chip": "tianjic",
                "weight_bits": 8,
                "local_bits": 16,
                "dt": 0.001,
                "input_shape": (3, 2, 2),
            },
            fine={"targets": "text", "weight_bits": "None", "local_bits": "None"},
        ),
        "synergic.interchange.Checked.of": Case(ic.check(at["net"], "c").of, {"target": "c", "part": "in"}),
        "synergic.interchange.Checked.runs": Case(ic.check(at["net"], "c").runs, {"target": "c"}),
        "synergic.interchange.c_footprint": Case(ic.c_footprint, {"network": INT}),
        "synergic.interchange.to_c": Case(
            ic.to_c,
            {"network": INT, "folder": out.with_name("c"), "name": "net", "flash": 10**6, "ram": 10**6},
            fine={"folder": "text", "name": "text", "flash": "huge", "ram": "huge"},
        ),
        "synergic.interchange.read_c_state": Case(ic.read_c_state, {"network": INT, "path": at["c_state"]}),
        "synergic.interchange.lava_dl_export_issues": Case(ic.lava_dl_export_issues, {"network": INT}),
        "synergic.interchange.from_nir": Case(
            ic.from_nir,
            {
                "graph": ic.to_nir(NET, 0.001, True),
                "dt": 0.001,
                "steps": 4,
                "readout": "rank",
                "method": "euler",
                "reset": "subtract",
                "lossy": False,
            },
        ),
        "synergic.interchange.to_nir": Case(ic.to_nir, {"network": NET, "dt": 0.001, "lossy": True}),
        "synergic.interchange.nir_export_issues": Case(ic.nir_export_issues, {"network": NET}),
        "synergic.data._images.load_images": Case(
            lambda **given: datasets.load_images(**given),
            {"name": "mnist", "folder": folder},
            signature=datasets.load_images,
            runs=False,
        ),
    }
