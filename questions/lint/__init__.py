"""Flaws of the bank that a machine can see without running code: `python -m questions.lint [BANK] [--against FILE]`.

Numbers are stable. "E" must be mended, "W" mended or waived in the question's file (`waive = {B07 = "reason"}`), "I"
informs. What a rule looks at stands where it is defined:

    question.py  B17 asks positively   B18 focused   B20 one answer   B23 explained   B28 versions   B34 sourced
    code.py      B24 code parses, settles the key    B25 bands hold   B27 no number of one machine
    screen.py    B19 short enough      B37 fits 80x24
    options.py   B02 one key   B03 no doubles   B04 no positions   B05 how many   B06 B07 length   B11 B12 cue words
                 B15 grammar   B16 format   B21 every wrong one tempts by a belief
    parity.py    B35 both languages say the same
    context.py   B03 twins   B13 clang   B18 about its claim   B22 plausible   B29 leaks
    claims.py    B01 covered   B26 measured   (B23, B24, B34 for claims)
    bots.py      B08 length   B09 B10 positions   B11 B12 B14 B16 over the bank   B30 bots   B31 (model.py) all cues
    whole.py     B32 balance, confusable sets   B33 beliefs   B34 nothing copied   B38 few waivers, none idle
    glossary.py  B36 one word for one thing

B01 also stands for files that cannot be read, which the loader reports.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from questions.catalog import BANK, load
from questions.lint import bots, claims, code, context, glossary, options, parity, question, screen, whole
from questions.lint.finding import Finding, Flaw, Level
from questions.lint.whole import copied
from questions.problems import BankProblem
from questions.shapes import Bank, Question

__all__ = ["BANK_CHECKS", "CHECKS", "Finding", "Flaw", "Level", "copied", "lint", "main"]

CHECKS: tuple[Callable[[Question], Iterator[Flaw]], ...] = (
    options.one_key,
    options.no_doubles,
    options.no_positions,
    options.option_count,
    options.key_length,
    options.cue_words,
    options.same_grammar,
    options.same_format,
    options.refutable,
    question.positive_stem,
    question.focused_stem,
    question.one_answer_form,
    question.explained,
    question.dated,
    question.sourced,
    code.code_parses,
    code.code_decides,
    code.numbers_filled,
    code.bands_hold,
    code.machine_free,
    screen.readable,
    screen.fits,
    parity.same_in_both,
)

BANK_CHECKS: tuple[Callable[[Bank], Iterator[Finding]], ...] = (
    claims.covered,
    claims.argued,
    claims.measured,
    parity.same_in_claims,
    context.twins,
    context.clang,
    context.about_its_claim,
    context.plausible,
    context.leaks,
    glossary.one_word,
    whole.balance,
    whole.mixed_up,
    whole.beliefs,
    bots.surface_cues,
)


def lint(bank: Bank) -> list[Finding]:
    """All findings, errors first. Waived ones become "I" and carry their reason."""
    found = [
        Finding(rule, level, asked.file, text)
        for asked in bank.questions.values()
        for check in CHECKS
        for rule, level, text in check(asked)
    ]
    found += [finding for check in BANK_CHECKS for finding in check(bank)]
    found += whole.waivers(bank, found)
    return sorted(_waived(bank, found), key=lambda f: ("EWI".index(f.level), str(f.file), f.rule, f.text))


def _waived(bank: Bank, found: Iterable[Finding]) -> Iterator[Finding]:
    waive = {asked.file: asked.waive for asked in bank.questions.values()}
    for finding in found:
        reason = waive.get(finding.file, {}).get(finding.rule)
        if reason and finding.level == "W":
            yield replace(finding, level="I", text=f"{finding.text} (waived: {reason})")
        else:
            yield finding


def main(argv: Sequence[str]) -> int:
    """Prints problems and findings; 1 where something must be mended. `--against FILE`: what was copied from it too."""
    parser = argparse.ArgumentParser(prog="python -m questions.lint")
    parser.add_argument("bank", nargs="?", type=Path, default=BANK)
    parser.add_argument("--against", type=Path, metavar="FILE", help="a text that nothing may be copied from")
    asked = parser.parse_args(argv)
    try:
        bank = load(asked.bank)
    except BankProblem as problem:
        print(problem)
        return 1
    found = lint(bank)
    if asked.against is not None:
        found = [*copied(bank, asked.against.read_text("utf-8")), *found]
    for left_out in bank.problems:
        print(f"E {left_out}")
    for finding in found:
        print(finding)
    errors = sum(finding.level == "E" for finding in found) + len(bank.problems)
    print(f"{len(bank.questions)} questions, {errors} errors")
    return int(errors > 0)
