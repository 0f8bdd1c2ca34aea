# SPDX-License-Identifier: BSD-3-Clause
"""What of a network has C text, and what is refused because it has none."""

from __future__ import annotations

from typing import Any

from synergic._core.checks import kind
from synergic._core.refusals import Refusals
from synergic.errors import UnsupportedError
from synergic.interchange._c._c_names import IN_NEURONS, IN_RULES, check_own_names
from synergic.network._quantise import IntNetwork, IntPopulation, IntProjection
from synergic.neurons import CNeuron
from synergic.rules import CRule


def check_texts(network: IntNetwork, refusals: Refusals) -> None:
    """Refuse what has no C text: neurons, and rules that learn."""
    for p in network.populations:
        with refusals.part():
            check_neuron(p)
    for q in network.projections:
        if q.plastic:
            with refusals.part():
                check_rule(q)


def check_neuron(p: IntPopulation) -> None:
    """Refuse a neuron without C text."""
    name, neuron = type(p.neuron).__name__, p.neuron
    if neuron.c_text is None:
        raise UnsupportedError(
            f"{p.name}.neuron: got {name}, which has no C text, allowed neurons with one: {with_text(type(neuron))}. "
            "Give its class the attribute c_text, a synergic.neurons.CNeuron."
        )
    kind(f"{name}.c_text", neuron.c_text, CNeuron, "It has the statements of a step.")
    check_own_names(f"{p.name}.neuron", name, (*neuron.parameters(), *neuron.states), IN_NEURONS)


def check_rule(q: IntProjection) -> None:
    """Refuse a rule that learns and has no C text."""
    rule: Any = q.rule
    name = rule.rule_type.__name__
    if rule.rule_type.c_text is None:
        raise UnsupportedError(
            f"{q.name}.rule: got {name}, which has no C text, allowed rules with one: {with_text(rule.rule_type)}. "
            "Give its class the attribute c_text, a synergic.rules.CRule, or set plasticity_scope='frozen'."
        )
    kind(f"{name}.c_text", rule.rule_type.c_text, CRule, "It has the statements of a synapse.")
    check_own_names(f"{q.name}.rule", name, (*rule.parameters(), *rule.settings, *rule.rule_type.state), IN_RULES)


def with_text(family: Any) -> list[str]:
    """The names of all rules or neurons that have C text."""
    return sorted(name for name, one in family.registry.items() if one.c_text is not None)
