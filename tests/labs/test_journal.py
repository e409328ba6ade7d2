"""A run's folder: written whole, read while it is written, and never in doubt about its worker."""

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lab import write_lab

from labs import catalog, journal
from labs.catalog import Lab
from labs.journal import Follower, Run, Worker, Writer
from labs.problems import LabProblem

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return catalog.load(write_lab(tmp_path / "experiments"))


def create(runs: Path, lab: Lab, **fields: Any) -> Run:
    asked: dict[str, Any] = {
        "knobs": lab.defaults,
        "seeds": [0, 1, 2, 3],
        "max_seeds": 8,
        "device": "auto",
        "by": "command",
        "now": NOW,
        "python": sys.executable,
        "version": "0.1.0",
    }
    return journal.create(runs, lab, **{**asked, **fields})


@pytest.fixture
def run(tmp_path: Path, lab: Lab) -> Run:
    return create(tmp_path / "runs", lab)


def start(t: float = 0.0) -> journal.Start:
    return journal.Start(
        t=t,
        run="r",
        lab="sample",
        entry="E1",
        arms=["one", "two"],
        seeds=[0, 1],
        device="cpu",
        device_name="CPU",
        device_reason="",
        knobs={"lr": 0.1},
        estimate_s=2.0,
        settles=True,
        versions={"torch": "2"},
        at="2026-02-03T04:05:06Z",
    )


def log(text: str, t: float = 1.0) -> journal.Log:
    return journal.Log(t=t, level="info", text=text)


def end(status: Any = "done", t: float = 2.0) -> journal.End:
    return journal.End(t=t, status=status, seconds=t)


def more(t: float = 3.0) -> journal.Seeds:
    return journal.Seeds(t=t, seeds=[2], reason="asked")


def write(run: Run, *events: journal.AnyEvent) -> None:
    writer = Writer(run)
    writer.write(*events)
    writer.close()


def claim(run: Run, pid: int, created: float, host: str | None = None) -> None:
    """worker.json as the worker writes it."""
    worker = Worker(pid=pid, created=created, host=journal.this_host() if host is None else host)
    run.worker_file.write_bytes(msgspec.json.encode(worker))


def claim_as_ours(run: Run) -> None:
    claim(run, os.getpid(), psutil.Process().create_time())


# ---- numbers and lines -------------------------------------------------------------------------------------


@given(st.floats())
def test_every_number_comes_back_from_strictly_valid_json(x: float) -> None:
    written = msgspec.json.encode(journal.number(x))
    back = journal.as_float(msgspec.json.decode(written, type=float | str))
    assert back == x or (math.isnan(back) and math.isnan(x))
    assert b"null" not in written


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@given(st.lists(st.floats(), min_size=4, max_size=4), st.text())
def test_a_line_is_strict_json_even_where_a_number_was_not_converted(xs: list[float], text: str) -> None:
    events: list[journal.AnyEvent] = [
        journal.Point(
            t=1.0,
            arm=text,
            step=1.0,
            of=2.0,
            series={"loss": journal.Spread(mean=xs[0], lo=xs[1], hi=xs[2], n=3)},
            seeds_in_view=3,
        ),
        journal.Outcome(t=2.0, arm="one", seeds=[0, 1, 2, 3], values={"accuracy": list(xs)}),
        log(text),
    ]
    for event in events:
        line = journal.line(event)
        assert line.count(b"\n") == 1
        parsed = json.loads(line, parse_constant=refuse)
        assert parsed["event"] == type(event).__name__.lower()
        assert list(parsed)[:2] == ["event", "t"]
    outcome = json.loads(journal.line(events[1]))
    for x, y in zip(xs, outcome["values"]["accuracy"], strict=True):
        assert journal.as_float(y) == x or math.isnan(x)


def test_an_end_without_an_error_does_not_mention_one() -> None:
    assert "error" not in json.loads(journal.line(end()))
    assert (
        json.loads(journal.line(journal.End(t=1.0, status="failed", seconds=1.0, error="x")))["error"] == "x"
    )


# ---- making and finding runs -------------------------------------------------------------------------------


