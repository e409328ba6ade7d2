"""The FAQ: entries, their claims with the learner's own standing, and what is known of an answered claim."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from questions.ids import local
from questions.shapes import Draft
from tui import pausing
from tui.evidence import code_and_print
from tui.screens.draft import draft_parts, drafts_of
from tui.screens.page import Key, Page
from tui.standing import standings
from tui.widgets.choices import Menu
from tui.widgets.prose import Block, Prose, blocks, spans, strong

if TYPE_CHECKING:
    from labs.catalog import Lab
    from questions.catalog import Claim
    from questions.mastery import Standing
    from questions.rests import Rest
    from tui.app import TorchproofApp

MARKS = {"unseen": "○", "asked": "◐", "learning": "◐", "holding": "●", "durable": "●"}
STYLES = {
    "unseen": "$muted",
    "asked": "$accent",
    "learning": "$accent",
    "holding": "$success",
    "durable": "$success",
}
VERDICTS = {
    "true": "$success",
    "true-with-conditions": "$success",
    "misleading": "$warning",
    "false": "$error",
}


class FaqScreen(Page):
    """The eight entries, and behind them those of packs."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter,right", "open", "shell.key_open", keep=True),
        Key("p", "pause", "shell.key_pause"),
    )
    HELP_KEY = "shell.help_faq"

    def heading(self) -> str:
        return self.tr("shell.faq")

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll", can_focus=False):
            yield Menu()

    def on_mount(self) -> None:
        self.relabel()
        self.query_one(Menu).focus()

    def on_screen_resume(self) -> None:
        self.relabel()

    def relabel(self) -> None:
        super().relabel()
        lang, found = self.tr.lang, standings(self.app)
        rows = []
        for entry in self.app.bank.entries.values():
            marks = [found[claim.id].state for claim in self.app.bank.claims_of(entry.id)]
            strip = Content.assemble(*((MARKS[mark], STYLES[mark]) for mark in marks))
            drafts = len(drafts_of(self.app, entry.id))
            if drafts:
                gap = "  " if marks else ""
                strip = Content.assemble(strip, gap, (self.tr("shell.drafts", count=drafts), "$muted"))
            elif not marks:
                strip = Content.styled(self.tr("shell.entry_empty"), "$muted")
            if rest := pausing.rest_of(self.app, entry.id):
                said = pausing.rest_short(self.tr, rest, self.app.today())
                strip = Content.assemble(strip, "  ", (said, "$warning"))
            title = Content.assemble((f"{entry.id}  ", "$muted"), entry.title.get(lang), "  ", strip)
            summary = spans(entry.summary.get(lang)).stylize_before("$muted")
            rows.append(Content("\n").join([title, summary]))
        self.query_one(Menu).set_rows(rows)

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        if (entry := self.chosen) is not None:
            self.app.open_page("claims", entry)

    def action_pause(self) -> None:
        if (entry := self.chosen) is not None:
            pausing.pause_or_resume(self.app, entry, self.relabel)

    @property
    def chosen(self) -> str | None:
        """The entry that the cursor is on."""
        entries = list(self.app.bank.entries)
        return entries[self.query_one(Menu).cursor] if entries else None


