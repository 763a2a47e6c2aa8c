"""What needs somebody, for the page's banner; light like status.py."""

from __future__ import annotations

import os

from plexsync.edges.page.read_state import document
from plexsync.edges.storage.read_only import peek_json
from plexsync.model.plex_state import headline
from plexsync.policy.notices import (
    CANNOT,
    DEAD_LETTERS,
    FILE,
    SET_UP,
    Alert,
    Notices,
    need_you,
    why_not,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import AlertShown

PACKAGES = "dependencies.json"


def read_notices(folder: str) -> Notices:
    """What is known and said; raises Unreadable."""
    return document(folder, FILE, Notices.parse, Notices())


def message_is_due(folder: str, now: float) -> bool:
    """Whether a message is to be sent again; raises Unreadable."""
    return any(message.due <= now for message in read_notices(folder).outbox)


def shown_alerts(
    folder: str, notices: Notices, *, troubled: bool, dead: int, newer: list[str]
) -> list[AlertShown]:
    """The alerts that still hold: the files of others say what is over although nobody noticed."""
    broken = _broken(folder, newer)
    holding = [alert for alert in notices.alerts if _holds(alert, troubled=troubled, dead=dead)]
    shown = [_shown(alert, dead) for alert in holding if not (broken and alert.subject == SET_UP)]
    return [*broken, *shown]


def _holds(alert: Alert, *, troubled: bool, dead: int) -> bool:
    if alert.subject == DEAD_LETTERS:
        return dead > 0
    return not alert.ended and (troubled or alert.subject == SET_UP)


def _shown(alert: Alert, dead: int) -> AlertShown:
    titles = {DEAD_LETTERS: need_you(dead), SET_UP: CANNOT}
    return {
        "subject": alert.subject,
        "title": titles.get(alert.subject) or headline(alert.kind),
        "text": why_not(alert) if alert.subject == SET_UP else "",
        "since": alert.since,
        "told": alert.told and not alert.counts,
    }


def _broken(folder: str, newer: list[str]) -> list[AlertShown]:
    """What keeps every worker from starting: files of a newer version, or missing packages."""
    at, why = peek_json(os.path.join(folder, PACKAGES), _packages, (0.0, ""))
    text = newer[0] if newer else f"The packages that it needs cannot be installed: {why}"
    if not (newer or why):
        return []
    return [{"subject": SET_UP, "title": CANNOT, "text": f"{text}.", "since": at, "told": False}]


def _packages(raw: object) -> tuple[float, str]:
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    return float(raw["at"]), str(raw["why"])
