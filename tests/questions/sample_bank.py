"""A small bank for tests, written to disk in the same form as the real one."""

from __future__ import annotations

from pathlib import Path

ENTRIES = """
[[entries]]
id = "E1"
order = 1
title = {zh = "训练与评估", en = "train() and eval()"}
summary = {zh = "两个开关。", en = "Two switches."}

[[entries]]
id = "E2"
order = 2
title = {zh = "卷积", en = "Convolutions"}
summary = {zh = "参数共享。", en = "Shared weights."}

[[entries]]
id = "E3"
order = 3
title = {zh = "空", en = "Nothing yet"}
summary = {zh = "还没有内容。", en = "No content yet."}
"""

MISCONCEPTIONS = """
[[misconceptions]]
id = "forward-trains"
name = {zh = "前向就会改参数", en = "A forward pass changes weights"}
because = {zh = "只有优化器改参数。", en = "Only the optimizer changes them."}

[[misconceptions]]
id = "no-grad-freezes"
name = {zh = "no_grad 冻结一切", en = "no_grad freezes everything"}
because = {zh = "缓冲区照样更新。", en = "Buffers still move."}

[[misconceptions]]
id = "eval-removes"
name = {zh = "eval 去掉归一化", en = "eval removes batch norm"}
because = {zh = "它改用滑动统计。", en = "It uses running statistics."}
"""

EXPLAIN_EN = (
    "No weight changes: many expect a forward pass to train the model, but the measurement shows"
    " every parameter bit-identical, because only an optimizer step writes weights"
    " while buffers follow the batches."
)
EXPLAIN_ZH = (
    "权重一个都没有变：很多人以为前向传播就是训练，但实测每个参数都逐位相同，因为只有优化器会写权重。"
)


def claim(claim_id: str, order: int, requires: str = "") -> str:
    return f"""+++
id = "{claim_id}"
order = {order}
verdict = "false"
source = "torch.nn.BatchNorm2d"
requires = [{requires}]
+++
# zh
前向改变权重。
## why
只有缓冲区会变。
# en
A forward pass changes the weights.
## why
Only buffers move.
"""


def choice(
    question_id: str, claim_id: str, kind: str = "choice", difficulty: int = 2, extra: str = ""
) -> str:
    return f'''+++
id = "{question_id}"
claim = "{claim_id}"
kind = "{kind}"
difficulty = {difficulty}
source = "torch.nn.BatchNorm2d"
answer = "none"
{extra}
[[options]]
id = "none"
zh = "没有一个变"
en = "No weight at all"
[[options]]
id = "all"
zh = "全部都变"
en = "Every single weight"
misconception = "forward-trains"
[[options]]
id = "some"
zh = "批归一化的变"
en = "Those of batch norm"
misconception = "no-grad-freezes"
+++
# zh
题 {question_id}：训练模式下只做前向，哪些权重会变？
## explain
{EXPLAIN_ZH}
# en
In train mode a model only sees a forward pass ({question_id}): which weights change?
## explain
{EXPLAIN_EN}
'''


def band(question_id: str, claim_id: str, value: float = 49.4, difficulty: int = 3) -> str:
    beliefs = ["", "", "forward-trains", "no-grad-freezes"] if value < 70 else ["forward-trains", "", "", ""]
    listed = ", ".join(f'"{b}"' for b in beliefs)
    return f'''+++
id = "{question_id}"
claim = "{claim_id}"
kind = "band"
difficulty = {difficulty}
source = "measured in blank_frames"
value = {value}
unit = "%"
bands = [{{below = 30}}, {{below = 70}}, {{below = 90}}, {{}}]
misconceptions = [{listed}]
evidence = {{lab = "blank_frames"}}
+++
# zh
题 {question_id}：喂入 100 批空白帧之后，准确率还剩多少？
## explain
{EXPLAIN_ZH}
# en
After 100 blank batches in train mode ({question_id}), which accuracy is left?
## explain
{EXPLAIN_EN}
'''


def output(question_id: str, claim_id: str, difficulty: int = 3) -> str:
    return f'''+++
id = "{question_id}"
claim = "{claim_id}"
kind = "output"
difficulty = {difficulty}
source = "Python"
answer = "two"
code = \'\'\'
x = 1
print(x + 1)
\'\'\'
[[options]]
id = "two"
text = "2"
[[options]]
id = "one"
text = "1"
misconception = "forward-trains"
[[options]]
id = "error"
text = "TypeError"
misconception = "eval-removes"
+++
# zh
题 {question_id}：这段代码会打印什么？
## explain
{EXPLAIN_ZH}
# en
What does this short program print on the screen ({question_id})?
## explain
{EXPLAIN_EN}
'''


def two_step(question_id: str, claim_id: str, difficulty: int = 1) -> str:
    reasons = """
reason_answer = "optimizer"
[[reasons]]
id = "optimizer"
zh = "只有优化器写权重"
en = "Only the optimizer writes weights"
[[reasons]]
id = "grad"
zh = "因为没有梯度"
en = "Because there is no gradient"
misconception = "no-grad-freezes"
[[reasons]]
id = "eval"
zh = "因为已经 eval"
en = "Because of eval mode"
misconception = "eval-removes"
"""
    return choice(question_id, claim_id, "two-step", difficulty, reasons)


def write_bank(root: Path, extra_claims: int = 0) -> Path:
    """Entry E1 with four claims (E1.2 needs E1.1, E1.4 only two-step questions), E2 with two, E3 empty."""
    claims = [
        claim("E1.1", 1),
        claim("E1.2", 2, '"E1.1"'),
        claim("E1.3", 3),
        claim("E1.4", 4),
        claim("E2.1", 1),
        claim("E2.2", 2),
        *(claim(f"E2.{n + 3}", n + 3) for n in range(extra_claims)),
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "entries.toml").write_text(ENTRIES, encoding="utf-8")
    for text in claims:
        save_claim(root, text)
    (root / "misconceptions.toml").write_text(MISCONCEPTIONS, encoding="utf-8")
    for made in (
        two_step("e11-why", "E1.1"),
        choice("e11-which", "E1.1"),
        band("e11-left", "E1.1"),
        choice("e12-which", "E1.2"),
        output("e12-prints", "E1.2"),
        choice("e13-which", "E1.3"),
        band("e13-left", "E1.3", value=95),
        two_step("e14-why", "E1.4"),
        two_step("e14-why-not", "E1.4"),
        choice("e21-which", "E2.1"),
        output("e21-prints", "E2.1"),
        choice("e22-only", "E2.2"),
    ):
        save(root, made)
    for n in range(extra_claims):
        save(root, choice(f"e2{n + 3}-which", f"E2.{n + 3}"))
        save(root, band(f"e2{n + 3}-left", f"E2.{n + 3}"))
    return root


def save(root: Path, text: str) -> Path:
    """Writes a question where its `claim` says it belongs."""
    claim_id = _field(text, "claim")
    path = root / claim_id.split(".")[0] / claim_id / f"{_field(text, 'id')}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def save_claim(root: Path, text: str) -> Path:
    """Writes a claim where its id says it belongs."""
    claim_id = _field(text, "id")
    path = root / claim_id.split(".")[0] / claim_id / "claim.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _field(text: str, name: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(f"{name} = ")).split('"')[1]
