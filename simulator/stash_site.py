"""What the simulated Stash answers to a request: access, pages, pictures, GraphQL's transport."""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from simulator.faults import LOGIN_PAGE, Reply
from simulator.stash_core import StashCore
from simulator.stash_graphql import Context, execute
from simulator.stash_hooks import Caller
from simulator.stash_session import Access, Refused, cookie_value, set_cookie
from simulator.stash_ui import WebUi, missing

MOUNTED = ("performer", "scene", "image", "studio", "group", "tag", "downloads")
"""Prefixes that neither the web app nor pages of plugins may use (like `plugin`)."""
JSON, GRAPHQL_JSON = "application/json", "application/graphql-response+json"
PLACEHOLDER = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
    b'width="1280" height="720"><rect width="100%" height="100%" fill="#394b59"/></svg>\n'
)
IMAGE_TIME = "Sat, 28 Nov 2026 12:00:00 GMT"
NOBODY = b"\x89PNG\r\n\x1a\n" + b"a silhouette"
"""Stash's placeholder for a performer without a picture."""
_ENTITY_PICTURES = {
    ("performer", "image"),
    ("studio", "image"),
    ("tag", "image"),
    ("group", "frontimage"),
}
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"<?xml", "image/svg+xml"),
    (b"<svg", "image/svg+xml"),
    (b"<html", "text/html; charset=utf-8"),
    (b"<!DOCTYPE", "text/html; charset=utf-8"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. Header names in lower case; `base` is the address it used."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    gone: Callable[[], bool]

    def parameter(self, name: str) -> str:
        """The first query parameter of that name; "" if absent."""
        return parse_qs(self.query, keep_blank_values=True).get(name, [""])[0]


class Site:
    """All routes. `answer` is safe to call from several threads."""

    def __init__(self, core: StashCore, ui_dir: str = "") -> None:
        self._core = core
        self._ui = WebUi(core, ui_dir)

    def answer(self, request: Request) -> Reply:
        """Authenticate a request and answer it."""
        try:
            access = self.access(request)
        except Refused:
            return _unauthorized()
        if self._core.guard.closed and not access.user and not request.path.startswith("/login"):
            return _turned_away(request)
        reply = self._route(request, access)
        if access.renewed:
            cookie = set_cookie(access.renewed, self._core.sessions.max_age)
            reply.headers.append(("Set-Cookie", cookie))
        return reply

    def access(self, request: Request) -> Access:
        """Who the request is from. Raises Refused for a wrong API key."""
        key = request.headers.get("apikey") or request.parameter("apikey")
        return self._core.guard.check(key, cookie_value(request.headers.get("cookie", "")))

    def _route(self, request: Request, access: Access) -> Reply:
        if request.path == "/graphql":
            return self._graphql(request, access)
        if request.path.startswith("/login"):
            return self._login(request)
        parts = request.path.strip("/").split("/")
        if len(parts) == 3 and parts[0] == "scene" and parts[2] == "screenshot":
            return self._screenshot(parts[1], request)
        if len(parts) == 3 and (parts[0], parts[2]) in _ENTITY_PICTURES:
            return self._entity_picture(parts[0], parts[1], request)
        if len(parts) == 3 and (parts[0], parts[2]) == ("image", "image"):
            return self._image(parts[1], request)
        if parts[0] in MOUNTED:
            return missing()
        prefix = request.headers.get("x-forwarded-prefix", "")
        return self._ui.answer(request.path, prefix, request.headers.get("if-none-match", ""))

    # --- pages

    def _login(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply(200, LOGIN_PAGE, "text/html; charset=utf-8")
        form = {k: v[0] for k, v in parse_qs(request.body.decode("utf-8", "replace")).items()}
        cookie = self._core.guard.login(form.get("username", ""), form.get("password", ""))
        if not cookie:
            return Reply(401, LOGIN_PAGE, "text/html; charset=utf-8")
        headers = [("Set-Cookie", set_cookie(cookie, self._core.sessions.max_age))]
        return Reply(302, b"", headers=[("Location", "/"), *headers])

    def _screenshot(self, scene_id: str, request: Request) -> Reply:
        if not (scene_id.isascii() and scene_id.isdigit()):
            return Reply(400, b"Bad Request\n", "text/plain; charset=utf-8")
        scene = self._core.data.scenes.get(int(scene_id))
        if scene is None:
            return Reply(404, b"Not Found\n", "text/plain; charset=utf-8")
        return _picture(scene.cover or PLACEHOLDER, request)

    def _image(self, number: str, request: Request) -> Reply:
        """An image's file, which has a time instead of an ETag."""
        images = self._core.data.images
        if not (number.isascii() and number.isdigit()) or int(number) not in images:
            return Reply(404, b"Not Found\n", "text/plain; charset=utf-8")
        headers = [("Cache-Control", "no-cache"), ("Last-Modified", IMAGE_TIME)]
        if request.headers.get("if-modified-since") == IMAGE_TIME:
            return Reply(304, b"", "", headers)
        data = images[int(number)]
        return Reply(200, data, sniff(data), headers)

    def _entity_picture(self, kind: str, number: str, request: Request) -> Reply:
        known = self._core.data.entities[kind]
        if not (number.isascii() and number.isdigit()) or int(number) not in known:
            return Reply(404, b"Not Found\n", "text/plain; charset=utf-8")
        own = known[int(number)].image
        if own is None or request.parameter("default") == "true":
            return _picture(NOBODY if kind == "performer" else PLACEHOLDER, request)
        return _picture(own, request)

    # --- GraphQL

    def _graphql(self, request: Request, access: Access) -> Reply:
        media = _answer_type(request.headers.get("accept", ""))
        try:
            question = _question(request)
        except ValueError as problem:
            return _json_reply(400, {"errors": [{"message": str(problem)}], "data": None}, media)
        caller = Caller(access.user, access.visited, request.gone)
        context = Context(self._core, caller, request.base)
        answer = execute(context, question, read_only=request.method == "GET")
        status = (422 if media == JSON else 400) if answer.refused else 200
        reply = Reply(status, answer.body, media, [("Cache-Control", "no-store")])
        if media == JSON and "gzip" in request.headers.get("accept-encoding", ""):
            reply.body = gzip.compress(reply.body, 1)
            reply.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        return reply


def _picture(picture: bytes, request: Request) -> Reply:
    tag = f'"{hashlib.md5(picture).hexdigest()}"'
    fresh = "private, max-age=31536000, immutable" if request.parameter("t") else "no-cache"
    headers = [("Cache-Control", fresh), ("ETag", tag)]
    if tag in request.headers.get("if-none-match", ""):
        return Reply(304, b"", "", headers)
    return Reply(200, picture, sniff(picture), headers)


def _question(request: Request) -> dict[str, Any]:
    """The GraphQL request. Raises ValueError with Stash's message for anything else."""
    if request.method == "GET":
        variables = json.loads(request.parameter("variables") or "{}")
        return {"query": request.parameter("query"), "variables": variables}
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != JSON:
        raise ValueError("transport not supported")
    try:
        question = json.loads(request.body)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"json request body could not be decoded: {problem}") from None
    if not isinstance(question, dict):
        raise ValueError("json request body could not be decoded: not an object")
    return question


def _answer_type(accept: str) -> str:
    for media in (part.split(";")[0].strip().lower() for part in accept.split(",")):
        if media == JSON:
            return JSON
        if media in ("*/*", "application/*", GRAPHQL_JSON):
            return GRAPHQL_JSON
    return JSON


def _json_reply(status: int, value: Any, media: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), media, [("Cache-Control", "no-store")])


def _unauthorized() -> Reply:
    return Reply(401, b"", "", [("WWW-Authenticate", "FormBased")])


def _turned_away(request: Request) -> Reply:
    """Programs get a 401, possible pages are redirected to the login."""
    kind = posixpath.splitext(request.path)[1]
    if request.path == "/graphql" or kind not in ("", ".html"):
        return _unauthorized()
    target = request.path + (f"?{request.query}" if request.query else "")
    place = "/login?" + urlencode({"returnURL": target})
    page = f'<a href="{place}">Found</a>.\n\n'.encode()
    return Reply(302, page, "text/html; charset=utf-8", [("Location", place)])


def sniff(data: bytes) -> str:
    """The content type that Stash derives from a picture's first bytes."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    found = (kind for signature, kind in _SIGNATURES if data.startswith(signature))
    return next(found, "application/octet-stream")
