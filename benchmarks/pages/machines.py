# SPDX-License-Identifier: BSD-3-Clause
"""Tables of streams, faults, the chip, speeds and C."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from synergic.cli._bench import AGAINST

from .records import RESULTS, one, seeds, spread, table, where

FORMS = {"gp": "GP", "bare": "HP, slow weights only", "matrix": "HP, matrix", "history": "HP, history"}
"""What chip_costs.py runs, as the page calls it."""
FAMILIES = ("fashion-", "nmnist-", "omniglot-", "continual-", "mnist-")
"""How the names of experiments begin, in the page's order."""
C_SPEED = ("c", "simulate", "chip")


def streams() -> str:
    """What lives on, under every damage: modes by row."""
    r = one("streams")
    accuracy = r["accuracy"]
    tables = []
    columns = [name for name in accuracy["GP"] if ", " not in name]
    for part in (columns[:8], columns[8:]):
        rows = [
            [mode, *(spread(of_part(found[name], 0), 1) if name in found else "-" for name in part)]
            for mode, found in accuracy.items()
        ]
        tables.append(table(("", *part), rows))
    ends = {", runs": "classes in runs of 100", ", sorted": "sorted by class"}
    ordered = [name for end in ends for name in accuracy["GP"] if name.endswith(end)]
    switches = next(name for name in accuracy["GP"] if name.count(", ") > 1)
    heads = [name.replace(end, f", {text}") for name in ordered for end, text in ends.items() if name.endswith(end)]
    parts = switches.split(", ")
    rows = [
        [
            mode,
            *(spread(of_part(found[name], 0), 1) for name in ordered),
            *(spread(of_part(found[switches], i), 1) for i in range(len(parts))),
        ]
        for mode, found in accuracy.items()
        if switches in found
    ]
    tables.append(table(("", *heads, *(f"{i + 1}. {part}" for i, part in enumerate(parts))), rows))
    count = len(next(iter(accuracy["GP"].values())))
    return "\n\n".join([*tables, f"{seeds(count)}; {where(r)}."])


def short_streams() -> str:
    """The same of networks that were trained for 5 epochs, by fewer columns."""
    r = one("streams-5-epochs")
    names = list(next(iter(r["accuracy"].values())))
    rows = [[mode, *(spread(of_part(found[n], 0), 1) for n in names)] for mode, found in r["accuracy"].items()]
    count = len(next(iter(r["accuracy"]["GP"].values())))
    return f"{table(('', *names), rows)}\n\n{seeds(count)}, {r['samples']:,} images; {where(r)}."


def of_part(found: dict[str, list[float]], part: int) -> list[float]:
    """Of every seed, the accuracy on that part of the stream."""
    return [accuracies[part] for accuracies in found.values()]


def event_streams() -> str:
    """The same for recordings of events, a table a kind of damage."""
    r = one("event_streams")
    tables = []
    for kind, levels in r["levels"].items():
        rows = [[mode, *(spread(v, 0) for v in np.array(of[kind]).T)] for mode, of in r["accuracy"].items()]
        tables.append(table((kind, *levels), rows))
    count = len(next(iter(next(iter(r["accuracy"].values())).values())))
    text = (
        f"{seeds(count)}, {r['samples']} test recordings after {r['warm_up']} others with the same damage; {where(r)}."
    )
    return "\n\n".join([*tables, text])


def stream_samples() -> str:
    """How many images a condition has."""
    return f"{one('streams')['samples']:,}"


def faults(record: str) -> str:
    """Accuracy by fault and rate: means of the seeds, of faults of the chip with their range."""
    r = one(record)
    tables = []
    for fault, rates in r["rates"].items():
        rows = []
        for mode, curves in r["curves"].items():
            values = np.array(curves[fault])
            if record == "chip-faults":
                rows.append([mode, *(spread(v, 0) for v in values.T)])
            else:
                rows.append([mode.upper(), *(f"{100 * v:.1f}" for v in values.mean(axis=0))])
        tables.append(table((f"`{fault}`", *(f"{x:g}" for x in rates)), rows))
    return "\n\n".join(tables)


