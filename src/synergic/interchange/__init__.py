# SPDX-License-Identifier: BSD-3-Clause
"""Networks from and to other libraries, one file a format; docs/interchange.md lists what each converts."""

from typing import TYPE_CHECKING

from synergic._core.moved import old_names
from synergic.interchange._c._c_export import c_footprint, to_c
from synergic.interchange._c._c_state import read_c_state
from synergic.interchange._c._footprint import Footprint, FootprintPart
from synergic.interchange._check_file import Checked, Issue, check
from synergic.interchange._lava_dl import from_lava_dl, lava_dl_export_issues, to_lava_dl
from synergic.interchange._nir import from_nir, nir_export_issues, to_nir

__all__ = [
    "Checked",
    "Footprint",
    "FootprintPart",
    "Issue",
    "c_footprint",
    "check",
    "from_lava_dl",
    "from_nir",
    "lava_dl_export_issues",
    "nir_export_issues",
    "read_c_state",
    "to_c",
    "to_lava_dl",
    "to_nir",
]

if not TYPE_CHECKING:  # a checker would take every name for one of the package's
    __getattr__ = old_names(__name__)
