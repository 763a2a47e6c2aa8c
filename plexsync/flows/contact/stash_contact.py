"""A Stash as the rules see it: raw requests with PlexSync's own queries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from plexsync.edges.http.certificates import ANYBODY
from plexsync.edges.http.transport import Reply, Session
from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash import scenes as stash_scenes
from plexsync.flows.contact.verdicts import SkippedError, demand, expect, short

NOBODY = 2**31 - 7
"""An id that nothing has."""

SAMPLE = 25
"""Scenes that are looked at."""

_OF_THE_SCHEMA = ("GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED")
_OUR_FIELD = re.compile(r'Cannot query field "\w{1,40}" on type "\w{1,40}"\.')


class StashContact:
    """One Stash. `signature` are the headers by which it knows us; a request may take `seconds`."""

    def __init__(self, url: str, signature: Mapping[str, str], seconds: float = 30.0) -> None:
        self._url, self._signature = url.rstrip("/"), dict(signature)
        self.key = self._signature.get("ApiKey", "")
        self._session = Session(5.0, seconds, seconds, trust=ANYBODY)

    def ask(self, path: str, key: str | None = None, body: object = None, **headers: str) -> Reply:
        """A POST with a body, else a GET; `key` None: as we sign ourselves, else this API key."""
        signature = self._signature if key is None else {"ApiKey": key}
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent |= {"Accept": headers.get("Accept", "*/*"), **signature}
        method = "GET" if body is None else "POST"
        return self._session.request(method, self._url + path, headers=sent, json=body)

    def post(self, query: str, variables: Mapping[str, object], key: str | None = None) -> Reply:
        """A query, whatever its answer."""
        body = {"query": query, "variables": dict(variables)}
        return self.ask("/graphql", key, body, Accept="application/json")

    def data(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of an answer without errors."""
        reply = self.post(query, variables)
        answer = json.loads(reply.body) if reply.body else {}
        problems = [_problem(error) for error in answer.get("errors") or ()]
        demand(not problems, f"the query fails: {'; '.join(problems)[:200]}")
        expect("the status", reply.status, 200)
        found: dict[str, Any] = answer["data"]
        return found

    def scene(self, number: int) -> dict[str, Any] | None:
        """One scene as Stash tells it."""
        found: dict[str, Any] | None = self.data(stash_queries.scenes(1), i0=str(number))["s0"]
        return found

    def newest(self, size: int, page: int = 1) -> list[int]:
        """Ids of scenes, the newest first."""
        found = self.data(
            'query($p: Int, $n: Int) { findScenes(filter: {page: $p, per_page: $n, sort: "id",'
            " direction: DESC}) { scenes { id } } }",
            p=page,
            n=size,
        )
        return [int(scene["id"]) for scene in found["findScenes"]["scenes"]]

    @cached_property
    def raw(self) -> list[dict[str, Any]]:
        """Some scenes as Stash tells them."""
        ids = self.newest(SAMPLE)
        if not ids:
            raise SkippedError("Stash has no scenes")
        variables = {f"i{n}": str(scene) for n, scene in enumerate(ids)}
        data = self.data(stash_queries.scenes(len(ids)), **variables)
        return [data[f"s{n}"] for n in range(len(ids))]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The answer to PlexSync's query for its settings."""
        return self.data(stash_queries.SETTINGS)

    def cover(self, scene: int, etag: str = "", key: str | None = None) -> Reply:
        """The cover of a scene."""
        more = {"If_None_Match": etag} if etag else {}
        return self.ask(f"/scene/{scene}/screenshot", key, Accept="image/*", **more)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def _problem(error: object) -> str:
    """An error of GraphQL; only one about a field of ours that Stash does not have is shown."""
    said = stash_scenes.message_of(error)
    extensions = error.get("extensions") if isinstance(error, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    ours = code in _OF_THE_SCHEMA and _OUR_FIELD.fullmatch(said)
    return said if ours else short(said)
