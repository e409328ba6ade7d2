"""The bank itself: every question is read, linted and, where it has code, executed."""

from __future__ import annotations

from functools import cache

import flip_keys
import pytest

from questions.catalog import BANK, CLAIM_FILE, Bank, load
from questions.checks import checks
from questions.lint import lint
from questions.problems import BankProblem


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
def outcomes() -> flip_keys.Outcomes:
    return flip_keys.outcomes(real())


@pytest.mark.parametrize("name", [flip_keys.name(check) for check in checks(real())])
def test_code_prints_what_is_said_and_settles_the_key(name: str) -> None:
    check, printed = outcomes()[name]
    assert not isinstance(printed, BankProblem), printed
    assert printed.strip().split("\n") == check.expected.strip().split("\n")
    assert check.agrees(printed)


@cache
def flips() -> flip_keys.Flips:
    return flip_keys.flip(real(), outcomes())


def test_a_flipped_key_is_noticed() -> None:
    """Every key that code settles, replaced by each wrong one in turn: the run of the code must contradict it."""
    assert flips().lived == []
    assert len(flips().settled) > 300
    assert flips().tried > 2 * len(flips().settled)


def test_keys_that_code_does_not_settle_rest_on_a_lab_but_for_a_few_orders() -> None:
    """Those orders are explained by what their code prints, without following from it."""
    left = [real().question(id) for id in flips().unsettled]
    without_lab = [question for question in left if not (question.evidence and question.evidence.lab)]
    assert {question.kind for question in without_lab} <= {"order"}
    assert len(without_lab) <= 0.02 * len(flips().settled)
