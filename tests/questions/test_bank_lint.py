"""Each lint rule finds the flaw planted for it, and a sound question has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sample_bank

from questions.catalog import Bank, load
from questions.lint import Finding, lint, main

GOOD = sample_bank.choice("e22-new", "E2.2").replace("answer =", "evidence = {lab = 'x'}\nanswer =")


def findings(tmp_path: Path, text: str) -> list[Finding]:
    root = sample_bank.write_bank(tmp_path)
    path = sample_bank.save(root, text)
    bank = load(root)
    assert not bank.problems, bank.problems
    return [f for f in lint(bank) if f.file == path or "e22-new" in f.text]


def swap(*pairs: tuple[str, str]) -> str:
    text = GOOD
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


KEY_EN, KEY_ZH = "No weight at all", "没有一个变"
WRONG_EN, WRONG_ZH = "Every single weight", "全部都变"
STEM_EN = "In train mode a model only sees a forward pass (e22-new): which weights change?"
STEM_ZH = "题 e22-new：训练模式下只做前向，哪些权重会变？"

PLANTED: list[tuple[str, str, str]] = [
    ("B02", "E", swap((WRONG_EN, "no weight at `all`"))),
    ("B02", "E", swap((WRONG_EN, "No weight at all, nor any bias"))),
    ("B02", "E", swap((WRONG_ZH, "没有一个变化"))),
    ("B03", "E", swap(("Those of batch norm", WRONG_EN))),
    ("B03", "E", swap((STEM_EN, STEM_EN.replace("e22-new", "e22-only")))),
    ("B04", "E", swap((WRONG_EN, "All of the above"))),
    ("B04", "E", swap((WRONG_EN, "Both A and B"))),
    ("B04", "E", swap((WRONG_ZH, "以上都对"))),
    ("B04", "E", swap(("No weight changes: many", "Option B it is: many"))),
    ("B06", "E", swap((KEY_EN, "No weight at all, since nothing but an optimizer step ever writes one"))),
    ("B06", "E", swap((KEY_ZH, "没有一个权重会变，因为只有优化器的步骤才会写权重"))),
    (
        "B07",
        "W",
        swap(
            (KEY_EN, "No weight at all in the whole network"),
            (WRONG_EN, "Every single weight in the network"),
        ),
    ),
    ("B15", "W", swap((KEY_EN, "no weight at all"))),
    ("B15", "W", swap((KEY_ZH, "没有一个变。"))),
    ("B15", "W", swap((KEY_EN, "Exactly 0 weights"))),
    ("B17", "W", swap((STEM_EN, "In train mode a model sees a forward pass: which weights do not change?"))),
    ("B17", "W", swap((STEM_ZH, "训练模式下只做前向，哪些权重不会变？"))),
    ("B18", "E", swap((STEM_EN, "Which of the following statements is true?"))),
    ("B18", "W", swap((STEM_EN, "In train mode a model only sees a forward pass and some weights change."))),
    ("B18", "W", swap((STEM_EN, "Which weights change?"))),
    ("B19", "W", swap((STEM_EN, "word " * 60 + STEM_EN))),
    ("B19", "W", swap((WRONG_EN, "word " * 30))),
    ("B19", "W", swap((STEM_EN, "```python\n" + "x = 1\n" * 16 + "```\n" + STEM_EN))),
    ("B21", "E", swap(('misconception = "forward-trains"\n', ""))),
    ("B21", "E", swap(("no-grad-freezes", "forward-trains"))),
    ("B21", "E", swap((f'en = "{KEY_EN}"\n', f'en = "{KEY_EN}"\nmisconception = "eval-removes"\n'))),
    ("B23", "W", swap((sample_bank.EXPLAIN_EN, "No weight at all."))),
    ("B23", "W", swap((sample_bank.EXPLAIN_EN, "It is as it is, and that is how things are. " * 5))),
    ("B23", "W", swap(("evidence = {lab = 'x'}\n", ""))),
    ("B24", "E", swap((STEM_EN, f"```python\nfor x in:\n```\n{STEM_EN}"))),
    ("B24", "E", swap(("evidence = {lab = 'x'}", "evidence = {code = 'print(', prints = '1'}"))),
    ("B35", "W", swap((WRONG_EN, "Every `weight`"))),
    ("B35", "W", swap((STEM_EN, f"```python\nx = 1\n```\n{STEM_EN}"))),
]


@pytest.mark.parametrize(("rule", "level", "text"), PLANTED)
def test_a_planted_flaw_is_found(tmp_path: Path, rule: str, level: str, text: str) -> None:
    assert (rule, level) in {(f.rule, f.level) for f in findings(tmp_path, text)}


def test_a_sound_question_has_no_finding(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


def test_five_options_are_one_too_many(tmp_path: Path) -> None:
    more = "".join(
        f'[[options]]\nid = "{n}"\nzh = "{n}"\nen = "{n}"\nmisconception = "eval-removes"\n'
        for n in ("x", "y")
    )
    text = swap(("+++\n# zh", f"{more}+++\n# zh"))
    assert ("B05", "W") in {(f.rule, f.level) for f in findings(tmp_path, text)}


def test_a_warning_may_be_waived_with_a_reason_but_an_error_may_not(tmp_path: Path) -> None:
    flawed = swap((KEY_EN, "no weight at all"), ("answer =", 'waive = {B15 = "a name"}\nanswer ='))
    (finding,) = findings(tmp_path, flawed)
    assert (finding.rule, finding.level) == ("B15", "I")
    assert "a name" in finding.text
    flawed = swap((WRONG_EN, "All of the above"), ("answer =", 'waive = {B04 = "a wish"}\nanswer ='))
    assert "E" in {f.level for f in findings(tmp_path, flawed)}


def test_a_negation_that_is_meant_is_said_in_the_file(tmp_path: Path) -> None:
    asked = (STEM_EN, "In train mode a model sees a forward pass: which weights do NOT change?")
    text = swap(asked, ("answer =", "negation = true\nanswer ="))
    assert "B17" not in {f.rule for f in findings(tmp_path, text)}


def without(*removed: str) -> Callable[[Path], Bank]:
    def build(folder: Path) -> Bank:
        root = sample_bank.write_bank(folder)
        for name in removed:
            next(root.glob(f"*/*/{name}.md")).unlink()
        return load(root)

    return build


def test_a_claim_needs_two_questions_of_two_forms_and_one_to_begin_with(tmp_path: Path) -> None:
    found = {(f.level, f.text) for f in lint(without()(tmp_path)) if f.rule == "B01"}
    assert ("E", "claim E2.2 has 1 questions; at least 2") in found
    assert ("E", "claim E1.4 has questions of one kind only (two-step)") in found
    assert ("E", "claim E1.4 has nothing to begin with but two-step questions") in found
    assert not [text for _, text in found if "E1.1" in text]


def test_a_claim_of_sentences_alone_cannot_be_held(tmp_path: Path) -> None:
    texts = [f.text for f in lint(without("e11-left")(tmp_path)) if f.rule == "B01" and f.level == "W"]
    assert any("E1.1" in text for text in texts)


def test_a_misconception_that_tempts_once_could_never_be_cleared(tmp_path: Path) -> None:
    found = [f.text for f in lint(without("e12-prints", "e21-prints", "e14-why", "e14-why-not")(tmp_path))]
    assert "'eval-removes' tempts in 1 questions; at least 2" in found


def test_the_command_fails_only_where_something_must_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = sample_bank.write_bank(tmp_path)
    assert main([str(root)]) == 1
    assert "B01" in capsys.readouterr().out
    for path in root.glob("*/*/*.md"):
        path.unlink()
    assert main([str(root)]) == 0
    (root / "entries.toml").write_text("[[entries]]\nid = 3\n")
    assert main([str(root)]) == 1
    assert "entries.toml:2" in capsys.readouterr().out
