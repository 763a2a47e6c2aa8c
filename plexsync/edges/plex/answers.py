"""Classifies Plex's answers: what each means, and whose fault a bad one is. No other place decides
this.

An answer counts as Plex's only if it is recognisably so. A redirect, a web page or another
program's JSON proves nothing about an item, whatever its status.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from plexsync.edges.http.transport import Reply, TransportError
from plexsync.model.errors import (
    ITEM,
    REQUEST,
    SCENE,
    WRITE,
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
)
from plexsync.model.named_tuple import NamedTuple

LONGEST_WAIT = 600.0
"""Seconds to which a longer Retry-After is reduced."""

LONG, SHORT = 16 << 20, 2 << 20

NOT_PLEX = "what answers at Plex URL is not Plex"

Clean = Callable[[str], str]

_START = r"\ufeff?\s*(?:<\?xml[^>]*>\s*)?"
_CONTAINER = re.compile(_START + r"<MediaContainer[\s/>]")
_RESPONSE = re.compile(_START + r"<Response\s[^>]*\bcode=")
_WEB_PAGE = re.compile(r"\ufeff?\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_GOOD = frozenset({200, 201, 204})
_DOWN = frozenset({502, 503, 504})
_BUSY = frozenset({408, 425, 429})
_PROXY = frozenset({502, 503, 504, *range(520, 531)})
"""By these a proxy reports that the server behind it does not answer; 520 to 530 are Cloudflare's.
"""
_TINY = 1024
"""Maximum bytes of an answer other than a list or item; Plex's own error pages are far smaller."""

_HEAD = 4096
"""Bytes at the start of an answer by which it is recognised."""
_STATUS = re.compile(r'<Response\b[^<>"]*(?:"[^"]*"[^<>"]*)*?\bstatus="([^"]*)"')
_TAG = re.compile(r"<[^<>]*>")
_QUERY = re.compile(r"\?[^\s?=]*=\S*")


class Asked(NamedTuple):
    """A request, how it appears in messages, and whose fault its failure may be.

    `order` marks a GET that makes Plex do something.
    """

    method: str
    url: str
    order: bool = False

    @property
    def reads(self) -> bool:
        """Whether it reads, so that its answer is needed."""
        return self.method == "GET" and not self.order

    @property
    def most(self) -> int:
        """Maximum bytes of an answer: only lists and items may be long."""
        path = self.url.partition("?")[0]
        return LONG if path.endswith("/all") or "/library/metadata/" in path else SHORT

    @property
    def fault(self) -> str:
        """Whose fault its failure may be, apart from the server's."""
        if self.method != "GET":
            return WRITE
        return ITEM if "/library/metadata/" in self.url.partition("?")[0] else REQUEST

    def __str__(self) -> str:
        """The request without its query, which may hold private data."""
        path = urlsplit(self.url).path
        return f"{self.method} {path if len(path) <= 80 else path[:77] + '...'}"


def is_plex(reply: Reply) -> bool:
    """Whether an answer is recognisably Plex's: its XML, or a tiny body with Plex's own header."""
    body = reply.body[:_TINY].decode("utf-8", "replace")
    if _CONTAINER.match(body) or _RESPONSE.match(body):
        return True
    return "X-Plex-Protocol" in reply.headers and len(reply.body) <= _TINY


def is_foreign(problem: SyncError) -> bool:
    """Whether something other than Plex answered."""
    return problem.cause in ("redirect", "web page", "foreign")


