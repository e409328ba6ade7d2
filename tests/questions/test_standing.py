"""Where a learner stands: states of claims, open misconceptions, calibration."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_events import START, answer, logs, wrong

from questions.catalog import Bank
from questions.events import Bet, Event, Reason, Result
from questions.mastery import Calibration, calibration, entries, standings, wilson
from questions.schedule import fold


def noon(day: int) -> datetime:
    return START + timedelta(days=day)


def state(events: list[Event], bank: Bank, day: int, claim: str = "E1.1") -> str:
    return standings(sorted(events, key=lambda e: (e.at, e.id)), bank, noon(day))[claim].state


BAND = {"item": "e11-left", "kind": "band"}
HELD: list[Event] = [
    answer("E1.1", 0),
    answer("E1.1", 2, **BAND),
    answer("E1.1", 13),
    answer("E1.1", 59, **BAND),
]


def test_a_claim_goes_from_unseen_to_durable(bank: Bank) -> None:
    assert state([], bank, 0) == "unseen"
    assert state(HELD[:1], bank, 0) == "asked"
    assert state(HELD[:2], bank, 2) == "learning"  # two days apart are no week
    assert state(HELD[:3], bank, 13) == "holding"
    assert state(HELD, bank, 59) == "durable"


def test_a_wrong_answer_ends_holding_at_once(bank: Bank) -> None:
    slip = wrong("E1.1", 70, p=0.5, misconception=None)
    assert state([*HELD, slip], bank, 70) == "learning"
    assert state([*HELD, slip, answer("E1.1", 72)], bank, 72) in ("learning", "holding")


def test_a_confident_slip_keeps_a_claim_open_for_two_answers(bank: Bank) -> None:
    slip = wrong("E1.1", 70, misconception=None)
    assert state([*HELD, slip, answer("E1.1", 71)], bank, 71) == "learning"


def test_one_variant_or_sentences_alone_do_not_hold_a_claim(bank: Bank) -> None:
    same = [answer("E1.1", d, **BAND) for d in (0, 2, 13, 59)]
    assert state([*same], bank, 59) == "learning"
    sentences = [
        answer("E1.1", d, item=i) for d, i in zip((0, 2, 13, 59), ("e11-which", "e11-why") * 2, strict=True)
    ]
    assert state([*sentences], bank, 59) == "learning"


def test_a_won_bet_is_an_open_form(bank: Bank) -> None:
    at = noon(0)
    bet = Bet(id="b", at=at, day=at.date(), lab="l", claim="E1.1", band=1, bands=4, p=0.9, run="r")
    won = Result(id="r", at=at, day=at.date(), lab="l", claim="E1.1", band=1, run="r")
    later = [answer("E1.1", d) for d in (2, 13, 59)]
    assert state([bet, won, *later], bank, 59) in ("holding", "durable")


def test_guesses_do_not_count_towards_holding(bank: Bank) -> None:
    guesses = [answer("E1.1", 0, p=1 / 3), answer("E1.1", 2, p=1 / 3, **BAND), answer("E1.1", 13, p=1 / 3)]
    assert state([*guesses], bank, 13) == "learning"


def test_a_claim_that_was_not_seen_for_long_is_not_held(bank: Bank) -> None:
    assert state(HELD[:3], bank, 13) == "holding"
    assert state(HELD[:3], bank, 300) == "learning"


# misconceptions


def held(events: list[Event], bank: Bank) -> tuple[str, ...]:
    return fold(events, bank).beliefs.open()


def test_a_confident_pick_opens_a_misconception_and_two_later_days_close_it(bank: Bank) -> None:
    events: list[Event] = [wrong("E1.1", 0)]
    assert held(events, bank) == ("forward-trains",)
    events.append(answer("E1.1", 0, id="same day", item="e11-left"))
    events.append(answer("E1.1", 3, item="e11-left"))
    assert held(events, bank) == ("forward-trains",)
    events.append(answer("E1.2", 3))  # the same day again
    assert held(events, bank) == ("forward-trains",)
    events.append(answer("E1.2", 4))
    assert held(events, bank) == ()


def test_a_right_answer_without_the_lure_closes_nothing(bank: Bank) -> None:
    events: list[Event] = [wrong("E1.1", 0, misconception="eval-removes")]
    events += [answer("E1.1", d, item="e11-left") for d in (3, 4, 5)]  # its bands offer other beliefs
    assert held(events, bank) == ("eval-removes",)


def test_an_unsure_pick_opens_a_misconception_only_when_it_comes_twice(bank: Bank) -> None:
    once = [wrong("E1.1", 0, p=0.5)]
    assert held([*once], bank) == ()
    assert held([*once, wrong("E1.2", 1, p=0.5)], bank) == ("forward-trains",)


def test_a_wrong_reason_counts_as_a_pick(bank: Bank) -> None:
    events: list[Event] = []
    for day in (0, 1):
        asked = answer("E1.1", day, item="e11-why", kind="two-step")
        events += [
            asked,
            Reason(id=f"r{day}", at=asked.at, day=asked.day, answer=asked.id, option="eval", ok=False),
        ]
    assert held(events, bank) == ("eval-removes",)
    assert standings(events, bank, noon(1))["E1.1"].misconceived == ("eval-removes",)


def test_an_open_misconception_keeps_a_claim_from_being_held(bank: Bank) -> None:
    believed = [wrong("E1.1", 14, id="w1", p=0.5), *HELD[3:], wrong("E1.1", 60, id="w2", p=0.5)]
    assert (
        state([*HELD[:3], *believed, answer("E1.1", 75, item="e11-left", kind="band")], bank, 75)
        == "learning"
    )


# entries


def test_an_entry_is_summed_up_over_what_can_be_asked(bank: Bank) -> None:
    summed = entries(bank, standings([answer("E1.1", 0), answer("E1.3", 0)], bank, noon(0)))
    assert list(summed) == ["E1", "E2", "E3"]
    assert (summed["E1"].claims, summed["E1"].seen, summed["E1"].recall) == (4, 2, 1.0)
    assert (summed["E2"].seen, summed["E2"].recall) == (0, None)
    assert (summed["E3"].claims, summed["E3"].questions) == (0, 0)


# calibration


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (0, 0, 0, 1),
        (9, 10, 0.596, 0.982),
        (18, 20, 0.699, 0.972),
        (36, 40, 0.769, 0.960),
        (90, 100, 0.826, 0.945),
    ],
)
def test_wilsons_interval_has_its_known_values(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-4)


def said(bank: Bank, p: float, rights: int, n: int) -> Calibration:
    events: list[Event] = [
        answer("E1.1", d, p=p, ok=d < rights, option="none" if d < rights else "all") for d in range(n)
    ]
    return calibration(events, bank)


def test_a_level_is_judged_only_with_ten_answers_and_a_whole_interval(bank: Bank) -> None:
    assert said(bank, 0.9, 0, 9).levels[3].verdict == "not-enough"
    assert said(bank, 0.9, 9, 12).levels[3].verdict == "fits"
    assert said(bank, 0.9, 6, 14).levels[3].verdict == "over-confident"
    assert said(bank, 0.5, 14, 14).levels[1].verdict == "under-confident"


def test_bias_and_brier_are_those_of_the_stated_probabilities(bank: Bank) -> None:
    made = said(bank, 0.9, 6, 10)
    assert made.n == 10
    assert made.accuracy == 0.6
    assert made.bias == pytest.approx(0.3)
    assert made.brier == pytest.approx(0.6 * 0.01 + 0.4 * 0.81)
    assert made.resolution == pytest.approx(0)
    empty = calibration([], bank)
    assert (empty.n, empty.accuracy, empty.bias, empty.brier) == (0, None, None, None)
    assert len(empty.levels) == 5


def test_not_knowing_states_nothing(bank: Bank) -> None:
    unknown = answer("E1.1", 0, option=None, ok=False, p=1 / 3)
    assert calibration([unknown], bank).n == 0


def test_the_apps_own_predictions_are_held_against_what_came(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", d) for d in (0, 2, 13, 59)]
    rows = calibration(events, bank).predicted
    assert sum(row.n for row in rows) == 3  # the first ask is foreseen by nothing
    assert all(row.right == row.n for row in rows)


@given(events=logs(), later=st.integers(0, 100))
@settings(deadline=None)
def test_any_log_has_a_standing_and_a_calibration(bank: Bank, events: list[Event], later: int) -> None:
    now = START + timedelta(days=200 + later)
    standing = standings(events, bank, now)
    assert list(standing) == list(bank.claims)
    assert standing == standings(events, bank, now)
    for row in entries(bank, standing).values():
        assert row.durable <= row.holding <= row.seen <= row.claims
    made = calibration(events, bank)
    assert sum(row.n for row in made.levels) == made.n
    for level in (*made.levels, *made.predicted):
        assert 0 <= level.low <= level.high <= 1
        assert level.right <= level.n
