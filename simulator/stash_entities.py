"""Renames, deletions and merges of performers, studios, tags and groups, with their hooks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from simulator.stash_actions import Actions, Ids
from simulator.stash_mutations import Runs


class EntityActions(Actions):
    """None of these moves any scene's `updated_at`."""

    def rename_performer(self, performer: int, name: str) -> Runs:
        """`performerUpdate`."""
        return self.edit_entity("performer", performer, name=name)

    def rename_studio(self, studio: int, name: str) -> Runs:
        """`studioUpdate`."""
        return self.edit_entity("studio", studio, name=name)

    def rename_tag(self, tag: int, name: str) -> Runs:
        """`tagUpdate`."""
        return self.edit_entity("tag", tag, name=name)

    def rename_group(self, group: int, name: str) -> Runs:
        """`groupUpdate`: Group.Update.Post, then Movie.Update.Post."""
        return self.edit_entity("group", group, name=name)

    def edit_entity(self, kind: str, entity: int, **fields: Any) -> Runs:
        """`performerUpdate`, `studioUpdate`, `tagUpdate` or `groupUpdate` with just these fields; a
        picture may be bytes.
        """
        sent = {n: _data_url(v) if isinstance(v, bytes) else v for n, v in fields.items()}
        given = self._input(f"{kind.capitalize()}UpdateInput", {"id": entity, **sent})
        return self.core.mutations.entity_update(kind, given, self._caller())

    def destroy_performer(self, performer: Ids) -> Runs:
        """`performerDestroy`, with a list `performersDestroy`."""
        return self._destroy("performer", performer)

    def destroy_studio(self, studio: Ids) -> Runs:
        """`studioDestroy`, with a list `studiosDestroy`."""
        return self._destroy("studio", studio)

    def destroy_tag(self, tag: Ids) -> Runs:
        """`tagDestroy`, with a list `tagsDestroy`."""
        return self._destroy("tag", tag)

    def destroy_group(self, group: Ids) -> Runs:
        """`groupDestroy`, with a list `groupsDestroy`."""
        return self._destroy("group", group)

    def merge_tags(self, sources: Sequence[int], destination: int) -> Runs:
        """`tagsMerge`: one Tag.Merge.Post with the destination's id."""
        given = self._input("TagsMergeInput", {"source": list(sources), "destination": destination})
        return self.core.mutations.tags_merge(given, self._caller())

    def merge_performers(self, sources: Sequence[int], destination: int) -> Runs:
        """`performerMerge`: fires nothing."""
        for source in sources:
            self.data.merge_entity("performer", source, destination)
        return []

    def _destroy(self, kind: str, ids: Ids) -> Runs:
        sent = str(ids) if isinstance(ids, int) else [str(i) for i in ids]
        return self.core.mutations.entity_destroy(kind, sent, self._caller())


def _data_url(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
