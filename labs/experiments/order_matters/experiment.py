"""Must a sequence be read by an RNN? What is needed is access to order, and only where order matters.

Data     sequences of 12 tokens, `training` to learn from and 1,000 to test. ORDER: one A and one B among
         others; which comes first? COUNT: are there more A or more B?
Arms     ORDER: a bag (mean over the tokens' features), a bag with positions, a GRU, a dilated 1-D convolution,
         and a GRU that gets each sequence in random order; COUNT: a bag and a GRU
Metric   accuracy on new sequences; chance is 50 %
Cost     `steps` Adam steps of the seven networks, all seeds at once; the GRU's 12 steps in time take most
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy
from labs.report import Outcome, Point

# arm -> (task, model, tokens in random order)
ARMS = {
    "order_bag": ("order", "bag", False),
    "order_positions": ("order", "positions", False),
    "order_gru": ("order", "gru", False),
    "order_conv": ("order", "conv", False),
    "order_mixed": ("order", "gru", True),
    "count_bag": ("count", "bag", False),
    "count_gru": ("count", "gru", False),
}
TOKENS, LENGTH, TEST = 8, 12, 1000  # token 0 is A, 1 is B


class Net(nn.Module):
    """Works on one-hot tokens (M, TOKENS, LENGTH, B); a linear layer sees time and batch as one axis."""

    def __init__(self, model: str, width: int) -> None:
        super().__init__()
        self.model = model
        inputs = TOKENS + LENGTH if model == "positions" else TOKENS
        self.embed = nn.Linear(inputs, 3 * width if model == "gru" else width)
        if model == "gru":
            self.recur = nn.Linear(width, 3 * width)
        elif model == "conv":
            self.convs = nn.ModuleList([nn.Linear(3 * width, width) for _ in range(3)])
        else:
            self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        if self.model == "positions":
            where = torch.eye(LENGTH, device=x.device)[:, :, None].expand(x.shape[0], -1, -1, x.shape[3])
            x = torch.cat([x, where], 1)
        x = self.embed(x.flatten(2)).unflatten(2, (LENGTH, -1))  # (M, width, LENGTH, B)
        if self.model == "gru":
            return self.out(self.last_state(x))
        x = x.relu()
        if self.model == "conv":
            for reach, conv in zip((1, 2, 4), self.convs.children(), strict=True):
                padded = F.pad(x, (0, 0, reach, reach))
                taps = [padded[:, :, tap * reach : tap * reach + LENGTH] for tap in range(3)]
                x = conv(torch.cat(taps, 1).flatten(2)).relu().unflatten(2, (LENGTH, -1))
            return self.out(x.amax(2))
        return self.out(self.hidden(x.mean(2)).relu())

    def last_state(self, x: Tensor) -> Tensor:
        """The equations of torch.nn.GRU. x: what the tokens give to the three gates."""
        state = torch.zeros_like(x[:, : x.shape[1] // 3, 0])
        for time in range(LENGTH):
            reset_x, keep_x, new_x = x[:, :, time].chunk(3, 1)
            reset_h, keep_h, new_h = self.recur(state).chunk(3, 1)
            keep = (keep_x + keep_h).sigmoid()
            new = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
            state = new + keep * (state - new)
        return state


def sequences(task: str, mixed: bool, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Tokens (count, LENGTH) and labels: 1 if A comes first, or if there are more A."""
    draw = torch.Generator().manual_seed(seed)
    places = torch.rand(count, LENGTH, generator=draw).argsort(1)  # a random order of the places
    tokens = torch.randint(2, TOKENS, (count, LENGTH), generator=draw)
    if task == "order":
        a, b = torch.ones(count, dtype=torch.int64), torch.ones(count, dtype=torch.int64)
        labels = (places[:, 0] < places[:, 1]).long()
    else:
        a = torch.randint(0, 6, (count,), generator=draw)
        b = (a + torch.randint(1, 6, (count,), generator=draw)) % 6  # never as many as A
        labels = (a > b).long()
    rank = torch.arange(LENGTH)
    kinds = torch.where(rank < a[:, None], 0, torch.where(rank < (a + b)[:, None], 1, tokens))
    found = torch.empty_like(tokens).scatter_(1, places, kinds)
    if mixed:
        found = found.gather(1, torch.rand(count, LENGTH, generator=draw).argsort(1))
    return found, labels


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 300, training: int = 1500, width: int = 16
) -> Iterator[Point | Outcome]:
    x, y = {}, {}
    for arm, (task, _, mixed) in ARMS.items():
        drawn = [sequences(task, mixed, seed, training + TEST) for seed in seeds]
        x[arm] = F.one_hot(torch.stack([tokens for tokens, _ in drawn]), TOKENS).float().to(device)
        y[arm] = torch.stack([labels for _, labels in drawn]).to(device)
    nets = {arm: Ensemble(partial(Net, model, width), seeds, device) for arm, (_, model, _) in ARMS.items()}
    adams = {arm: Adam(net, lr=1e-2) for arm, net in nets.items()}
    member = torch.arange(len(seeds), device=device)[:, None]

    @torch.no_grad()
    def score(arm: str, count: int) -> Tensor:
        shown = x[arm][:, training : training + count].permute(0, 3, 2, 1)
        return accuracy(nets[arm].net(shown), y[arm][:, training : training + count]) * 100

    rows_of = batches(seeds, torch.arange(training), min(64, training), device)
    for step in range(steps):
        if step % 6 == 0:
            yield Point(step, steps, {"accuracy": {arm: score(arm, 200) for arm in ARMS}})
        rows = next(rows_of)
        for arm, net in nets.items():
            logits = net.net(x[arm][member, rows].permute(0, 3, 2, 1))  # (M, TOKENS, LENGTH, B)
            adams[arm].step(cross_entropy(logits, y[arm][member, rows]))
    last = {arm: score(arm, TEST) for arm in ARMS}
    yield Point(steps, steps, {"accuracy": last})
    yield Outcome({"accuracy": last})
