"""Training together equals training alone: layers, optimizers and draws against plain PyTorch in float64."""

import itertools
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from labs import ensemble
from labs.data import digits, held_out_rows, pool_rows, training_rows
from labs.ensemble import SGD, Adam, AdamW, Ensemble, accuracy, batches, cross_entropy, gather, keep_mask

SEEDS = [3, 11, 4]
RATES = [0.05, 0.02, 0.1]
TOLERANCE = 1e-10
CLASSES = 10


class MaskedDropout(nn.Module):
    """What a plain script calls where the ensemble has nn.Dropout: the same masks, one network at a time."""

    def __init__(self, p: float, seed: int, layer: int) -> None:
        super().__init__()
        self.p, self.seed, self.layer, self.step = p, seed, layer, 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * keep_mask(self.seed, self.step, self.layer, x.shape, self.p) / (1 - self.p)


def with_masks(net: nn.Module, seed: int) -> list[MaskedDropout]:
    """Replaces the dropout layers of a plain network, in their order, and returns the new ones."""
    found: list[MaskedDropout] = []
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Dropout):
                found.append(MaskedDropout(child.p, seed, len(found)))
                setattr(parent, name, found[-1])
    return found


def images(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, 3, 6, 6, generator=generator, dtype=torch.float64)
    return x, torch.randint(CLASSES, (count,), generator=generator)


def plain_training(
    build: Callable[[], nn.Module],
    seed: int,
    make: Callable[[nn.Module], torch.optim.Optimizer],
    steps: int,
    size: int,
) -> tuple[list[float], nn.Module]:
    """The loop a user would write for one network: DataLoader, nn.Module, torch.optim."""
    torch.manual_seed(seed)
    net = build().double()
    dropouts = with_masks(net, seed)
    optimizer = make(net)
    data = TensorDataset(*images(40))
    loader = DataLoader(
        data, batch_size=size, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(seed)
    )
    losses: list[float] = []
    while len(losses) < steps:
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            for dropout in dropouts:
                dropout.step += 1
            if len(losses) == steps:
                break
    return losses, net


def together(
    build: Callable[[], nn.Module],
    make: Callable[[Ensemble], ensemble.Optimizer],
    steps: int,
    size: int,
    seeds: Sequence[int] = SEEDS,
) -> tuple[Tensor, Ensemble]:
    """The same training for all seeds at once; losses (steps, M)."""
    net = Ensemble(build, seeds, dtype=torch.float64)
    optimizer = make(net)
    x, y = images(40)
    losses = []
    for rows in itertools.islice(batches(seeds, torch.arange(40), size), steps):
        loss = cross_entropy(net(gather(x, rows)), y[rows])
        optimizer.step(loss)
        losses.append(loss.detach())
    return torch.stack(losses), net


