"""With its effect switched off, no lab of E4 or E6 finds what it registers."""

from typing import Any

import pytest
import torch
from changed_code import SEEDS, code, rulings
from torch.utils.data import DataLoader, RandomSampler

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_loader_that_answers_to_next_is_an_iterator(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answering(DataLoader[Any]):
        def __next__(self) -> Any:
            return next(iter(self))

    module = code("loader_protocol")
    monkeypatch.setattr(module, "DataLoader", Answering)
    assert rulings(module, SEEDS[:1])["is_iterator"] == "supported"


def test_samples_of_equal_length_need_no_other_collate_fn(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("collate")
    samples = module.samples
    monkeypatch.setattr(
        module,
        "samples",
        lambda arm, seed, items: samples("tensors" if arm == "ragged" else arm, seed, items),
    )
    assert rulings(module)["a_third_part"] == "refuted"


def test_without_workers_a_stream_arrives_once() -> None:
    assert rulings(code("iterable_workers"), workers=0)["workers_deal_indices_only"] == "refuted"


def test_a_sampler_that_puts_nothing_back_shows_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("shuffle_order")
    monkeypatch.setattr(
        module, "RandomSampler", lambda data, replacement, generator: RandomSampler(data, generator=generator)
    )
    assert rulings(module, SEEDS[:3], items=500, workers=1)["two_thirds"] == "refuted"


def test_without_workers_no_generator_is_copied() -> None:
    assert rulings(code("worker_randomness"), workers=0)["copied_generator"] == "refuted"


def test_where_nothing_is_waited_for_workers_hide_nothing() -> None:
    assert rulings(code("worker_speed"), SEEDS[:3], wait_ms=0.0, items=16)["waits_overlap"] == "refuted"


def test_a_lazy_dataset_under_another_name_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("loader_memory")
    monkeypatch.setattr(module, "Eager", module.Lazy)
    assert rulings(module, SEEDS[:3], mib=64, workers=0)["not_all_at_once"] == "refuted"


def test_a_short_list_is_hardly_copied() -> None:
    found = rulings(code("list_in_workers"), SEEDS[:3], names=2000)
    assert found == {"reading_is_free": "supported", "depends_on_container": "refuted"}


def test_shuffled_twice_sorted_data_show_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("sorted_data")
    epoch = module.epoch
    monkeypatch.setattr(module, "epoch", lambda arm, rows, generator: epoch("shuffled", rows, generator))
    found = rulings(module, epochs=1)
    assert found == {"shuffling_matters": "refuted", "batches_of_one_class": "refuted"}


def test_equal_batches_give_equal_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("batch_size")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, 128))
    assert rulings(module, epochs=2, updates=10)["epochs_or_updates"] == "refuted"


def test_a_graph_that_joins_nobody_neither_helps_nor_harms(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("neighbours")
    monkeypatch.setattr(module, "STEPS", 30)
    monkeypatch.setattr(module, "averaging", lambda joined: torch.eye(len(joined)))
    found = rulings(module)
    assert found["equals_help"] == found["opposites_help"] == "refuted"
    assert found["strangers_harm"] == "undecided"


def test_a_shallow_graph_convolution_does_not_care_about_its_start() -> None:
    assert rulings(code("deep_gcn"), depth=2)["depth_needs_a_start"] == "refuted"


def test_a_recurrent_network_without_order_is_a_bag(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("order_matters")
    monkeypatch.setitem(module.ARMS, "order_gru", ("order", "gru", True))
    assert rulings(module, steps=40)["recurrence_uses_order"] == "refuted"


def test_pixels_that_stay_in_place_cost_the_cnn_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("pixel_shuffle")
    monkeypatch.setattr(module, "ARMS", dict.fromkeys(module.ARMS, False))
    assert rulings(module, SEEDS[:3], steps=30)["locality"] == "refuted"


def test_digits_that_are_not_moved_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("shift_test")
    placed = module.placed
    monkeypatch.setattr(module, "placed", lambda images, shift: placed(images, 0))
    found = rulings(module, steps=30)
    assert found["sharing_is_enough"] == "supported"


def test_a_network_that_does_not_train_learns_no_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("layer_probes")
    monkeypatch.setattr(module, "RATE", 0.0)
    found = rulings(module, steps=15)
    assert found["deeper_is_more_abstract"] == "refuted"
    assert found["learned_not_given"] != "supported"
