"""One word for one thing: the glossary agrees with itself, and the texts that ship agree with it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from questions.catalog import BANK, load
from questions.lint.glossary import avoided, one_word, terms

LABS = Path(__file__).parents[2] / "labs" / "experiments"


def test_the_glossary_has_sixty_terms_or_more_each_once() -> None:
    for lang in ("zh", "en"):
        names = [getattr(term, lang) for term in terms()]
        assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_chosen_word_is_avoided_by_another_term(lang: str) -> None:
    assert [term for term in terms() if avoided(getattr(term, lang), lang)] == []


def test_an_avoided_word_is_found_with_the_one_to_write() -> None:
    assert avoided("批标准化之后步幅为 2", "zh") == [("批标准化", "批归一化"), ("步幅", "步长")]
    assert avoided("A mini-batch and a Batchnorm layer", "en") == [
        ("mini-batch", "batch"),
        ("batchnorm", "batch norm"),
    ]


def test_an_avoided_word_inside_the_chosen_one_is_not_meant() -> None:
    assert avoided("分组卷积", "zh") == []
    assert avoided("先组卷积，再分组卷积", "zh") == [("组卷积", "分组卷积")]


def test_code_is_left_alone() -> None:
    assert avoided("`minibatch`\n\n```python\nbatchnorm = 1\n```\n", "en") == []
    assert avoided("an identifier my_minibatch", "en") == []


def test_the_first_entry_uses_these_words() -> None:
    assert [f"{f.file}: {f.text}" for f in one_word(load(BANK)) if "E1" in f.file.parts] == []


@pytest.mark.parametrize("lab", sorted(path.parent.name for path in LABS.glob("*/lab.toml")))
def test_labs_use_the_same_chinese_words(lab: str) -> None:
    table = tomllib.loads((LABS / lab / "lab.toml").read_text("utf-8"))
    assert [found for text in chinese(table) for found in avoided(text, "zh")] == []


def chinese(value: object) -> Iterator[str]:
    """Every text under a key "zh"."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "zh" and isinstance(item, str):
                yield item
            else:
                yield from chinese(item)
    elif isinstance(value, list):
        for item in value:
            yield from chinese(item)
