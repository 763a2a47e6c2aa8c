"""What the badges beside PlexSync's name count."""

from __future__ import annotations

from plexsync.model.reasons import SERVER_DOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.model.status import Badge

HELD_BACK = frozenset({SERVER_DOWN})
"""Classes of a failure that was Plex's as a whole: what waits after one is tried when Plex is back."""


def badge(jobs: int, resting: Mapping[str, int], inbox: int, dead_letters: int) -> Badge:
    """Only what will be tried, and what needs a person.

    `jobs` are all live ones, `resting` those of them whose time has not come, by the class of their
    last error ("" for those that only rest after an event), `inbox` the events not taken over yet.
    A job that waits to be tried again after a failure of its own, such as a file that Plex does not
    have yet, counts as neither: it comes to an end by itself, in step or as a dead letter. Each of
    the `dead_letters` needs a person: retrying did not help.
    """
    later = sum(n for error, n in resting.items() if error and error not in HELD_BACK)
    return {"waiting": max(0, jobs - later) + inbox, "later": later, "failed": dead_letters}
