"""Checks that a database has the tables of its migrations, which SQLite's own check does not cover."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache

Columns = frozenset[tuple[str, str, int, int]]
"""Name, declared type, whether it may be NULL, and place in the primary key."""

_TABLES = "sqlite_master AS t{} WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
_COLUMNS = 'SELECT t.name, c.name, c.type, c."notnull", c.pk FROM ' + _TABLES.format(
    " JOIN pragma_table_info(t.name) AS c"
)
_KEYS = (
    "SELECT t.name, (SELECT group_concat(name) FROM pragma_index_info(i.name)) FROM "
    + _TABLES.format(" JOIN pragma_index_list(t.name) AS i")
    + ' AND i."unique" = 1'
)


def misshapen(connection: sqlite3.Connection, schema: Sequence[str]) -> str:
    """What is wrong with the tables of an up-to-date database; "" if nothing is.

    Compares columns and unique keys, not the text of the definitions, which differs between
    versions of SQLite. Foreign tables do no harm; triggers and views would.
    """
    found = _tables(connection)
    for name, expected in _expected(tuple(schema)).items():
        if found.get(name) != expected:
            return f"its table {name} is {'gone' if name not in found else 'another one'}"
    return meddled(connection)


def meddled(connection: sqlite3.Connection) -> str:
    """Something in a database that PlexSync never creates and that changes the effect of
    statements; "" for none.
    """
    foreign = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1"
    found = connection.execute(foreign).fetchone()
    return f"it has a {found[0]}, {found[1]}" if found else ""


@lru_cache
def _expected(schema: tuple[str, ...]) -> dict[str, tuple[Columns, frozenset[str]]]:
    with closing(sqlite3.connect(":memory:")) as made:
        for script in schema:
            made.executescript(script)
        return _tables(made)


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[Columns, frozenset[str]]]:
    """The columns of each table, and those of each of its unique keys as text."""
    columns, keys = defaultdict(set), defaultdict(set)
    for table, *column in connection.execute(_COLUMNS).fetchall():
        columns[table].add(tuple(column))
    for table, key in connection.execute(_KEYS).fetchall():
        keys[table].add(key)
    return {name: (frozenset(found), frozenset(keys[name])) for name, found in columns.items()}
