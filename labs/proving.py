"""Carries a proof out: starts the labs it needs, follows their runs, keeps its record on disk. No torch.

Whoever shows it calls `step()` again and again; nothing goes on between two steps but the runs themselves,
which belong to nobody. A proof that is dropped in the middle is taken up by the next from its record.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from labs import proof
from labs.catalog import Lab
from labs.hardware import Hardware, pick
from labs.journal import End, Follower, Run, create, runs, this_host, write_atomic
from labs.problems import LabProblem, recognise
from labs.proof import Broken, Need, Record, Row, Share, Stage, Terms
from labs.replay import Replay

LIVE = frozenset({"starting", "running"})
LOOK_S = 0.5  # between two looks at a run's process while its journal is silent
ROOM_MB = 1536  # memory that a lab may take

# What keeps one lab from running here keeps all of them.
HOPELESS = frozenset(
    {
        "python-missing",
        "python-old",
        "package-missing",
        "torch-missing",
        "torch-broken",
        "device-unusable",
    }
)


class Item:
    """One lab of a proof, and the run that measures it."""

    def __init__(self, need: Need) -> None:
        self.need = need
        self.stage: Stage = "waiting"
        self.run: Run | None = None
        self.replay: Replay | None = None
        self.reason = ""
        self.taken_over = False
        self.ours = False  # started by this proof, now or before it was interrupted
        self.spent_s = 0.0
        self._follower: Follower | None = None
        self._since = 0.0
        self._looked = 0.0

    @property
    def lab(self) -> Lab:
        return self.need.lab

    @property
    def seconds(self) -> float:
        """Of work on the run."""
        end = self.replay.end if self.replay is not None else None
        return end.seconds if end is not None else self.spent_s if self.stage == "running" else 0.0

    def rows(self) -> list[Row]:
        return proof.fold(
            self.need,
            self.replay,
            self.stage,
            seconds=round(self.seconds, 3),
            reason=self.reason,
            run=self.run.id if self.run is not None else "",
            taken_over=self.taken_over,
        )

    def share(self, now: float) -> Share:
        """now: seconds since the epoch."""
        replay = self.replay
        return Share(
            self.lab.estimate_s,
            self.stage,
            replay.progress if replay is not None else 0.0,
            self.spent_s,
            replay.eta_s(now) if replay is not None else None,
            counts=not self.taken_over,
        )

    def attach(self, run: Run, at: float) -> None:
        """Follow this run from its first event. at: the moment, by the proof's clock."""
        self.run, self.replay, self.stage, self.reason = run, Replay(), "running", ""
        self._follower, self._since, self._looked = Follower(run), at, at - LOOK_S

    def look(self, at: float) -> bool:
        """Read what is new. True when something changed that is shown."""
        if self.run is None or self.replay is None or self._follower is None or self.stage != "running":
            return False
        events = self._follower.poll()
        self.replay.feed(events)
        self.spent_s = at - self._since
        ended = bool(events) and isinstance(events[-1], End)
        if not ended and (events or at - self._looked < LOOK_S):
            return bool(events)
        self._looked = at
        status = self.run.status()
        if status in LIVE:
            return bool(events)
        self.replay.feed(self._follower.poll())  # written between the two looks
        self.stage = "running" if status == "starting" else status
        end = self.replay.end
        if status in ("failed", "lost"):
            self.reason = (end.error if end else None) or str(LabProblem("proof-lost", log=self.run.log_file))
        elif status == "stopped":
            self.reason = str(LabProblem("proof-stopped"))
        return True


