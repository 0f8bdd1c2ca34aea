# SPDX-License-Identifier: BSD-3-Clause
"""The command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from synergic.errors import SynergicError
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


@dataclass
class Info:
    """Versions of synergic and of what it stands on."""

    def run(self) -> None:
        """Print a line a package."""
        from importlib.metadata import version

        for package in ("synergic", "lava-nc", "lava-dl", "torch", "numpy", "tonic"):
            sys.stdout.write(f"{package} {version(package)}\n")


Command = Annotated[Demo, tyro.conf.subcommand("demo")] | Annotated[Info, tyro.conf.subcommand("info")]


def main() -> None:
    """Entry point of `synergic`."""
    command = tyro.cli(Command, prog="synergic", description="Global-local learning on spiking hardware.")
    try:
        command.run()
    except SynergicError as error:
        sys.stderr.write(f"synergic: {error}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        sys.stderr.write("synergic: interrupted\n")
        raise SystemExit(130) from None
