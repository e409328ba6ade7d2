"""The page "prove the FAQ": its table, its warning, what stays hidden, starting, stopping, going on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from small_app import MakeApp, MakeRun, screen_text
from textual.pilot import Pilot

from labs import proving
from labs.catalog import Catalog
from labs.journal import End, Outcome, Run, Writer, runs, this_host
from labs.problems import LabProblem
from labs.proof import Record, Terms
from questions.events import Bet
from tui.app import TorchproofApp
from tui.paths import Paths
from tui.screens.bench import BenchScreen
from tui.screens.page import Ask
from tui.screens.prove import ProveScreen

BEGAN = "2026-11-24T11:00:00.000Z"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that the page has started; no process works on them."""
    found: list[Run] = []

    async def start(bench: object, run: Run, alone: bool) -> None:
        run.events_file.touch()
        found.append(run)

    monkeypatch.setattr("labs.bench.Bench.start_one_of_many", start)
    monkeypatch.setattr("labs.proving.torch_version", lambda python: "2")
    return found


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that were told to stop, and did."""
    ids: list[str] = []

    async def stop(bench: object, run: Run) -> None:
        ids.append(run.id)
        write(run, End(t=1.0, status="stopped", seconds=1.0))

    monkeypatch.setattr("labs.bench.Bench.stop", stop)
    return ids


def write(run: Run, *events: Any) -> None:
    writer = Writer(run)
    writer.write(*events)
    writer.close()


def outcome(changed: float = 0.0) -> list[Outcome]:
    """The small lab's number for both arms: 0 refutes its claim, as is expected."""
    return [
        Outcome(t=1.0, arm=arm, seeds=[0, 1], values={"changed": [changed, changed]})
        for arm in ("one", "two")
    ]


def keep(paths: Paths, run: Run, **changes: Any) -> None:
    """A record of a proof that this run belongs to."""
    given = {
        "began": BEGAN,
        "host": this_host(),
        "terms": Terms(),
        "wanted": ["sample"],
        "runs": {"sample": run.id},
    }
    file = proving.record_file(paths.state)
    file.parent.mkdir(parents=True)
    file.write_bytes(msgspec.json.encode(Record(**{**given, **changes})))


def bet(app: TorchproofApp) -> None:
    app.progress.record(Bet(lab="sample", claim="E1.1", band=0, bands=3, p=0.7, run="r"))


