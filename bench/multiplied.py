"""A library of any size from a small one: the simulators show their few hundred scenes and films
again and again under other numbers.

Each text is made once by the simulator itself, so that a million scenes take neither its memory nor
its time. Scene n has film n; they differ from the ones that they repeat in number, title,
description, path and size. Plex added a thousand of the films each second.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from plexsync.edges.ledger.packing import packed, unpacked
from simulator import plex_wire, plex_xml
from simulator.faults import Reply
from simulator.plex import PlexSim
from simulator.plex_items import SimItem
from simulator.plex_reads import XML
from simulator.stash_core import StashCore
from simulator.stash_site import JSON, Request, Site

FEW = 600
"""Scenes that are repeated; they have every studio, performer and tag of the library."""
A_SECOND = 1000
_PAGES = b"PlexSyncScenePage"
_SINCE = ("addedAt>>", "updatedAt>>")
_KEY = 'ratingKey="{n}" key="/library/metadata/{n}"'


@dataclass(slots=True)
class _Texts:
    """For each kind of request the texts of the few, made when first requested."""

    make: Callable[[Any], Sequence[str]]
    made: dict[str, Sequence[str]] = field(default_factory=dict)

    def of(self, kind: str, request: Any) -> Sequence[str]:
        if kind not in self.made:
            self.made[kind] = self.make(request)
        return self.made[kind]


class ManyScenes(Site):
    """What Stash answers where its few scenes are repeated until there are `count`."""

    def __init__(self, core: StashCore, count: int) -> None:
        super().__init__(core)
        self._count = count
        self._texts = _Texts(self._make)

    def answer(self, request: Request) -> Reply:
        """A page of scenes, or what any Stash answers."""
        if _PAGES not in request.body:
            return super().answer(request)
        question = json.loads(request.body)
        after, size = question["variables"].pop("after"), question["variables"].pop("size")
        texts = self._texts.of(repr(question), request)
        last = min(after + size, self._count)
        scenes = [_renumbered(texts[(n - 1) % len(texts)], n) for n in range(after + 1, last + 1)]
        body = (
            f'{{"data":{{"findScenes":{{"count":{max(0, self._count - after)},'
            f'"scenes":[{",".join(scenes)}]}}}}}}'
        )
        headers = [("Content-Encoding", "gzip")]
        return Reply(200, gzip.compress(body.encode(), 1), JSON, headers)

    def _make(self, request: Request) -> Sequence[str]:
        question = json.loads(request.body)
        question["variables"] |= {"after": 0, "size": FEW}
        told = super().answer(replace(request, body=json.dumps(question).encode()))
        scenes = json.loads(gzip.decompress(told.body))["data"]["findScenes"]["scenes"]
        return [
            _marked(json.dumps(scene, ensure_ascii=False, separators=(",", ":")), n)
            for n, scene in enumerate(scenes, 1)
        ]


class ManyFilms:
    """What Plex answers where its few films are repeated until there are `count`."""

    def __init__(self, plex: PlexSim, section: int, count: int) -> None:
        self._plex, self._count = plex, count
        self._home = plex.sections[section]
        self._few: Sequence[SimItem] = plex.items()
        self._began = int(plex.clock()) - count // A_SECOND - 1000
        self._lists, self._details = _Texts(self._make_list), _Texts(self._make_details)

    def answer(self, request: plex_wire.Request) -> Reply | None:
        """A list of films or their details; None for any other request."""
        if request.path == f"/library/sections/{self._home.key}/all":
            return self._list(request)
        keys = request.path.removeprefix("/library/metadata/")
        if request.method == "GET" and keys != request.path and "/" not in keys:
            return self._whole(request, list(map(int, keys.split(","))))
        return None

    def _list(self, request: plex_wire.Request) -> Reply:
        first = 1
        for name, value in request.params:
            if name in _SINCE:
                first = max(first, (int(value) + 1 - self._began) * A_SECOND)
        offset = int(request.option("X-Plex-Container-Start") or 0)
        size = int(request.option("X-Plex-Container-Size"))
        total = max(0, self._count + 1 - first)
        shown = range(first + offset, min(first + offset + size, self._count + 1))
        texts = self._lists.of(request.get("excludeFields"), request)
        body = plex_xml.listing(
            self._home,
            plex_xml.page(len(shown), total, offset),
            "All Movies",
            [self._numbered(texts, n) for n in shown],
        )
        return Reply(200, body, XML)

    def _whole(self, request: plex_wire.Request, keys: Sequence[int]) -> Reply:
        texts = self._details.of(request.target.partition("?")[2], request)
        there = [self._numbered(texts, key) for key in keys if 0 < key <= self._count]
        where = plex_xml.in_section(self._home)
        head = f'size="{len(there)}" allowSync="1" {plex_xml.LIBRARY} {where}'
        return Reply(200, plex_xml.container(head, there), XML)

    def _numbered(self, texts: Sequence[str], n: int) -> str:
        at = str(self._began + n // A_SECOND)
        return _renumbered(texts[(n - 1) % len(texts)], n).replace("{at}", at)

    def _make_list(self, request: plex_wire.Request) -> Sequence[str]:
        hidden = (_names(request, "excludeElements"), _names(request, "excludeFields"))
        return [self._dated(plex_xml.list_item(item, *hidden), item) for item in self._few]

    def _make_details(self, request: plex_wire.Request) -> Sequence[str]:
        hidden = (_names(request, "excludeElements"), _names(request, "excludeFields"))
        checked = request.get("checkFiles") == "1"
        return [
            self._dated(
                plex_xml.full_item(item, self._home, self._plex.tags, checked, *hidden), item
            )
            for item in self._few
        ]

    def _dated(self, text: str, item: SimItem) -> str:
        for name, at in (("addedAt", item.added_at), ("updatedAt", item.updated_at)):
            text = text.replace(f'{name}="{at}"', f'{name}="{{at}}"')
        return _marked(text, item.key)


def _names(request: plex_wire.Request, parameter: str) -> frozenset[str]:
    return frozenset(request.get(parameter).split(","))


def _marked(text: str, n: int) -> str:
    """The text of the scene or film n with a mark wherever its number is."""
    return (
        text.replace(f"{n:06d}", "{film}")
        .replace(f'"id":"{n}"', '"id":"{n}"', 1)
        .replace(f'ratingKey="{n}" key="/library/metadata/{n}"', _KEY, 1)
        .replace(f"number {n - 1}", "number {n}")
        .replace(f"Part {n - 1}.", "Part {n}.")
    )


def _renumbered(text: str, n: int) -> str:
    return text.replace("{film}", f"{n:06d}").replace("{n}", str(n))


def repeat_ledger(path: str, few: int, count: int) -> None:
    """Repeat the rows of the ledger's first `few` scenes until it has `count`."""
    with closing(sqlite3.connect(path)) as ledger:
        ledger.execute("PRAGMA synchronous = OFF")
        ledger.create_function("renumbered", 3, _rewritten, deterministic=True)
        for more in range(few, count, few):
            with ledger:
                for sql in _REPEAT:
                    ledger.execute(sql, {"more": more, "last": min(few, count - more)})
        ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _rewritten(written: str | bytes, old: int, new: int) -> str | bytes:
    """What film `old` has or had, as film `new` has it."""
    text = unpacked(written) if isinstance(written, bytes) else written
    text = (
        text.replace(f"film {old:06d}", f"film {new:06d}")
        .replace(f'number {old - 1}"', f'number {new}"')
        .replace(f"Part {old - 1}.", f"Part {new}.")
    )
    return packed(text)


def _repeated(table: str, changed: dict[str, str], key: str, columns: str) -> str:
    values = (changed.get(name, name) for name in columns.split())
    return (
        f"INSERT INTO {table} ({', '.join(columns.split())}) SELECT {', '.join(values)}"
        f" FROM {table} WHERE {key} <= :last"
    )


_REPEAT = (
    _repeated(
        "scenes",
        {
            "id": "id + :more",
            "scene": "scene + :more",
            "path": "replace(path, printf('%06d', id), printf('%06d', id + :more))",
        },
        "id",
        "id server scene state detail since desired_hash oshash path cover_etag cover_sha1"
        " entities",
    ),
    _repeated(
        "targets",
        {
            "row": "row + :more",
            "rating_key": "rating_key + :more",
            "written": "renumbered(written, row, row + :more)",
        },
        "row",
        "row place server section rating_key part written dirty synced_at",
    ),
    _repeated(
        "bases",
        {
            "rating_key": "rating_key + :more",
            "base": "renumbered(base, rating_key, rating_key + :more)",
        },
        "rating_key",
        "server rating_key base",
    ),
    _repeated(
        "entities",
        {"row": "row + :more", "scene": "scene + :more"},
        "row",
        "kind entity scene row",
    ),
)
