# SPDX-License-Identifier: BSD-3-Clause
"""Runs end: after a failure, Ctrl-C, a forgotten stop() or two hundred times, nothing hangs and nothing is left.

Left behind could be: processes, named shared memory in /dev/shm, file descriptors, threads.
"""

import gc
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspRecvQueue
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.message_infrastructure.shared_memory_manager import SharedMemoryManager
from lava.proc.io.source import RingBuffer
from networks import plastic_network, random_spikes

from synergic.errors import ExecutionError, ParameterError
from synergic.processes import Graph, HybridDense, HybridLIF, running
from synergic.processes._interrupts import Uninterrupted
from synergic.processes._runtime import has_failed

sys.path.append(str(Path(__file__).parent))  # this folder is no package
from failing.process import MESSAGE, Failing

pytestmark = pytest.mark.alone

SHM = Path("/dev/shm")


def config():
    """A run configuration; Lava wants a new one for each graph."""
    return Loihi2SimCfg(select_tag="floating_pt")


def loop(**failing):
    """A failing process between neighbours that wait for its messages, in a loop."""
    failing = Failing(n=3, **failing)
    dense, lif = HybridDense(weights=np.eye(3)), HybridLIF(shape=(3,))
    failing.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.s_out.connect(failing.a_in)
    return failing, lif


def chain():
    """A small graph that runs."""
    source, dense, lif = RingBuffer(data=np.ones((3, 4))), HybridDense(weights=np.eye(3)), HybridLIF(shape=(3,))
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    return lif


