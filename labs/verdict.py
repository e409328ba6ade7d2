"""From outcomes a seed to supported, refuted or undecided. Pure statistics: values in, a verdict out.

Arms are paired by seed and compared by Student's t interval on the differences. Looks are planned: look k
happens at start + (k-1) * step seeds and may err with probability alpha / (k (k+1)). These add up to at most
alpha over all k, so by the union bound a learner who asks for more seeds until the verdict pleases is misled
no more often than alpha, and the intervals of all looks hold together with the registered confidence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne

import msgspec

from labs.catalog import Bet, Check, Outcome, Rule, Ruling, Seeds

PerSeed = Mapping[int, float]  # seed -> value
Outcomes = Mapping[str, Mapping[str, PerSeed]]  # outcome id -> arm id -> seed -> value

# What a verdict may carry beside it; the words are in labs.problems.MESSAGES as note-<key>.
NOTES = ("few-seeds", "diverged-counted", "diverged")

DIVERGED = 1e100  # a larger number counts as diverged; its square would not be far from overflow
FEWEST = 3  # seeds for a verdict by interval: two differences agree too easily
BET_CONFIDENCE = 0.95


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's verdict on its claim.

    effect and interval belong to the rule's first check, in `unit` (percentage points, "pp", for a difference
    of percentages): the mean difference and the t interval of this look; for an exact check the mean over
    seeds and the smallest and largest value.
    confidence: as registered, for all looks together; 1.0 for a rule of exact checks only.
    seeds: how many seeds every check could use. note: one of NOTES, or empty.
    """

    rule: str
    claim: str
    verdict: Ruling
    effect: float
    interval: tuple[float, float]
    confidence: float
    seeds: int
    unit: str
    note: str = ""


class BandResult(msgspec.Struct, frozen=True):
    """Where a bet's quantity fell. band: the band that holds the whole interval, None where none does."""

    band: int | None
    effect: float
    interval: tuple[float, float]


class _Sample(msgspec.Struct, frozen=True):
    """Values a seed, ready to be judged."""

    values: list[float]
    replaced: int  # non-finite outcomes that stand for a registered value
    lost: int  # seeds whose outcome is non-finite with nothing registered: left out


class _Finding(msgspec.Struct, frozen=True):
    ruling: Ruling
    effect: float
    interval: tuple[float, float]
    sample: _Sample


def judge(rule: Rule, declared: Mapping[str, Outcome], outcomes: Outcomes, seeds: Seeds) -> Verdict:
    """The rule's verdict on these outcomes.

    Supported when every check is, each at its own level (an intersection-union test keeps the error rate);
    refuted when any check is, each at its share of the level, since any of them may err; else undecided.
    Only seeds measured in both arms of a check count. declared: outcome id -> its declaration.
    """
    by_interval = sum(check.kind != "exact" for check in rule.checks)
    alpha = 1 - rule.confidence
    findings = [
        _exact(check, declared[check.outcome], outcomes)
        if check.kind == "exact"
        else _by_interval(check, declared[check.outcome], outcomes, seeds, alpha, by_interval)
        for check in rule.checks
    ]
    rulings = {finding.ruling for finding in findings}
    ruling: Ruling = "undecided"
    if "refuted" in rulings:
        ruling = "refuted"
    elif rulings == {"supported"}:
        ruling = "supported"
    first = findings[0]
    return Verdict(
        rule=rule.id,
        claim=rule.claim,
        verdict=ruling,
        effect=first.effect,
        interval=first.interval,
        confidence=rule.confidence if by_interval else 1.0,
        seeds=min(len(finding.sample.values) for finding in findings),
        unit=rule.checks[0].unit(declared),
        note=_note(rule, findings, ruling),
    )


