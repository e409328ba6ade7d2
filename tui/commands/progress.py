"""`torchproof progress`: where the answers are, what they add up to, taking them elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.commands import FINISHED, Context, Failure, Misuse, fit
from tui.commands.parsing import subcommands

if TYPE_CHECKING:
    from collections.abc import Iterable

    from questions.progress import Event, Progress
    from questions.schedule import Fold
    from questions.shapes import Bank
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

FORMATS = ("jsonl", "csv", "json", "anki")
NOTE_TYPES = {"zh": "问答题", "en": "Basic"}  # what Anki calls its first note type in each language
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
    export.add_argument(
        "--format", metavar="FORMAT", choices=FORMATS, default="jsonl", help=tr("cli.progress_format")
    )
    export.add_argument("--all", action="store_true", help=tr("cli.progress_all"))
    action("import", "cli.progress_import").add_argument(
        "file", metavar="FILE", help=tr("cli.progress_file_in")
    )
    fit.add(action("fit", "cli.progress_fit"), tr)


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof progress ...` asks. Returns the exit code."""
    actions = {"path": _path, "show": _show, "export": _export, "import": _import, "fit": _fit}
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
    state = _fold(context, progress)
    if state is not None:
        record.update(_judged(context, events, state))
    if args.json:
        context.document(record)
    else:
        _print(context, record, events, state)
    return FINISHED


def _fold(context: Context, progress: Progress) -> Fold | None:
    """What the log adds up to; None where the bank is broken."""
    from questions.kept_fold import KeptFold

    if (bank := _bank(context)) is None:
        return None
    kept = KeptFold(progress, bank, context.paths.cache)
    state = kept.look()
    kept.save()
    return state


def _bank(context: Context) -> Bank | None:
    """The bank; None, with the reason told, where it is broken: counts need none."""
    from questions.merge import whole_bank
    from questions.problems import BankProblem

    try:
        return whole_bank(context.paths.packs, context.paths.cache)
    except BankProblem as problem:
        context.note(context.tr.problem(problem))
        return None


def _judged(context: Context, events: list[Event], state: Fold) -> dict[str, Any]:
    """What takes the bank to know, as plain values: states of claims, what is due, and all figures of the page."""
    import msgspec

    from labs import catalog
    from questions import figures
    from questions.events import local_day, local_now
    from questions.fitting import in_force
    from questions.forecast import forecast
    from questions.grade import earned
    from questions.mastery import calibration_from, resting, standings_from
    from questions.plan import LabRef
    from questions.progress import Answer, Result
    from tui import settings

    today = local_day(local_now())
    minutes = settings.load(context.paths.settings)[0].minutes
    claims = standings_from(state, today, minutes)
    by_state = dict.fromkeys(STATES, 0)
    for claim in claims.values():
        by_state[claim.state] += 1
    scores = [earned(event) for event in events if isinstance(event, Answer)]
    scores += [event.points for event in events if isinstance(event, Result) and event.points is not None]
    labs = catalog.find(catalog.EXPERIMENTS).labs.values()
    refs = [LabRef(lab.id, lab.bet.claim, lab.claims) for lab in labs]
    days = figures.days(events)
    record = {
        "points": round(sum(scores), 1),
        "minutes": sum(day.minutes for day in days),
        "streak": figures.streak(events, today),
        "states": by_state,
        "misconceived": sum(bool(claim.misconceived) for claim in claims.values()),
        "resting": [
            {"what": what, "why": rest.why, "until": rest.until} for what, rest in resting(state, today)
        ],
        "due": sum(claim.due is not None and claim.due <= today for claim in claims.values()),
        "claims_by_id": {id: claim for id, claim in claims.items() if claim.answers},
        "calibration": calibration_from(events, state),
        "bets_on_labs": figures.bets(events, state),
        "prediction": figures.prediction(state),
        "parameters": in_force(state),
        "by_day": days,
        "forecast": forecast(state, refs, today, minutes),
        "surprises": figures.surprises(events),
        "misconceptions": {"open": state.beliefs.held(), "cleared": state.beliefs.cleared},
    }
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain


