"""`torchproof doctor`: is everything in order here, and how is it mended where it is not?"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tui.commands import FAILED, FINISHED, Context
from tui.commands.data import findings
from tui.commands.finding import Finding
from tui.commands.surroundings import folders, terminal

if TYPE_CHECKING:
    from labs.hardware import Hardware
    from tui.commands.interpreter import Answer
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

INSTALL = {"torch": "torch torchvision"}
NEEDED = {"msgspec", "psutil", "numpy", "torch"}  # without torchvision, most labs still run
STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof doctor`."""
    doctor = commands.add_parser("doctor", help=tr("cli.doctor_about"), description=tr("cli.doctor_about"))
    doctor.add_argument("--json", action="store_true", help=tr("cli.json"))


def run(args: argparse.Namespace, context: Context) -> int:
    """Look at everything, print what was found. Returns 0 where nothing is bad, else 1."""
    found = list(examine(context))
    bad = sum(finding.level == "bad" for finding in found)
    if args.json:
        context.document(
            {
                "torchproof": context.version,
                "ok": not bad,
                "findings": [{**finding._asdict(), "facts": dict(finding.facts)} for finding in found],
            }
        )
    else:
        _print(context, found)
        context.say("cli.doctor_not_well" if bad else "cli.doctor_all_well", count=bad)
    return FAILED if bad else FINISHED


def _print(context: Context, found: list[Finding]) -> None:
    from rich.text import Text

    from tui.commands import tables

    made = tables.table(("", {"no_wrap": True}), "")
    made.show_header = False
    for finding in found:
        text = Text(finding.text)
        if finding.fix:
            text.append(f"\n{finding.fix}", style="italic")
        word = Text(context.tr(f"cli.doctor_{finding.level}"), style=STYLES[finding.level])
        made.add_row(word, text)
    tables.show(context, made)


def examine(context: Context) -> Iterator[Finding]:
    """All findings, in the order a reader wants them: what labs need, the terminal, the disk, the content."""
    from labs.hardware import describe

    yield Finding(
        "python",
        "ok",
        context.tr("cli.dr_python", version=platform.python_version(), torchproof=context.version),
        facts={"python": platform.python_version(), "executable": sys.executable},
    )
    hardware = describe()
    yield from interpreter(context, hardware)
    yield from gpus(context.tr, hardware)
    yield from terminal(context.tr, context.out, os.environ)
    yield from folders(context)
    yield from content(context)
    yield from findings(context)
    yield from log(context)
    yield from running(context)


# ---- the labs' Python --------------------------------------------------------------------------------------


def interpreter(context: Context, hardware: Hardware) -> Iterator[Finding]:
    """Whether labs can run: their Python, its packages, and a small training step that really ran."""
    from tui.commands.interpreter import PATIENCE_S, ask
    from tui.commands.watching import waiting

    tr, python = context.tr, context.python
    try:
        with waiting(context, "cli.dr_asking", python=python):
            answer = ask(python)
    except OSError as error:
        why = error.strerror or str(error)
        yield Finding(
            "lab-python",
            "bad",
            tr("cli.dr_lab_python_gone", python=python, why=why),
            tr("cli.dr_lab_python_gone_fix"),
            {"executable": python},
        )
        return
    yield from judge(tr, python, answer, hardware, PATIENCE_S)


def judge(
    tr: Translator, python: str, answer: Answer, hardware: Hardware, patience_s: float
) -> Iterator[Finding]:
    """What the interpreter's answer means."""
    facts = {"executable": python, "python": answer.python}
    if answer.python and tuple(map(int, answer.python.split(".")[:2])) < (3, 11):
        text = tr("cli.dr_lab_python_old", python=python, version=answer.python)
        yield Finding("lab-python", "bad", text, tr("cli.dr_lab_python_old_fix"), facts)
        return
    if answer.python:
        yield Finding(
            "lab-python", "ok", tr("cli.dr_lab_python", python=python, version=answer.python), "", facts
        )
    for package, version in answer.packages.items():
        if version is not None:
            text = tr("cli.dr_package", package=package, version=version)
            yield Finding(package, "ok", text, "", {"version": version})
        else:
            why = answer.errors.get(package, "")
            yield Finding(
                package,
                "bad" if package in NEEDED else "warn",
                tr("cli.dr_package_missing", package=package, python=python, why=why),
                tr("cli.dr_package_missing_fix", python=python, install=INSTALL.get(package, package)),
                {"version": None, "error": why},
            )
    if answer.packages.get("torch"):
        yield from _build(tr, python, answer, hardware)
        yield from _kernels(tr, python, answer)
    if answer.how == "timeout":
        text = tr("cli.dr_silent", python=python, seconds=round(patience_s), stage=answer.stage)
        yield Finding("lab-python-silent", "bad", text, tr("cli.dr_silent_fix", python=python))
    elif not answer.how and not answer.python:
        text = tr("cli.dr_not_python", python=python)
        yield Finding("lab-python", "bad", text, tr("cli.dr_lab_python_gone_fix"), facts)
    elif answer.how:
        how = f"{answer.how}: {answer.tail}" if answer.tail else answer.how
        text = tr("cli.dr_died", python=python, how=how, stage=answer.stage)
        yield Finding("lab-python-died", "bad", text, tr("cli.dr_died_fix", python=python))


