# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the command line: the options of each, with their help, and the function that it calls."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from synergic._core.files import check_folder, write_json
from synergic.cli._learning_commands import Demo, Evaluate, Train

NetworkArgument = tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="NETWORK")]]


@dataclass
class Map:
    """Map a saved network onto the model of a chip, or say what does not fit and which change would."""

    network: NetworkArgument
    """Folder of a run, network file, or name of an example that ships. A network in floating point is quantised."""
    chip: str = "tianjic"
    """Name of a shipped chip (tianjic, tianjicx, generic), or path of a chip file."""
    chips: tuple[int, int] = (1, 1)
    """Number of rows and of columns of an array of chips."""
    placement: Literal["annealing", "greedy", "first_fit", "quadratic_assignment"] = "annealing"
    """Method that places the cores on the grid of the chip."""
    weight_storage: Literal["full", "indexed"] = "full"
    """How a core stores a weight: at its full width, or as an index into a table of 32 weights."""
    balance: bool = False
    """Whether to partition so that the busiest core has less work. All neurons are assumed to fire equally often."""
    fan_out: int | None = None
    """Largest number of cores that one route of spikes visits. Further cores get copies of the neurons. Default: no
    limit."""
    fold: Literal["auto", "none", "full"] | int = "auto"
    """Time-multiplexing of convolutions: the same cores compute several output positions one after another. "none",
    "full", the largest number of passes, or "auto": the fewest passes that fit."""
    budget: int | None = None
    """Largest number of cores with --fold auto. Default: all cores of the chip."""
    weight_bits: int | None = None
    """Bits of the slow weights when a network in floating point is quantised. Default: 8."""
    local_bits: int | None = None
    """Bits of the local weights when a network in floating point is quantised. Default: the widest, up to
    16, with which no partial sum can exceed 32 bits."""
    seed: int = 0
    """Seed of the placement."""
    dead_cores: tuple[tuple[int, int], ...] = ()
    """Cores that do not work, as a list of grid positions x y."""
    dead_links: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()
    """Links between neighbouring cores that do not work, as a list of x y x y."""
    output: Path | None = None
    """HDF5 file to write the mapping to. `synergic simulate` runs it."""
    json: Path | None = None
    """JSON file to write the report to."""
    html: Path | None = None
    """HTML file to write the report to, with plots."""

    def run(self) -> None:
        """Map, and print the report."""
        from synergic.cli._map import map_to_chip
        from synergic.hw_targets.mapping import MappingOptions

        asked = {f.name: getattr(self, f.name) for f in fields(MappingOptions) if hasattr(self, f.name)}
        map_to_chip(
            self.network,
            self.chip,
            MappingOptions(**asked),
            output=self.output,
            json_file=self.json,
            html=self.html,
            weight_bits=self.weight_bits,
            local_bits=self.local_bits,
        )


@dataclass
class Simulate:
    """Run a saved network or a mapping on the model of a chip: accuracy, time, energy, memory, and the assumptions."""

    network: NetworkArgument
    """Folder of a run, network file, mapping file of `synergic map`, or name of an example that ships. A network in
    floating point is quantised."""
    data: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="DATA")]] = None
    """Folder of a run (its own test set), name of an example, .npy file with the input of shape (samples, T, channels),
    or .npz file with `input` and optionally `labels`. Default: what belongs to NETWORK, if that is a run or an
    example."""
    chip: str | None = None
    """Name of a shipped chip, or path of a chip file. Default: tianjic. A mapping file names its own chip."""
    samples: int | None = None
    """Number of samples to run, from the start. Default: all of a file or an example, 200 of a run."""
    weight_bits: int | None = None
    """Bits of the slow weights when a network in floating point is quantised. Default: 8."""
    local_bits: int | None = None
    """Bits of the local weights when a network in floating point is quantised. Default: the widest, up to
    16, with which no partial sum can exceed 32 bits."""
    local_memory: Literal["matrix", "history"] = "matrix"
    """How local weights are computed: "matrix" stores them in cores of their own, "history" derives their effect from
    earlier spikes and writes no weight."""
    strict: bool = False
    """Whether a saturated value is an error. Otherwise saturations are counted and reported."""
    json: Path | None = None
    """JSON file to write all figures to."""
    figure: Path | None = None
    """Image file (.png, .pdf, .svg or .jpg) to write plots to: phases, cores, energy, spikes."""
    html: Path | None = None
    """HTML file to write the report to, with plots."""

    def run(self) -> None:
        """Run, and print the report."""
        from synergic.cli._chip_run import run_on_chip

        asked = (self.chip, self.samples, self.local_memory, self.strict)
        bits: dict[str, Any] = {"weight_bits": self.weight_bits, "local_bits": self.local_bits}
        run_on_chip(self.network, self.data, *asked, self.json, self.figure, self.html, **bits)


