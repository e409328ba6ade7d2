"""What is held, what is shaky, and how honest the stated confidence is. Pure folds of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import sqrt
from typing import Final, Literal

from msgspec import Struct

from questions.beliefs import CONFIDENT
from questions.events import Answer, Bet, Event, Result, local_day
from questions.rating import STATED, level
from questions.rests import Rest
from questions.schedule import DEFAULT_MINUTES, Fold, fold
from questions.shapes import Bank
from questions.track import Rated, Track

State = Literal["unseen", "asked", "learning", "holding", "durable"]
Verdict = Literal["not-enough", "fits", "over-confident", "under-confident"]

_APART: Final = timedelta(days=7)
_OPEN_FORMS: Final = frozenset(
    {"band", "output", "number", "bug", "order", "bet"}
)  # not picked from a list of sentences
ENOUGH: Final = 10  # answers below which a hit rate says nothing


class Standing(Struct, frozen=True, kw_only=True):
    """Where a learner stands with one claim today; recomputed from the log, never stored."""

    claim: str
    state: State
    misconceived: tuple[str, ...]  # ids of misconceptions picked here and not cleared yet
    recall: float | None  # expected today; None when unseen
    stability: float  # days
    answers: int
    days: int  # on which an answer was rated
    right: int  # of these
    due: date | None
    last: date | None
    rest: Rest | None = None  # why it is not asked today


class EntryStanding(Struct, frozen=True, kw_only=True):
    """Where a learner stands with an entry. `questions` 0: nothing can be asked about it yet."""

    entry: str
    questions: int
    claims: int  # that can be asked
    seen: int
    holding: int  # durable ones among them
    durable: int
    misconceived: int  # claims with an open misconception
    recall: float | None  # mean over its seen claims, expected today


class Level(Struct, frozen=True):
    """One row of the calibration table. `low` and `high` are the 95 % Wilson interval of the hit rate."""

    stated: float | None  # None: at chance
    expected: float  # mean of the probabilities stated
    n: int
    right: int
    low: float
    high: float
    verdict: Verdict


class Calibration(Struct, frozen=True, kw_only=True):
    """Stated confidence against what came, and the app's own predictions against what came."""

    levels: tuple[Level, ...]
    n: int
    accuracy: float | None
    bias: float | None  # mean stated minus accuracy; above 0 is over-confident
    brier: float | None  # mean (p - o)^2
    resolution: float | None  # how much the levels tell right from wrong (Murphy's term)
    predicted: tuple[Level, ...]  # by tenths of predicted probability


def standings(
    events: Sequence[Event], bank: Bank, now: datetime, *, minutes: float = DEFAULT_MINUTES
) -> dict[str, Standing]:
    """Every claim of the bank, in order. `minutes`: the daily budget, by which the plan decides what is due."""
    return standings_from(fold(events, bank), local_day(now), minutes)


def standings_from(state: Fold, today: date, minutes: float) -> dict[str, Standing]:
    """The same for a caller who keeps the fold."""
    memories = state.memory(today, minutes)
    result: dict[str, Standing] = {}
    for claim, track in state.tracks.items():
        memory = memories[claim]
        misconceived = state.beliefs.of_claim(claim)
        result[claim] = Standing(
            claim=claim,
            state=_state(state, track, misconceived, today),
            misconceived=misconceived,
            recall=memory.recall if track.answers else None,
            stability=memory.stability,
            answers=track.answers,
            days=len(track.rated),
            right=sum(r.ok for r in track.rated),
            due=memory.due,
            last=memory.last,
            rest=memory.rest,
        )
    return result


def entries(bank: Bank, standing: Mapping[str, Standing]) -> dict[str, EntryStanding]:
    """The eight entries, summed up from `standings`."""
    result: dict[str, EntryStanding] = {}
    for entry in bank.entries:
        claims = [standing[c.id] for c in bank.claims_of(entry) if bank.by_claim[c.id]]
        recalls = [c.recall for c in claims if c.recall is not None]
        result[entry] = EntryStanding(
            entry=entry,
            questions=sum(len(bank.by_claim[c.claim]) for c in claims),
            claims=len(claims),
            seen=sum(c.state != "unseen" for c in claims),
            holding=sum(c.state in ("holding", "durable") for c in claims),
            durable=sum(c.state == "durable" for c in claims),
            misconceived=sum(bool(c.misconceived) for c in claims),
            recall=sum(recalls) / len(recalls) if recalls else None,
        )
    return result


def resting(state: Fold, today: date) -> list[tuple[str, Rest]]:
    """What is not asked today: entries paused as a whole, and claims that rest for another reason or another while."""
    rows: list[tuple[str, Rest]] = []
    for entry in state.bank.entries:
        whole = state.rests.paused(entry, today)
        if whole:
            rows.append((entry, whole))
        for claim in state.bank.claims_of(entry):
            rest = state.rest(state.tracks[claim.id], today)
            if rest and rest != whole:
                rows.append((claim.id, rest))
    return rows


