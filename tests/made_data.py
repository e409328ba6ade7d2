"""Data sets in their true formats, small and made here, and a server that hands them out well or badly."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from labs.datasets import Archive, DataSet

COUNT = 40  # images of a part, four of each class


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _images(*shape: int) -> np.ndarray:
    """Noise on a brightness that tells the class, so that there is something to learn."""
    labels = np.arange(shape[0]) % 10
    noise = np.random.RandomState(0).randint(0, 60, shape)
    return (noise + 19 * labels.reshape(-1, *[1] * (len(shape) - 1))).astype(np.uint8)


def fashion_mnist(base: str) -> tuple[DataSet, dict[str, bytes]]:
    """The set as served below `base`, and its files: IDX, compressed."""
    files = {}
    for part, count in (("train", COUNT), ("t10k", 20)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        idx3 = struct.pack(">IIII", 0x803, count, 28, 28) + _images(count, 28, 28).tobytes()
        idx1 = struct.pack(">II", 0x801, count) + labels.tobytes()
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx3, mtime=0)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx1, mtime=0)
    archives = tuple(
        Archive(f"FashionMNIST/raw/{name}", base + name, len(content), "md5", _md5(content))
        for name, content in files.items()
    )
    settings = {"mirrors": [base], "resources": [[one.name, one.checksum] for one in archives]}
    return DataSet("fashion_mnist", archives, 200_000, settings, "https://example.org"), files


def cifar10(base: str) -> tuple[DataSet, dict[str, bytes]]:
    """The set as served below `base`, and its one file: pickled batches in a tar.gz."""
    pixels = _images(COUNT, 3072)
    labels = [n % 10 for n in range(COUNT)]
    members: dict[str, bytes] = {}
    for number in range(1, 6):
        rows = slice(8 * (number - 1), 8 * number)
        members[f"data_batch_{number}"] = pickle.dumps({"data": pixels[rows], "labels": labels[rows]}, 2)
    members["test_batch"] = pickle.dumps({"data": pixels[:20], "labels": labels[:20]}, 2)
    members["batches.meta"] = pickle.dumps({"label_names": [f"class {n}" for n in range(10)]}, 2)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            about = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    content, file = packed.getvalue(), "cifar-10-python.tar.gz"
    sums = {name: _md5(told) for name, told in members.items()}
    settings = {
        "url": base + file,
        "filename": file,
        "tgz_md5": _md5(content),
        "train_list": [[name, sums[name]] for name in members if name.startswith("data")],
        "test_list": [["test_batch", sums["test_batch"]]],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]},
    }
    archive = Archive(file, base + file, len(content), "md5", _md5(content))
    return DataSet("cifar10", (archive,), 400_000, settings, "https://example.org"), {file: content}


def resnet18(base: str, content: bytes) -> tuple[DataSet, dict[str, bytes]]:
    """Weights as served below `base`: a saved state_dict whose name holds its checksum's beginning."""
    sha = hashlib.sha256(content).hexdigest()
    file = f"resnet18-{sha[:8]}.pth"
    archive = Archive(f"checkpoints/{file}", base + file, len(content), "sha256", sha)
    about = DataSet("resnet18", (archive,), len(content), {"url": base + file}, "https://example.org")
    return about, {file: content}


def random_weights() -> bytes:
    """A state_dict of torchvision's resnet18 as drawn, saved: 45 MB."""
    import torch
    from torchvision.models import resnet18 as build

    saved = io.BytesIO()
    torch.manual_seed(0)
    torch.save(build().state_dict(), saved)
    return saved.getvalue()


class Host:
    """A server of files on this machine. `manner` decides how: well, cut, altered, slow, silent or 503."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.manner = "well"
        self.asked: list[str] = []  # as they came: with a proxy, whole addresses
        self.base = ""
        self.over = threading.Event()

    def add(self, files: Mapping[str, bytes]) -> None:
        self.files.update(files)


@contextmanager
def serving() -> Iterator[Host]:
    """The server for as long as the test lasts."""
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            content = host.files.get(urlsplit(self.path).path.rpartition("/")[2])
            if host.manner == "silent":
                host.over.wait(20)
            elif host.manner == "503" or content is None:
                self.send_error(503 if content else 404)
            else:
                self._answer(content)

        def _answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if host.manner == "cut":
                content = content[: len(content) // 2]
            elif host.manner == "altered":
                content = content[:-1] + bytes([content[-1] ^ 1])
            for start in range(0, len(content), 4096):
                if host.manner == "slow" and host.over.wait(0.05):
                    return
                try:
                    self.wfile.write(content[start : start + 4096])
                except OSError:  # nobody reads any more
                    return

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.base = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.over.set()
        server.shutdown()
        server.server_close()


def place(dataset: DataSet, files: Mapping[str, bytes], root: Path) -> None:
    """Copies the archives by hand."""
    for archive in dataset.archives:
        file = root / dataset.name / archive.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(files[archive.name])
