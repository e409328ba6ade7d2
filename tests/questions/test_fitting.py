"""The memory model fitted to a learner: when, how, whether it is used, and what the fold makes of its event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from math import log, nan
from statistics import fmean
from types import SimpleNamespace

import fsrs
import pytest
from fsrs import ReviewLog
from fsrs.scheduler import DEFAULT_PARAMETERS
from hypothesis import given, settings
from made_memory import FORGETFUL, life, loss
from msgspec.structs import replace
from sample_events import START, answer, logs, no_numbers, unusable_weights, usable_weights, wrong

from questions import fitter
from questions.catalog import Bank
from questions.catalog import load as load_bank
from questions.events import Event, Weights
from questions.fitting import (
    ALL,
    History,
    Parameters,
    due,
    fit,
    in_force,
    initial,
    lacking,
    surprise,
)
from questions.forgetting import usable
from questions.problems import BankProblem
from questions.rating import Habits, Shown
from questions.schedule import Fold
from questions.track import Rated

LATER = START.date() + timedelta(days=500)


@pytest.fixture(scope="module")
def large() -> Bank:
    """A bank with enough claims for hundreds of reviews."""
    return load_bank()


def weights(values: Sequence[float], number: int = 0, **changes: object) -> Weights:
    at = START + timedelta(days=number, minutes=1)
    fields = {"id": f"w{number}", "at": at, "day": at.date(), "weights": tuple(values), "reviews": 64}
    return Weights(**(fields | changes))  # type: ignore[arg-type]


def after(bank: Bank, *parts: Sequence[Event]) -> Fold:
    state = Fold(bank)
    for part in parts:
        state.feed(part)
    return state


def never(histories: Sequence[History]) -> Parameters:
    raise AssertionError("there are too few reviews for this")


def looks(bank: Bank, reviews: int, apart: int = 1) -> list[Event]:
    """So many reviews: every claim of the bank once a day, after a first day, with days in between."""
    claims = list(bank.claims)
    return [
        answer("E1.1", n // len(claims) * apart, id=f"{n:05d}", claim=claims[n % len(claims)], ok=n % 5 != 0)
        for n in range(reviews + len(claims))
    ]


# when there is something to fit


@pytest.mark.parametrize(
    ("reviews", "apart", "missing"),
    [
        (0, 1, (64, 30)),
        (63, 9, (1, 0)),
        (64, 9, (0, 0)),
        (64, 1, (0, 20)),
        (511, 1, (0, 0)),
        (160, 1, (0, 4)),
    ],
)
def test_what_is_missing_is_counted_in_reviews_and_days(
    bank: Bank, reviews: int, apart: int, missing: tuple[int, int]
) -> None:
    lack = lacking(after(bank, looks(bank, reviews, apart)))
    assert (lack.reviews, lack.days) == missing
    assert bool(lack) == any(missing)


def test_many_reviews_may_come_from_a_few_days(large: Bank) -> None:
    few = looks(large, ALL - 1)
    assert lacking(after(large, few)).days > 0
    assert not lacking(after(large, looks(large, ALL)))


def test_first_answers_and_second_looks_on_a_day_are_no_reviews(bank: Bank) -> None:
    again = [answer("E1.1", 0), answer("E1.1", 0, id="b"), answer("E1.1", 1), answer("E1.2", 1)]
    assert after(bank, again).reviews == 1


def test_a_fit_is_tried_unasked_when_reviews_have_doubled_since_the_last_one(bank: Bank) -> None:
    events = looks(bank, 200, 3)
    day = events[80].day
    tried = weights((), 0, at=events[80].at + timedelta(seconds=1), day=day, loss=0.5, loss_before=0.5)
    at = after(bank, events[:81]).reviews
    held: list[int] = []
    for n in range(81, len(events)):
        state = after(bank, events[:81], [tried], events[81:n])
        if due(state):
            held.append(state.reviews)
    assert due(after(bank, events[:81]))  # never tried before
    assert held == list(range(2 * at, 200 + 1))[: len(held)] and held[0] == 2 * at


# how it is fitted


def test_only_the_oldest_four_fifths_are_seen_and_the_newest_fifth_judges(bank: Bank) -> None:
    events = looks(bank, 200, 3)
    found = fit(events, bank, never)
    state = after(bank, events)
    newest = state.foreseen[-40:]
    assert (found.kind, found.reviews, found.held_out) == ("initial", 160, 40)
    assert found.loss_before == pytest.approx(fmean(-log(p if ok else 1 - p) for p, ok in newest))
    cut = [*events[: len(bank.claims) + 160], weights(found.weights, at=events[-41].at, day=events[-41].day)]
    newest = after(bank, cut, events[len(bank.claims) + 160 :]).foreseen[-40:]
    assert found.loss == pytest.approx(fmean(-log(p if ok else 1 - p) for p, ok in newest))


def test_what_the_newest_fifth_says_does_not_move_the_fit(bank: Bank) -> None:
    events = looks(bank, 200, 3)
    other = events[:-40] + [wrong("E1.1", 0, **_as(event)) for event in events[-40:]]
    assert fit(events, bank, never).weights == fit(other, bank, never).weights


def _as(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in ("id", "at", "day", "claim", "item")}


def test_from_512_reviews_on_the_optimizer_is_asked_with_what_it_may_see(large: Bank) -> None:
    given: list[int] = []

    def optimised(histories: Sequence[History]) -> Parameters:
        given.append(sum(len(history) - 1 for history in histories))
        return FORGETFUL

    found = fit(looks(large, ALL), large, optimised)
    assert given == [ALL - ALL // 5] == [found.reviews]
    assert (found.kind, found.weights) == ("all", FORGETFUL)


def test_too_few_reviews_are_not_fitted(bank: Bank) -> None:
    with pytest.raises(ValueError, match="44 reviews"):
        fit(looks(bank, 20, 9), bank, never)


def history(rating: str, *reviews: tuple[int, bool]) -> list[Rated]:
    """A claim first answered on day 0 with this rating, then on days, right or not."""
    rows = [(0, rating != "again"), *reviews]
    return [
        Rated(START.date() + timedelta(days=day), "q", "choice", ok, 0.9, made, None, 0.25, False, n)  # type: ignore[arg-type]
        for n, (day, ok) in enumerate(rows)
        for made in [rating if n == 0 else "good" if ok else "again"]
    ]


def test_a_stability_nobody_has_reviews_for_stays_the_default() -> None:
    found = initial([history("good", (3, True), (9, False))])
    assert [n for n in range(21) if found[n] != DEFAULT_PARAMETERS[n]] == [2]


def test_the_fewer_reviews_the_closer_to_the_default() -> None:
    def fitted(count: int) -> float:
        return initial([history("good", (2, n % 2 == 0)) for n in range(count)])[2]

    default, few, many, very_many = DEFAULT_PARAMETERS[2], fitted(4), fitted(60), fitted(600)
    assert default > few > many > very_many
    assert log(default / few) / log(default / many) == pytest.approx((4 / 204) / (60 / 260), rel=0.02)


@pytest.mark.parametrize("rating", ["again", "hard", "good", "easy"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_fitted_stability_is_within_bounds_and_no_neighbour_is_likelier(rating: str, share: float) -> None:
    place = ["again", "hard", "good", "easy"].index(rating)
    mine = [history(rating, (2, n < 30 * share), (8, n < 30 * share)) for n in range(30)]
    own = 60 / 260
    shrunk = initial(mine)
    assert usable(shrunk)
    best = DEFAULT_PARAMETERS[place] * (shrunk[place] / DEFAULT_PARAMETERS[place]) ** (1 / own)

    def surprising(days: float) -> float:
        days = min(max(days, 0.01), 100.0)
        return surprise((*DEFAULT_PARAMETERS[:place], days, *DEFAULT_PARAMETERS[place + 1 :]), mine)

    assert surprising(best) <= min(surprising(best * 1.2), surprising(best / 1.2)) + 0.01


class Optimizer:
    """Stands in for the package's, and gives what it is told to give."""

    given: list[ReviewLog]
    gives: object

    def __init__(self, reviews: list[ReviewLog]) -> None:
        Optimizer.given = reviews

    def compute_optimal_parameters(self) -> object:
        return Optimizer.gives


