"""A small pack on disk: a claim, a question that code settles, and text that a markup parser would eat."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from questions import packs

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MARKUP = "[red]a[/red] [@click=app.quit]b[/] [/] $error"

_ENTRIES = f"""\
[[entries]]
id = "P1"
order = 1
title = {{ zh = "题包 {MARKUP}", en = "Pack {MARKUP}" }}
summary = {{ zh = "概要 {MARKUP}", en = "Summary {MARKUP}" }}
"""

_BELIEFS = f"""\
[[misconceptions]]
id = "wrong"
name = {{ zh = "误解 {MARKUP}", en = "Belief {MARKUP}" }}
because = {{ zh = "因为 {MARKUP}", en = "Because {MARKUP}" }}
"""

_CLAIM = f"""\
+++
id = "P1.1"
order = 1
verdict = "false"
source = "source {MARKUP}"
[evidence]
code = '''
CODE
'''
prints = "3"
+++
# zh
论断 {MARKUP}
## why
理由 {MARKUP}
# en
Claim {MARKUP}
## why
Reason {MARKUP}
"""

_QUESTION = f"""\
+++
id = "p1-what"
claim = "P1.1"
kind = "choice"
difficulty = 1
source = "source {MARKUP}"
answer = "right"
options = [
  {{ id = "right", zh = "对 {MARKUP}", en = "Right {MARKUP}" }},
  {{ id = "wrong", zh = "错 {MARKUP}", en = "Wrong {MARKUP}", misconception = "wrong" }},
  {{ id = "other", zh = "另 {MARKUP}", en = "Other {MARKUP}", misconception = "wrong" }},
]
[evidence]
code = '''
CODE
'''
prints = "3"
+++
# zh
题干 {MARKUP}
## explain
解释 {MARKUP}
# en
Stem {MARKUP}
## explain
Explained {MARKUP}
"""


def write_pack(folder: Path, code: str = "print(3)") -> Path:
    claim = folder / "P1" / "P1.1"
    claim.mkdir(parents=True)
    (folder / "entries.toml").write_text(_ENTRIES, "utf-8")
    (folder / "misconceptions.toml").write_text(_BELIEFS, "utf-8")
    (claim / "claim.md").write_text(_CLAIM.replace("CODE", code), "utf-8")
    (claim / "p1-what.md").write_text(_QUESTION.replace("CODE", code), "utf-8")
    return folder


def added(home: Path, source: Path, name: str = "theirs", *, allow_code: bool = False) -> None:
    """The pack as `torchproof bank add` leaves it."""
    bank, _ = packs.add(source, home, name, now=NOW, allow_code=allow_code)
    assert not bank.problems
