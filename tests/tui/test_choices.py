"""Lists are read without colour and worked by keys alone."""

from __future__ import annotations

from typing import Any

import pytest
from markup_strings import STRINGS
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from tui import wrap
from tui.themes import DARK
from tui.widgets.choices import Choices, Menu
from tui.widgets.keybar import Hint, KeyBar, fitting
from tui.widgets.table import ends, pad, table

wrap.install()


class Holder(App[None]):
    def __init__(self, *widgets: Widget) -> None:
        super().__init__()
        self.widgets = widgets
        self.heard: list[tuple[str, int]] = []
        self.passed_on: list[str] = []

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield from self.widgets

    def on_menu_picked(self, event: Menu.Picked) -> None:
        self.heard.append(("picked", event.index))

    def on_menu_moved(self, event: Menu.Moved) -> None:
        self.heard.append(("moved", event.index))

    def on_key(self, event: Any) -> None:
        self.passed_on.append(event.key)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def screen_text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.screen._compositor.render_strips())


async def test_a_digit_picks_the_option_with_this_number() -> None:
    app = Holder(Choices(["one", "two", "three"]))
    async with app.run_test() as pilot:
        await pilot.press("2")
        assert app.heard == [("moved", 1), ("picked", 1)]


async def test_a_digit_without_an_option_is_left_to_the_screen() -> None:
    app = Holder(Choices(["one", "two"]))
    async with app.run_test() as pilot:
        await pilot.press("5", "0")
        assert app.heard == []
        assert app.passed_on == ["5", "0"]


async def test_numbers_may_begin_with_zero() -> None:
    app = Holder(Choices(["none", "some"], first=0))
    async with app.run_test() as pilot:
        await pilot.press("0")
        assert app.heard == [("picked", 0)]
        assert "0 ( ) none" in app.screen_text()


async def test_the_chosen_option_reads_without_colour() -> None:
    app = Holder(Choices(["one", "two"], chosen=1))
    async with app.run_test() as pilot:
        assert "1 ( ) one" in app.screen_text()
        assert "2 (●) two" in app.screen_text()
        app.query_one(Choices).choose(0)
        await pilot.pause()
        assert "1 (●) one" in app.screen_text()
        assert "2 ( ) two" in app.screen_text()


async def test_a_word_after_an_option_says_how_it_went() -> None:
    app = Holder(Choices(["one", "two"]))
    async with app.run_test() as pilot:
        app.query_one(Choices).tag({1: ("✓ right", "$success")})
        await pilot.pause()
        assert "2 ( ) two  ✓ right" in app.screen_text()


async def test_a_disabled_list_hears_no_key() -> None:
    choices = Choices(["one", "two"])
    app = Holder(choices)
    async with app.run_test() as pilot:
        choices.disabled = True
        await pilot.press("1", "enter", "down")
        assert app.heard == []


async def test_cursor_keys_stop_at_both_ends() -> None:
    app = Holder(Menu(["a", "b", "c"]))
    async with app.run_test() as pilot:
        await pilot.press("up", "down", "down", "down", "enter")
        assert app.heard == [("moved", 1), ("moved", 2), ("picked", 2)]
        await pilot.press("home", "space")
        assert app.heard[-2:] == [("moved", 0), ("picked", 0)]


async def test_a_click_picks_the_row_under_it() -> None:
    app = Holder(Menu(["a", Content("two\nlines"), "c"]))
    async with app.run_test() as pilot:
        await pilot.click(Menu, offset=(3, 2))
        assert app.heard == [("moved", 1), ("picked", 1)]


async def test_the_cursor_is_scrolled_into_view() -> None:
    app = Holder(Menu([f"row {n}" for n in range(50)]))
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        assert "› row 49" in app.screen_text()
        await pilot.press("home")
        await pilot.pause()
        assert "› row 0" in app.screen_text()


