"""A made-up learner whose memory is FSRS-6 itself, with parameters that the app does not know."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from math import log
from random import Random
from statistics import fmean

from fsrs import Card
from fsrs.scheduler import DEFAULT_PARAMETERS

from questions.events import Answer, Event, Weights
from questions.forgetting import Forgetting
from questions.schedule import Fold
from questions.shapes import Bank

START = date(2024, 3, 1)
CHANCE = 1 / 3
# Forgets what was just learnt several times as fast as the defaults have it, and gains less by each review.
FORGETFUL = (0.05, 0.25, 0.5, 1.5, *DEFAULT_PARAMETERS[4:8], 1.2, *DEFAULT_PARAMETERS[9:20], 0.3)
# Learns as others do, but hardly gains by reviews: what no initial stability can tell.
UNMOVED = (*DEFAULT_PARAMETERS[:8], 0.2, DEFAULT_PARAMETERS[9], 0.3, *DEFAULT_PARAMETERS[11:])


def life(
    bank: Bank, memory: tuple[float, ...], *, seed: int, days: int, new: int = 2, most: int = 25
) -> list[Event]:
    """The log of somebody who answers what is due, and `new` claims a day, at most `most` in all. `memory`: the true
    parameters; none: the defaults."""
    random, state, truth = Random(seed), Fold(bank), Forgetting(memory)
    cards: dict[str, Card] = {}
    events: list[Event] = []
    unseen = iter(bank.claims)
    for number in range(days):
        today = START + timedelta(days=number)
        due = [t.claim for t in state.tracks.values() if t.due is not None and t.due <= today]
        for claim in [*due, *islice(unseen, new)][:most]:
            track, card = state.tracks[claim], cards.get(claim)
            recall = 0.4 if card is None else truth.recall(card, (today - track.rated[-1].day).days)
            knows = random.random() < recall
            event = Answer(
                id=f"{len(events):06d}",
                at=datetime.combine(today, time(12), UTC) + timedelta(seconds=len(events) % 3600),
                day=today,
                claim=claim,
                item=bank.by_claim[claim][0].id,
                kind="choice",
                option="a",
                p=random.choice([0.7, 0.9, 0.97]) if knows else random.choice([CHANCE, 0.5]),
                ok=knows or random.random() < CHANCE,
                chance=CHANCE,
                latency_ms=9_000,
            )
            state.feed([event])
            events.append(event)
            days = (today - track.rated[-2].day).days if card else 0
            cards[claim] = truth.review(card, track.rated[-1].rating, days)
    return events


def loss(bank: Bank, weights: tuple[float, ...], events: list[Event]) -> float:
    """Log loss of what the app foresees of a life under parameters that are in force from its first day on."""
    first = Weights(weights=weights, reviews=0, at=events[0].at, day=events[0].day)
    state = Fold(bank)
    state.feed([first, *events])
    return fmean(-log(p if ok else 1 - p) for p, ok in state.foreseen)