async def opened(app: TorchproofApp, pilot: Pilot[None]) -> ProveScreen:
    page = app.open_page("prove")
    await pilot.pause()
    assert isinstance(page, ProveScreen)
    return page


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Let the app work until it holds; a test that waits in vain ends with its time-out."""
    while not holds():
        await pilot.pause()


async def test_the_bench_leads_to_it_and_it_says_what_it_would_do(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        app.open_page("bench")
        await pilot.pause()
        assert isinstance(app.screen, BenchScreen)
        await pilot.press("a")
        await pilot.pause()
        text = screen_text(app)
        assert "1 lab," in text
        assert "E1.1" in text and "not done" in text


async def test_starting_warns_once_of_labs_without_a_bet(
    make_app: MakeApp, started: list[Run], paths: Paths
) -> None:
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        assert "1 lab has no bet" in screen_text(app)
        await pilot.press("escape")
        await app.workers.wait_for_complete()
        assert not page.going and started == [] and runs(paths.runs) == []
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("enter")
        await until(pilot, lambda: len(started) == 1)
        assert started[0].spec.lab == "sample"
        assert page.going


async def test_with_every_bet_locked_it_starts_at_once_and_fills_the_table(
    make_app: MakeApp, started: list[Run], make_run: MakeRun, paths: Paths
) -> None:
    app = make_app()
    bet(app)
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: len(started) == 1)
        write(started[0], make_run.start(), *outcome(), End(t=2.0, status="done", seconds=2.0))
        await until(pilot, lambda: not page.going)
        text = screen_text(app)
        assert "✓ refuted" in text
        assert "1 confirmed" in text
    kept = proving.kept(proving.record_file(paths.state))
    assert kept is not None and kept.finished
    assert kept.runs == {"sample": started[0].id}


async def test_what_a_lab_without_a_bet_found_out_is_hidden_until_asked_for(
    make_app: MakeApp, make_run: MakeRun, paths: Paths
) -> None:
    keep(paths, make_run.done(*outcome()), done=["sample"])
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        await opened(app, pilot)
        assert "bet first" in screen_text(app)
        assert "refuted" not in screen_text(app)
        await pilot.press("v")
        assert "✓ refuted" in screen_text(app)
        await pilot.press("v")
        assert "refuted" not in screen_text(app)
        bet(app)
        await pilot.press("question_mark", "q")
        await pilot.pause()
        assert "✓ refuted" in screen_text(app)


async def test_a_contradiction_is_marked_in_words_and_signs(
    make_app: MakeApp, make_run: MakeRun, paths: Paths
) -> None:
    keep(paths, make_run.done(*outcome(3.0)), done=["sample"])
    app = make_app()
    bet(app)
    async with app.run_test(size=(100, 24)) as pilot:
        await opened(app, pilot)
        text = screen_text(app)
        assert "✗ supported" in text
        assert "1 contradicted" in text


async def test_stopping_stops_the_run_and_r_goes_on_later(
    make_app: MakeApp, started: list[Run], stopping: list[str], paths: Paths
) -> None:
    app = make_app()
    bet(app)
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: len(started) == 1)
        await pilot.press("s")
        await until(pilot, lambda: stopping == [started[0].id])
        await app.workers.wait_for_complete()
        assert not page.going
        assert "r goes on" in screen_text(app)
        began = page.proving.record.began if page.proving else ""
        await pilot.press("r")
        await until(pilot, lambda: len(started) == 2)
        assert page.proving is not None and page.proving.record.began == began
        await pilot.press("s")
        await app.workers.wait_for_complete()


async def test_leaving_lets_the_run_finish_and_the_page_finds_it_again(
    make_app: MakeApp, started: list[Run], stopping: list[str], make_run: MakeRun
) -> None:
    app = make_app()
    bet(app)
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: len(started) == 1)
        await until(pilot, lambda: "Leaving this page" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not page)
        assert stopping == []
        again = await opened(app, pilot)
        assert not again.going
        assert "Finishing" in screen_text(app)
        write(started[0], make_run.start(), *outcome(), End(t=2.0, status="done", seconds=2.0))
        await until(pilot, lambda: "✓ refuted" in screen_text(app))


async def test_a_run_that_failed_says_so(make_app: MakeApp, make_run: MakeRun, paths: Paths) -> None:
    why = str(LabProblem("experiment-raised", lab="sample", error="ValueError: no"))
    run = make_run(make_run.start(), End(t=1.0, status="failed", seconds=1.0, error=why))
    keep(paths, run)
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        await opened(app, pilot)
        assert "? failed" in screen_text(app)


async def test_a_disk_that_refuses_is_told_and_ends_the_proof(
    make_app: MakeApp, started: list[Run], monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    def full(*args: Any, **options: Any) -> Run:
        raise LabProblem("disk-full", folder=paths.runs)

    monkeypatch.setattr("labs.proving.create", full)
    app = make_app()
    bet(app)
    told: list[str] = []
    monkeypatch.setattr(app, "problem", lambda error: told.append(str(error)))
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: bool(told))
        assert not page.going
        assert "No space" in told[0]


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (1, 1)])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_it_shows_at_every_size_in_both_languages(
    make_app: MakeApp, make_run: MakeRun, paths: Paths, catalog: Catalog, size: tuple[int, int], lang: str
) -> None:
    keep(paths, make_run.done(*outcome()), done=["sample"])
    app = make_app(lang)
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        await pilot.press("v", "l", "down")
        assert app.crash is None
