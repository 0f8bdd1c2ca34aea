# SPDX-License-Identifier: BSD-3-Clause
"""Import paths and arguments of 0.1 that README, docs and tutorials have shown. In 0.2 they work, with a warning."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, TypeVar

Call = TypeVar("Call", bound=Callable[..., Any])
NAMES = {
    "Heard": "Received",
    "lava_dl_losses": "lava_dl_export_issues",
    "nir_losses": "nir_export_issues",
    "picture_after": "image_after",
}
"""Public functions and classes, by their names in 0.1."""
FILE_KEYS = {"image": "picture", "pass_index": "turn"}
"""Fields that files call by their first name, so that each release reads the files of the other."""
PASSED_ON = ("synergic", "dataclasses", "lava", "torch")
"""Packages that pass arguments on: a warning is for the line of the user, not for theirs."""
MOVED = {
    "synergic.convolution": "synergic.network._convolution",
    "synergic.encoding": "synergic.data._encodings",
    "synergic.events": "synergic.data._event_checks",
    "synergic.hw_targets.chip": "synergic.hw_targets._chip",
    "synergic.hw_targets.history": "synergic.hw_targets.simulation._history",
    "synergic.hw_targets.jobs": "synergic.hw_targets.simulation._jobs",
    "synergic.hw_targets.simulator": "synergic.hw_targets.simulation._simulator",
    "synergic.interchange.lava_dl": "synergic.interchange._lava_dl",
    "synergic.interchange.nir": "synergic.interchange._nir",
    "synergic.lava_graph": "synergic.processes._run",
    "synergic.learning.convolution": "synergic.learning._conv_layers",
    "synergic.learning.datasets": "synergic.data._images",
    "synergic.learning.export": "synergic.learning._export",
    "synergic.learning.export_convolution": "synergic.learning._export_convolution",
    "synergic.learning.faults": "synergic.data._corruptions",
    "synergic.learning.layers": "synergic.learning._hybrid_net",
    "synergic.learning.masked": "synergic.learning._masked",
    "synergic.learning.meta": "synergic.learning._meta",
    "synergic.learning.recordings": "synergic.data._recordings",
    "synergic.learning.rules": "synergic.learning._rule_layer",
    "synergic.learning.runs": "synergic.learning.tasks._runs",
    "synergic.learning.tasks.continual": "synergic.learning.tasks._continual",
    "synergic.learning.tasks.few_shot": "synergic.learning.tasks._few_shot",
    "synergic.learning.training": "synergic.learning._training",
    "synergic.metrics": "synergic.reference._metrics",
    "synergic.neurons.adaptive": "synergic.neurons._adaptive",
    "synergic.neurons.base": "synergic.neurons._neuron",
    "synergic.neurons.current": "synergic.neurons._current",
    "synergic.neurons.values": "synergic.neurons._values",
    "synergic.numerics.encoding": "synergic.numerics._spike_codes",
    "synergic.numerics.events": "synergic.numerics._event_bins",
    "synergic.numerics.readout": "synergic.numerics._readout_values",
    "synergic.numerics.sparse": "synergic.numerics._sparse",
    "synergic.processes.synapses": "synergic.processes._sparse_synapses",
    "synergic.quantise": "synergic.network._quantise",
    "synergic.rules.base": "synergic.rules._rule",
    "synergic.rules.bcm": "synergic.rules._bcm",
    "synergic.rules.hebbian": "synergic.rules._hebbian",
    "synergic.rules.oja": "synergic.rules._oja",
    "synergic.rules.pair_stdp": "synergic.rules._pair_stdp",
    "synergic.rules.synapses": "synergic.rules._synapses",
    "synergic.rules.three_factor": "synergic.rules._three_factor",
    "synergic.run_config": "synergic.processes._run_config",
    "synergic.runtime": "synergic.processes._runtime",
    "synergic.settings": "synergic._core.settings",
    "synergic.simulate": "synergic.reference._simulate",
    "synergic.spiking_split": "synergic.network._split",
    "synergic.storage": "synergic.network._storage",
    "synergic.unfold": "synergic.network._unfold",
}
"""Where the names of a module of 0.1 are now."""


class MovedModule(ModuleType):
    """Stands for a module of 0.1: looks names up in the module that has them now, and warns.

    Parameters
    ----------
    name : str
        The old path.
    place : str
        The module that has its names now.
    """

    def __init__(self, name: str, place: str) -> None:
        super().__init__(name, f"Moved to {public(place)}.")
        self.__dict__["_place"] = place

    def __getattr__(self, name: str) -> Any:
        # Tools ask every loaded module for such names; none of them means to use this one.
        if name.startswith("__"):
            raise AttributeError(name)
        place = self.__dict__["_place"]
        module = import_module(place)
        new = name if hasattr(module, name) else NAMES.get(name, name)
        value = getattr(module, new)
        front = import_module(public(place))
        now = f"from {front.__name__}" if hasattr(front, new) else "a private module, whose names may change"
        warnings.warn(
            f"{self.__name__}.{name} has moved: import {'it' if new == name else new} {now}. Since 0.2.",
            DeprecationWarning,
            stacklevel=2,
        )
        return value


def renamed(old: str, new: str, since: str = "0.2") -> Callable[[Call], Call]:
    """Let a function or class take a named argument by its old name, too, with a DeprecationWarning.

    Parameters
    ----------
    old, new : str
        The name before, and the name now.
    since : str
        The version that has the name now.

    Returns
    -------
    callable
        A decorator. Of a class it changes the constructor; it stands above `dataclass`.
    """

    def decorate(call: Call) -> Call:
        now: Any = call.__init__ if isinstance(call, type) else call  # type: ignore[misc]

        @functools.wraps(now)
        def take_both(*args: Any, **given: Any) -> Any:
            if old in given:
                # `dataclasses.replace` gives the present value as well. The one asked for counts.
                if new in given and sys._getframe(1).f_globals.get("__name__") != "dataclasses":
                    raise TypeError(
                        f"{call.__name__}: got {old}= and {new}=, which are one argument. Give {new}= alone."
                    )
                said = f"{call.__name__}({old}=...) is called {new} now. Since {since}."
                warnings.warn(said, DeprecationWarning, stacklevel=2 + frames_between())
                given[new] = given.pop(old)
            return now(*args, **given)

        if not isinstance(call, type):
            return take_both  # type: ignore[return-value]
        call.__init__ = take_both  # type: ignore[misc]
        return call

    return decorate


class OldName:
    """An attribute of a class by its old name: gives what the new name gives, with a DeprecationWarning.

    Parameters
    ----------
    new : str
        The name now.
    since : str
        The version that has the name now.
    """

    new: str
    since: str
    old: str

    def __init__(self, new: str, since: str) -> None:
        self.new: str = new
        self.since: str = since
        self.old: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.old = name

    def __get__(self, item: object, owner: type) -> Any:
        """Return the attribute, or this object where the class is asked."""
        if item is None:
            return self
        said = f"{owner.__name__}.{self.old} is called {self.new} now. Since {self.since}."
        warnings.warn(said, DeprecationWarning, stacklevel=2)
        return getattr(item, self.new)


def frames_between() -> int:
    """Return how many frames of packages that pass arguments on are between a renamed call and the user's line."""
    count, frame = 0, sys._getframe(2)
    while str(frame.f_globals.get("__name__")).split(".")[0] in PASSED_ON and frame.f_back is not None:
        count, frame = count + 1, frame.f_back
    return count


