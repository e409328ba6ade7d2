"""Grades one committed answer: right or wrong, the belief behind it, points for honest confidence."""

from __future__ import annotations

from msgspec import Struct

from questions.events import Answer
from questions.shapes import Question, Reading

LEVELS: tuple[str | float, ...] = ("chance", 0.5, 0.7, 0.9, 0.97)


class Grade(Struct, frozen=True):
    """`key` is the right pick; `misconception` the belief behind a wrong one."""

    ok: bool
    key: str
    misconception: str | None
    chance: float
    points: float


def probability(level: int, chance: float) -> float:
    """What confidence level `level` (0 to 4, as in LEVELS) states for a question with this chance."""
    stated = LEVELS[level]
    return chance if isinstance(stated, str) else stated


def points(ok: bool, p: float) -> float:
    """10 (2 o p - p^2): largest in expectation when p is one's true probability (a proper score)."""
    return 10 * (2 * ok * p - p * p)


def earned(answer: Answer) -> float:
    """Points of a recorded answer. "I don't know" stakes nothing, as in a bet on a lab."""
    return 0.0 if answer.option is None else points(answer.ok, answer.p)


def grade(question: Question, pick: str | None, p: float) -> Grade:
    """Grades a pick (see `Question`) with its stated probability; None is "I don't know", which is not a belief.

    Raises ValueError for a pick that the question cannot be answered with.
    """
    reading = Reading(False) if pick is None else question.read(pick)
    return Grade(
        ok=reading.ok,
        key=question.key,
        misconception=reading.misconception,
        chance=question.chance,
        points=0.0 if pick is None else points(reading.ok, p),
    )


def answered(
    question: Question,
    pick: str | None,
    p: float,
    *,
    latency_ms: int,
    lang: str,
    order_seed: int,
    variant: int = 0,
) -> tuple[Grade, Answer]:
    """The grade, and the event to record before the grade is shown. "I don't know" is logged at chance."""
    graded = grade(question, pick, question.chance if pick is None else p)
    return graded, Answer(
        claim=question.claim,
        item=question.id,
        kind=question.kind,
        option=pick,
        p=question.chance if pick is None else p,
        ok=graded.ok,
        chance=graded.chance,
        misconception=graded.misconception,
        latency_ms=latency_ms,
        lang=lang,
        order_seed=order_seed,
        variant=variant,
    )
