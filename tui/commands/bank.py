"""`torchproof bank lint`: flaws in the questions, for those who write them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands import FAILED, FINISHED, Context, Misuse
from tui.commands.parsing import subcommands

if TYPE_CHECKING:
    from questions.lint import Finding
    from questions.shapes import Bank
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

LEVELS = {"E": "error", "W": "warning", "I": "info"}


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof bank`."""
    bank = commands.add_parser("bank", help=tr("cli.bank_about"), description=tr("cli.bank_about"))
    actions = subcommands(bank, tr, "action", title=tr("cli.bank_commands"))
    lint = actions.add_parser("lint", help=tr("cli.bank_lint"), description=tr("cli.bank_lint"))
    lint.add_argument("dir", metavar="DIR", nargs="?", help=tr("cli.bank_dir"))
    lint.add_argument("--json", action="store_true", help=tr("cli.json"))


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof bank ...` asks. Returns the exit code: 1 where an error was found."""
    from questions.catalog import BANK, load
    from questions.lint import lint
    from tui.commands import tables

    tr = context.tr
    root = Path(args.dir) if args.dir else BANK
    if not root.is_dir():
        raise Misuse(tr("cli.bank_no_dir", folder=root))
    bank = load(root)
    found = [*_unread(bank, tr), *lint(bank)]
    errors = sum(finding.level == "E" for finding in found)
    warnings = sum(finding.level == "W" for finding in found)
    if args.json:
        context.document(
            [{"rule": f.rule, "level": LEVELS[f.level], "file": str(f.file), "text": f.text} for f in found]
        )
    elif found:
        made = tables.table(("", {"no_wrap": True}), ("", {"no_wrap": True}), "", "")
        made.show_header = False
        for finding in found:
            level = tr(f"cli.level_{LEVELS[finding.level]}")
            made.add_row(level, finding.rule, _inside(finding.file, root), finding.text)
        tables.show(context, made)
    key = "cli.bank_found" if found else "cli.bank_clean"
    context.say(key, questions=len(bank.questions), claims=len(bank.claims), errors=errors, warnings=warnings)
    return FAILED if errors else FINISHED


def _unread(bank: Bank, tr: Translator) -> list[Finding]:
    """Question files that could not be read, as findings: they are flaws that hide all others."""
    from questions.lint import Finding

    return [
        Finding("B01", "E", Path(str(problem.fields.get("file", ""))), tr.problem(problem))
        for problem in bank.problems
    ]


def _inside(file: Path, root: Path) -> str:
    """The file as seen from the bank's folder."""
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
