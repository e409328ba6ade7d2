"""Curves over batches: the same numbers, however the seeds are cut into batches."""

import math
from pathlib import Path
from statistics import fmean, stdev
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trial_runs import events, new_run

from labs.curves import Curves
from labs.journal import Point, as_float
from labs.recorder import Recorder
from labs.report import Point as Seen
from labs.turns import Turns
from labs.yielded import complaint

finite = st.floats(-1e6, 1e6)
values = st.lists(st.one_of(finite, st.just(math.nan), st.just(math.inf)), min_size=1, max_size=6)


@given(st.lists(values, min_size=1, max_size=4))
def test_batches_add_up_to_the_spread_over_all_their_seeds(batches: list[list[float]]) -> None:
    curves = Curves()
    for number, batch in enumerate(batches, 1):
        (point,) = curves.add(number, 5, 10, {"loss": {"a": batch}}, 0.0)
    everything = [value for batch in batches for value in batch]
    usable = [value for value in everything if math.isfinite(value)]
    spread = point.series["loss"]
    assert point.seeds_in_view == len(everything)
    assert spread.n == len(usable)
    if not usable:
        assert (spread.mean, spread.lo, spread.hi) == ("NaN", "NaN", "NaN")
        return
    sd = stdev(usable) if len(usable) > 1 else 0.0
    assert spread.mean == pytest.approx(fmean(usable), abs=1e-6)
    assert as_float(spread.hi) - as_float(spread.lo) == pytest.approx(2 * sd, rel=1e-6, abs=1e-3)


def test_numbers_near_the_largest_do_not_overflow_the_mean() -> None:
    (point,) = Curves().add(1, 0, 1, {"loss": {"a": [1e308, 1e308, 1e308]}}, 0.0)
    assert point.series["loss"].mean == pytest.approx(1e308)


def test_a_batch_may_tell_its_series_one_by_one() -> None:
    curves = Curves()
    curves.add(1, 0, 1, {"loss": {"a": [1.0]}}, 0.0)
    (point,) = curves.add(1, 0, 1, {"accuracy": {"a": [50.0]}}, 0.1)
    assert sorted(point.series) == ["accuracy", "loss"]
    assert point.seeds_in_view == 1


def test_what_an_earlier_worker_wrote_goes_on_exactly() -> None:
    earlier, whole = Curves(), Curves()
    (written,) = earlier.add(1, 3, 9, {"loss": {"a": [1.0, 2.0, 4.0]}}, 0.0)
    later = Curves()
    later.recall(written)
    (point,) = later.add(1, 3, 9, {"loss": {"a": [8.0]}}, 0.0)
    (expected,) = whole.add(1, 3, 9, {"loss": {"a": [1.0, 2.0, 4.0, 8.0]}}, 0.0)
    assert point.seeds_in_view == 4
    for field in ("mean", "lo", "hi", "n"):
        assert getattr(point.series["loss"], field) == pytest.approx(getattr(expected.series["loss"], field))


def test_a_batch_that_starts_again_is_not_counted_twice() -> None:
    curves = Curves()
    curves.add(1, 0, 1, {"loss": {"a": [1.0]}}, 0.0)
    curves.add(2, 0, 1, {"loss": {"a": [99.0]}}, 0.0)
    curves.forget(2)
    (point,) = curves.add(3, 0, 1, {"loss": {"a": [3.0]}}, 0.0)
    assert (point.series["loss"].mean, point.seeds_in_view) == (2.0, 2)


# ---- the recorder ------------------------------------------------------------------------------------------

NO_TORCH = SimpleNamespace(Tensor=type("Tensor", (), {}))


def test_the_first_point_is_written_at_once_and_the_next_ones_together(tmp_path: Path) -> None:
    run, now = new_run(tmp_path, "steady"), [0.0]
    recorder = Recorder(run, NO_TORCH, lambda: now[0], 0.0)

    def told() -> list[tuple[float, float]]:
        return [(event.step, event.t) for event in events(run) if isinstance(event, Point)]

    for step in range(4):
        recorder.collect(1, Seen(step, 9, {"loss": {"low": [1.0]}}))
        assert told() == [(0, 0.0)]
        now[0] += 0.02
    now[0] = 0.11
    recorder.write_if_due()  # as the watcher does while a step is long
    assert told() == [(0, 0.0), (1, 0.02), (2, 0.04), (3, 0.06)]


def test_points_before_a_value_that_is_no_number_are_kept(tmp_path: Path) -> None:
    run, now = new_run(tmp_path, "steady"), [0.0]
    recorder = Recorder(run, NO_TORCH, lambda: now[0], 0.0)
    bad: Any = ["much"]
    for step, loss in enumerate(([1.0], [2.0], bad, [4.0])):
        recorder.collect(1, Seen(step, 9, {"loss": {"low": loss}}))
    recorder.write()
    assert [event.step for event in events(run) if isinstance(event, Point)] == [0, 1]
    assert isinstance(recorder.trouble, ValueError)


# ---- what is yielded, and whose turn it is -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"loss": {"a": [1, 2]}}, None),
        ({}, None),
        ([1], "a list, not a dict"),
        ({"loss": [1, 2]}, "loss holds a list, not a dict of arms"),
        ({"loss": {"a": 1.0}}, "is a float, not one value a seed"),
        ({"loss": {"a": "12"}}, "is a str, not one value a seed"),
        ({"loss": {"b": [1, 2]}}, "an arm 'b'"),
        ({"gain": {"a": [1, 2]}}, "series 'gain' is not declared"),
    ],
)
def test_what_is_wrong_with_a_yield_is_said(told: Any, words: str | None) -> None:
    said = complaint(told, "series", ["loss"], ["a"], 2)
    assert said is None if words is None else words in (said or "")


def test_every_generator_draws_its_own_stream() -> None:
    import random

    import torch

    state, turns = random.getstate(), Turns(torch, cuda=False)

    def draw() -> tuple[float, float]:
        return torch.rand(1).item(), random.random()

    turns.take(1, seed=7)
    alone = [draw(), draw()]
    turns = Turns(torch, cuda=False)
    mixed = []
    for _ in range(2):
        turns.take(1, seed=7)
        assert torch.is_grad_enabled()
        mixed.append(draw())
        turns.take(2, seed=8)
        torch.set_grad_enabled(False)
        draw()
    torch.set_grad_enabled(True)
    random.setstate(state)
    assert mixed == alone
