"""What the command line says about itself: help, version, mistakes, in both languages."""

import re
import tomllib
from pathlib import Path

import pytest
from command_line import torchproof
from rich.cells import cell_len

from tui import __version__
from tui.commands.parsing import asked_language, parser
from tui.i18n import LOCALE, Translator

COMMANDS = [
    (),
    ("lab",),
    *[("lab", action) for action in ("list", "run", "runs", "show", "follow", "stop")],
    ("progress",),
    *[("progress", action) for action in ("path", "show", "export", "import")],
    ("data",),
    *[("data", action) for action in ("list", "get", "check", "remove")],
    ("bank",),
    *[("bank", action) for action in ("check", "lint", "add", "packs", "allow", "remove", "import")],
    ("doctor",),
]


def help_of(lang: str, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        parser(Translator(lang)).parse_args([*words, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_is_in_the_chosen_language(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    english = help_of("en", *words, capsys=capsys)
    chinese = help_of("zh", *words, capsys=capsys)
    assert not re.search("[\u3000-\u9fff\uff00-\uffef]", english)
    assert english.startswith("usage: torchproof")
    assert chinese.startswith("用法：torchproof")
    for word in ("usage:", "options:", "show this help", "cli."):
        assert word not in chinese
    assert "cli." not in english


@pytest.mark.parametrize("columns", [60, 80])
def test_help_is_no_wider_than_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in COMMANDS:
        for lang in ("zh", "en"):
            for line in help_of(lang, *words, capsys=capsys).splitlines():
                assert cell_len(line) <= columns, line


def test_the_version_is_one_line_on_stdout(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"torchproof {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("bnak",), "bank"),
        (("lab", "lst"), "list"),
        (("lab", "run", "x", "--seed", "3"), "--seeds"),
        (("progress", "pth"), "path"),
        (("doctor", "--jsn"), "--json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_typing_mistake_is_answered_with_the_nearest_word(
    tmp_path: Path, words: tuple[str, ...], near: str
) -> None:
    english = torchproof(tmp_path, *words)
    assert english.returncode == 2
    assert english.stdout == ""
    assert f"Did you mean {near}?" in english.stderr
    chinese = torchproof(tmp_path, *words, "--lang", "zh")
    assert chinese.returncode == 2
    assert f"是不是想写 {near}？" in chinese.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lab", "run"), "missing: ID"),
        (("lab", "run", "x", "--seeds"), "--seeds: needs a value"),
        (("lab", "run", "x", "--seeds", "many"), "'many' is not a whole number"),
        (("lab", "stop"), "name a run, or --all"),
        (("lab", "stop", "x", "--all"), "not both"),
        (("lab", "list", "--labs", "/nowhere"), "/nowhere"),
        (("--lang", "fr", "lab", "list"), "choose from zh, en"),
        (("bank", "lint", "/nowhere"), "/nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_message_and_exit_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = torchproof(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_global_options_are_taken_before_and_after_the_command() -> None:
    root = parser(Translator("en"))
    before = root.parse_args(["--lang", "zh", "--python", "/p", "lab", "list"])
    between = root.parse_args(["lab", "--lang", "zh", "--python", "/p", "list"])
    after = root.parse_args(["lab", "list", "--lang", "zh", "--python", "/p"])
    for args in (before, between, after):
        assert (args.lang, args.python, args.action) == ("zh", "/p", "list")
    assert root.parse_args(["lab", "list"]).lang is None


def test_folders_of_labs_add_up_wherever_they_are_named() -> None:
    args = parser(Translator("en")).parse_args(
        ["lab", "--labs", "a", "run", "x", "--labs", "b", "--labs", "c"]
    )
    assert args.labs_before + args.labs_after == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("argv", "lang"),
    [
        (["--lang", "zh"], "zh"),
        (["lab", "list", "--lang=en"], "en"),
        (["--lang", "fr"], None),
        (["--lang"], None),
        (["lab", "show", "--", "--lang", "zh"], None),
    ],
)
def test_the_language_is_known_before_parsing(argv: list[str], lang: str | None) -> None:
    assert asked_language(argv) == lang


def test_argparse_itself_speaks_the_language_of_the_latest_parser(capsys: pytest.CaptureFixture[str]) -> None:
    for lang, said in (("zh", "后面要有一个值"), ("en", "needs a value"), ("zh", "后面要有一个值")):
        with pytest.raises(SystemExit):
            parser(Translator(lang)).parse_args(["lab", "run", "x", "--device"])
        assert said in capsys.readouterr().err


def test_both_languages_have_the_same_words_with_the_same_placeholders() -> None:
    zh, en = (tomllib.loads((LOCALE / lang / "cli.toml").read_text("utf-8")) for lang in ("zh", "en"))
    assert zh.keys() == en.keys()
    for key in en:
        for pattern in (r"\{(\w*)\}", r"%\(?\w+\)?[sr]?"):
            assert sorted(re.findall(pattern, zh[key])) == sorted(re.findall(pattern, en[key])), key


def test_every_word_the_commands_ask_for_is_there() -> None:
    known = tomllib.loads((LOCALE / "en" / "cli.toml").read_text("utf-8"))
    code = "".join(file.read_text("utf-8") for file in (LOCALE.parent / "commands").glob("*.py"))
    asked = set(re.findall(r'"cli\.(\w+)"', code))
    assert asked - known.keys() == set()
