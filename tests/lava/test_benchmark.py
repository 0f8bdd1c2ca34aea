# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks/lava_runtime.py times goes on fitting the library, at the smallest size."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

FILE = Path(__file__).parents[2] / "benchmarks" / "lava_runtime.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("lava_runtime", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["floating", "fixed"])
def test_the_functions_of_a_plastic_step_are_called_as_they_are(benchmark, kind):
    kernel = benchmark.Kernel(kind, 0)
    before = kernel.local.copy()
    assert kernel.seconds(3) > 0
    assert (kernel.local != before).any()
