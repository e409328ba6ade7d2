"""Measured numbers in words: verdicts, intervals, and the question that makes one read them first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from textual.content import Content

from tui.i18n import with_unit
from tui.widgets.plot import LETTERS, figure
from tui.widgets.prose import spans
from tui.widgets.table import table

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
    return with_unit(figure(value) if math.isfinite(value) else "×", unit)


def alike(values: Sequence[float], scale: float) -> list[str]:
    """Numbers with the same decimals: so many that `scale`, such as an sd, shows two digits, at least one."""
    if not (all(math.isfinite(v) and abs(v) < 1e5 for v in values) and 1e-3 <= scale < 1e4):
        return [amount(value) for value in values]
    decimals = max(int(scale < 100), 1 - math.floor(math.log10(scale)))
    return [f"{value:.{decimals}f}" for value in values]


def spread(mean: float, sd: float) -> str:
    """A mean with its sd: "98.05 ± 0.21"."""
    return " ± ".join(alike((mean, sd), sd))


def effect(tr: Translator, value: float, interval: Sequence[float], unit: str, confidence: float) -> str:
    """An effect with its interval: "-48.9 points, 95% interval -52.1 to -45.6". unit: as declared."""
    unit = tr.unit(unit)
    if not all(map(math.isfinite, (value, *interval))):
        return tr("lab.effect_open", value=amount(value, unit))
    number, low, high = alike((value, *interval), (interval[1] - interval[0]) / 2)
    number = with_unit(number, unit)
    if confidence >= 1:
        key = "lab.effect_same" if interval[0] == interval[1] else "lab.effect_exact"
        return tr(key, value=number, low=low, high=high)
    return tr("lab.effect", value=number, low=low, high=high, confidence=f"{100 * confidence:g}")


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


def band_label(tr: Translator, lab: Lab, band: int) -> str:
    """A band of the bet in words: its own label, or its edges."""
    bands = lab.bet.bands
    label, below = bands[band].label, bands[band].below
    if label is not None:
        return label.get(tr.lang)
    unit = tr.unit(lab.bet.unit(lab.declared))
    low = bands[band - 1].below if band else None
    if low is None and below is not None:
        return tr("lab.band_below", high=amount(below, unit))
    if below is None:
        return tr("lab.band_from", low=amount(low or 0.0, unit))
    return tr("lab.band_between", low=amount(low or 0.0), high=amount(below, unit))


def reading_labels(tr: Translator, lab: Lab, asked: Question) -> list[str]:
    """The options of the readout question, in the order of its readings."""
    marks = letters(lab)
    named = {arm.id: f"{marks[arm.id]} {arm.label.get(tr.lang)}" for arm in lab.arms}
    return [
        tr("lab.reading_higher", arm=named[asked.first]),
        tr("lab.reading_higher", arm=named[asked.second]),
        tr("lab.reading_within"),
        tr("lab.reading_equal"),
    ]


def outcome_table(
    tr: Translator, lab: Lab, outcomes: Outcomes, width: int, only: str | None = None
) -> list[Content]:
    """Arms by outcomes: mean and sd over seeds. The bet's outcome comes first and goes last.

    only: this outcome alone, and the arms that measured it.
    """
    marks = letters(lab)
    order = sorted(lab.outcomes, key=lambda outcome: outcome.id != lab.bet.outcome)
    shown = [outcome for outcome in order if outcome.id in outcomes and only in (None, outcome.id)]
    rows: list[list[Content | str]] = [
        ["", *(Content.styled(f"{o.label.get(tr.lang)} {tr.unit(o.unit)}".rstrip(), "$muted") for o in shown)]
    ]
    for n, arm in enumerate(lab.arms):
        found = [summarise(outcomes[o.id].get(arm.id)) for o in shown]
        if only is None or any(found):
            style = f"$series-{n + 1} bold" if n < 4 else "bold"
            name = Content.assemble((marks[arm.id], style), " ", spans(arm.label.get(tr.lang)))
            rows.append([name, *map(_cell, found)])
    return table(rows, width, align="l" + "r" * len(shown), flex=0, drop=range(len(shown), 1, -1), least=18)


def _cell(found: Summary | None) -> str:
    if found is None:
        return "-"
    number = spread(found.mean, found.sd)
    return f"{number} (× {found.lost})" if found.lost else number
