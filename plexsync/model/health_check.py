"""The last look at Plex: when it was, who asked, and what was found."""

from __future__ import annotations

from plexsync.model.stored import moment, one_line, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import HealthCheck

FILE = "health_check.json"

WORKER, WAKE_UP = "the worker", "the worker, when it was woken"
"""A probe by its schedule, or because somebody had seen Plex well."""

FAILURE = "a sync that met a failure"
"""Asked wherever something failed and the answers leave open why."""

BEFORE_TASK = "a task, before it began"
"""A button looks at a Plex that is left alone, if that is due."""

NEVER: HealthCheck = {"at": 0.0, "by": "", "state": ""}
"""Nobody has looked yet."""


def parse_health_check(raw: object) -> HealthCheck:
    """Read a stored look; raises ValueError on any doubt."""
    if not isinstance(raw, dict):
        raise ValueError("it holds no object")
    found = one_line(words(raw, "state"))
    return {"at": moment(raw, "at"), "by": one_line(words(raw, "by")), "state": found}
