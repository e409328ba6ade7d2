"""Aligned lines, measured in terminal cells: tables of short texts, and lines with something at both ends."""

from collections.abc import Sequence

from textual.content import Content

GAP = 2


def table(
    rows: Sequence[Sequence[Content | str]],
    width: int,
    *,
    align: str = "",
    flex: int = 0,
    drop: Sequence[int] = (),
    least: int = 8,
) -> list[Content]:
    """The rows as lines of at most `width` cells, columns as wide as their widest text.

    align: a letter a column, "l" or "r" (left where none is given). flex: the column that gives way, down to
    `least` cells; after that the columns of `drop` go, in that order.
    """
    if not rows:
        return []
    cells = [[_content(cell) for cell in row] for row in rows]
    shown = list(range(max(map(len, cells))))
    natural = {column: max(_cells(row, column) for row in cells) for column in shown}
    gone = iter(drop)
    while True:
        fixed = sum(natural[column] for column in shown if column != flex) + GAP * (len(shown) - 1)
        room = width - fixed
        enough = room >= min(least, natural[flex]) if flex in shown else room >= 0
        victim = None if enough else next(gone, None)
        if victim is None:
            break
        if victim in shown:
            shown.remove(victim)
    widths = {**natural, flex: max(0, min(natural[flex], room))}
    lines = []
    for row in cells:
        parts: list[Content | str] = []
        for column in shown:
            cell = row[column] if column < len(row) else Content("")
            right = align[column : column + 1] == "r"
            parts += [" " * GAP if parts else "", pad(cell, widths[column], right=right)]
        lines.append(Content.assemble(*(part for part in parts if part)).truncate(width, ellipsis=True))
    return lines


def pad(text: Content, width: int, *, right: bool = False) -> Content:
    """`text` in exactly `width` cells: cut with an ellipsis, or filled with spaces, `right`: before it."""
    text = text.truncate(width, ellipsis=True)
    space = " " * (width - text.cell_length)
    return Content.assemble(space, text) if right else Content.assemble(text, space)


def ends(left: Content, right: Content, width: int) -> Content:
    """`left` and `right` at the ends of a line. `left` gives way; where too little is left, `right` goes."""
    room = width - right.cell_length - GAP
    if room < min(12, left.cell_length):
        return left.truncate(width, ellipsis=True)
    left = left.truncate(room, ellipsis=True)
    return Content.assemble(left, " " * (width - left.cell_length - right.cell_length), right)


def _content(cell: Content | str) -> Content:
    return cell if isinstance(cell, Content) else Content(cell)


def _cells(row: Sequence[Content], column: int) -> int:
    return row[column].cell_length if column < len(row) else 0
