"""A draft: a text of an imported FAQ, to be read here and completed by hand in its file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from questions.draft_file import body
from questions.ids import pack_of
from questions.problems import BankProblem
from tui.screens.page import Key, Page
from tui.widgets.prose import Block, Prose, blocks, spans, strong

if TYPE_CHECKING:
    from questions.shapes import Draft
    from tui.app import TorchproofApp


class DraftScreen(Page):
    """One draft, and the way to those before and behind it."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("n,right", "step(1)", "shell.key_next", keep=True),
        Key("p", "step(-1)", "shell.key_previous", keep=True),
    )
    HELP_KEY = "shell.help_draft"
    CSS = """
    DraftScreen Prose { max-width: 84; }
    """

    def __init__(self, draft: str) -> None:
        super().__init__()
        self.draft = draft

    def heading(self) -> str:
        return f"{pack_of(self.draft)}  {self.tr('shell.draft')}"

    def note(self) -> str:
        ids = [draft.id for draft in self._beside()]
        return f"{ids.index(self.draft) + 1} / {len(ids)}"

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Prose(inline=strong)

    def on_mount(self) -> None:
        self.relabel()

    def relabel(self) -> None:
        super().relabel()
        draft = next(draft for draft in self._beside() if draft.id == self.draft)
        self.query_one(Prose).update(list(draft_parts(self.app, draft)))

    def action_step(self, step: int) -> None:
        """The draft that stands so many places further on; none at either end."""
        ids = [draft.id for draft in self._beside()]
        to = ids.index(self.draft) + step
        if 0 <= to < len(ids):
            self.draft = ids[to]
            self.query_one(VerticalScroll).scroll_home(animate=False)
            self.relabel()

    def _beside(self) -> "tuple[Draft, ...]":
        return drafts_of(self.app, f"{pack_of(self.draft)}/")


def drafts_of(app: "TorchproofApp", entry: str) -> "tuple[Draft, ...]":
    """The drafts of an entry, or of a whole pack, "<pack>/"."""
    return tuple(
        draft
        for draft in app.bank.drafts
        if draft.entry == entry or (entry.endswith("/") and draft.entry.startswith(entry))
    )


def draft_parts(app: "TorchproofApp", draft: "Draft") -> Iterator[Block | Content]:
    """A draft as it is read: its heading, its text, where it came from and where to complete it."""
    tr = app.tr
    yield spans(draft.heading).stylize_before("bold")
    yield Content.styled(tr("shell.draft_note"), "$warning")
    try:
        yield from reading(body(draft.file))
    except BankProblem as problem:  # edited or deleted meanwhile
        yield Content.styled(tr.problem(problem), "$error")
    first, last = draft.lines
    came_from = tr("shell.draft_source", source=draft.source, first=first, last=last)
    yield Content.styled(f"{came_from}\n{tr('shell.draft_file', file=draft.file)}", "$muted")


def reading(text: str) -> Iterator[Block | Content]:
    """Somebody's Markdown as blocks: fences of either kind as code, tables line for line."""
    kept: list[str] = []
    kind, fence = "text", ""
    for line in text.split("\n"):
        bare = line.strip()
        mark = bare[: len(bare) - len(bare.lstrip(bare[:1]))] if bare.startswith(("```", "~~~")) else ""
        if fence:
            if bare == mark and mark.startswith(fence):
                yield Block("code", "\n".join(kept))
                kind, kept, fence = "text", [], ""
            else:
                kept.append(line)
            continue
        now = "code" if mark else "table" if bare.startswith("|") else "text"
        if now != kind:
            yield from _made(kind, kept)
            kind, kept, fence = now, [], mark
        if not mark:
            kept.append(line)
    yield from _made(kind, kept)


def _made(kind: str, lines: list[str]) -> Iterator[Block | Content]:
    if kind == "text":
        yield from blocks("\n".join(lines))
    elif kind == "table":
        yield Content("\n".join(lines))
    else:
        yield Block("code", "\n".join(lines))
