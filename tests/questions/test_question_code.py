"""Running a question's code in an interpreter of its own."""

from __future__ import annotations

import pytest

from questions.execute import printed, printed_by
from questions.problems import BankProblem


def test_what_is_printed_comes_back_without_the_last_line_end() -> None:
    assert printed("print('a')\nprint('批', 1 + 1)") == "a\n批 2"


def test_an_error_is_a_problem_with_its_last_line() -> None:
    with pytest.raises(BankProblem, match="ZeroDivisionError"):
        printed("1 / 0")


def test_code_that_never_ends_is_stopped() -> None:
    with pytest.raises(BankProblem, match="still running"):
        printed("while True: pass", timeout=0.3)


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(BankProblem, match="/no/python"):
        printed("print(1)", python="/no/python")


def test_many_pieces_run_apart_from_each_other() -> None:
    out = printed_by(["x = 1\nprint(x)", "print(x)", "import sys\nsys.exit(3)", "print('after')", ""])
    assert out[0] == "1"
    assert isinstance(out[1], BankProblem)
    assert "NameError" in str(out[1])
    assert isinstance(out[2], BankProblem)
    assert out[3:] == ["after", ""]
    assert printed_by([]) == []
