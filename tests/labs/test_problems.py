"""Sentences told back to their keys: that is how the English of the journal reaches a reader of Chinese."""

from string import Formatter

import pytest

from labs.problems import MESSAGES, LabProblem, recognise


def filled(key: str, value: str) -> tuple[str, dict[str, str]]:
    """The sentence and its fields, each field being the value and a number."""
    names = [name for _, name, _, _ in Formatter().parse(MESSAGES[key]) if name]
    fields = {name: f"{value}{i}" for i, name in enumerate(dict.fromkeys(names))}
    return str(LabProblem(key, **fields)), fields


@pytest.mark.parametrize("key", MESSAGES)
def test_every_sentence_is_recognised_with_its_fields(key: str) -> None:
    sentence, fields = filled(key, "/a/b-c_")
    problem = recognise(sentence)
    assert problem is not None
    assert (problem.key, problem.fields) == (key, fields)


@pytest.mark.parametrize("key", MESSAGES)
def test_fields_that_look_like_sentences_leave_the_key_and_lose_no_word(key: str) -> None:
    sentence, _ = filled(key, "Error: no such file (x). Then, {this}\n: ")
    problem = recognise(sentence)
    assert problem is not None
    assert (problem.key, str(problem)) == (key, sentence)


@pytest.mark.parametrize("sentence", ["", "No GPU was found", "Something else went wrong."])
def test_other_sentences_are_not_recognised(sentence: str) -> None:
    assert recognise(sentence) is None
