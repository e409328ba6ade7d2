"""A program in a pseudo-terminal: what it wrote, what stands on its screen, how it ended."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import pyte

PATIENCE = 30.0  # seconds until a wait counts as failed; nothing sleeps that long


class PseudoTerminal:
    """Runs `command` in a terminal of `columns` by `rows`. A context manager: it ends the program."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], *, columns: int = 80, rows: int = 24
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes = termios.tcgetattr(slave)
        self._slave = slave  # kept open, so that the terminal can be looked at when the program is gone
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self._closed: set[int] = set()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(env),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )

    def __enter__(self) -> PseudoTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in {self._slave, self.master} - self._closed:
            os.close(descriptor)

    def hang_up(self) -> None:
        """The terminal goes away, as when a connection drops."""
        for descriptor in (self._slave, self.master):
            os.close(descriptor)
            self._closed.add(descriptor)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float) -> bool:
        """Take what the program writes next, waiting up to `seconds` for it. False when nothing came."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.written += data
        # private modes that pyte does not know would end up as text
        self.stream.feed(
            data.replace(b"\x1b[?2026$p", b"").replace(b"\x1b[?2048$p", b"").replace(b"\x1b[<u", b"")
        )
        return bool(data)

    def until(self, done: Callable[[], Any]) -> None:
        """Read until `done()`; fails with the screen where that does not come."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"waited in vain; the screen:\n{self.text}"
            self.read(0.05)

    def until_text(self, text: str) -> None:
        self.until(lambda: text in self.text)

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ended(self) -> int:
        """Read to the end and return the exit code."""
        self.until(lambda: self.process.poll() is not None)
        while self.read(0.05):
            pass
        return self.process.returncode

    def is_as_it_was(self) -> bool:
        """Whether modes and attributes of the terminal are what they were before."""
        left = self.written.rfind(b"\x1b[?1049l") > self.written.rfind(b"\x1b[?1049h")
        shown = self.written.rfind(b"\x1b[?25h") > self.written.rfind(b"\x1b[?25l")
        return left and shown and termios.tcgetattr(self._slave) == self.attributes
