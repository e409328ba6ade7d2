"""Fits the memory model to the learner once there is reason to: in a process of its own, which outlives the app."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from questions.schedule import Fold
    from tui.paths import Paths


class Fits:
    """Owns the fit that is going on. Its result comes by the log, as an event of another process does."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._process: threading.Thread | None = None  # waits for it

    def begin_if_due(self, state: Fold) -> None:
        """Starts a fit unless one is going on, or nothing new would come of it. Waits for nothing."""
        from questions.fitting import due

        if (self._process is None or not self._process.is_alive()) and due(state):
            self._process = threading.Thread(target=self._run, name="fit", daemon=True)
            self._process.start()

    def _run(self) -> None:
        import subprocess

        from questions import fitter

        paths = self._paths
        try:
            paths.logs.mkdir(parents=True, exist_ok=True)
            with (paths.logs / "fit.log").open("wb") as log:
                subprocess.run(
                    fitter.command(paths.events, paths.packs, paths.cache, "--background"),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=fitter.environment(),
                    start_new_session=True,  # no SIGHUP from the terminal and no ctrl+c
                    check=False,
                )
        except OSError:
            pass  # no room or no process: the next session's end tries again
