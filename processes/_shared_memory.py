# SPDX-License-Identifier: BSD-3-Clause
"""Variables in memory that the script and the forked process model share.

Lava passes a Var between processes one value at a time (33 us each: 13 s for 784 x 512). The values of a SharedVar are
in an anonymous shared mapping that is made before the fork: get and set are a memory copy. The mapping has no name, so
nothing can be left behind in the system; it goes with its last user.
"""

from __future__ import annotations

import copy
import difflib
import functools
import inspect
import mmap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from synergic._core.checks import finite_array, kind, require
from synergic.errors import ExecutionError, UnsupportedError
from synergic.processes import _arguments
from synergic.processes._runtime import (
    STARTED,
    check_start,
    end,
    failure,
    finish,
    forget,
    guarded,
    has_ended,
    has_failed,
)

MEMORY = "shared_memory"
"""Key of the shared arrays in a process's proc_params."""
SENDS = "sends"
"""Key of the bits that a process sends at s_out: 0 for spikes, 8 for values."""
LAVAS = {
    "du": "It is of Lava's LIF, as a current with its own decay: HybridNeuron(neuron=sy.CurrentLIF(...)) has one.",
    "dv": "It is of Lava's LIF: decay is the factor that is left after a step, 1 - dv; of integers 4096 - dv.",
    "bias_mant": "It is of Lava's LIF: bias is the whole bias, bias_mant * 2**bias_exp.",
    "bias_exp": "It is of Lava's LIF: bias is the whole bias, bias_mant * 2**bias_exp.",
    "u": "Potentials start at 0. A current of its own is in HybridNeuron(neuron=sy.CurrentLIF(...)).",
    "v": "Potentials start at 0; u is the potential here, which Lava calls v. Set it by u.set() between two runs.",
    "delta_u": "It is of Lava's LIF, as du: HybridNeuron(neuron=sy.CurrentLIF(...)) has a current.",
    "num_weight_bits": "It is of Lava's Dense: weight_bits is the width of integer weights.",
    "weight_exp": "It is of Lava's Dense: multiply the weights by 2**weight_exp.",
    "sign_mode": "It is of Lava's Dense: weights have any sign here.",
    "learning_rule": "It is of Lava's LearningDense: rule is a local rule of synergic.rules.",
    "weight": "It is of Lava's Conv: weights.",
    "num_message_bits": "It is of connections: neurons behind values have accumulator_shift=14 in integers.",
    "refractory_period": "It is of Lava's LIFRefractory: HybridNeuron(neuron=sy.RefractoryLIF(...)) has one.",
    "reset_interval": "It is of Lava's LIFReset: period is the number of steps after which all state is 0 again.",
    "reset_offset": "It is of Lava's LIFReset: onset is the number of steps before the first presentation.",
}
"""Arguments of Lava's own processes, and what is called so here."""
THETA, STATE = "theta", "rule_state"
"""Keys of the arrays of a local rule: its parameters, and what it carries through a presentation."""


def shared_array(shape: tuple[int, ...], dtype: Any, order: Literal["C", "F"] = "C") -> npt.NDArray[Any]:
    """A zeroed array in anonymous shared memory, inherited by forked processes."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    buffer = mmap.mmap(-1, max(1, count * dtype.itemsize))
    return np.frombuffer(buffer, dtype=dtype, count=count).reshape(shape, order=order)


class SharedBlock:
    """An array in shared memory, which copies as one: pickle and deepcopy of an array alone would make an ordinary one,
    and script and model would no longer share it.

    A process holds it twice, as its Var and among the parameters of its model. Both copy it as one object.
    """

    def __init__(self, array: npt.NDArray[Any], order: Literal["C", "F"] = "C") -> None:
        self.array: npt.NDArray[Any] = array
        self.order: Literal["C", "F"] = order

    def __reduce__(self) -> Any:
        """Return what pickle, deepcopy and Lava's `save` make the copy by: a function and its arguments."""
        return shared_copy, (np.array(self.array), self.order)


def shared_copy(values: npt.NDArray[Any], order: Literal["C", "F"]) -> SharedBlock:
    """Return a block of its own with these values."""
    array = shared_array(values.shape, values.dtype, order)
    array[...] = values
    return SharedBlock(array, order)


class SharedArrays(Mapping[str, Any]):
    """Arrays in shared memory by name, as the parameters of a model hold them."""

    def __init__(self, variables: dict[str, SharedVar]) -> None:
        self.blocks: dict[str, SharedBlock] = {name: variable.block for name, variable in variables.items()}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.blocks[name].array

    def __iter__(self) -> Iterator[str]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)


