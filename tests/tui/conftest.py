"""A small bank, a lab, runs and an app for tests of the interface: no torch, no real home, a fixed clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from labs.catalog import Arm, Band, Bet, Catalog, Check, Knob, Lab, Outcome, Rule, Series
from labs.catalog import Text as LabText
from labs.journal import AnyEvent, End, Point, Run, Spread, Start, Writer, create, this_host
from questions import snapshot
from questions.shapes import Bank, Choice, Claim, Entry, Evidence, Misconception, Question, Text
from tui.app import TorchproofApp
from tui.i18n import Lang
from tui.paths import Paths
from tui.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


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


class MakeRun:
    """Makes runs on disk: what their worker wrote, and whether a process still works on them."""

    def __init__(self, paths: Paths, catalog: Catalog) -> None:
        self.paths = paths
        self.lab = catalog.labs["sample"]

    def __call__(
        self, *events: AnyEvent, alive: bool = False, lost: bool = False, at: datetime = NOW, steps: int = 10
    ) -> Run:
        """alive: this very process counts as its worker. lost: its worker is gone."""
        run = create(
            self.paths.runs,
            self.lab,
            knobs={"steps": steps},
            seeds=[0, 1],
            max_seeds=8,
            device="cpu",
            by="app",
            now=at,
            python="python",
            version="0",
        )
        if alive or lost:
            pid = os.getpid()
            created = psutil.Process(pid).create_time() - (1000 if lost else 0)
            worker = {"pid": pid, "created": created, "host": this_host()}
            run.worker_file.write_bytes(msgspec.json.encode(worker))
        run.events_file.touch()
        if events:
            Writer(run).write(*events)
        return run

    def start(self) -> Start:
        return Start(
            t=0.0,
            run="r",
            lab="sample",
            entry="E1",
            arms=["one", "two"],
            seeds=[0, 1],
            device="cpu",
            device_name="CPU",
            device_reason="",
            knobs={"steps": 10},
            estimate_s=2.0,
            settles=True,
            versions={"torch": "2"},
            at=NOW.isoformat(),
        )

    def half(self) -> list[Point]:
        """Both arms at half of their steps."""
        series = {"loss": Spread(1.0, 0.5, 1.5, 2)}
        return [
            Point(t=1.0, arm=arm, step=5, of=10, series=series, seeds_in_view=2) for arm in ("one", "two")
        ]

    def done(self, *events: AnyEvent, verdict: str = "refuted", **options: Any) -> Run:
        """A run that has ended, with its verdict."""
        run = self(self.start(), *events, End(t=2.0, status="done", seconds=2.0), **options)
        run.verdict_file.write_bytes(msgspec.json.encode({"v": 1, "verdicts": [{"verdict": verdict}]}))
        return run


@pytest.fixture
def make_run(paths: Paths, catalog: Catalog) -> MakeRun:
    return MakeRun(paths, catalog)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that the app has told to stop; no process hears of it."""
    ids: list[str] = []
    monkeypatch.setattr("labs.bench.Bench.stop", lambda bench, run: ids.append(run.id))
    return ids


MakeApp = Callable[..., TorchproofApp]


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


def screen_text(app: TorchproofApp) -> str:
    """What stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)
