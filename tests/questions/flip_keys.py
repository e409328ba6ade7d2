"""Replaces every key of the bank by each wrong one in turn, and looks whether what the code prints contradicts it.

python tests/questions/flip_keys.py      # half a minute; lists what no code can contradict
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from questions.catalog import BANK, load
from questions.checks import Check, checks, checks_of, run
from questions.problems import BankProblem
from questions.shapes import Bank, Question

Outcomes = Mapping[str, tuple[Check, str | BankProblem]]


class Flips(NamedTuple):
    """What came of it. Keys by question id; `lived`: with the wrong key that nothing contradicted."""

    tried: int  # wrong keys
    settled: list[str]  # keys that code settles
    lived: list[str]
    drawn: list[str]  # keys of generated questions, whose formulas test_templates.py holds against torch
    unsettled: list[str]  # keys that rest on a lab, or that the code explains without settling them


def name(check: Check) -> str:
    return f"{check.id} ({check.part})"


def outcomes(bank: Bank) -> Outcomes:
    """Every check, and what its code printed."""
    return {name(check): (check, printed) for check, printed in run(checks(bank))}


def wrong_keys(question: Question) -> list[Question]:
    """The question with each wrong key it could have: other options, other bands, another number or order."""
    match question.kind:
        case "number":
            wrong = [slip.value for slip in question.slips]
            return [replace(question, value=value, key=f"{value:.12g}") for value in wrong]
        case "order":
            order = question.key.split(">")
            swapped = [[*order[:n], order[n + 1], order[n], *order[n + 2 :]] for n in range(len(order) - 1)]
            return [replace(question, key=">".join(steps)) for steps in swapped]
        case _:
            return [replace(question, key=o.id) for o in question.options if o.id != question.key]


def flip(bank: Bank, found: Outcomes) -> Flips:
    tried, lived = 0, []
    anew: list[Check] = []
    settled = [q.id for q in bank.questions.values() if _settled(q)]
    for wrong, check in _flipped(bank):
        tried += 1
        printed = found[name(check)][1]
        if wrong.kind in ("bug", "order"):
            anew.append(check)  # the key is part of the code, so that other code must run
        elif isinstance(printed, str) and check.agrees(printed):
            lived.append(f"{wrong.id}: {wrong.key}")
    for check, printed in run(anew):
        if isinstance(printed, str) and check.agrees(printed):
            lived.append(f"{check.id}: {check.question and check.question.key}")
    drawn = [q.id for q in bank.questions.values() if q.template is not None]
    known = {*settled, *drawn}
    return Flips(tried, settled, lived, drawn, [id for id in bank.questions if id not in known])


def _settled(question: Question) -> bool:
    return question.template is None and any(check.settles for check in checks_of(question))


def _flipped(bank: Bank) -> Iterator[tuple[Question, Check]]:
    for question in bank.questions.values():
        for wrong in wrong_keys(question) if question.template is None else ():
            yield from ((wrong, check) for check in checks_of(wrong) if check.settles)


if __name__ == "__main__":
    bank = load(BANK)
    flips = flip(bank, outcomes(bank))
    print(f"{len(flips.settled)} keys that code settles, {flips.tried} wrong ones put in their place;")
    print(
        f"{flips.tried - len(flips.lived)} contradicted, {len(flips.lived)} not: {', '.join(flips.lived) or '-'}"
    )
    print(f"{len(flips.drawn)} keys of generated questions, settled by formulas: {', '.join(flips.drawn)}")
    print(f"{len(flips.unsettled)} keys that no code contradicts, and the lab that would:")
    for id in flips.unsettled:
        evidence = bank.questions[id].evidence
        print(f"  {id}: {(evidence and evidence.lab) or '-'}")
    sys.exit(bool(flips.lived))
