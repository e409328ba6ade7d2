"""Runs: every run of a lab there is, from here or the command line; open it, stop it, read its log."""

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer

from tui.i18n import Translator
from tui.runs import RunView, RunWatch, run_age
from tui.screens.page import Ask, Key, Option, Page
from tui.widgets.board import time_left
from tui.widgets.choices import Menu
from tui.widgets.prose import Prose
from tui.widgets.table import table

if TYPE_CHECKING:
    from labs.journal import Run
    from tui.app import TorchproofApp

LOOK_EVERY = 1.0  # seconds
LOG_LINES = 500
STYLES = {
    "starting": "$accent",
    "running": "$accent bold",
    "done": "$success",
    "stopped": "$muted",
    "failed": "$error",
    "lost": "$error",
}
MARKS = {"starting": "▸", "running": "▸", "done": "✓", "stopped": "■", "failed": "✗", "lost": "✗"}


class _Ruled(msgspec.Struct):
    verdict: str


class _Kept(msgspec.Struct):
    """What is read of a run's verdict.json."""

    verdicts: list[_Ruled]


class RunsScreen(Page):
    """All runs, newest first. A verdict shows only where the learner has seen it in the lab."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter,right", "open", "shell.key_open", keep=True),
        Key("s", "stop", "shell.key_stop"),
        Key("o", "log", "shell.key_log"),
    )
    HELP_KEY = "shell.help_runs"
    CSS = """
    RunsScreen .none { color: $muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.run_watch: RunWatch | None = None
        self._timer: Timer | None = None
        self._drawn_for: Size | None = None  # a page is told its size once more than it is drawn

    def heading(self) -> str:
        return self.tr("shell.runs")

    def note(self) -> str:
        return self.tr("shell.runs_count", count=len(self.views)) if self.views else ""

    @property
    def views(self) -> list[RunView]:
        return self.run_watch.views if self.run_watch is not None else []

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll", can_focus=False):
            yield Menu()
            yield Prose(classes="none")

    def on_mount(self) -> None:
        self.run_watch = RunWatch(self.app.paths.runs)
        self.run_watch.look()
        self.show()
        self.query_one(Menu).focus()
        self._timer = self.set_interval(LOOK_EVERY, self._look)

    def on_screen_suspend(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self) -> None:
        if self._timer is not None:
            self._timer.resume()
            self._look()

    def on_resize(self, event: events.Resize) -> None:
        if self.run_watch is not None and self._drawn_for != self.app.size:
            self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def _look(self) -> None:
        under = self._chosen()
        if self.run_watch is not None and self.run_watch.look():
            self.show(under)

    def show(self, under: "Run | None" = None) -> None:
        """Draw the runs as they are now, with the cursor on `under` where that is still there."""
        menu, self._drawn_for = self.query_one(Menu), self.app.size
        rows = run_rows(self.app, self.views, max(1, self.app.size.width - 5))
        cursor = next((i for i, seen in enumerate(self.views) if under and seen.run == under), menu.cursor)
        if [row.plain for row in menu.rows] != [row.plain for row in rows]:
            menu.set_rows(rows, cursor)
        menu.display = bool(rows)
        self.query_one(Prose).display = not rows
        self.query_one(Prose).update(self.tr("shell.runs_none"))
        self.say_frame()

    def _chosen(self) -> "Run | None":
        menu = self.query_one(Menu)
        return self.views[menu.cursor].run if menu.cursor < len(self.views) else None

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        if run := self._chosen():
            if run.spec.lab in self.app.catalog.labs:
                self.app.open_lab(run.spec.lab, run=run)
            else:
                self.app.say("shell.lab_gone", severity="warning", lab=run.spec.lab)

    def action_stop(self) -> None:
        self.run_worker(self._stop(), exclusive=True)

    async def _stop(self) -> None:
        run = self._chosen()
        if run is None:
            return
        if run.status() not in ("starting", "running"):
            self.app.say("shell.not_running")
            return
        question = self.tr("shell.stop_run", lab=self.app.lab_title(run.spec.lab))
        options = (
            Option("enter", "stop", self.tr("shell.stop_yes")),
            Option("escape", "", self.tr("shell.stop_no")),
        )
        if await self.app.push_screen_wait(Ask(question, options)):
            self.app.stop_run(run)
            self._look()

    def action_log(self) -> None:
        if run := self._chosen():
            self.app.open_page("log", run)


def run_rows(app: "TorchproofApp", views: list[RunView], width: int) -> list[Content]:
    """A line a run: status, lab, what came out or how far it is, device, seeds, age."""
    from questions.progress import Bet, Result

    tr = app.tr
    events = app.progress.events()
    bets = {event.lab for event in events if isinstance(event, Bet)}
    read = {event.lab for event in events if isinstance(event, Result)}
    rows = []
    for view in views:
        spec = view.run.spec
        status = Content.assemble(
            (f"{MARKS[view.status]} {tr(f'shell.status_{view.status}')}", STYLES[view.status])
        )
        if view.live:
            result = f"{int(view.progress * 100)}%"
            if left := time_left(tr, view.eta_s):
                result += "  " + left
        elif view.status != "done":
            result = ""
        elif not spec.settles:
            result = tr("shell.own_knobs")
        elif spec.lab in read:
            words = (tr(f"shell.verdict_{name}") for name in verdicts(view.run))
            result = tr("shell.comma").join(dict.fromkeys(words))
        else:
            result = tr("shell.to_be_read" if spec.lab in bets else "shell.bet_first")
        age = age_text(tr, run_age(view.run, app.now()))
        rows.append((status, app.lab_title(spec.lab), result, spec.device, age))
    return table(rows, width, flex=1, align="llllr", drop=(3, 4, 2), least=10)


def verdicts(run: "Run") -> list[str]:
    """What a finished run says of the claims of its lab, one word a rule; empty where it says nothing."""
    import msgspec

    class Word(msgspec.Struct):
        verdict: str

    class Kept(msgspec.Struct):
        verdicts: list[Word]

    try:
        return [
            word.verdict for word in msgspec.json.decode(run.verdict_file.read_bytes(), type=Kept).verdicts
        ]
    except (OSError, msgspec.MsgspecError):
        return []


def age_text(tr: Translator, age: timedelta) -> str:
    """How long ago, in the largest unit that says something."""
    if age == timedelta.max:
        return ""
    seconds = int(age.total_seconds())
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return tr(f"shell.age_{unit}", count=seconds // length)
    return tr("shell.age_now")


class LogScreen(Page):
    """What the worker of a run printed, and how it ended."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("up,down", "", "shell.key_scroll", printed="↑↓"),)

    def __init__(self, run: "Run") -> None:
        super().__init__()
        self.run = run

    def heading(self) -> str:
        return self.tr("shell.log")

    def note(self) -> str:
        return self.run.id

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Prose()

    def on_mount(self) -> None:
        self.relabel()
        self.query_one(VerticalScroll).scroll_end(animate=False)

    def relabel(self) -> None:
        super().relabel()
        lines = self.run.log_tail(LOG_LINES)
        file = Content.styled(str(self.run.log_file), "$muted")
        text = Content("\n".join(lines)) if lines else Content(self.tr("shell.log_empty"))
        self.query_one(Prose).update([file, text])
