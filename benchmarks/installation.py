# SPDX-License-Identifier: BSD-3-Clause
"""How large each installation is, and how long it takes to set up with an empty cache.

    uv run python benchmarks/installation.py --json benchmarks/results/installation.json

Builds the wheel, then makes a fresh environment for each row with uv and an empty cache of its own. Size: what lies in
`site-packages`. Seconds depend on the network. For the rows with the CPU builds of torch, a machine that does not reach
their index needs `--torch`, the file of such a build and the torchvision that fits it.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = ("", "lava", "events", "train on the CPU", "train", "all")
"""Extras; the empty one is the base."""
LAVA = ("--no-deps", "lava-nc==0.10.0")


def uv(cache: Path, *arguments: str | Path) -> None:
    """Run uv with a cache, outside this project, whose settings it would follow; show what it says if it fails."""
    environment = os.environ | {"UV_CACHE_DIR": str(cache)}
    environment.pop("UV_COMPILE_BYTECODE", None)
    done = subprocess.run(
        ["uv", *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=cache.parent
    )
    if done.returncode:
        sys.exit(done.stderr)


def size(folder: Path) -> int:
    """Bytes on the disk."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def measure(row: str, wheel: Path, python: str, torch: list[str] | None) -> dict[str, float]:
    """Install a row into a fresh environment. Returns megabytes and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        place, cache = Path(folder) / "env", Path(folder) / "cache"
        began = time.perf_counter()
        uv(cache, "venv", "--python", python, place)
        install = ("pip", "install", "--python", place)
        extra = row.split()[0] if row else ""
        if row.endswith("CPU"):
            source = torch or ("torch", "torchvision", "--torch-backend", "cpu")
            uv(cache, *install, *source)
        uv(cache, *install, f"{wheel}[{extra}]" if extra else wheel)
        if extra in ("lava", "all"):
            uv(cache, *install, *LAVA)
        seconds = time.perf_counter() - began
        (packages,) = place.glob("lib/python*/site-packages")
        return {"megabytes": round(size(packages) / 1e6), "seconds": round(seconds)}


def main() -> None:
    """Measure all rows, print a table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environments")
    parser.add_argument("--torch", nargs="+", help="what to install for the CPU builds of torch and torchvision")
    parser.add_argument("--rows", nargs="+", default=ROWS, choices=ROWS, help="what to measure")
    parser.add_argument("--json", type=Path, help="file for the record")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__")
        shutil.copytree(ROOT, tree, symlinks=True, ignore=ignored)
        uv(Path(folder) / "cache", "build", "--python", sys.executable, "--wheel", "--out-dir", folder, tree)
        (wheel,) = Path(folder).glob("*.whl")
        rows = {row or "base": measure(row, wheel, asked.python, asked.torch) for row in asked.rows}
    for row, found in rows.items():
        print(f"{row:18} {found['megabytes']:6} MB {found['seconds']:4} s")
    if asked.json:
        before = json.loads(asked.json.read_text())["rows"] if asked.json.is_file() else {}
        record = {
            "command": "python benchmarks/installation.py",
            "rows": before | rows,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "date": date.today().isoformat(),
        }
        asked.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
