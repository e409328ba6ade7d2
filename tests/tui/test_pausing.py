"""Pausing from the FAQ, and what a card says when its claim has become a leech."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_app import NOW, MakeApp, opened, screen_text

from questions.events import Pause
from questions.progress import Answer, Progress
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.screens.card import CardScreen
from tui.screens.faq import ClaimScreen, ClaimsScreen, FaqScreen
from tui.screens.page import Ask


def missed(paths: Paths, times: int, *, ends: int = 1) -> None:
    """E1.1 was missed on so many days in a row, the last of them `ends` days ago."""
    log = Progress(paths.events, host="other", pid=1, now=lambda: at)
    for n in range(times):
        at = NOW - timedelta(days=ends + times - 1 - n)
        log.record(
            Answer(claim="E1.1", item="q1", kind="choice", option="all", p=0.5, ok=False, chance=1 / 3)
        )
    log.close()


async def test_p_pauses_the_claim_under_the_cursor_and_takes_it_up_again(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter", "down")
        await pilot.press("p")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        await pilot.press("1")
        await pilot.pause()
        assert isinstance(app.screen, ClaimsScreen)
        assert "E1.2  paused, 7 days left" in screen_text(app)
        await pilot.press("p")
        await pilot.pause()
        assert "paused" not in screen_text(app)
        said = [event for event in app.progress.events() if isinstance(event, Pause)]
        assert [(event.what, event.on) for event in said] == [("E1.2", True), ("E1.2", False)]


async def test_an_entry_is_paused_as_a_whole_and_leaves_the_plan(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "p", "3")
        assert isinstance(app.screen, FaqScreen)
        assert "paused" in screen_text(app)
        assert all(not item.claim.startswith("E1.") for item in app.plan().items)
        await pilot.press("enter")
        await pilot.pause()
        assert screen_text(app).count("paused") >= 2  # every claim of it says so


async def test_escape_pauses_nothing(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter", "p", "escape")
        assert isinstance(app.screen, ClaimsScreen)
        assert not app.progress.events()


@pytest.mark.parametrize(
    ("lang", "short", "why"),
    [("en", "rests, 13 days left", "4 misses within 8"), ("zh", "搁置，还剩 13 天", "错了 4 次")],
)
async def test_a_leech_says_why_it_rests(
    make_app: MakeApp, paths: Paths, lang: Lang, short: str, why: str
) -> None:
    missed(paths, 5)
    app = make_app(lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter")
        assert short in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ClaimScreen)
        assert why in screen_text(app).replace("\n", "")
        await opened(pilot, "escape", "escape", "escape", "p")
        assert short in screen_text(app)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_card_that_makes_a_leech_says_so_once(make_app: MakeApp, paths: Paths, lang: Lang) -> None:
    missed(paths, 4)
    app = make_app(lang)
    said = app.tr("card.leech")[:12]
    async with app.run_test(size=(80, 36)) as pilot:
        await opened(pilot, "f", "enter", "a")
        assert isinstance(app.screen, CardScreen)
        await pilot.press("0")
        await pilot.pause()
        assert said in screen_text(app)
        await opened(pilot, "enter", "a", "0")
        assert isinstance(app.screen, CardScreen)
        assert not app.screen.leech.display or app.screen.grade is not None
