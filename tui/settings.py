"""What a person has chosen for good: language, minutes a day, device, looks. One TOML file, written whole."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

MINUTES: Final = (5, 10, 15, 25)
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
THEMES: Final = ("auto", "dark", "light", "contrast", "terminal")

# For each setting the values it may take; None stands for "as the environment says".
CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    "language": ("zh", "en"),
    "minutes": MINUTES,
    "device": DEVICES,
    "theme": THEMES,
    "ask_before_quitting": (True, False),
    "keep_torch_ready": (True, False),
}


@dataclass(frozen=True)
class Settings:
    """The saved choices. `extra` holds what a newer version wrote, so that saving does not lose it."""

    language: str | None = None
    minutes: int = 15
    device: str = "auto"  # or "cuda:1": any device string torch knows
    theme: str = "auto"
    ask_before_quitting: bool = True
    keep_torch_ready: bool = True
    extra: Mapping[str, object] = field(default_factory=dict)

    def changed(self, name: str, value: object) -> "Settings":
        """A copy with one setting changed. Raises ValueError for a value it cannot take."""
        if not _valid(name, value):
            raise ValueError(f"{name} = {value!r} is not one of {CHOICES[name]}")
        return replace(self, **{name: value})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Trouble:
    """Why a settings file was not used as it stands: a locale key and its fields."""

    key: str
    fields: Mapping[str, object]


def _valid(name: str, value: object) -> bool:
    if name == "device":
        return isinstance(value, str) and (value in DEVICES or value.startswith("cuda:"))
    return any(type(value) is type(choice) and value == choice for choice in CHOICES[name])


def load(file: Path) -> tuple[Settings, Trouble | None]:
    """The saved settings, or the defaults with the reason. The file is never touched.

    A file that is not TOML gives defaults only; a value that is not possible gives the default of that one.
    """
    import tomllib

    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Settings(), None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Settings(), Trouble("shell.settings_broken", {"file": str(file), "reason": str(error)})
    except OSError as error:
        reason = error.strerror or str(error)
        return Settings(), Trouble("shell.settings_unreadable", {"file": str(file), "reason": reason})

    trouble: Trouble | None = None
    known: dict[str, Any] = {}
    extra: dict[str, object] = {}
    for name, value in table.items():
        if name not in CHOICES:
            extra[name] = value
        elif _valid(name, value):
            known[name] = value
        elif trouble is None:
            choices = ", ".join(_toml(choice) for choice in CHOICES[name])
            trouble = Trouble(
                "shell.settings_value",
                {"file": str(file), "field": name, "value": _toml(value), "choices": choices},
            )
    return Settings(**known, extra=extra), trouble


def save(file: Path, settings: Settings, *, rename: Callable[[str, str], None] = os.replace) -> None:
    """Write the settings whole or not at all. A file that could not be read is kept as settings.toml.broken.

    Raises OSError where the folder or the disk does not allow it; the old file is then as it was.
    """
    import tempfile

    file.parent.mkdir(parents=True, exist_ok=True)
    _, trouble = load(file)
    if trouble is not None and file.exists():
        rename(str(file), f"{file}.broken")
    descriptor, name = tempfile.mkstemp(prefix=".settings-", suffix=".toml", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text(settings))
            stream.flush()
            os.fsync(stream.fileno())
        rename(name, str(file))
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 (mkstemp gives a string)
        raise


def text(settings: Settings) -> str:
    """The settings as TOML; what equals the default is written too, so that the file shows what there is."""
    lines = ["# torchproof: saved choices; delete a line to get its default back"]
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name in CHOICES and value is not None:
            lines.append(f"{item.name} = {_toml(value)}")
    for name, value in settings.extra.items():
        lines.append(f"{_key(name)} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    plain = name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if plain else _toml(name)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        escaped = "".join(_escape(char) for char in value)
        return f'"{escaped}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
    return str(value)  # dates and times are written in TOML as Python prints them


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if char < " " or char == "\x7f" else char
