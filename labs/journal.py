"""A run is a folder: what was asked, which process works on it, what it measured. No torch."""

import errno
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from labs.catalog import Lab, Ruling, Value
from labs.problems import LabProblem

Status = Literal["starting", "running", "done", "stopped", "failed", "lost"]
Number = float | str  # JSON has no NaN: a non-finite number is one of the strings below

STARTING_S = 20.0  # how long a run may wait for its worker before it counts as lost
SILENT_S = 60.0  # how long a worker on another host may be silent before it counts as lost
SAME_START_S = 2.0  # the system rounds the start of a process, and its idea of the boot time, to a second
TAIL_BYTES = 1 << 16

_ID = re.compile(r"\d{8}-\d{6}-[a-z][a-z0-9_]*-[0-9a-f]{4}")


def number(x: float) -> Number:
    """A float as the journal writes it: itself, or "NaN", "Infinity", "-Infinity"."""
    if x != x:
        return "NaN"
    if x in (float("inf"), float("-inf")):
        return "Infinity" if x > 0 else "-Infinity"
    return x


def as_float(n: Number) -> float:
    """The float that `number` wrote; NaN for a string that it never writes."""
    if isinstance(n, str):
        return {"Infinity": float("inf"), "-Infinity": float("-inf")}.get(n, float("nan"))
    return n


# ---- events: one line each ---------------------------------------------------------------------------------


class Spread(msgspec.Struct, frozen=True):
    """One series of one arm at one step: the mean over n finite seeds, one sample sd either side of it."""

    mean: Number
    lo: Number
    hi: Number
    n: int


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """t: seconds since the run began."""

    t: float


class Start(Event, frozen=True, kw_only=True):
    """A worker took the run up. seeds: all that it will train, earlier ones included."""

    run: str
    lab: str
    entry: str
    arms: list[str]
    seeds: list[int]
    device: str
    device_name: str
    device_reason: str
    knobs: dict[str, Value]
    estimate_s: float
    settles: bool
    versions: dict[str, str]
    at: str


class Point(Event, frozen=True, kw_only=True):
    """One arm at one step. The same arm and step may come again with more seeds: the later line wins."""

    arm: str
    step: float
    of: float
    series: dict[str, Spread]
    seeds_in_view: int


class Seeds(Event, frozen=True, kw_only=True):
    """More seeds joined the run."""

    seeds: list[int]
    reason: Literal["undecided", "asked"]


class Log(Event, frozen=True, kw_only=True):
    level: Literal["info", "warning", "error"]
    text: str


class Outcome(Event, frozen=True, kw_only=True):
    """What a batch of seeds gave for one arm: outcome id -> one value a seed, in the order of `seeds`."""

    arm: str
    seeds: list[int]
    values: dict[str, list[Number]]


class Verdict(Event, frozen=True, kw_only=True):
    """A rule's verdict on its claim at this number of seeds. note: a key of labs.verdict.NOTES, or empty."""

    rule: str
    claim: str
    verdict: Ruling
    expected: Ruling
    effect: Number
    interval: tuple[Number, Number]
    confidence: float
    seeds: int
    unit: str
    note: str
    settles: bool


class End(Event, frozen=True, kw_only=True, omit_defaults=True):
    status: Literal["done", "stopped", "failed"]
    seconds: float
    error: str | None = None


AnyEvent = Start | Point | Seeds | Log | Outcome | Verdict | End

_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_ENCODER = msgspec.json.Encoder()


def line(event: AnyEvent) -> bytes:
    """The event as one line of strictly valid JSON, whatever numbers are in it."""
    encoded = _ENCODER.encode(event)
    if b"null" in encoded:  # how msgspec writes a NaN or an infinity
        encoded = _ENCODER.encode(_finite(msgspec.to_builtins(event)))
    return encoded + b"\n"


def _finite(value: object) -> object:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


# ---- the folder --------------------------------------------------------------------------------------------


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """run.json: what was asked for, by whoever made the run."""

    id: str
    lab: str
    lab_folder: str
    entry: str
    knobs: dict[str, Value]
    seeds: list[int]
    seed_step: int
    max_seeds: int
    device: str
    settles: bool  # the knobs are the lab's defaults, so that its rules apply
    created_at: str  # ISO 8601, UTC
    host: str
    by: Literal["app", "command"]
    python: str
    version: str
    source_sha256: str  # of experiment.py, of which the folder holds a copy
    estimate_s: float
    datasets: str = ""  # the folder of data sets that labs are asked for by name; empty: none was told
    v: int = 1


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """worker.json: the process that works on the run. created: psutil's create_time of it."""

    pid: int
    created: float
    host: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """wanted.json: what the app asks of the worker while it runs. seeds: how many in all."""

    seeds: int
    stop: bool = False


