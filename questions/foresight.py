"""How probable is a right answer? What the memory model says, put right by this learner's own record.

Three weights of a logistic regression on the model's log odds and on how the claim's earlier answers went, learnt
answer by answer (one Newton step each, as an extended Kalman filter does). They start as the model itself. Where the
model is wrong about a learner, its word counts less; `benchmarks.learning` measures what that is worth.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

Vector = tuple[float, float, float]

FIRM: Final = (1.0, 0.25, 0.25)  # variances of the weights before any answer
_CLOSEST: Final = 1e-3  # to 0 or 1 that a prediction comes
_FURTHEST: Final = 1 - _CLOSEST
_EXTREME: Final = log(_FURTHEST / _CLOSEST)


class Foresight:
    """The weights of one learner, and how sure they are."""

    __slots__ = ("_spread", "_weights")

    def __init__(self) -> None:
        self._weights: Vector = (0.0, 1.0, 0.0)  # constant, the model's log odds, the record
        self._spread: tuple[Vector, Vector, Vector] = (
            (FIRM[0], 0.0, 0.0),
            (0.0, FIRM[1], 0.0),
            (0.0, 0.0, FIRM[2]),
        )

    def right(self, modelled: float, record: float) -> float:
        """Probability of a right answer; `modelled` is what the memory model says, `record` is of that claim."""
        constant, odds, past = self._weights
        return _probability(constant + odds * _log_odds(modelled) + past * record)

    def note(self, modelled: float, record: float, ok: bool) -> float:
        """Learns from what came. Returns the probability of a right answer before that, as `right` gives it."""
        x = _log_odds(modelled)
        constant, odds, past = self._weights
        p = _probability(constant + odds * x + past * record)
        # Written out for the vector (1, x, record): in a replay this runs at every answer.
        (a, b, c), (d, e, f), (g, h, i) = self._spread
        u, v, w = a + b * x + c * record, d + e * x + f * record, g + h * x + i * record
        gain = 1 / (1 / (p * (1 - p)) + (u + x * v + record * w))
        s, t, r = gain * u, gain * v, gain * w
        a, b, c = a - s * u, b - s * v, c - s * w
        d, e, f = d - t * u, e - t * v, f - t * w
        g, h, i = g - r * u, h - r * v, i - r * w
        self._spread = (a, b, c), (d, e, f), (g, h, i)
        wrong = p - ok
        self._weights = (
            constant - wrong * (a + b * x + c * record),
            odds - wrong * (d + e * x + f * record),
            past - wrong * (g + h * x + i * record),
        )
        return p


def _log_odds(p: float) -> float:
    p = _CLOSEST if p < _CLOSEST else _FURTHEST if p > _FURTHEST else p
    return log(p / (1 - p))


def _probability(log_odds: float) -> float:
    if abs(log_odds) > _EXTREME:
        return _FURTHEST if log_odds > 0 else _CLOSEST
    return 1 / (1 + exp(-log_odds))
