"""Prose shows what is written, in whatever width there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_strings import STRINGS
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.content import Content

from tui import wrap
from tui.themes import DARK
from tui.widgets.prose import Block, Prose, blocks, code, layout, lines, spans

wrap.install()

TEXT = """
训练模式下，`BatchNorm` 用当前批次的统计量；
评估模式下用滑动平均。

- 参数不变
- 缓冲区会变，
  因为前向时更新

```python
model.train()  # 只切换开关
x = model(batch)[0]
```

1. first
2. second
"""


def test_text_is_divided_into_paragraphs_items_and_code() -> None:
    assert [block.kind for block in blocks(TEXT)] == ["paragraph", "item", "item", "code", "item", "item"]
    assert blocks(TEXT)[2] == Block("item", "缓冲区会变，因为前向时更新", "•")
    assert blocks(TEXT)[4] == Block("item", "first", "1.")


def test_lines_of_a_paragraph_join_without_a_space_in_chinese_and_with_one_in_english() -> None:
    assert blocks("梯度\n下降")[0].text == "梯度下降"
    assert blocks("one\ntwo")[0].text == "one two"


def test_a_fence_that_is_never_closed_runs_to_the_end() -> None:
    assert blocks("```\nx = 1\n\ny = 2") == [Block("code", "x = 1\n\ny = 2")]


def test_code_spans_lose_their_marks_and_nothing_else() -> None:
    assert spans("a `x[0]` b `[/]`").plain == "a x[0] b [/]"
    assert spans("an unpaired ` stays").plain == "an unpaired ` stays"


def test_source_keeps_every_character() -> None:
    source = "def f(x):  # 'not a string'\n    return \"a # b\" + f'{x!r}' if x else None"
    assert code(source).plain == source


@pytest.mark.parametrize("text", STRINGS)
def test_nothing_that_looks_like_markup_is_eaten(text: str) -> None:
    assert layout(blocks(f"{text}"), 200).plain.replace("`", "") == text.replace("`", "")
    assert layout([Content(text)], 200).plain == text
    assert text in layout(blocks(f"```\n{text}\n```"), 200).plain


PRINTED = st.characters(exclude_categories=("Cs", "Cc")) | st.just(
    "\n"
)  # readers of files let no others through


@given(st.text(PRINTED, max_size=200), st.integers(-1, 50))
def test_no_line_of_prose_is_wider_than_asked(text: str, width: int) -> None:
    for line in layout(blocks(text), width).split("\n"):
        assert line.cell_length <= max(width, 2) or width < 2


@given(st.text("梯度，。abc ()[]", max_size=80), st.integers(2, 40), st.text("梯ab ", max_size=12))
def test_indented_lines_lose_nothing(text: str, width: int, indent: str) -> None:
    shown = "".join(line.plain for line in lines(Content(text), width, indent, ""))
    assert (
        shown.replace(" ", "").removeprefix(indent.replace(" ", "")) == text.replace(" ", "")
        or width - max(cell_len(indent), 0) < 2
    )


class Shown(App[None]):
    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.texts = texts

    def compose(self) -> ComposeResult:
        for text in self.texts:
            yield Prose(text)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def screen_text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.screen._compositor.render_strips())


async def test_every_string_stands_on_the_screen_as_it_was_written() -> None:
    app = Shown(*STRINGS)
    async with app.run_test(size=(80, 60)):
        for text in STRINGS:
            assert text.replace("`", "") in app.screen_text().replace("`", "")


async def test_a_text_that_changes_takes_the_lines_it_needs() -> None:
    app = Shown("short")
    async with app.run_test(size=(20, 20)) as pilot:
        prose = app.query_one(Prose)
        assert prose.size.height == 1
        prose.update(TEXT)
        await pilot.pause()
        assert prose.size.height == prose.content(20).plain.count("\n") + 1 > 10


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 9), (5, 2), (300, 100)])
async def test_prose_survives_every_window(size: tuple[int, int]) -> None:
    app = Shown(TEXT, "x")
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.is_running
