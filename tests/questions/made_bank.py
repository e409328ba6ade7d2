"""Banks made in memory for rules that look at many questions: random words, and one habit of their author."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from msgspec.structs import replace

from questions.shapes import Band, Bank, Choice, Claim, Entry, Evidence, Question, Text

WORDS = """
kernel 卷积 stride 步长 padding 填充 channel 通道 pooling 池化 layer 网络 weight 权重 buffer 缓冲 batch 批次 sample 样本
gradient 梯度 momentum 动量 decay 衰减 label 标签 token 词元 sampler 采样 worker 进程 seed 种子 loss 损失 rate 速率
mask 掩码 graph 图谱 node 节点 edge 边缘 head 头部 probe 探针
""".split()  # noqa: SIM905 (a list is harder to read)
ENGLISH, CHINESE = WORDS[::2], WORDS[1::2]
Habit = Callable[[Random, list[Text], int], tuple[list[Text], int]]  # what an author makes of texts and key


def fair(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
    """No habit."""
    return texts, key


def phrase(random: Random) -> Text:
    """Three to eight words, the same in both languages."""
    picked = [int(random.random() * len(ENGLISH)) for _ in range(3 + int(random.random() * 6))]
    return Text("".join(CHINESE[n] for n in picked), " ".join(ENGLISH[n] for n in picked))


def made(
    habit: Habit = fair,
    n: int = 200,
    *,
    seed: int = 0,
    options: int = 4,
    stem: Callable[[int], Text] | None = None,
) -> Bank:
    """A bank of `n` choice questions in four entries, their options random words in random order."""
    random = Random(seed)
    questions = []
    for number in range(n):
        texts = [phrase(random) for _ in range(options)]
        texts, key = habit(random, texts, int(random.random() * options))
        asked = stem(number) if stem else Text(f"第 {number} 题：哪一个？", f"Question {number}: which one?")
        questions.append(chosen(number, texts, key, asked))
    return bank_of(questions)


def chosen(number: int, texts: list[Text], key: int, stem: Text) -> Question:
    choices = tuple(
        Choice(f"o{n}", text, None if n == key else "belief", predicts=f"{n}") for n, text in enumerate(texts)
    )
    return Question(
        id=f"q{number}",
        claim=f"E{1 + number % 4}.1",
        entry=f"E{1 + number % 4}",
        kind="choice",
        difficulty=1 + number % 5,
        source="torch.nn",
        stem=stem,
        explain=Text("解释。", "An explanation."),
        options=choices,
        key=f"o{key}",
        evidence=Evidence(code=f"print({key})", prints=f"{key}"),
        file=Path(f"q{number}.md"),
    )


def banded(number: int, rank: int) -> Question:
    """A question with four bands, the right one the `rank`th."""
    edges = (10.0, 20.0, 30.0)
    options = tuple(Choice(f"b{n}", Text(f"第 {n} 段", f"band {n}")) for n in range(4))
    made = chosen(number, [Text("", "")] * 3, 0, Text("多少？", "How much?"))
    return replace(
        made,
        kind="band",
        options=options,
        key=f"b{rank}",
        value=5.0 + 10 * rank,
        bands=(*(Band(edge) for edge in edges), Band()),
    )


def bank_of(questions: list[Question], **more: object) -> Bank:
    """These questions with the entries and claims they name."""
    claims = {q.claim: _claim(q.claim, q.entry) for q in questions}
    found = Bank(
        entries={
            q.entry: Entry(q.entry, 1, Text("条目", "Entry"), Text("摘要", "Summary")) for q in questions
        },
        claims=claims,
        questions={q.id: q for q in questions},
        by_claim={id: tuple(q for q in questions if q.claim == id) for id in claims},
    )
    return replace(found, **more)


def _claim(id: str, entry: str) -> Claim:
    return Claim(
        id=id,
        entry=entry,
        order=1,
        text=Text("论断", "A claim"),
        verdict="true",
        why=Text("理由", "A reason"),
        source="torch.nn",
        evidence=Evidence(code="print(1)", prints="1"),
    )
