"""Commitment before the facts: an option, then how sure one is. Used by cards and by the bets of labs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from tui.i18n import Translator
from tui.widgets.choices import Choices
from tui.widgets.flow import Flow
from tui.widgets.prose import Prose

CERTAINTIES = (0.5, 0.7, 0.9, 0.97)  # levels 2 to 5; level 1 is chance


@dataclass
class Stake:
    """What has been committed so far. Digits come in; nothing here is drawn or written.

    First an option (1 to `options`), then a confidence (1 to 5); 0 at either place is "I don't know".
    """

    options: int
    option: int | None = None  # from 0
    level: int | None = None  # 1 to 5
    dont_know: bool = False

    @property
    def complete(self) -> bool:
        return self.dont_know or self.level is not None

    @property
    def chance(self) -> float:
        return 1 / self.options if self.options else 0.0

    @property
    def p(self) -> float:
        """The stated probability; chance without knowledge."""
        if self.dont_know or self.level is None or self.level == 1:
            return self.chance
        return CERTAINTIES[self.level - 2]

    def press(self, digit: int) -> bool:
        """Takes a digit; True when it meant something."""
        if self.complete:
            return False
        if digit == 0:
            self.option, self.dont_know = None, True
            return True
        if self.option is None:
            return self.pick(digit - 1)
        if digit <= len(CERTAINTIES) + 1:
            self.level = digit
            return True
        return False

    def pick(self, option: int) -> bool:
        """Chooses an option, also in place of another one while the confidence is open."""
        if self.complete or not 0 <= option < self.options:
            return False
        self.option = option
        return True

    def change(self) -> bool:
        """Takes the option back while the confidence is open."""
        if self.complete or self.option is None:
            return False
        self.option = None
        return True

    def reopen(self) -> None:
        """Asks for the confidence again: what was locked could not be saved."""
        self.level, self.dont_know = None, False


def percent(p: float) -> str:
    """A probability as it is shown: "25%"."""
    return f"{100 * p:.0f}%"


def whole_points(points: float) -> str:
    """Points as they are shown: "+9", "-8", "0"."""
    rounded = round(points)
    return f"{rounded:+d}" if rounded else "0"


def certainties(tr: Translator, chance: float) -> list[Content]:
    """The five confidences and 0, each with its key."""
    words = [f"{percent(chance)} {tr('card.chance')}", *map(percent, CERTAINTIES)]
    pairs = [*((str(number), word) for number, word in enumerate(words, 1)), ("0", tr("card.dont_know"))]
    return [Content.assemble((key, "$key bold"), " ", word) for key, word in pairs]


class Options(Choices):
    """Choices that leave digits and letters to the page.

    A digit is an option or a confidence; only the page knows which, and it has to know at once: a pick that
    travels as a message would come after the next digit of one who types fast.
    """

    DEFAULT_CSS = "Options:disabled { opacity: 1 !important; }"  # locked, and still to be read
    BINDINGS: ClassVar[list[BindingType]] = [Binding("j,k", "leave_to_page", show=False)]

    def action_leave_to_page(self) -> None:
        raise SkipAction

    def action_number(self, digit: int) -> None:
        raise SkipAction


class FinalOptions(Options):
    """Options whose pick is final: space picks, enter is left to the page."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave_to_page", show=False)]


class Commit(Vertical):
    """Draws a stake: the options, and below them what to press next. Keys are the page's business."""

    DEFAULT_CSS = """
    Commit { height: auto; }
    Commit > Flow { margin-top: 1; }
    Commit > .ask { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.options = Options()
        self.ask = Prose(classes="ask")
        self.keys = Flow()
        self.hint = Prose(classes="hint")
        self._labels: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.options
        yield self.ask
        yield self.keys
        yield self.hint

    def show(self, tr: Translator, stake: Stake, labels: Sequence[str]) -> None:
        """Draws the stake with these labels."""
        options = self.options
        if self._labels != list(labels):
            self._labels = list(labels)
            options.set_rows(labels)
        if options.chosen != stake.option:
            options.choose(stake.option)
        options.disabled = stake.complete
        sure = stake.option is not None and not stake.complete
        self.ask.display = self.hint.display = sure
        self.ask.update([Content.styled(tr("card.how_sure"), "bold")])
        self.keys.update(self._keys(tr, stake))
        self.hint.update([Content.styled(tr("card.may_change"), "$muted")])
        if sure:  # in a low window the confidence would stay below its edge
            self.call_after_refresh(self.hint.scroll_visible, animate=False, immediate=True)

    @staticmethod
    def _keys(tr: Translator, stake: Stake) -> list[Content]:
        if stake.dont_know:
            return [Content.styled(tr("card.locked_dont_know"), "$muted")]
        if stake.complete:
            return [Content.styled(tr("card.locked_at", p=percent(stake.p)), "$muted")]
        if stake.option is not None:
            return certainties(tr, stake.chance)
        pick = Content.styled(tr("card.pick", last=stake.options), "$muted")
        return [pick, Content.assemble(("0", "$key bold"), " ", tr("card.dont_know"))]


def outcome_tags(
    tr: Translator, right: int | None, chosen: int | None
) -> dict[int, tuple[str, Literal["$success", "$error"]]]:
    """Marks behind the options once the answer is out: the right one, and a wrong choice."""
    tags: dict[int, tuple[str, Literal["$success", "$error"]]] = {}
    if right is not None:
        tags[right] = (f"✓ {tr('card.right_option')}", "$success")
    if chosen is not None and chosen != right:
        tags[chosen] = (f"✗ {tr('card.your_option')}", "$error")
    return tags
