"""A placement on screen: card after card, as the log stands, until the rules say it is over or a key does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from questions.problems import BankProblem
from tui.session import Pages

if TYPE_CHECKING:
    from tui.app import TorchproofApp
    from tui.i18n import Translator
    from tui.screens.card import CardScreen


class Placing:
    """Keeps nothing but which card it has opened: how far a placement is stands in the log, so that whoever leaves
    it, with the app or without, goes on with it the same day."""

    ends_early = True

    def __init__(self, app: TorchproofApp) -> None:
        self.app = app
        self._pages = Pages(app)
        self._number = 0  # of the card on screen

    def start(self) -> None:
        """Begins one, or goes on with the one that was left today."""
        from questions.placement import next_question

        app = self.app
        if not app.fold().placed.running(app.today()):
            if next_question(app.fold(), (), app.today()) is None:
                app.say("card.placing_nothing")
                return
            if not self._record(over=False):
                return
        app.session = None  # its plan was made without what is answered here
        self.go_on()

    def go_on(self) -> None:
        """Opens the next card, or the end."""
        from questions.placement import next_ask

        state = self.app.fold()
        ask = next_ask(state, self.app.today(), self.app.now())
        if ask is None:
            self.end()
            return
        self._number = len(state.placed.tried) + 1
        self._pages.open("card", ask.question_id, order_seed=ask.order_seed, why=ask.why, session=self)

    def decline(self) -> bool:
        """Never offer it again; nothing was asked. Whether that is written down."""
        return self._record(asked=0)

    # what cards tell

    def where(self, tr: Translator) -> str:
        """ "placement 3 of at most 20, 2 of 8 minutes"."""
        return tr("card.placing", **self._how_far())

    def briefly(self, tr: Translator) -> str:
        return tr("card.placing_short", **self._how_far())

    def card_done(self, card: CardScreen, *, go_on: bool = True) -> None:
        if go_on:
            self.go_on()

    def end(self) -> None:
        """Records the end and opens the page that says where to begin."""
        placed = self.app.fold().placed
        self._record(asked=len(placed.tried), seconds=placed.seconds(self.app.now()))
        self._pages.open("placed")

    # inside

    def _record(self, *, asked: int = 0, seconds: float = 0.0, over: bool = True) -> bool:
        """Whether it is on the disk."""
        from questions.progress import Placement

        try:
            self.app.progress.record(Placement(asked=asked, seconds=round(seconds, 1), over=over))
        except BankProblem as problem:
            self.app.problem(problem)
            return False
        return True

    def _how_far(self) -> dict[str, object]:
        from questions.placement import MOST, SECONDS

        seconds = self.app.fold().placed.seconds(self.app.now())
        minutes = min(int(seconds / 60), SECONDS // 60)
        return {"number": self._number, "most": MOST, "minutes": minutes, "of": SECONDS // 60}
