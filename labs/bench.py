"""The app's side of the labs: a loaded spare process, runs started, stopped and extended. No torch.

A running lab belongs to nobody: it goes on when this object, the app or the terminal goes. A subprocess of
asyncio would be killed with its transport, so these are plain Popen, each with a thread that waits for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labs.journal import End, Follower, Log, Run, Seeds, Start, Writer, runs, this_host
from labs.problems import LabProblem
from labs.processes import ending, popen

if TYPE_CHECKING:
    import asyncio
    from subprocess import Popen

    from labs.nursery import Nursery

SpareState = Literal["none", "warming", "ready", "broken"]

NEXT_SPARE_S = 3.0  # until here the lab just started has the cores to itself
STOP_S = 2.0  # from SIGTERM to SIGKILL
CLOSE_S = 0.5
CLAIM_S = 10.0  # from the start of a process to its worker.json; an interpreter on a cold disk is slow
ANSWER_S = 2.0  # for a live worker to take up more seeds
POLL_S = 0.02
OUTPUT_LINES = 20


class Bench:
    """One app's labs. The methods belong to the app's event loop; none of them waits for a lab's work."""

    def __init__(
        self, runs: Path, python: str = sys.executable, *, next_spare_s: float = NEXT_SPARE_S
    ) -> None:
        """runs: the folder of all runs. python: the interpreter that has torch."""
        self.folder = runs
        self.python = python
        self._next_spare_s = next_spare_s
        self._spare: _Spare | None = None
        self._warming: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._nursery: Nursery | None = None

    @property
    def spare_state(self) -> SpareState:
        """Whether a process with torch loaded stands by. "broken": it cannot be; spare_trouble says why."""
        return self._spare.state if self._spare else "none"

    @property
    def spare_trouble(self) -> str:
        """Why the spare is broken, as a sentence that labs.problems.recognise knows; empty if it is not."""
        return self._spare.trouble if self._spare else ""

    async def warm(self) -> None:
        """Starts a spare if there is none, best after the first paint. A broken one is not tried again."""
        if self.spare_state != "none":
            return
        import asyncio

        self._spare = spare = _Spare(self.python)
        await asyncio.to_thread(spare.start)

    async def start(self, run: Run) -> None:
        """Sets a process to work on the run: the spare if there is one, even one that is still loading.

        An interpreter that cannot do it is told by the run's events. Raises LabProblem("cannot-write") where
        the run's folder is gone.
        """
        import asyncio

        spare, self._spare = self._spare, None
        if spare is None or not spare.take(run):
            if spare is not None:
                spare.dismiss()  # broken: a new process finds what has been mended since
            await asyncio.to_thread(_Child, run, self.python)
        if self._warming is None or self._warming.done():
            self._warming = asyncio.create_task(self._warm_later())

    async def start_one_of_many(self, run: Run, alone: bool) -> None:
        """The same for one run of a proof: forked from a process that has torch loaded, where that can be.

        alone: its memory and time are measured, so that it shares neither; it gets a process of its own, and none
        is warmed beside it. Whoever has started the last of them says so with `last_of_many`.
        """
        import asyncio

        if alone:
            await asyncio.to_thread(_Child, run, self.python)
            return
        if self._nursery is None:
            from labs.nursery import Nursery

            self._nursery = Nursery(self.python, otherwise=lambda run: _Child(run, self.python))
        if not await asyncio.to_thread(self._nursery.take, run):
            await self.start(run)

    def last_of_many(self) -> None:
        """Lets the process go that runs were forked from; they go on without it."""
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def stop(self, run: Run) -> asyncio.Task[None]:
        """Tells the run's process to end, before this returns. What it has measured stays.

        The task ends when the process is gone, killed if it has not listened for 2 s; nobody needs to await
        it. A worker on another host is told through the run's folder alone.
        """
        import asyncio

        with contextlib.suppress(LabProblem):  # a full disk must not keep a lab from being stopped
            run.want(stop=True)
        told = _tell(run, signal.SIGTERM)
        task = asyncio.create_task(self._see_off(run, told))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        return task

    async def _see_off(self, run: Run, told: bool) -> None:
        import asyncio

        if not told:
            await _eventually(lambda: run.worker() is not None or run.status() != "starting", CLAIM_S)
            told = _tell(run, signal.SIGTERM)
        if told:
            await _eventually(lambda: not run.alive(), STOP_S)
            if _tell(run, getattr(signal, "SIGKILL", signal.SIGTERM)):
                await _eventually(lambda: not run.alive(), STOP_S)
        if run.status() == "lost":  # killed before it could say so itself
            await asyncio.to_thread(_end, run, "stopped", None)

    async def more_seeds(self, run: Run, n: int) -> None:
        """Adds n seeds. A live worker trains them beside what it is at; a run that has ended goes on.

        Raises LabProblem: disk-full, read-only or cannot-write.
        """
        import asyncio

        follower, announced = Follower(run), set(run.spec.seeds)

        def taken() -> int:
            for event in follower.poll():
                if isinstance(event, Start | Seeds):
                    announced.update(event.seeds)
            return len(announced)

        total = max(await asyncio.to_thread(taken), run.wanted().seeds) + n
        await asyncio.to_thread(run.want, total)
        if run.status() == "starting":
            return  # its worker looks at what is wanted when it comes
        worker = run.worker()
        if worker is not None and worker.host != this_host() and run.status() == "running":
            return
        # A worker may be alive and yet past its last look at what is wanted: wait for its answer.
        await _eventually(lambda: taken() >= total or not run.alive(), ANSWER_S)
        if taken() < total and not run.alive():
            await self.start(run)

    def running(self) -> list[Run]:
        """The runs that a process works on, newest first, whoever started it. Reads every journal's end."""
        return [run for run in runs(self.folder) if run.status() in ("starting", "running")]

    async def close(self) -> None:
        """Dismisses the spare, and gives labs that were just told to stop a moment for it. Others go on."""
        import asyncio

        if self._warming is not None:
            self._warming.cancel()
        if self._spare is not None:
            self._spare.dismiss()
            self._spare = None
        self.last_of_many()
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=CLOSE_S)

    async def _warm_later(self) -> None:
        import asyncio

        await asyncio.sleep(self._next_spare_s)
        await self.warm()


