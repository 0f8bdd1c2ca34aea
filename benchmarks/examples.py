# SPDX-License-Identifier: BSD-3-Clause
"""Makes the example networks that ship with synergic: trains them and writes src/synergic/examples/.

    uv run python benchmarks/examples.py

About a minute on two cores. Every example is `<name>.h5` (the network in floating point), `<name>.npz` (test samples)
and `<name>.json` (the record of its training).
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import synergic as sy
from synergic._core.files import write_json, write_whole
from synergic.cli._demo import BATCH, SIZES, STEPS
from synergic.data import digits
from synergic.learning import HybridNet, evaluate, to_description, train
from synergic.learning.tasks import circumstances
from synergic.network import save

FOLDER = Path(__file__).parents[1] / "src" / "synergic" / "examples"
SEED, EPOCHS = 0, 40


def digits_hp(folder: Path) -> None:
    """A 64-300-10 network with hybrid plasticity on scikit-learn's 8x8 digits, as `synergic demo` trains it."""
    spikes, labels, test, test_labels = digits(STEPS, SEED)
    torch.manual_seed(SEED)
    net = HybridNet(SIZES, mode="hp", steps=STEPS)
    train(net, torch.tensor(spikes).float(), torch.tensor(labels), epochs=EPOCHS, batch=BATCH, seed=SEED)
    network = to_description(net)
    integers = sy.quantise(network)
    accuracy = {
        "torch": evaluate(net, torch.tensor(test).float(), torch.tensor(test_labels)),
        "floating_point": float((sy.simulate(network, test).classes(network) == test_labels).mean()),
        "integers": float((sy.simulate(integers, test).classes(integers) == test_labels).mean()),
    }
    save(network, folder / "digits-hp.h5")
    packed = {
        "inputs": np.packbits(test.astype(np.uint8), axis=-1),
        "channels": np.array(test.shape[-1]),
        "labels": test_labels.astype(np.uint8),
    }
    write_whole(folder / "digits-hp.npz", lambda draft: np.savez_compressed(draft, **packed))
    record = {
        "what": digits_hp.__doc__,
        "command": "python benchmarks/examples.py",
        "data": "scikit-learn's 8x8 digits, CC BY 4.0, Alpaydin and Kaynak 1998; a stratified fifth is for test",
        "seed": SEED,
        "epochs": EPOCHS,
        "accuracy": accuracy,
        "samples": len(test_labels),
        **circumstances(),
    }
    write_json(folder / "digits-hp.json", record)
    print(accuracy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write, default src/synergic/examples")
    digits_hp(parser.parse_args().folder)
