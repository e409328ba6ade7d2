"""Every problem is worded in both languages, with the same places to fill."""

from __future__ import annotations

import pickle
import string
import tomllib
from pathlib import Path

import pytest

from questions.problems import MESSAGES, BankProblem

LOCALE = Path(__file__).parents[2] / "tui" / "locale"


def worded(lang: str) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads((LOCALE / lang / "problems.toml").read_text("utf-8"))["questions"]
    return table


def places(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def test_the_english_locale_says_what_the_exception_says() -> None:
    assert worded("en") == MESSAGES


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_fill_the_same_places(key: str) -> None:
    assert places(worded("zh")[key]) == places(MESSAGES[key])


def test_no_wording_is_left_over() -> None:
    assert list(worded("zh")) == list(MESSAGES)


def test_a_problem_survives_the_way_between_processes() -> None:
    problem = BankProblem("toml", file="a.md", line=3, why="odd")
    again = pickle.loads(pickle.dumps(problem))
    assert (str(again), again.key, again.fields) == (str(problem), problem.key, problem.fields)
    assert isinstance(again, ValueError)
