"""The app: builds what pages share (bank, catalog, progress, bench) once, opens pages, and leaves cleanly."""

import asyncio
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui import settings as saved
from tui import wrap
from tui.fits import Fits
from tui.i18n import Lang, Translator
from tui.packs import PackCode, with_packs
from tui.paths import Paths
from tui.rest import Rest
from tui.runs import RunWatch
from tui.screens.page import Ask, Option, Page
from tui.screens.today import TodayScreen
from tui.themes import DARK, THEMES, theme_for
from tui.written import Ready, Written

if TYPE_CHECKING:
    from rich.console import RenderableType

    from labs.bench import Bench
    from labs.catalog import Catalog
    from labs.journal import Run
    from questions.catalog import Bank
    from questions.events import Bet
    from questions.kept_fold import KeptFold
    from questions.plan import LabRef, Plan
    from questions.progress import Progress
    from questions.schedule import Fold
    from tui.boot import Terminal
    from tui.session import Session

# A page is imported when first opened: name -> module and class.
PAGES: Final = {
    "bench": ("tui.screens.bench", "BenchScreen"),
    "prove": ("tui.screens.prove", "ProveScreen"),
    "lab": ("tui.screens.lab", "LabScreen"),
    "card": ("tui.screens.card", "CardScreen"),
    "done": ("tui.screens.done", "DoneScreen"),
    "placed": ("tui.screens.placed", "PlacedScreen"),
    "runs": ("tui.screens.runs", "RunsScreen"),
    "log": ("tui.screens.runs", "LogScreen"),
    "faq": ("tui.screens.faq", "FaqScreen"),
    "claims": ("tui.screens.faq", "ClaimsScreen"),
    "claim": ("tui.screens.faq", "ClaimScreen"),
    "draft": ("tui.screens.draft", "DraftScreen"),
    "progress": ("tui.screens.progress", "ProgressScreen"),
    "settings": ("tui.screens.settings", "SettingsScreen"),
    "help": ("tui.screens.help", "HelpScreen"),
}


