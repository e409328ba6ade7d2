"""What the bank is made of: entries, claims, misconceptions, questions."""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial, isfinite
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from questions.problems import BankProblem, hint

Kind = Literal["choice", "band", "output", "two-step", "number", "bug", "order"]
Form = Literal["choice", "band", "output", "two-step", "number", "bug", "order", "generated"]
Origin = Literal["stated", "implied", "added"]
STEPS = "# steps"  # a line of an order question's evidence, in whose place its steps are put
Verdict = Literal["true", "true-with-conditions", "misleading", "false"]


class Text(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
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


class Evidence(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What shows the answer: a lab (its reference result is quoted) and/or code with what it `prints`."""

    lab: str | None = None
    rule: str | None = None
    code: str | None = None
    prints: str | None = None


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
    confusable: str | None = None  # name of a set of claims that are easily mixed up
    origin: Origin = "stated"  # by the FAQ; implied there; or added, because a learner needs it
    evidence: Evidence | None = None
    file: Path = Path()

    @property
    def evidence_code(self) -> str:
        """The code that settles it, or nothing."""
        return (self.evidence.code if self.evidence else None) or ""


class Misconception(Struct, frozen=True, forbid_unknown_fields=True):
    """What one may believe (`name`), and why it is wrong (`because`)."""

    id: str
    name: Text
    because: Text


class Choice(Struct, frozen=True, gc=False):
    """One line a learner may pick; `misconception` is the belief that makes it tempting.

    predicts: what the evidence's code would print if this were the right one.
    line: its line in the code (bug only), from 1.
    """

    id: str
    text: Text
    misconception: str | None = None
    predicts: str | None = None
    line: int | None = None


class Slip(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A wrong number and the belief that leads to it."""

    value: float
    misconception: str


class Swap(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A wrong order, step `first` before step `then`, and the belief that leads to it."""

    first: str
    then: str
    misconception: str


class Band(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Values below `below` (None: no upper edge) and not in an earlier band."""

    below: float | None = None
    label: Text | None = None


class Reading(NamedTuple):
    """What a pick amounts to."""

    ok: bool
    misconception: str | None = None


class Question(Struct, frozen=True, kw_only=True):
    """One item: a stem, what may be answered, the right answer and its explanation, in both languages.

    A pick is a text: the id of an option; of a `number` what was typed; of an `order` the ids of all steps with ">"
    between them. A generated question holds placeholders until `drawn` fills them.
    """

    id: str
    claim: str
    entry: str
    kind: Kind
    difficulty: int
    source: str
    stem: Text
    explain: Text
    options: tuple[Choice, ...] = ()  # in authored order; bands, lines of code, or steps in the right order
    key: str  # the right pick
    authored_reasons: tuple[Choice, ...] = ()  # two-step only
    reason_key: str | None = None
    code: str | None = None  # output: prints the right option's text; bug: has the faulty line
    value: float | None = None  # band and number
    tolerance: float = 0.0  # number: how far off, in `unit`, is still right
    unit: Text = Text("", "")
    bands: tuple[Band, ...] = ()
    slips: tuple[Slip, ...] = ()  # number
    swaps: tuple[Swap, ...] = ()  # order
    fix: str | None = None  # bug: the mended line
    prints: str | None = None  # bug: what the code prints as it is
    fixed_prints: str | None = None  # bug: what it prints once mended
    template: str | None = None  # generated: its name in questions.templates
    beliefs: Mapping[str, str] = {}  # generated: name of a wrong formula -> misconception
    evidence: Evidence | None = None
    negation: bool = False  # the stem is meant to ask for what is not so
    waive: Mapping[str, str] = {}  # lint rule -> reason why it does not apply here
    file: Path

    @property
    def form(self) -> Form:
        """Its kind, or "generated"."""
        return "generated" if self.template else self.kind

    @property
    def chance(self) -> float:
        """Probability of hitting the right answer blindly; a typed number counts as one in a hundred."""
        if self.kind == "number":
            return 0.01
        if self.kind == "order":
            return 1 / factorial(len(self.options))
        return 1 / len(self.options)

    @property
    def tempting(self) -> frozenset[str]:
        """Misconceptions that some wrong answer stands for."""
        named = [c.misconception for c in self.options if c.misconception]
        named += [slip.misconception for slip in self.slips]
        named += [swap.misconception for swap in self.swaps]
        return frozenset([*named, *self.beliefs.values()])

    @property
    def lures(self) -> frozenset[str]:
        """Misconceptions that some wrong answer or reason stands for."""
        return self.tempting | {c.misconception for c in self.authored_reasons if c.misconception}

    def choices(self, seed: int) -> list[Choice]:
        """The options as they are shown: shuffled by `seed`, except bands and lines of code, which stay in order."""
        if self.kind == "order":
            return _out_of_order(self.options, seed)
        return list(self.options) if self.kind in ("band", "bug") else _shuffled(self.options, seed)

    def reasons(self, seed: int) -> list[Choice]:
        """The second step of a two-step question as it is shown; empty for other kinds."""
        return _shuffled(self.authored_reasons, seed + 1)

    def option(self, option_id: str | None) -> Choice | None:
        return next((c for c in self.options if c.id == option_id), None)

    def reason(self, reason_id: str | None) -> Choice | None:
        return next((c for c in self.authored_reasons if c.id == reason_id), None)

    @property
    def evidence_code(self) -> str:
        """The code that settles it, or nothing; of an order question with the steps in the order of the key."""
        code = (self.evidence.code if self.evidence else None) or ""
        if self.kind != "order" or STEPS not in code:
            return code
        indent = next(line for line in code.split("\n") if line.strip() == STEPS).split("#")[0]
        steps = [step.text.en.split("\n") for id in self.key.split(">") if (step := self.option(id))]
        return code.replace(indent + STEPS, "\n".join(indent + line for step in steps for line in step))

    def read(self, pick: str) -> Reading:
        """What a pick amounts to. Raises ValueError for one that this question cannot be answered with."""
        if self.kind == "number":
            return self._read_number(pick)
        if self.kind == "order":
            return self._read_order(pick)
        option = self.option(pick)
        if option is None:
            raise ValueError(f"{self.id} has no option {pick!r}")
        return Reading(True) if pick == self.key else Reading(False, option.misconception)

    def _read_number(self, pick: str) -> Reading:
        typed = float(pick)
        assert self.value is not None
        if not isfinite(typed):
            raise ValueError(f"{self.id} cannot be answered with {pick!r}")
        if _near(typed, self.value, self.tolerance):
            return Reading(True)
        slip = next((s for s in self.slips if _near(typed, s.value, self.tolerance)), None)
        return Reading(False, slip.misconception if slip else None)

    def _read_order(self, pick: str) -> Reading:
        at = {step: n for n, step in enumerate(pick.split(">"))}
        if sorted(at) != sorted(c.id for c in self.options) or len(at) != pick.count(">") + 1:
            raise ValueError(f"{self.id} cannot be answered with {pick!r}")
        if pick == self.key:
            return Reading(True)
        swap = next((s for s in self.swaps if at[s.first] < at[s.then]), None)
        return Reading(False, swap.misconception if swap else None)

    def drawn(self, seed: int) -> Question:
        """A generated question with its numbers drawn by `seed`; any other question as it is."""
        if self.template is None:
            return self
        from questions.templates import draw

        return draw(self, seed)


class Draft(Struct, frozen=True, kw_only=True):
    """A text of an imported FAQ that nobody has made a claim of yet: to be read, never asked.

    Its body stays in `file`.
    """

    id: str
    entry: str
    order: int
    heading: str
    lang: Literal["zh", "en"]
    source: str  # name of the file it came from
    lines: tuple[int, int]  # first and last in that file
    file: Path


class Bank(Struct, frozen=True, kw_only=True):
    """Everything that can be asked, by id; entries and claims in the order they are taught."""

    entries: Mapping[str, Entry] = {}
    claims: Mapping[str, Claim] = {}
    misconceptions: Mapping[str, Misconception] = {}
    questions: Mapping[str, Question] = {}
    by_claim: Mapping[str, tuple[Question, ...]] = {}  # every claim; () where nothing is asked yet
    drafts: tuple[Draft, ...] = ()  # of imported texts, in their order
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


def _out_of_order(steps: tuple[Choice, ...], seed: int) -> list[Choice]:
    """Shuffled, and never in the right order: an order that stands there already asks nothing."""
    shown = _shuffled(steps, seed)
    return shown if shown != list(steps) else shown[1:] + shown[:1]


def _near(typed: float, value: float, tolerance: float) -> bool:
    return abs(typed - value) <= tolerance + 1e-9 * max(1.0, abs(value))