def _build(tr: Translator, python: str, answer: Answer, hardware: Hardware) -> Iterator[Finding]:
    facts = {"cuda": answer.cuda, "rocm": answer.rocm}
    if answer.rocm:
        yield Finding("torch-build", "ok", tr("cli.dr_rocm_build", cuda=answer.rocm), "", facts)
    elif answer.cuda:
        yield Finding("torch-build", "ok", tr("cli.dr_cuda_build", cuda=answer.cuda), "", facts)
    elif hardware.gpus:
        fix = tr("cli.dr_cpu_build_gpu_fix", python=python)
        yield Finding("torch-build", "warn", tr("cli.dr_cpu_build_gpu"), fix, facts)
    else:
        yield Finding("torch-build", "ok", tr("cli.dr_cpu_build"), "", facts)


def _kernels(tr: Translator, python: str, answer: Answer) -> Iterator[Finding]:
    from tui.commands.tables import sentence

    if why := answer.errors.get("cpu"):
        text = tr("cli.dr_kernel_bad", device="cpu", why=why)
        yield Finding("kernel", "bad", text, tr("cli.dr_kernel_cpu_fix", python=python), {"device": "cpu"})
    elif answer.device:
        facts = {"device": answer.device, "name": answer.device_name, "reason": answer.reason}
        text = tr("cli.dr_kernel", device=answer.device, name=answer.device_name)
        yield Finding("kernel", "ok", text, "", facts)
        if answer.reason_key not in ("", "device-none", "device-hidden"):
            yield Finding(
                "gpu-unused", "warn", sentence(tr, answer.reason), tr("cli.dr_kernel_gpu_fix"), facts
            )


def gpus(tr: Translator, hardware: Hardware) -> Iterator[Finding]:
    """The graphics cards that the driver shows, and why none is there."""
    from labs.hardware import short_name

    for gpu in hardware.gpus:
        fields: dict[str, Any] = {
            "index": gpu.index,
            "name": short_name(gpu.name),
            "free": round(gpu.free_mb / 1024),
            "total": round(gpu.total_mb / 1024),
            "load": gpu.load,
            "processes": gpu.processes,
        }
        key = "cli.dr_gpu" if gpu.load is not None else "cli.dr_gpu_no_load"
        facts = {"name": gpu.name, "uuid": gpu.uuid, "free_mb": gpu.free_mb, "total_mb": gpu.total_mb}
        yield Finding(f"gpu-{gpu.index}", "ok", tr(key, **fields), "", {**facts, "load": gpu.load})
    if not hardware.gpus:
        facts = {"cores": hardware.cores}
        yield Finding("no-gpu", "ok", tr("cli.dr_no_gpu", cores=hardware.cores), "", facts)
    elif hardware.visible is not None and hardware.visible.strip() in ("", "-1", "NoDevFiles"):
        text = tr("cli.dr_gpu_hidden", value=hardware.visible)
        yield Finding("gpu-hidden", "warn", text, tr("cli.dr_gpu_hidden_fix"))
    if "login-node" in hardware.notes:
        yield Finding("login-node", "warn", tr("cli.dr_login_node"), tr("cli.dr_login_node_fix"))


# ---- content, log, runs ------------------------------------------------------------------------------------


def content(context: Context) -> Iterator[Finding]:
    """Whether the settings, the bank and every lab can be read."""
    from labs.catalog import EXPERIMENTS, find
    from questions.catalog import load
    from questions.problems import BankProblem
    from tui import settings

    tr = context.tr
    trouble = settings.load(context.paths.settings)[1]
    if trouble is not None:  # the message says itself that the defaults are used, and how to mend the file
        yield Finding("settings", "warn", tr(trouble.key, **trouble.fields))
    try:
        bank = load()
    except BankProblem as broken:
        text = tr("cli.dr_bank_bad", problem=tr.problem(broken))
        yield Finding("bank", "bad", text, tr("cli.dr_bank_bad_fix"))
    else:
        facts = {
            "entries": len(bank.entries),
            "claims": len(bank.claims),
            "questions": len(bank.questions),
        }
        yield Finding("bank", "ok", tr("cli.dr_bank", **facts), "", facts)
        for left_out in bank.problems:
            yield Finding("bank-question", "warn", tr.problem(left_out), tr("cli.dr_bank_bad_fix"))
    catalog = find(EXPERIMENTS)
    for problem in catalog.problems:
        yield Finding("lab", "warn", tr.problem(problem), tr("cli.dr_lab_bad_fix"))
    if catalog.labs:
        count = len(catalog.labs)
        yield Finding("labs", "ok", tr("cli.dr_labs", count=count), "", {"labs": list(catalog.labs)})
    else:
        yield Finding("labs", "bad", tr("cli.dr_labs_none"), tr("cli.dr_labs_none_fix"))


def log(context: Context) -> Iterator[Finding]:
    """Whether all of the answers' log can be read."""
    from questions.progress import Progress

    tr = context.tr
    progress = Progress.here(context.paths.events)
    count = len(progress.events())
    for problem in progress.problems:
        text = tr("cli.dr_events_unreadable", problem=tr.problem(problem))
        yield Finding("log-file", "bad", text)
    facts = {"events": count, "skipped": progress.skipped, "newer": progress.newer}
    if progress.skipped:
        text = tr("cli.dr_events_bad", broken=progress.skipped, count=count)
        fix = tr("cli.dr_events_bad_fix", folder=context.paths.events)
        yield Finding("log", "warn", text, fix, facts)
    else:
        files = len(list(context.paths.events.glob("*.jsonl")))
        yield Finding("log", "ok", tr("cli.dr_events", count=count, files=files), "", facts)


def running(context: Context) -> Iterator[Finding]:
    """Labs at work, since nothing else on the machine says whose processes they are."""
    from labs.journal import runs
    from tui.commands.watching import LIVE

    live = [run.id for run in runs(context.paths.runs) if run.status() in LIVE]
    if live:
        text = context.tr("cli.dr_running", count=len(live))
        yield Finding("running", "ok", text, context.tr("cli.dr_running_fix"), {"runs": live})
