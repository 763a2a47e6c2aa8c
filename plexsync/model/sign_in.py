"""A sign-in at plex.tv between its start and the choice of a server, as stored in sign_in.json.

Light on purpose: the page's requests show it, without what is secret in it.
"""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import count, moment, one_line, versioned, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

FILE = "sign_in.json"
LIFE = 900.0
"""Seconds after which a sign-in ends by itself, and its tokens are deleted."""

WAITING, SERVERS, ENDED = "waiting", "servers", "ended"
"""Waiting for the user at plex.tv; the servers are known; it cannot go on."""

EXPIRED = "The sign-in has expired: start it again."
_VERSION = 1


class SignIn(NamedTuple):
    """One sign-in. `url` is the page at plex.tv; `servers` is what the page shows of each server,
    `proposed` one's machine identifier; `tokens` has each server's own, by machine identifier.
    """

    id: str
    began_at: float
    pin: int
    url: str
    state: str = WAITING
    why: str = ""
    servers: Sequence[Mapping[str, Any]] = ()
    proposed: str = ""
    tokens: Mapping[str, str] = {}

    def expired(self, now: float) -> bool:
        """Whether its time is over, also if the clock was set back."""
        return not 0 <= now - self.began_at < LIFE

    def end(self, why: str) -> SignIn:
        """It cannot go on; nothing secret is kept."""
        return self._replace(state=ENDED, why=why, servers=(), proposed="", tokens={})

    def shown(self, now: float) -> dict[str, object]:
        """What the page may know."""
        found = self.end(EXPIRED) if self.expired(now) else self
        return {
            "id": found.id,
            "state": found.state,
            "why": found.why,
            "url": found.url if found.state == WAITING else "",
            "expires_at": found.began_at + LIFE,
            "servers": list(found.servers),
            "proposed": found.proposed,
        }

    def to_json(self) -> object:
        """The state as JSON values, with the servers' tokens: only for a private file."""
        return {"version": _VERSION, **self._asdict()}

    @classmethod
    def parse(cls, raw: object) -> SignIn:
        """Parse a stored sign-in; raises ValueError if anything is wrong with it."""
        fields = versioned(raw, _VERSION)
        servers, tokens = fields.get("servers"), fields.get("tokens")
        if not isinstance(servers, list) or not isinstance(tokens, dict):
            raise ValueError("servers or tokens have the wrong kind")
        return cls(
            id=words(fields, "id"),
            began_at=moment(fields, "began_at"),
            pin=count(fields, "pin"),
            url=words(fields, "url"),
            state=one_line(words(fields, "state")),
            why=words(fields, "why"),
            servers=servers,
            proposed=words(fields, "proposed"),
            tokens=tokens,
        )