def _print(context: Context, record: dict[str, Any], events: list[Event], state: Fold | None) -> None:
    from questions.mastery import calibration_from
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
            ("progress_minutes", f"{record['minutes']:.0f}"),
            ("progress_points", f"{record['points']:g}"),
            ("progress_due", str(record["forecast"][0]["due"])),  # what fits: nobody is shown a pile
            ("progress_claims", "\n".join(said)),
            ("progress_misconceptions", tr("cli.progress_open_cleared", **_beliefs(record))),
            ("progress_intuition", _intuition(record["bets_on_labs"], tr)),
            ("progress_foresight", _foresight(record["prediction"], tr)),
            ("progress_parameters", _parameters(record["parameters"], tr)),
        ]
    tables.pairs(context, rows)
    levels = [level for level in calibration_from(events, state).levels if level.n] if state else []
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


def _beliefs(record: dict[str, Any]) -> dict[str, int]:
    return {name: len(held) for name, held in record["misconceptions"].items()}


def _intuition(bets: dict[str, Any], tr: Translator) -> str:
    if not bets["n"]:
        return ""
    shares = {name: _percent(bets[name]) for name in ("low", "high", "chance", "stated")}
    return tr("cli.progress_intuition_is", n=bets["n"], right=bets["right"], **shares)


def _foresight(prediction: dict[str, Any], tr: Translator) -> str:
    if not prediction["n"]:
        return ""
    right = _percent(prediction["right"] / prediction["n"])
    expected = _percent(prediction["expected"])
    return tr("cli.progress_foresight_is", n=prediction["n"], expected=expected, right=right)


def _parameters(found: dict[str, Any], tr: Translator) -> str:
    if found["source"] == "defaults":
        return tr("cli.progress_parameters_defaults")
    losses = {name: "?" if found[name] is None else f"{found[name]:.4f}" for name in ("loss", "loss_before")}
    return tr(f"cli.progress_parameters_{found['kind']}", reviews=found["reviews"], **losses)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


# ---- export, import ----------------------------------------------------------------------------------------


def _export(args: argparse.Namespace, context: Context) -> int:
    from questions.event_disk import write_whole

    if args.all and args.format != "anki":
        raise Misuse(context.tr("cli.progress_all_anki"))
    progress = _progress(context)
    lines, count = _lines(args, context, progress)
    if args.file == "-":
        context.data(b"".join(lines))
        return FINISHED
    file = Path(args.file)
    if file.is_file() and not args.force:
        raise Failure(context.tr("cli.progress_exists", file=file))
    if args.format == "jsonl":
        count = progress.export(file)
    else:
        progress.check_outside(file)
        write_whole(file, lines)
    if args.json:
        context.document({"exported": count, "file": str(file.absolute()), "format": args.format})
    else:
        context.say(f"cli.progress_exported_{args.format}", count=count, file=file)
    return FINISHED


def _lines(args: argparse.Namespace, context: Context, progress: Progress) -> tuple[Iterable[bytes], int]:
    """What to write, and how many things it holds."""
    from questions import exports
    from questions.events import local_now

    if args.format == "jsonl":
        return (progress.exported() if args.file == "-" else ()), 0
    if args.format == "anki":
        return _notes(args, context, progress)
    rows = exports.reviews(progress.events(), _fold(context, progress))
    return (exports.as_csv(rows) if args.format == "csv" else exports.as_json(rows, local_now())), len(rows)


def _notes(args: argparse.Namespace, context: Context, progress: Progress) -> tuple[Iterable[bytes], int]:
    """Claims as notes for Anki: those answered, since the back tells what a first question asks."""
    from questions import exports

    tr = context.tr
    if (state := _fold(context, progress)) is None:
        raise Failure(tr("cli.progress_no_bank"))
    bank = state.bank
    claims = [claim for claim in bank.claims.values() if args.all or state.tracks[claim.id].answers]
    words: dict[str, str] = {
        claim.verdict: tr(f"shell.claim_{claim.verdict.replace('-', '_')}") for claim in claims
    }
    words["ask"] = tr("cli.progress_anki_ask")
    return exports.as_anki(bank, claims, tr.lang, words, NOTE_TYPES[tr.lang]), len(claims)


def _fit(args: argparse.Namespace, context: Context) -> int:
    progress = _progress(context)
    if (state := _fold(context, progress)) is None:
        raise Failure(context.tr("cli.fit_no_bank"))
    return fit.run(args, context, progress, state)


def _import(args: argparse.Namespace, context: Context) -> int:
    file = Path(args.file)
    count = _progress(context).import_(file)
    if args.json:
        context.document({"imported": count, "file": str(file.absolute())})
    else:
        key = "cli.progress_imported" if count else "cli.progress_imported_none"
        context.say(key, count=count, file=file)
    return FINISHED
