"""`torchproof doctor`: what it looks at, what it calls bad, and that it always says how to mend it."""

import io
import json
import sys
from pathlib import Path

import pytest
from command_line import torchproof
from rich.console import Console

from labs.hardware import Gpu, Hardware
from tui.commands.doctor import gpus, judge
from tui.commands.finding import Finding
from tui.commands.interpreter import Answer, ask
from tui.commands.surroundings import NETWORK, file_system, size, terminal
from tui.i18n import Translator

EN = Translator("en")
CPU = Hardware(cores=2)
CARD = Gpu(index=0, uuid="GPU-1", name="NVIDIA H100 80GB HBM3", total_mb=81920, free_mb=71680, load=0)
GOOD = {"msgspec": "0.22", "psutil": "7", "numpy": "2", "torch": "2.14.1", "torchvision": "0.29.1"}


def levels(findings: object) -> dict[str, str]:
    return {finding.id: finding.level for finding in findings}


def screen(columns: int = 80, lines: int = 24, encoding: str = "utf-8", **more: object) -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    options = {"force_terminal": True, "color_system": "256", **more}
    return Console(file=file, width=columns, height=lines, legacy_windows=False, **options)


# ---- the labs' Python --------------------------------------------------------------------------------------


def test_a_working_torch_is_asked_in_its_own_process_and_computes() -> None:
    loaded_before = "torch" in sys.modules  # by tests of the labs
    answer = ask(sys.executable)
    assert answer.how == ""
    assert all(answer.packages[name] for name in ("torch", "torchvision", "numpy", "msgspec", "psutil"))
    assert answer.device
    assert ("torch" in sys.modules) == loaded_before
    found = levels(judge(EN, sys.executable, answer, CPU, 60))
    assert "bad" not in found.values()
    assert found["kernel"] == "ok"


def fake_python(folder: Path, body: str) -> str:
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
@pytest.mark.parametrize(
    ("body", "id", "said"),
    [
        ("exit 0", "lab-python", "does not answer"),
        ("""echo '{"python": "3.9.1"}'""", "lab-python", "3.11 or newer"),
        (
            """echo '{"python": "3.12.0"}'; echo '{"stage": "import torch"}'; kill -9 $$""",
            "lab-python-died",
            "import torch",
        ),
        (
            """echo '{"python": "3.12.0"}'; echo '{"package": "torch", "error": "ImportError: libcudart"}'""",
            "torch",
            "libcudart",
        ),
        ("""echo '{"stage": "import torch"}'; exec sleep 30""", "lab-python-silent", "import torch"),
    ],
    ids=["mute", "old", "crash", "no torch", "hang"],
)
def test_a_broken_interpreter_is_bad_and_says_what_to_do(
    tmp_path: Path, body: str, id: str, said: str
) -> None:
    python = fake_python(tmp_path, body)
    answer = ask(python, patience_s=0.5 if "sleep" in body else 30)
    found = {finding.id: finding for finding in judge(EN, python, answer, CPU, 0.5)}
    assert found[id].level == "bad"
    assert said in found[id].text
    assert found[id].fix


def test_without_torchvision_most_labs_still_run() -> None:
    answer = Answer(python="3.12.1", packages={**GOOD, "torchvision": None}, device="cpu", device_name="CPU")
    assert levels(judge(EN, "py", answer, CPU, 60))["torchvision"] == "warn"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_card_that_is_not_used_is_explained(lang: str) -> None:
    answer = Answer(
        python="3.12.1",
        packages=dict(GOOD),
        cuda="13.0",
        device="cpu",
        device_name="CPU",
        reason="H100 ran out of memory in a small test computation.",
        reason_key="device-oom",
    )
    found = {finding.id: finding for finding in judge(Translator(lang), "py", answer, CPU, 60)}
    assert found["gpu-unused"].level == "warn"
    assert "H100" in found["gpu-unused"].text
    assert "nvidia-smi" in found["gpu-unused"].fix


def test_a_torch_without_cuda_beside_a_card_is_worth_a_look() -> None:
    answer = Answer(python="3.12.1", packages=dict(GOOD), device="cpu", device_name="CPU")
    with_card = Hardware(cores=2, gpus=(CARD,))
    assert levels(judge(EN, "py", answer, with_card, 60))["torch-build"] == "warn"
    assert levels(judge(EN, "py", answer, CPU, 60))["torch-build"] == "ok"


