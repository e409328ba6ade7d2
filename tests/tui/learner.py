"""A learner's app for tests: a small bank and lab on disk, and a bench that starts no process."""

# ruff: noqa: E501 (the texts of the bank and the lab stand as they would in their files)

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from labs import catalog as labs_catalog
from labs import journal
from labs.journal import End, Log, Outcome, Point, Run, Seeds, Spread, Start, Verdict, Worker, number
from questions import catalog as questions_catalog
from tui.app import TorchproofApp
from tui.paths import Paths
from tui.settings import Settings

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

LAB = """\
format = 1
id = "blank_frames"
entry = "E1"
estimate_s = 4

[title]
zh = "喂空白帧，会改变什么"
en = "What blank frames change"
[question]
zh = "训练好的模型停在训练模式里，前向跑了一百批空白图像，没有一步优化。它的准确率会剩下多少？"
en = "A trained model is left in training mode while a hundred blank batches pass, without a step. How much accuracy is left?"
[explanation]
zh = "很多人以为是权重变了。实测没有一个参数张量改变，变的是批归一化的 `running_mean` 和 `running_var`；切到 `eval()` 就不会再动。"
en = "Many expect the weights to move. Not one parameter tensor changed: batch norm's `running_mean` and `running_var` did. In `eval()` they stay."

[[arms]]
id = "train"
label = { zh = "训练模式 `train()`", en = "left in `train()`" }
[[arms]]
id = "eval"
label = { zh = "评估模式 `eval()`", en = "switched to `eval()`" }

[[knobs]]
id = "batches"
kind = "int"
default = 100
min = 1
max = 1000
choices = [1, 10, 100, 1000]
label = { zh = "空白批次数", en = "blank batches" }
help = { zh = "前向多少批之后再测。", en = "How many pass before the test." }
[[knobs]]
id = "frames"
kind = "choice"
default = "blank"
choices = ["blank", "noise"]
label = { zh = "图像", en = "frames" }

[[series]]
id = "accuracy"
unit = "%"
low = 0
high = 100
label = { zh = "测试准确率", en = "test accuracy" }
[[series]]
id = "drift"
label = { zh = "滑动均值的偏移", en = "drift of running means" }

[[outcomes]]
id = "accuracy"
unit = "%"
resolution = 0.11
when_diverged = 10
label = { zh = "测试准确率", en = "test accuracy" }
[[outcomes]]
id = "changed"
label = { zh = "改变的参数张量", en = "parameter tensors changed" }

[[rules]]
id = "weights"
claim = "E1.7"
expected = "refuted"
[rules.statement]
zh = "前向喂入数据会改变参数。"
en = "Feeding inputs changes parameters."
[[rules.checks]]
kind = "exact"
outcome = "changed"
arm = "train"
relation = ">"
value = 0

[[rules]]
id = "damage"
claim = "E1.6"
expected = "supported"
[rules.statement]
zh = "忘记 `eval()` 至少损失 5 个百分点。"
en = "Forgetting `eval()` costs more than 5 points."
[[rules.checks]]
kind = "greater"
outcome = "accuracy"
arm = "eval"
versus = "train"
margin = 5

[bet]
claim = "E1.7"
outcome = "accuracy"
arm = "train"
bands = [{ below = 30 }, { below = 70 }, { below = 90 }, {}]
[bet.question]
zh = "一百批空白图像之后，训练模式下的测试准确率是多少？"
en = "Test accuracy in training mode after a hundred blank batches?"

[seeds]
start = 4
step = 2
max = 8

[reference]
date = 2026-11-20
device = "CPU"
torch = "2.14.1"
seeds = 8
seconds = 5.6
[reference.rules.weights]
verdict = "refuted"
effect = 0.0
interval = [0.0, 0.0]
[reference.rules.damage]
verdict = "supported"
effect = 48.9
interval = [33.0, 64.0]
"""

ENTRIES = """
[[entries]]
id = "E1"
order = 1
title = {zh = "train() 与 eval()", en = "train() and eval()"}
summary = {zh = "两个开关。", en = "Two switches."}
"""

MISCONCEPTIONS = """
[[misconceptions]]
id = "forward-trains"
name = {zh = "前向传播就会更新权重", en = "A forward pass updates the weights"}
because = {zh = "权重只有优化器的 `step()` 才会改；前向最多刷新缓冲区。", en = "Only an optimizer's `step()` writes weights; a forward pass refreshes buffers at most."}
[[misconceptions]]
id = "no-grad-freezes"
name = {zh = "`no_grad` 会冻结一切", en = "`no_grad` freezes everything"}
because = {zh = "它只停掉梯度，缓冲区照样更新。", en = "It stops gradients alone; buffers still move."}
"""

