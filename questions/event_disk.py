"""Files that must not be lost: whole writes, waiting for the disk, and what a failure means for a reader."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from questions.problems import BankProblem


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Writes a file anew, all of it or nothing; what is no plain file, such as /dev/stdout, is written into. Raises
    BankProblem."""
    path = path.resolve()
    if not path.parent.is_dir():
        raise BankProblem("no-folder", file=path)
    special = path.exists() and not path.is_file()
    target = path if special else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with target.open("wb") as file:
            file.writelines(lines)
            file.flush()
            if not special:
                os.fsync(file.fileno())
        if not special:
            target.replace(path)
    except OSError as error:
        if not special:
            target.unlink(missing_ok=True)
        raise not_saved(error, path) from None


def not_saved(error: OSError, file: Path) -> BankProblem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return BankProblem("disk-full", file=file)
    why = error.strerror or str(error)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return BankProblem("read-only", file=file, why=why)
    return BankProblem("cannot-save", file=file, why=why)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 2**63  # gone or unreadable: keep what was read


def same_file(fd: int, path: Path) -> bool:
    """False when the file was deleted or replaced under us: what we wrote there would be lost."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


def sync(fd: int) -> None:
    """Waits until the file is on the disk, where its file system can say so."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise


def sync_folder(folder: Path) -> None:
    """Makes a new file's name durable where the system can; a failure costs nothing but that."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)
