"""The text of a FAQ that somebody else wrote: in what encoding it may come, and which characters it must lose."""

from __future__ import annotations

import codecs
import re
import shlex
import stat
from pathlib import Path
from typing import NamedTuple

from questions.characters import FORBIDDEN, name_of
from questions.problems import BankProblem

MOST_BYTES = 4 * 2**20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_END = re.compile(r"\r\n|\r|\n")


class Removed(NamedTuple):
    """A character that a terminal must not see, and the line it stood on."""

    line: int
    code: str
    name: str


def read(path: Path) -> str:
    """The text of the file, in whatever encoding it says it is.

    Raises BankProblem: "faq-missing", "not-a-file", "unreadable", "faq-large", "faq-encoding" (with the command that
    mends it), "not-utf8".
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BankProblem("not-a-file", file=path)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BankProblem("faq-missing", file=path) from None
    except OSError as error:
        raise BankProblem("unreadable", file=path, why=error.strerror or error) from None
    if len(data) > MOST_BYTES:
        raise BankProblem("faq-large", file=path, most=MOST_BYTES)
    return decoded(data, path)


def decoded(data: bytes, path: Path) -> str:
    """Bytes of the file `path` as text. Raises BankProblem("faq-encoding") or ("not-utf8")."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise BankProblem("not-utf8", file=path, byte=len(mark) + error.start) from None
    if data.count(0) > len(data) // 4:  # UTF-16 without its mark; most of it is ASCII
        raise _other("UTF-16LE" if data[1::2].count(0) > data[::2].count(0) else "UTF-16BE", path)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_gbk(data):
            raise _other("GBK", path) from None
        raise BankProblem("not-utf8", file=path, byte=error.start) from None


def lines_of(text: str) -> tuple[list[str], list[Removed]]:
    """The lines as an editor counts them, without what a terminal must not see; and what that was, each character
    once a line."""
    lines = _LINE_END.split(text)
    removed: list[Removed] = []
    for number, line in enumerate(lines):
        if FORBIDDEN.search(line):
            found = dict.fromkeys(FORBIDDEN.findall(line))
            removed += [Removed(number + 1, *name_of(sign)) for sign in found]
            lines[number] = FORBIDDEN.sub("", line)
    return lines, removed


def _is_gbk(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 read as Chinese: most signs are among those of the first standard. Western
    text can be read as rare Chinese characters as well, and is told by that."""
    try:
        signs = [sign for sign in data.decode("gb18030") if not sign.isascii()]
    except UnicodeDecodeError:
        return False
    usual = len("".join(signs).encode("gb2312", "ignore")) // 2
    return usual * 2 > len(signs)


def _other(encoding: str, path: Path) -> BankProblem:
    named = shlex.quote(path.name)
    mended = shlex.quote(f"{path.stem}.utf8{path.suffix}")
    source = "GB18030" if encoding == "GBK" else encoding
    command = f"iconv -f {source} -t UTF-8 {named} > {mended}"
    return BankProblem("faq-encoding", file=path, encoding=encoding, command=command)
