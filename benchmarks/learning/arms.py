"""Whom the app is compared with: other ways to spend the same minutes on the same bank.

Every arm gives the claims of a day in the order to ask them, and always goes on until the minutes are used up: who
stops early looks worse for no good reason. "Fair" arms begin a session with six new claims while there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Final, Protocol

import numpy as np
from fsrs import Card, Rating, Scheduler
from numpy.random import Generator

from benchmarks.learning.memories import Floats

NEW_A_DAY: Final = 6
CHANCE: Final = 0.25
START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Arm(Protocol):
    """A way to choose claims."""

    def session(self, day: int) -> Iterator[int]:
        """Claims to ask on `day`, each once, until the caller stops."""
        ...

    def foreseen(self, claim: int, day: int) -> float | None:
        """Probability of a right answer to a claim that was asked before; None: this arm predicts nothing."""
        ...

    def note(self, claim: int, day: int, ok: bool) -> None: ...


class Scheduled:
    """Claims by due day. The rest of a session: more new ones, then what is due soonest."""

    def __init__(self, claims: int, *, new_first: bool = True) -> None:
        self.due: dict[int, int] = {}
        self._unseen = list(range(claims))[::-1]
        self._new_first = new_first

    def session(self, day: int) -> Iterator[int]:
        if self._new_first:
            yield from self._new(NEW_A_DAY)
        queue = sorted((due, claim) for claim, due in self.due.items() if due > day - 10**6)
        yield from [claim for due, claim in queue if due <= day]
        yield from self._new(len(self._unseen))
        yield from [claim for due, claim in queue if due > day]

    def _new(self, most: int) -> Iterator[int]:
        for _ in range(min(most, len(self._unseen))):
            yield self._unseen.pop()

    def foreseen(self, claim: int, day: int) -> float | None:
        return None

    def note(self, claim: int, day: int, ok: bool) -> None:
        self.due[claim] = day + max(1, self.wait(claim, day, ok))

    def wait(self, claim: int, day: int, ok: bool) -> int:
        """Days until the claim is due again."""
        raise NotImplementedError


class Fsrs(Scheduled):
    """py-fsrs with its default weights and 90 % wanted retention; right is Good, wrong is Again."""

    def __init__(self, claims: int, *, new_first: bool = True) -> None:
        super().__init__(claims, new_first=new_first)
        self._scheduler = Scheduler(
            learning_steps=(), relearning_steps=(), enable_fuzzing=False, maximum_interval=365
        )
        self._cards: dict[int, Card] = {}

    def foreseen(self, claim: int, day: int) -> float:
        card = self._cards[claim]
        recall = self._scheduler.get_card_retrievability(card, START + timedelta(days=day))
        return recall + (1 - recall) * CHANCE

    def wait(self, claim: int, day: int, ok: bool) -> int:
        today = START + timedelta(days=day)
        card = self._cards.get(claim) or Card(card_id=claim + 1, due=today)
        card, _ = self._scheduler.review_card(card, Rating.Good if ok else Rating.Again, today)
        self._cards[claim] = card
        return (card.due - today).days


class Sm2(Scheduled):
    """SuperMemo 2; right counts as quality 4, wrong as 2."""

    def __init__(self, claims: int) -> None:
        super().__init__(claims)
        self._held: dict[int, tuple[int, int, float]] = {}  # repetitions, interval, ease

    def wait(self, claim: int, day: int, ok: bool) -> int:
        times, days, ease = self._held.get(claim, (0, 0, 2.5))
        if ok:
            times += 1
            days = {1: 1, 2: 6}.get(times) or round(days * ease)
        else:
            times, days, ease = 0, 1, max(1.3, ease - 0.32)
        self._held[claim] = times, days, ease
        return days


class Ladder(Scheduled):
    """1, 3, 7, 16, 35, 75, 150 days; an error goes back to the first rung."""

    RUNGS: Final = (1, 3, 7, 16, 35, 75, 150)

    def __init__(self, claims: int) -> None:
        super().__init__(claims)
        self._rung: dict[int, int] = {}

    def wait(self, claim: int, day: int, ok: bool) -> int:
        rung = min(self._rung.get(claim, -1) + 1, len(self.RUNGS) - 1) if ok else 0
        self._rung[claim] = rung
        return self.RUNGS[rung]


class RoundRobin:
    """The whole bank in order, over and over."""

    def __init__(self, claims: int) -> None:
        self._claims = claims
        self._next = 0

    def session(self, day: int) -> Iterator[int]:
        for _ in range(self._claims):
            claim = self._next
            self._next = (claim + 1) % self._claims
            yield claim

    def foreseen(self, claim: int, day: int) -> float | None:
        return None

    def note(self, claim: int, day: int, ok: bool) -> None:
        pass


class Shuffled(RoundRobin):
    """Claims at random, each at most once a day."""

    def __init__(self, claims: int, random: Generator) -> None:
        super().__init__(claims)
        self._random = random

    def session(self, day: int) -> Iterator[int]:
        yield from self._random.permutation(self._claims).tolist()


class Gain(Scheduled):
    """Whatever is expected to add most to the recall in 30 days, by FSRS-6 with default weights."""

    DECAY: Final = -0.1542
    FACTOR: Final = 0.9 ** (1 / DECAY) - 1
    GOOD, AGAIN = 2.3065, 0.212  # days of stability after a first answer

    def __init__(self, claims: int) -> None:
        super().__init__(claims)
        self._stability = np.zeros(claims)
        self._difficulty = np.zeros(claims)
        self._last = np.zeros(claims)

    def session(self, day: int) -> Iterator[int]:
        s, away = np.maximum(self._stability, 1e-9), day - self._last
        seen = self._stability > 0
        now, later = self._curve(away, s), self._curve(away + 30, s)
        good, again = (
            self._after(s, self._difficulty, now, True),
            self._after(s, self._difficulty, now, False),
        )
        month = np.full_like(s, 30.0)
        gain = now * self._curve(month, good) + (1 - now) * self._curve(month, again) - later
        first, lapse = (self._curve(month[:1], np.array([s])).item() for s in (self.GOOD, self.AGAIN))
        fresh = 0.3 * first + 0.7 * lapse - 0.25  # with three of ten known before they are asked
        yield from np.argsort(-np.where(seen, gain, fresh), kind="stable").tolist()

    def foreseen(self, claim: int, day: int) -> float:
        recall = self._curve(day - self._last[[claim]], self._stability[[claim]]).item()
        return recall + (1 - recall) * CHANCE

    def note(self, claim: int, day: int, ok: bool) -> None:
        s, d = self._stability[[claim]], self._difficulty[[claim]]
        if not s.item():
            after, harder = (self.GOOD, 6.4133 - exp(2 * 0.8334) + 1) if ok else (self.AGAIN, 6.4133)
        else:
            after = self._after(s, d, self._curve(day - self._last[[claim]], s), ok).item()
            harder = d.item() + (0 if ok else 2 * 3.0194 * (10 - d.item()) / 9)
        self._stability[claim], self._difficulty[claim] = after, min(max(harder, 1), 10)
        self._last[claim] = day

    def _curve(self, days: Floats, s: Floats) -> Floats:
        recall: Floats = (1 + self.FACTOR * days / s) ** self.DECAY
        return recall

    def _after(self, s: Floats, d: Floats, recall: Floats, ok: bool) -> Floats:
        after: Floats
        if ok:
            after = s * (1 + exp(1.8722) * (11 - d) * s**-0.1666 * (np.exp(0.796 * (1 - recall)) - 1))
            return after
        lapsed = (
            1.4835 * np.maximum(d, 1) ** -0.0614 * ((s + 1) ** 0.2629 - 1) * np.exp(1.6483 * (1 - recall))
        )
        after = np.minimum(lapsed, s / exp(0.5425 * 0.0912))
        return after
