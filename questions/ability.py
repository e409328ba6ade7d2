"""What answers say about how much of an entry somebody knows: item response theory, by integration on a grid. Pure.

The model is the three-parameter logistic one with all discriminations 1 (Birnbaum, in Lord & Novick 1968): whoever has
ability theta knows the answer with probability 1 / (1 + exp(b - theta)), and else guesses one of k. Before any answer
theta ~ N(0, 1); b rises from -1.5 to 1.5 with the author's difficulty of 1 to 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import exp, sqrt
from typing import Final

from msgspec import Struct

STEP: Final = 0.15
GRID: Final = tuple(STEP * n for n in range(-40, 41))  # abilities
_PRIOR: Final = tuple(exp(-theta * theta / 2) for theta in GRID)


class Tried(Struct, frozen=True):
    """A first answer to a claim, as far as ability goes. "I don't know" is a wrong answer that nothing was guessed
    at; it weighs the same, since being wrong has probability (1 - chance) (1 - known) and the first factor is the
    same for every ability."""

    entry: str
    difficulty: int  # 1 to 5
    chance: float
    ok: bool


class Ability(Struct, frozen=True):
    """A distribution over GRID; weights add up to 1."""

    weights: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(w * theta for w, theta in zip(self.weights, GRID, strict=True))

    @property
    def se(self) -> float:
        """Standard deviation of the posterior."""
        mean = self.mean
        return sqrt(sum(w * (theta - mean) ** 2 for w, theta in zip(self.weights, GRID, strict=True)))

    def right(self, difficulty: int, chance: float) -> float:
        """Probability of a right answer, guesses included, averaged over what the ability may be."""
        known = sum(w * k for w, k in zip(self.weights, _known(difficulty), strict=True))
        return chance + (1 - chance) * known

    def below(self, other: Ability) -> float:
        """Probability that this ability is less than an independent other one."""
        above, total = 1.0, 0.0
        for w, theirs in zip(self.weights, other.weights, strict=True):
            above -= theirs
            total += w * (above + theirs / 2)
        return total

    def quantile(self, share: float) -> float:
        """The ability that this share of the distribution lies below; each weight is spread over its step."""
        below = 0.0
        for w, theta in zip(self.weights, GRID, strict=True):
            if below + w >= share:
                return theta + STEP * ((share - below) / w - 0.5)
            below += w
        return GRID[-1]


def posterior(tried: Iterable[Tried]) -> Ability:
    """What is held about an ability after these answers."""
    weights: Sequence[float] = _PRIOR
    for answer in tried:
        known = _known(answer.difficulty)
        if answer.ok:
            weights = [
                w * (answer.chance + (1 - answer.chance) * k) for w, k in zip(weights, known, strict=True)
            ]
        else:
            weights = [w * (1 - k) for w, k in zip(weights, known, strict=True)]
    total = sum(weights)
    return Ability(tuple(w / total for w in weights))


def known(theta: float, difficulty: int) -> float:
    """Probability to know an answer, guesses left out."""
    return 1 / (1 + exp(-1.5 + 0.75 * (difficulty - 1) - theta))


@cache
def _known(difficulty: int) -> tuple[float, ...]:
    return tuple(known(theta, difficulty) for theta in GRID)
