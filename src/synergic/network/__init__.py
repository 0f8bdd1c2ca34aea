# SPDX-License-Identifier: BSD-3-Clause
"""Networks as plain data: their description in physical parameters, its exact integer form, and the files of both."""

from synergic.network._convolution import Convolution
from synergic.network._description import Network, Population, Projection, Source
from synergic.network._quantise import IntNetwork, IntPopulation, IntProjection, quantise
from synergic.network._split import split_by_spikes
from synergic.network._storage import load, save
from synergic.network._unfold import convolution_matrix, convolution_synapses, picture_after

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
    "load",
    "picture_after",
    "quantise",
    "save",
    "split_by_spikes",
]
