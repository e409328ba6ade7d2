"""Help: the keys of the page it was opened from, and how the loop works."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.screens.page import Key, Page
from tui.widgets.prose import Block, Prose, blocks
from tui.widgets.table import table


class HelpScreen(Page):
    """Keys first, since that is what one looks for; then what the page is for; then the whole."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("q,escape,left,backspace,question_mark,enter", "back", "shell.key_back", keep=True),
    )

    def __init__(self, of: Page) -> None:
        super().__init__()
        self.of = of
        self.text = Prose()

    def heading(self) -> str:
        return self.tr("shell.help")

    def note(self) -> str:
        return self.of.heading()

    def body(self) -> ComposeResult:
        self.text.update(self.parts())  # before it is mounted: laid out once
        with VerticalScroll(classes="scroll"):
            yield self.text

    def relabel(self) -> None:
        super().relabel()
        self.text.update(self.parts())

    def parts(self) -> list[Block | Content]:
        """Everything this page says."""
        tr, keys = self.tr, self.of.keys()
        hints = [(Content.styled(key.text, "$key bold"), tr(self._label(key))) for key in keys]
        parts: list[Block | Content] = []
        if self.of.HELP_KEY:
            parts += blocks(tr(self.of.HELP_KEY))
        parts.append(Content("\n").join([_heading(tr("shell.help_keys")), *table(hints, 60)]))
        parts.append(_heading(tr("shell.help_loop")))
        return [*parts, *blocks(tr("shell.help_loop_text"))]

    def _label(self, key: Key) -> str:
        """In the key bar the name of the other language is enough; here there is room to say more."""
        return "shell.key_language_long" if key.action == "language" else key.label


def _heading(text: str) -> Content:
    return Content.styled(text, "$accent bold")
