"""What does a forward pass change inside a network? Every parameter and buffer is compared bit by bit.

Data     digits, batches drawn by the seed; labels are not used
Arms     one untrained CNN (2 BatchNorm layers, 1 dropout) passed forward in train() and in eval(), with and
         without gradient recording; and a network whose only special layer is dropout, in train()
Metric   tensors whose bits differ from the start, of 10 parameters and 6 buffers; whether an output carries a
         graph; whether two passes over one batch agree
Cost     seeds x 6 arms x passes forward passes of a small CNN; no backward pass, no optimizer
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from labs.data import digits
from labs.report import Outcome, Point

# arm -> (training mode, what stands around the forward pass)
ARMS: dict[str, tuple[bool, Callable[[], AbstractContextManager[object]]]] = {
    "train": (True, nullcontext),
    "train_no_grad": (True, torch.no_grad),
    "train_inference": (True, torch.inference_mode),
    "eval": (False, nullcontext),
    "eval_no_grad": (False, torch.no_grad),
    "dropout_only": (True, nullcontext),
}


def network(arm: str, momentum: float) -> nn.Module:
    if arm == "dropout_only":
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8, momentum=momentum), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16, momentum=momentum), nn.ReLU()),
        *(nn.Flatten(), nn.Dropout(0.5), nn.Linear(256, 10)),
    )


def copies(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def changed(now: Iterable[Tensor], start: list[Tensor]) -> int:
    """How many tensors hold other bytes than at the start."""
    pairs = zip(now, start, strict=True)
    return sum(
        not torch.equal(a.detach().flatten().view(torch.uint8), b.flatten().view(torch.uint8))
        for a, b in pairs
    )


def moved(now: Iterable[Tensor], start: list[Tensor]) -> float:
    """Euclidean distance from the start, over all tensors of floating-point numbers."""
    pairs = [(a.detach(), b) for a, b in zip(now, start, strict=True) if b.is_floating_point()]
    return sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5


def experiment(
    seeds: Sequence[int], device: torch.device, *, passes: int = 40, batch: int = 64, momentum: float = 0.1
) -> Iterator[Point | Outcome]:
    images = digits(device).images
    nets: dict[str, list[nn.Module]] = {arm: [] for arm in ARMS}
    for arm, (training, _) in ARMS.items():
        for seed in seeds:
            torch.manual_seed(seed)  # all arms of a seed start from the same weights
            nets[arm].append(network(arm, momentum).to(device).train(training))
    parameters = {arm: [copies(net.parameters()) for net in nets[arm]] for arm in ARMS}
    buffers = {arm: [copies(net.buffers()) for net in nets[arm]] for arm in ARMS}
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]

    def forward(arm: str, member: int, x: Tensor, noise: int) -> Tensor:
        torch.manual_seed(seeds[member] * 100_003 + noise)  # nn.Dropout draws from the global generator
        with ARMS[arm][1]():
            return nets[arm][member](x)

    for done in range(passes + 1):
        series: dict[str, dict[str, list[float]]] = {"buffers_moved": {}, "parameters_moved": {}}
        for arm in ARMS:
            series["buffers_moved"][arm] = [
                moved(net.buffers(), start) for net, start in zip(nets[arm], buffers[arm], strict=True)
            ]
            series["parameters_moved"][arm] = [
                moved(net.parameters(), start) for net, start in zip(nets[arm], parameters[arm], strict=True)
            ]
        yield Point(done, passes, series)
        if done < passes:
            for member, order in enumerate(orders):
                x = images[torch.randint(len(images), (batch,), generator=order).to(device)]
                for arm in ARMS:
                    forward(arm, member, x, noise=done)

    values: dict[str, dict[str, list[float]]] = {}
    for arm in ARMS:
        for member, net in enumerate(nets[arm]):
            weights = changed(net.parameters(), parameters[arm][member])
            state = changed(net.buffers(), buffers[arm][member])
            once = forward(arm, member, images[:batch], noise=passes)
            again = forward(arm, member, images[:batch], noise=passes + 1)
            for outcome, value in {
                "parameters_changed": weights,
                "buffers_changed": state,
                "tensors_changed": weights + state,
                "graph_recorded": once.requires_grad,
                "passes_agree": torch.equal(once, again),
            }.items():
                values.setdefault(outcome, {}).setdefault(arm, []).append(float(value))
    yield Outcome(values)
