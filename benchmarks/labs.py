"""How much faster do a lab's networks train together than one after another in the script a user would write?

    python -m benchmarks.labs [--quick] [--net NAME] [--device cuda]

The lab: 5 learning rates x 16 seeds = 80 networks, batches of 64, SGD with momentum, 20 epochs, accuracy
every epoch. The plain script (DataLoader, nn.Module, torch.optim, .item() at every step) trains a few of them
and is scaled up; the engine trains them all. Everyone works in a process of its own, started and warmed up
before, one after another in each of several rounds; ratios are taken within a round. The floor is the
arithmetic alone at the best matrix product measured in the same rounds. --quick trains 4 epochs.

Then the cost of telling: a whole run (generator, journal, streaming, verdict) against the same loop without.

Other work on the same cores spoils the wall-clock columns of whoever uses several threads or processes first;
the CPU columns stand closer to what free cores would give, and the load is printed for that reason.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from labs.data import digits
from labs.ensemble import SGD, Ensemble, accuracy, batches, cross_entropy, gather

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
SEEDS = range(16)
MEMBERS = len(RATES) * len(SEEDS)
BATCH, TRAIN, EPOCHS, ROUNDS = 64, 1408, 20, 4
STEPS = TRAIN // BATCH  # an epoch
TESTED = 1797 - TRAIN
OVERHEAD_LAB = Path(__file__).parent / "overhead_lab" / "many_mlps"

# ---- the three networks ------------------------------------------------------------------------------------


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def _cnn(stride: int, *shrink: nn.Module) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, stride, padding=1), nn.BatchNorm2d(16), nn.ReLU(), *shrink),
        *(nn.Dropout(0.2), nn.Flatten(), nn.Linear(256, 10)),
    )


def cnn_stride() -> nn.Module:
    return _cnn(2)


def cnn_pool() -> nn.Module:
    return _cnn(1, nn.MaxPool2d(2))


class Net(NamedTuple):
    build: Callable[[], nn.Module]
    title: str
    target: float  # the ratio to the plain script that the engine is meant to reach on two cores
    tile: int  # members in one tensor program where a processor's cache is to hold them
    plain_members: int  # trained by the plain script in a round


NETS = {
    "mlp": Net(mlp, "MLP 64-128-10", 20.0, 40, 4),
    "cnn_stride": Net(cnn_stride, "CNN 8-16, stride 2", 7.0, 10, 2),
    "cnn_pool": Net(cnn_pool, "CNN 8-16, max pooling", 4.5, 5, 2),
}


def images(net: Net, device: torch.device) -> tuple[Tensor, Tensor]:
    data = digits(device)
    return (data.flat if net.build is mlp else data.images), data.labels


# ---- who trains: each of these yields once an epoch (the plain script: once an epoch of all its members) ---


def plain(net: Net, device: torch.device, members: int) -> Iterator[None]:
    """One network after another: what a user would write."""
    x, y = (t.cpu() for t in images(net, device))
    train = DataLoader(TensorDataset(x[:TRAIN], y[:TRAIN]), batch_size=BATCH, shuffle=True, drop_last=True)
    test = DataLoader(TensorDataset(x[TRAIN:], y[TRAIN:]), batch_size=BATCH)
    losses: list[float] = []
    while True:
        for seed in range(members):
            torch.manual_seed(seed)
            model = net.build().to(device)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
            model.train()
            for images_, labels in train:
                loss = F.cross_entropy(model(images_.to(device)), labels.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            model.eval()
            right = 0
            with torch.no_grad():
                for images_, labels in test:
                    right += int((model(images_.to(device)).argmax(1) == labels.to(device)).sum())
        yield


def together(net: Net, device: torch.device, seeds: Sequence[int], tile: int) -> Iterator[None]:
    """All at once, in tensor programs of `tile` members that take turns epoch by epoch."""
    x, y = images(net, device)
    test, labels = x[TRAIN:], y[TRAIN:]
    members = [(seed, rate) for seed in seeds for rate in RATES]
    parts = []
    for first in range(0, len(members), tile):
        own, rates = zip(*members[first : first + tile], strict=True)
        ensemble = Ensemble(net.build, own, device)
        walk = batches(own, torch.arange(TRAIN), BATCH, device)
        parts.append((ensemble, SGD(ensemble, rates, momentum=0.9), walk))
    losses, accuracies = [], []
    while True:
        for ensemble, sgd, walk in parts:
            ensemble.train()
            for rows in islice(walk, STEPS):
                loss = cross_entropy(ensemble(gather(x, rows)), y[rows])
                sgd.step(loss)
                losses.append(loss.detach())
            with torch.no_grad():
                accuracies.append(accuracy(ensemble.eval().same(test), labels))
        yield


def products(device: torch.device) -> Iterator[float]:
    """The best FLOP/s of a few matrix products, each time anew."""
    shapes = ((80, 64, 64, 128), (80, 256, 256, 256), (1, 1024, 1024, 1024))
    pairs = [
        (torch.randn(m, a, b, device=device), torch.randn(m, b, c, device=device)) for m, a, b, c in shapes
    ]
    while True:
        best = 0.0
        for a, b in pairs:
            flop = 2.0 * a.numel() * b.shape[2]
            for _ in range(20):
                began = time.perf_counter()
                torch.bmm(a, b)
                wait_for(device)
                best = max(best, flop / (time.perf_counter() - began))
        yield best


def wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def flop(net: Net) -> float:
    """Of one step of one member, its share of the evaluation included; matrix products and convolutions."""
    x, y = images(net, torch.device("cpu"))
    model = net.build()
    with FlopCounterMode(display=False) as training:
        F.cross_entropy(model(x[:BATCH]), y[:BATCH]).backward()  # type: ignore[no-untyped-call]
    with FlopCounterMode(display=False) as testing, torch.no_grad():
        model(x[TRAIN:])
    return float(training.get_total_flops() + testing.get_total_flops() / STEPS)


# ---- processes ---------------------------------------------------------------------------------------------


class Lap(NamedTuple):
    """What some epochs have taken, a step and member, in seconds."""

    wall: float
    cpu: float


class Trainer:
    """A process that trains when told: `python -m benchmarks.labs --role NAME --net NET`."""

    def __init__(self, role: str, net: str, device: str, threads: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.labs", "--role", role, "--net", net, "--device", device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()
        self.process.wait()

    def begin(self, epochs: int) -> None:
        print(epochs, file=self.process.stdin, flush=True)

    def answer(self) -> list[float]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a training process has ended early; its error stands above")
        return [float(word) for word in line.split()]


def lap(trainers: Sequence[Trainer], epochs: int, members: int) -> Lap:
    """All these at the same time. members: how many they train, taken together."""
    began = time.perf_counter()
    for trainer in trainers:
        trainer.begin(epochs)
    cpu = sum(trainer.answer()[0] for trainer in trainers)
    wall = time.perf_counter() - began
    return Lap(wall / (epochs * STEPS * members), cpu / (epochs * STEPS * members))


def train_when_told(role: str, net: Net, device: torch.device) -> None:
    half = len(SEEDS) // 2
    roles: dict[str, Callable[[], Iterator[None]]] = {
        "plain": lambda: plain(net, device, net.plain_members),
        "one": lambda: plain(net, device, 1),
        "whole": lambda: together(net, device, SEEDS, MEMBERS),
        "tiled": lambda: together(net, device, SEEDS, net.tile),
        "first": lambda: together(net, device, SEEDS[:half], net.tile),
        "second": lambda: together(net, device, SEEDS[half:], net.tile),
    }
    if role == "products":
        best = products(device)
        for _ in sys.stdin:
            print(next(best), flush=True)
        return
    epochs = roles[role]()
    for told in sys.stdin:
        began = time.process_time()
        for _ in islice(epochs, int(told)):
            pass
        wait_for(device)
        print(time.process_time() - began, flush=True)


# ---- the report --------------------------------------------------------------------------------------------


def compare(name: str, device: str, epochs: int) -> None:
    net = NETS[name]
    cores = os.cpu_count() or 1
    threads = sorted({cores, cores // 2} - {0, 1})
    with ExitStack() as stack:

        def start(role: str, threads: int = 1) -> Trainer:
            return stack.enter_context(Trainer(role, name, device, threads))

        teams = {"plain, 1 thread": ([start("plain")], net.plain_members)}
        for n in threads:
            teams[f"plain, {n} threads"] = ([start("one", n)], 1)
        teams["together"] = ([start("whole")], MEMBERS)
        teams[f"together, tiles of {net.tile}"] = ([start("tiled")], MEMBERS)
        if device == "cpu":
            teams["together, two processes"] = ([start("first"), start("second")], MEMBERS)
        meter = start("products")
        for team, _ in teams.values():  # first steps, imports, memory
            lap(team, 1, 1)
        laps: dict[str, list[Lap]] = {who: [] for who in teams}
        peak = 0.0
        for _ in range(ROUNDS):
            meter.begin(1)
            peak = max(peak, meter.answer()[0])
            for who, (team, members) in teams.items():
                laps[who].append(lap(team, max(1, epochs // ROUNDS), members))

    plains = [who for who in laps if who.startswith("plain")]
    best = min(plains, key=lambda who: statistics.median(one.wall for one in laps[who]))
    floor = flop(net) / peak
    print(
        f"\n{net.title}, {MEMBERS} members, {epochs} epochs; {flop(net) / 1e6:.1f} MFLOP a step and member,"
    )
    print(f"floor {1e6 * floor:.0f} us at {peak / 1e9:.0f} GFLOP/s a core; load {os.getloadavg()[0]:.1f}")
    titles = ("us", "CPU us", "x plain, 1 thread", "x its best", "x in CPU", "of floor")
    print("".join(["a step and member".ljust(28), *map(str.rjust, titles, (9, 9, 21, 12, 10, 10))]))
    for who, own in laps.items():
        wall, cpu = (statistics.median(getattr(one, field) for one in own) for field in ("wall", "cpu"))
        ratios = [a.wall / b.wall for a, b in zip(laps[plains[0]], own, strict=True)]
        spread = f"{statistics.median(ratios):.1f} [{min(ratios):.1f}, {max(ratios):.1f}]"
        against_best = statistics.median(a.wall / b.wall for a, b in zip(laps[best], own, strict=True))
        in_cpu = statistics.median(a.cpu / b.cpu for a, b in zip(laps[plains[0]], own, strict=True))
        used = 2 if who.endswith("two processes") else 1
        print(
            f"{who:28}{1e6 * wall:9.1f}{1e6 * cpu:9.1f}{spread:>21}{against_best:12.1f}{in_cpu:10.1f}"
            f"{floor / used / wall:10.0%}"
        )
    print(f"meant to reach on two cores: {net.target:g}x the plain script on one thread")


def overhead(pairs: int, steps: int) -> None:
    """A run as a worker does it, against the bare loop, by turns in this process."""
    import logging
    from datetime import UTC, datetime

    from labs import journal
    from labs.catalog import load
    from labs.device import Chosen
    from labs.running import Running, _loaded

    logging.disable()
    cpu = torch.device("cpu")
    lab = load(OVERHEAD_LAB)
    untold = sys.modules[_loaded(OVERHEAD_LAB / "experiment.py", lab.id).__module__].untold
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as runs:
        for pair in range(-1, pairs):
            wall, work = time.perf_counter(), time.process_time()
            untold(list(SEEDS), cpu, steps=steps)
            bare = time.perf_counter() - wall, time.process_time() - work
            wall, work = time.perf_counter(), time.process_time()
            run = journal.create(
                Path(runs),
                lab,
                knobs={"steps": steps},
                seeds=list(SEEDS),
                max_seeds=len(SEEDS),
                device="cpu",
                by="command",
                now=datetime.now(UTC),
                python=sys.executable,
                version="0",
            )
            status = Running(run, torch, lambda wanted, strict: Chosen(cpu, "CPU"), time.monotonic()).work()
            told = time.perf_counter() - wall, time.process_time() - work
            if status:
                raise SystemExit(f"the run of {lab.id} failed")
            if pair >= 0:  # the first one warms up
                walls.append(told[0] / bare[0] - 1)
                cpus.append(told[1] / bare[1] - 1)
        size = run.events_file.stat().st_size
        for thread in threading.enumerate():  # a watcher whose run's folder is gone would end this process
            if thread.name == "watcher":
                thread.join()
    print(f"\nA whole run of {lab.id} ({steps} steps, {size / 1e3:.0f} KB of journal) against the bare loop,")
    print(f"{pairs} pairs: medians and quartiles; meant to stay under 3 %")
    for name, ratios in (("time", walls), ("CPU", cpus)):
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name:6}{middle:+8.1%}  [{low:+.1%}, {high:+.1%}]")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="4 epochs and fewer pairs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--net", choices=NETS, help="this network alone")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.role:
        train_when_told(args.role, NETS[args.net], torch.device(args.device))
        return
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, device {args.device}, {ROUNDS} rounds")
    for name in [args.net] if args.net else NETS:
        compare(name, args.device, 4 if args.quick else EPOCHS)
    if not args.net:
        torch.set_num_threads(1)
        overhead(pairs=5 if args.quick else 15, steps=220 if args.quick else 440)


if __name__ == "__main__":
    main()
