"""One question a file: TOML front matter between +++ lines, then stem and explanation in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from questions.places import Where, convert, read, toml
from questions.problems import BankProblem
from questions.shapes import Band, Choice, Claim, Evidence, Kind, Misconception, Question, Text

LANGUAGES = ("zh", "en")


class _Option(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    zh: str | None = None
    en: str | None = None
    text: str | None = None
    misconception: str | None = None


class _Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    claim: str
    kind: Kind
    difficulty: int
    source: str
    answer: str | None = None
    options: tuple[_Option, ...] = ()
    value: float | None = None
    unit: str | Text = ""
    bands: tuple[Band, ...] = ()
    misconceptions: tuple[str, ...] = ()
    code: str | None = None
    reason_answer: str | None = None
    reasons: tuple[_Option, ...] = ()
    evidence: Evidence | None = None
    negation: bool = False
    waive: dict[str, str] = {}


_NEEDS: dict[str, tuple[str, ...]] = {
    "choice": ("answer", "options"),
    "band": ("value", "bands", "misconceptions"),
    "output": ("answer", "options", "code"),
    "two-step": ("answer", "options", "reason_answer", "reasons"),
}
_SPECIAL = (
    "answer",
    "options",
    "value",
    "unit",
    "bands",
    "misconceptions",
    "code",
    "reason_answer",
    "reasons",
)


def load_question(
    path: Path, root: Path, claims: Mapping[str, Claim], misconceptions: Mapping[str, Misconception]
) -> Question:
    """Reads one question file. Raises BankProblem naming file, line, field and what to do."""
    front, where, body_start, lines = _front_matter(path)
    if front.id != path.stem:
        raise BankProblem("id-is-not-stem", file=path, line=where.line("id"), id=front.id, stem=path.stem)
    if front.claim not in claims:
        where.unknown("claim", front.claim, "claims.toml", claims)
    claim = claims[front.claim]
    folder = root / claim.entry / claim.id
    if path.parent != folder:
        raise BankProblem("wrong-folder", file=path, line=where.line("claim"), claim=claim.id, folder=folder)
    if not 1 <= front.difficulty <= 5:
        raise BankProblem("difficulty", file=path, line=where.line("difficulty"), got=front.difficulty)
    _fields_fit_kind(front, where)

    if front.kind == "band":
        options, key = _banded(front, where)
    else:
        options = _worded(front.options, "options", where, front.kind)
        key = _key(front.answer, "answer", options, where)
    reasons: tuple[Choice, ...] = ()
    reason_key = None
    if front.kind == "two-step":
        reasons = _worded(front.reasons, "reasons", where, front.kind)
        reason_key = _key(front.reason_answer, "reason_answer", reasons, where)
    for field, choices in (("options", options), ("reasons", reasons)):
        for n, choice in enumerate(choices):
            if choice.misconception and choice.misconception not in misconceptions:
                at = "misconceptions" if front.kind == "band" else f"{field}[{n}].misconception"
                where.unknown(at, choice.misconception, "misconceptions.toml", misconceptions)
    if front.evidence:
        for given, needed in (("code", "prints"), ("prints", "code"), ("rule", "lab")):
            if getattr(front.evidence, given) is not None and getattr(front.evidence, needed) is None:
                where.missing(f"evidence.{needed}")

    parts = _sections(path, lines, body_start)
    return Question(
        id=front.id,
        claim=claim.id,
        entry=claim.entry,
        kind=front.kind,
        difficulty=front.difficulty,
        source=front.source,
        stem=Text(parts["zh"], parts["en"]),
        explain=Text(parts["zh/explain"], parts["en/explain"]),
        options=options,
        key=key,
        authored_reasons=reasons,
        reason_key=reason_key,
        code=front.code,
        value=front.value,
        unit=_as_text(front.unit),
        bands=front.bands,
        evidence=front.evidence,
        negation=front.negation,
        waive=front.waive,
        file=path,
    )


def _fields_fit_kind(front: _Front, where: Where) -> None:
    needed = _NEEDS[front.kind]
    for field in _SPECIAL:
        value = getattr(front, field)
        given = value is not None and value != () and value != ""
        if field in needed and not given:
            where.missing(field)
        if given and field not in needed and not (field == "unit" and front.kind == "band"):
            raise BankProblem(
                "field-not-for-kind", file=where.file, line=where.line(field), field=field, kind=front.kind
            )


def _worded(given: tuple[_Option, ...], field: str, where: Where, kind: str) -> tuple[Choice, ...]:
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
    choices: list[Choice] = []
    for n, option in enumerate(given):
        at = f"{field}[{n}]"
        if any(c.id == option.id for c in choices):
            raise BankProblem(
                "id-twice",
                file=where.file,
                line=where.line(f"{at}.id"),
                id=option.id,
                other=f"{where.file.name}:{where.line(f'{field}[0]')}",
            )
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
        choices.append(Choice(option.id, text, option.misconception or None))
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


def _banded(front: _Front, where: Where) -> tuple[tuple[Choice, ...], str]:
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
    return tuple(choices), choices[right].id


def _range(lang: str, low: float | None, below: float | None, unit: str) -> str:
    tight = unit == "" or not unit[0].isalnum() or (lang == "zh" and not unit.isascii())
    gap = "" if tight else " "
    if low is None:
        return f"低于 {below:g}{gap}{unit}" if lang == "zh" else f"below {below:g}{gap}{unit}"
    if below is None:
        return f"{low:g}{gap}{unit} 及以上" if lang == "zh" else f"{low:g}{gap}{unit} or more"
    return f"{low:g} 到 {below:g}{gap}{unit}" if lang == "zh" else f"{low:g} to {below:g}{gap}{unit}"


def _as_text(unit: str | Text) -> Text:
    return unit if isinstance(unit, Text) else Text(unit, unit)


def _front_matter(path: Path) -> tuple[_Front, Where, int, list[str]]:
    """The front matter, a line finder, the number of the body's first line, and all lines."""
    lines = read(path).split("\n")
    if lines[0].rstrip() != "+++":
        raise BankProblem("front-matter", file=path, line=1)
    try:
        end = next(n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "+++")
    except StopIteration:
        raise BankProblem("front-matter", file=path, line=len(lines)) from None
    where = Where(path, lines[1:end], 1)
    table = toml(path, "\n".join(where.lines), 1)
    return convert(table, _Front, where), where, end + 1, lines


