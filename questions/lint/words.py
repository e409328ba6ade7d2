"""Text as the rules see it: words, lengths, code, sentences. Chinese is counted by characters, the rest by words."""

from __future__ import annotations

import re

CJK = r"[\u3400-\u9fff\uf900-\ufaff]"
_TOKEN = re.compile(rf"{CJK}|[a-z0-9_.+\-]+")
_WORD = re.compile(r"[^\s]*[A-Za-z0-9][^\s]*")
_RUN = re.compile(rf"{CJK}+|[a-z0-9_.+\-]+")
_FENCE = re.compile(r"^\s*```(\w*)[^\n]*\n(.*?)^\s*```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")

# Words that say nothing about the subject. A Chinese pair of characters with one of these in it says nothing either.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in is are and or it its that this with by for on at as be not no every each only they them"
        " their from than then but does do has have was were which what how when where one two if so into",
    )
)
COMMON_CJK = frozenset("的了是在和也就都不会有个一这那它们被把与或而及其中上下里到从为以于之所对")


def tokens(text: str) -> tuple[str, ...]:
    """Every Chinese character and every other word, in order, without case and code marks."""
    return tuple(_TOKEN.findall(text.casefold().replace("`", "")))


def within(small: tuple[str, ...], large: tuple[str, ...]) -> bool:
    """Whether the tokens stand in `large` as they are, and `large` says more."""
    n = len(small)
    return 0 < n < len(large) and any(large[i : i + n] == small for i in range(len(large) - n + 1))


def length(text: str, lang: str) -> int:
    """Words in English; characters in Chinese, where a Latin word or number counts as two."""
    if lang == "en":
        return len(_WORD.findall(text))
    return len(re.findall(CJK, text)) + 2 * len(re.findall(r"[A-Za-z0-9_.()]+", text))


def content(text: str, lang: str) -> set[str]:
    """What a text is about: single tokens without the commonest."""
    common = COMMON_CJK if lang == "zh" else _COMMON
    return {t.strip(".-") for t in tokens(text)} - common - {""}


def grams(text: str, lang: str) -> set[str]:
    """What a text is about, in pieces that mean something alone: words, and pairs of Chinese characters."""
    found: set[str] = set()
    for run in _RUN.findall(text.casefold().replace("`", "")):
        if re.match(CJK, run):
            pairs = (run[i : i + 2] for i in range(len(run) - 1))
            found.update(pair for pair in pairs if not COMMON_CJK & set(pair))
        elif (word := run.strip(".-")) and word not in _COMMON:
            found.add(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word)
    return found


def shingles(text: str) -> set[tuple[str, ...]]:
    """Triples of neighbouring tokens."""
    found = tokens(text)
    return {found[i : i + 3] for i in range(max(1, len(found) - 2))}


def fences(text: str) -> list[tuple[str, str]]:
    """(language, code) of every fenced block."""
    return [(m[1], m[2]) for m in _FENCE.finditer(text)]


def spans(text: str) -> list[str]:
    """What stands between single code marks, outside fenced blocks."""
    return _SPAN.findall(outside(text))


def outside(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^\s*```.*?^\s*```", "\n", text, flags=re.DOTALL | re.MULTILINE) if "```" in text else text


def prose(text: str) -> str:
    """The paragraphs outside fenced blocks."""
    return re.sub(r"\n{3,}", "\n\n", outside(text)).strip()


def plain(text: str) -> str:
    """The paragraphs without any code: neither blocks nor spans."""
    return _SPAN.sub(" ", prose(text))


def asking(text: str) -> str:
    """The sentences with a question mark, code left out."""
    sentences = re.split(r"(?<=[.!?。！？])\s*", plain(text))
    return " ".join(s for s in sentences if s.rstrip().endswith(("?", "？")))
