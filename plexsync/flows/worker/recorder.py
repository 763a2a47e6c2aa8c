"""Records what a result means for its job: finish, retry, bury, or wait for a server."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from plexsync.edges.log.log import Log
from plexsync.edges.queue.job_index import is_due
from plexsync.edges.stores import Stores
from plexsync.flows.backfill import neighbours, wake
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.results import (
    ENDED_WELL,
    GIVEN_UP,
    IN_STEP,
    LATER,
    LEFT_OUT,
    RETURNED,
    UNTRIED,
    WRITTEN,
    Done,
    Failed,
    Outcome,
    Result,
)
from plexsync.flows.worker.intake import Intake
from plexsync.model.config import PlexSyncConfig
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.errors import SCENE, AmbiguousMatch, PlexNotFound, SceneGone, SyncError
from plexsync.model.job import Job
from plexsync.model.ledger import LEFT_OUT as LEFT_OUT_BY_FILTERS
from plexsync.model.ledger import NOT_IN_PLEX, RIVAL, SHARED, SYNCED, UNDONE, SceneState
from plexsync.model.reasons import dead_state
from plexsync.policy.backoff import (
    Bury,
    Finish,
    Later,
    Verdict,
    verdict,
)


class ResultRecorder:
    """Decides what happens to each job and records it; always writes the new before it deletes the
    old.
    """

    def __init__(self, stores: Stores, intake: Intake, rng: random.Random, log: Log) -> None:
        self._stores = stores
        self._intake = intake
        self._rng = rng
        self._log = log

    def record(
        self, results: Sequence[Result], config: PlexSyncConfig, now: float
    ) -> list[Outcome]:
        """Record a batch; returns the outcome of each job."""
        outcomes = [self._decided(result, config, now) for result in results]
        unchanged = self._note_done([r for r in results if isinstance(r, Done)], now)
        for outcome in outcomes:
            self._log_outcome(outcome, now)
            self._record(outcome, now)
        self._stores.dead_letters.remove([o.scene for o in outcomes if isinstance(o.result, Done)])
        queue = self._stores.queue
        queue.rewrite(*(o.job for o in outcomes if _is_rewritten(o)))
        queue.release([o.scene for o in outcomes if _is_left(o)])
        # a change of a scene may affect those that share a Plex item with it
        news = [o.scene for o in outcomes if _concerns_others(o, unchanged)]
        ended = [o.scene for o in outcomes if o.kind in ENDED_WELL]
        others = neighbours(self._stores.ledger, news)
        # Before these jobs are deleted: if the worker is killed in between, they run again and wake the
        # others again. Those that ended in this batch follow: added now, they would run as edits again.
        wake(queue, others - {*ended}, now)
        queue.finish(ended)
        wake(queue, others.intersection(ended), now)
        return outcomes

    def _decided(self, result: Result, config: PlexSyncConfig, now: float) -> Outcome:
        job = result.job
        if isinstance(result, Done):
            in_step = IN_STEP if result.state in ("", SYNCED) else LEFT_OUT
            return Outcome(result, WRITTEN if result.changed else in_step, job, result.detail)
        if not isinstance(result, Failed):
            return Outcome(result, UNTRIED, job)
        error = result.error
        error.message = self._log.safe(error.message)
        decision = verdict(job, error, now, self._rng, config.max_retries)
        if isinstance(decision, Later):
            free = decision.job.attempts == job.attempts and error.fault != SCENE
            return Outcome(result, RETURNED if free else LATER, decision.job, error.message)
        if isinstance(decision, Finish) or _ends_quietly(decision, config):
            return Outcome(result, LEFT_OUT, job, error.message)
        if isinstance(decision, Bury):
            return Outcome(result, GIVEN_UP, decision.job, decision.error.message)
        return Outcome(result, RETURNED, job, error.message, decision.what)

    def _log_outcome(self, outcome: Outcome, now: float) -> None:
        """Log a debug line for a job; `_bury` logs its own."""
        if outcome.changed:
            changed = ", ".join(outcome.changed)
            self._log.debug("synced", scene=outcome.scene, changed=changed)
        elif outcome.error is not None and _is_rewritten(outcome):
            self._log.debug(
                f"{outcome.error.kind}: {outcome.error.message}; tried again in "
                f"{outcome.job.not_before - now:.0f} s",
                scene=outcome.scene,
            )

    def _record(self, outcome: Outcome, now: float) -> None:
        """Record what must be stored of a failed job before its row is deleted."""
        scene = outcome.scene
        if outcome.kind == GIVEN_UP and outcome.error is not None:
            self._bury(outcome.job, outcome.error, now)
        elif isinstance(outcome.error, SceneGone):
            self._intake.drop(scene, now)
        elif outcome.kind == LEFT_OUT and outcome.error is not None:
            self._note_failed(scene, NOT_IN_PLEX, outcome.error.message, now)

    def give_up(self, job: Job, error: SyncError, now: float) -> None:
        """Bury a job that is in no batch."""
        wake(self._stores.queue, neighbours(self._stores.ledger, [job.scene]), now)
        self._bury(job, error, now)

    def _bury(self, job: Job, error: SyncError, now: float) -> None:
        """Write a job's dead letter first, then delete its row."""
        candidates = error.candidates if isinstance(error, AmbiguousMatch) else ()
        self._stores.dead_letters.add(
            DeadLetter(
                scene=job.scene,
                error=error.kind,
                message=error.message,
                status=error.status,
                cause=error.cause,
                attempts=job.attempts,
                first_failure=job.first_failure or now,
                last_failure=now,
                buried_at=now,
                candidates=tuple(candidates),
                job=job.to_dict(),
                paths=error.paths if isinstance(error, PlexNotFound) else (),
            )
        )
        self._note_failed(job.scene, dead_state(error.kind), error.message, now)
        self._stores.queue.bury(job.scene)
        self._log.warning(
            f"Gave up on a scene ({error.kind}): {error.message}. It is kept as a dead letter; "
            "an edit of the scene tries again.",
            scene=job.scene,
            **({"path": [each.words() for each in candidates]} if candidates else {}),
        )

    def _note_done(self, results: Sequence[Done], now: float) -> set[int]:
        """Record the state of scenes to which nothing was written, in one transaction; returns
        those that were left out before for the same reason, so that nothing changed.
        """
        ledger = self._stores.ledger
        noted = [result for result in results if _is_news(result)]
        known = ledger.scenes([result.job.scene for result in noted])
        before = [_before(result.job.scene, result.state, known) for result in noted]
        after = [_after(result, b, now) for result, b in zip(noted, before, strict=True)]
        same = {b.scene for b, a in zip(before, after, strict=True) if _still_left_out(b, a)}
        ledger.save((state for state in after if state.scene not in same), targets=False)
        ledger.keep_basis_of({r.job.scene: r.basis for r in results if r.basis})
        return same

    def _note_failed(self, scene: int, state: str, detail: str, now: float) -> None:
        """Record the state of a scene of which nothing could be written."""
        before = _before(scene, state, self._stores.ledger.scenes([scene]))
        self._stores.ledger.save([_stands(before, state, detail, now)], targets=False)


