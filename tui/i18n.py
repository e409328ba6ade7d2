"""What the interface says, in Chinese and English: locale/<language>/<area>.toml, by "area.name"."""

import os
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Final, Literal

Lang = Literal["zh", "en"]
LANGUAGES: Final[tuple[Lang, ...]] = ("zh", "en")
LOCALE: Final = Path(__file__).parent / "locale"


def with_unit(number: str, unit: str) -> str:
    """ "97%", "62.8 points", "12": a number as written and its unit in words."""
    return f"{number}%" if unit == "%" else f"{number} {unit}".rstrip()


class Translator:
    """Looks strings up in one language, and in English where that language lacks one.

    A missing key shows as itself and a missing field shows its placeholder: a gap in the
    wording must not take the program down. Tests hold both languages to the same keys.
    """

    def __init__(self, lang: Lang, locale: Path = LOCALE) -> None:
        self.lang: Lang = lang
        self._locale = locale
        self._areas: dict[tuple[str, str], dict[str, str]] = {}

    def __call__(self, key: str, /, **fields: object) -> str:
        """The text of `key` ("area.name") with its placeholders filled."""
        return fill(self.template(key) or key, fields)

    def template(self, key: str) -> str | None:
        """The text of `key` with its placeholders open; None where no language has it."""
        area, _, name = key.partition(".")
        for lang in (self.lang, "en"):
            if (text := self._area(lang, area).get(name)) is not None:
                return text
        return None

    def unit(self, unit: str) -> str:
        """A unit of measurement in words; "pp", percentage points, is the one that a language spells out."""
        return self("shell.unit_pp") if unit == "pp" else unit

    def problem(self, error: BaseException) -> str:
        """One clear message for an error a person can mend, in the chosen language.

        LabProblem and BankProblem carry a key and fields; an OSError its file and reason. Anything else
        speaks for itself.
        """
        room = type(error).__module__.partition(".")[0]  # "labs" or "questions": the table in problems.toml
        key = getattr(error, "key", None)
        fields = getattr(error, "fields", None)
        if isinstance(key, str) and isinstance(fields, Mapping):
            template = self.template(f"problems.{room}.{key}")
            return fill(template, fields) if template else str(error)
        if isinstance(error, OSError) and error.strerror:
            from questions.characters import visible

            return self("shell.os_error", file=visible(error.filename or "-"), reason=error.strerror)
        return str(error) or type(error).__name__

    def _area(self, lang: str, area: str) -> dict[str, str]:
        if (strings := self._areas.get((lang, area))) is None:
            strings = self._areas[lang, area] = read_area(self._locale / lang / f"{area}.toml")
        return strings


def read_area(file: Path) -> dict[str, str]:
    """The strings of one area file; tables inside it give dotted names ("labs.unknown-lab")."""
    import tomllib  # 5 ms that a run which prints nothing of ours need not pay

    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    strings: dict[str, str] = {}
    pending: list[tuple[str, object]] = list(tree.items())
    for name, value in pending:
        if isinstance(value, dict):
            pending.extend((f"{name}.{inner}", child) for inner, child in value.items())
        else:
            strings[name] = str(value)
    return strings


class _Words(Formatter):
    """Knows `{count:card|cards}`: the first word for 1, else the second. An unknown placeholder stays."""

    def get_value(self, key: int | str, args: object, kwargs: Mapping[str, object]) -> object:
        return kwargs.get(str(key), f"{{{key}}}")

    def format_field(self, value: object, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if bar:
            return one if str(value).lstrip("+-") == "1" else many
        return str(super().format_field(value, spec))


_WORDS = _Words()


def fill(template: str, fields: Mapping[str, object]) -> str:
    """`template` with its placeholders filled from `fields`; an unknown one stays as it is written. A number may choose
    a word: `{count} {count:card|cards}`."""
    try:
        if "|" not in template:
            return template.format_map(fields)
    except (KeyError, IndexError, ValueError):
        pass
    try:
        return _WORDS.vformat(template, (), fields)
    except ValueError:  # a format such as {seconds:.0f} met a placeholder left open
        return template


def choose_language(flag: str | None, saved: str | None, environ: Mapping[str, str] = os.environ) -> Lang:
    """--lang, else the saved setting, else the locale of the environment, else English."""
    for wish in (flag, saved):
        if wish in LANGUAGES:
            return wish
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"
