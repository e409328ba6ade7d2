"""With its effect switched off, no lab of E3 finds what it registers. And the one thing the engine gained."""

import math
from typing import Any

import pytest
import torch
from changed_code import SEEDS, code, rulings
from torch import Tensor, nn

from labs.ensemble import SGD, Adam, AdamW, Ensemble, Optimizer, cross_entropy

pytestmark = pytest.mark.usefixtures("one_thread")


def kaiming(weight: Tensor) -> Tensor:
    return nn.init.kaiming_normal_(weight, nonlinearity="relu")


def test_stacks_that_all_start_by_kaiming_neither_vanish_nor_explode(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("signal_through_depth")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, kaiming))
    found = rulings(module, SEEDS[:2], depth=25, width=64)
    assert found["scale_decides"] == found["relu_overflows"] == found["tanh_backward_explodes"] == "refuted"
    assert found["kaiming_for_relu"] == "refuted"
    assert found["default_is_kaiming"] == "supported"


def test_five_layers_are_too_few_to_lose_a_signal() -> None:
    found = rulings(code("signal_through_depth"), SEEDS[:2], depth=5, width=32)
    assert found["scale_decides"] == found["relu_overflows"] == found["kaiming_for_relu"] == "refuted"
    assert found["default_is_kaiming"] == "supported"


def test_layers_redrawn_by_kaiming_are_taken_for_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("default_init")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, module.kaiming))
    found = rulings(module, fan_in=512)
    assert found == dict.fromkeys(found, "supported")


def test_without_a_zero_in_it_no_network_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("zero_init")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, ()))
    found = rulings(module, steps=60)
    assert found["never_learns"] == found["gradient_blocked"] == "refuted"


def test_zeros_in_every_layer_are_not_taken_for_zeros_in_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("zero_init")
    monkeypatch.setattr(module, "ARMS", {**module.ARMS, "last": (0, 1, 2)})
    assert rulings(module, steps=60)["last_is_harmless"] == "refuted"


def test_equal_weights_make_no_difference_at_any_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("how_deep")
    network = module.network
    monkeypatch.setattr(module, "network", lambda arm, depth, width: network("kaiming", depth, width))
    found = rulings(module, steps=10, width=16)
    assert found["no_need_to_care"] == "supported"
    assert found["kaiming_when_deep"] == "refuted"


def test_seven_arms_that_all_start_by_kaiming_do_not_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("deep_remedies")
    adam = module.ARMS["kaiming_adam"]
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, adam))
    found = rulings(module, depth=4, steps=50)
    for rule in ("hurts_training", "tiny_updates", "not_only_updates", "never_converges"):
        assert found[rule] == "refuted"
    assert found["no_need_to_care"] == "supported"


def test_training_the_head_in_the_name_of_the_first_layer_works_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = code("which_layers")
    monkeypatch.setattr(module, "ARMS", {**module.ARMS, "first": module.ARMS["head"]})
    monkeypatch.setattr(module, "SOURCE_STEPS", 40)
    found = rulings(module, SEEDS[:3], steps=10)
    assert found["first_works_well"] == "supported"
    assert found["first_when_darker"] != "supported"


@pytest.mark.parametrize(
    ("make", "plain"),
    [
        (
            lambda net, only: SGD(net, 0.1, momentum=0.9, weight_decay=0.1, only=only),
            lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
        ),
        (
            lambda net, only: Adam(net, 0.01, weight_decay=0.1, only=only),
            lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.1),
        ),
        (
            lambda net, only: AdamW(net, 0.01, weight_decay=0.1, only=only),
            lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1),
        ),
    ],
    ids=["SGD", "Adam", "AdamW"],
)
def test_only_the_named_layers_train_and_they_train_as_in_torch(make: Any, plain: Any) -> None:
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))

    only = ["0.", "4."]
    net = Ensemble(build, [0, 1], dtype=torch.float64)
    optimizer: Optimizer = make(net, only)
    alone = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        alone.append(build().double())
    optimizers = [
        plain([p for name, p in single.named_parameters() if name.startswith(tuple(only))])
        for single in alone
    ]
    frozen = [single.get_parameter("2.weight").clone() for single in alone]
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        x = torch.randn(2, 8, 6, generator=generator, dtype=torch.float64)
        y = torch.randint(3, (2, 8), generator=generator)
        for member, single in enumerate(alone):
            optimizers[member].zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(single(x[member]), y[member]))
            optimizers[member].step()
        optimizer.step(cross_entropy(net(x), y))
    for member, single in enumerate(alone):
        together = net.member(member)
        for ours, theirs in zip(together.parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs)
        assert torch.equal(net.net.get_parameter("2.weight")[member], frozen[member])


def test_a_layer_to_train_that_is_not_there_is_named() -> None:
    net = Ensemble(lambda: nn.Sequential(nn.Linear(2, 2)), [0])
    with pytest.raises(ValueError, match=r"'3\."):
        Adam(net, only=["3."])


def test_kaiming_in_how_deep_has_the_variance_that_he_asks_for() -> None:
    module = code("how_deep")
    torch.manual_seed(0)
    first = module.network("kaiming", 2, 4096)[0].weight.detach()
    assert float(first.std()) == pytest.approx(math.sqrt(2 / 64), rel=0.01)
