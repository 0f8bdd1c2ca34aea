# SPDX-License-Identifier: BSD-3-Clause
"""Tables of accuracies, clean and damaged, by family."""

from __future__ import annotations

import numpy as np

from .claims import NOISY, TRAINED, VARIANCE, published
from .records import RESULTS, one, records, seeds, spread, table, where

MODES = ("lp", "gp", "hp", "gp-balanced", "hp-balanced", "hp-shared")
"""Rows of the tables of Fashion-MNIST."""
CLEAN = {name: value for experiments in TRAINED.values() for name, (_, value) in experiments.items()}
"""Published accuracies by experiment, in per cent."""
AS_PUBLISHED = {"fashion-hp-shared": "fashion-hp"}
"""The authors' protocol; its published figures are those of the experiment named here."""
TASKS = (1, 5, 10, 20, 30, 40, 50)
"""Numbers of tasks learned that the page shows."""


def fashion() -> str:
    """Clean, and under noise."""
    rows = []
    for mode in MODES:
        name = AS_PUBLISHED.get(f"fashion-{mode}", f"fashion-{mode}")
        found = [r["figures"] for r in records(f"fashion-{mode}")]
        clean, noise = [f["accuracy"] for f in found], [f["curves"]["gaussian"][VARIANCE] for f in found]
        noisy = NOISY.get(name, ("", None))[1]
        row = (mode.upper(), len(found), published(CLEAN.get(name)), spread(clean), published(noisy), spread(noise))
        rows.append(row)
    heads = ("mode", "seeds", "clean, published", "clean, measured", "noise, published", "noise, measured")
    return table(heads, rows)


def crops() -> str:
    """A centred square erased."""
    rows, levels = [], []
    for mode in MODES:
        found = [r["figures"] for r in records(f"fashion-{mode}")]
        levels = found[0]["levels"]["crop"]
        means = np.mean([f["curves"]["crop"] for f in found], axis=0)
        rows.append([mode.upper(), *(f"{100 * v:.1f}" for v in means)])
    return table(("i", *levels), rows)


def noise_parts() -> str:
    """What the mean of the noise costs, and the rest of it."""
    accuracy = one("noise-parts")["accuracy"]
    parts = list(next(iter(accuracy.values())))
    return table(("run", *parts), ([run, *(f"{100 * of[p]:.1f}" for p in parts)] for run, of in accuracy.items()))


def experiments(start: str) -> str:
    """The experiments whose names begin so: published and measured."""
    rows = []
    for name in (n for n in CLEAN if n.startswith(start)):
        found = records(name)
        measured = spread([r["figures"]["accuracy"] for r in found])
        row = (name, len(found), published(CLEAN[name]), measured, len(found[0]["history"]), found[0]["evaluated_on"])
        rows.append(row)
    return table(("experiment", "seeds", "published", "measured", "epochs", "evaluated on"), rows)


def convolutions(start: str) -> str:
    """Accuracy under noise, and the loss that training ended with."""
    rows = [
        (
            name,
            r["config"]["seed"],
            *(f"{100 * a:.2f}" for a in r["figures"]["curves"]["gaussian"]),
            f"{r['history'][-1]['loss']:.4f}",
        )
        for name in (f"{start}-conv-hp", f"{start}-conv-hp-small")
        for r in records(name)
    ]
    return table(("experiment", "seed", "variance 0", ".03", ".06", "last loss"), rows)


def events() -> str:
    """N-MNIST's recordings, damaged."""
    found = {mode: [r["figures"] for r in records(f"nmnist-{mode}")] for mode in ("gp", "hp")}
    tables = []
    for kind, levels in found["gp"][0]["levels"].items():
        curves = {mode: np.array([r["curves"][kind] for r in runs]) for mode, runs in found.items()}
        rows = [[mode.upper(), *(spread(v, 0) for v in of.T)] for mode, of in curves.items()]
        tables.append(table((kind, *levels), rows))
    return "\n\n".join(tables)


def continual() -> str:
    """The mean over the tasks so far, by method and number of tasks."""
    rows = []
    for mode in ("gp", "hp", "ewc"):
        found = [r["figures"] for r in records(f"continual-{mode}")]
        means = np.array([f["curves"]["tasks learned"] for f in found])
        lost = spread([f["forgetting"] for f in found], 1)
        rows.append([mode.upper(), *(spread(means[:, n - 1], 1) for n in TASKS), lost])
    return table(("tasks learned", *TASKS, "forgetting, points"), rows)


