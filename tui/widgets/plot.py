"""Lines in braille: values in, rows of characters and inks out. Pure: no screen, no clock."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

LARGEST = sys.float_info.max
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIM = -1  # axis and labels
PLAIN = -2  # the title
LETTER_EVERY = 18  # cells between the letters on a line, so that a line is known without its colour
ROWS_FOR_TWO_HEADS = 9  # from here on the values may have a row of their own
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # braille bit of (column, row) in a cell
RowOf = Callable[[float], int]  # a value to its row of dots, counted from the top
CLOSE = 12  # unchanged cells between two changes that cost less than a second cursor move and style


class Trace(NamedTuple):
    """One arm: mean and the edges of its band at ascending steps. Any number may be NaN or infinite."""

    letter: str
    steps: Sequence[float]
    mean: Sequence[float]
    lo: Sequence[float]
    hi: Sequence[float]


class Frame(NamedTuple):
    """What stands around the lines. `low`, `high`: edges of y; `until`: last step; None: from the data."""

    title: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    until: float | None = None
    diverged: str = "diverged at step {step}"


class Run(NamedTuple):
    """Neighbouring characters of one ink: an arm's number, DIM or PLAIN."""

    text: str
    ink: int


class Span(NamedTuple):
    """`width` cells from column `x` of row `y`."""

    x: int
    y: int
    width: int


@dataclass
class Row:
    """One line of the picture, a character a cell; the second cell of a wide character holds ""."""

    cells: list[str]
    inks: list[int]

    @classmethod
    def blank(cls, width: int) -> Row:
        return cls([" "] * width, [DIM] * width)

    def put(self, x: int, text: str, ink: int) -> None:
        """Writes text at x; what does not fit is cut, a wide character never in halves."""
        for character in text:
            size = cell_len(character)
            if size == 0:
                continue
            if x < 0 or x + size > len(self.cells):
                return
            self.cells[x : x + size] = [character] + [""] * (size - 1)
            self.inks[x : x + size] = [ink] * size
            x += size

    def runs(self) -> list[Run]:
        """Runs of one ink. A blank takes its left neighbour's ink: one style less."""
        runs: list[Run] = []
        start = 0
        ink: int | None = None
        for x, (cell, own) in enumerate(zip(self.cells, self.inks, strict=True)):
            if cell in ("", " "):
                continue
            if ink is not None and own != ink:
                runs.append(Run("".join(self.cells[start:x]), ink))
                start = x
            ink = own
        runs.append(Run("".join(self.cells[start:]), DIM if ink is None else ink))
        return [run for run in runs if run.text]


def changes(old: Sequence[Row], new: Sequence[Row]) -> list[Span]:
    """The cells of `new` that differ from `old` (same size), in spans; near ones are joined."""
    spans: list[Span] = []
    for y, (before, after) in enumerate(zip(old, new, strict=True)):
        if before.cells == after.cells and before.inks == after.inks:
            continue
        start = end = -1
        for x, cell in enumerate(after.cells):
            if cell == before.cells[x] and (after.inks[x] == before.inks[x] or cell == " "):
                continue
            if start >= 0 and x - end > CLOSE:
                spans.append(_whole_characters(before, after, start, end, y))
                start = -1
            start = x if start < 0 else start
            end = x + 1
        if start >= 0:
            spans.append(_whole_characters(before, after, start, end, y))
    return spans


def _whole_characters(before: Row, after: Row, start: int, end: int, y: int) -> Span:
    width = len(after.cells)
    while start > 0 and "" in (after.cells[start], before.cells[start]):
        start -= 1
    while end < width and "" in (after.cells[end], before.cells[end]):
        end += 1
    return Span(start, y, end - start)


def figure(value: float, span: float = 0.0) -> str:
    """A short number; `span`, the range it moves in, fixes the decimals, so that it does not jitter."""
    if not math.isfinite(value):
        return "×"
    size, span = abs(value), span if math.isfinite(span) else 0.0
    if size >= 1e5 or 0 < max(size, span) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    if not span:
        return f"{value:.3g}" if size < 1000 else f"{value:.0f}"
    decimals = 3 - math.ceil(math.log10(span) - 1e-9)
    return f"{value:.{min(4, max(0, decimals))}f}"


