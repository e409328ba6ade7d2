"""The options of one question: one key, no doubles, and nothing about the key but its truth that stands out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from questions.lint.finding import DRAWN, LANGS, Flaw, lists
from questions.lint.words import length, prose, tokens, within
from questions.shapes import Choice, Question


def one_key(question: Question) -> Iterator[Flaw]:
    """B02: the key is not another option's text, nor part of it or the other way round."""
    for name, choices, key in lists(question):
        for lang in LANGS:
            texts = {c.id: _normal(question, c.text.get(lang)) for c in choices}
            for other, said in texts.items():
                if other == key:
                    continue
                if said == texts[key]:
                    yield "B02", "E", f"{lang} {name}: '{other}' says the same as the key '{key}'"
                elif question.kind != "output" and (within(said, texts[key]) or within(texts[key], said)):
                    text = f"{lang} {name}: one of '{other}' and the key '{key}' contains the other"
                    yield "B02", "E", text
    if question.kind == "order":  # equal steps may change places: two orders are right
        for lang in LANGS:
            for a, b in combinations(question.options, 2):
                if tokens(a.text.get(lang)) == tokens(b.text.get(lang)):
                    yield "B02", "E", f"{lang}: the steps '{a.id}' and '{b.id}' say the same"


def _normal(question: Question, text: str) -> tuple[str, ...]:
    """Tokens in which 0.50 is 0.5; what code prints stays as it is, where 1 and 1.0 differ."""
    found = tokens(text)
    if question.kind == "output":
        return found
    return tuple(f"{float(t):g}" if re.fullmatch(r"-?\d+(\.\d+)?", t) else t for t in found)


def no_doubles(question: Question) -> Iterator[Flaw]:
    """B03, within a question: two wrong answers with the same text or number."""
    for name, choices, key in lists(question):
        for lang in LANGS:
            for a, b in combinations([c for c in choices if c.id != key], 2):
                if _normal(question, a.text.get(lang)) == _normal(question, b.text.get(lang)):
                    yield "B03", "E", f"{lang} {name}: '{a.id}' and '{b.id}' say the same"
    for one, other in combinations(question.slips, 2):
        if abs(one.value - other.value) <= question.tolerance:
            yield "B03", "E", f"two slips are the number {one.value:g}: only the first would be seen"
    if question.kind == "band":
        for a, b in combinations(question.options, 2):
            if a.text == b.text:
                yield "B03", "E", f"the bands '{a.id}' and '{b.id}' have the same label"


_POSITIONS = re.compile(
    r"\b(?i:(all|none|any|both|neither) of (the above|these|them|the others))\b(?=\.?$|[,;:])"
    r"|\b(?i:(all|none|any|both|neither) of the above)\b"
    r"|\b(?i:both|either|neither) [A-E] (and|or|nor) [A-E]\b|\b[A-E] and [A-E]\b"
    r"|\b[Oo]ption [A-E1-5]\b|\b(?i:first|second|third|last) option\b"
    r"|(以上|上述|前述)(都|皆|全|均)|都(不)?对$|选项\s*[A-Ea-e1-5]|第[一二三四五]个选项|\b[A-E]\s*(和|与|或)\s*[A-E]\b"
)
_POINTING = re.compile(
    r"\b[Oo]ption [A-E1-5]\b|\b(?:first|second|third|fourth|last) (?:option|answer|choice)\b"
    r"|选项\s*[A-E1-5]|第[一二三四五]个?选项|最后一个选项"
)


def no_positions(question: Question) -> Iterator[Flaw]:
    """B04: options are shuffled, so nothing may speak of a position or of "the above"."""
    for name, choices, _ in lists(question):
        for choice in choices:
            for lang in LANGS:
                if found := _POSITIONS.search(choice.text.get(lang)):
                    yield "B04", "E", f"{lang} {name} '{choice.id}': '{found[0]}' points at other options"
    for part, text in (("stem", question.stem), ("explanation", question.explain)):
        for lang in LANGS:
            if found := _POINTING.search(text.get(lang)):
                yield "B04", "E", f"{lang} {part}: '{found[0]}' points at a position"


