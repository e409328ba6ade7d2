"""The chart: any numbers, any size, and only the changed cells on the wire."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen

from tui.themes import DARK
from tui.widgets.chart import Chart, Pace, Status
from tui.widgets.plot import (
    DIM,
    PLAIN,
    Frame,
    Row,
    Run,
    Trace,
    changes,
    draw,
    figure,
    left_the_numbers,
    strokes,
)
from tui.written import Written

NAN, INF = math.nan, math.inf
numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-100, 100),
    st.sampled_from([0.0, NAN, INF, -INF, 5e-324, 1.7e308, -1.7e308]),
)


@st.composite
def traces(draw_: st.DrawFn, letter: str = "a") -> Trace:
    count = draw_(st.integers(0, 30))
    steps = draw_(st.lists(numbers, min_size=count, max_size=count))
    if draw_(st.booleans()):
        steps = [float(n) for n in range(count)]
    mean, lo, hi = (draw_(st.lists(numbers, min_size=count, max_size=count)) for _ in range(3))
    return Trace(letter, steps, mean, lo, hi)


def frames() -> st.SearchStrategy[Frame]:
    edge = st.one_of(st.none(), numbers)
    return st.builds(
        Frame,
        title=st.sampled_from(["", "loss", "测试准确率 %", "a long title that never fits"]),
        low=edge,
        high=edge,
        log=st.booleans(),
        until=edge,
        diverged=st.sampled_from(["diverged at step {step}", "第 {step} 步发散"]),
    )


def text(rows: list[Row]) -> list[str]:
    return ["".join(row.cells) for row in rows]


def flat(letter: str, value: float, count: int = 20, spread: float = 0.0) -> Trace:
    steps = [float(n) for n in range(count)]
    return Trace(letter, steps, [value] * count, [value - spread] * count, [value + spread] * count)


@settings(max_examples=200, deadline=None)
@given(st.lists(traces(), max_size=4), frames(), st.integers(0, 70), st.integers(0, 14))
def test_any_numbers_fill_any_size_exactly(lines: list[Trace], frame: Frame, width: int, height: int) -> None:
    rows = draw([trace._replace(letter="abcd"[n]) for n, trace in enumerate(lines)], frame, width, height)
    assert len(rows) == height
    for row in rows:
        assert len(row.cells) == len(row.inks) == width
        assert cell_len("".join(row.cells)) == width
        assert "".join(run.text for run in row.runs()) == "".join(row.cells)
        assert all(run.ink in (DIM, PLAIN) or 0 <= run.ink < len(lines) for run in row.runs())
        assert "\u2800" not in row.cells  # a blank cell is a space: one byte, not three


@settings(max_examples=200, deadline=None)
@given(st.lists(traces(), max_size=3), st.lists(traces(), max_size=3), st.integers(1, 60), st.integers(1, 9))
def test_repainting_the_changed_spans_gives_the_new_picture(
    before: list[Trace], after: list[Trace], width: int, height: int
) -> None:
    old = draw(before, Frame("训练损失"), width, height)
    new = draw(after, Frame("训练 loss"), width, height)
    on_screen = [list(row.cells) for row in old]
    for x, y, span in changes(old, new):
        assert x >= 0 and span > 0 and x + span <= width
        on_screen[y][x : x + span] = new[y].cells[x : x + span]
        assert new[y].cells[x] != "" and (x + span == width or new[y].cells[x + span] != "")
    assert on_screen == [row.cells for row in new]


def test_nothing_changed_means_nothing_repainted() -> None:
    rows = draw([flat("a", 1.0)], Frame("loss"), 40, 8)
    assert changes(rows, draw([flat("a", 1.0)], Frame("loss"), 40, 8)) == []


def test_one_more_point_repaints_few_cells() -> None:
    whole = [float(n % 7) for n in range(41)]
    steps = [float(n) for n in range(41)]
    frame = Frame("loss", low=0, high=10, until=100)
    old = draw([Trace("a", steps[:-1], whole[:-1], whole[:-1], whole[:-1])], frame, 60, 10)
    new = draw([Trace("a", steps, whole, whole, whole)], frame, 60, 10)
    assert 0 < sum(span.width for span in changes(old, new)) <= 20


def test_every_line_ends_in_its_letter() -> None:
    rows = text(draw([flat("a", 1.0), flat("b", 2.0)], Frame("loss", low=0, high=3, until=19), 60, 10))
    assert sum(row.rstrip().endswith("a") for row in rows) == 1
    assert sum(row.rstrip().endswith("b") for row in rows[1:]) == 1


def test_letters_at_one_place_stand_side_by_side() -> None:
    rows = text(draw([flat("a", 1.0), flat("b", 1.0)], Frame("loss", until=19), 60, 10))
    assert any(row.rstrip().endswith("ab") for row in rows)


def test_a_diverged_line_ends_in_a_cross_and_says_when() -> None:
    trace = Trace("b", [0, 10, 20, 30], [1, 5, INF, NAN], [1, 5, INF, NAN], [1, 5, INF, NAN])
    rows = text(draw([trace], Frame("loss", until=100), 60, 10))
    assert left_the_numbers(trace) == 2
    assert "b × diverged at step 20" in rows[0]
    assert any("×b" in row for row in rows[1:])


def test_a_line_that_never_was_a_number_is_shown_as_diverged() -> None:
    trace = Trace("a", [0, 1], [NAN, NAN], [NAN, NAN], [NAN, NAN])
    rows = text(draw([trace, flat("b", 1)], Frame("loss"), 60, 10))
    assert "a × diverged at step 0" in rows[0]


def test_a_gap_in_the_middle_is_left_open() -> None:
    steps = [float(n) for n in range(60)]
    mean = [NAN if 20 <= n < 40 else 1.0 for n in range(60)]
    lines = list(strokes(Trace("a", steps, mean, mean, mean), 0, 59, 60))
    assert [s is None for s in lines] == [20 <= n < 40 for n in range(60)]
    assert left_the_numbers(Trace("a", steps, mean, mean, mean)) is None


def test_the_band_is_drawn_where_it_is_wider_than_the_line() -> None:
    frame = Frame("loss", low=0, high=10, until=19)
    narrow = draw([flat("a", 5.0, spread=0.01)], frame, 60, 12)
    wide = draw([flat("a", 5.0, spread=3.0)], frame, 60, 12)
    assert sum(bool(row.strip(" 0123456789┤│a.")) for row in text(wide)[1:-1]) == 3
    assert sum(bool(row.strip(" 0123456789┤│a.")) for row in text(narrow)[1:-1]) == 1


def test_declared_edges_hold_until_a_mean_goes_beyond() -> None:
    assert text(draw([flat("a", 50, spread=80)], Frame("accuracy", low=0, high=100), 60, 9))[1].startswith(
        " 100"
    )
    assert text(draw([flat("a", 130)], Frame("accuracy", low=0, high=100), 60, 9))[1].startswith(" 140")


def test_a_log_axis_is_labelled_in_powers_of_ten() -> None:
    steps = [float(n) for n in range(9)]
    mean = [10.0 ** (n - 4) for n in range(9)]
    rows = text(draw([Trace("a", steps, mean, mean, mean)], Frame("loss", log=True), 60, 9))
    assert rows[1].startswith(" 1e4") and rows[7].startswith("1e-4")


def test_the_steps_stand_below() -> None:
    assert text(draw([flat("a", 1)], Frame("loss", until=500), 60, 9))[-1].split() == ["0", "250", "500"]


@pytest.mark.parametrize(
    ("value", "span", "expected"),
    [
        (0.0, 0.0, "0"),
        (97.321, 100.0, "97.3"),
        (0.97321, 1.0, "0.973"),
        (1234.5, 0.0, "1234"),
        (-0.00012, 0.0, "-1.2e-4"),
        (3e30, 0.0, "3e30"),
        (NAN, 1.0, "×"),
    ],
)
def test_numbers_are_short(value: float, span: float, expected: str) -> None:
    assert figure(value, span) == expected


@given(numbers, numbers)
def test_no_number_is_longer_than_its_place(value: float, span: float) -> None:
    assert 1 <= len(figure(value, abs(span))) <= 10


def test_frames_come_at_most_ten_times_a_second() -> None:
    pace = Pace(rate=1e9)
    assert pace.ready(0.0)
    pace.spend(100, 0.0)
    assert not pace.ready(0.09)
    assert pace.ready(0.11)


def test_a_dear_frame_is_paid_off_by_waiting() -> None:
    pace = Pace(rate=1000, burst=1000)
    pace.spend(4000, 0.0)
    assert not pace.ready(2.9)
    assert pace.ready(3.1)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=60))
def test_the_budget_holds_whatever_a_frame_costs(costs: list[int]) -> None:
    pace, now, spent = Pace(rate=5000, burst=6000), 0.0, 0
    for cost in costs:
        while not pace.ready(now):
            now += 0.05
        assert spent <= 6000 + 5000 * now  # before this frame, which may overdraw once
        pace.spend(cost, now)
        spent += cost


class Streaming(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Status()
        yield Chart(Frame("loss", low=0, high=10, until=100))


class Wire(App[None]):
    """Keeps what would be written to the terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name

    def on_mount(self) -> None:
        self.push_screen(Streaming())


