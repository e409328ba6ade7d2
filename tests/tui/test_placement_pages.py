"""A placement with the keyboard: offered, declined, gone through, ended early, left and come back to."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from learner import NOW, make_app, screen_text, write_bank
from small_app import opened
from textual.pilot import Pilot

from questions import catalog
from questions.events import Answer, Placement, Session
from questions.grade import answered
from questions.placement import AN_ENTRY, MOST, next_ask
from questions.problems import BankProblem
from questions.shapes import Bank
from tui.app import TorchproofApp
from tui.i18n import LANGUAGES, Lang
from tui.screens.card import CardScreen
from tui.screens.placed import PlacedScreen
from tui.screens.today import TodayScreen

ONE_ENTRY = tuple(f"E1.{n}" for n in range(1, 9))
OFFER = {"en": "placement, at most 20 questions or 8 minutes", "zh": "摸底：最多 20 题或 8 分钟"}
GO_ON = {"en": "go on with the placement: 2 of at most 20 asked", "zh": "继续摸底：已答 2 题，最多 20 题"}
WHERE = {"en": "placement {} of at most 20, 0 of 8 minutes", "zh": "摸底第 {} 题，最多 20 题；0 / 8 分钟"}
PAGE = {"en": "Placement: where to begin", "zh": "摸底：从哪里学起"}


@cache
def real() -> Bank:
    return catalog.load(catalog.BANK)


def one_entry(tmp_path: Path, lang: Lang = "en") -> TorchproofApp:
    """An entry of eight claims: a placement asks six of them."""
    if not (tmp_path / "bank").exists():
        write_bank(tmp_path / "bank", ONE_ENTRY)
    return make_app(tmp_path, lang)


def all_entries(tmp_path: Path, lang: Lang = "en") -> TorchproofApp:
    app = make_app(tmp_path, lang)
    app.__dict__["bank"] = real()
    return app


class Watch:
    """A clock that tests move."""

    def __init__(self, app: TorchproofApp) -> None:
        self.time = NOW
        app.now = self.now

    def now(self) -> datetime:
        return self.time


def events(app: TorchproofApp) -> list[str]:
    """What was written, in short."""
    return [
        f"{'end' if e.over else 'begin'} {e.asked}" if isinstance(e, Placement) else type(e).__name__.lower()
        for e in app.progress.events()
    ]


async def answer(pilot: Pilot[None], times: int = 1) -> None:
    """Picks the first option with 70 % and goes on, as often as that."""
    for _ in range(times):
        await pilot.press("1", "3", "enter")
        await pilot.pause()


def answered_before(app: TorchproofApp, times: int) -> None:
    """A placement that was begun, as another window may have left it: "don't know", again and again."""
    app.progress.record(Placement(asked=0, seconds=0.0, over=False))
    for _ in range(times):
        ask = next_ask(app.fold(), app.today(), NOW)
        assert ask is not None
        question = app.bank.question(ask.question_id).drawn(ask.order_seed)
        _, event = answered(question, None, 0.5, latency_ms=9000, lang="en", order_seed=ask.order_seed)
        app.progress.record(event)


def card(app: TorchproofApp) -> CardScreen:
    assert isinstance(app.screen, CardScreen)
    return app.screen


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_new_learner_is_offered_one_and_enter_starts_the_session_all_the_same(
    tmp_path: Path, lang: Lang
) -> None:
    app = one_entry(tmp_path, lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert OFFER[lang] in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert card(app).session is app.session
        assert WHERE[lang].format(1) not in screen_text(app)
        await answer(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert OFFER[lang] in screen_text(app)
        assert events(app) == ["answer"]


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_who_declines_is_not_offered_one_again_but_may_have_it(tmp_path: Path, lang: Lang) -> None:
    app = one_entry(tmp_path, lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "n")
        assert events(app) == ["end 0"]
        assert OFFER[lang] not in screen_text(app)
        await pilot.press("n")
        assert events(app) == ["end 0"]
    again = one_entry(tmp_path, lang)
    async with again.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert OFFER[lang] not in screen_text(again)
        await pilot.press("t")
        await pilot.pause()
        assert WHERE[lang].format(1) in screen_text(again)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_it_goes_from_card_to_card_and_ends_with_where_to_begin(tmp_path: Path, lang: Lang) -> None:
    app = one_entry(tmp_path, lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        met = set()
        for number in range(1, AN_ENTRY + 1):
            page = card(app)
            met.add(page.question.claim)
            assert WHERE[lang].format(number) in screen_text(app)
            await pilot.press("1", "3")
            await pilot.pause()
            assert page.phase == "verdict"  # shown as on any card
            assert WHERE[lang].format(number) in screen_text(app)
            await pilot.press("enter")
            await pilot.pause()
        assert len(met) == AN_ENTRY
        assert isinstance(app.screen, PlacedScreen)
        assert PAGE[lang] in screen_text(app)
        assert events(app) == ["begin 0", *["answer"] * AN_ENTRY, f"end {AN_ENTRY}"]
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert OFFER[lang] not in screen_text(app)


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_one_key_ends_it_at_once_and_keeps_what_was_answered(
    tmp_path: Path, lang: Lang, before: int
) -> None:
    app = one_entry(tmp_path, lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        await answer(pilot, before)
        await pilot.press("1", "e")  # an option is chosen, nothing is locked
        await pilot.pause()
        assert isinstance(app.screen, PlacedScreen)
        assert events(app) == ["begin 0", *["answer"] * before, f"end {before}"]
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)


async def test_it_can_be_ended_while_a_verdict_shows(tmp_path: Path) -> None:
    app = one_entry(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t", "1", "3", "e")
        assert isinstance(app.screen, PlacedScreen)
        assert events(app) == ["begin 0", "answer", "end 1"]
        assert len(app.screen_stack) == 2  # the card is not behind it


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_who_quits_goes_on_where_it_was_left(tmp_path: Path, lang: Lang) -> None:
    app = one_entry(tmp_path, lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        await answer(pilot, 2)
        left = card(app).question_id
        await pilot.press("1", "ctrl+q")
        await pilot.pause()
    assert app.return_code == 0
    again = one_entry(tmp_path, lang)
    async with again.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert GO_ON[lang] in screen_text(again)
        await pilot.press("t")
        await pilot.pause()
        assert card(again).question_id == left
        assert WHERE[lang].format(3) in screen_text(again)
        await answer(pilot, AN_ENTRY - 2)
        assert isinstance(again.screen, PlacedScreen)
        assert events(again) == ["begin 0", *["answer"] * AN_ENTRY, f"end {AN_ENTRY}"]


async def test_q_leaves_a_card_unanswered_and_t_comes_back_to_it(tmp_path: Path) -> None:
    app = one_entry(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        first = card(app).question_id
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        await pilot.press("t")
        await pilot.pause()
        assert card(app).question_id == first
        await pilot.press("1", "3", "q", "t")  # answered, read, left
        await pilot.pause()
        assert card(app).question_id != first
        assert len(app.screen_stack) == 2


async def test_on_today_n_ends_what_was_begun(tmp_path: Path) -> None:
    app = one_entry(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        await answer(pilot, 2)
        await pilot.press("q", "n")
        await pilot.pause()
        assert isinstance(app.screen, PlacedScreen)
        assert events(app)[-1] == "end 2"


async def test_a_session_that_was_begun_is_planned_anew_after_it(tmp_path: Path) -> None:
    app = one_entry(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "enter")
        planned = card(app).question.claim
        await pilot.press("q", "t")
        await pilot.pause()
        assert card(app).question.claim == planned
        await answer(pilot)
        await pilot.press("q", "enter")
        await pilot.pause()
        assert card(app).question.claim != planned


async def test_after_eight_minutes_it_is_over(tmp_path: Path) -> None:
    app = one_entry(tmp_path)
    watch = Watch(app)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        for minutes in (0, 2, 4):
            assert f"{minutes} of 8 minutes" in screen_text(app)
            watch.time += timedelta(minutes=2)
            await answer(pilot)
        watch.time += timedelta(minutes=2)
        await answer(pilot)
        assert isinstance(app.screen, PlacedScreen)
        (end,) = [e for e in app.progress.events() if isinstance(e, Placement) and e.over]
        assert (end.asked, end.seconds) == (4, 480.0)


async def test_over_all_entries_it_ends_after_twenty(tmp_path: Path) -> None:
    app = all_entries(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        minutes = app.plan().minutes
        answered_before(app, MOST - 2)
        await opened(pilot, "t")
        assert WHERE["en"].format(MOST - 1) in screen_text(app)
        await answer(pilot, 2)
        assert isinstance(app.screen, PlacedScreen)
        text = screen_text(app)
        for entry in real().entries.values():
            assert entry.title.en in text
        assert text.count(" to ") >= 8 and "Begin with" in text
        found = [e for e in app.progress.events() if isinstance(e, Answer)]
        assert len(found) == MOST
        assert app.plan().minutes < minutes  # the day's time is used up as by any other answer
        assert not any(isinstance(e, Session) for e in app.progress.events())


async def test_where_every_claim_was_met_it_says_so(tmp_path: Path) -> None:
    write_bank(tmp_path / "bank", ("E1.1",))
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        await answer(pilot)
        assert isinstance(app.screen, PlacedScreen)
        assert "Every claim has been asked" in screen_text(app)
        await pilot.press("enter", "t")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        assert events(app) == ["begin 0", "answer", "end 1"]


async def test_what_cannot_be_saved_begins_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = one_entry(tmp_path)

    def full(event: object) -> None:
        raise BankProblem("disk-full", file=tmp_path)

    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        monkeypatch.setattr(app.progress, "record", full)
        await pilot.press("t")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)
        await pilot.press("n")
        await pilot.pause()
        assert OFFER["en"] in screen_text(app)
        assert {n.severity for n in app._notifications} == {"error"}


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (40, 12), (20, 5)])
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_of_it_fits_every_window(tmp_path: Path, lang: Lang, size: tuple[int, int]) -> None:
    app = all_entries(tmp_path, lang)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        fits(app, size)
        if size[0] >= 40:
            assert ("摸底" if lang == "zh" else "placement") in screen_text(app)
        await pilot.press("t")
        await pilot.pause()
        await answer(pilot, 2)
        title = screen_text(app).splitlines()[0]
        if size[0] >= 80:
            assert WHERE[lang].format(3) in title
        elif size[0] >= 40:
            assert "3/20" in title and "0/8" in title
        fits(app, size)
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, PlacedScreen)
        fits(app, size)


def fits(app: TorchproofApp, size: tuple[int, int]) -> None:
    strips = app.screen._compositor.render_strips()
    assert len(strips) == size[1]
    assert all(strip.cell_length <= size[0] for strip in strips)


async def test_the_pages_survive_every_size_and_both_languages(tmp_path: Path) -> None:
    app = all_entries(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "t")
        await answer(pilot)
        for page in ("card", "placed"):
            for width, height in ((120, 36), (40, 12), (20, 5), (3, 2), (1, 1), (80, 24)):
                await pilot.resize_terminal(width, height)
                await pilot.press("l")
                await pilot.pause()
            if page == "card":
                await pilot.press("e")
                await pilot.pause()
        assert PAGE["en"] in screen_text(app)
        await pilot.press("l")
        await pilot.pause()
        assert PAGE["zh"] in screen_text(app)
