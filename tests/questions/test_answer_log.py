"""The log of answers: what record() returned is on the disk, and no line there does harm."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_clock import Clock
from sample_events import answer, logs

from questions.events import Event, encode, local_day
from questions.problems import BankProblem
from questions.progress import Answer, Progress, Session, summary

SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def an_answer(**changes: object) -> Answer:
    fields: dict[str, object] = {
        "claim": "E1.1",
        "item": "e11-which",
        "kind": "choice",
        "option": "none",
        "p": 0.7,
        "ok": True,
        "chance": 1 / 3,
    }
    return Answer(**(fields | changes))  # type: ignore[arg-type]


def log(folder: Path, clock: Clock, pid: int = 1, host: str = "box") -> Progress:
    return Progress(folder, host=host, pid=pid, now=clock)


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().split(b"\n")[:-1]]


def test_a_recorded_answer_is_on_disk_whole_and_in_one_write(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    write, fsync = os.write, os.fsync

    def seen_write(fd: int, data: bytes) -> int:
        done.append("write")
        assert data.endswith(b"\n") and data.count(b"\n") == 1
        return write(fd, data)

    def seen_fsync(fd: int) -> None:
        done.append("fsync")
        fsync(fd)

    mine = log(tmp_path, clock)
    mine.record(an_answer())
    monkeypatch.setattr(os, "write", seen_write)
    monkeypatch.setattr(os, "fsync", seen_fsync)
    recorded = mine.record(an_answer())
    assert done == ["write", "fsync"]
    assert log(tmp_path, clock, 2).events()[-1] == recorded


def test_nothing_is_made_before_the_first_record(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "events"
    mine = log(folder, clock)
    assert mine.events() == []
    assert mine.refresh() == 0
    assert not folder.exists()
    mine.record(an_answer())
    assert len(list(folder.iterdir())) == 1


def test_an_event_carries_utc_milliseconds_and_the_local_day_that_starts_at_four(
    tmp_path: Path, clock: Clock
) -> None:
    mine = log(tmp_path, clock)
    clock.time = datetime(2026, 11, 25, 3, 59, 59, 123_456, tzinfo=clock.time.tzinfo)
    late = mine.record(an_answer())
    clock.forward(seconds=1)
    early = mine.record(an_answer())
    assert late.at == datetime(2026, 11, 24, 19, 59, 59, 123_000, tzinfo=UTC)
    assert (late.day.isoformat(), early.day.isoformat()) == ("2026-11-24", "2026-11-25")
    assert local_day(clock.time) == early.day
    assert json.loads(lines(tmp_path)[0])["at"].endswith("Z")


def test_one_file_a_process_with_a_name_that_any_file_system_takes(tmp_path: Path, clock: Clock) -> None:
    log(tmp_path, clock, 7, "gpu/box: 3").record(an_answer())
    (path,) = tmp_path.iterdir()
    assert path.name == "gpu-box-3-7-20261124T120000.000.jsonl"


def test_two_logs_with_one_name_lose_nothing(tmp_path: Path, clock: Clock) -> None:
    first, second = log(tmp_path, clock), log(tmp_path, clock)
    for _ in range(3):
        first.record(an_answer())
        second.record(an_answer())
    first.refresh()
    assert len(first.events()) == 6
    assert len({e.id for e in first.events()}) == 6


def test_processes_writing_at_once_lose_nothing_and_see_each_other(tmp_path: Path, clock: Clock) -> None:
    script = """
import sys
from pathlib import Path
from questions.progress import Answer, Progress
log = Progress.here(Path(sys.argv[1]))
sys.stdin.readline()
for n in range(150):
    item = f"{sys.argv[2]}-{n}"
    log.record(Answer(claim="E1.1", item=item, kind="choice", option="a", p=.5, ok=True, chance=.25))
