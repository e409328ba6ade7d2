"""Which misconceptions a learner holds, as far as picks tell. Events in, open misconceptions out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from questions.events import Answer, Reason
from questions.shapes import Bank

CONFIDENT = 0.7  # from here on an error is a confident one
ENOUGH = 2  # later days on which the lure must be passed by


class Held(Struct, frozen=True):
    """A misconception from the pick that opened it. `cleared` None: it is open still."""

    misconception: str
    claims: tuple[str, ...]  # where it was picked
    opened: date
    picks: int
    last: date  # day of the last pick
    passed: int  # later days on which its lure was passed by
    cleared: date | None


class _Belief:
    def __init__(self) -> None:
        self.picks = 0  # since it was last cleared
        self.opened: date | None = None
        self.claims: set[str] = set()  # where it was picked
        self.last: date | None = None  # day of the last pick
        self.resisted: set[date] = set()  # later days on which its lure was passed by

    def held(self, misconception: str, cleared: date | None = None) -> Held:
        assert self.opened is not None and self.last is not None
        return Held(
            misconception=misconception,
            claims=tuple(sorted(self.claims)),
            opened=self.opened,
            picks=self.picks,
            last=self.last,
            passed=len(self.resisted),
            cleared=cleared,
        )


class Beliefs:
    """A misconception opens when picked with p >= 0.7, or twice; right picks on two later days with its lure
    among the options clear it."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._held: dict[str, _Belief] = {}
        self._two_step: dict[str, Answer] = {}  # by event id, until the reason comes
        self._tempting: dict[str, tuple[str, ...]] = {}  # by question, in order
        self.cleared: list[Held] = []  # in the order in which they were

    def of_claim(self, claim: str) -> tuple[str, ...]:
        """Open misconceptions that were picked at this claim, by id."""
        return tuple(sorted(m for m, held in self._held.items() if held.opened and claim in held.claims))

    def open(self) -> tuple[str, ...]:
        return tuple(sorted(m for m, held in self._held.items() if held.opened))

    def held(self) -> list[Held]:
        """The open ones, in the order in which they were opened."""
        found = [held.held(misconception) for misconception, held in self._held.items() if held.opened]
        return sorted(found, key=lambda held: (held.opened, held.misconception))

    def answered(self, answer: Answer) -> None:
        if answer.kind == "two-step":
            self._two_step[answer.id] = answer
        if answer.ok:
            self._resisted(self._lures(answer.item), answer.day)
        elif answer.misconception:
            self._picked(answer.misconception, answer.claim, answer.day, answer.p >= CONFIDENT)

    def reasoned(self, reason: Reason) -> None:
        answer = self._two_step.pop(reason.answer, None)
        question = self._bank.questions.get(answer.item) if answer else None
        if answer is None or question is None:
            return
        chosen = question.reason(reason.option)
        if reason.ok:
            self._resisted(
                _in_order(c.misconception for c in question.authored_reasons if c.misconception), reason.day
            )
        elif chosen and chosen.misconception:
            self._picked(chosen.misconception, answer.claim, reason.day, False)

    def _picked(self, misconception: str, claim: str, day: date, confident: bool) -> None:
        held = self._held.setdefault(misconception, _Belief())
        held.picks += 1
        if held.opened is None and (confident or held.picks >= 2):
            held.opened = day
        held.claims.add(claim)
        held.last = day if held.last is None else max(held.last, day)
        held.resisted.clear()

    def _lures(self, item: str) -> tuple[str, ...]:
        lures = self._tempting.get(item)
        if lures is None:
            question = self._bank.questions.get(item)
            lures = self._tempting[item] = _in_order(question.tempting) if question else ()
        return lures

    def _resisted(self, lures: tuple[str, ...], day: date) -> None:
        for misconception in lures:
            held = self._held.get(misconception)
            if held is None or held.opened is None or held.last is None or day <= held.last:
                continue
            held.resisted.add(day)
            if len(held.resisted) >= ENOUGH:
                self.cleared.append(held.held(misconception, day))
                del self._held[misconception]


def _in_order(lures: Iterable[str]) -> tuple[str, ...]:
    """Each once, and in the same order in every process."""
    return tuple(sorted(set(lures)))
