# SPDX-License-Identifier: BSD-3-Clause
"""One layer of integrate-and-fire neurons in SANA-FE or PAIBox, run by their own Python; benchmarks/chip.py starts it.

    python chip_peers.py sanafe|paibox NETWORK.npz SPIKES.npy

NETWORK.npz: weights (n_out, n_in), spikes (rounds, T, n_in), threshold. Integers; a neuron adds what comes in, fires
above the threshold and starts again at 0. Prints "ready", then for each line read runs one round and prints its
seconds; at the end of its input writes all output spikes, (rounds T, n_out). The peers are used as programs only.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

CORE = 256


def zeros(*names: str) -> str:
    """Energies and latencies are not compared: none, which costs their simulator the least."""
    return "{" + ", ".join(f"{name}: 0.0" for name in names) + "}"


def mesh(columns: int, rows: int) -> str:
    """SANA-FE's description of a grid of cores with `CORE` inputs and neurons each."""
    hops = [f"{what}_{side}_hop" for side in ("north", "east", "south", "west") for what in ("energy", "latency")]
    soma = ["energy_access_neuron", "latency_access_neuron", "energy_update_neuron", "latency_update_neuron"]
    spike = zeros(*soma, "energy_spike_out", "latency_spike_out")[1:]
    return f"""
architecture:
  name: mesh
  attributes: {{link_buffer_size: 16, topology: mesh, width: {columns}, height: {rows}}}
  tile:
    - name: tile[0..{columns * rows - 1}]
      attributes: {zeros(*hops)}
      core:
        - name: core
          attributes: {{buffer_position: soma, max_neurons_supported: {2 * CORE}}}
          axon_in: [{{name: in, attributes: {zeros("energy_message_in", "latency_message_in")}}}]
          synapse:
            - name: synapse
              attributes: {{model: current_based, energy_process_spike: 0.0, latency_process_spike: 0.0}}
          dendrite:
            - name: dendrite
              attributes: {{model: accumulator, energy_update: 0.0, latency_update: 0.0}}
          soma:
            - name: lif
              attributes: {{model: leaky_integrate_fire, {spike}
            - name: input[0..{CORE - 1}]
              attributes: {{model: input, {spike}
          axon_out: [{{name: out, attributes: {zeros("energy_message_out", "latency_message_out")}}}]
"""


def sanafe(weights: Any, spikes: Any, threshold: int) -> Iterator[tuple[float, Any]]:
    """SANA-FE: its fastest timing model, all threads. What it shows a step later is shifted back in the end."""
    import sanafe as peer

    rounds, steps, n_in = spikes.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.yaml"
        path.write_text(mesh(13, 12))
        architecture = peer.load_arch(path)
    cores = [core for tile in architecture.tiles for core in tile.cores]
    net = peer.Network()
    source = net.create_neuron_group("in", n_in)
    neuron = {"threshold": float(threshold), "reset": 0.0, "leak_decay": 1.0, "reset_mode": "hard"}
    target = net.create_neuron_group("out", len(weights), neuron, soma_hw_name="lif", log_spikes=True)
    trains = spikes.reshape(-1, n_in).astype(bool)
    for i, n in enumerate(source.neurons):
        n.set_attributes(soma_hw_name=f"input[{i % CORE}]", model_attributes={"spikes": trains[:, i].tolist()})
        n.map_to_core(cores[i // CORE])
    source.connect_neurons_dense(target, {"weight": weights.T.ravel().astype(float).tolist()})
    first = -(-n_in // CORE)
    for i, n in enumerate(target.neurons):
        n.map_to_core(cores[first + i // CORE])
    chip = peer.SpikingChip(architecture)
    chip.load(net)
    yield 0.0, None
    for i in range(rounds):
        start = time.perf_counter()
        result = chip.sim(steps, timing_model="simple", spike_trace=True)
        took = time.perf_counter() - start
        trace = result["spike_trace"]
        if i == rounds - 1:  # output comes a step late: a last step, untimed, shows the last one's
            trace = trace + chip.sim(1, timing_model="simple", spike_trace=True)["spike_trace"]
        out = np.zeros((len(trace), len(weights)), np.uint8)
        for t, fired in enumerate(trace):
            out[t, [int(str(address).rpartition(".")[2]) for address in fired]] = 1
        yield took, out[1:] if i == 0 else out


def paibox(weights: Any, spikes: Any, threshold: int) -> Iterator[tuple[float, Any]]:
    """PAIBox: fires at and above a threshold of one more."""
    import paibox as peer

    class Net(peer.Network):  # type: ignore[name-defined, misc]
        """Input, weights, neurons, and a look at their spikes."""

        def __init__(self) -> None:
            super().__init__()
            self.source = peer.InputProj(input=None, shape_out=(weights.shape[1],))
            self.neurons = peer.IF((len(weights),), threshold=threshold + 1, reset_v=0)
            self.synapses = peer.FullConn(self.source, self.neurons, weights=np.ascontiguousarray(weights.T))
            self.probe = peer.Probe(self.neurons, "spike")

    net = Net()
    simulator = peer.Simulator(net)
    yield 0.0, None
    done = 0
    for block in spikes.astype(bool):
        start = time.perf_counter()
        for s in block:
            net.source.input = s
            simulator.run(1)
        took = time.perf_counter() - start
        out = np.array(simulator.data[net.probe])
        yield took, out[done:].astype(np.uint8)
        done = len(out)


PEERS: dict[str, Callable[..., Iterator[tuple[float, Any]]]] = {"sanafe": sanafe, "paibox": paibox}


def main(name: str, network: str, result: str) -> None:
    """A round for each line of standard input."""
    given = np.load(network)
    rounds = PEERS[name](given["weights"].astype(np.int8), given["spikes"], int(given["threshold"]))
    next(rounds)
    sys.stdout.write("\nready\n")
    sys.stdout.flush()
    collected = []
    for _ in sys.stdin:
        took, out = next(rounds)
        collected.append(out)
        sys.stdout.write(f"\nseconds {took}\n")
        sys.stdout.flush()
    np.save(result, np.concatenate(collected))


if __name__ == "__main__":
    main(*sys.argv[1:])
