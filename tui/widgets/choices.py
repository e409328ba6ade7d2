"""Lists to pick from by key: `Menu` moves a cursor over rows, `Choices` numbers them and marks one."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from tui.widgets.prose import lines, spans

CURSOR = "› "


class Menu(Widget, can_focus=True):
    """Rows with a cursor. Up, down, page keys and j/k move it; enter and space pick the row under it."""

    DEFAULT_CSS = """
    Menu { height: auto; width: 1fr; min-width: 4; text-wrap: nowrap; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "jump(0)", show=False),
        Binding("end", "jump(-1)", show=False),
        Binding("enter,space", "pick", show=False),
    ]

    class Picked(Message):
        """Enter, space, a number or a click picked row `index`."""

        def __init__(self, menu: "Menu", index: int) -> None:
            super().__init__()
            self.menu = menu
            self.index = index

        @property
        def control(self) -> "Menu":
            return self.menu

    class Moved(Message):
        """The cursor came to row `index`."""

        def __init__(self, menu: "Menu", index: int) -> None:
            super().__init__()
            self.menu = menu
            self.index = index

        @property
        def control(self) -> "Menu":
            return self.menu

    def __init__(
        self,
        rows: Sequence[Content | str] = (),
        *,
        cursor: int = 0,
        hang: int = 0,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """hang: cells by which a row's later lines are set in from its first."""
        super().__init__(id=id, classes=classes)
        self.hang = hang
        self.rows: list[Content] = [_content(row) for row in rows]
        self.cursor = cursor if 0 <= cursor < len(self.rows) else 0
        self._laid_out: tuple[int, list[list[Content]], list[int]] | None = None

    # what it shows

    def set_rows(self, rows: Sequence[Content | str], cursor: int | None = None) -> None:
        """Show other rows; the cursor keeps its number as far as it can."""
        self.rows = [_content(row) for row in rows]
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(self.rows) - 1))
        self.redraw(layout=True)

    def redraw(self, *, layout: bool = False) -> None:
        """Draw again after something that a row shows has changed."""
        self._laid_out = None
        self.refresh(layout=layout)

    def row_lines(self, index: int, width: int) -> Iterator[Content]:
        """The lines of one row at `width` cells."""
        here = self.active and index == self.cursor
        mark = CURSOR if here else "  "
        hang = " " * (2 + self.hang)
        for number, line in enumerate(lines(self.rows[index], width, "  ", hang if width > 20 else "  ")):
            if number == 0 and width >= 4:
                line = Content.styled(mark, "$accent bold") + line[2:]
            yield line.stylize_before("bold") if here else line

    @property
    def active(self) -> bool:
        """Whether the cursor shows: it does unless the list is disabled."""
        return not self.disabled

    def _lay_out(self, width: int) -> tuple[int, list[list[Content]], list[int]]:
        """The width, the lines of every row at that width, the line on which each row starts and the end."""
        if self._laid_out is None or self._laid_out[0] != width:
            rows = [[*self.row_lines(index, width)] for index in range(len(self.rows))]
            starts = [*accumulate(map(len, rows), initial=0)]
            self._laid_out = (width, rows, starts)
        return self._laid_out

    def _redraw_rows(self, *indices: int) -> None:
        """Draw these rows anew, where each keeps its number of lines, and no others: a list may be long."""
        if self._laid_out is None:
            self.refresh()
            return
        width, rows, starts = self._laid_out
        for index in indices:
            rows[index] = [*self.row_lines(index, width)]
            if len(rows[index]) != starts[index + 1] - starts[index]:
                self.redraw(layout=True)
                return
        top = self.gutter.top
        self.refresh(
            *(Region(0, top + starts[i], self.outer_size.width, max(1, len(rows[i]))) for i in indices)
        )

    def render(self) -> Content:
        return Content("\n").join(line for row in self._lay_out(self.size.width)[1] for line in row)

    def render_line(self, y: int) -> Strip:
        """Only what is in view is drawn."""
        width, rows, starts = self._lay_out(self.size.width)
        index = bisect_right(starts, y) - 1
        if not 0 <= index < len(rows):
            return Strip.blank(width, self.visual_style.rich_style)
        strips = Visual.to_strips(
            self, rows[index][y - starts[index]], width, 1, self.visual_style, pad=True, apply_selection=False
        )
        return strips[0] if strips else Strip.blank(width, self.visual_style.rich_style)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._lay_out(width)[2][-1]

    # what a person does

    def move_to(self, index: int) -> None:
        """Put the cursor on row `index` and bring it into view."""
        if not self.rows or self.disabled:
            return
        index = max(0, min(index, len(self.rows) - 1))
        if index != self.cursor:
            before, self.cursor = self.cursor, index
            self._redraw_rows(*sorted({before, index}))
            self.post_message(self.Moved(self, index))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll the container of this list so that the whole row under the cursor is in view."""
        parent = self.parent
        if not isinstance(parent, Widget) or not self.rows or not self.size.width:
            return
        starts = self._lay_out(self.size.width)[2]
        top, bottom = starts[self.cursor], starts[self.cursor + 1]
        region = self.virtual_region
        parent.scroll_to_region(
            Region(region.x, region.y + top, 1, max(1, bottom - top)), animate=False, immediate=True
        )

    def action_move(self, step: int) -> None:
        self.move_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        self.move_to(self.cursor + step * max(1, self.screen.size.height // 2))

    def action_jump(self, index: int) -> None:
        self.move_to(index if index >= 0 else len(self.rows) - 1)

    def action_pick(self) -> None:
        if self.disabled or not self.rows:
            raise SkipAction
        self.post_message(self.Picked(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        if self.disabled or not self.rows:
            return
        event.stop()
        starts = self._lay_out(self.size.width)[2]
        index = next((i for i, end in enumerate(starts[1:]) if event.y < end), len(self.rows) - 1)
        self.move_to(index)
        self.post_message(self.Picked(self, index))


class Choices(Menu):
    """Numbered options, one of which may be chosen: `1 ( ) ...`, `2 (●) ...`. Reads without colour.

    Digits pick a row at once. `tags` says something after an option ("✓ right"), in a style of its own.
    Choosing is told, not done: the owner hears `Picked` and calls `choose()`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(digit), f"number({digit})", show=False) for digit in range(10)
    ]

    def __init__(
        self,
        options: Sequence[Content | str] = (),
        *,
        chosen: int | None = None,
        first: int = 1,
        cursor: int = 0,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(options, cursor=cursor, id=id, classes=classes)
        self.first = first  # the number of the first row
        self.chosen = chosen
        self.tags: Mapping[int, tuple[str, str]] = {}

    def choose(self, index: int | None) -> None:
        """Mark row `index` as the chosen one, or none."""
        self.chosen = index
        if index is not None and 0 <= index < len(self.rows):
            self.cursor = index
        self.redraw()

    def tag(self, tags: Mapping[int, tuple[str, str]]) -> None:
        """Put a word and its style after some options: {1: ("✓ right", "$success")}."""
        self.tags = tags
        self.redraw(layout=True)

    def row_lines(self, index: int, width: int) -> Iterator[Content]:
        here = self.active and index == self.cursor
        chosen = index == self.chosen
        number = index + self.first
        mark = f"{CURSOR if here else '  '}{number} {'(●)' if chosen else '( )'} "
        text = self.rows[index]
        if index in self.tags:
            word, style = self.tags[index]
            text = text + Content("  ") + Content.styled(word, style)
        for line_number, line in enumerate(lines(text, width, " " * len(mark))):
            if line_number == 0 and width >= len(mark) + 2:
                line = Content.styled(mark, "$accent" if here or chosen else "$muted") + line[len(mark) :]
            yield line.stylize_before("bold") if here or chosen else line

    def action_number(self, digit: int) -> None:
        """Pick the row that carries this number; a number no row has is left to the screen."""
        index = digit - self.first
        if self.disabled or not 0 <= index < len(self.rows):
            raise SkipAction
        self.move_to(index)
        self.post_message(self.Picked(self, index))


def _content(row: Content | str) -> Content:
    return row if isinstance(row, Content) else spans(row)
