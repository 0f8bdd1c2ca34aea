# SPDX-License-Identifier: BSD-3-Clause
"""The commands that learn or evaluate what was learned: demo, train and evaluate."""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from synergic._core.files import alone_in, check_folder, read_json, reading, write_json
from synergic._core.outputs import check_new_folder, check_outputs, image_format
from synergic._core.parts import require
from synergic.cli._wording import quoted
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.experiments import CHECKPOINT, CONFIG, EXPERIMENTS, NETWORK, RECORD, Classification


@dataclass
class Demo:
    """Train GP, LP and HP on real 8x8 digits, run HP in Lava and on the model of the chip, compare."""

    seed: int = 0
    """Seed of the train-test split, of the initial weights and of the order of training."""
    epochs: int = 40
    """Number of training epochs of each mode."""
    json: Path | None = None
    """JSON file to write all figures to."""
    figure: Path = Path("synergic-demo.png")
    """Image file (.png, .pdf, .svg or .jpg) to write the plots to."""
    run_folder: Path = Path("runs/demo")
    """Folder for the HP network and its test set, which `synergic map` and `synergic simulate` take."""
    progress: bool = True
    """Whether to show progress bars."""

    def run(self) -> None:
        """Run the demo and print its tables."""
        require("synergic demo", "torch", "lava")
        check_outputs("demo", json=self.json, figure=self.figure)  # before the minute of work, not after
        image_format("demo.figure", self.figure)
        check_run_folder(self.run_folder)
        from synergic.cli._demo import plot_figures, run_demo, tables, write_json, write_run

        figures = run_demo(self.seed, self.epochs, progress=self.progress)
        console = Console()
        tables(figures, console)
        plot_figures(figures, self.figure)
        write_run(figures, self.run_folder)
        if self.json:
            write_json(figures, self.json)
        console.print(f"plots: {self.figure}, network and test set of HP: {self.run_folder}"
                      + (f", figures: {self.json}" if self.json else ""), soft_wrap=True, highlight=False)  # fmt: skip
        console.print(next_commands("map", "simulate", folder=self.run_folder), soft_wrap=True, highlight=False)


def check_run_folder(folder: Path) -> None:
    """Refuse a folder of a run that cannot be made, or that another training writes into. Raises ParameterError."""
    check_new_folder("--run-folder", folder)
    if folder.exists() and os.environ.get("RANK", "0") == "0":  # the other processes of torchrun write nothing
        with alone_in(folder):
            pass


def next_commands(*commands: str, folder: Path) -> str:
    """The commands that one may type next, with their folder."""
    return "Next: " + "\n      ".join(f"synergic {command} {quoted(folder)}" for command in commands)


RunArgument = tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]


TrainingConfig = tyro.extras.subcommand_type_from_defaults(
    {name: config for name, (_, config) in EXPERIMENTS.items()},
    {name: what for name, (what, _) in EXPERIMENTS.items()},
    prefix_names=False,
)


