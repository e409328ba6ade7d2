"""Data sets and weights that labs use by name, never by default: what they are, where they lie, are they whole.

No torch: the interface reads this. A set is one folder below the folder of data sets, laid out as torchvision
expects it, and `verified.json`, which is written last and says which files are there and what their checksums
are. A folder without it does not count as present.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from labs.problems import LabProblem

DATASETS = "TORCHPROOF_DATASETS"  # the folder of data sets, told to a run's process and to its children
VERIFIED = "verified.json"
KNOB = "data"  # the knob by which a lab takes a set
CHUNK = 1 << 20

# unchecked: files are there that nobody has verified, such as a download copied by hand
State = Literal["absent", "unchecked", "damaged", "present"]


class Archive(NamedTuple):
    """One file as its host serves it. path: below the set's folder. checksum: in hex."""

    path: str
    url: str
    size: int
    kind: Literal["md5", "sha256"]
    checksum: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "localhost"

    @property
    def sum(self) -> str:
        """The checksum with its kind, as people compare it: "MD5 c58f..."."""
        return f"{self.kind.upper()} {self.checksum}"


class DataSet(NamedTuple):
    """What can be got by name. on_disk: bytes once unpacked, archives included.

    settings: attributes of torchvision's class, so that what is downloaded is what was said before.
    terms: where the licence or the terms of use are to be read.
    """

    name: str
    archives: tuple[Archive, ...]
    on_disk: int
    settings: Mapping[str, Any]
    terms: str

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(archive.size for archive in self.archives)

    @property
    def host(self) -> str:
        return self.archives[0].host


