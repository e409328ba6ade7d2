"""What a rule reports, and which lists of a question a learner picks from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from questions.shapes import Bank, Choice, Question

Level = Literal["E", "W", "I"]  # must be mended; mended or waived with a reason; for information
Flaw = tuple[str, Level, str]  # rule, level, text
LANGS = ("zh", "en")
DRAWN = ("band", "number", "order", "bug")  # what is picked from follows from other fields
CHOSEN = ("choice", "two-step")  # forms that ask to recognise a sentence


class Finding(Struct, frozen=True):
    """One flaw; `file` is the question's or claim's, or the bank's folder for what concerns the whole."""

    rule: str
    level: Level
    file: Path
    text: str

    def __str__(self) -> str:
        return f"{self.level} {self.rule} {self.file}: {self.text}"


def lists(question: Question) -> Iterator[tuple[str, Sequence[Choice], str]]:
    """The authored lists a learner picks from, each with its name and the id of its right entry."""
    if question.kind not in DRAWN:
        yield "options", question.options, question.key
    if question.authored_reasons and question.reason_key:
        yield "reasons", question.authored_reasons, question.reason_key


def folder(bank: Bank) -> Path:
    """Where the bank lies; "bank" for one that was made in memory."""
    for claim in bank.claims.values():
        if len(claim.file.parents) > 2:
            return claim.file.parents[2]
    return Path("bank")
