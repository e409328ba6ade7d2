"""One fit in a process of its own, since the package's optimizer loads torch.

    python -P -m questions.fitter EVENTS PACKS CACHE [--dry-run] [--background]

Prints one line of JSON: a `fitting.Fit`, or {"problem": key, "fields": {...}} of a BankProblem. What came of it is
recorded among the events, unless `--dry-run`. `--background`: gives way to whatever else runs, and fits the initial
stabilities where the optimizer is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

import msgspec

from questions.fitting import ALL, RATINGS, History, Parameters, fit, initial
from questions.forgetting import usable
from questions.merge import whole_bank
from questions.problems import BankProblem
from questions.progress import Progress

# What fsrs.optimizer imports, and hides if it is missing; the last one takes longest.
NEEDED: Final = ("fsrs", "pandas", "tqdm", "torch")
BATCH: Final = 64  # reviews a step. With the package's 512 it takes few steps, and below 512 reviews none
NICENESS: Final = 10


def command(events: Path, packs: Path, cache: Path, *options: str) -> list[str]:
    """The command line of a fit, under our own interpreter."""
    return [sys.executable, "-P", "-m", "questions.fitter", *map(str, (events, packs, cache)), *options]


def environment() -> dict[str, str]:
    """One thread, no GPU: the optimizer computes with single numbers."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def optimised(histories: Sequence[History]) -> Parameters:
    """All 21 parameters by the package's optimizer, from its defaults. Raises BankProblem ("fit-package", or
    "fit-nothing" where it gives its defaults back: it does so without a word where it thinks reviews too few)."""
    check_installed()
    from fsrs import Rating, ReviewLog, optimizer
    from fsrs.scheduler import DEFAULT_PARAMETERS

    optimizer.mini_batch_size = BATCH
    ratings = dict(zip(RATINGS, (Rating.Again, Rating.Hard, Rating.Good, Rating.Easy), strict=True))
    reviews = [
        ReviewLog(
            card_id=number,
            rating=ratings[rated.rating],
            review_datetime=datetime.combine(rated.day, time(), UTC),
            review_duration=None,
        )
        for number, history in enumerate(histories, 1)
        for rated in history
    ]
    found = tuple(optimizer.Optimizer(reviews).compute_optimal_parameters() or ())
    if found == DEFAULT_PARAMETERS or not usable(found):
        raise BankProblem("fit-nothing", reviews=len(reviews), python=sys.executable)
    return found


def check_installed() -> None:
    """Raises BankProblem("fit-package") where the optimizer cannot be used."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise BankProblem("fit-package", least=ALL, why=error, python=sys.executable) from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m questions.fitter", description=__doc__)
    for name in ("events", "packs", "cache"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--background", action="store_true")
    given = parser.parse_args(arguments)
    if given.background:
        _give_way()
    try:
        log = Progress.here(given.events)
        optimiser = _optimised_if_possible if given.background else optimised
        found = fit(log.events(), whole_bank(given.packs, given.cache), optimiser)
        if not given.dry_run:
            log.record(found.event())
    except BankProblem as problem:
        print(msgspec.json.encode({"problem": problem.key, "fields": problem.fields}).decode())
        return 1
    print(msgspec.json.encode(found).decode())
    return 0


def _optimised_if_possible(histories: Sequence[History]) -> Parameters:
    try:
        check_installed()
    except BankProblem:
        return initial(histories)
    return optimised(histories)


def _give_way() -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    # Linux may share the cores out by session first; niceness counts only within one
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))


if __name__ == "__main__":
    sys.exit(main())