class SharedVar(Var):
    """Lava Var whose values are in shared memory.

    Parameters
    ----------
    value : ndarray
        Initial values; floats are stored as float64, integers as int64.
    low, high : float, defaults -inf and inf
        Range that `set` allows.
    order : {"C", "F"}, default "C"
        Layout in memory, as numpy's; "F" for matrices of synapses, which compiled loops read input by input.

    Notes
    -----
    Values can be read at any time. Write them only while the run is paused.
    """

    def __init__(
        self, value: npt.NDArray[Any], low: float = -np.inf, high: float = np.inf, order: Literal["C", "F"] = "C"
    ) -> None:
        dtype = np.int64 if value.dtype.kind in "iub" else np.float64
        self.block: SharedBlock = SharedBlock(shared_array(value.shape or (1,), dtype, order), order)
        self.shared[...] = value
        self.low: float = low
        self.high: float = high
        super().__init__(shape=self.shared.shape, init=self.shared)

    @property
    def shared(self) -> npt.NDArray[Any]:
        """The values themselves."""
        return self.block.array

    def get(self, idx: Any = None) -> npt.NDArray[Any]:
        """Return a copy of the values.

        Parameters
        ----------
        idx : index or None, default None
            Which values, as an index of numpy; None for all.
        """
        return np.array(self.shared if idx is None else self.shared[idx])

    def set(self, value: npt.ArrayLike, idx: Any = None) -> None:
        """Write values.

        Parameters
        ----------
        value : array_like
            New values.
        idx : index or None, default None
            Which values, as an index of numpy; None for all.

        Raises
        ------
        ParameterError
            If the values have the wrong shape, kind of numbers or range.
        """
        target = self.shared if idx is None else self.shared[idx]
        where = f"{self.process.name}.{self.name}" if self.process else str(self.name)
        given = np.asarray(value)
        given = given.reshape(target.shape) if given.size == target.size == 1 else given
        integer = self.shared.dtype == np.int64
        array = finite_array(where, given, (np.shape(target),), integer)
        bad = array[(array < self.low) | (array > self.high)]
        low, high = (int(self.low), int(self.high)) if integer and np.isfinite(self.low) else (self.low, self.high)
        require(bad.size == 0, where, f"{bad[:3]}", f"{low} to {high}", "Clip or rescale the values.")
        if idx is None:
            self.shared[...] = array
        else:
            self.shared[idx] = array


def table_of(
    process: Any, label: str, values: dict[str, Any], limits: dict[str, tuple[float, float]]
) -> dict[str, SharedVar]:
    """SharedVars by name that Lava does not know of: it wants the Vars of all processes of a class to be the same.

    values : arrays, or SharedVars already.
    """
    table = {}
    for name, value in values.items():
        limit = limits.get(name, (-np.inf, np.inf))
        table[name] = value if isinstance(value, SharedVar) else SharedVar(np.asarray(value), *limit)
        table[name].name, table[name].process = f"{label}[{name!r}]", process
    return table


def named_arguments(init: Any) -> set[str] | None:
    """The arguments that a constructor takes; None if it passes on any others, unlisted, as Lava's own do."""
    found = set()
    for name, parameter in inspect.signature(init).parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            found.add(name)
            continue
        listed = getattr(_arguments, str(parameter.annotation).removeprefix("Unpack[").removesuffix("]"), None)
        if listed is None:
            return None
        found |= set(listed.__required_keys__ | listed.__optional_keys__)
    return found


