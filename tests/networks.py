# SPDX-License-Identifier: BSD-3-Clause
"""Networks that the tests share."""

import itertools

import numpy as np

import synergic as sy


def plastic_network(seed=0, sizes=(12, 9, 4), steps=6, recurrent=False, **changes):
    """A chain of plastic layers with random parameters; `recurrent` adds feedback from the last to the first."""
    rng = np.random.default_rng(seed)
    names = ["in", *(f"layer{i}" for i in range(1, len(sizes)))]
    populations = [
        sy.Population(n, size, 0.35, 0.4, changes.get("reset", "subtract"), rng.uniform(-0.02, 0.02, size))
        for n, size in zip(names[1:], sizes[1:], strict=True)
    ]
    projections = []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        rule = sy.Hebbian(
            rng.uniform(0, 0.2, n_in),
            rng.uniform(-0.2, 0.2, n_out),
            changes.get("lambda_", 0.9),
            changes.get("rho", "tanh"),
            changes.get("sign", 1),
            changes.get("p_max", 1.0),
            rng.random((n_out, n_in)) < changes["masked"] if "masked" in changes else None,
        )
        local = rng.uniform(-0.5, 0.5, (n_out, n_in)) * changes.get("p_max", 1.0)
        local = local if rule.mask is None else local * rule.mask
        weights = rng.normal(0, 1 / np.sqrt(n_in), (n_out, n_in))
        projections.append(
            sy.Projection(
                f"c{i}",
                names[i],
                names[i + 1],
                weights,
                rule,
                changes.get("alpha", 0.3),
                local,
                changes.get("plasticity_scope", "per_sample"),
                memory=changes.get("memory", 1000),
            )
        )
    if recurrent:
        weights = rng.normal(0, 0.2, (sizes[1], sizes[-1]))
        projections.append(sy.Projection("feedback", names[-1], names[1], weights))
    return sy.Network(sy.Source("in", sizes[0]), tuple(populations), tuple(projections), names[-1], steps, tau_w=40.0)


def random_spikes(network, samples=3, rate=0.4, seed=0):
    """Independent input spikes, (samples, T, channels)."""
    rng = np.random.default_rng(seed)
    return (rng.random((samples, network.steps, network.source.size)) < rate).astype(int)
