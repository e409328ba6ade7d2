"""B35: both languages offer the same options, show the same code and name the same numbers and identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from questions.lint.finding import Finding, Flaw
from questions.lint.numerals import digits, meant
from questions.lint.words import fences, spans
from questions.shapes import Bank, Question, Text


def same_in_both(question: Question) -> Iterator[Flaw]:
    """B35: code blocks, code spans and numbers of stem, options and explanation agree."""
    yield from _differences("stem", question.stem)
    for choice in (*question.options, *question.authored_reasons):
        if question.kind not in ("band", "bug"):  # those are drawn from numbers, the same in both languages
            yield from _differences(f"'{choice.id}'", choice.text)
    yield from _differences("explanation", question.explain)


def same_in_claims(bank: Bank) -> Iterator[Finding]:
    """B35: the same for claims."""
    for claim in bank.claims.values():
        for name, text in (("claim", claim.text), ("why", claim.why)):
            for rule, level, said in _differences(name, text):
                yield Finding(rule, level, claim.file, said)


def _differences(name: str, text: Text) -> Iterator[Flaw]:
    if text.zh == text.en:
        return
    if [c for _, c in fences(text.zh)] != [c for _, c in fences(text.en)]:
        yield "B35", "W", f"{name}: code blocks differ"
    zh, en = (sorted(set(spans(t))) for t in (text.zh, text.en))
    if zh != en:
        yield "B35", "W", f"{name}: code spans differ: zh {zh}, en {en}"
    for one, other, has, lacks in (("zh", "en", text.zh, text.en), ("en", "zh", text.en, text.zh)):
        if missing := digits(has) - meant(lacks, other):
            yield "B35", "W", f"{name}: {one} has the number {', '.join(sorted(missing))}, {other} has not"
