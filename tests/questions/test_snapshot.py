"""The snapshot of the bank: equal to the bank, gone when any file changes, and never trusted when it is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sample_bank

from questions import catalog, snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return sample_bank.write_bank(tmp_path / "bank")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_the_shipped_bank_comes_back_as_it_was_read(cache: Path) -> None:
    first = snapshot.load(cache=cache)
    again = snapshot.load(cache=cache)
    assert first == again == catalog.load()
    assert list(first.claims) == list(again.claims)  # the order of teaching


def test_a_snapshot_is_read_and_not_the_files(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = snapshot.load(root, cache=cache)
    monkeypatch.setattr(catalog, "load", lambda root: pytest.fail("read anew"))
    assert snapshot.load(root, cache=cache) == bank


@pytest.mark.parametrize("change", ["edited", "added", "removed", "touched"])
def test_any_change_of_a_file_is_seen(root: Path, cache: Path, change: str) -> None:
    snapshot.load(root, cache=cache)
    path = root / "E1" / "E1.1" / "e11-which.md"
    match change:
        case "edited":
            text = path.read_text("utf-8").replace("difficulty = 2", "difficulty = 4")
            path.write_text(text, "utf-8")
            os.utime(path, ns=(1, 2))
        case "added":
            sample_bank.save(root, sample_bank.choice("e11-more", "E1.1"))
        case "removed":
            path.unlink()
        case _:
            os.utime(path, ns=(3, 4))
    assert snapshot.load(root, cache=cache) == catalog.load(root)


@pytest.mark.parametrize("damage", [b"", b"\x81", b"nonsense" * 100])
def test_a_damaged_snapshot_is_written_anew(root: Path, cache: Path, damage: bytes) -> None:
    bank = snapshot.load(root, cache=cache)
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(damage)
    assert snapshot.load(root, cache=cache) == bank
    assert kept.read_bytes() == whole


def test_problems_are_told_each_time_and_never_kept(root: Path, cache: Path) -> None:
    sample_bank.save(root, sample_bank.choice("e11-new", "E1.1").replace("difficulty = 2", "difficulty = 9"))
    for _ in range(2):
        assert [p.key for p in snapshot.load(root, cache=cache).problems] == ["difficulty"]
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    assert snapshot.load(root, cache=blocked / "cache") == catalog.load(root)
