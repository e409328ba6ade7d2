"""The `torchproof` command: the app where nothing else is asked for, else a command that needs no screen."""

import sys
from collections.abc import Sequence
from typing import NamedTuple


class AppOptions(NamedTuple):
    """What the app itself can be told on the command line."""

    lang: str | None = None
    python: str | None = None
    mouse: bool = True


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app or a command and return its exit code: 0 done, 1 failed, 2 wrong usage or no fit terminal."""
    argv = sys.argv[1:] if argv is None else argv
    from tui import boot  # light: the splash has to come before everything that takes time

    options = app_options(argv)
    if options is not None:
        return boot.run_app(options.lang, options.python, mouse=options.mouse)
    return boot.run_command(argv)


def app_options(argv: Sequence[str]) -> AppOptions | None:
    """The options when `argv` plainly asks for the app; None when argparse has to look at it.

    Only well-formed lines are understood here: help, mistakes and commands are argparse's, which takes longer
    to import than the splash takes to paint.
    """
    options = AppOptions()
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--no-mouse":
            options = options._replace(mouse=False)
        elif name in ("--lang", "--python"):
            if not equals:
                value = next(words, "")
            if not value or value.startswith("-") or (name == "--lang" and value not in ("zh", "en")):
                return None
            options = options._replace(**{name[2:]: value})
        else:
            return None
    return options


if __name__ == "__main__":
    sys.exit(main())
