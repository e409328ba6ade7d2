"""Dropout left on at test time: one pass is worse than eval(), the mean of many is as good.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     one trained MLP with dropout a seed, tested in eval(), by one pass in train(), and by the mean
         probability of many passes in train() (Monte Carlo dropout)
Metric   accuracy on the held-out images
Cost     400 Adam steps of a small MLP and 30 walks through the held-out images, all seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

STEPS = 400


def experiment(
    seeds: Sequence[int], device: torch.device, *, p: float = 0.3, passes: int = 30
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    end = STEPS + passes

    def mlp() -> nn.Module:
        return nn.Sequential(
            *(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(p)),
            *(nn.Linear(128, 128), nn.ReLU(), nn.Dropout(p)),
            nn.Linear(128, 10),
        )

    net = Ensemble(mlp, seeds, device)
    adam = Adam(net, lr=1e-3)
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step == STEPS:
            break
        loss = cross_entropy(net(gather(data.flat, rows)), data.labels[rows])
        adam.step(loss)
        if step % 10 == 0:
            yield Point(step, end, {"loss": {"eval": loss.detach()}})

    with torch.no_grad():
        quiet = accuracy(net.eval().same(test.flat), test.labels) * 100
        net.train()
        total = torch.zeros((), device=device)
        first: list[torch.Tensor] = []
        for done in range(1, passes + 1):
            net.step += 1  # other dropout masks
            probabilities = net.same(test.flat).softmax(1)
            total = total + probabilities
            single, mean = (accuracy(guess, test.labels) * 100 for guess in (probabilities, total))
            first = first or [single]
            yield Point(STEPS + done, end, {"accuracy": {"eval": quiet, "single": single, "mean": mean}})
    yield Outcome({"accuracy": {"eval": quiet, "single": first[0], "mean": mean}})
