# SPDX-License-Identifier: BSD-3-Clause
"""Networks as plain data: their description in physical parameters, its exact integer form, and the files of both."""

from typing import TYPE_CHECKING

from synergic._core.moved import old_names
from synergic.network._convolution import Convolution
from synergic.network._description import Network, Population, Projection, Source
from synergic.network._quantise import IntNetwork, IntPopulation, IntProjection, quantise
from synergic.network._split import split_by_spikes
from synergic.network._storage import load, save
from synergic.network._unfold import convolution_matrix, convolution_synapses, image_after

__all__ = [
    "Convolution",
    "IntNetwork",
    "IntPopulation",
    "IntProjection",
    "Network",
    "Population",
    "Projection",
    "Source",
    "convolution_matrix",
    "convolution_synapses",
    "image_after",
    "load",
    "quantise",
    "save",
    "split_by_spikes",
]

if not TYPE_CHECKING:  # a checker would take every name for one of the package's
    __getattr__ = old_names(__name__)
