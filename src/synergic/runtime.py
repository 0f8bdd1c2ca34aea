# SPDX-License-Identifier: BSD-3-Clause
"""Ending Lava runs safely: Lava's own stop() hangs after a failed run, and leaves processes and memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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


def failure_text(process: Any) -> str:
    """The tracebacks of the process models that failed."""
    infrastructure = getattr(process.runtime, "_messaging_infrastructure", None)
    texts = []
    for actor in infrastructure.actors if infrastructure else ():
        try:
            failed = actor.exception
        except (OSError, EOFError):
            continue
        if failed:
            texts.append(failed[1])
    return "\n".join(texts)


def end(process: Any, failed: bool) -> None:
    """Stop a run; after a failure kill what is left of it. Safe to call twice, or with nothing running."""
    runtime = process.runtime
    if runtime is None or getattr(runtime, "synergic_ended", False):
        return
    runtime.synergic_ended = True
    if not failed and runtime._is_started:
        runtime.stop()
        return
    runtime._is_started = runtime._is_running = False
    infrastructure = runtime._messaging_infrastructure
    if infrastructure is None:
        return
    for actor in infrastructure.actors:
        try:
            actor.kill()
            multiprocessing.Process.join(actor)
        except ValueError:
            continue  # Lava has already joined and closed it
    infrastructure.smm.shutdown()
