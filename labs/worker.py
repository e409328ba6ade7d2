"""The lab's own process: takes up a run's folder, now or as a loaded spare later, and works until its end.

    python labs/worker.py RUN_FOLDER     or, where labs is installed,     python -P -m labs.worker RUN_FOLDER
    python labs/worker.py --spare        load torch, print "ready", wait for a run's folder on standard input
    python labs/worker.py --nursery      load torch, then fork a process for every run's folder on standard input

Down to `conduct`, only the standard library is needed, so that an interpreter without torch, without msgspec
or too old to read the rest can still write into the run what it lacks. A spare or nursery leaves when its
standard input closes, which is what happens when the app that keeps it dies in whatever way. A process that has
taken a run up depends on nobody.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

STARTED = time.time()  # close to what psutil calls create_time, for an interpreter without psutil
NICENESS = 10  # the interface keeps its speed beside a lab that uses all cores; the lab loses nothing
WAIT_FOR_OTHER_S = 30.0  # a worker that is just leaving the same run
BORROWED = ("msgspec", "psutil", "pynvml")  # what a foreign interpreter may lack, and the app has


def main(arguments: list[str]) -> None:
    """Never returns: the process ends with os._exit, as taking torch apart would cost 0.4 to 0.8 s."""
    began = time.monotonic()
    _behave()
    if arguments == ["--spare"]:
        spare()
    elif arguments == ["--nursery"]:
        nursery()
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        folder = Path(arguments[0]).absolute()
        claim(folder)
        work(folder, began)
    else:
        print("usage: worker.py RUN_FOLDER | --spare | --nursery", file=sys.stderr, flush=True)
        os._exit(2)


def spare() -> None:
    """Loads torch, says "ready" (or "broken" and why), then works on the run named on standard input."""
    runs: queue.SimpleQueue[tuple[Path, float]] = queue.SimpleQueue()
    say = os.dup(1)  # a claim points 1 and 2 at the run's log
    threading.Thread(target=_hear, args=(runs,), daemon=True).start()
    try:
        warm_up(load_torch())
        word = "ready"
    except Exception as error:
        word = f"broken {_told(error)}"
    with contextlib.suppress(OSError):
        os.write(say, (" ".join(word.split()) + "\n").encode())
    os.close(say)
    work(*runs.get())  # a broken spare says once more, in the run, what it lacks


def nursery() -> None:
    """Loads torch once for many runs: loading it and taking its first step cost 2 s of a core, a fork 10 ms."""
    with contextlib.suppress(Exception):  # every run will say what is lacking
        warm_up(load_torch())
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        os._exit(
            1
        )  # a fork would leave those threads out, and their locks closed for ever; the app starts runs itself
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is gone at once
    for given in iter(sys.stdin.buffer.readline, b""):
        began = time.monotonic()
        if not given.endswith(b"\n"):
            break
        if os.fork() == 0:
            _be_a_process_of_its_own()
            folder = Path(os.fsdecode(given[:-1]))
            try:
                claim(folder)
            except OSError:
                traceback.print_exc()
                os._exit(1)
            work(folder, began)
    os._exit(0)


def _be_a_process_of_its_own() -> None:
    """After a fork, what a start by the app would have given: a session, its priority, and children to wait for."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _be_nice_as_a_session()


def _hear(runs: queue.SimpleQueue[tuple[Path, float]]) -> None:
    """Waits for a run beside the import of torch: an app that dies meanwhile leaves no spare behind."""
    given = sys.stdin.buffer.readline()
    if not given.endswith(b"\n"):
        os._exit(0)
    began, folder = time.monotonic(), Path(os.fsdecode(given[:-1]))
    try:
        claim(folder)
    except OSError:
        traceback.print_exc()
        os._exit(1)
    runs.put((folder, began))


def claim(folder: Path) -> None:
    """Makes the run this process's own, before anything slow: no process works on a run unlisted.

    Only one worker at a time: a second one waits until the first has left.
    """
    global _claimed
    _lock(folder)
    _claimed = folder
    log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    worker = {"pid": os.getpid(), "created": _created(), "host": _host()}
    unready = folder / f".worker.json.{os.getpid()}"
    unready.write_text(json.dumps(worker), encoding="utf-8")
    unready.replace(folder / "worker.json")
    os.chdir(folder)  # what an experiment leaves behind lies with its run


def work(folder: Path, began: float) -> None:
    """The whole of a claimed run, down to the end of the process."""
    status = 1
    try:
        status = conduct(folder, load_torch(), began)
    except BaseException as error:
        if not _explains_itself(error):
            traceback.print_exc()
        fail(folder, _told(error), began)
    finally:
        _leave(status)


def conduct(folder: Path, torch: Any, began: float) -> int:
    """Trains, judges, writes; the exit status."""
    from labs.device import Chosen, choose, seed_only
    from labs.journal import Run
    from labs.running import Running

    def chosen(wanted: str, strict: bool) -> Chosen:
        found = choose(wanted, strict=strict)
        seed_only(torch, found.device)
        with contextlib.suppress(Exception):  # speed alone: an old torch without it trains as well
            importlib.import_module("labs.cpu").prepare_for(found.device)
        return found

    return Running(Run(folder), torch, chosen, began).work()


