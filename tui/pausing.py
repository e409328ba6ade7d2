"""Pausing a claim or an entry from the pages that show them, and the words for what rests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from tui.i18n import Translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from questions.rests import Rest
    from tui.app import TorchproofApp

WEEK, MONTH = 7, 30  # days
LENGTHS: Final = {"week": WEEK, "month": MONTH, "open": None}


def rest_of(app: TorchproofApp, what: str) -> Rest | None:
    """Why a claim or a whole entry is not asked today, if it is not."""
    state, today = app.fold(), app.today()
    if track := state.tracks.get(what):
        return state.rest(track, today)
    return state.rests.paused(what, today)


def pause_or_resume(app: TorchproofApp, what: str, then: Callable[[], None]) -> None:
    """Takes up again what rests; else asks for how long it is to be paused. `then`: once it is written down."""
    from tui.screens.page import Ask, Option

    if rest_of(app, what) is not None:
        if _record(app, what, on=False):
            app.say("shell.resumed", what=what)
            then()
        return

    def answered(choice: str | None) -> None:
        if choice and _record(app, what, days=LENGTHS[choice]):
            then()

    options = [Option(str(n), name, app.tr(f"shell.pause_{name}")) for n, name in enumerate(LENGTHS, 1)]
    options.append(Option("escape", "", app.tr("shell.pause_not")))
    app.push_screen(Ask(app.tr("shell.pause_how_long", what=what), tuple(options)), answered)


def _record(app: TorchproofApp, what: str, *, on: bool = True, days: int | None = None) -> bool:
    """Whether it is on the disk."""
    from questions.events import Pause
    from questions.problems import BankProblem

    until = None if days is None else app.today() + timedelta(days=days)
    try:
        app.progress.record(Pause(what=what, on=on, until=until))
    except BankProblem as problem:
        app.problem(problem)
        return False
    return True


def rest_short(tr: Translator, rest: Rest, today: date) -> str:
    """ "paused", "paused for 5 days", "rests for 12 days"."""
    if rest.until is None:
        return tr("shell.paused")
    name = "paused_days" if rest.why == "asked" else "leech_days"
    return tr(f"shell.{name}", days=(rest.until - today).days)
