"""When memory is tidied: not between a key and its frame, but once the learner has paused."""

from __future__ import annotations

import asyncio
import gc

PAUSE_S = 0.5  # without a key
WORTH_IT = 3  # collections of the middle generation since the last full one
# A full collection in the midst of things only for one who types on and on: it holds a key up for 80 to 150 ms.
FORCED = 50


class Rest:
    """Full garbage collections of this process, put off until no key has come for half a second."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Loading begins: what is made now stays, so that looking for garbage among it would find none."""
        gc.disable()

    def begin(self) -> None:
        """The app is loaded: what is there by now stays for good, and no later collection looks at it."""
        gc.freeze()
        gc.enable()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, FORCED)

    def put_off(self) -> None:
        """A key has come."""
        if self._due is not None:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(PAUSE_S, self._tidy)

    def _tidy(self) -> None:
        self._due = None
        if gc.get_count()[2] >= WORTH_IT:
            gc.collect()
