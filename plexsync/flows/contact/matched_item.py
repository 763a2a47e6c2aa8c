"""Finds the Plex item of a scene, as a sync would."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.stash import answers as stash_answers
from plexsync.edges.stash import scenes as stash_scenes
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.stash_contact import StashContact
from plexsync.flows.contact.verdicts import DiffersError, demand
from plexsync.model.config_reader import read_config
from plexsync.model.paths import PathMap, index_keys
from plexsync.model.plex import PlexItem
from plexsync.model.scene import Scene
from plexsync.policy.matching import HIGH, match


def matched_item(
    plex: PlexContact, stash: StashContact, number: int, warn: Callable[[str], None]
) -> PlexItem:
    """The one Plex item that PlexSync would write for a scene."""
    raw = stash.scene(number)
    demand(raw, f"Stash has no scene {number}")
    scene: Scene = stash_scenes.read_scene(raw)
    saved = stash_answers.read_settings(stash.settings).plugin
    config, _ = read_config(saved, {})
    paths, _ = PathMap.parse(config.path_map)
    with tempfile.TemporaryDirectory() as folder:
        index = PlexIndex(os.path.join(folder, "plex_index.db"), plex.client, warn, index_keys)
        try:
            index.refresh(config.plex_library, plex.clock.now())
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
