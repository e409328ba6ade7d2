"""`torchproof bank add|packs|allow|remove`: questions from elsewhere, whose code runs only where that is allowed."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands import FINISHED, Context, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from questions.lint import Finding
    from questions.packs import Pack
    from questions.shapes import Bank
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

MOST_TOLD = 20  # problems or left-out files that are named one by one


def add_parsers(actions: Subparsers, tr: Translator) -> None:
    """The parsers of what can be done with packs."""
    about = tr("cli.pack_add")
    add = actions.add_parser("add", help=about, description=about)
    add.add_argument("path", metavar="PATH", help=tr("cli.pack_path"))
    add.add_argument("--name", metavar="NAME", help=tr("cli.pack_name"))
    add.add_argument("--allow-code", action="store_true", help=tr("cli.pack_allow_code"))
    add.set_defaults(do=_add)
    about = tr("cli.pack_list")
    listed = actions.add_parser("packs", help=about, description=about)
    listed.add_argument("--json", action="store_true", help=tr("cli.json"))
    listed.set_defaults(do=_list)
    about = tr("cli.pack_allow")
    allow = actions.add_parser("allow", help=about, description=about)
    allow.add_argument("name", metavar="NAME", help=tr("cli.pack_which"))
    allow.set_defaults(do=_allow)
    about = tr("cli.pack_remove")
    remove = actions.add_parser("remove", help=about, description=about)
    remove.add_argument("name", metavar="NAME", help=tr("cli.pack_which"))
    remove.add_argument("--edited", action="store_true", help=tr("cli.pack_edited"))
    remove.set_defaults(do=_remove)


def _add(args: argparse.Namespace, context: Context) -> int:
    """Copies a pack here. Nothing of it stays where it has problems: its author has to mend them."""
    from questions import packs

    tr, home = context.tr, context.paths.packs
    source = Path(args.path).absolute()
    name = args.name or packs.name_from(source)
    now = datetime.now().astimezone()
    bank, left = packs.add(source, home, name, now=now, allow_code=args.allow_code)
    for problem in bank.problems[:MOST_TOLD]:
        context.note(tr.problem(problem))
    if bank.problems:
        raise Failure(tr("cli.pack_not_added", count=len(bank.problems), name=name))
    packs.load(home, name, context.paths.cache)  # so that the app finds it read already
    context.say("cli.pack_added", name=name, **_sizes(bank))
    if left:
        some = tr("shell.list_comma").join(_plain(path) for path in left[:MOST_TOLD])
        context.say("cli.pack_left", count=len(left), files=some + (" …" if len(left) > MOST_TOLD else ""))
    if code := _pieces(bank):
        context.say(
            "cli.pack_code_allowed" if args.allow_code else "cli.pack_code_kept", count=code, name=name
        )
    return FINISHED


def _list(args: argparse.Namespace, context: Context) -> int:
    from questions import packs
    from questions.pack_record import kept

    tr, home = context.tr, context.paths.packs
    found = packs.load_all(home, context.paths.cache)
    if args.json:
        context.document(
            [
                {
                    "name": _plain(Path(pack.name)),
                    "folder": _plain(pack.folder),
                    "source": kept(home, pack.name).source,
                    **_sizes(pack.bank),
                    "code": _pieces(pack.bank),
                    "code_allowed": packs.is_allowed(home, pack.name),
                    "problems": [str(problem) for problem in pack.problems],
                }
                for pack in found
            ]
        )
        return FINISHED
    _show(found, context)
    for pack in found:
        for problem in pack.problems[:MOST_TOLD]:
            context.note(tr.problem(problem))
    context.say("cli.packs_lie" if found else "cli.packs_none", folder=home)
    return FINISHED


def _show(found: Iterable[Pack], context: Context) -> None:
    from questions import packs
    from tui.commands import tables

    tr = context.tr
    made = tables.table(
        (tr("cli.pack_col_name"), {"no_wrap": True}),
        *((tr(f"cli.pack_col_{name}"), {"justify": "right"}) for name in ("entries", "claims", "questions")),
        (tr("cli.pack_col_drafts"), {"justify": "right"}),
        tr("cli.pack_col_code"),
    )
    for pack in found:
        sizes = _sizes(pack.bank)
        code = _pieces(pack.bank)
        if pack.problem is not None:
            state = tr("cli.pack_unread")
        elif not code:
            state = tr("cli.pack_no_code")
        else:
            allowed = packs.is_allowed(context.paths.packs, pack.name)
            state = tr("cli.pack_may_run" if allowed else "cli.pack_may_not_run", count=code)
        made.add_row(_plain(Path(pack.name)), *(str(number) for number in sizes.values()), state)
    if made.rows:
        tables.show(context, made)


def _allow(args: argparse.Namespace, context: Context) -> int:
    """The learner trusts the code of this pack, as it is now."""
    from questions import packs

    home = context.paths.packs
    packs.known(home, args.name)
    pack = packs.load(home, args.name)
    if pack.problem is not None:
        raise pack.problem
    packs.allow(home, args.name, now=datetime.now().astimezone())
    context.say("cli.pack_allowed", name=args.name, count=_pieces(pack.bank))
    return FINISHED


def _remove(args: argparse.Namespace, context: Context) -> int:
    from questions import packs

    packs.remove(context.paths.packs, args.name, edited=args.edited)
    context.say("cli.pack_removed", name=args.name)
    return FINISHED


def draft_findings(bank: Bank, tr: Translator) -> list[Finding]:
    """The drafts of a bank, for `bank check`: for information, since none of them is asked."""
    from questions.lint import Finding

    return [
        Finding("draft", "I", draft.file, tr("cli.draft_found", heading=draft.heading))
        for draft in bank.drafts
    ]


def _sizes(bank: Bank) -> dict[str, int]:
    return {
        "entries": len(bank.entries),
        "claims": len(bank.claims),
        "questions": len(bank.questions),
        "drafts": len(bank.drafts),
    }


def _pieces(bank: Bank) -> int:
    """How many pieces of code `prove --checks` would run."""
    from questions.checks import checks

    return len(checks(bank))


def _plain(path: Path) -> str:
    from questions.characters import visible

    return str(visible(path))
