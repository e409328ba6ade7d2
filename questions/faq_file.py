"""A Markdown FAQ as it lies about, whatever its shape, divided into cards; what fits into none is listed.

A card is what stands below a heading, or, where there are questions in it, below each of those: `Q:` and `问：`, whole
lines in bold type, numbered lines, `<summary>`, in the shape that comes first there. Of a file that has none of these
each paragraph that ends in a question mark begins a card.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from questions.faq_lines import Line, Shape, asks, is_answer, is_rule, question_in, sorted_out
from questions.faq_text import lines_of
from questions.problems import BankProblem

Why = Literal[
    # in no card
    "before-first",
    "empty-heading",
    "rule",
    "comment",
    "front-matter",
    "long-line",
    # in a card, not as it was meant
    "html",
    "image-missing",
    "image-left",
    "fence-open",
    "character",
]
PLACED: tuple[Why, ...] = ("html", "image-missing", "image-left", "fence-open", "character")
MOST_CARDS = 2000
MOST_LINES = 100_000
LONGEST_HEADING = 300
LONGEST = 100_000  # characters of a card's text; more goes into cards behind it
_CHINESE = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,1000}\]\(\s{0,9}<?([^)\s>]{1,1000})")
_TAG = re.compile(
    r"</?(?:details|summary|div|p|br|hr|img|a|span|table|thead|tbody|tr|td|th|ul|ol|li|dl|dt|dd|h[1-6]|kbd|sub|sup|pre"
    r"|code|b|i|u|s|em|strong|del|ins|mark|small|center|font|blockquote|figure|figcaption|video|audio|source|iframe"
    r"|picture|svg|script|style|input|button|section)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)


class Section(NamedTuple):
    """What cards stand under: a heading, those above it, and its line (0 and no title: the file itself)."""

    title: str
    line: int
    above: tuple[str, ...] = ()


class Card(NamedTuple):
    """A heading and the text under it as the file has it; lines count from 1, the heading's among them."""

    section: int
    heading: str
    body: str
    lang: Literal["zh", "en"]
    lines: tuple[int, int]


class Note(NamedTuple):
    """Lines that stand in no card, or not as they were meant (`PLACED`)."""

    why: Why
    lines: tuple[int, int]
    text: str


class Faq(NamedTuple):
    """Everything that a file holds."""

    sections: tuple[Section, ...]
    cards: tuple[Card, ...]
    notes: tuple[Note, ...]


def parse(text: str, name: str, is_image: Callable[[str], bool] = lambda _: False) -> Faq:
    """Divides the text of a FAQ. `name` heads a file without any question; `is_image`: whether a picture's file exists.

    Raises BankProblem: "faq-empty" where there is nothing to read, "faq-lines", "faq-many".
    """
    raw, removed = lines_of(text)
    if len(raw) > MOST_LINES:
        raise BankProblem("faq-lines", file=name, count=len(raw), most=MOST_LINES)
    lines, open_fence = sorted_out(raw)
    return _Division(lines, name, is_image).divided(
        [Note("character", (at, at), f"{code} {what}") for at, code, what in removed]
        + ([Note("fence-open", (open_fence, open_fence), raw[open_fence - 1])] if open_fence else [])
    )


def language_of(text: str) -> Literal["zh", "en"]:
    """A guess: Chinese where a third of what is read is, counted in characters and words."""
    prose = _CODE_SPAN.sub("", text)
    chinese, words = len(_CHINESE.findall(prose)), len(_WORD.findall(prose))
    return "zh" if chinese and chinese * 2 >= words else "en"


