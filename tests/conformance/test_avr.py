# SPDX-License-Identifier: BSD-3-Clause
"""Programs for an 8-bit AVR, whose int has 16 bits, under emulation: potentials, spikes, local weights and classes of
the reference. The constants of these small networks are in RAM there."""

import re
import shutil
import subprocess

import numpy as np
import pytest

import synergic as sy
from conformance.test_c import PROBES, STRICT, whole
from synergic.interchange import to_c
from synergic.interchange._c._c_program import CProgram

GCC, EMULATOR = "avr-gcc", "simavr"  # QEMU 7.2 stops at some branches between two pages of its own
AVR = ("-mmcu=atmega2560", "-Os")
MAIN = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include "net.h"
static const uint8_t given[] PROGMEM = { %s };
static const int16_t told[] PROGMEM = { %s };
static net_state net;
static void put(uint8_t byte)
{
    while (!(UCSR0A & (1 << UDRE0))) {
    }
    UDR0 = byte;
}
static void show(const void *what, uint16_t size)
{
    for (uint16_t i = 0; i < size; ++i) {
        const uint8_t byte = ((const uint8_t *)what)[i];
        put((uint8_t)"0123456789abcdef"[byte >> 4]);
        put((uint8_t)"0123456789abcdef"[byte & 15]);
    }
}
int main(void)
{
    static uint8_t in[NET_INPUTS];
    uint16_t at = 0, step_of_all = 0;
    UCSR0B = 1 << TXEN0;
    net_reset(&net);
    for (uint16_t sample = 0; sample < %d; ++sample) {
        net_present_begin(&net);
        for (uint16_t step = 0; step < NET_STEPS; ++step, ++step_of_all) {
            for (uint16_t i = 0; i < NET_INPUTS; ++i) {
                in[i] = pgm_read_byte(given + at++);
            }
#if NET_SIGNALLED
            net_signal(&net, (int16_t)pgm_read_word(told + step_of_all));
#endif
            net_step(&net, in, 0);
            %s
        }
        %s
        put((uint8_t)('0' + net_class(&net)));
        put(';');
    }
    (void)told;
    put('\\n');
    cli();
    sleep_mode(); /* ends the emulation */
    return 0;
}
"""
FITTING = ["rule Hebbian", "values Hebbian", "masked BCM", "rule ThreeFactor", "values PairSTDP", "zero AdaptiveLIF",
           "neuron ReLU", "neuron CurrentLIF", "stream Oja", "masked stream PairSTDP", "stream of values BCM",
           "stream of many"]  # fmt: skip


@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"not on this machine: {GCC}")
@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", PROBES)
def test_every_part_compiles_where_an_int_has_16_bits(name, tmp_path):
    network, _, _ = whole(*PROBES[name]())
    to_c(network, tmp_path)
    made = [GCC, *STRICT, *AVR, "-Isrc", "-c", "-o", "net.o", "src/net.c"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(None in map(shutil.which, (GCC, EMULATOR)), reason=f"not on this machine: {GCC} and {EMULATOR}")
@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", FITTING)
def test_an_avr_computes_the_same(name, tmp_path):
    network, inputs, signal = whole(*PROBES[name]())
    inputs, signal = inputs[:3], None if signal is None else signal[:3]
    program = CProgram(network)
    to_c(network, tmp_path)
    shown = [(p.u.name, f"{p.sent.name}[0]") for p in program.populations]
    steps = "".join(f"show(net.{n}, sizeof net.{n});" for names in shown for n in names)
    ends = "".join(f"show(net.{q.P.name}, sizeof net.{q.P.name});" for q in program.learning)
    numbers = [", ".join(map(str, np.ravel(values))) for values in (inputs, [0] if signal is None else signal)]
    (tmp_path / "run.c").write_text(MAIN % (*numbers, len(inputs), steps, ends))
    made = [GCC, "-std=gnu99", *AVR, "-Isrc", "-o", "run.elf", "run.c", "src/net.c"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    emulate = [EMULATOR, "-m", "atmega2560", "-f", "16000000", "run.elf"]
    done = subprocess.run(emulate, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    said = re.sub(r"\x1b\[\d*m|\n", "", done.stderr)  # in colour, 256 characters a line
    got = re.findall(r"([0-9a-f]+);", said)
    assert len(got) == len(inputs), said
    want = sy.simulate(network, inputs, signal=signal)
    for sample, line in enumerate(got):
        expected = b""
        for m in range(network.steps):
            for p in program.populations:
                expected += want.u[p.p.name][sample, m].astype("<i4").tobytes()
                expected += want.spikes[p.p.name][sample, m].astype(np.uint8).tobytes()
        assert line.startswith(expected.hex())
        local = bytes.fromhex(line[len(expected.hex()) : -1])
        for q in program.learning:
            if sample == len(inputs) - 1 or not q.q.streams:  # a record has the last of a stream
                there = np.ones(q.q.weights.shape, bool) if q.q.rule.mask is None else q.q.rule.mask.astype(bool)
                found = want.local_weights[q.q.name][-1 if q.q.streams else sample][there]
                part = np.frombuffer(local, q.P.ctype.removesuffix("_t"), count=len(found))
                assert (part == found).all()
            local = local[q.P.bytes :]
    classes = [int(line[-1]) for line in got]
    assert classes == want.classes(network).tolist()