class Residual(nn.Module):
    """A block with a forward of its own: only its layers are replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.norm(self.conv(x)))


def flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(108, 7), *layers, nn.Linear(7, CLASSES))


def convolved(*layers: nn.Module, left: int = 4 * 6 * 6) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), *layers, nn.Flatten(), nn.Linear(left, CLASSES))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: flat(nn.ReLU()),
    "linear without bias": lambda: flat(nn.Linear(7, 7, bias=False), nn.Tanh()),
    "batch norm 1d": lambda: flat(nn.BatchNorm1d(7), nn.ReLU()),
    "batch norm 1d, plain average": lambda: flat(nn.BatchNorm1d(7, momentum=None), nn.ReLU()),
    "batch norm 1d, untracked": lambda: flat(nn.BatchNorm1d(7, track_running_stats=False)),
    "batch norm 1d, not affine": lambda: flat(nn.BatchNorm1d(7, affine=False), nn.ReLU()),
    "group norm of vectors": lambda: flat(nn.Linear(7, 6), nn.GroupNorm(2, 6), nn.Linear(6, 7)),
    "dropout of vectors": lambda: flat(nn.Dropout(0.3), nn.Linear(7, 7), nn.ReLU(), nn.Dropout(0.5)),
    "convolution": lambda: convolved(nn.ReLU()),
    "strided convolution": lambda: convolved(nn.Conv2d(4, 6, 3, stride=2, bias=False), left=6 * 2 * 2),
    "grouped, dilated convolution": lambda: convolved(
        nn.Conv2d(4, 6, 3, groups=2, dilation=2), left=6 * 2 * 2
    ),
    "batch norm 2d": lambda: convolved(nn.BatchNorm2d(4), nn.ReLU()),
    "group norm of images": lambda: convolved(nn.GroupNorm(2, 4), nn.ReLU()),
    "dropout of images": lambda: convolved(nn.Dropout(0.4), nn.ReLU()),
    "max-pool": lambda: convolved(nn.ReLU(), nn.MaxPool2d(2), left=4 * 3 * 3),
    "average pool": lambda: convolved(nn.ReLU(), nn.AvgPool2d(2), left=4 * 3 * 3),
    "global pool": lambda: convolved(nn.ReLU(), nn.AdaptiveAvgPool2d(1), left=4),
    "residual block": lambda: convolved(Residual(), nn.GELU()),
    "all of them": lambda: convolved(
        *(
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(4, 6, 3, stride=2),
            nn.BatchNorm2d(6),
            nn.ReLU(),
        ),
        *(nn.Flatten(), nn.Linear(24, 9), nn.BatchNorm1d(9), nn.Dropout(0.5)),
        left=9,
    ),
}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS.keys())
def test_every_layer_trains_as_it_would_alone(build: Callable[[], nn.Module]) -> None:
    steps, size = 9, 8  # 5 batches an epoch: nearly two epochs
    losses, net = together(build, lambda net: SGD(net, lr=RATES, momentum=0.9), steps, size)
    probe, labels = images(17)
    net.eval()
    with torch.no_grad():
        seen_by_all = net.same(probe)
    for number, (seed, rate) in enumerate(zip(SEEDS, RATES, strict=True)):
        alone, plain = plain_training(
            build,
            seed,
            lambda net, rate=rate: torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9),
            steps,
            size,
        )
        torch.testing.assert_close(
            losses[:, number], torch.tensor(alone, dtype=torch.float64), rtol=0, atol=TOLERANCE
        )
        for name, value in plain.state_dict().items():
            kept = net.net.state_dict()[name][number]
            torch.testing.assert_close(kept, value, rtol=0, atol=TOLERANCE, msg=lambda m, n=name: f"{n}: {m}")
        plain.eval()
        torch.testing.assert_close(seen_by_all[number].T, plain(probe), rtol=0, atol=TOLERANCE)
        torch.testing.assert_close(net.member(number)(probe), plain(probe), rtol=0, atol=TOLERANCE)
        right = (plain(probe).argmax(1) == labels).double().mean()
        torch.testing.assert_close(accuracy(seen_by_all, labels)[number], right)


OPTIMIZERS: dict[
    str, tuple[Callable[[Ensemble], ensemble.Optimizer], Callable[..., torch.optim.Optimizer]]
] = {
    "sgd": (lambda net: SGD(net, RATES), lambda p, lr: torch.optim.SGD(p, lr)),
    "momentum with decay": (
        lambda net: SGD(net, RATES, momentum=0.8, weight_decay=0.1),
        lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, weight_decay=0.1),
    ),
    "nesterov": (
        lambda net: SGD(net, RATES, momentum=0.8, nesterov=True),
        lambda p, lr: torch.optim.SGD(p, lr, momentum=0.8, nesterov=True),
    ),
    "adam": (lambda net: Adam(net, RATES), lambda p, lr: torch.optim.Adam(p, lr)),
    "adam with decay": (
        lambda net: Adam(net, RATES, betas=(0.8, 0.95), weight_decay=[0.1, 0.1, 0.1]),
        lambda p, lr: torch.optim.Adam(p, lr, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "adamw": (
        lambda net: AdamW(net, RATES, weight_decay=0.2),
        lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.2),
    ),
}


@pytest.mark.parametrize("batched, plain", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_every_optimizer_steps_as_in_torch_with_a_rate_per_member(batched, plain) -> None:
    losses, _ = together(NETWORKS["batch norm 1d"], batched, 8, 8)
    for number, (seed, rate) in enumerate(zip(SEEDS, RATES, strict=True)):
        alone, _ = plain_training(
            NETWORKS["batch norm 1d"], seed, lambda net, rate=rate: plain(net.parameters(), rate), 8, 8
        )
        torch.testing.assert_close(
            losses[:, number], torch.tensor(alone, dtype=torch.float64), rtol=0, atol=TOLERANCE
        )


def test_one_rate_for_all_equals_the_same_rate_for_each() -> None:
    one, _ = together(NETWORKS["linear"], lambda net: Adam(net, lr=0.01), 6, 8)
    each, _ = together(NETWORKS["linear"], lambda net: Adam(net, lr=[0.01] * 3), 6, 8)
    torch.testing.assert_close(one, each, rtol=0, atol=TOLERANCE)


def test_a_rate_can_follow_a_schedule() -> None:
    net = Ensemble(NETWORKS["linear"], SEEDS, dtype=torch.float64)
    sgd = SGD(net, lr=RATES)
    before = net.vector.clone()
    sgd.lr = [0.0, 0.5, 0.0]
    x, y = images(8)
    sgd.step(cross_entropy(net.same(x), y))
    weight = dict(net.net.named_parameters())["1.weight"]
    was = before[: weight.numel()].view(weight.shape)
    assert [bool((weight[m] != was[m]).any()) for m in range(3)] == [False, True, False]


def test_wrong_number_of_rates_is_refused() -> None:
    with pytest.raises(ValueError, match="3 members need as many values"):
        SGD(Ensemble(NETWORKS["linear"], SEEDS), lr=[0.1, 0.2])


def test_members_of_one_seed_start_equal_and_stay_equal_at_equal_rates() -> None:
    losses, _ = together(NETWORKS["all of them"], lambda net: SGD(net, 0.05), 6, 8, seeds=[5, 9, 5])
    torch.testing.assert_close(losses[:, 0], losses[:, 2], rtol=0, atol=TOLERANCE)
    assert (losses[:, 0] - losses[:, 1]).abs().max() > 0.01


@pytest.mark.parametrize("name", ["all of them", "batch norm 1d", "max-pool"])
def test_a_member_does_not_depend_on_who_trains_beside_it(name: str) -> None:
    wide, _ = together(NETWORKS[name], lambda net: Adam(net, 0.01), 6, 8, seeds=[0, 1, 2, 3])
    narrow, _ = together(NETWORKS[name], lambda net: Adam(net, 0.01), 6, 8, seeds=[3, 1])
    torch.testing.assert_close(wide[:, [3, 1]], narrow, rtol=0, atol=TOLERANCE)


def test_batches_are_those_of_a_shuffling_data_loader() -> None:
    rows = torch.arange(100, 123)
    drawn = list(itertools.islice(batches([7, 8], rows, 5), 9))  # 4 batches an epoch
    for number, seed in enumerate([7, 8]):
        loader = DataLoader(
            rows, batch_size=5, shuffle=True, drop_last=True, generator=torch.Generator().manual_seed(seed)
        )
        expected = list(itertools.islice(itertools.chain.from_iterable(iter(loader) for _ in range(3)), 9))
        assert [b[number].tolist() for b in drawn] == [b.tolist() for b in expected]


def test_a_batch_larger_than_the_set_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of 6 cannot be drawn from 5 rows"):
        next(batches([0], torch.arange(5), 6))


@pytest.mark.parametrize("shape", [(20, 5), (20, 3, 4, 4)])
def test_gather_is_plain_indexing(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    rows = torch.randint(20, (3, 8))
    assert torch.equal(gather(x, rows), x[rows])


def test_a_layer_that_cannot_be_batched_is_named() -> None:
    with pytest.raises(TypeError, match="LSTM cannot be batched"):
        Ensemble(lambda: nn.Sequential(nn.LSTM(3, 3)), [0])
    with pytest.raises(TypeError, match="Softmax cannot be batched"):  # its axis would be another one
        Ensemble(lambda: nn.Sequential(nn.Linear(3, 3), nn.Softmax(1)), [0])
    with pytest.raises(TypeError, match="padding_mode='circular'"):
        Ensemble(lambda: nn.Conv2d(1, 1, 3, padding_mode="circular"), [0])


def scrambled(x: int) -> int:
    """lowbias32 in Python's own integers: what the tensor version must compute, wrap-around included."""
    x = ((x ^ x >> 16) * 0x7FEB352D) % 2**32
    x = ((x ^ x >> 15) * 0x846CA68B) % 2**32
    return x ^ x >> 16