def test_a_new_run_holds_what_was_asked_and_the_source_it_will_run(run: Run, lab: Lab) -> None:
    spec = run.spec
    assert (spec.id, spec.lab, spec.entry, spec.seeds, spec.seed_step) == (
        run.id,
        "sample",
        "E1",
        [0, 1, 2, 3],
        2,
    )
    assert spec.created_at == "2026-02-03T04:05:06.000Z"
    assert spec.settles
    assert run.id.startswith("20260203-040506-sample-")
    assert (run.folder / "experiment.py").read_bytes() == (lab.folder / "experiment.py").read_bytes()
    assert len(spec.source_sha256) == 64


def test_other_knobs_than_the_defaults_settle_nothing(tmp_path: Path, lab: Lab) -> None:
    assert not create(tmp_path / "runs", lab, knobs={**lab.defaults, "lr": 0.2}).spec.settles


def test_runs_of_the_same_second_get_ids_of_their_own(tmp_path: Path, lab: Lab) -> None:
    tokens = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    made = [create(tmp_path / "runs", lab, token=lambda: next(tokens)) for _ in range(2)]
    assert [run.id[-4:] for run in made] == ["aaaa", "bbbb"]


def test_runs_are_listed_newest_first_and_what_is_not_a_run_is_passed_over(tmp_path: Path, lab: Lab) -> None:
    folder = tmp_path / "runs"
    made = [create(folder, lab, now=NOW.replace(hour=hour)) for hour in (1, 3, 2)]
    (folder / "notes.txt").write_text("mine")
    (folder / "old").mkdir()
    (folder / "20260203-040506-sample-0000").mkdir()  # no run.json
    broken = create(folder, lab, now=NOW.replace(hour=9))
    (broken.folder / "run.json").write_text('{"id": ')
    copied = create(folder, lab, now=NOW.replace(hour=10))
    (copied.folder / "run.json").write_bytes((made[0].folder / "run.json").read_bytes())
    assert journal.runs(folder) == [made[1], made[2], made[0]]
    with pytest.raises(LabProblem, match=r"run\.json"):
        _ = Run(broken.folder).spec


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert journal.runs(tmp_path / "nowhere") == []


def test_a_run_is_named_by_id_by_its_beginning_or_as_the_last(tmp_path: Path, lab: Lab) -> None:
    folder = tmp_path / "runs"
    with pytest.raises(LabProblem) as raised:
        journal.run_named(folder, "last")
    assert raised.value.key == "no-runs"
    tokens = iter(["aaaa", "aabb"])
    first, second = (
        create(folder, lab, now=NOW.replace(minute=minute), token=lambda: next(tokens)) for minute in (5, 6)
    )
    assert journal.run_named(folder, "last") == second
    assert journal.run_named(folder, first.id) == first
    assert journal.run_named(folder, "20260203-0405") == first
    for name, key in (("20260203", "ambiguous-run"), ("2027", "unknown-run"), ("", "unknown-run")):
        with pytest.raises(LabProblem) as raised:
            journal.run_named(folder, name)
        assert raised.value.key == key


