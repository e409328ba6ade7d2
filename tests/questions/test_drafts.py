"""A FAQ becomes a pack of drafts, which can be read, are never asked, and say how to make questions of them."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions import packs
from questions.characters import FORBIDDEN
from questions.draft_file import body, draft_text, load_draft
from questions.faq_file import parse
from questions.faq_pack import LEFTOVERS, import_faq, write
from questions.merge import merge
from questions.plan import plan
from questions.problems import BankProblem
from questions.shapes import Bank, Draft

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FAQ = """\
Welcome.

# 疑问解答
## 1. model.train() 有什么作用？
它启用 **Dropout**。

![图](gone.png)
## Why?
Because [red]it[/red] is.

```python
+++
<!-- torchproof: not ours -->
# no heading
```
## Why?
Another "answer" \\ with signs.
# Empty
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def imported(tmp_path: Path, home: Path, text: str = FAQ, name: str = "faq") -> tuple[Draft, ...]:
    file = tmp_path / "我的 FAQ.md"
    file.write_text(text, "utf-8")
    return import_faq(file, home, name, now=NOW)[1]


def test_a_faq_becomes_a_pack_of_drafts(tmp_path: Path, home: Path) -> None:
    drafts = imported(tmp_path, home)
    bank = packs.load(home, "faq", tmp_path / "cache").bank
    assert bank.drafts == drafts
    assert [(d.heading, d.lang, d.lines) for d in drafts] == [
        ("1. model.train() 有什么作用？", "zh", (4, 7)),
        ("Why?", "en", (8, 15)),
        ("Why?", "en", (16, 17)),
    ]
    assert [entry.title.zh for entry in bank.entries.values()] == ["疑问解答"]
    assert len({draft.id for draft in drafts}) == 3
    assert body(drafts[1].file).split("\n")[-3:] == ["<!-- torchproof: not ours -->", "# no heading", "```"]
    assert (bank.claims, bank.questions, bank.problems) == ({}, {}, ())


def test_what_was_left_over_stands_in_the_pack_in_full(tmp_path: Path, home: Path) -> None:
    imported(tmp_path, home)
    rows = tomllib.loads((home / "faq" / LEFTOVERS).read_text("utf-8"))["lines"]
    assert [(row["why"], row["lines"], row["text"]) for row in rows] == [
        ("before-first", [1, 1], "Welcome."),
        ("image-missing", [7, 7], "gone.png"),
        ("empty-heading", [18, 18], "# Empty"),
    ]


def test_ids_stay_when_the_faq_grows(tmp_path: Path, home: Path) -> None:
    before = {draft.heading: draft.id for draft in imported(tmp_path, home)[:2]}
    grown = imported(tmp_path, home, FAQ.replace("## 1.", "## Before?\nYes.\n## 1."), "again")
    assert {d.heading: d.id for d in grown if d.heading in before and d.id in before.values()} == before


def test_a_second_import_overwrites_nothing(tmp_path: Path, home: Path) -> None:
    drafts = imported(tmp_path, home)
    drafts[0].file.write_text("mine", "utf-8")
    with pytest.raises(BankProblem) as problem:
        imported(tmp_path, home)
    assert problem.value.key == "pack-exists"
    assert drafts[0].file.read_text("utf-8") == "mine"


def test_a_faq_that_cannot_be_read_leaves_nothing(tmp_path: Path, home: Path) -> None:
    for text in ("", "# Only a heading\n"):
        with pytest.raises(BankProblem):
            imported(tmp_path, home, text)
    assert packs.names(home) == []


def test_pictures_are_looked_for_beside_the_faq_alone(tmp_path: Path, home: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"")
    folder = tmp_path / "faq"
    folder.mkdir()
    (folder / "there.png").write_bytes(b"")
    (folder / "faq.md").write_text(
        f"# a?\n![x](there.png)\n![x](../secret.png)\n![x]({tmp_path}/secret.png)\n![x](\x00.png)\n", "utf-8"
    )
    faq, _ = import_faq(folder / "faq.md", home, "faq", now=NOW)
    assert [(note.why, note.lines[0]) for note in faq.notes if note.why != "character"] == [
        ("image-left", 2),
        ("image-missing", 3),
        ("image-missing", 4),
        ("image-missing", 5),
    ]