def test_dropout_noise_is_the_written_formula() -> None:
    key = scrambled(scrambled(scrambled(-5 % 2**32) ^ 7) ^ 2)
    expected = []
    for element in range(24):
        x = (scrambled(element) ^ key) * 0x7FEB352D % 2**32
        x = (x ^ x >> 15) * 0x846CA68B % 2**32
        signed = x - 2**32 if x >= 2**31 else x
        expected.append(signed >= int(0.3 * 2**32) - 2**31)
    assert keep_mask(-5, 7, 2, (4, 6), 0.3).flatten().tolist() == expected


def test_dropout_noise_keeps_the_right_share_and_nothing_is_correlated() -> None:
    n, p = 200_000, 0.3
    masks = {
        "first": keep_mask(0, 0, 0, (n,), p),
        "next step": keep_mask(0, 1, 0, (n,), p),
        "next layer": keep_mask(0, 0, 1, (n,), p),
        "next seed": keep_mask(1, 0, 0, (n,), p),
        "swapped": keep_mask(1, 0, 1, (n,), p),
    }
    five_sigma = 5 / n**0.5
    for name, mask in masks.items():
        kept = mask.double()
        assert abs(kept.mean() - (1 - p)) < five_sigma * (p * (1 - p)) ** 0.5, name
        for lag in (1, 2, 3, 8, 64, 100, 1024):
            assert abs(torch.corrcoef(torch.stack([kept[:-lag], kept[lag:]]))[0, 1]) < five_sigma, (name, lag)
    together = torch.corrcoef(torch.stack([mask.double() for mask in masks.values()]))
    assert (together - torch.eye(len(masks))).abs().max() < five_sigma
    over_steps = torch.stack([keep_mask(3, step, 0, (500,), p) for step in range(400)]).double()
    assert (over_steps.mean(0) - (1 - p)).abs().max() < 5.5 * (p * (1 - p) / 400) ** 0.5
    assert (over_steps.mean(1) - (1 - p)).abs().max() < 5.5 * (p * (1 - p) / 500) ** 0.5


