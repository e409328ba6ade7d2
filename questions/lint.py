"""Flaws of a question that a machine can see: cues that give the key away, doubled keys, thin explanations.

Rule numbers are stable. "E" must be mended, "W" mended or waived in the file (`waive = {B07 = "reason"}`),
"I" informs. `python -m questions.lint [FOLDER]` checks a bank.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal

from msgspec import Struct

from questions.catalog import BANK, load
from questions.problems import BankProblem
from questions.shapes import Bank, Choice, Question

Level = Literal["E", "W", "I"]
Flaw = tuple[str, Level, str]  # rule, level, text
LANGS = ("zh", "en")
OPEN = {"band", "output", "number", "bug", "order", "generated"}  # forms that show more than recognition
DRAWN = ("band", "number", "order", "bug")  # what is picked from follows from other fields


class Finding(Struct, frozen=True):
    """One flaw; `file` is the question's, or the bank's folder for what concerns the whole."""

    rule: str
    level: Level
    file: Path
    text: str

    def __str__(self) -> str:
        return f"{self.level} {self.rule} {self.file}: {self.text}"


def lint(bank: Bank) -> list[Finding]:
    """All findings, errors first. Waived ones become "I" and carry their reason."""
    found: list[Finding] = []
    for question in bank.questions.values():
        for check in CHECKS:
            for rule, level, text in check(question):
                if level == "W" and (reason := question.waive.get(rule)):
                    level, text = "I", f"{text} (waived: {reason})"
                found.append(Finding(rule, level, question.file, text))
    found += _claims(bank)
    found += _twins(bank)
    found += _misconceptions(bank)
    return sorted(found, key=lambda f: ("EWI".index(f.level), str(f.file), f.rule, f.text))


# --- one question -----------------------------------------------------------------------------------------


def _lists(question: Question) -> Iterator[tuple[str, Sequence[Choice], str]]:
    """The lists a learner picks from, each with the id of its right entry. Bands are drawn, not written."""
    if question.kind not in DRAWN:
        yield "options", question.options, question.key
    if question.authored_reasons and question.reason_key:
        yield "reasons", question.authored_reasons, question.reason_key


def one_key(question: Question) -> Iterator[Flaw]:
    """B02: the key is not another option's text, nor part of it or the other way round."""
    for name, choices, key in _lists(question):
        for lang in LANGS:
            texts = {c.id: _tokens(c.text.get(lang)) for c in choices}
            for other, tokens in texts.items():
                if other == key:
                    continue
                if tokens == texts[key]:
                    yield "B02", "E", f"{lang} {name}: '{other}' says the same as the key '{key}'"
                elif question.kind != "output" and (
                    _within(tokens, texts[key]) or _within(texts[key], tokens)
                ):
                    yield (
                        "B02",
                        "E",
                        f"{lang} {name}: one of '{other}' and the key '{key}' contains the other",
                    )


def no_doubles(question: Question) -> Iterator[Flaw]:
    """B03, within a question: two wrong options with the same text."""
    for name, choices, key in _lists(question):
        for lang in LANGS:
            for a, b in combinations([c for c in choices if c.id != key], 2):
                if _tokens(a.text.get(lang)) == _tokens(b.text.get(lang)):
                    yield "B03", "E", f"{lang} {name}: '{a.id}' and '{b.id}' say the same"


_POSITIONS = re.compile(
    r"\b(?i:(all|none|any|both|neither) of (the above|these|them|the others))\b"
    r"|\b(?i:both|either|neither) [A-E] (and|or|nor) [A-E]\b|\b[A-E] and [A-E]\b"
    r"|\b[Oo]ption [A-E1-5]\b|\b(?i:first|second|third|last) option\b"
    r"|(以上|上述|前述)(都|皆|全|均)|都(不)?对$|选项\s*[A-Ea-e1-5]|第[一二三四五]个选项|\b[A-E]\s*(和|与|或)\s*[A-E]\b"
)


def no_positions(question: Question) -> Iterator[Flaw]:
    """B04: options are shuffled, so nothing may speak of a position or of "the above"."""
    for name, choices, _ in _lists(question):
        for choice in choices:
            for lang in LANGS:
                if found := _POSITIONS.search(choice.text.get(lang)):
                    yield "B04", "E", f"{lang} {name} '{choice.id}': '{found[0]}' points at other options"
    for lang in LANGS:
        if found := re.search(r"\b[Oo]ption [A-E]\b|选项\s*[A-E]", question.explain.get(lang)):
            yield "B04", "E", f"{lang} explanation: '{found[0]}' points at a position"


