"""Arms against each other, learner by learner: paired differences with 95 % intervals, never two means side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from statistics import NormalDist, fmean, stdev
from typing import Final

from msgspec import Struct

from benchmarks.learning.course import Outcome

Runs = Mapping[str, Sequence[Outcome]]  # by arm; the n-th run of every arm has the same learner

METRICS: Final = Outcome.__struct_fields__
_Z: Final = NormalDist().inv_cdf(0.975)


class Difference(Struct, frozen=True):
    """Mean of paired differences and its 95 % interval (Student's t); nan where fewer than two pairs apply."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]" if isfinite(self.mean) else "-"


class Cell(Struct, frozen=True, kw_only=True):
    """One scenario and one family of learners."""

    scenario: str
    learner: str
    learners: int
    arms: dict[str, dict[str, float]]  # mean of every metric
    proposed_minus: dict[str, dict[str, Difference]]  # by arm, of the metrics in DIFFERENCES
    proposed_minus_fair_fsrs: Difference  # in k30
    proposed_minus_best: Difference  # the same against `best_arm`
    best_arm: str  # largest mean k30 of the arms that are not the app


DIFFERENCES: Final = ("k30", "k_end", "area", "day80", "reviews", "beliefs", "minutes")


def cell(scenario: str, learner: str, runs: Runs, baselines: Sequence[str]) -> Cell:
    proposed = runs["proposed"]
    minus = {
        arm: {metric: paired(proposed, other, metric) for metric in DIFFERENCES}
        for arm, other in runs.items()
        if arm != "proposed"
    }
    best = min((arm for arm in minus if arm in baselines), key=lambda arm: minus[arm]["k30"].mean)
    return Cell(
        scenario=scenario,
        learner=learner,
        learners=len(proposed),
        arms={arm: means(outcomes) for arm, outcomes in runs.items()},
        proposed_minus=minus,
        proposed_minus_fair_fsrs=minus["fair-fsrs"]["k30"],
        proposed_minus_best=minus[best]["k30"],
        best_arm=best,
    )


def means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Of every metric, over the learners to whom it applies."""
    result = {}
    for metric in METRICS:
        values = [v for o in outcomes if isfinite(v := getattr(o, metric))]
        result[metric] = fmean(values) if values else float("nan")
    return result


def paired(ours: Sequence[Outcome], theirs: Sequence[Outcome], metric: str) -> Difference:
    """Ours minus theirs."""
    pairs = zip(ours, theirs, strict=True)
    return interval([d for a, b in pairs if isfinite(d := getattr(a, metric) - getattr(b, metric))])


def interval(values: Sequence[float]) -> Difference:
    n = len(values)
    if n < 2:
        nan = float("nan")
        return Difference(nan, nan, nan)
    half = student(n - 1) * stdev(values) / sqrt(n)
    mean = fmean(values)
    return Difference(mean, mean - half, mean + half)


def student(degrees: int) -> float:
    """97.5 % quantile of Student's t, by the expansion in 1/degrees; within 1 % from 4 degrees on."""
    z, d = _Z, degrees
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / d + second / d**2 + third / d**3
