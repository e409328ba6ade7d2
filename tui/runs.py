"""A person's runs as the pages show them, read from their folders again and again at little cost."""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from labs.journal import Follower, Run, Status
    from labs.replay import Replay


class RunView(NamedTuple):
    """One run at one moment. progress: 0 to 1. eta_s: seconds to its end, None where nobody knows."""

    run: "Run"
    status: "Status"
    progress: float
    eta_s: float | None

    @property
    def live(self) -> bool:
        return self.status in ("starting", "running")


class RunWatch:
    """Keeps `views` of all runs below a folder, newest first; `look()` brings them up to date.

    What has ended is not read again unless its events grow (more seeds were asked for); of what runs only
    the new events are read.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.clock = clock
        self.views: list[RunView] = []
        self._stamp = -1
        self._ended: dict[str, tuple[int, RunView]] = {}  # run id -> mtime of its events, how it ended
        self._followed: dict[str, tuple[Follower, Replay]] = {}

    @property
    def live(self) -> list[RunView]:
        return [view for view in self.views if view.live]

    def look(self) -> bool:
        """Read what is new. True when a view changed in what a page would show of it."""
        from labs import journal

        stamp = _mtime(self.folder)
        if stamp != self._stamp:
            found = journal.runs(self.folder)
            self._stamp = stamp
        else:
            found = [view.run for view in self.views]
        before = [self._shown(view) for view in self.views]
        self.views = [self._view(run) for run in found]
        known = {run.id for run in found}
        self._ended = {id: kept for id, kept in self._ended.items() if id in known}
        self._followed = {id: kept for id, kept in self._followed.items() if id in known}
        return before != [self._shown(view) for view in self.views]

    def _shown(self, view: RunView) -> tuple[object, ...]:
        eta = None if view.eta_s is None else round(view.eta_s)
        return view.run.id, view.status, round(view.progress * 100), eta if view.live else None

    def _view(self, run: "Run") -> RunView:
        stamp = _mtime(run.events_file)
        kept = self._ended.get(run.id)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        status = run.status(self.clock())
        if status in ("starting", "running"):
            self._ended.pop(run.id, None)
            return self._live(run, status)
        self._followed.pop(run.id, None)
        view = RunView(run, status, 1.0 if status == "done" else 0.0, None)
        self._ended[run.id] = (stamp, view)
        return view

    def _live(self, run: "Run", status: "Status") -> RunView:
        from labs.journal import Follower
        from labs.replay import Replay

        follower, replay = self._followed.setdefault(run.id, (Follower(run), Replay()))
        replay.feed(follower.poll())
        return RunView(run, status, replay.progress, replay.eta_s(self.clock()))


def run_age(run: "Run", now: datetime) -> timedelta:
    """How long ago the run was made; as good as for ever where run.json holds no time."""
    try:
        return now - datetime.fromisoformat(run.spec.created_at)
    except (ValueError, TypeError):
        return timedelta.max


def _mtime(path: Path) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 (called for every run, every second)
    except OSError:
        return 0
