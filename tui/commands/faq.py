"""`torchproof bank import FILE.md`: a Markdown FAQ made into a pack of drafts, and a list of what fitted into none."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands import FINISHED, Context

if TYPE_CHECKING:
    from questions.faq_file import Faq, Note
    from questions.shapes import Draft
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

MOST_RANGES = 12  # places that are named for one reason


def add_parser(actions: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof bank import`."""
    about = tr("cli.faq_import")
    parser = actions.add_parser("import", help=about, description=about)
    parser.add_argument("file", metavar="FILE", help=tr("cli.faq_file"))
    parser.add_argument("--name", metavar="NAME", help=tr("cli.pack_name"))
    parser.add_argument("--json", action="store_true", help=tr("cli.json"))
    parser.set_defaults(do=_import)


def _import(args: argparse.Namespace, context: Context) -> int:
    from questions import packs
    from questions.faq_pack import LEFTOVERS, import_faq

    home = context.paths.packs
    file = Path(args.file).absolute()
    name = args.name or packs.name_from(file)
    faq, drafts = import_faq(file, home, name, now=datetime.now().astimezone())
    packs.load(home, name, context.paths.cache)  # so that the app finds it read already
    if args.json:
        context.document(_record(name, home / name, faq, drafts))
    else:
        _show(faq, drafts, context)
    if faq.notes:
        context.say("cli.faq_notes")
        for line in _told(faq.notes, context.tr):
            context.note(line)
        context.say("cli.faq_notes_file", file=home / name / LEFTOVERS)
    context.say("cli.faq_imported", drafts=len(drafts), name=name, folder=home / name)
    context.say("cli.faq_next", name=name)
    return FINISHED


def _record(name: str, folder: Path, faq: Faq, drafts: Iterable[Draft]) -> dict[str, object]:
    from questions.faq_file import PLACED

    return {
        "name": name,
        "folder": str(folder),
        "drafts": [
            {
                "id": d.id,
                "entry": d.entry,
                "heading": d.heading,
                "lang": d.lang,
                "lines": d.lines,
                "file": str(d.file),
            }
            for d in drafts
        ],
        "notes": [
            {"why": n.why, "lines": n.lines, "in_a_draft": n.why in PLACED, "text": n.text} for n in faq.notes
        ],
    }


def _show(faq: Faq, drafts: Iterable[Draft], context: Context) -> None:
    """The drafts under their sections, with their lines in the file."""
    from tui.commands import tables

    made = tables.table(("", {"no_wrap": True, "justify": "right"}), "")
    made.show_header = False
    shown = ""
    for draft in drafts:
        if draft.entry != shown:
            shown = draft.entry
            section = faq.sections[int(shown[1:]) - 1]
            title = " / ".join([*section.above, section.title]) if section.title else draft.source
            made.add_row("", title, style="bold")
        made.add_row(f"{draft.lines[0]}–{draft.lines[1]}", draft.heading)
    tables.show(context, made)


def _told(notes: Iterable[Note], tr: Translator) -> list[str]:
    """One line for each reason, with the places it applies to."""
    by_reason: dict[str, list[Note]] = {}
    for note in notes:
        label = tr(f"cli.faq_{note.why.replace('-', '_')}")
        if note.why == "character":
            label = tr("cli.faq_character_named", name=note.text)
        by_reason.setdefault(label, []).append(note)
    return [f"  {reason}{tr('cli.faq_at')}{_places(found, tr)}" for reason, found in by_reason.items()]


def _places(notes: list[Note], tr: Translator) -> str:
    ranges = list(dict.fromkeys(note.lines for note in notes))
    joined: list[tuple[int, int]] = []
    for first, last in ranges:
        if joined and first == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    named = [f"{first}" if first == last else f"{first}–{last}" for first, last in joined[:MOST_RANGES]]
    more = tr("cli.faq_more", count=len(joined) - MOST_RANGES) if len(joined) > MOST_RANGES else ""
    return tr("shell.list_comma").join(named) + more
