# SPDX-License-Identifier: BSD-3-Clause
"""Integer networks as C99: the arrays, the equations, the files, what they take, and local weights read back."""
