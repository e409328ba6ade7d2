"""The log of answers: append-only files, one a process, whose union is everything known about a learner.

Two sessions need no lock, since nobody appends to another's file; copying files between machines is a sync.
A cut or foreign line is passed over and counted. An event of a newer version is passed over too, but kept: it
travels through export and import as it is.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from questions.event_disk import not_saved, same_file, size_of, sync, sync_folder, write_whole
from questions.event_lines import EXPORT_VERSION, Newer, event_of, export_lines, line_of, parsed
from questions.events import (
    VERSION,
    Answer,
    Bet,
    Event,
    Pause,
    Placement,
    Readout,
    Reason,
    Result,
    Session,
    Skip,
    Weights,
    decode,
    encode,
    local_day,
    local_now,
    summary,
    when,
)
from questions.problems import BankProblem

__all__ = [
    "Answer",
    "Bet",
    "Event",
    "Pause",
    "Placement",
    "Progress",
    "Readout",
    "Reason",
    "Result",
    "Session",
    "Skip",
    "Weights",
    "local_day",
    "local_now",
    "summary",
]

E = TypeVar("E", Answer, Reason, Bet, Result, Readout, Session, Skip, Pause, Placement, Weights)


class Progress:
    """Owns the events: records new ones, and holds the union of all files of the folder.

    `now` gives the time in the learner's time zone; `host` and `pid` name this process's file, which is made
    at the first record. Nothing is read or written by making a Progress.
    """

    def __init__(self, folder: Path, *, host: str, pid: int, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self.problems: list[BankProblem] = []  # event files that could not be read
        self._name = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', host)[:40] or 'host'}-{pid}"
        self._now = now
        self._file: Path | None = None  # this process's own
        self._fd = -1
        self._written = 0  # events this process has put into its file
        self._known: dict[str, Event | Newer] = {}
        self._merged: list[Event] = []  # sorted by (at, id)
        self._read_to: dict[Path, int] = {}
        self._foreign = 0
        self._torn: set[Path] = set()
        self._loaded = False

    @classmethod
    def here(cls, folder: Path) -> Progress:
        """The log as this process on this machine keeps it."""
        from socket import gethostname

        return cls(folder, host=gethostname(), pid=os.getpid(), now=local_now)

    # reading

    def events(self) -> list[Event]:
        """All events of all files, by (at, id), each id once. The list is the caller's to keep."""
        if not self._loaded:
            self.refresh()
        return list(self._merged)

    def refresh(self) -> int:
        """Reads what other processes have appended since; returns how many events are new."""
        before = len(self._known)
        self.problems.clear()
        if any(size_of(path) < end for path, end in self._read_to.items()):  # a file was cut: start over
            self._known.clear()
            self._merged.clear()
            self._read_to.clear()
            self._torn.clear()
            self._foreign = 0
        found: list[Event | Newer] = []
        for path in sorted(self.folder.glob("*.jsonl")):
            try:
                found += self._read(path)
            except OSError as error:
                self.problems.append(BankProblem("unreadable", file=path, why=error.strerror or error))
        self._add(found)  # of all files at once, since it sorts
        self._loaded = True
        return max(0, len(self._known) - before)

    @property
    def skipped(self) -> int:
        """Lines that were passed over because they are cut or not ours."""
        return self._foreign + len(self._torn)

    @property
    def loaded(self) -> bool:
        """Whether the files have been read."""
        return self._loaded

    @property
    def own(self) -> Path | None:
        """This process's own file, once it is made."""
        return self._file

    @property
    def ends(self) -> dict[str, int]:
        """How far each file was read, by its name: to the end of its last whole line."""
        return {path.name: end for path, end in self._read_to.items()}

    def ids(self) -> list[str]:
        """Ids of all events, those of a newer torchproof among them."""
        return list(self._known)

    @property
    def newer(self) -> int:
        """Events of a newer torchproof, kept and passed over."""
        return len(self._known) - len(self._merged)

    def _read(self, path: Path) -> list[Event | Newer]:
        """What is new in a file."""
        start = self._read_to.get(path, 0)
        if start and path.stat().st_size == start:  # nothing new: of thousands of files few grow
            return []
        with path.open("rb") as file:
            file.seek(start)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._torn.discard(path)
        if end < len(data):
            self._torn.add(path)
        self._read_to[path] = start + end
        found, foreign = parsed(data[:end])
        self._foreign += foreign
        return found

    def _add(self, found: list[Event | Newer]) -> None:
        fresh: list[Event] = []
        replaced = False
        for event in found:
            held = self._known.setdefault(event.id, event)
            if held is event:
                if not isinstance(event, Newer):
                    fresh.append(event)
            elif held != event and line_of(event) < line_of(held):
                self._known[event.id] = (
                    event  # one id, two contents: the same one wins in every reading order
                )
                replaced = True
        if replaced:
            self._merged = sorted((e for e in self._known.values() if not isinstance(e, Newer)), key=when)
        elif fresh:
            in_order = not self._merged or when(self._merged[-1]) < min(map(when, fresh))
            self._merged.extend(sorted(fresh, key=when))
            if not in_order:
                self._merged.sort(key=when)

    # writing

    def record(self, event: E) -> E:
        """Stamps the event, writes it as one line and returns it once it is on the disk.

        Raises BankProblem ("disk-full", "read-only" or "cannot-save"); then nothing of it is in the file.
        Raises msgspec.ValidationError for an event that could not be read back (p = nan).
        """
        decode(encode(event))  # refuses what could not be read back
        now = self._now()
        if now.tzinfo is None:
            now = now.astimezone()
        self._open()
        assert self._file is not None
        at = now.astimezone(UTC)
        stamped = msgspec.structs.replace(
            event,
            v=VERSION,
            id=f"{self._file.stem}-{self._written:06d}",
            at=at.replace(microsecond=at.microsecond // 1000 * 1000),
            day=local_day(now),
        )
        self._append(encode(stamped) + b"\n")
        self._written += 1
        if self._loaded:
            self._add([stamped])
        return stamped

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._file = None

    def _open(self) -> None:
        """Makes this process's own file, which nobody else appends to."""
        if self._fd >= 0 and self._file and same_file(self._fd, self._file):
            return
        self.close()
        start = self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for again in range(1000):
                path = self.folder / f"{self._name}-{start}{f'-{again}' if again else ''}.jsonl"
                try:
                    self._fd = os.open(path, flags, 0o644)
                    break
                except FileExistsError:
                    continue
            else:
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.folder))
        except OSError as error:
            raise not_saved(error, self.folder) from None
        self._file = path
        self._written = 0
        sync_folder(self.folder)

    def _append(self, data: bytes) -> None:
        """Adds whole lines to this process's file, or nothing at all."""
        assert self._file is not None
        size = 0
        try:
            size = os.fstat(self._fd).st_size
            if os.write(self._fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(self._fd)
        except OSError as error:
            file = self._file
            self._take_back(size)
            raise not_saved(error, file) from None
        if self._loaded:
            self._read_to[self._file] = size + len(data)

    def _take_back(self, size: int) -> None:
        """Cuts the file back to its last whole line; where that fails the file is never used again."""
        assert self._file is not None
        try:
            os.ftruncate(self._fd, size)
            if size == 0:
                self._file.unlink()
                self.close()
        except OSError:
            self.close()

    # moving to another machine

    def exported(self) -> Iterator[bytes]:
        """The lines of an export, header first, each event once and as it was written."""
        lines: dict[str, tuple[datetime, str, bytes]] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise BankProblem("unreadable", file=path, why=error.strerror or error) from None
            for line in data.split(b"\n")[:-1]:
                if event := event_of(line):
                    found = (event.at, event.id, line)
                    lines[event.id] = min(found, lines.get(event.id, found))
        header = {"torchproof": "progress", "v": EXPORT_VERSION, "events": len(lines), "at": self._now()}
        yield msgspec.json.encode(header) + b"\n"
        for _, _, line in sorted(lines.values()):
            yield line + b"\n"

    def export(self, path: Path) -> int:
        """Writes everything into one file and returns the number of events. Raises BankProblem."""
        self.check_outside(path)
        lines = list(self.exported())
        write_whole(path, lines)
        return len(lines) - 1

    def check_outside(self, path: Path) -> None:
        """Raises BankProblem for a file that would lie among the events."""
        if path.resolve().parent == self.folder.resolve():
            raise BankProblem("export-among-events", file=path.resolve())

    def import_(self, path: Path) -> int:
        """Adds the events of an export that are not here yet and returns their number.

        Raises BankProblem before anything is written when a single line of the file is not ours.
        """
        found = export_lines(path)
        self.refresh()
        missing = [line for event, line in found if event.id not in self._known]
        if not missing:
            return 0
        self._open()
        self._append(b"".join(line + b"\n" for line in missing))
        self._add([event for event, _ in found if event.id not in self._known])
        return len(missing)