def children():
    """Process ids of our children, by the system's own book; without multiprocessing's resource tracker."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(stat.parent.name))
    return found - {multiprocessing.resource_tracker._resource_tracker._pid}


@pytest.fixture
def nothing_left(monkeypatch):
    """The test must leave no process and none of the shared memory that Lava made for it."""
    names, create = [], SharedMemoryManager.create_shared_memory

    def recorded(self, size):
        memory = create(self, size)
        names.append(memory.name)
        return memory

    monkeypatch.setattr(SharedMemoryManager, "create_shared_memory", recorded)
    before = children()

    def check(others=before):
        assert not multiprocessing.active_children()
        assert children() == others
        assert names
        assert not [n for n in names if (SHM / n).exists()]

    yield check
    check()


SOON = 60
"""Seconds within which something comes, on a machine however busy; what hangs never comes."""


def assert_stops(*processes):
    begin = time.monotonic()
    for p in processes:
        p.stop()
    assert time.monotonic() - begin < SOON


def until(happened):
    """Wait for a condition."""
    deadline = time.monotonic() + SOON
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("where", ["constructor", "send", "receive"])
def test_a_models_exception_reaches_the_caller(where, nothing_left):
    failing, lif = loop(where=where)
    begin = time.monotonic()
    with pytest.raises(ExecutionError, match=MESSAGE):
        lif.run(condition=RunSteps(num_steps=30), run_cfg=config())
    assert time.monotonic() - begin < SOON
    nothing_left()  # before the stop() that would tidy up
    assert_stops(lif, failing)
    with pytest.raises(ExecutionError, match="Build its processes anew"):
        lif.run(condition=RunSteps(num_steps=1))


def test_a_failure_in_a_later_run_is_reported_too(nothing_left):
    _, lif = loop(where="send", step=5)
    lif.run(condition=RunSteps(num_steps=4), run_cfg=config())
    with pytest.raises(ExecutionError, match=MESSAGE):
        lif.run(condition=RunSteps(num_steps=4))


def test_a_run_started_by_lavas_process_ends_by_running(nothing_left):
    failing, lif = loop(where="constructor")
    with pytest.raises(ValueError, match=MESSAGE), running(lif):
        failing.run(condition=RunSteps(num_steps=3), run_cfg=config())
    assert_stops(failing, lif)


@pytest.mark.parametrize(("how", "text"), [("unpicklable", "could not be read here.*AwkwardError"), ("kill", "-9")])
def test_a_model_that_cannot_report_its_end_is_noticed(how, text, nothing_left):
    _, lif = loop(where="send", how=how)
    with pytest.raises(ExecutionError, match=text):
        lif.run(condition=RunSteps(num_steps=30), run_cfg=config())


@pytest.mark.one_in(2)
@pytest.mark.parametrize("call", ["wait", "pause", "stop"])
def test_a_failure_of_a_run_that_does_not_block(call, nothing_left):
    _, lif = loop(where="send")
    condition = RunSteps(num_steps=30, blocking=False) if call == "wait" else RunContinuous()
    lif.run(condition=condition, run_cfg=config())
    if call != "wait":
        until(lambda: has_failed(lif))
    with pytest.raises(ExecutionError, match=MESSAGE):
        getattr(lif, call)()
    assert_stops(lif)


def test_a_run_that_does_not_block_can_be_waited_for_paused_and_stopped(nothing_left):
    lif = chain()
    with running(lif):
        lif.run(condition=RunSteps(num_steps=5, blocking=False), run_cfg=config())
        lif.wait()
        lif.run(condition=RunContinuous())
        until(lambda: lif.u.get().any())
        lif.pause()
        assert lif.u.get().any()
    assert_stops(lif)


def test_a_refused_constructor_leaves_no_complaint(monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    with pytest.raises(ParameterError):
        HybridLIF(shape=(3,), decay=2.0)
    gc.collect()  # Lava's destructor calls stop(), on a process that has nothing yet
    assert not complaints


def assert_no_growth(cycle, n):
    """Run it n times; file descriptors, threads and processes must not grow with n."""

    def count():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), threading.active_count(), len(children())

    for _ in range(3):
        cycle()
    before = count()
    for _ in range(n):
        cycle()
    deadline = time.monotonic() + SOON
    while any(now > then for now, then in zip(count(), before, strict=True)):
        assert time.monotonic() < deadline, f"(descriptors, threads, children) grew from {before} to {count()}"
        time.sleep(0.1)


def test_who_waits_is_woken_also_if_the_message_before_is_just_being_taken():
    """Seen as a run that never ended: stop() came while the model took the message before it."""
    port = CspRecvPort("in", None, SimpleNamespace(shape=(1,), dtype=int, nbytes=8), 8, None, None, None, None)
    port._queue, woken = CspRecvQueue(8), []
    port._queue.put(0)
    port.probe = lambda: port._queue.get() == 0  # there is one, and by the time of the answer it has been taken
    port.observer = lambda: woken.append(True)
    messages = iter([True, False])
    port._req_callback(SimpleNamespace(acquire=lambda: next(messages)))
    assert woken


@pytest.mark.parametrize("n", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_cycles_leave_nothing(n, nothing_left):
    def cycle():
        lif = chain()
        with running(lif):
            lif.run(condition=RunSteps(num_steps=2), run_cfg=config())

    assert_no_growth(cycle, n)


@pytest.mark.parametrize("where", [pytest.param("constructor", marks=pytest.mark.slow), "send"])
def test_failed_cycles_leave_nothing(where, nothing_left):
    def cycle():
        _, lif = loop(where=where)
        with pytest.raises(ExecutionError):
            lif.run(condition=RunSteps(num_steps=5), run_cfg=config())

    assert_no_growth(cycle, 4)


def resident():
    """Megabytes of memory that this process uses, shared ones included."""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def test_networks_that_have_run_are_freed(nothing_left):
    network = plastic_network(sizes=(512, 512), steps=2)  # 2 MB a matrix, of which a process has five
    spikes = random_spikes(network, samples=1)

    def cycle():
        graph = Graph(network, spikes)
        with running(graph.composition.output):
            graph.composition.output.run(condition=RunSteps(num_steps=2), run_cfg=config())
        return [weakref.ref(p) for p in (graph.source, *graph.populations.values(), *graph.projections.values())]

    dead = cycle() + cycle()
    gc.collect()
    before = resident()
    for _ in range(6):
        dead += cycle()
    gc.collect()
    assert not [process for process in dead if process() is not None]
    assert resident() < 1.06 * before  # a matrix a cycle would be 7 %


HUNDRED_RUNS = """
import gc
import torch  # as in the demo
from synergic import quantise
from synergic.cli._demo import SIZES, STEPS
from synergic.data import digits
from synergic.learning import HybridNet, to_description
from synergic.processes import run_in_lava

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

def after(runs):
    for i in range(runs):
        run_in_lava(networks[i % 2], spikes)
    gc.collect()
    return resident()

floating = to_description(HybridNet(SIZES, steps=STEPS))
networks, spikes = (floating, quantise(floating)), digits(STEPS)[2][:1]
before, now = after(10), after(100)
print(f"{before:.1f} MB after 10 runs, {now:.1f} MB after 100 more")
assert now < 1.05 * before
"""


@pytest.mark.slow
def test_a_hundred_runs_of_the_demos_lava_part():
    """In an interpreter of its own: what measures coverage here grows with every run."""
    done = subprocess.run([sys.executable, "-c", HUNDRED_RUNS], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_a_process_that_never_ran_is_freed():
    process = weakref.ref(HybridDense(weights=np.eye(3)))
    gc.collect()
    assert process() is None


SCRIPT = """
import multiprocessing, signal, sys
# Who starts the tests in the background may have told their children to ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from synergic.processes import HybridDense, HybridLIF
from synergic.processes._runtime import running

