"""lab.toml is read whole or refused with file, line, field and what to do."""

import ast
import string
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lab import LAB, write_lab

from labs import catalog
from labs.catalog import Catalog, Knob, Lab, Text
from labs.problems import MESSAGES, LabProblem

ROOT = Path(__file__).parents[2]
ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just({}), st.just([]))


def knob(**fields: object) -> Knob:
    return Knob(**{"id": "k", "kind": "int", "default": 1, "label": Text(zh="旋钮", en="knob"), **fields})  # type: ignore[arg-type]


def problem_of(tmp_path: Path, text: str) -> LabProblem:
    with pytest.raises(LabProblem) as raised:
        catalog.load(write_lab(tmp_path, text))
    return raised.value


def test_a_lab_is_read_with_everything_it_says(tmp_path: Path) -> None:
    folder = write_lab(tmp_path)
    lab = catalog.load(folder)
    assert lab.folder == folder
    assert lab.title.get("zh") == "样例实验"
    assert lab.title.get("en") == "A sample lab"
    assert lab.claims == ("E1.6", "E1.7")
    assert lab.defaults == {"steps": 100, "lr": 0.1, "norm": "batch"}
    assert lab.declared["accuracy"].when_diverged == 10
    assert [band.below for band in lab.bet.bands] == [1, 5, 20, None]
    assert lab.seeds == catalog.Seeds(start=4, step=2, max=8)


@pytest.mark.parametrize(
    ("unit", "alone", "between"), [("%", "%", "pp"), ("pp", "pp", "pp"), ("s", "s", "s"), ("", "", "")]
)
def test_what_lies_between_two_percentages_is_counted_in_percentage_points(
    unit: str, alone: str, between: str
) -> None:
    words = Text(zh="词", en="words")
    declared = {"x": catalog.Outcome(id="x", label=words, unit=unit)}
    one = {"outcome": "x", "arm": "a"}
    assert catalog.Check(kind="greater", **one).unit(declared) == alone
    assert catalog.Check(kind="greater", versus="b", **one).unit(declared) == between
    assert catalog.Bet(claim="E1.6", question=words, bands=(), **one).unit(declared) == alone
    assert catalog.Bet(claim="E1.6", question=words, bands=(), versus="b", **one).unit(declared) == between


def test_a_reference_measurement_is_read_with_its_date_in_either_toml_form(tmp_path: Path) -> None:
    reference = """
[reference]
date = {date}
device = "CPU, 2 cores"
torch = "2.9"
seeds = 8
seconds = 1.5
rules.higher = {{ verdict = "supported", effect = 7.5, interval = [6.0, 9.0] }}
"""
    for name, date in (("a", '"2026-01-31"'), ("b", "2026-01-31")):
        lab = catalog.load(write_lab(tmp_path / name, LAB + reference.format(date=date)))
        assert lab.reference is not None
        assert str(lab.reference.date) == "2026-01-31"
        assert lab.reference.rules["higher"].interval == (6.0, 9.0)