class Run:
    """One run's folder, read afresh at every call but for run.json, which never changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.events_file = folder / "events.jsonl"
        self.log_file = folder / "worker.log"
        self.worker_file = folder / "worker.json"
        self.wanted_file = folder / "wanted.json"
        self.verdict_file = folder / "verdict.json"
        self.heartbeat_file = folder / "heartbeat"

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.folder == other.folder

    def __hash__(self) -> int:
        return hash(self.folder)

    @cached_property
    def spec(self) -> RunSpec:
        """run.json. Raises LabProblem("run-broken")."""
        file = self.folder / "run.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=RunSpec)
        except OSError as error:
            raise LabProblem("run-broken", file=file, detail=error.strerror or error) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LabProblem("run-broken", file=file, detail=error) from error

    def worker(self) -> Worker | None:
        """The process that took the run up; None while there is none."""
        try:
            return msgspec.json.decode(self.worker_file.read_bytes(), type=Worker)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def alive(self) -> bool:
        """Whether the worker's process exists on this host and is that very process."""
        worker = self.worker()
        return worker is not None and worker.host == this_host() and _is_process(worker)

    def status(self, now: float | None = None) -> Status:
        """Where the run stands. now: seconds since the epoch, time.time() unless told."""
        ended = self._ended()
        if ended is not None:
            return ended
        now = time.time() if now is None else now
        worker = self.worker()
        if worker is None:
            return "starting" if now - self._last_sign() < STARTING_S else "lost"
        if worker.host == this_host():
            return "running" if _is_process(worker) else "lost"
        return "running" if now - self._last_sign() < SILENT_S else "lost"

    def _ended(self) -> Status | None:
        for raw in reversed(_tail(self.events_file)):
            if any(tag in raw for tag in (b'"end"', b'"start"', b'"seeds"')):
                match _event(raw):
                    case End(status=status):
                        return status
                    case Start() | Seeds():
                        return None
        return None

    def _last_sign(self) -> float:
        """When the run was made or last heard of, in seconds since the epoch."""
        signs = [_time(file) for file in (self.heartbeat_file, self.events_file, self.folder / "run.json")]
        return max(signs)

    def log_tail(self, n: int) -> list[str]:
        """The last n lines that the worker's process printed."""
        lines = [raw.decode("utf-8", "replace").rstrip("\r") for raw in _tail(self.log_file)]
        return lines[-n:] if n > 0 else []

    def wanted(self) -> Wanted:
        """What the worker is asked for now: by default the seeds of run.json."""
        try:
            return msgspec.json.decode(self.wanted_file.read_bytes(), type=Wanted)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Wanted(seeds=len(self.spec.seeds))

    def want(self, seeds: int | None = None, stop: bool = False) -> None:
        """Ask the worker for this many seeds in all (None: as before) and to stop or not.

        Raises LabProblem: disk-full, read-only or cannot-write.
        """
        wanted = Wanted(seeds=self.wanted().seeds if seeds is None else seeds, stop=stop)
        write_atomic(self.wanted_file, msgspec.json.encode(wanted))


def create(
    runs: Path,
    lab: Lab,
    *,
    knobs: Mapping[str, Value],
    seeds: Sequence[int],
    max_seeds: int,
    device: str,
    by: Literal["app", "command"],
    now: datetime,
    python: str,
    version: str,
    datasets: Path | None = None,
    token: Callable[[], str] = lambda: os.urandom(2).hex(),
) -> Run:
    """A new run's folder, whole or not at all.

    now: aware, or local time. datasets: where data sets lie that a knob may name. token: four hex digits that
    keep apart runs of one second.
    Raises LabProblem: disk-full, read-only, cannot-write, or lab-unreadable where experiment.py is gone.
    """
    from hashlib import sha256  # loads OpenSSL: not for the start path

    source_file = lab.folder / "experiment.py"
    try:
        source = source_file.read_bytes()
    except OSError as error:
        raise LabProblem("lab-unreadable", where=source_file, detail=error.strerror or error) from error
    at = now.astimezone(UTC)
    while True:
        id = f"{at:%Y%m%d-%H%M%S}-{lab.id}-{token()}"
        spec = RunSpec(
            id=id,
            lab=lab.id,
            lab_folder=str(lab.folder.absolute()),
            entry=lab.entry,
            knobs=dict(knobs),
            seeds=list(seeds),
            seed_step=lab.seeds.step,
            max_seeds=max_seeds,
            device=device,
            settles=dict(knobs) == lab.defaults,
            created_at=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            host=this_host(),
            by=by,
            python=python,
            version=version,
            source_sha256=sha256(source).hexdigest(),
            estimate_s=lab.estimate_s,
            datasets="" if datasets is None else str(datasets.absolute()),
        )
        if not (runs / id).exists() and _make(runs, id, msgspec.json.encode(spec), source):
            return Run(runs / id)


