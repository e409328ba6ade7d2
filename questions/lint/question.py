"""What one question says: its stem, its code, its explanation, its source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from questions.lint.finding import LANGS, Flaw, lists
from questions.lint.words import asking, content, length, plain, prose, tokens
from questions.shapes import Question

_NEGATIVE = {
    "en": re.compile(r"\b(not|except|least|false|incorrect|untrue)\b", re.IGNORECASE),
    "zh": re.compile(r"不会|不是|不属于|不正确|错误的是|除了|并非"),
}
_STRESSED = re.compile(r"\b(?:NOT|EXCEPT|LEAST|FALSE)\b|\*\*[^*]+\*\*|“[^”]*[不非除错][^”]*”")


def positive_stem(question: Question) -> Iterator[Flaw]:
    """B17: what is asked for is so, unless the question says `negation = true` and stresses the word."""
    for lang in LANGS:
        asked = asking(question.stem.get(lang))
        found = _NEGATIVE[lang].search(asked)
        if found and not question.negation:
            yield "B17", "W", f"{lang} stem asks with '{found[0]}'; turn it round or set negation = true"
        elif found and not _STRESSED.search(prose(question.stem.get(lang))):
            yield "B17", "W", f"{lang} stem asks with '{found[0]}' and does not stress it (NOT, “不”)"


_REMARK = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")  # "(two decimals)" after the question
_BARE = re.compile(
    r"which (of (these|the following) )?(statements? )?(is|are) (true|correct)\?$"
    r"|下列(说法|哪项)?.{0,4}正确.{0,3}$",
    re.IGNORECASE,
)


def focused_stem(question: Question) -> Iterator[Flaw]:
    """B18: the stem is a question that can be answered with the options hidden."""
    for lang, least in (("zh", 10), ("en", 6)):
        shown = prose(question.stem.get(lang))
        ends = [_REMARK.sub("", paragraph).rstrip() for paragraph in shown.split("\n\n")]
        if not any(end.endswith(("?", "？", ":", "：")) for end in ends):
            yield "B18", "W", f"{lang} stem neither asks nor instructs: no paragraph ends in ? or :"
        if length(shown, lang) < least:
            yield "B18", "W", f"{lang} stem is too short to say what it is about"
        if _BARE.match(shown):
            yield "B18", "E", f"{lang} stem is a bare 'which is true?'"


_CODE = re.compile(r"`[^`\n]*`")
_BLANK = re.compile(r"_{3,}|…{2,}|\.{4,}|（\s*）|\(\s*\)")
_COMBINED = re.compile(
    r"(?:[①-⑩]|\b[IV]{1,3}\b|\(\d\)|（\d）)(?:\s*(?:,|、|，|and|&|和|与|及)?\s*)", re.IGNORECASE
)
_VERDICTS = frozenset(
    re.findall(
        r"\w+", "true false yes no right wrong correct incorrect 对 错 是 否 正确 错误 不对 真 假 可以 不可以"
    )
)


def one_answer_form(question: Question) -> Iterator[Flaw]:
    """B20: no blank inside a sentence, no combinations of numbered statements, no bare true and false."""
    for lang in LANGS:
        if found := _BLANK.search(_CODE.sub("x", prose(question.stem.get(lang)))):
            yield "B20", "W", f"{lang} stem has a blank '{found[0].strip()}'; ask a question"
        for name, choices, _ in lists(question):
            if question.kind == "output":
                continue  # what code prints is what it is
            texts = [c.text.get(lang).strip(" 。.`") for c in choices]
            if any(len(_COMBINED.findall(t)) > 1 and not _COMBINED.sub("", t).strip() for t in texts):
                yield "B20", "W", f"{lang} {name} combine numbered statements; offer the statements"
            if sum(t.casefold() in _VERDICTS for t in texts) > 1:
                yield "B20", "W", f"{lang} {name} are bare verdicts; let them say what is so"


_CONTRAST = {
    "en": re.compile(
        r"\b(no|not|nor|never|none|nothing|neither|but|yet|while|whereas|although|though|instead|rather|wrong|mistake\w*"
        r"|without|cannot|belie\w+|expect\w*|think\w*|merely|only|unlike|would|fail\w*|mislead\w*|ignor\w*|lacks?"
        r"|overlook\w*|confus\w*|tempt\w*|slips?|however|reverse|whatever)\b|n't\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(r"[不没无非未别错误却但而]|只|反而|其实|并|以为|容易|若|如果|可是|常见|否则"),
}


def _refutes(question: Question, lang: str) -> bool:
    """Whether the explanation has a word of contrast, or takes up something from a wrong answer."""
    text = question.explain.get(lang)
    slips = [f"{slip.value:g}" for slip in question.slips] + [f"{{{name}}}" for name in question.beliefs]
    if _CONTRAST[lang].search(plain(text)) or any(slip in text for slip in slips):
        return True
    wrong = [c.text.get(lang) for c in question.options if c.id != question.key]
    key = question.option(question.key)
    right = f"{question.stem.get(lang)} {key.text.get(lang) if key else ''}"
    return bool((content(" ".join(wrong), lang) - content(right, lang)) & content(text, lang))


def explained(question: Question) -> Iterator[Flaw]:
    """B23: 20 to 90 words that name the key, say more than the key, refute something, and rest on evidence."""
    for lang, least, most in (("zh", 30, 220), ("en", 20, 90)):
        text = question.explain.get(lang)
        if not least <= (n := length(text, lang)) <= most:
            yield "B23", "W", f"{lang} explanation has {n} words; {least} to {most}"
        if not _refutes(question, lang):
            yield "B23", "W", f"{lang} explanation refutes nothing: no contrast, no word of a wrong answer"
        yield from _names_the_key(question, lang)
    runs_anyway = question.kind in ("output", "bug") or question.template is not None
    if not runs_anyway and question.evidence is None:
        yield "B23", "W", "no evidence: name a lab, or code and what it prints"


def _names_the_key(question: Question, lang: str) -> Iterator[Flaw]:
    text = question.explain.get(lang)
    key = question.option(question.key)
    if question.kind in ("band", "number"):
        quoted = question.evidence is not None and question.evidence.lab is not None
        value = "{answer}" if question.template else question.key
        if question.kind == "band" and question.value is not None:
            value = f"{question.value:g}"
        if not quoted and value not in text.replace(",", ""):
            yield "B23", "W", f"{lang} explanation does not name the value {value}"
    elif question.kind == "bug" and key is not None:
        words = [set(re.findall(r"[a-z_]\w+", t.casefold())) for t in (key.text.en, text)]
        if not words[0] & words[1] and ("line" if lang == "en" else "行") not in text.casefold():
            yield "B23", "W", f"{lang} explanation does not name the faulty line"
    elif key is not None:
        said, wanted = content(text, lang), content(key.text.get(lang), lang)
        if wanted and len(wanted & said) < 0.4 * len(wanted):
            yield "B23", "W", f"{lang} explanation does not name the key"
        if said and len(wanted & said) >= 0.8 * len(said):
            yield "B23", "W", f"{lang} explanation only says the key again"


# What is newer than torch 2.4, the oldest that is supported, or went out of use since. Only what is certain.
_VERSIONS = (
    (re.compile(r"torch\.cuda\.amp\b"), "deprecated since torch 2.4"),
    (re.compile(r"\bnn\.Buffer\b|\bflex_attention\b|\bsafe_globals\b|\bAdafactor\b"), "new in torch 2.5"),
    (re.compile(r"\btorch\.accelerator\b|\bset_stance\b"), "new in torch 2.6"),
    (re.compile(r"\bweights_only\b"), "True by default since torch 2.6"),
    (re.compile(r"\boptim\.Muon\b"), "new in torch 2.9"),
    (re.compile(r"\bvarlen_attn\b"), "new in torch 2.10"),
    (re.compile(r"\btorch\.jit\b"), "deprecated since torch 2.10"),
)
_NAMED_VERSION = re.compile(r"torch\s*[<>=]*\s*2\.\d", re.IGNORECASE)


def dated(question: Question) -> Iterator[Flaw]:
    """B28: a name that not every supported torch has comes with the version.

    The version may stand in `source`, stem or explanation. Not checked: how long ago a question was verified. There is
    no such field, because every run of the tests verifies all code of the bank with the torch that is installed.
    """
    evidence = (question.evidence and question.evidence.code) or ""
    texts = (question.source, question.stem.en, question.explain.en, question.code or "", evidence)
    said = " ".join(texts)
    for pattern, when in _VERSIONS:
        if (found := pattern.search(said)) and not _NAMED_VERSION.search(" ".join(texts[:3])):
            yield "B28", "W", f"'{found[0]}' is {when}; name the version in source, stem or explanation"


_VAGUE_SOURCE = re.compile(
    r"^\W*(todo|tbd|unknown|internet|own knowledge|common knowledge|n/a|\?+)?\W*$", re.I
)


def sourced(question: Question) -> Iterator[Flaw]:
    """B34: where the facts come from is said. (Copied runs of words: `copied`.)"""
    if _VAGUE_SOURCE.match(question.source) or not tokens(question.source):
        yield "B34", "E", "'source' names nothing: give a documentation page, a source file or a paper"
