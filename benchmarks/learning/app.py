"""The app itself as an arm: questions.plan, schedule, rating and grade as they ship, with a calendar in place of the
clock and a synthetic bank. Nothing of the planner is written a second time here.

A day: the plan is walked to its end; while the learner's minutes last, the learner goes on, as the app offers
(`extra`). Options, chances, confidence and times go through `questions.grade.answered` and are folded event by event.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypedDict

from msgspec.structs import replace

from benchmarks.learning.arms import Fsrs
from benchmarks.learning.learner import OPTIONS, READING, Learner
from benchmarks.learning.scenarios import Scenario
from questions.events import Bet, Event, Result
from questions.grade import answered
from questions.mastery import standings_from
from questions.plan import Ask, LabRef, Wager, plan_from
from questions.rating import Habits, Name, Shown
from questions.schedule import Fold, Memory
from questions.shapes import Bank, Choice, Claim, Entry, Kind, Misconception, Question, Text

ENTRIES: Final = 8
KINDS: Final[tuple[Kind, ...]] = ("choice", "output", "band", "choice")  # the variants of a claim
START: Final = date(2026, 1, 1)
LAB_SECONDS: Final = 60.0  # of the learner's time: bet, readout, explanation

Variant = Literal["proposed", "labs", "no-rechecks", "binary"]


class Stamp(TypedDict):
    """What `Progress.record` would fill in."""

    id: str
    at: datetime
    day: date


@cache
def bank(claims: int) -> Bank:
    """`claims` claims over eight entries, four questions each, every third building on the one before it. The belief
    of a claim is a lure in all of its questions; the other two lures are beliefs of its neighbours."""
    word = Text("", "")
    entries = {f"E{n + 1}": Entry(f"E{n + 1}", n + 1, word, word) for n in range(ENTRIES)}
    made: dict[str, Claim] = {}
    questions: dict[str, Question] = {}
    by_claim: dict[str, tuple[Question, ...]] = {}
    for number in range(claims):
        row, entry = divmod(number, ENTRIES)
        name = f"E{entry + 1}.{row + 1}"
        needs = (f"E{entry + 1}.{row}",) if row % 3 == 2 else ()
        made[name] = Claim(name, f"E{entry + 1}", row + 1, word, "true", word, "bench", needs)
        lures = [f"m{number}", f"m{(number + 1) % claims}", f"m{(number + 2) % claims}"]
        options = (Choice("key", word), *(Choice(f"o{n}", word, lure) for n, lure in enumerate(lures)))
        by_claim[name] = tuple(
            Question(
                id=f"{name}-{n}",
                claim=name,
                entry=f"E{entry + 1}",
                kind=kind,
                difficulty=2,
                source="bench",
                stem=word,
                explain=word,
                options=options,
                key="key",
                file=Path(),
            )
            for n, kind in enumerate(KINDS)
        )
        questions |= {q.id: q for q in by_claim[name]}
    beliefs = {f"m{n}": Misconception(f"m{n}", word, word) for n in range(claims)}
    return Bank(entries=entries, claims=made, misconceptions=beliefs, questions=questions, by_claim=by_claim)


class NoRechecks(Fold):
    """Ablation: confident errors get no extra looks."""

    def rechecks(self, today: date, minutes: float) -> bool:
        return False


class Binary(Fold):
    """Ablation: right is Good, wrong is Again."""

    def __init__(self, bank: Bank) -> None:
        super().__init__(bank)
        self.habits = _BinaryHabits()


class _BinaryHabits(Habits):
    __slots__ = ()

    def rate(self, shown: Shown, prior: float, *, first: bool) -> Name:
        return "good" if shown.ok else "again"


FOLDS: Final[dict[Variant, type[Fold]]] = {"no-rechecks": NoRechecks, "binary": Binary}


class App:
    """One learner using the app. Variant `labs`: every claim has a lab, to be bet on once."""

    def __init__(self, learner: Learner, scenario: Scenario, variant: Variant) -> None:
        self._bank = bank(scenario.claims)
        self._fold = FOLDS.get(variant, Fold)(self._bank)
        self._learner = learner
        self._scenario = scenario
        self._numbers = {name: number for number, name in enumerate(self._bank.claims)}
        self._labs = [LabRef(f"lab-{c}", c, (c,)) for c in self._bank.claims] if variant == "labs" else []
        self._events = 0
        self.log: list[Event] = []
        self.plain: list[tuple[float, bool]] = []  # what plain FSRS-6 would have foreseen of the same answers
        self._plain = Fsrs(scenario.claims)
        self.planned = 0.0  # largest share of the minutes that a plan took

    def session(self, day: int) -> float:
        """One session of the scenario's minutes; returns the seconds it took."""
        minutes, spent, extra = self._scenario.minutes, 0.0, False
        while spent < minutes * 60:
            made = plan_from(self._fold, self._labs, START + timedelta(days=day), minutes, extra=extra)
            self.planned = max(self.planned, made.seconds / (minutes * 60))
            if extra and not made.items:
                break
            for item in made.items:
                if spent >= minutes * 60:
                    break
                spent += self._ask(item, day) if isinstance(item, Ask) else self._bet(item, day)
            extra = True
        return spent

    def _ask(self, item: Ask, day: int) -> float:
        claim = self._numbers[item.claim]
        reply = self._learner.answer(claim, day)
        self._shadow(claim, day, reply.ok)
        question = self._bank.questions[item.question_id]
        _, event = answered(
            question,
            "key" if reply.ok else "o0" if reply.lured else f"o{1 + reply.other}",
            reply.p,
            latency_ms=round(reply.seconds * 1000),
            lang="en",
            order_seed=item.order_seed,
        )
        self._feed(replace(event, **self._stamp(day)))
        return reply.seconds + READING[reply.ok]

    def _bet(self, item: Wager, day: int) -> float:
        claim = self._numbers[item.claim]
        reply = self._learner.bet(claim, day, self._scenario.lab_effect)
        self._shadow(claim, day, reply.ok)
        band = 0 if reply.ok else 1
        bet = Bet(
            lab=item.lab_id,
            claim=item.claim,
            band=band,
            bands=OPTIONS,
            p=reply.p,
            run=item.lab_id,
            **self._stamp(day),
        )
        result = Result(lab=item.lab_id, claim=item.claim, band=0, run=item.lab_id, **self._stamp(day))
        self._feed(bet, result)
        return LAB_SECONDS

    def _feed(self, *events: Event) -> None:
        self.log.extend(events)
        self._fold.feed(events)

    def _shadow(self, claim: int, day: int, ok: bool) -> None:
        if claim in self._plain.due:
            self.plain.append((self._plain.foreseen(claim, day), ok))
        self._plain.note(claim, day, ok)

    def _stamp(self, day: int) -> Stamp:
        self._events += 1
        today = START + timedelta(days=day)
        at = datetime.combine(today, time(12), UTC) + timedelta(seconds=self._events % 36_000)
        return {"id": f"{self._events:06d}", "at": at, "day": today}

    # what the app says about the learner

    @property
    def foreseen(self) -> list[tuple[float, bool]]:
        """Predicted probability of a right answer and what came, of every rated answer but the first to a claim."""
        return self._fold.foreseen

    def memory(self, day: int) -> dict[str, Memory]:
        """What the app holds about every claim on `day`."""
        return self._fold.memory(START + timedelta(days=day), self._scenario.minutes)

    def held(self, day: int) -> list[int]:
        """Claims that the app calls held on `day`."""
        standing = standings_from(self._fold, START + timedelta(days=day), self._scenario.minutes)
        return [self._numbers[c] for c, s in standing.items() if s.state in ("holding", "durable")]
