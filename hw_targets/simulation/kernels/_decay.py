# SPDX-License-Identifier: BSD-3-Clause
"""The decay of all local weights of a tile, the most frequent work of the simulator: P <- rshift(lambda P, 12).

With 8 lambda, which has 16 bits as P has, this is ((8 lambda P >> 14) + 1) >> 1. x86 processors have one instruction
for it, of 16 weights at a time (pmulhrsw), which LLVM makes of no loop. So it is asked for by name where it is there.
Then the decay takes as long as reading and writing the weights; as a loop it takes twice that time and more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

LANES = 16
"""Weights that one instruction takes: 256 bits of them."""
ROUNDED_PRODUCT = "llvm.x86.avx2.pmul.hr.sw"
"""LLVM's name of the instruction: ((a b >> 14) + 1) >> 1 of numbers of 16 bits."""


def has_instruction() -> bool:
    """Return whether this processor has the instruction, and LLVM says so."""
    x86 = binding.get_process_triple().split("-")[0] in ("x86_64", "i386", "i686")
    return x86 and binding.get_host_cpu_features().get("avx2", False)


@intrinsic
def decay_lanes(context: Any, memory: Any, at: Any, factor: Any) -> Any:
    """memory[at : at + LANES] = ((factor memory >> 14) + 1) >> 1. factor : 16 bits, not -32768. No bound is checked."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        vector = ir.VectorType(ir.IntType(16), LANES)
        place = builder.bitcast(builder.gep(array.data, [args[1]]), vector.as_pointer())
        factors = ir.Constant(vector, ir.Undefined)
        for lane in range(LANES):
            factors = builder.insert_element(factors, args[2], ir.Constant(ir.IntType(32), lane))
        product = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector, vector]), ROUNDED_PRODUCT
        )
        builder.store(builder.call(product, [builder.load(place, align=2), factors]), place, align=2)
        return context.get_dummy_value()

    return types.void(memory, types.intp, types.int16), code


def decay(memory: Any, start: Any, count: Any, factor: Any) -> None:
    """memory[start : start + count] = ((factor memory >> 14) + 1) >> 1, each rounded by itself. factor : np.int16."""
    first, after = np.uint64(start), np.uint64(start + count)
    for i in range(first, after):
        product = np.int32(np.int32(memory[i]) * np.int32(factor))
        memory[i] = np.int32(np.int32(product >> np.int32(14)) + np.int32(1)) >> np.int32(1)


@overload(decay)
def compiled_decay(memory: Any, start: Any, count: Any, factor: Any) -> Any:
    """Return what the compiler takes for `decay`: the instruction for weights of 16 bits, else the loop."""
    if memory.dtype != types.int16 or not has_instruction():
        return decay

    def by_lanes(memory: Any, start: Any, count: Any, factor: Any) -> None:
        whole = count - count % LANES
        for i in range(start, start + whole, LANES):
            decay_lanes(memory, i, factor)  # type: ignore[call-arg]  # the first one is numba's
        for i in range(start + whole, start + count):
            product = np.int32(np.int32(memory[i]) * np.int32(factor))
            memory[i] = np.int32(np.int32(product >> np.int32(14)) + np.int32(1)) >> np.int32(1)

    return by_lanes
