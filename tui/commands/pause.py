"""`torchproof pause`: leave an entry or a claim alone for a while, or take it up again. Nothing known is lost."""

from __future__ import annotations

import argparse
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tui.commands import FINISHED, Context, Misuse

if TYPE_CHECKING:
    from questions.schedule import Fold
    from questions.shapes import Bank
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

LONGEST = 3650  # days


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof pause`."""
    about = tr("cli.pause_about")
    pause = commands.add_parser("pause", help=about, description=about)
    pause.add_argument("what", metavar="ENTRY|CLAIM", nargs="*", help=tr("cli.pause_what"))
    how = pause.add_mutually_exclusive_group()
    how.add_argument("--days", metavar="N", type=int, help=tr("cli.pause_days"))
    how.add_argument("--resume", action="store_true", help=tr("cli.pause_resume"))
    pause.add_argument("--json", action="store_true", help=tr("cli.json"))


def run(args: argparse.Namespace, context: Context) -> int:
    """Records the pauses asked for, then says what rests. Without a name it only says."""
    from questions.events import local_day, local_now
    from questions.kept_fold import KeptFold
    from questions.merge import whole_bank
    from questions.progress import Pause, Progress

    if args.days is not None and not 1 <= args.days <= LONGEST:
        raise Misuse(context.tr("cli.pause_range", most=LONGEST))
    if not args.what and (args.resume or args.days is not None):
        raise Misuse(context.tr("cli.pause_nothing"))
    bank = whole_bank(context.paths.packs, context.paths.cache)
    named = [_known(what, bank, context) for what in args.what]  # all of them, before anything is written
    progress = Progress.here(context.paths.events)
    today = local_day(local_now())
    until = None if args.days is None else today + timedelta(days=args.days)
    for what in named:
        progress.record(Pause(what=what, on=not args.resume, until=until))
    _tell(KeptFold(progress, bank, context.paths.cache).look(), args.json, context)
    return FINISHED


def _known(what: str, bank: Bank, context: Context) -> str:
    """The id as the bank spells it."""
    ids = [*bank.entries, *bank.claims]
    spelt = {id.casefold(): id for id in ids}
    if (found := spelt.get(what.casefold())) is not None:
        return found
    from questions.characters import visible

    text = context.tr("cli.pause_unknown", what=visible(what))
    near = get_close_matches(what.casefold(), spelt, n=1)
    raise Misuse(text + context.tr("cli.did_you_mean", word=spelt[near[0]]) if near else text)


def _tell(state: Fold, as_json: bool, context: Context) -> None:
    from questions.events import local_day, local_now
    from questions.mastery import resting
    from tui.commands import tables

    tr, today = context.tr, local_day(local_now())
    rows = resting(state, today)
    if as_json:
        context.document(
            [{"what": what, "why": rest.why, "until": rest.until and str(rest.until)} for what, rest in rows]
        )
        return
    if not rows:
        context.say("cli.pause_none")
        return
    made = tables.table(
        (tr("cli.pause_col_what"), {"no_wrap": True}), tr("cli.pause_col_why"), tr("cli.pause_col_until")
    )
    for what, rest in rows:
        until = tr("cli.pause_open") if rest.until is None else str(rest.until)
        made.add_row(what, tr(f"cli.pause_{rest.why}"), until)
    tables.show(context, made)
