"""What dropout drops: activations, for each sample anew and scaled up to make good the loss; not weights.

Data     a million ones for the scaling; random inputs and labels for the gradients
Arms     nn.Dropout with p = 0.1, 0.5 and 0.8
Metric   value of the survivors, share of zeros, what eval() changes; share of the next layer's weights whose
         gradient is exactly zero after a batch of 1, 2, 3 ... samples; weights that an Adam step leaves alone
Cost     for each seed and arm 64 backward passes of a small MLP and one dropout of a million ones
"""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.report import Outcome, Point

ARMS = {"p10": 0.1, "p50": 0.5, "p80": 0.8}
ONES = 1_000_000


class Net(nn.Module):
    def __init__(self, width: int, p: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.dropout = nn.Dropout(p)
        self.out = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.dropout(self.hidden(x).tanh()))


def experiment(
    seeds: Sequence[int], device: torch.device, *, batch: int = 64, width: int = 100
) -> Iterator[Point | Outcome]:
    nets: dict[str, list[Net]] = {arm: [] for arm in ARMS}
    data = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(batch, width, generator=generator).to(device)
        y = torch.randint(10, (batch,), generator=generator).to(device)
        data.append((x, y))
        for arm, p in ARMS.items():
            torch.manual_seed(seed)
            nets[arm].append(Net(width, p).to(device).train())

    def gradient(arm: str, member: int, samples: int, draw: int) -> Tensor:
        """Of the weights (10, width) behind the dropout layer, from the first samples of the batch."""
        net, (x, y) = nets[arm][member], data[member]
        torch.manual_seed(seeds[member] * 100_003 + draw)  # nn.Dropout draws from the global generator
        loss = F.cross_entropy(net(x[:samples]), y[:samples])
        return torch.autograd.grad(loss, net.out.weight)[0]

    values: dict[str, dict[str, list[float]]] = {}

    def note(outcome: str, arm: str, value: float) -> None:
        values.setdefault(outcome, {}).setdefault(arm, []).append(float(value))

    # how many weights has a batch of this size left without gradient?
    handful = torch.ones(1000, device=device)
    for samples in range(1, batch + 1):
        series: dict[str, dict[str, list[float]]] = {"without_gradient": {}, "mean_output": {}}
        for arm in ARMS:
            for member in range(len(seeds)):
                zero = gradient(arm, member, samples, draw=samples) == 0
                share = float(zero.double().mean()) * 100
                series["without_gradient"].setdefault(arm, []).append(share)
                series["mean_output"].setdefault(arm, []).append(
                    float(nets[arm][member].dropout(handful).mean())
                )
                if samples == 1:
                    note("without_gradient_1", arm, share)
                    note("split_units", arm, int((zero.any(0) & ~zero.all(0)).sum()))
                if samples == batch:
                    note("without_gradient_batch", arm, share)
        yield Point(samples, batch, series)

    ones = torch.ones(ONES, device=device)
    for arm, p in ARMS.items():
        for member, seed in enumerate(seeds):
            dropout = nets[arm][member].dropout
            torch.manual_seed(seed)
            dropped = dropout.train()(ones)
            zeros = float((dropped == 0).double().mean())
            note("survivor", arm, dropped.max())
            note("survivor_error", arm, (dropped[dropped != 0] - 1 / (1 - p)).abs().max())
            note("zeros", arm, zeros * 100)
            note("zeros_off", arm, abs(zeros - p) / math.sqrt(p * (1 - p) / ONES))
            note("mean", arm, dropped.double().mean())
            note("eval_change", arm, (dropout.eval()(ones) - ones).abs().max())
            dropout.train()
            note(
                "adam_unmoved",
                arm,
                unmoved(nets[arm][member], [gradient(arm, member, 1, -d) for d in (1, 2)]),
            )
    yield Outcome(values)


def unmoved(net: Net, gradients: list[Tensor]) -> float:
    """Per cent of the last layer's weights that Adam's second step leaves where they were."""
    weight = nn.Parameter(net.out.weight.detach().clone())
    adam = torch.optim.Adam([weight], lr=0.01)
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = gradient.clone()
        adam.step()
    return float((weight == before).double().mean()) * 100