MISTAKES = {
    # what: (in the sample, written instead, key, field, a piece of the line that is named)
    "type": ("estimate_s = 2.5", 'estimate_s = "soon"', "lab-type", "estimate_s", 'estimate_s = "soon"'),
    "nested type": ("margin = 2", "margin = [2]", "lab-type", "rules[0].checks[0].margin", "margin = [2]"),
    "a flag for a number": (
        "default = 100",
        "default = true",
        "lab-type",
        "knobs[0].default",
        "default = true",
    ),
    "missing": ("estimate_s = 2.5", "", "lab-missing-field", "estimate_s", None),
    "missing label": (
        'low = 0\nlabel = { zh = "损失", en = "loss" }',
        "",
        "lab-missing-field",
        "series[0].label",
        "[[series]]",
    ),
    "missing language": (
        'zh = "样例实验"\n',
        "",
        "lab-missing-field",
        "title.zh",
        "[title]",
    ),
    "unknown": ("order = 10", "ordre = 10", "lab-unknown-field", "ordre", "ordre = 10"),
    "unknown inside": (
        "resolution = 0.1",
        "resolutoin = 0.1",
        "lab-unknown-field",
        "outcomes[0].resolutoin",
        "resolutoin",
    ),
    "where it was read from": ("order = 10", 'file = "x"', "lab-unknown-field", "file", 'file = "x"'),
    "entry": ('entry = "E1"', 'entry = "E9"', "lab-value", "entry", 'entry = "E9"'),
    "format": ("format = 1", "format = 2", "lab-value", "format", "format = 2"),
    "relation": ('relation = ">"', 'relation = "is"', "lab-value", "rules[1].checks[0].relation", '"is"'),
    "expected": ('expected = "refuted"', 'expected = "no"', "lab-value", "rules[1].expected", '"no"'),
    "no expectation": (
        'expected = "refuted"',
        "",
        "lab-missing-field",
        "rules[1].expected",
        '[[rules]]\nid = "none_changed"',
    ),
    "id of another folder": ('id = "sample"', 'id = "simple"', "lab-id-folder", None, 'id = "simple"'),
    "id with a blank": ('id = "one"', 'id = "the one"', "lab-id-form", "arms[0].id", '"the one"'),
    "id twice": ('id = "two"', 'id = "one"', "lab-id-twice", "arms[1].id", 'id = "one"'),
    "claim": ('claim = "E1.7"', 'claim = "7"', "lab-claim-form", "rules[1].claim", 'claim = "7"'),
    "outcome of a check": (
        'outcome = "changed"',
        'outcome = "charged"',
        "lab-undeclared",
        "rules[1].checks[0].outcome",
        '"charged"',
    ),
    "arm of a check": (
        'outcome = "changed"\narm = "one"',
        'outcome = "changed"\narm = "three"',
        "lab-undeclared",
        "rules[1].checks[0].arm",
        '"three"',
    ),
    "an arm against itself": (
        'versus = "one"\nmargin',
        'versus = "two"\nmargin',
        "lab-undeclared",
        "rules[0].checks[0].versus",
        'versus = "two"',
    ),
    "negative margin": (
        "margin = 2",
        "margin = -2",
        "lab-between",
        "rules[0].checks[0].margin",
        "margin = -2",
    ),
    "nan margin": ("margin = 2", "margin = nan", "lab-between", "rules[0].checks[0].margin", "margin = nan"),
    "certainty": (
        'expected = "supported"',
        'expected = "supported"\nconfidence = 1.0',
        "lab-between",
        "rules[0].confidence",
        "confidence = 1.0",
    ),
    "exact without value": (
        'relation = ">"\nvalue = 0',
        'relation = ">"',
        "lab-check-needs",
        "rules[1].checks[0].value",
        "[[rules.checks]]",
    ),
    "exact without relation": (
        'relation = ">"\nvalue = 0',
        "value = 0",
        "lab-check-needs",
        "rules[1].checks[0].relation",
        "[[rules.checks]]",
    ),
    "greater with value": (
        "margin = 2",
        "value = 2",
        "lab-check-forbids",
        "rules[0].checks[0].value",
        "value = 2",
    ),
    "equivalent without margin": (
        'kind = "greater"\noutcome = "accuracy"\narm = "two"\nversus = "one"\nmargin = 2',
        'kind = "equivalent"\noutcome = "accuracy"\narm = "two"\nversus = "one"',
        "lab-check-needs",
        "rules[0].checks[0].margin",
        "[[rules.checks]]",
    ),
    "two bands": ("{ below = 5 }, { below = 20 }, ", "", "lab-bands-count", "bet.bands", "bands = ["),
    "six bands": (
        "{ below = 5 }",
        "{ below = 5 }, { below = 6 }, { below = 7 }",
        "lab-bands-count",
        "bet.bands",
        "bands = [",
    ),
    "falling bands": ("{ below = 5 }", "{ below = 0.5 }", "lab-rising", "bet.bands[1].below", "bands = ["),
    "open band inside": ("{ below = 5 }", "{}", "lab-band-open", "bet.bands[1].below", "bands = ["),
    "no open band": ("{}]", "{ below = 50 }]", "lab-band-open", "bet.bands[3].below", "bands = ["),
    "bet on another claim": (
        '[bet]\nclaim = "E1.6"',
        '[bet]\nclaim = "E1.1"',
        "lab-undeclared",
        "bet.claim",
        'claim = "E1.1"',
    ),
    "bet on another arm": (
        'arm = "two"\nversus = "one"\nbands',
        'arm = "to"\nversus = "one"\nbands',
        "lab-undeclared",
        "bet.arm",
        'arm = "to"',
    ),
    "default out of range": ("default = 0.1", "default = -0.1", "lab-other", "knobs[1].default", "-0.1"),
    "default not a choice": (
        "default = 100",
        "default = 50",
        "lab-value",
        "knobs[0].default",
        "default = 50",
    ),
    "choice of the wrong kind": (
        "choices = [10, 100, 1000]",
        "choices = [10, 100.5]",
        "lab-other",
        "knobs[0].choices[1]",
        "choices = [10, 100.5]",
    ),
    "number as text": ("default = 0.1", 'default = "0.1"', "lab-type", "knobs[1].default", '"0.1"'),
    "range upside down": ("min = 1\n", "min = 5000\n", "lab-rising", "knobs[0].max", "max = 1000"),
    "no choices": (
        'choices = ["batch", "group"]',
        "",
        "lab-empty",
        "knobs[2].choices",
        '[[knobs]]\nid = "norm"',
    ),
    "log scale to zero": ("low = 0", 'low = 0\nscale = "log"', "lab-rising", "series[0].low", "low = 0"),
    "blank text": ('en = "A sample lab"', 'en = "  "', "lab-empty", "title.en", 'en = "  "'),
    "too few seeds": ("start = 4", "start = 2", "lab-between", "seeds.start", "start = 2"),
    "fewer at most than at first": ("max = 8", "max = 3", "lab-between", "seeds.max", "max = 3"),
    "no step": ("step = 2", "step = 0", "lab-between", "seeds.step", "step = 0"),
    "quick knob": ("steps = 10", "stepps = 10", "lab-undeclared", "quick.stepps", "stepps = 10"),
    "quick value": ("steps = 10", "steps = 0", "lab-other", "quick.steps", "steps = 0"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_names_its_line_and_field_and_what_to_do(what: str, tmp_path: Path) -> None:
    right, wrong, key, field, on_line = MISTAKES[what]
    assert right in LAB
    text = LAB.replace(right, wrong, 1)
    problem = problem_of(tmp_path, text)
    assert problem.key == key
    if field:
        assert problem.fields["field"] == field
        assert field in str(problem)
    file, _, line = (
        str(problem.fields["where"]).rpartition(":") if on_line else (problem.fields["where"], "", "")
    )
    assert Path(str(file)) == tmp_path / "sample" / "lab.toml"
    if on_line:
        from_there = text.splitlines()[int(line) - 1 :]
        assert on_line in "\n".join(from_there[: 1 + on_line.count("\n")])


def test_what_has_a_default_may_be_left_out(tmp_path: Path) -> None:
    lab = catalog.load(write_lab(tmp_path, LAB.replace('unit = "%"', "").replace("format = 1", "")))
    assert lab.outcomes[0].unit == ""


@pytest.mark.parametrize(
    "words, characters, key", [(60, 120, None), (61, 120, "lab-too-long-en"), (60, 121, "lab-too-long-zh")]
)
def test_an_explanation_is_short_in_both_languages(
    words: int, characters: int, key: str | None, tmp_path: Path
) -> None:
    text = LAB.replace(
        'en = "The second is higher, because it reads `running_mean`."', f'en = "{"word " * words}"'
    ).replace(
        'zh = "第二种设置更高，因为它读的是 `running_mean`。"',
        f'zh = "{"字" * characters}，`running_mean`。"',
    )
    if key:
        assert problem_of(tmp_path, text).key == key
    else:
        assert catalog.load(write_lab(tmp_path, text)).explanation.en.startswith("word")


@pytest.mark.parametrize(
    "text, line", [("id = ", 1), ('a = 1\nb = "open', 2), ("a = 1\n\n[x\n", 3), ("a = 1\na = 2\n", 2)]
)
def test_broken_toml_names_the_line(text: str, line: int, tmp_path: Path) -> None:
    problem = problem_of(tmp_path, text)
    assert problem.key == "lab-toml"
    assert str(problem.fields["where"]).endswith(f"lab.toml:{line}")


def test_a_file_that_is_not_utf8_or_not_there_is_named(tmp_path: Path) -> None:
    folder = write_lab(tmp_path)
    (folder / "lab.toml").write_bytes(LAB.encode("gb18030"))
    with pytest.raises(LabProblem, match="not UTF-8"):
        catalog.load(folder)
    with pytest.raises(LabProblem, match="nowhere"):
        catalog.load(tmp_path / "nowhere")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    folder = write_lab(tmp_path)
    (folder / "lab.toml").write_bytes(b"\xef\xbb\xbf" + LAB.encode())
    assert catalog.load(folder).id == "sample"


def test_lines_inside_a_long_text_are_not_taken_for_fields(tmp_path: Path) -> None:
    long = 'en = """\n[seeds]\nstart = 99\n"""\n'
    text = LAB.replace('en = "How far apart are the two settings?"\n', long).replace("start = 4", "start = 1")
    problem = problem_of(tmp_path, text)
    line = int(str(problem.fields["where"]).rpartition(":")[2])
    assert text.splitlines()[line - 1] == "start = 1"


def test_one_broken_lab_does_not_hide_the_others(tmp_path: Path) -> None:
    write_lab(tmp_path, LAB.replace('"sample"', '"late"').replace("order = 10", "order = 30"), "late")
    write_lab(tmp_path, LAB.replace('"sample"', '"zero"').replace("order = 10", "order = 0"), "zero")
    write_lab(tmp_path, LAB.replace('"sample"', '"other"').replace('entry = "E1"', 'entry = "E3"'), "other")
    write_lab(tmp_path, "id = ", "broken")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "notes.txt").write_text("not a lab")
    found = catalog.find(tmp_path)
    assert list(found.labs) == ["zero", "late", "other"]
    assert [problem.key for problem in found.problems] == ["lab-toml"]


def test_a_lab_found_in_two_folders_is_said_to_be_there_twice(tmp_path: Path) -> None:
    write_lab(tmp_path / "a")
    write_lab(tmp_path / "b")
    found = catalog.find(tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert found.labs["sample"].folder == tmp_path / "a" / "sample"
    assert [problem.key for problem in found.problems] == ["lab-twice", "lab-folder"]


def test_a_lab_is_asked_for_by_name_and_a_near_miss_is_helped(tmp_path: Path) -> None:
    write_lab(tmp_path)
    found = catalog.find(tmp_path)
    assert catalog.lab_named(found, "sample").id == "sample"
    with pytest.raises(LabProblem, match="Did you mean: sample") as raised:
        catalog.lab_named(found, "sampel")
    assert raised.value.key == "unknown-lab"
    with pytest.raises(LabProblem, match="doctor"):
        catalog.lab_named(Catalog({}, []), "sample")


@pytest.fixture
def sample(tmp_path: Path) -> Lab:
    return catalog.load(write_lab(tmp_path))


def test_knobs_are_set_by_name_and_keep_their_type(sample: Lab) -> None:
    assert catalog.parse_knobs(sample, []) == sample.defaults
    knobs = catalog.parse_knobs(sample, ["steps=7", "lr = 1", "norm=group"])
    assert knobs == {"steps": 7, "lr": 1.0, "norm": "group"}
    assert [type(value) for value in knobs.values()] == [int, float, str]


@pytest.mark.parametrize(
    "setting, key",
    [
        ("steps", "knob-form"),
        ("=3", "knob-form"),
        ("", "knob-form"),
        ("stepps=3", "unknown-knob"),
        ("steps=few", "knob-type"),
        ("steps=3.5", "knob-type"),
        ("steps=", "knob-type"),
        ("steps=0", "knob-range"),
        ("steps=1001", "knob-range"),
        ("lr=-1", "knob-range"),
        ("lr=nan", "knob-type"),
        ("lr=inf", "knob-type"),
        ("lr=1e999", "knob-type"),
        ("norm=layer", "knob-choice"),
    ],
)
def test_a_knob_out_of_range_or_of_the_wrong_type_is_refused(setting: str, key: str, sample: Lab) -> None:
    with pytest.raises(LabProblem) as raised:
        catalog.parse_knobs(sample, [setting])
    assert raised.value.key == key


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans()))
def test_a_knob_takes_any_value_to_its_own_type_or_refuses_it(value: int | float | str) -> None:
    for kind, type_ in (("int", int), ("float", float)):
        try:
            parsed = knob(kind=kind, min=-5, max=5).parse(value)
        except LabProblem:
            continue
        assert type(parsed) is type_
        assert -5 <= float(parsed) <= 5