@dataclass
class Train:
    """Train a shipped experiment, with any of its settings changed. A run that was interrupted resumes.

    Under torchrun, several processes share every batch.
    """

    config: Annotated[TrainingConfig, tyro.conf.arg(name="")]  # type: ignore[valid-type]
    """Name of the experiment."""
    run_folder: Path | None = None
    """Folder of the run. Default: runs/, then data set, mode and seed, as in runs/fashion-mnist-hp-0. With --seeds, the
    folder in which each run has one, named after its seed."""
    data: Path | None = None
    """Folder with the data sets. Default: $SYNERGIC_DATA; without it, data are downloaded to a cache in the home
    folder."""
    device: str = "cpu"
    """Device that torch uses: "cpu" or "cuda". The continual experiments run on "cpu" only."""
    progress: bool = True
    """Whether to show a progress bar."""
    json: Path | None = None
    """JSON file to write the record of the run to, in addition to record.json in the run's folder."""
    seeds: tuple[int, ...] = ()
    """Seeds of several runs to train beside each other, in place of --seed; each run has its own folder and record, and
    the figures that it has alone. The smaller a network, the faster than one run after the other."""

    def run(self) -> None:
        """Train, and print the accuracy."""
        require("synergic train", "torch", "torchvision")
        if self.json is not None:  # before the hours of work, not after
            check_folder(self.json)
        from tqdm.auto import tqdm

        from synergic.learning._parallel import processes
        from synergic.learning.tasks import open_task, run
        from synergic.learning.tasks._families import settings_now
        from synergic.learning.tasks._runs import more_epochs, settings

        config: Any = self.config
        if self.seeds:
            self.run_seeds(config)
            return
        folder = self.run_folder or Path("runs") / config.name
        check_run_folder(folder)  # before the data set is read
        ended = (folder / RECORD).exists() and (folder / CHECKPOINT).exists()
        if ended and settings(config) == settings_now(read_json(folder / CONFIG)):
            record = read_json(folder / RECORD)
            self.show(record, folder, f". It had ended before. More than --epochs {config.epochs} goes on.")
            return
        more_epochs(config, folder)  # refuses a folder of other settings, before the data set is read
        with processes() as writes:
            task = open_task(config, self.data, self.device)
            with tqdm(total=config.epochs, unit="epoch", disable=not (self.progress and writes)) as bar:

                def show(figures: dict[str, float]) -> None:
                    bar.update(len(task.history) - bar.n)  # a resumed run does not begin at 0
                    bar.set_postfix(loss=f"{figures['loss']:.4f}")
                    if bar.n == config.epochs and not bar.disable:
                        bar.close()  # its time is that of training
                        sys.stderr.write("Trained. Measuring the figures on the test set ...\n")

                record = run(task, folder, show, writes)
        if writes:
            self.show(record, folder)

    def run_seeds(self, config: Any) -> None:
        """Train the runs of --seeds, and print the accuracy of each."""
        from tqdm.auto import tqdm

        from synergic.learning.tasks import run_seeds

        if "WORLD_SIZE" in os.environ and os.environ["WORLD_SIZE"] != "1":
            raise ParameterError(
                "--seeds: got processes of torchrun, allowed one process. Leave torchrun or --seeds out."
            )
        if self.json is not None:
            raise ParameterError("--json: got --seeds as well, allowed one run. Each folder has its record.json.")
        names = [replace(config, seed=seed).name for seed in self.seeds]
        folders = [Path("runs") / name for name in names]
        if self.run_folder is not None:
            folders = [self.run_folder / str(seed) for seed in self.seeds]
        for folder in folders:
            check_run_folder(folder)
        with tqdm(total=config.epochs * len(folders), unit="epoch", disable=not self.progress) as bar:
            done: dict[int, int] = {}

            def show(task: Any, figures: dict[str, float]) -> None:
                """Count the epochs of all runs; a resumed run does not begin at 0."""
                done[task.config.seed] = len(task.history)
                bar.update(sum(done.values()) - bar.n)
                bar.set_postfix(loss=f"{figures['loss']:.4f}")

            records = run_seeds(config, self.seeds, folders, self.data, self.device, show)
        for record, folder in zip(records, folders, strict=True):
            self.show(record, folder)
        found = [100 * record["figures"]["accuracy"] for record in records]
        spread = f"{min(found):.2f} to {max(found):.2f} %"
        sys.stdout.write(f"{len(found)} seeds: mean {statistics.mean(found):.2f} %, {spread}\n")

    def show(self, record: dict[str, Any], folder: Path, remark: str = "") -> None:
        """Print the accuracy and the next commands, and write the record if that is asked for."""
        accuracy = 100 * record["figures"]["accuracy"]
        sys.stdout.write(f"{folder}: {accuracy:.2f} % on the {record['evaluated_on']}{remark}\n")
        machine = ("map", "simulate") if (folder / NETWORK).exists() else ()
        sys.stdout.write(next_commands("evaluate", *machine, folder=folder) + "\n")
        if self.json is not None:
            write_json(self.json, record)


STREAMED = ("memory", "homeostasis", "limit", "order", "warm_up", "integers", "samples")
"""Settings of `synergic evaluate --stream` that its JSON file repeats."""


