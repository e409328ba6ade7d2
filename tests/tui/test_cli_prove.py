"""`torchproof prove`: verdicts against expectations, exit codes, JSON, report, interruption and going on."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import LAB, command, environment, torchproof, write_lab
from rich.cells import cell_len

from labs.journal import runs
from labs.proof import Row
from tui.commands.prove import window

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    return write_lab(tmp_path / "labs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def named(text: str, **changes: str) -> str:
    """The ticking lab with some lines of its lab.toml changed: id, expected, or the default of a knob."""
    for name, value in changes.items():
        if name in ("id", "expected"):
            text = re.sub(rf'^{name} = "(?:ticking|supported)"', f'{name} = "{value}"', text, flags=re.M)
        else:
            text = re.sub(rf'(id = "{name}"\nkind = "\w+"\ndefault = )\S+', rf"\g<1>{value}", text)
    return text


def rows(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)["claims"]
    return found


# ---- verdicts and exit codes -------------------------------------------------------------------------------


def test_what_is_measured_as_expected_is_confirmed_and_exits_0(home: Path, labs: Path) -> None:
    report = home.parent / "report.md"
    done = torchproof(home, "prove", "ticking", "--labs", str(labs), "--json", "--report", str(report))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["claims"]
    assert {
        name: row[name] for name in ("claim", "entry", "lab", "rule", "expected", "verdict", "status")
    } == {
        "claim": "E1.6",
        "entry": "E1",
        "lab": "ticking",
        "rule": "higher",
        "expected": "supported",
        "verdict": "supported",
        "status": "confirmed",
    }
    assert row["interval"][0] < row["effect"] < row["interval"][1]
    assert row["effect"] == pytest.approx(5, abs=0.2)
    assert (row["seeds"], row["statement"]) == (4, "The latter is more than 2 points higher.")
    assert row["seconds"] > 0
    assert told["summary"] == [{"claim": "E1.6", "status": "confirmed"}]
    assert told["totals"]["claims"] == {"all": 1, "confirmed": 1, "contradicted": 0, "undecided": 0}
    assert told["hardware"]["cores"] >= 1
    assert {"torch", "python", "torchproof"} <= set(told["versions"])
    assert not told["interrupted"]
    text = report.read_text("utf-8")
    for said in ("E1.6", "supported", f"torch {told['versions']['torch']}", "`ticking`", "cores"):
        assert said in text


def test_an_inverted_expectation_is_reported_as_contradicted_and_exits_1(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="inverted", expected="refuted"), "inverted")
    done = torchproof(home, "prove", "ticking", "inverted", "--labs", str(labs), "--json")
    assert done.returncode == 1, done.stderr
    assert {row["lab"]: row["status"] for row in rows(done)} == {
        "ticking": "confirmed",
        "inverted": "contradicted",
    }
    assert json.loads(done.stdout)["summary"] == [{"claim": "E1.6", "status": "contradicted"}]
    assert "inverted" in done.stderr and "refuted was expected, supported was measured" in done.stderr


def test_a_copy_of_one_of_our_labs_with_its_expectation_inverted_is_contradicted(
    home: Path, tmp_path: Path
) -> None:
    ours = Path("labs/experiments/weighted_sum")
    copy = tmp_path / "copies" / "weighted_sum"
    copy.mkdir(parents=True)
    swap = {"supported": "refuted", "refuted": "supported"}
    text = (ours / "lab.toml").read_text("utf-8")
    text = re.sub(r'^expected = "(\w+)"', lambda m: f'expected = "{swap[m[1]]}"', text, flags=re.M)
    (copy / "lab.toml").write_text(text, "utf-8")
    (copy / "experiment.py").write_bytes((ours / "experiment.py").read_bytes())
    done = torchproof(home, "prove", "weighted_sum", "--labs", str(copy.parent), "--json")
    assert done.returncode == 1, done.stderr
    assert {row["status"] for row in rows(done)} == {"contradicted"}
    assert str(copy) in done.stderr


def test_what_stays_undecided_exits_3_with_its_interval(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="near", gap="2.002"), "near")
    done = torchproof(home, "prove", "near", "--labs", str(labs), "--json")
    (row,) = rows(done)
    assert (done.returncode, row["verdict"], row["status"]) == (3, "undecided", "undecided")
    assert row["seeds"] == 8  # it went on to the cap
    assert row["interval"][0] < 2 < row["interval"][1]


def test_a_lab_that_fails_is_undecided_with_the_reason_and_exits_1(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="angry", mood='"raising"'), "angry")
    done = torchproof(home, "prove", "angry", "ticking", "--labs", str(labs), "--json")
    assert done.returncode == 1
    by_lab = {row["lab"]: row for row in rows(done)}
    assert by_lab["ticking"]["status"] == "confirmed"
    assert (by_lab["angry"]["status"], by_lab["angry"]["effect"]) == ("undecided", None)
    assert "bad mood" in by_lab["angry"]["reason"]
    assert "bad mood" in done.stderr


def test_a_broken_lab_is_undecided_with_the_reason(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="broken").replace("estimate_s = 1", 'estimate_s = "1"'), "broken")
    done = torchproof(home, "prove", "ticking", "broken", "--labs", str(labs), "--json", "--lang", "zh")
    assert done.returncode == 3
    by_lab = {row["lab"]: row for row in rows(done)}
    assert (by_lab["broken"]["claim"], by_lab["broken"]["status"]) == ("E1.6", "undecided")
    assert "estimate_s" in by_lab["broken"]["reason"]
    (line,) = [line for line in done.stderr.splitlines() if "lab.toml:" in line]
    assert CHINESE.search(line)


def test_numbers_that_are_not_finite_are_strings(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="single"), "single")
    done = torchproof(home, "prove", "single", "--seeds", "1", "--labs", str(labs), "--json")
    (row,) = rows(done)
    assert done.returncode == 3
    assert row["interval"] == ["-Infinity", "Infinity"]
    assert (row["seeds"], row["note"]) == (1, "few-seeds")


def test_the_table_and_what_is_said_are_in_the_readers_language(home: Path, labs: Path) -> None:
    done = torchproof(home, "prove", "ticking", "--labs", str(labs), "--lang", "zh", env={"COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    for said in ("论断", "预期", "✓ 成立", "E1.6"):
        assert said in done.stdout
    assert all(cell_len(line) <= 80 for line in done.stdout.splitlines())
    assert "1 条证实" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("E9",), "E9"),
        (("tickin",), "ticking"),
        (("ticking", "--device", "tpu"), "tpu"),
        (("ticking", "--seeds", "0"), "1000"),
        (("ticking", "--seeds", "many"), "many"),
        (("ticking", "--base-seed", "-1"), "2147483647"),
        (("ticking", "--budget", "soon"), "soon"),
        (("ticking", "--budget", "0"), "--budget"),
        (("ticking", "--budget", "nan"), "--budget"),
        (("ticking", "--report", "/no/such/folder/report.md"), "/no/such/folder"),
        (("ticking", "--report", "/"), "/"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_wrong_input_is_one_clear_message_and_exit_2(
    home: Path, labs: Path, words: tuple[str, ...], said: str, lang: str
) -> None:
    done = torchproof(home, "prove", "--labs", str(labs), *words, "--lang", lang)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert bool(CHINESE.search(done.stderr)) == (lang == "zh")
    assert "Traceback" not in done.stderr
    assert not home.exists()


# ---- interruption and going on -----------------------------------------------------------------------------


def interrupted(home: Path, labs: Path, *words: str) -> tuple[int, str, str]:
    """The command, told to stop as soon as the first lab has been told to be done."""
    process = subprocess.Popen(
        command("prove", "--labs", str(labs), *words),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    heard = ""
    for line in process.stderr:
        heard += line
        if line.startswith("ticking ("):
            break
    os.kill(process.pid, signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    return process.returncode, out, heard + rest


def test_ctrl_c_stops_the_lab_and_the_next_call_takes_over_what_is_done(home: Path, labs: Path) -> None:
    write_lab(labs, named(LAB, id="long", steps="100000", pause="0.01"), "long")
    code, out, said = interrupted(home, labs, "ticking", "long", "--json")
    assert code == 130, said
    by_lab = {row["lab"]: row for row in json.loads(out)["claims"]}
    assert json.loads(out)["interrupted"]
    assert by_lab["ticking"]["status"] == "confirmed"
    assert (by_lab["long"]["status"], by_lab["long"]["effect"]) == ("undecided", None)
    before = {run.spec.lab: run for run in runs(home / "state" / "runs")}
    assert not any(run.alive() for run in before.values())

    again = torchproof(home, "prove", "ticking", "--labs", str(labs), "--json")
    assert again.returncode == 0, again.stderr
    (row,) = rows(again)
    assert (row["taken_over"], row["run"]) == (True, before["ticking"].id)
    assert "1 of 1 lab is taken over (ticking)" in again.stderr

    fresh = torchproof(home, "prove", "ticking", "--labs", str(labs), "--json", "--fresh")
    (row,) = rows(fresh)
    assert not row["taken_over"]
    assert row["run"] != before["ticking"].id


def test_a_finished_proof_is_measured_anew(home: Path, labs: Path) -> None:
    first = rows(torchproof(home, "prove", "ticking", "--labs", str(labs), "--json"))
    second = rows(torchproof(home, "prove", "ticking", "--labs", str(labs), "--json"))
    assert first[0]["run"] != second[0]["run"]


def test_without_torch_there_is_one_clear_message_and_no_second_try(
    home: Path, labs: Path, tmp_path: Path
) -> None:
    write_lab(labs, named(LAB, id="second"), "second")
    missing = str(tmp_path / "no-python")
    done = torchproof(home, "prove", "ticking", "second", "--labs", str(labs), "--python", missing, "--json")
    assert done.returncode == 1
    assert done.stderr.count("cannot be started") == 1
    assert {row["status"] for row in rows(done)} == {"undecided"}
    assert all(missing in row["reason"] for row in rows(done))


# ---- the live table ----------------------------------------------------------------------------------------


def test_a_table_longer_than_the_terminal_shows_what_runs() -> None:
    table = [
        Row(claim=f"E1.{n}", entry="E1", lab="a", rule="r", stage="running" if n in (20, 21) else "waiting")
        for n in range(40)
    ]
    for room in (5, 12, 39):
        shown = window(table, room)
        assert len(shown) == room
        assert {"E1.20", "E1.21"} <= {row.claim for row in shown}
    assert window(table, 50) == table
    assert window([], 3) == []