class _Division:
    """One file while it is divided. Indices count from 0, lines in what comes out from 1."""

    def __init__(self, lines: Sequence[Line], name: str, is_image: Callable[[str], bool]) -> None:
        self.lines = lines
        self.name = name
        self.is_image = is_image
        self.sections: dict[Section, int] = {}
        self.cards: list[Card] = []
        self.notes: list[Note] = []
        self.headings = [n for n, line in enumerate(lines) if line.kind == "heading"]

    def divided(self, notes: list[Note]) -> Faq:
        self._whole_lines()
        first = self.headings[0] if self.headings else len(self.lines)
        self._stretch(None, 0, first, ())
        above: list[int] = []  # headings that the one at hand stands under
        for n, at in enumerate(self.headings):
            level = self.lines[at].level
            above = [other for other in above if self.lines[other].level < level]
            end = self.headings[n + 1] if n + 1 < len(self.headings) else len(self.lines)
            self._stretch(at, at + 1, end, tuple(above))
            above.append(at)
        self._unused_headings()
        if not self.cards:
            raise BankProblem("faq-empty", file=self.name)
        self.notes = sorted([*notes, *self.notes], key=lambda note: (note.lines, note.why))
        return Faq(tuple(self.sections), tuple(self.cards), tuple(self.notes))

    def _stretch(self, heading: int | None, start: int, end: int, above: tuple[int, ...]) -> None:
        """What stands between one heading and the next: cards, or lines for the list."""
        begins = self._questions(start, end, heading is not None)
        lead = begins[0][0] if begins else end
        if not self._says_something(start, lead):  # what becomes of the heading shows at the end
            if any(self._is_read(n) for n in range(start, lead)):
                self._note("rule", start, lead)
        elif heading is not None:
            title = self.lines[heading].title or self._first_words(start, lead)
            parent = self._section(above[-1], above[:-1]) if above else self._section(None, ())
            self._card(parent, title, heading, start, lead)
        elif not begins and not self.headings:
            self._card(self._section(None, ()), self.name, start, start, end)
        else:
            self._note("before-first", start, lead)
        section = self._section(heading, above)
        ends = [at for at, *_ in begins[1:]] + [end]
        for (at, words, body), stop in zip(begins, ends, strict=False):
            if not self._says_something(body, stop):
                self._note("empty-heading", at, stop)
            elif words:
                self._card(section, words, at, body, stop)
            else:
                self._card(section, self._first_words(body, stop), at, at, stop)

    def _questions(self, start: int, end: int, headed: bool) -> list[tuple[int, str, int]]:
        """The questions in a stretch: first line, words, and where the text below begins. They all have the shape
        of the first."""
        found: list[tuple[int, str, Shape]] = []
        answers = 0
        first = next((n for n in range(start, end) if self.lines[n].kind in ("text", "code")), end)
        for n in range(start, end):
            if self.lines[n].kind != "text":
                continue
            answers += is_answer(self.lines[n].text)
            if (question := question_in(self.lines[n].text)) is not None:
                found.append((n, question[1], question[0]))
        marked = [one for one in found if one[2] in ("qa", "summary")]
        if headed and marked and (answers or len(marked) > 1):
            found = [one for one in marked if one[2] == marked[0][2]]
        elif headed:  # a list of questions in an answer is none; one with which the text begins is
            found = [one for one in found if found[0][0] == first and one[2] == found[0][2]]
            stops = [at for at, *_ in found[1:]] + [end]
            answered = sum(
                self._says_something(one[0] + 1, stop) for one, stop in zip(found, stops, strict=False)
            )
            found = [] if len(found) < 2 or answered * 2 < len(found) else found
        elif marked:
            found = [one for one in marked if one[2] == marked[0][2]]
        elif found:
            found = [one for one in found if one[2] == found[0][2]]
        elif not self.headings:
            return self._asking_paragraphs(start, end)
        return [(n, words, n + 1) for n, words, _ in found]

    def _asking_paragraphs(self, start: int, end: int) -> list[tuple[int, str, int]]:
        begins: list[tuple[int, str, int]] = []
        n = start
        while n < end:
            stop = n
            while stop < end and self.lines[stop].kind == "text":
                stop += 1
            if stop > n and asks(self.lines[stop - 1].text):
                words = " ".join(line.text.strip() for line in self.lines[n:stop])
                if len(words) <= 200:
                    begins.append((n, words, stop))
                else:
                    begins.append((n, self._first_words(n, stop), n))
            n = max(stop, n + 1)
        return begins

    # making

    def _card(self, section: Section, heading: str, at: int, start: int, end: int) -> None:
        """One card, or several where its text is very long."""
        kept = [n for n in range(start, end) if self._is_read(n)]
        self._remarks(kept)
        last = kept[-1]
        lang = language_of("\n".join([heading, *(self.lines[n].text for n in kept)]))
        while start <= last:
            size, stop = 0, start
            while stop <= last and (stop == start or size + len(self.lines[stop].text) <= LONGEST):
                size += len(self.lines[stop].text) + 1
                stop += 1
            texts = [self.lines[n].text for n in range(start, stop) if self.lines[n].kind in _IN_BODY]
            if any(text.strip() for text in texts):
                body = "\n".join(_trimmed(texts))
                shown = heading or self.name
                if len(shown) > LONGEST_HEADING:
                    shown, body = f"{shown[:LONGEST_HEADING]}…", f"{shown}\n\n{body}"
                number = self.sections.setdefault(section, len(self.sections))
                self.cards.append(Card(number, shown, body, lang, (at + 1, stop)))
                if len(self.cards) > MOST_CARDS:
                    raise BankProblem("faq-many", file=self.name, most=MOST_CARDS)
            start = at = stop

    def _section(self, heading: int | None, above: tuple[int, ...]) -> Section:
        """The section that a heading makes; None: the file itself."""
        if heading is None:
            return Section("", 0)
        titles = tuple(self.lines[n].title for n in above if self.lines[n].title)
        return Section(self.lines[heading].title or self.name, heading + 1, titles)

    # telling

    def _whole_lines(self) -> None:
        """Notes on lines that are no card's for what they are."""
        start = 0
        for n in range(1, len(self.lines) + 1):
            if n == len(self.lines) or self.lines[n].kind != self.lines[start].kind:
                if (why := _NO_CARDS.get(self.lines[start].kind)) is not None:
                    self._note(why, start, n)
                start = n

    def _unused_headings(self) -> None:
        """Headings with nothing below them, that no card stands under either."""
        shown = {section.line for section in self.sections} | {card.lines[0] for card in self.cards}
        above: list[int] = []
        over: dict[int, tuple[int, ...]] = {}
        for at in self.headings:
            above = [other for other in above if self.lines[other].level < self.lines[at].level]
            over[at] = tuple(above)
            above.append(at)
        for at in self.headings:
            if at + 1 in shown:
                shown |= {other + 1 for other in over[at] if self.lines[other].title}
        for at in self.headings:
            if at + 1 not in shown:
                under = at + 1 < len(self.lines) and self.lines[at + 1].kind == "under"
                self._note("empty-heading", at, at + 2 if under else at + 1)

    def _remarks(self, kept: Sequence[int]) -> None:
        """Notes on what a card holds and a terminal cannot show."""
        for n in kept:
            if self.lines[n].kind != "text":
                continue
            text = _CODE_SPAN.sub("", self.lines[n].text)
            if _TAG.search(text):
                self._note("html", n, n + 1)
            for image in _IMAGE.finditer(text):
                there = "://" in image[1] or self.is_image(image[1])
                self._note("image-left" if there else "image-missing", n, n + 1, image[1])

    def _note(self, why: Why, start: int, end: int, text: str = "") -> None:
        lines = [n for n in range(start, end) if self.lines[n].kind != "blank"]
        if why not in _NO_CARDS.values():  # what is listed for itself is not listed twice
            lines = [n for n in lines if self.lines[n].kind in ("text", "code", "heading", "under")]
        said = text or "\n".join(self.lines[n].text for n in lines)
        self.notes.append(Note(why, (lines[0] + 1, lines[-1] + 1), said))

    def _is_read(self, n: int) -> bool:
        return self.lines[n].kind in ("text", "code") and bool(self.lines[n].text.strip())

    def _says_something(self, start: int, end: int) -> bool:
        """Whether there is text to read: more than a line that was drawn."""
        return any(
            self._is_read(n) and (self.lines[n].kind == "code" or not is_rule(self.lines[n].text))
            for n in range(start, end)
        )

    def _first_words(self, start: int, end: int) -> str:
        """What a card without a heading is called by."""
        text = next((self.lines[n].text for n in range(start, end) if self._is_read(n)), "")
        words = " ".join(text.strip("#*_>`~ \t").split())
        return words if len(words) <= 60 else words[:60] + "…"


_IN_BODY = ("text", "code", "blank")
_NO_CARDS: dict[str, Why] = {
    "comment": "comment",
    "front-matter": "front-matter",
    "long-line": "long-line",
}


def _trimmed(texts: list[str]) -> list[str]:
    """Without the blank lines at both ends."""
    kept = [n for n, text in enumerate(texts) if text.strip()]
    return texts[kept[0] : kept[-1] + 1]
