"""With its effect switched off, no lab of E8 finds what it registers. And what the ablation's training promises."""

from collections.abc import Sequence
from types import ModuleType

import pytest
import torch
from changed_code import code, rulings

from labs.data import digits

pytestmark = pytest.mark.usefixtures("one_thread")


def all_alike(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of a group gets the seed of its first: same weights, same order."""
    ensemble, batches = module.Ensemble, module.batches

    def first(members: Sequence[int]) -> list[int]:
        return [member // 1000 * 1000 for member in members]

    monkeypatch.setattr(
        module, "Ensemble", lambda build, seeds, device: ensemble(build, first(seeds), device)
    )
    monkeypatch.setattr(module, "batches", lambda seeds, *rest: batches(first(seeds), *rest))


def test_twelve_times_the_baseline_is_no_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("ablation")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, module.Recipe()))
    assert "supported" not in rulings(module, steps=20).values()


def test_a_recipe_of_nothing_gains_nothing() -> None:
    nothing = {"shift": "off", "schedule": "constant", "dropout": 0.0}
    assert rulings(code("recipe"), steps=20, **nothing) == {
        "together_helps": "undecided",  # a difference of exactly zero is not greater than zero, nor less
        "gains_do_not_add": "refuted",
    }


def test_a_recipe_of_one_part_gains_what_the_part_gains() -> None:
    one = {"shift": "off", "schedule": "cosine", "dropout": 0.0}
    assert rulings(code("recipe"), steps=40, **one)["gains_do_not_add"] == "refuted"


def test_choosing_among_equal_models_fakes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("best_of_k")
    all_alike(module, monkeypatch)
    assert rulings(module, k=3)["improvement_is_luck"] == "refuted"


def test_runs_with_one_seed_never_look_better(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("seed_noise")
    all_alike(module, monkeypatch)
    assert rulings(module, steps=20, runs=3)["nothing_looks_like_gain"] == "refuted"


def test_a_recipe_trains_alike_in_whatever_company() -> None:
    module = code("ablation")
    data = digits()
    arms = [module.Recipe(mixup=0.4), module.Recipe(shift=True, schedule="cosine"), module.Recipe(decay=0.3)]
    together = module.Training(arms, [0.0, 0.3], [5, 6], 12, data)
    together.train(12)
    own = {name: value[7] for name, value in together.net.net.state_dict().items()}  # shift, noisy, seed 6
    alone = module.Training(arms[1:2], [0.3], [6], 12, data)
    alone.train(12)
    for name, value in alone.net.net.state_dict().items():
        torch.testing.assert_close(value[0], own[name], rtol=1e-4, atol=1e-5)


def test_early_stopping_keeps_the_weights_that_did_best_on_validation() -> None:
    module = code("ablation")
    training = module.Training([module.Recipe()], [0.0], [0], 40, digits())
    seen = []
    for _ in range(4):
        training.validate()
        seen.append(float(training.validated[0]))
        training.train(10)
    kept = training.weights["best"]
    training.net.net.load_state_dict(kept)
    again = module.Training([module.Recipe()], [0.0], [0], 40, digits())
    again.net.net.load_state_dict(kept)
    again.validate()
    assert seen == sorted(seen)
    assert float(again.validated[0]) == seen[-1]


def test_the_redrawn_labels_are_wrong_nine_times_in_ten() -> None:
    module = code("ablation")
    labels = digits().labels
    rows = torch.arange(len(labels))
    told = module.told_labels(labels, rows, seed=3, wrong=0.5)
    assert 0.40 < float((told != labels).double().mean()) < 0.50
    assert torch.equal(module.told_labels(labels, rows, seed=3, wrong=0.0), labels)
