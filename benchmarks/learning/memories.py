"""Three laws of forgetting that simulated learners follow. The app under test knows none of their parameters.

    fsrs    FSRS-6's update of stability and difficulty, with parameters of its own for every learner
    actr    Pavlik and Anderson (2005): activation is a sum of power laws, and an event decays faster the more
            active the claim was when it came, so that wide spacing pays; a harsh regime
    scales  after Mozer, Pashler, Cepeda, Lindsey and Vul (2009): traces at five time scales, each of which learns
            only what the faster ones leave open; spacing hardly pays, what counts is how often and how lately

A family holds the memory of a whole bank. Days are whole numbers from 0; `recall` is the probability to know the
claim at that time, before guessing, slips and misconceptions. A study event is an answer with its explanation.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import Final, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SOON: Final = 0.05  # days: how old an event of the same day counts


class Memory(Protocol):
    """How well one learner remembers every claim of a bank."""

    def recall(self, claim: int, day: int) -> float: ...

    def recalls(self, day: int) -> Floats: ...

    def study(self, claim: int, day: int, *, known: bool, strength: float = 1.0) -> None:
        """One event; `known`: the learner retrieved it; `strength` in multiples of an ordinary event."""
        ...


class Fsrs:
    """FSRS-6 with this learner's own initial stabilities, decay and growth (lognormal, sd 0.5, 0.35 and 0.3).

    What was known before the first day has a stability of about 30 days then. After an error a claim is as weak
    as FSRS has it after Again, whatever the explanation.
    """

    FIRST: Final = 1.2931  # days, once explained: as after Hard; the package's default weights from here on
    LEAST: Final = 0.212

    def __init__(self, random: Generator, hard: Floats, known: NDArray[np.bool_]) -> None:
        noise = random.standard_normal(3)
        self._scale = exp(0.5 * noise[0])
        self._decay = min(max(0.1542 * exp(0.35 * noise[1]), 0.06), 0.5)
        self._factor = 0.9 ** (-1 / self._decay) - 1
        self._growth = exp(0.3 * noise[2])
        before = 30 * self._scale * np.exp(0.7 * random.standard_normal(len(hard)))
        self._stability = np.where(known, before, 0.0)
        self._difficulty = np.clip(5.0 + 1.5 * hard, 1, 10)
        self._last = np.zeros(len(hard))

    def recall(self, claim: int, day: int) -> float:
        stability = self._stability.item(claim)
        if not stability:
            return 0.0
        return float((1 + self._factor * (day - self._last.item(claim)) / stability) ** -self._decay)

    def recalls(self, day: int) -> Floats:
        with np.errstate(divide="ignore"):
            aged = 1 + self._factor * (day - self._last) / self._stability
        return np.where(self._stability > 0, np.nan_to_num(aged, nan=1.0) ** -self._decay, 0.0)

    def study(self, claim: int, day: int, *, known: bool, strength: float = 1.0) -> None:
        stability = self._stability.item(claim)
        difficulty = self._difficulty.item(claim)
        if not stability:
            after = self.FIRST * self._scale
        else:
            forgotten = 1 - self.recall(claim, day)
            if known:
                pull = exp(1.8722) * (11 - difficulty) * stability**-0.1666 * (exp(0.796 * forgotten) - 1)
                after = stability * (1 + self._growth * pull)
            else:
                lapsed = (
                    1.4835 * difficulty**-0.0614 * ((stability + 1) ** 0.2629 - 1) * exp(1.6483 * forgotten)
                )
                after = self._growth * min(lapsed, stability)
                difficulty += 2 * 3.0194 * (10 - difficulty) / 9
        self._stability[claim] = min(max(after, self.LEAST * self._scale) * strength, 3650.0)
        self._difficulty[claim] = min(max(difficulty, 1.0), 10.0)
        self._last[claim] = day


class Actr:
    """m = ln(sum of s_j t_j^-d_j), d_j = c e^m + a at the time of event j; recall is logistic in (m - tau) / s.

    a = 0.177, c = 0.217, tau = -0.704, s = 0.255 and time slowed by 0.025 between sessions, as published; every
    learner has own a, c and tau, and claims differ in tau by their difficulty. What was known before the first
    day does not fade.
    """

    SECONDS: Final = 86400 * 0.025  # of a day, slowed
    EVENTS: Final = 24  # of a claim that are told apart; then the oldest are forgotten

    def __init__(self, random: Generator, hard: Floats, known: NDArray[np.bool_]) -> None:
        noise = random.standard_normal(3)
        self._a = 0.177 * exp(0.1 * noise[0])
        self._c = 0.217 * exp(0.3 * noise[1])
        self._tau = -0.704 + 0.1 * noise[2] + 0.1 * hard
        self._base = np.where(known, 0.75 * np.exp(0.3 * random.standard_normal(len(hard))), 0.0)
        self._events: list[list[tuple[float, float, float]]] = [[] for _ in hard]  # day, decay, strength
        self._rows = np.zeros((3, len(hard), self.EVENTS))  # the same, for the whole bank at once

    def _activation(self, claim: int, day: int) -> float:
        total = self._base.item(claim)
        for then, decay, strength in self._events[claim]:
            total += strength * ((day - then) * self.SECONDS) ** -decay
        return log(total) if total > 0 else -inf

    def recall(self, claim: int, day: int) -> float:
        away = (self._tau.item(claim) - self._activation(claim, day)) / 0.255
        return 1 / (1 + exp(away)) if away < 50 else 0.0

    def recalls(self, day: int) -> Floats:
        then, decay, strength = self._rows
        total = self._base + (strength * ((day - then) * self.SECONDS) ** -decay).sum(axis=1)
        away = (self._tau - np.log(np.maximum(total, 1e-30))) / 0.255
        known: Floats = 1 / (1 + np.exp(np.minimum(away, 50)))
        return known

    def study(self, claim: int, day: int, *, known: bool, strength: float = 1.0) -> None:
        decay = self._c * exp(self._activation(claim, day)) + self._a
        events = self._events[claim]
        events.append((day - SOON, decay, strength))
        del events[: -self.EVENTS]
        self._rows[:, claim, : len(events)] = np.array(events).T


class Scales:
    """Traces x_i with time constants 1, 5, 25, 125 and 625 days; s_i is the mean of the first i traces, weighted.

    An event moves x_i by e (1 - s_i), e larger after a retrieval. Recall is 1 - exp(-k s). Rates and k differ between
    learners, k with difficulty.
    """

    TAUS: Final = np.array([1.0, 5.0, 25.0, 125.0, 625.0])
    WEIGHTS: Final = np.array([1.0, 0.8, 0.6, 0.5, 0.4])

    def __init__(self, random: Generator, hard: Floats, known: NDArray[np.bool_]) -> None:
        noise = random.standard_normal(2)
        self._rate = 0.30 * exp(0.3 * noise[0])
        self._k = 4.0 * exp(0.2 * noise[1]) * np.exp(-0.15 * hard)
        self._total = np.cumsum(self.WEIGHTS)
        self._traces = np.zeros((len(hard), len(self.TAUS)))
        self._traces[known] = 0.7
        self._traces[known, :2] = 0.0
        self._last = np.zeros(len(hard))

    def _faded(self, claim: int, day: int) -> Floats:
        faded: Floats = self._traces[claim] * np.exp((self._last[claim] - day) / self.TAUS)
        return faded

    def recall(self, claim: int, day: int) -> float:
        s = float(self._faded(claim, day) @ self.WEIGHTS) / float(self._total[-1])
        return 1 - exp(-float(self._k[claim]) * s)

    def recalls(self, day: int) -> Floats:
        s = (self._traces * np.exp((self._last[:, None] - day) / self.TAUS)) @ self.WEIGHTS / self._total[-1]
        known: Floats = 1 - np.exp(-self._k * s)
        return known

    def study(self, claim: int, day: int, *, known: bool, strength: float = 1.0) -> None:
        x = self._faded(claim, day)
        s = np.cumsum(self.WEIGHTS * x) / self._total
        rate = min(self._rate * strength * (1.5 if known else 1.0), 1.0)
        self._traces[claim] = np.minimum(x + rate * (1 - s), 1.0)
        self._last[claim] = day


FAMILIES: Final[dict[str, type[Fsrs] | type[Actr] | type[Scales]]] = {
    "fsrs": Fsrs,
    "actr": Actr,
    "scales": Scales,
}