@pytest.fixture
def optimizer(monkeypatch: pytest.MonkeyPatch) -> type[Optimizer]:
    monkeypatch.setattr(fitter, "check_installed", lambda: None)
    monkeypatch.setattr(fsrs, "optimizer", SimpleNamespace(Optimizer=Optimizer), raising=False)
    return Optimizer


def test_the_optimizer_is_given_days_and_ratings_as_the_fold_holds_them(optimizer: type[Optimizer]) -> None:
    optimizer.gives = list(FORGETFUL)
    found = fitter.optimised([history("hard", (1, False), (4, True)), history("easy", (2, True))])
    assert found == FORGETFUL
    assert [(log.card_id, log.rating.name, log.review_datetime) for log in optimizer.given] == [
        (1, "Hard", midnight(0)),
        (1, "Again", midnight(1)),
        (1, "Good", midnight(4)),
        (2, "Easy", midnight(0)),
        (2, "Good", midnight(2)),
    ]


def midnight(day: int) -> datetime:
    return datetime.combine(START.date() + timedelta(days=day), time(), UTC)


@pytest.mark.parametrize("gives", [DEFAULT_PARAMETERS, None, [nan] * 21, [0.0] * 21, [1.0] * 20])
def test_defaults_given_back_in_silence_are_no_fit(optimizer: type[Optimizer], gives: object) -> None:
    optimizer.gives = gives
    with pytest.raises(BankProblem) as raised:
        fitter.optimised([history("good", (1, True))])
    assert raised.value.key == "fit-nothing"


