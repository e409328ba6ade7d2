"""The figures of a learner's log: days, bets, surprises, the app's own predictions. Pure: events in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import inf, log, log2
from typing import Final

from msgspec import Struct

from questions.events import Answer, Bet, Event, Readout, Reason, Result, Skip
from questions.mastery import Verdict, judged, settled_bets
from questions.schedule import Fold

AWAY: Final = timedelta(minutes=3)  # without a key: whoever pauses longer has left the terminal
NOT_LISTED: Final = frozenset({"number", "order"})  # kinds whose wrong answers nobody has counted
_DAY: Final = timedelta(days=1)


class Day(Struct, frozen=True):
    """What was done on a day: first answers to claims, answers to claims seen before, bets, and how long it took."""

    day: date
    new: int
    reviews: int
    right: int  # of both
    bets: int
    minutes: float


class Bets(Struct, frozen=True):
    """How good the learner's intuition about training is: settled bets on labs, against chance."""

    n: int
    right: int
    low: float  # 95 % Wilson interval of the hit rate
    high: float
    stated: float | None  # mean probability given to the band bet on
    chance: float | None  # hit rate of blind bets on the same labs
    bits: float | None  # mean surprise; a blind bet on four bands has 2
    unknown: int  # settled, but "I don't know" was all that was said
    undecided: int  # measured across the edge of two bands, which grades nobody
    open: int  # bets whose lab has no result yet
    verdict: Verdict


class Prediction(Struct, frozen=True):
    """How well the app foresaw right answers. `constant`: log loss of always saying the mean hit rate."""

    n: int
    expected: float | None  # mean probability foreseen
    right: int
    brier: float | None
    log_loss: float | None
    constant: float | None


class Surprise(Struct, frozen=True):
    """A wrong answer or lost bet: -log2 of the probability that was left for what came."""

    bits: float
    day: date
    claim: str
    item: str  # question id, or the lab's
    lab: bool
    p: float
    mended: bool | None  # whether the latest answer to the claim since then was right; None: there was none


def days(events: Iterable[Event]) -> list[Day]:
    """Days with an answer or a bet, in order."""
    events = list(events)
    made: dict[date, list[int]] = {}
    met: set[str] = set()
    for event in events:
        if isinstance(event, Answer):
            day = made.setdefault(event.day, [0, 0, 0, 0])
            day[event.claim in met] += 1
            day[2] += event.ok
            met.add(event.claim)
        elif isinstance(event, Bet):
            made.setdefault(event.day, [0, 0, 0, 0])[3] += 1
    spent = seconds(events)
    return [
        Day(day, new, reviews, right, bets, spent[day] / 60)
        for day, (new, reviews, right, bets) in sorted(made.items())
    ]


def seconds(events: Iterable[Event]) -> dict[date, float]:
    """Time spent on each day: from each thing done to the next one, unless the learner was away in between; then, and
    for the first one, what the answer itself took."""
    spent: dict[date, float] = {}
    before: Event | None = None
    for event in events:
        if not isinstance(event, (Answer, Reason, Bet, Result, Readout, Skip)):
            continue
        own = timedelta(milliseconds=min(event.latency_ms, 10**9)) if isinstance(event, Answer) else _DAY * 0
        since = None if before is None else event.at - before.at
        took = since if since is not None and since <= AWAY else min(own, AWAY)
        spent[event.day] = spent.get(event.day, 0.0) + took.total_seconds()
        before = event
    return spent


def streak(events: Iterable[Event], today: date) -> int:
    """Days in a row with an answer or a bet, up to today or, where today has none yet, to yesterday."""
    done = {event.day for event in events if isinstance(event, (Answer, Bet))}
    day = today if today in done else today - _DAY
    count = 0
    while day in done:
        count += 1
        day -= _DAY
    return count


def bets(events: Sequence[Event], state: Fold) -> Bets:
    """All bets with a band; "I don't know" bets on nothing and is only counted."""
    found = settled_bets(events)
    settled = [(bet, result) for bet, result in found if bet.band is not None]
    graded = [(bet, result) for bet, result in settled if result.band is not None]
    n = len(graded)
    row = judged(None, [(bet.p, bet.band == result.band) for bet, result in graded])
    return Bets(
        n=n,
        right=row.right,
        low=row.low,
        high=row.high,
        stated=row.expected if n else None,
        chance=sum(1 / bet.bands for bet, _ in graded) / n if n else None,
        bits=sum(_bits(bet.p, bet.band == result.band, bet.bands) for bet, result in graded) / n
        if n
        else None,
        unknown=len(found) - len(settled),
        undecided=len(settled) - n,
        open=len(state.open_bets()),
        verdict=row.verdict,
    )


def prediction(state: Fold) -> Prediction:
    """The probabilities foreseen for rated answers, but the first ones to a claim, against what came."""
    pairs = state.foreseen
    n, right = len(pairs), sum(ok for _, ok in pairs)
    if not n:
        return Prediction(0, None, 0, None, None, None)
    rate = right / n
    return Prediction(
        n=n,
        expected=sum(p for p, _ in pairs) / n,
        right=right,
        brier=sum((p - ok) ** 2 for p, ok in pairs) / n,
        log_loss=sum(_loss(p if ok else 1 - p) for p, ok in pairs) / n,
        constant=sum(share * _loss(share) for share in (rate, 1 - rate) if share > 0),
    )


def surprises(events: Iterable[Event], most: int | None = None) -> list[Surprise]:
    """Wrong answers and lost bets given less than a blind guess gives, the largest of each question or lab, largest
    first."""
    events = list(events)
    found: dict[str, tuple[float, date, str, bool, float]] = {}
    latest: dict[str, tuple[date, bool]] = {}  # by claim
    for event in events:
        if isinstance(event, Answer):
            latest[event.claim] = (event.day, event.ok)
            if event.ok or event.option is None or event.p <= event.chance:
                continue
            others = 2 if event.kind in NOT_LISTED else max(2, round(1 / event.chance))
            _keep(found, event.item, (_bits(event.p, False, others), event.day, event.claim, False, event.p))
    for bet, result in settled_bets(events):
        if bet.band is None or result.band is None:
            continue
        if result.day >= latest.get(bet.claim, (result.day, True))[0]:
            latest[bet.claim] = (result.day, bet.band == result.band)
        if bet.band != result.band and bet.p > 1 / bet.bands:
            bits = _bits(bet.p, False, bet.bands)
            _keep(found, f"lab:{bet.lab}", (bits, result.day, bet.claim, True, bet.p))
    rows = []
    for item, (bits, day, claim, lab, p) in found.items():
        seen, right = latest[claim]
        rows.append(
            Surprise(bits, day, claim, item.removeprefix("lab:"), lab, p, right if seen > day else None)
        )
    rows.sort(key=lambda row: (-row.bits, -row.day.toordinal(), row.item))
    return rows[:most]


def _keep(
    found: dict[str, tuple[float, date, str, bool, float]],
    item: str,
    row: tuple[float, date, str, bool, float],
) -> None:
    if item not in found or row[:2] > found[item][:2]:
        found[item] = row


def _bits(p: float, right: bool, bands: int) -> float:
    """-log2 of the probability given to what came; what a bet leaves is spread evenly over the other bands."""
    mass = p if right else (1 - p) / (bands - 1)
    return -log2(mass) if mass > 0 else inf


def _loss(p: float) -> float:
    return -log(max(p, 1e-9))
