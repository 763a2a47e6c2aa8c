"""Preview Sync: the dry run, what a sync would change in Plex by field, and why; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict

from plexsync.edges.ledger.ledger_view import LedgerView
from plexsync.edges.page import read_state
from plexsync.flows.results import Done, Postponed, Result
from plexsync.flows.sync.collection_notes import CollectionNotes
from plexsync.flows.sync.dry_run import DryRun, ItemPlan
from plexsync.flows.sync.matcher import ItemMatcher
from plexsync.flows.sync.picture_reader import PictureReader
from plexsync.flows.sync.scene_reader import SceneReader
from plexsync.flows.sync.sync_scenes import SyncScenes
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.index_refresh import IndexView, index_view
from plexsync.flows.tasks.preview_words import (
    CHANGES,
    GONE,
    IN_STEP,
    LEFT,
    PreviewCount,
    ScenePlan,
    summarise,
    tell_index,
    tell_scene,
)
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.updated import last_updated, updated_since
from plexsync.model.errors import (
    AmbiguousMatch,
    Interrupted,
    PlexAuthError,
    PlexServerDown,
    SceneGone,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.job import BACKFILL, EDIT, Job
from plexsync.model.ledger import FAILED, SYNCED
from plexsync.model.plex import FIELDS
from plexsync.model.reasons import FORCED, SWEEP, UPDATE, dead_state, state_words

BATCH = 50
RECENT = 50
"""Most recently updated scenes shown besides those that wait."""

_STOPS = (PlexServerDown, PlexAuthError, StashDown, StashAuthError)


def preview(context: TaskContext) -> dict[str, object]:
    """Log what would be written for some scenes; writes nothing to Plex and stores nothing.

    Arguments: `scene` or `scenes`, ids, or `recent`, the hours within which scenes were updated;
    without them, the scenes that wait and those updated last. `forced` compares with Plex even if a
    scene is in step by the ledger, which is always done for named scenes.
    """
    jobs = _scope(context)
    tally = PreviewCount()
    with (
        Progress(context.log, lambda: 0.99 * tally.done / max(1, len(jobs))),
        index_view(context) as view,
    ):
        tell_index(context, view)
        with _dry_run(context, view) as run:
            for start in range(0, len(jobs), BATCH):
                for scene in run(jobs[start : start + BATCH]):
                    if tally.add(scene):
                        tell_scene(context, scene)
    summarise(context, tally)
    return {
        "scenes": [
            {**asdict(scene), "words": state_words(scene.outcome)} for scene in tally.scenes
        ],
        "counts": dict(tally.outcomes),
        "fields": {name: tally.fields[name] for name in FIELDS if name in tally.fields},
        "index": {"refreshed": view.refreshed, "age": view.age, "items": view.items},
    }


def _scope(context: TaskContext) -> list[Job]:
    args, now = context.args, context.clock.now()
    named, forced, hours = args["scene"] or args["scenes"], args["forced"], args["recent"]
    if named:
        reason = UPDATE if forced is False else FORCED
        return [Job(scene=scene, reason=reason, born=now) for scene in named]
    reason = FORCED if forced else SWEEP
    jobs = {} if hours else {job.scene: job for job in _waiting(context, now)}
    for scene in _updated(context, now - hours * 3600 if hours else None):
        jobs.setdefault(scene, Job(scene=scene, reason=reason, born=now, priority=BACKFILL))
    return list(jobs.values())


def _waiting(context: TaskContext, now: float) -> Iterator[Job]:
    try:
        found = read_state.queue(context.folder).jobs()
    except read_state.Unreadable as problem:
        raise TaskFailed(str(problem)) from None
    for job in found:
        priority = BACKFILL if job.get("priority") else EDIT
        reason = str(job.get("reason") or UPDATE)
        yield Job(scene=job["scene"], reason=reason, born=now, priority=priority)


def _updated(context: TaskContext, since: float | None) -> Sequence[int]:
    """Scenes updated since then, or without a time the last few; Stash lists the newest first."""
    if since is None:
        return last_updated(context.stash, RECENT)
    return [scene for page in updated_since(context.stash, since) for scene, _ in page]


@contextmanager
def _dry_run(
    context: TaskContext, view: IndexView
) -> Iterator[Callable[[Sequence[Job]], list[ScenePlan]]]:
    """The worker's steps of a batch, on read-only stores."""
    config = context.config
    with (
        closing(LedgerView(context.path("ledger.db"))) as ledger,
        ThreadPoolExecutor(max_workers=config.plex_connections) as pool,
    ):
        if ledger.use_server(context.plex.server_id()):
            context.log.warning(
                "Another Plex server answers than before; this is what would be written to it as a "
                "new server."
            )
        view.index.recall_limits(context.clock.now())
        write = DryRun(context.plex, ledger, preserve=config.preserve_plex_edits)
        steps = SyncScenes(
            SceneReader(
                config,
                context.stash,
                ledger,
                PictureReader(config, context.stash, pool, context.log),
                CollectionNotes(config, context.stash, ledger, enabled=False),
                context.log,
            ),
            ItemMatcher(
                config, context.plex, view.index, ledger, context.stash, context.clock, context.log
            ),
            write,
            scan=None,
            revival=None,
        )

        def run(jobs: Sequence[Job]) -> list[ScenePlan]:
            results = {r.job.scene: r for r in steps.sync(jobs, context.clock.now())}
            if any(isinstance(result, Postponed) for result in results.values()):
                raise Interrupted  # whoever asked for the preview gets it from its start
            return [_judged(results[job.scene], write.plans) for job in jobs]

        yield run


def _judged(result: Result, plans: dict[int, tuple[ItemPlan, ...]]) -> ScenePlan:
    scene = result.job.scene
    if isinstance(result, Done):
        items = plans.get(scene, ())
        if result.state == SYNCED:
            return ScenePlan(scene, CHANGES if result.changed else IN_STEP, result.detail, items)
        return ScenePlan(scene, result.state or LEFT, result.detail)
    error = getattr(result, "error", None)
    if isinstance(error, _STOPS):
        raise TaskFailed(f"The preview ends early: {error.message}.")
    return _failure(scene, error) if isinstance(error, SyncError) else ScenePlan(scene, FAILED)


def _failure(scene: int, error: SyncError) -> ScenePlan:
    detail = error.message
    if isinstance(error, AmbiguousMatch):
        detail = f"{detail}: {'; '.join(each.words() for each in error.candidates)}"
    outcome = GONE if isinstance(error, SceneGone) else dead_state(error.kind)
    return ScenePlan(scene, outcome, detail)
