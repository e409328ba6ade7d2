"""Does a long log slow torchproof down? A made-up life of 100 and of 100,000 events, side by side by turns in one run.

    python -m benchmarks.progress [--rounds 5] [--events 100000]

Prints medians: until Today is complete in a real terminal, with and without the kept fold; replaying a log;
bringing the kept fold back; recording an answer, over what the disk's own fsync of as many bytes takes.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.probe import Terminal
from benchmarks.timing import seconds
from questions import snapshot
from questions.events import (
    Answer,
    Bet,
    Event,
    Readout,
    Reason,
    Result,
    Session,
    Weights,
    encode,
    local_day,
)
from questions.fitting import LEAST
from questions.fsrs6 import DEFAULTS
from questions.grade import probability
from questions.kept_fold import KeptFold
from questions.progress import Progress
from questions.schedule import Fold
from questions.shapes import Bank

APP = [sys.executable, "-m", "tui", "--lang", "en"]
A_DAY = 30  # events, in a file of their own


def life(folder: Path, bank: Bank, count: int) -> list[Event]:
    """A log of `count` events up to today, a file a day: answers, reasons, bets with results, ends of sessions, and
    parameters of the memory model, fitted anew each time there are twice as many reviews."""
    fitted = LEAST
    draw, events, end = random.Random(count), list[Event](), datetime.now(UTC).replace(microsecond=0)
    claims = [claim for claim, questions in bank.by_claim.items() if questions]
    folder.mkdir(parents=True)
    day = -(-count // A_DAY)
    while len(events) < count:
        at, name = end - timedelta(days=day), f"made-{day:05d}"
        mine: list[Event] = []
        while len(mine) < A_DAY - 1:
            made = (
                _bet(draw, claims, at) if draw.random() < 0.02 else _answer(draw, bank, draw.choice(claims))
            )
            for event in made:
                at += timedelta(seconds=draw.randrange(5, 40))
                stamp = {"id": f"{name}-{len(mine):06d}", "at": at, "day": local_day(at)}
                if isinstance(event, Reason):
                    stamp["answer"] = mine[-1].id
                mine.append(type(event)(**{**_fields(event), **stamp}))
        at += timedelta(seconds=9)
        mine.append(
            Session(id=f"{name}-{len(mine):06d}", at=at, day=local_day(at), planned=20, done=20, seconds=900)
        )
        if len(events) >= 2 * fitted:
            fitted = len(events)
            weights = tuple(weight * draw.uniform(1.0, 1.02) for weight in DEFAULTS)
            stamp = {"id": f"{name}-{len(mine):06d}", "at": at, "day": local_day(at)}
            mine.append(Weights(**stamp, weights=weights, reviews=fitted))
        mine = mine[: count - len(events)]
        path = folder / f"{name}.jsonl"
        path.write_bytes(b"".join(encode(event) + b"\n" for event in mine))
        os.utime(path, (mine[-1].at.timestamp(),) * 2)
        events += mine
        day -= 1
    return events


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def _answer(draw: random.Random, bank: Bank, claim: str) -> list[Event]:
    question = draw.choice(bank.by_claim[claim])
    ok = draw.random() < 0.85
    belief = None if ok or not question.lures else draw.choice(sorted(question.lures))
    made: list[Event] = [
        Answer(
            claim=claim,
            item=question.id,
            kind=question.kind,
            option="a",
            p=probability(draw.choice([1, 2, 2, 3, 4]) if ok else draw.choice([1, 1, 2, 3]), question.chance),
            ok=ok,
            chance=question.chance,
            misconception=belief,
            latency_ms=draw.randrange(3000, 60000),
        )
    ]
    if question.kind == "two-step":
        made.append(Reason(answer="", option=question.reason_key or "", ok=True))
    return made


def _bet(draw: random.Random, claims: list[str], at: datetime) -> list[Event]:
    lab = f"lab{draw.randrange(60)}"
    bet = Bet(lab=lab, claim=draw.choice(claims), band=draw.randrange(4), bands=4, p=0.7, run=f"{lab}-{at}")
    result = Result(
        lab=lab, run=bet.run, claim=bet.claim, band=draw.randrange(4), bits=1.0, points=1.0, seeds=8
    )
    return [bet, Readout(lab=lab, run=bet.run, choice="up", ok=True), result]


def today(home: Path) -> float:
    """Seconds from the start until Today shows the plan."""
    with Terminal(APP, env={"TORCHPROOF_HOME": str(home)}) as terminal:
        shown = terminal.wait_for(lambda text: "About " in text or "Done for today" in text)
        terminal.settle()
        terminal.press("q")
        terminal.wait()
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder, sizes = Path(place), (100, given.events)
        bank = snapshot.load(cache=folder / "cache")
        homes = {size: folder / f"home{size}" for size in sizes}
        for size, home in homes.items():
            life(home / "data" / "events", bank, size)
            (home / "config").mkdir()
            (home / "config" / "settings.toml").write_text("keep_torch_ready = false\n")
            (
                today(home),
                today(home),
            )  # bytecode and page cache warm; the kept fold is written when the first one ends
        _today(homes, given.rounds)
        _log(homes, bank, folder, given.rounds)
        _appending(homes, folder)


def _today(homes: dict[int, Path], rounds: int) -> None:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for size, home in homes.items():
            times.setdefault(f"{size:,} events", []).append(today(home))
        for kept in (home / "cache").glob("fold-*"):
            kept.unlink()
        times.setdefault(f"{size:,} events, kept fold deleted", []).append(today(home))
    print(f"{rounds} rounds by turns, {os.cpu_count()} cores; medians\n")
    print("Today complete")
    first = statistics.median(next(iter(times.values())))
    for name, found in times.items():
        print(f"  {name:38}{statistics.median(found):8.3f} s{statistics.median(found) / first:7.2f}x")
    print("  meant: at most 1.2x with the kept fold\n")


def _log(homes: dict[int, Path], bank: Bank, folder: Path, rounds: int) -> None:
    large = homes[max(homes)] / "data" / "events"
    events = Progress.here(large).events()
    replaying, reading, folding, restoring, unchanged = [], [], [], [], []
    cache = folder / "kept"
    first = KeptFold(Progress.here(large), bank, cache)
    first.look()
    saving = seconds(first.save)
    for _ in range(rounds):
        replaying.append(seconds(KeptFold(Progress.here(large), bank, folder / "nothing kept").look))
        reading.append(seconds(lambda: Progress.here(large).events()))
        folding.append(seconds(lambda: Fold(bank).feed(events)))
        kept = KeptFold(Progress.here(large), bank, cache)
        restoring.append(seconds(kept.look))
        unchanged.append(seconds(kept.look))
    files, size = len(list(large.iterdir())), sum(path.stat().st_size for path in large.iterdir())
    replay, read, fold, back, again = map(
        statistics.median, (replaying, reading, folding, restoring, unchanged)
    )
    print(f"{len(events):,} events in {files:,} files, {size / 1e6:.0f} MB")
    print(f"  replay from nothing, as the app does it: {replay:.2f} s (meant: under 2 s)")
    print(f"  reading alone {read:.2f} s, folding alone {fold:.2f} s")
    print(f"  kept fold: back in {1e3 * back:.0f} ms, looked at again in {1e3 * again:.1f} ms")
    print(f"  written in {saving:.2f} s, {sum(p.stat().st_size for p in cache.iterdir()) / 1e6:.1f} MB\n")


def _appending(homes: dict[int, Path], folder: Path) -> None:
    """An answer recorded in a log that was read, against the bare write and fsync of as many bytes, by turns."""
    print("recording an answer, beyond the disk's own write and fsync (meant: under 1 ms)")
    for size, home in homes.items():
        log = Progress.here(home / "data" / "events")
        log.events()
        ours, bare = _by_turns(log, folder / f"bare{size}")
        print(f"  {size:,} events: {1e3 * ours:.2f} ms, {1e3 * (ours - bare):+.2f} ms beyond the disk")


def _by_turns(log: Progress, file: Path) -> tuple[float, float]:
    """Median seconds of recording an answer, and of writing as many bytes into a file and waiting for the disk."""
    answer = Answer(claim="E1.1", item="q", kind="choice", option="a", p=0.7, ok=True, chance=0.25)
    line = encode(log.record(answer)) + b"\n"
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ours, bare = [], []
    for _ in range(200):
        ours.append(seconds(lambda: log.record(answer)))
        bare.append(seconds(lambda: (os.write(fd, line), os.fsync(fd))))
    os.close(fd)
    log.close()
    return statistics.median(ours), statistics.median(bare)


if __name__ == "__main__":
    main()
