"""FSRS-6, the memory model: how a claim's stability and difficulty move at each review.

Formulas, default weights and order of operations are those of the package fsrs
(https://github.com/open-spaced-repetition/awesome-fsrs/wiki/The-Algorithm), and a property test holds both equal to the
last bit. At each review the package also copies a card, works out a due time and fills in a log entry, of which nothing
is used here: that is a third of a long replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import e
from typing import Final

from msgspec import Struct

from questions.rating import Name

DEFAULTS: Final = (
    0.212, 1.2931, 2.3065, 8.2956,  # days of stability after a first again, hard, good, easy
    6.4133, 0.8334, 3.0194, 0.001,  # difficulty
    1.8722, 0.1666, 0.796,  # stability after a right answer
    1.4835, 0.0614, 0.2629, 1.6483,  # and after a wrong one
    0.6014, 1.8729,  # for hard, for easy
    0.5425, 0.0912, 0.0658,  # another review on the same day
    0.1542,  # how steeply recall falls
)  # fmt: skip
# What each of them can be, as the package has it.
LEAST: Final = (
    0.001, 0.001, 0.001, 0.001,
    1.0, 0.001, 0.001, 0.001,
    0.0, 0.0, 0.001,
    0.001, 0.001, 0.001, 0.0,
    0.0, 1.0,
    0.0, 0.0, 0.0,
    0.1,
)  # fmt: skip
MOST: Final = (
    100.0, 100.0, 100.0, 100.0,
    10.0, 4.0, 4.0, 0.75,
    4.5, 0.8, 3.5,
    5.0, 0.25, 0.9, 4.0,
    1.0, 6.0,
    2.0, 2.0, 0.8,
    0.8,
)  # fmt: skip
_BRIEFEST: Final = 0.001  # days of stability
_GRADES: Final[dict[Name, int]] = {"again": 1, "hard": 2, "good": 3, "easy": 4}


class Card(Struct, frozen=True):
    """What is held of one claim. `stability`: days until recall falls to 90 %; `difficulty`: from 1 to 10."""

    stability: float
    difficulty: float


class Fsrs6:
    """The model with its 21 weights, which lie within the bounds that the package gives them."""

    def __init__(self, weights: Sequence[float] = DEFAULTS) -> None:
        self._w = tuple(weights)
        self._decay = -self._w[20]
        self._factor: float = 0.9 ** (1 / self._decay) - 1
        self._growth = e ** self._w[8]
        self._relearning = e ** (self._w[17] * self._w[18])
        self._easy = self._w[4] - e ** (self._w[5] * 3) + 1  # difficulty that all tend to

    def recall(self, stability: float, days: int) -> float:
        """Probability to know it `days` after the last review."""
        return float((1 + self._factor * days / stability) ** self._decay)

    def wait(self, stability: float, wanted: float) -> float:
        """Days until recall falls to `wanted`."""
        return float(stability / self._factor * (wanted ** (1 / self._decay) - 1))

    def first(self, rating: Name) -> Card:
        """After the first review."""
        grade, w = _GRADES[rating], self._w
        return Card(max(w[grade - 1], _BRIEFEST), _difficulty(w[4] - e ** (w[5] * (grade - 1)) + 1))

    def next(self, card: Card, rating: Name, days: int) -> Card:
        """After another review, `days` (at least 1) after the one before: one answer a day is rated."""
        stability, difficulty, w = card.stability, card.difficulty, self._w
        forgotten: float = 1 - (1 + self._factor * days / stability) ** self._decay
        if rating == "again":
            after = min(
                w[11] * difficulty ** -w[12] * ((stability + 1) ** w[13] - 1) * e ** (forgotten * w[14]),
                stability / self._relearning,
            )
        else:
            factor = w[15] if rating == "hard" else w[16] if rating == "easy" else 1.0
            growth = self._growth * (11 - difficulty) * stability ** -w[9] * (e ** (forgotten * w[10]) - 1)
            after = stability * (1 + growth * factor)
        moved = difficulty + (10.0 - difficulty) * -(w[6] * (_GRADES[rating] - 3)) / 9.0
        return Card(max(after, _BRIEFEST), _difficulty(w[7] * self._easy + (1 - w[7]) * moved))


def _difficulty(x: float) -> float:
    return 1.0 if x < 1.0 else 10.0 if x > 10.0 else x
