"""From the command to the app and back: terminal checks, splash, environment, exit codes, crash reports.

The order matters. The first screen is written before anything slow is imported; the environment is set before
the first import of Textual, which reads it at import; and however the app ends, the terminal is put back.
"""

from __future__ import annotations

import os
import sys
import termios

TYPE_CHECKING = False  # importing typing takes longer than the splash
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO, Any, NoReturn

    from tui.app import TorchproofApp
    from tui.i18n import Translator

SMALLEST_COLUMNS = 20
SMALLEST_ROWS = 5

ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"  # the alternate screen, as Textual will use it
SPLASH = " \x1b[1mtorchproof\x1b[0m"  # where the title line of every page has it
LEAVE = "\x1b[?1049l\x1b[?25h"

# Read by Textual when it is imported; what the user has set stays.
ENVIRONMENT = {
    # 8.2.7 and later ask for a key protocol in which five or more committed Chinese characters become garbage
    "TEXTUAL_DISABLE_KITTY_KEY": "1",
    # a key that falls into a streaming frame waits for the next one: 8 ms instead of 16
    "TEXTUAL_FPS": "120",
    # a scroll is one frame on the wire, not ten
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "TEXTUAL_ANIMATIONS": "none",
}


def run_app(lang: str | None, python: str | None, *, mouse: bool = True, labs: Sequence[str] = ()) -> int:
    """Check the terminal, paint the splash, run the app. Returns the exit code of the process.

    labs: folders of labs to read beside our own.
    """
    use_utf8()
    if trouble := terminal_trouble(sys.__stdin__, sys.__stderr__, sys.__stdout__, os.environ):
        key, fields = trouble
        tell(early_translator(lang), key, **fields)
        return 2
    terminal = Terminal(sys.__stdin__, sys.__stderr__)
    app: TorchproofApp | None = None
    crash: BaseException | None = None
    try:
        terminal.enter()
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        app = build(lang, python, labs)
        app.terminal = terminal
        app.run(mouse=mouse)
        crash = app.crash
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        crash = error
    finally:
        terminal.leave()
        let_go_of_lost_streams()
    if crash is None:
        return (app.return_code or 0) if app is not None else 0
    tr = app.tr if app is not None else early_translator(lang)
    if app is None and isinstance(crash, ImportError):
        tell(tr, "shell.broken_install", error=crash)
    else:
        from tui.paths import paths

        report_crash(crash, paths().logs, tr)
    return 1


def build(lang: str | None, python: str | None, labs: Sequence[str] = ()) -> TorchproofApp:
    """The app of this user, with the settings as they are saved."""
    from tui.app import TorchproofApp
    from tui.i18n import choose_language
    from tui.paths import paths
    from tui.settings import load

    places = paths()
    settings, trouble = load(places.settings)
    return TorchproofApp(
        places,
        settings,
        choose_language(lang, settings.language),
        python=python or os.environ.get("TORCHPROOF_PYTHON") or sys.executable,
        trouble=trouble,
        labs=labs,
    )


def run_command(argv: Sequence[str]) -> int:
    """Anything but the bare app: help, version, mistakes, commands. Returns the exit code."""
    from tui.commands import Context, dispatch
    from tui.commands.parsing import asked_language, parser
    from tui.paths import paths

    tr = early_translator(asked_language(argv))
    args = parser(tr).parse_args(argv)
    if args.command is None:
        from pathlib import Path

        for folder in args.app_labs:
            if not Path(folder).is_dir():
                tell(tr, "cli.labs_missing", folder=folder)
                return 2
        return run_app(args.lang, args.python, mouse=not args.no_mouse, labs=args.app_labs)
    python = args.python or os.environ.get("TORCHPROOF_PYTHON") or sys.executable
    return dispatch(args, Context(paths(), tr, python))


def early_translator(lang: str | None) -> Translator:
    """A translator for messages before the app: --lang, else the saved language, else the environment's."""
    from tui.i18n import Translator, choose_language
    from tui.paths import paths
    from tui.settings import load

    return Translator(choose_language(lang, load(paths().settings)[0].language))


# the terminal


