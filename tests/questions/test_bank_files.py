"""Reading the bank: what is right is read, what is wrong is named with file, line, field and fix."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import sample_bank
from hypothesis import given
from hypothesis import strategies as st

from questions.catalog import Bank, Text, load
from questions.problems import BankProblem


def test_the_sample_bank_is_read_whole(bank: Bank) -> None:
    assert not bank.problems
    assert list(bank.entries) == ["E1", "E2", "E3"]
    assert [q.id for q in bank.by_claim["E1.1"]] == ["e11-why", "e11-which", "e11-left"]  # easy ones first
    assert bank.question("e12-prints").kind == "output"
    assert bank.question("e12-prints").option("two").text == Text("2", "2")  # type: ignore[union-attr]
    assert bank.claims_of("E3") == ()


def test_a_stem_keeps_its_code_and_brackets_as_written(tmp_path: Path) -> None:
    stem = "如下：\n\n```python\n# en\nx[0] = list[int]\n```\n\n`[/]` 会打印吗？"
    text = sample_bank.choice("e11-code", "E1.1").replace(
        "题 e11-code：训练模式下只做前向，哪些权重会变？", stem
    )
    sample_bank.write_bank(tmp_path)
    sample_bank.save(tmp_path, text)
    question = load(tmp_path).question("e11-code")
    assert question.stem.zh == stem  # a comment inside a code block is no heading
    assert question.stem.get("en").startswith("In train mode")


def test_the_right_band_follows_from_the_measured_value(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    for number, (value, key) in enumerate([(10, "<30"), (30, "30..70"), (69.9, "30..70")]):
        text = sample_bank.band(f"e11-b{number}", "E1.1", value)
        sample_bank.save(tmp_path, text)
        assert load(tmp_path).question(f"e11-b{number}").key == key
    question = load(tmp_path).question("e13-left")
    assert question.key == ">=90"
    assert [c.text.en for c in question.choices(7)] == ["below 30%", "30 to 70%", "70 to 90%", "90% or more"]
    assert question.choices(7)[0].text.zh == "低于 30%"


def test_options_are_shuffled_by_the_seed_alone(bank: Bank) -> None:
    question = bank.question("e11-which")
    orders = [tuple(c.id for c in question.choices(seed)) for seed in range(600)]
    assert orders == [tuple(c.id for c in question.choices(seed)) for seed in range(600)]
    counts = Counter(orders)
    assert len(counts) == 6
    assert min(counts.values()) > 60  # 100 expected each; five standard deviations below
    assert set(question.choices(3)) == set(question.options)


def test_reasons_of_a_two_step_question_are_shuffled_apart_from_its_options(bank: Bank) -> None:
    question = bank.question("e11-why")
    assert {c.id for c in question.reasons(1)} == {"optimizer", "grad", "eval"}
    assert question.reason_key == "optimizer"
    same = [
        [o.id for o in question.choices(s)].index("none")
        == [r.id for r in question.reasons(s)].index("optimizer")
        for s in range(300)
    ]
    assert 60 < sum(same) < 140  # as often as chance would have it, not always


def test_chance_is_one_over_the_number_of_options(bank: Bank) -> None:
    assert bank.question("e11-which").chance == pytest.approx(1 / 3)
    assert bank.question("e11-left").chance == 0.25


BROKEN = [
    # what is changed, to what, key of the problem, field, line
    ('claim = "E1.1"', "claim = 7", "field-type", "claim", 3),
    ('source = "torch.nn.BatchNorm2d"\n', "", "field-missing", "source", 2),
    ('answer = "none"', 'anwser = "none"', "field-unknown", "anwser", 7),
    ('answer = "none"', 'answer = "nobody"', "unknown-option", "answer", 7),
    ('answer = "none"', 'answer = "none', "toml", None, 7),
    ('kind = "choice"', 'kind = "quiz"', "field-value", "kind", 4),
    ("difficulty = 2", "difficulty = 9", "difficulty", None, 5),
    ("difficulty = 2", "value = 3.0\ndifficulty = 2", "field-not-for-kind", "value", 5),
    ('id = "some"', 'id = "all"', "id-twice", None, 19),
    ('en = "Every single weight"\n', "", "field-missing", "options[1].en", 13),
    ('misconception = "forward-trains"', 'misconception = "forward-train"', "unknown-id", None, 17),
    ('en = "Those of batch norm"', "en = 5", "field-type", "options[2].en", 21),
    ("# zh", "# cn", "heading", None, 24),
    ("## explain", "### explain", "heading", None, 26),
    (sample_bank.EXPLAIN_EN, "", "section-empty", None, 30),
    ("# en\n", "```\n# en\n", "fence", None, 28),
    ("+++\nid", "++\nid", "front-matter", None, 1),
]


@pytest.mark.parametrize(("old", "new", "key", "field", "line"), BROKEN)
def test_a_broken_question_names_file_line_and_fix(
    tmp_path: Path, old: str, new: str, key: str, field: str | None, line: int
) -> None:
    sample_bank.write_bank(tmp_path)
    good = sample_bank.choice("e11-new", "E1.1")
    assert old in good
    path = sample_bank.save(tmp_path, good)
    path.write_text(good.replace(old, new, 1), encoding="utf-8")
    bank = load(tmp_path)
    (problem,) = bank.problems
    assert problem.key == key
    assert problem.fields["line"] == line
    assert str(problem).startswith(f"{path}:{line}: ")
    if field:
        assert problem.fields["field"] == field
    assert len(bank.questions) == 12  # the others are there


def test_a_misspelt_field_is_met_with_the_nearest_name(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    text = sample_bank.choice("e11-new", "E1.1").replace(
        'misconception = "no-grad', 'misconceptoin = "no-grad'
    )
    sample_bank.save(tmp_path, text)
    (problem,) = load(tmp_path).problems
    assert "('misconception'?)" in str(problem)


def test_two_options_are_too_few(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    text = sample_bank.choice("e11-new", "E1.1")
    start = text.index('[[options]]\nid = "some"')
    sample_bank.save(tmp_path, text[:start] + text[text.index("+++\n# zh") :])
    (problem,) = load(tmp_path).problems
    assert (problem.key, problem.fields["count"]) == ("option-count", 2)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("{below = 70}", "{below = 20}", "bands"),
        (", {}]", ", {below = 99}]", "bands"),
        (', "no-grad-freezes"]', "]", "bands-beliefs"),
        ('["", "",', '["", "eval-removes",', "right-band-belief"),
    ],
)
def test_broken_bands_are_refused(tmp_path: Path, old: str, new: str, key: str) -> None:
    sample_bank.write_bank(tmp_path)
    good = sample_bank.band("e11-new", "E1.1")
    assert old in good
    sample_bank.save(tmp_path, good.replace(old, new))
    assert [p.key for p in load(tmp_path).problems] == [key]


def test_a_file_under_another_name_or_in_another_folder_is_refused(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    path = sample_bank.save(tmp_path, sample_bank.choice("e11-new", "E1.1"))
    path.rename(path.with_name("e11-other.md"))
    assert [p.key for p in load(tmp_path).problems] == ["id-is-not-stem"]
    path.with_name("e11-other.md").rename(tmp_path / "E2" / "E2.1" / "e11-new.md")
    assert [p.key for p in load(tmp_path).problems] == ["wrong-folder"]
    (tmp_path / "E2" / "E2.1" / "e11-new.md").rename(tmp_path / "E1" / "e11-new.md")
    assert [p.key for p in load(tmp_path).problems] == ["wrong-folder"]


def test_a_file_that_is_not_text_is_refused_alone(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    (tmp_path / "E1" / "E1.1" / "e11-bytes.md").write_bytes(b"+++\n\xff\xfe")
    bank = load(tmp_path)
    assert [p.key for p in bank.problems] == ["not-utf8"]
    assert len(bank.questions) == 12


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "line"),
    [
        ("entries.toml", "order = 2", 'order = "two"', "field-type", 10),
        ("entries.toml", 'en = "Convolutions"', 'de = "Faltungen"', "field-unknown", 11),
        ("misconceptions.toml", "[[misconceptions]]", "[[misconception]]", "field-unknown", 2),
    ],
)
def test_a_broken_table_stops_the_bank_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, key: str, line: int
) -> None:
    sample_bank.write_bank(tmp_path)
    path = tmp_path / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BankProblem) as raised:
        load(tmp_path)
    assert raised.value.key == key
    assert str(raised.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(
    ("old", "new", "key", "line", "kept"),
    [
        ('requires = ["E1.1"]', 'requires = ["E1.9"]', "unknown-id", 6, 12),
        ('requires = ["E1.1"]', 'requires = ["E1.2"]', "requires-circle", 6, 12),
        ('verdict = "false"', 'verdict = "maybe"', "field-value", 4, 10),
        ('id = "E1.2"', 'id = "E1.1"', "claim-folder", 2, 10),
        ("## why", "## because", "heading", 10, 10),
        ("order = 2", "order = 2\nconfusable = 'Two words'", "set-name", 4, 10),
        ("order = 2", "order = 2\nconfusable = ['e', 'f']", "field-type", 4, 10),
        ("order = 2", "order = 2\nevidence = {code = 'x'}", "field-missing", 4, 10),
        ("order = 2", "order = 2\nevidence = {}", "field-missing", 4, 10),
    ],
)
def test_a_broken_claim_is_left_out_with_its_questions_and_named_with_its_line(
    tmp_path: Path, old: str, new: str, key: str, line: int, kept: int
) -> None:
    sample_bank.write_bank(tmp_path)
    path = tmp_path / "E1" / "E1.2" / "claim.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    bank = load(tmp_path)
    problem = bank.problems[0]
    assert problem.key == key
    assert str(problem).startswith(f"{path}:{line}: ")
    assert len(bank.questions) == kept
    assert {p.key for p in bank.problems[1:]} <= {"unknown-id"}  # its questions, without their claim


def test_a_claim_may_name_the_set_it_is_easily_mixed_up_in(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    path = tmp_path / "E1" / "E1.2" / "claim.md"
    path.write_text(
        path.read_text("utf-8").replace("order = 2", 'order = 2\nconfusable = "who-moves"'), "utf-8"
    )
    bank = load(tmp_path)
    assert not bank.problems
    assert {c.id: c.confusable for c in bank.claims.values() if c.confusable} == {"E1.2": "who-moves"}


def test_questions_without_their_claim_say_which_file_to_write(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    (tmp_path / "E1" / "E1.3" / "claim.md").unlink()
    bank = load(tmp_path)
    assert [p.key for p in bank.problems] == ["claim-missing", "claim-missing"]
    assert str(tmp_path / "E1" / "E1.3" / "claim.md") in str(bank.problems[0])


def test_a_folder_that_is_no_entry_is_named(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    (tmp_path / "E2").rename(tmp_path / "E33")
    assert {p.key for p in load(tmp_path).problems} == {"unknown-entry", "unknown-id"}


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    (tmp_path / "entries.toml").unlink()
    with pytest.raises(BankProblem, match=re.escape(str(tmp_path / "entries.toml"))):
        load(tmp_path)


@pytest.mark.parametrize(
    ("character", "key"),
    [
        ("\x1b[31m", "character"),
        ("\x07", "character"),
        ("\r", "character"),
        ("\u202e", "character"),
        ("\ufe0f", "character"),
        ("\u20e3", "character"),
        ("\u200d", "character"),
        ("\U0001f3fd", "character"),
        ("x" * 300_000, "too-large"),
    ],
)
def test_what_a_terminal_would_obey_or_draw_askew_is_refused(
    tmp_path: Path, character: str, key: str
) -> None:
    sample_bank.write_bank(tmp_path)
    text = sample_bank.choice("e11-new", "E1.1").replace("题 e11-new", f"题 {character}")
    path = tmp_path / "E1" / "E1.1" / "e11-new.md"
    path.write_bytes(text.encode())
    (problem,) = load(tmp_path).problems
    assert problem.key == key
    if key == "character":
        assert problem.fields["line"] == 25
        assert "\x1b" not in str(problem)


def test_a_link_out_of_the_bank_is_not_followed(tmp_path: Path) -> None:
    root = sample_bank.write_bank(tmp_path / "bank")
    secret = tmp_path / "secret.md"
    secret.write_text(sample_bank.choice("e11-new", "E1.1"), encoding="utf-8")
    (root / "E1" / "E1.1" / "e11-new.md").symlink_to(secret)
    (root / "E1" / "E1.9").symlink_to(tmp_path)
    bank = load(root)
    assert {p.key for p in bank.problems} == {"link"}
    assert "e11-new" not in bank.questions


def test_a_bomb_of_brackets_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    text = sample_bank.choice("e11-new", "E1.1").replace('answer = "none"', "answer = " + "[" * 50_000)
    sample_bank.save(tmp_path, text)
    assert [p.key for p in load(tmp_path).problems] == ["too-deep"]


def test_a_number_of_ten_thousand_digits_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    sample_bank.write_bank(tmp_path)
    text = sample_bank.choice("e11-new", "E1.1").replace("difficulty = 2", "difficulty = " + "9" * 10_000)
    sample_bank.save(tmp_path, text)
    assert [p.key for p in load(tmp_path).problems] == ["toml"]


def test_an_unknown_question_is_met_with_the_nearest_one(bank: Bank) -> None:
    with pytest.raises(BankProblem, match=r"e11-which"):
        bank.question("e11-wich")


@given(data=st.binary(max_size=400), keep=st.integers(0, 900))
def test_any_damage_to_a_question_is_a_problem_and_never_a_crash(
    bank_folder: Path, tmp_path_factory: pytest.TempPathFactory, data: bytes, keep: int
) -> None:
    root = tmp_path_factory.getbasetemp() / "damaged"
    if not root.exists():
        sample_bank.write_bank(root)
    path = root / "E1" / "E1.1" / "e11-which.md"
    whole = sample_bank.choice("e11-which", "E1.1").encode()
    path.write_bytes(whole[:keep] + data + whole[keep + len(data) :])
    bank = load(root)
    assert len(bank.questions) + len(bank.problems) == 12
    assert all(str(path) in str(problem) for problem in bank.problems)
