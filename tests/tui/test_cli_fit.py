"""`torchproof progress fit`: what it says, what it records, what it needs, and the same in the background."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import torchproof
from made_memory import FORGETFUL, UNMOVED, life, loss

from questions.catalog import load
from questions.events import Event, Weights, encode
from questions.kept_fold import KeptFold
from questions.progress import Progress
from questions.shapes import Bank
from tui.fits import Fits
from tui.paths import Paths

Events = list[Event]


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load()


@pytest.fixture(scope="module")
def some(bank: Bank) -> Events:
    """Enough reviews for the initial stabilities, of somebody whom other ones foresee better."""
    return life(bank, FORGETFUL, seed=2, days=36, most=14)


@pytest.fixture(scope="module")
def many(bank: Bank) -> Events:
    """Enough for all parameters."""
    return life(bank, UNMOVED, seed=1, days=60, most=14)


def logged(home: Path, events: Sequence[Event]) -> Path:
    folder = home / "data" / "events"
    folder.mkdir(parents=True)
    (folder / "made.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in events))
    return home


def packages(folder: Path, **code: str) -> dict[str, str]:
    """An environment whose packages of these names are made of this code."""
    folder.mkdir()
    for name, text in code.items():
        (folder / f"{name}.py").write_text(text)
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path)}


def with_optimizer(tmp_path: Path) -> dict[str, str]:
    """Of pandas and tqdm the optimizer needs next to nothing for a fit; where they are not installed, that is here."""
    code = {"pandas": "", "tqdm": "def tqdm(rows, **options):\n    return rows\n"}
    return packages(tmp_path / "site", **{name: text for name, text in code.items() if not find_spec(name)})


def without_optimizer(tmp_path: Path) -> dict[str, str]:
    return packages(tmp_path / "site", pandas="raise ImportError('pandas was left out')\n")


def fitted(home: Path, *words: str, **more: dict[str, str]) -> dict:
    done = torchproof(home, "progress", "fit", "--json", *words, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def parameters(home: Path) -> dict:
    return json.loads(torchproof(home, "progress", "show", "--json").stdout)["parameters"]


def recorded(home: Path) -> list[Weights]:
    log = Progress(home / "data" / "events", host="test", pid=1, now=lambda: pytest.fail("nothing to record"))
    return [event for event in log.events() if isinstance(event, Weights)]


def test_without_enough_reviews_it_says_how_many_are_missing(tmp_path: Path, some: Events) -> None:
    assert fitted(tmp_path) == {
        "outcome": "too-few",
        "recorded": False,
        "missing_reviews": 64,
        "missing_days": 30,
        "reviews_in_all": 0,
    }
    home = logged(tmp_path / "home", some[:60])
    missing = fitted(home)["missing_reviews"]
    assert 0 < missing < 64
    done = torchproof(home, "progress", "fit")
    assert done.returncode == 0
    assert f"{missing} are missing" in done.stderr
    assert f"还差 {missing} 次" in torchproof(home, "progress", "fit", "--lang", "zh").stderr


def test_what_foresees_better_is_recorded_shown_and_can_be_undone(tmp_path: Path, some: Events) -> None:
    home = logged(tmp_path, some)
    assert parameters(home)["source"] == "defaults"
    dry = fitted(home, "--dry-run")
    assert (dry["outcome"], dry["recorded"], dry["kind"]) == ("fitted", False, "initial")
    assert dry["loss"] < dry["loss_before"]
    assert recorded(home) == []
    done = torchproof(home, "progress", "fit")
    assert done.returncode == 0, done.stderr
    assert f"log loss falls from {dry['loss_before']:.4f} to {dry['loss']:.4f}" in done.stderr
    (event,) = recorded(home)
    assert list(event.weights) == dry["weights"]
    shown = parameters(home)
    assert (shown["source"], shown["kind"], shown["reviews"]) == ("fitted", "initial", dry["reviews"])
    assert shown["weights"] == dry["weights"]
    assert f"fitted to {dry['reviews']} reviews" in torchproof(home, "progress", "show").stdout.replace(
        "\n", " "
    )
    assert fitted(home, "--reset")["outcome"] == "reset"
    assert parameters(home)["source"] == "defaults"
    assert fitted(home, "--reset") == {
        "outcome": "defaults",
        "recorded": False,
        "reviews_in_all": dry["reviews"] + dry["held_out"],
    }


def test_what_foresees_no_better_is_told_with_both_losses_and_changes_nothing(
    tmp_path: Path, bank: Bank
) -> None:
    home = logged(tmp_path, life(bank, (), seed=0, days=40))
    done = torchproof(home, "progress", "fit", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    (event,) = recorded(home)
    assert event.weights == () and event.loss is not None and event.loss_before is not None
    assert event.loss >= event.loss_before
    assert f"{event.loss_before:.4f} 变为 {event.loss:.4f}" in done.stderr and "参数保持不变" in done.stderr
    shown = parameters(home)
    assert (shown["source"], shown["kept"]["loss"]) == ("defaults", event.loss)


def test_with_many_reviews_the_packages_optimizer_fits_all_parameters(
    tmp_path: Path, many: Events, bank: Bank
) -> None:
    home = logged(tmp_path / "home", many)
    found = fitted(home, env=with_optimizer(tmp_path))
    assert (found["outcome"], found["kind"]) == ("fitted", "all")
    assert parameters(home)["weights"] == found["weights"]
    other = life(bank, UNMOVED, seed=101, days=60, most=14)  # nobody has seen it
    assert loss(bank, tuple(found["weights"]), other) < loss(bank, (), other) - 0.005


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_without_the_optimizer_it_says_what_to_install(tmp_path: Path, many: Events, lang: str) -> None:
    home = logged(tmp_path / "home", many)
    done = torchproof(home, "progress", "fit", "--lang", lang, env=without_optimizer(tmp_path))
    assert done.returncode == 1
    assert "-m pip install 'fsrs[optimizer]'" in done.stderr and "pandas was left out" in done.stderr
    assert ("请安装" in done.stderr) == (lang == "zh")
    assert recorded(home) == []


def test_a_fit_that_dies_is_told_and_nothing_is_recorded(tmp_path: Path, many: Events) -> None:
    home = logged(tmp_path / "home", many)
    env = packages(tmp_path / "site", pandas="import os\nos._exit(7)\n")
    done = torchproof(home, "progress", "fit", "--json", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "exit status 7" in done.stderr
    assert recorded(home) == []


def test_a_dry_run_has_nothing_to_take_back(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "progress", "fit", "--reset", "--dry-run")
    assert done.returncode == 2
    assert "--reset" in done.stderr
    assert not (tmp_path / "data").exists()


# in the background


def begun(home: Path, bank: Bank) -> None:
    """As at the end of a session, and waits until nothing goes on."""
    paths = Paths(*(home / name for name in ("data", "state", "cache", "config")))
    log = Progress(paths.events, host="app", pid=1, now=lambda: pytest.fail("nothing to record"))
    Fits(paths).begin_if_due(KeptFold(log, bank, paths.cache).look())
    for thread in threading.enumerate():
        if thread.name == "fit":
            thread.join()


def test_the_app_fits_by_itself_once_and_not_before_reviews_have_doubled(
    tmp_path: Path, some: Events, bank: Bank
) -> None:
    home = logged(tmp_path, some)
    begun(home, bank)
    (event,) = recorded(home)
    assert event.weights
    begun(home, bank)
    assert recorded(home) == [event]


def test_by_itself_it_makes_do_without_the_optimizer(
    tmp_path: Path, many: Events, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = logged(tmp_path / "home", many)
    for name, value in without_optimizer(tmp_path).items():
        monkeypatch.setenv(name, value)
    begun(home, bank)
    (event,) = recorded(home)
    assert event.loss is not None
    assert parameters(home)["kind"] in ("initial", None)


def test_with_too_few_reviews_no_process_is_started(
    tmp_path: Path, some: Events, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.run", lambda *words, **options: pytest.fail("started"))
    begun(logged(tmp_path, some[:60]), bank)
    assert not (tmp_path / "state").exists()
