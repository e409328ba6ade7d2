"""What a key costs while a lab streams, what goes over the wire, and how soon a run's first point shows.

    python -m benchmarks.latency [--keys 60]

A lab with four series keeps every core busy (benchmarks/streaming_lab) while keys are pressed in the app. The
same keys are pressed on an idle screen and through a link of 125 KB/s; a bare Textual list is the floor.
Everything is measured from outside, at the terminal, in one run on one machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.probe import Terminal, now
from benchmarks.timing import percentile

HERE = Path(__file__).parent
FLOOR = [sys.executable, str(HERE / "floors" / "keys.py")]
APP = [sys.executable, "-m", "tui", "--lang", "en", "--labs", str(HERE / "streaming_lab")]
COLD = [sys.executable, "-c", "import torch, torch._dynamo, os; os._exit(0)"]
TITLE = "Four streams"


@contextmanager
def app(bytes_per_second: int | None = None) -> Iterator[Terminal]:
    """The app at 100x30 in a fresh learner's folder, its spare warmed up; its labs end with it."""
    with tempfile.TemporaryDirectory() as home:
        env = {"TORCHPROOF_HOME": home, "TORCHPROOF_THREADS": str(os.cpu_count() or 1)}
        with Terminal(APP, env=env, bytes_per_second=bytes_per_second) as terminal:
            terminal.wait_for("quit")
            terminal.settle(4.0)  # the spare loads torch meanwhile
            yield terminal
        subprocess.run(
            [*APP[:3], "lab", "stop", "--all"], env={**os.environ, **env}, capture_output=True, check=False
        )


def open_lab(terminal: Terminal) -> None:
    """From Today to the streaming lab, its bet locked."""
    terminal.press("b")
    terminal.wait_for(TITLE)
    while not any("›" in line and TITLE in line for line in terminal.lines()):
        terminal.press("down")
        terminal.settle(0.1)
    terminal.press("enter")
    terminal.wait_for("1 ( )")
    terminal.press("1")
    terminal.wait_for("How sure are you?")
    terminal.press("3")
    terminal.settle()


def run(terminal: Terminal) -> float:
    """Press r; seconds until the first point is on the screen."""
    pressed = terminal.press("r")
    return terminal.started + terminal.wait_for("┤", timeout=60) - pressed


def key_times(terminal: Terminal, keys: int, watch: range, *names: str) -> list[float]:
    """Milliseconds from key to paint for keys pressed by turns, at random moments of the stream."""
    jitter = random.Random(1)
    times = []
    for n in range(keys):
        deadline = now() + 0.15 + 0.1 * jitter.random()
        while (left := deadline - now()) > 0:
            terminal.pump(left)
        painted = terminal.key_to_paint(names[n % len(names)], watch)
        times.append(1000 * painted if painted is not None else float("inf"))
    return times


def all_times(terminal: Terminal, keys: int) -> dict[str, list[float]]:
    """From the lab page: opening help, leaving it, the cursor of the bench's list, a few rows below the lab."""
    title = range(1)  # no chart is in it
    help_times = key_times(terminal, 2 * keys, title, "?", "q")
    while "E2" not in terminal.text():
        terminal.press("q")
        terminal.settle(0.3, 1)
    for _ in range(5):
        terminal.press("down")
        terminal.settle(0.1, 1)
    cursor = key_times(terminal, keys, range(6, 14), "down", "up")
    for _ in range(5):
        terminal.press("up")
        terminal.settle(0.1, 1)
    terminal.press("enter")
    terminal.wait_for(lambda text: TITLE in text.splitlines()[0])
    return {
        "opening help": help_times[::2],
        "leaving help": help_times[1::2],
        "a cursor key on the bench": cursor,
    }


def row(name: str, times: list[float]) -> None:
    print(f"{name:58}p50 {statistics.median(times):6.1f} ms   p95 {percentile(times, 0.95):6.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=60)
    keys = parser.parse_args().keys
    with Terminal(FLOOR) as floor:
        floor.wait_for("Quit")
        floor.settle()
        row("floor: cursor key in a bare Textual list", key_times(floor, keys, range(30), "down", "up"))
    with app() as terminal:
        open_lab(terminal)
        idle = all_times(terminal, keys)
        for name, times in idle.items():
            row(f"{name}, idle", times)
        terminal.settle(1.0)
        quiet, cpu = terminal.bytes_during(5), terminal.cpu_s()
        terminal.bytes_during(5)
        spent = 100 * (terminal.cpu_s() - cpu) / 5
        warm = run(terminal)
        terminal.settle(0.5, 2)
        wire = terminal.bytes_during(8) / 8 / 1000
        busy = all_times(terminal, keys)
        for name, times in busy.items():
            row(f"{name}, a lab on all {os.cpu_count()} cores streams", times)
            print(f"{'':58}p50 {statistics.median(times) / statistics.median(idle[name]):6.2f} x idle")
        memory = terminal.rss_mb()
    with app(bytes_per_second=125_000) as terminal:
        open_lab(terminal)
        run(terminal)
        terminal.settle(0.5, 2)
        slow = all_times(terminal, keys)
    for name, times in slow.items():
        row(f"{name}, the same at 125 KB/s", times)
        print(
            f"{'':58}p95 {percentile(times, 0.95) / percentile(busy[name], 0.95):6.2f} x the unthrottled run"
        )
    print(f"{'on the wire while four series stream':58}{wire:6.1f} KB/s")
    print(f"{'on the wire when idle':58}{quiet / 5:6.1f} B/s, {spent:.1f} % of a core")
    print(f"{'interface memory with a lab streaming':58}{memory:6.1f} MB")
    print(f"{'r to first point, warmed spare':58}{1000 * warm:6.0f} ms")
    cold, floor_s = cold_start()
    print(f"{'r to first point, no spare':58}{1000 * cold:6.0f} ms, {cold / floor_s:.2f} x importing torch")


def cold_start() -> tuple[float, float]:
    """Seconds from `lab run` to its first point without a spare, and to import torch with its compiler."""
    colds, floors = [], []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(COLD, check=True)
        floors.append(time.perf_counter() - began)
        with tempfile.TemporaryDirectory() as home:
            words = ["lab", "run", "four_streams", "--knob", "seconds=1", "--json"]
            began = time.perf_counter()
            with subprocess.Popen(
                [*APP, *words], env={**os.environ, "TORCHPROOF_HOME": home}, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                next(line for line in process.stdout if '"point"' in line)
                colds.append(time.perf_counter() - began)
                process.stdout.read()
    return statistics.median(colds), statistics.median(floors)


if __name__ == "__main__":
    main()