class Stroke(NamedTuple):
    """What one column of dots holds of a line: first, last, least and greatest mean, edges of the band."""

    column: int
    first: float
    last: float
    smallest: float
    largest: float
    lo: float
    hi: float


Line = Sequence[Stroke | None]  # None: a gap


class Scale(NamedTuple):
    """Values to 0 (bottom) … 1 (top), cut off at both ends. In log form the edges are exponents of ten."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        if self.log:
            if value <= 0:
                return 0.0
            value = math.log10(value)
        half = self.high / 2 - self.low / 2  # halves: the full range of floats does not fit in a float
        if half <= 0:
            return 0.5
        return min(1.0, max(0.0, (value / 2 - self.low / 2) / half))

    def label(self, place: float) -> str:
        value = self.low * (1 - place) + self.high * place
        if self.log:
            return f"1e{value:.0f}" if value == round(value) or value > 307 else figure(10.0**value)
        return figure(value)

    @property
    def span(self) -> float:
        return 0.0 if self.log else self.high - self.low


def scale_for(lines: Sequence[Line], frame: Frame) -> Scale:
    """Edges of y: where the frame declares them, unless a mean lies beyond; else round numbers around all."""
    drawn = [stroke for line in lines for stroke in line if stroke is not None]
    means = [v for s in drawn for v in (s.smallest, s.largest) if v > 0 or not frame.log]
    bands = [v for s in drawn for v in (s.lo, s.hi) if v > 0 or not frame.log]
    nothing = (0.1, 1.0) if frame.log else (0.0, 1.0)
    low, high = _edge(frame.low, frame.log), _edge(frame.high, frame.log)
    lowest = min(means if low is not None else (*means, *bands), default=nothing[0] if low is None else low)
    highest = max(
        means if high is not None else (*means, *bands), default=nothing[1] if high is None else high
    )
    if frame.log:
        low = float(math.floor(math.log10(lowest))) if low is None or lowest < low else math.log10(low)
        high = float(math.ceil(math.log10(highest))) if high is None or highest > high else math.log10(high)
        return Scale(low, high if high > low else low + 1, log=True)
    low_fixed, high_fixed = low is not None and lowest >= low, high is not None and highest <= high
    low = low if low is not None and low_fixed else lowest
    high = high if high is not None and high_fixed else highest
    if not high > low:
        pad = abs(low) / 10 or 1.0
        low, high = (low if low_fixed else low - pad), (high if high_fixed and not low_fixed else low + pad)
    step = _round_step((high / 2 - low / 2) / 4)
    if not low_fixed and math.isfinite(floor := low / step):
        low = max(-LARGEST, math.floor(floor) * step)
    if not high_fixed and math.isfinite(ceiling := high / step):
        high = min(LARGEST, math.ceil(ceiling) * step)
    return Scale(low, high, log=False)


def _edge(declared: float | None, log: bool) -> float | None:
    return (
        declared if declared is not None and math.isfinite(declared) and (declared > 0 or not log) else None
    )


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, not below `rough`."""
    if not rough > 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    if power == 0 or not math.isfinite(10 * power):
        return rough
    return next((m * power for m in (1, 2, 5) if m * power >= rough), 10 * power)


def strokes(trace: Trace, start: float, until: float, columns: int) -> Iterator[Stroke | None]:
    """One stroke a dot column, None for a gap. Columns are cut out by bisection: many points stay cheap."""
    per_dot = _per_dot(start, until, columns)
    i, count = 0, len(trace.steps)
    while i < count:
        column = int(min(columns - 1.0, max(0.0, (trace.steps[i] - start) / per_dot + 0.5)))
        j = max(i + 1, bisect_left(trace.steps, start + (column + 0.5) * per_dot, i + 1))
        here = trace.mean[i:j]
        finite = [v for v in here if v - v == 0]
        if not finite:
            yield None
        else:
            lo, hi = trace.lo[j - 1], trace.hi[j - 1]
            if not (math.isfinite(lo) and math.isfinite(hi)):
                lo = hi = finite[-1]
            yield Stroke(column, finite[0], finite[-1], min(finite), max(finite), lo, hi)
            if not math.isfinite(here[-1]):
                yield None
        i = j


