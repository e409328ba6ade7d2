"""Grading: right or wrong, the belief behind it, and points nobody can game."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.catalog import Bank
from questions.events import decode, encode
from questions.grade import LEVELS, answered, earned, grade, points, probability


def test_a_wrong_option_is_graded_with_the_belief_behind_it(bank: Bank) -> None:
    graded = grade(bank.question("e11-which"), "all", 0.7)
    assert (graded.ok, graded.key, graded.misconception) == (False, "none", "forward-trains")
    assert graded.points == pytest.approx(-4.9)


def test_a_right_option_carries_no_belief(bank: Bank) -> None:
    graded = grade(bank.question("e11-left"), "30..70", 0.9)
    assert (graded.ok, graded.misconception) == (True, None)
    assert graded.points == pytest.approx(9.9)


def test_not_knowing_is_logged_at_chance_and_stakes_nothing_whatever_was_stated(bank: Bank) -> None:
    graded, event = answered(bank.question("e11-which"), None, 0.97, latency_ms=3000, lang="zh", order_seed=1)
    assert (graded.ok, graded.misconception) == (False, None)
    assert (event.option, event.p) == (None, pytest.approx(1 / 3))
    assert graded.points == earned(event) == 0


def test_an_option_of_another_question_is_refused(bank: Bank) -> None:
    with pytest.raises(ValueError, match="e11-which"):
        grade(bank.question("e11-which"), "two", 0.5)


def test_the_event_says_what_was_asked_and_answered(bank: Bank) -> None:
    question = bank.question("e12-prints")
    _, event = answered(question, "one", 0.9, latency_ms=4200, lang="en", order_seed=77, variant=2)
    assert (event.claim, event.item, event.kind, event.ok) == ("E1.2", "e12-prints", "output", False)
    assert (event.latency_ms, event.order_seed, event.variant, event.lang) == (4200, 77, 2, "en")
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    ("p", "right", "wrong"), [(0.25, 4.375, -0.625), (0.5, 7.5, -2.5), (0.7, 9.1, -4.9), (0.9, 9.9, -8.1)]
)
def test_points_have_their_known_values(p: float, right: float, wrong: float) -> None:
    assert points(True, p) == pytest.approx(right)
    assert points(False, p) == pytest.approx(wrong)


@given(true=st.floats(0, 1), stated=st.floats(0, 1))
def test_stating_ones_true_probability_scores_best_in_expectation(true: float, stated: float) -> None:
    def expected(p: float) -> float:
        return true * points(True, p) + (1 - true) * points(False, p)

    assert expected(true) >= expected(stated) - 1e-9


def test_there_are_five_levels_and_the_first_is_chance() -> None:
    assert len(LEVELS) == 5
    assert [probability(n, 0.25) for n in range(5)] == [0.25, 0.5, 0.7, 0.9, 0.97]