# Checksums and addresses are torchvision 0.29's (datasets.FashionMNIST, datasets.CIFAR10 and
# models.ResNet18_Weights; a test holds them equal). Sizes are those that the hosts announce.
_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_FASHION_FILES = (
    ("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    ("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
    ("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
    ("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
)
_CIFAR = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_CIFAR_MD5 = "c58f30108f718f92721af3b95e74349a"
_RESNET = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
# torchvision and torch.hub know the eight digits in the file's name; the rest is what several projects have on record
_RESNET_SHA256 = "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"

SETS: dict[str, DataSet] = {
    "fashion_mnist": DataSet(
        "fashion_mnist",
        tuple(
            Archive(f"FashionMNIST/raw/{file}", _FASHION + file, size, "md5", md5)
            for file, size, md5 in _FASHION_FILES
        ),
        85_828_693,
        {"mirrors": [_FASHION], "resources": [[file, md5] for file, _, md5 in _FASHION_FILES]},
        "https://github.com/zalandoresearch/fashion-mnist",
    ),
    "cifar10": DataSet(
        "cifar10",
        (Archive("cifar-10-python.tar.gz", _CIFAR, 170_498_071, "md5", _CIFAR_MD5),),
        356_712_185,
        {"url": _CIFAR, "filename": "cifar-10-python.tar.gz", "tgz_md5": _CIFAR_MD5},
        "https://www.cs.toronto.edu/~kriz/cifar.html",
    ),
    "resnet18": DataSet(
        "resnet18",
        (Archive("checkpoints/resnet18-f37072fd.pth", _RESNET, 46_830_571, "sha256", _RESNET_SHA256),),
        46_830_571,
        {"url": _RESNET},
        "https://github.com/pytorch/vision#pre-trained-model-license",
    ),
}


def amount(count: int) -> str:
    """Bytes as people say them, in steps of a thousand, as hosts of downloads count."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


# ---- on the disk -------------------------------------------------------------------------------------------


def checksum(file: Path, kind: str) -> str:
    """In hex. Raises OSError."""
    found = hashlib.new(kind, usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def matches(archive: Archive, folder: Path) -> bool:
    """Whether the archive lies in the set's folder and has its checksum."""
    try:
        file = folder / archive.path
        return file.is_file() and checksum(file, archive.kind) == archive.checksum
    except OSError:
        return False


class Verified(NamedTuple):
    """What verified.json says: path -> size and SHA-256 of each file, and the settings it was read with."""

    files: dict[str, tuple[int, str]]
    settings: dict[str, Any]
    sums: list[str]


def verified(folder: Path) -> Verified | None:
    """None where the file is not there or is not ours."""
    try:
        told = json.loads((folder / VERIFIED).read_bytes())
        files = {str(path): (int(size), str(sha)) for path, (size, sha) in told["files"].items()}
        return Verified(files, dict(told["settings"]), [str(one) for one in told["sums"]])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_verified(dataset: DataSet, folder: Path, tick: Callable[[], None] = lambda: None) -> None:
    """Measures every file of the set's folder and writes verified.json. Raises OSError."""
    files = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != VERIFIED):
        tick()
        files[file.relative_to(folder).as_posix()] = [file.stat().st_size, checksum(file, "sha256")]
    told = {
        "v": 1,
        "name": dataset.name,
        "sums": [archive.sum for archive in dataset.archives],
        "settings": dict(dataset.settings),
        "files": files,
    }
    unready = folder / f".{VERIFIED}"
    with unready.open("w", encoding="utf-8") as stream:
        json.dump(told, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    unready.replace(folder / VERIFIED)


def state(dataset: DataSet, root: Path) -> State:
    """How the set stands, by names and sizes alone: nothing is read through."""
    folder = root / dataset.name
    told = verified(folder)
    if told is not None:
        return "damaged" if next(misfits(folder, told), "") else "present"
    if (folder / VERIFIED).exists():
        return "damaged"
    return "unchecked" if any((folder / archive.path).exists() for archive in dataset.archives) else "absent"


def misfits(folder: Path, told: Verified) -> Iterator[str]:
    """The files that are gone or have another size."""
    for path, (size, _) in told.files.items():
        try:
            right = (folder / path).stat().st_size == size
        except OSError:
            right = False
        if not right:
            yield path


def wrong_files(dataset: DataSet, root: Path, tick: Callable[[], None] = lambda: None) -> list[str]:
    """Every file that is gone or does not have its checksum; all is read through."""
    folder, wrong = root / dataset.name, []
    for archive in dataset.archives:
        tick()
        if not matches(archive, folder):
            wrong.append(archive.path)
    told = verified(folder)
    if told is None:
        return [*wrong, VERIFIED]
    archives = {archive.path for archive in dataset.archives}
    for path, (_, sha) in told.files.items():
        tick()
        if path not in archives and not _has(folder / path, sha):
            wrong.append(path)
    return wrong


def _has(file: Path, sha: str) -> bool:
    try:
        return checksum(file, "sha256") == sha
    except OSError:
        return False


# ---- for a run ---------------------------------------------------------------------------------------------


def usable(name: str, *, through: bool = True) -> tuple[Path, Verified]:
    """The set's folder and what is known of it, for a lab; the network is never touched.

    through: read all but the archives through, where torchvision does not compare checksums itself.
    Raises LabProblem: data-folder, data-missing or data-damaged.
    """
    root = os.environ.get(DATASETS, "")
    if not root:
        raise LabProblem("data-folder", variable=DATASETS)
    dataset, folder = SETS[name], Path(root) / name
    told = verified(folder)
    if told is None:
        if state(dataset, Path(root)) == "absent":
            raise LabProblem("data-missing", name=name, folder=root, size=amount(dataset.size))
        raise LabProblem("data-damaged", name=name, file=folder / VERIFIED)
    for path in misfits(folder, told):
        raise LabProblem("data-damaged", name=name, file=folder / path)
    for path, (_, sha) in told.files.items():
        packed = path.endswith(".gz")
        if through and not packed and not _has(folder / path, sha):
            raise LabProblem("data-damaged", name=name, file=folder / path)
    return folder, told


def used(knobs: Mapping[str, object], root: str) -> LabProblem | None:
    """What a run with these knobs uses, as a sentence for its journal; None: no set, or none that is there."""
    dataset = SETS.get(str(knobs.get(KNOB)))
    if dataset is None or not root:
        return None
    told = verified(Path(root) / dataset.name)
    if told is None:
        return None
    return LabProblem(
        "data-used", name=dataset.name, folder=Path(root) / dataset.name, sums=", ".join(told.sums)
    )
