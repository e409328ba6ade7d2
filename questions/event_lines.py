"""Lines of event files: bytes in, events out. A cut or foreign line is passed over, one of a newer version kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from questions.events import TAGS, VERSION, Event, Moment, decode, decode_lines, encode
from questions.problems import BankProblem

EXPORT_VERSION = 1
_YEARS = frozenset(range(1970, 3001))  # those far off would overflow the arithmetic of due days


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
        years = {event.at.year for event in plain} | {event.day.year for event in plain}
        if {event.v for event in plain} <= {VERSION} and _YEARS.issuperset(years):
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
        if not head.id or head.v < 1 or head.at.year not in _YEARS:
            return None
        if head.v > VERSION or head.event not in TAGS:
            return Newer(head.id, head.at, line)
        event = decode(line)
        return event if event.day.year in _YEARS else None
    except (msgspec.MsgspecError, RecursionError):
        return None


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
