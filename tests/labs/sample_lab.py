"""A small lab on disk, for the tests of what reads labs and runs."""

from pathlib import Path

LAB = """\
format = 1
id = "sample"
entry = "E1"
order = 10
estimate_s = 2.5

[title]
zh = "样例实验"
en = "A sample lab"

[question]
zh = "两种设置相差多少？"
en = "How far apart are the two settings?"

[explanation]
zh = "第二种设置更高，因为它读的是 `running_mean`。"
en = "The second is higher, because it reads `running_mean`."

[[arms]]
id = "one"
label = { zh = "第一", en = "first" }

[[arms]]
id = "two"
label = { zh = "第二", en = "second" }

[[knobs]]
id = "steps"
kind = "int"
default = 100
min = 1
max = 1000
choices = [10, 100, 1000]
label = { zh = "步数", en = "steps" }

[[knobs]]
id = "lr"
kind = "float"
default = 0.1
min = 0.0
label = { zh = "学习率", en = "learning rate" }

[[knobs]]
id = "norm"
kind = "choice"
default = "batch"
choices = ["batch", "group"]
label = { zh = "归一化", en = "normalisation" }

[[series]]
id = "loss"
low = 0
label = { zh = "损失", en = "loss" }

[[outcomes]]
id = "accuracy"
unit = "%"
resolution = 0.1
when_diverged = 10
label = { zh = "准确率", en = "accuracy" }

[[outcomes]]
id = "changed"
label = { zh = "改变的张量数", en = "tensors changed" }

[[rules]]
id = "higher"
claim = "E1.6"
expected = "supported"
[rules.statement]
zh = "第二种设置高出 2 个百分点以上。"
en = "The second setting is more than 2 points higher."
[[rules.checks]]
kind = "greater"
outcome = "accuracy"
arm = "two"
versus = "one"
margin = 2

[[rules]]
id = "none_changed"
claim = "E1.7"
expected = "refuted"
[rules.statement]
zh = "第一种设置改变张量。"
en = "The first setting changes tensors."
[[rules.checks]]
kind = "exact"
outcome = "changed"
arm = "one"
relation = ">"
value = 0

[bet]
claim = "E1.6"
outcome = "accuracy"
arm = "two"
versus = "one"
bands = [{ below = 1, label = { zh = "几乎没有", en = "hardly any" } }, { below = 5 }, { below = 20 }, {}]
[bet.question]
zh = "相差几个百分点？"
en = "How many points apart?"

[seeds]
start = 4
step = 2
max = 8

[quick]
steps = 10
"""


def write_lab(parent: Path, text: str = LAB, name: str = "sample") -> Path:
    """The lab's folder below `parent`, with an experiment.py that is never run."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(text, encoding="utf-8")
    (folder / "experiment.py").write_text('"""Not run."""\n', encoding="utf-8")
    return folder
