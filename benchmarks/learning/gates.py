"""What must hold before the app's schedule may be called sound: bounds on simulated figures.

The bounds are those of the design's bench specification, written before this bench was, and two of our own: at most a
point behind the best arm in every cell, and predictions held against plain FSRS-6 on the same answers. (The design
holds each arm's predictions against its own answers; an arm that asks what is hardest to foresee looks bad then.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from statistics import fmean
from typing import Final

from msgspec import Struct

from benchmarks.learning.compare import Cell

CORE: Final = ("300x10", "120x8", "300x20")

Cells = Mapping[tuple[str, str], Cell]  # by scenario and family of learners


class Gate(Struct, frozen=True):
    """One bound. `value` is the worst figure, or a mean where the name says so; `where` it was found."""

    name: str
    value: float
    bound: float
    at_least: bool
    where: str

    @property
    def holds(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        return (
            f"{'holds ' if self.holds else 'MISSED'}  {self.name}: {self.value:.4f},"
            f" bound {'>=' if self.at_least else '<='} {self.bound:g} ({self.where})"
        )


def gates(cells: Cells) -> list[Gate]:
    """Every gate that these cells have figures for."""
    return [gate for gate in _all(cells) if isfinite(gate.value)]


def _all(cells: Cells) -> Iterator[Gate]:
    core = {key: cell for key, cell in cells.items() if key[0] in CORE}
    fsrs = {key: cell for key, cell in core.items() if key[1] == "fsrs"}
    plain = {key: cell for key, cell in core.items() if key[0] == "300x10"}
    yield _worst("k30 against fair FSRS, every cell", _gain(core, "fair-fsrs"), least=-0.005)
    yield _mean("k30 against fair FSRS, mean of fsrs cells", _gain(fsrs, "fair-fsrs"), least=0.004)
    yield _mean("k30 against SM-2, mean of fsrs cells", _gain(fsrs, "sm2"), least=0.004)
    yield _worst("k30 against random, every fsrs cell", _gain(fsrs, "random"), least=0.025)
    yield _worst("k30 against due-first FSRS, 300x10", _gain(plain, "due-first"), least=0.03)
    yield _worst(
        "k30 with labs against fair FSRS, every cell", _gain(core, "fair-fsrs", "proposed+labs"), least=-0.01
    )
    yield _mean(
        "misconceptions with labs / fair FSRS, mean of cells",
        _ratio(core, ("proposed+labs", "beliefs"), ("fair-fsrs", "beliefs")),
        most=0.85,
    )
    for family, bound in (("fsrs", -0.03), ("actr", -0.06), ("scales", -0.06)):
        null = {key: cell for key, cell in cells.items() if key == ("lab-null", family)}
        yield _worst(
            f"k30 where labs teach nothing, {family}", _gain(null, "fair-fsrs", "proposed+labs"), least=bound
        )
    loss = ("proposed", "log_loss")
    yield _worst(
        "log loss / fair FSRS's own, every cell", _ratio(core, loss, ("fair-fsrs", "log_loss")), most=1.02
    )
    yield _worst(
        "log loss / plain FSRS, same answers", _ratio(core, loss, ("proposed", "plain_loss")), most=1.02
    )
    yield _worst(
        "log loss / constant mean, same answers", _ratio(core, loss, ("proposed", "average_loss")), most=1.01
    )
    yield _worst("held that truly are, 300x10 fsrs", _of(cells, "precision", ("300x10", "fsrs")), least=0.88)
    yield _worst("share called held under a wrong model", _of(core, "held", family="actr"), most=0.12)
    yield _worst("share of the bank asked, every cell", _of(core, "coverage"), least=0.93)
    yield _worst("largest plan / budget, every cell", _of(core, "planned"), most=1.05)
    yield _worst("k30 against the best arm, every cell", _behind(cells), least=-0.01)


def _gain(cells: Cells, other: str, ours: str = "proposed") -> dict[str, float]:
    return {
        _name(key): cell.arms[ours]["k30"] - cell.arms[other]["k30"]
        for key, cell in cells.items()
        if {ours, other} <= set(cell.arms)
    }


def _ratio(cells: Cells, above: tuple[str, str], below: tuple[str, str]) -> dict[str, float]:
    return {
        _name(key): cell.arms[above[0]][above[1]] / cell.arms[below[0]][below[1]]
        for key, cell in cells.items()
        if {above[0], below[0]} <= set(cell.arms)
    }


def _of(
    cells: Cells, metric: str, only: tuple[str, str] | None = None, family: str | None = None
) -> dict[str, float]:
    return {
        _name(key): cell.arms["proposed"][metric]
        for key, cell in cells.items()
        if only in (None, key) and family in (None, key[1])
    }


def _behind(cells: Cells) -> dict[str, float]:
    """Only where all the arms that are ever the best took part."""
    named = {
        (*key, cell.best_arm): cell
        for key, cell in cells.items()
        if {"round-robin", "gain"} <= set(cell.arms)
    }
    return {", ".join(key): cell.proposed_minus_best.mean for key, cell in named.items()}


def _worst(
    name: str, figures: Mapping[str, float], *, least: float | None = None, most: float | None = None
) -> Gate:
    known = {where: value for where, value in figures.items() if isfinite(value)} or {"no cell": float("nan")}
    if least is not None:
        where = min(known, key=lambda w: known[w])
        return Gate(name, known[where], least, True, where)
    assert most is not None
    where = max(known, key=lambda w: known[w])
    return Gate(name, known[where], most, False, where)


def _mean(
    name: str, figures: Mapping[str, float], *, least: float | None = None, most: float | None = None
) -> Gate:
    value = fmean(figures.values()) if figures else float("nan")
    return _worst(name, {f"{len(figures)} cells": value}, least=least, most=most)


def _name(key: tuple[str, str]) -> str:
    return ", ".join(key)
