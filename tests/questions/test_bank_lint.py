"""Each lint rule finds the flaw planted for it in one file, names that file, and leaves a sound bank alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from questions.catalog import load
from questions.lint import Finding, Level, copied, lint, main
from questions.lint.code import bands_hold
from questions.lint.question import sourced

SOUND = Path(__file__).parent / "sound_bank"  # one question of every form, and nothing to mend
E11, E12 = "E1/E1.1/claim.md", "E1/E1.2/claim.md"
CHOICE, TWO_STEP, OUTPUT, BAND, BUG = (
    f"E1/E1.1/e11-{name}.md" for name in ("which", "why", "prints", "left", "faulty")
)
NUMBER, ORDER, GENERATED = (f"E1/E1.2/e12-{name}.md" for name in ("after", "steps", "drawn"))
BELIEFS, ENTRIES = "E1/misconceptions.toml", "entries.toml"

KEY_EN, KEY_ZH = 'en = "The buffers of batch norm"', 'zh = "批归一化的缓冲区"'
WRONG_EN, WRONG_ZH = 'en = "The weights of the convolution"', 'zh = "卷积层的权重"'
OTHER_EN = 'en = "No tensor of the network"'
ASKED_EN = "What in it differs afterwards?"
STEM_EN = f"A convolutional network in training mode makes one forward pass under `no_grad()`. {ASKED_EN}"
STEM_ZH = "一个卷积网络处于训练模式，在 `no_grad()` 下前向传播一次。之后网络里的什么变了？"
EXPLAIN_EN = (SOUND / CHOICE).read_text("utf-8").split("## explain\n")[2].strip()
EVIDENCE = "[evidence]" + (SOUND / E11).read_text("utf-8").split("[evidence]")[1].split("+++\n# zh")[0]
IDLE = """[[misconceptions]]
id = "idle"
name = {zh = "闲", en = "Idle"}
because = {zh = "闲", en = "Idle"}

