"""Lines of event files: bytes in, events out. A cut or foreign line is passed over, one of a newer version kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from questions.events import TAGS, VERSION, Event, Moment, Stamped, decode, decode_lines, encode
from questions.problems import BankProblem

EXPORT_VERSION = 1


class _Envelope(Struct, frozen=True):
    """What every event has, whatever its version."""

    id: str
    at: Moment
    event: str
    v: int


class _Header(Struct, frozen=True):
    """First line of an export."""

    torchproof: str
    v: int
    events: int


class Newer(Struct, frozen=True):
    """An event this version does not know, kept as it was written."""

    id: str
    at: datetime
    line: bytes


def parsed(data: bytes) -> tuple[list[Event | Newer], int]:
    """Events of whole lines, and how many lines were passed over."""
    try:
        plain = decode_lines(data)
        if all(e.v == VERSION and _plausible(e) for e in plain):
            return [*plain], 0
    except (msgspec.MsgspecError, RecursionError):
        pass
    found: list[Event | Newer] = []
    foreign = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        if event := event_of(line):
            found.append(event)
        else:
            foreign += 1
    return found, foreign


def event_of(line: bytes) -> Event | Newer | None:
    """One line, or None where it is not an event at all."""
    try:
        head = msgspec.json.decode(line, type=_Envelope)
        if not head.id or head.v < 1 or not _plausible(head):
            return None
        if head.v > VERSION or head.event not in TAGS:
            return Newer(head.id, head.at, line)
        return decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _plausible(event: Stamped | _Envelope) -> bool:
    """Far dates would overflow the arithmetic of due days."""
    if isinstance(event, Stamped) and not 1970 <= event.day.year <= 3000:
        return False
    return 1970 <= event.at.year <= 3000


def line_of(event: Event | Newer) -> bytes:
    return event.line if isinstance(event, Newer) else encode(event)


def export_lines(path: Path) -> list[tuple[Event | Newer, bytes]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BankProblem("missing-export", file=path) from None
    except OSError as error:
        raise BankProblem("unreadable", file=path, why=error.strerror or error) from None
    first, _, rest = data.partition(b"\n")
    try:
        header = msgspec.json.decode(first, type=_Header)
    except (msgspec.MsgspecError, RecursionError):
        raise BankProblem("not-ours", file=path, line=1) from None
    if header.torchproof != "progress":
        raise BankProblem("not-ours", file=path, line=1)
    if header.v > EXPORT_VERSION:
        raise BankProblem("export-newer", file=path, version=header.v)
    found: list[tuple[Event | Newer, bytes]] = []
    lines = rest.split(b"\n")
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        event = event_of(line)
        if event is None and number == len(lines) + 1:  # the last line, without its end
            break
        if event is None:
            raise BankProblem("not-ours", file=path, line=number)
        found.append((event, line))
    if len(found) != header.events:
        raise BankProblem("export-cut", file=path, expected=header.events, got=len(found))
    return found
