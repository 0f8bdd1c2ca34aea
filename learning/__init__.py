# SPDX-License-Identifier: BSD-3-Clause
if __name__ != "synergic.learning":
    raise ImportError("import synergic.learning: the folder is a part of the package, not a package by itself")