QUESTION = """+++
id = "{id}"
claim = "{claim}"
kind = "{kind}"
difficulty = {difficulty}
source = "torch.nn.BatchNorm2d: register_buffer(...)"
answer = "none"
{extra}
[[options]]
id = "none"
zh = "一个都不变"
en = "None of them"
[[options]]
id = "all"
zh = "全部都变，包括 `x[0]` 和 `list[int]`"
en = "All of them, `x[0]` and `list[int]` included"
misconception = "forward-trains"
[[options]]
id = "some"
zh = "只有批归一化的参数变"
en = "Those of batch norm"
misconception = "no-grad-freezes"
{evidence}
+++
# zh
模型处于训练模式，只做前向传播，不调用优化器（{id}）。哪些参数会变？

```python
model.train()
for x in loader: model(x)
```
## explain
一个参数都不变：很多人以为前向传播就是训练，实测每个参数张量逐位相同，因为只有优化器的 `step()` 会写参数，前向改变的是批归一化的缓冲区。
# en
A model in training mode sees forward passes and no optimizer ({id}). Which parameters change?

```python
model.train()
for x in loader: model(x)
```
## explain
None of them: many expect a forward pass to train, yet every parameter tensor stayed bit for bit the same, because only `step()` writes parameters. What a forward pass moves are batch norm's buffers.
"""

REASONS = """
reason_answer = "step"
[[reasons]]
id = "step"
zh = "只有 `step()` 会写参数"
en = "Only `step()` writes parameters"
[[reasons]]
id = "frozen"
zh = "`no_grad` 把参数冻住了"
en = "`no_grad` has frozen them"
misconception = "no-grad-freezes"
[[reasons]]
id = "luck"
zh = "前向碰巧没有改到"
en = "The forward pass missed them"
misconception = "forward-trains"
"""

CODE = """
[evidence]
lab = "blank_frames"
code = '''
print([p.grad for p in net.parameters()][0])
'''
prints = '''
None
'''
"""


def claim(id: str, order: int) -> str:
    return f"""+++
id = "{id}"
order = {order}
verdict = "false"
source = "torch.nn.BatchNorm2d"
requires = []
+++
# zh
前向会改变参数。
## why
只有缓冲区会变。
# en
A forward pass changes parameters.
## why
Only buffers move.
"""


def write_bank(root: Path, claims: Sequence[str] = ("E1.1", "E1.2", "E1.7")) -> Path:
    """Two choice questions a claim, and a two-step one for E1.1 and E1.7."""
    root.mkdir(parents=True)
    (root / "entries.toml").write_text(ENTRIES, encoding="utf-8")
    (root / "misconceptions.toml").write_text(MISCONCEPTIONS, encoding="utf-8")
    for order, id in enumerate(claims):
        stem = "e" + id[1:].replace(".", "")
        folder = root / "E1" / id
        folder.mkdir(parents=True)
        (folder / "claim.md").write_text(claim(id, order), encoding="utf-8")
        for n, kind in enumerate(("choice", "choice", "two-step"), 1):
            extra = REASONS if kind == "two-step" else ""
            text = QUESTION.format(
                id=f"{stem}-q{n}", claim=id, kind=kind, difficulty=n, extra=extra, evidence=CODE
            )
            (folder / f"{stem}-q{n}.md").write_text(text, encoding="utf-8")
    return root


def write_lab(parent: Path, text: str = LAB, name: str = "blank_frames") -> Path:
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(text, encoding="utf-8")
    (folder / "experiment.py").write_text('"""Never run here."""\n', encoding="utf-8")
    return folder


