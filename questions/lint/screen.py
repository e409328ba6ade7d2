"""B19 and B37: what fits a card in a terminal of 80 columns and 24 lines, and a minute's reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from questions.lint.finding import LANGS, Flaw, lists
from questions.lint.words import CJK, fences, length, outside, prose
from questions.shapes import Question

# The card at 80x24: a margin on each side and the scroll bar leave 77 columns for text. Code is set in by 2, in a
# question about a faulty line by its number as well; an option stands behind "› 1 ( ) ".
TEXT, CODE, NUMBERED, OPTION = 77, 75, 71, 69
# 24 lines without title line, the blank one below it and key bar: what is higher hides an option until one scrolls.
LINES = 21


def readable(question: Question) -> Iterator[Flaw]:
    """B19: a stem of 60 words, options of 25, code of 15 lines and 72 columns at most."""
    for lang, stem_most, option_most in (("zh", 120, 50), ("en", 60, 25)):
        if (n := length(prose(question.stem.get(lang)), lang)) > stem_most:
            yield "B19", "W", f"{lang} stem has {n} words; at most {stem_most}"
        for name, choices, _ in lists(question):
            for choice in choices:
                if (n := length(choice.text.get(lang), lang)) > option_most:
                    yield "B19", "W", f"{lang} {name} '{choice.id}' has {n} words; at most {option_most}"
        for code in _codes(question, lang):
            lines = code.split("\n")
            if len(lines) > 15:
                yield "B19", "W", f"{lang} code has {len(lines)} lines; at most 15"
            if max(map(len, lines)) > 72:
                yield "B19", "W", f"{lang} code is {max(map(len, lines))} columns wide; at most 72"


def fits(question: Question) -> Iterator[Flaw]:
    """B37: stem and options are seen at once, and nothing breaks where it must not."""
    question = question.drawn(0)
    for lang in LANGS:
        stem, options = question.stem.get(lang), [c.text.get(lang) for c in question.options]
        height = _height(stem)
        if question.code and question.code.strip("\n") not in stem:
            height += 1 + question.code.strip("\n").count("\n") + 1
        if options and question.kind != "number":
            height += 1 + sum(len(_broken(line, OPTION)) for text in options for line in text.split("\n"))
        if height > LINES:
            yield "B37", "W", f"{lang}: stem and options take {height} lines at 80x24; at most {LINES}"
        most = NUMBERED if question.kind == "bug" else CODE
        for line in (line for code in _codes(question, lang) for line in code.split("\n")):
            if (n := _cells(line)) > most:
                yield "B37", "W", f"{lang}: a line of code takes {n} columns; at most {most}"
        if question.kind in ("output", "bug"):  # shown as printed or written: a break would change it
            shown = [line for text in options for line in text.replace("`", "").split("\n")]
        else:
            shown = [word for text in (*options, outside(stem)) for word in _words(text)]
        if wide := [piece for piece in shown if _cells(piece) > OPTION]:
            yield "B37", "W", f"{lang}: '{wide[0][:20]}...' takes {_cells(wide[0])} columns; at most {OPTION}"


def _codes(question: Question, lang: str) -> list[str]:
    codes = [code for _, code in fences(question.stem.get(lang))]
    return [code.strip("\n") for code in (*codes, question.code or "") if code.strip()]


def _height(text: str) -> int:
    """Lines of a stem on the card: paragraphs and code with a blank line between them."""
    code = [block.strip("\n").count("\n") + 1 for _, block in fences(text)]
    paragraphs = [p for p in re.split(r"\n\s*\n", prose(text)) if p.strip()]
    lines = [len(_broken(" ".join(p.split("\n")), TEXT)) for p in paragraphs]
    return sum(code) + sum(lines) + len(code) + len(lines) - 1


def _words(text: str) -> list[str]:
    """What a line is not broken within: a Chinese character, or anything else without a space."""
    return re.findall(rf"{CJK}|[^\s\u3000-\u9fff\uff00-\uffef]+|[\u3000-\u303f\uff00-\uffef]|\s+", text)


def _broken(text: str, width: int) -> list[str]:
    """The lines of a paragraph, filled greedily. Close to what the card does, though it knows more about commas."""
    lines = [""]
    for word in _words(text.replace("`", "")):
        if _cells(lines[-1]) + _cells(word.rstrip()) <= width:
            lines[-1] += word
        elif word.strip():
            lines.append(word)
    return lines


@lru_cache(maxsize=50_000)
def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
