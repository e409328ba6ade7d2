"""Today: what is due and new, how the eight entries stand, which labs run, what waits to be read."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer

from tui.i18n import Translator
from tui.runs import RunWatch, run_age
from tui.screens.page import Key, Page
from tui.standing import standings
from tui.widgets.board import Board, EntryLine, LabLine, Mark, Offer, Overview, PlanLine

if TYPE_CHECKING:
    from labs.hardware import Short
    from questions.plan import Plan
    from tui.app import TorchproofApp

NEWS = timedelta(days=1)  # how long a lost run is told of here; Runs shows it for ever
DRIVER_PATIENCE = 0.3  # seconds until a sleeping graphics driver is answered later
LOOK_EVERY = 1.0  # seconds between looks at the runs; nothing is drawn where nothing changed


class TodayScreen(Page):
    """The first page. It paints its frame at once and reads the bank, the log and the runs afterwards."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "start", "shell.key_start", keep=True),
        Key("b", "open('bench')", "shell.key_bench"),
        Key("r", "open('runs')", "shell.key_runs"),
        Key("f", "open('faq')", "shell.key_faq"),
        Key("p", "open('progress')", "shell.key_progress"),
        Key("s", "open('settings')", "shell.key_settings"),
        Key("t", "placement", "shell.key_placement", show=False),
        Key("n", "decline", "shell.key_decline", show=False),
        Key("q,ctrl+d", "app.quit", "shell.key_quit", keep=True),
    )
    HELP_KEY = "shell.help_today"
    # Textual does not read the CSS of an app's first screen, only its DEFAULT_CSS.
    DEFAULT_CSS = """
    TodayScreen .scroll { scrollbar-size: 0 0; scrollbar-gutter: auto; }
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
        for step in (lambda: app.bank, lambda: app.catalog, app.fold):
            step()
            await asyncio.sleep(0)
        for problem in app.progress.problems:
            app.problem(problem)
        self.run_watch = RunWatch(app.paths.runs)
        self.run_watch.look()
        self.loaded = True
        self.show()
        self.call_after_refresh(self._read_grown_files)
        self._timer = self.set_interval(LOOK_EVERY, self._look)
        asked = asyncio.ensure_future(self._ask_hardware())
        await asyncio.wait({asked}, timeout=DRIVER_PATIENCE)

    def _read_grown_files(self) -> None:
        """Holds all files against what Today was worked out from, which were the new ones and those written lately."""
        kept = self.app.kept
        shown = kept.now(), kept.events
        if (kept.look(), kept.events) != shown:
            self.show()

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
            self.app.kept.look()  # another window may have been answering
            self.run_watch.look()
        self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def action_start(self) -> None:
        self.app.start_session()

    def action_placement(self) -> None:
        from tui.placing import Placing

        if self.loaded:
            Placing(self.app).start()

    def action_decline(self) -> None:
        """Ends a placement that was begun, or wants none."""
        from tui.placing import Placing

        offer = self._overview.offer
        if offer is None:
            return
        if offer.asked:
            Placing(self.app).end()
            return
        if Placing(self.app).decline():
            self.show()
            self.app.say("shell.placement_declined")

    def action_open(self, name: str) -> None:
        self.app.open_page(name)


def device_text(device: "Short", tr: Translator) -> str:
    """ "CPU, 2 cores" or "H100, 71 of 80 GB free"."""
    return tr(f"shell.device_{device.key}", **device.fields)


def overview(app: "TorchproofApp", watch: RunWatch) -> Overview:
    """What Today shows now, from the bank, the log, the labs and the runs. Of what is due only what is planned is
    counted, so that nobody meets a pile after a while away."""
    from questions.ids import pack_of

    lang, today, standing = app.tr.lang, app.today(), standings(app)
    planned, session = app.plan(), app.session
    items = planned.items if session is None or session.over else session.walk.to_come
    dues = {item.claim: standing[item.claim].due for item in items}
    planned_dues = {claim for claim, due in dues.items() if due is not None and due <= today}
    entries = []
    for entry in app.bank.entries.values():
        of_entry = [(claim, standing[claim.id]) for claim in app.bank.claims_of(entry.id)]
        if pack_of(entry.id) and not any(app.bank.by_claim[claim.id] for claim, _ in of_entry):
            continue  # a FAQ to be read
        entries.append(
            EntryLine(
                entry.id,
                entry.title.get(lang),
                tuple(_mark(stand.state, bool(app.bank.by_claim[claim.id])) for claim, stand in of_entry),
                sum(claim.id in planned_dues for claim, _ in of_entry),
                sum(lab.entry == entry.id for lab in app.catalog.labs.values()),
            )
        )
    view = Overview(plan_line(app, planned), tuple(entries), offer=placement_offer(app))
    return with_runs(view, app, watch)


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
        waiting=tuple(app.lab_title(run.spec.lab) for run in waiting(app.unread(), runs)),
        lost=sum(seen.status == "lost" and run_age(seen.run, app.now()) < NEWS for seen in watch.views),
    )


def plan_line(app: "TorchproofApp", planned: "Plan") -> PlanLine:
    """Today's cards, or what is left of the session that was begun."""
    if app.session is not None and not app.session.over:
        return PlanLine(left=app.session.left)
    state, today = app.fold(), app.today()
    return PlanLine(
        minutes=planned.minutes,
        due=planned.due,
        new=planned.new,
        cards=len(planned.items),
        tomorrow=planned.tomorrow_minutes,
        more=planned.more,
        fresh=not app.kept.events,
        idle=not (state.spent.get(today) or state.wagered.get(today)),
    )


def placement_offer(app: "TorchproofApp") -> Offer | None:
    """The placement to begin or to go on with; None where there is none to speak of."""
    from questions import placement

    state, today = app.fold(), app.today()
    if state.placed.running(today):
        asked = len(state.placed.tried)
    elif placement.offered(state, today):
        asked = None
    else:
        return None
    return Offer(asked, placement.MOST, placement.SECONDS // 60)


def _mark(state: str, asked: bool) -> Mark:
    if not asked:
        return "empty"
    if state in ("holding", "durable"):
        return "holding"
    return "unseen" if state == "unseen" else "learning"
