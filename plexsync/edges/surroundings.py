"""Reads facts about the environment: file systems, other plugins, a server's clock."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime

from plexsync.edges.http.certificates import ANYBODY
from plexsync.edges.http.transport import Session, TransportError

MOUNTS = "/proc/self/mounts"

_ESCAPE = re.compile(r"\\([0-7]{3})")
_DEPTH = 3


def filesystem(path: str) -> str:
    """The type of the file system at a path ("ext4", "nfs4", "fuse.sshfs"); "" if unknown."""
    real = os.path.realpath(path)
    best, found = -1, ""
    with suppress(OSError), open(MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            _, place, kind, *_ = [*line.split(" "), "", "", ""]
            place = _ESCAPE.sub(lambda code: chr(int(code[1], 8)), place).rstrip("/")
            if (real == place or real.startswith(place + "/")) and len(place) >= best:
                best, found = len(place), kind
    return found


def exists(path: str) -> bool:
    """Whether a file is there, or the archive that holds it; a link without its target is not."""
    with suppress(ValueError):  # a null character
        if os.path.exists(path):
            return True
        archive = path.lower().rfind(".zip" + os.sep)
        return archive > 0 and os.path.isfile(path[: archive + len(".zip")])
    return False


def free_bytes(path: str) -> int:
    """Free bytes on the file system of a path. Raises OSError."""
    return shutil.disk_usage(path).free


def manifests_beside(plugin_dir: str, name: str) -> list[str]:
    """Other files of this name in Stash's plugins folder."""
    own = os.path.realpath(os.path.join(plugin_dir, name))
    found = _files_named(os.path.dirname(os.path.abspath(plugin_dir)), name, _DEPTH)
    return sorted(path for path in found if os.path.realpath(path) != own)


def _files_named(folder: str, name: str, depth: int) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.casefold() == name.casefold():
                yield entry.path
            elif depth and entry.is_dir() and not entry.name.startswith("."):
                yield from _files_named(entry.path, name, depth - 1)


def server_time(url: str, *, seconds: float = 5.0) -> float | None:
    """A web server's time, from the Date header of its answer; None without one."""
    session = Session(seconds, seconds, seconds, trust=ANYBODY)
    try:
        said = session.request("GET", url).headers.get("Date", "")
        return parsedate_to_datetime(said).timestamp()
    except (TransportError, ValueError, TypeError, IndexError):
        return None
    finally:
        session.close()