@dataclass
class Export:
    """Write a saved network as portable C that computes the same integers, local learning included.

    The folder has the network in src, a program for this computer in main.c, and an example for the Arduino IDE.
    """

    network: NetworkArgument
    """Folder of a run, network file, or name of an example that ships. A network in floating point is quantised."""
    c: Path
    """Folder for the C files. It is made if it is not there."""
    name: str = "net"
    """Name of the files, and what the names of all C functions begin with."""
    flash: str | None = None
    """Flash memory of the device in bytes, or with k or M for KiB or MiB. What does not fit is refused, with the
    smallest change that fits."""
    ram: str | None = None
    """RAM of the device, likewise."""
    weight_bits: int | None = None
    """Bits of the slow weights when a network in floating point is quantised. Default: 8."""
    local_bits: int | None = None
    """Bits of the local weights when a network in floating point is quantised. Default: the widest, up to 16, with
    which no partial sum can exceed 32 bits."""
    json: Path | None = None
    """JSON file to write the table of sizes to."""

    def run(self) -> None:
        """Print the table of sizes, and write the files."""
        from synergic.cli._c_code import export_c

        bits: dict[str, Any] = {"weight_bits": self.weight_bits, "local_bits": self.local_bits}
        export_c(self.network, self.c, self.name, self.flash, self.ram, self.json, **bits)


@dataclass
class ImportState:
    """Put the local weights that an exported C program has learned into a network file."""

    network: NetworkArgument
    """What was given to `synergic export`."""
    state: tyro.conf.Positional[Path]
    """File with the local weights, written by the C program."""
    output: tyro.conf.Positional[Path]
    """HDF5 file to write the network in integers to, with these local weights."""
    weight_bits: int | None = None
    """Bits of the slow weights, if they were given to `synergic export`."""
    local_bits: int | None = None
    """Bits of the local weights, if they were given to `synergic export`."""

    def run(self) -> None:
        """Write the file, and print how far the local weights have moved."""
        from synergic.cli._c_code import import_state

        import_state(self.network, self.state, self.output, self.weight_bits, self.local_bits)


