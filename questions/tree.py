"""The files below a folder that may have been made by anybody: links are never followed, and there is an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from questions.problems import BankProblem

MOST_FILES = 5000  # our own bank has about five hundred
DEEPEST = 5  # folders within folders; the form of a bank needs two


def walk(root: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below `root` that is not a folder, in order of name, links among it. Hidden names (an editor's,
    git's) are left out.

    Raises BankProblem("too-many-files") or ("folder-deep"), and OSError where a folder cannot be read.
    """
    ahead = [(str(root), 0)]
    met = 0
    while ahead:
        folder, depth = ahead.pop()
        if depth > DEEPEST:
            raise BankProblem("folder-deep", file=Path(folder), most=DEEPEST)
        with os.scandir(folder) as found:
            entries = sorted(islice(found, MOST_FILES + 1), key=lambda entry: entry.name)
        met += len(entries)
        if met > MOST_FILES:
            raise BankProblem("too-many-files", file=root, most=MOST_FILES)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                ahead.append((entry.path, depth + 1))
            else:
                yield entry
