"""The bank as a whole: balance, misconceptions, waivers, and whether it copies a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from questions.lint.finding import LANGS, Finding, folder
from questions.lint.words import grams, outside
from questions.shapes import Bank, Claim, Question

FEW = 20  # questions; shares of fewer say nothing
SETS = 3  # of claims that are easily mixed up


def balance(bank: Bank) -> Iterator[Finding]:
    """B32: shares of forms, difficulties and entries; no form makes up more than 55 % of the bank."""
    questions = list(bank.questions.values())
    if len(questions) < FEW:
        return
    where = folder(bank)
    forms = Counter(q.form for q in questions)
    labels = Counter(q.difficulty for q in questions)
    entries = Counter(q.entry for q in questions)
    yield Finding("B32", "I", where, f"forms: {_shares(forms)}")
    yield Finding("B32", "I", where, f"difficulties: {_shares(dict(sorted(labels.items())))}")
    yield Finding("B32", "I", where, f"entries: {_shares(dict(sorted(entries.items())))}")
    for form, n in forms.items():
        if n > 0.55 * len(questions):
            yield Finding("B32", "W", where, f"{n / len(questions):.0%} are of the form {form}; at most 55 %")
    for label, n in labels.items():
        if n > 0.5 * len(questions):
            yield Finding(
                "B32", "I", where, f"{n / len(questions):.0%} have difficulty {label}; at most 50 %"
            )


def mixed_up(bank: Bank) -> Iterator[Finding]:
    """B32: a confusable set has two claims that can be asked, and the bank names three sets to contrast."""
    sets: dict[str, list[Claim]] = {}
    for claim in bank.claims.values():
        if claim.confusable is not None:
            sets.setdefault(claim.confusable, []).append(claim)
    for name, claims in sets.items():
        if len(claims) < 2:
            text = f"claim {claims[0].id} alone is in the confusable set '{name}'; at least 2 claims"
            yield Finding("B32", "E", claims[0].file, text)
        for claim in claims:
            if not bank.by_claim[claim.id]:
                text = f"claim {claim.id} is in the confusable set '{name}' and has no question"
                yield Finding("B32", "W", claim.file, text)
    if len(bank.questions) < FEW:
        return
    if len(sets) < SETS:
        text = f"{len(sets)} confusable sets are named; at least {SETS}"
        yield Finding("B32", "W", folder(bank), text)
    listed = ", ".join(f"{name} ({len(claims)})" for name, claims in sets.items())
    yield Finding("B32", "I", folder(bank), f"confusable sets: {listed or 'none'}")


def _shares(counts: Mapping[Any, int]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {n / total:.0%}" for name, n in counts.items())


def beliefs(bank: Bank) -> Iterator[Finding]:
    """B33: a misconception tempts in two questions, or it could not be cleared, and is refuted in an explanation."""
    tempting: dict[str, list[Question]] = {m: [] for m in bank.misconceptions}
    for question in bank.questions.values():
        for lure in question.lures:
            tempting.setdefault(lure, []).append(question)
    tables = belief_tables(folder(bank))
    for belief, questions in tempting.items():
        file = tables.get(belief, Path("misconceptions.toml"))
        if len(questions) < 2:
            text = f"'{belief}' tempts in {len(questions)} questions; at least 2"
            yield Finding("B33", "W", file, text)
        known = bank.misconceptions.get(belief)
        if questions and known is not None:
            for lang in LANGS:
                said = grams(f"{known.name.get(lang)} {known.because.get(lang)}", lang)
                if not any(len(said & grams(q.explain.get(lang), lang)) >= 2 for q in questions):
                    yield Finding("B33", "W", file, f"'{belief}' is refuted in no {lang} explanation")


def belief_tables(root: Path) -> dict[str, Path]:
    """In which file each misconception stands; nothing for a bank that was made in memory."""
    found: dict[str, Path] = {}
    for table in (root / "misconceptions.toml", *sorted(root.glob("*/misconceptions.toml"))):
        if table.is_file():
            for belief in re.findall(r'^id\s*=\s*"([^"]*)"', table.read_text("utf-8"), re.MULTILINE):
                found.setdefault(belief, table)
    return found


def waivers(bank: Bank, found: Sequence[Finding]) -> Iterator[Finding]:
    """B38: more than two waivers in a hundred questions mean that rules or questions need mending; idle ones go."""
    waived = [(q, rule) for q in bank.questions.values() for rule in q.waive]
    if len(waived) > max(1.0, 0.02 * len(bank.questions)):
        text = f"{len(waived)} waivers in {len(bank.questions)} questions; at most two in a hundred"
        yield Finding("B38", "W", folder(bank), text)
    for question, rule in waived:
        fired = {f.level for f in found if f.rule == rule and f.file == question.file}
        if "W" not in fired:
            why = "an error cannot be waived" if "E" in fired else "nothing to waive"
            yield Finding("B38", "W", question.file, f"waives {rule}: {why}")


# A run of 24 Chinese characters, or of 12 other words, or of both together in that proportion.
RUN = 24


def copied(bank: Bank, text: str) -> Iterator[Finding]:
    """B34: no run of 12 words (24 Chinese characters) of the bank stands in this text."""
    theirs = {run for run, _ in _runs(text)}
    for file, ours in _everything(bank):
        for run, words in _runs(ours):
            if run in theirs:
                yield Finding("B34", "E", file, f"copied: '{words}'")
                break


def _runs(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The shortest run of weight RUN from every word on, and how it reads."""
    found = list(re.finditer(r"[\u3400-\u9fff\uf900-\ufaff]|[A-Za-z0-9_]+", outside(text)))
    words = [match[0].casefold() for match in found]
    weights = [2 if word[0].isascii() else 1 for word in words]
    end, weight = 0, 0
    for start in range(len(words)):
        while weight < RUN and end < len(words):
            weight += weights[end]
            end += 1
        if weight < RUN:
            return
        yield tuple(words[start:end]), outside(text)[found[start].start() : found[end - 1].end()]
        weight -= weights[start]


def _everything(bank: Bank) -> Iterator[tuple[Path, str]]:
    tables = belief_tables(folder(bank))
    for lang in LANGS:
        for claim in bank.claims.values():
            yield claim.file, claim.text.get(lang)
            yield claim.file, claim.why.get(lang)
        for belief in bank.misconceptions.values():
            file = tables.get(belief.id, Path("misconceptions.toml"))
            yield file, belief.name.get(lang)
            yield file, belief.because.get(lang)
        for question in bank.questions.values():
            for text in (question.stem, question.explain):
                yield question.file, text.get(lang)
            for choice in (*question.options, *question.authored_reasons):
                yield question.file, choice.text.get(lang)
