# SPDX-License-Identifier: BSD-3-Clause
"""The mapping pass `fold`: the number of time-multiplexing passes in which a convolution is computed."""

from __future__ import annotations

from dataclasses import replace

from synergic.hw_targets.mapping._arrange import layers
from synergic.hw_targets.mapping._time_multiplexing import folds_for
from synergic.hw_targets.mapping.passes._pass import MappingState, Pass


class Fold(Pass):
    """Decide in how many time-multiplexing passes the cores of a convolution compute its output positions.

    Options: `fold`, `budget`. Sets `state.folds`.
    """

    name = "fold"
    what = "How many output positions of a convolution a core computes one after another in a step (time-multiplexing)."

    def __call__(self, state: MappingState) -> MappingState:
        """Choose the folds of all populations behind convolutions."""
        asked = state.options
        available = state.available if asked.budget is None else min(asked.budget, state.available)
        convolutions = layers(state.network)
        folds = folds_for(state.arranged, convolutions, state.chip, asked.weight_storage, asked.fold, available)
        return replace(state, folds=folds)
