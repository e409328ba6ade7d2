"""The command line itself: argparse in two languages, with suggestions, and help that measures Chinese."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn, cast

from tui import __version__
from tui.commands import FAILED, NAMES, READER_GONE, USAGE, os_error, silence

if TYPE_CHECKING:
    from tui.i18n import Translator

    # what add_subparsers returns, for which argparse has no public name
    Subparsers = argparse._SubParsersAction["Parser"]

LANGUAGES = ("zh", "en")


def asked_language(argv: Sequence[str]) -> str | None:
    """The language named by --lang anywhere on the line, since help and errors need it before parsing."""
    for i, word in enumerate(argv):
        if word == "--":
            return None
        if word.startswith("--lang="):
            value = word.partition("=")[2]
            return value if value in LANGUAGES else None
        if word == "--lang" and i + 1 < len(argv) and argv[i + 1] in LANGUAGES:
            return argv[i + 1]
    return None


def parser(tr: Translator) -> Parser:
    """The whole command line. Without a command `args.command` is None: the app itself is meant."""
    _speak(tr)
    root = Parser(prog="torchproof", tr=tr, description=tr("cli.about"), epilog=tr("cli.about_end"))
    root.add_argument(
        "--version", action="version", version=f"torchproof {__version__}", help=tr("cli.version")
    )
    _global_options(root, tr, default=None)
    root.add_argument("--no-mouse", action="store_true", help=tr("cli.no_mouse"))
    root.add_argument(
        "--labs", metavar="DIR", dest="app_labs", action="append", default=[], help=tr("cli.lab_labs")
    )
    commands = subcommands(root, tr, "command", title=tr("cli.commands"), required=False)
    for name in NAMES:
        import_module(f"tui.commands.{name}").add(commands, tr)
    return root


def subcommands(owner: Parser, tr: Translator, dest: str, *, title: str, required: bool = True) -> Subparsers:
    """Subparsers whose parsers speak the same language and take the global options too."""
    return owner.add_subparsers(
        dest=dest,
        required=required,
        metavar="COMMAND",
        title=title,
        parser_class=cast("type[Parser]", _Sub(tr)),  # argparse only ever calls it
    )


# argparse's own English sentences, and where their translations stand in cli.toml.
_ARGPARSE = {
    "usage: ": "usage",
    "options": "options",
    "positional arguments": "positionals",
    "show this help message and exit": "help",
    "%(heading)s:": "heading",
    "argument %(argument_name)s: %(message)s": "argument",
    "unrecognized arguments: %s": "unrecognized",
    "not allowed with argument %s": "not_with",
    "ignored explicit argument %r": "explicit",
    "the following arguments are required: %s": "required",
    "one of the arguments %s is required": "one_required",
    "expected one argument": "one",
    "expected at most one argument": "at_most_one",
    "expected at least one argument": "at_least_one",
    "expected %s argument": "several",
    "expected %s arguments": "several",
    "invalid %(type)s value: %(value)r": "type",
    "invalid choice: %(value)r (choose from %(choices)s)": "choice",
}


def _speak(tr: Translator) -> None:
    """Give argparse our translations: it looks its own words up through two module-level functions."""
    words = {english: tr(f"cli.argparse_{name}") for english, name in _ARGPARSE.items()}

    def one(text: str) -> str:
        return words.get(text, text)

    def counted(single: str, plural: str, n: int) -> str:
        return one(single if n == 1 else plural)

    vars(argparse).update(_=one, ngettext=counted)


class Parser(argparse.ArgumentParser):
    """An argparse parser with localised words, suggestions for typing mistakes and width-safe help."""

    def __init__(self, *args: Any, tr: Translator, **kwargs: Any) -> None:
        self.tr = tr
        kwargs.setdefault("formatter_class", _Help)
        kwargs.setdefault(
            "allow_abbrev", False
        )  # what a script says today must not change its meaning tomorrow
        super().__init__(*args, **kwargs)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, extra = self.parse_known_args(args, namespace)
        if extra:
            leaf = getattr(found, "leaf", self)
            leaf.error(leaf.unexpected(extra))
        return found

    def unexpected(self, words: Sequence[str]) -> str:
        """The sentence for words no option or argument takes, with the nearest option where one is near."""
        known = [option for action in self._actions for option in action.option_strings]
        near = get_close_matches(words[0].partition("=")[0], known, n=1)
        text = self.tr("cli.unexpected", words=" ".join(words))
        return text + self.tr("cli.did_you_mean", word=near[0]) if near else text

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        text = self.tr("cli.no_such_choice", value=value, choices=", ".join(choices))
        near = get_close_matches(str(value), choices, n=1, cutoff=0.5)
        if near:
            text += self.tr("cli.did_you_mean", word=near[0])
        # the name of a missing command is "COMMAND", which says nothing
        named = None if isinstance(action, argparse._SubParsersAction) else action
        raise argparse.ArgumentError(named, text)

    def format_help(self) -> str:
        text = super().format_help()
        heading = self.tr("cli.argparse_heading")
        for group in self._action_groups:  # before Python 3.13 the colon after a heading is not translated
            if group.title:
                text = text.replace(f"\n{group.title}:\n", "\n" + heading % {"heading": group.title} + "\n")
        return text

    def error(self, message: str) -> NoReturn:
        text = self.tr("cli.usage_error", text=message, prog=self.prog)
        self.exit(USAGE, text + "\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        stream = file or sys.stderr
        if not message or stream is None:
            return
        with suppress(OSError, ValueError):
            stream.reconfigure(errors="replace") if hasattr(stream, "reconfigure") else None
        try:
            stream.write(message)
            stream.flush()
        except BrokenPipeError:
            silence()
            raise SystemExit(READER_GONE) from None
        except OSError as error:
            silence()
            if stream is not sys.stderr:
                self._print_message(self.tr("cli.error", text=os_error(self.tr, error)) + "\n", sys.stderr)
            raise SystemExit(FAILED) from None


class _Sub:
    """Makes the parsers of subcommands: argparse calls this in place of a parser class."""

    def __init__(self, tr: Translator) -> None:
        self.tr = tr

    def __call__(self, **kwargs: Any) -> Parser:
        made = Parser(tr=self.tr, **kwargs)
        _global_options(made, self.tr, default=argparse.SUPPRESS)  # given before the command, they stay
        made.set_defaults(leaf=made)
        return made


def _global_options(owner: Parser, tr: Translator, *, default: str | None) -> None:
    owner.add_argument("--lang", choices=LANGUAGES, default=default, help=tr("cli.lang"))
    owner.add_argument("--python", metavar="PATH", default=default, help=tr("cli.python"))


class _Help(argparse.HelpFormatter):
    """Help whose lines are measured in terminal cells, since a Chinese character takes two."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _lines(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            indent + line
            for paragraph in text.strip().splitlines()
            for line in _lines(paragraph, width - len(indent)) or [""]
        )

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None) -> str:
        from rich.cells import cell_len

        prefix = vars(argparse)["_"]("usage: ") if prefix is None else prefix
        stand_in = "\0" * cell_len(prefix)  # argparse indents by the number of characters
        return super()._format_usage(usage, actions, groups, stand_in).replace(stand_in, prefix, 1)

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(
            action, argparse._SubParsersAction
        ):  # its commands alone, without a line that only says COMMAND
            return "".join(map(self._format_action, self._iter_indented_subactions(action)))
        return super()._format_action(action)

    def _iter_indented_subactions(self, action: argparse.Action) -> Generator[argparse.Action, None, None]:
        if isinstance(action, argparse._SubParsersAction):
            yield from action._get_subactions()
        else:
            yield from super()._iter_indented_subactions(action)


def _lines(text: str, width: int) -> list[str]:
    from tui.wrap import divide_line

    cuts = [0, *divide_line(text, max(width, 1)), len(text)]
    return [text[a:b].rstrip() for a, b in pairwise(cuts) if text[a:b].strip()]
