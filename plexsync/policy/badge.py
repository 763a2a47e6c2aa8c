"""What the badges beside PlexSync's name count."""

from __future__ import annotations

from plexsync.model.reasons import SERVER_DOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.model.status import Badge

HELD_BACK = frozenset({SERVER_DOWN})
"""Error classes that are the server's fault; their jobs are retried when Plex is back."""


def badge(jobs: int, resting: Mapping[str, int], inbox: int, dead_letters: int) -> Badge:
    """Count the jobs that will be tried, and what needs the user.

    `jobs` are all live jobs, `resting` those of them that are not due yet, by the class of their
    last error ("" for the debounce), `inbox` the events not taken over yet. A job that waits for a
    retry after a failure of its own, such as a file that Plex does not have yet, is not counted: it
    ends by itself, in step or as a dead letter. Each of the `dead_letters` needs the user, since
    retries did not help.
    """
    later = sum(n for error, n in resting.items() if error and error not in HELD_BACK)
    return {"waiting": max(0, jobs - later) + inbox, "later": later, "failed": dead_letters}