dense, lif = HybridDense(weights=np.eye(3)), HybridLIF(shape=(3,), bias=0.1)
dense.a_out.connect(lif.a_in)
lif.s_out.connect(dense.s_in)

def main(steps):
    lif.run(condition=RunSteps(num_steps=2), run_cfg=Loihi2SimCfg(select_tag="floating_pt"))
    handles = lif.runtime._messaging_infrastructure.smm._shared_memory_handles
    print(*[p.pid for p in multiprocessing.active_children()], *[h.name for h in handles], flush=True)
    if steps:
        lif.run(condition=RunSteps(num_steps=steps))

if sys.argv[1] == "forgotten":
    main(0)
elif sys.argv[1] == "run":
    main(10**9)
else:
    with running(lif):
        main(10**9)
"""


def started(mode):
    """A script in a session of its own; and what it has started: process ids, names of shared memory."""
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    words = script.stdout.readline().split()
    return script, [int(w) for w in words if w.isdigit()], [w for w in words if not w.isdigit()]


def alive(pid):
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_gone(script, pids, names):
    """The script ends and leaves nothing. Returns its exit code and complaints."""
    try:
        _, complaints = script.communicate(timeout=SOON)
    except subprocess.TimeoutExpired:
        os.killpg(script.pid, signal.SIGKILL)
        pytest.fail("the script did not end")
    assert pids
    assert names
    assert not [p for p in pids if alive(p)]
    assert not [n for n in names if (SHM / n).exists()]
    return script.returncode, complaints


@pytest.mark.one_in(3)
@pytest.mark.parametrize("mode", ["running", "run"])
@pytest.mark.parametrize("group", [False, True], ids=["process", "terminal"])
def test_ctrl_c_ends_a_long_run(mode, group):
    script, *left = started(mode)
    time.sleep(0.5)
    (os.killpg if group else os.kill)(script.pid, signal.SIGINT)
    code, complaints = assert_gone(script, *left)
    assert code == -signal.SIGINT
    assert "KeyboardInterrupt" in complaints


@pytest.fixture
def ctrl_c_after():
    """Function that sends this process Ctrl-C once, after some seconds."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
    script = "while read seconds; do sleep $seconds; kill -INT $PPID; echo; done"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
    sender = subprocess.Popen(["sh", "-c", script], bufsize=0, **pipes)
    asked = done = 0

    def ask(seconds):
        nonlocal asked
        asked += 1
        sender.stdin.write(b"%.4f\n" % seconds)

    def wait():
        """Wait until all that were asked for have been sent."""
        nonlocal done
        while done < asked:
            with Uninterrupted():  # a Ctrl-C between what was read and its count would lose the count
                done += len(sender.stdout.read(asked - done))

    ask.wait = wait
    yield ask
    sender.stdin.close()
    sender.wait()
    sender.stdout.close()
    signal.signal(signal.SIGINT, before)


def is_free(lock):
    """Whether another thread gets it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: lock.acquire(timeout=SOON) and (lock.release() or True)).result()


@pytest.mark.parametrize("n", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_ctrl_c_at_any_moment_leaves_nothing(n, nothing_left, ctrl_c_after, monkeypatch):
    chance, when, moment, swallowed = random.Random(), Counter(), "", []
    # Python itself drops what is raised within a destructor, whoever's, and says so by this hook alone.
    monkeypatch.setattr(sys, "unraisablehook", lambda found: swallowed.append(found.exc_type))
    locks = logging._lock, multiprocessing.resource_tracker._resource_tracker._lock
    begin, inside = time.monotonic(), children()

    def cycle():
        nonlocal moment
        moment = "start"
        with running(lif):
            lif.run(condition=RunSteps(num_steps=1), run_cfg=config())
            moment = "run"
            lif.run(condition=RunSteps(num_steps=500))
            moment = "stop"
        moment = "later"

    def disturbed(after):
        ctrl_c_after(after)
        cycle()
        ctrl_c_after.wait()

    for _ in range(3):
        lif = chain()
        cycle()
    seconds = (time.monotonic() - begin) / 3
    for _ in range(n):
        lif = chain()
        try:
            disturbed(chance.uniform(0, 1.1 * seconds))
        except KeyboardInterrupt:
            when[moment] += 1
        else:  # no other is lost
            assert (moment, swallowed) == ("later", [KeyboardInterrupt])
        swallowed.clear()
        nothing_left(inside)
        assert all(is_free(lock) for lock in locks), moment
    print(when)
    lif = chain()
    cycle()
    assert moment == "later"
    assert n < 100 or {"start", "run", "stop"} <= set(when)


def test_a_script_that_forgets_stop_ends():
    script, *left = started("forgotten")
    code, complaints = assert_gone(script, *left)
    assert code == 0, complaints
    assert "Traceback" not in complaints
