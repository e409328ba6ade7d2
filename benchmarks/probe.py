"""A terminal seen from the outside: run a program in a pty, emulate the screen, time what it paints.

Benchmarks and tests both use it. A reader thread stamps every chunk as it arrives and the
emulator parses it later, so that the emulator's own cost never counts as the program's latency.
Needs Linux or macOS, pyte and psutil.
"""

from __future__ import annotations

import codecs
import collections
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import pyte

now = time.perf_counter
KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C",
        "left": "\x1b[D", "space": " ", "backspace": "\x7f"}  # fmt: skip
# What pyte does not understand: private modes and queries (CSI with <=>? or an intermediate byte), OSC, DCS.
FOREIGN = re.compile(
    r"\x1b\[[<=>?][0-9;:]*[ $!'\"]*[@-~]|\x1b\[[0-9;:]*[ $!'\"]+[@-~]"
    r"|\x1b\].*?(?:\x07|\x1b\\)|\x1b[P_^X].*?\x1b\\",
    re.S,
)
UNFINISHED = re.compile(r"\x1b(?:\[[<=>?]?[0-9;:]*[ $!'\"]*|[\]P_^X][^\x07\x1b]*)?$", re.S)


class _Screen(pyte.Screen):
    """pyte's screen, deaf to parameters that a sequence does not have."""

    def cursor_position(self, line: int | None = None, column: int | None = None, *_: int) -> None:
        super().cursor_position(line, column)


class Terminal:
    """A program in its own pseudo-terminal, and the screen a person would see.

    Args:
        argv: the command.
        cols, rows: size of the window in cells.
        env: added to the environment.
        inherit: whether that is this process's; else the program knows `env` only.
        bytes_per_second: reads no faster than this (a slow link); None reads at once.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cols: int = 100,
        rows: int = 30,
        env: Mapping[str, str] | None = None,
        inherit: bool = True,
        cwd: Path | None = None,
        bytes_per_second: int | None = None,
    ) -> None:
        self.screen = _Screen(cols, rows)
        self._stream = pyte.Stream(self.screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._carry = ""
        self._limit = bytes_per_second
        self._chunks: collections.deque[tuple[float, bytes]] = collections.deque()
        self._arrived = threading.Condition()
        self.total_bytes = 0
        self.raw = bytearray()
        self.closed = False
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.modes_at_start = termios.tcgetattr(slave)
        self._slave = slave  # kept open: its modes can be read after the program has gone
        self.started = now()
        self.process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={
                **(os.environ if inherit else {}),
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                **(env or {}),
            },
            preexec_fn=_own_session,
        )
        self._stopped, self._stop = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self.master, self._stopped], [], [])
            if self._stopped in ready:
                return
            try:
                data = os.read(self.master, 65536 if self._limit is None else 1024)
            except OSError:
                data = b""
            stamp = now()
            with self._arrived:
                self._chunks.append((stamp, data))
                self.total_bytes += len(data)
                self.raw += data
                self._arrived.notify()
            if not data:
                return
            if self._limit is not None:
                time.sleep(len(data) / self._limit)

    def pump(self, timeout: float) -> float | None:
        """Show the next chunk on the emulated screen; return when it arrived, or None after `timeout` s."""
        with self._arrived:
            if not self._chunks:
                self._arrived.wait(timeout)
            if not self._chunks:
                return None
            stamp, data = self._chunks.popleft()
        if not data:
            self.closed = True
            return None
        text = self._carry + self._decode(data)
        unfinished = UNFINISHED.search(text, max(0, text.rfind("\x1b")))
        text, self._carry = (
            (text[: unfinished.start()], text[unfinished.start() :]) if unfinished else (text, "")
        )
        self._stream.feed(FOREIGN.sub("", text))
        return stamp

    def lines(self) -> list[str]:
        """The screen as text, one string a row; wide characters once."""
        buffer, columns = self.screen.buffer, self.screen.columns
        # the second cell of a wide character is an empty string
        return ["".join(buffer[y][x].data for x in range(columns)).rstrip() for y in range(self.screen.lines)]

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait_for(self, wanted: str | Callable[[str], bool], timeout: float = 20) -> float:
        """Time from the start of the program until `wanted` is on the screen, in seconds.

        Raises:
            AssertionError: not there after `timeout` seconds; the message shows the screen.
        """
        holds = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        deadline, stamp = now() + timeout, now()
        while not holds(self.text()):
            seen = self.pump(min(0.1, max(0.0, deadline - now())))
            stamp = seen or stamp
            if now() > deadline or (self.closed and not holds(self.text())):
                raise AssertionError(
                    f"{wanted!r} did not appear within {timeout} s; the screen:\n{self.text()}"
                )
        return stamp - self.started

    def settle(self, quiet: float = 0.25, timeout: float = 20) -> None:
        """Read until nothing has arrived for `quiet` seconds."""
        deadline = now() + timeout
        while now() < deadline and self.pump(quiet) is not None:
            pass

    def press(self, *keys: str) -> float:
        """Type keys by name ("enter") or as characters; return the moment of the last one."""
        stamp = now()
        for key in keys:
            stamp = now()
            os.write(self.master, KEYS.get(key, key).encode())
        return stamp

    def key_to_paint(self, key: str, rows: range | None = None, timeout: float = 2.5) -> float | None:
        """Seconds from a key to the first change in `rows` (all by default); None if nothing changed."""
        while self.pump(0) is not None:
            pass
        watch = rows or range(self.screen.lines)
        before = self._look(watch)
        pressed = self.press(key)
        while now() - pressed < timeout:
            stamp = self.pump(timeout - (now() - pressed))
            if stamp is None:
                break
            if stamp >= pressed and self._look(watch) != before:
                return stamp - pressed
        return None

    def _look(self, rows: range) -> list[tuple[pyte.screens.Char, ...]]:
        buffer = self.screen.buffer
        return [tuple(buffer[y][x] for x in range(self.screen.columns)) for y in rows]

    def bytes_during(self, seconds: float) -> int:
        """How many bytes the program writes in the next `seconds`."""
        before, deadline = self.total_bytes, now() + seconds
        while (left := deadline - now()) > 0:
            self.pump(left)
        return self.total_bytes - before

    def resize(self, cols: int, rows: int) -> None:
        self.screen.resize(rows, cols)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def rss_mb(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def cpu_s(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def terminal_restored(self) -> bool:
        """Whether screen, cursor and the terminal's modes are as they were before the program ran."""
        left = self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")
        shown = self.raw.rfind(b"\x1b[?25h") > self.raw.rfind(b"\x1b[?25l")
        return left and shown and termios.tcgetattr(self._slave) == self.modes_at_start

    def hang_up(self) -> None:
        """The terminal goes away, as when an SSH connection drops."""
        self.lose()
        self.process.send_signal(signal.SIGHUP)

    def lose(self) -> None:
        """The terminal goes away, and of signals only what the kernel sends comes."""
        self._let_go()

    def wait(self, timeout: float = 30) -> int:
        """Wait for the program's end, reading what it still writes; return its exit code."""
        deadline = now() + timeout
        while self.process.poll() is None and now() < deadline:
            self.pump(0.05)
        self.settle(0.05, 1)
        return self.process.wait(max(0.1, deadline - now()))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        self._let_go()

    def _let_go(self) -> None:
        """Close the pty, after the reader: it would go on reading from whatever got the number next."""
        if self.master < 0:
            return
        os.write(self._stop, b"!")
        self._reader.join()
        for fd in (self._slave, self.master, self._stopped, self._stop):
            os.close(fd)
        self._slave = self.master = -1

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _own_session() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing the pty hangs the program up
