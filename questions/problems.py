"""Everything that can be wrong with the bank or with saved answers: what, where, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable

from questions.characters import visible

MESSAGES: dict[str, str] = {
    # reading the bank
    "missing-file": "{file} is missing. Put it back, or install torchproof again.",
    "unreadable": "{file} cannot be read ({why}). Check that it exists and may be read.",
    "link": "{file} is a link, or lies behind one. Put the file itself there.",
    "not-a-file": "{file} is not an ordinary file. Put a text file there, or remove it.",
    "too-large": "{file} has {size} bytes; at most {most} are read. Divide it, or remove what does not belong there.",
    "text-long": "{file}:{line}: this text has {count} characters; a card has room for {most} at most. Shorten it.",
    "too-many-files": "{file} holds more than {most} files and folders. Name the folder of one bank or pack.",
    "folder-deep": "{file} lies more than {most} folders deep; a bank has folders for entries and, in "
    "them, for claims. Move it up, or remove it.",
    "too-deep": "{file}:{line}: the front matter is nested too deeply. Flatten it.",
    "character": "{file}:{line}: character {code} ({name}) may not stand here: terminals do not agree on it, or obey "
    "it. Remove it.",
    "not-utf8": "{file} is not UTF-8 text (byte {byte}). Save it as UTF-8.",
    "toml": "{file}:{line}: not valid TOML ({why}). Mend that line.",
    "front-matter": "{file}:{line}: the front matter must stand between two lines '+++', the first of them "
    "line 1. Add the missing '+++'.",
    "field-missing": "{file}:{line}: field '{field}' is missing. Add it.",
    "field-unknown": "{file}:{line}: there is no field '{field}' here. Remove it or correct its name{hint}.",
    "field-type": "{file}:{line}: field '{field}' should be {expected}, not {got}. Change its value.",
    "field-value": "{file}:{line}: field '{field}': {why}. Change its value.",
    "field-not-for-kind": "{file}:{line}: field '{field}' does not belong to a question of kind '{kind}'. "
    "Remove it, or change the kind.",
    "heading": "{file}:{line}: '{heading}' is not expected here. After the front matter come {expected}, "
    "each once and in this order.",
    "section-empty": "{file}:{line}: section '{section}' is empty or missing. Write its text.",
    "fence": "{file}:{line}: this code block is never closed. End it with a line ```.",
    "id-is-not-stem": "{file}:{line}: id '{id}' differs from the file's name. Set id = \"{stem}\" or rename "
    "the file.",
    "id-twice": "{file}:{line}: id '{id}' is used twice (first in {other}). Give one of them another id.",
    "claim-folder": "{file}:{line}: id '{id}' differs from the folder's name, '{folder}'. Make them the same.",
    "claim-missing": "{file} is missing: every folder with questions holds the claim they ask about. Add it.",
    "unknown-entry": "{file}: its folder '{id}' is not an entry of entries.toml{hint}. Add the entry or move the "
    "folder.",
    "wrong-folder": "{file}:{line}: claim '{claim}' belongs into the folder {folder}. Move the file there.",
    "unknown-id": "{file}:{line}: field '{field}' names '{id}', which is not in {where}{hint}. Correct it or "
    "add it there.",
    "unknown-option": "{file}:{line}: field '{field}' names '{id}', but the options are {options}. "
    "Name one of them.",
    "option-count": "{file}:{line}: field '{field}' has {count} entries. Give {least} to {most}.",
    "difficulty": "{file}:{line}: field 'difficulty' is {got}. Give 1 (easy) to 5 (hard).",
    "text-twice": "{file}:{line}: option '{id}' has 'text' and also 'zh' or 'en'. Keep 'text', or the other "
    "two.",
    "bands-beliefs": "{file}:{line}: field 'misconceptions' has {got} entries for {expected} bands. Give one "
    'for each band, "" where there is none.',
    "right-band-belief": "{file}:{line}: field 'misconceptions': the right band is number {number}, so that "
    "entry must be \"\". Empty it, or check 'value'.",
    "bands": "{file}:{line}: field 'bands' must rise ('below' = 30, then 70, ...) and end with one open band "
    "{{}}. Put them in order.",
    "no-such-line": "{file}:{line}: the code has no line {got} with text on it. Give one of 1 to {most}.",
    "tolerance": "{file}:{line}: field 'tolerance' is {got}. Give 0 or more.",
    "slip-is-right": "{file}:{line}: '{got}' is a right answer and cannot be a slip. Give a wrong one.",
    "requires-circle": "{file}:{line}: field 'requires' of claim '{id}' leads back to it. Remove one link.",
    "set-name": "{file}:{line}: '{name}' cannot be the name of a confusable set. Use 1 to {most} of a-z, 0-9 and "
    "'-', with a letter or digit at both ends.",
    "unknown-question": "There is no question '{id}' in the bank{hint}. Name one that is there.",
    # fitting the memory model
    "fit-package": "With {least} reviews or more, all parameters are fitted, by the optimizer of the package "
    "fsrs, which needs more than is installed ({why}). Install it: {python} -m pip install 'fsrs[optimizer]'",
    "fit-nothing": "The optimizer of the package fsrs gave its defaults back for {reviews} reviews. Nothing has "
    "changed. Install the version that torchproof was made with: {python} -m pip install 'fsrs[optimizer]<7'",
    "fit-failed": "The fit ended early ({why}). Nothing has changed. Try again; if it happens again, report it.",
    # packs, drafts, and the FAQs that these come from
    "draft-folder": "{file}: a draft lies in a folder of its own within an entry's: "
    "ENTRY/CLAIM/draft.md. Move it there.",
    "draft-heading": "{file}:{line}: field 'heading' must be one line of text. Write one.",
    "pack-name": "'{name}' cannot be a pack's name. Use 1 to 32 of a-z, 0-9 and '-', with a letter or "
    "digit at both ends: --name NAME.",
    "pack-exists": "There is a pack '{name}' already ({folder}). Choose another name with --name, or "
    "remove that pack first: torchproof bank remove {name}",
    "pack-unknown": "There is no pack '{name}'{hint}. 'torchproof bank packs' lists those that are there.",
    "pack-folder": "{file} is not a folder. Name a pack's folder, the one with entries.toml; a "
    "Markdown FAQ is read by 'torchproof bank import FILE'.",
    "pack-bytes": "{file}: the questions of a pack may have {most} bytes in all; here are more. Divide "
    "it into several packs.",
    "pack-id": "{file}: '{id}' cannot be an id in a pack. Use 1 to 64 letters, digits, '.', '_' and "
    "'-', a letter or digit first.",
    "pack-file-name": "{file}: this name holds characters that a terminal would obey or cannot show. "
    "Rename it.",
    "pack-edited": "Pack '{name}' was edited here after it was added ({folder}); removing it would "
    "delete that work. Keep a copy of the folder, then: torchproof bank remove {name} --edited",
    "faq-missing": "{file} does not exist. Name a Markdown file.",
    "faq-encoding": "{file} is not UTF-8; it looks like {encoding}. Convert it and import the new "
    "file: {command}",
    "faq-large": "{file} has more than {most} bytes. Divide it, and import the parts one by one.",
    "faq-lines": "{file} has {count} lines; at most {most} are read. Divide it, and import the parts "
    "one by one.",
    "faq-many": "{file} would give more than {most} drafts. Divide it, and import the parts one by one.",
    "faq-empty": "{file} holds no text that a draft could be made of. Name a file with headings or "
    "questions and text below them.",
    # saving, exporting and importing answers
    "disk-full": "{file}: no space left on the disk, so this was not saved. Free some space and try again; "
    "earlier answers are safe.",
    "read-only": "{file}: may not be written ({why}), so this was not saved. Make the folder writable, or "
    "set TORCHPROOF_HOME to a writable one.",
    "cannot-save": "{file}: writing failed ({why}), so this was not saved. Check the disk and try again.",
    "no-folder": "{file}: its folder does not exist. Make the folder first, or name another file.",
    "export-among-events": "{file} lies among torchproof's own event files. Export to a file elsewhere.",
    "not-ours": "{file}:{line}: this is not an export of torchproof. Nothing was imported. Make the file "
    "with 'torchproof progress export FILE'.",
    "missing-export": "{file} does not exist. Name a file made with 'torchproof progress export FILE'.",
    "export-cut": "{file}: the header promises {expected} events, but {got} are there; the file was cut. "
    "Nothing was imported. Copy the file again.",
    "export-newer": "{file}: made by a newer torchproof (format {version}). Nothing was imported. Update "
    "torchproof, then import again.",
    # running code of a question
    "code-timeout": "The code was still running after {seconds} seconds. Make it shorter.",
    "code-failed": "The code ended with an error: {why}. Mend it so that it runs.",
    "no-interpreter": "{file} cannot be started ({why}). Name a Python interpreter that exists.",
}


class BankProblem(ValueError):
    """A mistake a person can mend; `key` and `fields` let the interface say it in the chosen language.

    What files and their names say stands in `fields` with escapes in place of what a terminal would obey.
    """

    def __init__(self, key: str, /, **fields: object) -> None:
        self.key = key
        self.fields = {name: visible(value) for name, value in fields.items()}
        super().__init__(MESSAGES[key].format(**self.fields))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuilt, (self.key, self.fields))


def _rebuilt(key: str, fields: dict[str, object]) -> BankProblem:
    return BankProblem(key, **fields)


def hint(name: str, known: Iterable[str]) -> str:
    """` ('x'?)` where one of the `known` names is close to `name`, else nothing; fits any language."""
    from difflib import get_close_matches

    known = list(known)
    if len(known) > 1000 or len(name) > 100:  # comparing would take longer than reading them all
        return ""
    close = get_close_matches(name, known, n=1)
    return f" ('{close[0]}'?)" if close else ""
