"""`torchproof progress`: counts, calibration, and taking answers from one machine to another."""

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import command, environment, torchproof

from questions.progress import Answer, Bet, Progress, Result


def answer(home: Path, *outcomes: bool, host: str = "here") -> Progress:
    """Answers on a machine's log, right or wrong as told, each stated with 90 %."""
    progress = Progress(
        home / "data" / "events",
        host=host,
        pid=os.getpid(),
        now=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC),
    )
    for ok in outcomes:
        progress.record(
            Answer(claim="E1.1", item="q", kind="choice", option="a", p=0.9, ok=ok, chance=0.25, lang="zh")
        )
    return progress


def shown(home: Path, *words: str) -> dict:
    done = torchproof(home, "progress", "show", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_answered_yet_is_a_count_of_zero_and_makes_no_log(tmp_path: Path) -> None:
    record = shown(tmp_path)
    assert record["answers"] == 0
    assert not (tmp_path / "data").exists()
    assert "answer the first question" in torchproof(tmp_path, "progress", "show").stderr
    assert "答第一道题" in torchproof(tmp_path, "progress", "show", "--lang", "zh").stderr


def test_the_path_is_the_folder_of_the_events(tmp_path: Path) -> None:
    events = str(tmp_path / "data" / "events")
    assert torchproof(tmp_path, "progress", "path").stdout == events + "\n"
    record = json.loads(torchproof(tmp_path, "progress", "path", "--json").stdout)
    assert record["events"] == events
    assert record["state"] == str(tmp_path / "state")


def test_answers_and_bets_are_counted_together_and_apart(tmp_path: Path) -> None:
    progress = answer(tmp_path, True, True, False)
    progress.record(Bet(lab="l", claim="E1.6", band=1, bands=4, p=0.7, run="r"))
    progress.record(Result(lab="l", run="r", claim="E1.6", band=1, points=9.1))
    record = shown(tmp_path)
    assert (record["answers"], record["right"], record["bets"], record["results"]) == (4, 2, 1, 1)
    assert record["points"] == pytest.approx(9.9 + 9.9 - 8.1 + 9.1)
    assert sum(record["states"].values()) == sum(record["states"][state] for state in record["states"])
    levels = {level["stated"]: (level["n"], level["right"]) for level in record["calibration"]["levels"]}
    assert levels[0.9] == (3, 2)
    assert levels[0.7] == (1, 1)


def test_people_read_a_table_in_their_language(tmp_path: Path) -> None:
    answer(tmp_path, True, False)
    chinese = torchproof(tmp_path, "progress", "show", "--lang", "zh").stdout
    assert "1 / 2" in chinese
    assert "校准" in chinese
    assert "90%" in chinese
    assert "calibration" in torchproof(tmp_path, "progress", "show").stdout


def test_of_what_is_due_only_what_fits_today_is_told(tmp_path: Path) -> None:
    long_ago = datetime(2020, 1, 1, 12, tzinfo=UTC)
    progress = Progress(tmp_path / "data" / "events", host="here", pid=os.getpid(), now=lambda: long_ago)
    claims = [f"E{entry}.{n}" for entry in range(1, 9) for n in range(1, 7)]
    for claim in claims:
        progress.record(
            Answer(claim=claim, item="q", kind="choice", option="a", p=0.9, ok=True, chance=0.25, lang="en")
        )
    (told,) = re.findall(r"due today +(\d+)", torchproof(tmp_path, "progress", "show").stdout)
    record = shown(tmp_path)
    assert record["due"] == len(claims) > int(told) == record["forecast"][0]["due"] > 0


def test_a_torn_line_is_told_and_loses_nothing_else(tmp_path: Path) -> None:
    answer(tmp_path, True)
    (tmp_path / "data" / "events" / "torn.jsonl").write_bytes(b'not ours\n{"v": 1, "id"')
    done = torchproof(tmp_path, "progress", "show", "--json")
    assert json.loads(done.stdout)["answers"] == 1
    assert "2 lines" in done.stderr


def test_an_export_read_elsewhere_gives_the_same_counts_and_once_only(tmp_path: Path) -> None:
    there, here, file = tmp_path / "there", tmp_path / "here", tmp_path / "answers.jsonl"
    answer(there, True, False, host="there")
    answer(here, True, host="here")
    done = torchproof(there, "progress", "export", str(file), "--json")
    assert (done.returncode, json.loads(done.stdout)["exported"]) == (0, 2)
    assert json.loads(torchproof(here, "progress", "import", str(file), "--json").stdout)["imported"] == 2
    assert shown(here)["answers"] == 3
    again = torchproof(here, "progress", "import", str(file))
    assert again.returncode == 0
    assert "already" in again.stderr
    assert shown(here)["answers"] == 3


def test_an_export_to_standard_output_is_the_same_file(tmp_path: Path) -> None:
    answer(tmp_path, True)
    piped = tmp_path / "piped.jsonl"
    piped.write_text(torchproof(tmp_path, "progress", "export", "-").stdout, "utf-8")
    other = tmp_path / "other"
    assert json.loads(torchproof(other, "progress", "import", str(piped), "--json").stdout)["imported"] == 1


def test_an_export_does_not_replace_a_file_unless_told(tmp_path: Path) -> None:
    answer(tmp_path, True)
    file = tmp_path / "mine.txt"
    file.write_text("mine")
    refused = torchproof(tmp_path, "progress", "export", str(file))
    assert refused.returncode == 1
    assert str(file) in refused.stderr
    assert "--force" in refused.stderr
    assert file.read_text() == "mine"
    assert torchproof(tmp_path, "progress", "export", str(file), "--force").returncode == 0
    assert file.read_text().startswith('{"torchproof":"progress"')


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "content", [None, "", "hello\n", '{"torchproof":"progress","v":1,"events":1}\n{"nothing":1}\n']
)
def test_a_file_that_is_not_ours_is_named_and_nothing_is_imported(
    tmp_path: Path, content: str | None, lang: str
) -> None:
    file = tmp_path / "foreign.jsonl"
    if content is not None:
        file.write_text(content, "utf-8")
    done = torchproof(tmp_path, "progress", "import", str(file), "--lang", lang)
    assert done.returncode == 1
    assert done.stdout == ""
    assert str(file) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert bool([c for c in done.stderr if "\u4e00" <= c <= "\u9fff"]) == (lang == "zh")
    assert not (tmp_path / "data").exists()


