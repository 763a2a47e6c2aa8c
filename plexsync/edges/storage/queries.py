"""How queries reach a database: its owner runs them on its own connection, other processes as
edges/page/read_state.py does. The queries are the same.

Kept light: each request of the page is a process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    class Ask(Protocol):
        """Runs a query and returns its rows.

        `shape` has a character for each column, see edges/page/read_state.py; the owner need not
        check it, since it checked every row when it opened the database.
        """

        def __call__(
            self, sql: str, values: Sequence[object] = (), shape: str = ""
        ) -> list[tuple[Any, ...]]:
            """The rows of a query with these values."""


_AT_ONCE = 400
"""Maximum values in one statement; old builds of SQLite accept 999."""


def asking(connection: sqlite3.Connection) -> Ask:
    """An Ask on the owner's connection."""

    def ask(sql: str, values: Sequence[object] = (), shape: str = "") -> list[tuple[Any, ...]]:
        return connection.execute(sql, values).fetchall()

    return ask


def ask_in(
    ask: Ask, sql: str, values: Sequence[int], first: Sequence[object] = (), shape: str = ""
) -> Iterator[tuple[Any, ...]]:
    """The rows for any number of values, which replace {} in the query; `first` are the values of
    the placeholders before it.
    """
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        yield from ask(sql.format(marks(some)), (*first, *some), shape)


def marks(values: Sequence[object]) -> str:
    """A placeholder for each value."""
    return ", ".join("?" * len(values))
