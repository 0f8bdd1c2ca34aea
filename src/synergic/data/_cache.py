# SPDX-License-Identifier: BSD-3-Clause
"""Folder in which data sets are searched, and to which they are downloaded."""

from pathlib import Path

FOLDER_VARIABLE = "SYNERGIC_DATA"
"""Environment variable that names the folder with data sets."""
CACHE = Path.home() / ".cache" / "synergic"
"""Folder of the data sets that were downloaded."""