class SharedProcess(AbstractProcess):
    """Base of the processes: shares its SharedVars with the model, and ends a run that fails."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Let the constructor of a process refuse arguments that it does not have: Lava would take them in silence.

        Constructors of classes derived from it may pass on others, as processes of Lava do for their models.
        """
        super().__init_subclass__(**more)
        init, taken = cls.__init__, named_arguments(cls.__init__) if "__init__" in vars(cls) else None
        if taken is None:
            return

        @functools.wraps(init)
        def refuse_others(self: Any, *args: Any, **given: Any) -> None:
            unknown = sorted(set(given) - taken) if type(self) is cls else []
            if unknown:
                near = difflib.get_close_matches(unknown[0], taken, 1)
                remedy = f"Did you mean {near[0]!r}?" if near else "Leave it out."
                remedy = LAVAS.get(unknown[0], remedy)
                allowed = ", ".join(sorted(taken - {"self"}))
                require(False, cls.__name__, f"an argument {unknown[0]!r}", allowed, remedy)
            init(self, *args, **given)

        cls.__init__ = refuse_others  # type: ignore[method-assign]

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get("name") is not None:
            kind(f"{type(self).__name__}.name", kwargs["name"], str, "Give the process a name, or none.")
        super().__init__(**kwargs)

    def __deepcopy__(self, memo: Any) -> Any:
        """Refuse: Lava's lists of ports and variables cannot be copied so."""
        return self.refuse_copy("deepcopy")

    def __copy__(self) -> Any:
        """Refuse: the copy's ports and variables would be those of the original."""
        return self.refuse_copy("copy")

    def refuse_copy(self, how: str) -> NoReturn:
        """Raise UnsupportedError. how : the process was to be copied."""
        raise UnsupportedError(
            f"{self.name}: got {how}, allowed pickle, which copies a graph whole. "
            "Call pickle.loads(pickle.dumps([...])) with all its processes, or build it again."
        )

    def share(self) -> None:
        """Hand the arrays of all SharedVars to the model. Call at the end of the constructor."""
        found = {name: var for name, var in vars(self).items() if isinstance(var, SharedVar)}
        self.proc_params[MEMORY] = SharedArrays(found)

    def _post_init(self) -> None:
        """Called by Lava after every constructor."""
        super()._post_init()
        forget([self])

    @property
    def _model_class(self) -> Any:
        """Lava's choice of a model. Lava makes it for every process of a graph, before anything starts."""
        return self._chosen_model

    @_model_class.setter
    def _model_class(self, model: Any) -> None:
        """Check the process against the model that Lava has chosen."""
        self._chosen_model = model
        if model is not None:
            self.check(model)

    def check(self, model: type) -> None:
        """Refuse, with ParameterError, what would fail in a run with this model, or compute nonsense."""
        integer = self.proc_params["integer"]
        if integer is None:
            return  # it has neither kind of numbers, but spikes
        kinds = {True: "integers", False: "floats"}
        require(
            getattr(model, "integer", integer) is integer,
            self.name,
            f"{kinds[integer]} as parameters",
            f"{kinds[not integer]} for {model.__name__}",
            f"Choose the tag {'fixed_pt' if integer else 'floating_pt'!r}, or call quantise() for integers.",
        )

    def run(self, condition: Any, run_cfg: Any = None, compile_config: Any = None) -> None:
        """Run as AbstractProcess.run; where a model fails, end all processes and raise ExecutionError."""
        if has_ended(self):
            raise ExecutionError(f"{self.name}: got a run that is over, allowed a new graph. Build its processes anew.")
        if self.runtime is None:
            check_start(self.name)
        STARTED.add(self)
        # Lava's blocking wait is deaf to a model that has died.
        started = copy.copy(condition)
        started.blocking = False
        with guarded(self):
            super().run(started, run_cfg, compile_config)
            if condition.blocking:
                finish(self)

    def create_runtime(self, run_cfg: Any = None, executable: Any = None, compile_config: Any = None) -> None:
        """Create a runtime as AbstractProcess.create_runtime, which is ended when the script ends."""
        check_start(self.name)
        super().create_runtime(run_cfg, executable, compile_config)
        STARTED.add(self)

    def wait(self) -> None:
        """Wait as AbstractProcess.wait, for a run that does not block; fails as `run` does."""
        with guarded(self):
            finish(self)

    def pause(self) -> None:
        """Pause as AbstractProcess.pause, for a run that does not block; fails as `run` does."""
        with guarded(self):
            if has_failed(self):
                raise failure(self)
            super().pause()

    def stop(self) -> None:
        """Stop as AbstractProcess.stop; does nothing where there is no run to stop."""
        end(self, failed=False)


class SharedModel:
    """Mixin of process models: binds the shared arrays instead of Lava's copies."""

    proc_params: Any

    def __setattr__(self, name: str, value: Any) -> None:
        """Assigning to a bound array writes into it: Lava's RefPorts assign a new array."""
        array = self.__dict__.get("bound", {}).get(name)
        if array is None:
            super().__setattr__(name, value)
        elif array is not value:
            array[...] = value

    def start(self) -> None:
        """Called by Lava in the model's own process, after it has set ports and variables."""
        for name, array in self.proc_params[MEMORY].items():
            setattr(self, name, array)
        self.bound: Mapping[str, npt.NDArray[Any]] = self.proc_params[MEMORY]
        super().start()  # type: ignore[misc]
