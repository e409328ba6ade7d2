"""What can be said about a question's code and numbers without running anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from questions.checks import last_number, lines, mended
from questions.lint.finding import CHOSEN, LANGS, Flaw, Level
from questions.lint.words import fences, plain
from questions.shapes import Claim, Question

# As soon as the bank has none missing this becomes "E"; until then older questions may lack them.
PREDICTS_MISSING: Level = "W"


def code_parses(thing: Question | Claim) -> Iterator[Flaw]:
    """B24: all Python is Python. (That it prints what is said is held by the tests, which run it.)"""
    pieces = [("evidence.code", thing.evidence_code)]
    if isinstance(thing, Question):
        pieces.append(("code", thing.code or ""))
        if thing.kind == "bug" and thing.code and thing.fix is not None:
            pieces.append(("code with the fix", mended(thing)))
        for lang in LANGS:
            for part, text in (("stem", thing.stem), ("explanation", thing.explain)):
                pieces += [
                    (f"{lang} {part}", code)
                    for language, code in fences(text.get(lang))
                    if language in ("python", "py")
                ]
    for where, code in pieces:
        try:
            ast.parse(code)
        except SyntaxError as error:
            yield "B24", "E", f"{where} does not parse: {error.msg} (line {error.lineno})"
        except (RecursionError, MemoryError):  # of Python's parser, not of this machine
            yield "B24", "E", f"{where} does not parse: it is nested too deeply"


def code_decides(question: Question) -> Iterator[Flaw]:
    """B24: what the code prints can tell the key from every other answer."""
    printed = (question.evidence and question.evidence.prints) or ""
    if question.kind in CHOSEN and printed:
        predicted = {c.id: lines(c.predicts) for c in question.options if c.predicts is not None}
        if missing := [c.id for c in question.options if c.id not in predicted]:
            yield (
                "B24",
                PREDICTS_MISSING,
                f"no 'predicts' at {', '.join(missing)}: what would the code print?",
            )
        elif predicted.get(question.key) != lines(printed):
            yield "B24", "E", f"'predicts' of the key '{question.key}' differs from 'prints'"
        for a, b in pairwise(sorted(predicted, key=lambda option: predicted[option])):
            if predicted[a] == predicted[b]:
                yield "B24", "E", f"'{a}' and '{b}' predict the same"
    if question.kind in ("band", "number") and printed and question.template is None:
        number = last_number(printed)
        near = question.tolerance if question.kind == "number" else 0.0
        if number is None or abs(number - (question.value or 0.0)) > near + 1e-9 * abs(number):
            yield "B24", "E", f"'prints' ends with the number {number}, 'value' is {question.value}"
    if question.kind == "bug" and lines(question.prints or "") == lines(question.fixed_prints or ""):
        yield "B24", "E", "'prints' and 'fixed_prints' are the same, so that nothing shows the fault"


def numbers_filled(question: Question) -> Iterator[Flaw]:
    """B24, generated questions: the template draws every number that the text waits for."""
    if question.template is None:
        return
    drawn = question.drawn(0)
    for part, text in (("stem", drawn.stem), ("explanation", drawn.explain)):
        for lang in LANGS:
            for name in re.findall(r"\{(\w+)\}", plain(text.get(lang))):
                yield "B24", "E", f"{lang} {part}: '{question.template}' draws no '{name}'"


def bands_hold(question: Question) -> Iterator[Flaw]:
    """B25: three bands or more, contiguous and exhaustive, the value well inside the one that is the key.

    Whether that value is the lab's own result is checked by the tests, which may read both.
    """
    if question.kind != "band":
        return
    edges = [band.below for band in question.bands[:-1]]
    known = [edge for edge in edges if edge is not None]
    rising = all(a < b for a, b in pairwise(known))
    if len(question.bands) < 3:
        yield "B25", "E", f"{len(question.bands)} bands; at least 3"
    if len(known) < len(edges) or not rising or not question.bands or question.bands[-1].below is not None:
        yield "B25", "E", "the bands leave gaps: edges must rise, and the last band is open"
        return
    value = question.value or 0.0
    at = next((n for n, edge in enumerate(known) if value < edge), len(known))
    if question.options[at].id != question.key:
        yield (
            "B25",
            "E",
            f"the value {value:g} lies in '{question.options[at].id}', the key is '{question.key}'",
        )
    for edge in known[max(0, at - 1) : at + 1]:
        if abs(value - edge) <= 0.02 * abs(edge):
            yield "B25", "W", f"the value {value:g} lies within 2 % of the edge {edge:g}; move the edge"


_MACHINE = re.compile(
    r"\d\s*(?:ms|µs|us|ns|seconds?|minutes?|GB/s|MB/s|TFLOPS|(?:images|samples|batches|steps)(?:/s| per second)"
    r"|fps|秒|毫秒|微秒|分钟|[张批步]/秒)(?![A-Za-z])"
)


def machine_free(question: Question) -> Iterator[Flaw]:
    """B27: no fixed key whose number depends on the machine.

    No field says that a claim depends on hardware, so units of time and throughput must do; as that is a guess, it is a
    warning and may be waived (for arithmetic with given times).
    """
    key = question.option(question.key)
    for lang in LANGS:
        said = key.text.get(lang) if key is not None and question.kind != "bug" else ""
        if question.kind == "number":
            said = f"{question.value:g} {question.unit.get(lang)}" if question.value is not None else ""
        if found := _MACHINE.search(said):
            yield "B27", "W", f"{lang}: the key has '{found[0]}', which another machine would not give"
