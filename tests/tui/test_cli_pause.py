"""`torchproof pause`: what is left alone, for how long, and how it is taken up again."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from command_line import torchproof


def listed(home: Path, *words: str) -> dict[str, dict]:
    done = torchproof(home, "pause", "--json", *words)
    assert done.returncode == 0, done.stderr
    return {row["what"]: row for row in json.loads(done.stdout)}


def test_entries_and_claims_are_paused_by_name_in_any_case_and_taken_up_again(tmp_path: Path) -> None:
    assert listed(tmp_path) == {}
    rows = listed(tmp_path, "e4", "E1.2")
    assert rows["E4"] == {"what": "E4", "why": "asked", "until": None}
    assert set(rows) == {"E4", "E1.2"}
    assert set(listed(tmp_path)) == {"E4", "E1.2"}
    assert set(listed(tmp_path, "E4", "--resume")) == {"E1.2"}


def test_a_pause_of_some_days_says_when_it_ends(tmp_path: Path) -> None:
    until = date.fromisoformat(listed(tmp_path, "E1.2", "--days", "7")["E1.2"]["until"])
    assert timedelta(days=6) <= until - date.today() <= timedelta(days=8)
    shown = torchproof(tmp_path, "progress", "show", "--json").stdout
    assert json.loads(shown)["resting"] == [{"what": "E1.2", "why": "asked", "until": until.isoformat()}]


def test_people_read_a_table_in_their_language(tmp_path: Path) -> None:
    assert "nothing is paused" in torchproof(tmp_path, "pause").stderr
    assert "you take it up again" in torchproof(tmp_path, "pause", "E8").stdout
    assert "手动恢复" in torchproof(tmp_path, "pause", "--lang", "zh").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("E1.1", "E1.22"), "Did you mean E1.2?"),
        (("\x1b[31mE1",), "\\x1b[31mE1"),
        (("E1.1", "--days", "0"), "1 to 3650"),
        (("E1.1", "--days", "some"), "--days"),
        (("--resume",), "Name the entries or claims"),
        (("E1", "--days", "3", "--resume"), "cannot be used with"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = torchproof(tmp_path, "pause", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "data").exists()
