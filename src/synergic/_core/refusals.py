# SPDX-License-Identifier: BSD-3-Clause
"""Refusals of a conversion: the first is raised, or all are collected where somebody asks what a format cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from synergic.errors import SynergicError


class Refusals:
    """What a conversion refuses. collect : whether its parts go on after a refusal, so that `found` has all of them."""

    def __init__(self, collect: bool = False) -> None:
        self.collect = collect
        self.found: list[SynergicError] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the conversion that can be refused alone."""
        try:
            yield
        except SynergicError as error:
            if not self.collect:
                raise
            self.add(error)

    def add(self, error: SynergicError) -> None:
        """Collect an error, once."""
        if not any(error is other for other in self.found):
            self.found.append(error)

    def end(self) -> None:
        """End a stage whose refusals leave the next one nothing to work on: the first is raised."""
        if self.found:
            raise self.found[0]


__all__ = ["Refusals"]
