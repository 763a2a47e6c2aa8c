"""One edit of one Plex item, undone again."""

from __future__ import annotations

import os
import tempfile
import time
from urllib.parse import quote

from plex_contract import Plex
from stash_contract import Stash
from verdicts import DiffersError, SkippedError, demand, expect, short

from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.stash import answers as stash_answers
from plexsync.edges.stash import scenes as stash_scenes
from plexsync.model.config import read_config
from plexsync.model.paths import PathMap, index_keys
from plexsync.model.plex import Edit, PlexItem, Target
from plexsync.model.scene import Scene
from plexsync.policy.matching import HIGH, match

MARK = " [PlexSync contract check]"
LONGEST = 4000
"""Bytes, as a URL has them, of a summary that surely goes into one request."""


def matched(plex: Plex, stash: Stash, number: int) -> PlexItem:
    """The one Plex item that PlexSync would write for a scene."""
    raw = stash.scene(number)
    demand(raw, f"Stash has no scene {number}")
    scene: Scene = stash_scenes.read_scene(raw)
    saved = stash_answers.read_settings(stash.settings).plugin
    config, _ = read_config(saved, {})
    paths, _ = PathMap.parse(config.path_map)
    with tempfile.TemporaryDirectory() as folder:
        index = PlexIndex(os.path.join(folder, "plex_index.db"), plex.client, _warn, index_keys)
        try:
            index.refresh(config.plex_library, time.time())
            parts = index.find([paths.to_plex(file.path) for file in scene.files])
        finally:
            index.close()
    found = match(scene.files, parts, paths)
    demand(
        found.confidence == HIGH,
        f"scene {number} matches no item for certain ({found.confidence}); is the path map right?",
    )
    target = found.targets[0]
    item = plex.client.items([target.rating_key]).get(target.rating_key)
    if item is None or found.matched[target] not in {part.file for part in item.parts}:
        raise DiffersError(f"item {target.rating_key} no longer has the file")
    return item


def _warn(text: str) -> None:
    print(f"PlexSync's index warns: {short(text)}")


def edit(plex: Plex, stash: Stash, number: int) -> None:
    """an edit of the summary is read back, locked, and can be undone"""
    item = matched(plex, stash, number)
    before, locked = str(item.values["summary"]), "summary" in item.locks
    if len(quote(before)) > LONGEST:
        raise SkippedError("the summary of that item is long; take another scene")
    target, after = item.target, before + MARK
    try:
        _write(plex, target, after, before)
        _verify(plex, target, "after the edit", after, True)
    finally:
        try:
            _write(plex, target, before, after)
            if not locked:
                path = f"/library/sections/{target.section}/all?type=1&id={target.rating_key}"
                reply = plex.ask(f"{path}&summary.locked=0", method="PUT")
                expect("the status of unlocking", reply.status, 200)
            _verify(plex, target, "after it was restored", before, locked)
        except BaseException:
            print(
                f"Look at Plex item {target.rating_key}: its summary must not end in {MARK!r}, "
                f"and its lock was {'closed' if locked else 'open'}."
            )
            raise


def _write(plex: Plex, target: Target, value: str, before: str) -> None:
    change = Edit(field="summary", value=value, before=before, reason="contract check")
    plex.client.write(target, [change])


def _verify(plex: Plex, target: Target, when: str, summary: str, locked: bool) -> None:
    item = plex.client.items([target.rating_key])[target.rating_key]
    expect(f"the summary {when}", item.values["summary"], summary)
    expect(f"the lock {when}", "summary" in item.locks, locked)
