# SPDX-License-Identifier: BSD-3-Clause
"""The pages of results: tables and plots from the records, and the texts around them (templates/)."""
