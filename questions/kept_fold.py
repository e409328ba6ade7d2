"""The state folded from a log, kept in the cache folder: a start reads what is new instead of replaying years.

It is used only where nothing can be wrong with it: the same code and bank, every event file as it was or grown at its
end, and all that is new later than all that was folded, under ids not seen before. Any doubt means a replay. The kept
state may be deleted or damaged at any moment.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from questions.event_lines import Newer, parsed
from questions.events import Bet, Event, unread_bets, when
from questions.plain import packed, unpacked
from questions.progress import Progress
from questions.schedule import Fold
from questions.shapes import Bank

FEW: Final = 1000  # events that are replayed as fast as they are brought back
WORTH_KEEPING: Final = 300  # events since the last time: replaying these takes about 10 ms
TAIL: Final = 4096  # bytes before the end of what was read, which must be the same when a file has grown
LATELY: Final = 14 * 24 * 3600 * 10**9  # ns; a process that appends has seldom been open for longer
CODE: Final = Path(__file__).parent


class _File(NamedTuple):
    """An event file as it was when it was read up to `end`."""

    size: int
    written: int  # ns
    changed: int  # ns; unlike `written` it cannot be set back
    end: int  # of its last whole line
    tail: str  # hash


class Doubt(Exception):
    """Something is not as it was; replay."""


class KeptFold:
    """The fold of a log over a bank.

    `look()` holds every event file against what is kept. `now()` is for the moment: what was read before and what this
    process has recorded since; when nothing was read yet, what the cache knows, new files, and those written lately.
    """

    def __init__(self, log: Progress, bank: Bank, cache: Path) -> None:
        name = _hash(str(log.folder.resolve()).encode(errors="surrogateescape"))
        self._log, self._bank, self._place = log, bank, cache / f"fold-{name}.msgpack"
        self._state: Fold | None = None
        self._files: dict[str, _File] = {}
        self._last: tuple[datetime, str] | None = None
        self._ids: dict[str, tuple[int, str]] | None = (
            None  # stem: greatest number behind it; worked out when needed
        )
        self._unnumbered: list[str] = []  # the ids to work it out from: those of the last replay
        self._unsure: list[Event] | None = None  # what was replayed, where a file could not be read
        self._fresh = 0  # events folded since it was last kept
        self.events = 0
        self.unread: dict[str, Bet] = {}  # locked bets whose result has not been read, by lab

    def now(self) -> Fold:
        """The state after every event read so far and every one of our own."""
        own, folder = self._log.own, self._log.folder
        try:
            if self._state is None:
                self._restore()
                return self._grown({name: (folder / name).stat() for name in self._lately(_names(folder))})
            return self._state if own is None else self._grown({own.name: own.stat()})
        except (Doubt, OSError):
            return self.look()

    def look(self) -> Fold:
        """The state after every event on the disk, those of other windows included."""
        found = _scan(self._log.folder)
        try:
            if self._state is None:
                self._restore()
            if not self._files.keys() <= found.keys():
                raise Doubt  # a file is gone
            return self._grown(found)
        except (Doubt, OSError):
            with _without_collector():
                return self._replayed(found)

    def _lately(self, names: set[str]) -> list[str]:
        """Files that were not there or were written in the last days before the state was kept."""
        if not self._files.keys() <= names:
            raise Doubt
        newest = max((file.written for file in self._files.values()), default=0)
        return [n for n in names if n not in self._files or self._files[n].written > newest - LATELY]

    # from the disk

    def _restore(self) -> None:
        with _without_collector():
            try:
                data = self._place.read_bytes()
                digest, body = data[:32], data[32:]
                if sha256(body).digest() != digest:
                    raise Doubt
                made_by, files, last, ids, events, unread, state = msgspec.msgpack.decode(body)
                if made_by != _maker(self._bank):
                    raise Doubt
                outside = {"bank": self._bank}
                foreseen, state = state
                self._state = unpacked(state, outside)
                _put_off(self._state, foreseen)
                self._files = {name: _File(*row) for name, row in files.items()}
                self._last = unpacked(last, outside)
                self._ids = {stem: (length, number) for stem, (length, number) in ids.items()}
                self.events, self.unread = events, unpacked(unread, outside)
            except (OSError, msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError):
                raise Doubt from None

    def save(self) -> bool:
        """Keeps the state where that saves a later start some time. Trouble with the cache costs that time only."""
        if (
            self._state is None
            or self.events < FEW
            or self._fresh < WORTH_KEEPING
            or self._unsure is not None
        ):
            return False
        own = self._place.with_name(f"{self._place.name}.{os.getpid()}")
        try:
            body = self._dumped(self._state)
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_bytes(sha256(body).digest() + body)
            own.replace(self._place)
        except (OSError, TypeError):  # TypeError: the fold holds something that plain.py does not know yet
            with suppress(OSError):
                own.unlink()
            return False
        self._fresh = 0
        return True

    def _dumped(self, state: Fold) -> bytes:
        with _without_collector():
            outside = {id(self._bank): "bank"}
            ids = self._known_ids()
            _whole(state)
            return msgspec.msgpack.encode(
                [
                    _maker(self._bank),
                    self._files,
                    packed(self._last, outside),
                    ids,
                    self.events,
                    packed(self.unread, outside),
                    _in_two(state, outside),
                ]
            )

    # from the log

    def _replayed(self, found: Mapping[str, os.stat_result]) -> Fold:
        self._log.refresh()
        events = self._log.events()
        if self._state is not None and events == self._unsure:
            return self._state  # a file cannot be read, and nothing else is new
        self._unsure = events if self._log.problems else None
        state = Fold(self._bank)
        state.feed(events)
        self._state, self._ids, self.unread = state, None, {}
        self._unnumbered = self._log.ids()  # now: soon the log knows events that are still to be folded
        unread_bets(events, self.unread)
        self.events = self._fresh = len(events)
        self._last = when(events[-1]) if events else None
        self._files = {}
        ends = self._log.ends
        for name, stat in found.items():
            if (end := ends.get(name)) is not None:
                self._files[name] = _file(stat, end, _tail(self._log.folder / name, end))
        return state

    def _grown(self, found: Mapping[str, os.stat_result]) -> Fold:
        assert self._state is not None
        new: list[Event] = []
        files: dict[str, _File] = {}
        ids: list[str] = []
        for name, stat in found.items():
            before = self._files.get(name)
            if before is None or before[:3] != (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns):
                for event in self._read(name, stat, before, files):
                    ids.append(event.id)
                    if not isinstance(event, Newer):
                        new.append(event)
        if new or ids:
            new.sort(key=when)
            self._check(new, ids)
            self._state.feed(new)
            unread_bets(new, self.unread)
            self.events += len(new)
            self._fresh += len(new)
            self._last = when(new[-1]) if new else self._last
        self._files.update(files)
        return self._state

    def _read(
        self, name: str, stat: os.stat_result, before: _File | None, files: dict[str, _File]
    ) -> list[Event | Newer]:
        """The whole lines behind what was read of a file."""
        path, end = self._log.folder / name, 0
        if before is not None:
            end = before.end
            if stat.st_size <= before.size or _tail(path, end) != before.tail:
                raise Doubt  # written to without growing, or grown elsewhere than at its end
        with path.open("rb") as file:
            file.seek(end)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        files[name] = _file(stat, end + len(whole), _tail(path, end + len(whole)))
        return parsed(whole)[0]

    def _check(self, new: list[Event], ids: list[str]) -> None:
        """Doubt where a replay could have taken the events in another order, or one of them for another."""
        if new and self._last is not None and when(new[0]) <= self._last:
            raise Doubt
        if len(set(ids)) < len(ids):
            raise Doubt
        known = self._known_ids()
        if any(stem in known and number <= known[stem] for stem, number in map(_numbered, ids)):
            raise Doubt
        for stem, number in map(_numbered, ids):
            known[stem] = max(number, known.get(stem, number))

    def _known_ids(self) -> dict[str, tuple[int, str]]:
        if self._ids is None:
            self._ids = {}
            for stem, number in map(_numbered, self._unnumbered):
                if number > self._ids.get(stem, (-1, "")):
                    self._ids[stem] = number
            self._unnumbered = []
        return self._ids


class _Later(Fold):
    """A fold whose predictions are unpacked when somebody asks for them, which makes it a plain one."""

    def __getattr__(self, name: str) -> Any:
        if name != "foreseen":
            raise AttributeError(name)
        _whole(self)
        return vars(self)[name]


def _in_two(state: Fold, outside: dict[int, str]) -> list[Any]:
    """The predictions, of which only the progress page makes use, and all else."""
    foreseen = state.foreseen
    del state.foreseen
    try:
        return [packed(foreseen, outside), packed(state, outside)]
    finally:
        state.foreseen = foreseen


def _put_off(state: Fold, foreseen: Any) -> None:
    vars(state)["foreseen_later"] = foreseen
    state.__class__ = _Later


def _whole(state: Fold) -> None:
    if type(state) is _Later:
        vars(state)["foreseen"] = unpacked(vars(state).pop("foreseen_later"), {})
        state.__class__ = Fold  # type: ignore[assignment]


def _maker(bank: Bank) -> str:
    """Changes with the bank and with our code: what they made is worthless then."""
    made = sha256(sys.byteorder.encode() + msgspec.msgpack.encode(bank, enc_hook=str))
    for entry in sorted(os.scandir(CODE), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            stat = entry.stat()
            made.update(f"{entry.name}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode())
    return made.hexdigest()


def _names(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if name.endswith(".jsonl")}  # noqa: PTH208 (of thousands of files)
    except OSError:
        return set()


def _scan(folder: Path) -> dict[str, os.stat_result]:
    """The event files, in order. One that is gone by now counts as never seen."""
    found: dict[str, os.stat_result] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".jsonl"):
                with suppress(OSError):
                    found[entry.name] = entry.stat()
    return dict(sorted(found.items()))


def _file(stat: os.stat_result, end: int, tail: str) -> _File:
    return _File(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, end, tail)


def _tail(path: Path, end: int) -> str:
    with path.open("rb") as file:
        file.seek(max(0, end - TAIL))
        return _hash(file.read(min(end, TAIL)))


def _numbered(id: str) -> tuple[str, tuple[int, str]]:
    """An id as its stem and the number behind it, which compares like a number however long it is."""
    stem = id.rstrip("0123456789")
    number = id[len(stem) :].lstrip("0")
    return stem, (len(number), number)


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


@contextmanager
def _without_collector() -> Iterator[None]:
    """It would walk all that was made so far again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
