"""A graph is given. Does looking at neighbours help? It depends on what the edges have to do with the classes.

Data     stochastic block model: 400 nodes in two classes, `degree` neighbours each on average, of which a share
         of 90, 50 or 10 % is of the node's own class; 16 noisy features a node; 20 labelled nodes a class
Arms     an MLP that ignores the graph; for each share a graph convolution (mean over the neighbours and the
         node itself, Kipf and Welling 2017) and a SAGE layer (the node beside the mean of its neighbours,
         Hamilton et al. 2017), two layers each
Metric   accuracy on the 360 nodes without a label; chance is 50 %
Cost     120 full-batch Adam steps of the seven networks, all seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, cross_entropy
from labs.report import Outcome, Point

NODES, FEATURES, HIDDEN, LABELLED = 400, 16, 16, 20  # LABELLED a class
SHARES = {"90": 0.9, "50": 0.5, "10": 0.1}  # of edges that join nodes of one class
STEPS = 120


class Net(nn.Module):
    """Two layers on (M, features, nodes); `around` (M, nodes, nodes) averages over neighbours."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model
        seen = 2 if model == "sage" else 1
        self.first = nn.Linear(seen * FEATURES, HIDDEN)
        self.second = nn.Linear(seen * HIDDEN, 2)

    def forward(self, x: Tensor, around: Tensor) -> Tensor:
        hidden = self.first(self.look(x, around)).relu()
        return self.second(self.look(hidden, around))

    def look(self, x: Tensor, around: Tensor) -> Tensor:
        if self.model == "mlp":
            return x
        neighbours = torch.bmm(x, around.transpose(1, 2))
        return torch.cat([x, neighbours], 1) if self.model == "sage" else neighbours


def features(seed: int, gap: float) -> tuple[Tensor, Tensor]:
    """Features (FEATURES, NODES) whose class means lie `gap` standard deviations apart; labels 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(NODES) % 2
    direction = nn.functional.normalize(torch.randn(FEATURES, 1, generator=generator), dim=0)
    x = torch.randn(FEATURES, NODES, generator=generator) + gap * direction * (labels - 0.5)
    return x, labels


def edges(seed: int, labels: Tensor, share: float, degree: float) -> Tensor:
    """A symmetric (NODES, NODES) matrix of ones and zeros, without loops."""
    generator = torch.Generator().manual_seed(seed)
    same = labels[:, None] == labels
    chance = torch.where(same, share, 1 - share) * degree / (NODES / 2)
    upper = torch.triu(torch.rand(NODES, NODES, generator=generator) < chance, 1)
    return (upper | upper.T).float()


def averaging(joined: Tensor) -> Tensor:
    """Rows that add up to 1, or to 0 for a node without neighbours."""
    return joined / joined.sum(1, keepdim=True).clamp_min(1)


def experiment(
    seeds: Sequence[int], device: torch.device, *, degree: float = 10.0, gap: float = 1.4
) -> Iterator[Point | Outcome]:
    drawn = [features(seed, gap) for seed in seeds]
    labels = drawn[0][1].to(device)  # the same for all: the classes alternate
    train, test = torch.arange(2 * LABELLED, device=device), torch.arange(2 * LABELLED, NODES, device=device)
    x = torch.stack([x for x, _ in drawn]).to(device)
    graphs = {
        name: [edges(seed, drawn[0][1], share, degree) for seed in seeds] for name, share in SHARES.items()
    }
    itself = torch.eye(NODES)
    around = {"mlp": torch.zeros(len(seeds), 0, 0, device=device)}
    for name, joined in graphs.items():
        around[f"gcn_{name}"] = torch.stack([averaging(one + itself) for one in joined]).to(device)
        around[f"sage_{name}"] = torch.stack([averaging(one) for one in joined]).to(device)
    models = {arm: arm.partition("_")[0] for arm in around}
    nets = {arm: Ensemble(lambda model=model: Net(model), seeds, device) for arm, model in models.items()}
    adams = {arm: Adam(net, lr=1e-2) for arm, net in nets.items()}

    @torch.no_grad()
    def score() -> dict[str, Tensor]:
        return {
            arm: accuracy(net.net(x, around[arm])[:, :, test], labels[test]) * 100
            for arm, net in nets.items()
        }

    for step in range(STEPS):
        if step % 3 == 0:
            yield Point(step, STEPS, {"accuracy": score()})
        for arm, net in nets.items():
            logits = net.net(x, around[arm])  # (M, 2, NODES)
            adams[arm].step(cross_entropy(logits[:, :, train], labels[train]))
    last = score()
    yield Point(STEPS, STEPS, {"accuracy": last})
    yield Outcome({"accuracy": last})
