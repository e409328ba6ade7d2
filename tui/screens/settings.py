"""Settings: one line a setting, enter goes to its next value. Kept at once."""

from collections.abc import Iterator
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.screens.page import Key, Page
from tui.settings import CHOICES
from tui.widgets.choices import Menu
from tui.widgets.prose import Prose, lines
from tui.widgets.table import pad

ROOMY = 60  # cells from which all values of a setting are shown


class Values(Menu):
    """The settings with all their values; the one in force is marked, as in a card."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.values: list[list[tuple[str, bool]]] = []

    def show(self, names: list[str], values: list[list[tuple[str, bool]]]) -> None:
        """names: a label a row. values: for each row the wordings, and which of them is in force."""
        self.names, self.values = names, values
        self.set_rows(names)

    def row_lines(self, index: int, width: int) -> Iterator[Content]:
        here = self.active and index == self.cursor
        name = Content.styled(self.names[index], "bold" if here else "")
        name = Content.assemble(("› " if here else "  ", "$accent bold"), name)
        indent = max(map(cell_len, self.names)) + 4
        options = [
            Content.styled(f"({'●' if on else ' '}) {word}", "bold" if on else "$muted")
            for word, on in self.values[index]
        ]
        if width < ROOMY:  # only the value in force
            chosen = next((word for word, on in self.values[index] if on), "")
            yield from lines(Content.assemble(pad(name, indent), (chosen, "bold")), width, "", "    ")
            return
        line = pad(name, indent)
        for number, option in enumerate(options):
            if number and line.cell_length + 2 + option.cell_length > width:
                yield line
                line = Content(" " * indent)
            line = Content.assemble(line, "  " if line.plain.strip() and number else "", option)
        yield line


class SettingsScreen(Page):
    """What is chosen for good."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("up,down", "", "shell.key_choose", printed="↑↓"),
        Key("enter,space,right", "change", "shell.key_change", keep=True),
    )
    HELP_KEY = "shell.help_settings"

    def heading(self) -> str:
        return self.tr("shell.settings")

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll", can_focus=False):
            yield Values()
            yield Prose(classes="about")

    CSS = """
    SettingsScreen Values { margin-bottom: 1; }
    SettingsScreen .about { color: $muted; }
    """

    def on_mount(self) -> None:
        self.relabel()
        self.query_one(Values).focus()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def show(self) -> None:
        """Draw settings and values as they are now."""
        self.query_one(Values).show(
            [self.tr(f"shell.set_{name}") for name in CHOICES],
            [
                [(self._wording(name, value), value == self._current(name)) for value in self._choices(name)]
                for name in CHOICES
            ],
        )
        self._explain()

    def _choices(self, name: str) -> tuple[Any, ...]:
        """The values to choose from; one from the file that is not among the usual ones comes first."""
        usual = CHOICES[name]
        current = self._current(name)
        return usual if current in usual else (current, *usual)

    def _current(self, name: str) -> Any:
        return self.tr.lang if name == "language" else getattr(self.app.settings, name)

    def _wording(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return self.tr("shell.yes" if value else "shell.no")
        key = f"shell.set_{name}_{value}"
        return self.tr(key) if self.tr.template(key) is not None else str(value)

    def _explain(self) -> None:
        name = list(CHOICES)[self.query_one(Values).cursor]
        paths = self.app.paths
        places = [
            (self.tr("shell.place_settings"), str(paths.settings)),
            (self.tr("shell.place_events"), str(paths.events)),
            (self.tr("shell.place_runs"), str(paths.runs)),
            (self.tr("shell.place_python"), self.app.python),
        ]
        width = max(cell_len(label) for label, _ in places) + 2
        where = [Content.assemble(pad(Content(label), width), path) for label, path in places]
        self.query_one(Prose).update([Content(self.tr(f"shell.about_{name}")), Content("\n").join(where)])

    def on_menu_moved(self, event: Menu.Moved) -> None:
        event.stop()
        self._explain()

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_change()

    def action_change(self) -> None:
        """The next value of the setting under the cursor."""
        name = list(CHOICES)[self.query_one(Values).cursor]
        choices = self._choices(name)
        value = choices[(choices.index(self._current(name)) + 1) % len(choices)]
        self.app.save_setting(name, value)
        if name == "language":
            self.app.set_language(value)
        else:
            self.show()
