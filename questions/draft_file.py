"""One draft a file: `<entry>/<claim>/draft.md`, a text of somebody's FAQ that is to become a claim with questions.

TOML front matter, the text as its source has it, and a comment with the form of a claim and of a question to fill in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from questions import marked_file
from questions.problems import BankProblem
from questions.shapes import Draft

DRAFT_FILE = "draft.md"
_FORM = "<!-- torchproof:"  # begins the comment at the end

# What an author fills in; the remarks are those of the language around it.
_CLAIM = """\
+++
id = "{id}"
order = {order}
verdict = "true"  # {verdicts}
source = "{source}"  # {sources}
origin = "stated"
+++
# zh
（论断，一句话）
## why
（为什么）
# en
(the claim, one sentence)
## why
(why it is so)"""

_QUESTION = """\
+++
id = "{id}-which"
claim = "{id}"
kind = "choice"
difficulty = 2
source = "{source}"
answer = "right"
options = [
  {{ id = "right", zh = "正确的选项", en = "the right one" }},
  {{ id = "wrong", zh = "错误的选项", en = "a wrong one", misconception = "belief-one" }},
  {{ id = "other", zh = "另一个错误的选项", en = "another wrong one", misconception = "belief-two" }},
]
+++
# zh
（题干）
## explain
（为什么对，为什么错）
# en
(the question)
## explain
(why it is right, why the others are wrong)"""

_BELIEF = """\
[[misconceptions]]
id = "belief-one"
name = {{ zh = "（误解是什么）", en = "(what one may believe)" }}
because = {{ zh = "（它错在哪里）", en = "(why it is wrong)" }}"""

_REMARKS = {
    "zh": {
        "verdicts": "true、true-with-conditions、misleading、false 四选一",
        "sources": "凭什么这么说：文档、论文，或跑过的代码",
    },
    "en": {
        "verdicts": "one of true, true-with-conditions, misleading, false",
        "sources": "what says so: documentation, a paper, code that was run",
    },
}

_FORMS = {
    "zh": f"""\
<!-- torchproof: 这是草稿：可以读，不会出题。想用它出题，请照下面两个样式手工补全。

一、在本文件旁新建 claim.md，写一句可能错的话（论断），而不是问题：

{_CLAIM}

二、再为这条论断写一题或多题，每题一个文件，文件名即 id，例如 {{id}}-which.md：

{_QUESTION}

三、错误选项背后的误解写进上一级文件夹的 misconceptions.toml，每条一段：

{_BELIEF}

四、运行 torchproof bank check，指出的问题改到没有为止。
-->
""",
    "en": f"""\
<!-- torchproof: this is a draft: it can be read, and is never asked. To be asked about it, complete these two by hand.

1. Make a file claim.md beside this one. A claim is a sentence that can be wrong, not a question:

{_CLAIM}

2. Write one or more questions on it, each a file named after its id, such as {{id}}-which.md:

{_QUESTION}

3. Put the beliefs behind the wrong options into misconceptions.toml in the folder above, one block each:

{_BELIEF}

4. Run torchproof bank check, and mend what it names until nothing is left.
-->
""",
}


class _Front(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    order: int
    heading: str
    lang: Literal["zh", "en"]
    source: str
    lines: tuple[int, int]


def load_draft(path: Path) -> Draft:
    """What a draft's front matter says. Raises BankProblem naming file, line, field and fix."""
    front, where, _, _ = marked_file.front_matter(path, _Front)
    if not front.heading.strip() or "\n" in front.heading:
        raise BankProblem("draft-heading", file=path, line=where.line("heading"))
    return Draft(
        id=path.parent.name,
        entry=path.parent.parent.name,
        order=front.order,
        heading=front.heading,
        lang=front.lang,
        source=front.source,
        lines=front.lines,
        file=path,
    )


def body(path: Path) -> str:
    """The text of a draft as its source has it. Raises BankProblem as `load_draft` does."""
    _, _, lines, start = marked_file.front_matter(path, _Front)
    text = lines[start:]
    form = max((n for n, line in enumerate(text) if line.startswith(_FORM)), default=len(text))
    return "\n".join(text[:form]).strip("\n")


def draft_text(draft: Draft, text: str) -> str:
    """The file of a draft with this body."""
    source = _quoted(draft.source)[1:-1]
    form = _FORMS[draft.lang].format(id=draft.id, order=draft.order, source=source, **_REMARKS[draft.lang])
    front = [
        f"order = {draft.order}",
        f"heading = {_quoted(draft.heading)}",
        f'lang = "{draft.lang}"',
        f"source = {_quoted(draft.source)}",
        f"lines = [{draft.lines[0]}, {draft.lines[1]}]",
    ]
    return "\n".join(["+++", *front, "+++", text, "", form])


def _quoted(text: str) -> str:
    """A string of TOML."""
    import json  # not needed where drafts are only read

    return json.dumps(text, ensure_ascii=False)
