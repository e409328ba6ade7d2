"""The kept fold equals a replay, byte for byte, whatever happens to the log and to the cache; or it is not used."""

from __future__ import annotations

import itertools
import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_clock import Clock
from sample_events import START, answer, logs, wrong

from questions import kept_fold
from questions.catalog import Bank
from questions.events import Bet, Event, Result, encode, unread_bets
from questions.kept_fold import KeptFold
from questions.plain import NotPlain, packed, unpacked
from questions.progress import Progress
from questions.schedule import Fold

_numbers = itertools.count()
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _keep_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_fold, "FEW", 1)
    monkeypatch.setattr(kept_fold, "WORTH_KEEPING", 1)


def kept(folder: Path, bank: Bank) -> KeptFold:
    log = Progress(folder / "events", host="box", pid=1, now=lambda: START)
    return KeptFold(log, bank, folder / "cache")


def bytes_of(state: Fold) -> bytes:
    """Everything a fold holds."""
    assert state.foreseen is not None  # unpacked when asked for
    return msgspec.msgpack.encode(packed(state, {id(state.bank): "bank"}))


def replayed(folder: Path, bank: Bank) -> tuple[Fold, list[Event]]:
    events = Progress(folder / "events", host="box", pid=2, now=lambda: START).events()
    state = Fold(bank)
    state.feed(events)
    return state, events


def assert_as_replayed(found: KeptFold, folder: Path, bank: Bank) -> None:
    state, events = replayed(folder, bank)
    unread: dict[str, Bet] = {}
    unread_bets(events, unread)
    assert bytes_of(found.look()) == bytes_of(state)
    assert found.events == len(events)
    assert found.unread == unread


def write(folder: Path, name: str, events: list[Event]) -> Path:
    path = folder / "events" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.writelines(encode(event) + b"\n" for event in events)
    return path


LOCKED = START + timedelta(days=4)
LONG: list[Event] = [
    answer("E1.1", 0),
    wrong("E1.2", 1, item="e12-which"),
    answer("E1.2", 3, item="e12-which"),
    Bet(id="b", at=LOCKED, day=LOCKED.date(), lab="l", claim="E1.3", band=1, bands=4, p=0.9, run="r"),
    answer("E1.1", 5, item="e11-left", kind="band"),
]


def test_what_was_kept_comes_back_without_reading_the_log(tmp_path: Path, bank: Bank) -> None:
    write(tmp_path, "a", LONG)
    first = kept(tmp_path, bank)
    first.look()
    assert first.save()
    second = kept(tmp_path, bank)
    assert_as_replayed(second, tmp_path, bank)
    assert not second._log.loaded
    assert list(second.unread) == ["l"]


def test_what_is_new_is_added_without_reading_the_rest(tmp_path: Path, bank: Bank) -> None:
    path = write(tmp_path, "a", LONG)
    first = kept(tmp_path, bank)
    first.look()
    first.save()
    write(tmp_path, "a", [answer("E1.3", 6)])
    write(tmp_path, "b", [answer("E1.3", 8), wrong("E1.1", 9)])
    with path.open("ab") as file:
        file.write(b'{"half a li')
    second = kept(tmp_path, bank)
    assert_as_replayed(second, tmp_path, bank)
    assert not second._log.loaded
    with path.open("ab") as file:
        file.write(b'ne"}\n')
    write(tmp_path, "a", [answer("E2.1", 10)])
    assert_as_replayed(second, tmp_path, bank)
    assert not second._log.loaded


def test_our_own_answers_are_there_at_once(tmp_path: Path, bank: Bank, clock: Clock) -> None:
    log = Progress(tmp_path / "events", host="box", pid=1, now=clock)
    mine = KeptFold(log, bank, tmp_path / "cache")
    assert mine.now().tracks["E1.1"].answers == 0
    for n in range(1, 4):
        clock.forward(days=1)
        log.record(answer("E1.1", 0))
        assert mine.now().tracks["E1.1"].answers == n
    assert_as_replayed(mine, tmp_path, bank)