def costs() -> str:
    """GP and HP of each family on the model of the chip, side by side; below, why a form could not be run."""
    found = [(path.stem.removeprefix("costs-"), one(path.stem)) for path in sorted(RESULTS.glob("costs-*.json"))]
    order = {name: (i, name) for name, _ in found for i, start in enumerate(FAMILIES) if name.startswith(start)}
    rows, refused = [], {}
    for name, r in sorted(found, key=lambda pair: order[pair[0]]):
        for form, figures in r["forms"].items():
            if "refused" in figures:
                refused.setdefault(figures["refused"], []).append(name)
                continue
            passes = f" in {figures['turns']} passes" if figures["turns"] > 1 else ""
            times = [1e6 * figures[f"latency{level}_s"] for level in ("", "_slowest", "_contention")]
            cores = f"{figures['cores']} ({figures['local_cores']}){passes}"
            cells = [f"{name}, {FORMS[form]}", f"{r['network']}, {r['steps']}", r["samples"]]
            cells += [f"{100 * figures['accuracy']:.0f}", cores, figures["phases"]]
            rows.append([*cells, *(f"{t:.1f}" for t in times), f"{1e6 * figures['energy_j']:.2f}"])
    heads = ("run, as", "network, T", "samples", "accuracy, %", "cores (local)", "phases", "fixed, us", "slowest, us")
    lines = [table((*heads, "contention, us", "energy, uJ"), rows)]
    if refused:
        lines += ["", "Not run as a history:", ""]
        lines += [f"- {', '.join(names)}: {text}" for text, names in refused.items()]
    if fewer := [text for name, r in sorted(found) for text in less_trained(name, r["config"])]:
        lines += ["", f"Trained less than the runs of the same name on the other pages: {'; '.join(fewer)}."]
        lines += ["Of continual runs it is the last task."]
    return "\n".join(lines)


def less_trained(run: str, config: dict[str, Any]) -> list[str]:
    """In which lengths of training a run differs from the run of that name that has a record."""
    full = one(run)["config"] if (RESULTS / f"{run}.json").exists() else config
    names = [name for name in ("epochs", "tasks") if config.get(name) != full.get(name)]
    return [f"{run} {config[name]} {name} instead of {full[name]}" for name in names]


MORE = {
    "phases_per_s_several_samples": "the same with several samples at a time",
    "updates_per_s": "local weights that are updated in a second",
    "vs_learning_dense_fixed": "the same against its form in fixed point",
    "bandwidth_share_dram": "the same, bandwidth of an array as large as all caches",
    "estimate_s_15600": "seconds to estimate the cores of a network on 100 chips",
    "check_s_15600": "seconds to check the mapping of a network on 100 chips",
    "gain_15600": "packets x hops saved on 100 chips against first-fit, as a share",
    "memory_ratio_per_sample": "the same, P of each sample by itself",
    "gemm_share_hp_shared": "the same, P shared by a batch",
}
"""What figures compare that have no target."""


def compared(name: str) -> str:
    """What a figure compares, by its name: also one of a network, or of another placement."""
    texts = AGAINST | MORE
    if name in texts:
        return texts[name]
    kind, _, of = name.partition(" ")
    return f"{texts[kind]}: {of.removeprefix('of ')}"


def figures(record: str) -> str:
    """What one benchmark measured, beside its targets."""
    r = one(record)
    rows = []
    for name, value in r["figures"].items():
        measured = "not measured" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        rows.append((compared(name), measured, r["reach"].get(name, "-"), f"`{name}`"))
    return table(("what is compared", "measured", "target", "figure"), rows)


