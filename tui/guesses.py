"""Whether a right answer was rated as a guess, so that the page which shows it can say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import TorchproofApp


def ratings(app: TorchproofApp, claim: str) -> int:
    """How many answers to this claim have been rated; asked before one more is recorded."""
    track = app.fold().tracks.get(claim)
    return len(track.rated) if track else 0


def guessed(app: TorchproofApp, claim: str, before: int) -> bool:
    """Whether what was recorded since there were `before` ratings is right, and was taken for luck. Nothing was rated
    where the claim had been answered today already."""
    track = app.fold().tracks.get(claim)
    new = track.rated[before:] if track else []
    return any(rated.ok and rated.rating == "again" for rated in new)