@dataclass
class Check:
    """List what Lava, the chip, C, NIR and lava-dl can and cannot run of a file, part by part, with the remedy.

    Nothing is converted or written. The exit code is 1 if none of the targets that are asked for can run it:

    synergic check network.h5 --for c
    """

    file: tyro.conf.Positional[Path]
    """A NIR graph, a file of lava-dl, a network or mapping that synergic saved, the folder of a run, or an example."""
    target: Annotated[Literal["lava", "chip", "c", "nir", "lava-dl"] | None, tyro.conf.arg(name="for")] = None
    """Target to check. Default: all of them."""
    chip: str = "tianjic"
    """Name of a shipped chip, or path of a chip file."""
    weight_bits: int | None = None
    """Bits of the slow weights when a network in floating point is quantised. Default: 8."""
    local_bits: int | None = None
    """Bits of the local weights when a network in floating point is quantised. Default: the widest, up to 16, with
    which no partial sum can exceed 32 bits."""
    dt: float | None = None
    """Seconds of a step, for a NIR graph that does not say it. Default: 0.001."""
    input_shape: tuple[int, int, int] | None = None
    """Channels, height and width of the input, for a lava-dl file that begins with a convolution."""
    json: Path | None = None
    """JSON file to write the same information to."""

    def run(self) -> None:
        """Print the tables."""
        from synergic.cli._check_report import check_file

        asked = ("lava", "chip", "c", "nir", "lava-dl") if self.target is None else (self.target,)
        how: dict[str, Any] = {"weight_bits": self.weight_bits, "local_bits": self.local_bits}
        how |= {"chip": self.chip, "dt": self.dt, "input_shape": self.input_shape}
        found = check_file(self.file, asked, self.json, **how)
        if not any(found.runs(target) for target in asked):
            raise SystemExit(1)


@dataclass
class Report:
    """Show the contents of runs, networks, mappings and files of figures: settings, seed, versions, figures, curves.

    Several inputs are shown side by side, for example the runs of GP and HP:

    synergic report runs/fashion-mnist-gp-0 runs/fashion-mnist-hp-0 --html gp-and-hp.html
    """

    inputs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of runs (`synergic train`), examples, network or mapping files, or JSON files of `demo`, `map` and
    `simulate`."""
    html: Path | None = None
    """HTML file to write the report to, with curves and plots."""
    json: Path | None = None
    """JSON file to write the report to."""

    def run(self) -> None:
        """Print the report, and write the files that are asked for."""
        from synergic.cli._report import report

        report(self.inputs, self.html, self.json)


@dataclass
class Bench:
    """Measure the speed of this machine in training, in Lava and on the model of the chip, beside peers and targets.

    Takes about three minutes, or most of an hour with --full. Needs a clone of the repository. Peers that are not
    installed are skipped. The exit code is 1 if a measured figure misses its target.
    """

    which: tyro.conf.Positional[tuple[Literal["training", "lava_runtime", "chip"], ...]] = (
        "training", "lava_runtime", "chip",
    )  # fmt: skip
    """Benchmarks to run."""
    full: bool = False
    """Whether to run all rounds, as for the records in benchmarks/results."""
    json: Path | None = None
    """JSON file to write all figures to."""

    def run(self) -> None:
        """Measure, and print figures beside targets."""
        from synergic.cli._bench import all_reached, bench

        if not all_reached(bench(self.which, not self.full, self.json)):
            raise SystemExit(1)


@dataclass
class Info:
    """Show versions, which parts of synergic work here, and what each missing part needs."""

    thorough: bool = False
    """Whether to import the large packages too, which takes about ten seconds. Otherwise they are looked for, and one
    that is broken is called installed."""
    json: Path | None = None
    """JSON file to write the same information to."""

    def run(self) -> None:
        """Print a line a package and a line a part."""
        if self.json is not None:
            check_folder(self.json)
        from synergic.cli._info import info

        found = info(self.thorough)
        for package, number in found["versions"].items():
            sys.stdout.write(f"{package} {number or 'not installed'}\n")
        sys.stdout.write("\n")
        for part in found["parts"]:
            missing = f"MISSING: {part['why_not']}. {part['needs']}"
            state = {True: "works", None: "installed, not tried", False: missing}[part["works"]]
            sys.stdout.write(f"{part['name']} ({part['what']}): {state}\n")
        if any(part["works"] is None for part in found["parts"]):
            sys.stdout.write("`synergic info --thorough` imports what was not tried, in about ten seconds.\n")
        if self.json is not None:
            write_json(self.json, found)


Command = (
    Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Map, tyro.conf.subcommand("map")]
    | Annotated[Simulate, tyro.conf.subcommand("simulate")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[ImportState, tyro.conf.subcommand("import-state")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Info, tyro.conf.subcommand("info")]
)
