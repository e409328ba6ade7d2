"""When claims are due: a pure fold of the log, with FSRS-6 inside and a learner's own record around it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import pytest
from fsrs import Card, Rating, Scheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_events import START, answer, logs, wrong

from questions.catalog import Bank
from questions.events import Bet, Event, Result, local_day
from questions.rating import Habits, Shown, level
from questions.schedule import LONGEST, Fold, fold, memory

DAY = timedelta(days=1)


def noon(day: int) -> datetime:
    return START + day * DAY


def bet(lab: str, claim: str, day: int, **changes: object) -> Bet:
    fields: dict[str, object] = {
        "id": f"bet-{lab}-{day}",
        "at": noon(day),
        "day": noon(day).date(),
        "lab": lab,
        "claim": claim,
        "band": 1,
        "bands": 4,
        "p": 0.7,
        "run": f"{lab}-{day}",
    }
    return Bet(**(fields | changes))  # type: ignore[arg-type]


def result(lab: str, claim: str, day: int, band: int | None) -> Result:
    at = noon(day) + timedelta(minutes=5)
    return Result(
        id=f"result-{lab}-{day}", at=at, day=at.date(), lab=lab, claim=claim, band=band, run=f"{lab}-{day}"
    )


# rating


@pytest.mark.parametrize(
    ("prior", "p", "rating"),
    [
        (0.3, 0.5, "again"),
        (0.3, 0.7, "hard"),
        (0.3, 0.9, "good"),
        (0.5, 0.25, "again"),
        (0.5, 0.5, "hard"),
        (0.5, 0.7, "good"),
        (0.9, 0.25, "hard"),
        (0.9, 0.5, "good"),
        (0.9, 0.97, "good"),
    ],
)
def test_a_right_answer_is_weighed_against_guessing(prior: float, p: float, rating: str) -> None:
    shown = Shown(ok=True, p=p, chance=0.25, latency_ms=9000)
    assert Habits().rate(shown, prior, first=False) == rating


@pytest.mark.parametrize("p", [0.25, 0.5, 0.7, 0.9, 0.97])
def test_a_wrong_answer_is_never_a_pass(p: float) -> None:
    assert Habits().rate(Shown(ok=False, p=p, chance=0.25), 0.98, first=False) == "again"


def test_not_knowing_is_rated_again_and_never_taken_for_a_blind_guess() -> None:
    shown = Shown(ok=False, p=0.25, chance=0.25, knows_not=True, latency_ms=500)
    assert Habits().rate(shown, 0.9, first=True) == "again"
    assert not Habits().rapid(shown)


def test_easy_is_for_a_first_answer_that_is_sure_and_not_slow() -> None:
    habits = Habits()
    for _ in range(5):
        habits.note(Shown(ok=True, p=0.9, chance=0.25, latency_ms=10_000), "E1", first=False)
    sure = Shown(ok=True, p=0.97, chance=0.25, latency_ms=9_000)
    assert habits.rate(sure, 0.9, first=True) == "easy"
    assert habits.rate(sure, 0.9, first=False) == "good"
    assert habits.rate(Shown(ok=True, p=0.97, chance=0.25, latency_ms=30_000), 0.9, first=True) == "good"
    assert habits.rate(Shown(ok=True, p=0.97, chance=0.25, kind="bet"), 0.9, first=True) == "good"


def test_being_sure_of_everything_buys_nothing() -> None:
    careful, boastful = Habits(), Habits()
    for n in range(40):
        right = n % 2 == 0
        boastful.note(Shown(ok=right, p=0.97, chance=0.25), "E1", first=False)
        careful.note(Shown(ok=right, p=0.97 if right else 0.5, chance=0.25), "E1", first=False)
    assert boastful.speaks(4) < 2 < careful.speaks(4)
    sure = Shown(ok=True, p=0.97, chance=0.25)
    assert boastful.rate(sure, 0.3, first=True) == "hard"
    assert careful.rate(sure, 0.3, first=True) == "good"


def test_the_first_asks_of_an_entry_move_what_is_expected_of_its_other_claims() -> None:
    strong, weak = Habits(), Habits()
    for _ in range(4):
        strong.note(Shown(ok=True, p=0.9, chance=0.25), "E1", first=True)
        weak.note(Shown(ok=False, p=0.9, chance=0.25), "E1", first=True)
    assert weak.topic_prior("E1") < Habits().topic_prior("E1") < strong.topic_prior("E1")
    assert strong.topic_prior("E2") == Habits().topic_prior("E2")


@pytest.mark.parametrize(
    ("p", "chance", "expected"),
    [
        (0.25, 0.25, 0),
        (1 / 3, 1 / 3, 0),
        (0.5, 0.25, 1),
        (0.7, 0.25, 2),
        (0.9, 0.2, 3),
        (0.97, 0.25, 4),
        (1, 0.25, 4),
    ],
)
def test_a_probability_belongs_to_the_nearest_level(p: float, chance: float, expected: int) -> None:
    assert level(p, chance) == expected


def test_a_blind_guess_is_not_rated_but_the_claim_comes_back_tomorrow(bank: Bank) -> None:
    guess = answer("E1.1", 0, p=0.5, latency_ms=800)
    held = memory([guess], bank, noon(0))["E1.1"]
    assert held.rating is None
    assert held.state == "seen"
    assert held.due == noon(1).date()


# due days


def test_stabilities_are_those_of_the_package_over_whole_local_days(bank: Bank) -> None:
    days = [0, 2, 9, 10, 40, 41, 90]
    oks = [True, True, False, True, True, False, True]
    events = [
        answer("E1.1", d, ok=ok, p=0.9 if ok else 0.5, option="none" if ok else "all")
        for d, ok in zip(days, oks, strict=True)
    ]
    state = fold(events, bank)
    scheduler = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False, maximum_interval=365)
    card = Card(card_id=1)
    names = {"again": Rating.Again, "hard": Rating.Hard, "good": Rating.Good, "easy": Rating.Easy}
    for rated in state.tracks["E1.1"].rated:
        card, _ = scheduler.review_card(card, names[rated.rating], datetime.combine(rated.day, time(), UTC))
    ours = state.tracks["E1.1"].card
    assert ours is not None
    assert (ours.stability, ours.difficulty) == (card.stability, card.difficulty)
    assert state.modelled(state.tracks["E1.1"], noon(97).date()) == pytest.approx(
        scheduler.get_card_retrievability(
            Card(card_id=1, stability=state.stability(state.tracks["E1.1"]), last_review=card.last_review),
            datetime.combine(noon(97).date(), time(), UTC),
        )
    )


def test_a_claim_known_from_the_start_waits_longer_each_time(bank: Bank) -> None:
    events: list[Event] = []
    day, waits = noon(0).date(), []
    for _ in range(5):
        events.append(answer("E1.1", day))
        due = memory(events, bank, datetime.combine(day, time(12), UTC))["E1.1"].due
        assert due is not None
        waits.append((due - day).days)
        day = due
    assert waits[0] == 2
    assert waits == sorted(waits)
    assert len(set(waits)) == 5
    assert waits[-1] > 100


def test_only_the_first_answer_of_a_day_is_rated(bank: Bank) -> None:
    first = wrong("E1.1", 0, p=0.5)
    second = answer("E1.1", 0, id="second", at=noon(0) + timedelta(hours=1))
    alone, both = (memory(events, bank, noon(0))["E1.1"] for events in ([first], [first, second]))
    assert both.stability == alone.stability
    assert both.rating == "again"
    assert both.due == noon(1).date()
    assert both.answers == 2


def test_the_day_turns_at_four_in_the_morning(bank: Bank) -> None:
    evening = noon(0).replace(hour=23)
    night = noon(1).replace(hour=3)
    morning = noon(1).replace(hour=4)
    asked = answer("E1.1", 0, at=evening, day=local_day(evening))
    same = answer("E1.1", 0, id="b", at=night, day=local_day(night))
    other = answer("E1.1", 0, id="c", at=morning, day=local_day(morning))
    assert len(fold([asked, same], bank).tracks["E1.1"].rated) == 1
    assert len(fold([asked, same, other], bank).tracks["E1.1"].rated) == 2


def test_a_confident_error_is_looked_at_after_one_and_after_seven_days(bank: Bank) -> None:
    known = [answer("E1.1", 0), answer("E1.1", 10), answer("E1.1", 60)]
    missed = [*known, wrong("E1.1", 100)]
    held = memory(missed, bank, noon(100))["E1.1"]
    assert (held.state, held.due, held.checks, held.lure) == (
        "recheck",
        noon(101).date(),
        2,
        "forward-trains",
    )

    once = [*missed, answer("E1.1", 101)]
    held = memory(once, bank, noon(101))["E1.1"]
    assert (held.state, held.checks) == ("recheck", 1)
    assert held.due is not None
    assert noon(101).date() < held.due <= noon(108).date()

    twice = [*once, answer("E1.1", 108)]
    held = memory(twice, bank, noon(108))["E1.1"]
    assert (held.state, held.checks, held.lure) == ("seen", 0, None)
    assert held.due is not None
    assert held.due > noon(109).date()


def test_an_unsure_error_owes_no_extra_looks(bank: Bank) -> None:
    held = memory([wrong("E1.1", 0, p=0.5)], bank, noon(0))["E1.1"]
    assert (held.state, held.checks) == ("seen", 0)


def test_extra_looks_pause_while_far_more_is_due_than_fits(bank: Bank) -> None:
    known = [answer("E1.1", 0), answer("E1.1", 2), answer("E1.1", 10), wrong("E1.1", 60), answer("E1.1", 61)]
    others = [answer(claim, 1) for claim in ("E1.2", "E1.3", "E2.1", "E2.2")]
    events = sorted(known + others, key=lambda e: e.at)
    state = fold(events, bank)
    today = noon(61).date()
    assert state.mean_load(today) > 0
    assert state.memory(today, minutes=15)["E1.1"].state == "recheck"
    assert state.memory(today, minutes=state.mean_load(today) / 60 / 3)["E1.1"].state == "seen"


def test_the_load_is_the_mean_over_the_last_seven_days(bank: Bank) -> None:
    state = fold([answer("E1.1", 0)], bank)  # due on day 2
    track = state.tracks["E1.1"]
    assert track.due == noon(2).date()
    assert state.mean_load(noon(1).date()) == 0
    assert state.mean_load(noon(2).date()) == pytest.approx(track.seconds / 7)
    assert state.mean_load(noon(4).date()) == pytest.approx(3 * track.seconds / 7)
    assert state.mean_load(noon(50).date()) == pytest.approx(track.seconds)


def test_the_scalar_follows_a_learner_who_forgets_faster_or_slower(bank: Bank) -> None:
    def after(ok: bool) -> float:
        events = [
            answer(claim, 3 * n, ok=ok or n == 0, p=0.5, option="none")
            for claim in ("E1.1", "E1.2", "E1.3")
            for n in range(8)
        ]
        return fold(sorted(events, key=lambda e: (e.at, e.id)), bank).model.calibration

    assert after(ok=False) < -0.5
    assert 0 < after(ok=True) <= 2


# bets


def test_a_settled_bet_is_the_answer_of_its_claim(bank: Bank) -> None:
    won = memory([bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=1)], bank, noon(0))["E1.1"]
    lost = memory([bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=2)], bank, noon(0))["E1.1"]
    assert (won.answers, won.streak, won.rating) == (1, 1, "hard")
    assert (lost.rating, lost.state, lost.due) == ("again", "recheck", noon(1).date())


def test_a_bet_without_a_result_is_no_answer_yet(bank: Bank) -> None:
    assert memory([bet("l1", "E1.1", 0)], bank, noon(0))["E1.1"].state == "unseen"
    assert [b.lab for b in fold([bet("l1", "E1.1", 0)], bank).open_bets()] == ["l1"]


def test_a_bet_whose_run_was_stopped_is_settled_by_the_labs_next_run(bank: Bank) -> None:
    locked, came = bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=2)
    other_run = msgspec.structs.replace(came, run="another")
    assert memory([locked, other_run], bank, noon(0)) == memory([locked, came], bank, noon(0))
    assert fold([locked, other_run], bank).open_bets() == []


def test_of_two_bets_on_a_lab_the_later_one_is_settled(bank: Bank) -> None:
    first, came = bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=1)
    second = msgspec.structs.replace(first, band=2, run="another", id="later")
    state = fold([first, second, came], bank)
    assert [rated.ok for rated in state.tracks["E1.1"].rated] == [False]


def test_an_interval_across_an_edge_grades_nobody(bank: Bank) -> None:
    held = memory([bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=None)], bank, noon(0))["E1.1"]
    assert (held.rating, held.checks, held.stability) == (None, 0, 0)
    assert (held.state, held.due) == ("seen", noon(1).date())


def test_a_second_run_of_a_lab_settles_nothing(bank: Bank) -> None:
    once = [bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=2)]
    again = [*once, bet("l1", "E1.1", 5), result("l1", "E1.1", 5, band=1)]
    assert memory(once, bank, noon(9)) == memory(again, bank, noon(9))


def test_a_bet_after_a_question_on_the_same_day_is_not_rated(bank: Bank) -> None:
    events = [answer("E1.1", 0), bet("l1", "E1.1", 0), result("l1", "E1.1", 0, band=2)]
    assert [r.kind for r in fold(events, bank).tracks["E1.1"].rated] == ["choice"]


# any log


@given(events=logs(), later=st.integers(0, 400))
@settings(deadline=None)
def test_nothing_is_due_on_or_before_its_last_answer(bank: Bank, events: list[Event], later: int) -> None:
    now = (events[-1].at if events else START) + later * DAY
    for held in memory(events, bank, now).values():
        assert 0 <= held.recall <= 1
        assert 0 <= held.checks <= 2
        if held.due is None:
            assert held.state == "unseen" or (held.rest and held.rest.until is None)
        else:
            assert held.last is not None
            assert held.last < held.due
            assert held.due <= held.last + LONGEST * DAY or (held.rest and held.due == held.rest.until)


@given(events=logs(), cut=st.integers(0, 40))
@settings(deadline=None)
def test_replaying_gives_the_same_state_at_once_or_in_pieces(
    bank: Bank, events: list[Event], cut: int
) -> None:
    today = local_day(noon(210))
    whole, pieces = Fold(bank), Fold(bank)
    whole.feed(events)
    pieces.feed(events[:cut])
    pieces.feed(events[cut:])
    assert whole.memory(today, 15) == pieces.memory(today, 15)
    memory(events[:cut], bank, noon(210))
    assert memory(events, bank, noon(210)) == whole.memory(today, 15)  # goes on from the fold before


@given(events=logs(12), other=logs(12))
@settings(deadline=None)
def test_an_earlier_call_never_colours_a_later_one(
    bank: Bank, events: list[Event], other: list[Event]
) -> None:
    fresh = Fold(bank)
    fresh.feed(events)
    memory(other, bank, noon(3))
    memory(other + events[-1:], bank, noon(3))
    assert memory(events, bank, noon(210)) == fresh.memory(local_day(noon(210)), 15)


def test_events_of_claims_that_left_the_bank_are_passed_over(bank: Bank) -> None:
    assert memory([answer("E9.9", 0)], bank, noon(0)) == memory([], bank, noon(0))


def test_a_machine_whose_clock_ran_ahead_does_not_break_the_days(bank: Bank) -> None:
    ahead = [answer("E1.1", 300), answer("E1.1", 310)]
    held = memory(ahead, bank, noon(0))["E1.1"]
    assert held.due is not None
    assert held.due > noon(310).date()
    assert held.recall == 1


def test_folding_answers_loads_nothing_slow() -> None:
    script = """
import sys
from datetime import datetime, timezone
from questions.catalog import load
from questions.events import Answer
from questions.mastery import calibration, entries, standings
from questions.plan import plan
from questions.progress import Progress
from questions.schedule import memory
bank, now = load(), datetime.now(timezone.utc)
question = next(iter(bank.questions.values()))
log = [Answer(claim=question.claim, item=question.id, kind="choice", option="a", p=0.7, ok=True, chance=0.25)]
assert memory(log, bank, now)[question.claim].stability > 0
plan(bank, log, [], now, 15), entries(bank, standings(log, bank, now))
calibration(log, bank)
print([m for m in ("fsrs", "torch", "numpy", "textual", "subprocess", "statistics") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("day", [date(1970, 1, 2), date(3000, 12, 31)])
def test_days_may_lie_at_the_edges_of_what_is_accepted(bank: Bank, day: date) -> None:
    held = memory([answer("E1.1", day)], bank, datetime.combine(day, time(12), UTC))["E1.1"]
    assert held.due is not None
    assert held.due > day
