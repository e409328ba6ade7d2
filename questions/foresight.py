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
        modelled = min(max(modelled, _CLOSEST), _FURTHEST)
        x = constant + odds * log(modelled / (1 - modelled)) + past * record
        if abs(x) > _EXTREME:
            return _FURTHEST if x > 0 else _CLOSEST
        return 1 / (1 + exp(-x))

    def note(self, modelled: float, record: float, ok: bool) -> None:
        """Learns from what came."""
        p = self.right(modelled, record)
        modelled = min(max(modelled, _CLOSEST), _FURTHEST)
        x = 1.0, log(modelled / (1 - modelled)), record
        towards = _matrix_times(self._spread, x)
        gain = 1 / (1 / (p * (1 - p)) + _dot(x, towards))
        a, b, c = self._spread
        self._spread = (
            _minus(a, towards, gain * towards[0]),
            _minus(b, towards, gain * towards[1]),
            _minus(c, towards, gain * towards[2]),
        )
        self._weights = _minus(self._weights, _matrix_times(self._spread, x), p - ok)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _matrix_times(rows: tuple[Vector, Vector, Vector], x: Vector) -> Vector:
    return _dot(rows[0], x), _dot(rows[1], x), _dot(rows[2], x)


def _minus(a: Vector, b: Vector, times: float) -> Vector:
    return a[0] - times * b[0], a[1] - times * b[1], a[2] - times * b[2]
