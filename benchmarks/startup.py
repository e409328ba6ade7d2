"""How soon is torchproof on the screen, compared with an empty Textual app started by turns in the same run?

    python -m benchmarks.startup [--pairs 9]

Prints medians and the ratio of each pair's median: first non-blank screen (the splash), first real paint
(the key bar), processor seconds, memory, and whether libtorch is mapped in the interface process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.probe import Terminal

FLOOR = [sys.executable, str(Path(__file__).parent / "floors" / "bare.py")]
APP = [sys.executable, "-m", "tui", "--lang", "en"]


def start(argv: list[str], home: str) -> dict[str, float]:
    """One cold start: seconds to the first non-blank screen and to the key bar, CPU seconds, MB."""
    with Terminal(argv, env={"TORCHPROOF_HOME": home}) as terminal:
        first = terminal.wait_for(lambda text: text.strip() != "")
        paint = terminal.wait_for(lambda text: "quit" in text.splitlines()[-1].lower())
        terminal.settle()
        maps = Path(f"/proc/{terminal.process.pid}/maps")
        torch = maps.exists() and "libtorch" in maps.read_text()
        figures = {
            "first non-blank screen, s": first,
            "first real paint, s": paint,
            "CPU, s": terminal.cpu_s(),
            "memory, MB": terminal.rss_mb(),
            "libtorch mapped": float(torch),
        }
        terminal.press("q")
        terminal.wait()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as home:
        start(FLOOR, home), start(APP, home)  # bytecode and page cache warm
        runs = [(start(FLOOR, home), start(APP, home)) for _ in range(pairs)]
    print(f"{pairs} pairs, {os.cpu_count()} cores; medians, and the median of the paired ratios")
    print(f"{'':28}{'empty app':>12}{'torchproof':>12}{'ratio':>8}")
    for name in runs[0][0]:
        floor = statistics.median(f[name] for f, _ in runs)
        app = statistics.median(a[name] for _, a in runs)
        ratio = statistics.median(a[name] / f[name] for f, a in runs) if floor else float("nan")
        print(f"{name:28}{floor:12.3f}{app:12.3f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
