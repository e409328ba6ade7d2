"""A run's events add up to the same curves, outcomes and progress however they come in."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labs import journal
from labs.journal import AnyEvent
from labs.replay import Line, Replay

AT = 1_770_091_200.0  # 2026-02-03T04:00:00Z


def start(t: float = 0.0, seeds: list[int] | None = None, at: str = "2026-02-03T04:00:00Z") -> journal.Start:
    return journal.Start(
        t=t,
        run="r",
        lab="sample",
        entry="E1",
        arms=["one", "two"],
        seeds=[0, 1, 2, 3] if seeds is None else seeds,
        device="cpu",
        device_name="CPU",
        device_reason="",
        knobs={},
        estimate_s=20.0,
        settles=True,
        versions={},
        at=at,
    )


def point(
    step: float, mean: journal.Number = 0.5, n: int = 4, arm: str = "one", t: float = 1.0
) -> journal.Point:
    spread = journal.Spread(mean=mean, lo=mean, hi=mean, n=n)
    return journal.Point(t=t, arm=arm, step=step, of=100.0, series={"loss": spread}, seeds_in_view=n)


def both(step: float, n: int = 4, t: float = 1.0) -> list[AnyEvent]:
    return [point(step, n=n, arm=arm, t=t) for arm in ("one", "two")]


def outcomes(seeds: list[int], t: float = 2.0) -> list[AnyEvent]:
    values: dict[str, list[journal.Number]] = {"accuracy": [float(seed) for seed in seeds]}
    return [journal.Outcome(t=t, arm=arm, seeds=seeds, values=values) for arm in ("one", "two")]


def more(seeds: list[int], t: float = 3.0) -> journal.Seeds:
    return journal.Seeds(t=t, seeds=seeds, reason="undecided")


def end(status: Any = "done", t: float = 9.0) -> journal.End:
    return journal.End(t=t, status=status, seconds=t)


def replay(*events: AnyEvent) -> Replay:
    replayed = Replay()
    replayed.feed(events)
    return replayed


def columns(line: Line) -> list[list[float]]:
    return [line.steps, line.mean, line.lo, line.hi, [float(n) for n in line.n]]


def test_nothing_fed_is_a_run_that_has_not_begun() -> None:
    empty = Replay()
    assert (empty.start, empty.end, empty.lines, empty.progress, empty.eta_s(AT)) == (
        None,
        None,
        {},
        0.0,
        None,
    )


def test_points_become_curves_and_strings_become_numbers() -> None:
    line = replay(start(), point(1, 0.9), point(2, "NaN"), point(3, "Infinity")).lines["loss", "one"]
    assert line.steps == [1, 2, 3]
    assert line.mean[0] == 0.9
    assert math.isnan(line.mean[1])
    assert line.hi[2] == math.inf
    assert line.n == [4, 4, 4]


POINTS = st.lists(st.tuples(st.integers(0, 20), st.integers(-5, 5), st.integers(1, 9)), max_size=60)


@given(POINTS, st.integers(1, 9))
def test_the_later_line_of_a_step_wins_in_whatever_order_and_portions_they_come(
    told: list[tuple[int, int, int]], portion: int
) -> None:
    events = [point(step, mean, n) for step, mean, n in told]
    replayed = Replay()
    for i in range(0, len(events), portion):
        replayed.feed(events[i : i + portion])
    last = {step: (mean, n) for step, mean, n in told}
    expected = [[step, last[step][0], last[step][0], last[step][0], last[step][1]] for step in sorted(last)]
    line = replayed.lines.get(("loss", "one"), Line())
    assert list(map(list, zip(*columns(line), strict=True))) == expected


def test_outcomes_are_kept_by_outcome_arm_and_seed() -> None:
    diverged = journal.Outcome(t=4.0, arm="one", seeds=[9], values={"accuracy": ["NaN"]})
    found = replay(start(), *outcomes([0, 1]), *outcomes([2]), diverged).outcomes
    assert found["accuracy"]["two"] == {0: 0.0, 1: 1.0, 2: 2.0}
    assert math.isnan(found["accuracy"]["one"][9])


def test_the_latest_verdict_of_a_rule_is_the_one_kept() -> None:
    def verdict(ruling: Any) -> journal.Verdict:
        return journal.Verdict(
            t=5.0,
            rule="higher",
            claim="E1.6",
            verdict=ruling,
            expected="supported",
            effect=1.0,
            interval=(0.0, 2.0),
            confidence=0.95,
            seeds=4,
            unit="%",
            note="",
            settles=True,
        )

    assert (
        replay(start(), verdict("undecided"), verdict("supported")).verdicts["higher"].verdict == "supported"
    )


def test_seeds_that_join_or_start_again_are_counted_once() -> None:
    found = replay(start(), more([4, 5]), more([5, 6]), start(7.0, [0, 1, 2, 3, 4, 5, 6, 7]))
    assert found.seeds == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("again", [more([4]), start(9.5)])
def test_a_run_that_goes_on_has_not_ended(again: AnyEvent) -> None:
    ended = replay(start(), end())
    assert ended.end is not None
    assert ended.progress == 1.0
    ended.feed([again])
    assert ended.end is None


def test_logs_are_kept_in_order() -> None:
    logs = [journal.Log(t=1.0, level="info", text=text) for text in "ab"]
    assert replay(*logs).logs == logs


# ---- progress ----------------------------------------------------------------------------------------------


def test_progress_is_the_share_of_steps_of_all_arms() -> None:
    assert replay(start()).progress == 0.0
    assert replay(start(), point(50)).progress == pytest.approx(0.25)
    assert replay(start(), *both(50)).progress == pytest.approx(0.5)
    assert replay(start(), *both(500)).progress == pytest.approx(1.0)


def test_progress_without_points_comes_from_outcomes() -> None:
    assert replay(start(), *outcomes([0, 1])).progress == pytest.approx(0.5)
    assert replay(start(), *outcomes([0, 1, 2, 3])).progress == pytest.approx(1.0)


def test_progress_falls_when_seeds_join_and_rises_with_those_behind() -> None:
    run = replay(start(), *both(90), *outcomes([0, 1, 2, 3]), more([4, 5, 6, 7]))
    assert run.progress == pytest.approx(0.5)
    run.feed(both(50, n=8))  # the four behind have reached half
    assert run.progress == pytest.approx(0.75)
    run.feed(both(90, n=8))
    assert run.progress == pytest.approx(0.95)


def test_seeds_that_join_in_the_middle_count_as_far_as_they_have_come() -> None:
    run = replay(start(), *both(80), more([4, 5, 6, 7]), *both(20, n=8))
    assert run.progress == pytest.approx((0.8 + 0.2) / 2)


def test_a_worker_that_takes_a_run_up_starts_its_unfinished_seeds_anew() -> None:
    run = replay(
        start(), *both(100), *outcomes([0, 1, 2, 3]), more([4, 5, 6, 7]), *both(70, n=8), end("stopped")
    )
    assert run.progress == pytest.approx(0.85)
    run.feed([start(20.0, list(range(8)))])
    assert run.progress == pytest.approx(0.5)
    run.feed(both(50, n=4, t=21.0))
    assert run.progress == pytest.approx(0.75)


@example([outcomes([0, 1, 2])[0], start(5.0, [0])], AT)  # outcomes of seeds that no start speaks of
@given(
    st.lists(
        st.one_of(
            st.builds(
                point, st.floats(-1e3, 1e3), n=st.integers(0, 12), arm=st.sampled_from(["one", "two", "x"])
            ),
            st.lists(st.integers(0, 12), max_size=4).map(lambda seeds: outcomes(seeds)[0]),
            st.lists(st.integers(0, 12), max_size=4).map(more),
            st.lists(st.integers(0, 12), max_size=4).map(lambda seeds: start(5.0, seeds)),
            st.sampled_from(["done", "stopped", "failed"]).map(end),
        )
    ),
    st.floats(AT - 1e6, AT + 1e6),
)
def test_progress_stays_between_nothing_and_all_whatever_comes(events: list[AnyEvent], now: float) -> None:
    run = replay(*events)
    assert 0.0 <= run.progress <= 1.0 + 1e-12
    eta = run.eta_s(now)
    assert eta is None or 0.0 <= eta < math.inf


# ---- time left ---------------------------------------------------------------------------------------------


def test_time_left_comes_from_the_estimate_until_something_was_measured() -> None:
    run = replay(start())
    assert run.eta_s(AT) == pytest.approx(20)
    assert run.eta_s(AT + 5) == pytest.approx(15)
    assert run.eta_s(AT + 99) == 0.0


def test_time_left_comes_from_the_speed_so_far() -> None:
    run = replay(start(), *both(25, t=10.0))
    assert run.eta_s(AT + 10) == pytest.approx(30)
    assert run.eta_s(AT + 12) == pytest.approx(28)


def test_time_left_after_more_seeds_comes_from_their_speed() -> None:
    run = replay(start(), *both(100, t=10.0), *outcomes([0, 1, 2, 3], t=10.0), more([4, 5, 6, 7], t=10.0))
    run.feed(both(50, n=8, t=15.0))
    assert run.eta_s(AT + 15) == pytest.approx(5)


def test_an_ended_run_has_no_time_left_and_a_clock_elsewhere_does_no_harm() -> None:
    assert replay(start(), end("failed")).eta_s(AT) == 0.0
    assert replay(start(at="once upon a time")).eta_s(AT) == pytest.approx(20)
    assert replay(start(), *both(25, t=10.0)).eta_s(AT - 1e6) == pytest.approx(30)


# ---- cost --------------------------------------------------------------------------------------------------


class Counted(list[float]):
    """A list that counts what is moved when something is put inside it."""

    moved = 0

    def insert(self, i: Any, x: float) -> None:
        Counted.moved += len(self) - i
        super().insert(i, x)


def test_ten_thousand_points_and_their_second_lines_move_nothing() -> None:
    run = replay(start(), point(0))
    line = run.lines["loss", "one"]
    line.steps = Counted(line.steps)
    run.feed([point(step) for step in range(10_000)])
    run.feed([point(step, n=8) for step in range(10_000)])
    assert Counted.moved == 0
    assert len(line.steps) == 10_000
    assert set(line.n) == {8}
    run.feed([point(-1)])
    assert Counted.moved == 10_000  # the count is alive
