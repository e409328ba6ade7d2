"""What eval() reaches and what it does not: it sets a flag on modules, and some code never reads that flag.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images; for the single layers a
         batch of random numbers with mean 3 and spread 2
Arms     one trained MLP a seed that drops out through nn.Dropout, or through F.dropout without `training=`;
         single layers: BatchNorm with and without running statistics, RReLU, LayerNorm, GroupNorm, Linear
Metric   largest difference between two passes in eval(), and between train() and eval(); accuracy in eval()
Cost     400 Adam steps of a small MLP, all seeds at once, then 40 walks through the held-out images a seed
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, batches, cross_entropy, gather
from labs.report import Outcome, Point

PASSES = 40
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "batchnorm": lambda: nn.BatchNorm1d(8),
    "bn_untracked": lambda: nn.BatchNorm1d(8, track_running_stats=False),
    "rrelu": lambda: nn.RReLU(),
    "layernorm": lambda: nn.LayerNorm(8),
    "groupnorm": lambda: nn.GroupNorm(2, 8),
    "linear": lambda: nn.Linear(8, 8),
}


class Functional(nn.Module):
    """The same network with dropout as a function: its `training` argument is left at its default, True."""

    def __init__(self, net: nn.Module, p: float) -> None:
        super().__init__()
        self.net, self.p = net, p

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.net.children():
            x = F.dropout(x, self.p) if isinstance(layer, nn.Dropout) else layer(x)
        return x


@torch.no_grad()
def gap(layer: nn.Module, x: Tensor, seed: int, modes: tuple[bool, bool]) -> float:
    """Largest difference between two passes of one batch, each in its mode (True: train) with own noise."""
    torch.manual_seed(seed)
    one, other = (layer.train(mode)(x) for mode in modes)
    return float((one - other).abs().max())


def experiment(
    seeds: Sequence[int], device: torch.device, *, p: float = 0.5, steps: int = 400
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    end = steps + PASSES

    def mlp() -> nn.Module:
        return nn.Sequential(
            *(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p)),
            *(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p)),
            nn.Linear(64, 10),
        )

    # in training nn.Dropout and F.dropout do the same, so both arms share one trained network
    net = Ensemble(mlp, seeds, device)
    adam = Adam(net, lr=3e-3)
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step == steps:
            break
        loss = cross_entropy(net(gather(data.flat, rows)), data.labels[rows])
        adam.step(loss)
        if step % 10 == 0:
            yield Point(step, end, {"loss": {"module": loss.detach(), "functional": loss.detach()}})

    nets: dict[str, list[nn.Module]] = {"module": [net.member(number) for number in range(len(seeds))]}
    nets["functional"] = [Functional(plain, p) for plain in nets["module"]]
    for number in range(PASSES):
        right: dict[str, list[float]] = {}
        for arm, members in nets.items():
            for seed, plain in zip(seeds, members, strict=True):
                torch.manual_seed(seed * 100_003 + number)  # F.dropout draws from the global generator
                with torch.no_grad():
                    guess = plain.eval()(test.flat).argmax(1)
                right.setdefault(arm, []).append(float((guess == test.labels).double().mean()) * 100)
        yield Point(steps + number + 1, end, {"accuracy": right})

    values: dict[str, dict[str, list[float]]] = {"accuracy": right}

    def note(outcome: str, arm: str, value: float) -> None:
        values.setdefault(outcome, {}).setdefault(arm, []).append(float(value))

    for member, seed in enumerate(seeds):
        for arm, members in nets.items():
            note("repeat_gap", arm, gap(members[member], test.flat, seed, modes=(False, False)))
            note("mode_gap", arm, gap(members[member], test.flat, seed, modes=(True, False)))
            flags = [part.training for part in nn.Sequential(members[member]).eval().modules()]
            note("flags_left", arm, sum(flags))
        torch.manual_seed(seed)
        x = (torch.randn(32, 8) * 2 + 3).to(device)
        for arm, make in LAYERS.items():
            layer = make().to(device)
            note("input_gap", arm, (layer.eval()(x) - x).abs().max().detach())
            note("mode_gap", arm, gap(layer, x, seed, modes=(True, False)))
    yield Outcome(values)