@dataclass
class Evaluate:
    """Compute the figures of a run again from its checkpoint, compare them with its record, and draw its curves."""

    run_folder: RunArgument
    """Folder of a run that `synergic train` has finished."""
    data: Path | None = None
    """Folder with the data sets. Default: $SYNERGIC_DATA; without it, data are downloaded to a cache in the home
    folder."""
    device: str = "cpu"
    """Device that torch uses: "cpu" or "cuda". A GPU rounds differently, so use the device of the training."""
    json: Path | None = None
    """JSON file to write the recorded and the repeated figures to, and whether they are equal. With --stream: the
    accuracies."""
    stream: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="CONDITION ...")] = None
    """Present the test images one after another instead, once under each of these conditions, for example "clean
    gaussian:6 clean". What lives on adapts and is not reset. Other kinds: crop, salt, pepper, salt-and-pepper, speckle,
    with a level as in the figures."""
    memory: int = 1000
    """With --stream: number of presentations over which the local weights average."""
    homeostasis: float | None = None
    """With --stream: rate of a homeostatic bias of the hidden neurons, for example .003. Default: no such bias."""
    limit: float = 1.0
    """With --stream: bound of the homeostatic bias."""
    order: Literal["given", "sorted", "runs"] = "given"
    """With --stream: order of the images: as the data set has them, sorted by class, or 100 of a class at a time."""
    warm_up: int = 0
    """With --stream: images at the beginning of each condition that do not count."""
    samples: int | None = None
    """With --stream: images of each condition. Default: all test images."""
    integers: bool = False
    """With --stream: whether to run the network in integers, with weights of 8 bits."""

    def run_stream(self) -> None:
        """Print the accuracy under each condition."""
        from synergic.learning.tasks import ClassificationTask, evaluate_stream, restore, stream_network
        from synergic.learning.tasks._runs import load_config
        from synergic.learning.tasks._stream_evaluation import check_conditions, check_what_lives_on
        from synergic.network import quantise

        assert self.stream is not None
        # Before the data set is opened, and homeostasis measured.
        check_conditions(self.stream, self.warm_up, self.samples)
        check_what_lives_on(self.memory, self.homeostasis, self.limit)
        self.check_run()
        if not isinstance(config := load_config(self.run_folder), Classification):
            got, allowed = f"a run of {type(config).__name__}", "a run of images, such as fashion-hp"
            raise UnsupportedError(f"--stream: got {got}, allowed {allowed}. Leave it out.")
        sys.stderr.write(f"Opening {self.run_folder} and its data set ...\n")
        task = restore(self.run_folder, self.data, self.device)
        assert isinstance(task, ClassificationTask)
        network: Any = stream_network(task, self.memory, self.homeostasis, self.limit)
        network = quantise(network) if self.integers else network
        found = evaluate_stream(task, network, self.stream, self.order, self.warm_up, self.samples)
        for part in found:
            line = f"{part['condition']}: {100 * part['accuracy']:.2f} % of {part['samples']} images"
            sys.stdout.write(f"{line}\n")
        if self.json is not None:
            write_json(self.json, {"stream": found, **{name: getattr(self, name) for name in STREAMED}})

    def check_run(self) -> None:
        """Refuse what is no run that has ended. Raises FormatError."""
        folder, allowed = self.run_folder, "allowed the folder of a run that has ended"
        if not folder.is_dir():
            got = "a file" if folder.exists() else "no such folder"
            raise FormatError(f"{folder}: got {got}, {allowed}. Give what `synergic train` named.")
        if (folder / RECORD).exists() or (self.stream is not None and (folder / CHECKPOINT).exists()):
            return
        if (folder / CONFIG).exists():
            remedy = "Start the same `synergic train` again: it resumes."
            raise FormatError(f"{folder}: got a run that has not ended, {allowed}. {remedy}")
        if (folder / NETWORK).exists():
            remedy = "It has a network and data: `synergic simulate` runs them."
            raise FormatError(f"{folder}: got a folder without a training, {allowed}. {remedy}")
        raise FormatError(f"{folder}: got another folder, {allowed}. Give what `synergic train` named.")

    def run(self) -> None:
        """Print recorded and repeated figures; exit with 1 if they differ."""
        require("synergic evaluate", "torch", "torchvision")
        if self.json is not None:
            check_folder(self.json)
        if self.stream is not None:
            self.run_stream()
            return
        for field in fields(self):
            if field.name in STREAMED and getattr(self, field.name) != field.default:
                option = f"--{field.name.replace('_', '-')}"
                raise ParameterError(f"{option}: got one without --stream, allowed with it. Add --stream clean.")
        self.check_run()
        from synergic.cli._report import compare, draw
        from synergic.learning.tasks._runs import restore

        record = read_json(self.run_folder / RECORD)
        with reading(self.run_folder / RECORD, "Delete the run and repeat it."):
            draw(record, self.run_folder / "curves.png")
            recorded = record["figures"]
        sys.stderr.write("Measuring the figures on the test set again ...\n")
        repeated = restore(self.run_folder, self.data, self.device).figures()
        equal = compare(recorded, repeated)
        sys.stdout.write(f"curves: {self.run_folder / 'curves.png'}\n")
        if self.json is not None:
            write_json(self.json, {"recorded": recorded, "repeated": repeated, "equal": equal})
        if not equal:
            made = f"They differ. The record was made on {record.get('machine', 'an unknown machine')}"
            sys.stderr.write(f"{made}, this is {self.device}: a GPU rounds otherwise than a processor (--device).\n")
            raise SystemExit(1)
        sys.stdout.write(next_commands("report", folder=self.run_folder) + "\n")
