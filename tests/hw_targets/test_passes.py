# SPDX-License-Identifier: BSD-3-Clause
"""The mapping is the list of passes that it claims to be: one list, one set of options, and passes of a user's own."""

import dataclasses
import re
import time
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from chips import small_chip
from networks import plastic_network
from scipy.sparse import csr_array

import synergic as sy
from synergic.cli._commands import Map
from synergic.errors import CapacityError, ParameterError
from synergic.hw_targets.mapping import PASSES, PLACEMENTS, MappingOptions, Pass, check_mapping, estimate, map_network
from synergic.hw_targets.mapping._options import NamedOptions, Placement
from synergic.hw_targets.mapping.passes._placement import MOST_ASSIGNED, quadratic_assignment

NET = sy.quantise(plastic_network(sizes=(20, 12, 4)))
DOCS = Path(__file__).parents[2] / "docs" / "mapping.md"


class Recorder(Pass):
    """Does nothing but keep what it saw."""

    name = "recorder"
    what = "Nothing."

    def __init__(self):
        self.seen = []

    def __call__(self, state):
        self.seen.append(state)
        return state


class Broken(Pass):
    """Puts all cores on one place."""

    name = "broken"
    what = "One place for all."
    needs_fit = True

    def __call__(self, state):
        return dataclasses.replace(state, slots=np.zeros(state.cores, np.int64))


class Forgetful(Pass):
    """Returns nothing."""

    name = "forgetful"
    what = "Nothing."

    def __call__(self, state):
        return None


def test_the_documentation_lists_the_passes_that_run():
    rows = re.findall(r"^\| (\w+) \| `(\w+\.py)` \| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [each.name for each in PASSES]
    assert [file for _, file, _ in rows] == [f"{type(each).__module__.rsplit('.', 1)[1]}.py" for each in PASSES]
    for each, (_, _, text) in zip(PASSES, rows, strict=True):
        assert text.startswith(each.what)


def test_each_option_is_the_same_wherever_it_is_named():
    options = {f.name: f.default for f in dataclasses.fields(MappingOptions)}
    assert get_type_hints(NamedOptions).keys() == options.keys()
    line = {f.name: f.default for f in dataclasses.fields(Map)}
    # The rate is not asked for on the command line, whose report is about the assumed one.
    assert {name: line[name] for name in options if name in line} == {k: v for k, v in options.items() if k != "rate"}
    kinds = get_type_hints(Map)
    assert set(get_args(kinds["placement"])) == set(get_args(Placement)) == set(PLACEMENTS)


def test_an_object_of_options_says_what_named_ones_say():
    options = MappingOptions(placement="greedy", dead_cores=[(1, 1), (0, 0), (1, 1)], dead_links=[((2, 1), (1, 1))])
    assert options.dead_cores == ((0, 0), (1, 1))
    assert options.dead_links == (((1, 1), (2, 1)),)
    one = map_network(NET, small_chip(rows=12), options=options, fan_out=2)
    two = map_network(NET, small_chip(rows=12), placement="greedy", dead_cores=[(0, 0), (1, 1)],
                      dead_links=[((1, 1), (2, 1))], fan_out=2)  # fmt: skip
    assert (one.tiles, one.copies, one.chains, one.slots.tolist()) == (
        two.tiles, two.copies, two.chains, two.slots.tolist(),
    )  # fmt: skip
    assert (one.placement, one.fan_out, one.dead_cores) == ("greedy", 2, ((0, 0), (1, 1)))


def test_a_pass_sees_what_those_before_it_decided():
    first, last = Recorder(), Recorder()
    mapping = map_network(NET, small_chip(), passes=(first, *PASSES, last))
    (begun,), (done,) = first.seen, last.seen
    assert (begun.tiles, begun.needs, begun.slots, begun.chains) == ((), None, None, None)
    assert (done.tiles, done.chains, done.cores) == (mapping.tiles, mapping.chains, mapping.cores)
    assert mapping.chains == map_network(NET, small_chip()).chains
    assert done.needs == estimate(NET, small_chip())


def test_an_estimate_stops_before_what_needs_a_fit_and_a_mapping_refuses_there():
    early, late = Recorder(), Recorder()
    late.needs_fit = True
    passes = (*PASSES[:-2], early, late, *PASSES[-2:])
    few = small_chip(rows=1, columns=2)
    assert not estimate(NET, few, passes=passes).fits
    assert (len(early.seen), len(late.seen)) == (1, 0)
    with pytest.raises(CapacityError, match="available 2"):
        map_network(NET, few, passes=passes)
    assert (len(early.seen), len(late.seen)) == (2, 0)


@pytest.mark.parametrize(
    ("passes", "words"),
    [
        ((*PASSES[:-1], Broken(), PASSES[-1]), r"map_network\.passes: got 1 errors .* 23 taken twice"),
        ((*PASSES[:-1], Broken()), r"map_network\.passes: got none that sets state\.chains"),
        ((Forgetful(), *PASSES), r"pass forgetful's result: got None"),
        ((len, *PASSES), r"map_network\.passes: got <built-in function len>"),
        ((Recorder, *PASSES), r"map_network\.passes: got <class"),
        (PASSES[0], r"map_network\.passes: got <"),
        (PASSES[-1:], r"routing\.state\.slots: got None"),
    ],
)  # fmt: skip
def test_wrong_passes_are_refused(passes, words):
    with pytest.raises(ParameterError, match=words):
        map_network(NET, small_chip(), passes=passes)


def test_an_estimate_needs_the_pass_that_estimates():
    with pytest.raises(ParameterError, match=r"estimate\.passes"):
        estimate(NET, small_chip(), passes=PASSES[:3])


def test_a_mapping_is_sound_without_the_passes_that_only_improve_it():
    needed = tuple(each for each in PASSES if each.name in ("fold", "partition", "placement", "routing"))
    mapping = map_network(NET, small_chip(), passes=needed)
    assert check_mapping(mapping) == ()
    assert mapping.cores >= map_network(NET, small_chip()).cores


def test_assignment_takes_the_time_of_the_cores_and_not_of_the_grid():
    between = csr_array(np.triu(np.ones((30, 30)), 1))
    started = time.process_time()
    slots = quadratic_assignment(between, np.arange(15_600), 130, 0)
    assert time.process_time() - started < 20, "15,600 places took hours"
    assert len(np.unique(slots)) == 30
    y, x = np.divmod(slots, 130)
    assert np.ptp(x) < 20
    assert np.ptp(y) < 20
    many = csr_array((MOST_ASSIGNED + 1, MOST_ASSIGNED + 1))
    with pytest.raises(ParameterError, match=r"placement: got 161 cores, allowed up to 160 .*annealing"):
        quadratic_assignment(many, np.arange(15_600), 130, 0)
