# SPDX-License-Identifier: BSD-3-Clause
"""Private: what the other packages share."""
