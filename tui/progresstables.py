"""Tables of the progress page: hit rates beside their picture, and a line a day with a bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from textual.content import Content

from questions.rating import STATED
from tui.widgets import dots
from tui.widgets.table import pad, table

if TYPE_CHECKING:
    from questions.mastery import Level
    from tui.i18n import Translator

BESIDE: Final = 44  # columns that a picture beside its table needs
WIDEST: Final = 64  # columns that a picture takes at most
NARROW: Final = 46  # columns below which words are kept short
BAR: Final = 30  # cells of the longest bar
LEAST_BAR: Final = 8
BAR_AFTER: Final = 47  # cells that the columns before a bar may take


def compared(
    tr: Translator, words: tuple[str, str], levels: Sequence[tuple[str, Level]], width: int, rows: int
) -> Iterator[Content]:
    """A calibration table and its picture, side by side where there is room. `words`: the first column, and the family
    of readings."""
    first, reading = words
    head = [tr(f"shell.col_{name}") for name in (first, "answers", "right", "interval", "reading")]
    cells: list[list[Content | str]] = [[muted(name) for name in head]]
    points = []
    for name, level in levels:
        style = {"not-enough": "$muted", "fits": "$success"}.get(level.verdict, "$warning")
        verdict = tr(f"shell.{reading}_{level.verdict.replace('-', '_')}")
        if level.stated == STATED[-1] and level.verdict == "under-confident":
            verdict, style = tr("shell.reading_top"), "$success"
        if level.verdict == "not-enough" and width < NARROW:
            verdict = tr("shell.reading_too_few")
        cells.append([name, *_level_cells(level), Content.styled(verdict, style)])
        if level.n:
            rate = level.right / level.n
            points.append(
                dots.Dot(level.expected, rate, level.low, level.high, level.verdict != "not-enough")
            )
    made = table(cells, width, align="rrrrl", flex=4, drop=(3,))
    if not points:
        yield from made
        return
    wide = max(line.cell_length for line in made)
    caption = muted(tr("shell.plot_about"))
    if width - wide - 4 >= BESIDE:
        picture = dots.lines(dots.draw(points, min(WIDEST, width - wide - 4), rows))
        for left, right in zip_longest(made, picture, fillvalue=Content("")):
            yield Content.assemble(pad(left, wide), "    ", right)
        yield caption
    else:
        yield from made
        yield Content("")
        yield from dots.lines(dots.draw(points, min(WIDEST, width), rows))
        yield caption


def _level_cells(level: Level) -> list[str]:
    if not level.n:
        return ["0", "–", "–"]
    return [str(level.n), f"{level.right / level.n:.0%}", f"{level.low:.0%} … {level.high:.0%}"]


Row = tuple[date, tuple[int, int, int], float, tuple[int, int]]


def by_day(tr: Translator, names: Sequence[str], rows: Sequence[Row], width: int) -> list[Content]:
    """A line a day: three counts, minutes, and a bar of what was met before and what was new."""
    cells: list[list[Content | str]] = [[muted(tr(f"shell.col_{name}")) for name in names]]
    room = min(BAR, width - BAR_AFTER)
    scale = min(1.0, room / max(1, *(sum(bar) for *_, bar in rows)))
    for day, counts, minutes, bar in rows:
        numbers = [str(count) if count else "·" for count in counts]
        drawn = [_bar(*bar, scale)] if room >= LEAST_BAR else []
        cells.append([written(day, tr, width), *numbers, _minutes(minutes), *drawn])
    return table(cells, width, align="lrrrrl", drop=(3,))


def written(day: date, tr: Translator, width: int = NARROW) -> str:
    written = day.isoformat() if width >= NARROW else f"{day:%m-%d}"
    return f"{written} {tr(f'shell.weekday_{day.isoweekday()}')}"


def _bar(filled: int, hollow: int, scale: float) -> Content:
    whole = round((filled + hollow) * scale)
    part = min(whole, round(filled * scale))
    return Content.assemble(("■" * part, "$success"), ("□" * (whole - part), "$accent"))


def _minutes(minutes: float) -> str:
    if not minutes:
        return "·"
    return "<1" if 0 < minutes < 1 else f"{minutes:.0f}"


def percent(share: float) -> str:
    return f"{share:.0%}"


def muted(text: str) -> Content:
    return Content.styled(text, "$muted")