class ClaimsScreen(Page):
    """The claims of one entry and its drafts; in a wide window the one under the cursor is told of beside the list."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter,right", "open", "shell.key_open", keep=True),
        Key("a", "ask", "shell.key_ask", keep=True),
        Key("p", "pause", "shell.key_pause"),
    )
    HELP_KEY = "shell.help_faq"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    CSS = """
    ClaimsScreen { layout: horizontal; }
    ClaimsScreen .list { width: 1fr; }
    ClaimsScreen .detail { width: 1fr; display: none; }
    ClaimsScreen.-wide .detail, ClaimsScreen.-empty .detail { display: block; }
    ClaimsScreen.-empty .list { display: none; }
    """

    def __init__(self, entry: str) -> None:
        super().__init__()
        self.entry = entry

    def heading(self) -> str:
        return f"{self.entry}  {self.app.bank.entries[self.entry].title.get(self.tr.lang)}"

    @property
    def claims(self) -> "tuple[Claim, ...]":
        return self.app.bank.claims_of(self.entry)

    @property
    def rows(self) -> "tuple[Claim | Draft, ...]":
        """What stands in the list."""
        return (*self.claims, *drafts_of(self.app, self.entry))

    @property
    def chosen(self) -> "Claim | Draft | None":
        """What the cursor is on."""
        rows, cursor = self.rows, self.query_one(Menu).cursor
        return rows[cursor] if cursor < len(rows) else None

    def keys(self) -> tuple[Key, ...]:
        asked = bool(self.claims)  # drafts are not
        return tuple(key for key in super().keys() if asked or key.action not in ("ask", "pause"))  # noqa: SIM118

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll list", can_focus=False):
            yield Menu(hang=len("○ E1.1  "))
        with VerticalScroll(classes="scroll detail", can_focus=False):
            yield Prose()

    def on_mount(self) -> None:
        self.relabel()
        self.query_one(Menu).focus()

    def on_screen_resume(self) -> None:
        self.relabel()

    def relabel(self) -> None:
        super().relabel()
        found = standings(self.app)
        rows = []
        for claim in self.claims:
            state, rest = found[claim.id].state, found[claim.id].rest
            mark = Content.assemble((MARKS[state], STYLES[state]), " ", (local(claim.id), "$muted"), "  ")
            if rest:
                said = pausing.rest_short(self.tr, rest, self.app.today())
                mark = Content.assemble(mark, (f"{said}  ", "$warning"))
            rows.append(mark + spans(claim.text.get(self.tr.lang)))
        for draft in drafts_of(self.app, self.entry):
            rows.append(Content.assemble((f"· {self.tr('shell.draft')}  ", "$muted"), spans(draft.heading)))
        if not rows:
            self.query_one(Prose).update(self.tr("shell.entry_empty"))
        self.query_one(Menu).set_rows(rows)
        self.set_class(not rows, "-empty")
        self._tell()

    def _tell(self) -> None:
        prose = self.query_one(Prose)
        if isinstance(chosen := self.chosen, Draft):
            prose.inline = strong
            prose.update(list(draft_parts(self.app, chosen)))
        elif chosen is not None:
            prose.inline = spans
            prose.update(list(claim_parts(self.app, chosen)))

    def on_menu_moved(self, event: Menu.Moved) -> None:
        event.stop()
        self._tell()

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        self.action_open()

    def action_ask(self) -> None:
        if isinstance(chosen := self.chosen, Draft):
            self.app.say("shell.draft_unasked", severity="warning")
        elif chosen is not None:
            ask(self.app, chosen.id)

    def action_pause(self) -> None:
        if isinstance(chosen := self.chosen, Draft):
            self.app.say("shell.draft_unasked", severity="warning")
        elif chosen is not None:
            pausing.pause_or_resume(self.app, chosen.id, self.relabel)

    def action_open(self) -> None:
        if (chosen := self.chosen) is not None:
            self.app.open_page("draft" if isinstance(chosen, Draft) else "claim", chosen.id)


class ClaimScreen(Page):
    """One claim. What is known of it shows only to a learner who has answered it."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("a", "ask", "shell.key_ask", keep=True),
        Key("enter,right", "lab", "shell.key_lab", keep=True),
        Key("p", "pause", "shell.key_pause"),
    )
    HELP_KEY = "shell.help_faq"
    CSS = """
    ClaimScreen Prose { max-width: 84; }
    """

    def __init__(self, claim: str) -> None:
        super().__init__()
        self.claim = claim

    def heading(self) -> str:
        return self.claim

    def keys(self) -> tuple[Key, ...]:
        lab = bool(labs_on(self.app, self.claim))
        return tuple(key for key in super().keys() if lab or key.action != "lab")  # noqa: SIM118

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="scroll"):
            yield Prose()

    def on_mount(self) -> None:
        self.relabel()

    def on_screen_resume(self) -> None:
        self.relabel()

    def relabel(self) -> None:
        super().relabel()
        self.query_one(Prose).update(list(claim_parts(self.app, self.app.bank.claims[self.claim])))

    def action_ask(self) -> None:
        ask(self.app, self.claim)

    def action_pause(self) -> None:
        pausing.pause_or_resume(self.app, self.claim, self.relabel)

    def action_lab(self) -> None:
        """Open the lab that measures this claim, the first where there are several."""
        if labs := labs_on(self.app, self.claim):
            self.app.open_lab(labs[0].id)