def _per_dot(start: float, until: float, columns: int) -> float:
    """Steps from one dot column to the next; 1 where the whole line stands in one of them."""
    return (until - start) / (columns - 1) or 1.0 if columns > 1 else 1.0


def left_the_numbers(trace: Trace) -> int | None:
    """Index of the first of the last unbroken non-finite means, None when the last mean is finite."""
    i = len(trace.mean)
    while i > 0 and not math.isfinite(trace.mean[i - 1]):
        i -= 1
    return i if i < len(trace.mean) else None


def in_order(trace: Trace) -> Trace:
    """The trace without points whose step is not a number; unchanged in the usual case."""
    if all(map(math.isfinite, trace.steps)) and list(trace.steps) == sorted(trace.steps):
        return trace
    points = sorted(
        (p for p in zip(*trace[1:], strict=True) if math.isfinite(p[0])), key=lambda point: point[0]
    )
    steps, mean, lo, hi = ([p[k] for p in points] for k in range(4))
    return Trace(trace.letter, steps, mean, lo, hi)


class Canvas:
    """Braille cells of the plotting area, each with the ink of the line that matters most in it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.bits = [[0] * width for _ in range(height)]
        self.ink = [[DIM] * width for _ in range(height)]
        self.firm = [[False] * width for _ in range(height)]  # a mean passes here, not only a band

    def dot(self, x: int, y: int, ink: int, firm: bool = True) -> None:
        """Dot column x, dot row y counted from the top; outside is ignored."""
        column, row = x >> 1, y >> 2
        if not (0 <= column < self.width and 0 <= row < self.height):
            return
        if firm and not self.firm[row][column]:
            self.firm[row][column] = True
            self.ink[row][column] = ink
        elif not self.bits[row][column]:
            self.ink[row][column] = ink
        self.bits[row][column] |= DOTS[x & 1][y & 3]

    def line(self, x0: int, y0: int, x1: int, y1: int, ink: int) -> None:
        """From left to right; steep parts are vertical strokes, so the line has no holes."""
        for x in range(x0, x1 + 1):
            if x1 == x0:
                top, bottom = sorted((y0, y1))
            else:
                a = y0 + (y1 - y0) * max(0.0, x - x0 - 0.5) / (x1 - x0)
                b = y0 + (y1 - y0) * min(float(x1 - x0), x - x0 + 0.5) / (x1 - x0)
                top, bottom = sorted((round(a), round(b)))
            for y in range(top, bottom + 1):
                self.dot(x, y, ink)

    def put_on(self, rows: list[Row], left: int) -> None:
        for row, bits, inks in zip(rows, self.bits, self.ink, strict=False):
            for x, (bit, ink) in enumerate(zip(bits, inks, strict=True), start=left):
                if bit:
                    row.cells[x], row.inks[x] = chr(0x2800 + bit), ink


def draw(traces: Sequence[Trace], frame: Frame, width: int, height: int) -> list[Row]:
    """The picture: `height` rows of exactly `width` cells.

    Title and current values above, y labels left, steps below, each left out where there is no room for it.
    Every line ends in its arm's letter, a line that left the finite numbers in `×` before the letter.
    """
    rows = [Row.blank(max(0, width)) for _ in range(max(0, height))]
    if width < 1 or height < 1:
        return rows
    traces = [in_order(trace) for trace in traces]
    start, until = _x_range(traces, frame)
    scale = scale_for([list(strokes(trace, start, until, 2 * width)) for trace in traces], frame)
    has_head, has_steps = height >= 3, height >= 5 and width >= 12
    head = _head(rows[: 2 if height >= ROWS_FOR_TWO_HEADS else 1], traces, frame, scale) if has_head else 0
    body = rows[head : height - has_steps]
    left = _y_labels(body, scale) if width >= 24 else 0
    letters = min(len(traces), 3) if width - left >= 12 else 0
    across = width - left - letters
    if has_steps:
        _x_labels(rows[-1], left, across, start, until)
    _lines(body, left, across, traces, scale, start, until)
    return rows


def _x_range(traces: Sequence[Trace], frame: Frame) -> tuple[float, float]:
    start = min((trace.steps[0] for trace in traces if trace.steps), default=0.0)
    until = max((trace.steps[-1] for trace in traces if trace.steps), default=start)
    if frame.until is not None and math.isfinite(frame.until):
        start, until = min(0.0, start), max(until, frame.until)
    if not math.isfinite(until - start):
        return -1e300, 1e300
    return start, until


def _head(rows: Sequence[Row], traces: Sequence[Trace], frame: Frame, scale: Scale) -> int:
    """Title left, each arm's last value right; with less detail, or in a row of their own, until they fit.

    Returns the rows taken of those offered, one or two.
    """
    width = len(rows[0].cells)
    title = cell_len(frame.title)
    known = [(arm, trace) for arm, trace in enumerate(traces) if trace.mean]
    places = [(0, width - title), *([(1, width + 3)] if len(rows) > 1 else [])]
    for taken, room in places:  # noqa: B007 (used after the loop)
        for detail in (3, 2, 1):
            words = [(arm, _current(trace, frame, scale, detail)) for arm, trace in known]
            wanted = sum(cell_len(word) + 3 for _, word in words)
            if wanted <= room:
                break
        if wanted <= room:
            break
    rows[0].put(0, frame.title if title <= width else set_cell_size(frame.title, width), PLAIN)
    x = max(title + 3 if taken == 0 else 0, width - wanted + 3)
    for arm, word in words:
        if x + cell_len(word) > width:
            break
        rows[taken].put(x, word, arm)
        x += cell_len(word) + 3
    return taken + 1


def _current(trace: Trace, frame: Frame, scale: Scale, detail: int) -> str:
    gone = left_the_numbers(trace)
    if gone is not None:
        step = figure(trace.steps[gone]) if trace.steps[gone] < 1e5 else f"{trace.steps[gone]:.0f}"
        return f"{trace.letter} × " + (frame.diverged.format(step=step) if detail > 1 else step)
    value = figure(trace.mean[-1], scale.span)
    spread = trace.hi[-1] / 2 - trace.lo[-1] / 2
    if detail < 3 or not math.isfinite(spread) or spread <= 0:
        return f"{trace.letter} {value}"
    return f"{trace.letter} {value} ±{figure(spread, scale.span)}"


def _y_labels(body: list[Row], scale: Scale) -> int:
    """Labels and the axis line; returns the columns taken."""
    places = {0: 1.0, len(body) - 1: 0.0}
    if len(body) >= 5 and len(body) % 2 and not scale.log:
        places[len(body) // 2] = 0.5
    labels = {y: scale.label(place) for y, place in places.items()}
    width = max(4, *map(len, labels.values()))
    for y, row in enumerate(body):
        label = labels.get(y, "")
        row.put(0, label.rjust(width) + ("┤" if label else "│"), DIM)
    return width + 1


def _x_labels(row: Row, left: int, across: int, start: float, until: float) -> None:
    first, last = _step(start), _step(until)
    row.put(left, first, DIM)
    if until <= start:
        return
    if across >= len(first) + len(last) + 2:
        row.put(left + across - len(last), last, DIM)
    middle = _step(start / 2 + until / 2)
    if across >= len(first) + len(last) + len(middle) + 16 and middle not in (first, last):
        row.put(left + (across - len(middle)) // 2, middle, DIM)


def _step(value: float) -> str:
    return f"{value:.0f}" if abs(value) < 1e6 and value == round(value) else figure(value)


def _lines(
    body: list[Row], left: int, across: int, traces: Sequence[Trace], scale: Scale, start: float, until: float
) -> None:
    if across < 1 or not body:
        return
    dots, depth = 2 * across, 4 * len(body)
    canvas = Canvas(across, len(body))

    def row_of(value: float) -> int:
        return round((1 - scale.place(value)) * (depth - 1))

    drawn = [list(strokes(trace, start, until, dots)) for trace in traces]
    for arm, line in enumerate(drawn):
        before: Stroke | None = None
        for stroke in line:
            if stroke is not None:
                _band(canvas, before, stroke, arm, row_of)
                if before is not None:
                    canvas.line(before.column, row_of(before.last), stroke.column, row_of(stroke.first), arm)
                canvas.line(
                    stroke.column, row_of(stroke.largest), stroke.column, row_of(stroke.smallest), arm
                )
            before = stroke
    canvas.put_on(body, left)
    if len(traces) > 1:
        _letters_on_lines(body, left, canvas, traces, drawn)
    taken: set[tuple[int, int]] = set()
    for arm, (trace, line) in enumerate(zip(traces, drawn, strict=True)):
        _end(body, left, trace, line, arm, row_of, taken, (start, _per_dot(start, until, dots)))


def _band(canvas: Canvas, before: Stroke | None, here: Stroke, arm: int, row_of: RowOf) -> None:
    """The band's edges as dotted lines; hidden where the band is no wider than the line."""
    since = before.column + 1 if before is not None else here.column
    for x in range(since, here.column + 1):
        if (x + arm) % 2:
            continue
        part = (
            1.0
            if before is None or here.column == before.column
            else (x - before.column) / (here.column - before.column)
        )
        lo = here.lo if before is None else before.lo * (1 - part) + here.lo * part
        hi = here.hi if before is None else before.hi * (1 - part) + here.hi * part
        top, bottom = row_of(hi), row_of(lo)
        if bottom - top >= 4:
            canvas.dot(x, top, arm, firm=False)
            canvas.dot(x, bottom, arm, firm=False)


