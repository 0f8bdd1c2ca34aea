# SPDX-License-Identifier: BSD-3-Clause
"""The public API: one page for each public package, every name documented, and documented once."""

import re
from pathlib import Path

import pytest
from public_api import defined_at, documentation, exported, home, public_api, public_modules

MODULES = [module.__name__ for module in public_modules()]
ROOT = Path(__file__).parents[2]


def test_every_public_module_says_what_is_public():
    assert [m.__name__ for m in public_modules() if not hasattr(m, "__all__") or not (m.__doc__ or "").strip()] == []
    assert [(m.__name__, name) for m in public_modules() for name in m.__all__ if not hasattr(m, name)] == []
    assert [name for name in public_api() if any(part.startswith("_") for part in name.split("."))] == []


def test_the_page_of_the_api_lists_every_public_module():
    listed = re.findall(r"^   (synergic[\w.]*)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    assert sorted(set(listed) - ({*public_api()} - {*MODULES})) == sorted(MODULES)
    assert len(listed) == len(set(listed))


def test_every_public_name_has_a_docstring():
    assert [name for name in public_api() if not (documentation(name) or "").strip()] == []


def test_every_public_name_is_documented_in_one_place():
    pages = {module: exported(module) for module in MODULES}
    shown = [name for own, _ in pages.values() for name in own]
    written = [defined_at(name) for name in shown]
    assert sorted(set(written)) == sorted(written)
    # What a page says is elsewhere is there.
    assert [name for _, elsewhere in pages.values() for name in elsewhere if name not in shown] == []


def test_only_facades_repeat_names():
    """A package shows again what a package below it, or for synergic any, exports; but for what nobody owns."""
    again = [(name, home(name)) for name in public_api() if home(name) != name]
    shared = [(name, at) for name, at in again if not at.startswith(f"{name.rpartition('.')[0]}.")]
    assert all(defined_at(name).startswith("synergic._core.") for name, _ in shared), shared


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("synergic.quantise", "synergic.network.quantise"),
        ("synergic.hw_targets.map_network", "synergic.hw_targets.mapping.map_network"),
        ("synergic.load_example", "synergic.load_example"),
    ],
)
def test_home(name, at):
    assert home(name) == at
