"""How questions reach a database of ours: its owner asks over its own connection, whoever reads
beside it as edges/page/read_state.py does. The questions are the same.

Light on purpose: a page of Stash starts a process for each request.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    class Ask(Protocol):
        """Runs a query and returns its rows.

        `shape` has a letter for each column, see edges/page/read_state.py; the owner has checked
        every row when it opened the database.
        """

        def __call__(
            self, sql: str, values: Sequence[object] = (), shape: str = ""
        ) -> list[tuple[Any, ...]]:
            """The rows of a query with these values."""


_AT_ONCE = 400
"""Maximum values in one statement; old builds of SQLite accept 999."""


def asking(connection: sqlite3.Connection) -> Ask:
    """Asks over the owner's connection."""

    def ask(sql: str, values: Sequence[object] = (), shape: str = "") -> list[tuple[Any, ...]]:
        return connection.execute(sql, values).fetchall()

    return ask


def ask_in(
    ask: Ask, sql: str, values: Sequence[int], first: Sequence[object] = (), shape: str = ""
) -> Iterator[tuple[Any, ...]]:
    """The rows for any number of values, which take the place of {} in the query; `first` are those
    of the question marks before it.
    """
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        yield from ask(sql.format(marks(some)), (*first, *some), shape)


def marks(values: Sequence[object]) -> str:
    """A question mark for each value."""
    return ", ".join("?" * len(values))
