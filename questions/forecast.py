"""What the next days will bring: the planner run ahead on a copy of the state. Pure and repeatable."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zlib import crc32

from msgspec import Struct

from questions.events import Answer, Bet, Event, Result
from questions.plan import Ask, LabRef, Wager, plan_from
from questions.schedule import Fold

DAYS: Final = 14
_DAY: Final = timedelta(days=1)


class Ahead(Struct, frozen=True):
    """A day to come, as the planner would fill it."""

    day: date
    due: int  # as `Plan.due`
    new: int  # claims met for the first time, in a question or a bet
    bets: int
    minutes: float
    waiting: int  # due claims that will not fit


def forecast(
    state: Fold, labs: Sequence[LabRef], today: date, minutes: float, *, days: int = DAYS
) -> tuple[Ahead, ...]:
    """The plans of today and the days after it, if each is done. Whether an answer will be right is drawn with the
    probability to know the claim that day, from a seed of claim and day: the same log gives the same forecast."""
    state = _copy(state)
    rows = []
    for n in range(days):
        day = today + n * _DAY
        plan = plan_from(state, labs, day, minutes)
        new = [not state.tracks[item.claim].answers for item in plan.items]
        bets = sum(isinstance(item, Wager) for item in plan.items)
        rows.append(Ahead(day, plan.due, sum(new), bets, plan.seconds / 60, plan.waiting))
        known = {item.claim: state.recall(state.tracks[item.claim], day) for item in plan.items}
        for item in plan.items:
            state.feed(_done(item, day, known[item.claim], state))
    return tuple(rows)


def _done(item: Ask | Wager, day: date, known: float, state: Fold) -> list[Event]:
    """The item as it may well go."""
    ok = crc32(f"{item.claim}:{day}".encode()) / 2**32 < known
    stamp: dict[str, Any] = {"at": datetime.combine(day, time(12), UTC), "day": day}
    if isinstance(item, Wager):
        bet = Bet(lab=item.lab_id, claim=item.claim, band=0, bands=4, p=0.5, run=item.lab_id, **stamp)
        result = Result(lab=item.lab_id, claim=item.claim, run=item.lab_id, band=0 if ok else 1, **stamp)
        return [bet, result]
    question = state.bank.questions[item.question_id]
    return [
        Answer(
            claim=item.claim,
            item=question.id,
            kind=question.kind,
            option=question.key if ok else "",
            p=0.9 if ok else 0.5,  # sure where it is known; errors are taken as unsure ones
            ok=ok,
            chance=question.chance,
            **stamp,
        )
    ]


def _copy(state: Fold) -> Fold:
    """A copy to feed on. What is never changed in place is shared, and what was foreseen is left out."""
    shared: dict[int, Any] = {id(state.bank): state.bank, id(state.foreseen): []}
    shared |= {id(track.rated): list(track.rated) for track in state.tracks.values()}
    return deepcopy(state, shared)
