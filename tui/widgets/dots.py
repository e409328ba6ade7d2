"""Hit rates against probabilities: dots with their intervals around the line on which both agree. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

from tui.widgets.plot import DIM, Canvas, Row

SURE, UNSURE = "●", "○"  # told apart without colour
DOT, INTERVAL = 0, 1  # inks
STYLES = {DIM: "$muted", DOT: "$accent bold", INTERVAL: "$series-1"}
LEFT = 5  # cells of a y label and the axis
LEAST = 12  # columns below which there is nothing to see


class Dot(NamedTuple):
    """One row of a calibration table: all four are probabilities."""

    x: float
    y: float
    low: float
    high: float
    sure: bool  # enough answers to say anything


def draw(dots: Sequence[Dot], width: int, height: int) -> list[Row]:
    """`height` rows of `width` cells: y from 0 to 100 % upwards, x to the right; nothing where it is too narrow."""
    if width < LEFT + LEAST or height < 4:
        return []
    rows = [Row.blank(width) for _ in range(height)]
    body, across, deep = rows[:-1], width - LEFT, height - 1
    _axes(rows, across, deep)
    canvas = Canvas(across, deep)
    for x in range(0, 2 * across, 2):  # every other dot: a line to compare with, not one that was measured
        canvas.dot(x, _row(x / (2 * across - 1), 4 * deep), DIM)
    canvas.put_on(body, LEFT)
    intervals = Canvas(across, deep)
    for dot in dots:
        x = 2 * _row(1 - dot.x, across)
        intervals.line(x, _row(dot.high, 4 * deep), x, _row(dot.low, 4 * deep), INTERVAL)
    intervals.put_on(body, LEFT)
    for dot in dots:
        mark = SURE if dot.sure else UNSURE
        body[_row(dot.y, deep)].put(LEFT + _row(1 - dot.x, across), mark, DOT)
    return rows


def _axes(rows: Sequence[Row], across: int, deep: int) -> None:
    labels = {0: "100%", deep - 1: "0%"}
    if deep % 2 and deep >= 5:
        labels[deep // 2] = "50%"
    for y in range(deep):
        label = labels.get(y, "")
        rows[y].put(0, label.rjust(LEFT - 1) + ("┤" if label else "│"), DIM)
    rows[deep].put(LEFT, "0%", DIM)
    rows[deep].put(LEFT + across - 4, "100%", DIM)
    if across >= 20:
        rows[deep].put(LEFT + (across - 3) // 2, "50%", DIM)


def _row(share: float, size: int) -> int:
    """Where a probability stands among `size` rows, counted from the top."""
    return min(size - 1, max(0, round((1 - share) * (size - 1))))


def lines(rows: Sequence[Row]) -> list[Content]:
    """The picture as text."""
    return [Content.assemble(*((run.text, STYLES[run.ink]) for run in row.runs())) for row in rows]
