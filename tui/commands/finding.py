"""One thing that `torchproof doctor` looked at, and what is to be done about it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Level = Literal["ok", "warn", "bad"]


class Finding(NamedTuple):
    """One thing looked at. text and fix: in the reader's language. facts: for scripts."""

    id: str
    level: Level
    text: str
    fix: str = ""
    facts: Mapping[str, object] = {}
