"""How what was learnt fades: FSRS-6 over whole local days, with its defaults or with parameters fitted to a learner.

One scalar keeps the model's stabilities honest about this learner, and `foresight` its predictions. Both belong to the
parameters that they put right: other parameters begin without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Final, Protocol

from questions.foresight import Foresight
from questions.fsrs6 import DEFAULTS, LEAST, MOST, Card, Fsrs6
from questions.rating import Name

RETENTION: Final = 0.9
LONGEST: Final = 365  # days
LEARNING_RATE: Final = 0.08  # of the calibration scalar


class Seen(Protocol):
    """An answer, as far as memory goes."""

    @property
    def ok(self) -> bool: ...
    @property
    def chance(self) -> float: ...
    @property
    def knows_not(self) -> bool: ...


def usable(weights: Sequence[float]) -> bool:
    """Whether these can be parameters of FSRS-6: 21 numbers, each within the package's bounds."""
    return len(weights) == len(LEAST) and all(
        low <= weight <= high for low, weight, high in zip(LEAST, weights, MOST, strict=True)
    )


class Forgetting:
    """The memory model of one learner. `weights`: its parameters, `usable` ones; none are the package's defaults."""

    def __init__(self, weights: tuple[float, ...] = ()) -> None:
        self.weights = weights
        self.foresight = Foresight()
        self.calibration = 0.0  # the S of FSRS times exp(calibration) is this learner's
        self._scale = 1.0  # exp(calibration)
        self._fsrs = Fsrs6(weights or DEFAULTS)

    def stability(self, card: Card) -> float:
        """Calibrated days until recall falls to 90 %."""
        return card.stability * self._scale

    def recall(self, card: Card, days: int) -> float:
        """Probability to know it so many days after the last look, with the calibrated stability."""
        return self._fsrs.recall(card.stability * self._scale, days)

    def wait(self, card: Card) -> float:
        """Days from the last look until recall falls to what is wanted."""
        return self._fsrs.wait(self.stability(card), RETENTION)

    def right(self, recall: float, chance: float, record: float) -> float:
        """Probability of a right answer, guessing included; `record`: how earlier answers to the claim went."""
        return self.foresight.right(recall + (1 - recall) * chance, record)

    def learn(self, recall: float, record: float, seen: Seen) -> float:
        """Takes in what came where `recall` was modelled. Returns the probability of a right answer foreseen."""
        modelled = recall + (1 - recall) * seen.chance
        foreseen = self.foresight.note(modelled, record, seen.ok)
        if seen.knows_not:
            modelled = recall
        moved = self.calibration + LEARNING_RATE * (seen.ok - modelled)
        self.calibration = -4.0 if moved < -4.0 else 2.0 if moved > 2.0 else moved
        self._scale = exp(self.calibration)
        return foreseen

    def review(self, card: Card | None, rating: Name, days: int) -> Card:
        """One review, so many days after the one before; no card before the first one."""
        return self._fsrs.first(rating) if card is None else self._fsrs.next(card, rating, days)
