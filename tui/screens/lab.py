"""One lab: what is asked, the bet, the run as it comes, the reading of its numbers, the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer

from labs.problems import LabProblem
from questions.problems import BankProblem
from tui.guesses import guessed, ratings
from tui.labview import LabView
from tui.labwords import broken, result, sentence, state
from tui.screens.page import Key, Page
from tui.widgets.bet import Commit, FinalOptions
from tui.widgets.chart import Chart, Pace, Status
from tui.widgets.choices import Menu
from tui.widgets.flow import Flow
from tui.widgets.knobs import Knobs
from tui.widgets.plot import Frame, Trace
from tui.widgets.prose import Prose, lines, spans
from tui.widgets.readout import band_label, letters, outcome_table, reading_labels

if TYPE_CHECKING:
    from labs.catalog import Lab
    from labs.journal import Run
    from tui.session import Session, Tally

FIRST_POINT_EVERY = 0.01  # seconds between looks until the first point is there
FIRST_POINT_SOON = 5.0  # for so many seconds; a lab that takes longer is looked at like any other
POLL_EVERY = 0.1
STATUS_EVERY = 1.0  # the worker's process is looked at, and the seconds go on
EXPECT_S = 20.0  # how long a new worker may take to begin with seeds that were asked for
TURNS = 2  # frames in which every chart is drawn once
LEAST_CHART = (24, 5)  # columns and rows below which another chart is not worth its place
ROWS_FOR_BOTH = 34  # with fewer the charts give way to the verdict


class LabScreen(Page):
    """Bet, run, read, verdict. `wager`: an item of a session, whose run starts when the bet is locked."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "go_on", "lab.key_go_on", keep=True),
        Key("r", "run", "lab.key_run", keep=True),
        Key("s", "stop", "lab.key_stop"),
        Key("plus,equals_sign", "more", "lab.key_more", printed="+"),
        Key("c", "change", "card.key_change", keep=True),
        Key("k", "knobs", "lab.key_knobs"),
        Key("v", "view", "lab.key_view"),
        Key("o", "log", "lab.key_log"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(digit), f"digit({digit})", show=False) for digit in range(10)),
    ]
    AUTO_FOCUS = None
    HELP_KEY = "lab.help"
    CSS = """
    LabScreen .legend { padding: 0 1; max-height: 30%; }
    LabScreen .now { padding: 0 1; max-height: 30%; }
    LabScreen .warning { padding: 0 1; height: auto; max-height: 3; color: $warning; }
    LabScreen Knobs { padding: 0 1; max-height: 60%; }
    LabScreen Grid { height: 1fr; padding: 0 1; grid-gutter: 0 2; }
    LabScreen .reading { height: auto; max-height: 70%; padding: 0 1; scrollbar-size: 1 1; }
    LabScreen .reading > * { margin-top: 1; }
    LabScreen .asking > * { margin-bottom: 1; }
    """

    def __init__(
        self,
        lab_id: str,
        *,
        run: Run | None = None,
        wager: bool = False,
        session: Session | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.lab_id = lab_id
        self.wager = wager
        self.session = session
        self.clock = clock
        self.charts_only = False
        self._first_run = run
        self._view: LabView | None = None
        self._pace = Pace()
        self._timer: Timer | None = None
        self._eager: Timer | None = None  # until the first point
        self._dirty = False
        self._turn = 0  # which charts the last frame drew
        self._behind = 0  # frames until every chart shows what is known
        self._was_away = False
        self._drawn_for: Size | None = None
        self._status_at = 0.0
        self._eager_until = 0.0
        self._expect_until = 0.0
        self.legend, self.now, self.warning = (
            Flow(classes="legend"),
            Status(classes="now"),
            Prose(classes="warning"),
        )
        self.asking, self.question, self.arms = _scroll("scroll asking"), Prose(), Flow()
        self.bet_question, self.commit, self.locked = Prose(), Commit(), Prose()
        self.knobs: Knobs | None = None
        self.grid, self.charts = Grid(), list[Chart]()
        self.reading, self.numbers, self.reading_question = _scroll("reading"), Prose(), Prose()
        self.readings = FinalOptions()
        self.verdict, self.result = VerticalScroll(classes="scroll verdict"), Prose()

    # what it is about

    @property
    def lab(self) -> Lab:
        return self.app.catalog.labs[self.lab_id]

    @property
    def view(self) -> LabView:
        if self._view is None:
            app = self.app
            app.progress.refresh()  # the bet may have been locked in another window
            self._view = LabView(self.lab, app.progress, app.paths.runs, run=self._first_run)
        return self._view

    @property
    def tally(self) -> Tally | None:
        return self.view.tally

    # frame

    def heading(self) -> str:
        return self.lab.title.get(self.tr.lang) if self.lab_id in self.app.catalog.labs else self.lab_id

    def note(self) -> str:
        if self.session is not None:
            return self.session.where(self.tr)
        return " ".join(self.lab.claims) if self.lab_id in self.app.catalog.labs else ""

    def keys(self) -> tuple[Key, ...]:
        if self.lab_id not in self.app.catalog.labs:
            return self.EVERYWHERE
        keys = {key.action: key for key in self.KEYS}
        view = self.view
        own: list[str] = []
        match view.phase:
            case "bet":
                own = ["change"] if view.stake.option is not None else []
                own += [] if self.wager else ["run"]
            case "ready":
                own = ["run", "knobs"]
            case "live":
                own = [*(["go_on"] if self.wager else []), "stop", "more", "log"]
            case "readout":
                own = ["view", "log"]
            case "verdict":
                own = ["go_on", "run", "more", "knobs", "view", "log"]
            case "broken":
                own = ["go_on", "run", "log"]
        if not self.lab.knobs and "knobs" in own:
            own.remove("knobs")
        return (*(keys[action] for action in own), *self.EVERYWHERE)

    def body(self) -> ComposeResult:
        if self.lab_id not in self.app.catalog.labs:
            return
        lab = self.lab
        self.knobs = Knobs(lab)
        self.charts = [Chart(Frame(series.id)) for series in lab.series]
        self.show()  # filled before they are mounted: the first frame is the lab
        yield self.legend
        yield self.now
        yield self.warning
        with self.asking:
            yield self.question
            yield self.arms
            yield self.bet_question
            yield self.commit
            yield self.locked
        yield self.knobs
        with self.grid:
            yield from self.charts
        with self.reading:
            yield self.numbers
            yield self.reading_question
            yield self.readings
        with self.verdict:
            yield self.result

    def on_mount(self) -> None:
        if self.knobs is None:
            self.app.say("lab.gone", severity="warning", lab=self.lab_id)
            self.call_later(self.app.back)
            return
        self._timer = self.set_interval(POLL_EVERY, self.tick, pause=True)
        self._eager = self.set_interval(FIRST_POINT_EVERY, self.tick, pause=True)
        self._settle()
        self._keep_time()
        self._focus()

    def on_screen_suspend(self) -> None:
        self._run_timers(None)
        self._was_away = self.knobs is not None

    def on_screen_resume(self) -> None:
        if self._was_away:
            self._was_away = False
            phase = self.view.phase
            self.view.look()
            if self.view.phase != phase:
                self._phase_changed()
            else:  # what has come meanwhile is drawn after the key was answered
                self._dirty = True
                self.call_after_refresh(self._keep_time)

    def on_resize(self, event: events.Resize) -> None:
        if self._drawn_for not in (None, self.app.size):
            self.call_after_refresh(self.show)

    def relabel(self) -> None:
        super().relabel()
        self.show()

    # drawing

    def show(self) -> None:
        """Draws where the lab stands. Everything comes from the view, so nothing is lost by drawing anew."""
        if self.knobs is None:
            return
        self._drawn_for = self.app.size
        phase = self.view.phase
        rows = self.app.size.height
        charts = phase == "live" or (phase in ("verdict", "broken") and rows >= ROWS_FOR_BOTH)
        if phase == "readout":
            charts = rows - self._show_reading() >= LEAST_CHART[1] + 4  # frame, status, the gap
        charts = bool(self.charts) and (charts or self.charts_only)
        asking = phase in ("bet", "ready")
        self.asking.display = asking
        self.legend.display = charts and phase != "readout"  # its table names the arms
        self.now.display = not asking
        self.grid.display = charts
        self.reading.display = phase == "readout" and not self.charts_only
        self.verdict.display = phase in ("verdict", "broken") and not self.charts_only
        self.grid.styles.margin = (1, 0, 0, 0) if rows >= 20 else 0
        self.grid.styles.height = "1fr" if phase in ("live", "readout") or self.charts_only else 11
        self._show_knobs(self.knobs)
        if asking:
            self._show_bet()
        else:
            self._show_now()
            if charts:
                self._arrange()
        if phase in ("verdict", "broken"):
            told = (
                broken(self.tr, self.view) if phase == "broken" else result(self.tr, self.view, self._width)
            )
            self.result.update(list(told))
        self._show_warning()
        if self.is_mounted:
            self._keep_time()
            self._focus()
            self.say_frame()

    @property
    def _width(self) -> int:
        """Cells for words: the window without its margins and a scroll bar."""
        return max(1, self.app.size.width - 3)

    def _focus(self) -> None:
        """Arrow keys go to what can be chosen now, after the verdict to the text; open knobs keep them."""
        phase = self.view.phase
        if self.knobs is not None and self.knobs.has_focus and self.knobs.display:
            return
        if phase == "bet":
            self.commit.options.focus(scroll_visible=False)
        elif phase == "readout" and not self.charts_only:
            self.readings.focus(scroll_visible=False)
        elif phase in ("verdict", "broken") and not self.charts_only:
            self.verdict.focus(scroll_visible=False)
        else:
            self.set_focus(None)

    def _show_bet(self) -> None:
        tr, lab, view = self.tr, self.lab, self.view
        lang = tr.lang
        self.question.update(lab.question.get(lang))
        self.arms.update(self._arms())
        self.bet_question.update([spans(lab.bet.question.get(lang)).stylize_before("bold")])
        self.commit.show(tr, view.stake, [band_label(tr, lab, n) for n in range(len(lab.bet.bands))])
        self.locked.update([Content.assemble(("r", "$key bold"), " ", tr("lab.ready"))])
        self.locked.display = view.phase == "ready"

    def _show_knobs(self, knobs: Knobs) -> None:
        phase = self.view.phase
        near = phase in ("ready", "verdict", "broken") or (phase == "bet" and not self.wager)
        short = self.app.size.height < 16 and not knobs.has_focus
        knobs.display = bool(self.lab.knobs) and near and not short and not self.charts_only
        knobs.show(self.tr, self.view.values, hint=phase in ("ready", "verdict", "broken"))

    def _arms(self) -> list[Content]:
        marks = letters(self.lab)
        arms = [Content.styled(self.tr("lab.arms"), "$muted")]
        for n, arm in enumerate(self.lab.arms):
            style = f"$series-{n + 1} bold" if n < 4 else "bold"
            arms.append(Content.assemble((marks[arm.id], style), " ", spans(arm.label.get(self.tr.lang))))
        return arms

    def _show_now(self) -> int:
        """The run's state; returns about how many bytes drawing that costs."""
        self.legend.update(self._arms()[1:])
        return self.now.show(list(state(self.tr, self.view, time.time())))

    def _show_warning(self) -> None:
        """The newest warning of the run, such as a GPU that ran out of memory half-way."""
        found = self.view.phase not in ("bet", "ready")
        warnings = [log.text for log in self.view.replay.logs if log.level == "warning"] if found else []
        self.warning.update("\n\n".join(sentence(self.tr, warning) for warning in warnings[-1:]))
        self.warning.display = bool(warnings)

    def _arrange(self) -> None:
        """As many charts as have room, side by side where wide enough; draws them all."""
        width, height = self.app.size.width - 2, self.grid.size.height or self.app.size.height - 6
        columns = 2 if len(self.charts) > 1 and width >= 2 * LEAST_CHART[0] + 10 else 1
        rows = max(1, min(-(-len(self.charts) // columns), height // LEAST_CHART[1]))
        self.grid.styles.grid_size_columns = columns
        self.grid.styles.grid_size_rows = rows
        for n, chart in enumerate(self.charts):
            chart.display = n < rows * columns
        self._draw_charts()

    def _draw_charts(self, part: int = 0, parts: int = 1) -> int:
        """Every `parts`-th chart from `part` on, all by default; returns about how many bytes that costs."""
        marks, view, lang = letters(self.lab), self.view, self.tr.lang
        cost = 0
        for series, chart in list(zip(self.lab.series, self.charts, strict=True))[part::parts]:
            traces = []
            for arm in self.lab.arms:
                line = view.replay.lines.get((series.id, arm.id))
                points = (line.steps, line.mean, line.lo, line.hi) if line else ([], [], [], [])
                traces.append(Trace(marks[arm.id], *points))
            title = f"{series.label.get(lang)} {series.unit}".rstrip()
            frame = Frame(
                title,
                series.low,
                series.high,
                series.scale == "log",
                view.until or None,
                self.tr.template("lab.diverged") or "{step}",
            )
            cost += chart.show(traces, frame)
        return cost

    def _show_reading(self) -> int:
        """The numbers and the question about them; returns how many rows that takes."""
        tr, lab, view = self.tr, self.lab, self.view
        asked = view.readout
        if asked is None:
            return 0
        width = self._width
        numbers = outcome_table(tr, lab, view.replay.outcomes, width, only=asked.outcome)
        self.numbers.update([Content("\n").join(numbers)])
        marks = letters(lab)
        outcome = lab.declared[asked.outcome].label.get(tr.lang)
        question = tr("lab.reading", outcome=outcome, first=marks[asked.first], second=marks[asked.second])
        self.reading_question.update([Content.styled(question, "bold")])
        options = reading_labels(tr, lab, asked)
        self.readings.set_rows(options)
        asking = [Content(question), *(spans(f"› 1 ( ) {option}") for option in options)]
        return len(numbers) + sum(len(list(lines(text, width))) for text in asking) + 3

    # time

    def _keep_time(self) -> None:
        """Looks at the run only while it may change; idle, nothing is read and nothing written."""
        if self.view.phase == "live" or self.clock() < self._expect_until:
            eager = not self.view.replay.lines and self.clock() < self._eager_until
            self._run_timers(self._eager if eager else self._timer)
        else:
            self._run_timers(None)

    def _run_timers(self, wanted: Timer | None) -> None:
        for timer in (self._timer, self._eager):
            if timer is not None and timer is wanted:
                timer.resume()
            elif timer is not None:
                timer.pause()

    def tick(self) -> None:
        """Reads what the run has written, and draws it when the pace allows."""
        view, now = self.view, self.clock()
        phase = view.phase
        waited = not view.replay.lines
        if view.poll():
            self._dirty = True
        first = waited and bool(view.replay.lines)  # the first point is drawn at once
        ended = view.replay.end is not None and self._dirty
        if ended or now - self._status_at >= STATUS_EVERY:
            self._status_at = now
            view.look()
            self._dirty = True
        if view.phase != phase:
            self._dirty = False
            self._phase_changed()
            return
        if self._dirty:
            self._dirty, self._behind = False, TURNS
        if self._behind and view.phase == "live" and (first or self._pace.ready(now)):
            self._show_warning()
            # charts take turns, so that a key never waits for all of them
            parts = 1 if first else TURNS
            self._behind = 0 if first else self._behind - 1
            self._turn = (self._turn + 1) % parts
            self._pace.spend(self._show_now() + self._draw_charts(self._turn, parts), now)
        if first or view.phase != "live" or (waited and now >= self._eager_until):
            self._keep_time()

    def _phase_changed(self) -> None:
        self._settle()
        self.show()

    def _settle(self) -> None:
        """The verdict is about to be shown: its result goes to disk first, once."""
        if self.view.phase != "verdict":
            return
        before = ratings(self.app, self.lab.bet.claim)
        try:
            if self.view.settle():
                self.view.guessed = guessed(self.app, self.lab.bet.claim, before)
                if self.app.session is not None:
                    self.app.session.walk.read(self.lab_id)
        except BankProblem as problem:
            self.app.problem(problem)

    # what a person does

    def action_digit(self, digit: int) -> None:
        view = self.view
        if view.phase == "bet":
            if view.stake.press(digit):
                self._stake_changed()
        elif view.phase == "readout" and view.readout is not None:
            readings = view.readout.readings
            if digit == 0:
                self._read("unsure")
            elif digit <= len(readings):
                self._read(readings[digit - 1])

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        view = self.view
        if view.phase == "bet" and view.stake.pick(event.index):
            self._stake_changed()
        elif view.phase == "readout" and view.readout is not None:
            self._read(view.readout.readings[event.index])

    def on_knobs_turned(self, event: Knobs.Turned) -> None:
        self.view.values = {**self.view.values, event.knob: event.value}
        if self.knobs is not None:
            self._show_knobs(self.knobs)

    def action_change(self) -> None:
        if self.view.phase == "bet" and self.view.stake.change():
            self.show()

    def _stake_changed(self) -> None:
        if self.view.stake.complete:
            try:
                self.view.lock()
            except BankProblem as problem:
                self.app.problem(problem)
            else:
                if self.wager and self.view.phase == "ready":
                    self._start()
                    return
                self._settle()
        self.show()

    def _read(self, choice: str) -> None:
        try:
            self.view.read_out(choice)
        except BankProblem as problem:
            self.app.problem(problem)
            return
        self.charts_only = False
        self._phase_changed()

    def action_run(self) -> None:
        phase = self.view.phase
        if phase == "bet":
            self.app.say("lab.bet_first")
        elif phase == "live":
            self.app.say("lab.runs_already")
        elif phase == "readout":
            self.app.say("lab.read_first")
        else:
            self._start()

    def _start(self) -> None:
        app = self.app
        try:
            run = self.view.create(
                device=app.settings.device, python=app.python, now=app.now(), datasets=app.paths.datasets
            )
        except LabProblem as problem:
            app.problem(problem)
            self.show()
            return
        self.charts_only = False
        self._pace = Pace()
        self._eager_until = self.clock() + FIRST_POINT_SOON
        self.set_focus(None)
        self.run_worker(self._hand_over(run), exit_on_error=False)
        self.show()

    async def _hand_over(self, run: Run) -> None:
        try:
            await self.app.bench.start(run)
        except (LabProblem, OSError) as problem:
            self.app.problem(problem)
            self.view.look()
            self.show()

    def action_stop(self) -> None:
        if self.view.phase == "live" and self.view.run is not None:
            self.run_worker(self._stop(self.view.run), exit_on_error=False)

    async def _stop(self, run: Run) -> None:
        try:
            await self.app.bench.stop(run)
        except (LabProblem, OSError) as problem:
            self.app.problem(problem)

    def action_more(self) -> None:
        view = self.view
        if view.run is None or view.phase not in ("live", "verdict"):
            return
        self._expect_until = self.clock() + EXPECT_S
        self.run_worker(self._ask_for_more(view.run), exit_on_error=False)
        self._keep_time()

    async def _ask_for_more(self, run: Run) -> None:
        count = self.lab.seeds.step
        try:
            await self.app.bench.more_seeds(run, count)
        except (LabProblem, OSError) as problem:
            self.app.problem(problem)
            return
        self.app.say("lab.more_asked", count=count)

    def action_knobs(self) -> None:
        knobs, phase = self.knobs, self.view.phase
        if phase == "bet":
            self.app.say("lab.bet_first")
        if knobs is None or not self.lab.knobs or phase not in ("ready", "verdict", "broken"):
            return
        if knobs.has_focus:
            self._leave_knobs()
        else:
            knobs.display = True
            knobs.focus()

    def _leave_knobs(self) -> None:
        self.set_focus(None)
        self.show()

    def action_view(self) -> None:
        if self.view.phase in ("readout", "verdict") and self.lab.series:
            self.charts_only = not self.charts_only
            self.show()
            self.call_after_refresh(self.show)

    def action_log(self) -> None:
        if self.view.run is not None:
            self.app.open_page("log", self.view.run)

    def action_go_on(self) -> None:
        view = self.view
        if self.knobs is not None and self.knobs.has_focus:
            self._leave_knobs()
        elif view.phase == "readout":
            self.app.say("lab.read_first")
        elif self.session is not None and view.phase == "live" and view.run is not None:
            self.session.lab_left(self.lab_id, view.run.id)
        elif view.phase in ("verdict", "broken"):
            self._settle()  # once more, where the disk was full before
            if self.session is not None:
                self.session.lab_done(self)
            else:
                self.app.back()

    def action_back(self) -> None:
        if self.knobs is not None and self.knobs.has_focus:
            self._leave_knobs()
            return
        if self.session is not None and self.view.phase in ("verdict", "broken"):
            self.session.lab_done(self, go_on=False)
        self.app.back()


def _scroll(classes: str) -> VerticalScroll:
    """A scrolling part that never takes the keys."""
    return VerticalScroll(classes=classes, can_focus=False)
