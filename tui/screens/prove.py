"""Prove the FAQ: every lab, one after another, and a table of what each claim's verdict should be and is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer

from labs import proof, proving
from labs.problems import LabProblem
from labs.proof import MARKS, Record, Row, Terms
from labs.proving import Proving
from tui import __version__
from tui.screens.page import Ask, Key, Option, Page
from tui.widgets.board import time_left
from tui.widgets.choices import Menu
from tui.widgets.prose import Prose
from tui.widgets.readout import amount
from tui.widgets.table import table

if TYPE_CHECKING:
    from labs.hardware import Hardware
    from labs.journal import Run
    from tui.i18n import Translator

STEP_EVERY = 0.2  # seconds
STYLES = {"confirmed": "$success", "contradicted": "$error bold", "undecided": "$warning"}


class ProveScreen(Page):
    """The table of the proof on disk; r goes on with it or begins one. Owns the proof while it goes on.

    What a lab found out stays hidden until its bet is locked, or until the learner asks for it.
    """

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("r", "start", "prove.key_start", keep=True),
        Key("s", "stop", "prove.key_stop", keep=True),
        Key("v", "reveal", "prove.key_reveal"),
        Key("enter,right", "open", "shell.key_open"),
    )
    HELP_KEY = "prove.help"
    CSS = """
    ProveScreen .where { padding: 0 1; height: auto; max-height: 40%; }
    ProveScreen Menu { margin: 1 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.proving: Proving | None = None
        self.going = False  # new labs are started
        self.revealed = False
        self.where, self.menu = Prose(classes="where"), Menu()
        self._rows: list[Row] = []
        self._timer: Timer | None = None
        self._busy = self._preparing = False
        self._said = ""

    # frame

    def heading(self) -> str:
        return self.tr("prove.title")

    def note(self) -> str:
        if self.proving is None or not self.proving.live:
            return ""
        return f"{int(self.proving.progress() * 100)}%"

    def keys(self) -> tuple[Key, ...]:
        keys = {key.action: key for key in self.KEYS}
        own = ["stop"] if self.going else ["start"]
        own += ["reveal", "open"] if self._rows else []
        return (*(keys[action] for action in own), *self.EVERYWHERE)

    def body(self) -> ComposeResult:
        self.proving = self._made(self._kept(), jobs=1)
        self.proving.recall()
        self.show()  # filled before it is mounted: the first frame is the table
        yield self.where
        with VerticalScroll(classes="scroll", can_focus=False):
            yield self.menu

    def on_mount(self) -> None:
        self.menu.focus()
        self._timer = self.set_interval(STEP_EVERY, self.tick)

    def on_screen_resume(self) -> None:
        self.show()  # a bet may have been locked meanwhile

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    # the proof

    def _kept(self) -> Record:
        """The record on disk, or one of a proof that has not begun."""
        found = proving.kept(proving.record_file(self.app.paths.state))
        return found or Record(began="", host="", terms=self._terms())

    def _terms(self) -> Terms:
        return Terms(device=self.app.settings.device)

    def _made(self, record: Record, *, jobs: int, torch: str | None = None) -> Proving:
        app = self.app
        needs, broken = proof.needed(app.catalog.labs, proof.broken_labs(app.catalog.problems), ())
        return Proving(
            needs,
            broken,
            record,
            proving.record_file(app.paths.state),
            app.paths.runs,
            start=app.bench.start_one_of_many,
            stop=self._stop_run,
            torch=torch,
            python=app.python,
            version=__version__,
            by="app",
            jobs=jobs,
        )

    async def _stop_run(self, run: Run) -> None:
        await self.app.bench.stop(run)

    async def tick(self) -> None:
        """One step of the proof; one at a time, however long it takes."""
        going = self.proving
        if going is None or self._busy or not (self.going or going.live):
            return
        self._busy = True
        try:
            changed = await going.step() if self.going else going.look()
        except LabProblem as problem:
            self.going, changed = False, True
            self.app.problem(problem)
        finally:
            self._busy = False
        if self.going and going.over:
            self.going = False
            self.app.bench.last_of_many()
            if going.hopeless:
                self.app.say("prove.hopeless", severity="error", why=self._sentence(going.hopeless))
        if changed or self._where() != self._said:
            self.show()

    def action_start(self) -> None:
        if not self.going and not self._preparing:
            self.run_worker(self._begin(), group="prove", exclusive=True)

    async def _begin(self) -> None:
        sealed = self._sealed()
        if sealed and not await self.app.push_screen_wait(self._warning(len(sealed))):
            return
        self._preparing = True  # from here on r does nothing
        try:
            await self._take_up()
        except LabProblem as problem:
            self.app.problem(problem)
        finally:
            self._preparing = False
        self.show()

    async def _take_up(self) -> None:
        app, file = self.app, proving.record_file(self.app.paths.state)
        needs, _ = proof.needed(app.catalog.labs, (), ())
        record, resumed = proving.begin(file, self._terms(), needs)
        hardware, torch = await asyncio.to_thread(self._asked, resumed)
        jobs = proving.jobs_here(hardware, record.terms.device, proving.free_memory_mb())
        made = self._made(record, jobs=jobs, torch=torch)
        taken = await asyncio.to_thread(made.take_over) if resumed else []
        self.proving, self.going = made, True
        if taken:
            app.say("prove.taken", count=len(taken))

    def _asked(self, resumed: bool) -> tuple[Hardware, str | None]:
        """The machine, and the torch of the labs where that matters. Slow: not for the event loop."""
        from labs.hardware import describe

        return describe(), proving.torch_version(self.app.python) if resumed else None

    def _warning(self, count: int) -> Ask:
        tr = self.tr
        options = (
            Option("enter", "start", tr("prove.ask_start")),
            Option("escape", "", tr("prove.ask_cancel")),
        )
        return Ask(tr("prove.ask", count=count), options)

    def action_stop(self) -> None:
        self.run_worker(self._stop(), group="prove", exclusive=True)

    async def _stop(self) -> None:
        if self.proving is not None and self.going:
            self.going = False
            await self.proving.stop()
            self.app.bench.last_of_many()
            self.show()

    def action_reveal(self) -> None:
        self.revealed = not self.revealed
        self.show()

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """The lab of the row under the cursor."""
        if self.menu.cursor < len(self._rows):
            lab = self._rows[self.menu.cursor].lab
            if lab in self.app.catalog.labs:
                self.app.open_lab(lab)

    # what it shows

    def _sealed(self) -> set[str]:
        """Labs on which no bet is locked: what they show would spoil it."""
        from questions.events import Bet

        bets = {event.lab for event in self.app.progress.events() if isinstance(event, Bet)}
        return set(self.app.catalog.labs) - bets

    def show(self) -> None:
        """Draw the table and where it stands."""
        if self.proving is None:
            return
        self._rows = self.proving.rows()
        hidden = set() if self.revealed else self._sealed()
        cells = [self._cells(row, row.lab in hidden) for row in self._rows]
        width = max(1, self.app.size.width - 5)
        lines = table(cells, width, align="lllrrll", flex=3, drop=(6, 5, 4, 1), least=8)
        if [(line.plain, line.spans) for line in self.menu.rows] != [(li.plain, li.spans) for li in lines]:
            self.menu.set_rows(lines)
        self._said = self._where()
        self.where.update(self._said)
        if self.is_mounted:
            self.say_frame()

    def _cells(self, row: Row, hidden: bool) -> list[Content | str]:
        """claim, expected, measured, effect with interval, seeds, seconds, lab."""
        tr = self.tr
        expected = tr(f"lab.{row.expected}") if row.expected and not hidden else "-"
        seeds = str(row.seeds) if row.seeds else ""
        seconds = tr("lab.seconds", seconds=f"{row.seconds:.1f}") if row.seconds else ""
        title = Content.styled(self.app.lab_title(row.lab), "$muted")
        return [
            row.claim or "-",
            expected,
            self._measured(row, hidden),
            _effect(tr, row, hidden),
            seeds,
            seconds,
            title,
        ]

    def _measured(self, row: Row, hidden: bool) -> Content:
        tr = self.tr
        if row.stage == "waiting":
            return Content.styled(tr("prove.waiting" if self.going else "prove.not_done"), "$muted")
        if row.stage == "running":
            return Content.styled(tr("prove.running", percent=int(row.progress * 100)), "$accent bold")
        if row.stage in ("failed", "lost", "broken"):
            return Content.styled(f"{MARKS['undecided']} {tr('prove.failed')}", "$error")
        if row.effect is None:
            return Content.styled(tr("prove.not_done"), "$muted")
        if hidden:
            return Content.styled(tr("prove.hidden"), "$muted")
        return Content.styled(f"{MARKS[row.status]} {tr(f'lab.{row.verdict}')}", STYLES[row.status])

    def _where(self) -> str:
        """What goes on, what it has come to, what keys lead on."""
        tr, going = self.tr, self.proving
        if going is None:
            return ""
        if self.going or going.live:
            names = tr("shell.list_comma").join(self.app.lab_title(item.lab.id) for item in going.live)
            left = time_left(tr, going.time_left()) if self.going else ""
            text = tr("prove.going" if self.going else "prove.ending", labs=names or tr("prove.preparing"))
            return " ".join(part for part in (text, left) if part)
        claims = proof.counted(proof.summary(self._rows).values())
        if not going.record.runs:
            total, estimate = len(going.items), sum(item.lab.estimate_s for item in going.items)
            return tr("prove.begin", labs=total, minutes=max(1, round(estimate / 60)))
        text = tr("prove.result", count=sum(claims.values()), **claims)
        return text if going.record.finished else f"{text} {tr('prove.unfinished')}"

    def _sentence(self, english: str) -> str:
        from tui.labwords import sentence

        return sentence(self.tr, english)


def _effect(tr: Translator, row: Row, hidden: bool) -> str:
    if hidden or row.effect is None or row.interval is None:
        return ""
    low, high = row.interval
    return f"{amount(row.effect, tr.unit(row.unit))} [{amount(low)}, {amount(high)}]"