def _state(state: Fold, track: Track, misconceived: tuple[str, ...], today: date) -> State:
    if track.answers == 0:
        return "unseen"
    if track.answers == 1:
        return "asked"
    rated, stability = track.rated, state.stability(track)
    if misconceived or stability < 14 or state.recall(track, today) < 0.85 or not _holds(rated):
        return "learning"
    gaps = (later.day - earlier.day for earlier, later in pairwise(rated) if later.ok)
    if stability >= 60 and any(gap >= timedelta(days=21) for gap in gaps):
        return "durable"
    return "holding"


def _holds(rated: Sequence[Rated]) -> bool:
    """Right at least twice, a week apart, on two variants, once in an open form; no recent slip."""
    if not rated or not rated[-1].ok:
        return False
    if any(not r.ok and r.p >= CONFIDENT for r in rated[-2:]):
        return False
    good = [r for r in rated if r.ok and r.p >= 0.5]
    if not any(r.kind in _OPEN_FORMS for r in good):
        return False
    spans: dict[str, tuple[date, date]] = {}
    for r in good:
        first, last = spans.get(r.item, (r.day, r.day))
        spans[r.item] = (min(first, r.day), max(last, r.day))
    return any(
        later - first >= _APART
        for item, (first, _) in spans.items()
        for other, (_, later) in spans.items()
        if item != other
    )


# --- calibration ------------------------------------------------------------------------------------------


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a hit rate (Wilson 1927); (0, 1) for no answers."""
    if n == 0:
        return 0.0, 1.0
    rate = right / n
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration(events: Sequence[Event], bank: Bank) -> Calibration:
    """All answers and settled bets with an option; "I don't know" states nothing and is left out."""
    return calibration_from(events, fold(events, bank))


def calibration_from(events: Sequence[Event], state: Fold) -> Calibration:
    """The same for a caller who keeps the fold."""
    said = _said(events)
    by_level: list[list[tuple[float, bool]]] = [[] for _ in (None, *STATED)]
    for at, p, ok in said:
        by_level[at].append((p, ok))
    levels = [judged(stated, pairs) for stated, pairs in zip((None, *STATED), by_level, strict=True)]
    n = len(said)
    right = sum(ok for _, _, ok in said)
    accuracy = right / n if n else None
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for p, ok in state.foreseen:
        tenths.setdefault(min(int(p * 10), 9), []).append((p, ok))
    return Calibration(
        levels=tuple(levels),
        n=n,
        accuracy=accuracy,
        bias=sum(p for _, p, _ in said) / n - accuracy if accuracy is not None else None,
        brier=sum((p - ok) ** 2 for _, p, ok in said) / n if n else None,
        resolution=(
            sum(row.n * (row.right / row.n - accuracy) ** 2 for row in levels if row.n) / n
            if accuracy is not None
            else None
        ),
        predicted=tuple(judged((tenth + 0.5) / 10, pairs) for tenth, pairs in sorted(tenths.items())),
    )


def _said(events: Sequence[Event]) -> list[tuple[int, float, bool]]:
    """(level, p, right) of everything that was committed with an option."""
    said = [
        (level(event.p, event.chance), event.p, event.ok)
        for event in events
        if isinstance(event, Answer) and event.option is not None
    ]
    for bet, result in settled_bets(events):
        if bet.band is not None and result.band is not None:
            said.append((level(bet.p, 1 / bet.bands), bet.p, bet.band == result.band))
    return said


def settled_bets(events: Sequence[Event]) -> list[tuple[Bet, Result]]:
    """A lab's first result and the bet that stood by then, as the schedule takes them: the run that the bet names may
    have failed, and whoever has seen the outcome is not betting any more."""
    bets: dict[str, Bet] = {}
    found: dict[str, tuple[Bet, Result] | None] = {}
    for event in events:
        if isinstance(event, Bet):
            bets[event.lab] = event
        elif isinstance(event, Result) and event.lab not in found:
            bet = bets.get(event.lab)
            found[event.lab] = (bet, event) if bet else None
    return [pair for pair in found.values() if pair]


def judged(stated: float | None, pairs: Sequence[tuple[float, bool]]) -> Level:
    """A hit rate held against what was stated on average: (stated, right) pairs in."""
    n = len(pairs)
    right = sum(ok for _, ok in pairs)
    low, high = wilson(right, n)
    expected = sum(p for p, _ in pairs) / n if n else stated or 0.0
    verdict: Verdict = "fits"
    if n < ENOUGH:
        verdict = "not-enough"
    elif high < expected:
        verdict = "over-confident"
    elif low > expected:
        verdict = "under-confident"
    return Level(stated, expected, n, right, low, high, verdict)
