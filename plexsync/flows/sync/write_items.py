"""Plex's side of a batch: plan, write, read back, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial

from plexsync.edges.in_flight import InFlight
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.results import Done, Failed, Postponed, Result
from plexsync.flows.sync.batch import Batch
from plexsync.flows.sync.collection_notes import CollectionNotes
from plexsync.flows.sync.image_writer import ImageWriter
from plexsync.flows.sync.item_reader import AT_ONCE
from plexsync.flows.sync.media_server import FileIndex, MediaServer, Sent
from plexsync.flows.sync.picture_reader import PictureReader
from plexsync.flows.sync.planning import plan_items
from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.flows.sync.seen_equal import ReadBack, SeenEqual
from plexsync.flows.sync.write_record import compare, conclude, state_of
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    Interrupted,
    PlexAuthError,
    PlexServerDown,
    SyncError,
)
from plexsync.model.formatting import label
from plexsync.model.ledger import SYNCED
from plexsync.model.plex import PlexItem, Target
from plexsync.model.values import name_keys
from plexsync.policy.notes import how_much

AHEAD = 10
"""Items planned at a time; Plex takes longer to write them than PlexSync to plan the next ones."""

Read = Callable[[Iterable[Target]], tuple[dict[Target, PlexItem], dict[Target, SyncError]]]


class WriteItems:
    """Writes the matched scenes of a batch, a few at a time, and records what Plex confirms."""

    def __init__(
        self,
        config: PlexSyncConfig,
        server: MediaServer,
        pictures: PictureReader,
        in_flight: InFlight,
        ledger: Ledger,
        pool: Executor,
        readers: Executor,
        read: Read,
        index: FileIndex,
        outages: OutageController,
        notes: CollectionNotes,
        log: Log,
    ) -> None:
        self._expected = False
        self._preserve = config.preserve_plex_edits
        self._server = server
        self._pictures = pictures
        self._in_flight = in_flight
        self._ledger = ledger
        self._pool = pool
        self._read = read
        self._index = index
        self._outages = outages
        self._notes = notes
        self._log = log
        self._seen_equal = SeenEqual(config, index, ledger)
        self._images = ImageWriter(server, readers, outages, preserve=self._preserve)

    def expect(self) -> None:
        """Load plexapi while the scenes' items are looked up; a failure is for the first write."""
        if not self._expected:
            self._expected = True
            self._pool.submit(self._server.load)

    def begin(self, batch: Batch) -> None:
        """Plan and send; the next few are planned while Plex writes the previous few."""
        batch.leave_out_taken()
        if batch.scenes and batch.behind is None:
            self._index.recall_limits(batch.now)
        try:
            for start in range(0, len(batch.scenes), AHEAD):
                some = batch.scenes[start : start + AHEAD]
                for each in some:
                    each.items = plan_items(each, self._ledger, self._preserve, self._server.fit)
                changing = [scene for scene in some if scene.changing]
                self._images.inspect([write for scene in changing for write in scene.items])
                # Intent first: after a crash the ledger still has what Plex had before, and what is
                # ours.
                self._ledger.save([state_of(each, batch.now, intent=True) for each in changing])
                for write in (w for scene in changing for w in scene.items if w.text):
                    self._server.prepare(write.item.target, write.text)
                batch.under_way += [
                    self._pool.submit(self._send_scene, scene, batch) for scene in changing
                ]
        except BaseException:
            batch.wait_for_writes()
            raise

    def end(self, batch: Batch) -> list[Result]:
        """Wait for the writes, read back what Plex has now, and record it; one result per scene."""
        scenes, now = batch.scenes, batch.now
        if not scenes:
            return []
        batch.wait_for_writes()
        for future in batch.under_way:
            future.result()
        back = self._read_back([scene for scene in scenes if scene.changing], batch)
        for scene in scenes:
            conclude(scene, now)
            self._log_refusals(scene)
        self._keep([scene for scene in scenes if scene.touched], back, now)
        self._note_collections([s for s in scenes if s.error is None and not s.postponed], now)
        self._index.keep_limits(now)
        return [_result(scene) for scene in scenes]

    def _send_scene(self, scene: SceneWrite, batch: Batch) -> None:
        if not batch.may_send:
            scene.postponed = batch.halted = True
            return
        try:
            for write in scene.items:
                sent = send_text(write, self._server, self._outages)
                if sent is not None:
                    self._log_cut(scene, sent)
                self._images.upload(write, partial(self._pictures.data, scene.pictures))
        except Interrupted:
            scene.postponed = batch.halted = True
        except SyncError as error:
            scene.error, batch.halted = error, True
            batch.stopped |= isinstance(error, (PlexServerDown, PlexAuthError))
        scene.pictures.data.clear()  # two batches are in memory at a time

    def _read_back(self, scenes: Sequence[SceneWrite], batch: Batch) -> ReadBack:
        """Read back what Plex has now; only that is recorded as written."""
        writes = [write for scene in scenes for write in scene.items if write.sent]
        if not writes:
            return ReadBack()
        wanted = {write.item.target for write in writes} | self._seen_equal.unsettled
        try:
            with self._in_flight.completing():
                items, broken = self._read(wanted)
        except Interrupted:
            batch.halted = True
            for scene in scenes:
                scene.postponed |= any(write.sent for write in scene.items)
            return ReadBack()
        except SyncError as error:
            for scene in scenes:
                scene.error = scene.error or error.of_step()
            return ReadBack()
        for scene in scenes:
            unread = [broken[w.item.target] for w in scene.items if w.item.target in broken]
            scene.error = scene.error or next(iter(unread), None)
        moment = 0
        for write in writes:
            item = items.get(write.item.target)
            if item is None:
                continue
            if compare(write, item):
                self._server.replaces_lists()
            if item.updated_at > write.item.updated_at:  # Plex dated it just now
                moment = max(moment, item.updated_at)
        one_answer = not broken and len(wanted) <= AT_ONCE
        return ReadBack(items, moment if one_answer else 0)

    def _note_collections(self, scenes: Sequence[SceneWrite], now: float) -> None:
        for scene in scenes:
            targets = [write.item.target for write in scene.items]
            self._notes.see(scene.scene, scene.values, targets, _new_names(scene))
        self._notes.save(now)

    def _keep(self, scenes: Sequence[SceneWrite], back: ReadBack, now: float) -> None:
        states = [state_of(scene, now, intent=False) for scene in scenes]
        self._ledger.save(states, self._seen_equal.observed(scenes, states, back, now))

    def _log_cut(self, scene: SceneWrite, sent: Sent) -> None:
        for name, cut in sent.cut.items():
            if cut.kept < cut.of:
                self._log.warn_once(
                    f"cut {scene.scene.id} {name} {cut.kept}",
                    f"The {label(name)} is longer than Plex accepts: "
                    f"{how_much(name, cut.kept, cut.of)} written.",
                    scene=scene.scene.id,
                )

    def _log_refusals(self, scene: SceneWrite) -> None:
        for name, words in ((n, w) for write in scene.items for n, w in write.words.items()):
            self._log.warn_once(
                f"refused {name}",
                f"Plex refuses the {label(name)} of a scene ({words}); the rest of it is in step. "
                "It is tried again when it changes in Stash, or by Sync now. View Queue Status "
                "counts such scenes.",
                scene=scene.scene.id,
            )


def send_text(write: ItemWrite, server: MediaServer, outages: OutageController) -> Sent | None:
    """Send everything except images; None if there is nothing to send."""
    text = write.text
    if not text:
        return None
    with outages.pacer.one_write():
        write.sent = text
        sent = server.write(write.item.target, text)
    write.sent, write.torn, write.words = sent.edits, sent.torn, dict(sent.refused)
    return sent


def _new_names(scene: SceneWrite) -> set[str]:
    """The keys of the collections to which an item of the scene was just added."""
    edits = [e for w in scene.items for e in w.edits if e.field == "collections"]
    return {key for edit in edits for key in name_keys(edit.value) - name_keys(edit.before)}


def _result(scene: SceneWrite) -> Result:
    job = scene.job
    if scene.postponed:
        return Postponed(job)
    if scene.error is not None:
        return Failed(job, scene.error)
    return Done(
        job=job,
        state=SYNCED,
        detail=scene.notes,
        changed=scene.changed,
        confidence=scene.confidence,
    )
