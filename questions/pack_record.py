"""What is written down about a pack, beside its folder and so out of its reach: `<data>/packs/<name>.json`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from questions.tree import walk


class Record(Struct, frozen=True):
    """Where a pack came from. `allowed`: the contents whose code the learner allows to be run, None: of no contents."""

    added: datetime
    source: str = ""
    contents: str | None = None  # digest when it was added
    allowed: str | None = None  # digest when its code was allowed


_NONE = Record(datetime.max.replace(tzinfo=UTC))  # of a pack that was put here by hand: behind all others


def record_file(home: Path, name: str) -> Path:
    return home / f"{name}.json"


def read_record(home: Path, name: str) -> Record | None:
    """The record of a pack; None where there is none that can be read, which allows nothing."""
    try:
        record = msgspec.json.decode(record_file(home, name).read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    return record if record.added.tzinfo else None


def kept(home: Path, name: str) -> Record:
    """The record of a pack, or an empty one."""
    return read_record(home, name) or _NONE


def write_record(home: Path, name: str, record: Record) -> None:
    """Raises OSError."""
    file = record_file(home, name)
    own = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        own.write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        own.replace(file)
    except OSError:
        own.unlink(missing_ok=True)
        raise


def digest(folder: Path) -> str:
    """Changes with any name or byte of the files that are read of a pack. Raises OSError and BankProblem."""
    made = sha256()
    for entry in sorted(walk(folder), key=lambda entry: entry.path):
        if entry.name.endswith((".md", ".toml")):
            path = Path(entry.path)
            inside = path.relative_to(folder).as_posix().encode(errors="surrogateescape")
            data = path.read_bytes()
            made.update(b"%d %d\n" % (len(inside), len(data)) + inside + data)
    return f"sha256:{made.hexdigest()}"
