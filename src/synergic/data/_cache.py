# SPDX-License-Identifier: BSD-3-Clause
"""Folder in which data sets are searched, and to which they are downloaded."""

import os
import tempfile
from pathlib import Path

FOLDER_VARIABLE = "SYNERGIC_DATA"
"""Environment variable that names the folder with data sets."""


def cache() -> Path:
    """Return the folder of the data sets that were downloaded, in the home folder.

    Where there is no home, as in a container whose user has no entry, it is in the folder for temporary files. It is
    asked for at its use: importing needs no home.
    """
    try:
        return Path.home() / ".cache" / "synergic"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"synergic-{os.getuid()}"