def test_cards_are_listed_with_what_is_free() -> None:
    (found,) = gpus(EN, Hardware(cores=8, gpus=(CARD,)))
    assert found == Finding("gpu-0", "ok", found.text, "", found.facts)
    assert "H100, 70 of 80 GB free, 0% load, 0 processes" in found.text
    hidden = levels(gpus(EN, Hardware(cores=8, gpus=(CARD,), visible="")))
    assert hidden["gpu-hidden"] == "warn"
    login = levels(gpus(EN, Hardware(cores=8, notes=("login-node",))))
    assert login == {"no-gpu": "ok", "login-node": "warn"}


# ---- terminal and disk -------------------------------------------------------------------------------------


def test_a_good_terminal_is_good() -> None:
    found = levels(terminal(EN, screen(), {"TERM": "tmux-256color", "TMUX": "x"}, lambda: "1"))
    assert found == {"terminal": "ok", "term": "ok", "encoding": "ok", "tmux": "ok"}


@pytest.mark.parametrize(
    ("console", "env", "id"),
    [
        (screen(columns=40), {"TERM": "xterm"}, "terminal"),
        (screen(), {"TERM": "dumb"}, "term"),
        (screen(), {}, "term"),
        (screen(encoding="gbk"), {"TERM": "xterm"}, "encoding"),
        (screen(), {"TERM": "tmux", "TMUX": "x"}, "tmux"),
        (screen(force_terminal=False), {"TERM": "xterm"}, "terminal"),
    ],
    ids=["small", "dumb", "no TERM", "GBK", "tmux without UTF-8", "a pipe"],
)
def test_what_a_terminal_lacks_is_named_with_a_way_out(
    console: Console, env: dict[str, str], id: str
) -> None:
    for lang in ("zh", "en"):
        found = {f.id: f for f in terminal(Translator(lang), console, env, lambda: "0")}
        assert found[id].level == "warn"
        assert found[id].fix
        assert "cli." not in found[id].text + found[id].fix


def test_the_deepest_mount_says_which_file_system_a_folder_is_on(tmp_path: Path) -> None:
    mounts = {"/": "ext4", str(tmp_path): "nfs4"}
    assert file_system(tmp_path / "a" / "b", mounts) == "nfs4"
    assert file_system(Path("/"), mounts) == "ext4"
    assert file_system(tmp_path, {}) == ""
    assert "nfs4" in NETWORK


def test_sizes_are_said_in_one_unit() -> None:
    assert [size(n << 20) for n in (3, 1536, 20480)] == ["3 MB", "1.5 GB", "20 GB"]


# ---- the command -------------------------------------------------------------------------------------------


def without_torch(folder: Path) -> str:
    """An interpreter that answers at once, so that these tests do not pay for torch."""
    packages = "; ".join(f"""echo '{{"package": "{n}", "version": "{v}"}}'""" for n, v in GOOD.items())
    device = """echo '{"device": "cpu", "name": "CPU", "reason": "", "key": ""}'"""
    return fake_python(folder, f"""echo '{{"python": "3.12.0"}}'; {packages}; {device}""")


def test_json_lists_every_finding_and_makes_no_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = torchproof(home, "doctor", "--json", "--python", without_torch(tmp_path))
    record = json.loads(done.stdout)
    found = {finding["id"]: finding for finding in record["findings"]}
    assert record["ok"] == (done.returncode == 0)
    for id in ("python", "lab-python", "torch", "kernel", "term", "folder-data", "disk", "bank", "log"):
        assert found[id]["level"] in ("ok", "warn"), found[id]
    assert found["folder-state"]["facts"]["folder"] == str(home / "state")
    assert not home.exists()


def test_people_get_words_in_their_language(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "doctor", "--lang", "zh", "--python", without_torch(tmp_path))
    assert "正常  torch 2.14.1" in done.stdout
    assert "题库" in done.stdout
    assert "cli." not in done.stdout + done.stderr


def test_an_interpreter_that_is_missing_is_bad(tmp_path: Path) -> None:
    done = torchproof(tmp_path, "doctor", "--json", "--python", str(tmp_path / "none"))
    assert done.returncode == 1
    found = {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["lab-python"]["level"] == "bad"
    assert str(tmp_path / "none") in found["lab-python"]["text"]


def test_a_home_that_is_a_file_is_bad(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("in the way")
    done = torchproof(home, "doctor", "--json", "--python", without_torch(tmp_path))
    assert done.returncode == 1
    found = {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["folder-data"]["level"] == "bad"
    assert found["folder-data"]["fix"]


def test_broken_lines_in_the_log_are_counted(tmp_path: Path) -> None:
    events = tmp_path / "data" / "events"
    events.mkdir(parents=True)
    (events / "a.jsonl").write_bytes(b"garbage\n")
    done = torchproof(tmp_path, "doctor", "--json", "--python", without_torch(tmp_path))
    found = {finding["id"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["log"]["level"] == "warn"
    assert found["log"]["facts"]["skipped"] == 1
