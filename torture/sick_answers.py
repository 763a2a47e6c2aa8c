"""Malformed answers of Plex, and what reading them costs in time and memory.

Each kind is read in a separate process (`python -m torture.sick_answers`), as the answer to each
reading request; the result must be a SyncError or a value, within bounds of time and memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from plexsync.edges.plex.client import PlexClient
from plexsync.model.errors import SyncError
from plexsync.model.plex import Target
from simulator.plex import PlexSim

MOST_MEMORY = 100.0
"""Maximum MB by which a process may grow, whatever it reads."""
MOST_SECONDS = 10.0
"""Maximum CPU seconds of one request; on an idle machine the worst takes less than one."""

_ROOT = Path(__file__).resolve().parent.parent
_FULL = 15 << 20
_HEAD = b'<MediaContainer machineIdentifier="m" size="1" totalSize="1">'


def _plex(inside: bytes, head: bytes = _HEAD) -> bytes:
    return head + inside + b"</MediaContainer>"


def _many(piece: bytes, size: int = _FULL) -> bytes:
    return piece * (size // len(piece))


def _numbered(pattern: str, count: int) -> bytes:
    return "".join(pattern.format(n=n) for n in range(count)).encode()


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_ITEM = '<Video ratingKey="{n}" title="T{n}"><Media><Part file="/f{n}" size="{n}"/></Media></Video>'

KINDS: dict[str, tuple[int, Callable[[], bytes]]] = {
    "line feeds": (200, lambda: b"\n" * 1_000_000),
    "blanks to the limit": (200, lambda: b" " * _FULL),
    "line feeds, then Plex": (200, lambda: b"\r\n" * 500_000 + _plex(b"")),
    "blanks within the root": (200, lambda: _plex(b" " * _FULL)),
    "nothing": (200, lambda: b""),
    "one byte": (200, lambda: b"<"),
    "a byte order mark": (200, lambda: b"\xef\xbb\xbf"),
    "NUL bytes": (200, lambda: bytes(_FULL)),
    "controls in an attribute": (200, lambda: _plex(b'<Video ratingKey="1" title="\x01\x02"/>')),
    "noncharacters": (200, lambda: _plex(b'<Video ratingKey="1" title="\xef\xbf\xbe"/>')),
    "surrogates": (200, lambda: _plex(b'<Video ratingKey="1" title="\xed\xa0\x80"/>')),
    "no UTF-8": (200, lambda: _plex(_many(b'<Video title="\xff\xfe\xfa"/>'))),
    "no UTF-8 at all": (200, lambda: b"\xff" * _FULL),
    "UTF-16": (200, lambda: _plex(b"").decode().encode("utf-16")),
    "another encoding declared": (200, lambda: b'<?xml encoding="utf-16"?>' + _plex(b"")),
    "XML 1.1": (200, lambda: b'<?xml version="1.1"?>' + _plex(b"")),
    "a declaration without end": (200, lambda: b"<?xml " + b"a" * _FULL),
    "question marks": (500, lambda: b"?" * 65536),
    "less-than signs": (500, lambda: b"<" * 65536),
    "Responses without end": (500, lambda: _many(b"<Response ", 65536)),
    "statuses without end": (500, lambda: _many(b'<Response status="', 65536)),
    "status after status": (500, lambda: b"<Response " + _many(b'a="b" status ', 65536)),
    "queries": (500, lambda: _many(b"?a?b=", 65536)),
    "quotes": (503, lambda: b'"' * 65536),
    "an error page of 15 MB": (404, lambda: b"<html>" + b"<p>" * (_FULL // 3)),
    "a web page of 15 MB": (200, lambda: b"<!DOCTYPE html><html>" + b"<p>" * (_FULL // 3)),
    "JSON": (200, lambda: b'{"MediaContainer": {}}'),
    "nested JSON": (200, lambda: b"[" * _FULL),
    "another root": (200, lambda: b"<Response/>"),
    "many names before the root": (200, lambda: _numbered("<r{n}>", 500_000)),
    "9 MB of nested tags": (200, lambda: _plex(_many(b"<a>", 9 << 20))),
    "nested and closed": (200, lambda: _plex(b"<a>" * 500_000 + b"</a>" * 500_000)),
    "nested streams": (200, lambda: _plex(b"<Stream>" * 500_000)),
    "tags to the limit": (200, lambda: _plex(_many(b"<a/>"))),
    "streams to the limit": (200, lambda: _plex(_many(b"<Stream/>"))),
    "items to the limit": (200, lambda: _plex(_numbered(_ITEM, 140_000))),
    "items without end": (200, lambda: _HEAD + _numbered(_ITEM, 140_000)),
    "attributes to the limit": (200, lambda: _plex(_many(b'<Video a="1" b="2" c="3" d="4"/>'))),
    "names of elements": (200, lambda: _plex(_numbered("<n{n}/>", 900_000))),
    "names of skipped elements": (200, lambda: _plex(_numbered("<Stream a{n}='1'/>", 600_000))),
    "names in one tag": (200, lambda: _plex(b"<a " + _numbered("n{n}='' ", 900_000) + b"/>")),
    "names in tags": (200, lambda: _plex(_numbered("<a n{n}=''/>", 900_000))),
    "the same name twice": (200, lambda: _plex(b'<Video title="1" title="2"/>')),
    "a long attribute": (200, lambda: _plex(b'<Video title="' + b"x" * _FULL + b'"/>')),
    "a long attribute of emoji": (
        200,
        lambda: _plex(b'<V t="' + "😀".encode() * 3_500_000 + b'"/>'),
    ),
    "one emoji in each attribute": (
        200,
        lambda: _plex(_many(b'<V t="' + "😀".encode() + b"x" * 1000 + b'"/>')),
    ),
    "an attribute without end": (200, lambda: _HEAD + b'<Video title="' + b"x" * _FULL),
    "a tag without end": (200, lambda: _HEAD + b"<Video " + b" " * _FULL),
    "a name without end": (200, lambda: _HEAD + b"<" + b"V" * _FULL),
    "a long comment": (200, lambda: _plex(b"<!--" + b"x" * _FULL + b"-->")),
    "many comments": (200, lambda: _plex(_many(b"<!---->"))),
    "long CDATA": (200, lambda: _plex(b"<![CDATA[" + b"x" * _FULL + b"]]>")),
    "many CDATA": (200, lambda: _plex(_many(b"<![CDATA[x]]>"))),
    "long text": (200, lambda: _plex(b"x" * _FULL)),
    "many instructions": (200, lambda: _plex(_many(b"<?a b?>"))),
    "a long instruction": (200, lambda: _plex(b"<?a " + b"x" * _FULL + b"?>")),
    "characters by number": (200, lambda: _plex(_many(b"&#65;"))),
    "a forbidden number": (200, lambda: _plex(b'<Video title="&#1;"/>')),
    "an unknown entity": (200, lambda: _plex(_many(b"&nbsp;"))),
    "a document type": (200, lambda: b"<!DOCTYPE MediaContainer>" + _plex(b"")),
    "a billion laughs": (
        200,
        lambda: f'<!DOCTYPE m [<!ENTITY l0 "ha">{_LAUGHS}]>'.encode() + _plex(b"&l9;"),
    ),
    "one long entity, often": (
        200,
        lambda: b'<!DOCTYPE m [<!ENTITY a "' + b"x" * 100_000 + b'">]>' + _plex(b"&a;" * 100_000),
    ),
    "an entity from a file": (
        200,
        lambda: b'<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + _plex(b"&a;"),
    ),
    "a parameter entity": (
        200,
        lambda: b'<!DOCTYPE m [<!ENTITY % a SYSTEM "http://127.0.0.1:1/">%a;]>' + _plex(b""),
    ),
    "a tag that does not fit": (200, lambda: _plex(b"<Video></Media>")),
    "cut off": (200, lambda: _plex(b"")[:-4]),
    "two roots": (200, lambda: _plex(b"") * 2),
    "something after the root": (200, lambda: _plex(b"") + b"x" * _FULL),
    "huge numbers": (
        200,
        lambda: _plex(
            b'<Video ratingKey="1" addedAt="9" updatedAt="' + b"9" * 400_000 + b'"/>',
            b'<MediaContainer machineIdentifier="m" size="-1" totalSize="' + b"9" * 30 + b'">',
        ),
    ),
    "more than any answer": (200, lambda: _plex(b"x" * (20 << 20))),
}
"""Status and body of each kind."""

REQUESTS: dict[str, tuple[str, Callable[[PlexClient], object]]] = {
    "libraries": ("/library/sections", lambda plex: plex.sections()),
    "list": ("/library/sections/1/all", lambda plex: plex.list_page("1", 0, 1000)),
    "item": ("/library/metadata/1", lambda plex: plex.items([1])),
    "images": ("/library/metadata/1/posters", lambda plex: plex.selected_image(_ITEM_1, "poster")),
    "scan": ("/library/sections/1/refresh", lambda plex: plex.scan_folder("1", "/plex")),
    "identity": ("/identity", lambda plex: plex.server_id()),
}
"""The path with the malformed answer, and the request for it."""

_ITEM_1 = Target("server", "1", 1)


def harm(kinds: Iterable[str], requests: Sequence[str] = tuple(REQUESTS)) -> Iterator[str]:
    """Messages for kinds that broke a bound or raised anything but a SyncError."""
    with PlexSim(token="t") as whole, PlexSim(token="t") as nameless:
        for plex in (whole, nameless):
            plex.add_item(plex.add_section("Films"), file="/plex/a.mp4", size=1)
        for kind in kinds:
            status, body = KINDS[kind]
            answer = {"status": status, "body": body(), "content_type": "text/xml"}
            for path in {REQUESTS[name][0] for name in requests}:
                plex = nameless if path == "/identity" else whole
                plex.add_fault("status", match=_exactly(path), **answer)
            yield from (f"{kind}, {text}" for text in _read(whole.url, nameless.url, *requests))
            whole.clear_faults()
            nameless.clear_faults()


def _exactly(path: str) -> Callable[[Any], bool]:
    return lambda request: str(request.path).partition("?")[0] == path


def _read(*words: str) -> Iterator[str]:
    command = [sys.executable, "-m", "torture.sick_answers", *words]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode:
        yield f"the process ended with {done.returncode}: {done.stderr[-300:]}"
        return
    figures = json.loads(done.stdout)
    grown = figures.pop("megabytes")
    if grown > MOST_MEMORY:
        yield f"{grown:.0f} MB"
    for name, seconds in figures.items():
        if seconds > MOST_SECONDS:
            yield f"{name}: {seconds:.1f} s"


def _measure(url: str, nameless: str, *requests: str) -> dict[str, float]:
    """The cost of each request in seconds of CPU, and of all of them in memory."""
    figures: dict[str, float] = {}
    base = _peak()
    for name in requests:
        path, ask = REQUESTS[name]
        plex = PlexClient(nameless if path == "/identity" else url, "t", "torture")
        began = time.process_time()
        with closing(plex), suppress(SyncError):
            ask(plex)
        figures[name] = time.process_time() - began
    return {**figures, "megabytes": _peak() - base}


def _peak() -> float:
    """The peak memory of this process in MB; 0 where the system does not report it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(_measure(*sys.argv[1:])))
