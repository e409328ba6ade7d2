"""The bench's figures as a page of text, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, Final

import msgspec

from benchmarks.learning.compare import DIFFERENCES, Cell, Difference
from benchmarks.learning.gates import Gate

INTRODUCTION: Final = """\
Simulated learners; nothing here was measured on people. Every arm gets the same minutes of the same learners.
k30: share of the bank known 30 days after the last session, less half of what is wrongly believed; k_end: the day
after it; area: mean over the days; day80: first day on which 80 % is known; beliefs: strength of misconceptions."""
PREDICTED: Final = ("log_loss", "plain_loss", "average_loss", "moving_loss", "brier", "ece")
SAID: Final = ("held", "precision", "coverage", "planned", "recovery")


def page(cells: Sequence[Cell], gates: Sequence[Gate]) -> str:
    """Everything, cell by cell; the worst cells and the gates last."""
    return "\n".join(
        [INTRODUCTION, *(line for cell in cells for line in _cell(cell)), *_ends(cells), *_gates(gates)]
    )


def document(cells: Sequence[Cell], gates: Sequence[Gate], **asked: Any) -> bytes:
    """The same as JSON; what does not apply is null."""
    judged = [{**msgspec.to_builtins(gate), "holds": gate.holds} for gate in gates]
    return msgspec.json.format(
        msgspec.json.encode({**asked, "cells": list(cells), "gates": judged}), indent=1
    )


def _cell(cell: Cell) -> Iterator[str]:
    who = f"{cell.scenario}, {cell.learner} learners (n = {cell.learners})"
    yield f"\n{who}. proposed minus ... [95 % interval, paired]"
    yield f"{'':16}{'k30':27}" + "".join(f"{metric:>18}" for metric in DIFFERENCES[1:])
    for arm, minus in sorted(cell.proposed_minus.items(), key=lambda pair: pair[1]["k30"].mean):
        yield f"  {arm:14}{minus['k30']!s:27}" + "".join(f"{_short(minus[m]):>18}" for m in DIFFERENCES[1:])
    for names in (PREDICTED, SAID):
        figures = {name: cell.arms["proposed"][name] for name in names}
        yield "  proposed: " + ", ".join(
            f"{name} {value:.3f}" for name, value in figures.items() if isfinite(value)
        )


def _ends(cells: Sequence[Cell]) -> Iterator[str]:
    yield "\nk30, proposed minus fair FSRS, and minus the best arm of the cell; the worst cell first"
    for cell in sorted(cells, key=lambda c: c.proposed_minus_best.mean):
        fair, best = cell.proposed_minus_fair_fsrs, cell.proposed_minus_best
        yield f"  {cell.scenario:18}{cell.learner:8}{fair!s:28}{best!s:28}{cell.best_arm}"


def _gates(gates: Sequence[Gate]) -> Iterator[str]:
    yield "\nGates"
    yield from (f"  {gate}" for gate in gates)


def _short(difference: Difference) -> str:
    if not isfinite(difference.mean):
        return "-"
    digits = 3 if abs(difference.mean) < 1 else 1
    return f"{difference.mean:+.{digits}f} ±{difference.high - difference.mean:.{digits}f}"
