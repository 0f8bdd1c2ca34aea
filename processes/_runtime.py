# SPDX-License-Identifier: BSD-3-Clause
"""Ending Lava runs safely: Lava's own stop() hangs after a failed run, and leaves processes and memory."""

from __future__ import annotations

import atexit
import gc
import logging
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection
from typing import Any

from lava.magma.compiler.channels.pypychannel import CspRecvPort
from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

from synergic._core.checks import kind
from synergic.errors import ExecutionError, SynergicError, UnsupportedError
from synergic.processes import _fast_start  # noqa: F401  Lava starts faster where it is loaded
from synergic.processes._interrupts import Uninterrupted


def receive_every_message(port: Any, req: Any) -> None:
    """Pass messages of one of Lava's receiving ports on, and wake who waits for them; a thread of the port runs this.

    Lava wakes nobody if a message was there already when the next one came. If that one is taken just then, as the HOST
    phase may be when STOP follows, the process sleeps on a full queue, and the run never ends.
    """
    with suppress(EOFError):
        while req.acquire() and not port._done:
            port._queue.put_nowait(0)
            observer = port.observer
            if observer:
                observer()


# In Lava's place, because every process of a graph has such ports, and all are forked from this one.
CspRecvPort._req_callback = receive_every_message

LOG = logging.getLogger("synergic")
STARTED: set[Any] = set()
"""Processes that were told to run and whose run has not been ended."""


def check_start(name: str) -> None:
    """Refuse to start Lava where it cannot fork, before it has made anything.

    Raises UnsupportedError.
    """
    method = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    if method != "fork":
        raise UnsupportedError(
            f"{name}.run: got the start method {method!r} of multiprocessing, allowed 'fork': Lava's processes share "
            "memory with the script. Call multiprocessing.set_start_method('fork', force=True) before the run."
        )
    if multiprocessing.current_process().daemon:
        raise UnsupportedError(
            f"{name}.run: got a daemonic process, such as a worker of multiprocessing.Pool, allowed one that may have "
            "children. Use concurrent.futures.ProcessPoolExecutor, whose workers may."
        )


@atexit.register
def end_all() -> None:
    """End all runs, because a script that forgets stop() would never exit."""
    for process in list(STARTED):
        end(process, failed=False)


@contextmanager
def running(process: AbstractProcess) -> Iterator[AbstractProcess]:
    """Make a block at whose end the network of a process is stopped; after an error or Ctrl-C, by force.

    While a run starts or ends, Ctrl-C takes effect when that is complete, a second one at once.

    Parameters
    ----------
    process : AbstractProcess
        Any process of the network, of synergic or of Lava.

    Yields
    ------
    AbstractProcess
        The same process.

    Raises
    ------
    ParameterError
        If `process` is no Lava process.
    ExecutionError
        If a process model has failed in a run that was not waited for.

    Examples
    --------
    >>> with running(lif):
    ...     lif.run(condition=RunSteps(num_steps=10), run_cfg=HybridSimCfg("fixed_pt"))
    """
    kind("running.process", process, AbstractProcess, "Give any process of the network.")
    try:
        yield process
    except BaseException:
        end_after_error(process)
        raise
    else:
        end(process, failed=False)


def end_after_error(process: Any) -> None:
    """End what is left of a run by force. An error of that is logged: it must not hide the one that came first."""
    try:
        end(process, failed=True)
    except Exception:
        LOG.exception("%s: the run could not be ended cleanly after its error", getattr(process, "name", process))


@contextmanager
def guarded(process: Any) -> Iterator[None]:
    """A block in which a failure ends the run of `process`, and a process model's becomes an ExecutionError."""
    try:
        yield
    except (SynergicError, AssertionError):
        end_after_error(process)
        raise
    except Exception as error:
        text = failure_text(process) or str(error)
        end_after_error(process)
        raise ExecutionError(f"{process.name}: a process model failed and the run was ended. {text}") from error
    except BaseException:
        end_after_error(process)
        raise


def infrastructure(process: Any) -> Any:
    """Lava's owner of the operating system's processes of a run; None before it has started any."""
    return getattr(process.runtime, "_messaging_infrastructure", None)


def has_ended(process: Any) -> bool:
    """Whether there was a run that is over; Lava cannot start it again."""
    messaging = infrastructure(process)
    return bool(messaging) and any(actor._is_done for actor in messaging.actors)


def failure_text(process: Any, seconds: float = 0) -> str:
    """The tracebacks of the process models that failed; waits for the first of them, it follows the failure."""
    messaging = infrastructure(process)
    actors = list(messaging.actors) if messaging else []
    deadline = time.monotonic() + seconds
    while True:
        texts = [text for text in map(traceback_of, actors) if text]
        pipes = [actor._pconn for actor in actors if not actor._is_done]
        if texts or not connection.wait(pipes, max(0, deadline - time.monotonic())):
            return "\n".join(texts)


