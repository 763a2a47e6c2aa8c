"""Every scene that PlexSync knows is in exactly one list. Ledger, queue and dead letters together
decide in which, so their databases are read as one; light like read_state.
"""

from __future__ import annotations

from plexsync.edges.ledger.backfill_queries import EDITED, SERVER
from plexsync.edges.page import read_state
from plexsync.edges.page.joined import joined
from plexsync.edges.queue import queue_queries
from plexsync.edges.queue.queue_queries import QueueQueries
from plexsync.edges.storage import id_sets
from plexsync.model.ledger import LEFT_OUT, NOT_IN_PLEX, SHARED, SYNCED, TOO_LITTLE, UNDONE
from plexsync.model.reasons import NOT_FOUND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from plexsync.edges.storage.queries import Ask

OF_LEDGER = {
    SYNCED: "in_step",
    NOT_IN_PLEX: "not_in_plex",
    TOO_LITTLE: "too_little_metadata",
    LEFT_OUT: "left_out",
    SHARED: "shared",
    UNDONE: "undone",
}
"""The list of a scene without job and dead letter, by its state in the ledger."""

CLEARED = "cleared"
"""The list of scenes with any other state: their jobs or dead letters were cleared."""

LISTS = (
    *("in_step", "waiting", "not_in_plex", "needs_you", "edited_in_plex"),
    *("too_little_metadata", "left_out", "shared", "undone", CLEARED),
)
"""A job comes first, then a dead letter, then the ledger. A job that waits because Plex does not
have the file counts as not in Plex."""

_ORDERS = {
    "scene": "scene",
    "scene_desc": "scene DESC",
    "newest": "since DESC, scene DESC",
    "oldest": "since, scene",
}
ORDERS = tuple(_ORDERS)

_SERVER = (
    "coalesce((SELECT number FROM servers WHERE server ="
    f" (SELECT value FROM meta WHERE key = '{SERVER}')), 0)"
)
_LIVE = f"s.archived_at IS NULL AND s.destroyed_at IS NULL AND s.server = {_SERVER}"
_HAS_JOB = "EXISTS (SELECT 1 FROM job_index j WHERE j.scene = {}.scene)"
_HAS_DEAD_LETTER = "EXISTS (SELECT 1 FROM dead_letters d WHERE d.scene = s.scene)"
_AT_REST = f"NOT {_HAS_JOB.format('s')} AND NOT {_HAS_DEAD_LETTER}"
_EDITED_SCENES = (
    "SELECT o.scene FROM observations o INDEXED BY observations_edited"
    f" WHERE o.server = {_SERVER} AND ({EDITED})"
    " AND coalesce((SELECT max(t.synced_at) FROM scenes e JOIN targets t ON t.row = e.id"
    " WHERE e.archived_at IS NULL AND e.server = o.server AND e.scene = o.scene"
    " AND t.left_at IS NULL AND t.rating_key = o.rating_key), 0.0)"
    " <= max(o.plex_updated, o.queued_at)"
)
_EDITED = f"SELECT s.scene FROM scenes s WHERE s.state = '{SYNCED}' AND {_LIVE} AND s.scene IN ({_EDITED_SCENES})"
_STATES = ", ".join(f"'{state}'" for state in OF_LEDGER)
_JOBS = "SELECT scene, born AS since FROM job_index WHERE error"


def _resting(state: str, more: str = "") -> str:
    which = f"s.state {state} AND {_LIVE} AND {_AT_REST}{more}"
    return f"SELECT s.scene AS scene, s.since AS since FROM scenes s WHERE {which}"


_MEMBERS = {
    **{name: _resting(f"= '{state}'") for state, name in OF_LEDGER.items()},
    "in_step": _resting(f"= '{SYNCED}'", f" AND s.scene NOT IN ({_EDITED_SCENES})"),
    "edited_in_plex": _resting(f"= '{SYNCED}'", f" AND s.scene IN ({_EDITED_SCENES})"),
    "waiting": f"{_JOBS} <> '{NOT_FOUND}'",
    "not_in_plex": f"{_JOBS} = '{NOT_FOUND}' UNION ALL " + _resting(f"= '{NOT_IN_PLEX}'"),
    "needs_you": (
        "SELECT l.scene AS scene, l.buried_at AS since FROM dead_letters l"
        f" WHERE NOT {_HAS_JOB.format('l')}"
    ),
    CLEARED: _resting(f"NOT IN ({_STATES})"),
}
_KNOWN = (
    f"SELECT s.scene AS scene FROM scenes s WHERE {_LIVE}"
    " UNION SELECT scene FROM job_index UNION SELECT scene FROM dead_letters"
)
_OF_JOBS = (
    "SELECT s.state, count(*) FROM job_index j CROSS JOIN scenes s ON s.scene = j.scene"
    f" WHERE {_LIVE} GROUP BY s.state"
)
_OF_SCENES = (
    f"SELECT s.state, count(*) FROM scenes s WHERE {_LIVE} AND {_HAS_JOB.format('s')}"
    " GROUP BY s.state"
)
_OF_DEAD_LETTERS = (
    "SELECT s.state, count(*) FROM dead_letters l CROSS JOIN scenes s ON s.scene = l.scene"
    f" WHERE {_LIVE} AND NOT {_HAS_JOB.format('l')} GROUP BY s.state"
)


