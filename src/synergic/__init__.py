# SPDX-License-Identifier: BSD-3-Clause
"""synergic: global-local (hybrid plasticity) learning on spiking hardware, on Intel's Lava."""

import logging
from importlib.metadata import version

from synergic.network import Hebbian, Network, Population, Projection, Source
from synergic.quantise import IntNetwork, quantise
from synergic.simulate import Record, simulate

__version__ = version("synergic")
__all__ = [
    "Hebbian",
    "IntNetwork",
    "Network",
    "Population",
    "Projection",
    "Record",
    "Source",
    "quantise",
    "simulate",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())
