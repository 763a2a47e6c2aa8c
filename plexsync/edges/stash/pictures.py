"""Where Stash serves its pictures, and whether an answer is one that may be sent to Plex."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from plexsync.model.errors import StashAuthError, StashDown
from plexsync.model.formatting import quoted
from plexsync.model.named_tuple import NamedTuple

MAX_PICTURE = 10_000_000
"""Maximum bytes; a larger picture is refused."""

_PATHS = {
    "scene": "screenshot",
    "performer": "image",
    "studio": "image",
    "tag": "image",
    "group": "frontimage",
    "image": "image",
}


def path_of(kind: str, number: int) -> str:
    """The path of the picture of a scene, performer, studio, tag or group."""
    return f"/{kind}/{int(number)}/{_PATHS[kind]}"


@dataclass(frozen=True, slots=True)
class PictureUnchanged:
    """Stash still has the picture that the ETag identifies."""


@dataclass(frozen=True, slots=True)
class PictureMissing:
    """Stash has no picture yet: ask again later."""


class PictureRefused(NamedTuple):
    """Stash has something that must not be sent to Plex; `reason` completes "the picture is ..."."""

    reason: str


@dataclass(frozen=True, slots=True)
class PictureData:
    """A raster image; `sha1` in hex, `etag` as Stash sent it, `media_type` by its first bytes."""

    data: bytes = field(repr=False)
    sha1: str
    etag: str
    media_type: str


Picture = PictureUnchanged | PictureMissing | PictureRefused | PictureData


def unless_still(etag: str) -> dict[str, str]:
    """The header that requests a picture only if it changed. Image files have no ETag; their time
    takes its place.
    """
    if not (etag and etag.isascii() and etag.isprintable()):
        return {}
    return {"If-None-Match" if '"' in etag else "If-Modified-Since": etag}


def judge(status: int, headers: Mapping[str, str], body: bytes) -> Picture:
    """Judge an answer to a request for a picture; content type and first bytes must both agree.

    Raises StashAuthError for a login page, StashDown for another web page or status.
    """
    if status == 304:
        return PictureUnchanged()
    if status == 404:
        return PictureMissing()
    if status != 200:
        raise StashDown(f"Stash answered {status} to a picture", status=status, cause="http")
    said = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if said == "text/html" or _starts(body, b"<!doctype html", b"<html"):
        raise _web_page(body)
    if not body or said == "image/svg+xml" or _starts(body, b"<svg", b"<?xml"):
        return PictureMissing()
    if len(body) > MAX_PICTURE:
        return too_large()
    found = media_type(body)
    if not said.startswith("image/") or not found:
        return PictureRefused(f"not an image that Plex can show (content type {quoted(said[:60])})")
    sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    return PictureData(body, sha1, headers.get("ETag") or headers.get("Last-Modified", ""), found)


def too_large() -> PictureRefused:
    """The verdict on a picture over the limit."""
    return PictureRefused(f"larger than {MAX_PICTURE // 1_000_000} MB")


def media_type(data: bytes) -> str:
    """Media type of a raster image by its first bytes; "" for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    kinds = {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF87a": "image/gif",
        b"GIF89a": "image/gif",
        b"BM": "image/bmp",
    }
    return next((kind for magic, kind in kinds.items() if data.startswith(magic)), "")


def _starts(body: bytes, *openings: bytes) -> bool:
    return body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(openings)


def _web_page(body: bytes) -> StashAuthError | StashDown:
    start = body[:65536].lower()
    if b"login" in start or b'type="password"' in start:
        return StashAuthError("Stash sent its login page instead of a picture", cause="login")
    return StashDown("Stash sent a web page instead of a picture", cause="body")
