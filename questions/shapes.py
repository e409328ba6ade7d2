"""What the bank is made of: entries, claims, misconceptions, questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from questions.problems import BankProblem, hint

Kind = Literal["choice", "band", "output", "two-step"]
Verdict = Literal["true", "true-with-conditions", "misleading", "false"]


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """The same words in both languages."""

    zh: str
    en: str

    def get(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the eight entries of the FAQ."""

    id: str
    order: int
    title: Text
    summary: Text


class Claim(Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence that can be wrong; what is scheduled is the claim, not the question."""

    id: str
    entry: str
    order: int
    text: Text
    verdict: Verdict
    why: Text
    source: str
    requires: tuple[str, ...] = ()
    no_lab_reason: Text | None = None


class Misconception(Struct, frozen=True, forbid_unknown_fields=True):
    """What one may believe (`name`), and why it is wrong (`because`)."""

    id: str
    name: Text
    because: Text


class Choice(Struct, frozen=True):
    """One line a learner may pick; `misconception` is the belief that makes it tempting."""

    id: str
    text: Text
    misconception: str | None = None


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """Values below `below` (None: no upper edge) and not in an earlier band."""

    below: float | None = None
    label: Text | None = None


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """What shows the answer: a lab (its reference result is quoted) and/or code with what it `prints`."""

    lab: str | None = None
    rule: str | None = None
    code: str | None = None
    prints: str | None = None


class Question(Struct, frozen=True, kw_only=True):
    """One item: a stem, the choices, the right one and its explanation, in both languages."""

    id: str
    claim: str
    entry: str
    kind: Kind
    difficulty: int
    source: str
    stem: Text
    explain: Text
    options: tuple[Choice, ...]  # in authored order; the bands of a band question
    key: str  # id of the right option
    authored_reasons: tuple[Choice, ...] = ()  # two-step only
    reason_key: str | None = None
    code: str | None = None  # output only: prints the right option's text
    value: float | None = None  # band only
    unit: Text = Text("", "")
    bands: tuple[Band, ...] = ()
    evidence: Evidence | None = None
    negation: bool = False  # the stem is meant to ask for what is not so
    waive: Mapping[str, str] = {}  # lint rule -> reason why it does not apply here
    file: Path

    @property
    def chance(self) -> float:
        """Probability of hitting the right option blindly."""
        return 1 / len(self.options)

    @property
    def lures(self) -> frozenset[str]:
        """Misconceptions that some wrong option or reason offers."""
        return frozenset(c.misconception for c in (*self.options, *self.authored_reasons) if c.misconception)

    def choices(self, seed: int) -> list[Choice]:
        """The options as they are shown: shuffled by `seed`, except bands, which stay in order."""
        return list(self.options) if self.kind == "band" else _shuffled(self.options, seed)

    def reasons(self, seed: int) -> list[Choice]:
        """The second step of a two-step question as it is shown; empty for other kinds."""
        return _shuffled(self.authored_reasons, seed + 1)

    def option(self, option_id: str | None) -> Choice | None:
        return next((c for c in self.options if c.id == option_id), None)

    def reason(self, reason_id: str | None) -> Choice | None:
        return next((c for c in self.authored_reasons if c.id == reason_id), None)


class Bank(Struct, frozen=True, kw_only=True):
    """Everything that can be asked, by id; entries and claims in the order they are taught."""

    entries: Mapping[str, Entry] = {}
    claims: Mapping[str, Claim] = {}
    misconceptions: Mapping[str, Misconception] = {}
    questions: Mapping[str, Question] = {}
    by_claim: Mapping[str, tuple[Question, ...]] = {}  # every claim; () where nothing is asked yet
    problems: tuple[BankProblem, ...] = ()  # question files that were left out

    def question(self, question_id: str) -> Question:
        """Raises BankProblem("unknown-question")."""
        try:
            return self.questions[question_id]
        except KeyError:
            raise BankProblem(
                "unknown-question", id=question_id, hint=hint(question_id, self.questions)
            ) from None

    def claims_of(self, entry_id: str) -> tuple[Claim, ...]:
        return tuple(c for c in self.claims.values() if c.entry == entry_id)


def _shuffled(choices: tuple[Choice, ...], seed: int) -> list[Choice]:
    from random import Random

    random = Random(seed).random  # its sequence for a seed is promised by Python; shuffle()'s is not
    return sorted(choices, key=lambda _: random())
