"""Today: what is due and new, how the eight entries stand, which labs run, what waits to be read."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.timer import Timer
from textual.widget import Widget

from tui.i18n import Translator
from tui.runs import RunWatch, run_age
from tui.screens.page import Key, Page
from tui.widgets.prose import lines
from tui.widgets.table import ends, pad

if TYPE_CHECKING:
    from labs.hardware import Short
    from tui.app import TorchproofApp

Mark = Literal["holding", "learning", "unseen", "empty"]
GLYPHS: dict[Mark, str] = {"holding": "●", "learning": "◐", "unseen": "○", "empty": "·"}
STYLES: dict[Mark, str] = {
    "holding": "$success",
    "learning": "$accent",
    "unseen": "$muted",
    "empty": "$muted",
}
WORDS = 26  # cells kept for the words behind the marks, so that the marks of all entries line up
WIDEST = 100  # cells between which a line's two ends are still read as one line
NEWS = timedelta(days=1)  # how long a lost run is told of here; Runs shows it for ever
DRIVER_PATIENCE = 0.3  # seconds until a sleeping graphics driver is answered later
LOOK_EVERY = 1.0  # seconds between looks at the runs; nothing is drawn where nothing changed


class EntryLine(NamedTuple):
    """One entry of the FAQ: a mark for each of its claims, in order, and how many are due."""

    id: str
    title: str
    marks: tuple[Mark, ...]
    due: int = 0


class LabLine(NamedTuple):
    """A lab that runs: its title, per cent done, seconds left (None: nobody knows yet)."""

    title: str
    percent: int
    eta_s: int | None


class PlanLine(NamedTuple):
    """Today's cards: minutes planned, how many claims are due and new, minutes tomorrow.

    left: cards still to come of a session that was begun, None before one begins.
    """

    minutes: int = 0
    due: int = 0
    new: int = 0
    cards: int = 0
    tomorrow: int = 0
    left: int | None = None
    more: bool = False  # nothing is planned, but there is something to go on with
    fresh: bool = False  # nothing was ever answered


class Overview(NamedTuple):
    """Everything Today shows, in one language. plan: None until it has been worked out."""

    plan: PlanLine | None = None
    entries: tuple[EntryLine, ...] = ()
    running: tuple[LabLine, ...] = ()
    waiting: tuple[str, ...] = ()  # titles of labs whose result has not been read
    lost: int = 0  # runs whose worker is gone


def board(view: Overview, tr: Translator, width: int, height: int) -> list[Content]:
    """The lines of Today, each at most `width` cells; blank lines and headings go where `height` is short."""
    width = min(width, WIDEST)
    head = list(_plan_lines(view.plan, tr, width))
    labs = list(_lab_lines(view, tr, width))
    entries = [_entry_line(entry, tr, width) for entry in view.entries]
    blank = Content("")
    marks: tuple[Mark, ...] = ("holding", "learning", "unseen")
    legend = Content("  ").join(
        Content.assemble((GLYPHS[mark], STYLES[mark]), (f" {tr(f'shell.mark_{mark}')}", "$muted"))
        for mark in marks
    )
    heading = ends(Content.styled(tr("shell.entries"), "$muted"), legend, width)
    lab_heading = Content.styled(tr("shell.labs"), "$muted")
    if not entries:
        full = [blank, *head, blank, *labs]
        return full if len(full) <= height else [*head, *labs]
    roomy = [blank, *head, blank, heading, *entries, blank, lab_heading, *labs]
    if len(roomy) <= height:
        return roomy
    dense = [*head, blank, *entries, *([blank, *labs] if view.running or view.waiting or view.lost else [])]
    if len(dense) <= height:
        return dense
    return [*head, *(labs if view.running or view.waiting or view.lost else []), *entries]


def _plan_lines(plan: PlanLine | None, tr: Translator, width: int) -> Iterator[Content]:
    if plan is None:
        yield Content.styled(tr("shell.reading"), "$muted").truncate(width, ellipsis=True)
        return
    if plan.left is not None:
        headline, hint = tr("shell.plan_left", count=plan.left), "shell.enter_continue"
    elif plan.cards:
        parts = [
            tr(f"shell.plan_{name}", count=count)
            for name, count in (("due", plan.due), ("new", plan.new))
            if count
        ] or [tr("shell.plan_other", count=plan.cards)]
        headline = tr("shell.plan", minutes=plan.minutes, what=tr("shell.comma").join(parts))
        hint = "shell.enter_first" if plan.fresh and width >= 60 else "shell.enter_start"
    elif plan.fresh:
        headline, hint = tr("shell.plan_empty"), ""
    else:
        tomorrow = "shell.plan_done" if plan.tomorrow else "shell.plan_done_nothing"
        headline = tr(tomorrow, minutes=plan.tomorrow)
        hint = "shell.enter_more" if plan.more else ""
    yield from lines(Content.styled(headline, "bold"), width)
    if hint:
        key = Content.styled("enter", "$key bold")
        yield from lines(Content.assemble(key, " ", (tr(hint), "$accent")), width)


def _entry_line(entry: EntryLine, tr: Translator, width: int) -> Content:
    title = Content.assemble((f"{entry.id}  ", "$muted"), entry.title)
    asked = [mark for mark in entry.marks if mark != "empty"]
    if not asked:
        right = Content.styled(tr("shell.entry_empty"), "$muted")
        if width >= 60:
            right = pad(right, WORDS)
        return ends(Content.assemble((f"{entry.id}  ", "$muted"), (entry.title, "$muted")), right, width)
    strip = _strip(entry.marks)
    counts = [
        tr(f"shell.count_{name}", count=count)
        for name, count in (
            ("due", entry.due),
            ("holding", asked.count("holding")),
            ("learning", asked.count("learning")),
        )
        if count
    ]
    words = tr("shell.comma").join(counts) or tr("shell.count_new", count=len(asked))
    if width < 60:
        return ends(title, strip, width)
    behind = Content.styled(words, "$muted")
    return ends(title, Content.assemble(strip, "  ", pad(behind, max(WORDS, behind.cell_length))), width)


def _strip(marks: Sequence[Mark]) -> Content:
    return Content.assemble(*((GLYPHS[mark], STYLES[mark]) for mark in marks))


def _lab_lines(view: Overview, tr: Translator, width: int) -> Iterator[Content]:
    for lab in view.running:
        left = time_left(tr, lab.eta_s)
        right = Content.assemble((f"{lab.percent} %", "bold"), (f"  {left}" if left else "", "$muted"))
        yield ends(Content.assemble(("▸ ", "$accent bold"), lab.title), right, width)
    for title in view.waiting:
        yield ends(Content.assemble(("✓ ", "$success bold"), title), Content(tr("shell.result_waits")), width)
    if view.lost:
        yield Content.styled(tr("shell.runs_lost", count=view.lost), "$warning").truncate(
            width, ellipsis=True
        )
    if not (view.running or view.waiting or view.lost):
        yield Content.styled(tr("shell.no_lab_runs"), "$muted").truncate(width, ellipsis=True)


class Board(Widget):
    """Draws an `Overview`."""

    DEFAULT_CSS = """
    Board { height: auto; width: 1fr; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.view = Overview()
        self.tr: Translator | None = None

    def show(self, view: Overview, tr: Translator) -> None:
        """Draw this; where only numbers changed no layout is made."""
        layout = len(view.entries) != len(self.view.entries) or len(self._lines(self.view)) != len(
            self._lines(view, tr)
        )
        changed = (view, tr) != (self.view, self.tr)
        self.view, self.tr = view, tr
        if changed:
            self.refresh(layout=layout)

    def _lines(self, view: Overview, tr: Translator | None = None, width: int | None = None) -> list[Content]:
        tr = tr or self.tr
        if tr is None:
            return []
        parent = self.parent
        height = parent.size.height if isinstance(parent, Widget) and parent.size.height else 24
        return board(view, tr, width or self.size.width or 80, height)

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.view))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(self.view, width=width))


