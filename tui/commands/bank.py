"""`torchproof bank`: for those who write questions or bring them. `check` looks for flaws and counts, and runs nothing.

What is done with packs stands in `packs`, and with FAQs in `faq`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands import FAILED, FINISHED, Context, Misuse, faq, packs
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
    about = tr("cli.bank_check")
    check = actions.add_parser("check", aliases=["lint"], help=about, description=about)  # lint: its old name
    check.add_argument("path", metavar="PATH", nargs="?", help=tr("cli.bank_path"))
    check.add_argument("--json", action="store_true", help=tr("cli.json"))
    check.set_defaults(do=_check)
    packs.add_parsers(actions, tr)
    faq.add_parser(actions, tr)


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof bank ...` asks. Returns the exit code."""
    code: int = args.do(args, context)
    return code


# --- check


def _check(args: argparse.Namespace, context: Context) -> int:
    """Findings and numbers; 1 where an error was found."""
    from questions.catalog import load
    from questions.lint import lint
    from questions.lint.counts import counts

    root, part = _place(args.path, context.tr)
    bank = load(root)
    every = (*_unread(bank, context.tr), *packs.draft_findings(bank, context.tr), *lint(bank))
    found = [f for f in every if part is None or _lies_in(f.file, part)]
    levels = [finding.level for finding in found]
    errors, warnings = levels.count("E"), levels.count("W")
    if args.json:
        asked = [q for q in bank.questions.values() if part is None or _lies_in(q.file, part)]
        findings = [
            {"rule": f.rule, "level": LEVELS[f.level], "file": str(f.file), "text": f.text} for f in found
        ]
        context.document(
            {
                **counts(bank),
                "findings": findings,
                "errors": errors,
                "warnings": warnings,
                "waivers": sum(len(question.waive) for question in asked),
            }
        )
    else:
        _show(found, root, context)
    what = "found" if errors or warnings else "clean"
    if part is None:
        sizes = {"questions": len(bank.questions), "claims": len(bank.claims)}
        context.say(f"cli.bank_{what}", **sizes, errors=errors, warnings=warnings)
    else:
        context.say(f"cli.bank_part_{what}", part=_inside(part, root), errors=errors, warnings=warnings)
    return FAILED if errors else FINISHED


def _place(given: str | None, tr: Translator) -> tuple[Path, Path | None]:
    """The bank's folder, and the file or folder in it that was asked about, where that is not all of it."""
    from questions.catalog import BANK

    if given is None:
        return BANK, None
    path = Path(given).absolute()
    if not path.exists():
        raise Misuse(tr("cli.bank_no_path", path=given))
    above = [path, *path.parents] if path.is_dir() else list(path.parents)
    root = next((folder for folder in above if (folder / "entries.toml").is_file()), above[0])
    return root, None if path == root else path


def _unread(bank: Bank, tr: Translator) -> Iterator[Finding]:
    """Question files that could not be read, as findings: they are flaws that hide all others."""
    from questions.lint import Finding

    for problem in bank.problems:
        yield Finding("B01", "E", Path(str(problem.fields.get("file", ""))), tr.problem(problem))


def _show(found: list[Finding], root: Path, context: Context) -> None:
    from tui.commands import tables

    if not found:
        return
    made = tables.table(("", {"no_wrap": True}), ("", {"no_wrap": True}), "", "")
    made.show_header = False
    for finding in found:
        level = context.tr(f"cli.level_{LEVELS[finding.level]}")
        made.add_row(level, finding.rule, _inside(finding.file, root), finding.text)
    tables.show(context, made)


def _lies_in(file: Path, part: Path) -> bool:
    return file == part or part in file.parents


def _inside(file: Path, root: Path) -> str:
    """The file as seen from the bank's folder."""
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