def _letters_on_lines(
    body: list[Row], left: int, canvas: Canvas, traces: Sequence[Trace], drawn: Sequence[Line]
) -> None:
    """Now and then a line's own letter, at another column for every arm; not close to the one at its end."""
    for arm, (trace, line) in enumerate(zip(traces, drawn, strict=True)):
        end = next((stroke.column // 2 for stroke in reversed(line) if stroke is not None), 0)
        offset = LETTER_EVERY * (2 * arm + 1) // (2 * len(traces))
        for x in range(offset, end - 4, LETTER_EVERY):
            for row, inks, firm in zip(body, canvas.ink, canvas.firm, strict=True):
                if firm[x] and inks[x] == arm:
                    row.put(left + x, trace.letter, arm)
                    break


def _end(
    body: list[Row],
    left: int,
    trace: Trace,
    line: Line,
    arm: int,
    row_of: RowOf,
    taken: set[tuple[int, int]],
    across: tuple[float, float],
) -> None:
    """The letter behind the last point; behind `×` where the line left the finite numbers."""
    last = next((stroke for stroke in reversed(line) if stroke is not None), None)
    gone = left_the_numbers(trace)
    if last is None and gone is None:
        return
    mark, column = trace.letter, 0 if last is None else last.column // 2 + 1
    if gone is not None:
        start, per_dot = across
        mark = "×" + mark
        column = max(column, int(min(2.0 * len(body[0].cells), (trace.steps[gone] - start) / per_dot)) // 2)
    y = 0 if last is None else row_of(last.last) // 4
    room = len(body[0].cells) - left
    column = max(0, min(column, room - len(mark)))
    cells = range(left + column, left + room - len(mark) + 1)
    free = next((x for x in cells if not any((x + k, y) in taken for k in range(len(mark)))), left + column)
    taken.update((free + k, y) for k in range(len(mark)))
    body[y].put(free, mark[-room:] if room < len(mark) else mark, arm)
