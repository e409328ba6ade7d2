"""Mean and spread of every series over the seeds that have reached a step, whichever batch they train in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from labs.journal import Point, Spread, as_float, number


class _Summary(NamedTuple):
    """Of the finite values among one batch's seeds: how many, their mean, their summed squared deviations."""

    n: int
    mean: float
    squares: float


class _Part(NamedTuple):
    """What one batch has told about one arm at one step."""

    seeds: int
    series: dict[str, _Summary]


class Curves:
    """Adds batches of seeds up, step by step. A batch is named by an int; 0 is what the run knew before."""

    def __init__(self) -> None:
        self._parts: dict[tuple[float, str], dict[int, _Part]] = {}  # (step, arm) -> batch -> part

    def recall(self, point: Point) -> None:
        """Takes in a point that an earlier worker wrote; a later one of the same step and arm replaces it."""
        series = {id: _remembered(spread) for id, spread in point.series.items()}
        self._parts.setdefault((point.step, point.arm), {})[0] = _Part(point.seeds_in_view, series)

    def add(
        self,
        batch: int,
        step: float,
        of: float,
        series: Mapping[str, Mapping[str, Sequence[float]]],
        t: float,
    ) -> list[Point]:
        """Takes in one batch's values (series id -> arm id -> one a seed) and gives the lines to write."""
        by_arm: dict[str, dict[str, Sequence[float]]] = {}
        for id, arms in series.items():
            for arm, values in arms.items():
                by_arm.setdefault(arm, {})[id] = values
        points = []
        for arm, told in by_arm.items():
            parts = self._parts.setdefault((step, arm), {})
            known = parts.get(batch)
            summaries = dict(known.series) if known else {}
            summaries.update((id, _summary(values)) for id, values in told.items())
            parts[batch] = _Part(len(next(iter(told.values()))), summaries)
            points.append(_line(arm, step, of, parts, t))
        return points

    def forget(self, batch: int) -> None:
        """Drops what a batch has told: it starts again from its beginning."""
        for parts in self._parts.values():
            parts.pop(batch, None)


def _line(arm: str, step: float, of: float, parts: Mapping[int, _Part], t: float) -> Point:
    joined: dict[str, _Summary] = {}
    for part in parts.values():
        for id, summary in part.series.items():
            joined[id] = _joined(joined[id], summary) if id in joined else summary
    in_view = sum(part.seeds for part in parts.values())
    spreads = {id: _spread(summary) for id, summary in joined.items()}
    return Point(t=t, arm=arm, step=step, of=of, series=spreads, seeds_in_view=in_view)


def _summary(values: Sequence[float]) -> _Summary:
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return _Summary(0, math.nan, 0.0)
    mean = sum(value / len(finite) for value in finite)  # a plain sum of numbers near 1e308 would overflow
    return _Summary(len(finite), mean, sum((value - mean) * (value - mean) for value in finite))


def _joined(a: _Summary, b: _Summary) -> _Summary:
    """Both samples as one (Chan, Golub and LeVeque 1979)."""
    if not a.n or not b.n:
        return a if a.n else b
    n = a.n + b.n
    apart = b.mean - a.mean
    return _Summary(n, a.mean + apart * (b.n / n), a.squares + b.squares + apart * apart * (a.n * b.n / n))


def _spread(summary: _Summary) -> Spread:
    sd = math.sqrt(summary.squares / (summary.n - 1)) if summary.n > 1 else 0.0
    low, high = summary.mean - sd, summary.mean + sd
    return Spread(mean=number(summary.mean), lo=number(low), hi=number(high), n=summary.n)


def _remembered(spread: Spread) -> _Summary:
    sd = (as_float(spread.hi) - as_float(spread.lo)) / 2
    return _Summary(spread.n, as_float(spread.mean), sd * sd * (spread.n - 1) if spread.n > 1 else 0.0)
