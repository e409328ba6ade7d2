"""Gets one data set in a process of its own: torchvision downloads, verifies and unpacks it, as for any user.

    python labs/data/fetch.py        a job as one line of JSON on standard input; events as JSON on standard output

The job: {"name": ..., "folder": ..., "settings": attributes of torchvision's class}. What the folder holds already
with the right checksum is not downloaded again. The last event is {"done": version of torchvision} or
{"error": package, checksum, space, network or other, "detail": ...}. The process leaves when its standard input
closes, that is, with whoever started it. It needs nothing of ours, so any interpreter with torchvision will do.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import sys
import threading
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

SILENT_S = 30.0  # how long a host may send nothing in the middle of a file
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Never returns: the process ends with os._exit, as taking torch apart would take most of a second."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # torchvision and torch.hub print

    def say(**event: object) -> None:
        voice.write(json.dumps(event) + "\n")
        voice.flush()

    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        os._exit(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    say(stage="loading")
    job = json.loads(line)
    os._exit(work(job["name"], Path(job["folder"]), job["settings"], say))


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def work(name: str, folder: Path, settings: dict[str, Any], say: Callable[..., None]) -> int:
    """Gets the set into the folder and says how that went; the exit status."""
    try:
        import torchvision
    except Exception as error:  # a missing library, another numpy: anything may come out
        package = "torch" if getattr(error, "name", "") == "torch" else "torchvision"
        say(error="package", package=package, detail=_told(error))
        return 1
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENT_S)  # torchvision and torch.hub set none
    say(stage="getting")
    try:
        TORCHVISION[name](folder, settings, True)
    except Exception as error:
        say(error=_kind(error), detail=_told(error))
        return 1
    finally:
        socket.setdefaulttimeout(before)
    say(done=str(torchvision.__version__))
    return 0


def fashion_mnist(folder: Path, settings: dict[str, Any], download: bool = False) -> list[Any]:
    """torchvision's training and test set. Raises what torchvision raises."""
    from torchvision import datasets

    # the class's own name is that of its folder
    ours: Any = type("FashionMNIST", (datasets.FashionMNIST,), dict(settings))
    return [ours(folder, train=train, download=download) for train in (True, False)]


def cifar10(folder: Path, settings: dict[str, Any], download: bool = False) -> list[Any]:
    """torchvision's training and test set. Raises what torchvision raises."""
    from torchvision import datasets

    ours: Any = type("CIFAR10", (datasets.CIFAR10,), dict(settings))
    return [ours(folder, train=train, download=download) for train in (True, False)]


def resnet18(folder: Path, settings: dict[str, Any], download: bool = False) -> Any:
    """torchvision's ResNet-18 with its ImageNet weights, from torch.hub's folder of checkpoints.

    Raises FileNotFoundError where they are not there and may not be downloaded.
    """
    import torch
    from torchvision.models import ResNet18_Weights
    from torchvision.models import resnet18 as build

    weights = ResNet18_Weights.IMAGENET1K_V1
    file = folder / "checkpoints" / os.path.basename(settings["url"])  # noqa: PTH119 -- of an address
    if not download and not file.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
    home, address = torch.hub.get_dir(), weights.value.url
    torch.hub.set_dir(str(folder))
    weights.value.url = settings["url"]
    try:
        return build(weights=weights, progress=False)
    finally:
        torch.hub.set_dir(home)
        weights.value.url = address


TORCHVISION: dict[str, Callable[[Path, dict[str, Any], bool], Any]] = {
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "resnet18": resnet18,
}


def _kind(error: BaseException) -> str:
    """What an error of torchvision means. It wraps some of a mirror's into a RuntimeError of its own."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return "space"
    text = str(error)
    if isinstance(error, RuntimeError) and ("corrupted" in text or "invalid hash" in text):
        return "checksum"
    network = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)
    if isinstance(error, network) or (isinstance(error, RuntimeError) and "Error downloading" in text):
        return "network"
    return "other"


def _told(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1][:300]}" if lines else type(error).__name__


if __name__ == "__main__":
    main()