def test_an_export_into_a_folder_that_is_missing_says_so(tmp_path: Path) -> None:
    answer(tmp_path, True)
    done = torchproof(tmp_path, "progress", "export", str(tmp_path / "no" / "where.jsonl"))
    assert done.returncode == 1
    assert "where.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("show", "--json"), ("path",), ("export", "-")], ids=" ".join)
def test_a_full_disk_behind_stdout_is_one_message(tmp_path: Path, words: tuple[str, ...]) -> None:
    answer(tmp_path, True)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("progress", *words),
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_every_figure_of_the_page_is_in_the_document(tmp_path: Path) -> None:
    answer(tmp_path, True, False)
    record = shown(tmp_path)
    assert record["bets_on_labs"]["n"] == 0
    assert record["prediction"]["n"] == 0
    assert [(day["day"], day["new"], day["reviews"]) for day in record["by_day"]] == [("2026-11-24", 1, 1)]
    assert len(record["forecast"]) == 14
    assert record["surprises"][0]["item"] == "q"
    assert record["misconceptions"] == {"open": [], "cleared": []}
    assert (record["streak"], record["claims_by_id"]["E1.1"]["answers"]) == (record["streak"], 2)


@pytest.mark.parametrize(
    ("format", "begins"),
    [
        ("csv", "at,day,event,claim,item"),
        ("json", '{\n  "torchproof": "reviews"'),
        ("anki", "#separator:tab\n"),
    ],
)
def test_other_tools_get_other_formats(tmp_path: Path, format: str, begins: str) -> None:
    answer(tmp_path, True)
    file = tmp_path / "out.txt"
    done = torchproof(tmp_path, "progress", "export", str(file), "--format", format, "--json")
    assert json.loads(done.stdout) == {"exported": 1, "file": str(file), "format": format}
    assert file.read_text("utf-8").startswith(begins)


def test_a_review_log_is_not_taken_for_the_log(tmp_path: Path) -> None:
    file = tmp_path / "reviews.json"
    file.write_text('{"torchproof":"reviews","v":1,"reviews":[]}\n', "utf-8")
    refused = torchproof(tmp_path, "progress", "import", str(file))
    assert refused.returncode == 1
    assert str(file) in refused.stderr


def test_anki_gets_answered_claims_unless_told_otherwise(tmp_path: Path) -> None:
    answer(tmp_path, True)
    usual = torchproof(tmp_path, "progress", "export", "-", "--format", "anki", "--lang", "zh").stdout
    assert usual.splitlines()[-1].endswith("torchproof-E1.1")
    assert "#notetype:问答题" in usual
    whole = torchproof(tmp_path, "progress", "export", "-", "--format", "anki", "--all").stdout
    assert len(whole.splitlines()) > len(usual.splitlines()) + 50
    wrong = torchproof(tmp_path, "progress", "export", "-", "--all")
    assert wrong.returncode == 2
    assert "anki" in wrong.stderr
