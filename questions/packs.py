"""Packs: banks from elsewhere and imported FAQs, each a folder of the bank's form below `<data>/packs`.

A pack is text. It is copied file by file, without links and with an end to its size, and read as the bank is; whether
its code may be run is written down beside it, where no pack can write (`pack_record`).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from questions import catalog, snapshot
from questions.characters import FORBIDDEN
from questions.pack_record import Record, digest, kept, read_record, record_file, write_record
from questions.places import MOST
from questions.problems import BankProblem, hint
from questions.shapes import Bank
from questions.tree import walk

MOST_BYTES = 16 * 2**20  # our own bank has about one million
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_ID = re.compile(r"[^\W_][\w.-]{0,63}")
_READ = (".md", ".toml")


class Pack(Struct, frozen=True):
    """A pack that lies here. `bank` has the ids of its files; `problem` is why nothing of it could be read."""

    name: str
    folder: Path
    bank: Bank = Bank()
    problem: BankProblem | None = None

    @property
    def problems(self) -> tuple[BankProblem, ...]:
        return (self.problem,) if self.problem else self.bank.problems


def name_from(path: Path) -> str:
    """A name for a pack made of this file or folder; "pack" where its own has no letter that may stand in one."""
    words = re.findall("[a-z0-9]+", path.stem.lower() if path.suffix else path.name.lower())
    return "-".join(words)[:32].strip("-") or "pack"


def check_name(name: str, home: Path) -> None:
    """Raises BankProblem: "pack-name", or "pack-exists" where it is taken."""
    if not _NAME.fullmatch(name):
        raise BankProblem("pack-name", name=name)
    if os.path.lexists(home / name):
        raise BankProblem("pack-exists", name=name, folder=home / name)


def add(
    source: Path, home: Path, name: str, *, now: datetime, allow_code: bool = False
) -> tuple[Bank, list[Path]]:
    """Copies the pack in `source` to `home` and returns what is in it and the files that it left behind.

    Where the bank that comes back has problems, which name files of `source`, nothing was added. Raises BankProblem
    for what keeps a pack from being read at all: its name, a link, a size, an id, a broken table.
    """
    check_name(name, home)
    if not source.is_dir():
        raise BankProblem("pack-folder", file=source)
    with staging(home) as staged:
        left = _copy(source, staged)
        try:
            bank = read(staged)
        except BankProblem as problem:
            raise _seen_from(source, staged, problem) from None
        problems = tuple(_seen_from(source, staged, problem) for problem in bank.problems)
        if not problems:
            install(staged, home, name, source=str(source), now=now, allow_code=allow_code)
    return Bank(
        entries=bank.entries,
        claims=bank.claims,
        misconceptions=bank.misconceptions,
        questions=bank.questions,
        by_claim=bank.by_claim,
        drafts=bank.drafts,
        problems=problems,
    ), left


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """A new folder beside the packs, to be filled and installed; what is left of it at the end is deleted."""
    home.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=".adding-", dir=home))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def install(
    staged: Path, home: Path, name: str, *, source: str, now: datetime, allow_code: bool = False
) -> None:
    """Makes a staged folder the pack of this name, all at once. Raises BankProblem("pack-exists")."""
    contents = digest(staged)
    staged.chmod(0o755)  # mkdtemp gives it to nobody else
    try:
        staged.rename(home / name)
    except OSError:
        check_name(name, home)
        raise
    write_record(home, name, Record(now, source, contents, contents if allow_code else None))


def read(folder: Path, cache: Path | None = None) -> Bank:
    """The bank in a pack's folder, through the snapshot where there is a `cache`.

    Raises BankProblem as `catalog.load` does, and for links, sizes and ids that no pack may have.
    """
    try:
        _survey(folder)
    except OSError as error:
        raise BankProblem("unreadable", file=folder, why=error.strerror or error) from None
    bank = catalog.load(folder) if cache is None else snapshot.load(folder, cache=cache)
    _check_ids(folder, bank)
    return bank


def names(home: Path) -> list[str]:
    """The packs that lie in `home`, in the order in which the learner added them."""
    found = [name for name in _folders(home) if _NAME.fullmatch(name)]
    return sorted(found, key=lambda name: (kept(home, name).added.timestamp(), name))


def load_all(home: Path, cache: Path | None = None) -> list[Pack]:
    """Every pack, each whether or not another is broken; a folder that somebody put here by a name that no pack can
    have is one that cannot be read."""
    strange = [name for name in _folders(home) if not _NAME.fullmatch(name)]
    return [load(home, name, cache) for name in names(home)] + [
        Pack(name, home / name, problem=BankProblem("pack-name", name=name)) for name in sorted(strange)
    ]


def _folders(home: Path) -> list[str]:
    try:
        with os.scandir(home) as entries:
            return [
                e.name for e in entries if not e.name.startswith(".") and not e.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []


def load(home: Path, name: str, cache: Path | None = None) -> Pack:
    """One pack; what is wrong with it stands in it."""
    folder = home / name
    try:
        return Pack(name, folder, read(folder, cache))
    except BankProblem as problem:
        return Pack(name, folder, problem=problem)


def trusted(home: Path, name: str) -> Bank | None:
    """The pack as the learner allowed its code to be run; None where that is not so, or not so any more."""
    record = read_record(home, name)
    if record is None or record.allowed is None or record.allowed != _digest_of(home / name):
        return None
    bank = read(home / name)  # not from a snapshot, which only looks at times and sizes
    return bank if record.allowed == _digest_of(home / name) else None


def is_allowed(home: Path, name: str) -> bool:
    """Whether the learner has allowed the code of this pack, as it is now, to be run."""
    record = read_record(home, name)
    return record is not None and record.allowed is not None and record.allowed == _digest_of(home / name)


def allow(home: Path, name: str, *, now: datetime) -> None:
    """From now on the code of this pack may be run, until a file of it changes. Raises BankProblem."""
    known(home, name)
    _survey(home / name)
    record = kept(home, name)
    if record.contents is None:  # put here by hand
        record = Record(now, "", digest(home / name), None)
    write_record(home, name, Record(record.added, record.source, record.contents, digest(home / name)))


def remove(home: Path, name: str, *, edited: bool = False) -> None:
    """Deletes a pack and its record; answers stay in the log, and count again when it comes back by that name.

    Raises BankProblem: "pack-unknown", or "pack-edited" where that would delete work done here, unless `edited`.
    """
    known(home, name)
    folder = home / name
    record = read_record(home, name)
    if folder.is_symlink():
        folder.unlink()
    else:
        if not edited and (record is None or record.contents != _digest_of(folder)):
            raise BankProblem("pack-edited", name=name, folder=folder)
        with staging(home) as away:
            folder.rename(away / name)
    with suppress(FileNotFoundError):
        record_file(home, name).unlink()


def known(home: Path, name: str) -> None:
    """Raises BankProblem("pack-unknown") where there is no pack of this name."""
    there = names(home)
    if name not in there:
        raise BankProblem("pack-unknown", name=name, hint=hint(name, there))


def _digest_of(folder: Path) -> str | None:
    """The digest of a pack's files, None where they cannot be read or are not what a pack may have."""
    try:
        _survey(folder)
        return digest(folder)
    except (OSError, BankProblem):
        return None


