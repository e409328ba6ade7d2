"""With its effect switched off, no lab of E5 or E7 finds what it registers."""

import pytest
import torch
import torch.nn.functional as F
from changed_code import SEEDS, code, rulings

pytestmark = pytest.mark.usefixtures("one_thread")


def test_without_wrong_targets_no_loss_is_robust() -> None:
    found = rulings(code("outliers"), share=0.0)
    assert found["not_with_gross_errors"] == "refuted"
    assert found["loss_follows_noise"] != "supported"


def test_one_loss_under_three_names_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("outliers")
    loss_of = module.loss_of
    monkeypatch.setattr(module, "loss_of", lambda arm, residuals: loss_of("huber", residuals))
    assert "supported" not in rulings(module).values()


def test_the_median_is_not_taken_for_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("loss_targets")
    slope = module.slope
    monkeypatch.setattr(module, "slope", lambda arm, *rest: slope("l1", *rest))
    assert set(rulings(module).values()) == {"refuted"}


def test_without_the_second_softmax_there_is_no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("double_softmax")
    monkeypatch.setattr(module, "TWICE", ())
    found = rulings(module)
    assert found["raw_logits"] == "refuted"
    assert found["softmax_costs"] != "supported"


def test_where_the_unit_is_unsure_neither_gradient_dies() -> None:
    assert set(rulings(code("confidently_wrong"), start=-1.0).values()) == {"refuted"}


def test_the_written_gradients_are_those_of_the_losses() -> None:
    z = torch.linspace(-10, 4, 29, dtype=torch.float64).repeat(2, 1).requires_grad_()
    ones = torch.ones_like(z[0])
    paid = F.binary_cross_entropy_with_logits(z[0], ones, reduction="sum")
    paid = paid + (z[1].sigmoid() - 1).square().sum()
    (found,) = torch.autograd.grad(paid, z)
    torch.testing.assert_close(code("confidently_wrong").gradient(z.detach()), found)


def test_balanced_classes_leave_a_weight_nothing_to_do() -> None:
    assert rulings(code("class_imbalance"), positives=50.0)["weights_move_threshold"] == "refuted"


def test_the_same_loss_twice_suits_several_labels_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("multi_label")
    loss_of, present = module.loss_of, module.present
    monkeypatch.setattr(module, "loss_of", lambda arm, *rest: loss_of("bce", *rest))
    monkeypatch.setattr(module, "present", lambda arm, logits: present("bce", logits))
    assert rulings(module)["one_label_only"] == "refuted"


def test_dense_features_under_another_name_know_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("untrained_prior")
    features = module.features
    monkeypatch.setattr(module, "features", lambda arm, *rest: features("dense", *rest))
    monkeypatch.setattr(module, "TICK", 400)
    assert rulings(module)["structure_knows"] == "refuted"


def test_augmentation_that_does_nothing_neither_helps_nor_harms(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("augmentation")
    monkeypatch.setattr(module, "augmented", lambda arm, images, draws: images)
    found = rulings(module, SEEDS[:3], steps=60)
    assert found["true_and_tested"] == "refuted"
    assert found["false_costs"] != "supported"


def test_moves_that_the_test_never_makes_pay_nothing() -> None:
    assert rulings(code("augmentation"), SEEDS[:3], steps=60, reach=0)["true_and_tested"] != "supported"


def test_a_truth_where_all_coefficients_matter_is_no_case_for_lasso() -> None:
    assert rulings(code("sparse_truth"), active=100)["each_its_truth"] == "refuted"


def test_without_thresholding_no_weight_is_exactly_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("l1_zeros")
    monkeypatch.setattr(module, "thresholded", lambda w, by: w - by * w.sign())
    assert rulings(module, steps=200)["takes_a_proximal_step"] != "supported"


def test_adam_under_the_name_of_adamw_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("weight_decay")
    same = dict.fromkeys(module.OPTIMIZERS, torch.optim.Adam)
    monkeypatch.setattr(module, "OPTIMIZERS", same)
    assert rulings(module)["adam_spares_noise"] == "refuted"


def test_calm_gradients_let_adam_decay_like_adamw() -> None:
    assert rulings(code("weight_decay"), scale=1.0)["adam_spares_noise"] == "refuted"


def test_decoupled_decay_is_not_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("weight_decay")
    monkeypatch.setitem(module.OPTIMIZERS, "sgd", torch.optim.AdamW)
    assert rulings(module, steps=20)["ridge_by_sgd"] == "refuted"
