"""The knobs of a lab: one line at rest, a small panel while they are being turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tui.widgets.prose import lines, spans

if TYPE_CHECKING:
    from labs.catalog import Knob, Lab, Value
    from tui.i18n import Translator


def settings_of(knob: Knob) -> list[Value]:
    """The values to step through: those worth trying, the default among them, in rising order."""
    if knob.kind == "choice":
        return list(knob.choices)
    values = dict.fromkeys((*knob.choices, knob.default))
    return sorted(values, key=float)


class Knobs(Widget, can_focus=True):
    """Up and down choose a knob, left and right turn it; told the values, tells of changes."""

    DEFAULT_CSS = """
    Knobs { height: auto; width: 1fr; text-wrap: nowrap; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("left,minus", "turn(-1)", show=False),
        Binding("right,space", "turn(1)", show=False),
        Binding("d,delete", "reset", show=False),
    ]

    class Turned(Message):
        """A knob should take another value."""

        def __init__(self, knob: str, value: Value) -> None:
            super().__init__()
            self.knob = knob
            self.value = value

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.cursor = 0
        self.values: Mapping[str, Value] = lab.defaults
        self.tr: Translator | None = None
        self.hint = True  # say which key leads here

    def show(self, tr: Translator, values: Mapping[str, Value], hint: bool) -> None:
        """Shows these values."""
        if (tr, values, hint) != (self.tr, self.values, self.hint):
            self.tr, self.values, self.hint = tr, dict(values), hint
            self.refresh(layout=True)

    def on_focus(self) -> None:
        self.refresh(layout=True)

    def on_blur(self) -> None:
        self.refresh(layout=True)

    def _lines(self, width: int) -> list[Content]:
        if self.tr is None or not self.lab.knobs:
            return []
        if not self.has_focus:
            return self._at_rest(self.tr, max(1, width))
        return self._panel(self.tr, max(1, width))

    def _at_rest(self, tr: Translator, width: int) -> list[Content]:
        rows = list(lines(self._summary(tr), width))
        if self.hint:
            hint = Content.assemble(("k", "$key bold"), " ", (tr("lab.key_knobs"), "$muted"))
            gap = Content("   ")
            if rows[-1].cell_length + gap.cell_length + hint.cell_length <= width:
                rows[-1] = Content.assemble(rows[-1], gap, hint)
            else:  # the key and its word stay together
                rows.append(hint.truncate(width, ellipsis=True))
        return rows

    def _summary(self, tr: Translator) -> Content:
        parts: list[Content | str | tuple[str, str]] = [(tr("lab.knobs"), "$muted"), "  "]
        for n, knob in enumerate(self.lab.knobs):
            turned = self.values[knob.id] != knob.default
            mark = "*" if turned else ""
            parts += [
                "   " if n else "",
                knob.label.get(tr.lang),
                " ",
                (f"{self.values[knob.id]}{mark}", "bold"),
            ]
        return Content.assemble(*parts)

    def _panel(self, tr: Translator, width: int) -> list[Content]:
        labels = [knob.label.get(tr.lang) for knob in self.lab.knobs]
        column = min(max(map(cell_len, labels)), max(4, width // 2))
        rows: list[Content] = []
        for n, (knob, label) in enumerate(zip(self.lab.knobs, labels, strict=True)):
            here = n == self.cursor
            values = settings_of(knob)
            value = self.values[knob.id]
            place = values.index(value) if value in values else 0
            left, right = "‹" if place > 0 else " ", "›" if place < len(values) - 1 else " "
            name = Content(label).truncate(column, ellipsis=True)
            row = Content.assemble(
                ("› " if here else "  ", "$accent bold"),
                name,
                " " * (column - name.cell_length + 2),
                (f"{left} {value} {right}", "$accent bold" if here else "bold"),
            )
            if value != knob.default:
                row += Content.styled(f"  {tr('lab.knob_default', value=knob.default)}", "$muted")
            rows.append(row.truncate(width, ellipsis=True))
        help = self.lab.knobs[self.cursor].help
        if help is not None:
            rows.extend(lines(spans(help.get(tr.lang)).stylize_before("$muted"), width, "  "))
        rows.extend(lines(Content.styled(tr("lab.knob_keys"), "$muted"), width, "  "))
        return rows

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def action_move(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self.lab.knobs) - 1))
        self.refresh(layout=True)  # each knob's help has its own length

    def action_turn(self, step: int) -> None:
        knob = self.lab.knobs[self.cursor]
        values = settings_of(knob)
        value = self.values[knob.id]
        place = values.index(value) if value in values else 0
        self._turn(knob, values[max(0, min(place + step, len(values) - 1))])

    def action_reset(self) -> None:
        knob = self.lab.knobs[self.cursor]
        self._turn(knob, knob.default)

    def _turn(self, knob: Knob, value: Value) -> None:
        if value != self.values[knob.id]:
            self.post_message(self.Turned(knob.id, value))
