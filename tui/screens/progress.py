"""Progress: how the entries stand, whether stated confidence is honest, on which days there was work."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize

from tui.screens.page import Key, Page
from tui.widgets.prose import Block, Prose
from tui.widgets.table import table

if TYPE_CHECKING:
    from questions.events import Event
    from questions.mastery import Level
    from tui.app import TorchproofApp

DAYS = 14


class ProgressScreen(Page):
    """Everything here is worked out anew from the log each time the page opens."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("up,down", "", "shell.key_scroll", printed="↑↓"),)
    HELP_KEY = "shell.help_progress"

    def heading(self) -> str:
        return self.tr("shell.progress")

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Prose()

    def on_mount(self) -> None:
        self.relabel()

    def on_resize(self, event: Resize) -> None:
        self.relabel()

    def relabel(self) -> None:
        super().relabel()
        self.query_one(Prose).update(list(report(self.app, max(1, self.size.width - 3))))


def report(app: "TorchproofApp", width: int) -> Iterator[Block | Content]:
    """The page as pieces of prose, tables at most `width` cells wide."""
    from questions.progress import summary

    tr, events = app.tr, app.progress.events()
    counts = summary(events)
    if not counts["answers"]:
        yield Content(tr("shell.progress_none"))
        return
    right = round(100 * counts["right"] / counts["questions"]) if counts["questions"] else 0
    yield Content("\n").join(
        [
            Content(tr("shell.sum_answers", **counts, percent=right)),
            Content(tr("shell.sum_days", **counts, streak=streak(events, app.today()))),
        ]
    )
    yield Content("\n").join([_heading(tr("shell.entries")), *_entries(app, events, width)])
    about = Content.styled(tr("shell.calibration_about"), "$muted")
    yield Content("\n").join([_heading(tr("shell.calibration")), about])
    yield from _calibration(app, events, width)
    yield Content("\n").join([_heading(tr("shell.days", count=DAYS)), *_days(app, events, width)])


def _heading(text: str) -> Content:
    return Content.styled(text, "$accent bold")


def _entries(app: "TorchproofApp", events: "Sequence[Event]", width: int) -> list[Content]:
    from questions import mastery

    tr = app.tr
    standing = mastery.standings(events, app.bank, app.now())
    head = [tr(f"shell.col_{name}") for name in ("entry", "claims", "seen", "learning", "holding", "recall")]
    rows: list[list[Content | str]] = [[Content.styled(name, "$muted") for name in head]]
    for entry in mastery.entries(app.bank, standing).values():
        title = Content.assemble(
            (f"{entry.entry}  ", "$muted"), app.bank.entries[entry.entry].title.get(tr.lang)
        )
        if not entry.questions:
            rows.append([title, Content.styled("–", "$muted")])
            continue
        recall = "–" if entry.recall is None else f"{entry.recall:.0%}"
        numbers = (entry.claims, entry.seen, entry.seen - entry.holding, entry.holding)
        rows.append([title, *(str(number) if number else "·" for number in numbers), recall])
    return table(rows, width, align="lrrrrr", drop=(5, 1, 2))


def _calibration(app: "TorchproofApp", events: "Sequence[Event]", width: int) -> Iterator[Content]:
    from questions import mastery

    tr = app.tr
    measured = mastery.calibration(events, app.bank)
    head = [tr(f"shell.col_{name}") for name in ("stated", "answers", "right", "interval", "reading")]
    rows: list[list[Content | str]] = [[Content.styled(name, "$muted") for name in head]]
    for level in measured.levels:
        stated = tr("shell.level_chance") if level.stated is None else f"{level.stated:.0%}"
        rows.append([stated, *_level_cells(level), _reading(level.verdict, app)])
    yield Content("\n").join(table(rows, width, align="rrrrl", flex=4, drop=(3,)))
    if measured.bias is not None and measured.n >= mastery.ENOUGH:
        key = "shell.bias_over" if measured.bias > 0 else "shell.bias_under"
        yield Content(tr(key, points=abs(round(100 * measured.bias)), n=measured.n))


def _level_cells(level: "Level") -> list[str]:
    if not level.n:
        return ["0", "–", "–"]
    return [str(level.n), f"{level.right / level.n:.0%}", f"{level.low:.0%} … {level.high:.0%}"]


def _reading(verdict: str, app: "TorchproofApp") -> Content:
    style = {"not-enough": "$muted", "fits": "$success"}.get(verdict, "$warning")
    return Content.styled(app.tr(f"shell.reading_{verdict.replace('-', '_')}"), style)


def _days(app: "TorchproofApp", events: "Sequence[Event]", width: int) -> list[Content]:
    from questions.progress import Answer, Bet

    answers: dict[date, list[bool]] = {}
    bets: dict[date, int] = {}
    for event in events:
        if isinstance(event, Answer):
            answers.setdefault(event.day, []).append(event.ok)
        elif isinstance(event, Bet):
            bets[event.day] = bets.get(event.day, 0) + 1
    tr, today = app.tr, app.today()
    rows: list[list[Content | str]] = []
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        given = answers.get(day, [])
        if not given and day not in bets:
            continue
        bar = Content.assemble(
            ("■" * min(sum(given), 30), "$success"), ("□" * min(given.count(False), 30), "$muted")
        )
        words = []
        if given:
            words.append(tr("shell.day_answers", count=len(given), right=sum(given)))
        if day in bets:
            words.append(tr("shell.day_bets", count=bets[day]))
        rows.append([day.isoformat(), tr("shell.comma").join(words), bar])
    if not rows:
        return [Content.styled(tr("shell.days_none"), "$muted")]
    return table(rows, width, flex=2, least=0, drop=(2,))


def streak(events: "Sequence[Event]", today: date) -> int:
    """Days in a row with an answer or a bet, up to today or, where today has none yet, to yesterday."""
    from questions.progress import Answer, Bet

    days = {event.day for event in events if isinstance(event, (Answer, Bet))}
    day = today if today in days else today - timedelta(days=1)
    count = 0
    while day in days:
        count += 1
        day -= timedelta(days=1)
    return count
