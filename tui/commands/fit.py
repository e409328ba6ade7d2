"""`torchproof progress fit`: fit the memory model to the learner, and say what came of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tui.commands import FINISHED, Context

if TYPE_CHECKING:
    from questions.progress import Progress
    from questions.schedule import Fold
    from tui.i18n import Translator


def add(fit: argparse.ArgumentParser, tr: Translator) -> None:
    """The options of `torchproof progress fit`."""
    how = fit.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help=tr("cli.fit_dry_run"))
    how.add_argument("--reset", action="store_true", help=tr("cli.fit_reset"))


def run(args: argparse.Namespace, context: Context, progress: Progress, state: Fold) -> int:
    """Fits in a process of its own, or goes back to the defaults. Returns the exit code; raises BankProblem."""
    from questions.fitting import lacking

    if args.reset:
        record = _reset(progress, state)
    elif lack := lacking(state):
        record = {"outcome": "too-few", "missing_reviews": lack.reviews, "missing_days": lack.days}
    else:
        if not args.json:
            context.say("cli.fit_begins", reviews=state.reviews)
        record = _fitted(args, context)
    record = {"outcome": record.pop("outcome"), "recorded": record.pop("recorded", False), **record}
    if args.json:
        context.document({**record, "reviews_in_all": state.reviews})
    else:
        _tell(record, state, context, dry=args.dry_run)
    return FINISHED


def _reset(progress: Progress, state: Fold) -> dict[str, Any]:
    from questions.progress import Weights

    if state.fitted is None:
        return {"outcome": "defaults"}
    progress.record(Weights(weights=(), reviews=0))
    return {"outcome": "reset", "recorded": True}


def _fitted(args: argparse.Namespace, context: Context) -> dict[str, Any]:
    """What the process prints, which is a `questions.fitting.Fit`."""
    import subprocess

    import msgspec

    from questions import fitter
    from questions.fitting import Fit
    from questions.problems import BankProblem

    paths = context.paths
    options = ("--dry-run",) if args.dry_run else ()
    done = subprocess.run(
        fitter.command(paths.events, paths.packs, paths.cache, *options),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=fitter.environment(),
        check=False,
    )
    try:
        said = msgspec.json.decode(done.stdout)
        if "problem" in said:
            raise BankProblem(said["problem"], **said["fields"])
        fit = msgspec.convert(said, Fit)
    except msgspec.MsgspecError:
        last = done.stderr.strip().splitlines()
        raise BankProblem("fit-failed", why=last[-1] if last else f"exit status {done.returncode}") from None
    return {"outcome": "fitted" if fit.better else "kept", "recorded": not args.dry_run, **said}


def _tell(record: dict[str, Any], state: Fold, context: Context, *, dry: bool) -> None:
    from questions.fitting import LEAST, SPAN

    match record:
        case {"outcome": "too-few", "missing_reviews": reviews, "missing_days": days}:
            if reviews:
                context.say("cli.fit_few_reviews", count=state.reviews, least=LEAST, missing=reviews)
            if days:
                context.say("cli.fit_few_days", span=SPAN, missing=days)
        case {"outcome": "fitted" | "kept" as outcome, "kind": kind}:
            numbers = {name: f"{record[name]:.4f}" for name in ("loss", "loss_before")}
            what = context.tr(f"cli.fit_{kind}")
            counts = {name: record[name] for name in ("reviews", "held_out")}
            context.say(f"cli.fit_{outcome}", what=what, **counts, **numbers)
            if dry:
                context.say("cli.fit_dry")
            elif outcome == "fitted":
                context.say("cli.fit_in_force")
        case {"outcome": "reset"}:
            context.say("cli.fit_reset_done")
        case _:
            context.say("cli.fit_defaults")
