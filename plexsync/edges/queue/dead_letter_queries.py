"""The queries of dlq.db, for its owner and for processes that read beside it; light like
read_state."""

from __future__ import annotations

from plexsync.edges.storage import id_sets
from plexsync.edges.storage.queries import marks
from plexsync.model.dead_letter import DeadLetter, candidates
from plexsync.model.json_text import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    from plexsync.edges.storage.queries import Ask

    T = TypeVar("T")

SET = "class "
"""How the names of the sets of their scenes begin, one for each error class, see edges/storage/id_sets.py."""

COLUMNS = DeadLetter._fields
_SHAPE = "issnnnIsssss"
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM dead_letters"

_ORDERS = {
    "newest": "buried_at DESC, scene DESC",
    "oldest": "buried_at, scene",
    "scene": "scene",
    "scene_desc": "scene DESC",
    "class": "error, scene",
    "class_desc": "error DESC, scene",
}
ORDERS = tuple(_ORDERS)


class DeadLetterQueries:
    """Dead letters as they are stored; `error` is an error class and `scenes` are ids, None for any."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def get(self, scene: int) -> DeadLetter | None:
        """The scene's dead letter."""
        found = self.page(1, scenes=[scene])
        return found[0] if found else None

    def page(
        self,
        limit: int,
        offset: int = 0,
        error: str | None = None,
        scenes: Sequence[int] | None = None,
        order: str = "newest",
    ) -> list[DeadLetter]:
        """Dead letters in one of ORDERS."""
        where, values = _where(error, scenes)
        sql = f"{_SELECT}{where} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
        return [_from_row(row) for row in self._ask(sql, (*values, limit, offset), _SHAPE)]

    def all(self, error: str | None = None) -> list[DeadLetter]:
        """Every dead letter, the newest first."""
        return self.page(-1, error=error)

    def count(self, error: str | None = None, scenes: Sequence[int] | None = None) -> int:
        """How many there are."""
        if scenes is None:
            found = self.counts()
            return sum(found.values()) if error is None else found.get(error, 0)
        where, values = _where(error, scenes)
        return sum(n for (n,) in self._ask(f"SELECT COUNT(*) FROM dead_letters{where}", values))

    def counts(self) -> dict[str, int]:
        """The number of dead letters by error class. The sets of their scenes are counted if there are
        any, since SQLite would count row by row.
        """
        sets = id_sets.stored(self._ask, "dead_letters")
        if sets and all(name.startswith(SET) for name in sets):
            sizes = {name.removeprefix(SET): id_sets.size(ids) for name, ids in sets.items()}
            return {error: number for error, number in sizes.items() if number}
        return dict(self._ask("SELECT error, COUNT(*) FROM dead_letters GROUP BY error", (), "si"))

    def buried_after(self, at: float) -> tuple[dict[str, int], float]:
        """The number of newer dead letters by error class, and when the newest was buried (or `at`)."""
        sql = (
            "SELECT error, COUNT(*), MAX(buried_at) FROM dead_letters WHERE buried_at > ?"
            " GROUP BY error"
        )
        found = self._ask(sql, (at,), "sin")
        return {error: number for error, number, _ in found}, max(
            (t for *_, t in found), default=at
        )

    def scenes(self, error: str | None = None) -> list[int]:
        """The scenes with a dead letter of this error class, by id."""
        where, values = _where(error, None)
        sql = f"SELECT scene FROM dead_letters{where} ORDER BY scene"
        return [scene for (scene,) in self._ask(sql, values, "i")]

    def last_failures(self) -> dict[int, float]:
        """When each scene with a dead letter was last tried."""
        return dict(self._ask("SELECT scene, last_failure FROM dead_letters", (), "in"))


def _where(error: str | None, scenes: Sequence[int] | None) -> tuple[str, tuple[object, ...]]:
    terms = [] if error is None else ["error = ?"]
    if scenes is not None:
        terms.append(f"scene IN ({marks(scenes)})")
    values = (*(() if error is None else (error,)), *(scenes or ()))
    return f" WHERE {' AND '.join(terms)}" if terms else "", values


def _from_row(row: tuple[Any, ...]) -> DeadLetter:
    *plain, attempts, listed, job, paths = row
    numbers = _decoded(attempts, dict).items()
    decoded = (
        {name: n for name, n in numbers if type(n) is int},
        candidates(_decoded(listed, list)),
        _decoded(job, dict),
        tuple(map(str, _decoded(paths, list))),
    )
    return DeadLetter._make((*plain, *decoded))


def _decoded(text: object, kind: type[T]) -> T:
    """The JSON value, or an empty one of that kind: a damaged cell must not hide the row."""
    if text in _EMPTY:
        return kind()
    try:
        value = loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, kind) else kind()


_EMPTY = ("{}", "[]")
"""Most of what is stored as JSON."""
