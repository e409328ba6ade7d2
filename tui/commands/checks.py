"""`torchproof prove --checks`: runs all code of the bank and compares what it prints with what is said."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from questions.ids import pack_of
from tui.commands import FAILED, FINISHED, Context, Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from questions.checks import Check
    from questions.shapes import Bank

    Outcome = tuple[Check, str | Exception]

WIDE = 100  # columns from which there is room for the source


def run(args: argparse.Namespace, context: Context) -> int:
    """Run the checks of the claims or entries named, of all where none is. 1 where any disagrees."""
    import time

    from questions import checks
    from tui.commands.tables import took

    bank, barred = _bank(context)
    wanted = checks.checks(bank, _claims(args.names, bank, context))
    skipped = [check for check in wanted if pack_of(check.claim) in barred]
    wanted = [check for check in wanted if pack_of(check.claim) not in barred]
    began = time.monotonic()
    outcomes = checks.run(wanted, context.python)
    seconds = time.monotonic() - began
    wrong = [outcome for outcome in outcomes if not _agrees(*outcome)]
    if args.json:
        context.document(
            {
                "checks": [_record(*outcome) for outcome in outcomes],
                "skipped": len(skipped),
                "seconds": round(seconds, 2),
            }
        )
    else:
        _show(outcomes, context)
    if skipped:
        names = context.tr("shell.list_comma").join(sorted({pack_of(check.claim) for check in skipped}))
        context.say("cli.checks_skipped", count=len(skipped), packs=names)
    context.say(
        "cli.checks_done",
        checks=len(outcomes),
        claims=len({check.claim for check in wanted}),
        settled=sum(check.settles for check in wanted),
        wrong=len(wrong),
        time=took(context.tr, seconds),
    )
    return FAILED if wrong else FINISHED


def _bank(context: Context) -> tuple[Bank, set[str]]:
    """The bank with the packs, and the names of those whose code may not be run here. The others are read anew, as
    they were allowed."""
    from msgspec.structs import replace

    from questions.merge import merge
    from questions.packs import load_all, trusted
    from questions.snapshot import load

    bank = load(cache=context.paths.cache)
    home = context.paths.packs
    packs, barred = [], set()
    for pack in load_all(home, context.paths.cache):
        for problem in pack.problems:
            context.note(context.tr.problem(problem))
        if pack.problem is not None:
            continue
        allowed = trusted(home, pack.name)
        if allowed is None:
            barred.add(pack.name)
        packs.append(pack if allowed is None else replace(pack, bank=allowed))
    return merge(bank, packs), barred


def _claims(names: Sequence[str], bank: Bank, context: Context) -> list[str]:
    found: list[str] = []
    for name in names:
        of_entry = [claim.id for claim in bank.claims_of(name)]
        of_entry = of_entry or [claim for claim in bank.claims if pack_of(claim) == name != ""]
        if not of_entry and name not in bank.claims:
            from questions.problems import hint

            raise Misuse(
                context.tr("cli.checks_unknown", name=name, hint=hint(name, [*bank.claims, *bank.entries]))
            )
        found += of_entry or [name]
    return found


def _agrees(check: Check, printed: str | Exception) -> bool:
    return isinstance(printed, str) and check.agrees(printed)


def _record(check: Check, printed: str | Exception) -> dict[str, object]:
    failed = None if isinstance(printed, str) else str(printed)
    return {
        "id": check.id,
        "claim": check.claim,
        "part": check.part,
        "settles_key": check.settles,
        "expected": check.expected.strip("\n"),
        "got": printed if isinstance(printed, str) else None,
        "problem": failed,
        "agrees": _agrees(check, printed),
        "source": check.source,
    }


def _show(outcomes: Sequence[Outcome], context: Context) -> None:
    from tui.commands import tables

    tr = context.tr
    wide = context.out.width >= WIDE
    whole: dict[str, object] = {"no_wrap": True}
    narrow: dict[str, object] = {"no_wrap": True, "overflow": "ellipsis", "ratio": 1}
    columns: list[str | tuple[str, dict[str, object]]] = [
        ("", whole),
        (tr("cli.checks_claim"), whole),
        (tr("cli.checks_of"), narrow),
        (tr("cli.checks_expected"), narrow),
        (tr("cli.checks_got"), narrow),
    ]
    made = tables.table(*columns, *([(tr("cli.checks_source"), narrow)] if wide else []))
    made.expand = True
    for check, printed in outcomes:
        good = _agrees(check, printed)
        got = printed if isinstance(printed, str) else tr.problem(printed)
        row = ["✓" if good else "✗", check.claim, check.id, _line(check.expected), _line(got)]
        made.add_row(*row, *([check.source] if wide else []), style=None if good else "red")
    tables.show(context, made)


def _line(text: str) -> str:
    """A printed text on one line."""
    return " / ".join(line.strip() for line in text.strip().splitlines())
