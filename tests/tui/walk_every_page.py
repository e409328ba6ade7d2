"""Opens every page of the app over the real bank and labs, then prints which modules of torch were loaded."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from questions.faq_pack import import_faq
from tui.app import PAGES, TorchproofApp
from tui.i18n import LANGUAGES
from tui.paths import Paths
from tui.screens.today import TodayScreen

HEAVY = ("torch", "torchvision", "numpy", "sklearn", "pandas")


def arguments(app: TorchproofApp) -> dict[str, tuple[Any, ...]]:
    """What each page is opened with."""
    from labs.journal import create
    from tui.session import Session

    lab = next(iter(app.catalog.labs.values()))
    run = create(
        app.paths.runs,
        lab,
        knobs=lab.defaults,
        seeds=[0, 1, 2],
        max_seeds=8,
        device="cpu",
        by="command",
        now=app.now(),
        python=sys.executable,
        version="0",
    )
    return {
        "bench": (),
        "prove": (),
        "lab": (lab.id,),
        "card": (next(iter(app.bank.questions)),),
        "done": (Session(app),),
        "placed": (),
        "runs": (),
        "log": (run,),
        "faq": (),
        "claims": (next(iter(app.bank.entries)),),
        "claim": (next(iter(app.bank.claims)),),
        "draft": (app.bank.drafts[0].id,),
        "progress": (),
        "settings": (),
        "help": (app.screen_stack[0],),
    }


async def walk(home: Path) -> None:
    paths = Paths(*(home / name for name in ("data", "state", "cache", "config")))
    (home / "faq.md").write_text("# Why?\nBecause.\n", "utf-8")
    import_faq(home / "faq.md", paths.packs, "faq", now=datetime.now().astimezone())
    app = TorchproofApp(paths, spare=False)
    async with app.run_test(size=(100, 30)) as pilot:
        today = app.screen
        assert isinstance(today, TodayScreen)
        while not today.loaded:
            assert app.crash is None
            await pilot.pause()
        opened = arguments(app)
        assert set(opened) == set(PAGES), "a page is missing here"
        for name, given in opened.items():
            page = app.open_page(name, *given)
            await pilot.pause()
            assert app.screen is page
            for _ in LANGUAGES:
                await pilot.press("l", "down", "up")
            app.pop_screen()
            await pilot.pause()
        for keys in (("enter", "1", "3", "enter"), ("q",), ("b", "enter", "1", "3"), ("q", "q")):
            await pilot.press(*keys)
        await app.workers.wait_for_complete()
        assert app.crash is None


if __name__ == "__main__":
    asyncio.run(walk(Path(sys.argv[1])))
    print(sorted(name for name in sys.modules if name.partition(".")[0] in HEAVY))
