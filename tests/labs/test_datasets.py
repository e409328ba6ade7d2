"""Data sets by name: what is said of them is what torchvision says, and nothing half there counts as there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import made_data
import pytest

from labs import datasets, fetching
from labs.data import fetch, named
from labs.datasets import SETS, VERIFIED, amount, checksum, state, usable, used, wrong_files
from labs.problems import LabProblem, recognise

BASE = "http://127.0.0.1:1/"  # nobody answers there


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(datasets.DATASETS, str(tmp_path))
    return tmp_path


def unpack(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> datasets.DataSet:
    """A small set of this name, copied by hand and unpacked by torchvision, without a network."""
    dataset, files = getattr(made_data, name)(BASE)
    made_data.place(dataset, files, root)
    monkeypatch.setitem(SETS, name, dataset)
    monkeypatch.setattr(fetching, "_run", here)
    fetching.get(dataset, root, "python", lambda stage, done: None, online=False)
    return dataset


def here(dataset: datasets.DataSet, unready: Path, python: str, tick: object) -> None:
    """torchvision's part in this process, which has loaded it once."""
    said: list[dict[str, object]] = []
    fetch.work(dataset.name, unready, dict(dataset.settings), lambda **event: said.append(event))
    assert "done" in said[-1], said


# ---- what is said ------------------------------------------------------------------------------------------


def test_addresses_and_checksums_are_torchvisions_own() -> None:
    from torchvision.datasets import CIFAR10, FashionMNIST
    from torchvision.models import ResNet18_Weights

    fashion, cifar, resnet = (SETS[name] for name in ("fashion_mnist", "cifar10", "resnet18"))
    assert fashion.settings["mirrors"] == FashionMNIST.mirrors
    assert [tuple(pair) for pair in fashion.settings["resources"]] == FashionMNIST.resources
    for name, value in cifar.settings.items():
        assert getattr(CIFAR10, name) == value
    assert resnet.settings["url"] == ResNet18_Weights.IMAGENET1K_V1.url
    assert f"resnet18-{resnet.archives[0].checksum[:8]}.pth" == resnet.archives[0].name
    megabytes = ResNet18_Weights.IMAGENET1K_V1.meta["_file_size"]
    assert resnet.size / 2**20 == pytest.approx(megabytes, abs=5e-4)


def test_what_is_said_of_a_set_hangs_together() -> None:
    for name, dataset in SETS.items():
        assert dataset.name == name
        assert name in fetch.TORCHVISION
        assert dataset.on_disk >= dataset.size
        for archive in dataset.archives:
            assert archive.url.endswith(archive.name)
            assert len(archive.checksum) == {"md5": 32, "sha256": 64}[archive.kind]


def test_amounts_are_counted_in_thousands() -> None:
    assert [amount(n) for n in (5, 5_148, 170_498_071, 2 * 10**9)] == ["5 B", "5.1 kB", "170.5 MB", "2.0 GB"]


# ---- what is there -----------------------------------------------------------------------------------------


def test_a_set_is_absent_then_unchecked_then_present(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, files = made_data.fashion_mnist(BASE)
    assert state(dataset, root) == "absent"
    made_data.place(dataset, files, root)
    assert state(dataset, root) == "unchecked"
    assert wrong_files(dataset, root) == [VERIFIED]
    assert unpack("fashion_mnist", root, monkeypatch) == dataset
    assert state(dataset, root) == "present"
    assert wrong_files(dataset, root) == []


@pytest.mark.parametrize("harm", ["cut", "gone", "list"])
def test_what_sizes_tell_is_damaged_without_reading(
    root: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    dataset = unpack("fashion_mnist", root, monkeypatch)
    file = root / "fashion_mnist" / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "gone":
        file.unlink()
    else:
        (root / "fashion_mnist" / VERIFIED).write_text("[1, 2")
    assert state(dataset, root) == "damaged"
    with pytest.raises(LabProblem) as raised:
        usable("fashion_mnist")
    assert raised.value.key == "data-damaged"


def test_one_changed_byte_is_found_before_a_lab_learns_from_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path, read in (
        ("fashion_mnist", "FashionMNIST/raw/train-labels-idx1-ubyte", named.fashion_mnist),
        ("cifar10", "cifar-10-batches-py/data_batch_3", named.cifar10),
    ):
        dataset = unpack(name, root, monkeypatch)
        file = root / name / path
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        assert state(dataset, root) == "present"  # by sizes
        assert wrong_files(dataset, root) == [path]
        with pytest.raises(LabProblem) as raised:
            read()
        assert raised.value.key == "data-damaged"


def test_a_set_that_is_not_there_is_named_with_its_size_and_the_command(root: Path) -> None:
    for name in SETS:
        with pytest.raises(LabProblem) as raised:
            getattr(named, name)()
        assert raised.value.key == "data-missing"
        assert f"torchproof data get {name}" in str(raised.value)
        assert amount(SETS[name].size) in str(raised.value)


def test_without_a_folder_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(datasets.DATASETS, raising=False)
    with pytest.raises(LabProblem) as raised:
        named.cifar10()
    assert raised.value.key == "data-folder"


def test_a_run_says_which_data_it_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = unpack("fashion_mnist", root, monkeypatch)
    told = used({"steps": 3, "data": "fashion_mnist"}, str(root))
    assert told is not None
    assert dataset.archives[0].sum in str(told)
    assert recognise(str(told)).key == "data-used"  # type: ignore[union-attr]
    assert used({"data": "digits"}, str(root)) is None
    assert used({"data": "cifar10"}, str(root)) is None  # it is not here
    assert used({"steps": 3}, str(root)) is None


def test_the_list_of_checksums_is_complete(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack("cifar10", root, monkeypatch)
    folder = root / "cifar10"
    told = json.loads((folder / VERIFIED).read_text())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(told["files"]) == there - {VERIFIED}
    for path, (size, sha) in told["files"].items():
        assert size == (folder / path).stat().st_size
        assert sha == checksum(folder / path, "sha256")
    shutil.rmtree(folder)


# ---- what labs get -----------------------------------------------------------------------------------------


def test_photos_come_as_torchvision_reads_them_and_at_the_size_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack("fashion_mnist", root, monkeypatch)
    unpack("cifar10", root, monkeypatch)
    grey, colour = named.fashion_mnist(), named.cifar10(side=16)
    assert grey.images.shape == (40, 1, 28, 28)
    assert colour.images.shape == (40, 3, 16, 16)
    assert colour.test_images.shape == (20, 3, 16, 16)
    for read in (grey, colour):
        spread, mean = read.images.std((0, 2, 3)), read.images.mean((0, 2, 3))
        assert spread.tolist() == pytest.approx([1] * len(spread), abs=1e-4)
        assert mean.tolist() == pytest.approx([0] * len(mean), abs=1e-4)
        assert read.labels.tolist() == [n % 10 for n in range(40)]
        rows = named.training_rows(read.labels, [3, 5], 3)
        assert rows.shape == (2, 30)
        assert read.labels[rows[0]].bincount().tolist() == [3] * 10
        assert rows[0].tolist() == named.training_rows(read.labels, [3], 3)[0].tolist()
        assert named.training_rows(read.labels, [0], 500).shape == (1, 40)
