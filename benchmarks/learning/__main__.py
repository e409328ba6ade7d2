"""Does the app's schedule teach simulated learners more than other schedules in the same minutes?

    python -m benchmarks.learning [--seed N] [--learners M] [--days D] [--json] [--quick]
                                  [--scenario NAME ...] [--family NAME ...] [--arm NAME ...]

The `proposed` arm is the app's own code (questions.plan, schedule, rating, grade), driven by a calendar instead of a
clock. Other arms: fair FSRS-6, due-first FSRS-6, SM-2, a fixed ladder, round-robin, random, and an index of expected
gain; ablations: without re-checks, with right and wrong as the only ratings. Learners follow three laws of forgetting,
of which one is FSRS-like and none is known to the app. Same seed, same learner and same luck for every arm, so that
differences are paired.

Seeds 500 to 559 were used to choose the numbers in questions/plan.py and schedule.py; figures to be quoted come from
other seeds. All learners of the default run take an hour on one core; --quick takes 20 s. Results are simulation: what
they say about people is nothing but that the schedule does what it is meant to do if people forget in these ways.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product

from msgspec.structs import replace

from benchmarks.learning.compare import Cell, cell
from benchmarks.learning.course import ARMS, BASELINES, VARIANTS, Outcome, run
from benchmarks.learning.gates import CORE, gates
from benchmarks.learning.memories import FAMILIES
from benchmarks.learning.report import document, page
from benchmarks.learning.scenarios import SCENARIOS, Scenario

SEED, LEARNERS = 20_000, 40
QUICK_LEARNERS = 8
LABS = "proposed+labs"  # the only arm to which labs matter
QUICK_ARMS = (
    "proposed",
    "proposed+labs",
    "fair-fsrs",
    "due-first",
    "sm2",
    "ladder",
    "round-robin",
    "random",
    "gain",
)


def bench(
    seeds: Sequence[int],
    scenarios: Sequence[str],
    families: Sequence[str],
    arms: Sequence[str],
    *,
    days: int | None = None,
    daily: bool = True,
    progress: bool = False,
) -> list[Cell]:
    """Every scenario with every family of learners. `daily`: see `course.run`."""
    cells = []
    known: dict[tuple[Scenario, str, str], list[Outcome]] = {}  # scenarios may differ in their labs alone
    for name, family in product(scenarios, families):
        scenario = SCENARIOS[name] if days is None else replace(SCENARIOS[name], days=days)
        runs: dict[str, list[Outcome]] = {}
        for arm in dict.fromkeys(("proposed", "fair-fsrs", *arms)):
            key = (replace(scenario, name="", lab_effect=scenario.lab_effect * (arm == LABS)), family, arm)
            if key not in known:
                known[key] = [run(seed, family, scenario, arm, daily=daily) for seed in seeds]
            runs[arm] = known[key]
        cells.append(cell(name, family, runs, BASELINES))
        if progress:
            print(f"{name}, {family}: {cells[-1].proposed_minus_fair_fsrs}", file=sys.stderr, flush=True)
    return cells


def quick(seed: int, learners: int = QUICK_LEARNERS) -> list[Cell]:
    """What the gates need, and no more."""
    return bench(range(seed, seed + learners), (*CORE, "lab-null"), ("fsrs", "actr"), QUICK_ARMS, daily=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the first learner; default {SEED}")
    parser.add_argument(
        "--learners", type=int, help=f"a family; default {LEARNERS}, with --quick {QUICK_LEARNERS}"
    )
    parser.add_argument("--days", type=int, help="of every course; default 60")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--quick", action="store_true", help="three scenarios, two families, what the gates need"
    )
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="NAME")
    parser.add_argument("--arm", nargs="+", choices=ARMS, default=[*VARIANTS, *BASELINES], metavar="NAME")
    asked = parser.parse_args()
    if asked.quick:
        learners = asked.learners or QUICK_LEARNERS
        cells = quick(asked.seed, learners)
    else:
        learners = asked.learners or LEARNERS
        seeds = range(asked.seed, asked.seed + learners)
        cells = bench(seeds, asked.scenario, asked.family, asked.arm, days=asked.days, progress=True)
    found = gates({(c.scenario, c.learner): c for c in cells})
    if asked.json:
        sys.stdout.buffer.write(
            document(cells, found, seed=asked.seed, learners=learners, days=asked.days) + b"\n"
        )
    else:
        print(page(cells, found))


if __name__ == "__main__":
    main()