def few_shot_time() -> str:
    """How long few-shot training takes to a level."""
    r = one("few-shot-time")
    what = f"{100 * r['level']:.0f} % of 1,000 test episodes"
    took = f"{r['epochs']} epochs, {r['seconds'] / 60:.1f} minutes of training on {r['machine']}"
    outcome = f"answers {what} after {took}" if r["reached"] else f"does not answer {what} after {took}"
    return f"Omniglot 5-way 1-shot {outcome} (`benchmarks/few_shot_time.py`, {r['date']})."


def c_sizes() -> str:
    """Trained networks as C: sizes and instructions."""
    rows = []
    for name, f in one("c-export")["networks"].items():
        m4, count = f["cortex_m4"], f["instructions_a_step"]
        cells = [name, f"{f['network']}, {f['steps']}", "yes" if f["learns"] else "no"]
        cells += [f"{100 * f['accuracy']:.1f} of {f['samples']} samples"]
        cells += [f"{f['table']['flash']:,}", f"{f['table']['ram']:,}"]
        cells += [f"{m4['flash']:,}, {m4['ram']:,}" if m4 else "not measured"]
        rows.append([*cells, f"{count:,.0f}" if count else "not measured"])
    heads = ("network", "neurons, T", "learns", "accuracy, %", "flash", "RAM", "Cortex-M4: flash, RAM")
    return table((*heads, "instructions a step"), rows)


def c_speeds() -> str:
    """Their speed beside that of other executors."""
    rows = []
    for name, f in one("c-export")["networks"].items():
        speed = [f"{f['steps_a_second'][k]:,.0f}" if k in f["steps_a_second"] else "does not fit" for k in C_SPEED]
        rows.append([name, "yes" if f["identical_to_the_integer_reference"] else "NO", *speed])
    heads = ("network", "identical with the reference", "C, steps a second", "`simulate`", "model of the chip")
    return table(heads, rows)


def c_epochs() -> str:
    """How long they were trained."""
    return ", ".join(f"{name} {count}" for name, count in one("c-export")["epochs"].items())


def c_where() -> str:
    """Compilers, machine, date."""
    r = one("c-export")
    return f"{'; '.join(r['compilers'])}; {where(r)}."


def plastic_parts() -> str:
    """The loops of a plastic step of the chip's model, in microseconds, and the whole step."""
    r = one("chip")
    step = 1e6 * statistics.median(r["seconds_a_plastic_step"]["synergic"])
    rows = [*r["microseconds_of_plastic_parts"].items(), ("a step", step)]
    return table(("loop", "us"), ((name, f"{value:.1f}") for name, value in rows))


def plastic_instructions() -> str:
    """Instructions of these loops, and the share that they allow at one rate of instructions."""
    counts, rate = one("chip")["instructions_for_128_weights"], one("chip")["setting"]["plastic_rate"]
    stream, decay, added = (counts[name] for name in ("read and write P", "decay", "increments"))
    return (
        f"Counted in the compiled code, 128 weights take {stream:.0f} instructions to be read and written, {decay:.0f} "
        f"to decay, and {added:.0f} more where the input spikes, which {100 * rate:.0f} % do: at one rate of "
        f"instructions the share could not be above {stream / (decay + rate * added):.2f}."
    )


def training_parts() -> str:
    """Where the time of a training step goes, in milliseconds, and the share of its products."""
    r = one("training")
    rows = []
    for name, parts in r["parts"].items():
        products = r["milliseconds"][f"{name} products"]["median"]
        share = r["figures"][f"gemm_share_{name.replace(' ', '_')}"]
        rows.append((name.upper().replace("PER_SAMPLE", "per sample").replace("SHARED", "shared"),
                     *(f"{parts[part]:.2f}" for part in ("forward", "backward", "optimizer")),
                     f"{products:.2f}", f"{share:.2f}"))  # fmt: skip
    return table(("step", "forward, ms", "backward, ms", "Adam, ms", "products alone, ms", "`gemm_share`"), rows)
