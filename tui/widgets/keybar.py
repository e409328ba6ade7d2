"""The last line of every page: which keys do what here, as many as fit."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

GAPS = (2, 1)  # between hints: the wider one where everything fits


class Hint(NamedTuple):
    """A key as it is printed on the keyboard, and what it does."""

    key: str
    label: str
    keep: bool = False  # stays when others have to go


class KeyBar(Widget):
    """One line of hints. Where they do not fit they move closer, then the last go; `keep` ones lose words."""

    DEFAULT_CSS = """
    KeyBar { height: 1; width: 1fr; dock: bottom; padding: 0 1; color: $muted; text-wrap: nowrap; }
    """

    def __init__(self, hints: Sequence[Hint] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hints = tuple(hints)

    def update(self, hints: Sequence[Hint]) -> None:
        """Show other hints; draws only when they differ."""
        if (hints := tuple(hints)) != self.hints:
            self.hints = hints
            self.refresh()

    def render(self) -> Content:
        hints, gap = fitting(self.hints, self.size.width)
        parts: list[Content | tuple[str, str] | str] = []
        for key, label, _ in hints:
            if parts:
                parts.append(" " * gap)
            parts.append((key, "$key bold"))
            if label:
                parts.append(f" {label}")
        return Content.assemble(*parts)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1


def _cells(hints: Sequence[Hint], gap: int) -> int:
    words = sum(cell_len(hint.key) + (cell_len(hint.label) + 1 if hint.label else 0) for hint in hints)
    return words + gap * max(0, len(hints) - 1)


def fitting(hints: Sequence[Hint], width: int) -> tuple[list[Hint], int]:
    """The hints that fit into `width` cells, in order, and the gap between them."""
    shown = list(hints)
    for gap in GAPS:
        if _cells(shown, gap) <= width:
            return shown, gap
    gap = GAPS[0]
    while shown and _cells(shown, gap) > width:
        loose = [index for index, hint in enumerate(shown) if not hint.keep]
        if loose:
            del shown[loose[-1]]
        elif any(hint.label for hint in shown):
            shown = [hint._replace(label="") for hint in shown]
        else:
            del shown[0]
    return shown, gap
