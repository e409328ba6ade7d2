"""`torchproof lab`: labs and runs as JSON and as tables, a run to its verdict, and every way to stop one."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import LAB, command, environment, recorded_run, torchproof, write_lab
from rich.cells import cell_len

from labs.journal import Run, Verdict, runs
from tui.commands.tables import measured, quantity, spans, took
from tui.i18n import Translator

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    return write_lab(tmp_path / "labs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


# ---- list, show LAB ----------------------------------------------------------------------------------------


def test_labs_are_one_json_array_in_reading_order(home: Path, labs: Path) -> None:
    done = torchproof(home, "lab", "list", "--json", "--labs", str(labs), "--lang", "zh")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    assert [lab["entry"] for lab in found] == sorted(lab["entry"] for lab in found)
    (ticking,) = [lab for lab in found if lab["id"] == "ticking"]
    assert ticking["claims"] == ["E1.6"]
    assert ticking["title"] == ticking["title_zh"] == "滴答实验"
    assert ticking["title_en"] == "A ticking lab"
    assert ticking["estimate_s"] == 1
    assert not home.exists()


def test_labs_of_a_folder_are_off_unless_named(home: Path, labs: Path) -> None:
    assert "ticking" not in torchproof(home, "lab", "list").stdout
    assert "ticking" in torchproof(home, "lab", "list", "--labs", str(labs)).stdout


def test_a_broken_lab_is_told_and_hides_no_other(home: Path, labs: Path) -> None:
    write_lab(labs, LAB.replace('entry = "E1"', 'entry = "E9"').replace('"ticking"', '"broken"'), "broken")
    for lang in ("zh", "en"):
        done = torchproof(home, "lab", "list", "--json", "--labs", str(labs), "--lang", lang)
        assert done.returncode == 0
        assert "ticking" in [lab["id"] for lab in json.loads(done.stdout)]
        (line,) = [line for line in done.stderr.splitlines() if "lab.toml:" in line]
        assert "entry" in line
        assert bool(CHINESE.search(line)) == (lang == "zh")


def test_a_lab_is_shown_without_giving_its_verdict_away(home: Path, labs: Path) -> None:
    done = torchproof(home, "lab", "show", "ticking", "--labs", str(labs))
    assert done.returncode == 0
    for said in ("A ticking lab", "E1.6", "How much higher", "gap", "1..100000", "calm diverging raising"):
        assert said in done.stdout
    for said in ("supported", "expected", "Because the knob"):
        assert said not in done.stdout
    record = json.loads(torchproof(home, "lab", "show", "ticking", "--labs", str(labs), "--json").stdout)
    assert record["rules"][0]["expected"] == "supported"
    assert [knob["id"] for knob in record["knobs"]] == ["steps", "pause", "gap", "mood"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "tickin"), "ticking"),
        (("show", "tickin"), "ticking"),
        (("run", "ticking", "--knob", "step=3"), "steps"),
        (("run", "ticking", "--knob", "steps"), "steps=5"),
        (("run", "ticking", "--knob", "steps=many"), "many"),
        (("run", "ticking", "--knob", "steps=0"), "100000"),
        (("run", "ticking", "--knob", "pause=nan"), "nan"),
        (("run", "ticking", "--knob", "mood=sad"), "diverging"),
        (("run", "ticking", "--device", "tpu"), "tpu"),
        (("run", "ticking", "--device", "cuda:x"), "cuda:x"),
        (("run", "ticking", "--seeds", "0"), "1000"),
        (("run", "ticking", "--seeds", "100000000000"), "1000"),
        (("run", "ticking", "--base-seed", "-1"), "2147483647"),
        (("show", "2020"), "2020"),
        (("show", "last"), "runs"),
        (("follow", "nonsense"), "nonsense"),
        (("stop", "nonsense"), "nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_wrong_input_is_one_clear_message_and_exit_2(
    home: Path, labs: Path, words: tuple[str, ...], said: str, lang: str
) -> None:
    done = torchproof(home, "lab", "--labs", str(labs), *words, "--lang", lang)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert bool(CHINESE.search(done.stderr)) == (lang == "zh")
    assert "Traceback" not in done.stderr
    assert not home.exists()


# ---- runs, show RUN, follow: from folders a worker left behind --------------------------------------------


def test_runs_are_an_array_newest_first_with_what_scripts_need(home: Path, labs: Path) -> None:
    assert json.loads(torchproof(home, "lab", "runs", "--json").stdout) == []
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    old = recorded_run(home, labs, at=long_ago)
    lost = recorded_run(home, labs, ended=False, status="running", at=long_ago + timedelta(minutes=1))
    long_ago_s = long_ago.timestamp()
    for file in lost.folder.iterdir():
        os.utime(file, (long_ago_s, long_ago_s))
    failed = recorded_run(home, labs, status="failed", error="broken", knobs={"steps": 2})
    (home / "state" / "runs" / "not-a-run").mkdir()
    found = json.loads(torchproof(home, "lab", "runs", "--json").stdout)
    assert [run["id"] for run in found] == [failed.id, lost.id, old.id]
    assert [run["status"] for run in found] == ["failed", "lost", "done"]
    assert found[2]["lab"] == "ticking"
    assert found[2]["device"] == "cpu"
    assert found[2]["seeds"] == 4
    assert found[2]["seconds"] == 1.25
    assert found[2]["verdicts"] == {"higher": "supported"}
    assert found[2]["started"] == old.spec.created_at
    assert found[0]["error"] == "broken"


def test_the_verdicts_of_a_long_run_are_found_at_its_end(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs, points=2_000)
    assert run.events_file.stat().st_size > 1 << 18
    (found,) = json.loads(torchproof(home, "lab", "runs", "--json").stdout)
    assert (found["status"], found["verdicts"]) == ("done", {"higher": "supported"})


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_table_of_runs_lines_up_and_fits_80_columns(home: Path, labs: Path, lang: str) -> None:
    recorded_run(home, labs)
    recorded_run(home, labs, status="stopped")
    done = torchproof(home, "lab", "runs", "--lang", lang, env={"COLUMNS": "80"})
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert len({cell_len(line) for line in lines}) == 1
    assert cell_len(lines[0]) <= 80
    assert Translator(lang)("cli.status_done") in done.stdout


def test_a_run_is_shown_with_its_numbers_and_its_reason(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs)
    done = torchproof(home, "lab", "show", run.id, "--lang", "zh", env={"COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    for said in ("滴答实验", "完成", "没有找到 GPU", "0-3", "5% [4.7, 5.3]", "✓ 成立", "旋钮 `gap`"):
        assert said in done.stdout
    record = json.loads(torchproof(home, "lab", "show", "last", "--json").stdout)
    assert record["id"] == run.id
    assert record["outcomes"]["height"]["high"] == {"0": 4.9, "1": 5.0, "2": 5.1, "3": 5.0}
    assert record["verdicts"][0]["interval"] == [4.7, 5.3]


def test_a_run_whose_lab_is_gone_can_still_be_read(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs)
    (labs / "ticking" / "lab.toml").unlink()
    done = torchproof(home, "lab", "show", run.id[:15])
    assert done.returncode == 0
    assert "supported" in done.stdout


def test_torn_and_foreign_lines_are_counted_and_passed_over(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs)
    with run.events_file.open("ab") as file:
        file.write(b'{"event":"unheard-of"}\nnot json\n{"event":"end","t":')
    done = torchproof(home, "lab", "follow", run.id, "--json")
    assert done.returncode == 0
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()][-1] == "end"
    shown = torchproof(home, "lab", "show", run.id)
    assert "2 lines" in shown.stderr


def test_following_a_run_that_is_over_gives_its_journal_and_its_exit_code(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs)
    done = torchproof(home, "lab", "follow", run.id, "--json")
    assert done.stdout.encode() == run.events_file.read_bytes()
    assert done.returncode == 0
    assert torchproof(home, "lab", "follow", recorded_run(home, labs, status="failed").id).returncode == 1
    assert torchproof(home, "lab", "follow", recorded_run(home, labs, status="stopped").id).returncode == 130
    unusable = "Device 'cuda' cannot be used here: No GPU was found. Use --device auto or --device cpu."
    refused = recorded_run(home, labs, status="failed", error=unusable)
    done = torchproof(home, "lab", "follow", refused.id, "--lang", "zh")
    assert done.returncode == 2
    assert "cuda" in done.stderr
    assert "cannot be used" not in done.stderr


def test_stopping_what_is_over_says_so(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs)
    done = torchproof(home, "lab", "stop", run.id, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [{"id": run.id, "status": "done"}]
    assert "not running" in done.stderr
    assert json.loads(torchproof(home, "lab", "stop", "--all", "--json").stdout) == []


def test_a_reader_that_leaves_ends_the_command_without_a_word(home: Path, labs: Path) -> None:
    run = recorded_run(home, labs, points=20_000)
    process = subprocess.Popen(
        command("lab", "follow", run.id, "--json"),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"event":"start"')
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""


# ---- small words -------------------------------------------------------------------------------------------


def test_seeds_times_and_numbers_are_said_as_people_say_them() -> None:
    assert spans([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
    assert spans([]) == ""
    en = Translator("en")
    assert [took(en, s) for s in (0.26, 3, 42.4, 99.7, 3600)] == [
        "0.3 s",
        "3 s",
        "42 s",
        "1 min 40 s",
        "1 h 0 min",
    ]
    assert [quantity(v, "%") for v in (0.123456, "NaN", "Infinity", "-Infinity")] == [
        "0.1235%",
        "NaN%",
        "∞%",
        "-∞%",
    ]


def test_percentage_points_are_spelled_out_in_either_language_and_other_units_are_not() -> None:
    verdict = Verdict(
        t=1.0,
        rule="r",
        claim="E1.6",
        verdict="supported",
        expected="supported",
        effect=62.8,
        interval=(49.0, 76.5),
        confidence=0.95,
        seeds=8,
        unit="pp",
        note="",
        settles=True,
    )
    assert measured(Translator("en"), verdict) == "62.8 points [49, 76.5]"
    assert measured(Translator("zh"), verdict) == "62.8 个百分点 [49, 76.5]"
    assert Translator("zh").unit("%") == "%"


# ---- real runs ---------------------------------------------------------------------------------------------

SLOW = ("--knob", "pause=0.05", "--knob", "steps=100000")


def strict(text: str) -> list[dict]:
    """Lines of JSON in the strict sense: the bare words NaN and Infinity are none."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def only_run(home: Path) -> Run:
    (run,) = runs(home / "state" / "runs")
    return run


