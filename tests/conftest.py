# SPDX-License-Identifier: BSD-3-Clause
"""Profiles of hypothesis, for a night: `pytest --hypothesis-profile=thousands` with tests/unit/test_refinement.py or
tests/unit/test_readers.py."""

from hypothesis import settings

settings.register_profile("thousands", max_examples=5000, print_blob=True)
