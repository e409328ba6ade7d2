"""FAQs of every shape become cards, and every line of them is in a card or in the list of what is not."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions import faq_file, faq_text
from questions.faq_file import PLACED, Faq, language_of, parse
from questions.problems import BankProblem


def headings(text: str) -> list[str]:
    return [card.heading for card in parse(text, "faq").cards]


def reasons(faq: Faq) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for note in faq.notes:
        found.setdefault(note.why, []).append(note.lines)
    return found


def lost(text: str, faq: Faq) -> list[str]:
    """Lines that stand neither in a card nor in the list nor as the heading of a section."""
    lines, _ = faq_text.lines_of(text)
    listed = {
        n for note in faq.notes if note.why not in PLACED for n in range(note.lines[0], note.lines[1] + 1)
    }
    noted = "\n".join(note.text for note in faq.notes).split("\n")
    sections = {section.line for section in faq.sections}
    titles = {title for section in faq.sections for title in section.above}
    missing = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cards = [card for card in faq.cards if card.lines[0] <= number <= card.lines[1]]
        words = re.sub(r"[\s#*_]", "", line)
        in_card = any(
            line in card.body.split("\n") or words in re.sub(r"[\s#*_]", "", card.heading) for card in cards
        )
        begins = any(
            re.sub(r"[\s#*_]", "", card.heading) in words for card in cards if card.lines[0] == number
        )
        in_list = number in listed and line in noted
        underline = re.fullmatch(r" {0,3}(=+|-{2,})[ \t]*", line) is not None
        titled = number in sections or words.strip("#") in {re.sub(r"[\s#*_]", "", t) for t in titles}
        if not (in_card or begins or in_list or underline or titled):
            missing.append(f"{number}: {line}")
    return missing


# --- shapes

SHAPES = [
    ("# FAQ\n## What is a?\nIt is a.\n## What is b?\nIt is b.\n", ["What is a?", "What is b?"]),
    ("## 1. 什么是归一化？\n答案。\n## 2. 什么是卷积？\n答案。\n", ["1. 什么是归一化？", "2. 什么是卷积？"]),
    ("What is a?\n==========\nIt is a.\n\nWhat is b?\n---\nIt is b.\n", ["What is a?", "What is b?"]),
    ("1. What is a?\n   It is a.\n2. What is b?\n   It is b.\n", ["What is a?", "What is b?"]),
    ("1、什么是a？\n是a。\n\n（2）什么是b？\n是b。\n", ["什么是a？", "什么是b？"]),
    ("**What is a?**\n\nIt is a.\n\n**2. What is b?**\nIt is b.", ["What is a?", "2. What is b?"]),
    ("Q: What is a?\nA: It is a.\n\nQ: And b\nA: It is b.\n", ["What is a?", "And b"]),
    ("**Q1:** What is a?\n**A:** It is a.\n**Q2:** And b?\n**A:** It is b.\n", ["What is a?", "And b?"]),
    ("问：什么是a\n答：是a。\n问：什么是b\n答：是b。\n", ["什么是a", "什么是b"]),
    ("Ｑ：什么是a\nＡ：是a。\n问题2：什么是b\n答：是b。\n", ["什么是a", "什么是b"]),
    ("What is a?\n\nIt is a.\n\nWhat is b?\n\nIt is b.\n", ["What is a?", "What is b?"]),
    ("Just some text.\n\nAnd more.\n", ["faq"]),
    ("##什么是a？\n是a。\n##什么是b？\n是b。\n", ["什么是a？", "什么是b？"]),
    (
        "<details><summary>What is a?</summary>\n\nIt is a.\n\n</details>\n"
        "<details>\n<summary>What is b?</summary>\nIt is b.\n</details>\n",
        ["What is a?", "What is b?"],
    ),
    ("# A\n## B\n### c?\nIt is c.\n### d?\nIt is d.\n## E\nIt is e.\n", ["c?", "d?", "E"]),
    ("# General\nQ: a?\nA: yes.\nQ: b?\nA: no.\n# Other\nIt is.\n", ["a?", "b?", "Other"]),
    ("# What is a?\nIt is either:\n1. Is it this?\n2. Is it that?\n", ["What is a?"]),
    ("# 常见问题\n1. 什么是a？\n是a。\n2. 什么是b？\n是b。\n", ["什么是a？", "什么是b？"]),
    ("# What is a?\n```python\n# not a heading\nQ: neither?\n```\n", ["What is a?"]),
    ("# What is a?\n~~~\n```\n# no\n~~~\n# What is b?\nIt is b.\n", ["What is a?", "What is b?"]),
    ("# What is a? ##\n    # code, no heading\n", ["What is a?"]),
    ("# What is a?\n<!--\n# What was b?\n-->\nIt is a.\n", ["What is a?"]),
    ("---\ntitle: FAQ\n---\n# What is a?\nIt is a.\n", ["What is a?"]),
    ("# a?\n| x | y |\n|---|---|\n| 1 | 2 |\n", ["a?"]),
    ("# a?\r\nIt is a.\r\n\r\n# b?\r\nIt is b.\r\n", ["a?", "b?"]),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES, ids=lambda value: str(value)[:24])
def test_each_shape_gives_its_questions_and_loses_nothing(text: str, expected: list[str]) -> None:
    faq = parse(text, "faq")
    assert [card.heading for card in faq.cards] == expected
    assert lost(text, faq) == []


NOTES = """\
# 课堂笔记
## 1. loader.shuffle(x)和loader.sort(x)有什么区别？

 loader.shuffle(x)的作用是**打乱 Order 和 Batch。** 顺序每轮都变。

 后一个则不然。