def launch(run: Run, python: str = sys.executable) -> None:
    """Sets a process to work on the run, and returns when it has taken the run up. For commands.

    Raises LabProblem: python-missing, worker-died or cannot-write; the run's events say the same.
    """
    child = _Child(run, python)
    deadline = time.monotonic() + CLAIM_S
    while not child.claimed() and child.thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    if child.problem is not None:
        raise child.problem


# ---- processes ---------------------------------------------------------------------------------------------


class _Child:
    """A process for one run. problem: why it ended before it took the run up."""

    def __init__(self, run: Run, python: str) -> None:
        self.problem: LabProblem | None = None
        self._run = run
        self._process: Popen[bytes] | None = None
        try:
            log = run.log_file.open("ab")
        except OSError as error:
            raise LabProblem("cannot-write", folder=run.folder, detail=error.strerror or error) from error
        with log:
            try:
                self._process = popen(python, [str(run.folder.absolute())], stdout=log)
            except LabProblem as problem:
                self._fail(problem)
        self.thread = threading.Thread(target=self._wait, name=f"lab {run.id}", daemon=True)
        self.thread.start()

    def claimed(self) -> bool:
        return self._process is not None and _claimed(self._run, self._process)

    def _wait(self) -> None:
        if self._process is None:
            return
        status = self._process.wait()
        if status != 0 and not self.claimed():
            output = (self._run.log_tail(1) or [""])[0]
            self._fail(LabProblem("worker-died", how=ending(status), output=output))

    def _fail(self, problem: LabProblem) -> None:
        _end(self._run, "failed", problem)
        self.problem = problem


