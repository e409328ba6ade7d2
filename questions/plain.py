"""Objects of the fold as plain values that msgpack can hold, and back. Nothing but our own classes is made again.

Lists of one kind of thing are taken apart into columns: a hundred thousand rated answers come back in 30 ms.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

import msgspec

from questions.events import Stamped, decode, encode

SCALARS: Final = frozenset({bool, int, float, str, type(None)})
OURS: Final = "questions."  # modules whose classes are made again
FEW: Final = 4  # a column is written as a table of its values where each stands in it so often


class NotPlain(TypeError):
    """Something that is not known to come back as it was."""


def packed(value: Any, outside: Mapping[int, str]) -> Any:
    """`value` as lists and scalars. Objects in `outside` (by `id`) stay there: only their name is kept."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if id(value) in outside:
        return ["outside", outside[id(value)]]
    if kind in (list, tuple, deque):
        return [kind.__name__, _column(list(value), outside), getattr(value, "maxlen", None)]
    if kind in (set, frozenset):
        return [kind.__name__, _column(sorted(value), outside), None]
    if kind is dict:
        return ["dict", _column(list(value), outside), _column(list(value.values()), outside)]
    return ["one", _column([value], outside)]


def unpacked(value: Any, outside: Mapping[str, Any]) -> Any:
    """What was packed. Raises LookupError, TypeError or ValueError for what was not packed by us."""
    if type(value) is not list:
        return value
    match value:
        case ["outside", name]:
            return outside[name]
        case ["dict", keys, values]:
            return dict(zip(_cells(keys, outside), _cells(values, outside), strict=True))
        case ["one", column]:
            return _cells(column, outside)[0]
        case ["deque", column, longest]:
            return deque(_cells(column, outside), longest)
        case [name, column, None]:
            return _SEQUENCES[name](_cells(column, outside))
    raise ValueError(f"not packed by us: {value[:1]}")


class _Days(dict[int, date]):
    """Dates by their number, each made once: every claim has the same ones."""

    def __missing__(self, number: int) -> date:
        made = self[number] = date.fromordinal(number)
        return made


_days: Final = _Days()
_SEQUENCES: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "list": lambda cells: cells,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}


def _column(cells: list[Any], outside: Mapping[int, str]) -> Any:
    """Cells side by side, in the shortest form that fits all of them."""
    kinds = {type(cell) for cell in cells}
    if len(kinds) == 1 and cells and not any(id(cell) in outside for cell in cells):
        (kind,) = kinds
        words = kind is tuple and all(type(part) is str for cell in cells for part in cell)
        if (words or kind in (str, date, bool, float)) and (table := _table(cells)):
            return ["table", _column(table[0], outside), table[1]]
        if kind is date:
            return ["date", array("i", (cell.toordinal() for cell in cells)).tobytes()]
        if kind is float:
            return ["float", array("d", cells).tobytes()]
        if kind is datetime:
            return ["datetime", [_utc(cell) for cell in cells]]
        if kind is tuple and len({len(cell) for cell in cells}) == 1:
            return ["tuples", [_column(list(part), outside) for part in zip(*cells, strict=True)], len(cells)]
        if issubclass(kind, Stamped):
            return ["event", [encode(cell).decode() for cell in cells]]
        if kind not in SCALARS and kind not in (list, tuple, dict, set, frozenset, deque):
            return _objects(kind, cells, outside)
    if kinds <= SCALARS:
        return ["plain", cells]
    return ["mixed", [packed(cell, outside) for cell in cells]]


def _table(cells: Sequence[Any]) -> tuple[list[Any], bytes] | None:
    """The values that a column of one kind repeats, and which of them stands where; None where they are too many."""
    values = list(dict.fromkeys(cells))
    signed = type(cells[0]) is float and 0.0 in values  # 0.0 and -0.0 are one key
    if len(values) > 256 or len(values) * FEW > len(cells) or signed:
        return None
    place = {value: n for n, value in enumerate(values)}
    return values, bytes(place[cell] for cell in cells)


def _objects(kind: type[Any], cells: Sequence[Any], outside: Mapping[int, str]) -> Any:
    if not kind.__module__.startswith(OURS):
        raise NotPlain(f"{kind.__module__}.{kind.__qualname__}")
    name = [kind.__module__, kind.__qualname__]
    if issubclass(kind, Enum):
        return ["enum", name, [cell.name for cell in cells]]
    fields = list(_fields(cells[0]))
    if any(list(_fields(cell)) != fields for cell in cells):
        return ["mixed", [packed(cell, outside) for cell in cells]]
    columns = [_column([getattr(cell, field) for cell in cells], outside) for field in fields]
    return ["struct" if issubclass(kind, msgspec.Struct) else "object", name, fields, columns, len(cells)]


def _cells(column: Any, outside: Mapping[str, Any]) -> list[Any]:
    match column:
        case ["plain", cells]:
            return list(cells)
        case ["table", values, places]:
            return list(map(_cells(values, outside).__getitem__, places))
        case ["date", cells]:
            return list(map(_days.__getitem__, array("i", cells)))
        case ["float", cells]:
            return array("d", cells).tolist()
        case ["datetime", cells]:
            return list(map(datetime.fromisoformat, cells))
        case ["tuples", parts, 0 | int()]:
            return (
                list(zip(*(_cells(part, outside) for part in parts), strict=True))
                if parts
                else [()] * column[2]
            )
        case ["event", cells]:
            return list(map(decode, cells))
        case ["enum", name, cells]:
            return [_class(name)[cell] for cell in cells]
        case ["struct", name, fields, columns, _]:
            kind, parts = _class(name), [_cells(part, outside) for part in columns]
            if kind.__match_args__ == tuple(fields):
                return list(map(kind, *parts))
            return [kind(**dict(zip(fields, row, strict=True))) for row in zip(*parts, strict=True)]
        case ["object", name, fields, columns, count]:
            return _made(_class(name), fields, [_cells(part, outside) for part in columns], count)
        case ["mixed", cells]:
            return [unpacked(cell, outside) for cell in cells]
    raise ValueError("not packed by us")


def _made(kind: Any, fields: Sequence[str], columns: Sequence[list[Any]], count: int) -> list[Any]:
    made = [kind.__new__(kind) for _ in range(count)]
    for field, column in zip(fields, columns, strict=True):
        for one, value in zip(made, column, strict=True):
            setattr(one, field, value)
    return made


def _fields(value: Any) -> Sequence[str]:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    own = sorted(getattr(value, "__dict__", ()))
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return own + [name for name in slots if name not in ("__dict__", "__weakref__")]


def _class(name: Sequence[str]) -> Any:
    module, qualname = name
    if not module.startswith(OURS):
        raise ValueError(f"not ours: {module}")
    return getattr(sys.modules[module], qualname)


def _utc(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        raise NotPlain(f"a time in the zone {moment.tzinfo}")
    return moment.isoformat()
