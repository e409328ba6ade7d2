"""Runs of the small labs in fixtures/, for the tests of what works on runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from labs import journal
from labs.catalog import load
from labs.journal import AnyEvent, Follower, Run

FIXTURES = Path(__file__).parent / "fixtures"
STUB = FIXTURES / "stub"
WORKER = Path(journal.__file__).parent / "worker.py"
PATIENCE_S = 60.0  # for what must happen; nothing is measured with it


def new_run(
    runs: Path,
    lab: str,
    *,
    knobs: Mapping[str, Any] | None = None,
    seeds: int = 4,
    max_seeds: int = 4,
    device: str = "cpu",
    by: Any = "app",
    folder: Path | None = None,
    datasets: Path | None = None,
) -> Run:
    loaded = load(folder or FIXTURES / lab)
    return journal.create(
        runs,
        loaded,
        knobs={**loaded.defaults, **(knobs or {})},
        seeds=list(range(seeds)),
        max_seeds=max_seeds,
        device=device,
        by=by,
        now=datetime.now(UTC),
        python=sys.executable,
        version="0.0",
        datasets=datasets,
    )


def events(run: Run) -> list[AnyEvent]:
    return Follower(run).poll()


def of_kind(run: Run, kind: type) -> list[Any]:
    return [event for event in events(run) if isinstance(event, kind)]


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.005)


def wait_for(run: Run, kind: type, count: int = 1) -> None:
    """Until the journal holds so many events of this kind."""
    follower, seen = Follower(run), 0

    def enough() -> bool:
        nonlocal seen
        seen += sum(isinstance(event, kind) for event in follower.poll())
        return seen >= count

    wait_until(enough, f"{count} {kind.__name__} in {run.id}")


def wait_gone(pid: int) -> None:
    wait_until(lambda: not lives(pid), f"process {pid} to leave")


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def worker_pid(run: Run) -> int:
    worker = run.worker()
    assert worker is not None
    return worker.pid


def tidy(runs: Path) -> Iterator[None]:
    """For a fixture: no test leaves a lab behind, however it ends."""
    yield
    for run in journal.runs(runs):
        if run.alive():
            os.kill(worker_pid(run), signal.SIGKILL)


def start_worker(run: Run, python: str = sys.executable, **env: str) -> "subprocess.Popen[bytes]":
    with run.log_file.open("ab") as log:
        return subprocess.Popen(
            [python, str(WORKER), str(run.folder)],
            env={**os.environ, "PYTHONSAFEPATH": "1", **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
