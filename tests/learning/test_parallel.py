# SPDX-License-Identifier: BSD-3-Clause
"""Training by several processes, each part in this one. tests/learning/test_resume.py trains by two, with `-m ""`."""

import pytest
import torch
from torch import distributed, nn

from synergic.errors import ParameterError
from synergic.learning import _parallel


def test_one_process_joins_no_others():
    with _parallel.processes() as writes:
        assert writes
        assert not distributed.is_initialized()
        net = nn.Linear(2, 1)
        assert _parallel.parallel(net) is net
        chosen, weight = _parallel.part_of_batch(torch.arange(7))
        assert (chosen.tolist(), weight) == (list(range(7)), 1.0)
        assert _parallel.mean(0.5) == 0.5


@pytest.fixture
def joined(tmp_path, monkeypatch):
    """A group of processes of which this is the only one: gloo takes the file, where torchrun names a port."""
    init = distributed.init_process_group
    asked = []

    def init_by_file(backend):
        asked.append(backend)
        init(backend, init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)

    monkeypatch.setattr(distributed, "init_process_group", init_by_file)
    monkeypatch.setenv("WORLD_SIZE", "2")
    return asked


def test_a_group_is_joined_and_left(joined):
    with _parallel.processes() as writes:
        assert joined == ["gloo"]
        assert writes
        net = nn.Linear(2, 1)
        _parallel.parallel(net)(torch.ones(4, 2)).sum().backward()
        assert net.weight.grad.tolist() == [[4.0, 4.0]]
        assert _parallel.mean(0.5) == 0.5
    assert not distributed.is_initialized()


def test_a_group_is_left_after_an_error(joined):
    with pytest.raises(ZeroDivisionError), _parallel.processes():
        raise ZeroDivisionError
    assert not distributed.is_initialized()


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_parts_of_a_batch(rank, monkeypatch):
    """By hand: seven samples, three processes. Sums of a mean times its weight are the mean over all."""
    for name, value in (("is_initialized", True), ("get_world_size", 3), ("get_rank", rank)):
        monkeypatch.setattr(distributed, name, lambda value=value: value)
    chosen, weight = _parallel.part_of_batch(10 * torch.arange(7))
    assert chosen.tolist() == [[0, 30, 60], [10, 40], [20, 50]][rank]
    assert weight == pytest.approx([9 / 7, 6 / 7, 6 / 7][rank])  # n B_r / B
    with pytest.raises(ParameterError, match=r"batch: got 2 samples, allowed 3 processes or more"):
        _parallel.part_of_batch(torch.arange(2))


def test_a_figure_is_the_mean_over_all_processes(monkeypatch):
    def all_reduce(value):
        value += 5.0  # what two others have

    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    assert _parallel.mean(1.0) == 2.0