@given(data=st.data())
def test_no_damage_to_a_lab_file_raises_anything_but_a_problem(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any one line of the file replaced by another, by nothing or by a foreign value."""
    lines = LAB.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    name = lines[at].partition("=")[0]
    foreign = st.sampled_from(["-1", "1e400", "true", '""', "[]", "{}", '"x"', "1979-05-27", "[[1]]", "nan"])
    lines[at] = data.draw(
        st.one_of(st.sampled_from([*lines, ""]), foreign.map(lambda value: f"{name}= {value}"))
    )
    folder = tmp_path_factory.mktemp("damaged")
    try:
        lab = catalog.load(write_lab(folder, "\n".join(lines)))
    except LabProblem as problem:
        assert str(folder) in str(problem)
    else:
        assert lab.id == "sample"


def calls_of_lab_problem() -> list[tuple[str, str, set[str] | None]]:
    """Every LabProblem("key", field=...) in the package: where, key, names of the fields."""
    calls = []
    for file in sorted((ROOT / "labs").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            named = getattr(node.func, "id", "") == "LabProblem"
            in_source = getattr(node.func, "attr", "") == "problem" and file.name == "catalog.py"
            if named or in_source:
                names = {keyword.arg for keyword in node.keywords}
                fields = {name for name in names if name} | ({"where", "field"} if in_source else set())
                calls.append(
                    (f"{file}:{node.lineno}", str(node.args[0].value), fields if None not in names else None)
                )
    return calls


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_problem_raised_has_its_words_and_gives_their_fields() -> None:
    calls = calls_of_lab_problem()
    assert len(calls) > 30
    for where, key, fields in calls:
        assert key in MESSAGES, where
        assert fields is None or placeholders(MESSAGES[key]) <= fields, where


def test_both_languages_say_every_problem_with_the_same_fields() -> None:
    for lang in ("zh", "en"):
        said = tomllib.loads((ROOT / f"tui/locale/{lang}/problems.toml").read_text("utf-8"))["labs"]
        assert set(said) == set(MESSAGES)
        for key, template in MESSAGES.items():
            assert placeholders(said[key]) == placeholders(template), (lang, key)
            assert lang == "zh" or said[key] == template