class Proving:
    """A proof under way. `items`: its labs in reading order; `rows()`: all its rules, by claim.

    start, stop: set a process to work on a run (true: it must share nothing), tell one to end; labs.bench has both.
    torch: the version that runs now would have, None where nobody knows: then nothing is taken over.
    jobs: labs at once. budget_s: seconds from now after which nothing goes on.
    """

    def __init__(
        self,
        needs: Sequence[Need],
        broken: Sequence[Broken],
        record: Record,
        file: Path,
        folder: Path,
        *,
        start: Callable[[Run, bool], Awaitable[None]],
        stop: Callable[[Run], Awaitable[None]],
        torch: str | None,
        python: str,
        version: str,
        by: Literal["app", "command"],
        jobs: int = 1,
        budget_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """file: the record's. folder: of all runs."""
        self.items = [Item(need) for need in needs]
        self.broken = list(broken)
        self.record = record
        self.jobs = max(1, jobs)
        self.began = clock()
        self.stopping = False
        self.hopeless = ""  # why no lab can run here
        self._file = file
        self._folder = folder
        self._start = start
        self._stop = stop
        self._torch = torch
        self._python = python
        self._version = version
        self._by = by
        self._budget_s = budget_s
        self._clock = clock
        self._now = now

    # where it stands

    @property
    def live(self) -> list[Item]:
        return [item for item in self.items if item.stage == "running"]

    @property
    def over(self) -> bool:
        return not any(item.stage in ("waiting", "running") for item in self.items)

    @property
    def seconds(self) -> float:
        """Since this part of the proof began."""
        return self._clock() - self.began

    def rows(self) -> list[Row]:
        rows = [row for item in self.items for row in item.rows()]
        return proof.in_order(rows + [row for one in self.broken for row in proof.fold_broken(one)])

    def progress(self) -> float:
        return proof.progress(self._shares())

    def time_left(self) -> float:
        left = proof.time_left(self._shares(), self.jobs)
        return left if self._budget_s is None else max(0.0, min(left, self._budget_s - self.seconds))

    def _shares(self) -> list[Share]:
        now = time.time()
        return [item.share(now) for item in self.items]

    # what happens

    def recall(self) -> None:
        """Show the runs that the record names, whatever has become of them; those that live are followed."""
        for item in self.items:
            run = Run(self._folder / self.record.runs.get(item.lab.id, "-"))
            if run.folder.is_dir():
                item.attach(run, self._clock())
                item.taken_over = item.ours = True
                item.look(self._clock())

    def take_over(self) -> list[Item]:
        """Take over what has been measured since the record began, and follow what is being measured."""
        shas = {item.lab.id: _sha256(item.lab) for item in self.items}
        fitting: dict[str, list[Run]] = {}
        for run in runs(self._folder):  # newest first
            sha = shas.get(run.spec.lab)
            item = next((item for item in self.items if item.lab.id == run.spec.lab), None)
            if item is not None and sha is not None and proof.fits(run.spec, item.lab, sha, self.record):
                fitting.setdefault(item.lab.id, []).append(run)
        taken = []
        for item in self.items:
            for run in fitting.get(item.lab.id, ()):
                status = run.status()
                if status not in LIVE and status != "done":
                    continue
                item.attach(run, self._clock())
                item.look(self._clock())
                if item.stage == "done" and not self._same_torch(item):
                    item.stage, item.run, item.replay = "waiting", None, None
                    continue
                item.taken_over = True
                item.ours = self.record.runs.get(item.lab.id) == run.id
                if item.stage == "done":
                    self._note_done(item)
                taken.append(item)
                break
        return taken

    def _same_torch(self, item: Item) -> bool:
        start = item.replay.start if item.replay is not None else None
        return start is not None and same_version(start.versions.get("torch", ""), self._torch)

    async def step(self) -> bool:
        """Look at what runs, and start what may start. True when something changed that is shown.

        Raises LabProblem where the disk refuses a run's folder or the record.
        """
        changed = self.look()
        if self.stopping:
            return changed
        if self._budget_s is not None and self.seconds >= self._budget_s:
            await self._run_out()
            return True
        for item in self._next():
            await self._begin(item)
            changed = True
        return changed

    def look(self) -> bool:
        """Read what the runs have written since the last look. Starts nothing."""
        changed = False
        for item in self.live:
            changed |= item.look(self._clock())
            if item.stage == "running":
                continue
            if item.stage == "done":
                self._note_done(item)
                self.save()
            elif item.stage in ("failed", "lost"):
                known = recognise(item.reason)
                if known is not None and known.key in HOPELESS:
                    self._give_up(item.reason)
        return changed

    def _next(self) -> list[Item]:
        """What may start now. A lab that measures time or memory runs by itself, after all others."""
        waiting = [item for item in self.items if item.stage == "waiting"]
        if self._budget_s is not None:  # the most claims that fit
            pace = proof.speed(self._shares())
            left = self._budget_s - self.seconds
            for item in waiting:
                if (item.lab.estimate_s + proof.START_S) * pace > left:
                    item.stage, item.reason = "skipped", str(LabProblem("proof-budget"))
            waiting = sorted(
                (item for item in waiting if item.stage == "waiting"), key=lambda item: item.lab.estimate_s
            )
        room = self.jobs - len(self.live)
        together = [item for item in waiting if not item.lab.alone]
        if any(item.lab.alone for item in self.live):
            return []
        if together:
            return together[: max(0, room)]
        return [] if self.live else waiting[:1]

    async def _begin(self, item: Item) -> None:
        lab, terms = item.lab, self.record.terms
        try:
            run = create(
                self._folder,
                lab,
                knobs=terms.knobs(lab),
                seeds=terms.seed_list(lab),
                max_seeds=terms.max_seeds(lab),
                device=terms.device,
                by=self._by,
                now=self._now(),
                python=self._python,
                version=self._version,
            )
        except LabProblem as problem:
            if problem.key != "lab-unreadable":  # a disk that refuses concerns them all
                raise
            item.stage, item.reason = "failed", str(problem)
            return
        item.attach(run, self._clock())
        item.ours = True
        self.record.runs[lab.id] = run.id
        self.save()
        with suppress(LabProblem):  # the run's events say the same
            await self._start(run, lab.alone)

    async def _run_out(self) -> None:
        for item in self.items:
            if item.stage == "waiting":
                item.stage, item.reason = "skipped", str(LabProblem("proof-budget"))
        await self.stop()
        for item in self.items:
            if item.stage == "stopped":
                item.reason = str(LabProblem("proof-budget"))

    async def stop(self) -> None:
        """Stop what this proof has started and start nothing more. What is measured stays measured."""
        self.stopping = True
        await asyncio.gather(
            *(self._stop(item.run) for item in self.live if item.ours and item.run is not None)
        )
        self.look()
        for item in self.items:
            if item.stage in ("waiting", "running"):
                item.stage, item.reason = "skipped", str(LabProblem("proof-stopped"))

    def _give_up(self, reason: str) -> None:
        self.hopeless = reason
        for item in self.items:
            if item.stage == "waiting":
                item.stage, item.reason = "failed", reason

    def _note_done(self, item: Item) -> None:
        record, start = self.record, item.replay.start if item.replay is not None else None
        if item.lab.id not in record.done:
            record.done.append(item.lab.id)
        if item.run is not None:
            record.runs[item.lab.id] = item.run.id
        if start is not None:
            record.torch = start.versions.get("torch", "") or record.torch

    def save(self) -> None:
        """Write the record. Raises LabProblem: disk-full, read-only or cannot-write."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._file, msgspec.json.format(msgspec.json.encode(self.record), indent=1))


# ---- the record --------------------------------------------------------------------------------------------


def record_file(state: Path) -> Path:
    """Where the record of this machine's proof is kept; a home may be shared by several machines."""
    host = "".join(c if c.isalnum() or c in "-." else "_" for c in this_host())
    return state / "proof" / f"{host or 'here'}.json"


def kept(file: Path) -> Record | None:
    """The record on disk; None where there is none that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def begin(file: Path, terms: Terms, needs: Sequence[Need], *, fresh: bool = False) -> tuple[Record, bool]:
    """The record to go on with or a new one, and whether it is an earlier proof's."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    wanted = [need.lab.id for need in needs]
    return proof.opened(kept(file), terms, wanted, host=this_host(), now=now, fresh=fresh)


# ---- this machine ------------------------------------------------------------------------------------------


def jobs_here(hardware: Hardware, device: str, memory_mb: float) -> int:
    """How many labs at once: as many as there are cores and memory for, on a graphics card one after another.

    A lab computes in one thread, and half of a short one is loading torch.
    """
    if device.startswith("cuda") or device == "mps":
        return 1
    if device == "auto" and ("apple" in hardware.notes or _card(hardware)):
        return 1
    return max(1, min(hardware.cores, int(memory_mb // ROOM_MB)))


def _card(hardware: Hardware) -> bool:
    return pick(hardware.gpus, hardware.visible, allocated=hardware.allocated).gpu is not None


def free_memory_mb() -> float:
    import psutil  # type: ignore[import-untyped, unused-ignore]

    return float(psutil.virtual_memory().available) / 2**20


def torch_version(python: str) -> str | None:
    """The version of torch that this interpreter would load, without loading it. None: not known."""
    import subprocess

    ask = "import importlib.metadata as m; print(m.version('torch'))"
    env = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            [python, "-c", ask], capture_output=True, text=True, timeout=30, env=env, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def same_version(one: str, other: str | None) -> bool:
    """Whether these are one version of torch; a package may leave out the build that torch tells ("+cpu")."""
    if not one or not other:
        return False
    (version, _, build), (second, _, second_build) = one.partition("+"), other.partition("+")
    return version == second and (build == second_build or not build or not second_build)


def _sha256(lab: Lab) -> str | None:
    from hashlib import sha256

    try:
        return sha256((lab.folder / "experiment.py").read_bytes()).hexdigest()
    except OSError:
        return None


def started(items: Sequence[Item]) -> list[Any]:
    """The start events of all runs, in order: they tell devices and versions."""
    return [item.replay.start for item in items if item.replay is not None and item.replay.start is not None]
