"""The memory model's parameters fitted to one learner: when that is worth a try, how, and whether it foresees better.

Fewer than 64 reviews say nothing. From 64 on, over 30 days or more, the four initial stabilities are fitted here; from
512 on all 21 parameters, by the package's optimizer, which the caller brings (fitter.py). A fit sees the oldest four
fifths of the reviews, and is good for something only if it foresees the newest fifth better than what is in force.
Pure: events and bank in, a fit out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from math import exp, log
from typing import Final, Literal

from msgspec import Struct

from questions.events import Event, Weights
from questions.forgetting import Forgetting
from questions.fsrs6 import DEFAULTS
from questions.rating import Name
from questions.schedule import Fold
from questions.shapes import Bank
from questions.track import Rated

LEAST: Final = 64  # reviews: rated answers but the first ones to a claim
ALL: Final = 512  # reviews from which on all parameters are fitted
SPAN: Final = 30  # days that fewer reviews than those must cover
NEWEST: Final = 5  # one review in so many is held out, the newest ones
SHRINK: Final = 200  # reviews at which a fitted stability weighs as much as the default
RATINGS: Final[tuple[Name, ...]] = ("again", "hard", "good", "easy")

_SHORTEST, _LONGEST = 0.01, 100.0  # days: where an initial stability is looked for
_GRID: Final = 24  # steps of that search, each refined once
_REFINED: Final = 12
_GOLDEN: Final = (5**0.5 - 1) / 2
_CLOSEST: Final = 1e-3  # to 0 or 1 that a prediction comes

Kind = Literal["initial", "all"]
Parameters = tuple[float, ...]
History = Sequence[Rated]  # of one claim, in order


class Lack(Struct, frozen=True):
    """What is missing before parameters can be fitted; both 0: nothing."""

    reviews: int
    days: int

    def __bool__(self) -> bool:
        return bool(self.reviews or self.days)


class Fit(Struct, frozen=True, kw_only=True):
    """What fitting came to. Losses: mean log loss (nats) of the probabilities foreseen for the reviews held out."""

    kind: Kind
    reviews: int  # that it was fitted to
    held_out: int
    weights: Parameters
    loss: float
    loss_before: float  # with the parameters in force
    in_force: Parameters  # none: the defaults

    @property
    def better(self) -> bool:
        return self.loss < self.loss_before

    def event(self) -> Weights:
        """What to record: the new parameters, or that those in force stay."""
        weights = self.weights if self.better else self.in_force
        return Weights(weights=weights, reviews=self.reviews, loss=self.loss, loss_before=self.loss_before)


class InForce(Struct, frozen=True, kw_only=True):
    """Which parameters the memory model has now. None: there was no fit."""

    source: Literal["defaults", "fitted"]
    kind: Kind | None
    weights: Parameters
    reviews: int | None  # that they were fitted to
    loss_before: float | None
    loss: float | None
    kept: Weights | None  # a later fit, which did not foresee better


def in_force(state: Fold) -> InForce:
    fitted, latest = state.fitted, state.latest_fit
    return InForce(
        source="fitted" if fitted else "defaults",
        kind=kind_of(fitted.weights) if fitted else None,
        weights=fitted.weights if fitted else DEFAULTS,
        reviews=fitted.reviews if fitted else None,
        loss_before=fitted.loss_before if fitted else None,
        loss=fitted.loss if fitted else None,
        kept=latest if latest is not fitted and latest is not None and latest.loss is not None else None,
    )


def lacking(state: Fold) -> Lack:
    """What is missing before there is anything to fit."""
    if (n := state.reviews) >= ALL:
        return Lack(0, 0)
    days = [rated.day for track in state.tracks.values() for rated in track.rated[1:]]
    covered = max(days) - min(days) if days else timedelta()
    return Lack(max(0, LEAST - n), max(0, SPAN - covered.days))


def due(state: Fold) -> bool:
    """Whether a fit is to be tried unasked: twice as many reviews as at the last try."""
    return not lacking(state) and state.reviews >= 2 * state.tried


def kind_of(weights: Parameters) -> Kind:
    """What was fitted in parameters that are not the defaults."""
    return "initial" if weights[len(RATINGS) :] == DEFAULTS[len(RATINGS) :] else "all"


def fit(events: Sequence[Event], bank: Bank, optimised: Callable[[Sequence[History]], Parameters]) -> Fit:
    """Fits to the oldest reviews and holds the result against the newest. `optimised` fits all parameters to the
    histories of claims. Raises ValueError where something is `lacking`."""
    state = Fold(bank)
    state.feed(events)
    if lack := lacking(state):
        raise ValueError(f"{lack.reviews} reviews and {lack.days} days are missing")
    places = sorted(rated.place for track in state.tracks.values() for rated in track.rated[1:])
    held_out = len(places) // NEWEST
    cut = places[-held_out] - 1
    before = Fold(bank)
    before.feed(events[:cut])
    histories = [track.rated for track in before.tracks.values() if len(track.rated) > 1]
    weights = optimised(histories) if len(places) >= ALL else initial(histories)
    return Fit(
        kind=kind_of(weights),
        reviews=len(places) - held_out,
        held_out=held_out,
        weights=weights,
        loss=foreseen(events, bank, cut, weights),
        loss_before=foreseen(events, bank, cut, state.model.weights),
        in_force=state.model.weights,
    )


def foreseen(events: Sequence[Event], bank: Bank, cut: int, weights: Parameters) -> float:
    """Mean log loss of what the app would have foreseen of the reviews from `events[cut]` on, had these parameters
    (none: the defaults) come into force just before."""
    state = Fold(bank)
    state.feed(events[:cut])
    known = len(state.foreseen)
    state.feed([Weights(weights=weights, reviews=0, at=events[cut].at, day=events[cut].day)])
    state.feed([event for event in events[cut:] if not isinstance(event, Weights)])
    pairs = state.foreseen[known:]
    return sum(_surprise(p, ok) for p, ok in pairs) / len(pairs)


def initial(histories: Sequence[History]) -> Parameters:
    """The default parameters with initial stabilities fitted. Claims whose first answers were rated alike share one:
    it is where their reviews are least surprising, drawn towards the default by the weight n / (n + 200) of its n
    reviews, in logarithms since stabilities differ by factors."""
    fitted = list(DEFAULTS)
    for place, rating in enumerate(RATINGS):
        mine = [history for history in histories if history[0].rating == rating]
        if n := sum(len(history) - 1 for history in mine):
            own = n / (n + SHRINK)
            default = DEFAULTS[place]
            fitted[place] = exp((1 - own) * log(default) + own * log(_likeliest(place, mine)))
    return tuple(fitted)


def surprise(weights: Parameters, histories: Sequence[History]) -> float:
    """Log loss in nats, summed over all reviews, of the memory model alone under these parameters."""
    model, total = Forgetting(weights), 0.0
    for history in histories:
        card = model.review(None, history[0].rating, 0)
        for before, rated in pairwise(history):
            days = (rated.day - before.day).days
            recall = model.recall(card, days)
            right = recall if rated.knows_not else recall + (1 - recall) * rated.chance
            total += _surprise(min(max(right, _CLOSEST), 1 - _CLOSEST), rated.ok)
            card = model.review(card, rated.rating, days)
    return total


def _likeliest(place: int, histories: Sequence[History]) -> float:
    """The initial stability in days under which these reviews surprise least: a grid, then golden sections."""

    def days(position: float) -> float:
        return min(exp(position), _LONGEST)  # exp(log(100)) is a little more than 100

    def of(position: float) -> float:
        return surprise((*DEFAULTS[:place], days(position), *DEFAULTS[place + 1 :]), histories)

    first, last = log(_SHORTEST), log(_LONGEST)
    step = (last - first) / _GRID
    best = min((first + n * step for n in range(_GRID + 1)), key=of)
    low, high = max(first, best - step), min(last, best + step)
    for _ in range(_REFINED):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if of(left) < of(right):
            high = right
        else:
            low = left
    return days((low + high) / 2)


def _surprise(p: float, ok: bool) -> float:
    return -log(p if ok else 1 - p)
