"""What is left alone for a while: claims and entries that the learner has paused, and claims that keep slipping away.

A claim missed 4 times in 8 answers is not helped by a ninth question (a "leech"). It rests for 14 days, and its
explanation and its lab are offered instead. Pure: events and answers in, rests out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal

from msgspec import Struct

from questions.events import Pause

LAPSES: Final = 4
WINDOW: Final = 8  # answers
LEECH_RESTS: Final = timedelta(days=14)

Why = Literal["asked", "leech"]


class Rest(Struct, frozen=True):
    """A claim is not asked before `until`; None: before the learner takes it up again."""

    why: Why
    until: date | None


class _Word(Struct, frozen=True):
    """The learner's latest word on a claim or an entry; later words have greater numbers."""

    number: int
    on: bool
    until: date | None


class Rests:
    """Owns who rests. The later word counts: a claim can be taken up again in an entry that stays paused."""

    def __init__(self) -> None:
        self._words: dict[str, _Word] = {}  # by id of a claim or entry
        self._leeches: dict[str, date] = {}  # claim: first day on which it is asked again
        self._told = 0

    def __bool__(self) -> bool:
        return bool(self._words or self._leeches)

    def said(self, pause: Pause) -> None:
        self._told += 1
        self._words[pause.what] = _Word(self._told, pause.on, pause.until)
        if not pause.on:
            self._leeches.pop(pause.what, None)

    def slipped(self, claim: str, day: date) -> None:
        """The claim has become a leech on `day`."""
        self._leeches[claim] = day + LEECH_RESTS

    def of(self, claim: str, entry: str, day: date) -> Rest | None:
        """Why and until when a claim rests on `day`; of two reasons the one that lasts longer."""
        word, whole = self._words.get(claim), self._words.get(entry)
        if whole is not None and (word is None or whole.number > word.number):
            word = whole
        leech = self._leeches.get(claim)
        if leech is not None and day >= leech:
            leech = None
        if word is not None and word.on and (word.until is None or day < word.until):
            longer = leech is not None and word.until is not None and leech > word.until
            return Rest("leech", leech) if longer else Rest("asked", word.until)
        return Rest("leech", leech) if leech is not None else None

    def paused(self, entry: str, day: date) -> Rest | None:
        """Whether the learner has paused the whole entry."""
        word = self._words.get(entry)
        if word is None or not word.on or (word.until is not None and day >= word.until):
            return None
        return Rest("asked", word.until)


def is_leech(hits: Sequence[bool]) -> bool:
    """Whether answers to one claim since it was met or last rested, right or not, make it one."""
    return sum(not hit for hit in hits[-WINDOW:]) >= LAPSES
