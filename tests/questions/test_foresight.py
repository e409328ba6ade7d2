"""Predictions of right answers: the memory model's word, put right by what came."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.foresight import Foresight


def test_before_any_answer_it_says_what_the_model_says() -> None:
    for p in (0.05, 0.3, 0.5, 0.9, 0.99):
        assert Foresight().right(p, 0.4) == pytest.approx(p)


def test_a_model_that_is_too_hopeful_is_believed_less() -> None:
    foresight, random = Foresight(), Random(1)
    for _ in range(200):
        foresight.note(0.9, 0.0, random.random() < 0.5)
    assert 0.4 < foresight.right(0.9, 0.0) < 0.6


def test_a_claim_that_went_well_is_trusted_more_than_one_that_did_not() -> None:
    foresight, random = Foresight(), Random(2)
    for n in range(200):
        good = n % 2 == 0
        foresight.note(0.7, 0.5 if good else -0.5, random.random() < (0.9 if good else 0.4))
    assert foresight.right(0.7, 0.5) > 0.8
    assert foresight.right(0.7, -0.5) < 0.55


def test_a_model_that_is_right_stays_believed() -> None:
    foresight, random = Foresight(), Random(3)
    for _ in range(500):
        p = random.uniform(0.2, 0.98)
        foresight.note(p, 0.0, random.random() < p)
    for p in (0.3, 0.6, 0.9):
        assert foresight.right(p, 0.0) == pytest.approx(p, abs=0.1)


@given(
    seen=st.lists(st.tuples(st.floats(0, 1), st.floats(-1, 1), st.booleans()), max_size=60),
    p=st.floats(0, 1),
    record=st.floats(-1, 1),
)
def test_it_is_a_probability_whatever_came(
    seen: list[tuple[float, float, bool]], p: float, record: float
) -> None:
    foresight = Foresight()
    for modelled, so_far, ok in seen:
        foresight.note(modelled, so_far, ok)
    assert 0 < foresight.right(p, record) < 1