async def test_a_chart_repaints_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Wire()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        chart = app.screen.query_one(Chart)
        steps = [float(n) for n in range(60)]
        mean = [5.0 + math.sin(n / 5) for n in range(60)]
        painted: list[int] = []
        written = Written()

        def counted(self: Wire, screen: object, update: CompositorUpdate | None) -> None:
            if update is not None:
                painted.append(len(written.thin(update, app.console).encode()))

        monkeypatch.setattr(Wire, "_display", counted)
        chart.show([Trace("a", steps[:50], mean[:50], mean[:50], mean[:50])])
        await pilot.pause()
        assert sum(painted) > 0
        painted.clear()
        cost = chart.show([Trace("a", steps[:52], mean[:52], mean[:52], mean[:52])])
        await pilot.pause()
        assert 0 < sum(painted) <= cost < 1000  # the estimate that keeps the budget is an upper bound
        painted.clear()
        assert chart.show([Trace("a", steps[:52], mean[:52], mean[:52], mean[:52])]) == 0
        await pilot.pause()
        assert painted == []


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (40, 12), (200, 60)])
async def test_a_chart_survives_every_size(size: tuple[int, int]) -> None:
    app = Wire()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        chart = app.screen.query_one(Chart)
        chart.show([flat("a", NAN), flat("b", 1e300), flat("c", 3)])
        for width, height in [(1, 1), (3, 2), (80, 24), size]:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert len(chart.text()) == max(1, height)


async def test_a_status_line_wraps_and_repaints_only_what_changed() -> None:
    app = Wire()
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        status = app.screen.query_one(Status)
        pieces = [Run("运行中 40%", 0), Run("第 40 步，共 100 步", PLAIN), Run("8 个种子", PLAIN)]
        status.show(pieces)
        await pilot.pause()
        assert [line.rstrip() for line in status.text()] == ["运行中 40%   第 40 步，共 100 步", "8 个种子"]
        cost = status.show([Run("运行中 41%", 0), *pieces[1:]])
        assert 0 < cost < 80
        assert status.show([Run("运行中 41%", 0), *pieces[1:]]) == 0