def option_count(question: Question) -> Iterator[Flaw]:
    """B05: three or four options; five seldom all work."""
    for name, choices, _ in lists(question):
        if not 3 <= len(choices) <= 5:
            yield "B05", "E", f"{len(choices)} {name}; three or four"
        elif len(choices) == 5:
            yield "B05", "W", f"{len(choices)} {name}; three or four are enough"


def key_length(question: Question) -> Iterator[Flaw]:
    """B06, B07: the key does not stand out by its length.

    What code prints is as long as it is. A key that is always the shortest is no better than one that is always the
    longest, but that shows over many questions: B08.
    """
    if question.kind == "output":
        return
    for name, choices, key in lists(question):
        for lang in LANGS:
            lengths = {c.id: length(c.text.get(lang), lang) for c in choices}
            others = [n for c, n in lengths.items() if c != key]
            least = 4 if lang == "en" else 8
            if lengths[key] >= least and all(n < 0.75 * lengths[key] for n in others):
                yield "B06", "E", f"{lang} {name}: every wrong one is far shorter than the key"
            elif lengths[key] > 1.15 * max(others) and lengths[key] - max(others) > 1:
                yield "B07", "W", f"{lang} {name}: the key is the longest by more than 15 %"


Look = Callable[[str], bool]


def _matches(pattern: str, flags: int = re.IGNORECASE) -> Look:
    compiled = re.compile(pattern, flags)
    return lambda text: bool(compiled.search(text))


def _outside_code(pattern: str) -> Look:
    look = _matches(pattern)
    return lambda text: look(re.sub(r"`[^`]*`", "x", text))


# Words that test-wise readers take for a sign of a wrong option, and of a right one.
ABSOLUTE: dict[str, Look] = {
    "en": _matches(r"\b(always|never|(?<!at )all|only|must|impossible|every|none|any|entirely|completely)\b"),
    "zh": _matches(
        r"总是|永远|从不|从来|绝不|绝对|全部|所有|一切|任何|只有|只能|必须|不可能|一定|必然|必定|完全"
    ),
}
VAGUE: dict[str, Look] = {
    "en": _matches(
        r"\b(usually|often|may|might|generally|typically|sometimes|mostly|probably|tends?|depends?)\b"
    ),
    "zh": _matches(r"通常|往往|一般(?!化)|可能|有时|常常|经常|也许|大多|多半|或许|取决于|看情况"),
}
# How a text is made, whatever it says. B16 for a question, and over the bank.
FORMATS: tuple[tuple[str, Look], ...] = (
    ("has code", lambda text: "`" in text),
    ("has a number", _matches(r"\d")),
    ("has a unit", _matches(r"\d\s*(%|ms\b|s\b|[KMG]B\b|px\b|秒|倍|个百分点)")),
    ("has parentheses", _outside_code(r"[(（]")),
    ("has a clause after a comma, colon or semicolon", _outside_code(r"[,;:，；：](?=\D)")),
)
_FORMS: tuple[tuple[str, dict[str, Look]], ...] = (
    ("begins with a capital", {lang: lambda t: t[:1].isupper() for lang in LANGS}),
    ("ends with a full stop", {lang: lambda t: t.rstrip().endswith((".", "。")) for lang in LANGS}),
    ("begins with a verb in -ing", {"en": _matches(r"^(?!no|any|every|some)[a-z]{2,}ing\b")}),
    ("begins with 'to'", {"en": _matches(r"^to\b")}),
    ("begins with 'because'", {"en": _matches(r"^(because|since|as)\b"), "zh": _matches(r"^因为")}),
)


