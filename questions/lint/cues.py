"""What options look like to somebody who knows nothing of the subject: the surface of every list, as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import log
from typing import Literal

from rich.cells import cell_len

from questions.lint.finding import CHOSEN, lists
from questions.lint.options import ABSOLUTE, FORMATS, VAGUE
from questions.lint.words import grams, outside, prose
from questions.shapes import Bank, Choice, Question

# worded: sentences somebody chose. printed: what code prints, whose length and signs are not the author's to choose;
# which wrong outputs stand beside it is. ordered: bands and lines of code, shown in the order they are written in.
Sort = Literal["worded", "printed", "ordered"]
WORDED: tuple[Sort, ...] = ("worded",)
WRITTEN: tuple[Sort, ...] = ("worded", "printed")
EVERY: tuple[Sort, ...] = ("worded", "printed", "ordered")


class Pick:
    """One list to pick from, in one language; `key` is the place of the right text."""

    def __init__(
        self,
        question: Question,
        sort: Sort,
        choices: Sequence[Choice],
        key: str,
        lang: str,
        common: Mapping[str, int],
    ) -> None:
        self.id, self.topic, self.sort, self.lang = question.id, question.entry, sort, lang
        self.stem = prose(question.stem.get(lang))
        self.texts = [choice.text.get(lang) for choice in choices]
        self.key = [choice.id for choice in choices].index(key)
        self._common = common

    @cached_property
    def words(self) -> list[set[str]]:
        """What each option is about. Of printed output everything counts, together with its place in the line."""
        if self.sort == "printed":
            cut = [re.findall(r"[^\s\[\](),]+", text) for text in self.texts]
            return [{f"{place}:{word}" for place, word in enumerate(words)} for words in cut]
        return [grams(text, self.lang) for text in self.texts]

    # Each of these gives every option a number; a bot takes the option with the greatest.

    @cached_property
    def length(self) -> list[float]:
        """Columns on the screen: what the eye sees."""
        return [float(cell_len(text.replace("`", ""))) for text in self.texts]

    @cached_property
    def specific(self) -> list[float]:
        """Numbers, code and names in Latin letters."""
        return [
            float(
                len(re.findall(r"\d+(?:\.\d+)?", text))
                + text.count("`") / 2
                + len(re.findall(r"[A-Z]\w*[A-Z]", text))
            )
            for text in self.texts
        ]

    @cached_property
    def hedged(self) -> list[float]:
        return [float(VAGUE[self.lang](text)) for text in self.texts]

    @cached_property
    def absolute(self) -> list[float]:
        return [float(ABSOLUTE[self.lang](text)) for text in self.texts]

    @cached_property
    def echo(self) -> list[float]:
        """Words of the stem that come again in the option."""
        stem = grams(self.stem, self.lang)
        return [float(len(words & stem)) for words in self.words]

    @cached_property
    def middle(self) -> list[float]:
        """Not the first and not the last, as authored."""
        return [float(0 < n < len(self.texts) - 1) for n in range(len(self.texts))]

    @cached_property
    def usual(self) -> list[float]:
        """How common the option's words are in the bank: the answer a model would find most likely."""
        means = []
        for words in self.words:
            weights = [log(1 + self._common.get(word, 0)) for word in words]
            means.append(round(sum(weights) / len(weights), 6) if weights else 0.0)
        return means

    @cached_property
    def centre(self) -> list[float]:
        """What the option shares with the others: wrong ones are often the key with one thing changed."""
        return [
            round(sum(_alike(mine, words) for m, words in enumerate(self.words) if m != n), 6)
            for n, mine in enumerate(self.words)
        ]

    def shows(self, look: Callable[[str], bool]) -> list[float]:
        return [float(look(text)) for text in self.texts]

    @cached_property
    def surface(self) -> list[list[float]]:
        """All of it for each option: the features of B31."""
        longest, shortest = max(self.length), min(self.length)
        rows = [
            [log(1 + n) for n in self.length],
            [float(n == longest) for n in self.length],
            [float(n == shortest) for n in self.length],
            self.specific,
            self.hedged,
            self.absolute,
            self.echo,
            self.usual,
            self.centre,
            self.middle,
            *(self.shows(look) for _, look in FORMATS),
        ]
        return [list(column) for column in zip(*rows, strict=True)]


def _lists(question: Question) -> Iterator[tuple[Sort, Sequence[Choice], str]]:
    if question.kind in ("band", "bug"):
        yield "ordered", question.options, question.key
    elif question.kind == "output":
        yield "printed", question.options, question.key
    elif question.kind in CHOSEN:
        for _, choices, key in lists(question):
            yield "worded", choices, key


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 0.0


def picks(bank: Bank, lang: str) -> list[Pick]:
    """Every list of the bank in one language. Numbers and orders are made, not picked, and do not count."""
    common: Counter[str] = Counter()
    for question in bank.questions.values():
        for text in (question.stem, *(c.text for c in (*question.options, *question.authored_reasons))):
            common.update(grams(outside(text.get(lang)), lang))
    return [
        Pick(question, sort, choices, key, lang, common)
        for question in bank.questions.values()
        for sort, choices, key in _lists(question)
    ]
