"""Numbers in prose, as digits or as words, so that two languages can be held against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from questions.lint.words import outside, plain

_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d++(?:\.\d++)?(?:[eE][-+]?\d++)?")
_SCALE = {"百": 1e2, "千": 1e3, "万": 1e4, "百万": 1e6, "千万": 1e7, "亿": 1e8}
_SCALE |= {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_SCALED = re.compile(rf"({_DIGITS.pattern})\s*(百万|千万|百(?!分)|千|万|亿|hundred|thousand|million|billion)")

_SMALL = (  # from 0 on
    "zero no none|one first single once a an|two second twice both double pair|three third|four fourth|five fifth"
    "|six sixth|seven seventh|eight eighth|nine ninth|ten tenth|eleven|twelve dozen|thirteen|fourteen|fifteen|sixteen"
    "|seventeen|eighteen|nineteen|twenty"
)
_TENS = "thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
_ENGLISH: dict[str, tuple[float, ...]] = {
    **{word: (float(n),) for n, words in enumerate(re.split(r"\|", _SMALL)) for word in words.split()},
    **{word: (10.0 * n,) for n, word in enumerate(re.split(r"\|", _TENS), 3)},
    "thousand": (1e3,),
    "million": (1e6,),
    "half": (0.5, 50.0, 2.0),
    "quarter": (4.0, 25.0),
}
_CHINESE = {c: n for n, c in enumerate("零一二三四五六七八九")} | {
    "两": 2,
    "半": 0.5,
    "双": 2,
    "单": 1,
    "无": 0,
}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_CHINESE_RUN = re.compile(f"[{''.join(_CHINESE)}{''.join(_CHINESE_UNITS)}]+成?")


def digits(text: str) -> set[str]:
    """The numbers written in digits outside code."""
    return {_plainly(value) for value in _written(plain(text))}


def meant(text: str, lang: str) -> set[str]:
    """All numbers that a text may be said to name: in digits (in code spans as well) or in words."""
    shown = outside(text)
    found = {_plainly(value) for value in _written(shown)}
    found |= {_plainly(float(n.replace(",", ""))) for n in _DIGITS.findall(shown)}  # "5" of "5 万" too
    named = _chinese(shown) if lang == "zh" else _english(shown)
    return found | {_plainly(value) for value in named}


def _written(text: str) -> Iterator[float]:
    for number, scale in _SCALED.findall(text):
        yield float(number.replace(",", "")) * _SCALE[scale]
    for number in _DIGITS.findall(_SCALED.sub(" ", text)):
        yield float(number.replace(",", ""))


def _english(text: str) -> Iterator[float]:
    words = re.findall(r"[a-z]+", text.casefold())
    for word, following in zip(words, [*words[1:], ""], strict=False):
        for singular in (word, word.removesuffix("s")):
            values = _ENGLISH.get(singular, ())
            yield from values
            for value in values:  # "twenty-one", "five hundred"
                for other in _ENGLISH.get(following, ()):
                    yield value + other if value % 10 == 0 and other < 10 else value * other


def _chinese(text: str) -> Iterator[float]:
    for run in _CHINESE_RUN.findall(text):
        number = run.removesuffix("成")
        total, section, digit = 0.0, 0.0, 0.0
        for character in number:
            if character in _CHINESE:
                digit = _CHINESE[character]
                yield digit  # each figure of "一两个"
            elif character in "万亿":
                total += (section + digit or 1) * _CHINESE_UNITS[character]
                section = digit = 0.0
            else:
                section += (digit or 1) * _CHINESE_UNITS[character]
                digit = 0.0
        yield total + section + digit
        if run.endswith("成"):  # three tenths
            yield 10 * (total + section + digit)
        if "半" in number:
            yield from (50.0, 2.0)


def _plainly(value: float) -> str:
    return f"{value:.10g}"
