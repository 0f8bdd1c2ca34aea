# SPDX-License-Identifier: BSD-3-Clause
"""Every public function, each of its arguments in turn replaced by wrong ones: an error of ours that names it.

tests/public_api.py finds the functions. tests/public_functions.py says for each which arguments it takes, and which of
the wrong ones are none for it. A public function without such a case fails here.
"""

import inspect

import public_functions
import pytest
from public_api import home, public_api
from wrong_arguments import in_time, not_refused

from synergic.errors import SynergicError
from synergic.neurons import RefractoryLIF

GROUPS = ("described", "in_lava", "on_chip", "trained", "with_files", "results", "in_folders")
RESULTS = {
    "synergic.Example",
    "synergic.data.Images",
    "synergic.data.Recordings",
    "synergic.hw_targets.Chip",
    "synergic.hw_targets.ChipReport",
    "synergic.hw_targets.costs.Costs",
    "synergic.hw_targets.costs.Reference",
    "synergic.hw_targets.mapping.Chain",
    "synergic.hw_targets.mapping.Estimate",
    "synergic.hw_targets.mapping.Mapping",
    "synergic.hw_targets.mapping.Memory",
    "synergic.interchange.Checked",
    "synergic.interchange.Issue",
    "synergic.hw_targets.mapping.passes.MappingState",
    "synergic.hw_targets.mapping.Route",
    "synergic.hw_targets.mapping.Tile",
    "synergic.hw_targets.mapping.Violation",
    "synergic.hw_targets.simulation.Activity",
    "synergic.hw_targets.simulation.ChipRecord",
    "synergic.interchange.Footprint",
    "synergic.interchange.FootprintPart",
    "synergic.learning.History",
    "synergic.reference.Operations",
    "synergic.reference.Record",
    "synergic.rules.IntHebbian",
    "synergic.rules.IntRule",
}
"""Classes that functions of ours make. What they hold was checked before, or is checked where it is used."""
IN_EVERY_STEP = {
    "synergic.neurons.CNeuron",
    "synergic.neurons.NeuronKernel",
    "synergic.neurons.after_reset",
    "synergic.rules.CRule",
    "synergic.rules.Received",
    "synergic.rules.Kernel",
    "synergic.rules.outer",
    "synergic.rules.quantise_rule",
}
"""Parts of equations: rules and neurons call them in each step of a run, with what was checked when it began."""
EQUATIONS = ("synergic.numerics.",)
"""Packages of array functions that check nothing: their callers do, once a run and not once a step."""
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
BASES = {"synergic.learning.tasks.SupervisedTask", "synergic.neurons.Neuron", "synergic.rules.Rule"}
"""Bases of one's own classes: no one makes an object of them."""


def cases(group, folder):
    """The cases of a group, by name."""
    make = getattr(public_functions, group)
    return make(folder) if inspect.signature(make).parameters else make()


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder to write into."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("group", GROUPS)
def test_wrong_arguments_are_refused_by_name(group, folder):
    assert not_refused(cases(group, folder)) == ""


def annotation(call, name):
    """What a function, or a class by itself or one that it hands its arguments on to, says of an argument."""
    for made_by in [c.__init__ for c in call.__mro__] if inspect.isclass(call) else [call]:
        parameter = inspect.signature(made_by).parameters.get(name)
        if parameter is not None:
            return str(parameter.annotation)
    return ""


@pytest.mark.parametrize("group", GROUPS)
def test_what_counts_something_says_that_it_is_a_whole_number(group, folder):
    found, asked = [], 0
    with in_time():
        for where, case in cases(group, folder).items():
            for name in case.wrong or case.args:
                if set(annotation(case.signature or case.call, name).split(" | ")) not in ({"int"}, {"int", "None"}):
                    continue
                for value in (1.5, True, "3", float("nan")):
                    asked += 1
                    with pytest.raises(SynergicError) as error:
                        case.call(**{**case.args, name: value})
                    if "whole number" not in str(error.value):
                        found.append(f"{where}({name}={value!r}): {error.value}")
    assert found == []
    assert asked > 0 or group in ("results", "with_files")


@pytest.mark.parametrize("value", [1.5, True, "3", float("nan"), [1, 2.5], [[1], [1, 2]]])
def test_steps_of_a_neuron_are_whole_numbers(value):
    with pytest.raises(SynergicError, match=r"refractory_period: got .*, allowed a whole number, 1 to 32767"):
        RefractoryLIF(value)
    assert RefractoryLIF(3.0).refractory_period == 3


def takes_arguments(thing):
    """Whether something can be called with a wrong argument. Protocols and errors are not called by users."""
    if not callable(thing) or getattr(thing, "_is_protocol", False):
        return False
    if inspect.isclass(thing):  # Lava's processes hide their arguments behind a metaclass
        made_by = thing if thing.__init__ is object.__init__ else thing.__init__
        named = inspect.signature(made_by).parameters.values()
        return not issubclass(thing, SynergicError) and any(p.kind in NAMED and p.name != "self" for p in named)
    return bool(inspect.signature(thing).parameters)


def without_case(known):
    """Public functions and classes that take arguments and are not among the `known` ones."""
    api = {home(name): thing for name, thing in public_api().items()}
    called = {name: thing for name, thing in api.items() if takes_arguments(thing)}
    open_ = {name: thing for name, thing in called.items() if name not in RESULTS | IN_EVERY_STEP | BASES}
    return sorted(n for n, thing in open_.items() if not n.startswith(EQUATIONS) and id(thing) not in known)


def test_no_public_function_is_without_a_case(folder):
    given = [case.signature or case.call for group in GROUPS for case in cases(group, folder).values()]
    known = {id(call) for call in given}
    assert without_case(known) == []
    # The test itself can fail: a function whose case is taken away is found.
    assert without_case(known - {id(public_api()["synergic.quantise"])}) == ["synergic.network.quantise"]


def test_no_case_is_of_a_private_function(folder):
    """What has a case is public, or a method of a public class: other tests are for the rest."""
    api = public_api().values()
    own = [base for thing in api if inspect.isclass(thing) for base in thing.__mro__ if "synergic" in base.__module__]
    methods = [m for base in own for m in vars(base).values()]
    public = {id(thing) for thing in api} | {id(getattr(m, "__func__", m)) for m in methods}
    private = []
    for group in GROUPS:
        for where, case in cases(group, folder).items():
            call = case.signature or case.call
            if id(getattr(call, "__func__", call)) not in public:
                private.append(where)
    assert private == []


def test_what_is_left_out_is_public():
    homes = {home(name) for name in public_api()}
    assert homes >= RESULTS | IN_EVERY_STEP | BASES
    assert all(any(name.startswith(package) for name in homes) for package in EQUATIONS)