def trouble(asked: Asked, reply: Reply, clean: Clean, now: float) -> SyncError | None:
    """The error that an answer stands for; None if it is good. `clean` removes secrets."""
    if 300 <= reply.status < 400:
        where = f" to {clean(reply.redirect)}" if reply.redirect else f" ({reply.status})"
        return _foreign(asked, f"it redirects{where}", reply.status, "redirect")
    if reply.status in _GOOD:
        return _bad_body(asked, reply, clean)
    said = _quoted(reply.body[:_HEAD].decode("utf-8", "replace"), clean)
    answered = f"{reply.status} to {asked}" + (f": {said}" if said else "")
    wait = _wait(reply.headers.get("Retry-After", ""), now)
    if reply.status in (401, 403):
        who = "Plex" if is_plex(reply) else "something in front of Plex"
        return PlexAuthError(
            f"{who} answered {answered}",
            status=reply.status,
            cause="http" if is_plex(reply) else "foreign",
            retry_after=wait,
            fault=asked.fault,
        )
    if not is_plex(reply) and reply.status in _PROXY:
        return PlexServerDown(
            f"Plex does not answer: a proxy in front of it answered {answered}",
            status=reply.status,
            cause="proxy",
            retry_after=wait,
            fault=asked.fault,
        )
    if not is_plex(reply) and reply.status not in _BUSY:
        return _foreign(asked, f"it answered {answered}", reply.status, "foreign", wait)
    kind, fault = _judged(asked, reply.status)
    cause = "starting" if reply.status == 503 and b"<Response" in reply.body else "http"
    return kind(
        f"Plex answered {answered}",
        status=reply.status,
        cause=cause,
        retry_after=wait,
        fault=fault,
    )


def no_answer(asked: Asked, problem: TransportError) -> SyncError:
    """The error for a request without a complete answer."""
    if problem.cause in ("body", "too large"):
        text = f"Plex's answer is unusable: {problem}"
        return PlexTemporaryError(text, cause="body", fault=asked.fault)
    text = f"Plex does not answer: {problem}"
    return PlexServerDown(text, cause=problem.cause, fault=asked.fault)


def unreadable(asked: Asked, problem: Exception) -> SyncError:
    """The error for an answer of Plex's that is broken or exceeds every limit."""
    return PlexTemporaryError(
        f"Plex's answer is broken XML: {problem}", cause="body", fault=asked.fault
    )


def _judged(asked: Asked, status: int) -> tuple[type[SyncError], str]:
    """The error class and the fault for a refusal by Plex itself."""
    if status in _DOWN:
        return PlexServerDown, asked.fault
    if status in _BUSY or not 400 <= status < 500:
        return PlexTemporaryError, asked.fault
    if not asked.reads:
        return PlexPermanentError, asked.fault
    if status == 404:
        return PlexNotFound, SCENE if asked.fault == ITEM else asked.fault
    return PlexTemporaryError, asked.fault


def _foreign(
    asked: Asked, what: str, status: int, cause: str, wait: float | None = None
) -> SyncError:
    """The error for an answer that is not Plex's; only an edit may have caused it by its content."""
    provoked = asked.fault == WRITE and 400 <= status < 500
    kind = PlexPermanentError if provoked else PlexServerDown
    return kind(
        f"{NOT_PLEX}: {what}", status=status, cause=cause, retry_after=wait, fault=asked.fault
    )


def _bad_body(asked: Asked, reply: Reply, clean: Clean) -> SyncError | None:
    text = reply.body[:_HEAD].decode("utf-8", "replace")
    if _CONTAINER.match(text) if asked.reads else _may_be_done(reply, text):
        return None
    said = _quoted(text, clean)
    if _WEB_PAGE.match(text):
        return _foreign(
            asked, f"{asked} was answered with a web page: {said}", reply.status, "web page"
        )
    if text.strip():
        return _foreign(asked, f"{asked} brought {said}", reply.status, "foreign")
    return PlexTemporaryError(f"the answer to {asked} is empty", cause="body", fault=asked.fault)


def _may_be_done(reply: Reply, text: str) -> bool:
    """Whether an answer to an edit, command or upload may be Plex's: its body is usually empty."""
    if _WEB_PAGE.match(text):
        return False
    return not text.strip() or "X-Plex-Protocol" in reply.headers or is_plex(reply)


def _quoted(body: str, clean: Clean) -> str:
    """The text of an answer, for messages: one short line without markup, query or secrets."""
    said = _STATUS.search(body)
    text = said[1] if said else _TAG.sub(" ", body)
    return _one_line(_QUERY.sub("", clean(text)))


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 200 else line[:197] + "..."


def _wait(header: str, now: float) -> float | None:
    """Seconds requested by a Retry-After header, which holds seconds or a date."""
    header = header[:64]
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None
