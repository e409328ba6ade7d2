"""The bench: every lab, grouped by entry, with the claims it measures and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer

from tui.runs import RunView, RunWatch
from tui.screens.page import Key, Page
from tui.session import last_bet
from tui.widgets.choices import Menu
from tui.widgets.prose import Prose
from tui.widgets.readout import RULING
from tui.widgets.table import GAP, table

if TYPE_CHECKING:
    from labs.catalog import Lab
    from questions.events import Event, Result
    from tui.app import TorchproofApp

LOOK_EVERY = 1.0  # seconds
TITLE = 34  # cells kept for a title before the columns behind it give way


class LabMenu(Menu):
    """Labs with a heading above the first one of each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: Mapping[int, Content] = {}

    def row_lines(self, index: int, width: int) -> Iterator[Content]:
        if (heading := self.headings.get(index)) is not None:
            if index:
                yield Content("")
            yield heading.truncate(width, ellipsis=True)
        yield from super().row_lines(index, width)


class BenchScreen(Page):
    """All labs; enter opens one."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter,right", "open", "lab.key_open", keep=True),
        Key("a", "prove", "prove.key_prove"),
    )
    HELP_KEY = "lab.help_bench"
    CSS = """
    BenchScreen LabMenu { margin: 1 0; }
    BenchScreen .none { margin: 1 0; color: $muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.runs: RunWatch | None = None
        self.menu, self.none = LabMenu(), Prose(classes="none")
        self._timer: Timer | None = None

    def heading(self) -> str:
        return self.tr("lab.bench")

    def note(self) -> str:
        return self.tr("lab.bench_count", count=len(self.labs)) if self.labs else ""

    @property
    def labs(self) -> list[Lab]:
        return list(self.app.catalog.labs.values())

    def body(self) -> ComposeResult:
        self.runs = RunWatch(self.app.paths.runs)
        self.runs.look()
        self.show()  # filled before they are mounted: the first frame is the bench
        with VerticalScroll(classes="scroll", can_focus=False):
            yield self.menu
            yield self.none

    def on_mount(self) -> None:
        self.menu.focus()
        self._timer = self.set_interval(LOOK_EVERY, self._look)

    def on_screen_suspend(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self) -> None:
        if self._timer is not None and self.runs is not None:
            self._timer.resume()
            self.runs.look()
            self.show()

    def on_resize(self, event: events.Resize) -> None:
        if self.runs is not None:
            self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def _look(self) -> None:
        if self.runs is not None and self.runs.look():
            self.show()

    def show(self) -> None:
        """Draws the labs as they stand now."""
        if self.runs is None:
            return
        rows = lab_rows(self.app, self.labs, self.runs.views, max(1, self.app.size.width - 5))
        headings: dict[int, Content] = {}
        for n, lab in enumerate(self.labs):
            if n == 0 or self.labs[n - 1].entry != lab.entry:
                entry = self.app.bank.entries.get(lab.entry)
                title = entry.title.get(self.tr.lang) if entry else ""
                headings[n] = Content.assemble((f"{lab.entry}  ", "$muted"), (title, "bold"))
        if self.menu.rows != rows or self.menu.headings != headings:
            self.menu.headings = headings
            self.menu.set_rows(rows)
        self.menu.display = bool(rows)
        self.none.display = not rows
        self.none.update(self.tr("lab.bench_none"))
        if self.is_mounted:
            self.say_frame()

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_open()

    def action_prove(self) -> None:
        self.app.open_page("prove")

    def action_open(self) -> None:
        if self.menu.cursor < len(self.labs):
            self.app.open_lab(self.labs[self.menu.cursor].id)


def lab_rows(app: TorchproofApp, labs: Sequence[Lab], views: Sequence[RunView], width: int) -> list[Content]:
    """A line a lab: title, claims (with the verdict once it was read), estimate, state."""
    tr = app.tr
    log = app.progress.events()
    estimates = [
        Content.styled(tr("lab.estimate", seconds=f"{lab.estimate_s:.0f}"), "$muted") for lab in labs
    ]
    states = [state(app, lab, [view for view in views if view.run.spec.lab == lab.id], log) for lab in labs]
    behind = sum(max((cell.cell_length for cell in cells), default=0) for cells in (estimates, states))
    room = width - TITLE - behind - 3 * GAP
    rows: list[list[Content | str]] = [
        [lab.title.get(tr.lang), _claims(lab, last_result(log, lab.id), room), estimate, stands]
        for lab, estimate, stands in zip(labs, estimates, states, strict=True)
    ]
    return table(rows, width, align="llrl", drop=(1, 2), least=TITLE)


def last_result(log: Iterable[Event], lab_id: str) -> Result | None:
    """The newest result of this lab that was read."""
    from questions.events import Result

    return next((e for e in reversed(list(log)) if isinstance(e, Result) and e.lab == lab_id), None)


def _claims(lab: Lab, read: Result | None, room: int) -> Content:
    """The claims with their verdicts, in at most `room` cells but the first one always."""
    parts: list[Content] = []
    for claim in lab.claims:
        verdicts = (
            {read.verdicts.get(rule.id) for rule in lab.rules if rule.claim == claim} if read else set()
        )
        part = Content.styled(claim, "$muted")
        for verdict in ("refuted", "undecided", "supported"):
            if verdict in verdicts:
                glyph, style = RULING[verdict]
                part = Content.assemble(part, " ", (glyph, f"{style} bold"))
                break
        parts.append(part)
    whole = Content(" ").join(parts)
    while whole.cell_length > room and len(parts) > 1:
        parts.pop()
        whole = Content(" ").join([*parts, Content.styled("…", "$muted")])
    return whole


def state(app: TorchproofApp, lab: Lab, views: Sequence[RunView], log: Sequence[Event]) -> Content:
    """Where a lab stands, in a word or two."""
    tr = app.tr
    live = next((view for view in views if view.live), None)
    bet = last_bet(log, lab.id)
    if live is not None:
        return Content.styled(tr("lab.state_running", percent=int(100 * live.progress)), "$accent bold")
    if bet is None:
        return Content.styled(tr("lab.state_open"), "$muted")
    if last_result(log, lab.id) is not None:
        return Content(tr("lab.state_settled"))
    settling = [view for view in views if view.run.spec.settles]
    newest = next((view for view in settling if view.status == "done"), next(iter(settling), None))
    if newest is None:
        return Content.styled(tr("lab.state_locked"), "$accent")
    key = {"done": "waiting", "failed": "broken", "lost": "lost"}.get(newest.status, "stopped")
    style = {"waiting": "$success bold", "stopped": "$muted"}.get(key, "$error")
    return Content.styled(tr(f"lab.state_{key}"), style)
