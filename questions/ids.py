"""How the ids of packs are told from our own: `<pack>/<id>`. No id of a bank's own files holds a "/"."""


def pack_of(id: str) -> str:
    """The name of the pack that an entry, claim, question or misconception belongs to; "" for the bank's own."""
    name, mark, _ = id.partition("/")
    return name if mark else ""


def local(id: str) -> str:
    """An id as the bank's or the pack's own files have it."""
    return id.rpartition("/")[2]
