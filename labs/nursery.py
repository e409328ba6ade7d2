"""One process that has torch loaded, and forks another for every run it is given. The app's side; no torch here.

A proof starts dozens of runs one after another, and loading torch for each took more than a quarter of its time. Linux
only: elsewhere a fork with torch loaded is not safe.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from labs.problems import LabProblem
from labs.processes import popen

if TYPE_CHECKING:
    from subprocess import Popen

    from labs.journal import Run


class Nursery:
    """Hands runs over to one process, which is started at the first of them and takes them while it loads.

    otherwise: starts a run in another way; called for those that the process had not taken up when it died.
    """

    def __init__(self, python: str = sys.executable, *, otherwise: Callable[[Run], object]) -> None:
        self._python = python
        self._otherwise = otherwise
        self._process: Popen[bytes] | None = None
        self._given: list[Run] = []
        self._usable = sys.platform == "linux"
        self._lock = threading.Lock()  # guards all of these against the waiting thread

    def take(self, run: Run) -> bool:
        """Hands the run over. False: it has to be started in another way."""
        line = os.fsencode(run.folder.absolute())
        with self._lock:
            if not self._usable or b"\n" in line:
                return False
            if self._process is None:
                self._start()
            if self._process is None or self._process.stdin is None:
                return False
            try:
                self._process.stdin.write(line + b"\n")
                self._process.stdin.flush()
            except OSError:  # it has died just now
                self._usable = False
                return False
            self._given.append(run)
            return True

    def close(self) -> None:
        """Ends the process once it has forked for the runs it was given; those go on."""
        with self._lock:
            self._usable = False
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()

    def _start(self) -> None:
        import subprocess

        try:
            process = popen(self._python, ["--nursery"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except LabProblem:  # the run says the same when it is started in another way
            self._usable = False
            return
        self._process = process
        threading.Thread(target=self._wait, args=[process], name="nursery", daemon=True).start()

    def _wait(self, process: Popen[bytes]) -> None:
        status = process.wait()
        with self._lock:
            self._usable = False
            left = [run for run in self._given if run.worker() is None] if status != 0 else []
        for run in left:
            with contextlib.suppress(LabProblem):  # the run's folder is gone
                self._otherwise(run)
