"""The figures of the progress page: days, bets, predictions, surprises, what is to come."""

from __future__ import annotations

from datetime import date, timedelta
from math import log2

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_events import START, answer, logs, wrong

from questions import figures
from questions.catalog import Bank
from questions.events import Bet, Event, Result, Session
from questions.forecast import DAYS, forecast
from questions.plain import packed
from questions.plan import LabRef, plan_from
from questions.schedule import Fold

TODAY = START.date()


def folded(events: list[Event], bank: Bank) -> Fold:
    state = Fold(bank)
    state.feed(events)
    return state


def settled(lab: str, band: int | None, measured: int | None, p: float, day: int = 0) -> list[Event]:
    at = START + timedelta(days=day)
    stamp = {"at": at, "day": at.date(), "lab": lab, "claim": "E1.1", "run": lab}
    return [
        Bet(id=f"b{lab}", band=band, bands=4, p=p, **stamp),  # type: ignore[arg-type]
        Result(id=f"r{lab}", band=measured, **stamp),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("days", "expected"), [((), 0), ((0,), 1), ((1,), 1), ((0, 1, 2), 3), ((1, 2, 4), 2), ((2, 3), 0)]
)
def test_a_streak_may_end_yesterday(days: tuple[int, ...], expected: int) -> None:
    assert figures.streak([answer("E1.1", -d) for d in days], TODAY) == expected


def test_a_day_tells_what_was_new_from_what_came_again() -> None:
    events: list[Event] = [
        answer("E1.1", 0),
        answer("E1.2", 0, ok=False),
        *settled("l", 1, 1, 0.7),
        answer("E1.1", 1),
    ]
    rows = [(row.day - TODAY, row.new, row.reviews, row.right, row.bets) for row in figures.days(events)]
    assert rows == [(timedelta(0), 2, 0, 1, 1), (timedelta(1), 0, 1, 1, 0)]


def test_time_is_counted_from_key_to_key_and_a_long_pause_is_none() -> None:
    def at(seconds: float, **changes: object) -> Event:
        return answer("E1.1", 0, at=START + timedelta(seconds=seconds), **{"latency_ms": 20_000} | changes)

    assert figures.seconds([at(0)]) == {TODAY: 20}
    assert figures.seconds([at(0), at(60)]) == {TODAY: 80}
    assert figures.seconds([at(0), at(600)]) == {TODAY: 40}
    assert figures.seconds([at(0), at(900, latency_ms=10**9)]) == {TODAY: 20 + 180}
    end = Session(at=START + timedelta(hours=1), day=TODAY, planned=1, done=1, seconds=3600)
    assert figures.seconds([at(0), end]) == {TODAY: 20}


def test_bets_have_a_record_of_their_own_against_blind_ones(bank: Bank) -> None:
    events = [
        *settled("l1", 1, 1, 0.9),
        *settled("l2", 1, 2, 0.7),
        *settled("l3", 1, None, 0.7),
        *settled("l4", None, 2, 0.25),
        settled("l5", 1, 1, 0.5)[0],
    ]
    record = figures.bets(events, folded(events, bank))
    assert (record.n, record.right, record.undecided, record.open, record.verdict) == (
        2,
        1,
        1,
        1,
        "not-enough",
    )
    assert record.unknown == 1
    assert record.stated == pytest.approx(0.8)
    assert record.chance == 0.25
    assert record.bits == pytest.approx((-log2(0.9) - log2(0.3 / 3)) / 2)
    none = figures.bets([], folded([], bank))
    assert (none.n, none.stated, none.chance, none.bits, none.low, none.high) == (0, None, None, None, 0, 1)


def test_a_surprise_is_an_error_that_one_was_sure_of(bank: Bank) -> None:
    events: list[Event] = [
        wrong("E1.1", 0, p=0.7),
        wrong("E1.1", 1, id="again", p=0.97),
        wrong("E1.2", 1, p=1 / 3),
        wrong("E1.3", 1, option=None, p=1 / 3),
        wrong("E2.1", 2, p=0.97, kind="number", chance=0.01),
        answer("E1.1", 3),
        *settled("l", 1, 2, 0.9, day=4),
    ]
    rows = figures.surprises(events)
    assert [(row.item, row.lab, row.mended) for row in rows] == [
        ("e11-why", False, False),  # the lost bet was on the same claim
        ("e21-which", False, None),
        ("l", True, None),
    ]
    assert [row.bits for row in rows] == pytest.approx([-log2(0.03 / 2), -log2(0.03), -log2(0.1 / 3)])
    assert figures.surprises(events, 1) == rows[:1]


def test_predictions_are_compared_with_saying_the_same_every_time(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", d, ok=d != 13) for d in (0, 2, 13, 20)]
    made = figures.prediction(folded(events, bank))
    assert (made.n, made.right) == (3, 2)
    assert made.constant == pytest.approx(0.6365, abs=1e-4)
    assert figures.prediction(folded([], bank)) == figures.Prediction(0, None, 0, None, None, None)


@given(events=logs(), later=st.integers(0, 40), minutes=st.sampled_from([5, 15, 25]))
@settings(deadline=None, max_examples=25)
def test_a_forecast_keeps_to_the_minutes_changes_nothing_and_repeats_itself(
    bank: Bank, events: list[Event], later: int, minutes: int
) -> None:
    state = folded(events, bank)
    before = msgspec.msgpack.encode(packed(state, {id(bank): "bank"}))
    today = (events[-1].day if events else date(2026, 11, 1)) + timedelta(days=later)
    labs = [LabRef("l1", "E1.1"), LabRef("l9", "E2.1")]
    rows = forecast(state, labs, today, minutes)
    assert msgspec.msgpack.encode(packed(state, {id(bank): "bank"})) == before
    assert rows == forecast(state, labs, today, minutes)
    assert [row.day for row in rows] == [today + timedelta(days=n) for n in range(DAYS)]
    assert all(row.minutes <= minutes + 1e-9 for row in rows)
    made = plan_from(state, labs, today, minutes)
    assert (rows[0].due, rows[0].new) == (made.due, made.new)
    assert rows[0].minutes * 60 == pytest.approx(made.seconds)
    assert sum(row.new for row in rows) <= sum(not track.answers for track in state.tracks.values())