def _survey(folder: Path) -> None:
    """Looks at names and sizes without reading. Raises BankProblem, and OSError."""
    if folder.is_symlink():
        raise BankProblem("link", file=folder)
    size = 0
    for entry in walk(folder):
        if entry.is_symlink():
            raise BankProblem("link", file=Path(entry.path))
        if not entry.is_file(follow_symlinks=False):
            raise BankProblem("not-a-file", file=Path(entry.path))
        if entry.name.endswith(_READ):
            size += entry.stat(follow_symlinks=False).st_size
    if size > MOST_BYTES:
        raise BankProblem("pack-bytes", file=folder, most=MOST_BYTES)


def _copy(source: Path, target: Path) -> list[Path]:
    """Copies what the bank's form knows; the paths of other files come back. Raises BankProblem, and OSError."""
    left: list[Path] = []
    size = 0
    for entry in walk(source):
        path = Path(entry.path)
        inside = path.relative_to(source)
        if FORBIDDEN.search(str(inside)) or "\n" in str(inside) or "\t" in str(inside):
            raise BankProblem("pack-file-name", file=path)
        if entry.is_symlink():
            raise BankProblem("link", file=path)
        if not entry.is_file(follow_symlinks=False):
            raise BankProblem("not-a-file", file=path)
        if not entry.name.endswith(_READ):
            left.append(inside)
            continue
        data = _bytes(path)
        size += len(data)
        if size > MOST_BYTES:
            raise BankProblem("pack-bytes", file=source, most=MOST_BYTES)
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        (target / inside).write_bytes(data)
    return left


def _bytes(path: Path) -> bytes:
    """An ordinary file, even where somebody puts a link or a pipe in its place meanwhile."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BankProblem("not-a-file", file=path)
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise BankProblem("too-large", file=path, size=path.lstat().st_size, most=MOST)
    return data


def _check_ids(folder: Path, bank: Bank) -> None:
    """Ids become part of the log and of the screen, and "/" stands between them and the pack's name."""
    drafts = {draft.id: draft.file for draft in bank.drafts}
    tables: Iterable[tuple[Iterable[str], str]] = (
        (bank.entries, "entries.toml"),
        (bank.misconceptions, "misconceptions.toml"),
    )
    for ids, table in tables:
        for id in ids:
            if not _ID.fullmatch(id):
                raise BankProblem("pack-id", file=folder / table, id=id)
    files = {id: thing.file for group in (bank.claims, bank.questions) for id, thing in group.items()}
    for id, file in {**files, **drafts}.items():
        if not _ID.fullmatch(id):
            raise BankProblem("pack-id", file=file, id=id)


def _seen_from(source: Path, staged: Path, problem: BankProblem) -> BankProblem:
    """The problem as it is in the folder that was copied."""
    fields = {
        name: source / value.relative_to(staged)
        if isinstance(value, Path) and value.is_relative_to(staged)
        else value
        for name, value in problem.fields.items()
    }
    return BankProblem(problem.key, **fields)
