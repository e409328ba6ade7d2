"""Runs the code of a question under a given interpreter and returns what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from questions.problems import BankProblem

# Loads torch once where it is wanted, then forks for each piece of code, so that none sees another's state.
_RUN_ALL = """
import contextlib, io, json, os, sys, traceback
codes = json.load(sys.stdin)
if any("torch" in code for code in codes):
    with contextlib.suppress(Exception):
        import torch
        torch.set_num_threads(1)
if any("torchvision" in code for code in codes):
    with contextlib.suppress(Exception):
        import torchvision
for code in codes:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        said = io.StringIO()
        why = None
        try:
            with contextlib.redirect_stdout(said):
                exec(compile(code, "<question>", "exec"), {"__name__": "__main__"})
        except BaseException as error:
            why = traceback.format_exception_only(type(error), error)[-1].strip()
        with open(write, "w", encoding="utf-8") as pipe:
            json.dump([said.getvalue(), why], pipe)
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    print(data or json.dumps(["", "the interpreter crashed"]), flush=True)
"""


def printed(code: str, *, python: str = sys.executable, timeout: float = 60) -> str:
    """What `code` prints, without trailing white space on the last line.

    Raises BankProblem: "code-failed" when it raises, "code-timeout" after `timeout` seconds,
    "no-interpreter".
    """
    done = _run(python, code, "", timeout)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise BankProblem("code-failed", why=lines[-1] if lines else f"exit status {done.returncode}")
    return done.stdout.rstrip()


def printed_by(
    codes: Sequence[str], *, python: str = sys.executable, timeout: float = 300
) -> list[str | BankProblem]:
    """What each piece of code prints, or its problem; one process loads torch for all of them."""
    if not codes:
        return []
    if not hasattr(os, "fork"):
        return [_printed_or_problem(code, python, timeout) for code in codes]
    done = _run(python, _RUN_ALL, json.dumps(list(codes)), timeout)
    results: list[str | BankProblem] = []
    for line in done.stdout.splitlines():
        said, why = json.loads(line)
        results.append(said.rstrip() if why is None else BankProblem("code-failed", why=why))
    if len(results) < len(codes):
        lines = done.stderr.strip().splitlines()
        raise BankProblem("code-failed", why=lines[-1] if lines else f"exit status {done.returncode}")
    return results


def _printed_or_problem(code: str, python: str, timeout: float) -> str | BankProblem:
    try:
        return printed(code, python=python, timeout=timeout)
    except BankProblem as problem:
        return problem


def _run(python: str, code: str, given: str, timeout: float) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    try:
        return subprocess.run(
            [python, "-P", "-c", code],
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            env=env,
            cwd=Path(sys.executable).anchor,  # nothing to import by accident
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BankProblem("code-timeout", seconds=timeout) from None
    except OSError as error:
        raise BankProblem("no-interpreter", file=python, why=error.strerror or error) from None
