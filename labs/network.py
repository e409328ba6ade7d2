"""Is there a way to the host of a data set? Known within seconds, and in words that say what to do without one.

Only `torchproof data get NAME` asks. No torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labs.datasets import Archive, DataSet
from labs.problems import LabProblem

CONNECT_S = 5.0
LOOK_EVERY_S = 0.1


def reach(dataset: DataSet, archive: Archive, folder: Path, tick: Callable[[], None]) -> None:
    """Asks the host for the file and hangs up: within seconds it is known whether there is a way to it.

    Looking a name up and trying several addresses obey no timeout, so a thread does it.
    Raises LabProblem: data-offline, data-refused or data-other-file.
    """
    answer: list[tuple[int, int | None] | Exception] = []

    def ask() -> None:
        try:
            answer.append(_ask(archive.url))
        except Exception as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    deadline = time.monotonic() + CONNECT_S + 1
    while thread.is_alive() and time.monotonic() < deadline:
        tick()
        thread.join(LOOK_EVERY_S)
    found = answer[0] if answer else TimeoutError(f"no answer within {CONNECT_S:g} s")
    fields = {"name": dataset.name, "host": archive.host, "folder": folder}
    if isinstance(found, Exception):
        files = ", ".join(one.path for one in dataset.archives)
        raise LabProblem("data-offline", **fields, detail=_why(found, archive.url), files=files)
    status, size = found
    if status >= 400:
        raise LabProblem("data-refused", **fields, status=status, url=archive.url, file=archive.path)
    if size is not None and size != archive.size:
        raise LabProblem("data-other-file", **fields, found=size, expected=archive.size, file=archive.path)


def _ask(url: str) -> tuple[int, int | None]:
    """Status and announced size, by the way that the environment's proxies prescribe."""
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener()  # urlopen() would remember proxies of an earlier call
    request = urllib.request.Request(url, headers={"User-Agent": "torchproof"})
    try:
        with opener.open(request, timeout=CONNECT_S) as response:
            told = response.headers.get("Content-Length")
            packed = response.headers.get("Content-Encoding")
            return 200, int(told) if told and told.isdigit() and not packed else None
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None


def _why(error: Exception, url: str) -> str:
    """The system's words, and the proxy that was asked where there is one."""
    import urllib.request

    reason: Any = getattr(error, "reason", error)
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason) or repr(reason)
    if isinstance(reason, TimeoutError):
        text = f"no answer within {CONNECT_S:g} s"
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.netloc):
        text += f"; proxy {proxy.rpartition('@')[2].rpartition('//')[2]}"  # without the password
    return text