class QuietBench:
    """Remembers what was asked of it. A started run counts as running: this process is its worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Run] = []
        self.stopped: list[Run] = []
        self.more: list[tuple[Run, int]] = []
        self.then: Callable[[Run], None] = lambda run: None  # what happens to a started run

    async def warm(self) -> None: ...

    async def close(self) -> None: ...

    async def start(self, run: Run) -> None:
        self.started.append(run)
        take_up(run)
        self.then(run)

    def stop(self, run: Run) -> asyncio.Future[None]:
        self.stopped.append(run)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def more_seeds(self, run: Run, count: int) -> None:
        self.more.append((run, count))

    def running(self) -> list[Run]:
        return [run for run in journal.runs(self.folder) if run.status() in ("starting", "running")]


def make_app(tmp_path: Path, lang: str = "en", **options: object) -> TorchproofApp:
    """An app over `tmp_path` with the small bank, one lab and a quiet bench."""
    home = tmp_path / "home"
    paths = Paths(home / "data", home / "state", home / "cache", home / "config")
    app = TorchproofApp(paths, Settings(theme="dark"), lang, now=lambda: NOW, spare=False, **options)  # type: ignore[arg-type]
    bank, labs = tmp_path / "bank", tmp_path / "labs"
    if not bank.exists():
        write_bank(bank)
    if not labs.exists():
        write_lab(labs)
    app.__dict__["bank"] = questions_catalog.load(bank)
    app.__dict__["catalog"] = labs_catalog.find(labs)
    app.__dict__["bench"] = QuietBench(paths.runs)
    return app


# ---- a run as a worker would write it


def make_run(app: TorchproofApp, *, knobs: dict[str, object] | None = None, by: str = "command") -> Run:
    lab = app.catalog.labs["blank_frames"]
    return journal.create(
        app.paths.runs,
        lab,
        knobs={**lab.defaults, **(knobs or {})},  # type: ignore[arg-type]
        seeds=[0, 1, 2, 3],
        max_seeds=8,
        device="cpu",
        by=by,  # type: ignore[arg-type]
        now=NOW,
        python="python",
        version="0.1.0",
    )


def take_up(run: Run, pid: int | None = None) -> None:
    """This process, or that one, is the run's worker."""
    created = psutil.Process().create_time() if pid is None else 0.0
    worker = Worker(pid=pid or os.getpid(), created=created, host=journal.this_host())
    run.worker_file.write_bytes(msgspec.json.encode(worker))


def write(run: Run, *events: journal.AnyEvent) -> None:
    writer = journal.Writer(run)
    writer.write(*events)
    writer.close()


def started(run: Run, reason: str = "", t: float = 0.0) -> Start:
    spec = run.spec
    return Start(
        t=t,
        run=spec.id,
        lab=spec.lab,
        entry=spec.entry,
        arms=["train", "eval"],
        seeds=spec.seeds,
        device="cpu",
        device_name="CPU",
        device_reason=reason,
        knobs=spec.knobs,
        estimate_s=4.0,
        settles=spec.settles,
        versions={"torch": "2.14.1", "python": "3.11", "torchproof": "0.1.0"},
        at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


def points(steps: Iterable[float], of: float = 100) -> list[Point]:
    """Accuracy falls in training mode and stays in evaluation mode."""
    found = []
    for step in steps:
        fallen = 98 - 49 * (1 - math.exp(-step / (of / 4)))
        for arm, accuracy, sd, drift in (
            ("train", fallen, 1 + step / of * 9, step / of * 3),
            ("eval", 98.0, 0.4, 0.0),
        ):
            found.append(
                Point(
                    t=0.01 * step,
                    arm=arm,
                    step=step,
                    of=of,
                    series={
                        "accuracy": spread(accuracy, sd),
                        "drift": spread(drift, 0.1 * drift),
                    },
                    seeds_in_view=4,
                )
            )
    return found


def spread(mean: float, sd: float, n: int = 4) -> Spread:
    return Spread(mean=number(mean), lo=number(mean - sd), hi=number(mean + sd), n=n)


def finished(run: Run, train: Sequence[float] = (44.0, 49.0, 50.0, 55.0)) -> list[journal.AnyEvent]:
    """Outcomes, verdicts and the end."""
    seeds = [0, 1, 2, 3]
    evals = [98.0, 98.3, 97.8, 98.1]
    common = {"settles": run.spec.settles, "t": 4.0, "seeds": 4, "note": ""}
    return [
        Outcome(t=4.0, arm="train", seeds=seeds, values={"accuracy": list(train), "changed": [0.0] * 4}),
        Outcome(t=4.0, arm="eval", seeds=seeds, values={"accuracy": evals, "changed": [0.0] * 4}),
        Verdict(
            rule="weights",
            claim="E1.7",
            verdict="refuted",
            expected="refuted",
            effect=0.0,
            interval=(0.0, 0.0),
            confidence=1.0,
            unit="",
            **common,  # type: ignore[arg-type]
        ),
        Verdict(
            rule="damage",
            claim="E1.6",
            verdict="supported",
            expected="supported",
            effect=48.5,
            interval=(35.2, 61.9),
            confidence=0.95,
            unit="%",
            **common,  # type: ignore[arg-type]
        ),
        End(t=4.2, status="done", seconds=4.2),
    ]


def whole_run(run: Run) -> None:
    """Everything at once: a run that is over before anybody looks."""
    write(run, started(run), *points(range(0, 101, 5)), *finished(run))


def more_seeds(run: Run) -> Seeds:
    return Seeds(t=4.3, seeds=[4, 5], reason="asked")


def warned(text: str) -> Log:
    return Log(t=0.5, level="warning", text=text)


# ---- what is on screen


def screen_text(app: TorchproofApp) -> str:
    """The screen as lines of text, ends trimmed."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
