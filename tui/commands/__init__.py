"""What the headless commands share: where they write, how they speak, and how they end.

`parsing.parser(tr)` builds the command line in one language, `dispatch(args, context)` runs what was asked.
Each command is one module with `add(subparsers, tr)` and `run(args, context) -> int`; it is imported for its
parser, and imports what it works with only when it runs.

Exit codes: 0 finished, 1 failed, 2 wrong usage, 3 undecided, 130 interrupted, 141 the reader of our output
went away.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from tui import __version__

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from tui.i18n import Translator
    from tui.paths import Paths

NAMES = ("lab", "prove", "data", "progress", "pause", "bank", "doctor")

FINISHED, FAILED, USAGE, UNDECIDED, INTERRUPTED, READER_GONE = 0, 1, 2, 3, 130, 141

# Problems that come from how the command was called, not from what it met.
USAGE_PROBLEMS = frozenset(
    {
        "unknown-lab",
        "unknown-knob",
        "knob-form",
        "knob-type",
        "knob-range",
        "knob-choice",
        "unknown-run",
        "ambiguous-run",
        "no-runs",
        "unknown-device",
        "device-unusable",
        "proof-unknown",
    }
)

# Enough for a run id beside its columns; a pipe has no width of its own.
PIPE_COLUMNS = 120


class Misuse(Exception):
    """The command was called in a way it cannot follow; the text is a sentence in the reader's language."""


class Failure(Exception):
    """The command could not do what was asked; the text is a full sentence in the reader's language."""


@dataclass
class Context:
    """Everything a command is given: folders, language, the labs' interpreter, and where to write.

    Data goes to stdout (`data`, `document`, `out`), narration to stderr (`say`, `err`).
    """

    paths: Paths
    tr: Translator
    python: str = sys.executable
    version: str = __version__

    @property
    def lang(self) -> str:
        return self.tr.lang

    @cached_property
    def out(self) -> Console:
        return _console(sys.stdout)

    @cached_property
    def err(self) -> Console:
        return _console(sys.stderr)

    def data(self, text: bytes) -> None:
        """Write whole lines to stdout at once, in UTF-8 whatever the terminal's encoding is.

        Raises BrokenPipeError when nobody reads any more, OSError when the disk behind stdout is full.
        """
        stream = sys.stdout
        if stream is None or not text:
            return
        raw = getattr(stream, "buffer", None)
        if raw is None:
            stream.write(text.decode())
        else:
            stream.flush()
            raw.write(text)
        stream.flush()

    def document(self, value: object) -> None:
        """Write one indented JSON value to stdout; non-finite floats become strings."""
        import msgspec

        self.data(msgspec.json.format(msgspec.json.encode(finite(value)), indent=2) + b"\n")

    def say(self, key: str, /, **fields: object) -> None:
        """One translated line of narration on stderr."""
        self.note(self.tr(key, **fields))

    def note(self, text: str) -> None:
        """One line of narration on stderr, as it is. A stderr that cannot be written is no reason to stop."""
        with suppress(OSError):
            self.err.print(text, soft_wrap=True)  # a command or path stays in one piece

    def reader_is_gone(self) -> bool:
        """True when stdout is a pipe whose other end was closed; asks without writing."""
        import select

        if not hasattr(select, "poll"):
            return False
        try:
            fd = sys.stdout.fileno()
        except (AttributeError, OSError, ValueError):
            return False
        poll = select.poll()
        poll.register(fd, 0)  # errors and hang-ups are reported whatever is asked for
        return any(flags & select.POLLERR for _, flags in poll.poll(0))


def _console(stream: IO[str] | None) -> Console:
    import rich.text
    from rich.console import Console

    from tui.wrap import divide_line

    vars(rich.text).update(divide_line=divide_line)  # what tui.wrap.install does, without loading Textual
    if stream is None:  # started with the descriptor closed
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (lives as long as the process)
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a GBK or Latin-1 terminal shows "?" instead of ending the command
    wide = None if stream.isatty() or os.environ.get("COLUMNS") else PIPE_COLUMNS
    return Console(file=stream, width=wide, markup=False, highlight=False, emoji=False)


def finite(value: object) -> object:
    """The same value with NaN and infinities as the strings the journal uses, so that JSON can hold them."""
    import math

    import msgspec

    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, msgspec.Struct):
        return finite(msgspec.to_builtins(value))
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def dispatch(args: argparse.Namespace, context: Context) -> int:
    """Run the command that `args` names and return its exit code; never raises for what a user can cause."""
    from labs.problems import LabProblem
    from questions.problems import BankProblem

    try:
        try:
            code: int = import_module(f"tui.commands.{args.command}").run(args, context)
        finally:
            flush()
        return code
    except BrokenPipeError:
        silence()
        return READER_GONE
    except Interrupted as interrupted:
        return interrupted.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Misuse as misuse:
        return _failed(context, str(misuse), USAGE)
    except Failure as failure:
        return _failed(context, str(failure), FAILED)
    except (LabProblem, BankProblem) as problem:
        code = USAGE if problem.key in USAGE_PROBLEMS else FAILED
        return _failed(context, context.tr.problem(problem), code)
    except OSError as error:
        return _failed(context, os_error(context.tr, error), FAILED)


def os_error(tr: Translator, error: OSError) -> str:
    """What a failed system call means for the reader: what, where, how to mend it."""
    import errno

    from questions.characters import visible

    where = visible(str(error.filename)) if error.filename else tr("cli.standard_output")
    kinds = {
        errno.ENOSPC: "cli.disk_full",
        errno.EDQUOT: "cli.disk_full",
        errno.EACCES: "cli.not_allowed",
        errno.EPERM: "cli.not_allowed",
        errno.EROFS: "cli.read_only",
        errno.ENOENT: "cli.no_such_file",
        errno.EISDIR: "cli.is_a_folder",
        errno.ENOTDIR: "cli.not_a_folder",
        errno.EEXIST: "cli.not_a_folder",
    }
    key = kinds.get(error.errno or 0, "cli.os_error")
    return tr(key, where=where, why=error.strerror or str(error))


def _failed(context: Context, text: str, code: int) -> int:
    context.note(context.tr("cli.error", text=text))
    return code


def flush() -> None:
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            silence()
            raise


def silence() -> None:
    """Let the interpreter's own last flush go nowhere instead of complaining about a stream that is gone."""
    with suppress(OSError, ValueError, AttributeError):
        hole = os.open(os.devnull, os.O_WRONLY)
        os.dup2(hole, sys.stdout.fileno())
        os.close(hole)


class Interrupted(KeyboardInterrupt):
    """The process was asked to end by a signal, Ctrl+C or another."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Interrupts:
    """Ctrl+C, SIGTERM and SIGHUP while a command is at work.

    The first one is only noted, so that no line of output is cut and a lab can be stopped in order; a second
    one ends the command where it stands. Signals that are ignored (nohup, a script's background) stay so.
    """

    def __init__(self) -> None:
        self.number = 0  # of the signal that came, 0: none
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        import signal

        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        import signal

        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises Interrupted where a signal has come."""
        if self.number:
            raise Interrupted(self.number)

    def _note(self, number: int, _frame: object) -> None:
        if self.number:
            raise Interrupted(number)
        self.number = number
