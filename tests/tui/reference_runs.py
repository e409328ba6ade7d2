"""Runs that end at once with what their lab's `[reference]` says, as if a worker had measured it."""

from __future__ import annotations

import json
from math import sqrt
from typing import TYPE_CHECKING

from learner import QuietBench, take_up, write

from labs.journal import End, Outcome, Start, Verdict, line, number
from labs.verdict import BandResult, look_share, measured_band, t_quantile

if TYPE_CHECKING:
    from pathlib import Path

    from labs.catalog import Catalog, Check, Lab, Measured
    from labs.catalog import Outcome as Declared
    from labs.journal import Run

Seeds = dict[int, float]
USUAL = {"%": 97.0}  # of the best arm, where the reference gives differences only; else the lowest one has 1


def measured(lab: Lab) -> dict[str, dict[str, Seeds]]:
    """Outcomes by arm and seed, of which every rule's first check gives the reference's effect and interval."""
    return {outcome.id: _outcome(lab, outcome) for outcome in lab.outcomes}


def band(lab: Lab) -> BandResult:
    """Where the bet's quantity falls in such a run."""
    return measured_band(lab.bet, lab.declared, measured(lab), lab.seeds)


def end(run: Run, lab: Lab) -> None:
    """Writes the run to its end: outcomes, the reference's verdicts, verdict.json."""
    reference = lab.reference
    assert reference is not None, lab.id
    spec, outcomes = run.spec, measured(lab)
    seeds = list(range(reference.seeds))
    verdicts = [
        Verdict(
            t=lab.estimate_s,
            rule=rule.id,
            claim=rule.claim,
            verdict=reference.rules[rule.id].verdict,
            expected=rule.expected,
            effect=number(reference.rules[rule.id].effect),
            interval=reference.rules[rule.id].interval,
            confidence=1.0 if all(c.kind == "exact" for c in rule.checks) else rule.confidence,
            seeds=reference.seeds,
            unit=rule.checks[0].unit(lab.declared),
            note="",
            settles=spec.settles,
        )
        for rule in lab.rules
    ]
    write(
        run,
        Start(
            t=0.0,
            run=spec.id,
            lab=lab.id,
            entry=lab.entry,
            arms=[arm.id for arm in lab.arms],
            seeds=seeds,
            device="cpu",
            device_name="CPU",
            device_reason="",
            knobs=spec.knobs,
            estimate_s=lab.estimate_s,
            settles=spec.settles,
            versions={"torch": reference.torch},
            at=spec.created_at,
        ),
        *(
            Outcome(
                t=lab.estimate_s,
                arm=arm.id,
                seeds=seeds,
                values={id: list(map(number, by_arm[arm.id].values())) for id, by_arm in outcomes.items()},
            )
            for arm in lab.arms
        ),
        *verdicts,
        End(t=lab.estimate_s, status="done", seconds=lab.estimate_s),
    )
    kept = {"seeds": seeds, "verdicts": [json.loads(line(verdict)) for verdict in verdicts]}
    run.verdict_file.write_text(json.dumps(kept), "utf-8")


class ReferenceBench(QuietBench):
    """A started run is over before anybody looks."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder)
        self.catalog = catalog

    async def start(self, run: Run) -> None:
        self.started.append(run)
        take_up(run)
        end(run, self.catalog.labs[run.spec.lab])


def _outcome(lab: Lab, outcome: Declared) -> dict[str, Seeds]:
    reference = lab.reference
    assert reference is not None, lab.id
    said = [(rule.checks[0], reference.rules[rule.id]) for rule in lab.rules]
    said = [(check, seen) for check, seen in said if check.outcome == outcome.id]
    means = _means([arm.id for arm in lab.arms], outcome, said)
    spreads = {check.arm: _spread(lab, check, seen) for check, seen in reversed(said)}
    still = [0.0] * reference.seeds
    return {
        arm: {n: mean + off for n, off in enumerate(spreads.get(arm, still))} for arm, mean in means.items()
    }


def _means(arms: list[str], outcome: Declared, said: list[tuple[Check, Measured]]) -> dict[str, float]:
    means = {check.arm: seen.effect for check, seen in reversed(said) if check.versus is None}
    apart = [(check.arm, check.versus, seen.effect) for check, seen in said if check.versus is not None]
    anchored = bool(means)
    for _ in arms:
        for arm, versus, effect in apart:
            if not means or (arm not in means and versus not in means and not anchored):
                means[versus] = 0.0
            if versus in means:
                means.setdefault(arm, means[versus] + effect)
            elif arm in means:
                means[versus] = means[arm] - effect
    if not anchored:
        usual = USUAL.get(outcome.unit)
        lowest, highest = min(means.values(), default=0.0), max(means.values(), default=0.0)
        shift = 1.0 - lowest if usual is None else usual - highest
        means = {arm: mean + shift for arm, mean in means.items()}
    other = min(means.values(), default=1.0)
    return {arm: means.get(arm, other) for arm in arms}


def _spread(lab: Lab, check: Check, seen: Measured) -> list[float]:
    """What the seeds add to the mean, so that their interval is the reference's."""
    assert lab.reference is not None
    n, (low, high) = lab.reference.seeds, seen.interval
    if n < 2 or high <= low:
        return [0.0] * n
    steps = [2 * k / (n - 1) - 1 for k in range(n)]  # evenly from -1 to 1
    if check.kind == "exact":
        return [low - seen.effect + (high - low) * (step + 1) / 2 for step in steps]
    sd = sqrt(sum(step * step for step in steps) / (n - 1))
    alpha = 0.05 * look_share(n, lab.seeds)
    wanted = (high - low) / 2 * sqrt(n) / t_quantile(alpha / 2, n - 1)
    return [step / sd * wanted for step in steps]
