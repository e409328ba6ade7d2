"""Measured numbers in words: verdicts, intervals, and the question that makes one read them first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from textual.content import Content

from tui.widgets.plot import LETTERS, figure

if TYPE_CHECKING:
    from labs.catalog import Lab
    from tui.i18n import Translator

PerSeed = Mapping[int, float]
Outcomes = Mapping[str, Mapping[str, PerSeed]]
Reading = Literal["first", "second", "within", "equal"]

RULING = {"supported": ("✓", "$success"), "refuted": ("✗", "$error"), "undecided": ("?", "$warning")}


def ruling(tr: Translator, verdict: str) -> Content:
    """A verdict as glyph and word."""
    glyph, style = RULING.get(verdict, ("?", "$warning"))
    return Content.styled(f"{glyph} {tr(f'lab.{verdict}')}", f"{style} bold")


def amount(value: float, unit: str = "") -> str:
    """A measured number with its unit; "∞" where there is no bound yet."""
    if math.isinf(value):
        return "-∞" if value < 0 else "∞"
    number = figure(value) if math.isfinite(value) else "×"
    return f"{number} {unit}".rstrip()


def effect(tr: Translator, value: float, interval: Sequence[float], unit: str, confidence: float) -> str:
    """An effect with its interval: "-48.9 % (95 % interval -52.1 to -45.6)"."""
    if not all(map(math.isfinite, (value, *interval))):
        return tr("lab.effect_open", value=amount(value, unit))
    low, high = (amount(edge) for edge in interval)
    if confidence >= 1:
        return tr("lab.effect_exact", value=amount(value, unit), low=low, high=high)
    return tr("lab.effect", value=amount(value, unit), low=low, high=high, confidence=f"{100 * confidence:g}")


class Summary(NamedTuple):
    """One outcome of one arm over its seeds. sd: of the sample, 0 for one seed; n: finite values only."""

    mean: float
    sd: float
    n: int
    lost: int


def summarise(values: PerSeed | None) -> Summary | None:
    """Mean and sample sd of the finite values, None where nothing was measured."""
    if not values:
        return None
    finite = [v for v in values.values() if math.isfinite(v)]
    lost = len(values) - len(finite)
    if not finite:
        return Summary(math.nan, 0.0, 0, lost)
    mean = math.fsum(finite) / len(finite)
    squares = math.fsum((v - mean) ** 2 for v in finite)
    return Summary(
        mean, math.sqrt(squares / (len(finite) - 1)) if len(finite) > 1 else 0.0, len(finite), lost
    )


class Question(NamedTuple):
    """Which of two arms came out higher, and is the gap larger than the spread? `key`: the right reading."""

    outcome: str
    first: str
    second: str
    key: Reading

    @property
    def readings(self) -> tuple[Reading, ...]:
        return ("first", "second", "within", "equal")


def question(lab: Lab, outcomes: Outcomes) -> Question | None:
    """The readout question about the bet's outcome; None where fewer than two arms measured it.

    The gap between the means is compared with the larger of the two sample sds.
    """
    bet = lab.bet
    by_arm = outcomes.get(bet.outcome, {})
    known = {arm.id: found for arm in lab.arms if (found := summarise(by_arm.get(arm.id))) and found.n}
    if bet.arm not in known:
        return None
    here = known[bet.arm]
    others = [arm for arm in known if arm != bet.arm]
    other = (
        bet.versus
        if bet.versus in known
        else max(others, key=lambda a: abs(known[a].mean - here.mean), default=None)
    )
    if other is None:
        return None
    gap = here.mean - known[other].mean
    spread = max(here.sd, known[other].sd)
    key: Reading
    if gap == 0 and spread == 0:
        key = "equal"
    elif abs(gap) <= spread:
        key = "within"
    else:
        key = "first" if gap > 0 else "second"
    return Question(bet.outcome, bet.arm, other, key)


def letters(lab: Lab) -> dict[str, str]:
    """The letter that stands for each arm in charts and tables."""
    return {arm.id: LETTERS[n % len(LETTERS)] for n, arm in enumerate(lab.arms)}
