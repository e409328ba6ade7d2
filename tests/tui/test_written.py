"""Only cells that differ go to the terminal, and what stands there is still what a whole frame would show."""

from __future__ import annotations

import io

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.written import Written, whole_characters

WIDTH, HEIGHT = 12, 3
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH)
STYLES = [Style(), Style(bold=True), Style(color="red")]

texts = st.text(alphabet="ab 像图。", max_size=14).map(lambda text: set_cell_size(text, WIDTH))


@st.composite
def rows(draw: st.DrawFn) -> Strip:
    text = draw(texts)
    cut = draw(st.integers(0, len(text)))
    styles = st.sampled_from(STYLES)
    return Strip([Segment(text[:cut], draw(styles)), Segment(text[cut:], draw(styles))], WIDTH)


frames = st.lists(rows(), min_size=HEIGHT, max_size=HEIGHT)


def whole(frame: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[row] for row in frame], Region(0, 0, WIDTH, HEIGHT))


def partly(frame: list[Strip], y: int, x1: int, x2: int) -> ChopsUpdate:
    return ChopsUpdate([{0: row} for row in frame], [(y, x1, x2)], [[WIDTH]] * HEIGHT)


class Emulated:
    """A terminal that is fed what is written."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def cells(self) -> list[tuple[str, bool, str]]:
        return [
            (cell.data, cell.bold, cell.fg)
            for y in range(HEIGHT)
            for cell in (self.screen.buffer[y][x] for x in range(WIDTH))
        ]


@given(st.lists(frames, min_size=1, max_size=5))
def test_thin_frames_end_in_the_same_picture_as_whole_ones(sequence: list[list[Strip]]) -> None:
    written, thin, plain = Written(), Emulated(), Emulated()
    for frame in sequence:
        thin.stream.feed(written.thin(whole(frame), CONSOLE))
    for y, row in enumerate(sequence[-1]):
        plain.stream.feed(f"\x1b[{y + 1};1H" + row.render(CONSOLE))
    assert thin.cells() == plain.cells()


@given(frames, st.lists(st.tuples(rows(), st.integers(0, HEIGHT - 1)), max_size=5), frames)
def test_rows_that_were_partly_written_are_known_afterwards(
    first: list[Strip], changed: list[tuple[Strip, int]], last: list[Strip]
) -> None:
    written, thin, plain = Written(), Emulated(), Emulated()
    thin.stream.feed(written.thin(whole(first), CONSOLE))
    frame = list(first)
    for row, y in changed:
        frame[y] = row
        thin.stream.feed(written.thin(partly(frame, y, 0, WIDTH), CONSOLE))
        assert written.thin(partly(frame, y, 0, WIDTH), CONSOLE) == ""
    thin.stream.feed(written.thin(whole(last), CONSOLE))
    for y, row in enumerate(last):
        plain.stream.feed(f"\x1b[{y + 1};1H" + row.render(CONSOLE))
    assert thin.cells() == plain.cells()


def test_the_same_frame_again_writes_nothing_until_something_else_has_drawn() -> None:
    frame = [Strip([Segment("torchproof")], 10).extend_cell_length(WIDTH)] * HEIGHT
    written = Written()
    full = written.thin(whole(frame), CONSOLE)
    assert full.count("torchproof") == HEIGHT
    assert written.thin(whole(frame), CONSOLE) == ""
    written.forget()
    assert written.thin(whole(frame), CONSOLE) == full


def test_of_a_row_only_the_part_that_differs_is_written() -> None:
    def row(word: str) -> Strip:
        return Strip([Segment("ab ", STYLES[1]), Segment(word), Segment(" 图", STYLES[1])], WIDTH)

    written = Written()
    written.thin(whole([row("first ")] * HEIGHT), CONSOLE)
    text = written.thin(whole([row("first "), row("second"), row("first ")]), CONSOLE)
    assert "second" in text and "ab" not in text and "图" not in text and "first" not in text


@given(st.text(alphabet="ab 像图。é", max_size=20), st.data())
def test_a_span_never_writes_half_a_character(text: str, data: st.DataObject) -> None:
    width = cell_len(text)
    first = data.draw(st.integers(0, width))
    last = data.draw(st.integers(first, width))
    strip = Strip([Segment(text[:3]), Segment(text[3:])], width)
    start, end = whole_characters(strip, first, last)
    assert first - 1 <= start <= first and last <= end <= last + 1
    written = strip.crop(start, end).text
    assert written in text and cell_len(written) == end - start