@pytest.mark.parametrize(
    "code, key", [(errno.ENOSPC, "disk-full"), (errno.EROFS, "read-only"), (errno.EIO, "cannot-write")]
)
@pytest.mark.parametrize("where", ["mkdir", "fsync", "write_bytes", "rename"])
def test_a_disk_that_refuses_is_named_and_leaves_no_half_run(
    where: str, code: int, key: str, tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_write(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    folder = tmp_path / "runs"
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(os if where == "fsync" else Path, where, refuse_write)
        with pytest.raises(LabProblem, match="TORCHPROOF_HOME") as raised:
            create(folder, lab)
    assert raised.value.key == key
    assert raised.value.fields["folder"] == folder
    assert list(folder.iterdir()) == []


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, lab: Lab) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(LabProblem) as raised:
        create(tmp_path / "state" / "runs", lab)
    assert str(tmp_path / "state" / "runs") in str(raised.value)


def test_a_lab_whose_code_is_gone_makes_no_run(tmp_path: Path, lab: Lab) -> None:
    (lab.folder / "experiment.py").unlink()
    with pytest.raises(LabProblem, match=r"experiment\.py"):
        create(tmp_path / "runs", lab)
    assert not (tmp_path / "runs").exists()


# ---- status ------------------------------------------------------------------------------------------------


def test_a_run_without_a_worker_is_starting_while_young_and_then_lost(run: Run) -> None:
    made = (run.folder / "run.json").stat().st_mtime
    assert run.status(now=made + 19) == "starting"
    assert run.status(now=made + 21) == "lost"
    assert not run.alive()


def test_a_starting_run_is_not_lost_while_its_heart_beats(run: Run) -> None:
    run.heartbeat_file.touch()
    os.utime(run.heartbeat_file, (2e9, 2e9))
    assert run.status(now=2e9 + 5) == "starting"


def test_a_run_is_running_while_its_process_is_that_very_process(run: Run) -> None:
    claim_as_ours(run)
    assert run.alive()
    assert run.status(now=3e9) == "running"
    claim(run, os.getpid(), psutil.Process().create_time() - 60)  # its number was given out again
    assert not run.alive()
    assert run.status() == "lost"


def test_a_worker_that_died_is_lost_even_before_its_parent_has_noticed(run: Run) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    claim(run, child.pid, psutil.Process(child.pid).create_time())
    assert run.status() == "running"
    child.kill()
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, not yet reaped
        assert run.status() == "lost"
    child.communicate()
    assert run.status() == "lost"


def test_a_run_of_another_host_is_running_while_it_gives_signs_of_life(run: Run) -> None:
    claim(run, os.getpid(), psutil.Process().create_time(), host="elsewhere")
    assert not run.alive()
    run.heartbeat_file.touch()
    os.utime(run.heartbeat_file, (2e9, 2e9))
    assert run.status(now=2e9 + 59) == "running"
    assert run.status(now=2e9 + 61) == "lost"
    run.events_file.touch()
    os.utime(run.events_file, (2e9 + 50, 2e9 + 50))
    assert run.status(now=2e9 + 61) == "running"


@pytest.mark.parametrize("status", ["done", "stopped", "failed"])
def test_the_last_end_says_how_a_run_ended(status: str, run: Run) -> None:
    claim(run, 2**22 + 1, 0.0)
    write(run, start(), log('not the "end"'), end(status), log("bye"))
    assert run.status() == status


@pytest.mark.parametrize("resumed", [start(3.0), more(3.0)])
def test_a_run_that_was_taken_up_again_has_not_ended(resumed: journal.AnyEvent, run: Run) -> None:
    write(run, start(), end(), resumed)
    claim_as_ours(run)
    assert run.status() == "running"
    claim(run, 2**22 + 1, 0.0)
    assert run.status() == "lost"
    write(run, end("stopped"))
    assert run.status() == "stopped"


def test_the_end_is_found_behind_ten_thousand_points(run: Run) -> None:
    point = journal.Point(t=1.0, arm="one", step=1.0, of=2.0, series={}, seeds_in_view=1)
    write(run, start(), *[point] * 10_000, end())
    assert run.status() == "done"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff\xfe", b'{"pid": 1}'])
def test_a_worker_file_that_says_nothing_counts_as_none(content: bytes, run: Run) -> None:
    run.worker_file.write_bytes(content)
    assert run.worker() is None
    assert not run.alive()


# ---- what the app asks of a worker -------------------------------------------------------------------------


def test_asking_for_seeds_keeps_until_asked_otherwise_and_lifts_a_stop(run: Run) -> None:
    assert run.wanted() == journal.Wanted(seeds=4, stop=False)
    run.want(seeds=8)
    run.want(stop=True)
    assert run.wanted() == journal.Wanted(seeds=8, stop=True)
    run.want(seeds=12)
    assert run.wanted() == journal.Wanted(seeds=12, stop=False)
    run.wanted_file.write_text("{")
    assert run.wanted() == journal.Wanted(seeds=4, stop=False)


def test_a_refused_wish_leaves_the_earlier_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.want(seeds=8)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched, pytest.raises(LabProblem, match="No space"):
        patched.setattr(os, "fsync", full)
        run.want(seeds=12)
    assert run.wanted().seeds == 8
    assert not [file for file in run.folder.iterdir() if file.name.startswith(".")]


def test_the_tail_of_the_log_is_given_by_lines(run: Run) -> None:
    assert run.log_tail(5) == []
    run.log_file.write_bytes(b"one\r\ntwo\n\xff\nlast")
    assert run.log_tail(2) == ["\ufffd", "last"]
    assert run.log_tail(9)[:2] == ["one", "two"]
    assert run.log_tail(0) == []


# ---- following ---------------------------------------------------------------------------------------------


def test_nothing_is_followed_before_the_worker_writes(run: Run) -> None:
    assert Follower(run).poll() == []


def test_a_line_is_read_once_it_is_whole(run: Run) -> None:
    follower = Follower(run)
    line = journal.line(log("温度"))
    cut = line.index("度".encode()) + 1  # inside a character
    with run.events_file.open("ab", buffering=0) as file:
        file.write(line + line[:cut])
        assert follower.poll() == [log("温度")]
        assert follower.poll() == []
        file.write(line[cut:])
        assert follower.poll() == [log("温度")]
    assert follower.skipped == 0


FOREIGN = [
    b"hello",
    b"{}",
    b'{"event":"dance","t":1}',
    b"\xff\xfe\x00",
    b"null",
    b'{"event":"log","t":1',
    b"\x00" * 9,
]


@st.composite
def journals(draw: st.DrawFn) -> tuple[list[bytes], list[int]]:
    """Lines of a journal, ours and foreign, and where it is cut between two reads."""
    texts = st.text(max_size=9).map(lambda text: journal.line(log(text)))
    lines = draw(
        st.lists(st.one_of(texts, st.sampled_from(FOREIGN).map(lambda raw: raw + b"\n")), max_size=12)
    )
    cuts = draw(st.lists(st.integers(0, sum(map(len, lines))), max_size=6))
    return lines, sorted(cuts)


@given(journals())
def test_however_the_writes_are_cut_each_event_comes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[list[bytes], list[int]]
) -> None:
    lines, cuts = written
    run = Run(tmp_path_factory.mktemp("run"))
    follower, events = Follower(run), []
    data = b"".join(lines)
    for begin, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        with run.events_file.open("ab") as file:
            file.write(data[begin:stop])
        events += follower.poll()
    ours = [line for line in lines if line[:-1] not in FOREIGN]
    assert [journal.line(event) for event in events] == ours
    assert follower.skipped == len(lines) - len(ours)


