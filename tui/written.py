"""What stands in the terminal, so that only cells that differ are written: what a frame costs on a slow link.

Textual writes a whole screen five times while a page opens, 8 KB each at 100x30, most of it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip


class Ready(CompositorUpdate):
    """An update that has been worked out already."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render_segments(self, console: Console) -> str:
        return self.text


class Written:
    """The rows that the terminal shows, as far as they are known."""

    def __init__(self) -> None:
        self._rows: dict[int, Strip] = {}
        self._width = 0

    def forget(self) -> None:
        """Something else may have drawn: a resize, another program. The next frames are written in full."""
        self._rows.clear()

    def thin(self, update: CompositorUpdate, console: Console) -> str:
        """The bytes that turn what is shown into the update; it counts as shown from here on."""
        if isinstance(update, LayoutUpdate):
            if update.region.width != self._width:
                self.forget()
                self._width = update.region.width
            pieces = self._rows_of(update)
        elif isinstance(update, ChopsUpdate):
            pieces = self._spans_of(update)
        else:
            self.forget()
            return update.render_segments(console)
        return "".join(Control.move_to(x, y).segment.text + strip.render(console) for x, y, strip in pieces)

    def _rows_of(self, update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
        for y, strips in enumerate(update.strips, update.region.y):
            row = Strip.join(strips).simplify()
            old = self._rows.get(y)
            if row.cell_length != self._width:
                self._rows.pop(y, None)
                yield update.region.x, y, row
            elif old is None:
                self._rows[y] = row
                yield update.region.x, y, row
            elif old != row:
                self._rows[y] = row
                first, last = differing(old, row)
                yield first, y, row.crop(first, last)

    def _spans_of(self, update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
        """Of each span the part that differs; Textual 8 starts each at the left edge of its widget."""
        for y, x1, x2 in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                first, last = whole_characters(strip, max(x, x1) - x, min(end, x2) - x)
                piece = strip.crop(first, last)
                if self._put(x + first, y, piece):
                    yield x + first, y, piece

    def _put(self, x: int, y: int, piece: Strip) -> bool:
        """Takes the piece into its row; False where it stands there already."""
        old, end = self._rows.get(y), x + piece.cell_length
        if old is None:
            return True
        if old.crop(x, end).simplify() == piece.simplify():
            return False
        row = Strip.join([old.crop(0, x), piece, old.crop(end, self._width)]).simplify()
        if row.cell_length == self._width:
            self._rows[y] = row
        else:
            del self._rows[y]
        return True


def differing(old: Strip, new: Strip) -> tuple[int, int]:
    """The cells from the first to the last segment that differs, of two rows of one width."""
    before, after = list(old), list(new)
    first = 0
    while before and after and before[0] == after[0]:
        first += before.pop(0).cell_length
        after.pop(0)
    last = new.cell_length
    while before and after and before[-1] == after[-1]:
        last -= before.pop().cell_length
        after.pop()
    return first, last


def whole_characters(strip: Strip, first: int, last: int) -> tuple[int, int]:
    """The cells from `first` to `last`, grown where an end lies inside a wide character."""
    cell = 0
    for segment in strip:
        if segment.text.isascii():
            cell += len(segment.text)
            continue
        for character in segment.text:
            size = cell_len(character)
            first = cell if cell < first < cell + size else first
            last = cell + size if cell < last < cell + size else last
            cell += size
    return first, last
