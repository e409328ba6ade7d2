"""What can be said about a question only beside the rest of the bank: echoes, strangers, twins, leaks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from questions.lint.finding import CHOSEN, LANGS, Finding, Level, lists
from questions.lint.words import COMMON_CJK, grams, outside, prose, shingles, spans, tokens
from questions.shapes import Bank, Choice, Question

KNOWN = 20  # questions; in a smaller entry a word may well be the first of its kind
RARE = 5  # questions; a word in more of them is the subject of an entry and tells nothing


def clang(bank: Bank) -> Iterator[Finding]:
    """B13: no rare word of the stem comes again in the key alone; an identifier in code font is an error.

    Where a wrong option repeats a rare word of the stem too, or any identifier of it, both sound alike and nothing is
    given away.
    """
    for lang in LANGS:
        seen: Counter[str] = Counter()
        for question in bank.questions.values():
            texts = (question.stem, *(c.text for c in question.options))
            seen.update(set().union(*(_heard(text.get(lang), lang) for text in texts)))
        for question in bank.questions.values():
            if question.kind not in CHOSEN:
                continue
            stem = _heard(question.stem.get(lang), lang)
            for name, choices, key in lists(question):
                echoed = {c.id: stem & _heard(c.text.get(lang), lang) for c in choices}
                rare = sorted(word for word in echoed.pop(key) if seen[word] <= RARE)
                balanced = any(w[0] == "`" or seen[w] <= RARE for words in echoed.values() for w in words)
                if rare and not balanced:
                    level: Level = "E" if rare[0][0] == "`" else "W"  # "`" sorts before letters
                    text = f"{lang} {name}: of the stem's rare words only the key repeats {', '.join(rare)}"
                    yield Finding("B13", level, question.file, text)


def _heard(text: str, lang: str) -> set[str]:
    """Words of four letters and more, runs of three Chinese characters, identifiers in their code marks.

    Numbers are left out: a number of the stem comes again in options because it is worked with.
    """
    shown = outside(text)
    identifiers = {f"`{span}`" for span in spans(shown) if re.search(r"[A-Za-z]", span)}
    bare = re.sub(r"`[^`\n]*`", " ", shown)
    words = {w for w in grams(bare, "en") if len(w) >= 4 and w.isalpha() and w.isascii()}
    if lang == "zh":
        for run in re.findall(r"[\u4e00-\u9fff]+", bare):
            words.update(run[i : i + 3] for i in range(len(run) - 2) if not COMMON_CJK & set(run[i : i + 3]))
    return identifiers | words


def about_its_claim(bank: Bank) -> Iterator[Finding]:
    """B18: the stem, code included, names something that its claim is about."""
    for question in bank.questions.values():
        claim = bank.claims[question.claim]
        subject = f"{claim.text.en} {claim.why.en} {claim.source} {bank.entries[claim.entry].title.en}"
        if not _names(f"{question.stem.en} {question.code or ''}") & _names(subject):
            text = "the stem shares no word with its claim: name the subject"
            yield Finding("B18", "W", question.file, text)


def _names(text: str) -> set[str]:
    """Words, with `model.eval` as two of them."""
    return grams(re.sub(r"[._]", " ", text), "en")


def plausible(bank: Bank) -> Iterator[Finding]:
    """B22: a wrong option speaks of what its entry is about; one without a word of it tempts nobody.

    Only in an entry with enough questions for its words to be known.
    """
    sizes = Counter(question.entry for question in bank.questions.values())
    for lang in LANGS:
        topics: defaultdict[str, Counter[str]] = defaultdict(Counter)
        own: dict[str, set[str]] = {}
        for question in bank.questions.values():
            words = grams(_subject(bank, question, lang), lang)
            topics[question.entry].update(words)
            for choices in (question.options, question.authored_reasons):
                for choice in choices:
                    topics[question.entry].update(grams(choice.text.get(lang), lang))
            own[question.id] = words
        for question in bank.questions.values():
            if question.kind not in CHOSEN or sizes[question.entry] < KNOWN:
                continue
            for name, offered, key in lists(question):
                for choice in offered:
                    said = {w for w in grams(choice.text.get(lang), lang) if not w[0].isdigit()}
                    # its own words are in the count once, or more often where another option shares them
                    known = {w for w in said if w in own[question.id] or topics[question.entry][w] > 1}
                    if choice.id != key and len(said) > 3 and not known:
                        text = f"{lang} {name} '{choice.id}' has no word in common with its entry"
                        yield Finding("B22", "W", question.file, text)


def _subject(bank: Bank, question: Question, lang: str) -> str:
    claim = bank.claims[question.claim]
    beliefs = [bank.misconceptions[m].name for m in question.lures if m in bank.misconceptions]
    texts = (question.stem, question.explain, claim.text, claim.why, *beliefs)
    return " ".join(text.get(lang) for text in texts)


def twins(bank: Bank) -> Iterator[Finding]:
    """B03, across the bank: stems that say the same (Jaccard index of word triples, code included)."""
    said = [
        (q, shingles(f"{q.stem.en} {q.code or ''}"))
        for q in sorted(bank.questions.values(), key=lambda q: q.id)
    ]
    for (a, of_a), (b, of_b) in combinations(said, 2):
        if 0.7 * len(of_a) > len(of_b) or 0.7 * len(of_b) > len(of_a):
            continue
        alike = len(of_a & of_b) / max(1, len(of_a | of_b))
        if alike >= 0.7:
            level: Level = "E" if alike >= 0.85 else "W"
            yield Finding("B03", level, b.file, f"its stem is {alike:.0%} that of {a.id}")


def leaks(bank: Bank) -> Iterator[Finding]:
    """B29: no stem holds five words in a row (ten Chinese characters) of another question's key."""
    for lang, run in (("en", 5), ("zh", 10)):
        stems: defaultdict[tuple[str, ...], list[Question]] = defaultdict(list)
        for question in bank.questions.values():
            for gram in _runs(prose(question.stem.get(lang)), run):
                stems[gram].append(question)
        for question in bank.questions.values():
            for key in _keys(question):
                leaking = {
                    other.id: other
                    for gram in _runs(key.text.get(lang), run)
                    for other in stems[gram]
                    if other.id != question.id
                }
                for other in leaking.values():
                    text = f"{lang}: its stem holds the key '{key.id}' of {question.id}"
                    yield Finding("B29", "W", other.file, text)


def _keys(question: Question) -> Iterator[Choice]:
    if question.kind in CHOSEN:
        for _, choices, key in lists(question):
            yield from (choice for choice in choices if choice.id == key)


def _runs(text: str, n: int) -> set[tuple[str, ...]]:
    found = tokens(text)
    return {found[i : i + n] for i in range(len(found) - n + 1)}
