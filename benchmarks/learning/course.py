"""One learner taken through one scenario by one arm, and what came of it."""

from __future__ import annotations

from math import isnan
from typing import Final

import numpy as np
from msgspec import Struct

from benchmarks.learning.app import App, Variant
from benchmarks.learning.arms import Arm, Fsrs, Gain, Ladder, RoundRobin, Shuffled, Sm2
from benchmarks.learning.learner import READING, Learner
from benchmarks.learning.scenarios import GAP, Scenario

LATER: Final = 30  # days after the last one
HELD: Final = 0.75  # what is called held should be known, and not outdone by a belief, with this probability
REACH: Final = 0.8  # of the bank known

VARIANTS: Final[dict[str, Variant]] = {
    "proposed": "proposed",
    "proposed+labs": "labs",
    "no-rechecks": "no-rechecks",
    "binary": "binary",
}
BASELINES: Final = ("fair-fsrs", "due-first", "sm2", "ladder", "round-robin", "random", "gain")
ARMS: Final = (*VARIANTS, *BASELINES)


class Outcome(Struct, frozen=True, kw_only=True):
    """Metrics of one learner-run. Knowledge is a mean over the whole bank of true recall x (1 - belief / 2).

    `nan` where a metric does not apply to the arm or scenario.
    """

    k_end: float  # knowledge on the day after the last session
    k30: float  # and 30 days after it, without another session
    area: float  # mean knowledge over the days of the course
    day80: float  # first day on which 80 % is known; the day after the last one if never
    reviews: float  # answers a claim of the bank
    minutes: float  # of the learner's time, in all
    beliefs: float  # mean strength of misconceptions, 30 days after
    coverage: float  # share of the bank asked at least once
    log_loss: float  # of predicted right answers, first asks left out
    brier: float
    ece: float  # expected calibration error over ten equal bins
    plain_loss: float  # log loss that plain FSRS-6 with default weights has on the same answers
    average_loss: float  # log loss of the mean of these answers, known only afterwards
    moving_loss: float  # log loss of a moving average of the answers so far
    held: float  # share of the bank that the app calls held
    precision: float  # share of those that truly are
    planned: float  # largest plan, in budgets
    recovery: float  # sessions after the gap until 97 % of the knowledge before it is back


NAN: Final = float("nan")


def run(seed: int, family: str, scenario: Scenario, arm: str, *, daily: bool = True) -> Outcome:
    """`daily`: look at the knowledge of every day (area, day80, recovery); without it a run is a third cheaper."""
    learner = Learner(seed, family, scenario)
    course: App | _Course
    if arm in VARIANTS:
        course = App(learner, scenario, VARIANTS[arm])
    else:
        course = _Course(learner, scenario, _baseline(arm, seed, scenario.claims))
    knowledge: list[float] = []
    before_gap = recovery = NAN
    seconds = 0.0
    calendar = scenario.calendar()
    for number, day in enumerate(calendar):
        if scenario.gap_after and number == scenario.gap_after:
            before_gap = float(learner.knowledge(day - GAP).mean())
        seconds += course.session(day)
        if daily:
            knowledge.append(float(learner.knowledge(day + 1).mean()))
            if isnan(recovery) and knowledge[-1] >= 0.97 * before_gap:  # never before the gap: nan
                recovery = number - scenario.gap_after + 1
    after, later = calendar[-1] + 1, calendar[-1] + LATER
    held = course.held(after)
    truly = learner.memory.recalls(after) * (1 - learner.beliefs(after)) >= HELD
    reached = next((n + 1 for n, k in enumerate(knowledge) if k >= REACH), len(calendar) + 1)
    return Outcome(
        k_end=float(learner.knowledge(after).mean()),
        k30=float(learner.knowledge(later).mean()),
        area=sum(knowledge) / len(knowledge) if daily else NAN,
        day80=reached if daily else NAN,
        reviews=learner.answers / scenario.claims,
        minutes=seconds / 60,
        beliefs=float(learner.beliefs(later).mean()),
        coverage=learner.met / scenario.claims,
        **_scores(course.foreseen),
        plain_loss=_scores(course.plain)["log_loss"],
        held=len(held) / scenario.claims if arm in VARIANTS else NAN,
        precision=float(truly[held].mean()) if held else NAN,
        planned=course.planned,
        recovery=recovery,
    )


class _Course:
    """A baseline arm at work."""

    def __init__(self, learner: Learner, scenario: Scenario, arm: Arm) -> None:
        self._learner = learner
        self._budget = scenario.minutes * 60
        self._arm = arm
        self._met: set[int] = set()
        self.foreseen: list[tuple[float, bool]] = []
        self.plain: list[tuple[float, bool]] = []
        self.planned = NAN

    def held(self, day: int) -> list[int]:
        """These arms call nothing held."""
        return []

    def session(self, day: int) -> float:
        spent = 0.0
        claims = self._arm.session(day)
        while spent < self._budget:
            claim = next(claims, None)
            if claim is None:
                break
            p = self._arm.foreseen(claim, day) if claim in self._met else None
            reply = self._learner.answer(claim, day)
            if p is not None:
                self.foreseen.append((p, reply.ok))
            self._met.add(claim)
            self._arm.note(claim, day, reply.ok)
            spent += reply.seconds + READING[reply.ok]
        return spent


def _baseline(name: str, seed: int, claims: int) -> Arm:
    match name:
        case "fair-fsrs":
            return Fsrs(claims)
        case "due-first":
            return Fsrs(claims, new_first=False)
        case "sm2":
            return Sm2(claims)
        case "ladder":
            return Ladder(claims)
        case "round-robin":
            return RoundRobin(claims)
        case "random":
            return Shuffled(claims, np.random.default_rng([seed, 5]))
        case "gain":
            return Gain(claims)
    raise ValueError(f"there is no arm {name!r}; there are {', '.join(ARMS)}")


def _scores(pairs: list[tuple[float, bool]]) -> dict[str, float]:
    """How good predictions were, and what two simple predictors make of the same answers."""
    names = ("log_loss", "brier", "ece", "average_loss", "moving_loss")
    if not pairs:
        return dict.fromkeys(names, NAN)
    p = np.clip([p for p, _ in pairs], 0.001, 0.999)
    ok = np.array([ok for _, ok in pairs], dtype=float)
    moving, guess = np.empty_like(p), 0.7
    for n, right in enumerate(ok.tolist()):
        moving[n] = guess
        guess += 0.05 * (right - guess)
    average = np.full_like(p, min(max(ok.mean(), 0.001), 0.999))
    tenth = np.minimum((p * 10).astype(int), 9)
    gaps = [abs(float((p - ok)[tenth == n].sum())) for n in range(10)]
    values = (
        _loss(p, ok),
        float(((p - ok) ** 2).mean()),
        sum(gaps) / len(pairs),
        _loss(average, ok),
        _loss(moving, ok),
    )
    return dict(zip(names, values, strict=True))


def _loss(p: np.ndarray, ok: np.ndarray) -> float:
    return float(-(ok * np.log(p) + (1 - ok) * np.log(1 - p)).mean())
