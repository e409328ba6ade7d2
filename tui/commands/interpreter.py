"""Asks the labs' Python, in a process of its own, whether torch is there and really computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import labs

PATIENCE_S = 120.0  # a first import of torch from a network disk takes a minute

# Each line says what comes next or what was found, so that a crash or a hang shows where it happened.
# Arguments: the folder of the package labs, and one from which what a foreign Python may lack is borrowed.
# Neither is on the path when torch is imported, or our packages would hide the other Python's own.
QUESTIONS = """
import importlib, importlib.util, json, sys

home, shelf = sys.argv[1:]
sys.path[:] = [entry for entry in sys.path if entry]  # not the folder we happen to be in, as with -P

def tell(**what):
    print(json.dumps(what), flush=True)

def load(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        if name not in ("msgspec", "psutil"):
            raise
    sys.path.append(shelf)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(shelf)

tell(python=".".join(map(str, sys.version_info[:3])))
if sys.version_info < (3, 11):
    sys.exit()
modules = {}
for name in ("msgspec", "psutil", "numpy", "torch", "torchvision"):
    tell(stage="import " + name)
    try:
        modules[name] = load(name)
    except BaseException as error:
        tell(package=name, error=f"{type(error).__name__}: {error}")
    else:
        tell(package=name, version=str(getattr(modules[name], "__version__", "?")))
torch = modules.get("torch")
if torch is None or "msgspec" not in modules:
    sys.exit()
tell(cuda=torch.version.cuda, rocm=getattr(torch.version, "hip", None))

spec = importlib.util.spec_from_file_location(
    "labs", home + "/__init__.py", submodule_search_locations=[home]
)
sys.modules["labs"] = importlib.util.module_from_spec(spec)
from labs.device import choose, compute

tell(stage="a small training step on cpu")
try:
    compute(torch, torch.device("cpu"))
except BaseException as error:
    tell(kernel="cpu", error=f"{type(error).__name__}: {error}")
tell(stage="a small training step on the device that auto takes")
chosen = choose("auto")
reason = chosen.reason
tell(device=str(chosen.device), name=chosen.name, reason=str(reason or ""), key=reason.key if reason else "")
"""


@dataclass
class Answer:
    """What the interpreter said. Fields keep their start value where it never got that far.

    packages: name -> version, or None and the reason in `errors`. how: how it ended where it did not end well
    ("timeout", "signal 11", "exit status 1"), and `stage` what it was busy with. tail: its last words.
    """

    python: str = ""
    packages: dict[str, str | None] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    cuda: str | None = None
    rocm: str | None = None
    device: str = ""
    device_name: str = ""
    reason: str = ""
    reason_key: str = ""
    stage: str = "start"
    how: str = ""
    tail: str = ""


def ask(python: str, *, patience_s: float = PATIENCE_S, env: Mapping[str, str] = os.environ) -> Answer:
    """Run QUESTIONS under `python`. Raises OSError where it cannot be started."""
    home = Path(labs.__file__).parent
    shelf = Path(msgspec.__file__).parent.parent
    # what ties an environment to the Python we run under would mislead another
    ours = () if python == sys.executable else ("PYTHONHOME", "__PYVENV_LAUNCHER__")
    others = {name: value for name, value in env.items() if name not in ours}
    answer = Answer()
    try:
        done = subprocess.run(
            [python, "-c", QUESTIONS, str(home), str(shelf)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience_s,
            env={**others, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        _read(answer, expired.stdout or b"")
        answer.how = "timeout"
        return answer
    _read(answer, done.stdout)
    if done.returncode:
        answer.how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()
        answer.tail = last[-1] if last else ""
    return answer


def _read(answer: Answer, output: bytes) -> None:
    for raw in output.splitlines():
        try:
            said = json.loads(raw)
        except ValueError:  # a library that greets its user
            continue
        if isinstance(said, dict):
            _take(answer, said)


def _take(answer: Answer, said: dict[str, Any]) -> None:
    match said:
        case {"python": version}:
            answer.python = version
        case {"stage": stage}:
            answer.stage = stage
        case {"package": name, "error": why}:
            answer.packages[name] = None
            answer.errors[name] = why
        case {"package": name, "version": version}:
            answer.packages[name] = version
        case {"cuda": cuda, "rocm": rocm}:
            answer.cuda, answer.rocm = cuda, rocm
        case {"kernel": device, "error": why}:
            answer.errors[device] = why
        case {"device": device, "name": name, "reason": reason, "key": key}:
            answer.device, answer.device_name = device, name
            answer.reason, answer.reason_key = reason, key