def counts(folder: str) -> tuple[dict[str, int], dict[str, int]]:
    """The number of scenes in each list, and of those in the ledger by state; raises Unreadable."""
    return _of_sets(folder) or joined(folder, counted)


def _of_sets(folder: str) -> tuple[dict[str, int], dict[str, int]] | None:
    """The same by the sets that the owner keeps; None if it did not make them yet."""
    ledger, queue, letters = (
        read_state.asking(folder, name)
        for name in (read_state.LEDGER, read_state.QUEUE, read_state.DEAD_LETTERS)
    )
    here = sum(number for (number,) in ledger(f"SELECT {_SERVER}", (), "i"))
    states = id_sets.stored(ledger, "scenes", here)
    with_job = id_sets.stored(queue, "job_index")
    with_dead_letter = id_sets.stored(letters, "dead_letters")
    if states is None or with_job is None or with_dead_letter is None:
        return None
    jobs = with_job.get(queue_queries.SET, {})
    dead_letters = id_sets.union(with_dead_letter.values())
    found = dict.fromkeys(LISTS, 0)
    for state, scenes in states.items():
        at_rest = id_sets.without(scenes, jobs, dead_letters)
        found[OF_LEDGER.get(state, CLEARED)] += id_sets.size(at_rest)
    missing = QueueQueries(queue).failed().get(NOT_FOUND, 0)
    found["not_in_plex"] += missing
    found["waiting"] = id_sets.size(jobs) - missing
    found["needs_you"] = id_sets.size(id_sets.without(dead_letters, jobs))
    edited = id_sets.of(scene for (scene,) in ledger(_EDITED, (), "i"))
    found["edited_in_plex"] = id_sets.size(id_sets.without(edited, jobs, dead_letters))
    found["in_step"] -= found["edited_in_plex"]
    numbers = {state: id_sets.size(scenes) for state, scenes in states.items()}
    return found, {state: number for state, number in numbers.items() if number}


def counted(ask: Ask) -> tuple[dict[str, int], dict[str, int]]:
    """The same over joined databases. Usually few scenes have a job or a dead letter: those are
    subtracted.
    """
    jobs = QueueQueries(ask).classes()
    states = dict(ask(f"SELECT s.state, count(*) FROM scenes s WHERE {_LIVE} GROUP BY s.state"))
    in_ledger = dict(states)
    few = sum(jobs.values()) * 4 <= sum(states.values())
    for state, number in [*ask(_OF_JOBS if few else _OF_SCENES), *ask(_OF_DEAD_LETTERS)]:
        states[state] -= number
    found = dict.fromkeys(LISTS, 0)
    for state, number in states.items():
        found[OF_LEDGER.get(state, CLEARED)] += number
    missing = jobs.pop(NOT_FOUND, 0)
    found["not_in_plex"] += missing
    found["waiting"] = sum(jobs.values())
    found["needs_you"] = _number(ask, _MEMBERS["needs_you"])
    found["edited_in_plex"] = _number(ask, _MEMBERS["edited_in_plex"])
    found["in_step"] -= found["edited_in_plex"]
    return found, in_ledger


def _number(ask: Ask, members: str, where: str = "1", values: Sequence[object] = ()) -> int:
    return sum(n for (n,) in ask(f"SELECT count(*) FROM ({members}) WHERE {where}", values))


class Page:
    """The part of a list that is asked for: of `scenes` (None: any), those above `after`."""

    __slots__ = ("scenes", "after", "offset", "limit", "order")

    def __init__(
        self,
        scenes: Sequence[int] | None = None,
        *,
        after: int = 0,
        offset: int = 0,
        limit: int = 50,
        order: str = "scene",
    ) -> None:
        self.scenes = scenes
        self.after = after
        self.offset = offset
        self.limit = limit
        self.order = order


def members(folder: str, name: str, page: Page) -> tuple[int, list[int]]:
    """How many scenes of `page.scenes` are in a list, and the page's; raises Unreadable.

    A page that starts `after` a scene has no count (0), since a caller that reads a whole list
    got it with the first page, and counting takes as long as reading.
    """
    source, chosen = _MEMBERS[name], page.scenes
    where = "1" if chosen is None else f"scene IN ({', '.join(map(str, chosen))})"
    sql = (
        f"SELECT scene FROM ({source}) WHERE {where} AND scene > ?"
        f" ORDER BY {_ORDERS[page.order]} LIMIT ? OFFSET ?"
    )

    def read(ask: Ask) -> tuple[int, list[int]]:
        total = 0 if page.after else _total(ask, name, where)
        found = ask(sql, (page.after, page.limit, page.offset), "i")
        return total, [scene for (scene,) in found]

    if name == "waiting":
        return read(read_state.asking(folder, read_state.QUEUE))
    return joined(folder, read)


def _total(ask: Ask, name: str, where: str) -> int:
    if name != "waiting" or where != "1":
        return _number(ask, _MEMBERS[name], where)
    queue = QueueQueries(ask)  # which does not count a long queue row by row
    return queue.live_jobs() - queue.failed().get(NOT_FOUND, 0)


def known(folder: str) -> list[tuple[int, int]]:
    """The ids of all scenes in any list as ranges, both ends included; raises Unreadable."""
    found = joined(folder, lambda ask: ask(f"{_KNOWN} ORDER BY scene", (), "i"))
    ranges: list[tuple[int, int]] = []
    for (scene,) in found:
        if ranges and scene == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], scene)
        else:
            ranges.append((scene, scene))
    return ranges
