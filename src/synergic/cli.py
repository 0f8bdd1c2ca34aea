# SPDX-License-Identifier: BSD-3-Clause
"""The command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from synergic.errors import SynergicError
from synergic.experiments import EXPERIMENTS
from synergic.files import check_folder


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
        for path in (self.json, self.figure):
            if path is not None:  # before the minute of work, not after
                check_folder(path)
        from rich.console import Console

        from synergic.demo import picture, run_demo, tables, write_json

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
    progress: bool = True
    """Progress bar."""

    def run(self) -> None:
        """Train, and print what was reached."""
        from tqdm.auto import tqdm

        from synergic.learning.parallel import processes
        from synergic.learning.runs import run
        from synergic.learning.tasks import open_task

        config: Any = self.config
        folder = self.run_folder or Path("runs") / config.name
        with processes() as writes:
            task = open_task(config, self.data)
            with tqdm(total=config.epochs, unit="epoch", disable=not (self.progress and writes)) as bar:

                def show(figures: dict[str, float]) -> None:
                    bar.update(len(task.history) - bar.n)  # a resumed run does not begin at 0
                    bar.set_postfix(loss=f"{figures['loss']:.4f}")

                record = run(task, folder, show, writes)
        if writes:
            accuracy = 100 * record["figures"]["accuracy"]
            sys.stdout.write(f"{folder}: {accuracy:.2f} % on the {record['evaluated_on']}\n")


@dataclass
class Evaluate:
    """Repeat the figures of a run from its checkpoint, compare them with its record, and draw its curves."""

    run_folder: tyro.conf.Positional[Path]
    """Folder that `synergic train` made."""
    data: Path | None = None
    """Folder with the data sets, as for `train`."""

    def run(self) -> None:
        """Print recorded and repeated figures; exit with 1 if they differ."""
        from synergic.learning.runs import RECORD, read_json, restore
        from synergic.report import compare, draw

        record = read_json(self.run_folder / RECORD)
        draw(record, self.run_folder / "curves.png")
        if not compare(record["figures"], restore(self.run_folder, self.data).figures()):
            raise SystemExit(1)


@dataclass
class Info:
    """Versions of synergic and of what it stands on."""

    def run(self) -> None:
        """Print a line a package."""
        from importlib.metadata import version

        for package in ("synergic", "lava-nc", "lava-dl", "torch", "numpy", "tonic"):
            sys.stdout.write(f"{package} {version(package)}\n")


Command = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Info, tyro.conf.subcommand("info")]
)


def main() -> None:
    """Entry point of `synergic`."""
    command = tyro.cli(
        Command,
        prog="synergic",
        description="Global-local learning on spiking hardware.",
        # Options may stand anywhere, also behind the name of an experiment.
        config=(tyro.conf.CascadeSubcommandArgs,),
    )
    try:
        command.run()
    except SynergicError as error:
        sys.stderr.write(f"synergic: {error}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("synergic: interrupted\n")
        raise SystemExit(130) from None
