"""A sitting: item after item, labs running beside it, their results at the end, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner import LAB, finished, make_app, points, screen_text, started, write, write_bank, write_lab
from textual.pilot import Pilot

from labs.journal import Run
from questions.events import Bet, Result, Session, unread_bets
from questions.plan import Ask, Item, Wager
from tui.app import TorchproofApp
from tui.screens.card import CardScreen
from tui.screens.done import DoneScreen
from tui.screens.lab import LabScreen
from tui.session import Readout, Walk, last_bet, waiting

A, B = Ask("q1", "E1.1", "new", 1), Ask("q2", "E1.2", "new", 2)
W = Wager("blank_frames", "E1.7")


def never(run: str) -> bool:
    return False


def always(run: str) -> bool:
    return True


def test_items_come_in_the_order_of_the_plan() -> None:
    walk = Walk([A, W, B])
    seen = []
    while (item := walk.next(never)) is not None:
        seen.append(item)
        walk.finish()
    assert seen == [A, W, B] and walk.done == 3 and walk.remaining == 0


def test_the_current_item_stays_until_it_is_finished() -> None:
    walk = Walk([A, B])
    assert walk.next(never) is A and walk.next(never) is A
    assert walk.remaining == 2
    walk.finish()
    assert walk.next(never) is B


def test_a_lab_left_running_comes_back_at_the_end_once_it_has_ended() -> None:
    walk = Walk([W, A])
    walk.next(never)
    walk.postpone(Readout("blank_frames", "r1"))
    assert walk.next(always) is A  # the plan first
    walk.finish()
    assert walk.next(never) is None  # it still runs
    assert walk.next(always) == Readout("blank_frames", "r1")
    walk.finish()
    assert walk.next(always) is None and walk.done == 2 == walk.planned


def test_a_result_read_elsewhere_is_not_offered_again() -> None:
    walk = Walk([W])
    walk.next(never)
    walk.postpone(Readout("blank_frames", "r1"))
    walk.read("blank_frames")
    assert walk.next(always) is None


@given(
    st.lists(st.sampled_from([A, B, W]), max_size=8),
    st.lists(st.sampled_from(["finish", "postpone"]), max_size=30),
)
def test_every_planned_item_is_done_exactly_once(items: list[Item], deeds: list[str]) -> None:
    walk = Walk(items)
    came: list[Item | Readout] = []
    for number, deed in enumerate([*deeds, *["finish"] * 40]):
        item = walk.next(always)
        if item is None:
            break
        came.append(item)
        if deed == "postpone" and isinstance(item, Wager):
            walk.postpone(Readout(item.lab_id, f"r{number}"))
        else:
            walk.finish()
        assert walk.done + walk.remaining == len(items)
    assert [item for item in came if not isinstance(item, Readout)] == items
    assert walk.next(always) is None


def test_bets_are_open_until_their_result_is_read() -> None:
    bet = Bet(lab="l1", claim="E1.7", band=1, bands=4, p=0.9, run="r1")
    other = Bet(lab="l2", claim="E1.2", band=None, bands=4, p=0.25, run="r2")
    result = Result(lab="l1", run="r1", claim="E1.7")
    unread: dict[str, Bet] = {}
    unread_bets([bet, other], unread)
    assert set(unread) == {"l1", "l2"}
    unread_bets([result], unread)
    assert set(unread) == {"l2"}
    assert last_bet([bet, other, result], "l1") is bet and last_bet([bet], "l3") is None


# ---- on screen


def only_lab(tmp_path: Path, claims: tuple[str, ...] = ("E1.1", "E1.2", "E1.7")) -> TorchproofApp:
    write_bank(tmp_path / "bank", claims)
    write_lab(tmp_path / "labs", LAB)
    return make_app(tmp_path)


async def to_the_wager(app: TorchproofApp, pilot: Pilot[None]) -> LabScreen:
    await pilot.press("enter")
    await pilot.pause()
    while isinstance(app.screen, CardScreen):
        await pilot.press("1", "3", "enter")
        await pilot.pause()
    assert isinstance(app.screen, LabScreen)
    return app.screen


def whole(run: Run) -> None:
    write(run, started(run), *points(range(0, 101, 10)), *finished(run))


async def test_a_wager_runs_by_itself_once_the_bet_is_locked(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await to_the_wager(app, pilot)
        assert screen.wager and app.bench.started == []  # type: ignore[attr-defined]
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
        bet = app.progress.events()[-1]
        assert isinstance(bet, Bet) and bet.run == run.id


async def test_a_session_ends_with_the_result_of_the_lab_that_was_left_running(tmp_path: Path) -> None:
    app = only_lab(tmp_path, ("E1.1", "E1.2", "E1.7", "E1.3"))
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await to_the_wager(app, pilot)
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
        await pilot.press("enter")  # go on; the lab runs
        await pilot.pause()
        assert app.screen is not screen
        whole(run)
        while isinstance(app.screen, CardScreen):
            await pilot.press("1", "3", "enter")
            await pilot.pause()
        back = app.screen
        assert isinstance(back, LabScreen) and back.view.run == run and back.view.phase == "readout"
        await pilot.press("2", "enter")
        await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        assert any(isinstance(event, Result) for event in app.progress.events())
        end = app.progress.events()[-1]
        assert isinstance(end, Session) and end.planned == end.done == 4
        text = screen_text(app)
        assert "Planned" in text and "4 cards" in text and "Calibration" in text and "Tomorrow" in text
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_at_its_end_the_memory_model_may_be_fitted_with_all_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "tui.fits.Fits.begin_if_due",
        lambda fits, state: asked.append(sum(track.answers for track in state.tracks.values())),
    )
    write_bank(tmp_path / "bank", ("E1.1", "E1.2"))
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        while isinstance(app.screen, CardScreen):
            assert asked == []
            await pilot.press("1", "3", "enter")
            await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        assert asked == [2]


async def test_a_lab_that_still_runs_at_the_end_is_named_and_waits_on_today(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await to_the_wager(app, pilot)
        await pilot.press("2", "4", "enter")
        await pilot.pause()
        while isinstance(app.screen, CardScreen):
            await pilot.press("1", "3", "enter")
            await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        text = screen_text(app)
        assert "Still running  What blank frames change" in text
        (run,) = app.bench.started  # type: ignore[attr-defined]
        assert waiting(app.unread(), [run]) == []
        whole(run)
        assert waiting(app.unread(), [run]) == [run]


async def test_q_leaves_a_card_and_enter_comes_back_to_the_same_one(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "1")
        await pilot.pause()
        first = app.screen
        assert isinstance(first, CardScreen)
        await pilot.press("q")
        await pilot.pause()
        assert app.session is not None and app.session.left == 3
        await pilot.press("enter")
        await pilot.pause()
        again = app.screen
        assert isinstance(again, CardScreen) and again.question_id == first.question_id
        await pilot.press("1", "3", "q")  # answered, read, left
        await pilot.pause()
        assert app.session.left == 2
        await pilot.press("enter")
        await pilot.pause()
        third = app.screen
        assert isinstance(third, CardScreen) and third.question_id != first.question_id


async def test_leaving_a_wager_for_today_and_coming_back_attaches_to_its_run(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await to_the_wager(app, pilot)
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
        await pilot.press("q", "enter")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, LabScreen) and screen.view.run == run and screen.view.phase == "live"
        assert app.bench.started == [run]  # type: ignore[attr-defined]


async def test_another_app_finds_the_run_that_the_first_one_left(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await to_the_wager(app, pilot)
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
    whole(run)
    later = make_app(tmp_path)
    async with later.run_test(size=(100, 40)) as pilot:
        later.open_lab("blank_frames")
        await pilot.pause()
        screen = later.screen
        assert isinstance(screen, LabScreen) and screen.view.run == run and screen.view.phase == "readout"
        await pilot.press("2")
        await pilot.pause()
        assert "✓ hit" in screen_text(later)


async def test_the_next_session_comes_back_to_a_result_that_was_not_read(tmp_path: Path) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await to_the_wager(app, pilot)
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
    whole(run)
    later = make_app(tmp_path)
    async with later.run_test(size=(100, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        while isinstance(later.screen, CardScreen):
            await pilot.press("1", "3", "enter")
            await pilot.pause()
        screen = later.screen
        assert isinstance(screen, LabScreen) and screen.view.run == run and screen.view.phase == "readout"


async def test_the_end_of_a_session_counts_not_knowing_apart_and_says_what_was_not_scored(
    tmp_path: Path,
) -> None:
    app = only_lab(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        while isinstance(app.screen, CardScreen):
            await pilot.press("0", "enter")
            await pilot.pause()
        await pilot.press("2", "4")
        await pilot.pause()
        (run,) = app.bench.started  # type: ignore[attr-defined]
        write(run, started(run), *finished(run, train=(20.0, 35.0, 25.0, 40.0)))  # across the edge at 30
        screen = app.screen
        assert isinstance(screen, LabScreen)
        while screen.view.phase == "live":
            await pilot.pause(0.01)
        await pilot.press("1", "enter")
        await pilot.pause()
        while isinstance(app.screen, CardScreen):
            await pilot.press("0", "enter")
            await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        text = screen_text(app)
        assert "Not known" in text and "0 of 2" in text and "Calibration" not in text
        assert "1 bet was measured across the edge of two bands, and is not scored." in text


async def test_going_on_after_the_plan_gives_a_few_more(tmp_path: Path) -> None:
    app = only_lab(tmp_path, ("E1.1", "E1.2"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        while isinstance(app.screen, CardScreen):
            await pilot.press("1", "3", "enter")
            await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert isinstance(app.screen, CardScreen | DoneScreen)  # more cards, or the word that there are none
        assert app.session is not None


async def test_the_end_survives_every_size_and_both_languages(tmp_path: Path) -> None:
    app = only_lab(tmp_path, ("E1.1",))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "1", "3", "enter")
        await pilot.pause()
        assert isinstance(app.screen, DoneScreen)
        for width, height in ((120, 36), (40, 12), (20, 5), (3, 2), (1, 1), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.press("l")
            await pilot.pause()
        assert "Points" in screen_text(app) or "得分" in screen_text(app)