# whether it foresees better


def test_who_forgets_otherwise_is_foreseen_better_by_what_was_fitted(large: Bank) -> None:
    gains = []
    for seed in range(4):
        found = fit(life(large, FORGETFUL, seed=seed, days=36, most=14), large, never)
        other = life(large, FORGETFUL, seed=100 + seed, days=36, most=14)  # nobody has seen it
        gains.append(loss(large, (), other) - loss(large, found.weights, other))
    assert fmean(gains) > 0.002
    assert min(gains) > 0


def test_whom_the_defaults_fit_is_foreseen_no_worse_by_what_is_used(large: Bank) -> None:
    gains = []
    for seed in range(6):
        found = fit(life(large, (), seed=seed, days=50), large, never)
        other = life(large, (), seed=100 + seed, days=50)
        gains.append(loss(large, (), other) - loss(large, found.weights if found.better else (), other))
    assert fmean(gains) > -0.0005
    assert min(gains) > -0.002


# what the fold makes of it


@given(events=logs(), values=usable_weights)
@settings(deadline=None)
def test_parameters_that_come_late_leave_what_they_had_made_from_the_start(
    bank: Bank, events: list[Event], values: Parameters
) -> None:
    """Where ratings do not depend on them: what was rated stays rated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Habits, "rate", plainly)
        events = [event for event in events if not isinstance(event, Weights)]
        early = after(bank, [weights(values)], events)
        late = after(bank, events, [weights(values)])
    assert early.memory(LATER, 15) == late.memory(LATER, 15)
    assert early.model.calibration == late.model.calibration
    for claim, track in early.tracks.items():
        assert (track.card, track.due, track.record) == (
            late.tracks[claim].card,
            late.tracks[claim].due,
            late.tracks[claim].record,
        )


def plainly(habits: Habits, shown: Shown, prior: float, *, first: bool) -> str:
    return "good" if shown.ok else "again"


@given(events=logs(), values=usable_weights)
@settings(deadline=None)
def test_going_back_to_the_defaults_forgets_every_fit(
    bank: Bank, events: list[Event], values: Parameters
) -> None:
    events = [event for event in events if not isinstance(event, Weights)]
    back = after(bank, events, [weights(values)], [weights((), 1)])
    assert back.memory(LATER, 15) == after(bank, events).memory(LATER, 15)
    assert in_force(back).source == "defaults"


@given(events=logs(), values=unusable_weights | no_numbers)
@settings(deadline=None)
def test_numbers_that_cannot_be_parameters_change_nothing(
    bank: Bank, events: list[Event], values: Parameters
) -> None:
    state = after(bank, events)
    was = in_force(state), state.tried, state.memory(LATER, 15)
    state.feed([weights(values)])
    assert (in_force(state), state.tried, state.memory(LATER, 15)) == was


@given(events=logs(), values=usable_weights)
@settings(deadline=None)
def test_a_fit_changes_neither_ratings_nor_what_was_foreseen(
    bank: Bank, events: list[Event], values: Parameters
) -> None:
    before, state = after(bank, events), after(bank, events, [weights(values)])
    assert state.foreseen == before.foreseen
    assert {c: t.rated for c, t in state.tracks.items()} == {c: t.rated for c, t in before.tracks.items()}


def test_due_days_of_what_is_not_answered_yet_follow_the_parameters(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), answer("E1.2", 0), answer("E1.2", 3)]
    longer = tuple(3 * w if n < 4 else w for n, w in enumerate(DEFAULT_PARAMETERS))
    before = after(bank, events).memory(LATER, 15)
    held = after(bank, events, [weights(longer, 3)]).memory(LATER, 15)
    for claim in ("E1.1", "E1.2"):
        was, due = before[claim].due, held[claim].due
        assert was is not None and due is not None and due > was
        assert held[claim].stability > before[claim].stability
    assert held["E1.1"].due == START.date() + timedelta(days=7)  # 3 x 2.3 days


def test_a_claim_seen_again_today_is_not_due_before_tomorrow_under_any_parameters(bank: Bank) -> None:
    events: list[Event] = [
        answer("E1.1", 0),
        answer(
            "E1.1",
            0,
            id="b",
            day=START.date() + timedelta(days=9),
            at=START + timedelta(days=9),
            p=0.5,
            latency_ms=500,
        ),
    ]
    held = after(bank, events, [weights((0.001,) * 4 + DEFAULT_PARAMETERS[4:], 9)]).memory(LATER, 15)
    assert held["E1.1"].due == START.date() + timedelta(days=10)


def test_a_try_that_came_to_nothing_is_told_and_leaves_what_is_in_force(bank: Bank) -> None:
    events = looks(bank, 100, 3)
    fitted = weights(FORGETFUL, 60, loss=0.4, loss_before=0.5)
    kept = weights(FORGETFUL, 61, reviews=90, loss=0.6, loss_before=0.4)
    state = after(bank, events, [fitted])
    memory = state.memory(LATER, 15)
    assert in_force(state).kept is None
    state.feed([kept])
    assert state.memory(LATER, 15) == memory
    found = in_force(state)
    assert (found.source, found.kind, found.weights, found.reviews, found.loss) == (
        "fitted",
        "all",
        FORGETFUL,
        64,
        0.4,
    )
    assert found.kept == kept
    assert in_force(after(bank, events, [fitted, kept, weights((), 62)])).kept is None


@pytest.mark.parametrize("better", [True, False])
def test_the_event_of_a_fit_carries_the_parameters_that_are_then_in_force(bank: Bank, better: bool) -> None:
    found = fit(looks(bank, 100, 3), bank, never)
    came = found.loss_before + (-0.1 if better else 0.1)
    event = replace(found, loss=came).event()
    assert event.weights == (found.weights if better else ())
    assert (event.reviews, event.loss, event.loss_before) == (80, came, found.loss_before)
