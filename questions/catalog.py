"""The bank as a whole: every entry, claim, misconception and question under one folder, cross-checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from questions.claim_file import load_claim
from questions.draft_file import DRAFT_FILE, load_draft
from questions.places import Where, convert, line_of, read, toml
from questions.problems import BankProblem, hint
from questions.question_file import load_question
from questions.shapes import (
    Band,
    Bank,
    Choice,
    Claim,
    Draft,
    Entry,
    Evidence,
    Kind,
    Misconception,
    Question,
    Text,
    Verdict,
)
from questions.tree import walk

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
CLAIM_FILE = "claim.md"
Row = TypeVar("Row", Entry, Misconception)


def load(root: Path = BANK) -> Bank:
    """Reads the bank under `root`. A broken table raises BankProblem; a broken claim or question file is left out
    and told of in `Bank.problems`, so that one slip does not close the shop."""
    entries = {e.id: e for e, _ in _table(root / "entries.toml", "entries", Entry)}
    problems: list[BankProblem] = []
    files = _files(root, problems)
    misconceptions: dict[str, Misconception] = {}
    for table in (f for f in files if f.name == "misconceptions.toml" and root in f.parents[:2]):
        for row, where in _table(table, "misconceptions", Misconception):
            if row.id in misconceptions:
                raise BankProblem(
                    "id-twice",
                    file=table,
                    line=where.line("id"),
                    id=row.id,
                    other=root / "*/misconceptions.toml",
                )
            misconceptions[row.id] = row

    claims = _claims([f for f in files if f.name == CLAIM_FILE and _deep(f, root) == 3], entries, problems)
    questions: dict[str, Question] = {}
    for path in files:
        if path.suffix != ".md" or path.name in (CLAIM_FILE, DRAFT_FILE) or path.parent == root:
            continue
        try:
            if path.parent.parent.parent == root and not (path.parent / CLAIM_FILE).exists():
                raise BankProblem("claim-missing", file=path.parent / CLAIM_FILE)
            question = load_question(path, root, claims, misconceptions)
            if question.id in questions:
                line = line_of(read(path).split("\n"), "id")
                other = questions[question.id].file
                raise BankProblem("id-twice", file=path, line=line, id=question.id, other=other)
            questions[question.id] = question
        except BankProblem as problem:
            problems.append(problem)

    by_claim: dict[str, list[Question]] = {c: [] for c in claims}
    for question in questions.values():
        by_claim[question.claim].append(question)
    return Bank(
        entries=dict(sorted(entries.items(), key=lambda pair: (pair[1].order, pair[0]))),
        claims=claims,
        misconceptions=misconceptions,
        questions=questions,
        drafts=_drafts([f for f in files if f.name == DRAFT_FILE], root, entries, claims, problems),
        by_claim={c: tuple(sorted(qs, key=lambda q: (q.difficulty, q.id))) for c, qs in by_claim.items()},
        problems=tuple(problems),
    )


def _files(root: Path, problems: list[BankProblem]) -> list[Path]:
    """All files of the bank in order; a link, which may lead anywhere, goes into `problems` in place of what it is
    a link to."""
    files: list[Path] = []
    try:
        for entry in walk(root):
            if entry.is_symlink():
                problems.append(BankProblem("link", file=Path(entry.path)))
            elif entry.name.endswith((".md", ".toml")):
                files.append(Path(entry.path))
    except OSError as error:
        raise BankProblem("unreadable", file=error.filename, why=error.strerror or error) from None
    return sorted(files)


def _deep(path: Path, root: Path) -> int:
    """In how many folders below the bank's parent a file lies: 1 in the bank's own."""
    return len(path.parts) - len(root.parts)


def _claims(
    files: Sequence[Path], entries: Mapping[str, Entry], problems: list[BankProblem]
) -> dict[str, Claim]:
    """All claims in the order of teaching; what is wrong with others goes into `problems`."""
    found: list[tuple[Claim, Where]] = []
    met: dict[str, Path] = {}
    for path in files:
        try:
            claim, where = load_claim(path)
            if claim.entry not in entries:
                near = hint(claim.entry, entries)
                raise BankProblem("unknown-entry", file=path, id=claim.entry, hint=near)
            if claim.id in met:
                line = where.line("id")
                raise BankProblem("id-twice", file=path, line=line, id=claim.id, other=met[claim.id])
            met[claim.id] = path
            found.append((claim, where))
        except BankProblem as problem:
            problems.append(problem)
    found.sort(key=lambda pair: (entries[pair[0].entry].order, pair[0].order, pair[0].id))
    claims = {claim.id: claim for claim, _ in found}
    for claim, where in found:
        try:
            for needed in claim.requires:
                if needed not in claims:
                    where.unknown("requires", needed, "the folders of the bank", claims)
            if _leads_back(claim.id, claims):
                raise BankProblem(
                    "requires-circle", file=where.file, line=where.line("requires"), id=claim.id
                )
        except BankProblem as problem:
            problems.append(problem)
            claims[claim.id] = replace(claim, requires=())
    return claims


def _drafts(
    files: Sequence[Path],
    root: Path,
    entries: Mapping[str, Entry],
    claims: Mapping[str, Claim],
    problems: list[BankProblem],
) -> tuple[Draft, ...]:
    """The drafts that no claim stands beside yet, in order."""
    found: list[Draft] = []
    met: dict[str, Path] = {}
    for path in files:
        try:
            if _deep(path, root) != 3:
                raise BankProblem("draft-folder", file=path)
            draft = load_draft(path)
            if draft.entry not in entries:
                near = hint(draft.entry, entries)
                raise BankProblem("unknown-entry", file=path, id=draft.entry, hint=near)
            if draft.id in met:
                raise BankProblem("id-twice", file=path, line=1, id=draft.id, other=met[draft.id])
            met[draft.id] = path
            if draft.id not in claims:
                found.append(draft)
        except BankProblem as problem:
            problems.append(problem)
    return tuple(sorted(found, key=lambda draft: (entries[draft.entry].order, draft.order, draft.id)))


def _table(path: Path, name: str, row: type[Row]) -> list[tuple[Row, Where]]:
    """Rows of `[[name]]` in a TOML file, each with its place; ids must differ."""
    if path.is_symlink():
        raise BankProblem("link", file=path)
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