"""
    workers = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path, name], stdin=subprocess.PIPE)
        for name in ("a", "b", "c")
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"\n")  # all wait for this, so that they write at the same time
        worker.stdin.close()
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    mine = log(tmp_path, clock)
    items = [e.item for e in mine.events() if isinstance(e, Answer)]
    assert sorted(items) == sorted(f"{name}-{n}" for name in "abc" for n in range(150))
    assert mine.skipped == 0


def test_refresh_reads_only_what_is_new(tmp_path: Path, clock: Clock) -> None:
    mine, other = log(tmp_path, clock, 1), log(tmp_path, clock, 2)
    mine.record(an_answer())
    assert len(mine.events()) == 1
    other.record(an_answer())
    assert len(mine.events()) == 1
    assert mine.refresh() == 1
    assert mine.refresh() == 0
    assert len(mine.events()) == 2


def test_a_line_seen_half_written_is_read_once_it_is_whole(tmp_path: Path, clock: Clock) -> None:
    whole = encode(answer("E1.1", 1)) + b"\n"
    path = tmp_path / "other.jsonl"
    path.write_bytes(whole[:50])
    mine = log(tmp_path, clock)
    assert (mine.events(), mine.skipped) == ([], 1)
    path.write_bytes(whole)
    assert mine.refresh() == 1
    assert mine.skipped == 0


def test_a_file_that_was_cut_while_we_ran_is_read_anew(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(b"".join(encode(answer("E1.1", n)) + b"\n" for n in range(3)))
    mine = log(tmp_path, clock)
    assert len(mine.events()) == 3
    path.write_bytes(encode(answer("E1.1", 1)) + b"\n")
    mine.refresh()
    assert len(mine.events()) == 1


def test_a_file_deleted_under_us_is_made_anew(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path, clock)
    mine.record(an_answer(item="before"))
    for path in tmp_path.iterdir():
        path.unlink()
    clock.forward(seconds=1)
    after = mine.record(an_answer(item="after"))
    assert log(tmp_path, clock, 2).events() == [after]


def test_the_clock_going_back_keeps_the_order_of_the_times(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path, clock)
    mine.events()
    mine.record(an_answer(item="later"))
    clock.forward(hours=-2)
    mine.record(an_answer(item="earlier"))
    assert [e.item for e in mine.events() if isinstance(e, Answer)] == ["earlier", "later"]


def test_what_could_not_be_read_back_is_refused_before_it_is_written(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path, clock)
    with pytest.raises(msgspec.ValidationError):
        mine.record(an_answer(p=float("nan")))
    with pytest.raises(msgspec.ValidationError):
        mine.record(an_answer(p=1.5))
    assert list(tmp_path.iterdir()) == []


# disks


def fail(code: int) -> object:
    def failing(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    return failing


@pytest.mark.parametrize(
    ("call", "code", "key"),
    [
        ("write", errno.ENOSPC, "disk-full"),
        ("write", errno.EDQUOT, "disk-full"),
        ("write", errno.EROFS, "read-only"),
        ("write", errno.EIO, "cannot-save"),
        ("fsync", errno.ENOSPC, "disk-full"),
        ("fsync", errno.EIO, "cannot-save"),
    ],
)
def test_a_failing_disk_is_said_and_leaves_whole_lines_only(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, call: str, code: int, key: str
) -> None:
    mine = log(tmp_path, clock)
    mine.record(an_answer(item="before"))
    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail(code))
        with pytest.raises(BankProblem) as raised:
            mine.record(an_answer(item="lost"))
    assert raised.value.key == key
    assert str(tmp_path) in str(raised.value)
    mine.record(an_answer(item="after"))
    assert [json.loads(line)["item"] for line in lines(tmp_path)] == ["before", "after"]
    other = log(tmp_path, clock, 2)
    assert (len(other.events()), other.skipped) == (2, 0)


def test_half_a_write_is_taken_back(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = log(tmp_path, clock)
    mine.record(an_answer())
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[: len(data) // 2]))
        with pytest.raises(BankProblem, match="no space left"):
            mine.record(an_answer())
    (path,) = tmp_path.iterdir()
    assert path.read_bytes().count(b"\n") == 1
    assert path.read_bytes().endswith(b"\n")


def test_half_a_write_that_cannot_be_taken_back_spoils_no_later_event(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = log(tmp_path, clock)
    mine.record(an_answer())
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[: len(data) // 2]))
        patched.setattr(os, "ftruncate", fail(errno.EIO))
        with pytest.raises(BankProblem):
            mine.record(an_answer())
    mine.record(an_answer())
    other = log(tmp_path, clock, 2)
    assert (len(other.events()), other.skipped) == (2, 1)


def test_a_file_system_without_fsync_still_saves(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", fail(errno.EINVAL))
    recorded = log(tmp_path, clock).record(an_answer())
    assert log(tmp_path, clock, 2).events() == [recorded]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files with setrlimit")
def test_a_real_full_disk_leaves_no_half_line(tmp_path: Path, clock: Clock) -> None:
    script = """
