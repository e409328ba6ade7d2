"""The form of a question's or claim's file: TOML between +++ lines, then fixed headings with text below them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from questions.places import MOST_SIGNS, Where, convert, read, toml
from questions.problems import BankProblem

T = TypeVar("T")
Heading = tuple[str, str]  # name of the section, the line that begins it

QUESTION: tuple[Heading, ...] = (
    ("zh", "# zh"),
    ("zh/explain", "## explain"),
    ("en", "# en"),
    ("en/explain", "## explain"),
)
CLAIM: tuple[Heading, ...] = (("zh", "# zh"), ("zh/why", "## why"), ("en", "# en"), ("en/why", "## why"))


def load(path: Path, shape: type[T], headings: Sequence[Heading]) -> tuple[T, Where, dict[str, str]]:
    """The front matter as `shape`, a finder of lines, and the text of each section.

    Raises BankProblem with file and line.
    """
    front, where, lines, start = front_matter(path, shape)
    return front, where, _sections(path, lines, start, headings)


def front_matter(path: Path, shape: type[T]) -> tuple[T, Where, list[str], int]:
    """The front matter as `shape`, a finder of its lines, all lines, and the index of the first behind it.

    Raises BankProblem with file and line.
    """
    lines = read(path).split("\n")
    if lines[0].rstrip() != "+++":
        raise BankProblem("front-matter", file=path, line=1)
    try:
        end = next(n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "+++")
    except StopIteration:
        raise BankProblem("front-matter", file=path, line=len(lines)) from None
    where = Where(path, lines[1:end], 1)
    table = toml(path, "\n".join(where.lines), 1)
    return convert(table, shape, where), where, lines, end + 1


def _sections(path: Path, lines: list[str], start: int, headings: Sequence[Heading]) -> dict[str, str]:
    parts: dict[str, list[str]] = {}
    begins: dict[str, int] = {}
    current: str | None = None
    fence = 0
    for number, line in enumerate(lines[start:], start + 1):
        if line.lstrip().startswith("```"):
            fence = 0 if fence else number
        elif not fence and line.startswith("#"):
            heading = line.rstrip()
            if len(parts) == len(headings) or heading != headings[len(parts)][1]:
                expected = ", ".join(f"'{text}'" for _, text in headings)
                raise BankProblem("heading", file=path, line=number, heading=heading, expected=expected)
            current = headings[len(parts)][0]
            parts[current] = []
            begins[current] = number
            continue
        if current is not None:
            parts[current].append(line.rstrip())
        elif line.strip():
            expected = ", ".join(f"'{text}'" for _, text in headings)
            raise BankProblem("heading", file=path, line=number, heading=line.strip()[:40], expected=expected)
    if fence:
        raise BankProblem("fence", file=path, line=fence)
    texts = {name: "\n".join(part).strip("\n") for name, part in parts.items()}
    for name, _ in headings:
        if not texts.get(name, "").strip():
            raise BankProblem("section-empty", file=path, line=begins.get(name, len(lines)), section=name)
        if len(texts[name]) > MOST_SIGNS:
            raise BankProblem(
                "text-long", file=path, line=begins[name], count=len(texts[name]), most=MOST_SIGNS
            )
    return texts
