"""`torchproof prove --checks`: runs all code of the bank and compares what it prints with what is said."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

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
    from questions.snapshot import load
    from tui.commands.tables import took

    bank = load(cache=context.paths.cache)
    wanted = checks.checks(bank, _claims(args.names, bank, context))
    began = time.monotonic()
    outcomes = checks.run(wanted, context.python)
    seconds = time.monotonic() - began
    wrong = [outcome for outcome in outcomes if not _agrees(*outcome)]
    if args.json:
        context.document(
            {"checks": [_record(*outcome) for outcome in outcomes], "seconds": round(seconds, 2)}
        )
    else:
        _show(outcomes, context)
    context.say(
        "cli.checks_done",
        checks=len(outcomes),
        claims=len({check.claim for check in wanted}),
        settled=sum(check.settles for check in wanted),
        wrong=len(wrong),
        time=took(context.tr, seconds),
    )
    return FAILED if wrong else FINISHED


def _claims(names: Sequence[str], bank: Bank, context: Context) -> list[str]:
    found: list[str] = []
    for name in names:
        of_entry = [claim.id for claim in bank.claims_of(name)]
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
