"""Recognises scenes that are as PlexSync wrote them, without parsing them.

The desired state of a scene is computed from Stash's answer, the settings and the hierarchies. The
ledger stores a digest of these beside its hash; while both stand, Plex is to show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.stash.client import StashClient
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.policy.unchanged import decisive, digests


class InStep:
    """Computes the digests of scenes, and compares them with those in the ledger."""

    def __init__(
        self, config: PlexSyncConfig, stash: StashClient, ledger: Ledger, selection: Selection
    ) -> None:
        self._settings = decisive(config)
        self._stash = stash
        self._ledger = ledger
        self._selection = selection

    def bases(self, rows: Mapping[int, object]) -> dict[int, str]:
        """The digests of scenes as Stash returned them, with the hierarchies as last read."""
        hierarchy = self._selection.hierarchy.digest
        digest = digests(self._ledger.server, self._settings, hierarchy)
        return {scene: digest(row, None, ()) for scene, row in rows.items()}

    def among(self, scenes: Sequence[int], after: int) -> set[int]:
        """Those of the next scenes above the id `after` that are in step. Raises as a StashClient."""
        stored = self._ledger.basis_of(scenes)
        if not stored:
            return set()
        page = self._stash.raw_page(after, len(scenes), self._selection.parts)
        self._selection.begin(())
        known = {scene: row for scene, row in page.rows.items() if scene in stored}
        return {scene for scene, basis in self.bases(known).items() if basis == stored[scene]}
