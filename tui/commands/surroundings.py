"""What the app would live in: the terminal it draws on, the folders and the disk it writes to."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.finding import Finding, Level

if TYPE_CHECKING:
    from rich.console import Console

    from tui.commands import Context
    from tui.i18n import Translator

NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "lustre",
        "ceph",
        "fuse.ceph",
        "gpfs",
        "beegfs",
        "afs",
        "9p",
        "fuse.sshfs",
    }
)
LOW_BYTES = 500 << 20
NO_BYTES = 20 << 20


# ---- the terminal ------------------------------------------------------------------------------------------


def terminal(
    tr: Translator, console: Console, env: Mapping[str, str], tmux: Callable[[], str] | None = None
) -> Iterator[Finding]:
    """What the app would have to draw on. tmux: what tmux says of its client, "1" where it takes UTF-8."""
    term = env.get("TERM", "")
    colours = console.color_system or "none"
    if not console.is_terminal:
        yield Finding("terminal", "warn", tr("cli.dr_no_terminal"), tr("cli.dr_no_terminal_fix"))
    else:
        columns, lines = console.size
        facts = {"columns": columns, "lines": lines}
        if columns < 80 or lines < 24:
            text = tr("cli.dr_size_small", columns=columns, lines=lines)
            yield Finding("terminal", "warn", text, tr("cli.dr_size_small_fix"), facts)
        else:
            text = tr("cli.dr_size", columns=columns, lines=lines)
            yield Finding("terminal", "ok", text, "", facts)
    looks: dict[str, object] = {"term": term, "colours": colours, "colorterm": env.get("COLORTERM", "")}
    if term in ("dumb", "") and console.is_terminal:
        text = tr("cli.dr_term_bad", term=term or "-")
        yield Finding("term", "warn", text, tr("cli.dr_term_bad_fix"), looks)
    else:
        text = tr("cli.dr_term", term=term or "-", colours=tr(f"cli.colours_{colours}"))
        yield Finding("term", "ok", text, "", looks)
    encoding = console.encoding
    if encoding.replace("-", "").lower() == "utf8":
        yield Finding("encoding", "ok", tr("cli.dr_utf8", encoding=encoding), "", {"encoding": encoding})
    else:
        text = tr("cli.dr_utf8_bad", encoding=encoding)
        yield Finding("encoding", "warn", text, tr("cli.dr_utf8_bad_fix"), {"encoding": encoding})
    if env.get("TMUX"):
        said = (tmux or _tmux_client)()
        if said == "0":
            yield Finding("tmux", "warn", tr("cli.dr_tmux_bad"), tr("cli.dr_tmux_bad_fix"))
        elif said == "1":
            yield Finding("tmux", "ok", tr("cli.dr_tmux"))


def _tmux_client() -> str:
    try:
        done = subprocess.run(
            ["tmux", "display-message", "-p", "#{client_utf8}"],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


# ---- the disk ----------------------------------------------------------------------------------------------


def folders(context: Context) -> Iterator[Finding]:
    """Whether each folder can be written, on which kind of file system, and the free space below them."""
    tr = context.tr
    free: dict[int, tuple[int, Path]] = {}  # device -> free bytes, one folder on it
    mounts = _mounts()
    for name, folder in context.paths._asdict().items():
        what = tr(f"cli.folder_{name}")
        there = _nearest(folder)
        kind = file_system(there, mounts)
        facts = {"folder": str(folder), "file_system": kind}
        if why := _not_writable(there):
            text = tr("cli.dr_folder_bad", what=what, folder=folder, why=why)
            yield Finding(f"folder-{name}", "bad", text, tr("cli.dr_folder_bad_fix"), facts)
        elif kind in NETWORK:
            text = tr("cli.dr_filesystem", what=what, kind=kind, folder=folder)
            yield Finding(f"folder-{name}", "warn", text, tr("cli.dr_filesystem_fix"), facts)
        else:
            text = tr("cli.dr_folder", what=what, folder=folder)
            yield Finding(f"folder-{name}", "ok", text, "", facts)
        try:
            free.setdefault(there.stat().st_dev, (shutil.disk_usage(there).free, there))
        except OSError:
            continue
    for left, there in free.values():
        level: Level = "bad" if left < NO_BYTES else "warn" if left < LOW_BYTES else "ok"
        key = "cli.dr_disk" if level == "ok" else "cli.dr_disk_low"
        fix = "" if level == "ok" else tr("cli.dr_disk_low_fix")
        text = tr(key, free=size(left), folder=there)
        yield Finding("disk", level, text, fix, {"folder": str(there), "free_bytes": left})


def size(count: int) -> str:
    """Bytes as people say them."""
    if count >= 10 << 30:
        return f"{count >> 30} GB"
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{count >> 20} MB"


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists: doctor makes nothing."""
    for place in (folder, *folder.parents):
        if place.exists():
            return place
    return Path(folder.anchor or ".")


def _not_writable(folder: Path) -> str:
    """Why nothing can be written in the folder, empty where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _mounts(file: Path = Path("/proc/self/mountinfo")) -> dict[str, str]:
    """Mount point -> kind of file system, the later mount winning; empty where there is no such list."""
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) > 4 and after:
            point = fields[4]
            for escape, char in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
                point = point.replace(escape, char)
            found[point] = after.split()[0]
    return found


def file_system(folder: Path, mounts: Mapping[str, str]) -> str:
    """The kind of file system a folder is on, empty where that is not known."""
    real = folder.resolve()
    for place in (real, *real.parents):
        if kind := mounts.get(str(place)):
            return kind
    return ""
