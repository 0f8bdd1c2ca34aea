# SPDX-License-Identifier: BSD-3-Clause
"""All images of docs/images: of the demo, of the records, and the last plot of each tutorial.

uv run --group docs python benchmarks/images.py [NAME ...]

Each file says in its text field "shown" what it shows (titles, labels, first and last value of every line, texts), and
of a tutorial which code made it: tests/package/test_images.py compares these with what is there today.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pages.curves import IMAGES
from PIL import Image

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs" / "images"
TUTORIALS = ROOT / "tutorials"
END = """
import sys
sys.path.insert(0, {folder!r})
import images
images.save({name!r}, plt.gcf(), images.code_of({name!r}))
"""
"""What follows the code of a tutorial."""


def shown(figure: Figure) -> list[dict[str, Any]]:
    """What a reader sees in each axes, as far as it does not depend on fonts and sizes."""
    return [axes_shown(axes) for axes in figure.axes]


def axes_shown(axes: Axes) -> dict[str, Any]:
    """Titles, labels, ends of the lines, texts and their places."""
    legend = axes.get_legend()
    lines = [[float(f"{y:.4g}") for y in (line.get_ydata()[0], line.get_ydata()[-1])] for line in axes.get_lines()]
    return {
        "title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel(), "lines": lines,
        "texts": [[*map(float, text.get_position()), text.get_text()] for text in axes.texts],
        "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
    }  # fmt: skip


def save(name: str, figure: Figure, code: str = "") -> None:
    """Write an image with what it shows. code : of the tutorial that made it."""
    PLACE.mkdir(exist_ok=True)
    dpi = 80 if name in IMAGES else 110 if name == "demo" else 700 / figure.get_figwidth()
    metadata = {"Software": None, "shown": json.dumps({"axes": shown(figure), "code": code})}
    figure.savefig(PLACE / f"{name}.png", dpi=dpi, metadata=metadata)


def read(name: str) -> dict[str, Any]:
    """What an image says that it shows."""
    with Image.open(PLACE / f"{name}.png") as image:
        return json.loads(image.text["shown"])


def same(old: Any, new: Any) -> bool:
    """Whether two images show the same: numbers within a per cent, everything else exactly."""
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    return math.isclose(old, new, rel_tol=0.01, abs_tol=1e-9) if isinstance(old, float) else old == new


def cells(name: str) -> str:
    """The code of a tutorial, without what only notebooks know."""
    found = re.findall(r"```\{code-cell\}[^\n]*\n(.*?)```", (TUTORIALS / f"{name}.md").read_text(), re.DOTALL)
    return re.sub(r"^%.*$", "", "\n".join(found), flags=re.MULTILINE)


def code_of(name: str) -> str:
    """A short name of a tutorial's code, which changes with it."""
    return hashlib.sha256(cells(name).encode()).hexdigest()[:16]


def tutorial(name: str) -> None:
    """Run a tutorial as one script in an empty folder, and save its last plot."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / f"{name}.py"
        script.write_text(cells(name) + END.format(folder=str(Path(__file__).parent), name=name))
        subprocess.run([sys.executable, script], check=True, cwd=folder, env=os.environ | {"MPLBACKEND": "Agg"})


def main() -> None:
    """Those named, or all."""
    tutorials = [path.stem for path in sorted(TUTORIALS.glob("*.md"))]
    for name in sys.argv[1:] or [*IMAGES, "demo", *tutorials]:
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        if name in IMAGES:
            save(name, IMAGES[name]())
        elif name == "demo":
            # Here and not above: in a tutorial Lava must not be imported after its first parallel runs.
            from synergic.cli._demo import demo_figure, run_demo

            save(name, demo_figure(run_demo(progress=False)))
        else:
            tutorial(name)


if __name__ == "__main__":
    main()
