"""Gets a data set that was asked for by name: room, network, download, checksums, and then all at once its folder.

No torch: torchvision works in a process of its own (labs/data/fetch.py), under the labs' interpreter, in a folder
beside the final one. Only what is whole and verified is renamed to its final name, so an end at any moment leaves
nothing behind that would count as present. Whole files of an earlier attempt are not downloaded again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from labs.datasets import Archive, DataSet, amount, matches, write_verified
from labs.network import reach
from labs.problems import LabProblem
from labs.processes import environment, program

if TYPE_CHECKING:
    from subprocess import Popen

Stage = Literal["connecting", "loading", "getting", "checking"]
Tick = Callable[[Stage, int], None]  # the stage and the bytes that are there; may raise to end it all

FETCH = Path(__file__).parent / "data" / "fetch.py"
LOOK_EVERY_S = 0.1
TAIL_BYTES = 2000


def get(dataset: DataSet, root: Path, python: str, tick: Tick, *, online: bool = True) -> None:
    """Downloads what is missing, unpacks it, verifies it, and puts it where labs look for it.

    tick is called ten times a second; what it raises ends the download in order. Without `online` everything
    has to be there already, for instance copied by hand.
    Raises OSError and LabProblem: data-busy, data-no-room, data-offline, data-refused, data-other-file,
    data-checksum, data-broken-off, data-failed, disk-full, python-missing, package-missing.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder, unready = root / dataset.name, root / f".{dataset.name}.getting"
    with lock(dataset, root):
        try:
            missing = _begin(dataset, folder, unready, lambda: tick("checking", 0))
            if missing and not online:
                raise LabProblem("data-damaged", name=dataset.name, file=folder / missing[0].path)
            if missing:
                _see_to_room(dataset, root, missing)
                try:
                    reach(dataset, missing[0], folder, lambda: tick("connecting", 0))
                except (
                    LabProblem
                ):  # which says where files may be copied by hand: there is such a folder then
                    for archive in dataset.archives:
                        (folder / archive.path).parent.mkdir(parents=True, exist_ok=True)
                    raise
            _run(dataset, unready, python, tick)
            _verify(dataset, unready, lambda: tick("checking", dataset.size))
            _publish(folder, unready)
        finally:
            _leave(dataset, unready)


@contextmanager
def lock(dataset: DataSet, root: Path) -> Iterator[None]:
    """Keeps other processes from the set. Raises LabProblem("data-busy") where one is at it."""
    with (root / f".{dataset.name}.lock").open("a+b") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid = file.read(20).decode("ascii", "replace").strip() or "?"
            raise LabProblem("data-busy", name=dataset.name, pid=pid) from error
        except (ImportError, OSError):  # Windows; a file system without locks
            pass
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield


def free_bytes(folder: Path) -> int:
    """Free space where the folder is or will be. Raises OSError."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free


def remove(dataset: DataSet, root: Path) -> None:
    """Deletes the set and what attempts to get it have left. Raises OSError and LabProblem("data-busy")."""
    with lock(dataset, root):
        for folder in (root / dataset.name, root / f".{dataset.name}.getting", root / f".{dataset.name}.old"):
            _delete(folder)


# ---- before and after the download -------------------------------------------------------------------------


def _begin(dataset: DataSet, folder: Path, unready: Path, tick: Callable[[], None]) -> list[Archive]:
    """Makes the folder with the whole archives of an earlier attempt or copied by hand; returns the others."""
    _keep_whole(dataset, unready)
    unready.mkdir(exist_ok=True)
    missing = []
    for archive in dataset.archives:
        tick()
        file = unready / archive.path
        if file.exists():
            continue
        if not matches(archive, folder):
            missing.append(archive)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(folder / archive.path, file)
        except OSError:  # a link into another file system, a file system without links
            shutil.copyfile(folder / archive.path, file)
    return missing


def _keep_whole(dataset: DataSet, unready: Path) -> bool:
    """Leaves only whole archives in the folder. False: there is none, and the folder is gone."""
    whole = {archive.path for archive in dataset.archives if matches(archive, unready)}
    if not whole:
        _delete(unready)
        return False
    for file in sorted(unready.rglob("*"), reverse=True):  # what is in a folder comes before it
        if file.is_dir() and not file.is_symlink():
            with suppress(OSError):
                file.rmdir()
        elif file.relative_to(unready).as_posix() not in whole:
            file.unlink()
    return True


def _leave(dataset: DataSet, unready: Path) -> None:
    with suppress(OSError):  # what is left is swept up by the next attempt
        if unready.exists():
            _keep_whole(dataset, unready)


def _see_to_room(dataset: DataSet, root: Path, missing: list[Archive]) -> None:
    there = dataset.size - sum(archive.size for archive in missing)
    need, free = dataset.on_disk - there, free_bytes(root)
    if need > free:
        raise LabProblem("data-no-room", name=dataset.name, need=amount(need), free=amount(free), folder=root)


def _verify(dataset: DataSet, unready: Path, tick: Callable[[], None]) -> None:
    for archive in dataset.archives:
        tick()
        if not matches(archive, unready):
            raise _altered(dataset, archive)
    write_verified(dataset, unready, tick)


def _altered(dataset: DataSet, archive: Archive) -> LabProblem:
    return LabProblem(
        "data-checksum", name=dataset.name, file=archive.name, host=archive.host, sum=archive.sum
    )


def _publish(folder: Path, unready: Path) -> None:
    """The new folder in place of the old one: two renames, between which the set counts as absent."""
    old = folder.with_name(f".{folder.name}.old")
    _delete(old)
    if folder.exists() or folder.is_symlink():
        folder.rename(old)
    unready.rename(folder)
    with suppress(OSError):
        _delete(old)


def _delete(folder: Path) -> None:
    if folder.is_symlink():  # somebody's own place for it: the link goes, the place stays
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


# ---- the process -------------------------------------------------------------------------------------------


def _run(dataset: DataSet, unready: Path, python: str, tick: Tick) -> None:
    """torchvision's part, watched. Its process ends with ours, however that ends."""
    with tempfile.TemporaryFile() as output:
        process = _start(python, output)
        said: list[dict[str, Any]] = []
        reader = threading.Thread(target=_listen, args=[process, said], daemon=True)
        try:
            reader.start()
            job = {"name": dataset.name, "folder": str(unready), "settings": dict(dataset.settings)}
            with suppress(OSError):  # it has died already, which is told below
                assert process.stdin is not None
                process.stdin.write(json.dumps(job).encode() + b"\n")
                process.stdin.flush()
            while reader.is_alive():
                getting = any(event.get("stage") == "getting" for event in said)
                tick("getting" if getting else "loading", _there(dataset, unready))
                reader.join(LOOK_EVERY_S)
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    if stream is not None:
                        stream.close()
        last = said[-1] if said else {}
        if "done" not in last:
            raise _problem(dataset, unready, python, last, status, output)


def _start(python: str, output: IO[bytes]) -> Popen[bytes]:
    import subprocess

    ours = program(python)
    try:
        return subprocess.Popen(
            [ours, str(FETCH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=FETCH.anchor,
            env=environment(ours),
            start_new_session=True,  # ctrl+c is ours to answer
        )
    except OSError as error:
        raise LabProblem("python-missing", python=python, error=error.strerror or error) from error


def _listen(process: Popen[bytes], said: list[dict[str, Any]]) -> None:
    for line in process.stdout or ():
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                said.append(event)


def _there(dataset: DataSet, unready: Path) -> int:
    """Bytes of the archives so far. torch.hub writes into NAME.<random>.partial beside the final file."""
    found = 0
    for archive in dataset.archives:
        file = unready / archive.path
        with suppress(OSError):  # renamed between two looks
            places = [file, *file.parent.glob(f"{file.name}.*.partial")]
            sizes = [place.stat().st_size for place in places if place.exists()]
            found += min(archive.size, max(sizes, default=0))
    return found


def _problem(
    dataset: DataSet, unready: Path, python: str, last: dict[str, Any], status: int, output: IO[bytes]
) -> LabProblem:
    """What the end of the process means."""
    detail = str(last.get("detail", ""))
    broken = next((one for one in dataset.archives if not matches(one, unready)), dataset.archives[0])
    match last.get("error"):
        case "package":
            return LabProblem("package-missing", python=python, package=last.get("package"), error=detail)
        case "checksum":
            return _altered(dataset, broken)
        case "space":
            return LabProblem("disk-full", folder=unready.parent)
        case "network":
            return LabProblem(
                "data-broken-off", name=dataset.name, file=broken.name, host=broken.host, detail=detail
            )
    if not detail:
        output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL_BYTES))
        tail = output.read().decode("utf-8", "replace").strip().splitlines()
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        detail = f"{how}: {tail[-1]}" if tail else how
    return LabProblem("data-failed", name=dataset.name, python=python, detail=detail)