def use_utf8() -> None:
    """Write UTF-8 whatever the locale says: Textual writes to these streams in the encoding they have."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            try:
                reconfigure(encoding="utf-8", errors="replace")
            except (ValueError, OSError):
                continue


def terminal_trouble(
    stdin: IO[str] | None, stderr: IO[str] | None, stdout: IO[str] | None, environ: Mapping[str, str]
) -> tuple[str, dict[str, object]] | None:
    """Why the app cannot run in this terminal, as a locale key with its fields; None when it can."""
    if stdout is None or not (_is_terminal(stdin) and _is_terminal(stderr) and _is_terminal(stdout)):
        return "shell.no_terminal", {}
    if environ.get("TERM") == "dumb":
        return "shell.dumb_terminal", {}
    try:
        columns, rows = os.get_terminal_size(stdout.fileno())
    except OSError:
        return None
    # 0x0 is what a terminal says that does not know its size; Textual takes 80x24 then
    if columns and rows and (columns < SMALLEST_COLUMNS or rows < SMALLEST_ROWS):
        return "shell.small_terminal", {
            "columns": columns,
            "rows": rows,
            "least_columns": SMALLEST_COLUMNS,
            "least_rows": SMALLEST_ROWS,
        }
    return None


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


class Terminal:
    """The terminal between the command and Textual: alternate screen, splash, keys kept for the app.

    Keys typed while Textual is being imported neither echo nor get lost, and enter arrives as enter. SIGTERM
    and SIGHUP put the terminal back until the app answers them itself.
    """

    def __init__(self, stdin: IO[str] | None, stream: IO[str] | None) -> None:
        self.stdin = stdin
        self.stream = stream
        self.attributes: list[Any] | None = None  # the terminal as the shell left it
        self.entered = False

    def enter(self) -> None:
        """Take the alternate screen, show the name, hold back echo."""
        self.entered = True
        self._write(ENTER + SPLASH)
        if self.stdin is not None:
            try:
                descriptor = self.stdin.fileno()
                self.attributes = termios.tcgetattr(descriptor)
                quiet = termios.tcgetattr(descriptor)
                quiet[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
                quiet[3] &= ~(termios.ECHO | termios.ICANON)
                termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
            except (termios.error, OSError, ValueError):
                self.attributes = None
        import signal

        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)

    def handed_over(self) -> list[Any] | None:
        """Textual has the terminal now and will leave it. Returns the attributes to put back."""
        self.entered = False
        return self.attributes

    def leave(self) -> None:
        """Put the terminal back, as far as Textual has not."""
        if self.entered:
            self.entered = False
            self._write(LEAVE)
        if self.attributes is not None and self.stdin is not None:
            try:
                termios.tcsetattr(self.stdin.fileno(), termios.TCSANOW, self.attributes)
            except (termios.error, OSError, ValueError):
                return  # the terminal is gone, and so is what there was to put back

    def _write(self, text: str) -> None:
        if self.stream is not None:
            try:
                self.stream.write(text)
                self.stream.flush()
            except (OSError, ValueError):
                return


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def let_go_of_lost_streams() -> None:
    """After a hang-up what is left in a stream's buffer would turn the exit code into 120."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                hole = os.open(os.devnull, os.O_WRONLY)
                os.dup2(hole, stream.fileno())
                os.close(hole)
            except (OSError, ValueError):
                continue


# what is said on stderr


def tell(tr: Translator, key: str, /, **fields: object) -> None:
    """One message on stderr. A stderr that is gone is no reason to end with another error."""
    try:
        print(tr(key, **fields), file=sys.__stderr__, flush=True)
    except (OSError, ValueError):
        return


def report_crash(error: BaseException, logs: os.PathLike[str], tr: Translator) -> None:
    """The traceback into a file, three lines on stderr; where no file can be written, the traceback too."""
    import traceback
    from datetime import datetime
    from pathlib import Path

    summary = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:200]
    file = Path(logs) / f"crash-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    trace = "".join(traceback.format_exception(error))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(trace, "utf-8")
    except OSError:
        if sys.__stderr__ is not None:
            sys.__stderr__.write(trace)
        tell(tr, "shell.crashed", error=summary)
        tell(tr, "shell.crash_kept")
        return
    tell(tr, "shell.crashed", error=summary)
    tell(tr, "shell.crash_kept")
    tell(tr, "shell.crash_log", file=file)
