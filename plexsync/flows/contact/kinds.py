"""Every kind of request that PlexSync sends to Plex and to Stash, and how it was answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from plexsync.edges.http.transport import Reply, TransportError
from plexsync.edges.plex.answers import is_plex
from plexsync.edges.plex.connection import span
from plexsync.edges.stash import queries as stash_queries
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.stash_contact import NOBODY, StashContact
from plexsync.flows.contact.stash_rules import VALUES
from plexsync.flows.contact.veil import Word, media_type, word
from plexsync.flows.contact.verdicts import SkippedError
from plexsync.model.errors import SyncError
from plexsync.model.named_tuple import NamedTuple

MOST_TIMEOUTS = 2
"""After so many requests in a row that a server does not answer, the others are left out."""

SERVERS = (
    *("nginx", "openresty", "cloudflare", "Caddy", "Apache", "lighttpd", "Traefik", "envoy"),
    "Plex Media Server",
)
"""Names of a Server header that are nobody's secret."""


class PlexKind(NamedTuple):
    """`path` is a pattern of the whole path. `ask` is None for a request that changes something."""

    name: str
    method: str
    path: str
    ask: Callable[[PlexContact], Reply] | None = None


def _list(query: str, size: int = 25) -> Callable[[PlexContact], Reply]:
    def ask(plex: PlexContact) -> Reply:
        path = f"/library/sections/{plex.section}/all?{query}"
        return plex.ask(path, headers=span(0, size))

    return ask


def _members(plex: PlexContact) -> Reply:
    found = plex.client.collections(plex.section)
    if not found:
        raise SkippedError("no collection")
    return plex.ask(f"/library/collections/{found[0].rating_key}/children")


_SECTION, _ITEM = r"/library/sections/\d+", r"/library/metadata/\d+"

PLEX_KINDS: Sequence[PlexKind] = (
    PlexKind("identity", "GET", "/identity", lambda plex: plex.ask("/identity", token="")),
    PlexKind("server", "GET", "/", lambda plex: plex.ask("/")),
    PlexKind("libraries", "GET", "/library/sections", lambda plex: plex.ask("/library/sections")),
    PlexKind("owner", "GET", "/status/sessions", lambda plex: plex.ask("/status/sessions")),
    PlexKind(
        "library settings",
        "GET",
        f"{_SECTION}/prefs",
        lambda plex: plex.ask(f"/library/sections/{plex.section}/prefs"),
    ),
    PlexKind("number of items", "GET", f"{_SECTION}/all", _list("type=1", 0)),
    PlexKind("list of items", "GET", f"{_SECTION}/all", _list("type=1&sort=id")),
    PlexKind("changed items", "GET", f"{_SECTION}/all", _list("type=1&updatedAt%3E%3E=1&sort=id")),
    PlexKind("list of collections", "GET", f"{_SECTION}/all", _list("type=18")),
    PlexKind("members", "GET", r"/library/collections/\d+/children", _members),
    PlexKind(
        "items",
        "GET",
        r"/library/metadata/[\d,]+",
        lambda plex: plex.ask("/library/metadata/" + ",".join(map(str, plex.keys))),
    ),
    PlexKind(
        "posters",
        "GET",
        f"{_ITEM}/posters",
        lambda plex: plex.ask(f"/library/metadata/{plex.keys[0]}/posters"),
    ),
    PlexKind(
        "backgrounds",
        "GET",
        f"{_ITEM}/arts",
        lambda plex: plex.ask(f"/library/metadata/{plex.keys[0]}/arts"),
    ),
    PlexKind("edit by library", "PUT", f"{_SECTION}/all"),
    PlexKind("edit by item", "PUT", _ITEM),
    PlexKind("upload", "POST", f"{_ITEM}/(posters|arts)"),
    PlexKind("select", "PUT", f"{_ITEM}/(poster|art)"),
    PlexKind("deselect", "DELETE", f"{_ITEM}/(thumb|art)"),
    PlexKind("scan", "GET", f"{_SECTION}/refresh"),
)


def stash_kinds() -> Mapping[str, Callable[[StashContact], Reply]]:
    """Every query of PlexSync by name, and the pictures. Nothing that writes is among them."""
    texts = [text for text in vars(stash_queries).values() if isinstance(text, str)]
    found: dict[str, Callable[[StashContact], Reply]] = {}
    for text in texts:
        name = re.match(r"\s*query (\w+)", text)
        if name:
            found[name[1]] = _query(text)
    scenes = stash_queries.scenes(1)
    found["PlexSyncScenes"] = lambda stash: stash.post(scenes, {"i0": str(NOBODY)})
    found["cover"] = lambda stash: stash.cover(stash.newest(1)[0])
    return found


def _query(text: str) -> Callable[[StashContact], Reply]:
    values = {name: VALUES[name] for name in re.findall(r"\$(\w+): ", text) if name in VALUES}
    return lambda stash: stash.post(text, values)


def plex_answers(plex: PlexContact) -> Iterator[dict[str, object]]:
    """How Plex answers each kind of request; those that write are not sent."""
    patience = _Patience()
    for kind in PLEX_KINDS:
        about: dict[str, object] = {"kind": Word(kind.name), "method": Word(kind.method)}
        if kind.ask is None:
            yield {**about, "not sent": Word("it changes something")}
        else:
            yield {**about, **patience.ask(partial(kind.ask, plex), of_plex=True)}


def stash_answers(stash: StashContact) -> Iterator[dict[str, object]]:
    """How Stash answers each kind of request; those that write are not sent."""
    patience = _Patience()
    for name, ask in stash_kinds().items():
        yield {"kind": Word(name), **patience.ask(partial(ask, stash))}
    yield {"kind": Word("PlexSyncSaveSettings"), "not sent": Word("it changes something")}


class _Patience:
    """Sends requests until the server has been silent for too long."""

    def __init__(self) -> None:
        self._silent = 0

    def ask(self, send: Callable[[], Reply], *, of_plex: bool = False) -> dict[str, object]:
        """Send one request; returns how it was answered."""
        if self._silent >= MOST_TIMEOUTS:
            return {"not sent": Word("the server does not answer")}
        try:
            reply = send()
        except (TransportError, SyncError) as problem:
            self._silent += problem.cause in ("timeout", "refused", "unreachable", "dns")
            return {"error": Word(type(problem).__name__), "cause": Word(problem.cause)}
        except (SkippedError, LookupError):
            return {"not sent": Word("there is nothing to ask for")}
        except Exception as problem:  # noqa: BLE001 - an answer of an unforeseen shape
            return {"error": Word(type(problem).__name__)}
        self._silent = 0
        return _described(reply, of_plex=of_plex)


def _described(reply: Reply, *, of_plex: bool) -> dict[str, object]:
    found: dict[str, object] = {
        "status": reply.status,
        "content type": media_type(reply.headers.get("Content-Type", "")),
        "bytes": len(reply.body),
        "ms": round(reply.seconds * 1000),
    }
    if of_plex:
        found["plex"] = is_plex(reply)
    server = re.split(r"[/ (]", reply.headers.get("Server", ""), maxsplit=1)[0]
    if server:
        found["server"] = word(server, SERVERS)
    if reply.redirect:
        found["redirects to"] = reply.redirect
    return found
