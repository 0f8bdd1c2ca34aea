# SPDX-License-Identifier: BSD-3-Clause
"""The command line."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from synergic._core.files import check_folder, read_json, reading, stream_of, write_json
from synergic._core.parts import require
from synergic.cli._wording import as_options
from synergic.errors import ParameterError, SynergicError, UnsupportedError
from synergic.experiments import CONFIG, EXPERIMENTS, NETWORK, RECORD


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
    """Image file to write the plots to."""
    run_folder: Path = Path("runs/demo")
    """Folder for the HP network and its test set, which `synergic map` and `synergic simulate` take."""
    progress: bool = True
    """Whether to show progress bars."""

    def run(self) -> None:
        """Run the demo and print its tables."""
        require("synergic demo", "torch", "lava")
        for path in (self.json, self.figure):
            if path is not None:  # before the minute of work, not after
                check_folder(path)
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
    """Refuse a file as the folder of a run. Raises ParameterError."""
    if folder.exists() and not folder.is_dir():
        raise ParameterError(f"{folder}: got a file, allowed a folder for the run. Choose another --run-folder.")


def next_commands(*commands: str, folder: Path) -> str:
    """The commands that one may type next, with their folder."""
    return "Next: " + "\n      ".join(f"synergic {command} {shlex.quote(str(folder))}" for command in commands)


NetworkArgument = tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="NETWORK")]]
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
    """Folder of the run. Default: runs/, then data set, mode and seed, as in runs/fashion-mnist-hp-0."""
    data: Path | None = None
    """Folder with the data sets. Default: $SYNERGIC_DATA; without it, data are downloaded to a cache in the home
    folder."""
    device: str = "cpu"
    """Device that torch uses: "cpu" or "cuda". The continual experiments run on "cpu" only."""
    progress: bool = True
    """Whether to show a progress bar."""
    json: Path | None = None
    """JSON file to write the record of the run to, in addition to record.json in the run's folder."""

    def run(self) -> None:
        """Train, and print the accuracy."""
        require("synergic train", "torch", "torchvision")
        if self.json is not None:  # before the hours of work, not after
            check_folder(self.json)
        from tqdm.auto import tqdm

        from synergic.learning._parallel import processes
        from synergic.learning.tasks import open_task, run
        from synergic.learning.tasks._families import settings_now
        from synergic.learning.tasks._runs import settings

        config: Any = self.config
        folder = self.run_folder or Path("runs") / config.name
        check_run_folder(folder)  # before the data set is read
        if (folder / RECORD).exists() and settings(config) == settings_now(read_json(folder / CONFIG)):
            record = read_json(folder / RECORD)
            self.show(record, folder, f". It had ended before. More than --epochs {config.epochs} goes on.")
            return
        with processes() as writes:
            task = open_task(config, self.data, self.device)
            with tqdm(total=config.epochs, unit="epoch", disable=not (self.progress and writes)) as bar:

                def show(figures: dict[str, float]) -> None:
                    bar.update(len(task.history) - bar.n)  # a resumed run does not begin at 0
                    bar.set_postfix(loss=f"{figures['loss']:.4f}")

                record = run(task, folder, show, writes)
        if writes:
            self.show(record, folder)

    def show(self, record: dict[str, Any], folder: Path, remark: str = "") -> None:
        """Print the accuracy and the next commands, and write the record if that is asked for."""
        accuracy = 100 * record["figures"]["accuracy"]
        sys.stdout.write(f"{folder}: {accuracy:.2f} % on the {record['evaluated_on']}{remark}\n")
        machine = ("map", "simulate") if (folder / NETWORK).exists() else ()
        sys.stdout.write(next_commands("evaluate", *machine, folder=folder) + "\n")
        if self.json is not None:
            write_json(self.json, record)


