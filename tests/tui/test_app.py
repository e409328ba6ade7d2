"""The app as a whole: it leaves as one expects, keeps torch out, and says what a person can mend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from markup_strings import STRINGS
from small_app import MakeApp, MakeRun, screen_text
from textual.app import App

from labs.problems import LabProblem
from questions.problems import BankProblem
from tui.app import PAGES, TorchproofApp
from tui.paths import Paths
from tui.screens.page import Ask, Option
from tui.screens.today import TodayScreen
from tui.settings import Trouble
from tui.themes import THEMES, theme_for

ROOT = Path(__file__).parents[2]


def test_walking_through_every_page_never_loads_torch_or_numpy(tmp_path: Path) -> None:
    """In a process of its own: what the tests around it have loaded does not count."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    walk = [sys.executable, str(Path(__file__).with_name("walk_every_page.py")), str(tmp_path)]
    done = subprocess.run(walk, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "[]\n"


# leaving


async def test_q_on_the_first_page_leaves_at_once_when_no_lab_runs(
    make_app: MakeApp, make_run: MakeRun
) -> None:
    make_run.done()
    make_run(make_run.start(), lost=True)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0
    assert app._exit


@pytest.mark.parametrize("key", ["escape", "left", "backspace"])
async def test_a_step_back_too_many_does_not_end_the_app(make_app: MakeApp, key: str) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("p", key, key)
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert not app._exit


@pytest.mark.parametrize(
    ("key", "leaves", "stops"),
    [("enter", True, False), ("s", True, True), ("escape", False, False), ("q", False, False)],
)
async def test_q_asks_once_while_a_lab_runs(
    make_app: MakeApp, make_run: MakeRun, stopped: list[str], key: str, leaves: bool, stops: bool
) -> None:
    run = make_run(make_run.start(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        assert "A sample lab" in screen_text(app)
        assert "let them run (default)" in screen_text(app)
        await pilot.press(key)
        await pilot.pause()
        assert app._exit == leaves
        assert isinstance(app.screen, TodayScreen)
    assert stopped == ([run.id] if stops else [])


async def test_a_question_survives_every_window(make_app: MakeApp, make_run: MakeRun) -> None:
    make_run(make_run.start(), alive=True)
    app = make_app("zh")
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        for size in ((20, 5), (1, 1), (6, 2), (300, 100), (40, 12)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert isinstance(app.screen, Ask)
        assert "实验继续运行" in screen_text(app)


async def test_any_other_key_is_no_answer(make_app: MakeApp, make_run: MakeRun, stopped: list[str]) -> None:
    make_run(make_run.start(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("q", "x", "space", "b")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        assert stopped == []


async def test_one_who_does_not_want_to_be_asked_leaves_the_lab_running(
    make_app: MakeApp, make_run: MakeRun, stopped: list[str]
) -> None:
    make_run(make_run.start(), alive=True)
    app = make_app(ask_before_quitting=False)
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert app._exit
    assert stopped == []


async def test_ctrl_q_leaves_from_any_page_and_asks_too(make_app: MakeApp, make_run: MakeRun) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("s", "ctrl+q")
        await pilot.pause()
        assert app._exit
    make_run(make_run.start(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.press("s", "ctrl+q", "ctrl+q")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        assert len(app.screen_stack) == 3


async def test_ctrl_c_says_how_to_leave_in_the_chosen_language(make_app: MakeApp) -> None:
    app = make_app("zh")
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert [notice.message for notice in app._notifications] == ["按 q 返回；在“今天”页按 q 退出。"]
        assert not app._exit


async def test_the_spare_is_dismissed_with_the_app(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def warm(bench: object) -> None:
        calls.append("warm")

    async def close(bench: object) -> None:
        calls.append("close")

    monkeypatch.setattr("labs.bench.Bench.warm", warm)
    monkeypatch.setattr("labs.bench.Bench.close", close)
    for wanted in (True, False):
        calls.clear()
        app = make_app(keep_torch_ready=wanted)
        app._spare = True
        async with app.run_test() as pilot:
            while not (isinstance(app.screen, TodayScreen) and app.screen.loaded):
                await pilot.pause()
            await pilot.pause()
        assert calls == (["warm", "close"] if wanted else [])


# what goes wrong


async def test_a_broken_settings_file_is_told_of_once_in_the_chosen_language(make_app: MakeApp) -> None:
    fields = {"file": "/config/settings.toml", "reason": "[x] at line 1"}
    app = make_app("zh", trouble=Trouble("shell.settings_broken", fields))
    async with app.run_test(notifications=True) as pilot:
        while not (isinstance(app.screen, TodayScreen) and app.screen.loaded):
            await pilot.pause()
        (notice,) = app._notifications
        assert "/config/settings.toml 不是合法的 TOML（[x] at line 1）" in notice.message


async def test_problems_show_as_they_are_written(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(notifications=True, size=(120, 50)) as pilot:
        for text in STRINGS:
            app.problem(BankProblem("disk-full", file=text))
            app.problem(ValueError(text))
        app.problem(LabProblem("no-runs", folder="[/]"))
        await pilot.pause()
        assert app.crash is None
        assert any("[/]: no space left" in notice.message for notice in app._notifications)


async def test_an_answer_file_that_cannot_be_read_is_told_of(make_app: MakeApp, paths: Paths) -> None:
    (paths.events / "other-1-20261124T000000.jsonl").mkdir(parents=True)
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        while not (isinstance(app.screen, TodayScreen) and app.screen.loaded):
            await pilot.pause()
        assert "other-1-20261124T000000.jsonl" in " ".join(notice.message for notice in app._notifications)


async def test_a_bank_that_cannot_be_read_leaves_an_app_that_says_so(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(cache: Path) -> None:
        raise BankProblem("missing-file", file="entries.toml")

    app = make_app()
    monkeypatch.setattr("questions.snapshot.load", broken)
    async with app.run_test(notifications=True) as pilot:
        while not (isinstance(app.screen, TodayScreen) and app.screen.loaded):
            assert app.crash is None
            await pilot.pause()
        assert "entries.toml is missing" in " ".join(notice.message for notice in app._notifications)
        assert "no questions yet" in screen_text(app)
        for key in ("f", "p", "s", "r"):
            await pilot.press(key, "enter", "q")
        assert app.crash is None


def test_an_error_of_ours_goes_to_boot_and_not_to_the_terminal() -> None:
    """Fails when upstream renames the place where Textual hands an unhandled exception on."""
    assert hasattr(App, "_handle_exception")
    assert TorchproofApp._handle_exception is not App._handle_exception
    assert hasattr(App, "_close_messages_no_wait")


# looks


@pytest.mark.parametrize("theme", [*THEMES, "auto"])
async def test_every_page_stands_in_every_theme(make_app: MakeApp, theme: str) -> None:
    app = make_app(theme=theme)
    async with app.run_test() as pilot:
        for key in ("f", "p", "s", "r", "question_mark"):
            await pilot.press(key, "q")
        app.push_screen(Ask("[/] x[0]?", (Option("enter", "yes", "list[int]"),)))
        await pilot.pause()
        assert "[/] x[0]?" in screen_text(app)
        assert "enter  list[int]" in screen_text(app)
        assert app.crash is None
        assert app.theme == theme_for(theme, app.console.color_system).name


async def test_a_theme_of_textual_works_too(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        for name in ("textual-light", "ansi-dark", "nord"):
            app.theme = name
            await pilot.press("s", "q")
        assert app.crash is None


def test_sixteen_colours_get_the_terminals_own() -> None:
    assert theme_for("auto", "standard").name == theme_for("auto", None).name == "torchproof-terminal"
    assert theme_for("auto", "256").name == theme_for("auto", "truecolor").name == "torchproof-dark"
    assert theme_for("light", "standard").name == "torchproof-light"


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


READ = {"muted", "key", "code", "string", "series-1", "series-2", "series-3", "series-4"}


@pytest.mark.parametrize("name", ["dark", "light", "contrast"])
def test_every_colour_of_text_can_be_read(name: str) -> None:
    """WCAG 2.1: at least 4.5 to 1 on the background, on the surface of a question, and 7 to 1 in contrast."""
    theme = THEMES[name]
    named = {
        field: getattr(theme, field) for field in ("foreground", "accent", "warning", "error", "success")
    }
    texts = {**named, **{key: value for key, value in theme.variables.items() if key in READ}}
    for ground in (theme.background, theme.surface):
        assert ground is not None
        for text, colour in texts.items():
            lighter, darker = sorted((_luminance(colour), _luminance(ground)), reverse=True)
            ratio = (lighter + 0.05) / (darker + 0.05)
            assert ratio >= (7 if name == "contrast" else 4.5), (text, ground, ratio)


def test_all_themes_name_the_same_variables() -> None:
    ours = {*READ, "rule"}
    assert all(ours <= set(theme.variables) for theme in THEMES.values())


# pages


def test_every_page_can_be_found() -> None:
    from importlib import import_module

    for module, kind in PAGES.values():
        assert hasattr(import_module(module), kind)


async def test_the_log_is_this_apps_own(make_app: MakeApp, paths: Paths) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.progress.folder == paths.events
        assert not paths.events.exists()