"""
ANSWER = 'answer = "buffers"'

Swap = tuple[str, str]
PLANTED: list[tuple[str, Level, str, list[Swap]]] = [
    # a key
    ("B02", "E", CHOICE, [(WRONG_EN, 'en = "the buffers of `batch norm`"')]),
    ("B02", "E", CHOICE, [(WRONG_EN, 'en = "The buffers of batch norm and its weights"')]),
    ("B02", "E", CHOICE, [(WRONG_ZH, 'zh = "批归一化的缓冲区和权重"')]),
    ("B02", "E", ORDER, [('en = "Move the buffer a step"', 'en = "Take the mean of the batch"')]),
    ("B03", "E", CHOICE, [(OTHER_EN, WRONG_EN)]),
    ("B03", "E", NUMBER, [("value = 0\n", "value = 4.505\n")]),
    ("B03", "E", BAND, [("{ below = 70 }", "{ below = 70, label = { zh = '低于 30%', en = 'below 30%' } }")]),
    ("B04", "E", CHOICE, [(WRONG_EN, 'en = "All of the above"')]),
    ("B04", "E", CHOICE, [(WRONG_EN, 'en = "Both A and B"')]),
    ("B04", "E", CHOICE, [(WRONG_ZH, 'zh = "以上都对"')]),
    ("B04", "E", CHOICE, [("The weights are the same", "Option B is the same")]),
    ("B04", "E", CHOICE, [(STEM_EN, f"{STEM_EN} Do not pick the first option. What is it?")]),
    ("B05", "W", CHOICE, [("[evidence]", '[[options]]\nid="x"\ntext="X"\n[[options]]\nid="y"\ntext="Y"\n[evidence]')]),
    ("B06", "E", CHOICE, [(KEY_EN, 'en = "The buffers of batch norm, which each batch moves a step further on"')]),
    ("B06", "E", CHOICE, [(KEY_ZH, 'zh = "批归一化的缓冲区，每个批次都会把它们挪动一步"')]),
    ("B07", "W", CHOICE, [
        (KEY_EN, 'en = "The buffers that its own batch norm keeps"'),
        (OTHER_EN, 'en = "No tensor in it at all"'),
    ]),
    ("B11", "W", CHOICE, [(KEY_EN, 'en = "Only buffers of batch norm"')]),
    ("B11", "W", CHOICE, [(WRONG_ZH, 'zh = "所有权重"'), ('zh = "网络里没有东西"', 'zh = "网络里任何东西"')]),
    ("B12", "W", CHOICE, [(KEY_EN, 'en = "Usually the batch norm buffers"')]),
    ("B13", "E", CHOICE, [(KEY_EN, 'en = "The buffers under `no_grad()`"'), (OTHER_EN, 'en = "No tensor at all"')]),
    ("B13", "W", CHOICE, [(KEY_EN, 'en = "The buffers that stay afterwards"'), (OTHER_EN, 'en = "No tensor at all"')]),
    ("B15", "W", CHOICE, [(KEY_EN, 'en = "the buffers of batch norm"')]),
    ("B15", "W", CHOICE, [(KEY_ZH, 'zh = "批归一化的缓冲区。"')]),
    ("B15", "W", CHOICE, [(KEY_EN, 'en = "Averaging buffers of batch norm"')]),
    ("B16", "W", CHOICE, [(KEY_EN, 'en = "The 3 buffers of batch norm"')]),
    ("B16", "W", CHOICE, [(KEY_EN, 'en = "The `buffers` of batch norm"')]),
    ("B16", "W", CHOICE, [(KEY_EN, 'en = "The (few) buffers of it"')]),
    ("B16", "W", CHOICE, [(KEY_EN, 'en = "In batch norm, the buffers"')]),
    ("B21", "E", CHOICE, [('misconception = "forward-trains"\n', "")]),
    ("B21", "E", CHOICE, [("no-grad-freezes", "forward-trains")]),
    ("B21", "E", CHOICE, [(KEY_EN, f'{KEY_EN}\nmisconception = "momentum-reversed"')]),
    ("B21", "E", OUTPUT, [('misconception = "forward-trains"\n', "")]),
    ("B21", "E", OUTPUT, [("forward-trains", "no-grad-freezes")]),
    ("B21", "E", BUG, [("line = 6\n", 'line = 6\nmisconception = "momentum-reversed"\n')]),
    # a stem
    ("B17", "W", CHOICE, [(ASKED_EN, "What in it does not differ?")]),
    ("B17", "W", CHOICE, [("之后网络里的什么变了？", "之后网络里的什么不会变？")]),
    ("B17", "W", CHOICE, [(ASKED_EN, "What in it does not differ?"), (ANSWER, f"{ANSWER}\nnegation = true")]),
    ("B18", "E", CHOICE, [(STEM_EN, "Which of the following statements is true?")]),
    ("B18", "W", CHOICE, [(STEM_EN, STEM_EN.replace(ASKED_EN, "Something differs."))]),
    ("B18", "W", CHOICE, [(STEM_EN, "What differs?")]),
    ("B18", "W", CHOICE, [(STEM_EN, "Paris lies between London and Rome. How far is Rome?")]),
    ("B20", "W", CHOICE, [(STEM_EN, f"A ____ makes no step. {STEM_EN}")]),
    ("B20", "W", CHOICE, [(WRONG_EN, 'en = "I and III"'), (OTHER_EN, 'en = "II and III"')]),
    ("B20", "W", CHOICE, [(WRONG_ZH, 'zh = "对"'), ('zh = "网络里没有东西"', 'zh = "错"')]),
    ("B19", "W", CHOICE, [(STEM_EN, "word " * 50 + STEM_EN)]),
    ("B19", "W", CHOICE, [(WRONG_EN, f'en = "{"word " * 30}"')]),
    ("B19", "W", OUTPUT, [("import torch\n", "import torch\n" + "x = 1\n" * 12)]),
    ("B37", "W", CHOICE, [(STEM_EN, "```python\n" + "x = 1\n" * 17 + "```\n\n" + STEM_EN)]),
    ("B37", "W", CHOICE, [(STEM_ZH, STEM_ZH.replace("卷积网络", "x" * 80))]),
    ("B37", "W", OUTPUT, [('text = "False 1"', f'text = "{"False " * 13}"')]),
    ("B37", "W", BUG, [("print(torch.equal(net[1].running_mean, old))", f"print(old, '{'x' * 60}')")]),
    # code and numbers
    ("B24", "E", CHOICE, [("import torch\nfrom", "import torch from\nfrom")]),
    ("B24", "E", CHOICE, [(STEM_EN, f"```python\nfor x in:\n```\n\n{STEM_EN}")]),
    ("B24", "E", CHOICE, [("predicts = \"['1.running_mean']\"", 'predicts = "[1]"')]),
    ("B24", "E", CHOICE, [('predicts = "[]"', "predicts = \"['0.weight']\"")]),
    ("B24", "W", CHOICE, [('predicts = "[]"\n', "")]),
    ("B24", "E", NUMBER, [("value = 0.5\n", "value = 0.6\n")]),
    ("B24", "E", BUG, [('fix = "net.eval()"', 'fix = "net.eval("')]),
    ("B24", "E", BUG, [('fixed_prints = "True"', 'fixed_prints = "False"')]),
    ("B24", "E", GENERATED, [("is {answer}:", "is {answer}, not {nothing}:")]),
    ("B24", "E", E11, [("import torch\n", "import torch as\n")]),
    ("B25", "W", BAND, [("value = 49.4", "value = 69.5")]),
    ("B26", "W", CHOICE, [('rule = "parameters"\n', "")]),
    ("B27", "W", NUMBER, [("value = 0.5\n", 'value = 0.5\nunit = "ms"\n')]),
    ("B28", "W", OUTPUT, [("import torch\n", "import torch\nx = torch.accelerator\n")]),
    # what is said about it
    ("B23", "W", CHOICE, [(EXPLAIN_EN, "The buffers of batch norm.")]),
    ("B23", "W", CHOICE, [(EXPLAIN_EN, "It is as it is, and that is how things are. " * 3)]),
    ("B23", "W", CHOICE, [(EXPLAIN_EN, "The buffers of batch norm. " * 5)]),
    ("B23", "W", NUMBER, [("It is 0.5: ", "It is a tenth of the mean: ")]),
    ("B23", "W", BUG, [("The line with `net.train()`: batch", "Batch"), ("With `net.eval()` it", "Otherwise it")]),
    ("B23", "W", TWO_STEP, [('[evidence]\nlab = "forward_state"\nrule = "parameters"\n', "")]),
    ("B23", "W", E11, [("It takes an optimizer to rewrite weights; a forward pass computes outputs. ", "")]),
    ("B34", "E", CHOICE, [("torch/nn/modules/batchnorm.py: _BatchNorm.forward", "unknown")]),
    ("B34", "E", E12, [("torch/nn/modules/batchnorm.py: _BatchNorm.forward", "")]),
    # two languages
    ("B35", "W", CHOICE, [(WRONG_EN, 'en = "The `weights` of the convolution"')]),
    ("B35", "W", CHOICE, [(STEM_EN, f"```python\nx = 1\n```\n\n{STEM_EN}")]),
    ("B35", "W", CHOICE, [("makes one forward pass", "makes 37 forward passes")]),
    ("B35", "W", NUMBER, [("均值为 5 的批次", "均值为 6 的批次")]),
    ("B35", "W", E12, [("恰好相反", "2024 年起恰好相反")]),
    ("B36", "W", CHOICE, [("批归一化的缓冲区：", "批标准化的缓冲区：")]),
    ("B36", "W", CHOICE, [("a forward pass computes outputs", "a forward propagation computes outputs")]),
    ("B36", "W", E12, [("优化器里的动量", "优化器里的冲量")]),
    ("B36", "W", BELIEFS, [("改写权重的是优化器", "改写权值的是优化器")]),
    ("B36", "W", ENTRIES, [("两种模式。", "训练模式与评价模式。")]),
    # the whole
    ("B01", "E", E11, [(EVIDENCE, "")]),
    ("B33", "W", BELIEFS, [('[[misconceptions]]\nid = "forward', f'{IDLE}[[misconceptions]]\nid = "forward')]),
    ("B33", "W", BELIEFS, [
        ("A forward pass updates the weights", "Rome"),
        ("It takes an optimizer to rewrite weights", "Paris"),
    ]),
    ("B38", "W", CHOICE, [(ANSWER, f'{ANSWER}\nwaive = {{B07 = "for no reason"}}')]),
    ("B38", "W", CHOICE, [(ANSWER, f'{ANSWER}\nwaive = {{B02 = "a wish"}}'), (WRONG_EN, KEY_EN)]),
]  # fmt: skip


def sound(root: Path) -> Path:
    """A bank to be spoilt."""
    return Path(shutil.copytree(SOUND, root, dirs_exist_ok=True))


def spoilt(root: Path, file: str, *swaps: Swap) -> Path:
    """A sound bank with something else in one file."""
    sound(root)
    text = (root / file).read_text("utf-8")
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    (root / file).write_text(text, "utf-8")
    return root


def findings(root: Path) -> list[Finding]:
    bank = load(root)
    assert not bank.problems, bank.problems
    return lint(bank)


@pytest.mark.parametrize(("rule", "level", "file", "swaps"), PLANTED)
def test_a_planted_flaw_is_found_where_it_is(
    tmp_path: Path, rule: str, level: Level, file: str, swaps: list[Swap]
) -> None:
    root = spoilt(tmp_path, file, *swaps)
    found = findings(root)
    assert (rule, level, root / file) in {(f.rule, f.level, f.file) for f in found}
    assert {f.file for f in found if f.rule == rule and f.level == level} == {root / file}


def test_at_least_forty_flaws_are_planted_for_every_rule_about_one_file() -> None:
    assert len(PLANTED) >= 40
    elsewhere = {
        "B08",
        "B09",
        "B10",
        "B14",
        "B22",
        "B29",
        "B30",
        "B31",
        "B32",
    }  # test_bank_lint_statistics.py
    assert {rule for rule, *_ in PLANTED} == {f"B{n:02}" for n in range(1, 39)} - elsewhere


def test_a_sound_bank_has_nothing_to_mend(tmp_path: Path) -> None:
    found = findings(sound(tmp_path))
    assert [f for f in found if f.level != "I"] == []


def again(root: Path, id: str) -> Path:
    """The choice question once more, by another name."""
    path = (root / CHOICE).with_name(f"{id}.md")
    path.write_text((SOUND / CHOICE).read_text("utf-8").replace("e11-which", id), "utf-8")
    return path


def test_a_claim_needs_two_questions_of_two_forms_one_to_begin_with_and_one_beyond_sentences(
    tmp_path: Path,
) -> None:
    root = sound(tmp_path)
    for name in (OUTPUT, BAND, BUG, CHOICE, NUMBER, GENERATED):
        (root / name).unlink()
    texts = {f.text for f in findings(root) if f.rule == "B01"}
    assert "claim E1.2 has 1 questions; at least 2" in texts
    assert "claim E1.1 has nothing to begin with but two-step questions" in texts
    shutil.copy(SOUND / CHOICE, root / CHOICE)
    texts = {f.text for f in findings(root) if f.rule == "B01"}
    assert "claim E1.1 has nothing but sentences to choose from, so that it cannot be held" in texts
    again(root, "e11-again")
    (root / TWO_STEP).unlink()
    texts = {f.text for f in findings(root) if f.rule == "B01"}
    assert "claim E1.1 has questions of one form only (choice)" in texts


def test_two_questions_that_ask_the_same_are_twins(tmp_path: Path) -> None:
    root = sound(tmp_path)
    second = again(root, "e11-which-one")
    assert [f.file for f in findings(root) if f.rule == "B03" and f.level == "E"] == [second]


def test_a_warning_may_be_waived_with_a_reason_but_an_error_may_not(tmp_path: Path) -> None:
    flawed = (KEY_EN, 'en = "the buffers of batch norm"')
    root = spoilt(tmp_path, CHOICE, flawed, (ANSWER, f'{ANSWER}\nwaive = {{B15 = "a name"}}'))
    (finding,) = [f for f in findings(root) if f.file == root / CHOICE]
    assert (finding.rule, finding.level) == ("B15", "I")
    assert "a name" in finding.text
    flawed = (WRONG_EN, 'en = "All of the above"')
    root = spoilt(tmp_path, CHOICE, flawed, (ANSWER, f'{ANSWER}\nwaive = {{B04 = "a wish"}}'))
    assert "E" in {f.level for f in findings(root)}


def test_a_negation_that_is_meant_is_said_in_the_file_and_stressed(tmp_path: Path) -> None:
    asked = (ASKED_EN, "What in it does NOT differ afterwards?")
    root = spoilt(tmp_path, CHOICE, asked, (ANSWER, f"{ANSWER}\nnegation = true"))
    assert "B17" not in {f.rule for f in findings(root)}


def test_bands_with_a_gap_or_another_key_are_found_even_where_the_loader_does_not_look(
    tmp_path: Path,
) -> None:
    band = load(sound(tmp_path)).questions["e11-left"]
    assert not list(bands_hold(band))
    for flawed in (
        replace(band, bands=band.bands[:2]),
        replace(band, bands=band.bands[::-1]),
        replace(band, key=band.options[0].id),
    ):
        assert ("B25", "E") in {(rule, level) for rule, level, _ in bands_hold(flawed)}


@pytest.mark.parametrize("source", ["", "TODO", "???", "common knowledge"])
def test_a_source_that_says_nothing_is_none(tmp_path: Path, source: str) -> None:
    question = load(sound(tmp_path)).questions["e11-which"]
    assert not list(sourced(question))
    assert list(sourced(replace(question, source=source)))


def test_what_was_copied_from_a_text_is_found_and_what_was_not_is_not(tmp_path: Path) -> None:
    bank = load(sound(tmp_path))
    theirs = "They say that each batch moves the running statistics a step, and `no_grad()` does not hold them at all."
    assert {f.file.name for f in copied(bank, theirs)} == {"e11-which.md"}
    assert {f.rule for f in copied(bank, theirs)} == {"B34"}
    assert not list(copied(bank, theirs.replace("a step", "one step").replace("hold", "stop")))
    theirs = "据说恰好相反，`momentum` 是批次新值的权重，越大则缓冲区越紧跟眼前的批次，"
    assert {f.file.parent.name for f in copied(bank, theirs)} == {"E1.2"}
    assert not list(copied(bank, theirs.replace("越大则", "越大，则")[:22]))


def test_the_command_fails_only_where_something_must_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = sound(tmp_path / "bank")
    assert main([str(root)]) == 0
    theirs = tmp_path / "theirs.txt"
    theirs.write_text(EXPLAIN_EN, "utf-8")
    assert main([str(root), "--against", str(theirs)]) == 1
    assert "B34" in capsys.readouterr().out
    spoilt(root, CHOICE, (OTHER_EN, WRONG_EN))
    assert main([str(root)]) == 1
    assert "B03" in capsys.readouterr().out
    (root / CHOICE).write_text("no front matter", "utf-8")
    assert main([str(root)]) == 1
    assert "e11-which.md:1" in capsys.readouterr().out
    (root / "entries.toml").write_text("[[entries]]\nid = 3\n")
    assert main([str(root)]) == 1
    assert "entries.toml:2" in capsys.readouterr().out
