"""`torchproof prove --checks`: the bank's code is run here and now, and a wrong key is told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import torchproof
from learner import write_bank

from questions import catalog, snapshot
from tui.__main__ import main


def test_one_claims_code_is_run_and_agrees(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "prove", "--checks", "E1.2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["checks"]
    assert found and all(check["agrees"] and check["claim"] == "E1.2" for check in found)
    assert {"id", "expected", "got", "source", "settles_key"} <= found[0].keys()


def test_people_see_a_table_in_their_language(tmp_path: Path) -> None:
    for lang, heading in (("en", "expected"), ("zh", "应为")):
        done = torchproof(tmp_path, "prove", "--checks", "E1.3", "--lang", lang, env={"COLUMNS": "80"})
        assert done.returncode == 0, done.stderr
        assert heading in done.stdout and "✓  E1.3" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_what_is_neither_claim_nor_entry_is_wrong_usage(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "prove", "--checks", "E1.22")
    assert (done.returncode, done.stdout) == (2, "")
    assert "E1.2" in done.stderr


@pytest.mark.parametrize(
    ("code", "got"), [("print(2)", "2"), ("1 / 0", None), ("import os; os._exit(3)", None)]
)
def test_code_that_disagrees_fails_the_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    got: str | None,
) -> None:
    root = write_bank(tmp_path / "bank")
    claim = root / "E1" / "E1.1" / "claim.md"
    evidence = f"evidence = {{code = '{code}', prints = '1'}}\nverdict ="
    claim.write_text(claim.read_text("utf-8").replace("verdict =", evidence, 1), "utf-8")
    monkeypatch.setattr(snapshot, "load", lambda cache: catalog.load(root))
    monkeypatch.setenv("TORCHPROOF_HOME", str(tmp_path / "home"))
    assert main(["prove", "--checks", "E1.1", "--json", "--lang", "en"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    (wrong,) = [check for check in checks if check["part"] == "claim"]
    assert (wrong["agrees"], wrong["got"]) == (False, got)


def test_a_claim_without_a_lab_is_named_with_the_command_that_runs_its_code(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "prove", "E2.15", "--lang", "en")
    assert (done.returncode, done.stdout) == (2, "")
    assert "torchproof prove --checks E2.15" in done.stderr
