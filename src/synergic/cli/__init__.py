# SPDX-License-Identifier: BSD-3-Clause
"""The command line, `synergic`. Each command is one module."""

from synergic.cli._main import main

__all__ = ["main"]
