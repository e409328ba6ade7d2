"""`torchproof bank check`: findings and numbers for authors, and an exit code for scripts."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from command_line import torchproof

SOUND = Path(__file__).parents[1] / "questions" / "sound_bank"
QUESTION = "E1/E1.1/e11-which.md"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bank in which there is nothing to mend."""
    return Path(shutil.copytree(SOUND, tmp_path / "bank"))


def spoil(root: Path, old: str, new: str, file: str = QUESTION) -> Path:
    path = root / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def checked(tmp_path: Path, *words: str) -> tuple[int, Mapping[str, Any]]:
    done = torchproof(tmp_path, "bank", "check", *words, "--json")
    return done.returncode, json.loads(done.stdout)


def test_json_is_one_object_with_numbers_and_findings(tmp_path: Path, root: Path) -> None:
    code, found = checked(tmp_path, str(root))
    assert code == 0
    assert (found["claims"], found["questions"], found["claims_without_evidence"]) == (2, 8, [])
    assert found["by_entry"] == {"E1": 8}
    assert found["by_claim"] == {"E1.1": 5, "E1.2": 3}
    forms = ("band", "bug", "choice", "generated", "number", "order", "output", "two-step")
    assert found["by_form"] == dict.fromkeys(forms, 1)
    assert found["by_language"] == {"zh": 8, "en": 8}
    assert found["by_evidence"] == {"lab": 3, "code": 4, "both": 1, "none": 0}
    assert (found["errors"], found["warnings"], found["waivers"]) == (0, 0, 0)
    assert all(finding.keys() == {"rule", "level", "file", "text"} for finding in found["findings"])
    assert {finding["level"] for finding in found["findings"]} <= {"info"}


def test_the_bank_that_ships_is_counted_and_decides_the_exit_code(tmp_path: Path) -> None:
    code, found = checked(tmp_path)
    levels = [finding["level"] for finding in found["findings"]]
    assert code == (found["errors"] > 0)
    assert (found["errors"], found["warnings"]) == (levels.count("error"), levels.count("warning"))
    assert found["questions"] == sum(found["by_entry"].values()) == sum(found["by_evidence"].values())
    assert found["questions"] == sum(found["by_form"].values()) == sum(found["by_claim"].values())


def test_a_claim_without_evidence_is_named(tmp_path: Path, root: Path) -> None:
    claim = root / "E1/E1.2/claim.md"
    text = claim.read_text("utf-8")
    claim.write_text(text[: text.index("[evidence]")] + text[text.index("+++\n# zh") :], "utf-8")
    code, found = checked(tmp_path, str(root))
    assert code == 1
    assert found["claims_without_evidence"] == ["E1.2"]


def test_waivers_are_counted(tmp_path: Path, root: Path) -> None:
    spoil(root, 'answer = "buffers"', 'answer = "buffers"\nwaive = {B15 = "a name"}')
    spoil(root, 'en = "The buffers', 'en = "the buffers')
    code, found = checked(tmp_path, str(root))
    assert (code, found["errors"], found["warnings"], found["waivers"]) == (0, 0, 0, 1)
    assert any("a name" in finding["text"] for finding in found["findings"])


def test_a_question_that_cannot_be_read_is_an_error_with_its_line(tmp_path: Path, root: Path) -> None:
    file = spoil(root, "difficulty =", "dificulty =")
    code, found = checked(tmp_path, str(root))
    assert code == 1
    broken = [finding for finding in found["findings"] if finding["file"] == str(file)]
    assert [(finding["rule"], finding["level"]) for finding in broken] == [("B01", "error")]
    assert f"{file.name}:" in broken[0]["text"]


def test_people_see_the_file_as_it_lies_in_the_bank(tmp_path: Path, root: Path) -> None:
    spoil(root, "difficulty =", "dificulty =")
    for lang, word in (("zh", "错误"), ("en", "error")):
        done = torchproof(tmp_path, "bank", "check", str(root), "--lang", lang, env={"COLUMNS": "200"})
        assert done.returncode == 1
        assert word in done.stdout
        assert QUESTION in done.stdout


def test_one_file_or_folder_of_a_bank_is_shown_alone(tmp_path: Path, root: Path) -> None:
    flawed = spoil(root, 'en = "The weights of the convolution"', 'en = "All of the above"')
    other = spoil(root, "torch/optim/sgd.py: SGD.step", "unknown", "E1/E1.1/e11-why.md")
    code, found = checked(tmp_path, str(flawed))
    assert (code, {finding["file"] for finding in found["findings"]}) == (1, {str(flawed)})
    assert found["questions"] == 8  # the numbers are the bank's
    code, found = checked(tmp_path, str(flawed.parent))
    assert (code, {finding["file"] for finding in found["findings"]}) == (1, {str(flawed), str(other)})
    code, found = checked(tmp_path, str(root / "E1/E1.2"))
    assert (code, found["findings"]) == (0, [])
    done = torchproof(tmp_path, "bank", "check", str(root / "E1/E1.2"))
    assert done.returncode == 0
    assert "no problems" in done.stdout + done.stderr


def test_a_folder_without_a_bank_is_one_message(tmp_path: Path) -> None:
    for lang in ("zh", "en"):
        done = torchproof(tmp_path, "bank", "check", str(tmp_path), "--lang", lang)
        assert (done.returncode, done.stdout) == (1, "")
        assert "entries.toml" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_lint_is_another_name_for_check(tmp_path: Path, root: Path) -> None:
    outputs = {torchproof(tmp_path, "bank", name, str(root), "--json").stdout for name in ("check", "lint")}
    assert len(outputs) == 1
