"""Random augmentation in workers: how many of the random numbers are different? The worker-seed bug.

Data     `samples` items; each returns the random integer that its dataset draws for it
Arms     drawn from NumPy's global generator; from a generator that the dataset has made in __init__; and from
         such a generator that a worker_init_fn seeds anew in each worker
Metric   different numbers in an epoch; whether the second epoch brings the same numbers as the first
Cost     two epochs of three DataLoaders a seed; starting the workers is nearly all of it
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from labs.report import Outcome, Point

ARMS = ("global", "own", "reseeded")
START = "fork" if sys.platform == "linux" else None  # spawned workers would load torch again


class Augmented(Dataset[int]):
    def __init__(self, seed: int, samples: int, own: bool) -> None:
        self.rng = np.random.default_rng(seed) if own else None
        self.samples = samples

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> int:
        if self.rng is not None:
            return int(self.rng.integers(10**9))
        return int(np.random.randint(10**9))


def reseed(worker: int) -> None:
    """worker_init_fn: torch has given each worker, in each epoch, a seed of its own."""
    info = get_worker_info()
    assert info is not None
    info.dataset.rng = np.random.default_rng(info.seed)


def experiment(
    seeds: Sequence[int], device: torch.device, *, samples: int = 16, workers: int = 2
) -> Iterator[Point | Outcome]:
    numbers: dict[str, list[list[int]]] = {arm: [] for arm in ARMS}  # of both epochs
    for seed in seeds:
        for arm in ARMS:
            loader = DataLoader(
                Augmented(seed, samples, own=arm != "global"),
                num_workers=workers,
                multiprocessing_context=START if workers else None,
                worker_init_fn=reseed if arm == "reseeded" else None,
                generator=torch.Generator().manual_seed(seed),  # gives the workers their seeds
            )
            numbers[arm].append([int(x) for _ in range(2) for x in loader])

    for step in range(2 * samples + 1):
        different = {arm: [float(len(set(drawn[:step]))) for drawn in numbers[arm]] for arm in ARMS}
        yield Point(step, 2 * samples, {"different": different})
    first = {arm: [drawn[:samples] for drawn in numbers[arm]] for arm in ARMS}
    second = {arm: [drawn[samples:] for drawn in numbers[arm]] for arm in ARMS}
    distinct = {arm: [float(len(set(drawn))) for drawn in first[arm]] for arm in ARMS}
    yield Outcome(
        {
            "distinct": distinct,
            "copies": {arm: [samples / number for number in distinct[arm]] for arm in ARMS},
            "repeated": {
                arm: [float(a == b) for a, b in zip(first[arm], second[arm], strict=True)] for arm in ARMS
            },
        }
    )
