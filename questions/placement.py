"""A short placement: which question comes next, when it is over, what it says. Pure: a fold and a clock in.

Its answers are ordinary ones, so each claim that is asked counts as met; no claim is left out because of it. It sets
nothing but what `Habits.topic_prior` makes of first asks, and by that the order in which `plan` begins the entries.

Entries are asked in turn, in each turn the one first that least is known of (largest standard error). Twenty questions
over eight entries are two or three each, and eight minutes are enough for about a dozen; a standard error of 0.5 would
take some 25 answers to one entry. So what counts is that every entry is asked: whenever it ends, none has had two
questions more than another that could still be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct

from questions.ability import Ability, Tried, known, posterior
from questions.ids import pack_of
from questions.plan import Ask, entry_of_next_new
from questions.schedule import Fold
from questions.shapes import Question
from questions.variants import at_first_sight, shuffle_seed

MOST: Final = 20  # questions
SECONDS: Final = 8 * 60
AN_ENTRY: Final = 6  # questions at most
SURE: Final = 0.5  # standard error below which an entry is asked no more
WANTED: Final = 0.6  # probability of a right answer
FEW: Final = 8  # answers below which it is offered
TELLING: Final = 2  # answers below which nothing is said of an entry
INTERVAL: Final = 0.8  # probability that an interval covers, or that an entry called behind another is


def offered(state: Fold, today: date) -> bool:
    """Whether to offer one: to somebody new who has neither done nor declined one."""
    answers = sum(track.answers for track in state.tracks.values())
    return not state.placed.ended and answers < FEW and next_question(state, (), today) is not None


def next_ask(state: Fold, today: date, now: datetime) -> Ask | None:
    """The next question of the placement that is going on; None where it is over."""
    placed = state.placed
    if not placed.running(today) or len(placed.tried) >= MOST or placed.seconds(now) >= SECONDS:
        return None
    question = next_question(state, placed.tried, today)
    if question is None:
        return None
    seed = shuffle_seed(question, state.tracks[question.claim], today)
    return Ask(question.id, question.claim, "new", seed)


def next_question(state: Fold, tried: Sequence[Tried], today: date) -> Question | None:
    """The question on an unseen claim whose probability of a right answer is nearest to WANTED, of the entry whose
    turn it is."""
    open_to = {entry: questions for entry in entries(state) if (questions := _unseen(state, entry, today))}
    abilities = {entry: posterior(t for t in tried if t.entry == entry) for entry in open_to}
    asked = {entry: sum(t.entry == entry for t in tried) for entry in open_to}
    left = [e for e in open_to if not settled(asked[e], abilities[e])]
    if not left:
        return None
    entry = min(left, key=lambda e: (asked[e], -abilities[e].se))  # the first of equals
    return nearest(open_to[entry], abilities[entry])


def settled(asked: int, ability: Ability) -> bool:
    """Whether an entry needs no further question after so many."""
    return asked >= AN_ENTRY or ability.se < SURE


def nearest(questions: Sequence[Question], ability: Ability) -> Question:
    """The first of those whose probability of a right answer is nearest to WANTED."""
    kinds = {(q.difficulty, q.chance) for q in questions}
    off = {kind: abs(ability.right(*kind) - WANTED) for kind in kinds}
    return min(questions, key=lambda q: off[q.difficulty, q.chance])


def entries(state: Fold) -> list[str]:
    """Entries that a placement is about: the FAQ's own, not those of packs."""
    return [entry for entry in state.bank.entries if not pack_of(entry)]


def _unseen(state: Fold, entry: str, today: date) -> list[Question]:
    """Questions on claims never answered, paused or put off, in the order of teaching, whatever these build on."""
    betting = {bet.claim for bet in state.open_bets()}
    skipped = state.skipped.get(today, set())
    return [
        question
        for claim in state.bank.claims_of(entry)
        if not state.tracks[claim.id].answers and claim.id not in betting
        if state.rest(state.tracks[claim.id], today) is None
        for question in at_first_sight(state.bank.by_claim[claim.id])
        if question.id not in skipped
    ]


# what it says


class Found(Struct, frozen=True):
    """What a placement says of an entry.

    known: share of its questions that would be known without guessing, from and to; None where too few were asked.
    """

    entry: str
    asked: int
    right: int
    known: tuple[float, float] | None


class Findings(Struct, frozen=True):
    """What a placement says: every entry in the bank's order, and where to begin."""

    rows: tuple[Found, ...]
    begin: Found | None  # with what new claims begin; None: none is left
    behind: tuple[
        str, ...
    ]  # entries that `begin` is less known than, with a probability of INTERVAL at least

    @property
    def asked(self) -> int:
        return sum(row.asked for row in self.rows)


def findings(state: Fold, today: date) -> Findings:
    """What the latest placement says."""
    rows = tuple(_found(state, entry) for entry in entries(state) if state.bank.claims_of(entry))
    named = {row.entry: row for row in rows}
    begin = named.get(entry_of_next_new(state, today, named) or "")
    behind: tuple[str, ...] = ()
    if begin is not None and begin.known is not None:
        weak = _ability(state, begin.entry)
        others = [row.entry for row in rows if row.known is not None and row is not begin]
        behind = tuple(entry for entry in others if weak.below(_ability(state, entry)) >= INTERVAL)
    return Findings(rows, begin, behind)


def _ability(state: Fold, entry: str) -> Ability:
    return posterior(t for t in state.placed.tried if t.entry == entry)


def _found(state: Fold, entry: str) -> Found:
    tried = [t for t in state.placed.tried if t.entry == entry]
    right = sum(t.ok for t in tried)
    if len(tried) < TELLING:
        return Found(entry, len(tried), right, None)
    ability = _ability(state, entry)
    difficulties = [q.difficulty for q in state.bank.questions.values() if q.entry == entry]

    def share(theta: float) -> float:
        return sum(known(theta, difficulty) for difficulty in difficulties) / len(difficulties)

    low, high = (share(ability.quantile(q)) for q in ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2))
    return Found(entry, len(tried), right, (low, high))
