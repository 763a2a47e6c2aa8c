"""Carries out batches of jobs: while Plex writes one, the next is read and planned."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.storage.files import is_machine_trouble
from plexsync.edges.stores import Stores
from plexsync.flows.results import WRITTEN, Done, Failed, Outcome, Result
from plexsync.flows.services import LoopServices
from plexsync.flows.sync.batch import Batch
from plexsync.flows.worker.admission import Admission
from plexsync.flows.worker.blame import Blame, Judged
from plexsync.flows.worker.duties import log_dead_letters
from plexsync.flows.worker.recorder import ResultRecorder
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import Interrupted, PlexTemporaryError
from plexsync.model.job import Job
from plexsync.model.ledger import SYNCED
from plexsync.policy import batch_size

LOG_EVERY = 10
"""Jobs between log lines about dead letters."""

Observe = Callable[[Sequence[Outcome], float], None]
"""Receives the outcomes of each batch and its seconds, and an empty list when nothing is due."""

_WITNESSES = 5
"""Scenes that were written last, of which one may show whether Plex takes edits."""

Following = Callable[[Sequence[Job]], Sequence[Job]]
"""Returns the jobs that may be read while these are written; none if something else goes first."""


class Batches:
    """Runs batches and records what became of their jobs.

    At most two are under way, and only as long as nothing fails: once it is in doubt what became of
    a batch, nothing more of the next one is sent, and both are judged as one.
    """

    def __init__(
        self,
        stores: Stores,
        services: LoopServices,
        admission: Admission,
        recorder: ResultRecorder,
        clock: Clock,
        log: Log,
        observe: Observe,
    ) -> None:
        self._stores = stores
        self._services = services
        self._outages = services.outages
        self._backfills = services.backfills
        self._admission = admission
        self._recorder = recorder
        self._clock = clock
        self._log = log
        self._observe = observe
        self._blame = Blame()
        self._jobs = self._answers = 0
        self._since = 0.0
        self.size = batch_size.at_pace(0.0)
        """Scenes of the next batch while nothing limits them."""

    def run(self, jobs: Sequence[Job], following: Following) -> None:
        """Carry out a batch, and those that `following` returns meanwhile."""
        config = self._admission.config
        if config is None:
            return
        self._since = self._clock.monotonic()
        self._answers = self._services.plex(config).answers
        batch: Batch | None = self._begin(jobs, config)
        while batch is not None:
            ahead: Batch | None = None
            try:
                ahead = self._ahead(batch, following, config)
                batch = self._end(batch, ahead, config)
            except BaseException as problem:
                under_way = [each for each in (batch, ahead) if each is not None]
                for each in under_way:
                    each.stop()
                if is_machine_trouble(problem):
                    self._put_back(under_way)
                raise

    def _put_back(self, batches: Iterable[Batch]) -> None:
        """End the runs of these batches, so that none of their jobs is suspected of having killed
        the worker. What the machine lacks may prevent even that.
        """
        with suppress(sqlite3.Error, OSError, MemoryError):
            for batch in batches:
                self._stores.queue.release([job.scene for job in batch.jobs])

    def _begin(
        self, jobs: Sequence[Job], config: PlexSyncConfig, behind: Batch | None = None
    ) -> Batch:
        self._stores.queue.start([job.scene for job in jobs])
        batch = Batch(jobs, self._clock.now(), behind)
        batch.known = self._backfills.known(jobs)
        return self._services.sync(config).begin(batch)

    def _ahead(self, batch: Batch, following: Following, config: PlexSyncConfig) -> Batch | None:
        """Begin the next batch, once only a few writes of this one are left. Whatever is wrong with
        it is met again in its own turn.
        """
        batch.wait_until_few_are_left()
        if batch.in_doubt:
            return None
        try:
            jobs = following(batch.jobs)
        except Interrupted:
            return None
        if not jobs:
            return None
        ahead = self._begin(jobs, config, batch)
        if ahead.planned:
            return ahead
        self._stores.queue.release([job.scene for job in jobs])
        return None

    def _end(self, batch: Batch, ahead: Batch | None, config: PlexSyncConfig) -> Batch | None:
        """Record what became of a batch; returns the next one if it goes on."""
        plex = self._services.plex(config)
        judged = [self._judge(results, plex) for results in self._results(batch, ahead, config)]
        answered, self._answers = plex.answers > self._answers, plex.answers
        outcomes: list[Outcome] = []
        for one in judged:
            outcomes += self._record(one, config, answered=answered)
        before, self._since = self._since, self._clock.monotonic()
        seconds = self._since - before
        self.size = batch_size.at_pace(len(outcomes) / seconds if seconds > 0 else 0.0)
        self._tell(outcomes, batch.known, seconds)
        self._services.sync(config).retry_arrived(self._clock.now(), refresh=False)
        if ahead is None or batch.in_doubt:
            return None
        ahead.behind = None
        return ahead

    def pass_over(self, jobs: Sequence[Job], seconds: float) -> None:
        """Record jobs that never were in the queue, since their scenes are in step."""
        config = self._admission.config
        if config is None:
            return
        done = [Done(job=job, state=SYNCED, detail="in step") for job in jobs]
        outcomes = self._record(Judged(done), config, answered=False)
        self._tell(outcomes, {job.scene for job in jobs}, seconds)

    def _tell(self, outcomes: Sequence[Outcome], known: Collection[int], seconds: float) -> None:
        """Have the outcomes of jobs measured and counted, of which these scenes were `known`."""
        self._backfills.measure(outcomes, known)
        self._observe(outcomes, seconds)
        told, self._jobs = self._jobs, self._jobs + len(outcomes)
        if told // LOG_EVERY != self._jobs // LOG_EVERY:
            log_dead_letters(self._stores.dead_letters, self._log)

    def _results(
        self, batch: Batch, ahead: Batch | None, config: PlexSyncConfig
    ) -> list[list[Result]]:
        """The results that are judged together. If there is a bug, each job is repeated alone, to
        find which one meets it.
        """
        sync = self._services.sync(config)
        try:
            results = sync.end(batch)
            if ahead is not None and batch.in_doubt:
                ahead.stop()
                results += sync.end(ahead)
            return [results]
        except Exception as problem:  # noqa: BLE001 - the one net: a bug must not stop the queue
            if is_machine_trouble(problem):
                raise
            self._log.error(f"Unexpected: {problem!r}", trace=traceback.format_exc(limit=-6))
            jobs, batch.halted = [*batch.jobs], True
            if ahead is not None:
                ahead.stop()
                jobs += ahead.jobs
            if len(jobs) == 1:
                error = PlexTemporaryError(f"unexpected {problem!r}", cause="bug")
                return [[Failed(jobs[0], error)]]
        alone = (sync.begin(Batch([job], self._clock.now())) for job in jobs)
        return [results for each in alone for results in self._results(each, None, config)]

    def _judge(self, results: Sequence[Result], plex: PlexClient) -> Judged:
        patience = self._outages.patience(self._clock.now())

        def takes_edits(failing: Collection[int]) -> bool | None:
            ledger = self._stores.ledger
            scenes = [scene for scene in ledger.last_written(_WITNESSES) if scene not in failing]
            targets = (t.target for state in ledger.scenes(scenes).values() for t in state.targets)
            answers = (plex.takes_edits(target) for target in targets)
            return next((answer for answer in answers if answer is not None), None)

        return self._blame.judge(results, plex, patience, takes_edits)

    def _record(self, judged: Judged, config: PlexSyncConfig, *, answered: bool) -> list[Outcome]:
        outcomes = self._recorder.record(judged.results, config, self._clock.now())
        sent = sum(outcome.kind == WRITTEN for outcome in outcomes)
        if sent or (answered and judged.server is None and judged.unwritten is None):
            self._outages.record_success(sent)
        self._admission.record(outcomes, judged)
        return outcomes
