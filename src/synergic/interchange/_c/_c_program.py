# SPDX-License-Identifier: BSD-3-Clause
"""An integer network as the parts of a C program: what each stores in which form, with the least memory."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from synergic._core.integers import ONE
from synergic._core.refusals import Refusals
from synergic.interchange._c._c_arrays import CArray, constant
from synergic.interchange._c._c_check import check_texts
from synergic.interchange._c._c_fingerprint import fingerprint
from synergic.interchange._c._c_names import Names, used
from synergic.interchange._c._c_parts import CHomeostasis, CPopulation, CProjection, CStream
from synergic.interchange._c._c_values import value_of
from synergic.network._quantise import IntNetwork, IntPopulation, IntProjection
from synergic.neurons._neuron import UNIT_SHIFT as NEURON_SHIFT
from synergic.numerics._lfsr import mixed


class CProgram:
    """All parts of the C text of an IntNetwork. Raises UnsupportedError for rules and neurons without C text."""

    def __init__(self, network: IntNetwork) -> None:
        self.network, self.names = network, Names()
        check_texts(network, Refusals())
        late: dict[str, int] = {}
        for q in network.projections:
            late[q.source] = max(late.get(q.source, 0), network.lag(q))
        self.source = network.source
        self.past = None
        if depth := late.get(self.source.name, 0):
            kind_of = "values" if self.source.num_message_bits else "spikes"
            note = f"{kind_of} of {self.source.name}; [0] is of this step, [n] of n steps ago"
            shape = (depth + 1, self.source.size)
            self.past = CArray(
                self.names.of("past_in", self.source.name), "uint8_t", shape, note, ("", self.source.name)
            )
        self.populations = [self.population(p, late.get(p.name, 0)) for p in network.ordered]
        self.by_name = {p.p.name: p for p in self.populations}
        self.output = self.by_name[network.output]
        k = network.k
        fading = any(q.fades for q in network.projections) and bool((k != ONE).any())
        self.k = constant("slow_decay", k, "k(m) of the slow weights, 4096 is 1") if fading else None
        self.projections = [q for p in self.populations for q in p.projections]
        by_name = {q.q.name: q for q in self.projections}
        self.learning = [by_name[q.name] for q in network.projections if q.plastic]  # the order of a file of P
        self.streams = [q for q in self.learning if q.stream is not None]
        self.per_sample = [q for q in self.learning if q.stream is None]
        self.adapting = [self.by_name[p.name] for p in network.homeostatic]  # the order of a file of biases
        self.sequential = network.sequential
        self.signalled = any(q.q.rule.signalled for q in self.learning)  # type: ignore[union-attr]
        self.replays_signal = any(q.replays and q.q.rule.signalled for q in self.streams)  # type: ignore[union-attr]
        self.counts = None
        if network.readout == "rate":
            note, axes = "what the output neurons sent in this presentation, added", (network.output,)
            self.counts = CArray("counts", "uint32_t", (self.output.p.size,), note, axes)
        self.sum = CArray(
            "sum", "int64_t", (max(p.size for p in network.populations),), "of the inputs of a population"
        )
        lists = [q.q.n_in for q in self.projections if q.lists_active]
        index = "uint16_t" if max(lists, default=0) <= 2**16 else "uint32_t"
        self.active = CArray("active", index, (max(lists),), "inputs that are active in this step") if lists else None

    @cached_property
    def fields(self) -> list[CArray]:
        """The members of the state, the widest first, so that no byte is lost between them."""
        counters = [CArray(f"saturated_{q.P.name}", "uint64_t", (), f"local weights limited in {q.q.name}")
                    for q in self.learning if q.P is not None]  # fmt: skip
        found = [*(p.saturated for p in self.populations), *counters, self.sum]
        found += [a for p in self.populations for a in (*p.fields, *p.lasting)]
        found += [a for q in self.learning for a in q.fields]
        found += [a for a in (self.past, self.counts, self.active) if a is not None]
        found.append(CArray("step", "uint32_t", (), "steps of this presentation so far, the last one of T at most"))
        if self.signalled:
            found.append(CArray("signal", "int32_t", (), "global signal, 4096 is 1"))
        if self.replays_signal:
            found.append(CArray("past_signal", "int32_t", (self.network.steps,), "global signal of each step"))
        if self.sequential:
            found.append(CArray("presented", "uint64_t", (), "presentations after which all that lives on was written"))
            found.append(CArray("written", "uint8_t", (), "whether this presentation is one of them"))
        return sorted(found, key=lambda a: -a.width)

    @cached_property
    def constants(self) -> list[CArray]:
        """The arrays in flash."""
        found = [self.k] if self.k is not None else []
        return found + [
            a for p in self.populations for a in (*p.constants, *(c for q in p.projections for c in q.constants))
        ]

    @property
    def presented(self) -> str:
        """The number of the first presentation, as a literal."""
        return f"UINT64_C({self.network.presented})"

    @property
    def zeroed(self) -> list[CArray]:
        """The arrays that a presentation begins with zeros."""
        own = [a for p in self.populations for a in p.fields]
        own += [self.past] if self.past is not None else []
        own += [a for q in self.learning for a in q.state.values()]
        own += [q.stream.gathered for q in self.streams if q.stream is not None and not q.replays]
        return own + ([self.counts] if self.counts is not None else [])

    def population(self, p: IntPopulation, depth: int) -> CPopulation:
        """A population, with the projections into it."""
        names, axes = self.names, (p.name,)
        name = names.of("pop", p.name).removeprefix("pop_")
        history = (depth + 1, p.size)
        sent = "values" if p.num_message_bits else "spikes"
        late = "; [0] is of this step, [n] of n steps ago" if depth else ""
        made = CPopulation(
            p, name, depth, [],
            CArray(names.of("u", name), "int32_t", (p.size,), f"potentials of {p.name} before their reset", axes),
            CArray(names.of("rest", name), "int32_t", (p.size,), f"potentials of {p.name} after it", axes)
            if p.neuron.memory else None,
            CArray(names.of("sent", name), "uint8_t", history, f"{sent} of {p.name}{late}", ("", p.name)),
            CArray(names.of("saturated_u", name), "uint64_t", (), f"numbers of neurons limited to 24 bits in {p.name}"),
        )  # fmt: skip
        for state in p.neuron.states:
            made.states[state] = CArray(names.of(state, name), "int32_t", (p.size,), f"{state} of {p.name}", axes)
        kinds = p.neuron.parameters()
        given: dict[str, tuple[Any, str]] = {n: (v, kinds[n].per) for n, v in p.neuron.values.items()}
        given |= {
            "vth": (p.vth, ""),
            "decay": (p.decay, ""),
            "bias": (p.bias, "neuron"),
            "subtract": (p.reset == "subtract", ""),
        }
        given["unit"] = (round(2**NEURON_SHIFT * ONE / p.vth), "")
        if p.homeostasis is not None:
            del given["bias"]
            made.homeostasis = self.homeostasis(made)
        for key, (value, per) in given.items():
            if used(key, made.text.step):
                entry, array = value_of(key, value, per, name, names, p.name)
                made.values.append(entry)
                made.constants += [] if array is None else [array]
        made.projections = [self.projection(q) for q in self.network.into(p.name)]
        return made

    def homeostasis(self, made: CPopulation) -> CHomeostasis:
        """The homeostasis of a population."""
        p, names, axes = made.p, self.names, (made.p.name,)
        rule: Any = p.homeostasis
        values = []
        for key, value in (("target", rule.target), ("own_bias", p.bias)):
            entry, array = value_of(key, value, "neuron" if np.ndim(value) else "", made.name, names, p.name)
            made.constants += [] if array is None else [array]
            values.append(entry)
        table = constant(
            names.of("rho", made.name), rule.table, f"rho of u / vth in {p.name}, 4096 is 1", ctype="int16_t"
        )
        made.constants.append(table)
        start = None
        if np.any(rule.start):
            where = names.of("c_start", made.name)
            start = constant(where, np.full(p.size, rule.start), f"intrinsic biases of {p.name}", axes, ctype="int32_t")
            made.constants.append(start)
        c = CArray(names.of("c", made.name), "int32_t", (p.size,), f"intrinsic biases of {p.name}, 8 more bits", axes)
        total = CArray(names.of("total", made.name), "int32_t", (p.size,), f"rho of {p.name} so far, added", axes)
        return CHomeostasis(rule, c, total, table, values[0], values[1], start)

    def projection(self, q: IntProjection) -> CProjection:
        """A projection."""
        lag = self.network.lag(q)
        made = CProjection(q, self.names.of("from", q.name).removeprefix("from_"), lag)
        made.immediate = q.source == self.network.source.name and not lag
        self.store_slow(made)
        if q.rule is None:
            return made
        if q.alpha.any():
            made.alpha, array = value_of("alpha", q.alpha, "post", made.name, self.names, q.target)
            made.constants += [] if array is None else [array]
        self.store_local(made)
        if q.plastic:
            self.store_rule(made)
        return made

    def store_slow(self, made: CProjection) -> None:
        """Choose the form of the slow weights that takes the fewest bytes."""
        q, names = made.q, self.names
        ctype = "int8_t" if q.weights.min() >= -128 and q.weights.max() <= 127 else "int16_t"
        width = int(ctype != "int8_t") + 1
        count = int(np.count_nonzero(q.weights))
        index = 2 if q.n_in <= 2**16 else 4
        forms = {"dense": width * q.weights.size, "sparse": (width + index) * count + 4 * (q.n_out + 1)}
        kernel = q.kernel
        if kernel is not None:
            forms["kernel"] = width * kernel.size
        made.slow = min(forms, key=lambda n: forms[n]) if count else "none"
        where, axes = names.of("W", made.name), (q.target, q.source)
        if made.slow == "dense":
            made.weights = made.constant(where, q.weights, f"slow weights of {q.name}", axes, "weights", ctype)
        elif made.slow == "kernel":
            made.weights = made.constant(where, kernel, f"kernel of {q.name}", (), "weights", ctype)
        elif made.slow == "sparse":
            rows, columns = np.nonzero(q.weights)
            ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=q.n_out))])
            made.weights = made.constant(
                where, q.weights[rows, columns], f"slow weights of {q.name}", (), "weights", ctype
            )
            made.slow_rows = made.constant(
                f"{where}_rows", ends, "where the weights of each neuron begin", (), "", "uint32_t"
            )
            made.slow_columns = made.constant(f"{where}_columns", columns, "their inputs", (), "", f"uint{8 * index}_t")

    def store_local(self, made: CProjection) -> None:
        """The local weights: all, or those of the mask; in flash if they are frozen."""
        q, names = made.q, self.names
        rule: Any = q.rule
        if not q.plastic and (made.alpha is None or not q.local_weights.any()):
            return  # they act on nothing
        where, ctype = names.of("P", made.name), "int8_t" if rule.p_top <= 127 else "int16_t"
        start: Any = q.local_weights
        axes: tuple[str, ...] = (q.target, q.source)
        made.local, role = "dense", "start" if q.plastic else "P"
        if rule.mask is not None:
            rows, columns = np.nonzero(rule.mask)
            ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=q.n_out))])
            index = "uint16_t" if q.n_in <= 2**16 else "uint32_t"
            made.rows = made.constant(
                f"{where}_rows", ends, f"where the local weights of each neuron begin in {q.name}", (), "", "uint32_t"
            )
            made.columns = made.constant(f"{where}_columns", columns, "their inputs", (), "", index)
            made.local, start, axes = "masked", start[rows, columns], ()
        if not q.plastic or start.any():
            name = f"{where}_start" if q.plastic else where
            made.start = made.constant(name, start, f"local weights of {q.name} at the start", axes, role, ctype)
        if q.plastic:
            shape = tuple(max(n, 1) for n in np.shape(start))
            made.P = CArray(where, ctype, shape, f"local weights of {q.name}", axes, "P")
            made.fields.append(made.P)

    def store_rule(self, made: CProjection) -> None:
        """Parameters and extra arrays of a rule that learns."""
        q, names = made.q, self.names
        rule: Any = q.rule
        kinds, text = rule.parameters(), made.text
        given: dict[str, tuple[Any, str]] = {n: (v, kinds[n].per) for n, v in rule.values.items()}
        given |= {n: (getattr(rule, n), "") for n in rule.settings}
        axis = {"pre": q.source, "post": q.target, "": ""}
        for key, (value, per) in given.items():
            if used(key, *text):
                entry, array = value_of(key, value, per, made.name, names, axis[per])
                made.values.append(entry)
                made.constants += [] if array is None else [array]
        assert made.P is not None
        places = {
            "pre": ((q.n_in,), (q.source,)),
            "post": ((q.n_out,), (q.target,)),
            "synapse": (made.P.shape, made.P.axes),
        }
        traces = sum(per == "synapse" for per in rule.rule_type.state.values())
        if q.streams:
            each = 8 + 4 * traces
            replayed = self.network.steps * (q.n_in + 4 * q.n_out) + each * q.n_in < each * math.prod(made.P.shape)
            places |= {"synapse": places["pre"]} if replayed else {}
            made.stream = self.store_stream(made, replayed, *places["synapse"])
        for name, per in rule.rule_type.state.items():
            made.state[name] = CArray(
                names.of(name, made.name), "int32_t", places[per][0], f"{name} of {q.name}", places[per][1], "rule"
            )
        made.fields += made.state.values()

    def store_stream(self, made: CProjection, replayed: bool, shape: tuple[int, ...], axes: tuple[str, ...]) -> CStream:
        """The numbers of a stream's write, and its arrays. shape, axes : of the sums."""
        q, names, steps = made.q, self.names, self.network.steps
        rule: Any = q.rule
        retained, factor, bits = rule.write_factors(rule.values, steps, q.memory)
        share, array = value_of("share", factor, "pre" if np.ndim(factor) else "", made.name, names, q.source)
        made.constants += [] if array is None else [array]
        key = mixed(q.seed) if q.rounding == "stochastic" else 0
        sums = CArray(names.of("gathered", made.name), "int64_t", shape, f"for the write of {q.name}", axes, "rule")
        stream = CStream(retained, bits, share, key, replayed, sums)
        if replayed:
            past = f"of each step, for the write of {q.name}"
            stream.sent = CArray(
                names.of("past_sent", made.name), "uint8_t", (steps, q.n_in), f"inputs {past}", ("", q.source), "rule"
            )
            stream.potential = CArray(
                names.of("past_u", made.name), "int32_t", (steps, q.n_out), f"potentials {past}", ("", q.target), "rule"
            )
        made.fields += [a for a in (sums, stream.sent, stream.potential) if a is not None]
        return stream

    @cached_property
    def fingerprint(self) -> bytes:
        """Eight bytes that tell this network from others: local weights read back must be of the same."""
        return fingerprint(self.network)
