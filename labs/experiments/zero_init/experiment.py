"""Which zeros block learning? One network, started with zeros in all layers, in the first or in the last.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     an MLP 64-64-64-10 with ReLU as PyTorch draws it; with every weight and bias zero; with zeros in the
         last layer alone; with zeros in the first layer alone
Metric   accuracy on the held-out images; parameter tensors, of 6, that receive any gradient before step 1
Cost     steps Adam steps of the four networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

# arm -> the linear layers that start at zero
ARMS: dict[str, tuple[int, ...]] = {"default": (), "all": (0, 1, 2), "last": (2,), "first": (0,)}


def network(arm: str) -> nn.Module:
    linears = [nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)]
    for number in ARMS[arm]:
        nn.init.zeros_(linears[number].weight)
        nn.init.zeros_(linears[number].bias)
    return nn.Sequential(linears[0], nn.ReLU(), linears[1], nn.ReLU(), linears[2])


def reached(net: Ensemble, loss: Tensor) -> Tensor:
    """How many of a member's parameter tensors get a gradient that is not all zeros. loss: (M,)."""
    gradients = torch.autograd.grad(loss.sum(), list(net.parameters()))
    return torch.stack([g.flatten(1).ne(0).any(1) for g in gradients]).sum(0)


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 200, lr: float = 3e-3
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    nets = {arm: Ensemble(partial(network, arm), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=lr) for arm, net in nets.items()}
    values: dict[str, dict[str, Tensor]] = {"reached": {}}

    @torch.no_grad()
    def score() -> dict[str, Tensor]:
        return {arm: accuracy(net.same(test.flat), test.labels) * 100 for arm, net in nets.items()}

    losses: dict[str, Tensor] = {}
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step % 4 == 0:
            series = {"accuracy": score()}
            if losses:
                series["loss"] = dict(losses)
            yield Point(step, steps, series)
        if step == steps:
            break
        x, labels = gather(data.flat, rows), data.labels[rows]
        for arm, net in nets.items():
            loss = cross_entropy(net(x), labels)
            if step == 0:
                values["reached"][arm] = reached(net, loss)
                loss = cross_entropy(net(x), labels)
            adams[arm].step(loss)
            losses[arm] = loss.detach()

    values["accuracy"] = score()
    yield Outcome(values)