def old_names(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a public package, which finds its names of 0.1 and warns.

    package : `__name__` of the package.
    """

    def found(name: str) -> Any:
        new, names = NAMES.get(name), vars(sys.modules[package])
        if new not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        warnings.warn(f"{package}.{name} is called {new} now. Since 0.2.", DeprecationWarning, stacklevel=2)
        return names[new]

    return found


def public(place: str) -> str:
    """Return the public package that a module belongs to."""
    return place.split("._", maxsplit=1)[0]


class MovedFinder(MetaPathFinder, Loader):
    """Finds modules of 0.1 below packages that are still there, such as `synergic.learning.layers`."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how to make the module, or None for one that has not moved."""
        return spec_from_loader(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return what stands for the module."""
        return MovedModule(spec.name, MOVED[spec.name])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names are looked up when they are asked for."""


def install() -> None:
    """Make the old paths importable. Costs nothing until one is used."""
    package = sys.modules["synergic"]
    for name, place in MOVED.items():
        parent, _, short = name.rpartition(".")
        if parent == "synergic":
            # Not left to the finder: an import would replace the functions quantise and simulate by modules.
            module = sys.modules.setdefault(name, MovedModule(name, place))
            if not hasattr(package, short):
                setattr(package, short, module)
    sys.meta_path.append(MovedFinder())
