"""Progress: how the entries stand, whether confidence and predictions are honest, days behind and ahead, surprises."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.widget import Widget

from tui.i18n import Translator
from tui.progresswords import SECTIONS, Facts, Section, report
from tui.screens.page import Key, Page
from tui.widgets.prose import Prose


class Sections(Widget):
    """One line of the sections' names and keys; where it is too narrow, of the open one's name alone."""

    DEFAULT_CSS = """
    Sections { height: 1; width: 1fr; padding: 0 1; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._open = 0

    def show(self, open_: int, tr: Translator) -> None:
        self._names = [tr(f"shell.section_{name}") for name in SECTIONS]
        self._open = open_
        self.refresh()

    def render(self) -> Content:
        width = self.size.width
        line = self._line(range(len(self._names)))
        return (line if line.cell_length <= width else self._line([self._open])).truncate(
            width, ellipsis=True
        )

    def _line(self, named: range | list[int]) -> Content:
        """The open section stands in brackets, so that it is known without colour."""
        parts: list[tuple[str, str]] = []
        for n, name in enumerate(self._names):
            text = f"{n + 1} {name}" if n in named else str(n + 1)
            parts.append((f"[{text}]", "$accent bold") if n == self._open else (f" {text} ", "$muted"))
        return Content.assemble(*parts)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width


class ProgressScreen(Page):
    """Everything here is worked out anew from the log each time the page opens."""

    TURNS: ClassVar[tuple[Key, ...]] = (
        *(
            Key(str(n), f"section({n - 1})", f"shell.section_{name}", show=False)
            for n, name in enumerate(SECTIONS, 1)
        ),
        Key("tab", "turn(1)", "shell.key_next_section"),
        Key("shift+tab", "turn(-1)", "shell.key_last_section", show=False),
    )
    KEYS: ClassVar[tuple[Key, ...]] = (*TURNS, Key("up,down", "", "shell.key_scroll", printed="↑↓"))
    HELP_KEY = "shell.help_progress"

    def __init__(self) -> None:
        super().__init__()
        self._section = 0
        self._facts: Facts | None = None
        self._sections, self._prose = Sections(), Prose()

    @property
    def section(self) -> Section:
        return SECTIONS[self._section]

    def heading(self) -> str:
        return self.tr("shell.progress")

    def keys(self) -> tuple[Key, ...]:
        shown = super().keys()
        empty = self._facts is not None and not self._facts.any
        return tuple(key for key in shown if key not in self.TURNS) if empty else shown

    def body(self) -> ComposeResult:
        yield self._sections
        with VerticalScroll(classes="scroll"):
            yield self._prose

    def on_mount(self) -> None:
        self.relabel()

    def on_screen_resume(self) -> None:
        self.relabel()

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        self.show()

    def relabel(self) -> None:
        self._facts = Facts(self.app)
        super().relabel()
        self.show()

    def show(self) -> None:
        """The open section for the window as it is."""
        facts = self._facts
        if facts is None:
            return
        self._sections.display = facts.any
        if facts.any:
            self._sections.show(self._section, self.tr)
            self._prose.update(
                list(report(facts, self.section, max(1, self.size.width - 3), self.size.height))
            )
        else:
            self._prose.update([Content(self.tr("shell.progress_none"))])

    def action_section(self, number: int) -> None:
        self._section = number
        self.show()
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_turn(self, by: int) -> None:
        self.action_section((self._section + by) % len(SECTIONS))
