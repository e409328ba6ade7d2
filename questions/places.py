"""Reading TOML so that every mistake can be named by file, line and field."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct

from questions.characters import FORBIDDEN, name_of
from questions.problems import BankProblem, hint

T = TypeVar("T")


class Where(Struct, frozen=True):
    """Finds the line of a field, so that a message can name it."""

    file: Path
    lines: list[str]  # of the TOML text
    first: int  # number of lines before it
    prefix: str = ""

    def line(self, path: str) -> int:
        return self.first + line_of(self.lines, self.prefix + path)

    def missing(self, field: str) -> NoReturn:
        raise BankProblem("field-missing", file=self.file, line=self.line(field), field=field)

    def unknown(self, field: str, name: str, where: str, known: Iterable[str]) -> NoReturn:
        raise BankProblem(
            "unknown-id",
            file=self.file,
            line=self.line(field),
            field=field,
            id=name,
            where=where,
            hint=hint(name, known),
        )


MOST = 256 * 1024  # bytes of a file; the longest question has about five thousand
MOST_SIGNS = 10_000  # characters of one text; a card shows a few hundred
MOST_DOTS = 200  # on a line: TOML's reader takes memory with the square of a dotted key's length


def read(path: Path) -> str:
    """The text of a file of the bank. Raises BankProblem: missing, unreadable, too large, not UTF-8, or with a
    character that must not reach a terminal."""
    text = _text(path).replace("\r\n", "\n")
    if found := FORBIDDEN.search(text):
        code, name = name_of(found[0])
        line = text.count("\n", 0, found.start()) + 1
        raise BankProblem("character", file=path, line=line, code=code, name=name)
    return text


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise BankProblem("not-a-file", file=path)
        with path.open("rb") as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise BankProblem("too-large", file=path, size=path.stat().st_size, most=MOST)
        return data.decode("utf-8")
    except FileNotFoundError:
        raise BankProblem("missing-file", file=path) from None
    except OSError as error:
        raise BankProblem("unreadable", file=path, why=error.strerror or error) from None
    except UnicodeDecodeError as error:
        raise BankProblem("not-utf8", file=path, byte=error.start) from None


def toml(path: Path, text: str, lines_before: int) -> dict[str, Any]:
    """The table that `text` holds. Raises BankProblem with file and line."""
    for number, written in enumerate(text.split("\n"), lines_before + 1):
        if written.count(".") > MOST_DOTS:
            raise BankProblem("too-deep", file=path, line=number)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise BankProblem("too-deep", file=path, line=lines_before + 1) from None
    except ValueError as error:  # TOMLDecodeError, or an integer with too many digits
        why = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", why)
        line = int(found[1]) if found else text.count("\n") + 1
        why = why[: found.start()].strip() if found else why.removesuffix("(at end of document)").strip()
        raise BankProblem("toml", file=path, line=line + lines_before, why=why) from None
    _check_values(path, text, lines_before, table)
    return table


def _check_values(path: Path, text: str, lines_before: int, table: dict[str, Any]) -> None:
    """What the TOML stands for may hold no more than its text: an escape in a string can name a character that
    `read` refuses, and TOML's numbers have 64 bits. Raises BankProblem."""
    ahead: list[Any] = [table]
    while ahead:
        value = ahead.pop()
        if isinstance(value, dict):
            ahead += [*value, *value.values()]
        elif isinstance(value, list):
            ahead += value
        elif isinstance(value, str) and (found := FORBIDDEN.search(value)):
            code, name = name_of(found[0])
            line = _line_with(_written(found[0]), text) + lines_before
            raise BankProblem("character", file=path, line=line, code=code, name=name)
        elif isinstance(value, str) and len(value) > MOST_SIGNS:
            line = lines_before + 1
            raise BankProblem("text-long", file=path, line=line, count=len(value), most=MOST_SIGNS)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            line = _line_with(r"[0-9_]{19}|0[xob][0-9A-Fa-f_]{16}", text) + lines_before
            raise BankProblem("toml", file=path, line=line, why="a number of more than 64 bits")


def _written(character: str) -> str:
    """A pattern of the escapes that stand for a character."""
    short = {"\b": r"\\b|", "\f": r"\\f|", "\r": r"\\r|"}.get(character, "")
    return rf"{short}\\[uU]0*(?i:{ord(character):x})"


def _line_with(pattern: str, text: str) -> int:
    return next((n for n, line in enumerate(text.split("\n"), 1) if re.search(pattern, line)), 1)


def convert(raw: object, shape: type[T], where: Where) -> T:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise _field_problem(str(error), shape, where) from None


def _field_problem(message: str, shape: type[Any], where: Where) -> BankProblem:
    """msgspec's `Expected `str`, got `int` - at `$.options[1].en`` as a problem with file, line and fix."""
    what, _, place = message.partition(" - at `$")
    path = place.rstrip("`").removeprefix(".")
    if found := re.fullmatch(r"Object missing required field `(.+)`", what):
        field = f"{path}.{found[1]}".removeprefix(".")
        return BankProblem("field-missing", file=where.file, line=where.line(field), field=field)
    if found := re.fullmatch(r"Object contains unknown field `(.+)`", what):
        field = f"{path}.{found[1]}".removeprefix(".")
        near = hint(found[1], _fields_at(shape, path))
        return BankProblem("field-unknown", file=where.file, line=where.line(field), field=field, hint=near)
    if found := re.fullmatch(r"Expected `(.+)`, got `(.+)`", what):
        return BankProblem(
            "field-type", file=where.file, line=where.line(path), field=path, expected=found[1], got=found[2]
        )
    return BankProblem("field-value", file=where.file, line=where.line(path), field=path, why=what)


def _fields_at(shape: Any, path: str) -> list[str]:
    """Names that are allowed at a place such as `options[1]`, read off the types."""
    for part in (p for p in re.split(r"\.|\[\d*\.*\]", path) if p):
        shape = get_type_hints(shape).get(part)
        shape = next((t for t in _leaves(shape) if hasattr(t, "__struct_fields__")), None)
        if shape is None:
            return []
    return list(shape.__struct_fields__)


def _leaves(shape: Any) -> list[Any]:
    """The plain types inside `tuple[X, ...] | None` and the like."""
    inner = get_args(shape)
    return [leaf for t in inner for leaf in _leaves(t)] if inner else [shape]


def line_of(lines: list[str], path: str) -> int:
    """Line (from 1) where `options[1].en` stands, or the nearest thing above it that does; 1 if nothing."""
    parts = [p for p in re.split(r"\.|(\[\d+\])", path) if p]
    at: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    quote = ""
    for number, line in enumerate(lines, 1):
        if quote:  # inside a multi-line string
            quote = "" if quote in line else quote
            continue
        if found := re.match(r"\s*\[\[\s*([\w.-]+)\s*\]\]", line):
            counts[found[1]] = counts.get(found[1], -1) + 1
            table = f"{found[1]}[{counts[found[1]]}]."
            at.setdefault(table[:-1], number)
            at.setdefault(found[1], number)
        elif found := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            head, _, rest = found[1].partition(".")
            table = f"{head}[{counts[head]}].{rest}." if rest and head in counts else f"{found[1]}."
            at.setdefault(table[:-1], number)
        elif found := re.match(r"\s*([\w.-]+)\s*=", line):
            at.setdefault(table + found[1], number)
            for mark in ("'''", '"""'):
                if line.count(mark) % 2:
                    quote = mark
    while parts:
        name = "".join(p if p.startswith("[") else f".{p}" for p in parts).removeprefix(".")
        if name in at:
            return at[name]
        parts.pop()
    return 1