def cue_words(question: Question) -> Iterator[Flaw]:
    """B11, B12: absolute and hedging words do not tell the key from the wrong ones.

    B11 fires where the key is alone with an absolute word or alone without one. One wrong option of three with "all" is
    no finding here; whether such words go with wrong options over the bank is judged there.
    """
    for name, lang, texts, key in _worded(question):
        for which in _alone(texts, key, ABSOLUTE[lang]):
            yield "B11", "W", f"{lang} {name}: {which} has an absolute word (always, all, only, ...)"
        if _alone(texts, key, VAGUE[lang]) == ["only the key"]:
            yield "B12", "W", f"{lang} {name}: only the key hedges (usually, may, ...)"


def same_grammar(question: Question) -> Iterator[Flaw]:
    """B15: the key has the grammar of the others, as far as first words and marks show it.

    Not checked: number and tense, for which one would have to parse sentences.
    """
    article = re.search(r"\b(an?):?\s*$", prose(question.stem.en))
    for name, lang, texts, key in _worded(question):
        if lang == "en" and article and name == "options":
            fitting = _matches(r"^`?[aeio]" if article[1] == "an" else r"^`?[^aeio`]")
            if _alone(texts, key, fitting) == ["only the key"]:
                yield "B15", "W", f"en options: only the key goes with '{article[1]}' at the end of the stem"
        for what, looks in _FORMS:
            for which in _alone(texts, key, looks[lang]) if lang in looks else ():
                yield "B15", "W", f"{lang} {name}: {which} {what}"


def same_format(question: Question) -> Iterator[Flaw]:
    """B16: the key does not stand out by code font, digits, units, parentheses or a comma clause.

    A key that is alone without code or digits shows as well; one that is alone without a comma does not.
    """
    for name, lang, texts, key in _worded(question):
        for what, look in FORMATS:
            for which in _alone(texts, key, look):
                if which == "only the key" or what in ("has code", "has a number"):
                    yield "B16", "W", f"{lang} {name}: {which} {what}"


def _worded(question: Question) -> Iterator[tuple[str, str, Sequence[str], int]]:
    """Name, language, texts and place of the key of every list that somebody worded; printed output is not."""
    if question.kind == "output":
        return
    for name, choices, key in lists(question):
        ids = [c.id for c in choices]
        for lang in LANGS:
            yield name, lang, [c.text.get(lang) for c in choices], ids.index(key)


def _alone(texts: Sequence[str], key: int, look: Look) -> list[str]:
    shows = [look(text) for text in texts]
    others = {shown for n, shown in enumerate(shows) if n != key}
    if others != {not shows[key]}:
        return []
    return ["only the key" if shows[key] else "every option but the key"]


def refutable(question: Question) -> Iterator[Flaw]:
    """B21: behind every wrong option stands a belief, and no two share one.

    Of four printed outputs one may have none: it combines the slips of two others ("True False" beside "True True" and
    "False False", where "False True" is right), and who picks it need not hold either belief. Without it the key would
    be the option most like the others: B14.
    """
    for name, choices, key in lists(question):
        spare = 1 if question.kind == "output" and len(choices) > 3 else 0
        yield from _believed(name, choices, key, spare)
    if question.kind == "bug":
        yield from _believed("options", question.options, question.key, 0)
    elif question.kind in DRAWN and not question.lures:
        yield "B21", "E", "no wrong answer has a misconception"


def _believed(name: str, choices: Sequence[Choice], key: str, spare: int) -> Iterator[Flaw]:
    """spare: how many wrong options may go without a belief."""
    seen: set[str] = set()
    for choice in choices:
        if choice.id == key:
            if choice.misconception:
                yield "B21", "E", f"{name}: the key '{key}' has a misconception"
        elif not choice.misconception:
            spare -= 1
            if spare < 0:
                yield "B21", "E", f"{name}: '{choice.id}' has no misconception"
        elif choice.misconception in seen:
            yield "B21", "E", f"{name}: misconception '{choice.misconception}' stands behind two"
        else:
            seen.add(choice.misconception)