def _note(rule: Rule, findings: Sequence[_Finding], ruling: Ruling) -> str:
    if ruling == "undecided" and any(finding.sample.lost for finding in findings):
        return "diverged"
    fewest = [1 if check.kind == "exact" else FEWEST for check in rule.checks]
    if ruling == "undecided" and any(
        len(finding.sample.values) < few for finding, few in zip(findings, fewest, strict=True)
    ):
        return "few-seeds"
    if any(finding.sample.replaced for finding in findings):
        return "diverged-counted"
    return ""


_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def _exact(check: Check, declared: Outcome, outcomes: Outcomes) -> _Finding:
    if check.relation is None or check.value is None:
        raise ValueError("an exact check has a relation and a value")
    sample = _sample(outcomes, declared, check.arm, None)
    holds = _RELATIONS[check.relation]
    ruling: Ruling = "undecided"
    if not all(holds(value, check.value) for value in sample.values):
        ruling = "refuted"
    elif sample.values and not sample.lost:
        ruling = "supported"
    if not sample.values:
        return _Finding(ruling, math.nan, (math.nan, math.nan), sample)
    return _Finding(ruling, _mean(sample.values), (min(sample.values), max(sample.values)), sample)


def _by_interval(
    check: Check, declared: Outcome, outcomes: Outcomes, seeds: Seeds, alpha: float, shares: int
) -> _Finding:
    sample = _sample(outcomes, declared, check.arm, check.versus)
    n = len(sample.values)
    level = alpha * look_share(n, seeds)
    effect, interval = _interval(sample.values, declared.resolution, level)
    if n < FEWEST or sample.lost:
        return _Finding("undecided", effect, interval, sample)
    # The claim is that the effect lies in the open range from low to high.
    if check.kind == "greater":
        low, high = check.margin, math.inf
    else:
        centre = check.value if check.versus is None and check.value is not None else 0.0
        low, high = centre - check.margin, centre + check.margin
    _, (wide_low, wide_high) = _interval(sample.values, declared.resolution, level / shares)
    ruling: Ruling = "undecided"
    if low < interval[0] and interval[1] < high:
        ruling = "supported"
    elif wide_high <= low or high <= wide_low:
        ruling = "refuted"
    return _Finding(ruling, effect, interval, sample)


def measured_band(bet: Bet, declared: Mapping[str, Outcome], outcomes: Outcomes, seeds: Seeds) -> BandResult:
    """The band that holds the whole interval of the bet's quantity, at 95 % over all looks together.

    A band runs from the edge below it, included, up to its own, not included. None: too few seeds, a seed
    that diverged with nothing registered for that, or an interval with an edge in it.
    """
    outcome = declared[bet.outcome]
    sample = _sample(outcomes, outcome, bet.arm, bet.versus)
    n = len(sample.values)
    level = (1 - BET_CONFIDENCE) * look_share(n, seeds)
    effect, interval = _interval(sample.values, outcome.resolution, level)
    if n < FEWEST or sample.lost:
        return BandResult(None, effect, interval)
    edges = [band.below for band in bet.bands if band.below is not None]
    first, last = (sum(edge <= end for edge in edges) for end in interval)
    return BandResult(first if first == last else None, effect, interval)


def surprise_bits(chosen: int | None, p: float, measured: int | None, bands: int) -> float | None:
    """-log2 of the probability that the learner gave to the measured band; None where none was measured.

    chosen: the band bet on with probability p; what is left is spread evenly over the others. None: no bet,
    all bands alike.
    """
    if measured is None:
        return None
    mass = 1 / bands if chosen is None else p if chosen == measured else (1 - p) / (bands - 1)
    return -math.log2(mass) if mass > 0 else math.inf


def bet_points(chosen: int | None, p: float, measured: int | None, bands: int) -> float | None:
    """The quadratic score 10 (2 o p - p^2) with o = 1 for the right band; None where none was measured.

    Proper: the expected score is highest for the probability one believes in. Without a choice it is 0.
    """
    if measured is None:
        return None
    if not 0 <= measured < bands:
        raise ValueError(f"band {measured} of {bands}")
    if chosen is None:
        return 0.0
    return 10 * (2 * (chosen == measured) * p - p * p)


