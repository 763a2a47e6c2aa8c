"""Writes images to Plex: inspects the selected image first, then uploads the new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.sync.media_server import MediaServer
from plexsync.flows.sync.planning import is_foreign
from plexsync.flows.sync.scene_write import ItemWrite
from plexsync.model.errors import ITEM, WRITE, SyncError
from plexsync.model.plex import FIELDS, Base, Edit
from plexsync.policy.outcome import is_upload_of


class ImageWriter:
    """Uploads images, unless the user selected another one in Plex and `preserve` is set."""

    def __init__(
        self,
        server: MediaServer,
        pool: Executor,
        outages: OutageController,
        *,
        preserve: bool,
    ) -> None:
        self._server = server
        self._pool = pool
        self._outages = outages
        self._preserve = preserve

    def inspect(self, writes: Sequence[ItemWrite]) -> None:
        """Before any upload, read which images Plex shows: for undo, and to decide whether they are
        kept.
        """
        wanted = [w for w in writes if any(self._unknown(w, edit) for edit in w.images)]
        list(self._pool.map(self._inspect_item, wanted))

    def upload(self, write: ItemWrite, data: Callable[[str], bytes]) -> None:
        """Upload changed images; `data` returns the bytes for a SHA-1. Raises if it is unknown what
        Plex shows.
        """
        if write.unseen is not None:
            if write.unseen.fault == ITEM:  # it was read: only its images cannot be written
                write.unseen.fault = WRITE
            raise write.unseen
        for edit in write.images:
            if edit.field in write.kept:
                continue
            image = data(str(edit.value))
            with self._outages.pacer.one_write():
                refused = self._server.upload_image(write.item.target, edit.field, image)
            if refused:
                write.words[edit.field] = refused
            else:
                write.done.add(edit.field)

    def _unknown(self, write: ItemWrite, edit: Edit) -> bool:
        return self._preserve or edit.field not in write.base

    def _inspect_item(self, write: ItemWrite) -> None:
        try:
            for edit in write.images:
                if self._unknown(write, edit):
                    self._inspect_image(write, edit)
        except SyncError as error:
            write.unseen = error

    def _inspect_image(self, write: ItemWrite, edit: Edit) -> None:
        name, ours = edit.field, write.before.unconfirmed
        selected = self._server.selected_image(write.item.target, name)
        if self._preserve and is_foreign(selected, name, write.written, ours):
            write.kept.add(name)
        # After a crash the selected image may be our own last upload, which is not Plex's.
        elif not is_upload_of(selected, edit.value, ours.get(name, "")):
            locked = FIELDS[name].edit in write.item.locks
            write.base.setdefault(name, Base(selected, locked))
