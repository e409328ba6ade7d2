"""What Today shows: the plan, the eight entries with a mark for each claim, the labs that run or are done."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.i18n import Translator
from tui.widgets.prose import lines
from tui.widgets.table import ends, pad

Mark = Literal["holding", "learning", "unseen", "empty"]
GLYPHS: dict[Mark, str] = {"holding": "●", "learning": "◐", "unseen": "○", "empty": "·"}
STYLES: dict[Mark, str] = {
    "holding": "$success",
    "learning": "$accent",
    "unseen": "$muted",
    "empty": "$muted",
}
WORDS = 26  # cells kept at least for the words behind the marks, so that the marks of all entries line up
WIDEST = 100  # cells between which a line's two ends are still read as one line


class EntryLine(NamedTuple):
    """One entry of the FAQ: a mark for each of its claims, in order, how many are due, how many labs it has."""

    id: str
    title: str
    marks: tuple[Mark, ...]
    due: int = 0
    labs: int = 0


class LabLine(NamedTuple):
    """A lab that runs: its title, per cent done, seconds left (None: nobody knows yet)."""

    title: str
    percent: int
    eta_s: int | None


class PlanLine(NamedTuple):
    """Today's cards: minutes planned, how many of them are due and new, minutes tomorrow. Cards that are neither are
    labs on what was missed.

    left: cards still to come of a session that was begun, None before one begins.
    """

    minutes: int = 0
    due: int = 0
    new: int = 0
    cards: int = 0
    tomorrow: int = 0
    left: int | None = None
    more: bool = False  # nothing is planned, but there is something to go on with
    fresh: bool = False  # nothing was ever answered
    idle: bool = False  # nothing was answered today


class Offer(NamedTuple):
    """A placement that may be begun or gone on with. asked: None before it is begun."""

    asked: int | None
    most: int  # questions
    minutes: int


class Overview(NamedTuple):
    """Everything Today shows, in one language. plan: None until it has been worked out."""

    plan: PlanLine | None = None
    entries: tuple[EntryLine, ...] = ()
    running: tuple[LabLine, ...] = ()
    waiting: tuple[str, ...] = ()  # titles of labs whose result has not been read
    lost: int = 0  # runs whose worker is gone
    offer: Offer | None = None


def board(view: Overview, tr: Translator, width: int, height: int) -> list[Content]:
    """The lines of Today, each at most `width` cells; blank lines and headings go where `height` is short."""
    width = min(width, WIDEST)
    head = [*_plan_lines(view.plan, tr, width), *_offer_lines(view.offer, tr, width)]
    low = [*_plan_lines(view.plan, tr, width, view.offer)]  # the same in fewer lines
    labs = list(_lab_lines(view, tr, width))
    said = [_counts(entry, tr) for entry in view.entries]
    words = max(WORDS, *map(cell_len, said)) if said else WORDS
    entries = [
        _entry_line(entry, counts, words, width) for entry, counts in zip(view.entries, said, strict=True)
    ]
    blank = Content("")
    marks: tuple[Mark, ...] = ("holding", "learning", "unseen")
    legend = Content("  ").join(
        Content.assemble((GLYPHS[mark], STYLES[mark]), (f" {tr(f'shell.mark_{mark}')}", "$muted"))
        for mark in marks
    )
    heading = ends(Content.styled(tr("shell.entries"), "$muted"), legend, width)
    lab_heading = Content.styled(tr("shell.labs"), "$muted")
    if not entries:
        full = [blank, *head, blank, *labs]
        return full if len(full) <= height else [*low, *labs]
    roomy = [blank, *head, blank, heading, *entries, blank, lab_heading, *labs]
    if len(roomy) <= height:
        return roomy
    dense = [*head, blank, *entries, *([blank, *labs] if view.running or view.waiting or view.lost else [])]
    if len(dense) <= height:
        return dense
    return [*low, *(labs if view.running or view.waiting or view.lost else []), *entries]


def _offer_lines(offer: Offer | None, tr: Translator, width: int) -> Iterator[Content]:
    if offer is not None:
        key = "shell.offer" if offer.asked is None else "shell.offer_go_on"
        text = tr(key, asked=offer.asked, most=offer.most, minutes=offer.minutes)
        yield from lines(Content.assemble(*_key("t", text), "  ", *_key("n", tr(_no(offer)))), width)


def _no(offer: Offer) -> str:
    return "shell.offer_end" if offer.asked else "shell.offer_no"


def _key(key: str, text: str) -> tuple[tuple[str, str], str, tuple[str, str]]:
    return (key, "$key bold"), " ", (text, "$accent")


def _plan_lines(
    plan: PlanLine | None, tr: Translator, width: int, offer: Offer | None = None
) -> Iterator[Content]:
    """offer: a placement to name in the line of keys."""
    if plan is None:
        yield Content.styled(tr("shell.reading"), "$muted").truncate(width, ellipsis=True)
        return
    if plan.left is not None:
        headline, hint = tr("shell.plan_left", count=plan.left), "shell.enter_continue"
    elif plan.cards:
        parts = [
            tr(f"shell.plan_{name}", count=count)
            for name, count in (
                ("due", plan.due),
                ("new", plan.new),
                ("labs", plan.cards - plan.due - plan.new),
            )
            if count
        ]
        headline = tr("shell.plan", minutes=plan.minutes, what=tr("shell.comma").join(parts))
        hint = "shell.enter_first" if plan.fresh and width >= 60 else "shell.enter_start"
    elif plan.fresh:
        headline, hint = tr("shell.plan_empty"), ""
    else:
        name = "plan_free" if plan.idle else "plan_done"
        headline = tr(f"shell.{name}" if plan.tomorrow else f"shell.{name}_nothing", minutes=plan.tomorrow)
        hint = "shell.enter_more" if plan.more else ""
    yield from lines(Content.styled(headline, "bold"), width)
    if offer is not None and hint == "shell.enter_first":
        hint = "shell.enter_start"
    keys = [Content.assemble(*_key("enter", tr(hint)))] if hint else []
    if offer is not None:
        keys += [Content.assemble(*_key("t", tr("shell.key_placement")))]
        keys += [Content.assemble(*_key("n", tr(_no(offer))))]
    if keys:
        yield from lines(Content("  ").join(keys), width)


def _counts(entry: EntryLine, tr: Translator) -> str:
    """How the entry stands, in words."""
    asked = [mark for mark in entry.marks if mark != "empty"]
    if not asked:
        return tr("shell.entry_labs_only" if entry.labs else "shell.entry_empty", count=entry.labs)
    counts = [
        tr(f"shell.count_{name}", count=count)
        for name, count in (
            ("due", entry.due),
            ("holding", asked.count("holding")),
            ("learning", asked.count("learning")),
        )
        if count
    ]
    return tr("shell.comma").join(counts) or tr("shell.count_new", count=len(asked))


def _entry_line(entry: EntryLine, counts: str, words: int, width: int) -> Content:
    """`counts` stand in `words` cells."""
    behind = Content.styled(counts, "$muted")
    if width >= 60:
        behind = pad(behind, words)
    if all(mark == "empty" for mark in entry.marks):
        return ends(Content.assemble((f"{entry.id}  ", "$muted"), (entry.title, "$muted")), behind, width)
    title = Content.assemble((f"{entry.id}  ", "$muted"), entry.title)
    strip = _strip(entry.marks)
    return ends(title, Content.assemble(strip, "  ", behind) if width >= 60 else strip, width)


def _strip(marks: Sequence[Mark]) -> Content:
    return Content.assemble(*((GLYPHS[mark], STYLES[mark]) for mark in marks))


def _lab_lines(view: Overview, tr: Translator, width: int) -> Iterator[Content]:
    for lab in view.running:
        left = time_left(tr, lab.eta_s)
        right = Content.assemble((f"{lab.percent}%", "bold"), (f"  {left}" if left else "", "$muted"))
        yield ends(Content.assemble(("▸ ", "$accent bold"), lab.title), right, width)
    for title in view.waiting:
        yield ends(Content.assemble(("✓ ", "$success bold"), title), Content(tr("shell.result_waits")), width)
    if view.lost:
        yield Content.styled(tr("shell.runs_lost", count=view.lost), "$warning").truncate(
            width, ellipsis=True
        )
    if not (view.running or view.waiting or view.lost):
        yield Content.styled(tr("shell.no_lab_runs"), "$muted").truncate(width, ellipsis=True)


class Board(Widget):
    """Draws an `Overview`."""

    DEFAULT_CSS = """
    Board { height: auto; width: 1fr; text-wrap: nowrap; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.view = Overview()
        self.tr: Translator | None = None

    def show(self, view: Overview, tr: Translator) -> None:
        """Draw this; where only numbers changed no layout is made."""
        layout = len(view.entries) != len(self.view.entries) or len(self._lines(self.view)) != len(
            self._lines(view, tr)
        )
        changed = (view, tr) != (self.view, self.tr)
        self.view, self.tr = view, tr
        if changed:
            self.refresh(layout=layout)

    def _lines(self, view: Overview, tr: Translator | None = None, width: int | None = None) -> list[Content]:
        tr = tr or self.tr
        if tr is None:
            return []
        parent = self.parent
        height = parent.size.height if isinstance(parent, Widget) and parent.size.height else 24
        return board(view, tr, width or self.size.width or 80, height)

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.view))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(self.view, width=width))


def time_left(tr: Translator, seconds: float | None) -> str:
    """ "12 s left", "3 min left"; nothing where nobody knows, or where it is as good as over."""
    if seconds is None or seconds < 1:
        return ""
    if seconds < 100:
        return tr("shell.seconds_left", seconds=round(seconds))
    return tr("shell.minutes_left", minutes=round(seconds / 60))
