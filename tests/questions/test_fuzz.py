"""Damaged files of the bank give a sound question or a BankProblem, nothing else.

`TORCHPROOF_FUZZ=10000 pytest --timeout=0 tests/questions/test_fuzz.py` tries that many damages of each kind.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions import lint
from questions.catalog import BANK, CLAIM_FILE, Bank, load
from questions.claim_file import load_claim
from questions.problems import BankProblem
from questions.question_file import load_question

TRIES = settings(
    max_examples=int(os.environ.get("TORCHPROOF_FUZZ", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PIECES = (
    "+++", "# zh", "# en", "## explain", "## why", "```", "'''", '"""', "[[options]]", "[evidence]", "[[slips]]",
    "[[steps]]", "kind = \"order\"", "kind = \"bug\"", "kind = \"number\"", "kind = \"band\"", "line = 3",
    "value = nan", "value = inf", "value = 1e999", "tolerance = -1", "bands = []", "code = ''", "answer = 1",
    "id = \"\"", "\x00",
    "\x1b[31m", "\u202e", "{size}", "[red]", "{}", "=", "\n", "\r\n", "{ below = 1 }", "template = \"x\"",
    "99999999999",
)  # fmt: skip


@cache
def bank() -> Bank:
    return load()


@cache
def files() -> list[Path]:
    return sorted(BANK.glob("*/*/*.md"))


@st.composite
def damaged(draw: st.DrawFn, paths: tuple[Path, ...]) -> tuple[Path, str]:
    """A file of the bank with up to four pieces cut out, put in or exchanged."""
    path = draw(st.sampled_from(paths))
    text = path.read_text("utf-8")
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 60))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)))
        text = text[:start] + piece + text[start + cut :]
    return path, text


@cache
def of_kind(claims: bool) -> tuple[Path, ...]:
    return tuple(path for path in files() if (path.name == CLAIM_FILE) == claims)


def written(folder: Path, path: Path, text: str) -> Path:
    target = folder / path.relative_to(BANK)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode("utf-8", "surrogatepass"))
    return target


@TRIES
@given(data=st.data())
def test_a_damaged_question_is_sound_or_a_problem(tmp_path: Path, data: st.DataObject) -> None:
    target = written(tmp_path, *data.draw(damaged(of_kind(claims=False))))
    try:
        question = load_question(target, tmp_path, bank().claims, bank().misconceptions)
    except BankProblem as problem:
        assert str(target) in str(problem)
        return
    whole = question.drawn(3)
    assert whole.read(whole.key).ok
    assert 0 < whole.chance <= 1
    assert all(choice.text.zh.strip() and choice.text.en.strip() for choice in whole.choices(1))
    for check in lint.CHECKS:
        list(check(question))


@TRIES
@given(data=st.data())
def test_a_damaged_claim_is_sound_or_a_problem(tmp_path: Path, data: st.DataObject) -> None:
    target = written(tmp_path, *data.draw(damaged(of_kind(claims=True))))
    try:
        claim, _ = load_claim(target)
    except BankProblem as problem:
        assert str(target) in str(problem)
        return
    assert claim.text.zh.strip() and claim.text.en.strip() and claim.why.zh.strip() and claim.why.en.strip()
