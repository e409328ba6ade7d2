"""What tests of the interface take from the small app: its clock, its runs, its screen as text."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import psutil
from textual.pilot import Pilot

from labs.catalog import Catalog
from labs.journal import AnyEvent, End, Point, Run, Spread, Start, Writer, create, this_host
from tui.app import TorchproofApp
from tui.paths import Paths
from tui.screens.page import Page
from tui.screens.today import TodayScreen

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MakeApp = Callable[..., TorchproofApp]


class MakeRun:
    """Makes runs on disk: what their worker wrote, and whether a process still works on them."""

    def __init__(self, paths: Paths, catalog: Catalog) -> None:
        self.paths = paths
        self.lab = catalog.labs["sample"]

    def __call__(
        self, *events: AnyEvent, alive: bool = False, lost: bool = False, at: datetime = NOW, steps: int = 10
    ) -> Run:
        """alive: this very process counts as its worker. lost: its worker is gone."""
        run = create(
            self.paths.runs,
            self.lab,
            knobs={"steps": steps},
            seeds=[0, 1],
            max_seeds=8,
            device="cpu",
            by="app",
            now=at,
            python="python",
            version="0",
        )
        if alive or lost:
            pid = os.getpid()
            created = psutil.Process(pid).create_time() - (1000 if lost else 0)
            worker = {"pid": pid, "created": created, "host": this_host()}
            run.worker_file.write_bytes(msgspec.json.encode(worker))
        run.events_file.touch()
        if events:
            Writer(run).write(*events)
        return run

    def start(self) -> Start:
        return Start(
            t=0.0,
            run="r",
            lab="sample",
            entry="E1",
            arms=["one", "two"],
            seeds=[0, 1],
            device="cpu",
            device_name="CPU",
            device_reason="",
            knobs={"steps": 10},
            estimate_s=2.0,
            settles=True,
            versions={"torch": "2"},
            at=NOW.isoformat(),
        )

    def half(self) -> list[Point]:
        """Both arms at half of their steps."""
        series = {"loss": Spread(1.0, 0.5, 1.5, 2)}
        return [
            Point(t=1.0, arm=arm, step=5, of=10, series=series, seeds_in_view=2) for arm in ("one", "two")
        ]

    def done(self, *events: AnyEvent, verdict: str = "refuted", **options: Any) -> Run:
        """A run that has ended, with its verdict."""
        run = self(self.start(), *events, End(t=2.0, status="done", seconds=2.0), **options)
        run.verdict_file.write_bytes(msgspec.json.encode({"v": 1, "verdicts": [{"verdict": verdict}]}))
        return run


def screen_text(app: TorchproofApp) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


async def opened(pilot: Pilot[None], *keys: str) -> Page:
    """Presses keys on Today once it has read everything, and gives the page they lead to."""
    app = pilot.app
    assert isinstance(app, TorchproofApp)
    today = app.screen_stack[0]
    assert isinstance(today, TodayScreen)
    while not today.loaded:
        assert app.crash is None
        await pilot.pause()
    await pilot.press(*keys)
    await pilot.pause()
    assert isinstance(app.screen, Page)
    return app.screen
