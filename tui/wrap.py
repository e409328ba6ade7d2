"""Where a line may break: Chinese by its own rules, identifiers and words whole. Stands in for Rich's rules.

Rich breaks at spaces and, where a run without spaces is too long, anywhere: "loss.ba|ckward()", lines that
begin with "，". Here a line may break after a space and beside any wide character, but never before closing
punctuation nor after opening punctuation.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

# Never first on a line. The narrow dash and dots are here because "——" and "……" are one mark each.
CLOSING = frozenset("，。、；：？！）》」』】〕〉〗〙〛］｝”’…‥—～〜·・ー々％‰℃°,.;:?!)]}%»›")
# Never last on a line.
OPENING = frozenset("（《「『【〔〈〖〘〚［｛“‘￥＄([{«‹")
# Narrow marks that belong to the Chinese text around them: a Latin word may be cut off beside these.
_BREAK_AFTER = frozenset("”—…")
_BREAK_BEFORE = frozenset("“")

Grapheme = tuple[int, int, int]  # start, end, width in cells


class _Unit(NamedTuple):
    """A stretch of text that stays on one line where the line is wide enough."""

    start: int
    end: int
    width: int  # cells, without the spaces at its end
    full: int  # cells, with them
    graphemes: list[Grapheme]


def divide_line(text: str, width: int, fold: bool = True) -> list[int]:
    """Offsets at which `text` is cut so that each piece fits into `width` cells.

    Spaces at the end of a piece do not count. A unit wider than the line is folded, or left to overflow
    with fold=False. A width of 0 or less cuts nowhere: nothing would fit anyway.
    """
    if width <= 0 or len(text) < 2 or cell_len(text) <= width:
        return []
    return list(_divide(text, width, fold))


@lru_cache(maxsize=2048)
def _divide(text: str, width: int, fold: bool) -> tuple[int, ...]:
    cuts: list[int] = []
    used = 0  # cells on the current line
    for unit in _units(text):
        if used + unit.width <= width:
            used += unit.full
            continue
        if unit.start:
            cuts.append(unit.start)
        used = unit.full
        if fold and unit.width > width:
            folds, used = _fold(text, unit, width)
            cuts.extend(folds)
    return tuple(cuts)


def _units(text: str) -> Iterator[_Unit]:
    graphemes: list[Grapheme] = []
    previous: Grapheme | None = None
    for grapheme in _graphemes(text):
        if previous and graphemes and _may_break(text, previous, grapheme):
            yield _unit(text, graphemes)
            graphemes = []
        graphemes.append(grapheme)
        previous = grapheme
    if graphemes:
        yield _unit(text, graphemes)


def _graphemes(text: str) -> list[Grapheme]:
    if text.isascii():
        return [(i, i + 1, 1 if " " <= char < "\x7f" else 0) for i, char in enumerate(text)]
    return split_graphemes(text)[0]


def _unit(text: str, graphemes: list[Grapheme]) -> _Unit:
    full = sum(cells for _, _, cells in graphemes)
    spaces = 0
    for start, _, cells in reversed(graphemes):
        if not text[start].isspace():
            break
        spaces += cells
    return _Unit(graphemes[0][0], graphemes[-1][1], full - spaces, full, graphemes)


def _may_break(text: str, before: Grapheme, after: Grapheme) -> bool:
    last, first = text[before[0]], text[after[0]]
    if first.isspace() or first in CLOSING:
        return False
    if last.isspace():
        index = before[0]
        while index >= 0 and text[index].isspace():
            index -= 1
        return index >= 0 and text[index] not in OPENING  # an indent stays with its word, "（ x" is as "（x"
    if last in OPENING:
        return False
    return before[2] == 2 or after[2] == 2 or last in _BREAK_AFTER or first in _BREAK_BEFORE


def _fold(text: str, unit: _Unit, width: int) -> tuple[list[int], int]:
    """Cuts inside a unit that is wider than the line, and the cells its last piece uses."""
    graphemes = unit.graphemes
    cuts: list[int] = []
    first = 0  # of the current piece
    used = 0
    index = 0
    while index < len(graphemes):
        start, _, cells = graphemes[index]
        if index > first and used + cells > width and not text[start : unit.end].isspace():
            index = _good_fold(text, graphemes, first, index)
            cuts.append(graphemes[index][0])
            first, used = index, 0
            continue
        used += cells
        index += 1
    return cuts, used


def _good_fold(text: str, graphemes: list[Grapheme], first: int, index: int) -> int:
    """The last place at or before `index` where punctuation allows a cut, else `index`."""
    for place in range(index, first, -1):
        if text[graphemes[place][0]] not in CLOSING and text[graphemes[place - 1][0]] not in OPENING:
            return place
    return index


def install() -> None:
    """Make Textual and Rich divide lines by these rules, in every widget. Safe to call again."""
    import rich.text
    import textual.content

    # Both modules hold the function under this private name; a test fails when that changes.
    vars(textual.content).update(divide_line=divide_line)
    vars(rich.text).update(divide_line=divide_line)
