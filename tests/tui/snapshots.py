"""Screens as text, held against files in `snapshots/`. `make snapshots` writes them anew; read what has changed."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"
_held: set[str] = set()
WRITING = os.environ.get("TORCHPROOF_SNAPSHOTS") == "write"


def check(name: str, text: str) -> None:
    """Fails with a diff where `text` is not what `snapshots/<name>.txt` holds."""
    assert name not in _held, f"two moments are called {name}"
    _held.add(name)
    file = FOLDER / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in text.split("\n")).rstrip() + "\n"
    if WRITING:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return
    assert file.exists(), f"{file} is not there; `make snapshots` writes it"
    kept = file.read_text("utf-8")
    diff = unified_diff(kept.splitlines(), text.splitlines(), "kept", "now", lineterm="")
    assert kept == text, "\n".join([f"{name} is not as it was; if that is meant: make snapshots", *diff])
