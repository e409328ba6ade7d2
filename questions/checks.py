"""What can be checked by running it: every piece of code in the bank, what it should print, and the key it settles."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence

from msgspec import Struct

from questions.execute import printed_by
from questions.problems import BankProblem
from questions.shapes import STEPS, Bank, Claim, Question

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class Check(Struct, frozen=True):
    """One piece of code. `settles`: the key follows from what it prints; else it only has to print `expected`."""

    id: str  # of the question or claim
    part: str  # "claim", "code", "mended", "evidence"
    claim: str
    source: str
    code: str
    expected: str
    question: Question | None = None

    @property
    def settles(self) -> bool:
        return self.question is not None and _settles(self.question, self.part)

    def agrees(self, printed: str) -> bool:
        """Whether the code printed what it should, and whether that makes the key right."""
        if self.question is None:
            return lines(printed) == lines(self.expected)
        return lines(printed) == lines(self.expected) and self.key(printed) in (None, self.question.key)

    def key(self, printed: str) -> str | None:
        """The key that the printed text speaks for: "" where it speaks for none; None where it settles nothing."""
        question = self.question
        if question is None or not self.settles:
            return None
        match question.kind:
            case "output":
                said = [o.id for o in question.options if lines(o.text.en) == lines(printed)]
                return said[0] if len(said) == 1 else ""
            case "choice" | "two-step":
                said = [o.id for o in question.options if lines(o.predicts or "") == lines(printed)]
                return said[0] if len(said) == 1 else ""
            case "number":
                number = last_number(printed)
                return question.key if number is not None and question.read(f"{number!r}").ok else ""
            case "band":
                number = last_number(printed)
                return "" if number is None else _band(question, number)
            case _:  # bug and order: the key is part of the code that ran
                return question.key if lines(printed) == lines(self.expected) else ""


def checks_of(thing: Question | Claim) -> Iterator[Check]:
    """All code of a question or claim. A claim's own code comes without those of its questions."""
    evidence = thing.evidence
    if isinstance(thing, Claim):
        if evidence and evidence.code:
            yield Check(thing.id, "claim", thing.id, thing.source, evidence.code, evidence.prints or "")
        return

    def check(part: str, code: str, expected: str) -> Check:
        return Check(thing.id, part, thing.claim, thing.source, code, expected, thing)

    key = thing.option(thing.key)
    if thing.kind == "output" and thing.code and key:
        yield check("code", thing.code, key.text.en)
    if thing.kind == "bug" and thing.code and key:
        yield check("code", thing.code, thing.prints or "")
        yield check("mended", mended(thing), thing.fixed_prints or "")
    if evidence and evidence.code:
        yield check("evidence", thing.evidence_code, evidence.prints or "")


def checks(bank: Bank, claims: Sequence[str] = ()) -> list[Check]:
    """Every check of the bank, or of these claims, in the order of teaching."""
    found: list[Check] = []
    for claim in bank.claims.values():
        if claims and claim.id not in claims:
            continue
        found += checks_of(claim)
        for question in bank.by_claim[claim.id]:
            found += checks_of(question)
    return found


def run(wanted: Sequence[Check], python: str | None = None) -> list[tuple[Check, str | BankProblem]]:
    """Runs all of them in one child process; what each printed, or its problem."""
    printed = printed_by([check.code for check in wanted], python=python or sys.executable)
    return list(zip(wanted, printed, strict=True))


def mended(question: Question) -> str:
    """The code of a bug question with the line that the key names put right."""
    assert question.code is not None and question.fix is not None
    key = question.option(question.key)
    code = question.code.strip("\n").split("\n")
    if key is not None and key.line is not None:
        code[key.line - 1] = question.fix
    return "\n".join(code)


def lines(text: str) -> list[str]:
    """What counts when printed texts are compared: lines without trailing space."""
    return [line.rstrip() for line in text.strip().split("\n")]


def last_number(text: str) -> float | None:
    found = _NUMBER.findall(text.replace("−", "-"))
    return float(found[-1]) if found else None


def _settles(question: Question, part: str) -> bool:
    match question.kind:
        case "output":
            return part == "code"
        case "bug":
            return part == "mended"
        case "choice" | "two-step":
            return part == "evidence" and all(o.predicts is not None for o in question.options)
        case "order":
            return part == "evidence" and STEPS in ((question.evidence and question.evidence.code) or "")
        case _:
            return part == "evidence" and question.template is None


def _band(question: Question, number: float) -> str:
    edges = [band.below for band in question.bands[:-1] if band.below is not None]
    at = next((n for n, edge in enumerate(edges) if number < edge), len(edges))
    return question.options[at].id