class TodayScreen(Page):
    """The first page. It paints its frame at once and reads the bank, the log and the runs afterwards."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "start", "shell.key_start", keep=True),
        Key("b", "open('bench')", "shell.key_bench"),
        Key("r", "open('runs')", "shell.key_runs"),
        Key("f", "open('faq')", "shell.key_faq"),
        Key("p", "open('progress')", "shell.key_progress"),
        Key("s", "open('settings')", "shell.key_settings"),
        Key("q,ctrl+d", "app.quit", "shell.key_quit", keep=True),
    )
    HELP_KEY = "shell.help_today"
    # Textual does not read the CSS of an app's first screen, only its DEFAULT_CSS.
    DEFAULT_CSS = """
    TodayScreen .scroll { scrollbar-size: 0 0; }
    TodayScreen.-tall .scroll { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.run_watch: RunWatch | None = None
        self.device: Short | None = None
        self.loaded = False
        self._overview = Overview()
        self._timer: Timer | None = None

    def heading(self) -> str:
        return self.tr("shell.today")

    def note(self) -> str:
        return device_text(self.device, self.tr) if self.device else ""

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Board()

    def on_mount(self) -> None:
        self.query_one(Board).show(self._overview, self.tr)

    async def load(self) -> None:
        """Read what Today shows, in steps, so that a key pressed meanwhile is answered between them."""
        app = self.app
        for step in (lambda: app.bank, lambda: app.catalog, lambda: app.progress.events()):
            step()
            await asyncio.sleep(0)
        for problem in app.progress.problems:
            app.problem(problem)
        self.run_watch = RunWatch(app.paths.runs)
        self.run_watch.look()
        self.loaded = True
        self.show()
        self._timer = self.set_interval(LOOK_EVERY, self._look)
        asked = asyncio.ensure_future(self._ask_hardware())
        await asyncio.wait({asked}, timeout=DRIVER_PATIENCE)

    async def _ask_hardware(self) -> None:
        from labs import hardware

        self.device = hardware.short(await asyncio.to_thread(hardware.describe))
        if self.is_attached:
            self.say_frame()

    def show(self) -> None:
        """Work everything out anew and draw it."""
        if self.loaded and self.run_watch is not None:
            self._overview = overview(self.app, self.run_watch)
            self.query_one(Board).show(self._overview, self.tr)

    def _look(self) -> None:
        if self.run_watch is not None and self.run_watch.look():
            self._overview = with_runs(self._overview, self.app, self.run_watch)
            self.query_one(Board).show(self._overview, self.tr)

    def on_screen_suspend(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def on_screen_resume(self) -> None:
        if self._timer is not None:
            self._timer.resume()
        if self.run_watch is not None:
            self.app.progress.refresh()  # another window may have been answering
            self.run_watch.look()
        self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def action_start(self) -> None:
        self.app.start_session()

    def action_open(self, name: str) -> None:
        self.app.open_page(name)


def time_left(tr: Translator, seconds: float | None) -> str:
    """ "12 s left", "3 min left"; nothing where nobody knows, or where it is as good as over."""
    if seconds is None or seconds < 1:
        return ""
    if seconds < 100:
        return tr("shell.seconds_left", seconds=round(seconds))
    return tr("shell.minutes_left", minutes=round(seconds / 60))


def device_text(device: "Short", tr: Translator) -> str:
    """ "CPU, 2 cores" or "H100, 71 of 80 GB free"."""
    return tr(f"shell.device_{device.key}", **device.fields)


def overview(app: "TorchproofApp", watch: RunWatch) -> Overview:
    """What Today shows now, from the bank, the log, the labs and the runs."""
    from questions import mastery

    lang, events = app.tr.lang, app.progress.events()
    standing = mastery.standings(events, app.bank, app.now())
    today = app.today()
    entries = []
    for entry in app.bank.entries.values():
        of_entry = [(claim, standing[claim.id]) for claim in app.bank.claims_of(entry.id)]
        entries.append(
            EntryLine(
                entry.id,
                entry.title.get(lang),
                tuple(_mark(stand.state, bool(app.bank.by_claim[claim.id])) for claim, stand in of_entry),
                sum(stand.due is not None and stand.due <= today for _, stand in of_entry),
            )
        )
    return with_runs(Overview(plan_line(app, not events), tuple(entries)), app, watch)


def with_runs(view: Overview, app: "TorchproofApp", watch: RunWatch) -> Overview:
    """The same with the runs as they are now; all that changes while one only looks."""
    from tui.session import waiting

    runs = [seen.run for seen in watch.views]
    return view._replace(
        running=tuple(
            LabLine(
                app.lab_title(seen.run.spec.lab),
                int(seen.progress * 100),
                None if seen.eta_s is None else round(seen.eta_s),
            )
            for seen in watch.live
        ),
        waiting=tuple(app.lab_title(run.spec.lab) for run in waiting(app.progress.events(), runs)),
        lost=sum(seen.status == "lost" and run_age(seen.run, app.now()) < NEWS for seen in watch.views),
    )


def plan_line(app: "TorchproofApp", fresh: bool) -> PlanLine:
    """Today's cards, or what is left of the session that was begun."""
    if app.session is not None and not app.session.over:
        return PlanLine(left=app.session.left)
    planned = app.plan()
    return PlanLine(
        minutes=planned.minutes,
        due=planned.due,
        new=planned.new,
        cards=len(planned.items),
        tomorrow=planned.tomorrow_minutes,
        more=planned.more,
        fresh=fresh,
    )


def _mark(state: str, asked: bool) -> Mark:
    if not asked:
        return "empty"
    if state in ("holding", "durable"):
        return "holding"
    return "unseen" if state == "unseen" else "learning"
