"""`torchproof data`: data sets and weights by name: list, get, check, remove. No torch in this process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tui.commands import FAILED, FINISHED, Context, Interrupted, Interrupts, Misuse
from tui.commands.finding import Finding
from tui.commands.parsing import subcommands

if TYPE_CHECKING:
    from rich.console import Console

    from labs.datasets import DataSet
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

NAMES = ("fashion_mnist", "cifar10", "resnet18")  # of labs.datasets.SETS, which help need not load
STYLES = {"present": "green", "absent": "", "unchecked": "yellow", "damaged": "red"}


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof data`."""
    data = commands.add_parser("data", help=tr("data.about"), description=tr("data.about_long"))
    actions = subcommands(data, tr, "action", title=tr("data.commands"))

    def action(name: str) -> argparse.ArgumentParser:
        key = f"data.{name}"
        made: argparse.ArgumentParser = actions.add_parser(name, help=tr(key), description=tr(key))
        made.add_argument("--json", action="store_true", help=tr("cli.json"))
        return made

    names = ", ".join(NAMES)
    action("list")
    get = action("get")
    get.add_argument("name", metavar="NAME", choices=NAMES, help=tr("data.name", names=names))
    get.add_argument("--yes", action="store_true", help=tr("data.yes"))
    action("check").add_argument("name", metavar="NAME", nargs="?", choices=NAMES, help=tr("data.names"))
    action("remove").add_argument("name", metavar="NAME", choices=NAMES, help=tr("data.name", names=names))


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof data ...` asks. Returns the exit code."""
    actions = {"list": _list, "get": _get, "check": _check, "remove": _remove}
    return actions[args.action](args, context)


def _list(args: argparse.Namespace, context: Context) -> int:
    from labs.datasets import SETS

    if args.json:
        context.document([_record(context, dataset) for dataset in SETS.values()])
        return FINISHED
    for dataset in SETS.values():
        _describe(context, dataset, context.out)
    return FINISHED


def _record(context: Context, dataset: DataSet) -> dict[str, Any]:
    from labs.datasets import state

    root = context.paths.datasets
    return {
        "name": dataset.name,
        "what": context.tr(f"data.what_{dataset.name}"),
        "state": state(dataset, root),
        "folder": str(root / dataset.name),
        "download_bytes": dataset.size,
        "disk_bytes": dataset.on_disk,
        "host": dataset.host,
        "files": [
            {"path": one.path, "url": one.url, "bytes": one.size, one.kind: one.checksum}
            for one in dataset.archives
        ],
        "terms": context.tr(f"data.terms_{dataset.name}", link=dataset.terms),
    }


def _describe(context: Context, dataset: DataSet, out: Console, *, free: int | None = None) -> None:
    """Everything about a set: a heading and labelled lines. free: bytes on the disk, where they matter."""
    from rich.padding import Padding
    from rich.text import Text

    from labs.datasets import amount, state
    from tui.commands import tables

    tr, root = context.tr, context.paths.datasets
    standing = state(dataset, root)
    heading = Text(dataset.name, style="bold")
    heading.append(f"  {tr(f'data.state_{standing}')}", style=STYLES[standing])
    out.print(heading)
    size = tr("data.size_and_disk", size=amount(dataset.size), disk=amount(dataset.on_disk))
    rows = [
        ("", tr(f"data.what_{dataset.name}")),
        (tr("data.download"), size),
        (tr("data.source"), dataset.host),
        (tr("data.folder"), str(root / dataset.name)),
        (tr("data.sums"), "\n".join(f"{one.sum}  {one.name}" for one in dataset.archives)),
        (tr("data.terms"), tr(f"data.terms_{dataset.name}", link=dataset.terms)),
        *([(tr("data.free"), amount(free))] if free is not None else []),
    ]
    made = tables.table(("", {"no_wrap": True}), "")
    made.show_header = False
    for label, text in rows:
        made.add_row(label, Text(text))
    out.print(Padding(made, (0, 0, 1, 2)))


# ---- get ---------------------------------------------------------------------------------------------------


def _get(args: argparse.Namespace, context: Context) -> int:
    from labs import fetching
    from labs.datasets import SETS, amount, state, wrong_files

    tr, dataset, root = context.tr, SETS[args.name], context.paths.datasets
    folder = root / dataset.name
    if state(dataset, root) == "present" and not wrong_files(dataset, root):
        context.say("data.here_already", name=dataset.name, folder=folder)
        return _told(args, context, dataset, FINISHED)
    _describe(context, dataset, context.err, free=fetching.free_bytes(root))
    if not args.yes:
        fields = {"size": amount(dataset.size), "host": dataset.host}
        if sys.stdin is None or not sys.stdin.isatty():
            raise Misuse(tr("data.needs_yes", **fields))
        if not _agreed(context, tr("data.ask", **fields)):
            context.say("data.declined")
            return FAILED
    try:
        with _watched(context, dataset) as tick:
            fetching.get(dataset, root, context.python, tick)
    except Interrupted:
        context.say("data.interrupted", name=dataset.name)
        raise
    context.say("data.got", name=dataset.name, folder=folder)
    return _told(args, context, dataset, FINISHED)


def _told(args: argparse.Namespace, context: Context, dataset: DataSet, code: int) -> int:
    if args.json:
        context.document(_record(context, dataset))
    return code


def _agreed(context: Context, question: str) -> bool:
    context.err.print(question, end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in context.tr("data.answers_yes").split()


@contextmanager
def _watched(context: Context, dataset: DataSet) -> Iterator[Callable[[str, int], None]]:
    """What is called while a set is got: draws a bar on a terminal, and ends it all where a signal has come."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = context.err
    stages = {
        stage: context.tr(f"data.stage_{stage}", name=dataset.name, host=dataset.host)
        for stage in ("connecting", "loading", "getting", "checking")
    }
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        console=console,
        auto_refresh=False,  # no thread of its own
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        expand=True,
        disable=not console.is_terminal or console.is_dumb_terminal,
    )
    task = bar.add_task(stages["connecting"], total=dataset.size)
    with bar, Interrupts() as interrupts:

        def tick(stage: str, done: int) -> None:
            interrupts.check()
            bar.update(task, description=stages[stage], completed=done)
            bar.refresh()

        yield tick


# ---- check, remove -----------------------------------------------------------------------------------------


def _check(args: argparse.Namespace, context: Context) -> int:
    from labs.datasets import SETS, state

    root = context.paths.datasets
    chosen = [SETS[args.name]] if args.name else list(SETS.values())
    here = [dataset for dataset in chosen if state(dataset, root) != "absent"]
    code, records = FINISHED, []
    for dataset in here:
        wrong = _checked(context, dataset)
        code = FAILED if wrong else code
        records.append({**_record(context, dataset), "wrong": wrong})
    if args.name and not here:
        files = ", ".join(one.path for one in chosen[0].archives)
        context.say("data.not_here", name=args.name, files=files, folder=root / args.name)
        code = FAILED
    elif not here:
        context.say("data.none_here")
    if args.json:
        context.document(records)
    return code


def _checked(context: Context, dataset: DataSet) -> list[str]:
    """The files that are wrong after the check, which unpacks whole archives anew where others are."""
    from labs import fetching
    from labs.datasets import wrong_files

    root = context.paths.datasets
    with _watched(context, dataset) as tick:
        wrong = wrong_files(dataset, root, lambda: tick("checking", 0))
        archives = {archive.path for archive in dataset.archives}
        unpack = bool(wrong) and not archives & set(wrong)
        if unpack:
            fetching.get(dataset, root, context.python, tick, online=False)
    if not wrong:
        context.say("data.whole", name=dataset.name)
    elif unpack:
        context.say("data.unpacked", name=dataset.name)
        wrong = []
    else:
        context.say("data.wrong", name=dataset.name, files=", ".join(wrong))
    return wrong


def _remove(args: argparse.Namespace, context: Context) -> int:
    from labs import fetching
    from labs.datasets import SETS, amount

    dataset, root = SETS[args.name], context.paths.datasets
    found = [root / dataset.name, root / f".{dataset.name}.getting"]
    size = sum(file.lstat().st_size for folder in found for file in folder.rglob("*") if file.is_file())
    if any(folder.exists() or folder.is_symlink() for folder in found):
        fetching.remove(dataset, root)
        context.say("data.removed", name=dataset.name, size=amount(size))
    else:
        context.say("data.nothing_to_remove", name=dataset.name)
    return _told(args, context, dataset, FINISHED)


# ---- for the doctor ----------------------------------------------------------------------------------------


def findings(context: Context) -> Iterator[Finding]:
    """Which sets are here, by names and sizes, and which of them are not whole."""
    from labs.datasets import SETS, state

    tr = context.tr
    states = {name: state(dataset, context.paths.datasets) for name, dataset in SETS.items()}
    here = [name for name, standing in states.items() if standing == "present"]
    text = tr("data.doctor_here", names=", ".join(here)) if here else tr("data.doctor_none")
    yield Finding("data", "ok", text, "", {"states": states})
    for name, standing in states.items():
        if standing in ("damaged", "unchecked"):
            text = tr("data.doctor_damaged", name=name)
            yield Finding(f"data-{name}", "warn", text, tr("data.doctor_damaged_fix", name=name))