import resource, sys
from pathlib import Path
from questions.problems import BankProblem
from questions.progress import Answer, Progress
# from here on the kernel writes what fits and then fails
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log = Progress.here(Path(sys.argv[1]))
made = Answer(claim="E1.1", item="e11-which", kind="choice", option="a", p=.5, ok=True, chance=.25)
saved = 0
try:
    while True:
        log.record(made)
        saved += 1
except BankProblem as problem:
    assert problem.key == "disk-full", problem
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.record(made)
print(saved + 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    mine = log(tmp_path, clock)
    assert len(mine.events()) == int(done.stdout) >= 3
    assert mine.skipped == 0


def test_a_read_only_folder_is_said(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = log(tmp_path, clock)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fail(errno.EROFS))
        with pytest.raises(BankProblem, match="TORCHPROOF_HOME") as raised:
            mine.record(an_answer())
    assert raised.value.key == "read-only"
    mine.record(an_answer())
    assert len(mine.events()) == 1


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "events").write_text("")
    mine = log(tmp_path / "events", clock)
    with pytest.raises(BankProblem, match="events"):
        mine.record(an_answer())


def test_an_unreadable_file_hides_no_other(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(tmp_path, clock).record(an_answer())
    (tmp_path / "aaa.jsonl").mkdir()
    mine = log(tmp_path, clock, 2)
    assert len(mine.events()) == 1
    assert [p.key for p in mine.problems] == ["unreadable"]


# whatever is in the files


def test_a_tail_torn_at_any_byte_costs_its_own_event_only(tmp_path: Path, clock: Clock) -> None:
    first, second = (encode(answer("E1.1", n)) + b"\n" for n in (1, 2))
    path = tmp_path / "other.jsonl"
    for end in range(len(second)):
        path.write_bytes(first + second[:end])
        mine = log(tmp_path, clock)
        assert [e.id for e in mine.events()] == ["E1.1-20261102"]
        assert mine.skipped == (1 if end else 0)


def test_a_line_torn_in_the_middle_of_a_file_costs_itself_only(tmp_path: Path, clock: Clock) -> None:
    first, second, third = (encode(answer("E1.1", n)) for n in (1, 2, 3))
    for end in range(1, len(second)):
        (tmp_path / "other.jsonl").write_bytes(first + b"\n" + second[:end] + b"\n" + third + b"\n")
        mine = log(tmp_path, clock)
        assert len(mine.events()) == 2
        assert mine.skipped == 1


@pytest.mark.parametrize(
    ("day", "at"), [("9999-12-31", "2026"), ("0001-01-01", "2026"), ("2026-11-02", "9999")]
)
def test_an_event_of_a_day_that_no_learner_sees_is_passed_over(
    tmp_path: Path, clock: Clock, day: str, at: str
) -> None:
    ours, far = encode(answer("E1.1", 1)), encode(answer("E1.2", 1))
    far = far.replace(b'"day":"2026-11-02"', b'"day":"%b"' % day.encode())
    far = far.replace(b'"at":"2026', b'"at":"%b' % at.encode())
    (tmp_path / "other.jsonl").write_bytes(ours + b"\n" + far + b"\n")
    mine = log(tmp_path, clock)
    assert [event.id for event in mine.events()] == ["E1.1-20261102"]
    assert mine.skipped == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
EVENT_LIKE = st.fixed_dictionaries(
    {},
    optional={
        "event": st.sampled_from(["answer", "bet", "skip", "dream"]) | JSON,
        "v": st.integers(-1, 3) | JSON,
        "id": st.text(max_size=5) | JSON,
        "at": st.sampled_from(["2026-11-24T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
        | JSON,
        "day": st.sampled_from(["2026-11-24", "9999-12-31"]) | JSON,
        "item": JSON,
        "p": st.floats() | JSON,
    },
)
LINE = (
    (JSON | EVENT_LIKE).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40)
    | st.just(b"[" * 100_000)
)


@SHARED_FOLDER
@given(foreign=st.lists(LINE, max_size=6), place=st.integers(0, 6))
def test_no_line_whatever_hides_an_event_or_takes_the_reader_down(
    tmp_path: Path, clock: Clock, foreign: list[bytes], place: int
) -> None:
    ours = encode(answer("E1.1", 1))
    given_lines = [*foreign[:place], ours, *foreign[place:]]
    (tmp_path / "other.jsonl").write_bytes(b"\n".join(given_lines) + b"\n")
    mine = log(tmp_path, clock)
    assert "E1.1-20261102" in {e.id for e in mine.events()}
    assert mine.skipped <= sum(line.count(b"\n") + 1 for line in foreign)
    assert summary(mine.events())["answers"] >= 1


@SHARED_FOLDER
@given(events=logs(), data=st.data())
def test_how_events_lie_in_files_and_how_often_does_not_matter(
    tmp_path: Path, clock: Clock, events: list[Event], data: st.DataObject
) -> None:
    folder = tmp_path / "events"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    again = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = data.draw(st.permutations(events + again))
    for event in shuffled:
        path = folder / f"f{data.draw(st.integers(0, 2))}.jsonl"
        with path.open("ab") as file:
            file.write(encode(event) + b"\n")
    assert log(folder, clock).events() == events


@given(events=logs(6), swap=st.booleans())
@SHARED_FOLDER
def test_one_id_with_two_contents_is_read_alike_in_any_order(
    tmp_path: Path, clock: Clock, events: list[Event], swap: bool
) -> None:
    same_id = [msgspec.structs.replace(event, id="x") for event in events]
    folders = []
    for number, order in enumerate((same_id, same_id[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir(exist_ok=True)
        (folder / "a.jsonl").write_bytes(b"".join(encode(e) + b"\n" for e in order))
        folders.append(log(folder, clock).events())
    assert folders[0] == folders[1]
    assert len(folders[0]) == min(1, len(events))


# newer versions


NEWER = (
    b'{"event":"answer","v":2,"id":"n1","at":"2026-11-02T09:00:00Z","colour":[1,{"deep":null}]}',
    b'{"event":"dream","v":1,"id":"n2","at":"2026-11-02T10:00:00Z","day":"2026-11-02"}',
)


def test_events_of_a_newer_version_are_kept_raw_and_passed_over(tmp_path: Path, clock: Clock) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "new.jsonl").write_bytes(b"\n".join((*NEWER, encode(answer("E1.1", 1)))) + b"\n")
    mine = log(here, clock)
    assert (len(mine.events()), mine.newer, mine.skipped) == (1, 2, 0)
    assert mine.export(tmp_path / "out.jsonl") == 3
    other = log(there, clock)
    assert other.import_(tmp_path / "out.jsonl") == 3
    assert set(NEWER) <= set(lines(there))
    assert other.newer == 2
    assert other.import_(tmp_path / "out.jsonl") == 0


def test_fields_that_a_later_version_added_survive_export_and_import(tmp_path: Path, clock: Clock) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    line = encode(answer("E1.1", 1))[:-1] + b',"mood":"calm"}'
    (here / "new.jsonl").write_bytes(line + b"\n")
    mine = log(here, clock)
    assert len(mine.events()) == 1
    mine.export(tmp_path / "out.jsonl")
    log(there, clock).import_(tmp_path / "out.jsonl")
    assert lines(there) == [line]


# export and import


@SHARED_FOLDER
@given(events=logs(20), known=logs(8))
def test_an_export_brings_everything_over_once(
    tmp_path: Path, clock: Clock, events: list[Event], known: list[Event]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
    (here / "a.jsonl").write_bytes(b"".join(encode(e) + b"\n" for e in events))
    already = [msgspec.structs.replace(e, id=f"y{n}") for n, e in enumerate(known)] + events[::3]
    (there / "b.jsonl").write_bytes(b"".join(encode(e) + b"\n" for e in already))
    assert log(here, clock).export(tmp_path / "out.jsonl") == len(events)
    mine = log(there, clock)
    assert mine.import_(tmp_path / "out.jsonl") == len(events) - len(events[::3])
    merged = mine.events()
    assert {e.id for e in merged} == {e.id for e in (*already, *events)}
    before = lines(there)
    assert mine.import_(tmp_path / "out.jsonl") == 0
    assert log(there, clock, 2).import_(tmp_path / "out.jsonl") == 0
    assert lines(there) == before
    assert log(there, clock, 3).events() == merged
    mine.close()


def test_an_export_is_one_file_of_lines_with_a_header(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path / "events", clock)
    for _ in range(3):
        mine.record(an_answer())
    assert mine.export(tmp_path / "out.jsonl") == 3
    head, *rest = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (head["torchproof"], head["v"], head["events"]) == ("progress", 1, 3)
    assert [line["event"] for line in rest] == ["answer"] * 3
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["out.jsonl"]


def exported(folder: Path, clock: Clock) -> bytes:
    mine = log(folder / "source", clock, 99)
    for _ in range(3):
        mine.record(an_answer())
    mine.export(folder / "good.jsonl")
    return (folder / "good.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("change", "key", "line"),
    [
        (lambda d: b"", "not-ours", 1),
        (lambda d: b"hello\n" + d, "not-ours", 1),
        (lambda d: d.split(b"\n", 1)[1], "not-ours", 1),
        (lambda d: d.replace(b'"progress"', b'"weights"'), "not-ours", 1),
        (lambda d: b"\x89PNG\r\n\x1a\n" + bytes(1000), "not-ours", 1),
        (lambda d: b"[" * 100_000, "not-ours", 1),
        (lambda d: d.replace(b'"event":"answer"', b'"event":7', 1), "not-ours", 2),
        (lambda d: d.replace(b'"p":0.7', b'"p":7', 1), "not-ours", 2),
        (lambda d: d + b'{"some":"line"}\n', "not-ours", 5),
        (lambda d: d[:-20], "export-cut", None),
        (lambda d: d[: d.rindex(b"{")], "export-cut", None),
        (lambda d: d.replace(b'"v":1', b'"v":9', 1), "export-newer", None),
    ],
)
def test_a_foreign_or_cut_import_is_refused_whole(
    tmp_path: Path, clock: Clock, change: object, key: str, line: int | None
) -> None:
    data = exported(tmp_path, clock)
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(change(data))  # type: ignore[operator]
    mine = log(tmp_path / "target", clock)
    with pytest.raises(BankProblem) as raised:
        mine.import_(bad)
    assert raised.value.key == key
    assert str(bad) in str(raised.value)
    if line:
        assert raised.value.fields["line"] == line
    assert not (tmp_path / "target").exists()


@SHARED_FOLDER
@given(cut=st.integers(0, 2000))
def test_an_import_cut_anywhere_brings_all_or_nothing(tmp_path: Path, clock: Clock, cut: int) -> None:
    good = tmp_path / "good.jsonl"
    data = good.read_bytes() if good.exists() else exported(tmp_path, clock)
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(data[:cut])
    target = tmp_path / "target"
    mine = log(target, clock)
    mine.events()
    before = len(lines(target))
    try:
        mine.import_(bad)
    except BankProblem:
        assert len(lines(target)) == before
    else:
        assert cut >= len(data) - 1  # only the last line's end may be missing
        assert len(mine.events()) == 3
    mine.close()


def test_an_import_on_a_full_disk_brings_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported(tmp_path, clock)
    mine = log(tmp_path / "target", clock)
    mine.record(an_answer(item="mine"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fail(errno.ENOSPC))
        with pytest.raises(BankProblem, match="no space left"):
            mine.import_(tmp_path / "good.jsonl")
    assert len(mine.events()) == 1
    assert mine.import_(tmp_path / "good.jsonl") == 3
    assert len(lines(tmp_path / "target")) == 4


def test_a_missing_import_and_a_folder_are_said(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path / "target", clock)
    with pytest.raises(BankProblem, match=r"nothing\.jsonl does not exist"):
        mine.import_(tmp_path / "nothing.jsonl")
    with pytest.raises(BankProblem, match="cannot be read"):
        mine.import_(tmp_path)


def test_an_export_never_lands_among_the_events_nor_in_a_missing_folder(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path / "events", clock)
    mine.record(an_answer())
    with pytest.raises(BankProblem, match="own event files"):
        mine.export(tmp_path / "events" / "out.jsonl")
    with pytest.raises(BankProblem, match="folder does not exist"):
        mine.export(tmp_path / "missing" / "out.jsonl")
    assert len(lines(tmp_path / "events")) == 1


def test_a_failed_export_leaves_the_old_one_in_place(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = log(tmp_path / "events", clock)
    mine.record(an_answer())
    mine.export(tmp_path / "out.jsonl")
    old = (tmp_path / "out.jsonl").read_bytes()
    mine.record(an_answer())
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail(errno.ENOSPC))
        with pytest.raises(BankProblem, match="no space left"):
            mine.export(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events", "out.jsonl"]


@pytest.mark.skipif(sys.platform == "win32", reason="makes a named pipe")
def test_an_export_into_a_pipe_writes_into_it(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path / "events", clock)
    mine.record(an_answer())
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    mine.export(pipe)
    out, _ = reader.communicate()
    assert out.count(b"\n") == 2
    assert pipe.is_fifo()


def test_the_summary_counts_questions_and_bets_as_answers(tmp_path: Path, clock: Clock) -> None:
    mine = log(tmp_path, clock)
    assert summary([])["answers"] == 0
    from questions.progress import Bet

    mine.record(an_answer())
    mine.record(an_answer(ok=False, option="all"))
    mine.record(Bet(lab="l1", claim="E1.7", band=1, bands=4, p=0.7, run="r1"))
    clock.forward(days=1)
    mine.record(Session(planned=3, done=3, seconds=120.5))
    counts = summary(mine.events())
    assert counts["answers"] == 3
    assert counts["right"] == 1
    assert counts["days"] == 1
    assert all(type(n) is int for n in counts.values())


def test_an_old_log_reads_fast_enough_to_be_read_at_every_start(tmp_path: Path, clock: Clock) -> None:
    events = [
        answer("E1.1", 0, id=f"x{n}", at=answer("E1.1", 0).at + timedelta(minutes=n)) for n in range(20_000)
    ]
    (tmp_path / "old.jsonl").write_bytes(b"".join(encode(e) + b"\n" for e in events))
    assert log(tmp_path, clock).events() == events