def option_count(question: Question) -> Iterator[Flaw]:
    """B05: three or four options; five seldom all work."""
    for name, choices, _ in _lists(question):
        if len(choices) > 4:
            yield "B05", "W", f"{len(choices)} {name}; three or four are enough"


def key_length(question: Question) -> Iterator[Flaw]:
    """B06, B07: the key does not stand out by its length."""
    if question.kind == "output":
        return
    for name, choices, key in _lists(question):
        for lang in LANGS:
            lengths = {c.id: _length(c.text.get(lang), lang) for c in choices}
            others = [n for c, n in lengths.items() if c != key]
            least = 4 if lang == "en" else 8
            if lengths[key] >= least and all(n < 0.75 * lengths[key] for n in others):
                yield "B06", "E", f"{lang} {name}: every wrong one is far shorter than the key"
            elif lengths[key] > 1.15 * max(others) and lengths[key] - max(others) > 1:
                yield "B07", "W", f"{lang} {name}: the key is the longest by more than 15 %"


def same_form(question: Question) -> Iterator[Flaw]:
    """B15 (the cheap part): the key does not stand out by capitals, a full stop, digits or code font."""
    looks: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("begins with a capital", lambda t: t[:1].isupper()),
        ("ends with a full stop", lambda t: t.rstrip().endswith((".", "。"))),
        ("has code", lambda t: "`" in t),
        ("has a number", lambda t: bool(re.search(r"\d", t))),
    )
    if question.kind == "output":
        return
    for name, choices, key in _lists(question):
        for lang in LANGS:
            for what, look in looks:
                shows = {c.id: look(c.text.get(lang)) for c in choices}
                others = {shown for c, shown in shows.items() if c != key}
                if others == {not shows[key]}:
                    which = "only the key" if shows[key] else "every option but the key"
                    yield "B15", "W", f"{lang} {name}: {which} {what}"


def positive_stem(question: Question) -> Iterator[Flaw]:
    """B17: what is asked for is so, unless the question says `negation = true`."""
    if question.negation:
        return
    asked = _asking(question.stem.en)
    if found := re.search(r"\b(not|except|least|false|incorrect|untrue)\b", asked, re.IGNORECASE):
        yield "B17", "W", f"en stem asks with '{found[0]}'; turn it round or set negation = true"
    if found := re.search(r"(不会|不是|不属于|不正确|错误的是|除了|并非)", _asking(question.stem.zh)):
        yield "B17", "W", f"zh stem asks with '{found[0]}'; turn it round or set negation = true"


_BARE = re.compile(
    r"which (of (these|the following) )?(statements? )?(is|are) (true|correct)\?$"
    r"|下列(说法|哪项)?.{0,4}正确.{0,3}$",
    re.IGNORECASE,
)


def focused_stem(question: Question) -> Iterator[Flaw]:
    """B18: the stem is a question that can be answered with the options hidden."""
    for lang, least in (("zh", 10), ("en", 6)):
        prose = _prose(question.stem.get(lang))
        if not any(p.rstrip().endswith(("?", "？", ":", "：")) for p in prose.split("\n\n")):
            yield "B18", "W", f"{lang} stem neither asks nor instructs: no paragraph ends in ? or :"
        if _length(prose, lang) < least:
            yield "B18", "W", f"{lang} stem is too short to say what it is about"
        if _BARE.match(prose):
            yield "B18", "E", f"{lang} stem is a bare 'which is true?'"


def fits_terminal(question: Question) -> Iterator[Flaw]:
    """B19: short enough for a terminal of 80 columns and a minute's reading."""
    for lang, stem_most, option_most in (("zh", 120, 50), ("en", 60, 25)):
        if (n := _length(_prose(question.stem.get(lang)), lang)) > stem_most:
            yield "B19", "W", f"{lang} stem has {n} words; at most {stem_most}"
        for name, choices, _ in _lists(question):
            for choice in choices:
                if (n := _length(choice.text.get(lang), lang)) > option_most:
                    yield "B19", "W", f"{lang} {name} '{choice.id}' has {n} words; at most {option_most}"
        for code in [c for _, c in _fences(question.stem.get(lang))] + (
            [question.code] if question.code else []
        ):
            lines = code.strip("\n").split("\n")
            if len(lines) > 15:
                yield "B19", "W", f"{lang} code has {len(lines)} lines; at most 15"
            if max(map(len, lines)) > 72:
                yield "B19", "W", f"{lang} code is {max(map(len, lines))} columns wide; at most 72"


