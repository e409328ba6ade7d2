"""Do two workers make loading faster? Items that must be waited for, and items that are already there.

Data     `items` numbers in batches of 8; an item is there at once, or after a pause as from a slow disk
Arms     items waited for, with 0 workers and with 2 that run already; ready items with 0 workers, with 2 that
         start for each epoch, and with 2 that are kept from epoch to epoch (persistent_workers)
Metric   milliseconds an epoch, the fastest of several; speed against the same items without workers; whether a
         change of the dataset between epochs reaches the workers
Cost     waiting: seeds x 2 x items x wait; the rest is starting workers. Times depend on the machine.
"""

import sys
import time
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from labs.report import Outcome, Point

# arm -> (waits for items, uses workers, keeps them)
ARMS = {
    "wait_alone": (True, False, False),
    "wait_two": (True, True, True),
    "ready_alone": (False, False, False),
    "ready_two": (False, True, False),
    "ready_kept": (False, True, True),
}
START = "fork" if sys.platform == "linux" else None  # spawned workers would load torch again
BATCH, CHANGED = 8, 5


class Items(Dataset[int]):
    def __init__(self, count: int, pause_s: float) -> None:
        self.count = count
        self.pause_s = pause_s
        self.level = 0  # a setting that a curriculum, say, would raise between epochs

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        if self.pause_s:
            time.sleep(self.pause_s)
        return self.level


def timed(loader: "DataLoader[int]") -> list[float]:
    """Milliseconds from the start of an epoch to each of its batches."""
    start = time.perf_counter()
    return [(time.perf_counter() - start) * 1000 for _ in loader]


def experiment(
    seeds: Sequence[int], device: torch.device, *, items: int = 80, wait_ms: float = 8.0, workers: int = 2
) -> Iterator[Point | Outcome]:
    epoch_ms: dict[str, list[float]] = {}
    change_seen: dict[str, list[float]] = {}
    batches = -(-items // BATCH)
    for arm, (waits, uses_workers, keeps) in ARMS.items():
        clocks = []
        for seed in seeds:
            data = Items(items, wait_ms / 1000 if waits else 0.0)
            count = workers if uses_workers else 0
            loader = DataLoader(
                data,
                BATCH,
                shuffle=True,
                generator=torch.Generator().manual_seed(seed),
                num_workers=count,
                persistent_workers=keeps,
                multiprocessing_context=START if count else None,
            )
            if keeps:
                timed(loader)  # the first epoch starts the workers
            # the fastest epoch: other programs can only slow one down
            epochs = [timed(loader) for _ in range(1 if waits else 10 if keeps else 4)]
            clocks.append(min(epochs, key=lambda times: times[-1]))
            epoch_ms.setdefault(arm, []).append(clocks[-1][-1])
            if not waits:
                data.level = CHANGED
                seen = next(iter(loader))
                change_seen.setdefault(arm, []).append(float((seen == CHANGED).all()))
        for step in range(batches):
            yield Point(step + 1, batches, {"elapsed": {arm: [clock[step] for clock in clocks]}})

    speed = {
        arm: [
            alone / own
            for own, alone in zip(
                epoch_ms[arm], epoch_ms["wait_alone" if waits else "ready_alone"], strict=True
            )
        ]
        for arm, (waits, _, _) in ARMS.items()
    }
    kept = [new / old for new, old in zip(epoch_ms["ready_two"], epoch_ms["ready_kept"], strict=True)]
    yield Outcome(
        {"epoch_ms": epoch_ms, "speed": speed, "saved": {"ready_kept": kept}, "change_seen": change_seen}
    )
