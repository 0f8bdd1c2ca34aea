# SPDX-License-Identifier: BSD-3-Clause
"""What synergic raises. The text says: object.field, the value given, the range allowed, what to do."""

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
    """Base of every error that synergic raises on purpose."""


class ParameterError(SynergicError, ValueError):
    """A value, shape or type that the named field does not allow."""


class UnsupportedError(SynergicError):
    """A valid network that the chosen executor or number format cannot represent."""


class CapacityError(SynergicError):
    """A network larger than the chip: resource, needed, available, the smallest change that fits."""


class FormatError(SynergicError):
    """A file that is not what it should be: wrong kind, version, or damaged."""


class ExecutionError(SynergicError, RuntimeError):
    """A process model failed while Lava was running; every process has been ended."""


class DataError(SynergicError):
    """A data set that is neither in the folder named nor to be downloaded."""


class MissingPartError(SynergicError, ImportError):
    """A part of synergic whose packages are not installed; the message has the command that installs them."""