# ---- samples and intervals ---------------------------------------------------------------------------------


def _sample(outcomes: Outcomes, declared: Outcome, arm: str, versus: str | None) -> _Sample:
    by_arm = outcomes.get(declared.id, {})
    measured = by_arm.get(arm, {})
    against = by_arm.get(versus, {}) if versus is not None else None
    values: list[float] = []
    replaced = lost = 0
    for seed, value in measured.items():
        if against is None:
            pair = [value]
        elif seed in against:
            pair = [value, against[seed]]
        else:
            continue
        if not all(map(_usable, pair)):
            if declared.when_diverged is None:
                lost += 1
                continue
            replaced += 1
            pair = [x if _usable(x) else declared.when_diverged for x in pair]
        values.append(pair[0] - pair[1] if len(pair) == 2 else pair[0])
    return _Sample(values, replaced, lost)


def _usable(value: float) -> bool:
    return abs(value) < DIVERGED  # false for NaN as well


def look_share(n: int, seeds: Seeds) -> float:
    """The share of alpha to spend at n seeds: 1 / (k (k+1)), k the first look planned at n or later."""
    k = 1 + max(0, math.ceil((n - seeds.start) / seeds.step))
    return 1 / (k * (k + 1))


def _mean(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)  # fsum: the order of seeds makes no difference
    return min(max(mean, min(values)), max(values))  # rounding may put three equal values' mean beside them


def _interval(values: Sequence[float], resolution: float, alpha: float) -> tuple[float, tuple[float, float]]:
    """Mean and two-sided Student interval.

    A value that moves in steps of `resolution` hides a spread of up to resolution / sqrt(12), the sd of
    a uniform rounding error, so that seeds which happen to agree do not make an interval of width zero.
    """
    n = len(values)
    if n == 0:
        return math.nan, (-math.inf, math.inf)
    mean = _mean(values)
    if n == 1:
        return mean, (-math.inf, math.inf)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = t_quantile(alpha / 2, n - 1) * max(sd, resolution / math.sqrt(12)) / math.sqrt(n)
    return mean, (mean - half, mean + half)


# ---- Student's t -------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def t_quantile(tail: float, df: int) -> float:
    """The t > 0 that Student's t with df degrees of freedom exceeds with probability `tail` (0 < tail < 0.5).

    Newton's method on the logarithm of the tail, kept inside a bracket; to about 1e-10 of the value.
    """
    if not 0 < tail < 0.5 or df < 1:
        raise ValueError(f"no t quantile for tail {tail}, df {df}")
    low, high = 0.0, 1.0
    while t_tail(high, df) > tail:
        low, high = high, 2 * high
    t = (low + high) / 2
    for _ in range(200):
        above = t_tail(t, df)
        low, high = (t, high) if above > tail else (low, t)
        step = above * math.log(above / tail) / _t_density(t, df)  # the log of a tail is nearly straight
        following = t + step if low < t + step < high else (low + high) / 2
        if abs(following - t) <= 1e-14 * following:
            return following
        t = following
    return t


def t_tail(t: float, df: int) -> float:
    """P(T > t) for t >= 0, which is I_x(df/2, 1/2) / 2 with x = df / (df + t^2) (DLMF 8.17; A&S 26.7.1)."""
    return 0.5 * _incomplete_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


def _t_density(t: float, df: int) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    return math.exp(log_scale - (df + 1) / 2 * math.log1p(t * t / df))


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b), with rest = 1 - x given apart, since x near 1 would lose it.

    The continued fraction DLMF 8.17.22, by Lentz's method; it converges fast for x < (a+1) / (a+b+2), and the
    symmetry I_x(a, b) = 1 - I_{1-x}(b, a) brings every other x there.
    """
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, rest, x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    tiny = 1e-300  # stands for a zero that would be divided by
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    fraction = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + term * d or tiny)
            c = 1 + term / c or tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return math.exp(log_front) * fraction / a
