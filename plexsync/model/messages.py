"""Messages to the user, and what became of sending one; light, because the page's requests read it."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import count, moment, words

SENT, REFUSED, FAILED = "sent", "refused", "failed"
"""What became of a message at one URL: it was taken; it was refused, and would be again; it failed,
and another attempt may help."""

INFO, WARNING, SUCCESS = "info", "warning", "success"
"""The tone of a message, by Apprise's words."""


class Delivery(NamedTuple):
    """What became of a message at one URL, of which only the scheme is named."""

    scheme: str
    state: str
    words: str

    @property
    def text(self) -> str:
        """As shown to the user, such as "discord: refused (401)"."""
        return f"{self.scheme}: {self.words}"


class Message(NamedTuple):
    """A message about a subject (policy/notifications.py). `attempts` were begun, the next is due at
    `due`; the URLs in `done`, by their fingerprints, need no other one.
    """

    subject: str
    tone: str
    title: str
    body: str
    born: float
    due: float = 0.0
    attempts: int = 0
    done: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> Message:
        """Parse a stored message; raises ValueError if anything is wrong with it."""
        if not isinstance(raw, dict) or not isinstance(raw.get("done"), list):
            raise ValueError("a message is not an object")
        return cls(
            subject=words(raw, "subject"),
            tone=words(raw, "tone"),
            title=words(raw, "title"),
            body=words(raw, "body"),
            born=moment(raw, "born"),
            due=moment(raw, "due"),
            attempts=count(raw, "attempts"),
            done=tuple(map(str, raw["done"])),
        )
