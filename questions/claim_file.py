"""One claim a file: `bank/<entry>/<claim>/claim.md`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from questions import marked_file
from questions.places import Where
from questions.problems import BankProblem
from questions.shapes import Claim, Evidence, Origin, Text, Verdict

SET_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME: Final = 40


class _Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    order: int
    verdict: Verdict
    source: str
    requires: tuple[str, ...] = ()
    confusable: str | None = None
    origin: Origin = "stated"
    evidence: Evidence | None = None


def load_claim(path: Path) -> tuple[Claim, Where]:
    """Reads one claim file and a finder of its lines. Raises BankProblem naming file, line, field and fix."""
    front, where, parts = marked_file.load(path, _Front, marked_file.CLAIM)
    if front.id != path.parent.name:
        raise BankProblem(
            "claim-folder", file=path, line=where.line("id"), id=front.id, folder=path.parent.name
        )
    check_evidence(front.evidence, where)
    name = front.confusable
    if name is not None and not (SET_NAME.fullmatch(name) and len(name) <= LONGEST_NAME):
        line = where.line("confusable")
        raise BankProblem("set-name", file=path, line=line, name=name, most=LONGEST_NAME)
    claim = Claim(
        id=front.id,
        entry=path.parent.parent.name,
        order=front.order,
        text=Text(parts["zh"], parts["en"]),
        verdict=front.verdict,
        why=Text(parts["zh/why"], parts["en/why"]),
        source=front.source,
        requires=front.requires,
        confusable=front.confusable,
        origin=front.origin,
        evidence=front.evidence,
        file=path,
    )
    return claim, where


def check_evidence(evidence: Evidence | None, where: Where) -> None:
    """Code says what it prints, and a rule names its lab."""
    if evidence is None:
        return
    for given, needed in (("code", "prints"), ("prints", "code"), ("rule", "lab")):
        if getattr(evidence, given) is not None and getattr(evidence, needed) is None:
            where.missing(f"evidence.{needed}")
    if evidence.lab is None and evidence.code is None:
        where.missing("evidence.lab")
