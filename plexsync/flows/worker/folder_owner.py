"""Binds a data folder to one Stash, since in another one the same ids are other scenes."""

from __future__ import annotations

import os
from collections.abc import Callable

from plexsync.edges.stash.client import StashClient
from plexsync.edges.storage import files
from plexsync.model.errors import AnotherStash
from plexsync.model.formatting import quoted
from plexsync.model.stash_identity import FILE, Identity, Owner, is_same, parse, to_json

REFUSAL_AGE = 60.0
"""Seconds after which a refusal is stored again, so that it is not written with each event."""


class FolderOwner:
    """Stores to which Stash the data folder belongs. Raises OSError if the disk refuses."""

    def __init__(self, folder: str, stash: StashClient, warn: Callable[[str], None]) -> None:
        self._path = os.path.join(folder, FILE)
        self._stash = stash
        self._warn = warn

    def check(self, now: float) -> None:
        """Raise AnotherStash unless the folder belongs to our Stash; a folder without an owner
        becomes ours. Raises StashDown or StashAuthError if Stash cannot be asked.
        """
        owner = self._read()
        problem, met = judge(owner, self._stash)
        if not problem:
            self._keep(owner, owner._replace(identity=met))
            return
        fresh = owner.refused == met.database and 0 <= now - owner.refused_at < REFUSAL_AGE
        if not fresh:
            self._keep(owner, owner._replace(refused=met.database, refused_at=now))
        raise AnotherStash(problem)

    def adopt(self) -> None:
        """Make the folder belong to this Stash."""
        _, met = judge(Owner(), self._stash)
        self._keep(None, Owner(met))

    def _read(self) -> Owner:
        return files.read_json(self._path, parse, Owner(), self._warn)

    def _keep(self, before: Owner | None, owner: Owner) -> None:
        if owner != before:
            files.replace_json(self._path, to_json(owner))


def judge(owner: Owner, stash: StashClient) -> tuple[str, Identity]:
    """Why the folder does not belong to this Stash ("" if it does), and this Stash's identity."""
    known = owner.identity
    met = stash.ask_identity(list(known.scenes) if known else [])
    if known is None or is_same(known, met):
        return "", met.itself
    was, is_now = (quoted(each.database or "unknown") for each in (known, met.itself))
    return (
        f"This data folder belongs to another Stash: its database was {was}, this one's is "
        f"{is_now}, and the same ids are other scenes there. Nothing is written to Plex; jobs and "
        "events are kept. Let STASH_PLUGIN_DATA name a separate folder for each Stash, or press "
        "Adopt This Stash twice if this one is to take the other's place.",
        met.itself,
    )
