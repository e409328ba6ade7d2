"""How a question is answered on a card, one class a form: what is staked, the pick it amounts to, what is marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from tui.widgets.bet import NumberStake, OrderStake, Stake, outcome_tags
from tui.widgets.prose import spans

if TYPE_CHECKING:
    from questions.grade import Grade
    from questions.shapes import Question, Text
    from tui.i18n import Translator


class ChoiceAnswer:
    """One of several options: texts, bands, printed lines, lines of code."""

    def __init__(self, question: Question, seed: int) -> None:
        self.question = question
        self.choices = question.choices(seed)
        self.stake = self._stake()

    def _stake(self) -> Stake:
        return Stake(len(self.choices))

    def labels(self, lang: str) -> list[str]:
        return [choice.text.get(lang).rstrip("\n") for choice in self.choices]

    def pick(self) -> str | None:
        """What goes into the log; None for "I don't know"."""
        return None if self.stake.option is None else self.choices[self.stake.option].id

    def tags(self, tr: Translator, grade: Grade) -> Mapping[int, tuple[str, str]]:
        """Marks behind the options once the answer is out."""
        right = next(n for n, choice in enumerate(self.choices) if choice.id == grade.key)
        return outcome_tags(tr, right, self.stake.option)

    def right(self, lang: str) -> Content:
        """The right answer, where it was missed."""
        option = self.question.option(self.question.key)
        text = option.text.get(lang).rstrip("\n") if option else ""
        return spans(f"\n{text}" if "\n" in text else text)  # printed lines stand below each other


class OrderAnswer(ChoiceAnswer):
    """Steps to be put in order."""

    stake: OrderStake

    def _stake(self) -> Stake:
        return OrderStake(len(self.choices))

    def labels(self, lang: str) -> list[str]:
        return [_step(choice.text, lang) for choice in self.choices]

    def pick(self) -> str | None:
        return None if self.stake.dont_know else ">".join(self.choices[n].id for n in self.stake.placed)

    def tags(self, tr: Translator, grade: Grade) -> Mapping[int, tuple[str, str]]:
        order = grade.key.split(">")
        marks = {}
        for n, choice in enumerate(self.choices):
            place = order.index(choice.id) + 1
            given = self.stake.placed.index(n) + 1 if n in self.stake.placed else None
            said = tr(
                "card.step_right" if given in (place, None) else "card.step_wrong", place=place, given=given
            )
            if given is None:
                marks[n] = (said, "$accent")
            else:
                marks[n] = (f"✓ {said}", "$success") if given == place else (f"✗ {said}", "$error")
        return marks

    def right(self, lang: str) -> Content:
        steps = (f"{n}. {_step(step.text, lang)}" for n, step in enumerate(self.question.options, 1))
        return Content("\n").join([Content(""), *map(spans, steps)])


def _step(text: Text, lang: str) -> str:
    """A step that is the same in both languages is code, and shown as code."""
    step = text.get(lang)
    return step if text.zh != text.en or "`" in step else f"`{step.rstrip(',')}`"


class NumberAnswer(ChoiceAnswer):
    """A number to be typed."""

    stake: NumberStake

    def _stake(self) -> Stake:
        return NumberStake(0, blind=self.question.chance)

    def pick(self) -> str | None:
        return None if self.stake.dont_know else self.stake.typed

    def tags(self, tr: Translator, grade: Grade) -> Mapping[int, tuple[str, str]]:
        return {}

    def right(self, lang: str) -> Content:
        question = self.question
        return Content(f"{question.key} {question.unit.get(lang)}".rstrip())


def answer_to(question: Question, seed: int) -> ChoiceAnswer:
    """The way this question is answered, its options shuffled by `seed`."""
    made: dict[str, type[ChoiceAnswer]] = {"number": NumberAnswer, "order": OrderAnswer}
    return made.get(question.kind, ChoiceAnswer)(question, seed)