def started(home: Path, labs: Path, *words: str, **streams: int) -> "subprocess.Popen[bytes]":
    """A run in the foreground that would take hours, at its first point."""
    process = subprocess.Popen(
        command("lab", "run", "ticking", "--json", "--labs", str(labs), *SLOW, *words),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **streams,
    )
    assert process.stdout is not None
    while b'"point"' not in process.stdout.readline():
        assert process.poll() is None
    return process


def test_json_is_the_journal_line_by_line(home: Path, labs: Path) -> None:
    done = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--json")
    assert done.returncode == 0, done.stderr
    run = only_run(home)
    assert done.stdout.encode() == run.events_file.read_bytes()
    events = strict(done.stdout)
    assert [event["event"] for event in events] == [
        "start",
        *["point"] * 10,
        "outcome",
        "outcome",
        "verdict",
        "end",
    ]
    assert events[0].keys() >= {"run", "lab", "arms", "seeds", "device", "knobs", "estimate_s"}
    assert events[1]["series"]["level"].keys() == {"mean", "lo", "hi", "n"}
    verdict = events[-2]
    assert (verdict["claim"], verdict["verdict"], verdict["expected"]) == ("E1.6", "supported", "supported")
    assert events[-1]["status"] == "done"
    assert "\x1b" not in done.stderr
    (listed,) = json.loads(torchproof(home, "lab", "runs", "--json").stdout)
    assert (listed["id"], listed["status"], listed["lab"]) == (run.id, "done", "ticking")


