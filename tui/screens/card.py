"""A card: one question, an option and a confidence, then the verdict with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from questions.problems import BankProblem
from tui.answers import ChoiceAnswer, answer_to
from tui.evidence import paragraphs
from tui.guesses import guessed, ratings
from tui.pausing import rest_of
from tui.screens.page import Key, Page
from tui.widgets.bet import Commit, FinalOptions, NumberStake, Stake, outcome_tags, percent, whole_points
from tui.widgets.choices import Menu
from tui.widgets.prose import Prose, spans

if TYPE_CHECKING:
    from labs.catalog import Lab
    from questions.events import Answer
    from questions.grade import Grade
    from questions.shapes import Choice, Question
    from tui.session import Sitting

Phase = Literal["open", "reason", "verdict"]


class Reasons(FinalOptions):
    """The second step of a two-step question."""


class CardScreen(Page):
    """Asks one question. The answer is on disk before anything is revealed.

    `session`: told when the card is done with; without one, going on leads back to where one came from.
    """

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "go_on", "card.key_go_on", keep=True),
        Key("c", "change", "card.key_change", keep=True),
        Key("x", "lab", "card.key_lab"),
        Key("e", "end", "card.key_end", keep=True),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(digit), f"digit({digit})", show=False) for digit in range(10)),
        Binding("full_stop", "type('.')", show=False),
        Binding("minus", "type('-')", show=False),
        Binding("backspace", "rub_out", show=False),
    ]
    AUTO_FOCUS = None
    HELP_KEY = "card.help"
    CSS = """
    CardScreen .code { margin-top: 1; }
    CardScreen Commit { margin-top: 1; }
    CardScreen .reasons { height: auto; margin-top: 1; }
    CardScreen .reasons > .why { height: auto; text-style: bold; }
    CardScreen .verdict { height: auto; margin-top: 1; }
    CardScreen .verdict > * { height: auto; margin-bottom: 1; }
    """

    def __init__(
        self,
        question_id: str,
        *,
        order_seed: int = 0,
        why: str = "",
        session: Sitting | None = None,
    ) -> None:
        super().__init__()
        self.question_id = question_id
        self.order_seed = order_seed
        self.why = why
        self.session = session
        self.phase: Phase = "open"
        self.reason: int | None = None
        self.answer: Answer | None = None
        self.grade: Grade | None = None
        self.guessed = False  # right, but rated as a guess
        # the part last scrolled to, and how far that was
        self._shown_from: tuple[Widget, float] | None = None
        self._since = 0.0  # when it was shown, on the app's clock
        self._made: ChoiceAnswer | None = None
        self.scroll = VerticalScroll(classes="scroll")
        self.stem, self.code, self.commit = Prose(), Prose(classes="code"), Commit()
        self.reasons, self.because, self.offered = Vertical(classes="reasons"), _line("why"), Reasons()
        self.verdict, self.headline, self.leech = Vertical(classes="verdict"), _line(), _line()
        self.belief = _line()
        self.explanation, self.evidence, self.source = Prose(), Prose(), _line()

    # what it is about

    @property
    def given(self) -> ChoiceAnswer:
        """The question, with its numbers drawn, and what has been answered so far."""
        if self._made is None:
            question = self.app.bank.question(self.question_id).drawn(self.order_seed)
            self._made = answer_to(question, self.order_seed)
        return self._made

    @property
    def question(self) -> Question:
        return self.given.question

    @property
    def choices(self) -> list[Choice]:
        return self.given.choices

    @property
    def stake(self) -> Stake:
        return self.given.stake

    @property
    def lab(self) -> Lab | None:
        """The lab that measures this question's claim."""
        evidence = self.question.evidence
        labs = self.app.catalog.labs
        if evidence is not None and evidence.lab in labs:
            return labs[evidence.lab]
        return next((lab for lab in labs.values() if self.question.claim in lab.claims), None)

    # what it shows

    def heading(self) -> str:
        entry = self.app.bank.entries.get(self.question.entry)
        return f"{self.question.claim}  {entry.title.get(self.tr.lang)}" if entry else self.question.claim

    def note(self) -> str:
        return self.session.where(self.tr) if self.session else ""

    def short_note(self) -> str:
        return self.session.briefly(self.tr) if self.session else ""

    def keys(self) -> tuple[Key, ...]:
        go_on, change, lab, end = self.KEYS
        own: list[Key] = []
        if self.phase == "open" and isinstance(self.stake, NumberStake) and not self.stake.answered:
            own.append(go_on._replace(label="card.key_enter" if self.stake.typed else "card.key_dont_know"))
        if self.phase == "open" and self.stake.begun:
            own.append(change)
        if self.phase == "reason":
            own.append(go_on._replace(label="card.key_skip"))
        if self.phase == "verdict":
            own.append(go_on)
            own += [lab] if self.lab else []
        if self.session is not None and self.session.ends_early:
            own.append(end)
        return (*own, *self.EVERYWHERE)

    def body(self) -> ComposeResult:
        self.show()  # filled before they are mounted: the first frame is the card
        with self.scroll:
            yield self.stem
            yield self.code
            yield self.commit
            with self.reasons:
                yield self.because
                yield self.offered
            with self.verdict:
                yield self.headline
                yield self.leech
                yield self.belief
                yield self.explanation
                yield self.evidence
                yield self.source

    def on_mount(self) -> None:
        self._since = self.app.clock()
        self._focus()

    def relabel(self) -> None:
        super().relabel()
        self.show()
        if self._shown_from is not None and self.scroll.scroll_y == self._shown_from[1]:
            # its texts are longer, or shorter
            self.call_after_refresh(self._bring_into_view, self._shown_from[0])

    def show(self) -> None:
        """Draws where the card stands; the language and every other state come from outside the widgets."""
        lang = self.tr.lang
        question = self.question
        stem = question.stem.get(lang)
        self.stem.update(stem)
        code = question.code.strip("\n") if question.code else ""
        if question.kind == "bug":
            code = "\n".join(f"{n:>2}  {line}" for n, line in enumerate(code.split("\n"), 1))
        self.code.update(f"```python\n{code}\n```" if code and code not in stem else "")
        self.code.display = bool(self.code.text)
        self.commit.show(self.tr, self.stake, self.given.labels(lang), question.unit.get(lang))
        self._show_reasons()
        self._show_verdict()
        if self.is_mounted:
            self.say_frame()
            self._focus()

    def _show_reasons(self) -> None:
        asked = self.phase == "reason" or self.reason is not None
        first = asked and not self.reasons.display
        self.reasons.display = asked
        if not asked:
            return
        self.because.update(Content(self.tr("card.because")))
        offered = self.question.reasons(self.order_seed)
        self.offered.set_rows([reason.text.get(self.tr.lang) for reason in offered])
        self.offered.choose(self.reason)
        self.offered.disabled = self.phase != "reason"
        if self.phase == "verdict":
            key = next((n for n, reason in enumerate(offered) if reason.id == self.question.reason_key), None)
            self.offered.tag(outcome_tags(self.tr, key, self.reason))
        if first:
            self.call_after_refresh(self._bring_into_view, self.reasons)

    def _show_verdict(self) -> None:
        first = self.phase == "verdict" and not self.verdict.display
        self.verdict.display = self.phase == "verdict"
        if self.phase != "verdict" or self.grade is None:
            return
        tr, grade = self.tr, self.grade
        self.commit.options.tag(self.given.tags(tr, grade))
        self.headline.update(self._headline(grade))
        found = self.app.bank.misconceptions.get(grade.misconception or "")
        self.belief.display = found is not None
        if found is not None:
            self.belief.update(
                Content.assemble(
                    (tr("card.belief"), "$muted"),
                    spans(found.name.get(tr.lang)).stylize("bold"),
                    "\n",
                    spans(found.because.get(tr.lang)),
                )
            )
        self.leech.display = leech = not grade.ok and self._has_become_a_leech()
        if leech:
            self.leech.update(Content.styled(tr("card.leech_lab" if self.lab else "card.leech"), "$warning"))
        self.explanation.update(self.question.explain.get(tr.lang))
        self.evidence.update("\n\n".join(paragraphs(self.app, self.question, self.lab)))
        self.evidence.display = bool(self.evidence.text)
        self.source.update(Content.styled(tr("card.source", source=self.question.source), "$muted"))
        if first:
            self.call_after_refresh(self._bring_into_view, self.verdict)

    def _has_become_a_leech(self) -> bool:
        from questions.rests import LEECH_RESTS

        rest = rest_of(self.app, self.question.claim)
        return rest is not None and rest.why == "leech" and rest.until == self.app.today() + LEECH_RESTS

    def _focus(self) -> None:
        """Arrow keys go to what can be chosen now, after the verdict to the text."""
        at = {"open": self.commit.options, "reason": self.offered, "verdict": self.scroll}
        at[self.phase].focus(scroll_visible=False)

    def _headline(self, grade: Grade) -> Content:
        """Right or wrong by glyph and word, what honesty earned, and the right option where it was missed."""
        tr, stake = self.tr, self.stake
        if stake.dont_know:
            word, style, said = f"– {tr('card.did_not_know')}", "bold", ""
        else:
            said = tr("card.said", p=percent(stake.p), points=whole_points(grade.points))
            word, style = f"✗ {tr('card.wrong')}", "$error bold"
            if grade.ok:
                word, style = f"✓ {tr('card.right')}", "$success bold"
        headline = Content.assemble((word, style), "   ", (said, "$muted"))
        if self.guessed:
            return Content.assemble(headline, "\n", (tr("card.guess"), "$warning"))
        if grade.ok:
            return headline
        right = self.given.right(tr.lang).stylize_before("bold")
        return Content.assemble(headline, "\n", (tr("card.right_is"), "$muted"), right)

    def _bring_into_view(self, part: Widget) -> None:
        """Scrolls so that the newest part shows, with as much of what is above it as fits."""
        region, height = part.virtual_region, self.scroll.size.height
        top = region.y - 1 if region.height > height else region.bottom - height
        self.scroll.scroll_to(y=max(0, top), animate=False, immediate=True)
        self._shown_from = part, self.scroll.scroll_y

    # what a person does

    def action_digit(self, digit: int) -> None:
        if self.phase == "open":
            self.stake.press(digit)
            self._stake_changed()
        elif self.phase == "reason":
            self._give_reason(digit - 1)

    def on_menu_picked(self, event: Menu.Picked) -> None:
        event.stop()
        if isinstance(event.menu, Reasons):
            self._give_reason(event.index)
        elif self.phase == "open":
            self.stake.pick(event.index)
            self._stake_changed()

    def action_type(self, character: str) -> None:
        if self.phase == "open" and isinstance(self.stake, NumberStake) and self.stake.type(character):
            self.show()

    def action_rub_out(self) -> None:
        stake = self.stake
        if self.phase == "open" and (stake.rub_out() if isinstance(stake, NumberStake) else stake.change()):
            self.show()

    def action_change(self) -> None:
        if self.phase == "open" and self.stake.change():
            self.show()

    def action_go_on(self) -> None:
        if self.phase == "open" and isinstance(self.stake, NumberStake) and not self.stake.answered:
            if not self.stake.enter():
                self.app.say("card.not_a_number", severity="warning")
            self._stake_changed()
        elif self.phase == "reason":
            self.phase = "verdict"
            self.show()
        elif self.phase == "verdict":
            if self.session is not None:
                self.session.card_done(self)
            else:
                self.app.back()

    def action_back(self) -> None:
        if self.session is not None and self.answer is not None:
            self.session.card_done(self, go_on=False)
        self.app.back()

    def action_end(self) -> None:
        if self.session is not None and self.session.ends_early:
            self.session.end()

    def action_lab(self) -> None:
        if self.phase == "verdict" and self.lab is not None:
            self.app.open_lab(self.lab.id)

    def _stake_changed(self) -> None:
        if self.stake.complete:
            self._lock()
        self.show()

    def _lock(self) -> None:
        """Writes the answer, then reveals; where it cannot be written the confidence is asked again."""
        from questions.grade import answered

        stake, question = self.stake, self.question
        pick = self.given.pick()
        before = ratings(self.app, question.claim)
        asked = self.app.fold().tracks[question.claim].asked
        grade, answer = answered(
            question,
            pick,
            stake.p,
            latency_ms=max(0, round(1000 * (self.app.clock() - self._since))),
            lang=self.tr.lang,
            order_seed=self.order_seed,
            variant=sum(times for times, _ in asked.values()),
        )
        try:
            self.answer = self.app.progress.record(answer)
        except BankProblem as problem:
            stake.reopen()
            self.app.problem(problem)
            return
        self.grade = grade
        self.guessed = grade.ok and guessed(self.app, question.claim, before)
        self.phase = "reason" if self.question.kind == "two-step" and pick is not None else "verdict"

    def _give_reason(self, index: int) -> None:
        from questions.events import Reason

        offered = self.question.reasons(self.order_seed)
        if not 0 <= index < len(offered) or self.answer is None or self.phase != "reason":
            return
        reason = offered[index]
        try:
            self.app.progress.record(
                Reason(answer=self.answer.id, option=reason.id, ok=reason.id == self.question.reason_key)
            )
        except BankProblem as problem:
            self.app.problem(problem)
            return
        self.reason = index
        self.phase = "verdict"
        self.show()


def _line(classes: str | None = None) -> Static:
    return Static(classes=classes, markup=False)
