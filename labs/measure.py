"""Measures a lab in this process and prints the `[reference]` block of its lab.toml.

    python -m labs.measure LAB [--seeds N] [--base-seed N] [--write]

For authors and tests. `--write` puts the block into the lab's lab.toml in place of the one that is there.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import torch

from labs.catalog import EXPERIMENTS, Lab, find, lab_named
from labs.report import Outcome, Point
from labs.verdict import Outcomes, Verdict, judge, measured_band
from labs.yielded import plain

Experiment = Callable[..., Iterator[Point | Outcome]]


def code_of(lab: Lab) -> Experiment:
    """The lab's experiment function, loaded from its file as the worker does."""
    spec = importlib.util.spec_from_file_location(f"experiment_{lab.id}", lab.folder / "experiment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    experiment: Experiment = module.experiment
    return experiment


def outcomes_of(lab: Lab, seeds: Sequence[int], device: torch.device | None = None, **knobs: Any) -> Outcomes:
    """Runs the lab to its end: outcome id -> arm id -> seed -> value."""
    *_, last = code_of(lab)(seeds, device or torch.device("cpu"), **{**lab.defaults, **knobs})
    assert isinstance(last, Outcome), f"{lab.id}: the last thing an experiment yields is its Outcome"
    return {
        outcome: {
            arm: dict(zip(seeds, plain(torch, [values])[0], strict=True)) for arm, values in by_arm.items()
        }
        for outcome, by_arm in last.values.items()
    }


def verdicts_of(lab: Lab, outcomes: Outcomes) -> dict[str, Verdict]:
    """Rule id -> verdict."""
    return {rule.id: judge(rule, lab.declared, outcomes, lab.seeds) for rule in lab.rules}


def block(verdicts: dict[str, Verdict], seeds: int, seconds: float) -> str:
    """The `[reference]` block as TOML."""
    lines = [
        "[reference]",
        f"date = {date.today()}",
        'device = "cpu"',
        f'torch = "{torch.__version__.split("+")[0]}"',
        f"seeds = {seeds}",
        f"seconds = {seconds:.1f}",
        "",
        "[reference.rules]",
    ]
    for rule, found in verdicts.items():
        low, high = (_toml(end) for end in found.interval)
        lines.append(
            f'{rule} = {{ verdict = "{found.verdict}", effect = {_toml(found.effect)},'
            f" interval = [{low}, {high}] }}"
        )
    return "\n".join(lines) + "\n"


def _toml(value: float) -> str:
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    short = f"{value:.6g}"
    return short if re.search(r"[.e]", short) else short + ".0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lab", nargs="+")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--base-seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    catalog = find(EXPERIMENTS)
    for name in args.lab:
        lab = lab_named(catalog, name)
        count = args.seeds or lab.seeds.start
        seeds = list(range(args.base_seed, args.base_seed + count))
        began = time.perf_counter()
        outcomes = outcomes_of(lab, seeds)
        seconds = time.perf_counter() - began
        verdicts = verdicts_of(lab, outcomes)
        text = block(verdicts, count, seconds)
        print(f"# {lab.id}, bet: {measured_band(lab.bet, lab.declared, outcomes, lab.seeds)}\n{text}")
        for rule in lab.rules:
            if verdicts[rule.id].verdict != rule.expected:
                print(f"# {rule.id}: expected {rule.expected}")
        if args.write:
            path = lab.folder / "lab.toml"
            kept = re.split(r"^\[reference\]", path.read_text(encoding="utf-8"), flags=re.M)[0].rstrip()
            path.write_text(f"{kept}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
