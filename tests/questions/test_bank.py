"""The bank itself: every question is read, linted and, where it has code, executed."""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace

from questions.catalog import BANK, CLAIM_FILE, Bank, load
from questions.checks import Check, checks, checks_of, run
from questions.lint import lint
from questions.problems import BankProblem
from questions.shapes import Question


@cache
def real() -> Bank:
    return load(BANK)


def ids() -> list[str]:
    return list(real().questions)


def test_every_question_file_is_read() -> None:
    assert not real().problems
    files = [path for path in BANK.glob("*/*/*.md") if path.name != CLAIM_FILE]
    assert len(real().questions) == len(files)


def test_there_are_eight_entries() -> None:
    assert list(real().entries) == [f"E{n}" for n in range(1, 9)]


def test_the_lint_finds_nothing_that_must_be_mended() -> None:
    assert [str(f) for f in lint(real()) if f.level == "E"] == []


def test_every_claim_of_an_entry_with_content_has_questions_of_two_forms() -> None:
    live = {q.entry for q in real().questions.values()}
    assert "E1" in live
    for claim in real().claims.values():
        if claim.entry in live:
            assert len({q.kind for q in real().by_claim[claim.id]}) >= 2, claim.id


@pytest.mark.parametrize("question_id", ids())
def test_a_question_is_complete_in_both_languages(question_id: str) -> None:
    question = real().question(question_id)
    for text in (question.stem, question.explain, *(c.text for c in question.options)):
        assert text.zh.strip()
        assert text.en.strip()
    assert question.drawn(1).read(question.drawn(1).key).ok


@cache
def outcomes() -> dict[str, tuple[Check, str | BankProblem]]:
    """Every check, and what its code printed."""
    return {f"{check.id} ({check.part})": (check, printed) for check, printed in run(checks(real()))}


@pytest.mark.parametrize("name", [f"{check.id} ({check.part})" for check in checks(real())])
def test_code_prints_what_is_said_and_settles_the_key(name: str) -> None:
    check, printed = outcomes()[name]
    assert not isinstance(printed, BankProblem), printed
    assert printed.strip().split("\n") == check.expected.strip().split("\n")
    assert check.agrees(printed)


def flipped(question: Question) -> list[Question]:
    """The question with each wrong key it could have: other options, other bands, another number or order."""
    match question.kind:
        case "number":
            wrong = [slip.value for slip in question.slips]
            return [replace(question, value=value, key=f"{value:.12g}") for value in wrong]
        case "order":
            order = question.key.split(">")
            swapped = [[*order[:n], order[n + 1], order[n], *order[n + 2 :]] for n in range(len(order) - 1)]
            return [replace(question, key=">".join(steps)) for steps in swapped]
        case _:
            return [replace(question, key=o.id) for o in question.options if o.id != question.key]


def test_a_flipped_key_is_noticed() -> None:
    """Every key that code settles, replaced by each wrong one in turn: the run of the code must contradict it."""
    lived: list[str] = []
    anew: list[Check] = []
    tried = 0
    for question in real().questions.values():
        for wrong in flipped(question) if question.template is None else ():
            for check in checks_of(wrong):
                if not check.settles:
                    continue
                tried += 1
                printed = outcomes()[f"{check.id} ({check.part})"][1]
                if question.kind in ("bug", "order"):
                    anew.append(check)  # the key is part of the code, so that other code must run
                elif isinstance(printed, str) and check.agrees(printed):
                    lived.append(f"{question.id}: {wrong.key}")
    for check, printed in run(anew):
        if isinstance(printed, str) and check.agrees(printed):
            lived.append(f"{check.id}: {check.question and check.question.key}")
    assert tried
    assert lived == []
