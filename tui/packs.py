"""Packs in the interface: the bank with them behind it, and what is said of one that is broken or unproven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from questions.shapes import Bank, Claim, Question
    from tui.app import TorchproofApp
    from tui.i18n import Translator


def with_packs(app: TorchproofApp, bank: Bank) -> Bank:
    """The bank with the learner's packs behind it. One that is broken is told of once and hides no other."""
    if not app.paths.packs.is_dir():  # nothing is imported for those who have none
        return bank
    from questions.characters import visible
    from questions.merge import merge
    from questions.packs import load_all

    found = load_all(app.paths.packs, app.paths.cache)
    for pack in found:
        if problems := pack.problems:
            why = app.tr.problem(problems[0])
            key = "shell.pack_broken" if pack.problem else "shell.pack_damaged"
            name = visible(pack.name)
            app.say(key, severity="error", name=name, why=why, count=len(problems))
    return merge(bank, (pack for pack in found if pack.problem is None))


class PackCode:
    """Whether the code of a pack may be run here, looked up once a pack."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._allowed: dict[str, bool] = {}

    def allowed(self, name: str) -> bool:
        from questions.packs import is_allowed

        if name not in self._allowed:
            self._allowed[name] = is_allowed(self.home, name)
        return self._allowed[name]

    def note(self, tr: Translator, thing: Claim | Question) -> str:
        """That nobody has run the code of this claim or question here; nothing where that needs no saying."""
        from questions.ids import pack_of

        name = pack_of(thing.id)
        code = thing.evidence_code or getattr(thing, "code", None)
        return tr("card.pack_code", name=name) if name and code and not self.allowed(name) else ""
