"""The bank as read before: kept in the cache folder while no file has changed, and rebuilt whenever one has.

Reading TOML in Python takes about 0.5 ms a question; reading the snapshot takes a tenth of that. It may be deleted at
any moment.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from questions import catalog
from questions.shapes import Bank

CODE = Path(__file__).parent  # a change of the readers makes old snapshots worthless as well


class _Snapshot(Struct):
    files: str  # fingerprint
    bank: Bank


def load(root: Path = catalog.BANK, *, cache: Path) -> Bank:
    """The same as `catalog.load(root)`. Raises BankProblem as that does; trouble with `cache` costs time only."""
    files = fingerprint(root)
    name = sha256(str(root.resolve()).encode()).hexdigest()[:16]
    kept = cache / f"bank-{name}.msgpack"
    try:
        snapshot = _decoded(kept.read_bytes())
        if snapshot.files == files:
            return snapshot.bank
    except (OSError, msgspec.DecodeError):
        pass
    bank = catalog.load(root)
    if not bank.problems:  # those are to be told of each time
        _write(kept, _Snapshot(files, bank))
    return bank


def _decoded(data: bytes) -> _Snapshot:
    """Without the garbage collector, which would walk all questions made so far again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _decoder.decode(data)
    finally:
        if collecting:
            gc.enable()


def fingerprint(root: Path) -> str:
    """Changes with the name, size or time of any file of the bank or of the code that reads it."""
    made = sha256()
    for folder, suffixes in ((root, (".md", ".toml")), (CODE, (".py",))):
        for entry in _files(str(folder), suffixes):
            stat = entry.stat(follow_symlinks=False)  # an editor's lock is a link to nowhere
            made.update(
                f"{entry.path}\0{stat.st_mtime_ns}\0{stat.st_size}\n".encode(errors="surrogateescape")
            )
    return made.hexdigest()


def _files(folder: str, suffixes: tuple[str, ...]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                if folder != str(CODE):
                    yield from _files(entry.path, suffixes)
            elif entry.name.endswith(suffixes):
                yield entry


def _write(path: Path, snapshot: _Snapshot) -> None:
    own = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(_encoder.encode(snapshot))
        own.replace(path)
    except (OSError, OverflowError, UnicodeError):  # the latter: a number or a name that msgpack cannot hold
        with suppress(OSError):
            own.unlink()


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value))


def _rich(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder = msgspec.msgpack.Decoder(_Snapshot, dec_hook=_rich)
