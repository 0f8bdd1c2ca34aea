# SPDX-License-Identifier: BSD-3-Clause
"""The command line."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from synergic._core.files import check_folder, read_json, reading, write_json
from synergic._core.parts import require
from synergic.errors import ParameterError, SynergicError
from synergic.experiments import EXPERIMENTS, RECORD


@dataclass
class Demo:
    """Train GP, LP and HP on real 8x8 digits, run HP in Lava and on the model of the chip, compare."""

    seed: int = 0
    """Of the split, the initial weights and the order of training."""
    epochs: int = 40
    """Training epochs of each mode."""
    json: Path | None = None
    """File for all figures."""
    figure: Path = Path("synergic-demo.png")
    """File for the picture."""
    progress: bool = True
    """Progress bars."""

    def run(self) -> None:
        """Run the demo and print its tables."""
        require("synergic demo", "torch", "lava")
        for path in (self.json, self.figure):
            if path is not None:  # before the minute of work, not after
                check_folder(path)
        from rich.console import Console

        from synergic.cli._demo import picture, run_demo, tables, write_json

        figures = run_demo(self.seed, self.epochs, progress=self.progress)
        tables(figures, Console())
        picture(figures, self.figure)
        if self.json:
            write_json(figures, self.json)
        Console().print(f"picture: {self.figure}" + (f", figures: {self.json}" if self.json else ""))


TrainingConfig = tyro.extras.subcommand_type_from_defaults(
    {name: config for name, (_, config) in EXPERIMENTS.items()},
    {name: what for name, (what, _) in EXPERIMENTS.items()},
    prefix_names=False,
)


@dataclass
class Train:
    """Train a shipped experiment; any of its settings can be changed. Resumes where it was interrupted.

    Started by torchrun, its processes share every batch.
    """

    config: Annotated[TrainingConfig, tyro.conf.arg(name="")]  # type: ignore[valid-type]
    """The experiment."""
    run_folder: Path | None = None
    """Folder of the run, default runs/ and the name of the experiment with its seed."""
    data: Path | None = None
    """Folder with the data sets, default $SYNERGIC_DATA, else a download into the home folder's cache."""
    device: str = "cpu"
    """Where torch computes: "cpu", or "cuda", which the continual family does without."""
    progress: bool = True
    """Progress bar."""
    json: Path | None = None
    """File for the record, which the run's folder holds too."""

    def run(self) -> None:
        """Train, and print what was reached."""
        require("synergic train", "torch", "torchvision")
        if self.json is not None:  # before the hours of work, not after
            check_folder(self.json)
        from tqdm.auto import tqdm

        from synergic.learning._parallel import processes
        from synergic.learning._runs import run
        from synergic.learning.tasks import open_task

        config: Any = self.config
        folder = self.run_folder or Path("runs") / config.name
        if folder.exists() and not folder.is_dir():  # before the data set is read
            raise ParameterError(f"{folder}: got a file, allowed a folder for the run. Choose another --run-folder.")
        with processes() as writes:
            task = open_task(config, self.data, self.device)
            with tqdm(total=config.epochs, unit="epoch", disable=not (self.progress and writes)) as bar:

                def show(figures: dict[str, float]) -> None:
                    bar.update(len(task.history) - bar.n)  # a resumed run does not begin at 0
                    bar.set_postfix(loss=f"{figures['loss']:.4f}")

                record = run(task, folder, show, writes)
        if writes:
            accuracy = 100 * record["figures"]["accuracy"]
            sys.stdout.write(f"{folder}: {accuracy:.2f} % on the {record['evaluated_on']}\n")
            if self.json is not None:
                write_json(self.json, record)


