"""A simulated learner: what is known, what is wrongly believed, how sure it feels, how long an answer takes.

The same seed gives the same learner, and the same luck at the k-th answer to a claim, whichever arm asks: arms are
compared on pairs.
"""

from __future__ import annotations

from bisect import bisect
from math import exp
from typing import Final, NamedTuple

import numpy as np

from benchmarks.learning.memories import FAMILIES, Floats
from benchmarks.learning.scenarios import Scenario

OPTIONS: Final = 4
SLIP: Final = 0.05  # a known claim is answered wrongly
MISLED: Final = 0.35  # of the claims not known at first carry a misconception
AGAIN: Final = (
    0.6  # of a misconception comes back where its correction is forgotten (Butler, Fazio & Marsh 2011)
)
READING: Final = {True: 6.0, False: 25.0}  # seconds spent on the explanation
STATED: Final = (None, 0.5, 0.7, 0.9, 0.97)  # None: chance
CUTS: Final = (-1.0, -0.28, 0.36, 1.06)  # of felt sureness, between those levels
LUCK: Final = 64  # answers to one claim with luck of their own


class Reply(NamedTuple):
    """One answer: `lured` means that the claim's own misconception was picked."""

    ok: bool
    lured: bool
    other: int  # which of the other wrong options, where one of those was picked
    p: float
    seconds: float  # until the answer stands
    known: bool  # it was retrieved, whatever was picked then


class Learner:
    """One learner and one bank. Days are whole numbers from 0."""

    def __init__(self, seed: int, family: str, scenario: Scenario) -> None:
        n = scenario.claims
        random = np.random.default_rng([seed, 1])
        ability, bias, speed = random.standard_normal(3)
        hard = random.standard_normal(n)
        known = random.random(n) < 1 / (1 + np.exp(1.1 + hard - ability))
        misled = random.random(n) < (MISLED if scenario.misconceptions else 0.0)
        self._bias = 0.4 + 0.5 * bias + scenario.boast
        self._seconds = 34 * exp(0.15 * speed)
        self._first = np.where(misled & ~known, 1.0, 0.0)  # strength of the misconception at the start
        self._belief = self._first.copy()
        self._luck = np.random.default_rng([seed, 2]).random((n, LUCK, 4))
        self._noise = np.random.default_rng([seed, 3]).standard_normal((n, LUCK, 2))
        self._asked = [0] * n
        self.memory = FAMILIES[family](np.random.default_rng([seed, 4]), hard, known)

    @property
    def answers(self) -> int:
        """Answers and bets so far."""
        return sum(self._asked)

    @property
    def met(self) -> int:
        """Claims met at least once."""
        return sum(n > 0 for n in self._asked)

    # what is true

    def belief(self, claim: int, day: int) -> float:
        """Probability that the misconception decides an answer to this claim."""
        held, most = self._belief.item(claim), AGAIN * self._first.item(claim)
        back = max(most - held, 0.0) * (1 - self.memory.recall(claim, day))
        return float(held + back)

    def beliefs(self, day: int) -> Floats:
        back = np.maximum(AGAIN * self._first - self._belief, 0) * (1 - self.memory.recalls(day))
        held: Floats = self._belief + back
        return held

    def knowledge(self, day: int) -> Floats:
        """Of every claim: true recall times (1 - half of its misconception)."""
        held: Floats = self.memory.recalls(day) * (1 - 0.5 * self.beliefs(day))
        return held

    # what happens

    def answer(self, claim: int, day: int) -> Reply:
        """Answers a question and reads the explanation."""
        belief = self.belief(claim, day)
        reply = self._reply(claim, day, belief)
        self.memory.study(claim, day, known=reply.known)
        self._correct(claim, belief, 0.6 if reply.lured else 0.85 if reply.ok else 0.75)
        return reply

    def bet(self, claim: int, day: int, effect: float) -> Reply:
        """Bets on a lab and sees its result: a study event of strength `effect`, and half of the misconception goes
        for good. Effect 0: the lab teaches nothing at all."""
        belief = self.belief(claim, day)
        reply = self._reply(claim, day, belief)
        if effect:
            self.memory.study(claim, day, known=reply.known, strength=effect)
            self._first[claim] *= 0.5
            self._correct(claim, belief, 0.5)
        return reply

    def _reply(self, claim: int, day: int, belief: float) -> Reply:
        turn = self._asked[claim] % LUCK
        self._asked[claim] += 1
        lure, knows, luck, other = self._luck[claim, turn].tolist()
        sure, pace = self._noise[claim, turn].tolist()
        known = knows < self.memory.recall(claim, day)
        lured = lure < belief
        ok = not lured and (luck >= SLIP if known else luck < 1 / OPTIONS)
        felt = (1.0 if known or lured else -1.0) + self._bias + sure
        p = STATED[bisect(CUTS, felt)] or 1 / OPTIONS
        seconds = self._seconds * exp(0.35 * pace - 0.06) * (0.9 if known else 1.05)
        return Reply(ok, lured, int(other * (OPTIONS - 2)), p, min(max(seconds, 4.0), 180.0), known)

    def _correct(self, claim: int, belief: float, left: float) -> None:
        if self._first.item(claim):
            self._belief[claim] = belief * left
