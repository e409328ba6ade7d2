"""How what was learnt fades: FSRS-6 over whole local days, with its defaults or with parameters fitted to a learner.

One scalar keeps the model's stabilities honest about this learner, and `foresight` its predictions. Both belong to the
parameters that they put right: other parameters begin without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from math import exp
from typing import TYPE_CHECKING, Final, Protocol

from questions.foresight import Foresight
from questions.rating import Name

if TYPE_CHECKING:
    from fsrs import Card, Rating, Scheduler

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
    from fsrs.scheduler import LOWER_BOUNDS_PARAMETERS as LEAST
    from fsrs.scheduler import UPPER_BOUNDS_PARAMETERS as MOST

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
        self._scheduler: Scheduler | None = None
        self._ratings: dict[str, Rating] = {}
        self._decay = self._factor = 0.0

    def stability(self, card: Card) -> float:
        """Calibrated days until recall falls to 90 %."""
        assert card.stability is not None
        return card.stability * self._scale

    def recall(self, card: Card, days: int) -> float:
        """Probability to know it so many days after the last look: (1 + f t / S)^d of FSRS-6, with the calibrated S."""
        return float((1 + self._factor * days / self.stability(card)) ** self._decay)

    def wait(self, card: Card) -> float:
        """Days from the last look until recall falls to what is wanted."""
        return float(self.stability(card) / self._factor * (RETENTION ** (1 / self._decay) - 1))

    def right(self, recall: float, chance: float, record: float) -> float:
        """Probability of a right answer, guessing included; `record`: how earlier answers to the claim went."""
        return self.foresight.right(recall + (1 - recall) * chance, record)

    def learn(self, recall: float, record: float, seen: Seen) -> float:
        """Takes in what came where `recall` was modelled. Returns the probability of a right answer foreseen."""
        modelled = recall + (1 - recall) * seen.chance
        foreseen = self.foresight.right(modelled, record)
        self.foresight.note(modelled, record, seen.ok)
        if seen.knows_not:
            modelled = recall
        moved = self.calibration + LEARNING_RATE * (seen.ok - modelled)
        self.calibration = min(max(moved, -4.0), 2.0)
        self._scale = exp(self.calibration)
        return foreseen

    def review(self, card: Card | None, card_id: int, day: date, rating: Name) -> Card:
        """One FSRS review; no card before the first one. Days are given as midnights, since the package counts whole
        elapsed days only."""
        if self._scheduler is None:
            self._load()
            assert self._scheduler is not None
        midnight = datetime.combine(day, time(), UTC)
        if card is None:
            from fsrs import Card

            card = Card(card_id=card_id, due=midnight)
        return self._scheduler.review_card(card, self._ratings[rating], midnight)[0]

    def _load(self) -> None:
        from fsrs import Rating, Scheduler  # 20 ms, not paid by an app without answers
        from fsrs.scheduler import DEFAULT_PARAMETERS

        self._scheduler = Scheduler(
            self.weights or DEFAULT_PARAMETERS,
            desired_retention=RETENTION,
            learning_steps=(),
            relearning_steps=(),
            maximum_interval=LONGEST,
            enable_fuzzing=False,
        )
        self._ratings = {
            "again": Rating.Again,
            "hard": Rating.Hard,
            "good": Rating.Good,
            "easy": Rating.Easy,
        }
        self._decay = -self._scheduler.parameters[20]
        self._factor = 0.9 ** (1 / self._decay) - 1
