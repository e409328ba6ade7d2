"""The schedule against other schedules on simulated learners: the gates of the design's bench, in their quick form.

Learners: seeds 93000 to 93004, which nobody tuned on (the planner's numbers were chosen on seeds 500 to 559). What the
gates are is in benchmarks/learning/gates.py; `python -m benchmarks.learning --quick --seed 93000 --learners 5` prints
all figures.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.learning.__main__ import bench, main, quick
from benchmarks.learning.app import App, bank
from benchmarks.learning.arms import Ladder, Sm2
from benchmarks.learning.compare import Cell, interval, student
from benchmarks.learning.course import ARMS, run
from benchmarks.learning.gates import Gate, gates
from benchmarks.learning.learner import Learner
from benchmarks.learning.memories import FAMILIES, Memory
from benchmarks.learning.scenarios import SCENARIOS, Scenario
from questions.events import decode, encode
from questions.schedule import Fold

SEED, LEARNERS = 93_000, 5
SMALL = Scenario(name="small", claims=24, minutes=5, days=8)


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return quick(SEED, LEARNERS)


@pytest.fixture(scope="module")
def decided(cells: list[Cell]) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates({(c.scenario, c.learner): c for c in cells})}


HOLD = (
    "k30 against fair FSRS, every cell",
    "k30 against fair FSRS, mean of fsrs cells",
    "k30 against SM-2, mean of fsrs cells",
    "k30 against random, every fsrs cell",
    "k30 with labs against fair FSRS, every cell",
    "misconceptions with labs / fair FSRS, mean of cells",
    "k30 where labs teach nothing, fsrs",
    "k30 where labs teach nothing, actr",
    "log loss / plain FSRS, same answers",
    "log loss / constant mean, same answers",
    "held that truly are, 300x10 fsrs",
    "share called held under a wrong model",
    "share of the bank asked, every cell",
    "largest plan / budget, every cell",
    "k30 against the best arm, every cell",
)
# Gates that do not hold, and what their figures may not fall behind.
MISSED = {
    # +0.010 [-0.018, +0.037] with actr learners, +0.28 with fsrs ones. Where all is forgotten within days and there is
    # time for two or three looks at each of 300 claims, a few claims looked at often are worth as much as many.
    "k30 against due-first FSRS, 300x10": -0.005,
    # 1.128 at 300x10 fsrs: the app asks what is most likely forgotten, which is hard to foresee. On the same answers
    # plain FSRS-6 is worse (ratio 0.981), and so is their mean, known afterwards (0.994).
    "log loss / fair FSRS's own, every cell": 1.14,
}


@pytest.mark.parametrize("name", HOLD)
def test_a_gate_holds(decided: dict[str, Gate], name: str) -> None:
    assert decided[name].holds, str(decided[name])


@pytest.mark.parametrize("name", MISSED)
def test_a_gate_that_is_missed_is_missed_by_no_more_than_is_written_down(
    decided: dict[str, Gate], name: str
) -> None:
    gate = decided[name]
    assert not gate.holds, f"take it out of MISSED: {gate}"
    assert gate.value >= MISSED[name] if gate.at_least else gate.value <= MISSED[name], str(gate)


def test_no_gate_is_left_out(decided: dict[str, Gate]) -> None:
    assert set(decided) == {*HOLD, *MISSED}


def test_every_cell_has_what_the_report_is_made_of(cells: list[Cell]) -> None:
    for cell in cells:
        assert {"proposed", "fair-fsrs", "round-robin", "gain"} <= set(cell.arms)
        difference = cell.proposed_minus_fair_fsrs
        assert difference.low < difference.mean < difference.high
        means = cell.arms["proposed"]["k30"] - cell.arms["fair-fsrs"]["k30"]
        assert difference.mean == pytest.approx(means)


# fairness


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_uses_its_minutes_and_no_more(arm: str) -> None:
    outcome = run(3, "fsrs", SMALL, arm)
    assert SMALL.minutes * SMALL.days <= outcome.minutes <= (SMALL.minutes + 3.5) * SMALL.days
    assert 0 < outcome.k30 < outcome.k_end <= 1


def test_the_same_seed_has_the_same_luck_whoever_asks() -> None:
    one, other = (Learner(5, "actr", SMALL) for _ in range(2))
    other.answer(7, 0)  # another claim in between
    assert [one.answer(3, day) for day in (1, 4, 9)] == [other.answer(3, day) for day in (1, 4, 9)]


def test_the_app_replays_to_the_same_state_from_its_log() -> None:
    app = App(Learner(4, "fsrs", SMALL), SMALL, "labs")
    for day in range(SMALL.days):
        app.session(day)
    fresh = Fold(bank(SMALL.claims))
    fresh.feed([decode(encode(event)) for event in app.log])
    today = app.log[-1].day
    assert {event.__class__.__name__ for event in app.log} == {"Answer", "Bet", "Result"}
    assert fresh.memory(today, SMALL.minutes) == app.memory(SMALL.days - 1)
    assert fresh.foreseen == app.foreseen


def test_labs_are_all_that_differs_in_lab_null() -> None:
    taught, null = (
        run(2, "fsrs", SCENARIOS[name], "fair-fsrs", daily=False) for name in ("300x10", "lab-null")
    )
    assert taught == null or np.isnan(taught.precision)  # nan is not equal to itself
    assert (taught.k30, taught.beliefs) == (null.k30, null.beliefs)


# learners


def memory(family: str) -> Memory:
    return FAMILIES[family](np.random.default_rng(1), np.zeros(4), np.zeros(4, dtype=bool))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_never_studied_is_not_known_and_what_was_fades(family: str) -> None:
    held = memory(family)
    assert held.recall(0, 5) < 0.01
    for day in (5, 9, 20):
        held.study(0, day, known=True)
    course = [held.recall(0, day) for day in (20, 21, 25, 40, 80)]
    assert course == sorted(course, reverse=True)
    assert course[0] > 0.5 > course[-1] - 0.4
    assert held.recalls(40) == pytest.approx([held.recall(claim, 40) for claim in range(4)])


@pytest.mark.parametrize(("family", "gain"), [("fsrs", 0.03), ("actr", 0.01), ("scales", -0.001)])
def test_what_looks_days_apart_gain_over_looks_on_consecutive_days(family: str, gain: float) -> None:
    held = memory(family)
    for day in (18, 19, 20):
        held.study(0, day, known=True)
    for day in (8, 14, 20):
        held.study(1, day, known=True)
    assert held.recall(1, 60) - held.recall(0, 60) > gain


def test_a_correction_that_is_forgotten_lets_the_belief_come_back() -> None:
    learner = Learner(1, "actr", SCENARIOS["300x10"])
    misled = int(np.argmax(learner.beliefs(0)))
    assert learner.belief(misled, 0) == 1
    for day in (0, 3, 6):
        learner.answer(misled, day)
    assert learner.belief(misled, 6) < learner.belief(misled, 36) < 1


# other arms, and figures


def test_sm2_and_the_ladder_wait_as_they_are_described() -> None:
    sm2, ladder = Sm2(1), Ladder(1)
    assert [sm2.wait(0, 0, ok) for ok in (True, True, True, False, True)] == [1, 6, 15, 1, 1]
    assert [ladder.wait(0, 0, ok) for ok in (True, True, True, False, True)] == [1, 3, 7, 1, 3]


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(4, 2.776), (5, 2.571), (9, 2.262), (29, 2.045), (99, 1.984)]
)
def test_students_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert student(degrees) == pytest.approx(quantile, rel=0.006)


def test_an_interval_is_centred_and_shrinks_with_more_learners() -> None:
    few, many = interval([0.0, 0.02] * 3), interval([0.0, 0.02] * 30)
    assert few.mean == many.mean == pytest.approx(0.01)
    assert many.high - many.low < few.high - few.low
    assert np.isnan(interval([0.5]).mean)


def test_the_command_prints_the_same_twice_as_text_and_as_json(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = ["--learners", "2", "--days", "5", "--scenario", "120x8", "--family", "scales", "--arm", "ladder"]
    printed = []
    for more in ([], [], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["benchmarks.learning", *asked, *more])
        main()
        printed.append(capsysbinary.readouterr().out)
    text, again, made = printed
    assert text == again
    assert b"120x8, scales learners (n = 2)" in text
    (cell,) = json.loads(made)["cells"]
    assert (cell["scenario"], cell["learner"], set(cell["arms"])) == (
        "120x8",
        "scales",
        {"proposed", "fair-fsrs", "ladder"},
    )
    assert set(cell["proposed_minus_fair_fsrs"]) == {"mean", "low", "high"}
    assert cell["arms"]["ladder"]["log_loss"] is None


def test_a_gap_in_the_calendar_is_fourteen_days_long() -> None:
    days = SCENARIOS["gap"].calendar()
    assert max(b - a for a, b in pairwise(days)) == 15
    (cell,) = bench([1], ["gap"], ["fsrs"], ["proposed"], days=45)
    assert cell.arms["proposed"]["recovery"] >= 1
