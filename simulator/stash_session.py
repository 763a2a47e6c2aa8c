"""Session cookies and the API key, as Stash checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """The content of a cookie: the user and the (plugin, trigger) pairs already visited."""

    user: str = ""
    visited: tuple[str, ...] = ()


class Refused(Exception):
    """The API key is wrong: 401, whatever else the request contains."""


class SessionStore:
    """Seals and opens session cookies. `max_age` is in seconds, 0 means forever."""

    def __init__(self, max_age: float, clock: Callable[[], float]) -> None:
        self.max_age = max_age
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._epoch = 0

    def seal(self, session: Session) -> str:
        """A cookie's value, dated now."""
        content = {
            "at": self._clock(),
            "epoch": self._epoch,
            "user": session.user,
            "visited": session.visited,
        }
        body = json.dumps(content, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode()

    def open(self, value: str) -> Session | None:
        """The session in a cookie's value; None if it is forged, damaged or expired."""
        try:
            raw = base64.urlsafe_b64decode(value.encode("latin-1", "replace"))
        except ValueError:
            return None
        signature, body = raw[:32], raw[32:]
        if not hmac.compare_digest(signature, self._sign(body)):
            return None
        content = json.loads(body)
        age = self._clock() - content["at"]
        if content["epoch"] != self._epoch or (self.max_age and age > self.max_age):
            return None
        return Session(content["user"], tuple(content["visited"]))

    def expire_all(self) -> None:
        """Expire every cookie issued so far."""
        self._epoch += 1

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()


def cookie_value(header: str) -> str:
    """The first `session` cookie of a Cookie header; "" if there is none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "session":
            return value.strip('"')
    return ""


def set_cookie(value: str, max_age: float) -> str:
    """A Set-Cookie header's value for a session."""
    age = f"; Max-Age={int(max_age)}" if max_age else ""
    return f"session={value}; Path=/{age}; SameSite=Lax"


@dataclass(frozen=True, slots=True)
class Access:
    """The result of a check: the user, the cookie's session, and a new cookie to send back."""

    user: str = ""
    visited: tuple[str, ...] = ()
    renewed: str = ""
    by: str = "nobody"


@dataclass(slots=True)
class Guard:
    """Authenticates requests. Without user and password all are allowed."""

    store: SessionStore
    username: str = ""
    password: str = ""
    api_key: str = ""

    @property
    def closed(self) -> bool:
        """Whether credentials are set."""
        return bool(self.username and self.password)

    def check(self, key: str, cookie: str) -> Access:
        """Check an API key and a cookie value. Raises Refused for a wrong key.

        A request may have both: the key authenticates, and the cookie's visited hooks still count.
        """
        session = self.store.open(cookie) if cookie else None
        visited = session.visited if session else ()
        if key:
            if not self.api_key or key != self.api_key:
                raise Refused
            return Access(self.username, visited, by="key")
        if session is None:
            return Access()
        return Access(session.user, visited, self.store.seal(session), by="cookie")

    def login(self, username: str, password: str) -> str:
        """A new cookie for the right credentials, otherwise ""."""
        if not self.closed or (username, password) != (self.username, self.password):
            return ""
        return self.store.seal(Session(username))