def classes() -> str:
    """Omniglot's classes one after another: accuracy by number of classes and of drawings."""
    runs = list(one("class_incremental")["runs"].values())
    stops = runs[0]["stops"]
    shown = [n for n in stops if n in (10, 50, 100, 150, 200, stops[-1])]
    rows = [
        [shots, kind, *(spread([run[kind][shots][stops.index(n)] for run in runs]) for n in shown)]
        for shots in runs[0]["floating"]
        for kind in ("floating", "integers")
    ]
    return table(("drawings of each class", "numbers", *(f"{n} classes" for n in shown)), rows)


def read_outs() -> str:
    """The local rule beside other read-outs of the same features."""
    runs = list(one("class_incremental")["runs"].values())
    rows = []
    for shots, nearest in runs[0]["nearest"].items():
        others = [spread([run["nearest"][shots][name] for run in runs]) for name in nearest]
        rows.append([shots, spread([run["floating"][shots][-1] for run in runs]), *others])
    return table(("drawings of each class", "local rule", "nearest class mean", "nearest stored drawing"), rows)


def classes_on_the_chip() -> str:
    """A sentence: cores, accuracy, time and energy."""
    r = one("class_incremental")
    runs = list(r["runs"].values())
    chip = next(run["chip"] for run in runs if "chip" in run)
    same = chip["local_weights_of_the_integers"] and chip["answers_of_the_integers"]
    lesson, question = chip["lesson"], chip["question"]
    return (
        f"On the chip: {chip['cores']} cores in {chip['passes']} pass{'es' * (chip['passes'] > 1)}, "
        f"{100 * chip['accuracy']:.2f} % after {runs[0]['stops'][-1]} classes of ten drawings; local weights and "
        f"answers {'are' if same else 'are NOT'} those of the integers. "
        f"A lesson takes {lesson['latency_ms']:.2f} ms and {lesson['energy_uJ']:.1f} uJ, a question "
        f"{question['latency_ms']:.2f} ms and {question['energy_uJ']:.1f} uJ. {seeds(len(runs))}; {where(r)}."
    )


def deployed(start: str) -> str:
    """Networks of a family as integers."""
    rows = []
    for path in sorted(RESULTS.glob(f"deployed-{start}*.json")):
        r = one(path.stem)
        same = ["yes" if r["identical_to_the_integer_reference"][k] else "NO" for k in ("lava", "chip")]
        a = r["accuracy"]
        wide = f"{100 * a['fixed_wide_weights']:.2f}" if "fixed_wide_weights" in a else "-"
        percent = [f"{100 * x:.2f}" for x in (a["floating"], a["fixed"], r["lost_by_fixed_point"])]
        run = path.stem.removeprefix("deployed-")
        rows.append((run, r["samples"]["integers"], *percent, wide, *same, r["cores"]))
    heads = ("run", "samples", "floating", "integers", "lost, points", "12-bit slow weights", "Lava identical")
    return table((*heads, "chip identical", "cores"), rows)


def few_shot_whole() -> str:
    """Episodes of one drawing that the network answers whose convolutions are on the chip too."""
    whole = list(one("few_shot_read_outs")["whole"].values())
    rows = []
    for ways, recorded in (("5", "omniglot-5way-1shot-official"), ("20", "omniglot-20way-1shot")):
        others = records(recorded)
        split = others[0]["config"]["split"]
        ours = [spread([run[numbers][ways] for run in whole]) for numbers in ("floating", "integers")]
        rows.append((f"{ways}-way 1-shot", *ours, spread([r["figures"]["accuracy"] for r in others]), split))
    heads = (
        "episodes",
        "whole on the chip, floating",
        "whole on the chip, integers",
        "features off the chip, floating",
    )
    return table((*heads, "its split"), rows) + f"\n\n{seeds(len(whole))} of the network that is whole on the chip."


