# SPDX-License-Identifier: BSD-3-Clause
"""Messages in the language of the command line: what is a Python call in them becomes the option."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

CALLS = (
    r"(?:quantise|map_network|run_on_chip|simulate_on_chip|Simulator|MappingOptions|to_c"
    r"|stream_network|evaluate_stream)"
)
"""What a command calls."""
NAMES = (
    "weight_bits", "local_bits", "fold", "fan_out", "weight_storage", "local_memory", "chips", "dead_cores",
    "dead_links", "budget", "placement", "balance", "strict", "seed", "chip", "samples",
    "memory", "homeostasis", "limit", "order", "warm_up",
)  # fmt: skip
"""Arguments of Python calls that are options of a command, by the same name."""
OUTPUTS = {"json_file": "json"} | {name: name for name in ("json", "html", "figure", "output", "c", "name")}
"""What commands write, as arguments of the functions behind them: options."""
WRITES = r"\b(?:demo|export|map_to_chip|report|run_on_chip|to_c)"
# Values: in quotes, in parentheses, a word or dots.
ARGUMENT = re.compile(rf"\b({'|'.join(NAMES)})=('[^']*'|\([^()]*\)|\w+|\.\.\.)")
CALL = re.compile(rf"\b{CALLS}\(((?:[^()]|\([^()]*\))*)\)")


def quoted(path: str | Path) -> str:
    """A path as a shell takes it. Names that are no text are written as bash does: $'\\xff.h5'."""
    raw = os.fsencode(path)
    try:
        return shlex.quote(raw.decode())
    except UnicodeDecodeError:
        return "$'" + "".join(chr(b) if 32 <= b < 127 and chr(b) not in "\\'" else f"\\x{b:02x}" for b in raw) + "'"


def option(name: str) -> str:
    """The option of an argument."""
    return "--" + name.replace("_", "-")


def given(argument: re.Match[str]) -> str:
    """An argument with its value as the command line takes it."""
    name, value = argument[1], argument[2]
    if value in ("True", "False"):
        return option(name) if value == "True" else f"--no-{name}"
    if value == "None":
        return f"no {option(name)}"
    if value == "...":
        return option(name)
    words = value.strip("'").strip("()").replace(",", "")
    return f"{option(name)} {words.upper() if value.startswith('(') else words}"


def as_options(text: str) -> str:
    """A message whose Python calls are options: "quantise(local_bits=14) fits" as "--local-bits 14 fits".

    Names of fields, as "MappingOptions.budget: got -3", become options too.
    """

    def call(found: re.Match[str]) -> str:
        inside = ARGUMENT.sub(given, found[1])
        return inside.replace(", ", " ") if inside != found[1] else found[0]

    text = ARGUMENT.sub(given, CALL.sub(call, text))
    text = re.sub(rf"\b{CALLS}\.({'|'.join(NAMES)})\b", lambda found: option(found[1]), text)
    text = re.sub(rf"{WRITES}\.({'|'.join(OUTPUTS)})(?=: got)", lambda found: option(OUTPUTS[found[1]]), text)
    text = re.sub(r"\bevaluate_stream\.conditions\b", "--stream", text)
    text = text.replace('Give ("clean", "gaussian:6")', "Give --stream clean gaussian:6")
    # Alone, only where it can be nothing else: "layer1.weight_bits" is a field of the network.
    return re.sub(r"(?<![\w.])(weight_bits|local_bits)\b(?!=)", lambda found: option(found[1]), text)