def test_a_file_that_was_cut_short_is_read_from_its_start(run: Run) -> None:
    follower = Follower(run)
    write(run, log("a"), log("b"))
    assert len(follower.poll()) == 2
    run.events_file.write_bytes(journal.line(log("new")))
    assert follower.poll() == [log("new")]


# ---- writing -----------------------------------------------------------------------------------------------


def test_a_worker_that_follows_a_torn_line_starts_a_line_of_its_own(run: Run) -> None:
    run.events_file.write_bytes(journal.line(log("a")) + b'{"event":"lo')
    write(run, log("b"))
    follower = Follower(run)
    assert follower.poll() == [log("a"), log("b")]
    assert follower.skipped == 1


def test_events_are_appended_in_one_write(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    real = os.write

    def counted(fd: int, data: Any) -> int:
        written.append(len(data))
        return real(fd, data)

    writer = Writer(run)
    monkeypatch.setattr(os, "write", counted)
    writer.write(start(), log("a"), end())
    assert written == [run.events_file.stat().st_size]
    writer.close()


def test_a_disk_that_fills_up_leaves_no_half_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(run)
    writer.write(log("a"))
    real = os.write

    def filling(steps: Iterator[int | OSError]) -> Any:
        def write_some(fd: int, data: Any) -> int:
            step = next(steps)
            if isinstance(step, OSError):
                raise step
            return real(fd, data[:step])

        return write_some

    with monkeypatch.context() as patched, pytest.raises(LabProblem) as raised:
        patched.setattr(os, "write", filling(iter([7, OSError(errno.ENOSPC, "full")])))
        writer.write(log("b"), log("c"))
    assert raised.value.key == "disk-full"
    assert raised.value.fields["folder"] == run.folder
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", filling(chain([3, 5], iter(lambda: 1000, 0))))  # short, but not refused
        writer.write(log("d"))
    writer.close()
    assert run.events_file.read_bytes() == journal.line(log("a")) + journal.line(log("d"))


def test_a_real_limit_on_the_files_size_leaves_no_half_line(run: Run) -> None:
    resource = pytest.importorskip("resource")
    writer = Writer(run)
    writer.write(log("a"))
    before = run.events_file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(LabProblem, match="failed"):
            writer.write(log("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert run.events_file.read_bytes() == before
    writer.close()


def test_a_run_folder_that_is_gone_is_named(run: Run) -> None:
    for file in run.folder.iterdir():
        file.unlink()
    run.folder.rmdir()
    with pytest.raises(LabProblem, match=run.id):
        Writer(run)