def refutable(question: Question) -> Iterator[Flaw]:
    """B21: behind every wrong option stands a belief, and no two share one."""
    for name, choices, key in _lists(question):
        seen: set[str] = set()
        for choice in choices:
            if choice.id == key:
                if choice.misconception:
                    yield "B21", "E", f"{name}: the key '{key}' has a misconception"
            elif not choice.misconception:
                yield "B21", "E", f"{name}: '{choice.id}' has no misconception"
            elif choice.misconception in seen:
                yield "B21", "E", f"{name}: misconception '{choice.misconception}' stands behind two"
            else:
                seen.add(choice.misconception)
    if question.kind in DRAWN and not question.lures:
        yield "B21", "E", "no wrong answer has a misconception"
    if question.kind == "bug":
        for choice in question.options:
            if (choice.id == question.key) == bool(choice.misconception):
                yield "B21", "E", f"'{choice.id}': each wrong line has a misconception, the key has none"


def explained(question: Question) -> Iterator[Flaw]:
    """B23: the explanation has 20 to 90 words, names the key, says more than the key, and has evidence."""
    key = question.option(question.key)
    for lang, least, most in (("zh", 30, 220), ("en", 20, 90)):
        text = question.explain.get(lang)
        length = _length(text, lang)
        if not least <= length <= most:
            yield "B23", "W", f"{lang} explanation has {length} words; {least} to {most}"
        said = _content(text, lang)
        if question.kind in ("band", "number"):
            quoted = question.evidence is not None and question.evidence.lab is not None
            wanted_value = "{answer}" if question.template else question.key
            if question.kind == "band" and question.value is not None:
                wanted_value = f"{question.value:g}"
            if not quoted and wanted_value not in text.replace(",", ""):
                yield "B23", "W", f"{lang} explanation does not name the value {wanted_value}"
            continue
        if key is None or question.kind == "bug":
            continue
        wanted = _content(key.text.get(lang), lang)
        if wanted and len(wanted & said) < 0.4 * len(wanted):
            yield "B23", "W", f"{lang} explanation does not name the key"
        if said and len(wanted & said) >= 0.8 * len(said):
            yield "B23", "W", f"{lang} explanation only says the key again"
    if question.kind not in ("output", "bug") and question.template is None and question.evidence is None:
        yield "B23", "W", "no evidence: name a lab, or code and what it prints"


def code_parses(question: Question) -> Iterator[Flaw]:
    """B24: all Python in the question is Python."""
    pieces = [
        ("code", question.code or ""),
        ("evidence.code", (question.evidence and question.evidence.code) or ""),
    ]
    for lang in LANGS:
        for part, text in (("stem", question.stem), ("explanation", question.explain)):
            pieces += [
                (f"{lang} {part}", code)
                for language, code in _fences(text.get(lang))
                if language in ("python", "py")
            ]
    for where, code in pieces:
        try:
            ast.parse(code)
        except SyntaxError as error:
            yield "B24", "E", f"{where} does not parse: {error.msg} (line {error.lineno})"


def same_in_both(question: Question) -> Iterator[Flaw]:
    """B35: both languages show the same code and name the same identifiers."""
    if [c for _, c in _fences(question.stem.zh)] != [c for _, c in _fences(question.stem.en)]:
        yield "B35", "W", "the code blocks of the two stems differ"
    pairs = [("stem", question.stem.zh, question.stem.en)]
    pairs += [(c.id, c.text.zh, c.text.en) for c in (*question.options, *question.authored_reasons)]
    for name, zh, en in pairs:
        spans = [sorted(set(re.findall(r"`([^`\n]+)`", _outside(t)))) for t in (zh, en)]
        if spans[0] != spans[1]:
            yield "B35", "W", f"{name}: code spans differ: zh {spans[0]}, en {spans[1]}"


CHECKS: tuple[Callable[[Question], Iterator[Flaw]], ...] = (
    one_key,
    no_doubles,
    no_positions,
    option_count,
    key_length,
    same_form,
    positive_stem,
    focused_stem,
    fits_terminal,
    refutable,
    explained,
    code_parses,
    same_in_both,
)


# --- the whole bank ---------------------------------------------------------------------------------------


def _claims(bank: Bank) -> Iterator[Finding]:
    """B01: every claim of an entry with content has two variants of different form, one to begin with."""
    live = {q.entry for q in bank.questions.values()}
    for claim in bank.claims.values():
        if claim.entry not in live:
            continue
        file = (bank.by_claim[claim.id][0].file.parent) if bank.by_claim[claim.id] else Path(claim.id)
        kinds = [q.form for q in bank.by_claim[claim.id]]
        if len(kinds) < 2:
            yield Finding("B01", "E", file, f"claim {claim.id} has {len(kinds)} questions; at least 2")
        elif len(set(kinds)) < 2:
            yield Finding("B01", "E", file, f"claim {claim.id} has questions of one kind only ({kinds[0]})")
        if kinds and set(kinds) == {"two-step"}:
            yield Finding(
                "B01", "E", file, f"claim {claim.id} has nothing to begin with but two-step questions"
            )
        labs = any(q.evidence and q.evidence.lab for q in bank.by_claim[claim.id])
        if kinds and not labs and not OPEN & set(kinds):
            text = f"claim {claim.id} has nothing but choices and no lab; it cannot be held"
            yield Finding("B01", "W", file, text)
        words = _length(claim.why.en, "en")
        if not 20 <= words <= 90:
            yield Finding("B23", "W", file, f"claim {claim.id}: 'why' has {words} English words; 20 to 90")


