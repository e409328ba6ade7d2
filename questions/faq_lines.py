"""What each line of a Markdown FAQ is: heading, text, code, comment. What reads as a question among the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["blank", "text", "code", "heading", "under", "comment", "front-matter", "long-line"]
Shape = Literal["qa", "bold", "numbered", "summary"]

LONGEST = 20_000  # characters; a longer line is a picture written as text, or a program's output


class Line(NamedTuple):
    """A line and what it is. level and title: of a heading."""

    kind: Kind
    text: str
    level: int = 0
    title: str = ""


_ATX = re.compile(
    r" {0,3}(#{1,6})(?=[ \t]|$)|(#{2,6})(?=[^\s#])"
)  # "##标题" is none by the letter, but meant as one
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"\s*(?:>\s*)*(`{3,}|~{3,})(.*)$")
_LIST_OR_TABLE = re.compile(r"\s*(?:[-*+>|]|\d{1,9}[.)]\s)|.*\|")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_KEY = re.compile(r"[\w-]+\s*[:=]")


def sorted_out(lines: Sequence[str]) -> tuple[list[Line], int]:
    """Every line with its kind, and the number of the line whose fence is never closed (0: none is)."""
    made: list[Line] = []
    ends = _comment_ends(lines)
    front = _front_matter(lines)
    fence, fence_line, comment_until = "", 0, -1
    for n, text in enumerate(lines):
        if n < front:
            made.append(Line("front-matter" if text.strip() else "blank", text))
        elif fence:
            made.append(Line("code" if len(text) <= LONGEST else "long-line", text))
            if (found := _FENCE.match(text)) and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif n <= comment_until:
            made.append(Line("comment" if text.strip() else "blank", text))
        elif not text.strip():
            made.append(Line("blank", text))
        elif len(text) > LONGEST:
            made.append(Line("long-line", text))
        elif (found := _FENCE.match(text)) and not (found[1][0] == "`" and "`" in found[2]):
            fence, fence_line = found[1], n + 1
            made.append(Line("code", text))
        elif text.lstrip().startswith("<!--") and ends[n] >= n:
            comment_until = ends[n]
            made.append(Line("comment", text))
        else:
            made.append(_heading_or_text(text, made))
    return made, fence_line if fence else 0


def _heading_or_text(text: str, before: list[Line]) -> Line:
    """This line; where it underlines the one before, that becomes a heading."""
    if found := _ATX.match(text):
        title = text[found.end() :].strip()
        bare = title.rstrip("#")
        if not bare or bare[-1].isspace():
            title = bare.rstrip()
        return Line("heading", text, len(found[1] or found[2]), title)
    if (found := _SETEXT.match(text)) and before and before[-1].kind == "text":
        title = before[-1].text
        alone = len(before) == 1 or before[-2].kind != "text"
        if alone and not _LIST_OR_TABLE.match(title) and not title.startswith(("    ", "\t")):
            before[-1] = Line("heading", title, 1 if found[1][0] == "=" else 2, title.strip())
            return Line("under", text)
    return Line("text", text)


def _comment_ends(lines: Sequence[str]) -> list[int]:
    """For each line the line on which a comment that began on it would end, if nothing follows it there; else -1."""
    ends = [-1] * len(lines)
    end = -1
    for n in range(len(lines) - 1, -1, -1):
        _, mark, after = lines[n].rpartition("-->")
        if mark:
            end = n if not after.strip() else -1
        ends[n] = end
    return ends


def _front_matter(lines: Sequence[str]) -> int:
    """How many lines at the top are front matter of YAML or TOML."""
    if not lines or lines[0].rstrip() not in ("---", "+++"):
        return 0
    last = ("---", "...") if lines[0].startswith("---") else ("+++",)
    for n, line in enumerate(lines[1:200], 1):
        if line.rstrip() in last:
            return n + 1 if n > 1 and _KEY.match(lines[1]) else 0
    return 0


def is_rule(text: str) -> bool:
    """A line that only draws a line."""
    return bool(_RULE.match(text))


# --- lines that read as questions

_MARK = r"(?:\*\*|__)?"
_QA = re.compile(
    rf"(?:[-*+>] )?{_MARK} ?(?:Question|[QＱqｑ]|提问|问题?) ?"
    rf"(?:\d{{1,3}} ?{_MARK} ?[:：.．、)）]|{_MARK} ?[:：]) ?{_MARK} ?(?P<q>.*)$",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    rf"(?:[-*+>] )?{_MARK} ?(?:Answer|[AＡaａ]|回答|答案?) ?\d{{0,3}} ?{_MARK} ?[:：]", re.IGNORECASE
)
_NUMBER = (
    r"(?:(?:\d{1,3}|[一二三四五六七八九十百]{1,4}) ?[.．、)）:：]"
    r"|[(（] ?(?:\d{1,3}|[一二三四五六七八九十]{1,3}) ?[)）])"
)
_BOLD = re.compile(rf"(?:{_NUMBER} ?)?(\*\*|__)(?P<q>(?:(?!\*\*|__).)+)\1 ?[:：]?$")
_NUMBERED = re.compile(rf"{_NUMBER} ?(?P<q>.+)$")
_SUMMARY = re.compile(r"(?:<details[^<>]*> ?)?<summary[^<>]*>(?P<q>[^<>]+)</summary>$", re.IGNORECASE)
_ASKS = re.compile(r"[?？][\s*_）)」”\"':：]*$")


def question_in(text: str) -> tuple[Shape, str] | None:
    """The shape of a question that this line has, and its words; None where it reads as none."""
    if text.startswith(("    ", "\t")):  # code, or part of a list
        return None
    text = " ".join(text.split())
    if found := _QA.match(text):
        return "qa", _bare(found["q"])
    if found := _SUMMARY.match(text):
        return "summary", found["q"].strip()
    if (found := _BOLD.match(text)) and asks(found["q"]):
        return "bold", _bare(found["q"])
    if (found := _NUMBERED.match(text)) and asks(found["q"]):
        return "numbered", _bare(found["q"])
    return None


def is_answer(text: str) -> bool:
    """Whether the line begins an answer: `A:`, `答：`."""
    return bool(_ANSWER.match(" ".join(text.split())))


def asks(text: str) -> bool:
    """Whether it ends in a question mark of either width, closing marks aside."""
    return bool(_ASKS.search(text[-20:]))


def _bare(text: str) -> str:
    """Without the marks of bold type that end with the line."""
    text = text.strip()
    for mark in ("**", "__"):
        if text.count(mark) % 2 and text.endswith(mark):
            return text.removesuffix(mark).rstrip()
        if text.startswith(mark) and text.endswith(mark) and text.count(mark) == 2 and len(text) > 4:
            return text[2:-2].strip()
    return text