def few_shot_beside() -> str:
    """The local rule beside other read-outs of the same features."""
    record = one("few_shot_read_outs")
    rows = []
    for run in record["beside"].values():
        accuracy = run["accuracy"]
        what = f"{run['ways']}-way {run['shots']}-shot, {run['split']} split"
        rows.append((what, run["epochs"], *(f"{100 * a:.2f}" for a in accuracy.values())))
    names = next(iter(record["beside"].values()))["accuracy"]
    return table(("episodes", "epochs", *names), rows) + f"\n\n{record['episodes']:,} episodes; {where(record)}."


def strengths() -> str:
    """Elastic weight consolidation by strength: all tasks so far, the newest, and the oldest at the end."""
    rows = []
    for path in sorted(RESULTS.glob("ewc-strength-*.json"), key=lambda p: -one(p.stem)["config"]["ewc"]):
        r = one(path.stem)
        matrix, config = r["figures"]["matrix"], r["config"]
        newest = [matrix[n - 1][-1] for n in (1, 10, 25, len(matrix))]
        oldest = np.mean([row[:5] for row in matrix[-1:]])
        means = [np.mean(matrix[n - 1]) for n in TASKS if n <= len(matrix)]
        shown = [f"{100 * a:.1f}" for a in (*means, *newest, oldest)]
        rows.append((f"{config['ewc']:g}", *shown))
    new = (f"task {n} when new" for n in (1, 10, 25, 50))
    heads = (*(f"mean of {n}" for n in TASKS), *new, "first five at the end")
    return table(("strength", *heads), rows) + f"\n\nSeed {config['seed']}; {where(r)}."


def epochs_a_task() -> str:
    """Several epochs a task instead of one."""
    rows = []
    for mode in ("gp", "hp"):
        once, often = records(f"continual-{mode}")[0], records(f"four-epochs-{mode}")[0]
        count = len(often["figures"]["matrix"])
        for r in (once, often):
            mean = np.mean(r["figures"]["matrix"][count - 1])
            rows.append((mode.upper(), r["config"]["epochs_a_task"], count, f"{100 * mean:.1f}"))
    text = f"Seed {often['config']['seed']}; four epochs: {where(often)}."
    return table(("method", "epochs a task", "tasks", "mean of these"), rows) + f"\n\n{text}"


def lost_by_integers() -> str:
    """After all classes, with the most drawings: mean and range of the seeds, in points."""
    runs = one("class_incremental")["runs"].values()
    shots = max(next(iter(runs))["floating"], key=int)
    return spread([run["floating"][shots][-1] - run["integers"][shots][-1] for run in runs])


def digits() -> str:
    """N-MNIST's new digits, one after another."""
    record = one("nmnist_classes")
    runs = list(record["runs"].values())
    rows = []
    for shots in runs[0]["floating"]["after"]:
        for numbers in ("floating", "integers"):
            found = [run[numbers] for run in runs]
            after = [spread([f["after"][shots][which] for f in found], 1) for which in ("all", "old", "new")]
            rows.append((shots, numbers, spread([f["old digits before"] for f in found], 1), *after))
    heads = ("recordings of each new digit", "numbers", "old digits, before", "all ten", "old digits", "new digits")
    return table(heads, rows)


def digits_on_the_chip() -> str:
    """A sentence: what the Lava script did."""
    record = one("nmnist_classes")
    chip = next(run["chip"] for run in record["runs"].values() if "chip" in run)
    same = "are" if chip["answers_of_the_integers"] else "are NOT"
    count, time, energy = chip["presentations"], f"{chip['latency_ms']:.2f} ms", f"{chip['energy_uJ']:.0f} uJ"
    return (
        f"In a Lava script the recordings come by `EventSource`, and the chip learns and answers: {count} recordings "
        f"one after another on {chip['cores']} cores, {100 * chip['accuracy']:.1f} % of all ten digits after ten "
        f"recordings of each; the answers {same} those of the integers. A recording takes {time} and {energy}. "
        f"{seeds(len(record['runs']))}; {where(record)}."
    )


def adaptations() -> str:
    """Biases and gains whose rule was learned by gradient, beside homeostasis and running statistics."""
    record = one("learned_adaptation")
    accuracy = record["accuracy"]
    conditions = next(iter(accuracy.values()))
    rows = [[name, *(spread(list(found[c].values()), 1) for c in conditions)] for name, found in accuracy.items()]
    count = len(next(iter(conditions.values())))
    return table(("", *conditions), rows) + f"\n\n{seeds(count)}, {record['samples']:,} images; {where(record)}."
