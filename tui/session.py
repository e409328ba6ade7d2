"""One sitting: walks through a plan, lets labs run beside it, and brings their results back at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textual.screen import Screen

from questions.problems import BankProblem

if TYPE_CHECKING:
    from labs.journal import Run
    from questions.events import Bet, Event
    from questions.plan import Item
    from tui.app import TorchproofApp
    from tui.i18n import Translator
    from tui.screens.card import CardScreen
    from tui.screens.lab import LabScreen


class Readout(NamedTuple):
    """A lab that was left running: its result is to be read later."""

    lab_id: str
    run_id: str


class Tally(NamedTuple):
    """One committed answer or settled bet. ok: None where a measurement could not decide the bet. p: None for "I don't
    know", which states no confidence."""

    ok: bool | None
    p: float | None
    points: float


class Walk:
    """Which item comes next. Pure: whether a run has ended is told from outside."""

    def __init__(self, items: Sequence[Item], unread: Sequence[Readout] = ()) -> None:
        self.planned = len(items)
        self.left: deque[Item] = deque(items)
        self.current: Item | Readout | None = None
        self.done = 0
        self.later = list(unread)  # results to come back to, when nothing else is left

    @property
    def to_come(self) -> list[Item]:
        """Planned items not finished yet, the current one first."""
        current = [] if self.current is None or isinstance(self.current, Readout) else [self.current]
        return [*current, *self.left]

    @property
    def remaining(self) -> int:
        """How many those are."""
        return len(self.to_come)

    def next(self, ended: Callable[[str], bool]) -> Item | Readout | None:
        """The current item; else the next planned one; else a result whose run has ended; else None."""
        if self.current is None and self.left:
            self.current = self.left.popleft()
        elif self.current is None:
            ready = next((readout for readout in self.later if ended(readout.run_id)), None)
            if ready is not None:
                self.later.remove(ready)
                self.current = ready
        return self.current

    def finish(self) -> None:
        """The current item is done with."""
        if self.current is not None and not isinstance(self.current, Readout):
            self.done += 1
        self.current = None

    def postpone(self, readout: Readout) -> None:
        """Go on while the current lab runs; its result comes back as an item of its own."""
        if readout not in self.later:
            self.later.append(readout)
        self.finish()

    def read(self, lab_id: str) -> None:
        """The result of this lab was read elsewhere."""
        self.later = [readout for readout in self.later if readout.lab_id != lab_id]
        if isinstance(self.current, Readout) and self.current.lab_id == lab_id:
            self.current = None


def last_bet(events: Iterable[Event], lab_id: str) -> Bet | None:
    """The bet on this lab, settled or not."""
    from questions.events import Bet

    return next((e for e in reversed(list(events)) if isinstance(e, Bet) and e.lab == lab_id), None)


def waiting(bets: Mapping[str, Bet], runs: Iterable[Run], *, live: bool = False) -> list[Run]:
    """Finished runs whose bet is locked and whose result nobody has read: one a lab, the newest.

    bets: by lab. live: those that still run as well.
    """
    wanted = ("done", "starting", "running") if live else ("done",)
    found: dict[str, Run] = {}
    for run in runs:  # newest first
        spec = run.spec
        if spec.lab in bets and spec.lab not in found and spec.settles and run.status() in wanted:
            found[spec.lab] = run
    return list(found.values())


class Sitting(Protocol):
    """What a card tells that it is done with."""

    @property
    def ends_early(self) -> bool:
        """Whether a key ends it at any moment."""

    def where(self, tr: Translator) -> str:
        """How far it is, for the title line."""

    def briefly(self, tr: Translator) -> str:
        """The same for a narrow window; nothing where it can be done without there."""

    def card_done(self, card: CardScreen, *, go_on: bool = True) -> None:
        """A card was answered and read."""

    def end(self) -> None:
        """It is over: opens the page that says so."""


