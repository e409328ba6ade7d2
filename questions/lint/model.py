"""B31: a logistic model over options, learned from all entries but one and tried on that one. Plain Python.

Among the options of a list it gives each a weight exp(w·x) and so a probability. It is fitted by gradient descent with
momentum from zero and a fixed number of steps: the same bank gives the same result everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import exp, sqrt
from operator import mul

from questions.lint.cues import Pick

STEPS, RATE, MOMENTUM, RIDGE = 25, 0.9, 0.8, 0.02
LEAST = 60  # lists; a model of 15 weights learns nothing from fewer

Rows = list[list[float]]  # one row of features an option


def leave_one_topic_out(found: Sequence[Pick]) -> tuple[int, list[Fraction]]:
    """How many keys the model finds in entries it has not seen, and its chance at each list; 0 and [] if too few."""
    topics = sorted({pick.topic for pick in found})
    if len(found) < LEAST or len(topics) < 2:
        return 0, []
    lists = _standardised([pick.surface for pick in found])
    hits, chances = 0, []
    for topic in topics:
        seen = [(rows, pick.key) for rows, pick in zip(lists, found, strict=True) if pick.topic != topic]
        weights = _fitted(seen)
        for rows, pick in zip(lists, found, strict=True):
            if pick.topic != topic:
                continue
            scores = [sum(map(mul, weights, row)) for row in rows]
            best = [n for n, score in enumerate(scores) if score >= max(scores) - 1e-9]
            if len(best) < len(scores):
                hits += pick.key in best
                chances.append(Fraction(len(best), len(scores)))
    return hits, chances


def _standardised(lists: Sequence[Rows]) -> list[Rows]:
    """Features as differences from the mean of their list, of like spread: only differences tell options apart."""
    centred = []
    for rows in lists:
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        centred.append([[value - mean for value, mean in zip(row, means, strict=True)] for row in rows])
    options = [row for rows in centred for row in rows]
    scales = [sqrt(sum(v * v for v in column) / len(options)) or 1.0 for column in zip(*options, strict=True)]
    return [[[v / scale for v, scale in zip(row, scales, strict=True)] for row in rows] for rows in centred]


def _fitted(seen: Sequence[tuple[Rows, int]]) -> list[float]:
    """Weights that make the keys likely, kept small by a ridge."""
    width = len(seen[0][0][0])
    columns = list(zip(*(row for rows, _ in seen for row in rows), strict=True))
    weights, speed = [0.0] * width, [0.0] * width
    for _ in range(STEPS):
        pull: list[float] = []  # of every option: by how much its probability is too small
        for rows, key in seen:
            odds = [exp(min(30.0, sum(map(mul, weights, row)))) for row in rows]
            total = sum(odds)
            pull += [(n == key) - o / total for n, o in enumerate(odds)]
        gradient = [sum(map(mul, pull, column)) / len(seen) for column in columns]
        speed = [MOMENTUM * s + g - RIDGE * w for s, g, w in zip(speed, gradient, weights, strict=True)]
        weights = [w + RATE * s for w, s in zip(weights, speed, strict=True)]
    return weights
