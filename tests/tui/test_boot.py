"""Whatever the terminal is, torchproof starts or says in a sentence why not, and leaves it as it was."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.probe import Terminal
from tui import boot
from tui.__main__ import app_options, main
from tui.i18n import Translator

COMMAND = [sys.executable, "-m", "tui"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A home of its own, English, and no torch loaded beside the app."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "settings.toml").write_text("keep_torch_ready = false\n", "utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    root = str(Path(boot.__file__).parent.parent)
    return {
        **kept,
        "TORCHPROOF_HOME": str(tmp_path),
        "LANG": "en_US.UTF-8",
        "TERM": "xterm-256color",
        "PYTHONPATH": root,
    }


def run(
    *words: str, env: dict[str, str], stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], env=env, stdin=stdin, capture_output=True, text=True, timeout=60
    )


def shown(command: list[str], env: dict[str, str], *, cols: int = 80, rows: int = 24) -> Terminal:
    """The command in a terminal, with this environment and nothing else."""
    return Terminal(command, cols=cols, rows=rows, env=env, inherit=False)


# what the command line asks for


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], (None, None, True)),
        (["--lang", "zh"], ("zh", None, True)),
        (["--lang=en", "--no-mouse"], ("en", None, False)),
        (["--python", "/usr/bin/python3"], (None, "/usr/bin/python3", True)),
        (["--lang", "fr"], None),
        (["--lang"], None),
        (["--python", "--no-mouse"], None),
        (["--python="], None),
        (["lab", "list"], None),
        (["--help"], None),
        (["--lang", "zh", "--version"], None),
    ],
)
def test_only_a_plain_start_of_the_app_skips_argparse(words: list[str], options: object) -> None:
    assert app_options(words) == options


def test_version_and_help_are_told_without_the_interface(env: dict[str, str]) -> None:
    for words in (["--version"], ["--help"], ["--lang", "zh", "--help"]):
        code = (
            "import sys, tui.__main__ as m\n"
            "try: m.main(sys.argv[1:])\n"
            "except SystemExit as end: assert not end.code, end.code\n"
            "loaded = {'textual', 'torch', 'numpy', 'msgspec'} & set(sys.modules)\n"
            "assert not loaded, loaded"
        )
        done = subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "torchproof" in done.stdout


def test_the_splash_is_written_before_anything_slow_is_imported() -> None:
    """What `tui.boot` loads at its top delays the first screen by as much."""
    code = (
        "import sys; before = set(sys.modules); import tui.boot\n"
        "slow = {'typing', 'pathlib', 'enum', 're', 'signal', 'argparse', 'textual', 'contextlib'}\n"
        "print(sorted(slow & (set(sys.modules) - before)))"
    )
    root = Path(boot.__file__).parent.parent
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


# terminals the app cannot use


class Stream(io.StringIO):
    def __init__(self, terminal: bool = True) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def fileno(self) -> int:
        return 1


@pytest.mark.parametrize("which", ["stdin", "stderr", "stdout"])
def test_each_stream_has_to_be_a_terminal(which: str) -> None:
    streams = {name: Stream(terminal=name != which) for name in ("stdin", "stderr", "stdout")}
    assert boot.terminal_trouble(**streams, environ={}) == ("shell.no_terminal", {})
    streams[which] = None  # type: ignore[assignment]
    assert boot.terminal_trouble(**streams, environ={}) == ("shell.no_terminal", {})


@pytest.mark.parametrize(
    ("columns", "rows", "fits"),
    [(20, 5, True), (19, 5, False), (20, 4, False), (0, 0, True), (300, 100, True)],
)
def test_twenty_by_five_is_the_smallest_window(
    columns: int, rows: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((columns, rows)))
    trouble = boot.terminal_trouble(Stream(), Stream(), Stream(), {"TERM": "xterm"})
    assert (trouble is None) == fits
    if trouble is not None:
        assert trouble[0] == "shell.small_terminal"
        assert trouble[1]["columns"] == columns


@pytest.mark.parametrize(
    ("lang", "word"), [("en_US.UTF-8", "terminal"), ("zh_CN.UTF-8", "终端"), ("zh_CN.GBK", "终端")]
)
def test_without_a_terminal_there_is_one_sentence_and_exit_code_2(
    lang: str, word: str, env: dict[str, str]
) -> None:
    done = run(env={**env, "LANG": lang})
    assert done.returncode == 2
    assert done.stdout == ""
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_saved_language_speaks_before_the_app_too(env: dict[str, str]) -> None:
    settings = Path(env["TORCHPROOF_HOME"]) / "config" / "settings.toml"
    settings.write_text('language = "zh"\n', "utf-8")
    assert "终端" in run(env=env).stderr
    assert "terminal" in run("--lang", "en", env=env).stderr


def test_a_dumb_terminal_and_a_tiny_window_are_refused(env: dict[str, str]) -> None:
    with shown(COMMAND, {**env, "TERM": "dumb"}) as terminal:
        assert terminal.wait() == 2
        assert "TERM=dumb" in terminal.text()
        assert b"\x1b" not in terminal.raw
    with shown(COMMAND, env, cols=19, rows=5) as terminal:
        assert terminal.wait() == 2
        assert b"19 columns and 5 rows" in terminal.raw


# a run from start to end


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LANG": "zh_CN.GBK"}, {"PYTHONIOENCODING": "ascii"}])
def test_chinese_is_written_as_utf_8_whatever_the_locale(env: dict[str, str], locale: dict[str, str]) -> None:
    with shown([*COMMAND, "--lang", "zh"], {**env, **locale}) as terminal:
        terminal.wait_for("八个条目")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.terminal_restored()


def test_keys_typed_before_the_first_paint_are_not_lost(env: dict[str, str]) -> None:
    with shown(COMMAND, env) as terminal:
        terminal.wait_for(lambda _: b"torchproof" in terminal.raw)
        terminal.press("s")
        terminal.wait_for("Minutes a day")
        terminal.press("q")
        terminal.wait_for("The eight entries")
        terminal.press("q")
        assert terminal.wait() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_app_with_the_terminal_restored(
    env: dict[str, str], number: int, code: int
) -> None:
    with shown(COMMAND, env) as terminal:
        terminal.wait_for("The eight entries")
        os.kill(terminal.process.pid, number)
        assert terminal.wait() == code
        assert terminal.terminal_restored()


def test_a_lost_connection_ends_the_app(env: dict[str, str]) -> None:
    with shown(COMMAND, env) as terminal:
        terminal.wait_for("The eight entries")
        terminal.lose()
        assert terminal.process.wait(timeout=30) == 129


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_while_the_interface_is_being_loaded_does_so_too(
    env: dict[str, str], tmp_path: Path, number: int, code: int
) -> None:
    (tmp_path / "tui_is_slow.py").write_text(
        "import os, signal, sys\n"
        "from tui import boot\n"
        f"boot.build = lambda *words: os.kill(os.getpid(), {int(number)}) or signal.pause()\n"
        "sys.exit(boot.run_app(None, None))\n",
        "utf-8",
    )
    with shown([sys.executable, str(tmp_path / "tui_is_slow.py")], env) as terminal:
        assert terminal.wait() == code
        assert terminal.terminal_restored()


def test_a_crash_leaves_three_lines_a_log_file_and_an_exit_code(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text(
        "import sys\n"
        "from tui import boot, app\n"
        "def fail(self): raise RuntimeError('a [bug] in torchproof')\n"
        "app.TorchproofApp.switch_language = fail\n"
        "sys.exit(boot.run_app(None, None))\n",
        "utf-8",
    )
    with shown([sys.executable, str(tmp_path / "crash.py")], env, cols=200) as terminal:
        terminal.wait_for("The eight entries")
        terminal.press("l")
        assert terminal.wait() == 1
        assert terminal.terminal_restored()
        after = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "RuntimeError: a [bug] in torchproof" in after
        said = re.sub("\x1b\\[[?0-9;]*[a-z]", "", after)
        assert len([line for line in said.splitlines() if line.strip()]) == 3
    (log,) = (tmp_path / "state" / "log").glob("crash-*.log")
    assert "RuntimeError: a [bug] in torchproof" in log.read_text("utf-8")
    assert "in fail" in log.read_text("utf-8")
    assert str(log) in after


def test_an_installation_without_textual_says_how_to_mend_it(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "textual.py").write_text("raise ImportError('no textual here')", "utf-8")
    broken = {**env, "PYTHONPATH": f"{tmp_path}:{env['PYTHONPATH']}"}
    with shown(COMMAND, broken, cols=200) as terminal:
        assert terminal.wait() == 1
        assert "pip install" in terminal.text()
        assert "Traceback" not in terminal.text()
        assert terminal.terminal_restored()


def test_a_crash_report_without_a_disk_shows_the_traceback_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_text("a file where the folder should be", "utf-8")
    said = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", said)
    boot.report_crash(RuntimeError("first line\nsecond"), tmp_path / "log", Translator("en"))
    assert "RuntimeError: first line\nsecond" in said.getvalue()
    assert said.getvalue().count("\n") == 4


def test_a_stderr_that_is_gone_is_no_reason_for_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "__stderr__", closed)
    boot.tell(Translator("en"), "shell.no_terminal")


def test_the_command_returns_what_the_app_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "run_app", lambda lang, python, *, mouse: (lang, python, mouse))
    assert main(["--lang", "zh", "--no-mouse"]) == ("zh", None, False)
