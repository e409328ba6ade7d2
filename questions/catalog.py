"""The bank as a whole: every entry, claim, misconception and question under one folder, cross-checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from questions.places import Where, convert, line_of, read, toml
from questions.problems import BankProblem, hint
from questions.question_file import load_question
from questions.shapes import (
    Band,
    Bank,
    Choice,
    Claim,
    Entry,
    Evidence,
    Kind,
    Misconception,
    Question,
    Text,
    Verdict,
)

__all__ = [
    "BANK",
    "Band",
    "Bank",
    "Choice",
    "Claim",
    "Entry",
    "Evidence",
    "Kind",
    "Misconception",
    "Question",
    "Text",
    "Verdict",
    "load",
    "load_question",
]

BANK = Path(__file__).parent / "bank"
Row = TypeVar("Row", Entry, Claim, Misconception)


def load(root: Path = BANK) -> Bank:
    """Reads the bank under `root`. A broken table raises BankProblem; a broken question file is left out and
    told of in `Bank.problems`, so that one slip does not close the shop."""
    entries = _table(root / "entries.toml", "entries", Entry)
    claims = _table(root / "claims.toml", "claims", Claim)
    misconceptions = _table(root / "misconceptions.toml", "misconceptions", Misconception)

    entry_of = {e.id: e for e, _ in entries}
    for claim, where in claims:
        if claim.entry not in entry_of:
            where.unknown("entry", claim.entry, "entries.toml", entry_of)
    claims.sort(key=lambda pair: (entry_of[pair[0].entry].order, pair[0].order, pair[0].id))
    claim_of = {c.id: c for c, _ in claims}
    for claim, where in claims:
        for needed in claim.requires:
            if needed not in claim_of:
                where.unknown("requires", needed, "claims.toml", claim_of)
        if _leads_back(claim.id, claim_of):
            raise BankProblem("requires-circle", file=where.file, line=where.line("requires"), id=claim.id)

    misconception_of = {m.id: m for m, _ in misconceptions}
    questions: dict[str, Question] = {}
    problems: list[BankProblem] = []
    for path in sorted(root.glob("*/**/*.md")):
        if path.name.startswith("."):  # an editor's
            continue
        try:
            question = load_question(path, root, claim_of, misconception_of)
            if question.id in questions:
                line = line_of(read(path).split("\n"), "id")
                other = questions[question.id].file
                raise BankProblem("id-twice", file=path, line=line, id=question.id, other=other)
            questions[question.id] = question
        except BankProblem as problem:
            problems.append(problem)

    by_claim: dict[str, list[Question]] = {c: [] for c in claim_of}
    for question in questions.values():
        by_claim[question.claim].append(question)
    return Bank(
        entries=dict(sorted(entry_of.items(), key=lambda pair: (pair[1].order, pair[0]))),
        claims=claim_of,
        misconceptions=misconception_of,
        questions=questions,
        by_claim={c: tuple(sorted(qs, key=lambda q: (q.difficulty, q.id))) for c, qs in by_claim.items()},
        problems=tuple(problems),
    )


def _table(path: Path, name: str, row: type[Row]) -> list[tuple[Row, Where]]:
    """Rows of `[[name]]` in a TOML file, each with its place; ids must differ."""
    text = read(path)
    lines = text.split("\n")
    table = toml(path, text, 0)
    for key in table:
        if key != name:
            line = line_of(lines, key)
            raise BankProblem("field-unknown", file=path, line=line, field=key, hint=hint(key, [name]))
    rows: list[tuple[Row, Where]] = []
    seen: dict[str, Where] = {}
    given = table.get(name, [])
    if not isinstance(given, list):
        raise BankProblem(
            "field-type", file=path, line=line_of(lines, name), field=name, expected="array", got="table"
        )
    for n, raw in enumerate(given):
        where = Where(path, lines, 0, f"{name}[{n}].")
        value = convert(raw, row, where)
        if value.id in seen:
            other = f"{path.name}:{seen[value.id].line('id')}"
            raise BankProblem("id-twice", file=path, line=where.line("id"), id=value.id, other=other)
        seen[value.id] = where
        rows.append((value, where))
    return rows


def _leads_back(start: str, claims: Mapping[str, Claim]) -> bool:
    seen: set[str] = set()
    ahead = list(claims[start].requires)
    while ahead:
        claim = ahead.pop()
        if claim == start:
            return True
        if claim not in seen and claim in claims:
            seen.add(claim)
            ahead.extend(claims[claim].requires)
    return False
