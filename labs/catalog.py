"""Reads every lab.toml: what a lab asks, compares, measures and bets on. No torch."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from labs.problems import LabProblem

EXPERIMENTS = Path(__file__).parent / "experiments"

Lang = Literal["zh", "en"]
Value = int | float | str  # of a knob
Ruling = Literal["supported", "refuted", "undecided"]
Entry = Literal["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8"]
ENTRIES: tuple[str, ...] = get_args(Entry)


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same words in both languages."""

    zh: str
    en: str

    def get(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class Knob(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A setting of an experiment. choices: values worth trying (int, float), or all there are (choice)."""

    id: str
    kind: Literal["int", "float", "choice"]
    default: Value
    label: Text
    min: float | None = None
    max: float | None = None
    choices: tuple[Value, ...] = ()
    help: Text | None = None

    def parse(self, value: Value) -> Value:
        """The value in this knob's type, from text as typed or from a number.

        Raises LabProblem: knob-type, knob-range or knob-choice.
        """
        if self.kind == "choice":
            for choice in self.choices:
                if value == choice or str(value) == str(choice):
                    return choice
            raise LabProblem("knob-choice", knob=self.id, value=value, allowed=_listed(self.choices))
        number = _number(value, self.kind)
        if number is None:
            raise LabProblem("knob-type", knob=self.id, value=value, kind=self.kind, example=self.default)
        low = float("-inf") if self.min is None else self.min
        high = float("inf") if self.max is None else self.max
        if not low <= number <= high:
            raise LabProblem("knob-range", knob=self.id, value=value, low=f"{low:g}", high=f"{high:g}")
        return number


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the variants that an experiment compares."""

    id: str
    label: Text


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A curve drawn while the lab runs. low, high: where its axis ends if the data does not go beyond."""

    id: str
    label: Text
    unit: str = ""
    low: float | None = None
    high: float | None = None
    scale: Literal["linear", "log"] = "linear"


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A number measured once for every arm and seed.

    resolution: the smallest step it can take (1/898 for the accuracy on 898 samples).
    when_diverged: what a non-finite value stands for, such as chance accuracy; None: then nothing is decided.
    """

    id: str
    label: Text
    unit: str = ""
    resolution: float = 0.0
    when_diverged: float | None = None


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One comparison, written before the data is seen.

    greater: outcome[arm] - outcome[versus] > margin, paired by seed; without versus, outcome[arm] > margin.
    equivalent: |outcome[arm] - outcome[versus]| < margin; without versus, |outcome[arm] - value| < margin.
    exact: outcome[arm] <relation> value on every seed; no statistics.
    """

    kind: Literal["greater", "equivalent", "exact"]
    outcome: str
    arm: str
    versus: str | None = None
    margin: float = 0.0
    relation: Literal["==", "!=", "<", "<=", ">", ">="] | None = None
    value: float | None = None

    def unit(self, declared: Mapping[str, Outcome]) -> str:
        """The unit of what is checked: that of the outcome, or of its difference between two arms."""
        return _compared_unit(self, declared)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a claim counts as supported: when all checks hold."""

    id: str
    claim: str
    statement: Text
    expected: Ruling
    checks: tuple[Check, ...]
    confidence: float = 0.95


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A range to bet on: from the band before it up to `below`; the last one is open."""

    label: Text | None = None
    below: float | None = None


class Bet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a learner predicts: the mean over seeds of outcome[arm], or of outcome[arm] - outcome[versus]."""

    claim: str
    question: Text
    outcome: str
    arm: str
    versus: str | None = None
    bands: tuple[Band, ...]
    explain: Text | None = None

    def unit(self, declared: Mapping[str, Outcome]) -> str:
        """The unit of the bet's quantity and of its bands."""
        return _compared_unit(self, declared)


def difference_unit(unit: str) -> str:
    """The unit of a difference or a spread: two percentages lie percentage points ("pp") apart."""
    return "pp" if unit == "%" else unit


def _compared_unit(compared: Check | Bet, declared: Mapping[str, Outcome]) -> str:
    unit = declared[compared.outcome].unit
    return unit if compared.versus is None else difference_unit(unit)


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many seeds a run starts with, how many join while it is undecided, and where it stops."""

    start: int = 8
    step: int = 4
    max: int = 24


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule's verdict as measured when the lab was written."""

    verdict: Ruling
    effect: float
    interval: tuple[float, float]


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A measurement kept with the lab, and what it was measured on."""

    date: date
    device: str
    torch: str
    seeds: int
    seconds: float
    rules: dict[str, Measured]


class Lab(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an experiment but its code.

    alone: its outcomes are times, so that no other lab should run beside it.
    """

    format: Literal[1] = 1
    id: str
    entry: Entry
    order: int = 100
    title: Text
    question: Text
    explanation: Text
    estimate_s: float
    alone: bool = False
    arms: tuple[Arm, ...]
    knobs: tuple[Knob, ...] = ()
    series: tuple[Series, ...] = ()
    outcomes: tuple[Outcome, ...]
    rules: tuple[Rule, ...]
    bet: Bet
    seeds: Seeds = Seeds()
    reference: Reference | None = None
    quick: dict[str, Value] = {}
    file: str = ""  # where it was read from; set by `load`, not by lab.toml

    @property
    def folder(self) -> Path:
        return Path(self.file).parent

    @property
    def claims(self) -> tuple[str, ...]:
        """Ids of the claims that the rules settle, each once, in their order."""
        return tuple(dict.fromkeys(rule.claim for rule in self.rules))

    @property
    def defaults(self) -> dict[str, Value]:
        return {knob.id: knob.default for knob in self.knobs}

    @property
    def declared(self) -> dict[str, Outcome]:
        """The outcomes by id, as labs.verdict wants them."""
        return {outcome.id: outcome for outcome in self.outcomes}


class Catalog(msgspec.Struct, frozen=True):
    """The labs that could be read, by id in reading order, and what was wrong with the others."""

    labs: dict[str, Lab]
    problems: list[LabProblem]


def find(*folders: Path) -> Catalog:
    """Every lab below the folders, sorted by entry, order and id. A broken lab does not hide the others."""
    labs: dict[str, Lab] = {}
    problems: list[LabProblem] = []
    for folder in folders:
        try:
            files = [entry / "lab.toml" for entry in sorted(folder.iterdir()) if _may_be_lab(entry)]
        except OSError as error:
            problems.append(LabProblem("lab-folder", folder=folder, detail=error.strerror or error))
            continue
        for file in files:
            try:
                lab = load(file.parent)
                if lab.id in labs:
                    raise LabProblem("lab-twice", where=file, id=lab.id, other=labs[lab.id].folder)
            except LabProblem as problem:
                problems.append(problem)
            else:
                labs[lab.id] = lab
    in_order = sorted(labs.values(), key=lambda lab: (lab.entry, lab.order, lab.id))
    return Catalog({lab.id: lab for lab in in_order}, problems)


def _may_be_lab(folder: Path) -> bool:
    try:
        return (folder / "lab.toml").exists()
    except OSError:  # a folder we may not look into: `load` says so
        return True


def load(folder: Path) -> Lab:
    """The lab in this folder. Raises LabProblem naming file, line, field and what to do."""
    file = folder / "lab.toml"
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabProblem("lab-unreadable", where=file, detail=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise LabProblem("lab-unreadable", where=file, detail="not UTF-8") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _toml_problem(file, text, error) from error
    source = _Source(file, text)
    if "file" in data:
        raise source.problem("lab-unknown-field", "file")
    data["file"] = str(file)
    try:
        lab = msgspec.convert(data, Lab)
    except msgspec.ValidationError as error:
        raise source.misfit(str(error)) from error
    _check_lab(lab, source, folder.name)
    return lab


def lab_named(catalog: Catalog, id: str) -> Lab:
    """The lab with this id. Raises LabProblem("unknown-lab") with the ids that come close."""
    if lab := catalog.labs.get(id):
        return lab
    if not catalog.labs:
        raise LabProblem("no-labs", id=id)
    raise LabProblem("unknown-lab", id=id, did_you_mean=_listed(_close(id, catalog.labs)))


def parse_knobs(lab: Lab, settings: Iterable[str]) -> dict[str, Value]:
    """All knobs of the lab, at their defaults but for the settings, each written NAME=VALUE.

    Raises LabProblem: knob-form, unknown-knob, knob-type, knob-range or knob-choice.
    """
    knobs = {knob.id: knob for knob in lab.knobs}
    values = lab.defaults
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            example = f"{lab.knobs[0].id}={lab.knobs[0].default}" if lab.knobs else "lr=0.1"
            raise LabProblem("knob-form", text=setting, example=example)
        if name not in knobs:
            raise LabProblem("unknown-knob", lab=lab.id, knob=name, known=_listed(knobs) or "-")
        values[name] = knobs[name].parse(value)
    return values


def _close(wanted: str, ids: Iterable[str]) -> list[str]:
    from difflib import get_close_matches  # slow to import, and needed only for a mistake

    known = list(ids)
    return (
        get_close_matches(wanted, known, n=3, cutoff=0.5)
        or [i for i in known if wanted in i][:3]
        or known[:5]
    )


def _number(value: Value, kind: str) -> int | float | None:
    """The value as an int or a finite float; None where it is neither."""
    if isinstance(value, bool):
        return None
    try:
        if kind == "int":
            return int(value) if isinstance(value, str) or value == int(value) else None
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


# ---- where in the file -----------------------------------------------------------------------------------


def _toml_problem(file: Path, text: str, error: tomllib.TOMLDecodeError) -> LabProblem:
    detail, _, place = str(error).partition(" (at ")
    line = re.match(r"line (\d+)", place)
    number = int(line[1]) if line else text.count("\n") + 1
    return LabProblem("lab-toml", where=f"{file}:{number}", detail=detail)


_HEADER = r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]"  # not compiled before the first mistake: that takes milliseconds
_KEY = r"\s*([\w.\"'-]+)\s*="


class _Source:
    """A lab.toml as text, to say on which line a field stands."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.text = text

    def line(self, field: str) -> int | None:
        """The line of a field such as rules[0].checks[1].arm, or of what encloses it. None: not found."""
        wanted = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", field)]
        found, depth = None, 0
        for number, path in self._places():
            if len(path) > depth and path == wanted[: len(path)]:
                found, depth = number, len(path)
        return found

    def _places(self) -> Iterator[tuple[int, list[str | int]]]:
        here: list[str | int] = []
        counts: dict[str, int] = {}
        quoted = ""  # the mark of the multi-line string we are in
        for number, line in enumerate(self.text.splitlines(), 1):
            if quoted:
                quoted = "" if line.count(quoted) % 2 else quoted
                continue
            if header := re.match(_HEADER, line):
                here = []
                names = header[2].replace('"', "").replace("'", "").split(".")
                for depth, name in enumerate(names, 1):
                    here.append(name)
                    place = str(here)
                    if header[1] == "[[" and depth == len(names):
                        counts[place] = counts.get(place, -1) + 1
                    if place in counts:
                        here.append(counts[place])
                yield number, list(here)
            elif key := re.match(_KEY, line):
                yield number, [*here, *key[1].replace('"', "").replace("'", "").split(".")]
                quoted = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")

    def where(self, field: str) -> str:
        line = self.line(field)
        return str(self.file) if line is None else f"{self.file}:{line}"

    def problem(self, key: str, field: str, **fields: object) -> LabProblem:
        return LabProblem(key, where=self.where(field), field=field, **fields)

    def misfit(self, message: str) -> LabProblem:
        """msgspec's complaint, in our words."""
        complaint, _, place = message.partition(" - at `")
        parent = place.removesuffix("`").removeprefix("$").removeprefix(".").replace("[...]", "")
        if match := re.fullmatch(r"Object missing required field `(.+)`", complaint):
            return self.problem("lab-missing-field", f"{parent}.{match[1]}".lstrip("."))
        if match := re.fullmatch(r"Object contains unknown field `(.+)`", complaint):
            return self.problem("lab-unknown-field", f"{parent}.{match[1]}".lstrip("."))
        if match := re.fullmatch(r"Expected `(.+)`, got `(.+)`", complaint):
            return self.problem("lab-type", parent, expected=match[1], found=match[2])
        if match := re.fullmatch(r"Invalid enum value (.+)", complaint):
            return self.problem("lab-value", parent, value=match[1], allowed=_listed(_allowed(parent)))
        return self.problem("lab-other", parent, detail=complaint)


def _allowed(field: str) -> Sequence[object]:
    """The values that the annotation of a field such as rules[0].expected lists."""
    kind: Any = Lab
    for part in re.findall(r"[^.\[\]]+", field):
        if not part.isdigit():
            hint = kind.__annotations__[part]
            inner = [
                arg for arg in get_args(hint) if isinstance(arg, type) and issubclass(arg, msgspec.Struct)
            ]
            kind = inner[0] if inner else hint
    literals = (
        [kind] if get_origin(kind) is Literal else [a for a in get_args(kind) if get_origin(a) is Literal]
    )
    return [value for literal in literals for value in get_args(literal)]


# ---- what the types cannot say ---------------------------------------------------------------------------

WORDS_EN = 60  # of an explanation
CHARACTERS_ZH = 120
BANDS = (3, 5)


def _check_lab(lab: Lab, source: _Source, folder: str) -> None:
    if lab.id != folder:
        raise LabProblem("lab-id-folder", where=source.where("id"), value=lab.id, folder=folder)
    _check_ids(lab, source)
    _check_texts(lab, source)
    _check_between(source, "estimate_s", lab.estimate_s, 0, 86_400)
    for i, knob in enumerate(lab.knobs):
        _check_knob(knob, f"knobs[{i}]", source)
    for i, series in enumerate(lab.series):
        _check_series(series, f"series[{i}]", source)
    for i, outcome in enumerate(lab.outcomes):
        _check_between(source, f"outcomes[{i}].resolution", outcome.resolution, 0, 1e30)
    for i, rule in enumerate(lab.rules):
        _check_rule(rule, f"rules[{i}]", lab, source)
    _check_bet(lab, source)
    _check_between(source, "seeds.start", lab.seeds.start, 3, 10_000)  # fewer give no interval worth the name
    _check_between(source, "seeds.step", lab.seeds.step, 1, 10_000)
    _check_between(source, "seeds.max", lab.seeds.max, lab.seeds.start, 10_000)
    knobs = {knob.id: knob for knob in lab.knobs}
    for name, value in lab.quick.items():
        _check_declared(source, f"quick.{name}", name, knobs)
        _check_knob_value(knobs[name], value, f"quick.{name}", source)
    if lab.reference:
        for rule_id in lab.reference.rules:
            _check_declared(source, f"reference.rules.{rule_id}", rule_id, [rule.id for rule in lab.rules])


def _check_ids(lab: Lab, source: _Source) -> None:
    named: dict[str, tuple[Any, ...]] = {
        "arms": lab.arms,
        "knobs": lab.knobs,
        "series": lab.series,
        "outcomes": lab.outcomes,
        "rules": lab.rules,
    }
    if not _is_id(lab.id):
        raise source.problem("lab-id-form", "id", value=lab.id)
    for table, items in named.items():
        if not items and table in ("arms", "outcomes", "rules"):
            raise source.problem("lab-empty", table)
        seen: set[str] = set()
        for i, item in enumerate(items):
            field = f"{table}[{i}].id"
            if not _is_id(item.id):
                raise source.problem("lab-id-form", field, value=item.id)
            if item.id in seen:
                raise source.problem("lab-id-twice", field, value=item.id)
            seen.add(item.id)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isidentifier() and text == text.lower() and text[0] != "_"


def _check_texts(lab: Lab, source: _Source) -> None:
    for field, text in _texts(lab):
        for lang in ("zh", "en"):
            if not text.get(lang).strip():
                raise source.problem("lab-empty", f"{field}.{lang}")
    words = len(lab.explanation.en.split())
    if words > WORDS_EN:
        raise source.problem("lab-too-long-en", "explanation.en", count=words, limit=WORDS_EN)
    characters = sum("\u3400" <= character <= "\u9fff" for character in lab.explanation.zh)
    if characters > CHARACTERS_ZH:
        raise source.problem("lab-too-long-zh", "explanation.zh", count=characters, limit=CHARACTERS_ZH)


def _texts(lab: Lab) -> Iterator[tuple[str, Text]]:
    yield "title", lab.title
    yield "question", lab.question
    yield "explanation", lab.explanation
    yield "bet.question", lab.bet.question
    if lab.bet.explain:
        yield "bet.explain", lab.bet.explain
    for i, band in enumerate(lab.bet.bands):
        if band.label:
            yield f"bet.bands[{i}].label", band.label
    for table in ("arms", "knobs", "series", "outcomes"):
        for i, item in enumerate(getattr(lab, table)):
            yield f"{table}[{i}].label", item.label
    for i, knob in enumerate(lab.knobs):
        if knob.help:
            yield f"knobs[{i}].help", knob.help
    for i, rule in enumerate(lab.rules):
        yield f"rules[{i}].statement", rule.statement


def _check_knob(knob: Knob, field: str, source: _Source) -> None:
    if knob.kind == "choice" and not knob.choices:
        raise source.problem("lab-empty", f"{field}.choices")
    if knob.min is not None and knob.max is not None and not knob.min < knob.max:
        raise source.problem("lab-rising", f"{field}.max", value=knob.max, before=knob.min)
    for i, choice in enumerate(knob.choices):
        _check_knob_value(knob, choice, f"{field}.choices[{i}]", source)
    if knob.choices and knob.default not in knob.choices:
        raise source.problem(
            "lab-value", f"{field}.default", value=knob.default, allowed=_listed(knob.choices)
        )
    _check_knob_value(knob, knob.default, f"{field}.default", source)


def _check_knob_value(knob: Knob, value: Value, field: str, source: _Source) -> None:
    """A value in lab.toml must be of the knob's own type: text for a number would reach the experiment."""
    try:
        parsed = knob.parse(value)
    except LabProblem as problem:
        raise source.problem("lab-other", field, detail=str(problem).rstrip(".")) from problem
    if isinstance(value, str) and not isinstance(parsed, str):
        raise source.problem("lab-type", field, expected=knob.kind, found="str")


def _check_series(series: Series, field: str, source: _Source) -> None:
    if series.low is not None and series.high is not None and not series.low < series.high:
        raise source.problem("lab-rising", f"{field}.high", value=series.high, before=series.low)
    if series.scale == "log" and series.low is not None and series.low <= 0:
        raise source.problem("lab-rising", f"{field}.low", value=series.low, before=0)


def _check_rule(rule: Rule, field: str, lab: Lab, source: _Source) -> None:
    _check_claim(source, f"{field}.claim", rule.claim)
    _check_between(source, f"{field}.confidence", rule.confidence, 0.5, 0.9999)
    if not rule.checks:
        raise source.problem("lab-empty", f"{field}.checks")
    for i, check in enumerate(rule.checks):
        at = f"{field}.checks[{i}]"
        _check_compared(source, at, check, lab)
        _check_between(source, f"{at}.margin", check.margin, 0, 1e30)
        given = {
            "versus": check.versus is not None,
            "margin": check.margin != 0,
            "relation": check.relation is not None,
            "value": check.value is not None,
        }
        needs, forbids = _fields_of(check)
        for name in needs:
            if not given[name]:
                raise source.problem("lab-check-needs", f"{at}.{name}", kind=check.kind)
        for name in forbids:
            if given[name]:
                raise source.problem("lab-check-forbids", f"{at}.{name}", kind=check.kind)


def _fields_of(check: Check) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that this check needs and those it must not have."""
    match check.kind:
        case "exact":
            return ("relation", "value"), ("versus", "margin")
        case "equivalent" if check.versus is None:
            return ("margin", "value"), ("relation",)
        case "equivalent":
            return ("margin",), ("relation", "value")
    return (), ("relation", "value")


def _check_bet(lab: Lab, source: _Source) -> None:
    bet = lab.bet
    _check_claim(source, "bet.claim", bet.claim)
    _check_declared(source, "bet.claim", bet.claim, lab.claims)
    _check_compared(source, "bet", bet, lab)
    count = len(bet.bands)
    if not BANDS[0] <= count <= BANDS[1]:
        raise source.problem("lab-bands-count", "bet.bands", count=count)
    before = float("-inf")
    for i, band in enumerate(bet.bands):
        field = f"bet.bands[{i}].below"
        if (band.below is None) != (i == count - 1):
            raise source.problem("lab-band-open", field)
        if band.below is not None:
            if not before < band.below < float("inf"):
                raise source.problem("lab-rising", field, value=band.below, before=before)
            before = band.below


def _check_compared(source: _Source, field: str, compared: Check | Bet, lab: Lab) -> None:
    arms = [arm.id for arm in lab.arms]
    _check_declared(source, f"{field}.outcome", compared.outcome, lab.declared)
    _check_declared(source, f"{field}.arm", compared.arm, arms)
    if compared.versus is not None:
        others = [arm for arm in arms if arm != compared.arm]
        _check_declared(source, f"{field}.versus", compared.versus, others)


def _check_declared(
    source: _Source, field: str, value: str, known: Sequence[str] | Mapping[str, object]
) -> None:
    if value not in known:
        raise source.problem("lab-undeclared", field, value=value, known=_listed(known) or "-")


def _check_claim(source: _Source, field: str, value: str) -> None:
    entry, _, number = value.partition(".")
    if entry not in ENTRIES or not (number.isascii() and number.isdigit()):
        raise source.problem("lab-claim-form", field, value=value)


def _check_between(source: _Source, field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise source.problem("lab-between", field, value=value, low=f"{low:g}", high=f"{high:g}")
