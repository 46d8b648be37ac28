"""Errors in tables."""


class TableError(ValueError):
    """A table or a cell that cannot be used; the message names the file, and for a cell, its line and column."""


class MissingValue(TableError):
    """A cell without a value where one is needed."""


def listed(names: object) -> str:
    """Names for a message, at most 10 of them."""
    given = list(names)  # type: ignore[call-overload]
    more = f" and {len(given) - 10} more" if len(given) > 10 else ""
    return ", ".join(short(name) for name in given[:10]) + more


def short(text: object) -> str:
    """A name or a cell for a message: its repr, cut to one short line."""
    found = repr(text)
    return found if len(found) <= 60 else found[:57] + "..."
