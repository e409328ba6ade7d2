"""Running text: paragraphs, lists, code blocks and `code` spans, as written, never parsed as markup."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.wrap import divide_line

CODE = "$code"
COMMENT = "$muted italic"
KEYWORD = "$code bold"
STRING = "$string"


class Block(NamedTuple):
    """A paragraph, a list item with its marker, or a block of code."""

    kind: Literal["paragraph", "item", "code"]
    text: str
    marker: str = ""


_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f]"
)  # controls take no cell, yet keep a line's last space from its end
_FENCE = re.compile(r"^\s*```")
_ITEM = re.compile(r"^\s*([-*]|\d{1,2}[.)])\s+(.*)$")
_SPAN = re.compile(r"`([^`\n]+)`")
_STRONG = re.compile(r"(?<![A-Za-z0-9*])\*\*(?=[^\s*])([^*\n]+)(?<=\S)\*\*(?![A-Za-z0-9*])")
_TOKEN = re.compile(
    r"(?P<comment>#.*)"
    r"|(?P<string>[rbfRBF]?(?:'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<keyword>\b(?:and|as|assert|async|await|break|class|continue|def|del|elif|else|except|False|finally|for"
    r"|from|if|import|in|is|lambda|None|nonlocal|not|or|pass|raise|return|True|try|while|with|yield)\b)"
)


def blocks(text: str) -> list[Block]:
    """Divide text into paragraphs, list items and fenced code. A fence left open runs to the end."""
    found: list[Block] = []
    paragraph: list[str] = []
    code: list[str] | None = None

    def close() -> None:
        if paragraph:
            found.append(Block("paragraph", _joined(paragraph)))
            paragraph.clear()

    for line in _UNSEEN.sub("", text).strip("\n").splitlines():
        if _FENCE.match(line):
            if code is None:
                close()
                code = []
            else:
                found.append(Block("code", "\n".join(code)))
                code = None
        elif code is not None:
            code.append(line)
        elif item := _ITEM.match(line):
            close()
            marker = "•" if item[1] in "-*" else item[1]
            found.append(Block("item", item[2], marker))
        elif not line.strip():
            close()
        elif found and found[-1].kind == "item" and not paragraph and line[:1].isspace():
            last = found.pop()  # an indented line goes on with the item above it
            found.append(last._replace(text=_joined([last.text, line])))
        else:
            paragraph.append(line)
    if code is not None:
        found.append(Block("code", "\n".join(code)))
    close()
    return found


def _joined(lines: list[str]) -> str:
    """Lines of one paragraph as one line: Chinese joins without a space."""
    text = ""
    for line in map(str.strip, lines):
        gap = " " if text and line and (text[-1].isascii() or line[0].isascii()) else ""
        text += gap + line
    return text


def spans(text: str) -> Content:
    """One line of text with its `code` spans in the code style; everything else as written."""
    parts: list[Content | str] = []
    end = 0
    for span in _SPAN.finditer(text):
        parts.append(text[end : span.start()])
        parts.append(Content.styled(span[1], CODE))
        end = span.end()
    parts.append(text[end:])
    return Content.assemble(*(part for part in parts if part))


def strong(text: str) -> Content:
    """The same of a text that is not ours: what stands between ** is bold as well."""
    parts: list[Content] = []
    end = 0
    for found in _STRONG.finditer(text):
        if found[1].count("`") % 2 == 0:
            parts += [spans(text[end : found.start()]), spans(found[1]).stylize_before("bold")]
            end = found.end()
    return Content("").join([*parts, spans(text[end:])])


def code(text: str) -> Content:
    """Python source with comments, strings and keywords told apart."""
    parts: list[Content | str] = []
    end = 0
    styles = {"comment": COMMENT, "string": STRING, "keyword": KEYWORD}
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        parts.append(Content.styled(token[0], styles[token.lastgroup or "keyword"]))
        end = token.end()
    parts.append(text[end:])
    return Content.assemble(*(part for part in parts if part))


def lines(content: Content, width: int, first: str = "", rest: str | None = None) -> Iterator[Content]:
    """`content` cut into lines of at most `width` cells, `first` before the first and `rest` before others.

    Without `rest` later lines are indented as far as `first` goes. Where an indent leaves fewer than 2 cells
    it is dropped rather than the text.
    """
    before = _fitting(Content(first), width)
    after = _fitting(Content(" " * cell_len(first) if rest is None else rest), width)
    for line in content.split("\n", allow_blank=True):
        line = line.expand_tabs(4)
        cuts = divide_line(line.plain, width - before.cell_length)
        if cuts and before.cell_length != after.cell_length:
            tail = line[cuts[0] :]
            cuts = [cuts[0], *(cuts[0] + cut for cut in divide_line(tail.plain, width - after.cell_length))]
        for piece in line.divide(cuts):
            yield before + piece.rstrip()
            before = after


def _fitting(indent: Content, width: int) -> Content:
    return indent if width - indent.cell_length >= 2 else Content("")


def layout(
    parsed: Sequence[Block | Content], width: int, inline: Callable[[str], Content] = spans
) -> Content:
    """The blocks as text of `width` cells, with a blank line between paragraphs and around code; `inline` styles a
    line of text."""
    out: list[Content] = []
    previous: Block | Content | None = None
    for block in parsed:
        if previous is not None and not (_is_item(previous) and _is_item(block)):
            out.append(Content(""))
        if isinstance(block, Content):
            out.extend(lines(block, width))
        elif block.kind == "code":
            for source in block.text.split("\n"):
                indent = len(source) - len(source.lstrip())
                out.extend(lines(code(source), width, "  ", " " * (min(indent, 12) + 4)))
        elif block.kind == "item":
            out.extend(lines(inline(block.text), width, f"{block.marker} "))
        else:
            out.extend(lines(inline(block.text), width))
        previous = block
    return Content("\n").join(out)


def _is_item(block: Block | Content) -> bool:
    return isinstance(block, Block) and block.kind == "item"


class Prose(Widget):
    """Text of a question, an explanation, a page of help. `update()` changes it.

    Beside text it takes blocks and Content made already; Content is wrapped, line for line, as it is.
    """

    DEFAULT_CSS = """
    Prose { height: auto; width: 1fr; text-wrap: nowrap; }
    """

    def __init__(
        self,
        text: str | Sequence[Block | Content] = "",
        *,
        id: str | None = None,
        classes: str | None = None,
        inline: Callable[[str], Content] = spans,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.inline = inline
        self._text = text
        self._blocks = _parsed(text)
        self._laid_out: tuple[int, Content] = (-1, Content(""))

    @property
    def text(self) -> str:
        """What was given to show, without layout."""
        if isinstance(self._text, str):
            return self._text
        return "\n\n".join(block.plain if isinstance(block, Content) else block.text for block in self._text)

    def update(self, text: str | Sequence[Block | Content]) -> None:
        """Show another text; nothing happens where it is the same one."""
        if text == self._text:
            return
        self._text = text
        self._blocks = _parsed(text)
        self._laid_out = (-1, Content(""))
        self.refresh(layout=True)

    def content(self, width: int) -> Content:
        """The text laid out for `width` cells."""
        if self._laid_out[0] != width:
            self._laid_out = (width, layout(self._blocks, width, self.inline))
        return self._laid_out[1]

    def render(self) -> Content:
        return self.content(self.size.width)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.content(width).plain.count("\n") + 1 if self._blocks else 0


def _parsed(text: str | Sequence[Block | Content]) -> list[Block | Content]:
    return [*blocks(text)] if isinstance(text, str) else list(text)
