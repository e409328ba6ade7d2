"""Getting a set: torchvision really downloads, from a server of ours; whatever goes wrong leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import made_data
import pytest

from labs import datasets, fetching, network
from labs.data import fetch, named
from labs.datasets import DataSet, state, wrong_files
from labs.problems import LabProblem


@pytest.fixture
def host() -> Iterator[made_data.Host]:
    with made_data.serving() as host:
        yield host


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def quiet(stage: str, done: int) -> None: ...


def inside(dataset: DataSet, unready: Path, python: str, tick: fetching.Tick) -> None:
    """The work of labs/data/fetch.py in this process, which has loaded torchvision once."""
    said: list[dict[str, object]] = []
    status = fetch.work(dataset.name, unready, dict(dataset.settings), lambda **event: said.append(event))
    if "done" not in said[-1]:
        with open(os.devnull, "rb") as output:  # noqa: PTH123
            raise fetching._problem(dataset, unready, python, said[-1], status, output)


def failed(dataset: DataSet, root: Path, tick: fetching.Tick = quiet) -> LabProblem:
    with pytest.raises(LabProblem) as raised:
        fetching.get(dataset, root, sys.executable, tick)
    return raised.value


def left_behind(root: Path) -> list[str]:
    """Files but for locks, below the folder of data sets."""
    return [
        p.relative_to(root).as_posix()
        for p in root.rglob("*")
        if p.is_file() and not p.name.endswith(".lock")
    ]


# ---- the real process --------------------------------------------------------------------------------------


def test_a_set_is_got_through_a_proxy_by_torchvision_in_its_own_process(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, files = made_data.fashion_mnist("http://photos.invalid/")
    host.add(files)
    monkeypatch.setenv("http_proxy", host.base)
    seen: list[tuple[str, int]] = []
    fetching.get(dataset, tmp_path, sys.executable, lambda stage, done: seen.append((stage, done)))
    assert state(dataset, tmp_path) == "present"
    assert wrong_files(dataset, tmp_path) == []
    assert {"checking", "connecting", "loading"} <= {stage for stage, _ in seen}
    # every address came through the proxy: the name resolves nowhere
    assert {path.rpartition("/")[2] for path in host.asked} == set(files)
    assert all(path.startswith("http://photos.invalid/") for path in host.asked)
    assert left_behind(tmp_path / ".fashion_mnist.getting") == []


def test_an_end_in_the_middle_leaves_no_process_and_nothing_that_counts(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    host.manner = "slow"
    started: list[subprocess.Popen[bytes]] = []
    start = fetching._start
    monkeypatch.setattr(fetching, "_start", lambda *a: started.append(start(*a)) or started[-1])
    seen = []

    def interrupt(stage: str, done: int) -> None:
        seen.append(done)
        if done > 4096:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetching.get(dataset, tmp_path, sys.executable, interrupt)
    assert 4096 < seen[-1] < dataset.size
    assert started[0].returncode is not None
    assert state(dataset, tmp_path) == "absent"
    assert left_behind(tmp_path) == []
    host.manner = "well"
    monkeypatch.setattr(fetching, "_run", inside)
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    assert state(dataset, tmp_path) == "present"


def test_the_process_leaves_with_whoever_started_it(tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output:
        process = fetching._start(sys.executable, output)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 1
        assert process.stdout is not None
        process.stdout.close()


# ---- what comes over the wire ------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["cut", "altered"])
@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "resnet18"])
def test_what_does_not_have_its_checksum_is_deleted(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str, name: str
) -> None:
    monkeypatch.setattr(fetching, "_run", inside)
    small = [b"weights" * 2000] if name == "resnet18" else []
    dataset, files = getattr(made_data, name)(host.base, *small)
    host.add(files)
    host.manner = manner
    problem = failed(dataset, tmp_path)
    assert problem.key == "data-checksum"
    assert dataset.archives[0].checksum in str(problem)
    assert state(dataset, tmp_path) == "absent"
    assert left_behind(tmp_path) == []


def test_files_that_are_whole_are_kept_and_not_downloaded_again(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_run", inside)
    dataset, files = made_data.fashion_mnist(host.base)
    last = dataset.archives[-1].name
    host.add({name: content for name, content in files.items() if name != last})
    problem = failed(dataset, tmp_path)
    assert problem.key == "data-broken-off"
    assert "404" in str(problem)
    assert state(dataset, tmp_path) == "absent"
    assert {Path(path).name for path in left_behind(tmp_path)} == set(files) - {last}
    host.add(files)
    host.asked.clear()
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    assert {path.lstrip("/") for path in host.asked} == {last}
    assert wrong_files(dataset, tmp_path) == []


def test_a_damaged_set_is_replaced_and_its_whole_archive_is_used(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_run", inside)
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    (tmp_path / "cifar10" / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"")
    host.asked.clear()
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    assert (host.asked, wrong_files(dataset, tmp_path)) == ([], [])
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(b"not a tar")
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    assert len(host.asked) >= 2  # asked whether there is a way, and got
    assert wrong_files(dataset, tmp_path) == []
    fetching.remove(dataset, tmp_path)
    assert left_behind(tmp_path) == []


def test_pretrained_weights_are_downloaded_and_read_by_torchvision(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(fetching, "_run", inside)
    monkeypatch.setenv(datasets.DATASETS, str(tmp_path))
    dataset, files = made_data.resnet18(host.base, made_data.random_weights())
    host.add(files)
    home = torch.hub.get_dir()
    fetching.get(dataset, tmp_path, sys.executable, quiet)
    host.asked.clear()
    trunk = named.resnet18(side=32)
    assert (host.asked, torch.hub.get_dir()) == ([], home)
    grey = trunk(torch.rand(2, 1, 16, 16))
    assert grey.shape == (2, 512)
    assert not grey.requires_grad
    assert torch.equal(trunk(torch.ones(1, 1, 4, 4)), trunk(torch.ones(1, 3, 4, 4)))
    file = tmp_path / "resnet18" / dataset.archives[0].path
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(LabProblem) as raised:
        named.resnet18()
    assert raised.value.key == "data-damaged"


# ---- no way to the host ------------------------------------------------------------------------------------


def test_offline_is_said_at_once_with_what_to_copy_where(tmp_path: Path) -> None:
    with made_data.serving() as gone:
        base = gone.base  # nobody listens there afterwards
    dataset, _ = made_data.fashion_mnist(base)
    began = time.monotonic()
    problem = failed(dataset, tmp_path)
    assert time.monotonic() - began < network.CONNECT_S
    assert problem.key == "data-offline"
    assert "127.0.0.1 cannot be reached (Connection refused)" in str(problem)
    assert dataset.archives[3].path in str(problem)
    assert "torchproof data check fashion_mnist" in str(problem)
    folder = tmp_path / "fashion_mnist"
    assert str(folder) in str(problem)
    for archive in dataset.archives:  # cp into that folder works as it stands
        assert (folder / archive.path).parent.is_dir()
    assert state(dataset, tmp_path) == "absent"


def test_a_host_that_says_nothing_is_given_up(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "CONNECT_S", 0.3)
    host.manner = "silent"
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    problem = failed(dataset, tmp_path)
    assert problem.key == "data-offline"
    assert "no answer within 0.3 s" in str(problem)


def test_a_name_that_is_looked_up_for_ever_is_given_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "CONNECT_S", -0.8)  # a second is added to it
    monkeypatch.setattr(network, "_ask", lambda url: time.sleep(3))
    dataset, _ = made_data.cifar10("http://photos.invalid/")
    assert failed(dataset, tmp_path).key == "data-offline"


def test_a_proxy_that_is_not_there_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:1")
    dataset, _ = made_data.cifar10("https://photos.invalid/")
    problem = failed(dataset, tmp_path)
    assert "photos.invalid cannot be reached (Connection refused; proxy 127.0.0.1:1)" in str(problem)
    assert "secret" not in str(problem)


def test_a_host_that_refuses_or_offers_something_else_is_believed_before_the_download(
    host: made_data.Host, tmp_path: Path
) -> None:
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    host.manner = "503"
    problem = failed(dataset, tmp_path)
    assert (problem.key, problem.fields["status"]) == ("data-refused", 503)
    host.manner = "well"
    host.add({dataset.archives[0].name: b"<html>please log in</html>"})
    assert failed(dataset, tmp_path).key == "data-other-file"
    assert left_behind(tmp_path) == []


# ---- this machine ------------------------------------------------------------------------------------------


def test_without_room_nothing_is_downloaded(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    monkeypatch.setattr(fetching, "free_bytes", lambda folder: dataset.on_disk - 1)
    problem = failed(dataset, tmp_path)
    assert problem.key == "data-no-room"
    assert "400.0 kB" in str(problem)
    assert host.asked == []


def test_a_disk_that_fills_up_on_the_way_is_a_full_disk(
    host: made_data.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import utils

    def full(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "_run", inside)
    monkeypatch.setattr(utils, "_urlretrieve", full)
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    assert failed(dataset, tmp_path).key == "disk-full"
    assert left_behind(tmp_path) == []


def test_two_at_once_are_one_and_a_refusal(host: made_data.Host, tmp_path: Path) -> None:
    dataset, _ = made_data.cifar10(host.base)
    other = (
        "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.flock(f, fcntl.LOCK_EX); f.write('4711\\n');"
    )
    other += "f.flush(); print('locked', flush=True); sys.stdin.read()"
    lock = tmp_path / ".cifar10.lock"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", other, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        problem = failed(dataset, tmp_path)
        assert (problem.key, problem.fields["pid"]) == ("data-busy", "4711")
        with pytest.raises(LabProblem):
            fetching.remove(dataset, tmp_path)
        holder.kill()
    fetching.remove(dataset, tmp_path)  # the lock ends with its process


NO_TORCHVISION = """read job; echo '{"error": "package", "package": "torchvision", "detail": "none"}'"""


@pytest.mark.parametrize(
    ("body", "key", "said"),
    [
        (None, "python-missing", "cannot be started"),
        (NO_TORCHVISION, "package-missing", "torchvision"),
        ("echo out of luck >&2; kill -9 $$", "data-failed", "SIGKILL: out of luck"),
        ("exit 7", "data-failed", "exit status 7"),
        ("""read job; echo greetings; echo '{"done": "0.29"}'""", "data-checksum", "MD5"),
    ],
    ids=["none", "no torchvision", "killed", "left", "lies"],
)
def test_an_interpreter_that_cannot_do_it_is_told_apart(
    host: made_data.Host, tmp_path: Path, body: str | None, key: str, said: str
) -> None:
    python = tmp_path / "python"
    if body is not None:
        python.write_text(f"#!/bin/sh\n{body}\n")
        python.chmod(0o755)
    dataset, files = made_data.cifar10(host.base)
    host.add(files)
    with pytest.raises(LabProblem) as raised:
        fetching.get(dataset, tmp_path / "sets", str(python), quiet)
    assert raised.value.key == key
    assert said in str(raised.value)
    assert left_behind(tmp_path / "sets") == []


def test_a_copy_by_hand_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_run", inside)
    dataset, files = made_data.cifar10("http://photos.invalid/")
    made_data.place(dataset, files, tmp_path)
    fetching.get(dataset, tmp_path, sys.executable, quiet, online=False)
    assert wrong_files(dataset, tmp_path) == []
    elsewhere = tmp_path / "elsewhere"  # somebody's shared place, linked
    shutil.move(tmp_path / "cifar10", elsewhere)
    (tmp_path / "cifar10").symlink_to(elsewhere)
    assert state(dataset, tmp_path) == "present"
    fetching.remove(dataset, tmp_path)
    assert state(dataset, tmp_path) == "absent"
    assert (elsewhere / "cifar-10-python.tar.gz").exists()
