"""`torchproof progress`: where the answers are, what they add up to, taking them elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.commands import FINISHED, Context, Failure
from tui.commands.parsing import subcommands

if TYPE_CHECKING:
    from questions.mastery import Calibration
    from questions.progress import Event, Progress
    from questions.shapes import Bank
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

STATES = ("unseen", "asked", "learning", "holding", "durable")


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof progress`."""
    progress = commands.add_parser(
        "progress", help=tr("cli.progress_about"), description=tr("cli.progress_about")
    )
    actions = subcommands(progress, tr, "action", title=tr("cli.progress_commands"))

    def action(name: str, key: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=tr(key), description=tr(key))
        made.add_argument("--json", action="store_true", help=tr("cli.json"))
        return made

    action("path", "cli.progress_path")
    action("show", "cli.progress_show")
    export = action("export", "cli.progress_export")
    export.add_argument("file", metavar="FILE", help=tr("cli.progress_file"))
    export.add_argument("--force", action="store_true", help=tr("cli.progress_force"))
    action("import", "cli.progress_import").add_argument(
        "file", metavar="FILE", help=tr("cli.progress_file_in")
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof progress ...` asks. Returns the exit code."""
    actions = {"path": _path, "show": _show, "export": _export, "import": _import}
    return actions[args.action](args, context)


def _progress(context: Context) -> Progress:
    from questions.progress import Progress

    return Progress.here(context.paths.events)


def _path(args: argparse.Namespace, context: Context) -> int:
    if args.json:
        context.document({"events": str(context.paths.events), **_folders(context)})
    else:
        context.data(f"{context.paths.events}\n".encode())
    return FINISHED


def _folders(context: Context) -> dict[str, str]:
    return {name: str(folder) for name, folder in context.paths._asdict().items()}


# ---- show --------------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace, context: Context) -> int:
    from questions.progress import summary

    progress = _progress(context)
    events = progress.events()
    if progress.skipped:
        context.say("cli.skipped_lines", count=progress.skipped, file=context.paths.events)
    for problem in progress.problems:
        context.note(context.tr.problem(problem))
    counts = summary(events)
    record: dict[str, Any] = {**counts, "results": counts["labs_settled"], "skipped_lines": progress.skipped}
    calibration: Calibration | None = None
    if (bank := _bank(context)) is not None:
        calibration = _judge(record, events, bank)
    if args.json:
        context.document(record)
    else:
        _print(context, record, calibration)
    return FINISHED


def _bank(context: Context) -> Bank | None:
    """The bank; None, with the reason told, where it is broken: counts need none."""
    from questions.problems import BankProblem
    from questions.snapshot import load

    try:
        return load(cache=context.paths.cache)
    except BankProblem as problem:
        context.note(context.tr.problem(problem))
        return None


def _judge(record: dict[str, Any], events: list[Event], bank: Bank) -> Calibration:
    """Adds to the record what takes the bank to know: states of claims, what is due, calibration."""
    import msgspec

    from questions.events import local_day, local_now
    from questions.grade import points
    from questions.mastery import calibration, standings
    from questions.progress import Answer, Result

    now = local_now()
    claims = standings(events, bank, now)
    by_state = dict.fromkeys(STATES, 0)
    for claim in claims.values():
        by_state[claim.state] += 1
    today = local_day(now)
    found = calibration(events, bank)
    scores = [points(event.ok, event.p) for event in events if isinstance(event, Answer)]
    scores += [event.points for event in events if isinstance(event, Result) and event.points is not None]
    record.update(
        points=round(sum(scores), 1),
        states=by_state,
        misconceived=sum(bool(claim.misconceived) for claim in claims.values()),
        due=sum(claim.due is not None and claim.due <= today for claim in claims.values()),
        claims_by_id={
            id: {"state": claim.state, "due": claim.due, "answers": claim.answers, "right": claim.right}
            for id, claim in claims.items()
            if claim.answers
        },
        calibration=msgspec.to_builtins(found),
    )
    return found


def _print(context: Context, record: dict[str, Any], calibration: Calibration | None) -> None:
    from tui.commands import tables

    tr = context.tr
    if not record["answers"]:
        context.say("cli.progress_none")
        return
    rows = [
        ("progress_answers", str(record["answers"])),
        ("progress_right", f"{record['right']} / {record['questions']}"),
        ("progress_bets", str(record["bets"])),
        ("progress_results", str(record["results"])),
        ("progress_days", str(record["days"])),
    ]
    if "states" in record:
        states = [(state, n) for state, n in record["states"].items() if n]
        states += [("misconceived", record["misconceived"])] if record["misconceived"] else []
        said = [
            tr("cli.progress_claim_state", count=n, state=tr(f"cli.state_{state}")) for state, n in states
        ]
        rows += [
            ("progress_points", f"{record['points']:g}"),
            ("progress_due", str(record["due"])),
            ("progress_claims", "\n".join(said)),
        ]
    tables.pairs(context, rows)
    levels = [level for level in calibration.levels if level.n] if calibration else []
    if not levels:
        return
    made = tables.table(
        tr("cli.col_said"),
        (tr("cli.col_answers"), {"justify": "right"}),
        (tr("cli.col_were_right"), {"justify": "right"}),
        tr("cli.col_interval"),
    )
    for level in levels:
        stated = tr("cli.chance") if level.stated is None else _percent(level.stated)
        interval = f"{_percent(level.low)} - {_percent(level.high)}"
        made.add_row(stated, str(level.n), _percent(level.right / level.n), interval)
    context.out.print()
    context.out.print(tr("cli.progress_calibration"), style="bold")
    tables.show(context, made)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


# ---- export, import ----------------------------------------------------------------------------------------


def _export(args: argparse.Namespace, context: Context) -> int:
    progress = _progress(context)
    if args.file == "-":
        context.data(b"".join(progress.exported()))
        return FINISHED
    file = Path(args.file)
    if file.is_file() and not args.force:
        raise Failure(context.tr("cli.progress_exists", file=file))
    count = progress.export(file)
    if args.json:
        context.document({"exported": count, "file": str(file.absolute())})
    else:
        context.say("cli.progress_exported", count=count, file=file)
    return FINISHED


def _import(args: argparse.Namespace, context: Context) -> int:
    file = Path(args.file)
    count = _progress(context).import_(file)
    if args.json:
        context.document({"imported": count, "file": str(file.absolute())})
    else:
        key = "cli.progress_imported" if count else "cli.progress_imported_none"
        context.say(key, count=count, file=file)
    return FINISHED