def test_drafts_are_never_asked(tmp_path: Path, home: Path, bank: Bank) -> None:
    imported(tmp_path, home)
    merged = merge(bank, packs.load_all(home))
    assert len(merged.drafts) == 3
    assert plan(merged, [], [], NOW, 60).items == plan(bank, [], [], NOW, 60).items


@pytest.mark.parametrize("number", [0, 1], ids=["zh", "en"])
def test_its_form_filled_in_makes_a_claim_and_a_question(tmp_path: Path, home: Path, number: int) -> None:
    draft = imported(tmp_path, home)[number]
    text = draft.file.read_text("utf-8")
    form = text[text.rindex("<!-- torchproof: ") :]
    claim, question = re.findall(r"\+\+\+\n.*?(?=\n\n\S)", form, re.DOTALL)
    (beliefs,) = re.findall(r"\[\[misconceptions\]\]\n(?:.+\n)+", form)
    draft.file.with_name("claim.md").write_text(claim, "utf-8")
    draft.file.with_name(f"{draft.id}-which.md").write_text(question, "utf-8")
    table = draft.file.parents[1] / "misconceptions.toml"
    table.write_text(beliefs + beliefs.replace("belief-one", "belief-two"), "utf-8")
    bank = packs.load(home, "faq", tmp_path / "cache").bank
    assert bank.problems == ()
    assert list(bank.claims) == [draft.id]
    assert list(bank.questions) == [f"{draft.id}-which"]
    assert draft not in bank.drafts and len(bank.drafts) == 2
    merged = merge(Bank(), packs.load_all(home))
    assert len(plan(merged, [], [], NOW, 10).items) == 1


BROKEN = [
    ("order = 1", 'order = "one"', "field-type"),
    ("heading = ", "headline = ", "field-unknown"),
    ('heading = "1.', 'heading = "a\\nb', "draft-heading"),
    ('lang = "zh"', 'lang = "fr"', "field-value"),
    ("+++\norder", "order", "front-matter"),
]


@pytest.mark.parametrize(("old", "new", "key"), BROKEN)
def test_a_broken_draft_is_named_and_hides_no_other(
    tmp_path: Path, home: Path, old: str, new: str, key: str
) -> None:
    file = imported(tmp_path, home)[0].file
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    bank = packs.load(home, "faq").bank
    assert [problem.key for problem in bank.problems] == [key]
    assert len(bank.drafts) == 2


def test_a_draft_in_the_wrong_place_is_named(tmp_path: Path, home: Path) -> None:
    file = imported(tmp_path, home)[0].file
    file.rename(file.parents[1] / "draft.md")
    assert [problem.key for problem in packs.load(home, "faq").bank.problems] == ["draft-folder"]


LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(
            lambda t: re.sub(r"[\r\n]", "", FORBIDDEN.sub("", t))
        ),
        st.sampled_from(
            ["+++", "---", "# zh", "## why", "<!-- torchproof: x", "-->", '"""', "\\u0041", "[[a]]", ""]
        ),
    ),
    max_size=8,
)


@given(
    LINES, st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=40)
)
@settings(max_examples=300, deadline=None)
def test_a_draft_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], heading: str
) -> None:
    heading = " ".join(FORBIDDEN.sub("", heading).split()) or "x"
    text = "\n".join(lines).strip("\n")
    file = tmp_path_factory.mktemp("d") / "F1" / "id" / "draft.md"
    file.parent.mkdir(parents=True)
    draft = Draft(
        id="id", entry="F1", order=3, heading=heading, lang="zh", source='a "b".md', lines=(1, 9), file=file
    )
    file.write_text(draft_text(draft, text), "utf-8")
    assert load_draft(file) == draft
    assert body(file) == text


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_faq_makes_a_pack_that_can_be_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    try:
        faq = parse(text, "faq")
    except BankProblem:
        return
    folder = tmp_path_factory.mktemp("p")
    drafts = write(faq, "faq", "faq.md", folder)
    bank = packs.read(folder)
    assert bank.problems == () and bank.drafts == drafts
    assert [body(draft.file) for draft in drafts] == [card.body for card in faq.cards]
