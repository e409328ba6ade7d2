"""Which of a claim's questions to ask: variants rotate, so that nobody learns an option by heart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zlib import crc32

from questions.schedule import Fold, Track
from questions.shapes import Question


def variant(questions: Iterable[Question], track: Track, lure: str | None = None) -> Question | None:
    """The one asked least, then longest ago; never the last one again where there is another, never a two-step
    question first, and where a `lure` is given one that offers it. None where there is no question."""
    fitting = [q for q in questions if track.asked or q.kind != "two-step"]
    fitting = [q for q in fitting if q.id != track.last_item] or fitting
    if lure:
        fitting = [q for q in fitting if lure in q.lures] or fitting
    return min(fitting, key=lambda q: (*track.asked.get(q.id, (0, 0)), q.difficulty, q.id), default=None)


def shuffle_seed(question: Question, track: Track, day: object) -> int:
    """What shuffles the options and draws the numbers: new at each answer and each day."""
    return crc32(f"{question.id}:{track.answers}:{day}".encode()) >> 1


def next_on(claim: str, state: Fold, today: date) -> tuple[Question, int] | None:
    """A question on this claim and its seed, for a learner who asks for one out of turn; None where there is none."""
    track = state.tracks[claim]
    question = variant(state.bank.by_claim[claim], track)
    return None if question is None else (question, shuffle_seed(question, track, today))
