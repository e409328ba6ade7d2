"""Takes one run from its first step to its verdict, inside the lab's own process; torch is handed in.

Seeds train in batches, one generator each, stepped in turn. A second thread, the watcher, writes what they
have yielded, looks whether more seeds or a stop are wanted, and ends the run where a stop finds the main
thread deep inside one long call.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import math
import os
import platform
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from labs.catalog import Lab, load
from labs.datasets import DATASETS, used
from labs.journal import (
    End,
    Follower,
    Log,
    Outcome,
    Point,
    Run,
    Seeds,
    Start,
    Verdict,
    as_float,
    line,
    number,
    write_atomic,
)
from labs.problems import LabProblem
from labs.recorder import Recorder
from labs.report import Outcome as Measured
from labs.report import Point as Seen
from labs.turns import Turns
from labs.verdict import judge
from labs.yielded import complaint, kind, plain

if TYPE_CHECKING:
    from labs.device import Chosen

LOOK_EVERY_S = 0.04
BEAT_EVERY_S = 5.0
STOP_WITHIN_S = 0.12  # how long a step may take to notice a stop before the watcher ends the run
CLOSE_WITHIN_S = 1.0  # how long generators may tidy up after the last event
DISK_PATIENCE_S = 60.0
TRACEBACK_LINES = 12
STOPS = {signal.SIGTERM, signal.SIGINT}

Experiment = Callable[..., Iterator[Seen | Measured]]


class Stopped(BaseException):
    """Raised by the signal handler inside a step. Not an Exception: an experiment must not swallow it."""


class Batch:
    """Seeds that train together in one generator, from its first step to its outcome."""

    def __init__(self, number: int, seeds: Sequence[int]) -> None:
        self.number = number
        self.seeds = list(seeds)
        self.generator: Iterator[Seen | Measured] | None = None

    def close(self) -> None:
        """Lets the generator tidy up. Its `finally` may fail; the numbers are safe by then."""
        generator, self.generator = self.generator, None
        try:
            if generator is not None and hasattr(generator, "close"):
                generator.close()
        except BaseException as error:
            traceback.print_exception(error)


class Past(NamedTuple):
    """What earlier workers have left in the journal."""

    seeds: list[int]  # announced, in order
    outcomes: dict[str, dict[str, dict[int, float]]]  # outcome id -> arm id -> seed -> value
    points: list[Point]
    seconds: float
    done: bool


class Running:
    """One worker's work on one run."""

    def __init__(
        self,
        run: Run,
        torch: Any,
        choose: Callable[..., Chosen],
        began: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """began: when this worker took the run up, by `clock`.

        Raises LabProblem: a broken lab or experiment, a device named on the command line that does not work,
        a disk that refuses.
        """
        spec, past = run.spec, _past(run)
        self.run = run
        self._torch = torch
        self._clock = clock
        self._past = past
        self._lab = load(Path(spec.lab_folder))
        self._recorder = Recorder(run, torch, clock, began - past.seconds)
        self._file = self._experiment_file()
        self._experiment = _loaded(self._file, spec.lab)
        if spec.datasets:  # for the experiment and for workers of its DataLoaders
            os.environ[DATASETS] = spec.datasets
        self._chosen = choose(spec.device, strict=spec.by == "command")
        self._turns = Turns(torch, self._chosen.device.type == "cuda")
        self._outcomes = past.outcomes
        self._batches: list[Batch] = []
        self._count = 0

        self._lock = self._recorder.lock  # guards what both threads change:
        self._seeds = list(dict.fromkeys([*past.seeds, *spec.seeds]))
        self._joining: list[list[int]] = []
        self._ended = False

        self._wanted_seen = (0, 0)
        self._inside_step = False
        self._stop_asked_at: float | None = None

    # ---- the main thread -----------------------------------------------------------------------------------

    def work(self) -> int:
        """Runs to the end; the exit status. Raises nothing: what goes wrong is in the journal."""
        done = self._done()
        missing = [seed for seed in self._seeds if seed not in done]
        if self._past.done and not missing and self.run.wanted().seeds <= len(self._seeds):
            return 0  # another worker was quicker
        for point in self._past.points:
            if point.seeds_in_view <= len(done):  # seeds that train again would be counted twice
                self._recorder.recall(point)
        self._past.points.clear()
        self._listen_for_stops()
        status: Literal["done", "stopped", "failed"] = "failed"
        problem: LabProblem | None = None
        try:
            self._recorder.write(self._start())
            if (uses := used(self.run.spec.knobs, self.run.spec.datasets)) is not None:
                self._tell("info", str(uses))
            if missing:
                self._joining.append(missing)
            self._look_at_wanted()
            threading.Thread(target=self._watch, name="watcher", daemon=True).start()
            while not self._finished():
                self._train()
            status = "done"
        except Stopped:
            status = "stopped"
        except BaseException as error:  # an experiment may raise anything, SystemExit included
            if self._stop_asked_at is not None:
                status = "stopped"  # came out as another error, through somebody's `finally`
            else:
                problem = error if isinstance(error, LabProblem) else self._explained(error)
        self._end(status, problem)
        self._close()
        return 0 if status != "failed" and not self._recorder.unwritten else 1

    def _train(self) -> None:
        """Steps every batch in turn until all have their outcome, taking in those that join meanwhile."""
        while True:
            with self._lock:
                joining, self._joining = self._joining, []
            for seeds in joining:
                self._count += 1
                self._batches.append(Batch(self._count, seeds))
            if not self._batches:
                return
            full = False
            for batch in list(self._batches):
                try:
                    measured = self._step(batch)
                    if measured is not None:
                        self._complete(batch, measured)
                except Exception as error:
                    if not self._is_full(error):
                        raise
                    full = True  # and act outside: the traceback holds on to tensors
                    break
            if full:
                self._leave_device()

    def _step(self, batch: Batch) -> Measured | None:
        """One step of one batch: its outcome if that was the last one."""
        self._turns.take(batch.number, batch.seeds[0])
        try:
            self._inside_step = True  # from here to `finally`, a stop raises
            if self._stop_asked_at is not None:
                raise Stopped
            if batch.generator is None:
                started: Any = self._experiment(list(batch.seeds), self._chosen.device, **self.run.spec.knobs)
                if not isinstance(started, Iterator):
                    raise self._garbage(f"experiment() returned a {kind(started)}, not a generator")
                batch.generator = started
            item: Any = next(batch.generator, StopIteration)
        finally:
            self._inside_step = False
        if self._recorder.trouble is not None:
            raise self._explained_trouble(self._recorder.trouble)
        if isinstance(item, Measured):
            self._check(item.values, "outcome", [one.id for one in self._lab.outcomes], batch)
            return item
        if isinstance(item, Seen):
            self._check(item.series, "series", [one.id for one in self._lab.series], batch)
            if not all(isinstance(x, int | float) and math.isfinite(x) for x in (item.step, item.of)):
                raise self._garbage(f"a point at step {item.step!r} of {item.of!r}")
            self._recorder.collect(batch.number, item)
            return None
        if item is StopIteration:
            raise self._garbage("it ended without an Outcome")
        raise self._garbage(f"a {kind(item)}, where a Point or an Outcome is expected")

    def _complete(self, batch: Batch, measured: Measured) -> None:
        """Writes a batch's outcome, behind all its points."""
        places = [(id, arm) for id, by_arm in measured.values.items() for arm in by_arm]
        try:
            lists = plain(self._torch, [measured.values[id][arm] for id, arm in places])
        except ValueError as error:
            raise self._garbage(str(error)) from error
        for id, arm in _needed(self._lab):
            if (id, arm) not in places:
                raise self._garbage(
                    f"outcome {id} has no values for arm {arm}, which a rule or the bet needs"
                )
        by_arm: dict[str, dict[str, list[float]]] = {}
        for (id, arm), values in zip(places, lists, strict=True):
            by_arm.setdefault(arm, {})[id] = values
            known = self._outcomes.setdefault(id, {}).setdefault(arm, {})
            known.update(zip(batch.seeds, values, strict=True))
        t = self._recorder.now()
        events = [
            Outcome(
                t=t, arm=arm, seeds=batch.seeds, values={id: list(map(number, v)) for id, v in told.items()}
            )
            for arm, told in by_arm.items()
        ]
        self._recorder.write(*events)
        self._batches.remove(batch)
        batch.close()
        self._turns.leave(batch.number)
        if self._recorder.trouble is not None:
            raise self._explained_trouble(self._recorder.trouble)

    def _finished(self) -> bool:
        """Judges what has been measured. True: nothing is left to train, and nothing can join any more."""
        with self._lock:
            if self._joining:
                return False
            n = len(self._seeds)
        spec, verdicts = self.run.spec, self._verdicts()
        self._recorder.write(*verdicts)
        self._look_at_wanted()
        with self._lock:
            if self._stop_asked_at is not None:
                raise Stopped
            undecided = any(verdict.verdict == "undecided" for verdict in verdicts)
            if not self._joining and spec.settles and undecided and n < spec.max_seeds:
                self._add_seeds(min(spec.seed_step, spec.max_seeds - n), "undecided")
            if self._joining:
                return False
            self._ended = True  # from here on nothing is added and nothing stopped
        self._keep(verdicts)
        return True

    def _end(self, status: Literal["done", "stopped", "failed"], problem: LabProblem | None) -> None:
        """The last events. Waits for a full disk: long for a result, not for a stop."""
        recorder = self._recorder
        with self._lock:
            self._ended = True
            t = recorder.now()
            error = None if problem is None else str(problem)
            log = [] if error is None else [Log(t=t, level="error", text=error)]
            recorder.write(*log, End(t=t, status=status, seconds=t, error=error))
        patience = self._clock() + (DISK_PATIENCE_S if status == "done" else 1.0)
        while recorder.unwritten and self._clock() < patience and self.run.folder.exists():
            time.sleep(0.1)
            recorder.write_if_due()

    def _close(self) -> None:
        """Lets generators tidy up, for so long and no longer."""
        limit = threading.Timer(CLOSE_WITHIN_S, leave, args=[1])
        limit.daemon = True
        limit.start()
        for batch in self._batches:
            batch.close()
        limit.cancel()
        self._recorder.close()

    def _leave_device(self) -> None:
        """After the accelerator's memory ran out: what is unfinished starts again on the CPU."""
        with self._lock:
            self._joining[:0] = [batch.seeds for batch in self._batches]
            self._recorder.forget(*(batch.number for batch in self._batches))
        for batch in self._batches:
            batch.close()
            self._turns.leave(batch.number)
        self._batches.clear()
        gc.collect()
        left = self._chosen
        with suppress(Exception):
            getattr(self._torch, left.device.type).empty_cache()
        reason = LabProblem("device-left", name=left.name)
        self._chosen = left._replace(device=self._torch.device("cpu"), name="CPU", reason=reason)
        self._recorder.write(self._start())

    # ---- what is known -------------------------------------------------------------------------------------

    def _done(self) -> set[int]:
        """Seeds with all the outcomes that the rules and the bet compare."""
        by_arm = self._outcomes
        return set.intersection(*(set(by_arm.get(id, {}).get(arm, {})) for id, arm in _needed(self._lab)))

    def _start(self) -> Start:
        spec = self.run.spec
        return Start(
            t=self._recorder.now(),
            run=spec.id,
            lab=spec.lab,
            entry=spec.entry,
            arms=[arm.id for arm in self._lab.arms],
            seeds=list(self._seeds),
            device=str(self._chosen.device),
            device_name=self._chosen.name,
            device_reason=str(self._chosen.reason or ""),
            knobs=dict(spec.knobs),
            estimate_s=spec.estimate_s,
            settles=spec.settles,
            versions={
                "torch": str(self._torch.__version__),
                "python": platform.python_version(),
                "torchproof": spec.version,
            },
            at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )

    def _verdicts(self) -> list[Verdict]:
        lab, t = self._lab, self._recorder.now()
        events = []
        for rule in lab.rules:
            found = judge(rule, lab.declared, self._outcomes, lab.seeds)
            low, high = found.interval
            events.append(
                Verdict(
                    t=t,
                    rule=found.rule,
                    claim=found.claim,
                    verdict=found.verdict,
                    expected=rule.expected,
                    effect=number(found.effect),
                    interval=(number(low), number(high)),
                    confidence=found.confidence,
                    seeds=found.seeds,
                    unit=found.unit,
                    note=found.note,
                    settles=self.run.spec.settles,
                )
            )
        return events

    def _keep(self, verdicts: Sequence[Verdict]) -> None:
        """verdict.json, for tools that do not want to read the journal."""
        kept = {
            "v": 1,
            "run": self.run.id,
            "lab": self._lab.id,
            "settles": self.run.spec.settles,
            "seeds": self._seeds,
            "verdicts": [json.loads(line(verdict)) for verdict in verdicts],
        }
        with suppress(LabProblem):  # a full disk: the journal has the verdicts, or waits to
            write_atomic(self.run.verdict_file, json.dumps(kept, indent=1).encode())

    def _experiment_file(self) -> Path:
        """The lab's experiment.py; the run's own copy where the lab has changed since the run began."""
        file, copy = Path(self.run.spec.lab_folder) / "experiment.py", self.run.folder / "experiment.py"
        with suppress(OSError):
            if sha256(file.read_bytes()).hexdigest() == self.run.spec.source_sha256:
                return file
        if not copy.exists():
            return file
        self._tell("warning", str(LabProblem("experiment-changed", file=file)))
        return copy

    # ---- what goes wrong -----------------------------------------------------------------------------------

    def _check(self, told: Any, what: str, known: Sequence[str], batch: Batch) -> None:
        detail = complaint(told, what, known, [arm.id for arm in self._lab.arms], len(batch.seeds))
        if detail is not None:
            raise self._garbage(detail)

    def _garbage(self, detail: str) -> LabProblem:
        return LabProblem("experiment-garbage", file=self._file, detail=detail)

    def _explained_trouble(self, error: Exception) -> Exception:
        return self._garbage(str(error)) if isinstance(error, ValueError) else error

    def _explained(self, error: BaseException) -> LabProblem:
        """What an experiment raised: the traceback to the log and its end to the journal."""
        traceback.print_exception(error)
        tail = "".join(traceback.format_exception(error, limit=-3)).rstrip().splitlines()
        self._tell("error", "\n".join(tail[-TRACEBACK_LINES:]))
        if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
            return LabProblem("memory-full", lab=self._lab.id, error=_one_line(error))
        return LabProblem("experiment-raised", lab=self._lab.id, error=_one_line(error))

    def _is_full(self, error: Exception) -> bool:
        from labs.device import out_of_memory

        return self._chosen.device.type != "cpu" and out_of_memory(error)

    def _tell(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self._recorder.write(Log(t=self._recorder.now(), level=level, text=text))

    # ---- the watcher ---------------------------------------------------------------------------------------

    def _listen_for_stops(self) -> None:
        """A stop raises in the middle of a step; the watcher hears of it even while no Python code runs."""
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for stop in STOPS:
            signal.signal(stop, self._on_stop)
        if hasattr(os, "register_at_fork"):  # a DataLoader ends its own workers by SIGTERM
            os.register_at_fork(after_in_child=_unlisten)

    def _on_stop(self, signum: int, frame: object) -> None:
        if self._stop_asked_at is None:
            self._stop_asked_at = self._clock()
        if self._inside_step:
            self._inside_step = False  # one stop raises once, and not in the `finally` that it causes
            raise Stopped

    def _watch(self) -> None:
        beat_at = look_at = -math.inf
        while not self._ended:
            if select.select([self._ear], [], [], LOOK_EVERY_S)[0]:
                with suppress(BlockingIOError):
                    if STOPS & set(self._ear.recv(64)) and self._stop_asked_at is None:
                        self._stop_asked_at = self._clock()
            now = self._clock()
            if self._stop_asked_at is not None and now - self._stop_asked_at > STOP_WITHIN_S:
                self._end_from_outside()
            self._look_at_wanted()
            self._recorder.write_if_due()
            if now >= beat_at:
                beat_at = now + BEAT_EVERY_S
                with suppress(OSError):
                    self.run.heartbeat_file.touch()
            if now >= look_at:
                look_at = now + 0.5
                if not self.run.folder.exists():  # deleted: a run that nobody can see must not go on
                    leave(1)

    def _look_at_wanted(self) -> None:
        """Does what has been asked for since the last look."""
        try:
            found = self.run.wanted_file.stat()
        except OSError:
            return
        changed = (found.st_mtime_ns, found.st_ino)  # clocks of files are coarse
        if changed == self._wanted_seen:
            return
        self._wanted_seen = changed
        wanted = self.run.wanted()
        with self._lock:
            more = wanted.seeds - len(self._seeds)
            if more > 0 and not wanted.stop and not self._ended:
                self._add_seeds(more, "asked")
        if wanted.stop and self._stop_asked_at is None:
            self._stop_asked_at = self._clock()
            main = threading.main_thread()
            if threading.current_thread() is not main and hasattr(signal, "pthread_kill"):
                signal.pthread_kill(main.ident or 0, signal.SIGTERM)

    def _add_seeds(self, count: int, reason: Literal["undecided", "asked"]) -> None:
        first = max(self._seeds) + 1
        added = list(range(first, first + count))
        self._seeds += added
        self._joining.append(added)
        self._recorder.write(Seeds(t=self._recorder.now(), seeds=added, reason=reason))

    def _end_from_outside(self) -> None:
        """For a stop that the main thread cannot hear, inside one long call: ends the process from here."""
        if not self._lock.acquire(timeout=0.05):
            return  # the main thread is writing; it will see the stop itself, or we come back
        if self._ended:
            self._lock.release()
            return
        try:
            t = self._recorder.now()
            self._recorder.write(End(t=t, status="stopped", seconds=t))
        finally:
            leave(0)


def _unlisten() -> None:
    """In a process that the experiment has forked: its signals are not ours."""
    signal.set_wakeup_fd(-1)
    for stop in STOPS:
        signal.signal(stop, signal.SIG_DFL)


def leave(status: int) -> None:
    """Ends the process at once, with what print() still holds and whatever children the experiment has.

    The interpreter's own exit would take 0.4 to 0.8 s to take torch apart.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    with suppress(Exception):
        import psutil  # type: ignore[import-untyped, unused-ignore]

        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    os._exit(status)


def _past(run: Run) -> Past:
    """What the journal says so far; empty for a new run."""
    seeds: list[int] = []
    outcomes: dict[str, dict[str, dict[int, float]]] = {}
    points: list[Point] = []
    seconds, done = 0.0, False
    for event in Follower(run).poll():
        seconds = event.t
        match event:
            case Start() | Seeds():
                seeds += event.seeds
                done = False
            case Point():
                points.append(event)
            case Outcome():
                for id, values in event.values.items():
                    known = outcomes.setdefault(id, {}).setdefault(event.arm, {})
                    known.update(zip(event.seeds, map(as_float, values), strict=False))
            case End():
                done = event.status == "done"
    return Past(list(dict.fromkeys(seeds)), outcomes, points, seconds, done)


def _loaded(file: Path, lab: str) -> Experiment:
    """The function `experiment` in the file. Raises LabProblem("experiment-load")."""
    name = f"labs.experiments.{lab}.experiment"
    try:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError("not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickle look a class's module up by its name
        spec.loader.exec_module(module)
        found: Experiment = module.experiment
    except Exception as error:
        traceback.print_exception(error)
        raise LabProblem("experiment-load", file=file, error=_one_line(error)) from error
    return found


def _needed(lab: Lab) -> list[tuple[str, str]]:
    """The (outcome, arm) pairs that the rules and the bet compare."""
    compared: Iterable[Any] = [*(check for rule in lab.rules for check in rule.checks), lab.bet]
    pairs = [(one.outcome, arm) for one in compared for arm in (one.arm, one.versus) if arm is not None]
    return list(dict.fromkeys(pairs))


def _one_line(error: BaseException) -> str:
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0][:300]}" if first else type(error).__name__
