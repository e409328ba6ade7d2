"""The shipped bank on real cards of 80x24: every word of stem, code and options can be read, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

import pytest
import snapshots
from learner import screen_text
from rich.cells import cell_len
from textual.pilot import Pilot

from questions.catalog import load
from questions.shapes import Bank, Question
from tui.app import TorchproofApp
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.screens.card import CardScreen
from tui.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@cache
def bank() -> Bank:
    return load()


def worst(lang: str) -> list[str]:
    """The longest stem and options, the longest and widest code, one card of each form."""

    def longest(measure: object) -> str:
        return max(bank().questions.values(), key=measure).id  # type: ignore[arg-type]

    def code_of(question: Question) -> list[str]:
        return (question.code or "").split("\n")

    chosen = [
        longest(lambda q: cell_len(q.stem.get(lang))),
        longest(lambda q: sum(cell_len(o.text.get(lang)) for o in q.options)),
        longest(lambda q: max([0, *(cell_len(o.text.get(lang)) for o in q.options)])),
        longest(lambda q: len(code_of(q))),
        longest(lambda q: max(map(len, code_of(q)))),
        longest(lambda q: len(re.findall(r"[\[\]]", f"{q.stem.get(lang)}{q.code}"))),
        longest(lambda q: len(re.findall("[，。；：？！“”（）]", q.stem.zh))),
    ]
    forms = {question.form: question.id for question in bank().questions.values()}
    return list(dict.fromkeys([*chosen, *forms.values()]))


def some(lang: str) -> list[str]:
    return Random(f"cards in {lang}").sample(sorted(bank().questions), 20)


def bare(text: str) -> str:
    """Text without what a card adds or leaves out: white space, cursors, marks, fences, the scroll bar."""
    return re.sub(r"```\w*|[\s`›●()▁▂▃▄▅▆▇█▔•]", "", text)


async def all_of_it(pilot: Pilot[None], screen: CardScreen) -> str:
    """Everything on the card, page by page, as one text."""
    scroll = screen.scroll
    seen: list[str] = []
    at = 0
    while True:
        scroll.scroll_to(y=at, animate=False, immediate=True)
        await pilot.pause()
        assert isinstance(pilot.app, TorchproofApp)
        shown = [line.rstrip("▁▂▃▄▅▆▇█▔ ") for line in screen_text(pilot.app).split("\n")]
        top, height = scroll.scrollable_content_region.y, scroll.scrollable_content_region.height
        part = shown[top : top + height]
        seen += part if at == int(scroll.scroll_y) else part[at - int(scroll.scroll_y) :]
        if at + height >= scroll.virtual_size.height:
            return "\n".join(seen)
        at += height


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_cards_can_be_read_to_the_last_word(tmp_path: Path, lang: Lang) -> None:
    home = Paths(*(tmp_path / name for name in ("data", "state", "cache", "config")))
    app = TorchproofApp(home, Settings(theme="dark"), lang, now=lambda: NOW, spare=False)
    async with app.run_test(size=(80, 24)) as pilot:
        for id in [*worst(lang), *some(lang)]:
            app.open_page("card", id, order_seed=5)
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, CardScreen)
            question = screen.question
            text = await all_of_it(pilot, screen)
            assert all(cell_len(line) <= 80 for line in text.split("\n")), id
            plain = bare(text)
            for n, line in enumerate((question.code or "").strip("\n").split("\n"), 1):
                number = f"{n}" if question.kind == "bug" and line.strip() else ""
                assert bare(f"{number}{line}") in plain, (id, line)
            assert bare(question.stem.get(lang)) in plain, (id, plain)
            for label in screen.given.labels(lang):
                assert bare(label) in plain, (id, label)
            await pilot.press("q")
            await pilot.pause()


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_worst_cards_look_as_they_did(tmp_path: Path, lang: Lang) -> None:
    """Each before an answer and at its verdict, from the first line to the last."""
    home = Paths(*(tmp_path / name for name in ("data", "state", "cache", "config")))
    app = TorchproofApp(home, Settings(theme="dark"), lang, now=lambda: NOW, spare=False)
    async with app.run_test(size=(80, 24)) as pilot:
        for id in worst(lang):
            app.open_page("card", id, order_seed=5)
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, CardScreen)
            snapshots.check(f"cards/{id}.{lang}", await all_of_it(pilot, screen))
            await pilot.press("enter" if screen.question.kind == "number" else "0")
            await pilot.pause()
            assert screen.phase == "verdict", id
            snapshots.check(f"cards/{id}-verdict.{lang}", await all_of_it(pilot, screen))
            await pilot.press("q")
            await pilot.pause()
