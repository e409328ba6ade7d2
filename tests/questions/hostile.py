"""What a pack from a stranger may hold: each makes one bad thing of a sound pack."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import sample_bank

Spoil = Callable[[Path, Path], object]  # of a pack, with a folder outside it

ESCAPES = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\u200b", "\x00")
MARKUP = ("[red]x[/red]", "[@click=app.quit]go[/]", "[/]", "[link=https://example.org]y[/link]", "$error")


def replaced(pack: Path, inside: str, old: str, new: str) -> None:
    file = pack / inside
    text = file.read_text("utf-8")
    assert old in text, (inside, old)
    file.write_text(text.replace(old, new, 1), "utf-8")


def written(pack: Path, inside: str, text: str) -> None:
    (pack / inside).parent.mkdir(parents=True, exist_ok=True)
    (pack / inside).write_text(text, "utf-8")


CHOICE = "E1/E1.1/e11-which.md"
CLAIM = "E1/E1.1/claim.md"

# what is wrong -> how it is made, and the key of the problem
ATTACKS: dict[str, tuple[Spoil, str]] = {
    "a file that is a link out": (
        lambda pack, out: (pack / "E1/E1.1/e11-new.md").symlink_to(out / "secret.md"),
        "link",
    ),
    "a folder that is a link out": (lambda pack, out: (pack / "E1/E1.9").symlink_to(out), "link"),
    "an entry that is a link out": (lambda pack, out: (pack / "E9").symlink_to(out), "link"),
    "a table that is a link out": (
        lambda pack, out: (
            (pack / "misconceptions.toml").unlink(),
            (pack / "misconceptions.toml").symlink_to(out / "secret.toml"),
        ),
        "link",
    ),
    "a link to nowhere": (lambda pack, out: (pack / "E1/x.md").symlink_to("/nowhere"), "link"),
    "a link to itself": (lambda pack, out: (pack / "E1/loop").symlink_to(pack), "link"),
    "a pipe": (lambda pack, out: os.mkfifo(pack / "E1/E1.1/e11-pipe.md"), "not-a-file"),
    "an id that leads out": (
        lambda pack, out: replaced(pack, CLAIM, '"E1.1"', '"../../E1.1"'),
        "claim-folder",
    ),
    "an absolute id": (
        lambda pack, out: replaced(pack, CHOICE, '"e11-which"', '"/etc/passwd"'),
        "id-is-not-stem",
    ),
    "an entry's id that leads out": (
        lambda pack, out: replaced(pack, "entries.toml", '"E3"', '"../../../etc"'),
        "pack-id",
    ),
    "an id of two lines": (
        lambda pack, out: written(
            pack,
            "E3/misconceptions.toml",
            '[[misconceptions]]\nid = "a\\nb"\nname = {zh = "a", en = "a"}\nbecause = {zh = "a", en = "a"}\n',
        ),
        "pack-id",
    ),
    "a claim it has not": (lambda pack, out: replaced(pack, CHOICE, '"E1.1"', '"E2.1"'), "wrong-folder"),
    "a file of more than 256 KiB": (
        lambda pack, out: written(pack, CHOICE, "x" * (256 * 1024 + 1)),
        "too-large",
    ),
    "a file of a million lines": (lambda pack, out: written(pack, CHOICE, "\n" * 10**6), "too-large"),
    "a stem as long as a book": (
        lambda pack, out: replaced(pack, CHOICE, "# en\n", f"# en\n{'x' * 20_000}"),
        "text-long",
    ),
    "an option as long as a book": (
        lambda pack, out: replaced(pack, CHOICE, "No weight at all", "x" * 20_000),
        "text-long",
    ),
    "TOML nested deeply": (
        lambda pack, out: replaced(pack, CHOICE, "difficulty = 2", f"difficulty = {'[' * 9000}"),
        "too-deep",
    ),
    "a dotted key that fills the memory": (
        lambda pack, out: replaced(pack, CHOICE, "difficulty = 2", "a." * 100_000 + "a = 1"),
        "too-deep",
    ),
    "a number without end": (
        lambda pack, out: replaced(pack, CHOICE, "difficulty = 2", f"difficulty = 0x{'f' * 200_000}"),
        "toml",
    ),
    "a number of many digits": (
        lambda pack, out: replaced(pack, CLAIM, "order = 1", f"order = {'9' * 5000}"),
        "toml",
    ),
    "a number of 70 bits": (lambda pack, out: replaced(pack, CLAIM, "order = 1", f"order = {2**70}"), "toml"),
    "folders in folders": (
        lambda pack, out: written(pack, "/".join(["E1"] * 40) + "/x.md", "x"),
        "folder-deep",
    ),
    "too many files": (
        lambda pack, out: [written(pack, f"E3/{n}.txt", "") for n in range(5001)],
        "too-many-files",
    ),
    "too many bytes": (
        lambda pack, out: [written(pack, f"E3/{n}.md", "x" * 260_000) for n in range(70)],
        "pack-bytes",
    ),
    "a file's name with an escape": (
        lambda pack, out: written(pack, "E1/E1.1/\x1b[31mred.md", "x"),
        "pack-file-name",
    ),
    "a file's name of two lines": (lambda pack, out: written(pack, "E1/E1.1/a\nb.md", "x"), "pack-file-name"),
    "a file's name that is no text": (
        lambda pack, out: Path(os.fsdecode(os.fsencode(pack / "E1/E1.1") + b"/\xff.md")).write_text("x"),
        "pack-file-name",
    ),
}
for number, sign in enumerate(ESCAPES):
    code = f"\\U{ord(sign[0]):08x}"
    ATTACKS |= {
        f"a sign in a stem {number}": (
            lambda pack, out, sign=sign: replaced(pack, CHOICE, "# en\n", f"# en\n{sign} "),
            "character",
        ),
        f"a sign in a title {number}": (
            lambda pack, out, sign=sign: replaced(pack, "entries.toml", "Convolutions", f"Con{sign}"),
            "character",
        ),
        f"an escaped sign in a title {number}": (
            lambda pack, out, code=code: replaced(pack, "entries.toml", "Convolutions", f"Con{code}"),
            "character",
        ),
        f"an escaped sign in an option {number}": (
            lambda pack, out, code=code: replaced(pack, CHOICE, "No weight at all", f"No {code}weight"),
            "character",
        ),
        f"an escaped sign in a source {number}": (
            lambda pack, out, code=code: replaced(pack, CLAIM, 'source = "', f'source = "{code}'),
            "character",
        ),
        f"an escaped sign in a key {number}": (
            lambda pack, out, code=code: replaced(
                pack, CHOICE, "difficulty = 2", f'difficulty = 2\n"{code}" = 1'
            ),
            "character",
        ),
    }


def sound_pack(folder: Path) -> Path:
    """A pack without a fault, whose code would write a file named "ran" into the folder that RAN names."""
    sample_bank.write_bank(folder)
    return folder


def with_code(pack: Path, code: str) -> Path:
    """The pack with this as the evidence of its first claim, on one line."""
    replaced(
        pack,
        CLAIM,
        'verdict = "false"',
        f"verdict = \"false\"\nevidence = {{code = '''{code}''', prints = '1'}}",
    )
    return pack
