"""A made-up learner who uses torchproof for weeks: real plans, real grading, a real log, a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from math import log2
from pathlib import Path
from random import Random

from fsrs.scheduler import DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS

from questions.events import (
    Answer,
    Bet,
    Event,
    Pause,
    Placement,
    Readout,
    Reason,
    Result,
    Session,
    Skip,
    Weights,
    local_day,
)
from questions.grade import answered, points, probability
from questions.placement import next_ask
from questions.plan import Ask, LabRef, plan_from
from questions.progress import Progress
from questions.schedule import Fold
from questions.shapes import Bank, Question


class Life:
    """`live` walks through days; what happened is in the log below `folder`, and in `events`."""

    def __init__(
        self,
        folder: Path,
        bank: Bank,
        *,
        start: datetime,
        seed: int = 0,
        labs: Sequence[LabRef] = (),
        minutes: float = 15,
        good: float = 0.5,
        record: Callable[[Event], Event] | None = None,
    ) -> None:
        self.bank, self.labs, self.minutes, self.good = bank, labs, minutes, good
        self.clock = start
        self.random = Random(seed)
        self.events: list[Event] = []
        self._fold = Fold(bank)
        self._strength = {claim: self.random.gauss(good, 1.0) for claim in bank.claims}
        self._log = Progress(folder, host="life", pid=seed, now=lambda: self.clock)
        self._record = record or self._log.record  # type: ignore[assignment]

    def live(self, days: int, *, pauses: frozenset[int] = frozenset(), attendance: float = 0.85) -> None:
        morning = self.clock
        for day in range(days):
            self.clock = morning + timedelta(days=day, minutes=self.random.randrange(-180, 180))
            if day not in pauses and self.random.random() < attendance:
                self._session()
        self._log.close()

    def today(self) -> date:
        return local_day(self.clock)

    def _session(self) -> None:
        began, done = self.clock, 0
        if self.random.random() < (0.05 if self.events else 0.8):
            self._place()
        plan = plan_from(self._fold, self.labs, self.today(), self.minutes)
        for item in plan.items:
            if self.random.random() < 0.03:
                break  # called away
            if isinstance(item, Ask):
                question = self.bank.questions[item.question_id]
                if self.random.random() < 0.02:
                    self._done(Skip(item=question.id))
                    continue
                self._ask(question, item.order_seed)
            else:
                self._bet(item.lab_id, item.claim)
            done += 1
        if self.random.random() < 0.2:  # out of turn, and a second look at what was answered today
            self._ask(self.random.choice(list(self.bank.questions.values())), 7)
        if self.random.random() < 0.08:
            self._pause()
        if self.random.random() < 0.1:
            self._fit()
        seconds = (self.clock - began).total_seconds()
        self._done(Session(planned=len(plan.items), done=done, seconds=seconds))

    def _place(self) -> None:
        """Goes through a placement, or leaves it behind."""
        self._done(Placement(asked=0, seconds=0.0, over=False))
        while ask := next_ask(self._fold, self.today(), self.clock):
            if self.random.random() < 0.03:
                return
            self._ask(self.bank.questions[ask.question_id], ask.order_seed)
        placed = self._fold.placed
        self._done(Placement(asked=len(placed.tried), seconds=placed.seconds(self.clock)))

    def _pause(self) -> None:
        """Lays a claim or an entry aside, or takes one up again."""
        what = self.random.choice([*self.bank.claims, *self.bank.entries])
        days = self.random.choice([None, 3, 10, 40])
        until = None if days is None else self.today() + timedelta(days=days)
        self._done(Pause(what=what, on=self.random.random() < 0.6, until=until))

    def _fit(self) -> None:
        """Other parameters from now on: somewhere around the defaults, those again, or none that could be any."""
        around = [
            min(max(w * self.random.lognormvariate(0, 0.3), low), high)
            for w, low, high in zip(
                DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, strict=True
            )
        ]
        weights = self.random.choice([around, around, [], DEFAULT_PARAMETERS[:-1], [9.0] * 21])
        self._done(Weights(weights=tuple(weights), reviews=64, loss=0.5, loss_before=0.6))

    def _ask(self, question: Question, order_seed: int) -> None:
        draw, question = self.random.random, question.drawn(order_seed)
        rapid = draw() < 0.03
        known = 1 / (1 + 2 ** -self._strength[question.claim]) if not rapid else 0.0
        self._strength[question.claim] += 0.6
        ok = draw() < known + (1 - known) * question.chance
        pick: str | None = question.key
        if not ok:
            wrong = [choice.id for choice in question.options if choice.id != question.key]
            pick = self.random.choice(wrong) if wrong and question.kind != "order" else None
            if draw() < 0.2:
                pick = None
        level = min(4, max(0, round(self.random.gauss(1 + 3 * known, 0.9))))
        if rapid:
            level = self.random.choice([0, 1])
        latency = (
            self.random.randrange(300, 1900) if rapid else round(1000 * self.random.lognormvariate(2.7, 0.6))
        )
        self.clock += timedelta(milliseconds=latency)
        p = probability(level, question.chance)
        grade, answer = answered(
            question,
            pick,
            p,
            latency_ms=latency,
            lang=self.random.choice(["zh", "en"]),
            order_seed=order_seed,
        )
        recorded = self._done(answer)
        if question.kind == "two-step" and grade.ok:
            self.clock += timedelta(seconds=8)
            reason = self.random.choice(question.authored_reasons)
            self._done(Reason(answer=recorded.id, option=reason.id, ok=reason.id == question.reason_key))
        self.clock += timedelta(seconds=self.random.choice([4, 9, 14, 20, 35, 400]))

    def _bet(self, lab: str, claim: str) -> None:
        bands, run = 4, f"{lab}-{len(self.events)}"
        band = None if self.random.random() < 0.1 else self.random.randrange(bands)
        p = self.random.choice([0.5, 0.7, 0.9, 0.97]) if band is not None else 1 / bands
        self._done(Bet(lab=lab, claim=claim, band=band, bands=bands, p=p, run=run))
        self.clock += timedelta(seconds=40)
        if self.random.random() < 0.15:
            return  # left before its verdict
        measured = None if self.random.random() < 0.1 else self.random.choice([band or 0, 0, 1, 2, 3])
        self._done(Readout(lab=lab, run=run, choice="up", ok=True))
        ok = band is not None and band == measured
        bits = None
        if measured is not None:
            bits = -log2(1 / bands if band is None else p if ok else (1 - p) / (bands - 1))
        score = None if measured is None else points(ok, p) if band is not None else 0.0
        self.clock += timedelta(seconds=20)
        self._done(Result(lab=lab, run=run, claim=claim, band=measured, bits=bits, points=score, seeds=8))

    def _done(self, event: Event) -> Event:
        recorded = self._record(event)
        assert isinstance(
            recorded, Answer | Bet | Pause | Placement | Readout | Reason | Result | Session | Skip | Weights
        )
        self._fold.feed([recorded])
        self.events.append(recorded)
        return recorded
