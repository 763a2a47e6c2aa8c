"""What is known of states that need somebody, what was said of them, and words for both.

policy/notifications.py decides with them; notifications.json holds them.
"""

from __future__ import annotations

from plexsync.model.messages import Message
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import DOCUMENTS, count, moment, versioned, words

FILE = "notifications.json"

TOKEN, PLEX, SET_UP, DEAD_LETTERS = "token", "plex", "set-up", "dead letters"
"""What an alert is about: a token that is refused or may not write, Plex, the settings, and scenes
that were given up."""

UPDATE = "update"
"""The kind of an alert about the set-up that an update of PlexSync brought."""

NO_COUNTS: dict[str, int] = {}


class Facts(NamedTuple):
    """What is the case now.

    `trouble` is a kind of model/plex_state.py, "" for none, which holds all jobs back since `since`;
    `waiting` are live jobs. The last outage ended at `ended` and held back `affected` jobs, of which
    `written` are written since. `buried` counts dead letters that are newer than `Notices.counted`, by class, and
    `newest` is the newest of them; `dead` are all. `unready`: the settings do not allow any work.
    """

    trouble: str = ""
    since: float = 0.0
    waiting: int = 0
    ended: float = 0.0
    affected: int = 0
    written: int = 0
    buried: dict[str, int] = NO_COUNTS
    newest: float = 0.0
    dead: int = 0
    unready: bool = False
    version: str = ""


class Alert(NamedTuple):
    """A state that needs somebody: its subject, and a kind of Plex's trouble, since when, whether a
    message said so, and when it ended (0.0: it lasts). `counts` are dead letters not said yet.
    """

    subject: str
    since: float
    kind: str = ""
    told: bool = False
    ended: float = 0.0
    counts: dict[str, int] = NO_COUNTS

    @classmethod
    def parse(cls, raw: object) -> Alert:
        """Parse a stored alert; raises ValueError if anything is wrong with it."""
        if not isinstance(raw, dict):
            raise ValueError("an alert is not an object")
        subject, kind = words(raw, "subject"), words(raw, "kind")
        since, ended = moment(raw, "since"), moment(raw, "ended")
        return cls(subject, since, kind, raw.get("told") is True, ended, _counts(raw, "counts"))


class Notices(NamedTuple):
    """What is known and said, as stored in notifications.json.

    `said` has the time of the last message that began a subject. Dead letters up to `counted` are
    counted. `ready` is the version of PlexSync under which the settings last allowed work, and
    `unready_since` when they no longer did (0.0: they do).
    """

    alerts: tuple[Alert, ...] = ()
    outbox: tuple[Message, ...] = ()
    said: dict[str, float] = {}  # noqa: RUF012 - never changed
    counted: float = 0.0
    ready: str = ""
    unready_since: float = 0.0

    def alert(self, subject: str) -> Alert | None:
        """The alert about this subject."""
        return next((alert for alert in self.alerts if alert.subject == subject), None)

    def with_alert(self, alert: Alert) -> Notices:
        """With this alert as the only one of its subject."""
        return self._replace(alerts=(*self.without(alert.subject).alerts, alert))

    def without(self, *subjects: str) -> Notices:
        """Without alerts about these subjects."""
        left = tuple(alert for alert in self.alerts if alert.subject not in subjects)
        return self._replace(alerts=left)

    def to_json(self) -> object:
        """The state as JSON values."""
        return {
            "version": DOCUMENTS[FILE],
            **self._asdict(),
            "alerts": [alert._asdict() for alert in self.alerts],
            "outbox": [{**message._asdict(), "done": [*message.done]} for message in self.outbox],
        }

    @classmethod
    def parse(cls, raw: object) -> Notices:
        """Parse a stored state; raises ValueError if anything is wrong with it."""
        fields = versioned(raw, DOCUMENTS[FILE])
        alerts, outbox, said = (fields.get(name) for name in ("alerts", "outbox", "said"))
        if not (isinstance(alerts, list) and isinstance(outbox, list) and isinstance(said, dict)):
            raise ValueError("it lacks a list")
        return cls(
            tuple(map(Alert.parse, alerts)),
            tuple(map(Message.parse, outbox)),
            {str(subject): moment(said, subject) for subject in said},
            moment(fields, "counted"),
            words(fields, "ready"),
            moment(fields, "unready_since"),
        )


def _counts(raw: dict[str, object], key: str) -> dict[str, int]:
    found = raw.get(key)
    if not isinstance(found, dict):
        raise ValueError(f"{key} is not an object")
    return {str(name): count(found, name) for name in found}


CANNOT = "PlexSync can no longer sync"


def need_you(scenes: int) -> str:
    """That so many scenes need the user."""
    return "1 scene needs you" if scenes == 1 else f"{scenes} scenes need you"


def why_not(alert: Alert) -> str:
    """Since when the settings allow no work, and what to do."""
    since = "since PlexSync was updated" if alert.kind == UPDATE else "with its settings"
    return (
        f"It cannot work {since}. Press Check Setup in Stash under Settings > Tasks: it says what is "
        "missing or wrong."
    )
