"""How long does reading the bank take: anew, from the snapshot, and as it grows to nearly as many files as it may have?

    python -m benchmarks.bank [--rounds N]

Grown banks are copies of the shipped one with other ids. Everything is measured side by side in one process, by turns;
medians. "a question" should not rise with their number.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import tempfile
from pathlib import Path

from benchmarks.timing import seconds
from questions import catalog, snapshot

SIZES = (1, 3, 7)  # how many copies of the bank; `questions.tree` reads 5000 files at most


def grown(root: Path, copies: int) -> Path:
    """A bank with every claim and question `copies` times."""
    shutil.copytree(catalog.BANK, root)
    for copy in range(1, copies):
        for path in catalog.BANK.glob("*/*/*.md"):
            claim = f"{path.parent.name}-{copy}"
            text = path.read_text("utf-8")
            if path.name == catalog.CLAIM_FILE:
                text = re.sub(r'^id = ".+"', f'id = "{claim}"', text, count=1, flags=re.M)
                text = re.sub(r"^requires = .+", "requires = []", text, count=1, flags=re.M)
                name = path.name
            else:
                text = re.sub(r'^id = ".+"', f'id = "{path.stem}-{copy}"', text, count=1, flags=re.M)
                text = re.sub(r'^claim = ".+"', f'claim = "{claim}"', text, count=1, flags=re.M)
                name = f"{path.stem}-{copy}.md"
            folder = root / path.parent.parent.name / claim
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    return root


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        banks = {n: grown(folder / f"bank{n}", n) for n in SIZES}
        cache = folder / "cache"
        counts = {}
        for n, root in banks.items():  # warms the disk's cache, and writes the snapshots
            bank = snapshot.load(root, cache=cache)
            if bank.problems:
                raise SystemExit(f"a grown bank has problems: {bank.problems[0]}")
            counts[n] = len(bank.questions)
        anew: dict[int, list[float]] = {n: [] for n in SIZES}
        kept: dict[int, list[float]] = {n: [] for n in SIZES}
        for _ in range(rounds):
            for n, root in banks.items():
                anew[n].append(seconds(lambda root=root: catalog.load(root)))
                kept[n].append(seconds(lambda root=root: snapshot.load(root, cache=cache)))
    print(f"{'questions':>10}{'read anew':>12}{'a question':>12}{'snapshot':>12}{'a question':>12}")
    for n in SIZES:
        whole, quick = statistics.median(anew[n]), statistics.median(kept[n])
        print(
            f"{counts[n]:>10}{1e3 * whole:>9.0f} ms{1e6 * whole / counts[n]:>9.0f} us"
            f"{1e3 * quick:>9.1f} ms{1e6 * quick / counts[n]:>9.1f} us"
        )
    print("meant: the shipped bank from its snapshot in under 50 ms; no rise of the time a question")


if __name__ == "__main__":
    main()