STREAMED = ("memory", "homeostasis", "limit", "order", "warm_up", "integers")
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
    stream: tuple[str, ...] = ()
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
        from synergic.network import quantise

        task = restore(self.run_folder, self.data, self.device)
        if not isinstance(task, ClassificationTask):
            got, allowed = type(task).__name__, "a run of images, such as fashion-hp"
            raise UnsupportedError(f"--stream: got a run of {got}, allowed {allowed}. Leave it out.")
        network: Any = stream_network(task, self.memory, self.homeostasis, self.limit)
        network = quantise(network) if self.integers else network
        found = evaluate_stream(task, network, self.stream, self.order, self.warm_up, self.samples)
        for part in found:
            line = f"{part['condition']}: {100 * part['accuracy']:.2f} % of {part['samples']} images"
            sys.stdout.write(f"{line}\n")
        if self.json is not None:
            write_json(self.json, {"stream": found, **{name: getattr(self, name) for name in STREAMED}})

    def run(self) -> None:
        """Print recorded and repeated figures; exit with 1 if they differ."""
        require("synergic evaluate", "torch", "torchvision")
        if self.json is not None:
            check_folder(self.json)
        if self.stream:
            self.run_stream()
            return
        from synergic.cli._report import compare, draw
        from synergic.learning.tasks._runs import restore

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
    """Image file to write plots to: phases, cores, energy, spikes."""
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
    """A NIR graph, a file of lava-dl, a network or mapping that synergic saved, or the folder of a run."""
    target: Annotated[Literal["lava", "chip", "c", "nir", "lava-dl"] | None, tyro.conf.arg(name="for")] = None
    """Target to check. Default: all of them."""
    chip: str = "tianjic"
    """Name of a shipped chip, or path of a chip file."""
    weight_bits: int | None = None
    """Bits of the slow weights when a network in floating point is quantised. Default: 8."""
    local_bits: int | None = None
    """Bits of the local weights when a network in floating point is quantised. Default: 16."""
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
    """Folders of runs (`synergic train`), network or mapping files, or JSON files of `demo`, `map` and `simulate`."""
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

    json: Path | None = None
    """JSON file to write the same information to."""

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
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[ImportState, tyro.conf.subcommand("import-state")]
    | Annotated[Check, tyro.conf.subcommand("check")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Bench, tyro.conf.subcommand("bench")]
    | Annotated[Info, tyro.conf.subcommand("info")]
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is not enough: Python's, or torch's, which has no type of its own for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def arguments(given: list[str]) -> list[str]:
    """The arguments of a command; those of `train` by their present names. Warns of the name of 0.1."""
    if given[:1] != ["train"] or not any(a.split("=")[0] == "--trace" for a in given):
        return given
    sys.stderr.write("synergic: --trace is --plasticity-scope now. Since 0.2.\n")
    return [a.replace("--trace", "--plasticity-scope", 1) if a.split("=")[0] == "--trace" else a for a in given]


def show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Show a warning as the command line does: without the line of our source that it is about."""
    del filename, lineno, file, line
    if issubclass(category, UserWarning):
        sys.stderr.write(f"synergic: warning: {as_options(str(message))}\n")


@contextlib.contextmanager
def tables_beside(json: Path | None) -> Iterator[None]:
    """Print to the error stream while the standard output is for JSON, which another program reads."""
    if json is None or stream_of(json) != 1:
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def raise_again(_: Console) -> None:
    """Let the error of a reader that went away reach `main`."""
    raise BrokenPipeError


def nothing_more_to_write() -> None:
    """Leave nothing in the standard output that Python would try to write again when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Entry point of `synergic`."""
    # torch's threads wait for each other in a busy loop. If another program has one of the cores, every small
    # operation lasts as long as that program keeps it: training is ten times slower. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name of a file need not be text
            stream.reconfigure(errors="backslashreplace")
    command = tyro.cli(
        Command,
        args=arguments(sys.argv[1:]),
        prog="synergic",
        description=(
            "Global-local learning on spiking hardware. Start with `synergic demo`. Train with `synergic train`, and "
            "look into a run, a network or a mapping with `synergic report`. Every command explains its options "
            "with --help. Exit codes: 0 done, 1 figures differ or miss their targets, or no target can run what is "
            "checked, 2 refused, 130 interrupted."
        ),
        # Options may stand anywhere, also behind the name of an experiment.
        config=(tyro.conf.CascadeSubcommandArgs,),
    )
    warnings.showwarning = show_warning
    Console.on_broken_pipe = raise_again  # type: ignore[assignment]  # rich ends the program without a word
    try:
        with tables_beside(getattr(command, "json", None)):
            command.run()
        sys.stdout.flush()  # what cannot be written is said here, not when Python ends
    except SynergicError as error:
        sys.stderr.write(f"synergic: {as_options(str(error))}\n")
        raise SystemExit(2) from None
    except OSError as error:
        # The standard output, above all: what goes to files has errors of its own.
        nothing_more_to_write()
        place = f"{error.filename}: " if error.filename else ""
        what = "nobody reads the output any more" if isinstance(error, BrokenPipeError) else error.strerror or error
        sys.stderr.write(f"synergic: {place}{what}\n")
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