async def test_rows_may_change_under_the_cursor() -> None:
    menu = Menu(["a", "b", "c"], cursor=2)
    app = Holder(menu)
    async with app.run_test() as pilot:
        menu.set_rows(["a"])
        await pilot.pause()
        assert menu.cursor == 0
        menu.set_rows([])
        await pilot.press("down", "enter", "home")
        assert app.is_running
        assert app.heard == []


@pytest.mark.parametrize("kind", [Menu, Choices])
async def test_every_string_stands_in_a_list_as_it_was_written(kind: type[Menu]) -> None:
    app = Holder(kind([Content(text) for text in STRINGS]))
    async with app.run_test(size=(90, 40)):
        for text in STRINGS:
            assert text in app.screen_text()


@pytest.mark.parametrize("kind", [Menu, Choices])
@pytest.mark.parametrize("columns", [*range(1, 14), 300])
async def test_a_list_survives_every_width(kind: type[Menu], columns: int) -> None:
    app = Holder(kind(["批归一化在训练模式下用当前批次的统计量，`x[0]`", "b"]))
    async with app.run_test(size=(columns, 6)) as pilot:
        await pilot.press("down", "up", "enter")
        assert app.heard[-1] == ("picked", 0)


async def test_a_wrapped_option_hangs_under_its_own_text() -> None:
    app = Holder(Choices(["批归一化在训练模式下用当前批次的统计量，评估模式下不用"]))
    async with app.run_test(size=(30, 6)):
        first, second, *_ = app.screen_text().splitlines()
        assert first.startswith("› 1 ( ) 批归一化")
        assert second.startswith(" " * 8 + second.strip()[0])


HINTS = (Hint("enter", "start", True), Hint("b", "bench"), Hint("l", "中文"), Hint("q", "quit", True))


def test_the_key_bar_drops_from_the_end_but_keeps_what_must_stay() -> None:
    assert fitting(HINTS, 80) == (list(HINTS), 2)
    assert [hint.key for hint in fitting(HINTS, 29)[0]] == ["enter", "b", "q"]
    assert [hint.key for hint in fitting(HINTS, 20)[0]] == ["enter", "q"]
    assert [hint.label for hint in fitting(HINTS, 10)[0]] == ["", ""]
    assert fitting(HINTS, 0)[0] == []


def test_the_key_bar_moves_closer_before_it_drops() -> None:
    full = 11 + 7 + 6 + 6 + 3 * 2
    assert fitting(HINTS, full) == (list(HINTS), 2)
    assert fitting(HINTS, full - 1) == (list(HINTS), 1)


async def test_every_string_stands_in_the_key_bar_as_it_was_written() -> None:
    bar = KeyBar()
    app = Holder(bar)
    async with app.run_test(size=(90, 5)) as pilot:
        for text in STRINGS:
            bar.update([Hint("x", text)])
            await pilot.pause()
            assert f"x {text}" in app.screen_text()


def test_a_table_lines_up_whatever_the_script() -> None:
    rows = table([("批归一化", "1"), ("dropout", "10")], 40, align="lr")
    assert [row.plain for row in rows] == ["批归一化   1", "dropout   10"]


def test_a_table_that_is_too_wide_cuts_the_flexible_column_and_then_drops_others() -> None:
    rows = [("a long title of a lab", "running", "2 min ago")]
    assert table(rows, 30, flex=0)[0].plain == "a long ti…  running  2 min ago"
    assert table(rows, 20, flex=0, drop=(2,))[0].plain == "a long tit…  running"
    assert all(row.cell_length <= width for width in range(60) for row in table(rows, width, drop=(2, 1)))


def test_ends_give_way_on_the_left_first() -> None:
    assert ends(Content("left"), Content("right"), 20).plain == "left           right"
    assert ends(Content("a very long left side"), Content("right"), 20).plain == "a very long …  right"
    assert ends(Content("a very long left side"), Content("right"), 12).plain == "a very long…"
    assert pad(Content("梯度下降"), 5).plain == "梯度…"