def test_a_diverging_run_is_valid_json_too(home: Path, labs: Path) -> None:
    words = ("--knob", "mood=diverging", "--seeds", "3", "--base-seed", "7")
    done = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--json", *words)
    assert done.returncode == 0
    events = strict(done.stdout)
    assert events[0]["seeds"] == [7, 8, 9]
    assert events[1]["series"]["level"] == {"mean": "NaN", "lo": "NaN", "hi": "NaN", "n": 0}
    assert events[-2]["settles"] is False


def test_people_get_a_table_on_stdout_and_the_story_on_stderr(home: Path, labs: Path) -> None:
    done = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--quick", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    assert "✓ 成立" in done.stdout
    assert "后者高出 2 个百分点以上。" in done.stdout
    assert "滴答实验" not in done.stdout
    assert "滴答实验：4 个种子，设备 CPU。" in done.stderr
    assert "不作数" in done.stderr
    assert only_run(home).spec.knobs["steps"] == 2


def test_a_lab_that_raises_is_a_failure_with_its_reason_and_log(home: Path, labs: Path) -> None:
    done = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--knob", "mood=raising", "--json")
    assert done.returncode == 1
    end = strict(done.stdout)[-1]
    assert (end["event"], end["status"]) == ("end", "failed")
    assert "in a bad mood" in end["error"]
    assert "in a bad mood" in done.stderr
    assert str(only_run(home).log_file) in done.stderr


