"""eval() forgotten: what one image is taken for depends on the images that share its batch.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images, in mixed order or sorted
Arms     one trained network with BatchNorm a seed, tested in eval(), in train() on shuffled batches and in
         train() on batches sorted by class
Metric   accuracy on the held-out images; share of images whose predicted class differs from eval()
Cost     200 Adam steps of a small MLP (or CNN) and three walks through the held-out images, all seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, batches, cross_entropy, gather
from labs.report import Outcome, Point

STEPS = 200


def mlp() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()),
        *(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()),
        nn.Linear(64, 10),
    )


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )


def experiment(
    seeds: Sequence[int], device: torch.device, *, batch: int = 32, network: str = "mlp"
) -> Iterator[Point | Outcome]:
    data = digits(device)
    inputs = data.flat if network == "mlp" else data.images
    shuffled = held_out_rows().to(device)
    in_order = shuffled[data.labels[shuffled].argsort(stable=True)]
    walks = {"eval": shuffled, "shuffled": shuffled, "sorted": in_order}
    end = STEPS + -(-len(shuffled) // batch)

    net = Ensemble(mlp if network == "mlp" else cnn, seeds, device)
    adam = Adam(net, lr=3e-3)
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step == STEPS:
            break
        loss = cross_entropy(net(gather(inputs, rows)), data.labels[rows])
        adam.step(loss)
        if step % 5 == 0:
            yield Point(step, end, {"loss": {arm: loss.detach() for arm in walks}})  # still one network

    # BatchNorm in train() looks at nothing but the batch, so the moving buffers do not matter here
    guesses: dict[str, list[torch.Tensor]] = {arm: [] for arm in walks}
    with torch.no_grad():
        eval_guess = torch.empty(len(seeds), len(inputs), dtype=torch.int64, device=device)
        eval_guess[:, shuffled] = net.eval().same(inputs[shuffled]).argmax(1)
        net.train()
        for done in range(0, len(shuffled), batch):
            right = {}
            for arm, walk in walks.items():
                rows = walk[done : done + batch]
                guesses[arm].append(
                    eval_guess[:, rows] if arm == "eval" else net.same(inputs[rows]).argmax(1)
                )
                so_far = torch.cat(guesses[arm], dim=1)
                right[arm] = (so_far == data.labels[walk[: so_far.shape[1]]]).double().mean(1) * 100
            yield Point(STEPS + done // batch + 1, end, {"accuracy": right})

    flipped = {}
    for arm, walk in walks.items():
        flipped[arm] = (torch.cat(guesses[arm], dim=1) != eval_guess[:, walk]).double().mean(1) * 100
    yield Outcome({"accuracy": right, "flipped": flipped})
