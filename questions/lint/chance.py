"""How likely a number of hits is by luck alone: exact, with math.comb, where chances differ from list to list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import comb, erfc, exp, gamma, sqrt


def at_least(hits: int, chances: Iterable[Fraction]) -> float:
    """P(as many hits or more) where every list has its own chance. (200 lists of four: 66 hits have 0.0068.)"""
    return min(1.0, sum(_hits(chances)[max(0, hits) :]))


def at_most(hits: int, chances: Iterable[Fraction]) -> float:
    """P(as many hits or fewer)."""
    return min(1.0, sum(_hits(chances)[: max(0, hits + 1)]))


def _hits(chances: Iterable[Fraction]) -> list[float]:
    """The probability of 0, 1, 2, ... hits: binomials of equal chances, folded into one another."""
    folded = [1.0]
    for p, n in sorted(Counter(chances).items()):
        whole, part = p.denominator, p.numerator
        # whole numbers until the last division: neither overflow nor rounding for any n
        one = [comb(n, k) * part**k * (whole - part) ** (n - k) / whole**n for k in range(n + 1)]
        longer = [0.0] * (len(folded) + n)
        for i, a in enumerate(folded):
            for k, b in enumerate(one):
                longer[i + k] += a * b
        folded = longer
    return folded


def uneven(counts: Mapping[int, Sequence[int]]) -> float:
    """p of a chi-square test that each row is uniform; 1 where too few were counted for the test to hold.

    counts: number of places -> how often each was taken. Rows of different length are judged together.
    """
    square, freedom = 0.0, 0
    for places, row in counts.items():
        expected = sum(row) / places
        if expected < 5:  # below that the chi-square distribution is a poor stand-in
            continue
        square += sum((n - expected) ** 2 / expected for n in row)
        freedom += places - 1
    return _beyond(square, freedom) if freedom else 1.0


def _beyond(square: float, freedom: int) -> float:
    """P(chi-square with this many degrees of freedom > square), built up two degrees at a time."""
    half = square / 2
    p, have = (exp(-half), 2) if freedom % 2 == 0 else (erfc(sqrt(half)), 1)
    while have < freedom:
        p += half ** (have / 2) * exp(-half) / gamma(have / 2 + 1)
        have += 2
    return p