def test_a_python_without_torch_fails_with_what_to_install(home: Path, labs: Path, tmp_path: Path) -> None:
    done = torchproof(
        home, "lab", "run", "ticking", "--labs", str(labs), "--json", "--python", str(tmp_path / "none")
    )
    assert done.returncode == 1
    assert strict(done.stdout)[-1]["status"] == "failed"
    assert str(tmp_path / "none") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_the_lab_and_keeps_what_was_measured(home: Path, labs: Path, name: str) -> None:
    process = started(home, labs)
    number = getattr(signal, name)
    process.send_signal(number)
    rest, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert strict(rest.decode())[-1]["status"] == "stopped"
    assert b"Traceback" not in said
    run = only_run(home)
    assert (run.status(), run.alive()) == ("stopped", False)
    assert torchproof(home, "lab", "show", run.id).returncode == 0


def test_a_reader_that_leaves_stops_the_lab(home: Path, labs: Path) -> None:
    process = started(home, labs)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == b""
    run = only_run(home)
    assert (run.status(), run.alive()) == ("stopped", False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_stops_the_lab_and_says_so(home: Path, labs: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("lab", "run", "ticking", "--json", "--labs", str(labs), *SLOW),
            env=environment(home),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "no space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (only_run(home).status(), only_run(home).alive()) == ("stopped", False)


def test_a_killed_command_leaves_a_run_that_can_be_followed_and_stopped(home: Path, labs: Path) -> None:
    process = started(home, labs)
    process.kill()
    process.communicate()
    run = only_run(home)
    assert run.status() == "running"
    follower = subprocess.Popen(
        command("lab", "follow", "last", "--json"), env=environment(home), stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["event"] == "start"
    stopped = torchproof(home, "lab", "stop", "--all", "--json")
    assert json.loads(stopped.stdout) == [{"id": run.id, "status": "stopped"}]
    rest, _ = follower.communicate(timeout=30)
    assert strict(rest)[-1]["event"] == "end"
    assert follower.returncode == 130
    assert not run.alive()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_detached_run_goes_on_without_its_followers(home: Path, labs: Path) -> None:
    detached = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--detach", *SLOW)
    assert detached.returncode == 0
    run = only_run(home)
    assert detached.stdout == f"{run.id}\n"
    try:
        follower = subprocess.Popen(
            command("lab", "follow", run.id, "--json"),
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert follower.stdout is not None
        follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=30)
        assert follower.returncode == 130
        assert f"lab stop {run.id}".encode() in said
        assert run.status() == "running"
    finally:
        assert torchproof(home, "lab", "stop", run.id).returncode == 0
    assert run.status() == "stopped"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_home_that_cannot_hold_runs_is_one_message(home: Path, labs: Path, lang: str) -> None:
    home.mkdir()
    (home / "state").write_text("in the way")
    done = torchproof(home, "lab", "run", "ticking", "--labs", str(labs), "--json", "--lang", lang)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(home / "state") in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("lang", "said"), [("zh", "还剩"), ("en", "left")])
def test_a_terminal_shows_a_bar_with_the_time_left(home: Path, labs: Path, lang: str, said: str) -> None:
    import pyte

    master, slave = os.openpty()
    process = subprocess.Popen(
        command("lab", "run", "ticking", "--labs", str(labs), *SLOW, "--lang", lang),
        env=environment(home, COLUMNS="80"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    while not any("ticking" in line and said in line and "%" in line for line in screen.display):
        stream.feed(os.read(master, 1 << 16))
    process.send_signal(signal.SIGINT)
    try:
        while data := os.read(master, 1 << 16):
            stream.feed(data)
    except OSError:  # Linux: the other end is closed
        pass
    os.close(master)
    assert process.wait(30) == 130
    assert not any("%" in line and "ticking" in line for line in screen.display)
    assert only_run(home).id in "".join(screen.display)