class Pages:
    """Opens the pages of one sitting, each in place of the one before."""

    def __init__(self, app: TorchproofApp) -> None:
        self._app = app
        self._page: Screen[None] | None = None

    def open(self, name: str, *args: object, **options: object) -> None:
        """In place of the page before where that is on top, else on top of any other page."""
        from tui.app import PAGES

        module, kind = PAGES[name]
        page: Screen[None] = getattr(import_module(module), kind)(*args, **options)
        if self._page is not None and self._app.screen is self._page:
            self._app.switch_screen(page)
        else:
            self._app.push_screen(page)
        self._page = page


class Session:
    """Opens page after page until the plan is done. `over`: the next start makes a new session."""

    ends_early = False

    def __init__(self, app: TorchproofApp) -> None:
        self.app = app
        self.plan = app.plan()
        self.extra = not self.plan.items and self.plan.more
        if self.extra:
            self.plan = app.plan(extra=True)
        self.walk = Walk(self.plan.items, self._unread())
        self.tallies: list[Tally] = []
        self.over = False
        self._since = app.clock()
        self._pages = Pages(app)

    @property
    def left(self) -> int:
        """Items still to come, the one on screen among them."""
        return self.walk.remaining

    @property
    def seconds(self) -> float:
        return self.app.clock() - self._since

    def tomorrow(self) -> int:
        """Minutes that will be due tomorrow, as things stand now."""
        return self.app.plan().tomorrow_minutes

    def where(self, tr: Translator) -> str:
        """ "card 3 of 8"."""
        if self.walk.done >= self.walk.planned:
            return tr("card.where_left")
        return tr("card.where", number=self.walk.done + 1, planned=self.walk.planned)

    def briefly(self, tr: Translator) -> str:
        return ""

    def go_on(self) -> None:
        """Opens the page of the next item, or the end of the session."""
        from questions.plan import Wager

        item = self.walk.next(self._ended)
        if item is None:
            self.end()
        elif isinstance(item, Readout):
            from labs.journal import Run

            run = Run(self.app.paths.runs / item.run_id)
            self._pages.open("lab", item.lab_id, run=run, wager=True, session=self)
        elif isinstance(item, Wager):
            self._pages.open("lab", item.lab_id, wager=True, session=self)
        else:
            self._pages.open("card", item.question_id, order_seed=item.order_seed, why=item.why, session=self)

    def end(self) -> None:
        """Records the end, once, and opens its page."""
        from questions.events import Session as SessionEnd

        if not self.over:
            self.over = True
            if self.walk.done:
                try:
                    self.app.progress.record(
                        SessionEnd(planned=self.walk.planned, done=self.walk.done, seconds=self.seconds)
                    )
                except BankProblem as problem:
                    self.app.problem(problem)
                self.app.fits.begin_if_due(self.app.fold())
        self._pages.open("done", self)

    # what pages tell

    def card_done(self, card: CardScreen, *, go_on: bool = True) -> None:
        """A card was answered and read."""
        grade = card.grade
        if grade is not None:
            self.tallies.append(Tally(grade.ok, card.stake.stated, grade.points))
        self.walk.finish()
        if go_on:
            self.go_on()

    def lab_done(self, lab: LabScreen, *, go_on: bool = True) -> None:
        """A lab's verdict was read, or its bet cannot be settled now."""
        if lab.tally is not None:
            self.tallies.append(lab.tally)
        self.walk.finish()
        if go_on:
            self.go_on()

    def lab_left(self, lab_id: str, run_id: str, *, go_on: bool = True) -> None:
        """The learner goes on while the lab runs."""
        self.walk.postpone(Readout(lab_id, run_id))
        if go_on:
            self.go_on()

    # inside

    def _unread(self) -> list[Readout]:
        """Results of labs that earlier sessions have left behind."""
        from labs.journal import runs

        bets, planned = self.app.unread(), {getattr(item, "lab_id", None) for item in self.plan.items}
        left = waiting(bets, runs(self.app.paths.runs), live=True)
        return [Readout(run.spec.lab, run.id) for run in left if run.spec.lab not in planned]

    def _ended(self, run_id: str) -> bool:
        from labs.journal import Run

        return Run(self.app.paths.runs / run_id).status() not in ("starting", "running")
