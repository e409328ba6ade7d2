"""Both languages say everything, with the same placeholders, and the code asks for nothing nobody wrote."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

import pytest

import tui
from labs.problems import MESSAGES as LAB_MESSAGES
from labs.problems import LabProblem
from questions.problems import MESSAGES as BANK_MESSAGES
from questions.problems import BankProblem
from tui.i18n import LANGUAGES, LOCALE, Translator, choose_language, fill, read_area

CODE = Path(tui.__file__).parent
AREAS = sorted({file.stem for lang in LANGUAGES for file in (LOCALE / lang).glob("*.toml")})
CJK = re.compile(r"[\u4e00-\u9fff]")


ALWAYS_MANY = {  # the number is a constant, has one as its least value, or is what is left of many
    "cli.dr_events_bad",
    "cli.fit_begins",
    "cli.fit_few_days",
    "cli.progress_parameters_all",
    "cli.progress_parameters_initial",
    "shell.ahead",
    "shell.ahead_never",
    "shell.belief_open",
    "shell.days",
    "shell.offer",
    "shell.parameters_kept",
}


def strings(lang: str, area: str) -> dict[str, str]:
    return read_area(LOCALE / lang / f"{area}.toml")


def placeholders(template: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_keys(area: str) -> None:
    assert set(strings("zh", area)) == set(strings("en", area))


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_placeholders(area: str) -> None:
    english = strings("en", area)
    different = {
        name: (placeholders(chinese), placeholders(english[name]))
        for name, chinese in strings("zh", area).items()
        if placeholders(chinese) != placeholders(english[name])
    }
    assert different == {}


@pytest.mark.parametrize(("table", "messages"), [("labs", LAB_MESSAGES), ("questions", BANK_MESSAGES)])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_problem_can_be_told_in_both_languages(
    lang: str, table: str, messages: Mapping[str, str]
) -> None:
    told = {
        name.removeprefix(f"{table}."): text
        for name, text in strings(lang, "problems").items()
        if name.startswith(f"{table}.")
    }
    assert set(told) == set(messages)
    wrong = {key for key in messages if placeholders(told[key]) != placeholders(messages[key])}
    assert wrong == set()


def literals() -> Iterator[tuple[str, str, bool]]:
    """(file:line, text, whole) of every string in the interface; whole is False for an f-string's start."""
    for file in sorted(CODE.rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in ast.walk(tree):
            place = f"{file.relative_to(CODE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                yield place, str(node.values[0].value), False
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                yield place, node.value, True


KEY = re.compile(rf"({'|'.join(AREAS)})\.[A-Za-z0-9_-]*")


def test_every_key_the_code_names_is_there() -> None:
    known = {f"{area}.{name}" for area in AREAS for name in strings("en", area)}
    missing = []
    for place, text, whole in literals():
        if not KEY.fullmatch(text) or text.startswith("problems.") or text.endswith((".py", ".toml")):
            continue
        if (whole and text not in known) or (not whole and not any(key.startswith(text) for key in known)):
            missing.append((place, text))
    assert missing == []


def test_every_key_is_asked_for_somewhere() -> None:
    whole = {text for _, text, complete in literals() if complete}
    starts = tuple({text for _, text, complete in literals() if not complete and KEY.fullmatch(text)})
    unused = [
        key
        for area in AREAS
        if area != "problems"
        for key in (f"{area}.{name}" for name in strings("en", area))
        if key not in whole and not key.startswith(starts)
    ]
    assert unused == []


@pytest.mark.parametrize("area", AREAS)
def test_no_string_has_characters_that_terminals_measure_differently(area: str) -> None:
    risky = re.compile("[\ufe0f\u20e3\u200d\U0001f3fb-\U0001f3ff\t]")
    for lang in LANGUAGES:
        assert [name for name, text in strings(lang, area).items() if risky.search(text)] == []


@pytest.mark.parametrize("area", AREAS)
def test_chinese_uses_its_own_punctuation(area: str) -> None:
    half_width = re.compile(r"[\u4e00-\u9fff][,;:!?](\s|$|[\u4e00-\u9fff])|[\u4e00-\u9fff]\.(\s|$)")
    assert {name: text for name, text in strings("zh", area).items() if half_width.search(text)} == {}


@pytest.mark.parametrize("area", AREAS)
def test_english_is_english(area: str) -> None:
    """But for the names of the languages, which stand in their own."""
    chinese = {name for name, text in strings("en", area).items() if CJK.search(text)}
    assert chinese <= {"key_language", "key_language_long", "set_language_zh"}


def test_a_missing_key_shows_itself_and_a_missing_field_its_placeholder() -> None:
    tr = Translator("zh")
    assert tr("shell.no_such_key") == "shell.no_such_key"
    assert tr("nowhere") == "nowhere"
    assert fill("{a} and {b}", {"a": 1}) == "1 and {b}"
    assert fill("{a:.1f} {", {"a": 1}) == "{a:.1f} {"


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 cards are"), (1, "1 card is"), (2, "2 cards are"), ("+1", "+1 card is")]
)
def test_a_number_chooses_its_words(count: object, said: str) -> None:
    assert fill("{count} {count:card is|cards are}", {"count": count}) == said


