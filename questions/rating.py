"""What an answer says about memory: again, hard, good or easy, by correctness, stated confidence, chance.

Nobody grades themselves. A right answer is weighed against guessing (Bayes), with the learner's own record at
each level of confidence, so that being sure of everything buys no long intervals.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

Name = Literal["again", "hard", "good", "easy"]

# How much a stated confidence speaks for knowing, P(level | known) / P(level | not known), before any record.
SPEAKS: Final = (0.05, 0.33, 1.0, 4.3, 16.0)
STATED: Final = (0.5, 0.7, 0.9, 0.97)  # levels 1 to 4; level 0 is chance
PSEUDO: Final = 4.0  # answers that a default weighs against the learner's own
TOPIC_PRIOR: Final = 0.3  # share of an entry's claims known before its first answer
RAPID: Final = 2000.0  # ms; faster than a question can be read

_KNOWN: Final = tuple(s / (1 + s) for s in SPEAKS)
_ALL_KNOWN: Final = sum(_KNOWN) / len(_KNOWN)
_ALL_ODDS: Final = _ALL_KNOWN / (1 - _ALL_KNOWN)
_ALL_PSEUDO: Final = PSEUDO * len(SPEAKS)


class Shown(Struct, frozen=True, kw_only=True):
    """A committed answer or a settled bet, as far as rating it goes."""

    ok: bool
    p: float
    chance: float
    knows_not: bool = False  # "I don't know"
    kind: str = "choice"
    latency_ms: int = 0  # 0: not known


class Habits:
    """One learner's record: how often each confidence is right, how first asks go, how long answers take."""

    __slots__ = ("_answers", "_first", "_known", "_times")

    def __init__(self) -> None:
        self._answers = [0.0] * len(SPEAKS)  # by level of confidence
        self._known = [0.0] * len(SPEAKS)  # how many of them were known
        self._first: dict[str, tuple[float, float]] = {}  # by entry
        self._times: dict[str, deque[int]] = {}  # by kind, the newest 51

    def topic_prior(self, entry: str) -> float:
        """Probability to know an unseen claim of this entry, from its first asks so far."""
        n, known = self._first.get(entry, (0.0, 0.0))
        return _between(0.05, (PSEUDO * TOPIC_PRIOR + known) / (PSEUDO + n), 0.95)

    def speaks(self, level: int) -> float:
        """P(level | known) / P(level | not known) for this learner."""
        n, known = self._answers[level], self._known[level]
        here = _between(0.02, (PSEUDO * _KNOWN[level] + known) / (PSEUDO + n), 0.98)
        all_known = _ALL_PSEUDO * _ALL_KNOWN + sum(self._known)
        overall = _between(0.05, all_known / (_ALL_PSEUDO + sum(self._answers)), 0.95)
        return _odds(here) / _odds(overall) * _ALL_ODDS

    def usual_ms(self, kind: str) -> int | None:
        """Median time of recent answers of this kind."""
        times = self._times.get(kind)
        return sorted(times)[len(times) // 2] if times else None

    def rapid(self, shown: Shown) -> bool:
        """A blind guess: too fast to have read the question, and not claimed to be known."""
        if shown.knows_not or shown.p > 0.5 or not shown.latency_ms:
            return False
        return shown.latency_ms < max(RAPID, 0.1 * (self.usual_ms(shown.kind) or 0))

    def rate(self, shown: Shown, prior: float, *, first: bool) -> Name:
        """The rating, with `prior` the probability that the claim was known before the answer was seen."""
        if not shown.ok or shown.knows_not:
            return "again"
        prior = _between(0.02, prior, 0.98)
        odds = _odds(prior) / shown.chance * self.speaks(level(shown.p, shown.chance))
        known = odds / (1 + odds)
        if known < 0.5:
            return "again"  # more likely a lucky guess
        if known < 0.75:
            return "hard"
        if first and known > 0.98 and shown.p >= 0.9 and shown.kind != "bet":
            times = self._times.get(shown.kind, ())
            if len(times) >= 5 and 0 < shown.latency_ms <= (self.usual_ms(shown.kind) or 0):
                return "easy"
        return "good"

    def note(self, shown: Shown, entry: str, *, first: bool) -> None:
        """Adds a rated answer to the record."""
        if shown.knows_not:
            known = 0.0
        else:  # right answers minus the share that guessing explains
            known = 1.0 if shown.ok else -shown.chance / (1 - shown.chance)
        at = level(shown.p, shown.chance)
        self._answers[at] += 1
        self._known[at] += known
        if first:
            n, so_far = self._first.get(entry, (0.0, 0.0))
            self._first[entry] = (n + 1, so_far + known)
        if shown.latency_ms:
            if shown.kind not in self._times:
                self._times[shown.kind] = deque(maxlen=51)
            self._times[shown.kind].append(shown.latency_ms)


@lru_cache(maxsize=1000)  # a long log asks for the same few over and over
def level(p: float, chance: float) -> int:
    """Index of the confidence level that `p` is nearest to; 0 is chance."""
    if p <= chance or p < 0.45:
        return 0
    return 1 + min(range(len(STATED)), key=lambda n: abs(STATED[n] - p))


def _odds(p: float) -> float:
    return p / (1 - p)


def _between(low: float, x: float, high: float) -> float:
    return low if x < low else high if x > high else x
