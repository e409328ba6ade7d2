"""Short pieces side by side, as many to a line as fit: keys with their meaning, arms, knobs."""

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.widgets.prose import lines


class Flow(Widget):
    """Shows pieces in order; a piece is broken only where it is wider than the whole line."""

    DEFAULT_CSS = """
    Flow { height: auto; width: 1fr; text-wrap: nowrap; }
    """

    def __init__(self, *, gap: int = 3, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.gap = gap
        self.pieces: tuple[Content, ...] = ()

    def update(self, pieces: Sequence[Content]) -> None:
        """Shows other pieces; draws only where they differ, lays out where the number of lines changes."""
        if [(piece.plain, piece.spans) for piece in pieces] == [(p.plain, p.spans) for p in self.pieces]:
            return
        width = self.size.width
        before = len(self.pack(width))
        self.pieces = tuple(pieces)
        self.refresh(layout=before != len(self.pack(width)))

    def pack(self, width: int) -> list[Content]:
        """The lines at `width` cells."""
        packed: list[Content] = []
        for piece in self.pieces:
            if packed and packed[-1].cell_length + self.gap + piece.cell_length <= width:
                packed[-1] = Content.assemble(packed[-1], " " * self.gap, piece)
            else:
                packed.extend(lines(piece, max(1, width)))
        return packed

    def render(self) -> Content:
        return Content("\n").join(self.pack(self.size.width))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.pack(width))
