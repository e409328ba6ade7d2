"""A FAQ made into a pack: one folder with a draft for each card, its sections as entries, and what was left over."""

from __future__ import annotations

import json
import re
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from questions import faq_text, packs
from questions.characters import FORBIDDEN
from questions.draft_file import DRAFT_FILE, draft_text
from questions.faq_file import Faq, parse
from questions.shapes import Draft

LEFTOVERS = "leftovers.toml"
_LONGEST_SLUG = 24


def import_faq(file: Path, home: Path, name: str, *, now: datetime) -> tuple[Faq, tuple[Draft, ...]]:
    """Makes the FAQ in `file` the pack `name` in `home`; what it holds, and a draft for each of its cards.

    Raises BankProblem: as `faq_text.read` and `faq_file.parse` do, and for the pack's name.
    """
    packs.check_name(name, home)
    title = _plain(file.stem)
    faq = parse(faq_text.read(file), title, lambda image: _lies_beside(file.parent, image))
    with packs.staging(home) as staged:
        drafts = write(faq, title, _plain(file.name), staged)
        packs.install(staged, home, name, source=str(file), now=now)
    moved = tuple(
        Draft(
            id=d.id,
            entry=d.entry,
            order=d.order,
            heading=d.heading,
            lang=d.lang,
            source=d.source,
            lines=d.lines,
            file=home / name / d.file.relative_to(staged),
        )
        for d in drafts
    )
    return faq, moved


def write(faq: Faq, title: str, source: str, folder: Path) -> tuple[Draft, ...]:
    """Writes the pack of a FAQ into an empty folder. Sections without a heading are called by `title`."""
    entries = [f"# From {source}. Give each title and summary in both languages."]
    for n, section in enumerate(faq.sections, 1):
        words = " / ".join(section.above) or source
        entries += ["", "[[entries]]", f'id = "F{n}"', f"order = {n}"]
        entries += [f"title = {_both(section.title or title)}", f"summary = {_both(words)}"]
    (folder / "entries.toml").write_text("\n".join(entries) + "\n", "utf-8")
    drafts: list[Draft] = []
    taken: set[str] = set()
    for order, card in enumerate(faq.cards, 1):
        id = _id(card.heading, taken)
        entry = f"F{card.section + 1}"
        file = folder / entry / id / DRAFT_FILE
        draft = Draft(
            id=id,
            entry=entry,
            order=order,
            heading=" ".join(card.heading.split()),
            lang=card.lang,
            source=source,
            lines=card.lines,
            file=file,
        )
        file.parent.mkdir(parents=True)
        file.write_text(draft_text(draft, card.body), "utf-8")
        drafts.append(draft)
    (folder / LEFTOVERS).write_text("\n".join(_leftovers(faq, source)), "utf-8")
    return tuple(drafts)


def _leftovers(faq: Faq, source: str) -> list[str]:
    """What stands in no draft, or not as it was meant, in full; too much of it only by line."""
    long = sum(len(note.text) for note in faq.notes) > 60_000
    rows = [f"# Lines of {source} that are in no draft, or not as they were meant.", ""]
    for note in faq.notes:
        rows += ["[[lines]]", f"lines = [{note.lines[0]}, {note.lines[1]}]", f'why = "{note.why}"']
        rows += [f"text = {_quoted(note.text[:80] if long else note.text)}", ""]
    return rows


def _id(heading: str, taken: set[str]) -> str:
    """A folder's name that stays the same when the FAQ is imported again with other headings around this one."""
    words = re.findall("[a-z][a-z0-9]*|[0-9]+(?=[a-z])", heading.lower())
    slug = "-".join(words)[:_LONGEST_SLUG].strip("-") or "q"
    nth = 0
    while True:
        made = sha256(f"{heading} {nth}".encode()).hexdigest()
        id = f"{slug}-{made[:6]}"
        if id not in taken:
            taken.add(id)
            return id
        nth += 1


def _lies_beside(folder: Path, image: str) -> bool:
    """Whether a picture's file is there, in the FAQ's folder or below; nothing elsewhere is looked at."""
    try:
        found = (folder / image).resolve()
        return found.is_relative_to(folder.resolve()) and found.is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _plain(name: str) -> str:
    """A file's name as it may be written down."""
    return " ".join(FORBIDDEN.sub("", name).split()) or "faq"


def _both(text: str) -> str:
    words = _quoted(" ".join(text.split()))
    return f"{{ zh = {words}, en = {words} }}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
