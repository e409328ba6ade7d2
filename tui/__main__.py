"""The `torchproof` command: the app where nothing else is asked for, else a command that needs no screen."""

from __future__ import annotations

import sys

from tui import boot

TYPE_CHECKING = False  # importing typing takes longer than the splash
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app or a command. Returns the exit code: 0 done, 1 failed, 2 wrong usage or no fit terminal."""
    argv = sys.argv[1:] if argv is None else argv
    options = app_options(argv)
    if options is None:
        return boot.run_command(argv)
    lang, python, mouse = options
    return boot.run_app(lang, python, mouse=mouse)


def app_options(argv: Sequence[str]) -> tuple[str | None, str | None, bool] | None:
    """--lang, --python and mouse when `argv` plainly asks for the app; None when argparse has to look at it.

    Only well-formed lines are understood here: help, mistakes and commands are argparse's, which takes longer
    to import than the splash takes to paint.
    """
    lang: str | None = None
    python: str | None = None
    mouse = True
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--no-mouse":
            mouse = False
            continue
        if name not in ("--lang", "--python"):
            return None
        if not equals:
            value = next(words, "")
        if not value or value.startswith("-") or (name == "--lang" and value not in ("zh", "en")):
            return None
        if name == "--lang":
            lang = value
        else:
            python = value
    return lang, python, mouse


if __name__ == "__main__":
    sys.exit(main())
