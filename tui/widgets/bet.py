"""Commitment before the facts: an option, then how sure one is. Used by cards and by the bets of labs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import factorial, isfinite
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
    def answered(self) -> bool:
        """Whether there is something to be sure about."""
        return self.option is not None

    @property
    def begun(self) -> bool:
        """Whether there is something to take back."""
        return self.answered

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

    @property
    def stated(self) -> float | None:
        """The same; None for "I don't know"."""
        return None if self.dont_know else self.p

    def press(self, digit: int) -> bool:
        """Takes a digit; True when it meant something."""
        if self.complete:
            return False
        if digit == 0:
            return self.give_up()
        if not self.answered:
            return self.pick(digit - 1)
        if digit <= len(CERTAINTIES) + 1:
            self.level = digit
            return True
        return False

    def give_up(self) -> bool:
        """I don't know."""
        self.option, self.dont_know = None, True
        return True

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


@dataclass
class OrderStake(Stake):
    """Options are put one after another; the last one follows by itself."""

    placed: list[int] = field(default_factory=list)  # from 0

    @property
    def answered(self) -> bool:
        return len(self.placed) == self.options

    @property
    def begun(self) -> bool:
        return bool(self.placed)

    @property
    def chance(self) -> float:
        return 1 / factorial(self.options)

    def give_up(self) -> bool:
        self.placed.clear()
        return super().give_up()

    @property
    def left(self) -> list[int]:
        """Options not placed yet."""
        return [option for option in range(self.options) if option not in self.placed]

    def pick(self, option: int) -> bool:
        """Puts an option behind those already placed."""
        if self.complete or option in self.placed or not 0 <= option < self.options:
            return False
        self.placed.append(option)
        if len(self.left) == 1:
            self.placed += self.left
        return True

    def change(self) -> bool:
        """Takes back what was placed last, and with it what followed by itself."""
        if self.complete or not self.placed:
            return False
        del self.placed[-2 if self.answered else -1 :]
        return True


@dataclass
class NumberStake(Stake):
    """A number is typed; enter ends it, and enter on nothing is "I don't know"."""

    blind: float = 0.01
    typed: str = ""
    entered: bool = False

    MOST: ClassVar[int] = 15

    @property
    def answered(self) -> bool:
        return self.entered

    @property
    def begun(self) -> bool:
        return bool(self.typed)

    @property
    def chance(self) -> float:
        return self.blind

    @property
    def value(self) -> float | None:
        try:
            number = float(self.typed)
        except ValueError:
            return None
        return number if isfinite(number) else None

    def press(self, digit: int) -> bool:
        if self.complete or self.entered:
            return super().press(digit)
        return self.type(str(digit))

    def type(self, character: str) -> bool:
        """Adds a digit, a point or a leading minus."""
        fits = character.isdecimal() or (character == "." and "." not in self.typed)
        fits = fits or (character == "-" and not self.typed)
        if self.complete or self.entered or not fits or len(self.typed) >= self.MOST:
            return False
        self.typed += character
        return True

    def rub_out(self) -> bool:
        """Takes the last character away."""
        if self.complete or self.entered or not self.typed:
            return False
        self.typed = self.typed[:-1]
        return True

    def enter(self) -> bool:
        """Ends the number; False where what was typed is none."""
        if self.complete or self.entered:
            return False
        if not self.typed:
            return self.give_up()
        self.entered = self.value is not None
        return self.entered

    def pick(self, option: int) -> bool:
        return False

    def change(self) -> bool:
        """Goes back to typing, or empties what was typed."""
        if self.complete or not self.begun:
            return False
        if not self.entered:
            self.typed = ""
        self.entered = False
        return True


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
    Commit > .typed { height: auto; }
    Commit > .ask { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.options = Options()
        self.typed = Prose(classes="typed")
        self.ask = Prose(classes="ask")
        self.keys = Flow()
        self.hint = Prose(classes="hint")
        self._labels: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.options
        yield self.typed
        yield self.ask
        yield self.keys
        yield self.hint

    def show(self, tr: Translator, stake: Stake, labels: Sequence[str], unit: str = "") -> None:
        """Draws the stake with these labels; a number stands before its unit."""
        options = self.options
        options.display = bool(labels)
        if self._labels != list(labels):
            self._labels = list(labels)
            options.set_rows(labels)
        if options.chosen != stake.option:
            options.choose(stake.option)
        if isinstance(stake, OrderStake) and not stake.complete:
            if options.cursor in stake.placed and (left := stake.left):  # enter goes on with the next one
                options.move_to(next((step for step in left if step > options.cursor), left[0]))
            options.tag({step: (f"{place}.", "$accent bold") for place, step in enumerate(stake.placed, 1)})
        options.disabled = stake.complete
        self.typed.display = isinstance(stake, NumberStake) and not stake.dont_know
        if isinstance(stake, NumberStake):
            self.typed.update([_typed(tr, stake, unit)])
        sure = stake.answered and not stake.complete
        self.ask.display = self.hint.display = sure
        self.ask.update([Content.styled(tr("card.how_sure"), "bold")])
        self.keys.update(self._keys(tr, stake))
        hint = "card.may_change" if type(stake) is Stake else "card.may_take_back"
        self.hint.update([Content.styled(tr(hint), "$muted")])
        if sure:  # in a low window the confidence would stay below its edge
            self.call_after_refresh(self.hint.scroll_visible, animate=False, immediate=True)

    @staticmethod
    def _keys(tr: Translator, stake: Stake) -> list[Content]:
        if stake.dont_know:
            return [Content.styled(tr("card.locked_dont_know"), "$muted")]
        if stake.complete:
            return [Content.styled(tr("card.locked_at", p=percent(stake.p)), "$muted")]
        if stake.answered:
            return certainties(tr, stake.chance)
        if isinstance(stake, NumberStake):
            return [Content.styled(tr("card.type_number"), "$muted")]
        ask = "card.put_next" if isinstance(stake, OrderStake) else "card.pick"
        pick = Content.styled(tr(ask, last=stake.options), "$muted")
        return [pick, Content.assemble(("0", "$key bold"), " ", tr("card.dont_know"))]


def _typed(tr: Translator, stake: NumberStake, unit: str) -> Content:
    """ "Your number: 24_ px", the underline only while it is being typed."""
    cursor = "" if stake.entered or stake.complete else "_"
    return Content.assemble(
        (tr("card.your_number"), "$muted"), (f"{stake.typed}{cursor}", "bold"), f" {unit}" if unit else ""
    )


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
