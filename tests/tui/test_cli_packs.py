"""`torchproof bank add|packs|allow|remove|import`, and `prove --checks` over packs: what is said, what is run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import torchproof
from small_pack import MARKUP, write_pack

from tui.__main__ import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("TORCHPROOF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: str, lang: str = "en") -> tuple[int, str, str]:
        code = main([*words, "--lang", lang])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "data" / "packs"


def test_a_pack_is_added_listed_and_removed_in_both_languages(run: Run, tmp_path: Path) -> None:
    for lang, (added, listed, gone) in {
        "en": (
            "Pack 'theirs' added: 1 entry, 1 claim, 1 question",
            "2 pieces, not allowed",
            "removed",
        ),
        "zh": ("已加入题包“theirs”：1 个条目，1 条论断，1 道题", "2 段，不允许运行", "已移除"),
    }.items():
        source = write_pack(tmp_path / lang / "theirs")
        code, out, err = run("bank", "add", str(source), lang=lang)
        assert (code, out) == (0, "")
        assert added in err and "bank allow theirs" in err
        code, out, err = run("bank", "packs", lang=lang)
        assert code == 0 and "theirs" in out and listed in out and str(home(tmp_path)) in err
        code, out, err = run("bank", "remove", "theirs", lang=lang)
        assert (code, out) == (0, "") and gone in err
        assert not list(home(tmp_path).iterdir())


def test_packs_are_listed_for_scripts(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("bank", "packs", "--json")[1]) == []
    assert "bank import FILE" in run("bank", "packs")[2]
    run("bank", "add", str(write_pack(tmp_path / "a")), "--allow-code")
    (pack,) = json.loads(run("bank", "packs", "--json")[1])
    assert pack == {
        "name": "a",
        "folder": str(home(tmp_path) / "a"),
        "source": str(tmp_path / "a"),
        "entries": 1,
        "claims": 1,
        "questions": 1,
        "drafts": 0,
        "code": 2,
        "code_allowed": True,
        "problems": [],
    }


def test_a_pack_with_faults_is_not_added_and_each_is_named(run: Run, tmp_path: Path) -> None:
    source = write_pack(tmp_path / "theirs")
    file = source / "P1" / "P1.1" / "p1-what.md"
    file.write_text(file.read_text("utf-8").replace("difficulty = 1", "difficulty = 9"), "utf-8")
    for lang, word in (("en", "was not added"), ("zh", "没有加入")):
        code, out, err = run("bank", "add", str(source), lang=lang)
        assert (code, out) == (1, "")
        assert word in err and f"{file}:5" in err
    assert not list(home(tmp_path).iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "/nowhere"), "/nowhere is not a folder"),
        (("add", "FILE"), "bank import FILE"),
        (("add", "PACK", "--name", "../x"), "cannot be a pack's name"),
        (("allow", "nobody"), "no pack 'nobody'"),
        (("remove", "../../x"), "no pack '../../x'"),
        (("remove", "\x1b[2J"), r"no pack '\x1b[2J'"),
        (("import", "/nowhere.md"), "/nowhere.md does not exist"),
        (("import", "GBK"), "iconv -f GB18030 -t UTF-8 gbk.md > gbk.utf8.md"),
        (("import", "EMPTY"), "holds no text"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "faq.md").write_text("# a?\nb\n", "utf-8")
    (tmp_path / "gbk.md").write_bytes("# 为什么训练要打乱数据？\n因为。".encode("gbk"))
    (tmp_path / "empty.md").write_text("", "utf-8")
    stand_for = {
        "FILE": str(tmp_path / "faq.md"),
        "GBK": str(tmp_path / "gbk.md"),
        "EMPTY": str(tmp_path / "empty.md"),
        "PACK": str(write_pack(tmp_path / "theirs")),
    }
    code, out, err = run("bank", *(stand_for.get(word, word) for word in words))
    assert (code, out) == (1, "")
    assert said in err and "\x1b[2J" not in err
    assert len(err.strip().splitlines()) == 1


def test_markup_and_names_reach_the_terminal_as_text(run: Run, tmp_path: Path) -> None:
    source = write_pack(tmp_path / "theirs")
    (source / "P1" / "\x1b]0;owned\x07.md").write_text("x", "utf-8")
    code, out, err = run("bank", "add", str(source))
    assert code == 1 and r"\x1b]0;owned\x07.md" in err and "\x1b]" not in err
    code, out, err = run("bank", "check", str(source))
    assert code == 1 and "\x1b]" not in out + err
    (tmp_path / "faq.md").write_text(f"# {MARKUP} \x1b[31mwhy?\nb\n", "utf-8")
    code, out, err = run("bank", "import", str(tmp_path / "faq.md"))
    assert code == 0 and f"{MARKUP} [31mwhy?" in out and "U+001B" in err
    assert "\x1b" not in out + err


def test_a_folder_put_there_by_hand_is_listed_with_what_is_wrong(run: Run, tmp_path: Path) -> None:
    for name in (b"My Pack", b"\x1b[2J", b"\xff"):
        (home(tmp_path) / os.fsdecode(name)).mkdir(parents=True)
    code, out, err = run("bank", "packs")
    assert code == 0 and "\x1b" not in out + err
    assert r"\x1b[2J" in err and "'My Pack' cannot be a pack's name" in err
    code, out, _ = run("bank", "packs", "--json")
    assert code == 0 and len(json.loads(out)) == 3


# --- code


def test_a_pack_s_code_is_never_run_unless_it_is_allowed_by_name(run: Run, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    source = write_pack(tmp_path / "theirs", f'open("{ran}", "a").write("x")')
    run("bank", "check", str(source))
    run("bank", "add", str(source))
    run("bank", "packs")
    run("bank", "check", str(home(tmp_path) / "theirs"))
    code, out, err = run("prove", "--checks", "theirs", "--json")
    assert (code, json.loads(out)["checks"], json.loads(out)["skipped"]) == (0, [], 2)
    assert "2 checks were skipped" in err and "theirs" in err and "bank allow NAME" in err
    assert not ran.exists()

    run("bank", "add", str(write_pack(tmp_path / "other")), "--allow-code")
    run("prove", "--checks", "theirs/P1.1", "other/P1")
    assert not ran.exists()  # allowing one allows no other

    code, _, err = run("bank", "allow", "theirs")
    assert code == 0 and "2 pieces of code" in err
    assert not ran.exists()
    run("prove", "--checks", "theirs/P1", "--json")
    assert ran.read_text() == "xx"

    claim = home(tmp_path) / "theirs" / "P1" / "P1.1" / "claim.md"
    claim.write_text(claim.read_text("utf-8") + "\nmore\n", "utf-8")
    code, out, _ = run("prove", "--checks", "theirs", "--json")
    assert json.loads(out)["skipped"] == 2
    assert ran.read_text() == "xx"  # a changed pack has to be allowed again


@pytest.mark.parametrize("code", ["-" * 9000 + "1", "1" + "+1" * 4000, "(" * 9000, "9" * 9000])
def test_code_that_breaks_a_parser_is_a_finding(run: Run, tmp_path: Path, code: str) -> None:
    status, out, _ = run("bank", "check", str(write_pack(tmp_path / "theirs", code)), "--json")
    found = [finding["text"] for finding in json.loads(out)["findings"] if finding["rule"] == "B24"]
    assert status == 1 and any("does not parse" in text for text in found)
    assert all(len(text) < 500 for text in found)


def test_code_that_may_be_run_is_compared_like_our_own(run: Run, tmp_path: Path) -> None:
    run("bank", "add", str(write_pack(tmp_path / "theirs", "print(1 + 2)")), "--allow-code")
    code, out, err = run("prove", "--checks", "theirs", "E1.2", "--json")
    checks = json.loads(out)["checks"]
    assert code == 0 and {check["claim"] for check in checks} == {"theirs/P1.1", "E1.2"}
    assert all(check["agrees"] for check in checks)
    code, out, err = run("prove", "--checks", "theirs/P1.2")
    assert code == 2 and "theirs/P1.1" in err


def test_what_is_skipped_is_said_in_chinese_too(run: Run, tmp_path: Path) -> None:
    run("bank", "add", str(write_pack(tmp_path / "theirs")))
    code, _, err = run("prove", "--checks", "theirs", lang="zh")
    assert code == 0 and "跳过了 2 项检查" in err


def test_work_done_here_is_kept_unless_it_is_said_to_go(run: Run, tmp_path: Path) -> None:
    run("bank", "add", str(write_pack(tmp_path / "theirs")))
    claim = home(tmp_path) / "theirs" / "P1" / "P1.1" / "claim.md"
    claim.write_text(claim.read_text("utf-8") + "\nmore\n", "utf-8")
    code, _, err = run("bank", "remove", "theirs")
    assert code == 1 and "--edited" in err and claim.exists()
    assert run("bank", "remove", "theirs", "--edited")[0] == 0 and not claim.exists()


# --- a FAQ


FAQ = "Hello.\n\n# FAQ\n## 为什么？\n因为 <br>\n<!-- x -->\n## Why?\nBecause.\n## Nothing\n"


def test_a_faq_is_imported_and_what_was_left_is_named(tmp_path: Path) -> None:
    file = tmp_path / "FAQ v2.md"
    file.write_text(FAQ, "utf-8")
    for lang, words in {
        "en": (
            "text before the first question, in no draft: line 1",
            "HTML, shown as text: line 5",
            "2 drafts",
        ),
        "zh": ("第一个问题之前的文字，未放入草稿：行 1", "HTML，按文字显示：行 5", "2 张草稿"),
    }.items():
        done = torchproof(tmp_path, "bank", "import", str(file), "--name", f"faq-{lang}", "--lang", lang)
        assert done.returncode == 0
        assert all(word in done.stderr for word in words)
        assert [line.split() for line in done.stdout.splitlines()] == [
            ["FAQ"],
            ["4–5", "为什么？"],
            ["7–8", "Why?"],
        ]


def test_an_import_is_a_document_for_scripts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text(FAQ, "utf-8")
    code, out, _ = run("bank", "import", str(tmp_path / "faq.md"), "--json")
    made = json.loads(out)
    assert code == 0 and made["name"] == "faq" and len(made["drafts"]) == 2
    assert Path(made["drafts"][0]["file"]).read_text("utf-8").startswith("+++\n")
    assert [(note["why"], note["in_a_draft"]) for note in made["notes"]] == [
        ("before-first", False),
        ("html", True),
        ("comment", False),
        ("empty-heading", False),
    ]
    code, out, _ = run("bank", "check", made["folder"], "--json")
    found = json.loads(out)["findings"]
    assert code == 0 and [(f["rule"], f["level"]) for f in found] == [("draft", "info")] * 2
    code, out, _ = run("bank", "packs", "--json")
    assert [(pack["name"], pack["drafts"]) for pack in json.loads(out)] == [("faq", 2)]


def test_figures_count_what_packs_hold(run: Run, tmp_path: Path) -> None:
    run("bank", "add", str(write_pack(tmp_path / "theirs")))
    code, out, _ = run("progress", "show", "--json")
    assert code == 0
    before = json.loads(out)["states"]["unseen"]
    run("bank", "remove", "theirs")
    assert json.loads(run("progress", "show", "--json")[1])["states"]["unseen"] == before - 1
