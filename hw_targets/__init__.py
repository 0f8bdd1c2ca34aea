# SPDX-License-Identifier: BSD-3-Clause
if __name__ != "synergic.hw_targets":
    raise ImportError("import synergic.hw_targets: the folder is a part of the package, not a package by itself")
