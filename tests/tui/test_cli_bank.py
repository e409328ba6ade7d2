"""`torchproof bank lint`: findings for authors, and an exit code for scripts."""

import json
import shutil
from pathlib import Path

from command_line import torchproof

from questions.catalog import BANK


def copied_bank(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the bank, and one question file in it."""
    root = tmp_path / "bank"
    shutil.copytree(BANK, root)
    return root, min(root.glob("*/*/*.md"))


def test_findings_are_a_json_array_and_decide_the_exit_code(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "bank", "lint", "--json")
    found = json.loads(done.stdout)
    assert all(finding.keys() == {"rule", "level", "file", "text"} for finding in found)
    assert done.returncode == any(finding["level"] == "error" for finding in found)


def test_a_question_that_cannot_be_read_is_an_error_with_its_line(tmp_path: Path) -> None:
    root, file = copied_bank(tmp_path)
    file.write_text(file.read_text("utf-8").replace("difficulty =", "dificulty =", 1), "utf-8")
    done = torchproof(tmp_path, "bank", "lint", str(root), "--json")
    assert done.returncode == 1
    broken = [finding for finding in json.loads(done.stdout) if finding["file"] == str(file)]
    assert [finding["level"] for finding in broken] == ["error"]
    assert f"{file.name}:" in broken[0]["text"]


def test_people_see_the_file_as_it_lies_in_the_bank(tmp_path: Path) -> None:
    root, file = copied_bank(tmp_path)
    file.write_text("no front matter", "utf-8")
    for lang, word in (("zh", "错误"), ("en", "error")):
        done = torchproof(tmp_path, "bank", "lint", str(root), "--lang", lang, env={"COLUMNS": "200"})
        assert done.returncode == 1
        assert word in done.stdout
        assert str(file.relative_to(root)) in done.stdout


def test_a_folder_without_a_bank_is_one_message(tmp_path: Path) -> None:
    for lang in ("zh", "en"):
        done = torchproof(tmp_path, "bank", "lint", str(tmp_path), "--lang", lang)
        assert (done.returncode, done.stdout) == (1, "")
        assert "entries.toml" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