def test_a_mask_is_repeated_at_the_same_step_and_changes_with_the_next() -> None:
    net = Ensemble(NETWORKS["dropout of vectors"], SEEDS)
    x = images(8)[0].float()
    first, again = net.same(x), net.same(x)
    net.step += 1
    assert torch.equal(first, again)
    assert not torch.equal(first, net.same(x))


def test_the_digits_are_whole_and_the_split_is_fixed() -> None:
    data = digits()
    assert data.images.shape == (1797, 1, 8, 8) and data.flat.shape == (1797, 64)
    assert data.labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.images.min() == 0 and data.images.max() == 1
    held_out, pool = held_out_rows(), pool_rows()
    assert len(held_out) == 898 and sorted([*held_out.tolist(), *pool.tolist()]) == list(range(1797))
    assert held_out[:5].tolist() == [
        1081,
        1707,
        927,
        713,
        262,
    ]  # a changed split would change every reference


def test_a_training_set_is_balanced_and_its_seeds_own() -> None:
    sets = training_rows([5, 2, 9], per_class=50)
    labels = digits().labels
    assert all(labels[rows].bincount().tolist() == [50] * 10 for rows in sets)
    assert not set(sets.flatten().tolist()) & set(held_out_rows().tolist())
    assert torch.equal(training_rows([9])[0], sets[2]) and not torch.equal(sets[0], sets[1])
    with pytest.raises(ValueError, match="per_class=400"):
        training_rows([0], per_class=400)
