# SPDX-License-Identifier: BSD-3-Clause
"""Programs for a Cortex-M4 under emulation: classes of the reference, and after each sample the very state of this
machine's program, byte for byte."""

import shutil
import subprocess

import numpy as np
import pytest

import synergic as sy
from conformance.test_c import COMPILER, PROBES, STRICT, typed, whole
from synergic.interchange import to_c

GCC, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
MISSING = [name for name in (COMPILER or "gcc", GCC, EMULATOR) if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")
LAYOUT = """
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
ENTRY(reset_handler)
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(8); } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .data : { *(.data*) . = ALIGN(8); } > RAM
  .bss : { zeros = .; *(.bss*) *(COMMON) . = ALIGN(8); end = .; } > RAM
  __stack = ORIGIN(RAM) + LENGTH(RAM);
}
"""
"""The memory of QEMU's board mps2-an386."""
START = """
#include <stdint.h>
#include <stdlib.h>
extern int main(void);
extern void initialise_monitor_handles(void);
extern uint32_t __stack, zeros, end;
void reset_handler(void);
void _init(void);
void _fini(void);
void _init(void) {}
void _fini(void) {}
void reset_handler(void)
{
    for (uint32_t *p = &zeros; p < &end; ++p) *p = 0;
    initialise_monitor_handles(); /* standard input and output are those of this machine */
    exit(main());
}
__attribute__((section(".vectors"), used))
static const void *const vectors[2] = { &__stack, (const void *)reset_handler };
"""
MAIN = """
#include <stdio.h>
#include "net.h"
static net_state net;
int main(void)
{
    static uint8_t in[NET_INPUTS];
    net_reset(&net);
    for (int sample = 0; sample < SAMPLES; ++sample) {
        net_present_begin(&net);
        for (int step = 0; step < NET_STEPS; ++step) {
            int number = 0;
#if NET_SIGNALLED
            if (scanf("%d", &number) != 1) return 2;
            net_signal(&net, number);
#endif
            for (int i = 0; i < NET_INPUTS; ++i) {
                if (scanf("%d", &number) != 1) return 2;
                in[i] = (uint8_t)number;
            }
            net_step(&net, in, 0);
        }
        printf("%u ", (unsigned)net_class(&net));
        for (unsigned i = 0; i < sizeof net; ++i) printf("%02x", ((const uint8_t *)&net)[i]);
        printf("\\n");
    }
    return 0;
}
"""


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", ["rule Hebbian", "rule PairSTDP", "masked ThreeFactor", "values Oja", "masked BCM",
                                  "zero AdaptiveLIF", "convolved", "loud", "bounded", "stream Hebbian",
                                  "masked stream PairSTDP", "stream of a convolution"])  # fmt: skip
def test_a_cortex_m4_computes_the_same(name, tmp_path):
    network, inputs, signal = whole(*PROBES[name]())
    to_c(network, tmp_path)
    for file, text in (("m4.ld", LAYOUT), ("start.c", START), ("run.c", MAIN)):
        (tmp_path / file).write_text(text)
    (tmp_path / "in.txt").write_text(typed(network, inputs, signal))
    both = ["-Isrc", f"-DSAMPLES={len(inputs)}", "run.c", "src/net.c"]
    here = [COMPILER, *STRICT, "-O2", *both, "-o", "here"]
    there = [GCC, *STRICT, "-mcpu=cortex-m4", "-mthumb", "-Os", "--specs=rdimon.specs", "-nostartfiles", "-T", "m4.ld"]
    there += ["-w", "start.c", *both, "-o", "there.elf"]
    emulate = [
        EMULATOR,
        "-M",
        "mps2-an386",
        "-kernel",
        "there.elf",
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    emulate += ["-semihosting-config", "enable=on,target=native"]
    printed = []
    for build, run in ((here, ["./here"]), (there, emulate)):
        made = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        with (tmp_path / "in.txt").open() as samples:
            done = subprocess.run(run, cwd=tmp_path, stdin=samples, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    classes = [int(line.split()[0]) for line in printed[0].splitlines()]
    assert np.array_equal(classes, sy.simulate(network, inputs, signal=signal).classes(network))
