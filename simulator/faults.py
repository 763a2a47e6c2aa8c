"""Faults for a simulated server, independent of which server it is."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

KINDS = frozenset(
    ["status", "starting", "unauthorized", "html", "empty", "ignore_edit"]  # another answer
    + ["redirect", "json"]  # what a proxy or another program in Plex's place says
    + ["rewrite"]  # the right answer, changed
    + ["hang", "drip", "cut", "reset"]  # another way to deliver it
)

LOGIN_PAGE = (
    b"<html><head><title>Sign in</title></head><body><h1>Please sign in</h1>"
    b'<form method="post" action="/login"><input name="user"/></form></body></html>'
)

OTHER_PRODUCT = b'{"status":"ok","server":{"name":"another product","version":"10.9.11"}}'


@dataclass(slots=True)
class Reply:
    """An answer before it is sent; a `foreign` one lacks the server's own headers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html"
    headers: list[tuple[str, str]] = field(default_factory=list)
    foreign: bool = False


def error_page(status: int) -> Reply:
    """The tiny HTML page of an error answer."""
    phrase = reason(status)
    page = (
        f"<html><head><title>{phrase}</title></head><body><h1>{status} {phrase}</h1></body></html>"
    )
    return Reply(status, page.encode())


def reason(status: int) -> str:
    """The phrase of a status, also for numbers that HTTP has no name for."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Asked(Protocol):
    """What `match` may use (a request has more: it is passed on as it is)."""

    method: str
    path: str


class Wire(Protocol):
    """What a fault needs of its connection."""

    stopping: threading.Event

    def raw(self, reply: Reply) -> tuple[bytes, bytes]: ...  # head and body as they would go out
    def reply(self, reply: Reply) -> None: ...
    def send(self, data: bytes) -> None: ...
    def hang_up(self) -> None: ...  # closes after this request
    def reset(self) -> None: ...  # RST, at once
    def gone(self) -> bool: ...  # the client has closed its side


Match = Callable[[Any], bool]


@dataclass(slots=True, eq=False)
class Fault:
    """One fault; `remove()` ends it and releases requests that hang in it."""

    kind: str
    book: Faults
    match: Match
    left: int | None = None  # how many times it still happens; None: forever
    used: int = 0
    status: int = 500
    apply: bool = False  # status, html, empty, unauthorized, hang: the request is still carried out
    retry_after: int | str | None = None
    body: bytes | None = None
    content_type: str = "text/html"
    foreign: bool = False  # something else answers in the server's place; so do html and json
    location: str = ""  # redirect
    every: float = 0.05  # drip: seconds from byte to byte
    at: str = "before"  # reset: "before" or "after" the request is carried out
    keep: float = 0.5  # cut: share of the body that arrives
    honest: bool = False  # cut: the length is that of the part, so only the content is broken
    fails: bool = False  # hang: once released it is answered with `status`
    change: Callable[[bytes], bytes] = bytes  # rewrite: the right body -> the one that goes out
    removed: bool = False

    def remove(self) -> None:
        self.book.remove(self)


class Faults:
    """The faults of one server. Thread-safe; the first one that matches a request happens."""

    def __init__(self) -> None:
        self._cond = threading.Condition()
        self._faults: list[Fault] = []

    def add(
        self, kind: str, times: int | None = None, match: Match | str | None = None, **options: Any
    ) -> Fault:
        """`match`: None (all), "METHOD /prefix", "/prefix", "METHOD" or a callable of the request."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; there are {', '.join(sorted(KINDS))}")
        if options.get("at", "before") not in ("before", "after"):
            raise ValueError('at= is "before" or "after"')
        fault = Fault(kind, self, matcher(match), times, **options)
        with self._cond:
            self._faults.append(fault)
        return fault

    def take(self, request: Asked) -> Fault | None:
        """The fault for this request, if any; counts one use of it."""
        if not self._faults:
            return None
        with self._cond:
            fault = next((f for f in self._faults if f.left != 0 and f.match(request)), None)
            if fault is not None:
                fault.used += 1
                if fault.left is not None:
                    fault.left -= 1
            return fault

    def remove(self, fault: Fault) -> None:
        with self._cond:
            fault.removed = True
            if fault in self._faults:
                self._faults.remove(fault)
            self._cond.notify_all()

    def clear(self) -> None:
        for fault in list(self._faults):
            self.remove(fault)

    def wake(self) -> None:
        """Call after setting a wire's `stopping`: requests that hang check it again."""
        with self._cond:
            self._cond.notify_all()

    def wait(self, fault: Fault, stopping: threading.Event, seconds: float | None = None) -> bool:
        """Wait until the fault is removed (True), or the server stops or the time is up (False)."""
        with self._cond:
            self._cond.wait_for(lambda: fault.removed or stopping.is_set(), seconds)
            return fault.removed


