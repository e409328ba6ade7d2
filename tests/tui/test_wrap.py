"""Lines break where Chinese and identifiers allow it, and nothing is ever lost."""

import inspect
import re
from itertools import pairwise

import pytest
import rich.text
import textual.content
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, split_graphemes
from textual.content import Content

from tui import wrap
from tui.wrap import CLOSING, OPENING, divide_line

ALPHABET = "梯度下降训练模型验证集参数，。、；：？！（）《》「」“”——…… abcXYZ019_.()[]{}%,;:!?-+=/\\'\"`\t😀é"
words = st.one_of(
    st.text(ALPHABET, max_size=120),
    st.text(max_size=80).filter(lambda text: not re.search(r"[\r\n\x00-\x1f\x7f-\x9f]", text)),
    st.lists(
        st.sampled_from(
            ["loss.backward()", "x[0]", "model.eval()", "梯度", "，", "。", "（", "）", " ", "a", "100%"]
        )
    ).map("".join),
)


def pieces(text: str, width: int, fold: bool = True) -> list[str]:
    cuts = [0, *divide_line(text, width, fold), len(text)]
    assert all(a < b for a, b in pairwise(cuts)) or not text
    return [text[a:b] for a, b in pairwise(cuts)]


@given(words, st.integers(-1, 60))
@example("，。、" * 10, 2)
@example("a" * 100, 1)
@example("梯度", 1)
@example("（（（（", 3)
def test_no_character_is_lost_and_no_piece_is_empty(text: str, width: int) -> None:
    assert "".join(pieces(text, width)) == text


@given(words, st.integers(2, 60))
def test_no_line_is_wider_than_the_room(text: str, width: int) -> None:
    for piece in pieces(text, width):
        graphemes = split_graphemes(piece.rstrip())[0]
        assert cell_len(piece.rstrip()) <= width or len(graphemes) == 1


@given(words, st.integers(1, 12))
@example("❤️❤️❤️ é👩‍🔬x", 3)
def test_a_character_of_several_code_points_is_not_torn(text: str, width: int) -> None:
    starts = {start for start, _, _ in split_graphemes(text)[0]}
    assert set(divide_line(text, width)) <= starts


def test_a_column_of_one_cell_still_shows_everything() -> None:
    assert pieces("梯度 ab", 1) == ["梯", "度 ", "a", "b"]


def _unit_around(text: str, cut: int) -> str:
    """The text around a cut that has no space and no place where a line might break by the rules."""
    start = cut
    while start > 0 and not _open(text, start):
        start -= 1
    end = cut
    while end < len(text) and not _open(text, end):
        end += 1
    return text[start:end]


def _open(text: str, place: int) -> bool:
    """An oracle of its own: a line may break here."""
    before, after = text[:place], text[place:]
    if not before.strip() or not after:
        return False
    if after[0].isspace() or after[0] in CLOSING or before.rstrip()[-1] in OPENING:
        return False
    if before[-1].isspace():
        return True
    wide = cell_len(before[-1]) == 2 or cell_len(after[0]) == 2
    return wide or before[-1] in "”—…" or after[0] == "“"


@given(st.text(ALPHABET.replace("😀", "").replace("é", ""), max_size=120), st.integers(2, 40))
@example("这是结尾，下一行不能以逗号开头。", 10)
@example("调用（见 loss.backward() 之后）", 6)
def test_a_line_starts_or_ends_badly_only_where_nothing_else_was_possible(text: str, width: int) -> None:
    for cut in divide_line(text, width):
        bad = text[cut] in CLOSING or text[:cut].rstrip()[-1:] in OPENING or not _open(text, cut)
        if bad:
            assert cell_len(_unit_around(text, cut).rstrip()) > width


@pytest.mark.parametrize("width", range(16, 60))
def test_identifiers_stay_whole_where_they_fit(width: int) -> None:
    text = "先写optimizer.zero_grad()，再写`loss.backward()`，然后optimizer.step()；x[0]与list[int]也不断开。"
    found = [piece.strip() for piece in pieces(text, max(width, 24))]
    for name in ("optimizer.zero_grad()", "loss.backward()", "optimizer.step()", "x[0]", "list[int]"):
        assert any(name in piece for piece in found)


@pytest.mark.parametrize("width", range(6, 40))
def test_no_chinese_line_begins_with_a_comma_or_full_stop(width: int) -> None:
    text = (
        "训练模式下，批归一化用当前批次的统计量；评估模式下，它用滑动平均。“两者”不同（见下）——因此结果不同！"
    )
    for piece in pieces(text, width)[1:]:
        assert piece[0] not in "，。；：、！？）”—"
    for piece in pieces(text, width)[:-1]:
        assert piece.rstrip()[-1] not in "（“"


def test_a_dash_of_two_characters_is_not_torn() -> None:
    for width in range(4, 30):
        assert not any(
            piece.endswith("—") and not piece.endswith("——")
            for piece in pieces("参数不变——变的是缓冲区", width)
        )


def test_an_indent_stays_with_its_word() -> None:
    assert pieces("    return x_with_a_long_name", 12)[0] != "    "


def test_without_folding_a_long_word_overflows_whole() -> None:
    assert pieces("a verylongidentifier b", 6, fold=False) == ["a ", "verylongidentifier ", "b"]


def test_textual_and_rich_still_divide_lines_through_the_name_we_replace() -> None:
    """Fails when upstream moves the function: then `install` has to follow."""
    wrap.install()
    assert textual.content.divide_line is divide_line  # type: ignore[attr-defined]
    assert rich.text.divide_line is divide_line  # type: ignore[attr-defined]
    assert "divide_line(" in inspect.getsource(Content._wrap_and_format)
    assert "divide_line(" in inspect.getsource(rich.text.Text.wrap)
    lines = Content("批归一化的统计量会变，参数不会。")._wrap_and_format(10)
    assert [line.content.plain.rstrip() for line in lines] == ["批归一化的", "统计量会", "变，参数不", "会。"]


def test_our_signature_takes_what_upstream_passes() -> None:
    import rich._wrap

    ours, theirs = inspect.signature(divide_line), inspect.signature(rich._wrap.divide_line)
    assert list(ours.parameters) == list(theirs.parameters)
    assert ours.parameters["fold"].default is theirs.parameters["fold"].default is True
