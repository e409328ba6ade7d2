"""How a process of the labs is started: which interpreter, in what surroundings. No torch."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.problems import LabProblem

if TYPE_CHECKING:
    from subprocess import Popen


def popen(python: str, arguments: list[str], **streams: Any) -> Popen[bytes]:
    """labs/worker.py under the interpreter, in a session of its own. Raises LabProblem("python-missing")."""
    import subprocess

    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **streams}
    ours = program(python)
    file = Path(__file__).parent / "worker.py"
    try:
        return subprocess.Popen(
            [ours, str(file), *arguments],
            cwd=Path(file.anchor),
            env=environment(ours),
            start_new_session=True,  # no terminal, so no SIGHUP from one and no ctrl+c
            **streams,
        )
    except OSError as error:
        raise LabProblem("python-missing", python=python, error=error.strerror or error) from error


def program(python: str) -> str:
    """The interpreter as a full path. Links stay as they are: a virtual environment is found by its link."""
    if os.sep in python or (os.altsep and os.altsep in python):
        return str(Path(python).expanduser().absolute())
    return shutil.which(python) or python


def environment(program: str) -> dict[str, str]:
    """What a process of the labs under this interpreter is started with."""
    # No module of the folder the app was started in, one order of sets in every run, UTF-8 in every log.
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    if program != sys.executable:
        import msgspec

        environment["TORCHPROOF_BORROW"] = str(Path(msgspec.__file__).parent.parent)
        for ours in ("PYTHONHOME", "__PYVENV_LAUNCHER__"):
            environment.pop(ours, None)
    return environment


def ending(status: int) -> str:
    """How a process ended, from its return code."""
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"
