"""A number in one language is looked for in the other as digits and as a word."""

from __future__ import annotations

import pytest

from questions.lint.numerals import digits, meant


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("共 13,920 个参数", "13920 parameters"),
        ("约 5 万张图", "about 50,000 images"),
        ("前向传播 30 次", "thirty passes"),
        ("三十次前向传播", "30 passes"),
        ("两个样本", "2 samples"),
        ("丢掉 30%", "three activations in ten, 30%"),
        ("只剩三成", "30% are left"),
        ("二十一步之后", "after 21 steps"),
        ("21 步之后", "after twenty-one steps"),
        ("一千五百张", "1,500 images"),
        ("约一半", "about 50%"),
        ("第三个批次", "batch number 3"),
        ("高出 42 个百分点", "42 points higher"),
        ("0.50 与 1.0", "0.5 and 1"),
        ("`p=0.3`", "p = 0.3"),
    ],
)
def test_the_same_number_in_other_clothes_is_the_same(zh: str, en: str) -> None:
    assert digits(zh) <= meant(en, "en")
    assert digits(en) <= meant(zh, "zh")


@pytest.mark.parametrize(("zh", "en"), [("37 次", "twenty passes"), ("5 万", "5 thousand"), ("0.5", "0.05")])
def test_another_number_is_another(zh: str, en: str) -> None:
    assert not digits(zh) <= meant(en, "en")


def test_numbers_in_code_are_not_asked_for() -> None:
    assert digits("`x[3]` 与 8\n\n```python\nx = 5\n```\n") == {"8"}
