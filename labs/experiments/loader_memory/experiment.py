"""What saves memory: batches, lazy reading or several processes? A file is read through a DataLoader.

Data     a file of `mib` MiB with 1,024 records, written from the seed and deleted afterwards
Arms     a dataset that loads the whole file when it is made; one that reads a record when it is asked for, with
         0 workers; and the same with 2 workers
Metric   the most memory that an epoch adds, over all processes, shared pages counted once (PSS of anonymous memory)
Cost     each arm and seed in a process of its own, forked from the lab's; reading 3 files of `mib` MiB a seed
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from labs.report import Outcome, Point

ARMS = ("eager", "lazy", "lazy_two")
START = "fork" if sys.platform == "linux" else "spawn"
RECORDS, BATCH, LOOK_EVERY = 1024, 16, 7
MIB = 2**20


class Eager(Dataset[Tensor]):
    def __init__(self, file: Path) -> None:
        self.records = torch.from_numpy(np.fromfile(file, np.uint8)).view(RECORDS, -1)

    def __len__(self) -> int:
        return RECORDS

    def __getitem__(self, index: int) -> Tensor:
        return self.records[index]


class Lazy(Dataset[Tensor]):
    def __init__(self, file: Path) -> None:
        self.file = file
        self.size = file.stat().st_size // RECORDS

    def __len__(self) -> int:
        return RECORDS

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(np.fromfile(self.file, np.uint8, self.size, offset=index * self.size))


def memory() -> float:
    """MiB of the lab's process with all below it.

    The lab's own process counts as well: what it shares with new workers would otherwise seem to grow.
    """
    lab = psutil.Process(os.getppid())
    return sum(own_memory(process) for process in (lab, *lab.children(recursive=True))) / MIB


def own_memory(process: psutil.Process) -> float:
    """Bytes. On Linux the process's share of anonymous and shared memory: pages of library files are left out, for
    their share changes when any stranger on the machine loads torch. Elsewhere what no other process has (USS)."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
        return 1024.0 * (kib["Pss_Anon"] + kib["Pss_Shmem"])
    except (OSError, KeyError):
        return float(process.memory_full_info().uss)


def read_through(arm: str, file: Path, seed: int, workers: int, answer: Connection) -> None:
    """One epoch; sends what memory has grown by, at every LOOK_EVERY-th batch."""
    before = memory()
    loader = DataLoader(
        Eager(file) if arm == "eager" else Lazy(file),
        BATCH,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
        num_workers=workers if arm == "lazy_two" else 0,
        multiprocessing_context=START if arm == "lazy_two" and workers else None,
    )
    answer.send([memory() - before for step, _ in enumerate(loader) if step % LOOK_EVERY == 0])


def experiment(
    seeds: Sequence[int], device: torch.device, *, mib: int = 64, workers: int = 2
) -> Iterator[Point | Outcome]:
    start = multiprocessing.get_context(START)
    grown: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}  # one list a seed
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            file = Path(folder) / "records"
            file.write_bytes(np.random.default_rng(seed).bytes(MIB) * mib)
            for arm in ARMS:
                ours, theirs = start.Pipe(duplex=False)
                reader = start.Process(target=read_through, args=(arm, file, seed, workers, theirs))
                reader.start()
                theirs.close()
                grown[arm].append(ours.recv())  # EOFError if the reader dies
                reader.join()

    looks = -(-RECORDS // BATCH // LOOK_EVERY)
    for look in range(looks):
        yield Point(look + 1, looks, {"grown": {arm: [one[look] for one in grown[arm]] for arm in ARMS}})
    peak = {arm: [max(one) for one in grown[arm]] for arm in ARMS}
    yield Outcome({"peak": peak, "of_file": {arm: [x / mib for x in peak[arm]] for arm in ARMS}})