## 2. Pool2d参数？步长的意义？

 **nn.Pool2d (self, size, stride=2)**)

**1. 步长（stride）**：每次走几格。尺寸一般有2x2（偶数x偶数）。

**2. 填充（padding）**：补在四周。

## 3. 如何保存？

 **为什么保存很重要**

断电会丢。



## Q1:批次 batch（为什么要分批）

内存有限：一次放不下
## Q2: 加速的办法

1. 多进程
2. 缓存,预取,

## Q3:如何改进,使其更快

见 附录.md

"""


def test_loose_notes_with_numbered_and_lettered_headings_lose_nothing() -> None:
    """Headings over a title, blank lines of spaces, bold lines that ask nothing, lists without a blank line."""
    faq = parse(NOTES, "faq")
    assert [card.heading for card in faq.cards] == [
        "1. loader.shuffle(x)和loader.sort(x)有什么区别？",
        "2. Pool2d参数？步长的意义？",
        "3. 如何保存？",
        "Q1:批次 batch（为什么要分批）",
        "Q2: 加速的办法",
        "Q3:如何改进,使其更快",
    ]
    assert [section.title for section in faq.sections] == ["课堂笔记"]
    assert all(card.lang == "zh" for card in faq.cards)
    assert lost(NOTES, faq) == []
    assert not faq.notes
    assert "打乱 Order 和 Batch。" in faq.cards[0].body


def test_a_body_is_as_its_source_has_it() -> None:
    body = (
        "Look:\n\n```python\nx = 1\n\n\n# a comment\n```\n\n| a | b |\n|---|---|\n\n* one\n   * two [red]x[/]"
    )
    (card,) = parse(f"# Why?\n\n{body}\n\n\n", "faq").cards
    assert card.body == body
    assert card.lines == (1, 16)


def test_nested_headings_become_sections_with_the_way_to_them() -> None:
    faq = parse("# Book\n## Part\n### a?\nyes\n## Other\nintro\n### b?\nno\n", "faq")
    assert [(s.title, s.above) for s in faq.sections] == [
        ("Part", ("Book",)),
        ("Book", ()),
        ("Other", ("Book",)),
    ]
    assert [(card.heading, faq.sections[card.section].title) for card in faq.cards] == [
        ("a?", "Part"),
        ("Other", "Book"),
        ("b?", "Other"),
    ]


def test_what_fits_into_no_card_is_listed_with_its_lines() -> None:
    text = (
        "---\nlang: en\n---\nHello.\n\nMore.\n# Empty\n# a?\nyes <br> <kbd>x</kbd>\n![p](gone.png)\n"
        "![q](there.png)\n![r](https://example.org/r.png)\n<!-- mine -->\n## Empty too\n***\n"
    )
    faq = parse(text, "faq", lambda image: image == "there.png")
    assert [card.heading for card in faq.cards] == ["a?"]
    assert reasons(faq) == {
        "front-matter": [(1, 3)],
        "before-first": [(4, 6)],
        "empty-heading": [(7, 7), (14, 14)],
        "html": [(9, 9)],
        "image-missing": [(10, 10)],
        "image-left": [(11, 11), (12, 12)],
        "comment": [(13, 13)],
        "rule": [(15, 15)],
    }
    assert lost(text, faq) == []


def test_a_question_without_an_answer_is_listed() -> None:
    faq = parse("Q: one?\nA: yes\nQ: two?\n\nQ: three?\nA: no\n", "faq")
    assert [card.heading for card in faq.cards] == ["one?", "three?"]
    assert reasons(faq) == {"empty-heading": [(3, 3)]}


def test_a_fence_left_open_is_told_of_and_swallows_nothing() -> None:
    text = "# a?\nyes\n```\n# b?\nno\n"
    faq = parse(text, "faq")
    assert reasons(faq) == {"fence-open": [(3, 3)]}
    assert lost(text, faq) == []


def test_characters_that_a_terminal_obeys_are_removed_and_listed() -> None:
    faq = parse("# Wh\x1b[31my?\nb\u202ec\u200b d\x07\n", "faq")
    assert (faq.cards[0].heading, faq.cards[0].body) == ("Wh[31my?", "bc d")
    assert [(note.lines, note.text.split()[0]) for note in faq.notes] == [
        ((1, 1), "U+001B"),
        ((2, 2), "U+202E"),
        ((2, 2), "U+200B"),
        ((2, 2), "U+0007"),
    ]


def test_a_text_too_long_for_one_card_goes_on_in_the_next() -> None:
    text = "# a?\n" + "\n".join(f"line {n}" for n in range(30_000)) + f"\n{'x' * 30_000}\n# b?\nyes\n"
    faq = parse(text, "faq")
    assert len(faq.cards) > 3
    assert {card.heading for card in faq.cards} == {"a?", "b?"}
    assert all(len(card.body) <= faq_file.LONGEST for card in faq.cards)
    assert sum(card.body.count("line ") for card in faq.cards) == 30_000
    assert reasons(faq) == {"long-line": [(30_002, 30_002)]}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "faq-empty"),
        ("# Only\n## headings\n", "faq-empty"),
        ("<!-- nothing -->\n", "faq-empty"),
        ("x\n" * (faq_file.MOST_LINES + 1), "faq-lines"),
        ("# a?\nb\n" * (faq_file.MOST_CARDS + 1), "faq-many"),
    ],
)
def test_what_no_deck_can_be_made_of_says_so(text: str, key: str) -> None:
    with pytest.raises(BankProblem) as problem:
        parse(text, "faq")
    assert problem.value.key == key


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Conv2d的参数？`kernel_size`", "zh"),
        ("What is BatchNorm?", "en"),
        ("DataLoader num_workers pin_memory 怎么设置", "zh"),
        ("the word 中 in an English sentence of some length", "en"),
        ("1 + 1", "en"),
    ],
)
def test_the_language_is_guessed_from_what_is_read(text: str, lang: str) -> None:
    assert language_of(text) == lang


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_where_it_says_what_it_is(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "faq.md"
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    file.write_bytes(mark + "# 为什么？\r\n因为。\r\n".encode(encoding))
    assert headings(faq_text.read(file)) == ["为什么？"]


def test_gbk_is_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    file = tmp_path / "常见 问题.md"
    file.write_bytes("# 为什么训练要打乱数据？\n因为顺序会带来偏差。".encode("gbk"))
    with pytest.raises(BankProblem) as problem:
        faq_text.read(file)
    assert problem.value.key == "faq-encoding"
    assert problem.value.fields["encoding"] == "GBK"
    assert problem.value.fields["command"] == "iconv -f GB18030 -t UTF-8 '常见 问题.md' > '常见 问题.utf8.md'"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("Où est-ce que ça mène, déjà ?".encode("latin-1"), "not-utf8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(128, 256)), "not-utf8"),
        ("# Why?\nBecause.".encode("utf-16-le"), "faq-encoding"),
        (b"\xff\xfe\x00\xd8", "not-utf8"),
        (b"a" * (faq_text.MOST_BYTES + 1), "faq-large"),
    ],
)
def test_other_bytes_are_named_for_what_they_are(tmp_path: Path, data: bytes, key: str) -> None:
    file = tmp_path / "faq.md"
    file.write_bytes(data)
    with pytest.raises(BankProblem) as problem:
        faq_text.read(file)
    assert problem.value.key == key


def test_a_file_that_is_none_is_one_message(tmp_path: Path) -> None:
    for path, key in ((tmp_path / "gone.md", "faq-missing"), (tmp_path, "not-a-file")):
        with pytest.raises(BankProblem) as problem:
            faq_text.read(path)
        assert problem.value.key == key


# --- any text

WORDS = st.sampled_from(
    [
        "a",
        "Why?",
        "为什么？",
        "x = 1  # y",
        "[red]z[/]",
        "<br>",
        "![i](p.png)",
        "`c`",
        "**b?**",
        "__b？__",
        "\x1b[2J",
        "\u200b",
    ]
)
LINES = st.one_of(
    WORDS,
    st.builds(
        "{} {}".format, st.sampled_from(["#", "##", "###", "######", "#######", " ##", "    #"]), WORDS
    ),
    st.builds(
        "{}{}".format,
        st.sampled_from(["Q: ", "A: ", "问：", "答：", "1. ", "（2）", "三、", "- ", "> ", "    "]),
        WORDS,
    ),
    st.sampled_from(
        [
            "",
            "",
            "---",
            "===",
            "***",
            "```",
            "```python",
            "~~~~",
            "<!--",
            "-->",
            "<!-- x -->",
            "+++",
            "| a | b |",
        ]
    ),
    st.text(max_size=12),
)
TEXTS = st.lists(LINES, max_size=40).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join(lines))
)


@given(TEXTS)
@settings(max_examples=3000, deadline=None)
def test_no_line_of_any_markdown_is_lost(text: str) -> None:
    try:
        faq = parse(text, "faq")
    except BankProblem as problem:
        assert problem.key == "faq-empty"
        return
    assert lost(text, faq) == []
    assert all(card.body.strip() and card.heading.strip() for card in faq.cards)
    assert [card.lines for card in faq.cards] == sorted(card.lines for card in faq.cards)


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(BankProblem):
        parse(faq_text.decoded(data, Path("faq.md")), "faq")