class _Spare:
    """A process that has torch loaded, or is loading it, and waits for a run."""

    def __init__(self, python: str) -> None:
        self.state: SpareState = "warming"
        self.trouble = ""
        self._python = python
        self._process: Popen[bytes] | None = None
        self._run: Run | None = None
        self._dismissed = False
        self._lock = threading.Lock()  # guards _process, _run and _dismissed against the listening thread

    def start(self) -> None:
        import subprocess

        try:
            process = popen(self._python, ["--spare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except LabProblem as problem:
            self.state, self.trouble = "broken", str(problem)
            return
        with self._lock:
            self._process = process
            unwanted = self._dismissed  # while the process was being made
        if unwanted:
            self.dismiss()
        threading.Thread(target=self._listen, args=[process], name="spare", daemon=True).start()

    def take(self, run: Run) -> bool:
        """Hands the run over. False: this spare cannot take it."""
        line = os.fsencode(run.folder.absolute())
        with self._lock:
            process = self._process
            usable = self.state in ("warming", "ready") and b"\n" not in line
            if not usable or process is None or process.stdin is None:
                return False
            try:
                process.stdin.write(line + b"\n")
                process.stdin.close()
            except OSError:  # it has died just now
                return False
            self._run = run
            return True

    def dismiss(self) -> None:
        """Ends the process. Never called once a run has been handed over."""
        with self._lock:
            self._dismissed = True
            process = self._process
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()

    def _listen(self, process: Popen[bytes]) -> None:
        """Hears what the spare says, and what becomes of it."""
        output: list[str] = []
        for raw in process.stdout or ():
            said = raw.decode(errors="replace").strip()
            if said == "ready":
                self.state = "ready"
            elif said.startswith("broken "):
                self.state, self.trouble = "broken", said.removeprefix("broken ")
            elif said:
                output = [*output, said][-OUTPUT_LINES:]
        status = process.wait()
        with self._lock:
            run = self._run
            if self.state == "warming" and not self._dismissed and run is None:
                self.state = "broken"
                how, last = ending(status), (output or [""])[-1]
                self.trouble = str(LabProblem("worker-died", how=how, output=last))
            elif self.state != "broken":
                self.state = "none"
        if run is not None and status != 0 and not _claimed(run, process):
            with contextlib.suppress(LabProblem):  # the run's folder is gone
                _Child(run, self._python)


def _claimed(run: Run, process: Popen[bytes]) -> bool:
    """Whether the process has taken the run up. A run that goes on has an earlier worker's worker.json."""
    worker = run.worker()
    return worker is not None and worker.pid == process.pid and worker.host == this_host()


def _tell(run: Run, how: signal.Signals) -> bool:
    """Signals the run's process and its children, if it lives here and is that very process."""
    worker = run.worker()
    if worker is None or not run.alive():
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if (
            hasattr(os, "killpg") and os.getpgid(worker.pid) == worker.pid
        ):  # it leads its own group, as ours do
            os.killpg(worker.pid, how)
        else:
            os.kill(worker.pid, how)
    return True


def _end(run: Run, status: Literal["stopped", "failed"], problem: LabProblem | None) -> None:
    """Writes the last event in place of a worker that is gone or never was."""
    t = max((event.t for event in Follower(run).poll()), default=0.0)
    error = None if problem is None else str(problem)
    with contextlib.suppress(LabProblem):  # a disk that refuses: the run counts as lost, which it is
        writer = Writer(run)
        if error is not None:
            writer.write(Log(t=t, level="error", text=error))
        writer.write(End(t=t, status=status, seconds=t, error=error))
        writer.close()


async def _eventually(holds: Callable[[], bool], patience_s: float) -> None:
    """Returns as soon as it holds, or the patience is over."""
    import asyncio

    deadline = time.monotonic() + patience_s
    while not holds() and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