@dataclass
class Evaluate:
    """Repeat the figures of a run from its checkpoint, compare them with its record, and draw its curves."""

    run_folder: tyro.conf.Positional[Path]
    """Folder that `synergic train` made."""
    data: Path | None = None
    """Folder with the data sets, as for `train`."""
    device: str = "cpu"
    """As for `train`."""
    json: Path | None = None
    """File for recorded and repeated figures, and whether they are equal."""

    def run(self) -> None:
        """Print recorded and repeated figures; exit with 1 if they differ."""
        require("synergic evaluate", "torch", "torchvision")
        if self.json is not None:
            check_folder(self.json)
        from synergic.cli._report import compare, draw
        from synergic.learning._runs import restore

        record = read_json(self.run_folder / RECORD)
        with reading(self.run_folder / RECORD, "Delete the run and repeat it."):
            draw(record, self.run_folder / "curves.png")
            recorded = record["figures"]
        repeated = restore(self.run_folder, self.data, self.device).figures()
        equal = compare(recorded, repeated)
        if self.json is not None:
            write_json(self.json, {"recorded": recorded, "repeated": repeated, "equal": equal})
        if not equal:
            made = f"They differ. The record was made on {record.get('machine', 'an unknown machine')}"
            sys.stderr.write(f"{made}, this is {self.device}: a GPU rounds otherwise than a processor (--device).\n")
            raise SystemExit(1)


@dataclass
class Map:
    """Say whether and how a saved network fits on the model of a chip: estimate, mapping, report, pictures."""

    network: tyro.conf.Positional[Path]
    """File that synergic.network.save wrote; one in floating point is quantised."""
    chip: str = "tianjic"
    """A shipped chip (tianjic, tianjicx, generic), or the path of a chip file."""
    chips: tuple[int, int] = (1, 1)
    """Rows and columns of chips side by side."""
    placement: Literal["annealing", "greedy", "first_fit", "quadratic_assignment"] = "annealing"
    """How places are found."""
    weight_storage: Literal["full", "indexed"] = "full"
    """A weight in a core at its width, or as an index into a table."""
    balance: bool = False
    """Cut so that the busiest core has less to do, all neurons taken for alike."""
    fan_out: int | None = None
    """Cores that a route of spikes may visit; copies of neurons serve the others. Default: any number."""
    fold: Literal["auto", "none", "full"] | int = "auto"
    """Places of a picture that the cores of a convolution compute one after another: at most so many, or as many as it
    takes to fit."""
    budget: int | None = None
    """Cores that an automatic fold may take; default all."""
    weight_bits: int | None = None
    """Of the slow weights, where a network in floating point is quantised; default 8."""
    local_bits: int | None = None
    """Of the local weights, likewise; default 16. Fewer, where a partial sum could leave 32 bits."""
    seed: int = 0
    """Of the placement."""
    dead_cores: tuple[tuple[int, int], ...] = ()
    """Places x y that do not work, one after another."""
    dead_links: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """Links x y x y that do not work, one after another."""
    output: Path | None = None
    """File for the mapping, which `synergic simulate` runs."""
    json: Path | None = None
    """File for the report."""
    html: Path | None = None
    """File for the report as one page with pictures."""

    def run(self) -> None:
        """Map, and print the report."""
        from synergic.cli._map import map_to_chip

        asked = (self.chip, self.chips, self.placement, self.weight_storage, self.balance, self.fan_out, self.seed)
        faults, files = (self.dead_cores, self.dead_links), (self.output, self.json, self.html)
        bits: dict[str, Any] = {"weight_bits": self.weight_bits, "local_bits": self.local_bits}
        map_to_chip(self.network, *asked, *faults, *files, fold=self.fold, budget=self.budget, **bits)


@dataclass
class Simulate:
    """Run a saved network, or a mapping, on the model of a chip: accuracy if labels are given, and costs with their
    assumptions."""

    network: tyro.conf.Positional[Path]
    """File that synergic.network.save wrote; one in floating point is quantised. Or a mapping of `synergic map`."""
    data: tyro.conf.Positional[Path]
    """.npy file with the input (samples, T, channels), or .npz file with `input` and perhaps `labels`."""
    chip: str | None = None
    """A shipped chip, or the path of a chip file; default tianjic. A mapping has its own."""
    samples: int | None = None
    """Only the first so many."""
    weight_bits: int | None = None
    """Of the slow weights, where a network in floating point is quantised; default 8."""
    local_bits: int | None = None
    """Of the local weights, likewise; default 16. Fewer, where a partial sum could leave 32 bits."""
    local_memory: Literal["matrix", "history"] = "matrix"
    """Local weights in cores of their own, or no weight written at all."""
    strict: bool = False
    """Whether a saturated value is an error; otherwise it is counted."""
    json: Path | None = None
    """File for all figures."""
    figure: Path | None = None
    """File for pictures: phases, cores, energy, spikes."""
    html: Path | None = None
    """File for the report as one page with pictures."""

    def run(self) -> None:
        """Run, and print the report."""
        from synergic.cli._chip_run import run_on_chip

        asked = (self.chip, self.samples, self.local_memory, self.strict)
        bits: dict[str, Any] = {"weight_bits": self.weight_bits, "local_bits": self.local_bits}
        run_on_chip(self.network, self.data, *asked, self.json, self.figure, self.html, **bits)


