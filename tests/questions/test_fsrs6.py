"""The memory model: to the last bit what the package fsrs computes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fsrs import Card, Rating, Scheduler
from fsrs.scheduler import DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS
from hypothesis import given
from hypothesis import strategies as st

from questions.fsrs6 import DEFAULTS, LEAST, MOST, Fsrs6
from questions.rating import Name

RATINGS: dict[Name, Rating] = {
    "again": Rating.Again,
    "hard": Rating.Hard,
    "good": Rating.Good,
    "easy": Rating.Easy,
}
_reviews = st.lists(
    st.tuples(st.integers(1, 4000), st.sampled_from(list(RATINGS))), min_size=1, max_size=30
)  # days since the one before, and how it went
_weights = st.just(DEFAULTS) | st.tuples(
    *(
        st.floats(low, high)
        for low, high in zip(LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS, strict=True)
    )
)


def test_the_default_weights_are_those_of_the_package() -> None:
    assert DEFAULTS == DEFAULT_PARAMETERS
    assert tuple(LOWER_BOUNDS_PARAMETERS) == LEAST
    assert tuple(UPPER_BOUNDS_PARAMETERS) == MOST


@given(reviews=_reviews, weights=_weights, later=st.integers(0, 4000))
def test_any_history_ends_as_with_the_package(
    reviews: list[tuple[int, Name]], weights: tuple[float, ...], later: int
) -> None:
    package = Scheduler(weights, learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    model, ours = Fsrs6(weights), None
    theirs, at = Card(card_id=1), datetime(2026, 11, 1, tzinfo=UTC)
    for days, rating in reviews:
        at += timedelta(days=days)
        ours = model.first(rating) if ours is None else model.next(ours, rating, days)
        theirs, _ = package.review_card(theirs, RATINGS[rating], at)
        assert (ours.stability, ours.difficulty) == (theirs.stability, theirs.difficulty)
    assert ours is not None
    recall = model.recall(ours.stability, later)
    assert recall == package.get_card_retrievability(theirs, at + timedelta(days=later))


@pytest.mark.parametrize("wanted", [0.7, 0.8, 0.9, 0.97])
def test_after_the_wait_recall_has_fallen_to_what_is_wanted(wanted: float) -> None:
    model = Fsrs6()
    wait = model.wait(1000.0, wanted)
    assert model.recall(1000.0, round(wait)) == pytest.approx(wanted, abs=1e-3)
    assert model.wait(1000.0, 0.9) == pytest.approx(1000.0)
