"""Whole sittings of a learner: the real command in a pseudo-terminal, keys only, real labs on the CPU."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.probe import Terminal, now

APP = [sys.executable, "-P", "-m", "tui"]
KEY_BAR = {"en": "quit", "zh": "退出"}  # the last key of Today
CARD = {"en": re.compile(r"card (\d+) of \d+"), "zh": re.compile(r"第 (\d+) 张")}
SURE = {"en": "How sure are you?", "zh": "你有多大把握"}
GO_ON = {"en": "enter go on", "zh": "enter 继续"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A learner's folder of its own; no process outlives the test."""
    folder = tmp_path / "home"
    yield folder
    for process in workers_of(folder):
        process.kill()


def workers_of(home: Path) -> list[psutil.Process]:
    """Every process started with this learner's folder in its environment, zombies aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TORCHPROOF_HOME") == str(home) and process.status() != "zombie":
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def app(home: Path, lang: str = "en", *, cols: int = 80, rows: int = 24, **env: str) -> Terminal:
    settings = {"TORCHPROOF_HOME": str(home), "OMP_NUM_THREADS": "1", **env}
    terminal = Terminal([*APP, "--lang", lang], cols=cols, rows=rows, env=settings)
    terminal.wait_for(KEY_BAR[lang])
    return terminal


def command(home: Path, *words: str) -> Any:
    done = subprocess.run(
        [*APP, *words, "--json"],
        env={**os.environ, "TORCHPROOF_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def runs(home: Path) -> dict[str, str]:
    """Run id -> status, as `torchproof lab runs` lists them."""
    return {run["id"]: run["status"] for run in command(home, "lab", "runs")}


def wait_until_done(home: Path, run: str, seconds: float = 90) -> None:
    deadline = now() + seconds
    while runs(home)[run] != "done":
        assert now() < deadline, (runs(home), (home / "state" / "runs" / run / "worker.log").read_text())


def card_number(terminal: Terminal, lang: str) -> int:
    found = CARD[lang].search(terminal.text())
    return int(found[1]) if found else 0


def answer(terminal: Terminal, lang: str, *keys: str) -> None:
    """Answer the card on the screen and go on to the one after it."""
    number = card_number(terminal, lang)
    terminal.press(keys[0])
    terminal.wait_for(SURE[lang])
    terminal.press(keys[1])
    terminal.wait_for(GO_ON[lang])
    terminal.press("enter")
    terminal.wait_for(
        lambda text: CARD[lang].search(text) is None or card_number(terminal, lang) == number + 1
    )


def test_a_lost_terminal_ends_the_app_even_where_no_signal_comes(home: Path) -> None:
    """A shell in between that ignores SIGHUP, as under nohup, keeps it from the app."""
    shell = ["/bin/sh", "-c", 'trap "" HUP; "$@"; exit $?', "sh", *APP, "--lang", "en"]
    with Terminal(shell, cols=80, rows=24, env={"TORCHPROOF_HOME": str(home)}) as terminal:
        terminal.wait_for(KEY_BAR["en"])
        terminal.settle()
        terminal.lose()
        assert terminal.process.wait(10) == 128 + signal.SIGHUP


def test_keys_typed_in_one_go_answer_exactly_one_card(home: Path) -> None:
    with app(home) as terminal:
        terminal.settle()
        os.write(terminal.master, b"\r13\r")
        terminal.wait_for(lambda _: card_number(terminal, "en") == 2)
    shown = command(home, "progress", "show")
    assert shown["answers"] == 1


def open_lab(terminal: Terminal, title: str) -> None:
    """From Today through the bench to a lab, with cursor keys."""
    row = title[:16]  # the list may have to shorten it
    terminal.press("b")
    terminal.wait_for(row)
    for _ in range(40):
        if any("›" in line and row in line for line in terminal.lines()):
            break
        before = [line for line in terminal.lines() if "›" in line]
        terminal.press("down")
        terminal.wait_for(lambda _, old=before: [at for at in terminal.lines() if "›" in at] != old)
    terminal.press("enter")
    terminal.wait_for(lambda text: title in text.splitlines()[0])


def bet(terminal: Terminal) -> None:
    terminal.press("1")
    terminal.wait_for(SURE["en"])
    terminal.press("3")


def read_to_the_verdict(terminal: Terminal) -> None:
    terminal.wait_for("Read the numbers first", timeout=60)
    terminal.press("1")
    terminal.wait_for("Measured:", timeout=10)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_three_cards_are_answered_by_nine_keys(home: Path, lang: str) -> None:
    with app(home, lang) as terminal:
        terminal.press("enter")
        terminal.wait_for(lambda _: card_number(terminal, lang) == 1)
        for n in range(3):
            assert command(home, "progress", "show")["answers"] == n
            answer(terminal, lang, "1", "3")
        assert command(home, "progress", "show")["answers"] == 3


def test_a_lab_goes_from_bet_to_verdict_and_a_second_one_survives_a_restart(home: Path) -> None:
    with app(home) as terminal:
        open_lab(terminal, "What a forward pass changes")
        bet(terminal)
        terminal.press("r")
        read_to_the_verdict(terminal)
        assert "refuted" in terminal.text()
        terminal.press("q")
        terminal.press("q")
        terminal.wait_for(KEY_BAR["en"])

        open_lab(terminal, "Batch norm on tiny batches")
        bet(terminal)
        terminal.press("r")
        terminal.wait_for(lambda text: "step" in text and "┤" in text, timeout=30)
        terminal.press("q", "q")
        terminal.wait_for(KEY_BAR["en"])
        terminal.press("q")
        terminal.wait_for("(default)")
        terminal.press("enter")  # the default: leave it running
        assert terminal.wait() == 0
        assert terminal.terminal_restored()
    second = next(run for run in runs(home) if "tiny_batches" in run)
    wait_until_done(home, second)

    with app(home) as terminal:
        terminal.wait_for("Batch norm on tiny batches")
        terminal.press("r")
        terminal.wait_for("done")
        terminal.press("enter")
        read_to_the_verdict(terminal)
        assert "supported" in terminal.text()
    shown = command(home, "progress", "show")
    assert (shown["bets"], shown["results"]) == (2, 2)


@pytest.mark.parametrize("how", ["kill", "hang up"])
def test_an_app_that_is_killed_loses_nothing_and_its_lab_completes(home: Path, how: str) -> None:
    with app(home) as terminal:
        terminal.press("enter")
        terminal.wait_for(lambda _: card_number(terminal, "en") == 1)
        answer(terminal, "en", "2", "3")
        terminal.press("q")
        terminal.wait_for(KEY_BAR["en"])
        open_lab(terminal, "Batch norm on tiny batches")
        bet(terminal)
        terminal.press("r")
        terminal.wait_for(lambda text: "step" in text and "┤" in text, timeout=30)
        if how == "kill":
            terminal.process.send_signal(signal.SIGKILL)
        else:
            terminal.hang_up()
        terminal.process.wait(10)
        run = next(iter(runs(home)))
        wait_until_done(home, run)
    shown = command(home, "progress", "show")
    assert (shown["answers"], shown["bets"]) == (2, 1)
    psutil.wait_procs(workers_of(home), timeout=10)
    assert workers_of(home) == []  # neither the spare nor the worker is left


def test_two_apps_at_once_lose_nothing_and_show_each_others_answers_after_a_restart(home: Path) -> None:
    with app(home) as one, app(home) as two:
        for terminal in (one, two):
            terminal.press("enter")
            terminal.wait_for(lambda _, at=terminal: card_number(at, "en") == 1)
        for terminal in (one, two, two, one):
            answer(terminal, "en", "1", "3")
        for terminal in (one, two):
            terminal.press("q")
            terminal.wait_for(KEY_BAR["en"])
    assert command(home, "progress", "show")["answers"] == 4
    with app(home) as again:
        again.wait_for("learning")


@pytest.mark.parametrize(
    ("cols", "rows", "env"),
    [
        (80, 24, {"LANG": "C"}),
        (120, 36, {}),
        (40, 12, {}),
        (20, 5, {}),
        (80, 24, {"TERM": "screen", "COLORTERM": "", "NO_COLOR": "1"}),
    ],
)
def test_every_page_opens_at_any_size_and_in_any_terminal(
    home: Path, cols: int, rows: int, env: dict[str, str]
) -> None:
    settings = {"TORCHPROOF_HOME": str(home), **env}
    with Terminal([*APP, "--lang", "zh"], cols=cols, rows=rows, env=settings) as terminal:
        terminal.wait_for(lambda text: "q" in text.splitlines()[-1])
        for page in "brfps?":
            terminal.press(page)
            terminal.settle(0.1)
            terminal.press("l")
            terminal.settle(0.1)
            assert terminal.process.poll() is None, terminal.text()
            terminal.press("q")
            terminal.settle(0.1)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.terminal_restored()
