"""What every page has: a title line, a body, the key bar, the keys that work everywhere, a smallest size."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.i18n import Translator
from tui.widgets.keybar import Hint, KeyBar

if TYPE_CHECKING:
    from textual import getters

    from tui.app import TorchproofApp

SMALLEST = Size(20, 5)
ENOUGH = 20  # cells in which a heading says what it is
_PRINTED = {
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


class Key(NamedTuple):
    """A key of a page: Textual's name of it, the action, the string that says what it does."""

    key: str  # several names may share an action: "enter,space"
    action: str  # empty: only shown, a widget does it
    label: str  # key into the locale: "shell.key_start"
    show: bool = True  # in the key bar; help lists all of them
    keep: bool = False  # stays in the bar when the window is narrow
    printed: str | None = None  # how the key is printed, where its name is not it

    @property
    def text(self) -> str:
        """The key as a person would find it on the keyboard."""
        if self.printed is not None:
            return self.printed
        names = [_PRINTED.get(name, name) for name in self.key.split(",")]
        return names[0]


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    """Textual's form of these keys; one without an action is only a hint at what a list does by itself."""
    return [Binding(key.key, key.action, show=False) for key in keys if key.action]


class TitleLine(Widget):
    """The first line: where one is, and at the right what one should know here."""

    DEFAULT_CSS = """
    TitleLine { height: 1; width: 1fr; dock: top; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: tuple[str, str, str, str] = ("", "", "", "")

    def update(self, name: str, heading: str, note: str, short: str = "") -> None:
        """Show the program's name, the page's heading and a note; draws only when they differ.

        short: a note that has to stay gives way to this in a narrow window; the name and the end of the heading go.
        """
        if (name, heading, note, short) != self.shown:
            self.shown = (name, heading, note, short)
            self.refresh()

    def render(self) -> Content:
        name, heading, note, short = self.shown
        width = self.size.width
        left = Content.styled(name, "$accent bold")
        if heading:
            left = Content.assemble(left, "  ", (heading, "bold"))
        if short and width - cell_len(note) - 2 < ENOUGH:
            note = short
        kept = cell_len(note) + 2 if short else 0
        if heading and left.cell_length + kept > width:
            left = Content.styled(heading, "bold")
            left = left.truncate(max(width - kept, 1), ellipsis=True) if kept else left
        room = width - left.cell_length - 2
        if note and cell_len(note) <= room:
            left = Content.assemble(left, " " * (room - cell_len(note) + 2), (note, "$muted"))
        return left.truncate(width, ellipsis=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1


class Page(Screen[None]):
    """A screen of torchproof. Subclasses name KEYS and `heading()`, and yield widgets from `body()`."""

    KEYS: ClassVar[tuple[Key, ...]] = ()
    EVERYWHERE: ClassVar[tuple[Key, ...]] = (
        Key("l", "language", "shell.key_language"),
        Key("question_mark", "help", "shell.key_help", keep=True),
        Key("q,escape,left,backspace", "back", "shell.key_back", keep=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(EVERYWHERE)
    # What the help page says about this page: a locale key such as "shell.help_today".
    HELP_KEY: ClassVar[str | None] = None

    DEFAULT_CSS = """
    Page { background: $background; color: $foreground; layout: vertical; overflow: hidden hidden; }
    Page > .too-small { display: none; height: 1fr; }
    Page.-too-small > * { display: none; }
    Page.-too-small > .too-small { display: block; }
    Page .scroll { height: 1fr; padding: 0 1; scrollbar-size: 1 1; scrollbar-gutter: stable; overflow: hidden auto; }
    Page.-tall .scroll { padding: 1 1 0 1; }
    """
    # a blank line under the title only where there are lines to spare
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-tall")]

    def __init__(self) -> None:
        super().__init__()
        self._title, self._key_bar = TitleLine(), KeyBar()
        self._too_small = Static(classes="too-small", markup=False)

    def __init_subclass__(cls, **options: Any) -> None:
        if "KEYS" in cls.__dict__:
            cls.BINDINGS = [*cls.__dict__.get("BINDINGS", ()), *bindings(cls.KEYS)]
        super().__init_subclass__(**options)

    # for subclasses

    def heading(self) -> str:
        """The name of this page in the chosen language."""
        return ""

    def note(self) -> str:
        """A few words for the right end of the title line."""
        return ""

    def short_note(self) -> str:
        """The same for a narrow window, where a page cannot do without it."""
        return ""

    def body(self) -> ComposeResult:
        """The widgets between the title line and the key bar."""
        yield from ()

    def keys(self) -> tuple[Key, ...]:
        """The keys that do something now, in the order of the key bar: the page's own, then the general ones.

        A page's key that stands for a general one (Today's q quits) is shown in that one's place.
        """
        general = [set(key.key.split(",")) for key in self.EVERYWHERE]
        instead = {
            place: key
            for key in self.KEYS
            for place, names in enumerate(general)
            if not names.isdisjoint(key.key.split(","))
        }
        own = (key for key in self.KEYS if key not in instead.values())
        rest = (instead.get(place, key) for place, key in enumerate(self.EVERYWHERE))
        return tuple(dict.fromkeys((*own, *rest)))

    def relabel(self) -> None:
        """Say everything again: the language has changed. Subclasses extend this with their own texts."""
        self.say_frame()

    # what it has

    if TYPE_CHECKING:
        app = getters.app(TorchproofApp)

    @property
    def tr(self) -> Translator:
        return self.app.tr

    def compose(self) -> ComposeResult:
        # for this size from the first frame on, not laid out once more when its resize event comes
        self.add_class(
            *self._get_breakpoint_classes(self.app.size.height, self.VERTICAL_BREAKPOINTS), update=False
        )
        yield self._title
        yield from self.body()
        self.say_frame()  # before they are mounted: the first frame is whole, and laid out once
        yield self._too_small
        yield self._key_bar

    def say_frame(self) -> None:
        """Title line and key bar anew, for when `heading()`, `note()` or `keys()` would answer otherwise."""
        tr = self.tr
        self._title.update(tr("shell.name"), self.heading(), self.note(), self.short_note())
        self._key_bar.update([Hint(key.text, tr(key.label), key.keep) for key in self.keys() if key.show])
        too_small = tr("shell.too_small", columns=SMALLEST.width, rows=SMALLEST.height)
        if self._too_small.content != too_small:
            self._too_small.update(too_small)

    def _screen_resized(self, size: Size) -> None:
        """A new page is laid out as it opens; the resize event that follows would do it all again."""
        if size != self._compositor.size:
            super()._screen_resized(size)

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < SMALLEST.width or event.size.height < SMALLEST.height
        self.set_class(small, "-too-small")

    def action_back(self) -> None:
        self.app.back()

    def action_language(self) -> None:
        self.app.switch_language()

    def action_help(self) -> None:
        self.app.open_page("help", of=self)


class Option(NamedTuple):
    """An answer to an `Ask`: the key that gives it, the value it stands for, its wording."""

    key: str
    value: str
    label: str


class Ask(ModalScreen[str]):
    """A question in the middle of the page, answered by one key. Dismisses with the option's value."""

    DEFAULT_CSS = """
    Ask { align: center middle; background: $background 60%; }
    Ask > Static { width: 60; max-width: 100%; height: auto; max-height: 100%; padding: 0 2;
        border: solid $rule; background: $surface; color: $foreground; }
    """

    def __init__(self, question: str, options: tuple[Option, ...]) -> None:
        super().__init__()
        self.question = question
        self.options = options

    def compose(self) -> ComposeResult:
        parts: list[Content | tuple[str, str] | str] = [(self.question, "bold"), "\n"]
        wide = max(cell_len(option.key) for option in self.options)
        for option in self.options:
            parts += ["\n", (option.key, "$key bold"), " " * (wide - cell_len(option.key) + 2), option.label]
        yield Static(Content.assemble(*parts), markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        for option in self.options:
            if event.key == option.key or (event.key in ("q", "left") and option.key == "escape"):
                self.dismiss(option.value)
                return
