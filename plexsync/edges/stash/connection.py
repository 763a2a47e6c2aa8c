"""An authenticated connection to Stash: API key, session cookie, how a refusal is recognised, and
GraphQL over it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from plexsync.edges.http.certificates import ANYBODY
from plexsync.edges.http.transport import Reply, Session, TransportError
from plexsync.edges.in_flight import InFlight
from plexsync.edges.log.redact import Redactor
from plexsync.edges.stash.answers import failed, read_body
from plexsync.edges.stash.handover import Handover
from plexsync.model.connection import Connection
from plexsync.model.errors import StashAuthError, StashDown
from plexsync.model.secret import SecretStr

_MAX_ANSWER = 100_000_000


class AnswerTooLarge(StashDown):
    """Stash's answer exceeds the size limit of the request."""


class StashConnection:
    """Sends requests to one Stash, signed with both its API key and our session.

    The key never expires; the session carries Stash's protection against hooks that trigger each
    other endlessly. Each thread has its own connection.
    """

    def __init__(
        self,
        connection: Connection,
        connect_timeout: float,
        read_timeout: float,
        total: float,
        in_flight: InFlight,
        handover: Handover | None,
    ) -> None:
        self._connection = connection
        self._in_flight = in_flight
        self._handover = handover
        self._timeouts = (connect_timeout, read_timeout, total)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._cookie = connection.cookie_value
        self._key = SecretStr("")
        self.version = ""
        """Stash's version, if it is known; a query that it does not support is explained by it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The API key and the session, newest and first."""
        known = (self._key, self._cookie, self._connection.cookie_value)
        return tuple(dict.fromkeys(each.get_secret_value() for each in known if each))

    @property
    def cookie(self) -> str:
        """The session's newest value; "" without one."""
        return self._cookie.get_secret_value()

    @property
    def may_expire(self) -> bool:
        """Whether we depend on a session that Stash must renew."""
        return bool(self._cookie) and not self._key

    def use_key(self, key: SecretStr) -> None:
        """Sign with this API key from now on; an empty one means none."""
        with self._lock:
            self._key = key

    def ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The data of a GraphQL answer; raises StashDown if it has any error."""
        data, errors = self.query(query, variables or {})
        if errors:
            raise failed(errors[0], version=self.version)
        return data

    def query(
        self, query: str, variables: Mapping[str, object]
    ) -> tuple[dict[str, Any], list[object]]:
        """The data and errors of a GraphQL answer; raises StashDown if it has no data."""
        # By default Stash answers with a content type that it does not compress.
        headers = {"Accept": "application/json"}
        body = {"query": query, "variables": variables}
        reply = self.call("POST", "/graphql", headers=headers, json=body)
        answer = read_body(reply.status, reply.body)
        data, errors = answer.get("data"), answer.get("errors") or []
        if errors:  # which may repeat what was sent, our key included
            errors = Redactor(self.secrets).clean(errors if isinstance(errors, list) else [errors])
        if reply.status != 200 or not isinstance(data, dict):
            error = errors[0] if errors else "no data"
            raise failed(error, reply.status, self.version)
        return data, errors

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        json: object = None,
        max_body: int = _MAX_ANSWER,
    ) -> Reply:
        """Send one request; returns an answer of status 200, 304 or 4xx.

        Raises StashAuthError for 401 and a redirect to the login page, AnswerTooLarge for more than
        `max_body` bytes, StashDown for any other failure, and Interrupted instead of sending if
        another process waits for this one.
        """
        more = {"json": json, "max_body": max_body}
        while True:
            tried = self._connection
            try:
                return self._call(method, path, headers, more)
            except (StashAuthError, StashDown) as problem:
                if isinstance(problem, AnswerTooLarge) or not self._renew(tried, tried.base_url):
                    raise

    def _call(self, method: str, path: str, headers: dict[str, str], more: dict[str, Any]) -> Reply:
        key = self._key
        reply = self._send(method, path, headers | self._signature(key), more)
        if reply.status == 401 and key:
            # Stash refuses an outdated key even beside a valid session.
            self._forget(key)
            reply = self._send(method, path, headers | self._signature(SecretStr("")), more)
        _refuse_trouble(reply)
        return reply

    @property
    def address(self) -> str:
        """Stash's current base URL."""
        return self._connection.base_url

    def move(self) -> bool:
        """Use the newest connection, even if it leads to another Stash; False if there is none."""
        return self._renew(self._connection, "")

    def _renew(self, tried: Connection, address: str) -> bool:
        """Whether the connection differs now from the one that was tried."""
        with self._lock:
            newer = None
            if self._handover and self._connection is tried:
                newer = self._handover.newer(address)
            if newer is not None:
                self._connection, self._cookie = newer, newer.cookie_value
            return self._connection is not tried

    def close(self) -> None:
        """Close every connection; later requests open new ones."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._local = threading.local()
        for session in sessions:
            session.close()

    def _send(self, method: str, path: str, signed: dict[str, str], more: dict[str, Any]) -> Reply:
        url = self._connection.base_url + path
        try:
            with self._in_flight.request() as seconds:
                more = {**more, "total": seconds}
                reply = self._session().request(method, url, headers=signed, **more)
        except TransportError as problem:
            kind = AnswerTooLarge if problem.cause == "too large" else StashDown
            raise kind(f"Stash does not answer: {problem}", cause=problem.cause) from None
        self._adopt(reply.headers.get("Set-Cookie", ""))
        return reply

    def signature(self) -> dict[str, str]:
        """The headers by which Stash knows us."""
        return self._signature(self._key)

    def _signature(self, key: SecretStr) -> dict[str, str]:
        signature = {"ApiKey": key.get_secret_value()} if key else {}
        if self._cookie:
            signature["Cookie"] = f"{self._connection.cookie_name}={self.cookie}"
        return signature

    def _adopt(self, header: str) -> None:
        """Take over the newest session cookie of an answer; several are joined by commas."""
        mark = f"{self._connection.cookie_name}="
        parts = (part.strip() for part in header.split(",")) if len(mark) > 1 else ()
        values = [
            part[len(mark) :].split(";")[0].strip() for part in parts if part.startswith(mark)
        ]
        if values and values[-1]:
            with self._lock:
                self._cookie = SecretStr(values[-1])

    def _forget(self, key: SecretStr) -> None:
        with self._lock:
            if self._key == key:
                self._key = SecretStr("")

    def _session(self) -> Session:
        """The session of this thread."""
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            # Stash's certificate is usually self-signed, and Stash runs on this machine.
            session = Session(*self._timeouts, trust=ANYBODY)
            self._local.session = session
            with self._lock:
                self._sessions.append(session)
        return session


def _refuse_trouble(reply: Reply) -> None:
    status = reply.status
    if status == 401:
        raise StashAuthError("Stash refuses our session", status=status, cause="http")
    if 300 <= status < 400 and status != 304:
        if "/login" in reply.headers.get("Location", "").lower():
            raise StashAuthError("Stash asks for a login", status=status, cause="login")
        raise StashDown("Stash sent a redirect, refused", status=status, cause="redirect")
    if status >= 500:
        raise StashDown(f"Stash answered {status}", status=status, cause="http")
