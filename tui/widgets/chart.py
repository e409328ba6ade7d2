"""Live line charts for slow links: only changed cells are drawn anew, within a byte budget."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.plot import DIM, PLAIN, Frame, Row, Run, Trace, changes, draw
from tui.wrap import divide_line

INKS = 5  # arms with a colour of their own; further ones start again, letters keep them apart
STRONG = 0  # the ink of a status line's first words
GAP = 3  # cells between the pieces of a status line
MOVE, STYLE = 9, 46  # bytes of one cursor move, and of setting and resetting one 24-bit style


class Cells(Widget):
    """Rows of characters; repaints the cells that differ from the last picture and nothing else."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []

    def draw_rows(self, width: int, height: int) -> list[Row]:
        """The picture for a size: `height` rows of `width` cells."""
        raise NotImplementedError

    def ink(self, ink: int) -> str:
        """The component class that colours an ink."""
        raise NotImplementedError

    def repaint(self) -> int:
        """Draws anew what has changed; returns about how many bytes that costs, never less than it does."""
        width, height = self.content_size
        old, self._rows = self._rows, self.draw_rows(width, height)
        if len(old) != len(self._rows) or (old and len(old[0].cells) != width):
            self.refresh()
            return sum(self._cost(row) for row in self._rows)
        spans = changes(old, self._rows)
        if spans:
            self.refresh(*(Region(span.x, span.y, span.width, 1) for span in spans))
        return sum(self._cost(self._rows[y], x, x + width) for x, y, width in spans)

    def render_line(self, y: int) -> Strip:
        width, height = self.content_size
        if len(self._rows) != height or (self._rows and len(self._rows[0].cells) != width):
            self._rows = self.draw_rows(width, height)
        if y >= len(self._rows):
            return Strip.blank(width)
        runs = self._rows[y].runs()
        return Strip(
            [Segment(text, self.get_component_rich_style(self.ink(ink))) for text, ink in runs], width
        )

    def text(self) -> list[str]:
        """The picture as plain lines."""
        return ["".join(row.cells) for row in self._rows]

    @staticmethod
    def _cost(row: Row, start: int = 0, end: int | None = None) -> int:
        part = Row(row.cells[start:end], row.inks[start:end])
        return MOVE + sum(STYLE + len(run.text.encode()) for run in part.runs())


class Chart(Cells):
    """Draws traces, as told by `show`."""

    COMPONENT_CLASSES = {"chart--axis", "chart--title", *(f"chart--arm-{n}" for n in range(INKS))}
    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        min-width: 1;
        min-height: 1;
        & > .chart--axis { color: $muted; }
        & > .chart--title { color: $foreground; text-style: bold; }
        & > .chart--arm-0 { color: $series-1; }
        & > .chart--arm-1 { color: $series-2; }
        & > .chart--arm-2 { color: $series-3; }
        & > .chart--arm-3 { color: $series-4; }
        & > .chart--arm-4 { color: $foreground; }
    }
    """

    def __init__(self, frame: Frame, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.frame = frame
        self.traces: Sequence[Trace] = ()

    def show(self, traces: Sequence[Trace], frame: Frame | None = None) -> int:
        """Takes new values; returns about how many bytes drawing them costs."""
        self.traces = traces
        self.frame = frame or self.frame
        return self.repaint()

    def draw_rows(self, width: int, height: int) -> list[Row]:
        return draw(self.traces, self.frame, width, height)

    def ink(self, ink: int) -> str:
        return f"chart--{ {DIM: 'axis', PLAIN: 'title'}.get(ink, f'arm-{ink % INKS}') }"


class Status(Cells):
    """Short pieces of text side by side, as many to a line as fit, each with an ink: STRONG, PLAIN or DIM."""

    COMPONENT_CLASSES = {"status--strong", "status--plain", "status--dim"}
    DEFAULT_CSS = """
    Status {
        height: auto;
        width: 1fr;
        & > .status--strong { color: $accent; text-style: bold; }
        & > .status--plain { color: $foreground; }
        & > .status--dim { color: $muted; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.pieces: Sequence[Run] = ()

    def show(self, pieces: Sequence[Run]) -> int:
        """Takes other pieces; lays out anew only where the number of lines changes."""
        width = self.content_size.width
        before = self._lines(width)
        self.pieces = pieces
        if len(self._lines(width)) != len(before):
            self.refresh(layout=True)
        return self.repaint()

    def draw_rows(self, width: int, height: int) -> list[Row]:
        return [*self._lines(width), *(Row.blank(width) for _ in range(height))][:height]

    def ink(self, ink: int) -> str:
        return f"status--{ {DIM: 'dim', PLAIN: 'plain'}.get(ink, 'strong') }"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Row]:
        rows: list[Row] = []
        x = 0
        for piece in self.pieces:
            for line in divided(piece.text, max(1, width)):
                size = cell_len(line)
                if not rows or x + size > width:
                    rows.append(Row.blank(width))
                    x = 0
                rows[-1].put(x, line, piece.ink)
                x += size + GAP
        return rows


def divided(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells."""
    cuts = [0, *divide_line(text, width), len(text)]
    return [text[a:b].rstrip() for a, b in pairwise(cuts)]


class Pace:
    """When the next frame may be drawn: at most ten a second, and `rate` bytes a second on average.

    A bucket that holds `burst` bytes: a dear frame (all axes moved) is drawn at once and paid off afterwards
    by waiting; cheap ones flow at ten a second.
    """

    def __init__(self, rate: float = 6000.0, burst: float = 6000.0, interval: float = 0.1) -> None:
        self.rate, self.burst, self.interval = rate, burst, interval
        self._left = burst
        self._at: float | None = None  # of the last frame

    def ready(self, now: float) -> bool:
        return self._at is None or (now - self._at >= self.interval and self._filled(now) > 0)

    def spend(self, cost: int, now: float) -> None:
        self._left = self._filled(now) - cost
        self._at = now

    def _filled(self, now: float) -> float:
        since = 0.0 if self._at is None else max(0.0, now - self._at)
        return min(self.burst, self._left + since * self.rate)
