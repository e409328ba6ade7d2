"""Which of a claim's questions to ask: variants rotate, so that nobody learns an option by heart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from zlib import crc32

from questions.schedule import Fold
from questions.shapes import Question
from questions.track import Track

TYPED = ("number", "order")  # more keys than one
LATER = ("two-step",)  # asks for the reason of what was answered before


def variant(questions: Iterable[Question], track: Track, lure: str | None = None) -> Question | None:
    """The one asked least, then longest ago; never the last one again where there is another, and where a `lure` is
    given one that offers it. A claim is met first by something to pick, not to type or to arrange, and never by a
    two-step question. None where there is no question."""
    fitting = [q for q in questions if track.asked or q.kind not in LATER]
    fitting = [q for q in fitting if q.id != track.last_item] or fitting
    if lure:
        fitting = [q for q in fitting if lure in q.lures] or fitting
    first = not track.asked

    def turn(question: Question) -> tuple[float | bool | str, ...]:
        typed = first and question.kind in TYPED
        return (*track.asked.get(question.id, (0, 0)), typed, question.difficulty, question.id)

    return min(fitting, key=turn, default=None)


def at_first_sight(questions: Iterable[Question]) -> list[Question]:
    """Questions that a claim may be met by: something to pick, else something to type or to arrange."""
    fitting = [q for q in questions if q.kind not in LATER]
    return [q for q in fitting if q.kind not in TYPED] or fitting


def shuffle_seed(question: Question, track: Track, day: object) -> int:
    """What shuffles the options and draws the numbers: new at each answer and each day."""
    return crc32(f"{question.id}:{track.answers}:{day}".encode()) >> 1


def next_on(claim: str, state: Fold, today: date) -> tuple[Question, int] | None:
    """A question on this claim and its seed, for a learner who asks for one out of turn; None where there is none."""
    track = state.tracks[claim]
    question = variant(state.bank.by_claim[claim], track)
    return None if question is None else (question, shuffle_seed(question, track, today))
