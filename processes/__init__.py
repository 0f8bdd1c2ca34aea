# SPDX-License-Identifier: BSD-3-Clause
"""Lava processes: ports, variables and arguments; no arithmetic (that is in synergic.models)."""

if __name__ != "synergic.processes":
    raise ImportError("import synergic.processes: the folder is a part of the package, not a package by itself")

from synergic._core.parts import require

require("synergic.processes", "lava")

from synergic.processes._graph_integers import quantise
from synergic.processes._progress import run_steps
from synergic.processes._run import Graph, run_in_lava
from synergic.processes._run_config import HybridSimCfg
from synergic.processes._runtime import running
from synergic.processes.delta_encoder.process import DeltaEncoder
from synergic.processes.encoder.process import Encoder
from synergic.processes.event_source.process import EventSource
from synergic.processes.fused_network.process import FusedNetwork
from synergic.processes.hybrid_conv.process import HybridConv
from synergic.processes.hybrid_dense.process import HybridDense
from synergic.processes.hybrid_lif.process import HybridLIF
from synergic.processes.hybrid_network.process import HybridNetwork
from synergic.processes.hybrid_neuron.process import HybridNeuron
from synergic.processes.hybrid_sparse.process import HybridSparse
from synergic.processes.readout.process import RankReadout, RateReadout

__all__ = [
    "DeltaEncoder",
    "Encoder",
    "EventSource",
    "FusedNetwork",
    "Graph",
    "HybridConv",
    "HybridDense",
    "HybridLIF",
    "HybridNetwork",
    "HybridNeuron",
    "HybridSimCfg",
    "HybridSparse",
    "RankReadout",
    "RateReadout",
    "quantise",
    "run_in_lava",
    "run_steps",
    "running",
]
