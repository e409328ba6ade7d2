"""The end of a session: what was planned and done, how it went, what goes on, what comes tomorrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.screens.page import Key, Page
from tui.widgets.bet import percent, whole_points
from tui.widgets.prose import Prose
from tui.widgets.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tui.app import TorchproofApp
    from tui.session import Session

ENOUGH = 10  # answers below which calibration says nothing


class DoneScreen(Page):
    """Enter leads back to Today."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("enter", "back", "card.key_today", keep=True),)
    HELP_KEY = "card.help_done"
    AUTO_FOCUS = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.text = Prose()

    def heading(self) -> str:
        return self.tr("card.done_extra" if self.session.extra else "card.done")

    def keys(self) -> tuple[Key, ...]:
        return (*self.KEYS, *self.EVERYWHERE)

    def body(self) -> ComposeResult:
        self.show()
        with VerticalScroll(classes="scroll", can_focus=False):
            yield self.text

    def on_screen_resume(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def show(self) -> None:
        """Draws the summary as things stand now: labs go on meanwhile."""
        rows = summary(self.app, self.session)
        lines = table(rows, max(1, self.app.size.width - 3), flex=1)
        self.text.update([Content(""), Content("\n").join(lines), *remarks(self.app, self.session)])


def summary(app: TorchproofApp, session: Session) -> list[list[Content | str]]:
    """Rows of a name and a value."""
    from labs.journal import runs
    from tui.session import waiting

    tr, walk = app.tr, session.walk
    rows: list[tuple[str, str]] = []
    if walk.planned:
        rows.append(("done_planned", tr("card.done_cards", count=walk.planned)))
        rows.append(("done_done", tr("card.done_cards", count=walk.done)))
    scored = [tally for tally in session.tallies if tally.ok is not None]
    if scored:
        right = sum(tally.ok is True for tally in scored)
        rows.append(("done_right", tr("card.done_of", right=right, count=len(scored))))
        stated = [(tally.p, tally.ok is True) for tally in scored if tally.p is not None]
        if len(stated) < len(scored):
            rows.append(("done_unknown", tr("card.done_cards", count=len(scored) - len(stated))))
        if stated:
            rows.append(("done_calibration", calibration(app, stated)))
        points = sum(tally.points for tally in session.tallies)
        rows.append(("done_points", whole_points(points)))
    tomorrow = session.tomorrow()
    words = tr("card.done_minutes", minutes=tomorrow) if tomorrow else tr("card.done_nothing_tomorrow")
    rows.append(("done_tomorrow", words))
    all_runs = runs(app.paths.runs)
    for run in all_runs:
        if run.status() in ("starting", "running"):
            rows.append(("done_running", app.lab_title(run.spec.lab)))
    for run in waiting(app.unread(), all_runs):
        rows.append(("done_waiting", app.lab_title(run.spec.lab)))
    return [
        [Content.styled(tr(f"card.{name}"), "$muted"), Content.styled(value, "bold")] for name, value in rows
    ]


def calibration(app: TorchproofApp, stated: Sequence[tuple[float, bool]]) -> str:
    """Mean stated probability beside the share that was right; (stated, right) pairs in."""
    said = sum(p for p, _ in stated) / len(stated)
    right = sum(ok for _, ok in stated) / len(stated)
    return app.tr("card.done_calibrated", said=percent(said), right=percent(right))


def remarks(app: TorchproofApp, session: Session) -> Iterator[Content]:
    """What the numbers do not say by themselves."""
    scored = [tally for tally in session.tallies if tally.ok is not None]
    if undecided := len(session.tallies) - len(scored):
        yield Content.styled(app.tr("card.done_undecided", count=undecided), "$muted")
    if 0 < sum(tally.p is not None for tally in scored) < ENOUGH:
        yield Content.styled(app.tr("card.done_too_few"), "$muted")
    if not session.walk.planned:
        key = "card.nothing_to_ask" if not app.bank.questions else "card.nothing_planned"
        yield Content.styled(app.tr(key), "$muted")
