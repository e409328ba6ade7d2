"""A small bank, a lab, runs and an app for tests of the interface: no torch, no real home, a fixed clock."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from small_app import NOW, MakeApp, MakeRun

from labs.catalog import Arm, Band, Bet, Catalog, Check, Knob, Lab, Outcome, Rule, Series
from labs.catalog import Text as LabText
from questions import snapshot
from questions.shapes import Bank, Choice, Claim, Entry, Evidence, Misconception, Question, Text
from tui.app import TorchproofApp
from tui.i18n import Lang
from tui.paths import Paths
from tui.settings import Settings


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(*(tmp_path / name for name in ("data", "state", "cache", "config")))


@pytest.fixture
def bank() -> Bank:
    """Two entries: the first with three claims and a question each, the second with nothing to ask yet."""
    claims = {
        f"E1.{n}": Claim(
            id=f"E1.{n}",
            entry="E1",
            order=n,
            text=Text(f"论断{n}：`eval()` 会改变权重。", f"Claim {n}: `eval()` changes weights."),
            verdict="false",
            why=Text(f"理由{n}：变的只是缓冲区。", f"Reason {n}: only buffers change."),
            source=f"torch.nn source {n}",
            origin="added" if n == 3 else "stated",
            evidence=Evidence(code="print(3)", prints="3") if n == 3 else None,
        )
        for n in (1, 2, 3)
    }
    questions = {f"q{n}": question(n) for n in (1, 2, 3)}
    return Bank(
        entries={
            "E1": Entry(
                id="E1",
                order=1,
                title=Text("训练模式与评估模式", "Training and evaluation mode"),
                summary=Text("两种模式切换什么。", "What the two modes switch."),
            ),
            "E2": Entry(
                id="E2",
                order=2,
                title=Text("卷积", "Convolution"),
                summary=Text("卷积核在算什么。", "What a kernel computes."),
            ),
        },
        claims=claims,
        misconceptions={
            "weights-move": Misconception(
                id="weights-move",
                name=Text("前向会改权重", "a forward pass moves weights"),
                because=Text("没有优化器就没有更新。", "Without an optimizer nothing is updated."),
            )
        },
        questions=questions,
        by_claim={f"E1.{n}": (questions[f"q{n}"],) for n in (1, 2, 3)},
    )


def question(number: int) -> Question:
    return Question(
        id=f"q{number}",
        claim=f"E1.{number}",
        entry="E1",
        kind="choice",
        difficulty=1,
        source="torch.nn",
        stem=Text(
            f"第 {number} 题：前向之后，哪些变了？",
            f"Question {number}: what has changed after a forward pass?",
        ),
        explain=Text("没有参数会变。", "No parameter changes."),
        options=(
            Choice("none", Text("没有参数变化", "no parameter")),
            Choice("all", Text("全部 `weight`", "every `weight`"), "weights-move"),
            Choice("bias", Text("只有 `bias`", "only `bias`"), "weights-move"),
        ),
        key="none",
        file=Path("q.md"),
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """One lab, whose experiment is never run."""
    folder = tmp_path / "labs" / "sample"
    folder.mkdir(parents=True)
    (folder / "experiment.py").write_text('"""Not run."""\n', encoding="utf-8")
    text = LabText("样例实验", "A sample lab")
    lab = Lab(
        id="sample",
        entry="E1",
        title=text,
        question=text,
        explanation=text,
        estimate_s=2.0,
        arms=(Arm("one", LabText("甲", "one")), Arm("two", LabText("乙", "two"))),
        knobs=(Knob(id="steps", kind="int", default=10, label=LabText("步数", "steps"), min=1, max=100),),
        series=(Series(id="loss", label=LabText("损失", "loss")),),
        outcomes=(Outcome(id="changed", label=LabText("改变数", "changed")),),
        rules=(
            Rule(
                id="moved",
                claim="E1.1",
                statement=text,
                expected="refuted",
                checks=(Check(kind="exact", outcome="changed", arm="one", relation=">", value=0),),
            ),
        ),
        bet=Bet(
            claim="E1.1",
            question=text,
            outcome="changed",
            arm="one",
            bands=(Band(below=1), Band(below=5), Band()),
        ),
        file=str(folder / "lab.toml"),
    )
    return Catalog({"sample": lab}, [])


@pytest.fixture
def make_run(paths: Paths, catalog: Catalog) -> MakeRun:
    return MakeRun(paths, catalog)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that the app has told to stop; no process hears of it."""
    ids: list[str] = []
    monkeypatch.setattr("labs.bench.Bench.stop", lambda bench, run: ids.append(run.id))
    return ids


@pytest.fixture
def make_app(paths: Paths, bank: Bank, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Makes an app over the small bank: make_app("zh", minutes=5, now=...)."""
    monkeypatch.setattr(snapshot, "load", lambda cache: bank)
    monkeypatch.setattr("labs.catalog.find", lambda *folders: catalog)

    def make(
        lang: Lang = "en", *, now: datetime = NOW, trouble: Any = None, **settings: Any
    ) -> TorchproofApp:
        return TorchproofApp(
            paths, Settings(**settings), lang, now=lambda: now, trouble=trouble, spare=False, python="python"
        )

    return make