_ORDER = ("zh", "zh/explain", "en", "en/explain")


def _sections(path: Path, lines: list[str], start: int) -> dict[str, str]:
    """Stem and explanation of each language: `zh`, `zh/explain`, `en`, `en/explain`."""
    parts: dict[str, list[str]] = {}
    begins: dict[str, int] = {}
    current: str | None = None
    fence = 0
    for number, line in enumerate(lines[start:], start + 1):
        if line.lstrip().startswith("```"):
            fence = 0 if fence else number
        elif not fence and line.startswith("#"):
            expected = _ORDER[len(parts)] if len(parts) < len(_ORDER) else None
            heading = line.rstrip()
            if expected is None or heading != ("## explain" if "/" in expected else f"# {expected}"):
                raise BankProblem("heading", file=path, line=number, heading=heading)
            current = expected
            parts[current] = []
            begins[current] = number
            continue
        if current is not None:
            parts[current].append(line.rstrip())
        elif line.strip():
            raise BankProblem("heading", file=path, line=number, heading=line.strip()[:40])
    if fence:
        raise BankProblem("fence", file=path, line=fence)
    texts = {name: "\n".join(part).strip("\n") for name, part in parts.items()}
    for name in _ORDER:
        if not texts.get(name, "").strip():
            at = begins.get(name, len(lines))
            raise BankProblem("section-empty", file=path, line=at, section=name)
    return texts
