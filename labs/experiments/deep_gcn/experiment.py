"""A deep graph convolution is stuck at chance. Too much averaging, or a bad start?

Data     stochastic block model: 400 nodes in two classes, 10 neighbours on average, 90 % of them of the own
         class; 16 noisy features a node; 20 labelled nodes a class
Arms     graph convolutions of `depth` layers with weights as nn.Linear draws them or as Kaiming's rule does,
         all biases 0; and no network: features averaged 0, 2 or 128 times, then logistic regression
Metric   accuracy on the 360 nodes without a label; chance is 50 %
Cost     120 full-batch Adam steps of two deep networks, all seeds at once
"""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, cross_entropy
from labs.report import Outcome, Point

NODES, FEATURES, HIDDEN, LABELLED = 400, 16, 16, 20  # LABELLED a class
SHARE, DEGREE, GAP, STEPS = 0.9, 10, 1.4, 120
NETS = {"gcn_default": False, "gcn_kaiming": True}  # arm -> Kaiming's initialisation
AVERAGED = {"mean_0": 0, "mean_2": 2, "mean_128": 128}


class Net(nn.Module):
    """Layers on (M, features, nodes); `around` (M, nodes, nodes) averages over neighbours and the node."""

    def __init__(self, depth: int, kaiming: bool) -> None:
        super().__init__()
        sizes = [FEATURES, *[HIDDEN] * (depth - 1), 2]
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in itertools.pairwise(sizes)])
        for layer in self.layers.children():
            nn.init.zeros_(layer.get_parameter("bias"))  # so that the arms differ in the weights alone
            if kaiming:
                nn.init.kaiming_normal_(layer.get_parameter("weight"))

    def forward(self, x: Tensor, around: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers.children()):
            x = layer(torch.bmm(x, around.transpose(1, 2)))
            x = x if number == len(self.layers) - 1 else x.relu()
        return x


def graph(seed: int) -> tuple[Tensor, Tensor]:
    """Features (FEATURES, NODES) and the averaging matrix (NODES, NODES); node i is of class i % 2."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(NODES) % 2
    direction = nn.functional.normalize(torch.randn(FEATURES, 1, generator=generator), dim=0)
    x = torch.randn(FEATURES, NODES, generator=generator) + GAP * direction * (labels - 0.5)
    chance = torch.where(labels[:, None] == labels, SHARE, 1 - SHARE) * DEGREE / (NODES / 2)
    upper = torch.triu(torch.rand(NODES, NODES, generator=generator) < chance, 1)
    joined = (upper | upper.T).double() + torch.eye(NODES)
    return x.double(), joined / joined.sum(1, keepdim=True)


def averaged(x: Tensor, around: Tensor, times: int) -> Tensor:
    """Features after so many averagings, each with mean 0 and variance 1 over the nodes; float64."""
    for _ in range(times):
        x = torch.bmm(x, around.transpose(1, 2))
    x = x - x.mean(2, keepdim=True)
    return x / x.std(2, keepdim=True)


def experiment(seeds: Sequence[int], device: torch.device, *, depth: int = 20) -> Iterator[Point | Outcome]:
    drawn = [graph(seed) for seed in seeds]
    exact_x, exact_around = torch.stack([x for x, _ in drawn]), torch.stack([a for _, a in drawn])
    x, around = exact_x.float().to(device), exact_around.float().to(device)
    labels = torch.arange(NODES, device=device) % 2
    train, test = slice(0, 2 * LABELLED), slice(2 * LABELLED, NODES)
    nets = {
        arm: Ensemble(lambda kaiming=kaiming: Net(depth, kaiming), seeds, device)
        for arm, kaiming in NETS.items()
    }
    adams = {arm: Adam(net, lr=3e-3) for arm, net in nets.items()}
    # after 128 averagings the classes differ in the 13th decimal: float64, on the CPU, where every machine has it
    means = {arm: averaged(exact_x, exact_around, times) for arm, times in AVERAGED.items()}
    weights = {arm: torch.zeros(len(seeds), 1, FEATURES, dtype=torch.float64) for arm in AVERAGED}
    classes = (torch.arange(NODES) % 2).double()

    @torch.no_grad()
    def score() -> dict[str, Tensor]:
        found = {
            arm: accuracy(net.net(x, around)[..., test], labels[test]) * 100 for arm, net in nets.items()
        }
        for arm, w in weights.items():
            right = (torch.bmm(w, means[arm])[:, 0, test] > 0) == (classes[test] > 0)
            found[arm] = (right.double().mean(1) * 100).to(device=device, dtype=found["gcn_default"].dtype)
        return found

    for step in range(STEPS):
        if step % 4 == 0:
            yield Point(step, STEPS, {"accuracy": score()})
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net.net(x, around)[..., train], labels[train]))
        for arm, w in weights.items():  # logistic regression by gradient descent
            seen = means[arm][..., train]
            error = torch.bmm(w, seen).sigmoid() - classes[train]
            weights[arm] = w - 0.5 * torch.bmm(error, seen.transpose(1, 2)) / (2 * LABELLED)
    last = score()
    yield Point(STEPS, STEPS, {"accuracy": last})
    yield Outcome({"accuracy": last})
