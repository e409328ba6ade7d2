"""B36: one word for one thing, in both languages; the words stand in `questions/glossary.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from questions.lint.finding import Finding, folder
from questions.lint.whole import belief_tables
from questions.lint.words import plain
from questions.shapes import Bank, Text

GLOSSARY = Path(__file__).parents[1] / "glossary.toml"


class Term(Struct, frozen=True, forbid_unknown_fields=True):
    """What a thing is called, and what it is not called."""

    en: str
    zh: str
    avoid_zh: tuple[str, ...] = ()
    avoid_en: tuple[str, ...] = ()


class _Glossary(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Term, ...]


@cache
def terms(file: Path = GLOSSARY) -> tuple[Term, ...]:
    """The glossary as it was written."""
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Glossary).terms


def avoided(text: str, lang: str) -> list[tuple[str, str]]:
    """(word, what to write in its place) for every avoided word outside code.

    A word within the chosen term for the same thing is not meant: 组卷积 in 分组卷积.
    """
    shown = plain(text)
    if lang == "en":
        shown = shown.casefold()
    found = []
    pattern, instead = _patterns(lang)
    for word in dict.fromkeys(pattern.findall(shown)):
        term = instead[word]
        if lang == "en" or word in shown.replace(term.zh, "\0"):
            found.append((word, term.zh if lang == "zh" else term.en))
    return found


@cache
def _patterns(lang: str) -> tuple[re.Pattern[str], dict[str, Term]]:
    """One pattern for all avoided words, longest first, and the term that each stands for."""
    instead = {
        word if lang == "zh" else word.casefold(): term
        for term in terms()
        for word in (term.avoid_zh if lang == "zh" else term.avoid_en)
    }
    words = sorted(instead, key=len, reverse=True)
    joined = "|".join(map(re.escape, words))
    # English in whole words, so that "minibatch" in an identifier is left alone
    return re.compile(joined if lang == "zh" else rf"(?<![\w-])(?:{joined})(?![\w-])"), instead


def one_word(bank: Bank) -> Iterator[Finding]:
    """B36: no text of the bank has an avoided word."""
    for file, name, text in _texts(bank):
        for lang in ("zh", "en"):
            for word, better in avoided(text.get(lang), lang):
                yield Finding("B36", "W", file, f"{lang} {name}: '{word}' is called '{better}' here")


def _texts(bank: Bank) -> Iterator[tuple[Path, str, Text]]:
    root = folder(bank)
    for entry in bank.entries.values():
        yield root / "entries.toml", f"{entry.id} title", entry.title
        yield root / "entries.toml", f"{entry.id} summary", entry.summary
    tables = belief_tables(root)
    for belief in bank.misconceptions.values():
        file = tables.get(belief.id, Path("misconceptions.toml"))
        yield file, f"'{belief.id}' name", belief.name
        yield file, f"'{belief.id}' because", belief.because
    for claim in bank.claims.values():
        yield claim.file, "claim", claim.text
        yield claim.file, "why", claim.why
    for question in bank.questions.values():
        yield question.file, "stem", question.stem
        yield question.file, "explanation", question.explain
        yield question.file, "unit", question.unit
        if question.kind != "bug":  # its options are lines of code
            for choice in (*question.options, *question.authored_reasons):
                yield question.file, f"'{choice.id}'", choice.text