def _make(runs: Path, id: str, spec: bytes, source: bytes) -> bool:
    """Writes the folder under another name, then renames it: half a run is never seen. False: name taken."""
    unready = runs / f".{id}.{os.getpid()}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        unready.mkdir()
        (unready / "experiment.py").write_bytes(source)
        _write_whole(unready / "run.json", spec)
        unready.rename(runs / id)
        _sync_folder(runs)
    except OSError as error:
        _remove(unready)
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY) and (runs / id).exists():
            return False
        _raise_disk(runs, error)
    except BaseException:
        _remove(unready)
        raise
    return True


def _remove(folder: Path) -> None:
    import shutil  # brings three compression libraries along

    shutil.rmtree(folder, ignore_errors=True)


def runs(folder: Path) -> list[Run]:
    """The runs in the folder, newest first. What is not a run, or cannot be read as one, is passed over."""
    try:
        names = sorted(
            (entry.name for entry in os.scandir(folder) if _ID.fullmatch(entry.name)), reverse=True
        )
    except OSError:
        return []
    return [run for name in names if _is_run(run := Run(folder / name))]


def _is_run(run: Run) -> bool:
    try:
        return run.spec.id == run.id
    except LabProblem:
        return False


def run_named(folder: Path, name: str) -> Run:
    """The run with this id, or the only one that begins so, or the newest for "last".

    Raises LabProblem: unknown-run, ambiguous-run or no-runs.
    """
    known = runs(folder)
    if name == "last":
        if not known:
            raise LabProblem("no-runs", folder=folder)
        return known[0]
    matches = [run for run in known if name and run.id.startswith(name)]
    exact = [run for run in matches if run.id == name]
    if not matches:
        raise LabProblem("unknown-run", id=name, folder=folder)
    if len(matches) > 1 and not exact:
        shown = ", ".join(run.id for run in matches[:4]) + (", ..." if len(matches) > 4 else "")
        raise LabProblem("ambiguous-run", id=name, matches=shown)
    return (exact or matches)[0]


class Follower:
    """Reads a run's events as they come. skipped: lines passed over because they are torn or not ours."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.offset = 0
        self.skipped = 0

    def poll(self) -> list[AnyEvent]:
        """The events written whole since the last call. A file that was cut short is read from its start."""
        try:
            with self.run.events_file.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self.offset:
                    self.offset = 0
                if size == self.offset:
                    return []
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        self.offset += whole
        events = []
        for raw in data[:whole].split(b"\n"):
            if event := _event(raw):
                events.append(event)
            elif raw.strip():
                self.skipped += 1
        return events


class Writer:
    """Appends events to a run. One writer a run: its worker."""

    def __init__(self, run: Run) -> None:
        self.folder = run.folder
        try:
            self._fd = os.open(
                run.events_file, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644
            )
            size = os.fstat(self._fd).st_size
            if size and _last_byte(self._fd, size) != b"\n":
                self._append(b"\n")  # ends the line that an earlier worker left torn
        except OSError as error:
            _raise_disk(self.folder, error)

    def write(self, *events: AnyEvent) -> None:
        """Appends the events in one piece. A disk that refuses leaves no half line: raises LabProblem."""
        try:
            self._append(b"".join(map(line, events)))
        except OSError as error:
            _raise_disk(self.folder, error)

    def close(self) -> None:
        os.close(self._fd)

    def _append(self, data: bytes) -> None:
        before = os.fstat(self._fd).st_size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os.ftruncate(self._fd, before)
            raise


# ---- disk and processes ------------------------------------------------------------------------------------


def this_host() -> str:
    """This machine's name, as run.json and worker.json hold it."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "")


def write_atomic(file: Path, data: bytes) -> None:
    """Replaces the file as a whole, on disk when this returns. Raises LabProblem where the disk refuses."""
    try:
        _write_whole(file, data)
    except OSError as error:
        _raise_disk(file.parent, error)


def _write_whole(file: Path, data: bytes) -> None:
    unready = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unready.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        unready.replace(file)
        _sync_folder(file.parent)
    except OSError:
        with suppress(OSError):
            unready.unlink(missing_ok=True)
        raise


def _raise_disk(folder: Path, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise LabProblem("disk-full", folder=folder) from error
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        raise LabProblem("read-only", folder=folder) from error
    raise LabProblem("cannot-write", folder=folder, detail=error.strerror or error) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse; the rename itself has happened
            os.fsync(fd)
    finally:
        os.close(fd)


def _is_process(worker: Worker) -> bool:
    # Slow to import, so only where a process has to be looked at; its type stubs may not be installed.
    import psutil  # type: ignore[import-untyped, unused-ignore]

    try:
        process = psutil.Process(worker.pid)
        same: bool = abs(process.create_time() - worker.created) < SAME_START_S
        return same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _event(raw: bytes) -> AnyEvent | None:
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _tail(file: Path) -> list[bytes]:
    """The last lines of a file, as far as TAIL_BYTES go; the first of them may be torn."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - TAIL_BYTES))
            data = opened.read()
    except OSError:
        return []
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _last_byte(fd: int, size: int) -> bytes:
    os.lseek(fd, size - 1, os.SEEK_SET)
    return os.read(fd, 1)


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("-inf")
