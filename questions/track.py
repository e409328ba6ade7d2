"""What is held about one claim while events are folded."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from questions.fsrs6 import Card
from questions.rating import Name

SECONDS: Final = 52.0  # of a claim without own times: between 40 (right) and 65 (wrong)


class Rated(Struct, frozen=True):
    """The first answer to a claim on a day: the only one that says something about memory."""

    day: date
    item: str  # question id, or "lab:<id>" for a settled bet
    kind: str  # kind of the question, or "bet"
    ok: bool
    p: float
    rating: Name
    predicted: float | None  # probability of a right answer as foreseen; None on the first ask
    chance: float
    knows_not: bool
    place: int  # in the log


class Track:
    """Running state of one claim while events are folded."""

    def __init__(self, claim: str, entry: str) -> None:
        self.claim = claim
        self.entry = entry
        self.card: Card | None = None
        self.due: date | None = None  # by the memory model alone
        self.check_due: date | None = None
        self.checks = 0
        self.lure: str | None = None
        self.last: date | None = None
        self.answers = 0
        self.lapses = 0
        self.streak = 0
        self.seconds = SECONDS
        self.rated: list[Rated] = []
        self.record = 0.0  # -1 to 1: mean of the stated probabilities, those of errors counted below zero
        self.chance = 0.25  # of the last rated question
        self.asked: dict[
            str, tuple[int, int]
        ] = {}  # item: (times answered, place in the log of the last one)
        self.last_item: str | None = None
        self.confident_error: date | None = None  # day of the last one
        self.watched = (
            1  # place in `rated` from which on misses make it a leech; not the first, when it was new
        )