def test_words_to_choose_from_leave_every_other_placeholder_as_it_would_be() -> None:
    assert fill("{p:.0%} {n:card|cards} {left}", {"p": 0.5, "n": 2}) == "50% cards {left}"


def test_one_of_a_thing_is_never_said_in_the_plural() -> None:
    """Wherever an English string counts something, the word behind the number is chosen by it."""
    things = "answers|bets|bits|cards|checks|claims|cores|days|drafts|entries|errors|events|files|labs|lines|pieces"
    things += "|points|questions|reviews|seeds|warnings"
    counted = re.compile(rf"{{[a-z_]+}} ({things})\b")
    wrong = [
        f"{area}.{name}"
        for area in AREAS
        if area != "problems"
        for name, text in strings("en", area).items()
        if counted.search(text) and f"{area}.{name}" not in ALWAYS_MANY
    ]
    assert wrong == []


def test_a_key_only_english_has_is_said_in_english(tmp_path: Path) -> None:
    for lang, text in (("zh", 'a = "甲"\n'), ("en", 'a = "A"\nb = "B"\n[deep]\nc = "C"\n')):
        (tmp_path / lang).mkdir()
        (tmp_path / lang / "shell.toml").write_text(text, "utf-8")
    tr = Translator("zh", tmp_path)
    assert (tr("shell.a"), tr("shell.b"), tr("shell.deep.c")) == ("甲", "B", "C")


def test_a_placeholder_may_be_called_key() -> None:
    assert fill("{key}", {"key": 3}) == "3"
    assert Translator("en")(
        "shell.settings_value", key=1, file="f", field="a", value="b", choices="c"
    ).startswith("Se")


def test_problems_are_told_in_the_chosen_language() -> None:
    zh, en = Translator("zh"), Translator("en")
    problem = LabProblem("unknown-run", id="x", folder="/runs")
    assert CJK.search(zh.problem(problem))
    assert en.problem(problem) == str(problem)
    assert CJK.search(zh.problem(BankProblem("disk-full", file="/data")))
    assert zh.problem(OSError(28, "No space left on device", "/data")) == "/data：No space left on device"
    assert en.problem(ValueError("as it is")) == "as it is"
    assert en.problem(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("flag", "saved", "environ", "chosen"),
    [
        ("en", "zh", {"LANG": "zh_CN.UTF-8"}, "en"),
        (None, "zh", {"LANG": "en_US.UTF-8"}, "zh"),
        (None, None, {"LC_ALL": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        (None, None, {"LC_ALL": "", "LC_MESSAGES": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, None, {"LANG": "ZH_cn"}, "zh"),
        (None, None, {"LANG": "C"}, "en"),
        (None, "fr", {}, "en"),
        ("fr", None, {}, "en"),
    ],
)
def test_the_flag_goes_before_the_setting_and_that_before_the_locale(
    flag: str | None, saved: str | None, environ: dict[str, str], chosen: str
) -> None:
    assert choose_language(flag, saved, environ) == chosen
