"""`torchproof data`: what it says before and after, in both languages, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import made_data
import pytest
from command_line import recorded_run, torchproof, write_lab

from labs import datasets, fetching
from labs.datasets import DataSet, state, write_verified
from labs.problems import LabProblem
from tui.commands import Context, Interrupted, dispatch
from tui.commands.data import NAMES, _watched, findings
from tui.commands.parsing import parser
from tui.i18n import Translator
from tui.paths import Paths, paths

Run = Callable[..., int]


@pytest.fixture
def places(tmp_path: Path) -> Paths:
    return paths({"TORCHPROOF_HOME": str(tmp_path / "home")})


@pytest.fixture
def run(places: Paths, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, which knows the small sets; torchvision's part is a copy of the files."""
    monkeypatch.setattr("labs.network._ask", lambda url: (200, None))

    def command(*words: str, lang: str = "en") -> int:
        tr = Translator("zh" if lang == "zh" else "en")
        return dispatch(parser(tr).parse_args(["data", *words]), Context(places, tr, sys.executable))

    return command


@pytest.fixture
def cifar10(monkeypatch: pytest.MonkeyPatch) -> tuple[DataSet, dict[str, bytes]]:
    dataset, files = made_data.cifar10("http://photos.invalid/")
    monkeypatch.setitem(datasets.SETS, "cifar10", dataset)

    def copied(dataset: DataSet, unready: Path, python: str, tick: fetching.Tick) -> None:
        tick("getting", 1)
        for archive in dataset.archives:
            (unready / archive.path).write_bytes(files[archive.name])

    monkeypatch.setattr(fetching, "_run", copied)
    return dataset, files


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Types an answer at a terminal."""

    def types(answer: str) -> None:
        stdin = io.StringIO(answer)
        monkeypatch.setattr(stdin, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", stdin)

    yield types


Small = tuple[DataSet, dict[str, bytes]]


def test_the_names_are_those_of_the_sets() -> None:
    assert tuple(datasets.SETS) == NAMES


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_says_what_where_how_large_and_on_which_terms(
    run: Run, places: Paths, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    assert run("list", lang=lang) == 0
    said = capsys.readouterr()
    for part in (*NAMES, "170.5 MB", "356.7 MB", "c58f30108f718f92721af3b95e74349a", "www.cs.toronto.edu"):
        assert part in said.out
    assert str(places.datasets / "cifar10") in said.out.replace("\n", "")
    assert ("MIT 许可证" if lang == "zh" else "MIT licence") in said.out
    assert ("没有" if lang == "zh" else "absent") in said.out
    assert "data." not in said.out.replace("data/", "")
    assert not places.datasets.exists()


def test_the_list_for_scripts(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    records = {record["name"]: record for record in json.loads(capsys.readouterr().out)}
    assert tuple(records) == NAMES
    assert records["cifar10"]["files"][0]["md5"] == "c58f30108f718f92721af3b95e74349a"
    assert records["resnet18"]["download_bytes"] == 46_830_571
    assert {record["state"] for record in records.values()} == {"absent"}


@pytest.mark.parametrize(("lang", "yes"), [("zh", "是"), ("en", "y")])
def test_get_says_it_all_asks_and_gets(
    run: Run,
    places: Paths,
    cifar10: Small,
    terminal: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    lang: str,
    yes: str,
) -> None:
    dataset, _ = cifar10
    terminal("\n")
    assert run("get", "cifar10", lang=lang) == 1
    said = capsys.readouterr().err
    assert dataset.archives[0].checksum in said
    assert dataset.host in said
    assert str(places.datasets / "cifar10") in said.replace("\n", "")
    assert ("剩余空间" if lang == "zh" else "free disk") in said
    assert not places.datasets.exists()
    terminal(f"{yes}\n")
    assert run("get", "cifar10", lang=lang) == 0
    assert state(dataset, places.datasets) == "present"
    capsys.readouterr()
    assert run("get", "cifar10", "--json", lang=lang) == 0  # here already: nothing is asked
    assert json.loads(capsys.readouterr().out)["state"] == "present"


def test_without_a_terminal_get_wants_yes(
    run: Run,
    places: Paths,
    cifar10: Small,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert run("get", "cifar10") == 2
    assert "--yes" in capsys.readouterr().err
    assert not places.datasets.exists()
    assert run("get", "cifar10", "--yes") == 0


def test_ctrl_c_in_the_middle_is_130_and_nothing_counts(
    run: Run,
    places: Paths,
    cifar10: Small,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset, _ = cifar10

    def endless(dataset: DataSet, unready: Path, python: str, tick: fetching.Tick) -> None:
        (unready / dataset.archives[0].path).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            tick("getting", 4)

    monkeypatch.setattr(fetching, "_run", endless)
    assert run("get", "cifar10", "--yes") == 130
    assert "Interrupted" in capsys.readouterr().err
    assert state(dataset, places.datasets) == "absent"
    assert [p.name for p in places.datasets.rglob("*") if p.is_file()] == [".cifar10.lock"]


def test_copied_files_are_checked_and_unpacked_and_a_damaged_set_is_named(
    run: Run, places: Paths, cifar10: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, files = cifar10
    assert run("check") == 0
    assert "no lab needs one" in capsys.readouterr().err
    assert run("check", "cifar10") == 1
    assert "data get cifar10" in capsys.readouterr().err
    made_data.place(dataset, files, places.datasets)
    assert run("check", "cifar10") == 0
    assert "unpacked now" in capsys.readouterr().err
    assert state(dataset, places.datasets) == "present"
    assert run("check", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["wrong"] == []
    archive = places.datasets / "cifar10" / dataset.archives[0].path
    archive.write_bytes(archive.read_bytes()[:-1])
    assert run("check", lang="zh") == 1
    assert "有误或缺失：cifar-10-python.tar.gz" in capsys.readouterr().err


def test_remove_gives_the_room_back(
    run: Run, places: Paths, cifar10: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("remove", "cifar10") == 0
    assert "nothing to delete" in capsys.readouterr().err
    assert run("get", "cifar10", "--yes") == 0
    assert run("remove", "cifar10") == 0
    assert "deleted" in capsys.readouterr().err
    assert not (places.datasets / "cifar10").exists()


def test_the_doctor_names_what_is_here_and_what_is_not_whole(places: Paths, cifar10: Small) -> None:
    context = Context(places, Translator("en"))
    (found,) = findings(context)
    assert (found.level, found.fix) == ("ok", "")
    dataset, files = cifar10
    made_data.place(dataset, files, places.datasets)
    write_verified(dataset, places.datasets / "cifar10")
    (found,) = findings(context)
    assert "cifar10" in found.text
    (places.datasets / "cifar10" / dataset.archives[0].path).write_bytes(b"")
    _, warned = findings(context)
    assert (warned.id, warned.level) == ("data-cifar10", "warn")
    assert "data check cifar10" in warned.fix


# ---- the whole command -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_offline_fails_clearly_and_loads_no_torch(tmp_path: Path, lang: str) -> None:
    env = {"https_proxy": "http://127.0.0.1:1", "no_proxy": ""}
    words = ("data", "get", "cifar10", "--yes", "--lang", lang, "--python", str(tmp_path / "no-python"))
    done = torchproof(tmp_path, *words, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "www.cs.toronto.edu" in done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "torchproof data check cifar10" in done.stderr
    assert str(tmp_path / "cache" / "datasets" / "cifar10") in done.stderr
    assert "Traceback" not in done.stderr
    assert ("无法连接" if lang == "zh" else "cannot be reached") in done.stderr


def test_an_unknown_name_is_wrong_usage(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "data", "get", "cifar")
    assert done.returncode == 2
    assert "Did you mean cifar10?" in done.stderr


def test_a_run_without_its_data_fails_with_the_command_to_type(tmp_path: Path) -> None:
    words = ("lab", "run", "pixel_shuffle", "--knob", "data=cifar10", "--seeds", "1", "--lang", "zh")
    done = torchproof(tmp_path, *words, "--device", "cpu")
    assert (done.returncode, done.stdout) == (1, "")
    assert "torchproof data get cifar10" in done.stderr
    assert "170.5 MB" in done.stderr
    assert "没有 cifar10" in done.stderr
    assert "Traceback" not in done.stderr
    assert "日志" not in done.stderr


def test_the_labs_page_tells_it_in_the_readers_language(tmp_path: Path) -> None:
    from tui.labwords import sentence

    problem = LabProblem("data-missing", name="cifar10", folder="/d", size="170.5 MB")
    run = recorded_run(tmp_path, write_lab(tmp_path / "labs"), status="failed", error=str(problem))
    assert run.status() == "failed"
    assert sentence(Translator("en"), str(problem)) == str(problem)
    chinese = sentence(Translator("zh"), str(problem))
    assert chinese == Translator("zh").problem(problem)
    assert "`torchproof data get cifar10`" in chinese


def test_a_signal_while_a_name_is_looked_up_ends_it(
    places: Paths, cifar10: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forever(url: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr("labs.network._ask", forever)
    dataset, _ = cifar10
    context = Context(places, Translator("en"))
    with pytest.raises(Interrupted) as raised, _watched(context, dataset) as tick:
        fetching.get(dataset, places.datasets, sys.executable, tick)
    assert raised.value.exit_code == 143