def matcher(match: Match | str | None) -> Match:
    """A predicate over requests from what `Faults.add` accepts."""
    if match is None:
        return lambda request: True
    if callable(match):
        return match
    method, _, prefix = match.partition(" ") if not match.startswith("/") else ("", "", match)

    def matches(request: Asked) -> bool:
        return method in ("", request.method) and request.path.startswith(prefix)

    return matches


def deliver(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    """Answer on `wire` as the fault requires; `carry_out` executes the request and returns its
    reply.
    """
    ways = {"hang": _hang, "drip": _drip, "cut": _cut, "reset": _reset, "rewrite": _rewrite}
    way = ways.get(fault.kind)
    if way is not None:
        way(fault, carry_out, wire)
        return
    if fault.apply:
        carry_out()
    wire.reply(_other_answer(fault))


def _other_answer(fault: Fault) -> Reply:
    if fault.kind == "html":
        reply = Reply(200, LOGIN_PAGE, foreign=True)
    elif fault.kind == "json":
        reply = Reply(200, OTHER_PRODUCT, "application/json", foreign=True)
    elif fault.kind == "redirect":
        reply = error_page(302 if fault.status == 500 else fault.status)
        reply.headers.append(("Location", fault.location))
        reply.foreign = True
    elif fault.kind in ("empty", "ignore_edit"):
        reply = Reply(200)
    else:
        reply = error_page(401 if fault.kind == "unauthorized" else fault.status)
    if fault.body is not None:
        reply.body, reply.content_type = fault.body, fault.content_type
    reply.foreign = reply.foreign or fault.foreign
    if fault.retry_after is not None:
        reply.headers.append(("Retry-After", str(fault.retry_after)))
    return reply


def _hang(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    """Hang; a request whose client has given up meanwhile is dropped, unless `apply` executed it
    first.
    """
    done = carry_out() if fault.apply else None
    if fault.book.wait(fault, wire.stopping) and not wire.gone():
        wire.reply(_other_answer(fault) if fault.fails else done or carry_out())
    else:
        wire.reset()


def _drip(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    data = b"".join(wire.raw(carry_out()))
    for at in range(len(data)):
        wire.send(data[at : at + 1])
        if fault.book.wait(fault, wire.stopping, fault.every):
            wire.send(data[at + 1 :])
            return
        if wire.stopping.is_set():
            wire.reset()
            return


def _cut(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    reply = carry_out()
    kept = reply.body[: int(len(reply.body) * fault.keep)]
    if fault.honest:
        reply.body = kept
        wire.reply(reply)
        return
    head, body = wire.raw(reply)
    wire.send(head + kept if body else head[: len(head) // 2])
    wire.hang_up()


def _rewrite(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    reply = carry_out()
    if ("Content-Encoding", "gzip") in reply.headers:
        reply.headers.remove(("Content-Encoding", "gzip"))
        reply.body = gzip.decompress(reply.body)
    reply.body = fault.change(reply.body)
    wire.reply(reply)


def _reset(fault: Fault, carry_out: Callable[[], Reply], wire: Wire) -> None:
    if fault.at == "after":
        carry_out()
    wire.reset()
