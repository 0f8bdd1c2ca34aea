# SPDX-License-Identifier: BSD-3-Clause
"""Ending Lava runs safely: Lava's own stop() hangs after a failed run, and leaves processes and memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

from synergic.errors import ExecutionError


@contextmanager
def running(process: Any) -> Iterator[Any]:
    """A block at whose end the network of `process` is stopped, after an error or Ctrl-C by force.

    with running(lif):
        lif.run(condition=RunSteps(10), run_cfg=HybridSimCfg("fixed_pt"))
    """
    try:
        yield process
    except BaseException:
        end(process, failed=True)
        raise
    else:
        end(process, failed=False)


def infrastructure(process: Any) -> Any:
    """Lava's owner of the operating system's processes of a run; None before it has started any."""
    return getattr(process.runtime, "_messaging_infrastructure", None)


def failure_text(process: Any) -> str:
    """The tracebacks of the process models that failed."""
    messaging = infrastructure(process)
    texts = []
    for actor in messaging.actors if messaging else ():
        try:
            failed = actor.exception
        except Exception as error:  # whatever an exception of the model's does when it is unpickled here
            texts.append(f"The model's exception could not be read ({type(error).__name__}: {error}).")
            continue
        if failed:
            texts.append(failed[1])
    return "\n".join(texts)


def deaths(process: Any) -> list[Any]:
    """What becomes readable when a process model has raised an exception or has died."""
    messaging = infrastructure(process)
    actors = [a for a in messaging.actors if not a._is_done] if messaging else []
    return [end for actor in actors for end in (actor.sentinel, actor._pconn)]


def has_failed(process: Any, seconds: float = 0) -> bool:
    """Whether a process model of a started run has raised an exception or died, waiting for that if need be."""
    return bool(connection.wait(deaths(process), seconds)) if deaths(process) else False


def finish(process: Any) -> None:
    """Lava's wait(), which also ends, by RuntimeError, when a process model has failed.

    Lava's own waits for the answer of every model in turn: for ever, where one model waits for a message from the
    failed one.
    """
    runtime = process.runtime
    if runtime is None or not runtime._is_running:
        return
    ports = runtime.service_to_runtime
    bell, ring = multiprocessing.Pipe(duplex=False)
    for port in ports:
        port.observer = lambda: ring.send_bytes(b"!")
    try:
        while not all(port.probe() for port in ports):
            if connection.wait([bell, *deaths(process)]) != [bell]:
                raise RuntimeError("A process model ended without an answer.")
            bell.recv_bytes()
    finally:
        for port in ports:
            port.observer = None
        bell.close()
        ring.close()
    if any(enum_equal(port.peek(), MGMT_RESPONSE.ERROR) for port in ports):
        has_failed(process, seconds=5)  # the answer comes before the exception itself
        raise RuntimeError("A process model answered with an error.")
    runtime.wait()


def end(process: Any, failed: bool) -> None:
    """Stop a run; after a failure kill what is left of it. Safe to call twice, or with nothing running.

    Raises ExecutionError where a model of a run that nobody waited for has failed.
    """
    runtime = process.runtime
    if runtime is None or getattr(runtime, "synergic_ended", False):
        return
    unnoticed = not failed and runtime._is_started and has_failed(process)
    text = failure_text(process) if unnoticed else ""
    try:
        if runtime._is_started and not failed and not unnoticed:
            runtime.stop()
        else:
            kill(runtime)
    except BaseException:
        kill(runtime)
        raise
    runtime.synergic_ended = True
    if unnoticed:
        raise ExecutionError(f"{process.name}: a process model failed and the run was ended. {text}")


def kill(runtime: Any) -> None:
    """End the operating system's processes of a run, and free its memory, threads and pipes."""
    runtime._is_started = runtime._is_running = False
    messaging = runtime._messaging_infrastructure
    if messaging is None:
        return
    for actor in messaging.actors:
        if actor._is_done:
            continue  # Lava has already joined and closed it
        actor.kill()
        multiprocessing.Process.join(actor)
        multiprocessing.Process.close(actor)
        actor._pconn.close()
        actor._cconn.close()
        actor._is_done = True
    runtime.join()
    runtime.exception_q = []  # a failed start leaves its queues behind
    messaging.smm.shutdown()