class TorchproofApp(App[None]):
    """What pages find here: `paths`, `settings`, `tr`, `bank`, `catalog`, `progress`, `bench`, `session`.

    Pages are opened with `open_page(name, ...)`, labs with `open_lab()`, cards with `start_session()`.
    """

    TITLE = "torchproof"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+c", "help_quit", show=False, system=True),
        Binding("ctrl+l", "redraw", show=False),
    ]

    def __init__(
        self,
        paths: Paths,
        settings: saved.Settings | None = None,
        lang: Lang = "en",
        *,
        python: str = sys.executable,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        clock: Callable[[], float] = time.monotonic,
        trouble: saved.Trouble | None = None,
        spare: bool = True,
        labs: Sequence[str] = (),
    ) -> None:
        wrap.install()
        super().__init__()
        self.paths = paths
        self.settings = settings or saved.Settings()
        self.tr = Translator(lang)
        self.python = python
        self.now = now
        self.clock = clock  # seconds: how long an answer took
        self.session: Session | None = None
        self.crash: BaseException | None = None
        self.terminal: Terminal | None = None  # what boot has set up, and this app puts back
        self.written = Written()
        self.rest = Rest()
        self.fits = Fits(paths)
        self._trouble = trouble
        self._spare = spare
        self._labs = [Path(folder) for folder in labs]  # beside our own
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = theme_for(self.settings.theme, self.console.color_system).name

    def get_default_screen(self) -> Screen[Any]:
        return TodayScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables  # for a theme of Textual's own, set by TEXTUAL_THEME

    # what pages share; read when first asked for

    @cached_property
    def bank(self) -> "Bank":
        """Entries, claims and questions, those of packs behind our own. What cannot be read is said once and counts
        as empty."""
        from questions import snapshot
        from questions.problems import BankProblem
        from questions.shapes import Bank

        try:
            bank = snapshot.load(cache=self.paths.cache)
        except BankProblem as error:
            self.problem(error)
            bank = Bank()
        for problem in bank.problems:
            self.problem(problem)
        return with_packs(self, bank)

    @cached_property
    def pack_code(self) -> "PackCode":
        """Which packs' code the learner has allowed to be run."""
        return PackCode(self.paths.packs)

    @cached_property
    def catalog(self) -> "Catalog":
        """The labs; what is wrong with one of them is said once and hides no other."""
        from labs import catalog

        found = catalog.find(catalog.EXPERIMENTS, *self._labs)
        for error in found.problems:
            self.problem(error)
        return found

    @cached_property
    def progress(self) -> "Progress":
        """This learner's log."""
        import os
        from socket import gethostname

        from questions.progress import Progress

        return Progress(self.paths.events, host=gethostname(), pid=os.getpid(), now=self.now)

    @cached_property
    def kept(self) -> "KeptFold":
        """What the log adds up to, without reading all of it where the cache knows most."""
        from questions.kept_fold import KeptFold

        return KeptFold(self.progress, self.bank, self.paths.cache)

    def fold(self) -> "Fold":
        """What the log adds up to, as it was read when Today was last looked at, and with our own answers since."""
        return self.kept.now()

    def unread(self) -> "dict[str, Bet]":
        """Locked bets whose result has not been read, by lab."""
        self.kept.now()
        return self.kept.unread

    @cached_property
    def bench(self) -> "Bench":
        """Starts, stops and lists labs."""
        from labs.bench import Bench

        return Bench(self.paths.runs, self.python)

    def today(self) -> date:
        """The learner's day, which begins at 04:00."""
        from questions.events import local_day

        return local_day(self.now())

    def running(self) -> "list[Run]":
        """Every run that is going on, those of other windows and of the command line too."""
        watch = RunWatch(self.paths.runs)
        watch.look()
        return [seen.run for seen in watch.live]

    def stop_run(self, run: "Run") -> None:
        """Ask a run to stop; it writes its last event itself."""
        try:
            self.bench.stop(run)
        except ValueError as error:
            self.problem(error)

    def plan(self, *, extra: bool = False) -> "Plan":
        """What to do today within the minutes set; `extra` for one who goes on after that."""
        from questions.plan import plan_from

        return plan_from(self.fold(), self.lab_refs(), self.today(), self.settings.minutes, extra=extra)

    def lab_refs(self) -> "list[LabRef]":
        """The labs, as far as the planner needs them."""
        from questions.plan import LabRef

        return [LabRef(lab.id, lab.bet.claim, lab.claims) for lab in self.catalog.labs.values()]

    # life

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.rest.put_off()
        await super().on_event(event)

    def on_mount(self) -> None:
        self._take_terminal()
        self._answer_signals()
        self.call_after_refresh(self._settle_in)

    async def _settle_in(self) -> None:
        """After the first paint: say what was wrong with the settings, then load torch beside us."""
        if self._trouble is not None:
            self.say(self._trouble.key, severity="warning", **self._trouble.fields)
        today = self.screen_stack[0]
        if not self.is_headless:
            self.rest.hold()
        if isinstance(today, TodayScreen):
            await today.load()
        if not self.is_headless:
            self.rest.begin()
        if self._spare and self.settings.keep_torch_ready:
            await self.bench.warm()

    def _take_terminal(self) -> None:
        """From here on Textual leaves the alternate screen, and puts back what the shell had set."""
        if self.terminal is not None:
            attributes = self.terminal.handed_over()
            if attributes is not None and hasattr(self._driver, "attrs_before"):
                vars(self._driver).update(attrs_before=attributes)

    def _answer_signals(self) -> None:
        """SIGTERM and a lost terminal end the app with labs left running; 143 and 129, as shells expect."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.leave, 128 + number)
        # a shell in between that ignores SIGHUP keeps it from us; the lost terminal itself still tells
        if hasattr(select, "epoll") and sys.__stdin__ is not None:
            self._hang_up = select.epoll()
            self._hang_up.register(sys.__stdin__.fileno(), 0)  # errors and hang-ups only
            loop.add_reader(self._hang_up.fileno(), self._terminal_lost)

    def _terminal_lost(self) -> None:
        asyncio.get_running_loop().remove_reader(self._hang_up.fileno())
        self.leave(128 + signal.SIGHUP)

    def leave(self, return_code: int = 0) -> None:
        """End the app; labs that run go on without it."""
        self.exit(return_code=return_code)

    def _display(self, screen: Screen[Any], renderable: "RenderableType | None") -> None:
        """Every frame passes here on its way to the terminal; of what it shows already nothing is written."""
        if not self._running or self._closed or self._batch_count or self.is_headless:
            return
        frame: Any = renderable  # Rich's type does not tell that Textual passes updates of its own
        if isinstance(frame, CompositorUpdate):
            text = self.written.thin(frame, self.console)
            frame = Ready(text) if text else None
        super()._display(screen, frame)

    def on_resize(self) -> None:
        self.written.forget()  # terminals move lines about when their size changes

    def action_redraw(self) -> None:
        """Another program has written over the screen: write all of it again."""
        self.written.forget()
        self.screen.refresh()

    async def on_unmount(self) -> None:
        if "bench" in self.__dict__:
            await self.bench.close()
        if "kept" in self.__dict__:
            self.kept.save()

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print a traceback with every local variable; boot writes it to a file instead."""
        self.crash = self.crash or error
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    # pages

    def open_page(self, name: str, /, *args: Any, **options: Any) -> Screen[Any]:
        """Open the page of this name on top of the current one and return it."""
        module, kind = PAGES[name]
        screen = cast("Screen[Any]", getattr(import_module(module), kind)(*args, **options))
        self.push_screen(screen)
        return screen

    def open_lab(self, lab_id: str, *, run: "Run | None" = None, wager: bool = False) -> Screen[Any]:
        """Open one lab: as a bet of today's session (`wager`), with one of its runs, or as it is."""
        return self.open_page("lab", lab_id, run=run, wager=wager)

    def start_session(self) -> None:
        """Start today's cards, or go on with them."""
        from tui.session import Session

        if self.session is None or self.session.over:
            self.session = Session(self)
        self.session.go_on()

    def back(self) -> None:
        """Leave the page on top. Nothing lies behind Today: an arrow or escape too many ends nothing."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    async def action_quit(self) -> None:
        """Leave; where a lab runs, ask once whether it goes on."""
        if not isinstance(self.screen, Ask):
            self.run_worker(self._quit(), group="quit")

    async def _quit(self) -> None:
        running = self.running()
        if not running or not self.settings.ask_before_quitting:
            self.leave()
            return
        titles = ", ".join(self.lab_title(run.spec.lab) for run in running)
        answer = await self.push_screen_wait(
            Ask(
                self.tr("shell.quit_running", count=len(running), labs=titles),
                (
                    Option("enter", "leave", self.tr("shell.quit_leave")),
                    Option("s", "stop", self.tr("shell.quit_stop")),
                    Option("escape", "", self.tr("shell.quit_stay")),
                ),
            )
        )
        if answer == "stop":
            for run in running:
                self.stop_run(run)
        if answer:
            self.leave()

    def action_help_quit(self) -> None:
        self.say("shell.how_to_quit")

    # words

    def set_language(self, lang: Lang) -> None:
        """Speak another language from now on, on every open page."""
        self.tr = Translator(lang)
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                screen.relabel()

    def switch_language(self) -> None:
        """The other language, at once and for next time."""
        lang: Lang = "en" if self.tr.lang == "zh" else "zh"
        self.set_language(lang)
        self.save_setting("language", lang)

    def save_setting(self, name: str, value: object) -> None:
        """Change one setting and keep it; where it cannot be kept it still holds until the end."""
        self.settings = self.settings.changed(name, value)
        if name == "theme":
            self.theme = theme_for(self.settings.theme, self.console.color_system).name
        try:
            saved.save(self.paths.settings, self.settings)
        except OSError as error:
            self.problem(error)

    def say(self, key: str, /, *, severity: str = "information", **fields: object) -> None:
        """A short notice in the chosen language."""
        self.notify(self.tr(key, **fields), severity=cast(Any, severity), markup=False, timeout=8)

    def problem(self, error: BaseException) -> None:
        """One clear notice of something a person can mend."""
        self.notify(self.tr.problem(error), severity="error", markup=False, timeout=12)

    def lab_title(self, lab_id: str) -> str:
        """The title of a lab in the chosen language; its id where the catalog lacks it."""
        lab = self.catalog.labs.get(lab_id)
        return lab.title.get(self.tr.lang) if lab else lab_id
