"""One question a file: TOML front matter between +++ lines, then stem and explanation in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from questions import marked_file
from questions.claim_file import check_evidence
from questions.places import Where
from questions.problems import BankProblem
from questions.shapes import Band, Choice, Claim, Evidence, Form, Misconception, Question, Slip, Swap, Text

LANGUAGES = ("zh", "en")


class _Option(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    zh: str | None = None
    en: str | None = None
    text: str | None = None
    line: int | None = None
    misconception: str | None = None
    predicts: str | None = None


class _Slip(Struct, frozen=True, forbid_unknown_fields=True):
    """A wrong number (`value`), a wrong formula of a template (`of`), or a wrong order (`first`, `then`)."""

    misconception: str
    value: float | None = None
    of: str | None = None
    first: str | None = None
    then: str | None = None


class _Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    claim: str
    kind: Form
    difficulty: int
    source: str
    answer: str | None = None
    options: tuple[_Option, ...] = ()
    value: float | None = None
    tolerance: float = 0.0
    unit: str | Text = ""
    bands: tuple[Band, ...] = ()
    misconceptions: tuple[str, ...] = ()
    slips: tuple[_Slip, ...] = ()
    code: str | None = None
    fix: str | None = None
    prints: str | None = None
    fixed_prints: str | None = None
    steps: tuple[_Option, ...] = ()
    template: str | None = None
    reason_answer: str | None = None
    reasons: tuple[_Option, ...] = ()
    evidence: Evidence | None = None
    negation: bool = False
    waive: dict[str, str] = {}


_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # fields that a kind needs, and may have
    "choice": (("answer", "options"), ()),
    "band": (("value", "bands", "misconceptions"), ("unit",)),
    "output": (("answer", "options", "code"), ()),
    "two-step": (("answer", "options", "reason_answer", "reasons"), ()),
    "number": (("value", "slips"), ("tolerance", "unit")),
    "bug": (("answer", "options", "code", "fix", "prints", "fixed_prints"), ()),
    "order": (("steps", "slips"), ()),
    "generated": (("template", "slips"), ("unit",)),
}
_SPECIAL = tuple(dict.fromkeys(field for needs, may in _KINDS.values() for field in (*needs, *may)))


def load_question(
    path: Path, root: Path, claims: Mapping[str, Claim], misconceptions: Mapping[str, Misconception]
) -> Question:
    """Reads one question file. Raises BankProblem naming file, line, field and what to do."""
    front, where, parts = marked_file.load(path, _Front, marked_file.QUESTION)
    if front.id != path.stem:
        raise BankProblem("id-is-not-stem", file=path, line=where.line("id"), id=front.id, stem=path.stem)
    if front.claim not in claims:
        where.unknown("claim", front.claim, "the folders of the bank", claims)
    claim = claims[front.claim]
    folder = root / claim.entry / claim.id
    if path.parent != folder:
        raise BankProblem("wrong-folder", file=path, line=where.line("claim"), claim=claim.id, folder=folder)
    if not 1 <= front.difficulty <= 5:
        raise BankProblem("difficulty", file=path, line=where.line("difficulty"), got=front.difficulty)
    _fields_fit_kind(front, where)
    check_evidence(front.evidence, where)
    special = _READERS[front.kind](front, where)
    question = Question(
        id=front.id,
        claim=claim.id,
        entry=claim.entry,
        kind="number" if front.kind == "generated" else front.kind,
        difficulty=front.difficulty,
        source=front.source,
        stem=Text(parts["zh"], parts["en"]),
        explain=Text(parts["zh/explain"], parts["en/explain"]),
        unit=_as_text(front.unit),
        evidence=front.evidence,
        negation=front.negation,
        waive=front.waive,
        file=path,
        **special,
    )
    _beliefs_known(question, front, where, misconceptions)
    return question


def _beliefs_known(
    question: Question, front: _Front, where: Where, misconceptions: Mapping[str, Misconception]
) -> None:
    named: list[tuple[str, str | None]] = [
        (f"misconceptions[{n}]" if front.kind == "band" else f"options[{n}].misconception", c.misconception)
        for n, c in enumerate(question.options)
    ]
    named += [
        (f"reasons[{n}].misconception", c.misconception) for n, c in enumerate(question.authored_reasons)
    ]
    named += [(f"slips[{n}].misconception", s.misconception) for n, s in enumerate(front.slips)]
    for field, misconception in named:
        if misconception and misconception not in misconceptions:
            where.unknown(field, misconception, "misconceptions.toml", misconceptions)


def _fields_fit_kind(front: _Front, where: Where) -> None:
    needed, allowed = _KINDS[front.kind]
    for field in _SPECIAL:
        value = getattr(front, field)
        given = value is not None and value != () and value != "" and value != 0.0
        given = given or (field == "value" and front.value == 0.0)
        if field in needed and not given:
            where.missing(field)
        if given and field not in needed and field not in allowed:
            raise BankProblem(
                "field-not-for-kind", file=where.file, line=where.line(field), field=field, kind=front.kind
            )


def _chosen(front: _Front, where: Where) -> dict[str, Any]:
    options = _worded(front.options, "options", where, front.kind)
    made: dict[str, Any] = {"options": options, "key": _key(front.answer, "answer", options, where)}
    if front.kind == "two-step":
        reasons = _worded(front.reasons, "reasons", where, front.kind)
        key = _key(front.reason_answer, "reason_answer", reasons, where)
        made |= {"authored_reasons": reasons, "reason_key": key}
    if front.kind == "output":
        made["code"] = front.code
    return made


def _faulty(front: _Front, where: Where) -> dict[str, Any]:
    """The options of a bug question are lines of its code."""
    assert front.code is not None
    lines = front.code.strip("\n").split("\n")
    _counted(front.options, "options", where)
    options = []
    for n, option in enumerate(front.options):
        at = f"options[{n}]"
        if option.line is None:
            where.missing(f"{at}.line")
        if not 1 <= option.line <= len(lines) or not lines[option.line - 1].strip():
            line = where.line(f"{at}.line")
            raise BankProblem("no-such-line", file=where.file, line=line, got=option.line, most=len(lines))
        shown = f"{option.line}: `{lines[option.line - 1].strip()}`"
        options.append(Choice(option.id, Text(shown, shown), option.misconception or None, line=option.line))
    _ids_differ(front.options, "options", where)
    options.sort(key=lambda option: option.line or 0)
    return {
        "options": tuple(options),
        "key": _key(front.answer, "answer", tuple(options), where),
        "code": front.code,
        "fix": front.fix,
        "prints": front.prints,
        "fixed_prints": front.fixed_prints,
    }


def _number(front: _Front, where: Where) -> dict[str, Any]:
    assert front.value is not None
    if front.tolerance < 0:
        raise BankProblem("tolerance", file=where.file, line=where.line("tolerance"), got=front.tolerance)
    slips = []
    for n, slip in enumerate(front.slips):
        if slip.value is None:
            where.missing(f"slips[{n}].value")
        if abs(slip.value - front.value) <= front.tolerance:
            raise BankProblem(
                "slip-is-right", file=where.file, line=where.line(f"slips[{n}].value"), got=f"{slip.value:g}"
            )
        slips.append(Slip(slip.value, slip.misconception))
    return {
        "key": f"{front.value:.12g}",
        "value": front.value,
        "tolerance": front.tolerance,
        "slips": tuple(slips),
    }


def _ordered(front: _Front, where: Where) -> dict[str, Any]:
    steps = _worded(front.steps, "steps", where, front.kind)
    at = {step.id: n for n, step in enumerate(steps)}
    swaps = []
    for n, slip in enumerate(front.slips):
        for field, named in (("first", slip.first), ("then", slip.then)):
            if named is None:
                where.missing(f"slips[{n}].{field}")
            if named not in at:
                raise BankProblem(
                    "unknown-option",
                    file=where.file,
                    line=where.line(f"slips[{n}].{field}"),
                    field=f"slips[{n}].{field}",
                    id=named,
                    options=", ".join(at),
                )
        assert slip.first is not None and slip.then is not None
        if at[slip.first] <= at[slip.then]:
            raise BankProblem(
                "slip-is-right",
                file=where.file,
                line=where.line(f"slips[{n}].first"),
                got=f"{slip.first} > {slip.then}",
            )
        swaps.append(Swap(slip.first, slip.then, slip.misconception))
    return {"options": steps, "key": ">".join(at), "swaps": tuple(swaps)}


def _generated(front: _Front, where: Where) -> dict[str, Any]:
    from questions.templates import TEMPLATES

    assert front.template is not None
    if front.template not in TEMPLATES:
        where.unknown("template", front.template, "questions/templates.py", TEMPLATES)
    formulas = TEMPLATES[front.template].wrong
    beliefs = {}
    for n, slip in enumerate(front.slips):
        if slip.of is None:
            where.missing(f"slips[{n}].of")
        if slip.of not in formulas:
            where.unknown(f"slips[{n}].of", slip.of, f"the wrong formulas of '{front.template}'", formulas)
        beliefs[slip.of] = slip.misconception
    return {"key": "", "template": front.template, "beliefs": beliefs}


def _counted(given: tuple[_Option, ...], field: str, where: Where) -> None:
    if not 3 <= len(given) <= 5:
        raise BankProblem(
            "option-count",
            file=where.file,
            line=where.line(field),
            field=field,
            count=len(given),
            least=3,
            most=5,
        )


def _ids_differ(given: tuple[_Option, ...], field: str, where: Where) -> None:
    for n, option in enumerate(given):
        if any(other.id == option.id for other in given[:n]):
            raise BankProblem(
                "id-twice",
                file=where.file,
                line=where.line(f"{field}[{n}].id"),
                id=option.id,
                other=f"{where.file.name}:{where.line(f'{field}[0]')}",
            )


def _worded(given: tuple[_Option, ...], field: str, where: Where, kind: str) -> tuple[Choice, ...]:
    _counted(given, field, where)
    _ids_differ(given, field, where)
    choices: list[Choice] = []
    for n, option in enumerate(given):
        at = f"{field}[{n}]"
        if option.text is not None:
            if option.zh is not None or option.en is not None:
                line = where.line(f"{at}.text")
                raise BankProblem("text-twice", file=where.file, line=line, id=option.id)
            text = Text(option.text, option.text)
        else:
            for lang in LANGUAGES:
                if not (getattr(option, lang) or "").strip():
                    where.missing(f"{at}.text" if kind == "output" else f"{at}.{lang}")
            text = Text(option.zh or "", option.en or "")
        choices.append(Choice(option.id, text, option.misconception or None, option.predicts))
    return tuple(choices)


def _key(answer: str | None, field: str, choices: tuple[Choice, ...], where: Where) -> str:
    ids = [c.id for c in choices]
    if answer not in ids:
        raise BankProblem(
            "unknown-option",
            file=where.file,
            line=where.line(field),
            field=field,
            id=answer,
            options=", ".join(ids),
        )
    return answer


def _banded(front: _Front, where: Where) -> dict[str, Any]:
    """Bands as choices whose ids are their edges (`<30`, `30..70`, `>=90`), so that a logged pick keeps its
    meaning when the bands are drawn anew."""
    if not 3 <= len(front.bands) <= 5:
        raise BankProblem(
            "option-count",
            file=where.file,
            line=where.line("bands"),
            field="bands",
            count=len(front.bands),
            least=3,
            most=5,
        )
    edges = [band.below for band in front.bands[:-1]]
    known = [e for e in edges if e is not None]
    rising = all(a < b for a, b in pairwise(known))
    if len(known) < len(edges) or front.bands[-1].below is not None or not rising:
        raise BankProblem("bands", file=where.file, line=where.line("bands"))
    if len(front.misconceptions) != len(front.bands):
        raise BankProblem(
            "bands-beliefs",
            file=where.file,
            line=where.line("misconceptions"),
            got=len(front.misconceptions),
            expected=len(front.bands),
        )
    assert front.value is not None  # _fields_fit_kind saw it
    unit = _as_text(front.unit)
    choices = []
    for n, band in enumerate(front.bands):
        low = known[n - 1] if n else None
        band_id = (
            f"<{band.below:g}"
            if low is None
            else f"{low:g}..{band.below:g}"
            if band.below is not None
            else f">={low:g}"
        )
        label = band.label or Text(
            _range("zh", low, band.below, unit.zh), _range("en", low, band.below, unit.en)
        )
        choices.append(Choice(band_id, label, front.misconceptions[n] or None))
    right = next((n for n, edge in enumerate(known) if front.value < edge), len(known))
    if front.misconceptions[right]:
        line = where.line("misconceptions")
        raise BankProblem("right-band-belief", file=where.file, line=line, number=right + 1)
    return {
        "options": tuple(choices),
        "key": choices[right].id,
        "value": front.value,
        "bands": front.bands,
    }


def _range(lang: str, low: float | None, below: float | None, unit: str) -> str:
    gap = " " if unit and unit[0].isalnum() else ""  # Chinese characters stand apart from figures too
    if low is None:
        return f"低于 {below:g}{gap}{unit}" if lang == "zh" else f"below {below:g}{gap}{unit}"
    if below is None:
        or_more = "及以上" if unit and not unit[-1].isascii() else " 及以上"
        return f"{low:g}{gap}{unit}{or_more}" if lang == "zh" else f"{low:g}{gap}{unit} or more"
    return f"{low:g} 到 {below:g}{gap}{unit}" if lang == "zh" else f"{low:g} to {below:g}{gap}{unit}"


def _as_text(unit: str | Text) -> Text:
    return unit if isinstance(unit, Text) else Text(unit, unit)


_READERS: dict[str, Callable[[_Front, Where], dict[str, Any]]] = {
    "choice": _chosen,
    "band": _banded,
    "output": _chosen,
    "two-step": _chosen,
    "number": _number,
    "bug": _faulty,
    "order": _ordered,
    "generated": _generated,
}
