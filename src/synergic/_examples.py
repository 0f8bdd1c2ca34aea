# SPDX-License-Identifier: BSD-3-Clause
"""Trained networks that ship with synergic, each with samples to try it on. `benchmarks/examples.py` makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synergic._core.checks import choice
from synergic._core.contents import Brief
from synergic._core.files import read_arrays
from synergic._core.integers import VALUE_MAX
from synergic.network._description import Network
from synergic.network._storage import load

EXAMPLES = ("digits-hp", "digits-conv", "digits-recurrent", "nmnist-hp", "omniglot-few-shot", "omniglot-classes")
"""Names that `load_example` takes."""


@dataclass(frozen=True, eq=False)
class Example(Brief):
    """A trained network with samples it has not seen.

    Attributes
    ----------
    name : str
        One of `EXAMPLES`.
    network : Network
        The network, in floating point.
    inputs : array, shape (samples, T, n_in)
        Test samples, as the network takes them: spikes as int64, or values of 0 .. 1 as float64.
    labels : array of int64, shape (samples,)
        Their classes.
    record : dict
        What made the network: `command`, `seed`, `epochs`, `versions`, `machine`, `date`, and `accuracy`, the share of
        `inputs` that is classified right in `"floating_point"` and in `"integers"`, 0 .. 1.
    new_inputs, new_labels : array
        Samples of classes that the network has not learned yet, like `inputs` and `labels`. None of most examples.
    """

    name: str
    network: Network
    inputs: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    record: dict[str, Any]
    new_inputs: npt.NDArray[Any]
    new_labels: npt.NDArray[np.int64]


def example_file(given: Path) -> Path:
    """The network file of an example that is named; any other path as it is. A file of that name goes first."""
    is_name = str(given) in EXAMPLES and not given.exists()
    return Path(str(files("synergic"))) / "examples" / f"{given}.h5" if is_name else given


def load_example(name: str = "digits-hp") -> Example:
    """Load a trained network that ships with synergic.

    Parameters
    ----------
    name : {"digits-hp", "digits-conv", "digits-recurrent", "nmnist-hp", "omniglot-few-shot", "omniglot-classes"}
        The first three classify the 8x8 digits of scikit-learn (Alpaydin and Kaynak 1998, CC BY 4.0). "digits-hp" is
        a 64-300-10 network with hybrid plasticity; "digits-conv" has a convolution of 8 channels before layers of 64
        and 10 neurons with hybrid plasticity; "digits-recurrent" is a 64-100-10 network whose hidden layer is
        recurrent, without local weights. "nmnist-hp", 2312-128-10 with hybrid plasticity, classifies recordings of an
        event camera (N-MNIST, Orchard et al. 2015, CC BY-SA 4.0); it was trained on 1,000 of 60,000.
        "omniglot-few-shot" is a read-out that learns 5 handwritten characters (Lake et al. 2015, MIT) from one drawing
        each within a presentation; the host computes its inputs by convolutions. "omniglot-classes" has four
        convolutions and an output of 30 neurons, whose local weights have learned 25 of these characters from 10
        drawings each, one after another; `new_inputs` are drawings of 5 more.

    Returns
    -------
    Example
        The network, 100 to 360 test samples with their labels, and the record of its training.

    Raises
    ------
    ParameterError
        If there is no example of that name.

    Examples
    --------
    >>> import synergic as sy
    >>> example = sy.load_example("digits-hp")
    >>> record = sy.simulate(example.network, example.inputs[:20])
    >>> bool((record.classes(example.network) == example.labels[:20]).mean() > 0.9)
    True
    """
    choice("load_example.name", name, EXAMPLES)
    folder = files("synergic") / "examples"
    with as_file(folder / f"{name}.h5") as path:
        network = load(path)
    with as_file(folder / f"{name}.npz") as path:
        arrays = read_arrays(path, "Install synergic again.")
    record = json.loads((folder / f"{name}.json").read_text())
    if not isinstance(network, Network) or not isinstance(arrays, dict):
        raise TypeError(f"synergic/examples/{name}: not what benchmarks/examples.py writes")
    given = {key: arrays.get(key, arrays["inputs"][:0]) for key in ("inputs", "new_inputs")}
    if network.source.num_message_bits:
        inputs = {key: values / VALUE_MAX for key, values in given.items()}
    else:
        count = int(arrays["channels"])
        inputs = {key: np.unpackbits(bits, axis=-1, count=count).astype(np.int64) for key, bits in given.items()}
    labels = {key: arrays.get(key, arrays["labels"][:0]).astype(np.int64) for key in ("labels", "new_labels")}
    return Example(
        name, network, inputs["inputs"], labels["labels"], record, inputs["new_inputs"], labels["new_labels"]
    )
