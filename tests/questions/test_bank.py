"""The bank itself: every question is read, linted and, where it has code, executed."""

from __future__ import annotations

from functools import cache

import pytest

from questions.catalog import BANK, Bank, Question, load
from questions.execute import printed_by
from questions.lint import lint
from questions.problems import BankProblem


@cache
def real() -> Bank:
    return load(BANK)


def ids() -> list[str]:
    return list(real().questions)


def test_every_question_file_is_read() -> None:
    assert not real().problems
    assert len(real().questions) == len(list(BANK.glob("*/*/*.md")))


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
    assert question.option(question.key) is not None


@cache
def outputs() -> dict[str, tuple[str, str | BankProblem]]:
    """For every piece of code that is said to print something: what it should print, and what it prints."""
    wanted: dict[str, tuple[str, str]] = {}
    for question in real().questions.values():
        if question.code:
            wanted[f"{question.id} (code)"] = (question.code, _right_text(question))
        if question.evidence and question.evidence.code:
            wanted[f"{question.id} (evidence)"] = (question.evidence.code, question.evidence.prints or "")
    said = printed_by([code for code, _ in wanted.values()])
    return {name: (want, out) for (name, (_, want)), out in zip(wanted.items(), said, strict=True)}


def _right_text(question: Question) -> str:
    option = question.option(question.key)
    assert option is not None
    assert option.text.zh == option.text.en  # printed text is the same in both languages
    return option.text.en


def with_code() -> list[str]:
    return [
        f"{q.id} ({part})"
        for q in real().questions.values()
        for part, code in (("code", q.code), ("evidence", q.evidence and q.evidence.code))
        if code
    ]


@pytest.mark.parametrize("name", with_code())
def test_code_prints_what_the_question_says(name: str) -> None:
    want, out = outputs()[name]
    assert not isinstance(out, BankProblem), out
    assert out.strip().split("\n") == want.strip().split("\n")
