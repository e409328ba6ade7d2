"""Settings come back as they were saved, and a broken file is told of once and never touched."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.paths import paths
from tui.settings import CHOICES, Settings, load, save, text

values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
settings = st.builds(
    Settings,
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
    extra=st.dictionaries(st.text(max_size=8).filter(lambda name: name not in CHOICES), values, max_size=3),
)


@given(settings)
def test_what_is_saved_is_what_is_loaded(tmp_path_factory: pytest.TempPathFactory, wanted: Settings) -> None:
    file = tmp_path_factory.mktemp("config") / "deep" / "settings.toml"
    save(file, wanted)
    assert load(file) == (wanted, None)


def test_without_a_file_there_are_defaults_and_no_notice(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.toml") == (Settings(), None)


@pytest.mark.parametrize(
    "content", [b"minutes = ", b"\xff\xfe\x00", b"minutes = 5\nminutes = 10\n", b"[a]\n[a]"]
)
def test_a_broken_file_gives_defaults_one_notice_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    found, trouble = load(file)
    assert found == Settings()
    assert trouble is not None
    assert trouble.key == "shell.settings_broken"
    assert trouble.fields["file"] == str(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("minutes = 7", "minutes"),
        ("minutes = true", "minutes"),
        ('minutes = "15"', "minutes"),
        ('language = "fr"', "language"),
        ("keep_torch_ready = 1", "keep_torch_ready"),
        ('device = "tpu"', "device"),
        ('theme = ["dark"]', "theme"),
    ],
)
def test_an_impossible_value_is_named_and_the_others_hold(tmp_path: Path, line: str, field: str) -> None:
    file = tmp_path / "settings.toml"
    other = "ask_before_quitting = false"
    file.write_text(f"{line}\n{other}\n", "utf-8")
    found, trouble = load(file)
    assert trouble is not None
    assert trouble.key == "shell.settings_value"
    assert trouble.fields["field"] == field
    assert getattr(found, field) == getattr(Settings(), field)
    assert found.ask_before_quitting is False


def test_saving_over_a_broken_file_keeps_the_broken_one_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("minutes = ", "utf-8")
    save(file, Settings(minutes=5))
    assert load(file) == (Settings(minutes=5), None)
    assert (tmp_path / "settings.toml.broken").read_text("utf-8") == "minutes = "


def test_what_a_newer_version_wrote_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('minutes = 25\nfuture = { a = [1, "b"] }\n', "utf-8")
    found, trouble = load(file)
    assert trouble is None
    save(file, found.changed("minutes", 5))
    assert tomllib.loads(file.read_text("utf-8"))["future"] == {"a": [1, "b"]}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    save(file, Settings(minutes=5))

    def refuse(source: str, target: str) -> NoReturn:
        raise OSError(28, "No space left on device", target)

    with pytest.raises(OSError, match="No space"):
        save(file, Settings(minutes=25), rename=refuse)
    assert load(file) == (Settings(minutes=5), None)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_a_folder_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be", "utf-8")
    with pytest.raises(OSError):
        save(tmp_path / "config" / "settings.toml", Settings())


def test_a_file_that_may_not_be_read_is_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "settings.toml"
    folder.mkdir()
    _, trouble = load(folder)
    assert trouble is not None
    assert trouble.key == "shell.settings_unreadable"


def test_the_file_is_only_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    save(file, Settings())
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


def test_a_setting_takes_only_its_own_values() -> None:
    assert Settings().changed("device", "cuda:1").device == "cuda:1"
    for name, value in (("minutes", 7), ("minutes", True), ("theme", "pink"), ("device", "gpu")):
        with pytest.raises(ValueError, match=name):
            Settings().changed(name, value)


def test_every_setting_has_a_choice_and_its_default_is_one() -> None:
    for name, choices in CHOICES.items():
        assert getattr(Settings(), name) in (*choices, None)
    assert "minutes = 15" in text(Settings())


def test_torchproof_home_holds_everything(tmp_path: Path) -> None:
    found = paths({"TORCHPROOF_HOME": str(tmp_path)})
    assert found == tuple(tmp_path / name for name in ("data", "state", "cache", "config"))
    assert found.events == tmp_path / "data" / "events"
    assert found.runs == tmp_path / "state" / "runs"
    assert list(tmp_path.iterdir()) == []


def test_without_it_the_platform_decides() -> None:
    found = paths({})
    assert all("torchproof" in str(path) for path in found)
    assert all(path.is_absolute() for path in found)


def test_a_relative_home_is_meant_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths({"TORCHPROOF_HOME": "here"}).data == tmp_path / "here" / "data"
    assert os.environ.get("TORCHPROOF_HOME") != "here"