@dataclass
class Report:
    """Show what runs, networks, mappings and files of figures hold: settings, seed, versions, figures, curves.

    Several inputs stand side by side, for example the runs of GP and HP:

    synergic report runs/fashion-mnist-gp-0 runs/fashion-mnist-hp-0 --html gp-and-hp.html
    """

    inputs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of `synergic train`, files that synergic saved, or JSON files of `demo`, `map` and `simulate`."""
    html: Path | None = None
    """File for all of it as one page, with curves and pictures."""
    json: Path | None = None
    """File for all of it as JSON."""

    def run(self) -> None:
        """Print it, and write what is asked for."""
        from synergic.cli._report import report

        report(self.inputs, self.html, self.json)


@dataclass
class Bench:
    """Measure this machine: training, Lava and the chip against the figures to reach, each against its peers, in turns.

    About a minute, with few rounds, or all of it with --full, which takes most of an hour. Needs a clone of the
    repository; peers that are not installed are left out. Exit code 1 if a figure that was measured is not reached.
    """

    which: tyro.conf.Positional[tuple[Literal["training", "lava_runtime", "chip"], ...]] = (
        "training", "lava_runtime", "chip",
    )  # fmt: skip
    """What to measure."""
    full: bool = False
    """As the records in benchmarks/results were made."""
    json: Path | None = None
    """File for all figures."""

    def run(self) -> None:
        """Measure, and print what is reached."""
        from synergic.cli._bench import all_reached, bench

        if not all_reached(bench(self.which, not self.full, self.json)):
            raise SystemExit(1)


@dataclass
class Info:
    """Versions, which parts of synergic work here, and what each missing one needs."""

    json: Path | None = None
    """File for all of it."""

    def run(self) -> None:
        """Print a line a package and a line a part."""
        if self.json is not None:
            check_folder(self.json)
        from synergic.cli._info import info

        found = info()
        for package, number in found["versions"].items():
            sys.stdout.write(f"{package} {number or 'not installed'}\n")
        sys.stdout.write("\n")
        for part in found["parts"]:
            state = "works" if part["works"] else f"MISSING: {part['why_not']}. {part['needs']}"
            sys.stdout.write(f"{part['name']} ({part['what']}): {state}\n")
        if self.json is not None:
            write_json(self.json, found)


Command = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Map, tyro.conf.subcommand("map")]
    | Annotated[Simulate, tyro.conf.subcommand("simulate")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Info, tyro.conf.subcommand("info")]
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is not enough: Python's, or torch's, which has no type of its own for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def main() -> None:
    """Entry point of `synergic`."""
    # torch's threads wait for each other by turning on the spot. If another program has one of the cores, every small
    # operation lasts as long as that program keeps it: training is ten times slower. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    command = tyro.cli(
        Command,
        prog="synergic",
        description=(
            "Global-local learning on spiking hardware. Start with `synergic demo`; train with `synergic train`, and "
            "see what a run, a network or a mapping holds with `synergic report`. Every command explains its options "
            "with --help. Exit codes: 0 done, 1 figures differ or are not reached, 2 refused, 130 interrupted."
        ),
        # Options may stand anywhere, also behind the name of an experiment.
        config=(tyro.conf.CascadeSubcommandArgs,),
    )
    try:
        command.run()
    except SynergicError as error:
        sys.stderr.write(f"synergic: {error}\n")
        raise SystemExit(2) from None
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        remedy = "Allowed is what fits this machine: fewer neurons, samples or steps, or a smaller batch."
        sys.stderr.write(f"synergic: not enough memory: {error}. {remedy}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("synergic: interrupted\n")
        raise SystemExit(130) from None
