"""Two workers only read a list of file names. Do they share its memory? Copy-on-write against reference counts.

Data     `names` file names with numbers drawn by the seed, read once in their order
Arms     kept as a Python list of str, or as one NumPy array of bytes
Metric   private memory (USS) of the workers: how much it grows from the first batches to the last
Cost     one epoch of two DataLoaders a seed, with workers forked from the lab's process
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]
import torch
from torch.utils.data import DataLoader, Dataset

from labs.report import Outcome, Point

ARMS = ("list", "array")
START = "fork" if sys.platform == "linux" else None  # without fork there is no memory to share
BATCHES, LOOK_EVERY = 50, 4


class Lengths(Dataset[int]):
    """Reads a name and returns its length: nothing is written."""

    def __init__(self, names: Any) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> int:
        return len(self.names[index])


def private(workers: Sequence[Any]) -> float:
    """MiB that belong to the workers alone."""
    return sum(psutil.Process(worker.pid).memory_full_info().uss for worker in workers) / 2**20


def experiment(
    seeds: Sequence[int], device: torch.device, *, names: int = 500_000, workers: int = 2
) -> Iterator[Point | Outcome]:
    size = -(-names // BATCHES)
    looks = range(5, BATCHES - 1, LOOK_EVERY)  # after the warm-up, and before the workers may leave
    used: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        numbers = np.random.default_rng(seed).integers(10**8, size=names).tolist()
        texts = [f"images/{number:08d}.png" for number in numbers]
        for arm in ARMS:
            loader = DataLoader(
                Lengths(texts if arm == "list" else np.array(texts, dtype=np.bytes_)),
                size,
                num_workers=workers,
                multiprocessing_context=START,
            )
            batches: Any = iter(loader)
            used[arm].append([private(batches._workers) for step, _ in enumerate(batches) if step in looks])

    grown = {arm: [[now - one[0] for now in one] for one in used[arm]] for arm in ARMS}
    for number in range(len(looks)):
        now = {arm: [one[number] for one in grown[arm]] for arm in ARMS}
        yield Point(number + 1, len(looks), {"grown": now})
    yield Outcome({"growth": {arm: [one[-1] for one in grown[arm]] for arm in ARMS}})