def load_torch() -> Any:
    """torch, with the threads a lab may use. Raises LabProblem where the interpreter does not have it."""
    from labs.problems import LabProblem

    python = sys.executable
    if sys.version_info < (3, 11):  # noqa: UP036 -- somebody may name any interpreter with --python
        raise LabProblem("python-old", python=python, version=sys.version.split()[0])
    for package in ("msgspec", "psutil"):
        try:
            importlib.import_module(package)
        except Exception as error:
            raise LabProblem("package-missing", python=python, package=package, error=error) from error
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise LabProblem("torch-missing", python=python) from error
        raise LabProblem("torch-broken", python=python, error=_told(error)) from error
    except Exception as error:  # a missing library, another numpy, a file cut short: anything may come out
        raise LabProblem("torch-broken", python=python, error=_told(error)) from error
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return torch


def warm_up(torch: Any) -> None:
    """Pays now what the first training step of a process pays, 0.8 s of it in the first optimizer."""
    for package in ("labs.running", "labs.device", "pynvml"):
        with contextlib.suppress(Exception):  # what is wrong with it will be said when it is needed
            importlib.import_module(package)
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    net.append(nn.Dropout()).append(nn.Linear(18, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    nn.functional.cross_entropy(net(torch.ones(4, 1, 8, 8)), torch.tensor([0, 1, 0, 1])).backward()
    optimizer.step()
    with contextlib.suppress(Exception):
        _warm_up_ensemble(torch)


def _warm_up_ensemble(torch: Any) -> None:
    """One step in the way most labs train: many members at once, on the digits."""
    from labs.data import digits, training_rows
    from labs.ensemble import Adam, Ensemble, batches, cross_entropy, gather

    nn, data, seeds = torch.nn, digits(), [0, 1]
    net = Ensemble(
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 10)
        ),
        seeds,
    )
    rows = next(batches(seeds, training_rows(seeds), 16))
    loss = cross_entropy(net(gather(data.images, rows)), data.labels[rows])
    Adam(net, lr=0.001).step(loss)
    net.eval().same(data.images[:8])


def fail(folder: Path, text: str, began: float) -> None:
    """Ends a run that could not begin, in the journal's own form but without the journal's code."""
    t = round(time.monotonic() - began, 4)
    _append(
        folder,
        {"event": "log", "t": t, "level": "error", "text": text},
        {"event": "end", "t": t, "status": "failed", "seconds": t, "error": text},
    )


def _append(folder: Path, *events: dict[str, Any]) -> None:
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
    with contextlib.suppress(OSError), (folder / "events.jsonl").open("ab+") as journal:
        size = journal.seek(0, os.SEEK_END)
        if size:
            journal.seek(size - 1)
            lines = lines if journal.read() == b"\n" else "\n" + lines  # an earlier worker's torn line
        journal.write(lines.encode("utf-8", "backslashreplace"))


# ---- manners -----------------------------------------------------------------------------------------------

_claimed: Path | None = None
_kept: list[Any] = []  # files that stay open as long as the process lives


def _behave() -> None:
    """One thread, low priority, deaf to hang-ups; set before torch reads any of it."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)
    _be_nice_as_a_session()
    with contextlib.suppress(OSError):  # short of memory, Linux ends the lab and not somebody's shell
        Path("/proc/self/oom_score_adj").write_text("500")
    threads = os.environ.get("TORCHPROOF_THREADS", "1")
    threads = threads if threads.isdigit() and int(threads) > 0 else "1"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = threads
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _stopped_early)
    if shelf := os.environ.pop("TORCHPROOF_BORROW", ""):
        sys.meta_path.append(_Borrowing(shelf))


def _be_nice_as_a_session() -> None:
    """Linux may share the cores out by session first; niceness counts only within one."""
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


def _stopped_early(signum: int, frame: object) -> None:
    """A stop before the run has begun; labs.running puts its own handler in place."""
    if _claimed is not None:
        _append(_claimed, {"event": "end", "t": 0.0, "status": "stopped", "seconds": 0.0})
    os._exit(0)


class _Borrowing(importlib.abc.MetaPathFinder):
    """Finds the few packages of BORROWED where the app has them, if the interpreter itself does not."""

    def __init__(self, shelf: str) -> None:
        self.shelf = [shelf]

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in BORROWED:
            return None
        return importlib.machinery.PathFinder.find_spec(name, self.shelf, target)


def _lock(folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    lock = (folder / "lock").open("ab")
    _kept.append(lock)
    patience = time.monotonic() + WAIT_FOR_OTHER_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > patience:
                os._exit(0)  # the other one is still at work, and will see what is wanted
            time.sleep(0.02)
        except OSError:  # a file system without locks
            return
        else:
            return


def _created() -> float:
    """When this process began, as psutil tells it."""
    try:
        import psutil  # type: ignore[import-untyped, unused-ignore]
    except Exception:
        return STARTED
    return float(psutil.Process().create_time())


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _explains_itself(error: BaseException) -> bool:
    from labs.problems import LabProblem

    return isinstance(error, LabProblem)


def _told(error: BaseException) -> str:
    from labs.problems import LabProblem

    if isinstance(error, LabProblem):
        return str(error)
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _leave(status: int) -> None:
    with contextlib.suppress(Exception):
        from labs.running import leave

        leave(status)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


def _make_labs_importable() -> None:
    """For a start by this file's path: the package `labs` is the folder around it, and nothing else.

    PYTHONPATH would do it too, but where torchproof is installed that folder is a site-packages, and another
    interpreter would find the app's packages there before its own, torch among them.
    """
    home = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "labs", home / "__init__.py", submodule_search_locations=[str(home)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{home} is not the package labs")
    sys.modules["labs"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ in ("__main__", "__mp_main__") and "labs" not in sys.modules:  # mp: a DataLoader's own process
    _make_labs_importable()
if __name__ == "__main__":
    main(sys.argv[1:])
