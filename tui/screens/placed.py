"""The end of a placement: what was seen of each entry, how sure that is, and where new claims will begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.screens.page import Key, Page
from tui.widgets.bet import percent
from tui.widgets.prose import Prose
from tui.widgets.table import table

if TYPE_CHECKING:
    from questions.placement import Findings, Found


class PlacedScreen(Page):
    """Enter leads back to Today."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("enter", "back", "card.key_today", keep=True),)
    HELP_KEY = "card.help_placed"

    def __init__(self) -> None:
        super().__init__()
        self.text = Prose()

    def heading(self) -> str:
        return self.tr("card.placed")

    def keys(self) -> tuple[Key, ...]:
        return (*self.KEYS, *self.EVERYWHERE)

    def body(self) -> ComposeResult:
        self.show()
        with VerticalScroll(classes="scroll"):
            yield self.text

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.show()

    def relabel(self) -> None:
        super().relabel()
        self.show()

    def show(self) -> None:
        """Draws what the latest placement says."""
        from questions.placement import INTERVAL, findings

        found, tr = findings(self.app.fold(), self.app.today()), self.tr
        parts = [Content.styled(self._where_to_begin(found), "bold"), *map(Content, self._doubts(found))]
        if found.asked:
            rows = [
                [Content.styled(tr(f"card.placed_{name}"), "$muted") for name in ("entry", "right", "known")]
            ]
            rows += [self._row(row) for row in found.rows]
            parts.append(Content("\n").join(table(rows, max(1, self.app.size.width - 3), flex=0)))
            parts.append(Content.styled(tr("card.placed_about", share=percent(INTERVAL)), "$muted"))
        parts.append(Content.styled(tr("card.placed_open"), "$muted"))
        self.text.update(parts)

    def _where_to_begin(self, found: Findings) -> str:
        tr, begin = self.tr, found.begin
        if begin is None:
            return tr("card.placed_all_met")
        if not found.asked:
            return tr("card.placed_none")
        title = self._named(begin.entry)
        if not begin.asked:
            return tr("card.placed_begin_unasked", entry=title)
        return tr("card.placed_begin", entry=title, right=begin.right, asked=begin.asked)

    def _doubts(self, found: Findings) -> Iterator[str]:
        """How far that can be relied on."""
        from questions.placement import INTERVAL

        tr, begin = self.tr, found.begin
        if begin is None or not begin.asked:
            return
        if begin.known is None:
            yield tr("card.placed_too_few_here")
        elif found.behind:
            quoted = (tr("card.placed_quoted", entry=self._named(entry)) for entry in found.behind)
            titles = tr("shell.list_comma").join(quoted)
            yield tr("card.placed_behind", entries=titles, share=percent(INTERVAL))
        else:
            yield tr("card.placed_overlap")

    def _row(self, row: Found) -> list[Content]:
        tr = self.tr
        known = tr("card.placed_too_few")
        if row.known is not None:
            low, high = row.known
            known = tr("card.placed_range", low=percent(low), high=percent(high))
        right = (
            tr("card.done_of", right=row.right, count=row.asked) if row.asked else tr("card.placed_unasked")
        )
        return [Content(self._named(row.entry)), Content(right), Content(known)]

    def _named(self, entry: str) -> str:
        return self.app.bank.entries[entry].title.get(self.tr.lang)