def _is_news(result: Done) -> bool:
    """Whether the ledger needs more than was recorded when the scene was written."""
    return result.state not in ("", SYNCED) or result.entities is not None


def _before(scene: int, state: str, known: Mapping[int, SceneState]) -> SceneState:
    return known.get(scene) or SceneState(scene=scene, state=state)


def _after(result: Done, before: SceneState, now: float) -> SceneState:
    if result.state == SYNCED:
        return before._replace(entities=result.entities or frozenset())
    after = _stands(before, result.state, result.detail, now, result.path)
    own = after.entities if result.entities is None else result.entities
    return after._replace(entities=own | {(RIVAL, rival) for rival in result.rivals})


def _stands(before: SceneState, state: str, detail: str, now: float, path: str = "") -> SceneState:
    """The state of a scene to which nothing was written and which has no rivals."""
    return before._replace(
        state=state,
        detail=detail,
        since=before.since if before.state == state == UNDONE else now,
        desired_hash="",
        path=path or before.path,
        entities=frozenset(each for each in before.entities if each[0] != RIVAL),
    )


def _still_left_out(before: SceneState, after: SceneState) -> bool:
    return after.state == LEFT_OUT_BY_FILTERS and after._replace(since=before.since) == before


def _ends_quietly(decision: Verdict, config: PlexSyncConfig) -> bool:
    """Whether the settings ask for no dead letter if Plex does not have the scene's file."""
    missing = isinstance(decision, Bury) and isinstance(decision.error, PlexNotFound)
    return config.skip_not_found and missing


def _concerns_others(outcome: Outcome, unchanged: Collection[int]) -> bool:
    """Whether the scene's Plex items changed, or may have: also in a run that a kill interrupted."""
    if outcome.result.job.running:
        return True
    shared = isinstance(outcome.result, Done) and outcome.result.state == SHARED
    changed = outcome.kind in (WRITTEN, LEFT_OUT, GIVEN_UP) and not shared
    return changed and outcome.scene not in unchanged


def _is_rewritten(outcome: Outcome) -> bool:
    """Whether the job's row must be rewritten, because it waits for a new time."""
    return outcome.job is not outcome.result.job and outcome.kind in (LATER, RETURNED)


def _is_left(outcome: Outcome) -> bool:
    """Whether the job's row stays unchanged."""
    return outcome.kind in (RETURNED, UNTRIED) and outcome.job is outcome.result.job


class HeldBack:
    """Counts each job once per outage, across processes.

    A job is held back if it is due while Plex is away; one that waits for something else is not.
    """

    def __init__(self, stores: Stores, outages: OutageController) -> None:
        self._stores = stores
        self._outages = outages
        last = outages.history.last()
        self._outage = last.start if last else 0.0
        self._held = stores.ledger.held_back(self._outage)

    def note(self, now: float) -> None:
        """During an outage: record the jobs that it holds back by now."""
        outage = self._outages.history.ongoing()
        if outage is None:
            return
        if outage.start != self._outage:
            self._outage, self._held = outage.start, {}
        jobs = self._stores.queue.jobs
        new = [scene for scene in jobs if scene not in self._held and is_due(jobs[scene], now)]
        if new:
            self._stores.ledger.hold_back(self._outage, new)
            self._held.update(dict.fromkeys(new, False))
            self._count()

    def note_in_step(self, outcomes: Iterable[Outcome]) -> None:
        """Record which of them are in step again."""
        again = [o.scene for o in outcomes if o.in_step and self._held.get(o.scene) is False]
        if again:
            self._stores.ledger.in_step_again(again)
            self._held.update(dict.fromkeys(again, True))
            self._count()

    def _count(self) -> None:
        self._outages.count_jobs(len(self._held), sum(self._held.values()))