def test_after_a_replay_our_own_answers_are_folded_one_by_one(
    tmp_path: Path, bank: Bank, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a", LONG)
    clock.forward(days=10)
    log = Progress(tmp_path / "events", host="box", pid=1, now=clock)
    mine = KeptFold(log, bank, tmp_path / "cache")
    mine.look()
    fed = []
    feed = Fold.feed
    monkeypatch.setattr(Fold, "feed", lambda state, events: (fed.append(len(events)), feed(state, events)))
    for _ in range(3):
        clock.forward(days=1)
        log.record(answer("E1.1", 0))
        mine.now()
    assert fed == [1, 1, 1]
    assert_as_replayed(mine, tmp_path, bank)


def test_others_answers_are_there_once_one_looks(tmp_path: Path, bank: Bank) -> None:
    mine = kept(tmp_path, bank)
    mine.now()
    write(tmp_path, "other", LONG)
    assert mine.now().tracks["E1.1"].answers == 0
    assert mine.look().tracks["E1.1"].answers == 2


@SLOW
@given(
    events=logs(),
    cut=st.integers(0, 40),
    files=st.lists(st.sampled_from("abc"), min_size=40, max_size=40),
    again=st.lists(st.integers(0, 39), max_size=4),
    late=st.lists(st.integers(0, 39), max_size=2),
    harm=st.sampled_from(["none", "none", "deleted", "cut", "flipped"]),
    place=st.integers(0, 10**6),
)
def test_any_log_cut_anywhere_gives_what_a_replay_gives(
    tmp_path: Path,
    bank: Bank,
    events: list[Event],
    cut: int,
    files: list[str],
    again: list[int],
    late: list[int],
    harm: str,
    place: int,
) -> None:
    """Kept after `cut` events, then the rest is added: with events copied once more into another file (merged folders),
    some coming late (another machine's clock), and the cache harmed."""
    folder = tmp_path / str(next(_numbers))
    events = [
        msgspec.structs.replace(event, id=f"x{n:03d}") for n, event in enumerate(events)
    ]  # as one process would
    behind = [event for n, event in enumerate(events[:cut]) if n in late]
    for name, event in zip(files, events[:cut], strict=False):
        if event not in behind:
            write(folder, name, [event])
    first = kept(folder, bank)
    first.look()
    first.save()
    cache = next((folder / "cache").glob("*"), None) if (folder / "cache").exists() else None
    if cache is not None:
        data = cache.read_bytes()
        if harm == "deleted":
            cache.unlink()
        elif harm == "cut":
            cache.write_bytes(data[: place % len(data)])
        elif harm == "flipped":
            at = place % len(data)
            cache.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    second = kept(folder, bank)
    for name, event in zip(files[cut:], events[cut:], strict=False):
        write(folder, name, [event])
        if len(events) % 3 == 0:
            assert_as_replayed(second, folder, bank)
    write(folder, "merged", behind + [events[n] for n in again if n < len(events)])
    assert_as_replayed(second, folder, bank)
    assert_as_replayed(first, folder, bank)
    second.save()
    assert_as_replayed(kept(folder, bank), folder, bank)


def changed_in_place(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"none"', b'"nine"'))


def changed_in_place_under_an_old_date(path: Path) -> None:
    before = path.stat()
    changed_in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def grown_over_other_lines(path: Path) -> None:
    path.write_bytes(encode(answer("E1.1", 0, ok=False)) + b"\n" + path.read_bytes())


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    "change",
    [
        changed_in_place,
        changed_in_place_under_an_old_date,
        grown_over_other_lines,
        shortened,
        Path.unlink,
        lambda path: path.rename(path.with_name("z.jsonl")),
        lambda path: write(path.parent.parent, "b", [answer("E1.1", 0, ok=False)]),
        lambda path: write(path.parent.parent, "b", [answer("E1.1", 9, id="E1.1-00020261101")]),
    ],
)
def test_whatever_is_done_to_the_files_the_state_is_theirs(tmp_path: Path, bank: Bank, change) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path, "a", LONG)
    first = kept(tmp_path, bank)
    first.look()
    first.save()
    change(path)
    assert_as_replayed(kept(tmp_path, bank), tmp_path, bank)


def test_a_bank_that_has_changed_makes_what_was_kept_worthless(tmp_path: Path, bank: Bank) -> None:
    write(tmp_path, "a", LONG)
    first = kept(tmp_path, bank)
    first.look()
    first.save()
    smaller = msgspec.structs.replace(bank, claims={k: v for k, v in bank.claims.items() if k != "E1.1"})
    assert_as_replayed(kept(tmp_path, smaller), tmp_path, smaller)


def test_a_file_that_cannot_be_read_hides_no_other_and_is_no_reason_to_replay_each_time(
    tmp_path: Path, bank: Bank
) -> None:
    write(tmp_path, "a", LONG)
    (tmp_path / "events" / "b.jsonl").mkdir()
    mine = kept(tmp_path, bank)
    assert_as_replayed(mine, tmp_path, bank)
    state = mine.look()
    assert mine.look() is state
    assert [problem.key for problem in mine._log.problems] == ["unreadable"]
    assert not mine.save()
    write(tmp_path, "a", [answer("E1.3", 6)])
    assert_as_replayed(mine, tmp_path, bank)


def test_little_that_is_new_is_not_worth_a_write(
    tmp_path: Path, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_fold, "WORTH_KEEPING", 100)
    write(tmp_path, "a", LONG)
    mine = kept(tmp_path, bank)
    mine.look()
    assert not mine.save()
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path, bank: Bank) -> None:
    write(tmp_path, "a", LONG)
    (tmp_path / "cache").write_text("a file where the folder should be")
    mine = kept(tmp_path, bank)
    mine.look()
    assert not mine.save()
    assert_as_replayed(kept(tmp_path, bank), tmp_path, bank)


def test_a_settled_bet_is_read(tmp_path: Path, bank: Bank) -> None:
    at = START + timedelta(days=20)
    write(tmp_path, "a", LONG)
    mine = kept(tmp_path, bank)
    mine.look()
    write(tmp_path, "a", [Result(id="r", at=at, day=at.date(), lab="l", run="r", claim="E1.3", band=1)])
    mine.look()
    assert mine.unread == {}


def test_only_our_own_classes_are_made_again() -> None:
    with pytest.raises(NotPlain):
        packed(Path("a"), {})
    for stranger in (
        ["one", ["object", ["os", "system"], [], [], 1]],
        ["list", ["dream", []], None],
        [1, 2, 3, 4],
    ):
        with pytest.raises((ValueError, LookupError, TypeError)):
            unpacked(stranger, {})
