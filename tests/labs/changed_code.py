"""Labs whose code a test changes: loaded anew, run, and judged by their own rules."""

import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch

from labs.catalog import EXPERIMENTS, load
from labs.report import Outcome
from labs.verdict import Outcomes, judge
from labs.yielded import plain

SEEDS = [0, 1, 2, 3]


def code(lab: str) -> ModuleType:
    """The lab's experiment.py as a new module, free to be changed."""
    spec = importlib.util.spec_from_file_location(f"changed_{lab}", EXPERIMENTS / lab / "experiment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickle looks a dataset's class up by its module
    spec.loader.exec_module(module)
    return module


def outcomes_of(module: ModuleType, seeds: Sequence[int] = SEEDS, **knobs: Any) -> Outcomes:
    """What this code measures, by outcome, arm and seed."""
    lab = load(EXPERIMENTS / module.__name__.removeprefix("changed_"))
    *_, last = module.experiment(list(seeds), torch.device("cpu"), **{**lab.defaults, **knobs})
    assert isinstance(last, Outcome)
    return {
        outcome: {
            arm: dict(zip(seeds, plain(torch, [values])[0], strict=True)) for arm, values in by_arm.items()
        }
        for outcome, by_arm in last.values.items()
    }


def rulings(module: ModuleType, seeds: Sequence[int] = SEEDS, **knobs: Any) -> dict[str, str]:
    """Verdict of each rule of the lab, on the outcomes of this code."""
    lab = load(EXPERIMENTS / module.__name__.removeprefix("changed_"))
    outcomes = outcomes_of(module, seeds, **knobs)
    return {rule.id: judge(rule, lab.declared, outcomes, lab.seeds).verdict for rule in lab.rules}
