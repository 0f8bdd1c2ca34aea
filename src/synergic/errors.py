# SPDX-License-Identifier: BSD-3-Clause
"""Errors that synergic raises on purpose.

A message has the form "object.field: got VALUE, allowed RANGE. What to do."
"""

__all__ = [
    "CapacityError",
    "DataError",
    "ExecutionError",
    "FormatError",
    "MissingPartError",
    "ParameterError",
    "SynergicError",
    "UnsupportedError",
]


class SynergicError(Exception):
    """Base of all errors that synergic raises on purpose."""


class ParameterError(SynergicError, ValueError):
    """An argument has a value, a shape or a type that its field does not allow."""


class UnsupportedError(SynergicError):
    """A valid network needs something that the chosen executor, chip or number format does not have."""


class CapacityError(SynergicError):
    """A network is larger than the chip. The message names the resource, its need, and what would fit."""


class FormatError(SynergicError):
    """A file has the wrong kind or version, or is damaged."""


class ExecutionError(SynergicError, RuntimeError):
    """A process model failed while Lava was running. All processes of the run have been ended."""


class DataError(SynergicError):
    """A data set is not in the folder given, and could not be downloaded."""


class MissingPartError(SynergicError, ImportError):
    """The packages of a part of synergic are not installed. The message has the command that installs them."""