def ask(app: "TorchproofApp", claim: str) -> None:
    """Opens a question on this claim out of turn: nothing is gated."""
    from questions.variants import next_on

    found = next_on(claim, app.fold(), app.today())
    if found is None:
        app.say("shell.claim_unasked", severity="warning")
    else:
        question, seed = found
        app.open_page("card", question.id, order_seed=seed)


def labs_on(app: "TorchproofApp", claim: str) -> "list[Lab]":
    """The labs whose rules measure this claim."""
    return [lab for lab in app.catalog.labs.values() if claim in lab.claims]


def claim_parts(app: "TorchproofApp", claim: "Claim") -> Iterator[Block | Content]:
    """What the learner may know of a claim now."""
    tr, lang = app.tr, app.tr.lang
    stand = standings(app)[claim.id]
    yield spans(claim.text.get(lang)).stylize_before("bold")
    state = Content.assemble((MARKS[stand.state], STYLES[stand.state]), " ", tr(f"shell.state_{stand.state}"))
    if stand.days:
        counts = tr("shell.claim_counts", days=stand.days, right=stand.right)
        state = Content.assemble(state, tr("shell.comma"), counts)
    due = "" if stand.rest else _due(app, stand)
    yield Content("\n").join([state, Content.styled(due, "$muted")]) if due else state
    if stand.rest:
        yield Content.styled(_resting(app, stand.rest), "$warning")
    for name in stand.misconceived:
        if (belief := app.bank.misconceptions.get(name)) is not None:
            yield Content.assemble((tr("shell.misconceived"), "$warning"), spans(belief.name.get(lang)))
            yield from blocks(belief.because.get(lang))
    if stand.state == "unseen":
        yield Content.styled(tr("shell.answer_first"), "$muted")
    else:
        verdict = tr(f"shell.claim_{claim.verdict.replace('-', '_')}")
        yield Content.assemble(
            (tr("shell.claim_verdict"), "$muted"), (verdict, f"{VERDICTS[claim.verdict]} bold")
        )
        yield from blocks(claim.why.get(lang))
        yield from blocks(code_and_print(tr, claim))
        if note := app.pack_code.note(tr, claim):
            yield Content.styled(note, "$warning")
        yield Content.assemble((tr("shell.claim_source"), "$muted"), (claim.source, "$muted"))
    if claim.origin != "stated":
        yield Content.styled(tr(f"shell.claim_{claim.origin}"), "$muted")
    labs = labs_on(app, claim.id)
    if labs:
        titles = tr("shell.list_comma").join(lab.title.get(lang) for lab in labs)
        yield Content.assemble((tr("shell.claim_labs"), "$muted"), titles)


def _resting(app: "TorchproofApp", rest: "Rest") -> str:
    """Why it is not asked, until when, and what to do about it."""
    if rest.until is None:
        return app.tr("shell.rest_asked")
    return app.tr(f"shell.rest_{rest.why}_days", days=(rest.until - app.today()).days)


def _due(app: "TorchproofApp", stand: "Standing") -> str:
    if stand.due is None:
        return ""
    days = (stand.due - app.today()).days
    return app.tr("shell.due_now") if days <= 0 else app.tr("shell.due_in", days=days)
