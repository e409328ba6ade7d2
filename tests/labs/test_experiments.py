"""Every lab proves what it registers: re-measured here with few seeds. A new lab is tested by existing."""

from __future__ import annotations

import math

import pytest
import torch

from labs.catalog import EXPERIMENTS, Lab, find
from labs.measure import code_of, outcomes_of, verdicts_of
from labs.report import Outcome, Point
from labs.verdict import Outcomes
from labs.yielded import complaint

CATALOG = find(EXPERIMENTS)
LABS = list(CATALOG.labs.values())
FEW = 4
CLOCKS = {"s", "ms", "MB", "MiB", "x", "×"}  # units of what the machine's load decides, not the seed


pytestmark = pytest.mark.usefixtures("one_thread")


def test_no_lab_is_broken() -> None:
    assert not CATALOG.problems
    assert {lab.entry for lab in LABS} >= {"E1", "E2"}


def seeds_for(lab: Lab) -> list[int]:
    return list(range(min(FEW, lab.seeds.start)))


@pytest.fixture(scope="module")
def measured() -> dict[str, Outcomes]:
    """What the tests of this module have measured: lab id -> outcomes of its first few seeds."""
    return {}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_lab_measures_what_it_registers(lab: Lab, measured: dict[str, Outcomes]) -> None:
    seeds = seeds_for(lab)
    arms = [arm.id for arm in lab.arms]
    last: Point | Outcome | None = None
    points = 0
    for last in code_of(lab)(seeds, torch.device("cpu"), **lab.defaults):
        if isinstance(last, Point):
            points += 1
            trouble = complaint(last.series, "series", [s.id for s in lab.series], arms, len(seeds))
            assert trouble is None
            assert 0 <= last.step <= last.of
        else:
            assert complaint(last.values, "outcome", [o.id for o in lab.outcomes], arms, len(seeds)) is None
    assert isinstance(last, Outcome)
    assert points >= 2
    outcomes = {
        outcome: {arm: dict(zip(seeds, map(float, values), strict=True)) for arm, values in by_arm.items()}
        for outcome, by_arm in last.values.items()
    }
    measured[lab.id] = outcomes
    found = verdicts_of(lab, outcomes)
    opposite = {"supported": "refuted", "refuted": "supported"}
    for rule in lab.rules:
        assert found[rule.id].verdict != opposite.get(rule.expected), (rule.id, found[rule.id])
    if not any(
        found[rule.id].verdict == rule.expected for rule in lab.rules
    ):  # a small effect: all its seeds
        found = verdicts_of(lab, outcomes_of(lab, range(lab.seeds.start)))
        assert any(found[rule.id].verdict == rule.expected for rule in lab.rules), found


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_lab_agrees_with_its_reference(lab: Lab, measured: dict[str, Outcomes]) -> None:
    assert lab.reference is not None, "measure it: python -m labs.measure LAB --write"
    outcomes = measured.get(lab.id) or outcomes_of(lab, seeds_for(lab))
    for rule_id, found in verdicts_of(lab, outcomes).items():
        known = lab.reference.rules[rule_id]
        rule = next(rule for rule in lab.rules if rule.id == rule_id)
        assert known.verdict == rule.expected
        if lab.declared[rule.checks[0].outcome].unit in CLOCKS or rule.checks[0].kind == "exact":
            continue  # exact rules were judged above; clocks differ between machines
        low, high = found.interval
        assert low <= known.interval[1] and known.interval[0] <= high, (rule_id, found, known)


CHEAP = [lab for lab in LABS if lab.estimate_s <= 3]


@pytest.mark.parametrize("lab", CHEAP, ids=lambda lab: lab.id)
def test_a_seed_gives_the_same_outcome_again_whoever_is_measured_beside_it(
    lab: Lab, measured: dict[str, Outcomes]
) -> None:
    first = measured.get(lab.id) or outcomes_of(lab, seeds_for(lab))
    again = outcomes_of(lab, [2, 0])
    for outcome, by_arm in again.items():
        if lab.declared[outcome].unit in CLOCKS:
            continue
        for arm, values in by_arm.items():
            for seed, value in values.items():
                known = first[outcome][arm][seed]
                same = math.isclose(value, known, rel_tol=1e-4, abs_tol=1e-6) or (
                    math.isnan(value) and math.isnan(known)
                )
                assert same, (outcome, arm, seed, value, known)