def traceback_of(actor: Any) -> str:
    """The traceback of one of the operating system's processes; empty if it has sent none."""
    try:
        failed = actor.exception
    except Exception as error:  # whatever an exception of the model's does when it is unpickled here
        return f"The model's exception could not be read here ({type(error).__name__}: {error})."
    return failed[1] if failed else ""


def deaths(process: Any) -> list[Any]:
    """What becomes readable when a process model has raised an exception or has died."""
    messaging = infrastructure(process)
    actors = [a for a in messaging.actors if not a._is_done] if messaging else []
    return [end for actor in actors for end in (actor.sentinel, actor._pconn)]


def has_failed(process: Any) -> bool:
    """Whether a process model of a started run has raised an exception or died."""
    return bool(connection.wait(deaths(process), 0))


def failure(process: Any) -> ExecutionError:
    """What to raise when a process model has failed: with its traceback, or how it ended."""
    text = failure_text(process, seconds=2)
    codes = [a.exitcode for a in infrastructure(process).actors if not a._is_done and a.exitcode]
    text = text or f"A process ended without a word, exit codes {codes} (-9: killed, often for want of memory)."
    return ExecutionError(f"{process.name}: a process model failed and the run was ended. {text}")


def finish(process: Any) -> None:
    """Lava's wait(), which also ends, by ExecutionError, when a process model has failed.

    Lava's own wait() waits for one model after another. It never ends if one model waits for a message from the failed
    one.
    """
    runtime = process.runtime
    if runtime is None or not runtime._is_running:
        return
    ports = runtime.service_to_runtime
    bell, ring = multiprocessing.Pipe(duplex=False)

    def answered() -> None:
        """Ring the bell."""
        with suppress(OSError):  # the ring is closed, nobody waits any more
            ring.send_bytes(b"!")

    for port in ports:
        port.observer = answered
    try:
        while not all(port.probe() for port in ports):
            if connection.wait([bell, *deaths(process)]) != [bell]:
                raise failure(process)
            bell.recv_bytes()
    finally:
        bell.close()
        ring.close()
    if any(enum_equal(port.peek(), MGMT_RESPONSE.ERROR) for port in ports):
        raise failure(process)
    runtime.wait()


def end(process: Any, failed: bool) -> None:
    """Stop a run; after a failure kill what is left of it. Safe to call twice, or with nothing running.

    Raises ExecutionError if a model has failed in a run that was not waited for.
    """
    runtime = getattr(process, "runtime", None)  # a process whose constructor failed has none
    if runtime is None or getattr(runtime, "synergic_ended", False):
        STARTED.discard(process)
        return
    with Uninterrupted() as ctrl_c:
        unnoticed = failure(process) if not failed and runtime._is_started and has_failed(process) else None
        try:
            if runtime._is_started and not failed and unnoticed is None:
                with ctrl_c.allowed():  # a run that does not block may take long to come to its end
                    runtime.stop()
            else:
                kill(runtime)
        except BaseException:
            kill(runtime)
            settle(runtime)
            raise
        settle(runtime)
        if unnoticed is not None:
            raise unnoticed


def settle(runtime: Any) -> None:
    """Let an ended run be garbage."""
    runtime.synergic_ended = True
    STARTED.difference_update([p for p in STARTED if p.runtime is runtime])
    forget(runtime._executable.proc_builders)
    gc.collect()  # Python counts objects, not their size: it would leave dozens of ended graphs in memory


def forget(processes: Iterable[Any]) -> None:
    """Drop processes from Lava's lists of all processes, which nothing reads and which prevent garbage collection."""
    dropped = {id(process) for process in processes}
    server = ProcessServer()
    server.processes = [process for process in server.processes if id(process) not in dropped]
    variables = VarServer()
    variables.vars = [var for var in variables.vars if id(var.process) not in dropped]


def kill(runtime: Any) -> None:
    """End the operating system's processes of a run, and free its memory, threads and pipes."""
    runtime._is_started = runtime._is_running = False
    messaging = runtime._messaging_infrastructure
    if messaging is None:
        return
    for actor in messaging.actors:
        if actor._is_done:
            continue  # Lava has already joined and closed it
        with suppress(ValueError):  # closed by a first attempt that Ctrl-C has interrupted
            actor.kill()
            multiprocessing.Process.join(actor)
            multiprocessing.Process.close(actor)
        actor._pconn.close()
        actor._cconn.close()
        actor._is_done = True
    runtime.join()
    runtime.exception_q = []  # a failed start leaves its queues behind
    messaging.smm.shutdown()
