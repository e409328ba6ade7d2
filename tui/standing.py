"""Where the learner stands, as every page shows it: from the kept fold, today, with the minutes that are set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from questions.mastery import Standing
    from tui.app import TorchproofApp


def standings(app: TorchproofApp) -> Mapping[str, Standing]:
    """Of every claim, now."""
    from questions.mastery import standings_from

    return standings_from(app.fold(), app.today(), app.settings.minutes)
