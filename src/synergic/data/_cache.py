# SPDX-License-Identifier: BSD-3-Clause
"""Where data sets are looked for and kept."""

from pathlib import Path

FOLDER_VARIABLE = "SYNERGIC_DATA"
"""Environment variable that names the folder with data sets."""
CACHE = Path.home() / ".cache" / "synergic"
"""Where data sets are kept that were downloaded."""
