"""Characters that must not reach a terminal, and how a text that may hold some is shown."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

# Controls that a terminal would obey, marks that turn the direction of writing, and marks whose width terminals
# disagree on (variation selector, keycap, joiner, skin tones).
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufe00-\ufe0f\ufeff\u20e3"
    "\ud800-\udfff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_UNFIT = re.compile(f"{FORBIDDEN.pattern}|[\t\n]")
LONGEST = 300  # characters of a text that is quoted in a message


def name_of(character: str) -> tuple[str, str]:
    """A character's code and its name, such as ("U+FEFF", "ZERO WIDTH NO-BREAK SPACE")."""
    return f"U+{ord(character):04X}", unicodedata.name(character, "control character")


def visible(value: object) -> object:
    """What may stand in a one-line message: the same thing, or its text with escapes in place of what a terminal
    would obey, and shortened where it is very long."""
    match value:
        case bool() | float() | None:
            return value
        case int():  # Python refuses to print one of more than 4300 digits
            return value if abs(value) < 10**40 else f"{'-' if value < 0 else ''}0x{abs(value):x}"[:40] + "…"
        case PurePath():
            text = str(value)
            return _UNFIT.sub(_escape, text) if _UNFIT.search(text) else value
        case str():
            shown = value if len(value) <= LONGEST else value[:LONGEST] + "…"
            return _UNFIT.sub(_escape, shown)
        case _:
            return visible(str(value))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
