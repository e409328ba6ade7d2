"""The latest placement, as the log has it. Pure: a part of the fold."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from questions.ability import Tried
from questions.events import Answer, Placement
from questions.ids import pack_of
from questions.shapes import Bank

PAUSE: Final = 180.0  # seconds; a longer gap between two answers counts as this


class Placed:
    """When it was begun, what has been answered since, and whether it is over.

    Whatever page asks: a first answer to a claim of the FAQ says the same about its entry.
    """

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self.ended = False  # one was brought to an end or declined, ever
        self.day: date | None = None  # on which the one that is not over was begun
        self.tried: list[Tried] = []
        self._latest: datetime | None = None  # moment of its begin or of its last answer
        self._seconds = 0.0  # between these

    def running(self, today: date) -> bool:
        """Whether one was begun today and is not over; one that was left on an earlier day has lapsed."""
        return self.day == today

    def seconds(self, now: datetime) -> float:
        """Time spent on it so far, without what is longer than a pause."""
        return self._seconds + self._since(now)

    def placed(self, event: Placement) -> None:
        if event.over:
            self.ended, self.day = True, None
        else:
            self.day, self.tried, self._latest, self._seconds = event.day, [], event.at, 0.0

    def answered(self, answer: Answer, *, first: bool) -> None:
        """`first`: the claim was never answered before."""
        if not first or not self.running(answer.day):
            return
        question = self._bank.questions.get(answer.item)
        if question is None or pack_of(question.entry):
            return
        self.tried.append(Tried(question.entry, question.difficulty, answer.chance, answer.ok))
        self._seconds += self._since(answer.at)
        self._latest = answer.at

    def _since(self, moment: datetime) -> float:
        if self._latest is None:
            return 0.0
        return min(max((moment - self._latest).total_seconds(), 0.0), PAUSE)
