# SPDX-License-Identifier: BSD-3-Clause
"""The executor in C: networks are exported, compiled into one library, and run through ctypes, as other executors are.

A function of our own beside each network presents samples and copies what the state holds after every step.
"""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined

from synergic.interchange import to_c
from synergic.interchange._c._c_program import CProgram
from synergic.reference import Record

COMPILER = shutil.which("gcc") or shutil.which("cc")
WHY_NOT = "" if COMPILER else "no C compiler (gcc or cc) on this machine"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZED = ("-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")

TRACE = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string("""
#include <string.h>
#include "{{ name }}.h"
uint32_t {{ name }}_trace(const uint8_t *in, const int32_t *signal, int32_t samples, uint8_t **out,
                       uint64_t *counters, uint32_t *classes);
uint32_t {{ name }}_trace(const uint8_t *in, const int32_t *signal, int32_t samples, uint8_t **out,
                       uint64_t *counters, uint32_t *classes)
{
    static {{ name }}_state net;
    memset(&net, 255, sizeof net); /* what memory happens to hold must not matter */
    {{ name }}_reset(&net);
    for (int32_t sample = 0; sample < samples; ++sample) {
        {{ name }}_present_begin(&net);
        for (int32_t step = 0; step < {{ program.network.steps }}; ++step) {
{% if program.signalled %}
            {{ name }}_signal(&net, *signal++);
{% else %}
            (void)signal;
{% endif %}
            {{ name }}_step(&net, in, 0);
            in += {{ program.source.size }};
{% for p in program.populations %}
            memcpy(out[{{ 2 * loop.index0 }}], net.{{ p.sent.name }}[0], sizeof net.{{ p.sent.name }}[0]);
            out[{{ 2 * loop.index0 }}] += sizeof net.{{ p.sent.name }}[0];
            memcpy(out[{{ 2 * loop.index0 + 1 }}], net.{{ p.u.name }}, sizeof net.{{ p.u.name }});
            out[{{ 2 * loop.index0 + 1 }}] += sizeof net.{{ p.u.name }};
{% endfor %}
        }
{% for q in program.learning %}
{% set at = 2 * program.populations | length + loop.index0 %}
        memcpy(out[{{ at }}], net.{{ q.P.name }}, sizeof net.{{ q.P.name }});
        out[{{ at }}] += sizeof net.{{ q.P.name }};
{% endfor %}
{% for p in program.adapting %}
{% set at = 2 * program.populations | length + program.learning | length + loop.index0 %}
        memcpy(out[{{ at }}], net.{{ p.homeostasis.c.name }}, sizeof net.{{ p.homeostasis.c.name }});
        out[{{ at }}] += sizeof net.{{ p.homeostasis.c.name }};
{% endfor %}
        classes[sample] = {{ name }}_class(&net);
    }
{% for p in program.populations %}
    *counters++ = net.{{ p.saturated.name }};
{% endfor %}
{% for q in program.learning %}
    *counters++ = net.saturated_{{ q.P.name }};
{% endfor %}
    return (uint32_t)sizeof net;
}
""")


class Compiled:
    """Several networks as one library. change : a piece of the generated text and what to put in its place."""

    def __init__(self, networks, change=("", ""), options=("-O1",)):
        self.programs = [CProgram(network) for network in networks]
        with tempfile.TemporaryDirectory() as folder:
            where, changed = Path(folder), 0
            for i, program in enumerate(self.programs):
                to_c(program.network, where, f"n{i}")
                (where / f"trace{i}.c").write_text(TRACE.render(name=f"n{i}", program=program))
            for path in (where / "src").glob("*"):
                text = path.read_text()
                if change[0] and change[0] in text:
                    changed += text.count(change[0])
                    path.write_text(text.replace(*change))
            assert bool(change[0]) == bool(changed), f"{change[0]!r} is not in the generated text"
            sources = [str(p.relative_to(where)) for p in (*where.glob("src/*.c"), *where.glob("trace*.c"))]
            made = [COMPILER, *STRICT, *options, "-fPIC", "-shared", "-Isrc", "-o", "all.so", *sources]
            done = subprocess.run(made, cwd=where, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[:4000]
            self.library = ctypes.CDLL(str(where / "all.so"))

    def run(self, i, spikes, signal=None):
        """Network i on samples: its Record, its classes, and the bytes of its state."""
        program = self.programs[i]
        network, samples = program.network, len(spikes)
        record = Record.empty(network, network.check_input(spikes), {})
        into = []
        for p in program.populations:
            shape = (samples, network.steps, p.p.size)
            into += [np.zeros(shape, np.uint8), np.zeros(shape, np.int32)]
        into += [np.zeros((samples, *q.P.shape), q.P.ctype.removesuffix("_t")) for q in program.learning]
        adapting = {p.p.name: np.zeros((samples, p.p.size), np.int32) for p in program.adapting}
        into += adapting.values()
        counters = np.zeros(len(program.populations) + len(program.learning), np.uint64)
        classes = np.zeros(samples, np.uint32)
        spikes = np.ascontiguousarray(spikes, np.uint8)
        signal = np.ascontiguousarray(network.check_signal(signal, samples), np.int32)
        pointers = (ctypes.c_void_p * len(into))(*(a.ctypes.data for a in into))
        trace = getattr(self.library, f"n{i}_trace")
        trace.restype = ctypes.c_uint32
        size = trace(*(ctypes.c_void_p(a.ctypes.data) for a in (spikes, signal)), ctypes.c_int32(samples), pointers,
                     *(ctypes.c_void_p(a.ctypes.data) for a in (counters, classes)))  # fmt: skip
        for n, p in enumerate(program.populations):
            record.spikes[p.p.name], record.u[p.p.name] = (a.astype(np.int64) for a in into[2 * n : 2 * n + 2])
            record.saturated[f"{p.p.name}.u"] = int(counters[n])
        record.homeostatic_bias = {name: c.astype(np.int64) for name, c in adapting.items()}
        names, first = [q.q.name for q in program.learning], 2 * len(program.populations)
        learned = dict(zip(names, into[first : first + len(names)], strict=True))
        counted = dict(zip(learned, counters[len(program.populations) :], strict=True))
        for q in network.projections:
            if q.rule is None:
                continue
            local = np.repeat(q.local_weights[None], samples, axis=0)
            if q.name in learned:
                there = np.ones(local.shape[1:], bool) if q.rule.mask is None else q.rule.mask.astype(bool)
                local[:, there] = learned[q.name].reshape(samples, -1)[:, : there.sum()]
            local = local[-1:] if q.streams else local  # a record has the last of a stream
            record.local_weights[q.name] = local
            record.saturated[f"{q.name}.P"] = int(counted.get(q.name, 0))
        return record, classes, size


def run_in_c(network, spikes, signal=None, **settings):
    """One network on samples: its Record."""
    return Compiled([network], **settings).run(0, spikes, signal)[0]