def _twins(bank: Bank) -> Iterator[Finding]:
    """B03, across the bank: stems that say the same (Jaccard index of word triples, code included)."""
    shingles = [
        (q, _shingles(f"{q.stem.en} {q.code or ''}"))
        for q in sorted(bank.questions.values(), key=lambda q: q.id)
    ]
    for (a, of_a), (b, of_b) in combinations(shingles, 2):
        if 0.7 * len(of_a) > len(of_b) or 0.7 * len(of_b) > len(of_a):
            continue
        alike = len(of_a & of_b) / max(1, len(of_a | of_b))
        if alike >= 0.7:
            level: Level = "E" if alike >= 0.85 else "W"
            yield Finding("B03", level, b.file, f"its stem is {alike:.0%} that of {a.id}")


def _misconceptions(bank: Bank) -> Iterator[Finding]:
    """B33: a misconception must tempt in two questions, or it could not be cleared."""
    uses = dict.fromkeys(bank.misconceptions, 0)
    for question in bank.questions.values():
        for lure in question.lures:
            uses[lure] += 1
    for misconception, n in uses.items():
        if n < 2:
            file = Path("misconceptions.toml")
            yield Finding("B33", "W", file, f"'{misconception}' tempts in {n} questions; at least 2")


# --- text -------------------------------------------------------------------------------------------------

_CJK = r"[\u3400-\u9fff\uf900-\ufaff]"


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(rf"{_CJK}|[a-z0-9_.+\-]+", text.casefold().replace("`", "")))


def _within(small: tuple[str, ...], large: tuple[str, ...]) -> bool:
    n = len(small)
    return 0 < n < len(large) and any(large[i : i + n] == small for i in range(len(large) - n + 1))


def _length(text: str, lang: str) -> int:
    """Words in English; characters in Chinese, where a Latin word or number counts as two."""
    if lang == "en":
        return len(re.findall(r"[^\s]*[A-Za-z0-9][^\s]*", text))
    return len(re.findall(_CJK, text)) + 2 * len(re.findall(r"[A-Za-z0-9_.()]+", text))


_COMMON = set("的 了 是 在 和 也 就 都 不 会 有 个 一 a an the of to in is are and or it its".split())  # noqa: SIM905
_COMMON |= {"that", "this", "with", "by", "for", "on", "at", "as", "be", "not", "no", "every", "each", "only"}


def _content(text: str, lang: str) -> set[str]:
    return {t.strip(".-") for t in _tokens(text)} - _COMMON - {""}


def _shingles(text: str) -> set[tuple[str, ...]]:
    tokens = _tokens(text)
    return {tokens[i : i + 3] for i in range(max(1, len(tokens) - 2))}


def _fences(text: str) -> list[tuple[str, str]]:
    """(language, code) of every fenced block."""
    return [
        (m[1], m[2]) for m in re.finditer(r"^\s*```(\w*)[^\n]*\n(.*?)^\s*```", text, re.DOTALL | re.MULTILINE)
    ]


def _outside(text: str) -> str:
    return re.sub(r"^\s*```.*?^\s*```", "\n", text, flags=re.DOTALL | re.MULTILINE)


def _prose(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", _outside(text)).strip()


def _asking(text: str) -> str:
    """The sentence with the question mark, code spans left out."""
    prose = re.sub(r"`[^`\n]*`", " ", _prose(text))
    asking = [s for s in re.split(r"(?<=[.!?。！？])\s*", prose) if s.rstrip().endswith(("?", "？"))]
    return " ".join(asking)


def main(argv: Sequence[str]) -> int:
    """Prints problems and findings; 1 where something must be mended."""
    try:
        bank = load(Path(argv[0]) if argv else BANK)
    except BankProblem as problem:
        print(problem)
        return 1
    for left_out in bank.problems:
        print(f"E {left_out}")
    found = lint(bank)
    for finding in found:
        print(finding)
    print(
        f"{len(bank.questions)} questions, {sum(f.level == 'E' for f in found) + len(bank.problems)} errors"
    )
    return int(bool(bank.problems) or any(f.level == "E" for f in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
