"""The dry pass before the first sync: what it would do with every scene, and how long it takes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from plexsync import system
from plexsync.edges.page import read_state
from plexsync.edges.storage import files
from plexsync.flows.reconcile.reconciliation import Reconciliation
from plexsync.flows.reconcile.report import progress
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.progress import Progress
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import SyncError
from plexsync.model.formatting import counted
from plexsync.model.set_up import DRY_RUN
from plexsync.model.stats import ENOUGH, FILE, Stats
from plexsync.policy.dry_pass import (
    DIFFERS,
    EQUAL,
    LEFT_OUT,
    MISSING,
    SHARED,
    TOO_LITTLE,
    UNREAD,
    UNSURE,
    DryPass,
    Judged,
    begun,
    parse,
    to_json,
)
from plexsync.policy.outage_history import format_duration
from plexsync.policy.reconcile_schedule import Run
from plexsync.policy.up_front import Sample, up_front

KEEP_EVERY = 2.0
"""Seconds between two writes of the pass's progress; a stop loses no more."""

TOGETHER, ALONE = 50, 3
"""Items that are read in one request for the sample, and items and pictures read one by one."""

WORDS = {
    DIFFERS: "in Plex with other values",
    EQUAL: "in Plex with the same values",
    MISSING: "not in Plex",
    LEFT_OUT: "left out by the filters",
    TOO_LITTLE: "with too little metadata",
    SHARED: "whose item belongs to another scene",
    UNSURE: "whose match is uncertain",
    UNREAD: "that could not be read",
}


def first_sync(context: TaskContext) -> dict[str, object]:
    """Compare every scene with Plex, writing to neither, and estimate how long the sync takes.

    One that was stopped continues where it was, unless what it depends on has changed.
    """
    owned, now = context.owner(), context.clock.now()
    compare = owned.reconciliation(context.config)
    kept = files.read_json(context.path(DRY_RUN), _parse, None, context.log.warning)
    found = begun(kept, _basis(context), now)
    if found.run.checked:
        context.log.info(
            f"Continuing where it was stopped, after {counted(found.run.checked, 'scene')}."
        )
    latest = [found.run]
    with Progress(context.log, lambda: min(0.99, progress(latest[0]))):
        kept_at = context.clock.monotonic() - KEEP_EVERY
        while not found.run.done:
            found = _next(context, compare, found)
            latest[0] = found.run
            if found.run.done or context.clock.monotonic() - kept_at >= KEEP_EVERY:
                _keep(context, found)
                kept_at = context.clock.monotonic()
        if found.estimate is None:
            sample = _sample(context, found)
            context.log.debug(f"The estimate is made of {found.work} and {sample}.")
            found = replace(found, estimate=up_front(found.work, sample))
            _keep(context, found)
    _tell(context, found)
    return found.shown()


def _next(context: TaskContext, compare: Reconciliation, found: DryPass) -> DryPass:
    """The pass with one more page."""
    try:
        run, judged = context.attend(partial(_page, context, compare, found.run))
    except SyncError as problem:
        _keep(context, found)
        raise TaskFailed(
            f"The comparison stopped after {counted(found.run.checked, 'scene')}: "
            f"{problem.message}. Press it again to continue from there."
        ) from None
    return found.after(run, judged)


def _page(context: TaskContext, compare: Reconciliation, run: Run) -> tuple[Run, list[Judged]]:
    began, judged = context.clock.monotonic(), list[Judged]()
    after = compare.page(run, context.clock.now(), dry=True, judge=judged.append)
    seconds = run.seconds + context.clock.monotonic() - began
    return replace(after, seconds=seconds), judged


def _basis(context: TaskContext) -> str:
    """A hash of the settings and the server on which the result depends."""
    parts = (context.plex.server_id(), *_settings(context.config))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _settings(config: PlexSyncConfig) -> tuple[str, ...]:
    return (
        config.scenes_fingerprint(),
        config.picture_fingerprint(),
        config.plex_fingerprint(),
        config.path_map,
    )


def forget_unless_same(folder: str, before: PlexSyncConfig, after: PlexSyncConfig) -> None:
    """Delete the result if the settings were changed on which it depends, so that nobody decides by
    the numbers of other ones."""
    if _settings(before) != _settings(after):
        system.remove(os.path.join(folder, DRY_RUN))


def _parse(raw: object) -> DryPass | None:
    return parse(raw)


def _keep(context: TaskContext, found: DryPass) -> None:
    files.replace_json(context.path(DRY_RUN), to_json(found))


def _sample(context: TaskContext, found: DryPass) -> Sample:
    """Measure what the sync will do often: reading items together and alone, and pictures."""
    stats = context.readable(_stats, Stats(0.0))
    items = context.owner().index(context.config).items()
    keys = [target.rating_key for target, _ in islice(items, TOGETHER)]
    several = [partial(context.plex.items, keys)] if keys else []
    single = [partial(context.plex.items, [key]) for key in keys[:ALONE]]
    covers = [partial(context.stash.cover, scene) for scene in found.examples[:ALONE]]
    measured = stats.timed >= ENOUGH and stats.written >= ENOUGH
    return Sample(
        scene=found.run.seconds / max(1, found.run.checked),
        item=_mean(context, several) / max(1, len(keys)),
        alone=_mean(context, single),
        picture=_mean(context, covers) if found.pictures else 0.0,
        connections=context.config.plex_connections,
        written=stats.seconds / stats.written if measured else None,
    )


def _mean(context: TaskContext, requests: Sequence[Callable[[], object]]) -> float:
    """Mean seconds of these requests, 0 if there are none."""
    began = context.clock.monotonic()
    for request in requests:
        context.attend(request)
    return (context.clock.monotonic() - began) / max(1, len(requests))


def _stats(folder: str) -> Stats:
    return read_state.document(folder, FILE, Stats.parse, Stats(0.0))


def _tell(context: TaskContext, found: DryPass) -> None:
    parts = [f"{number} {WORDS[verdict]}" for verdict, number in found.counts.items()]
    context.log.info(
        f"{counted(found.run.checked, 'scene')} compared with Plex in "
        f"{format_duration(found.run.seconds)}: {', '.join(parts) or 'nothing to do'}."
    )
    if found.estimate is not None:
        assumed = (
            "; how long Plex takes to write is an assumption" if found.estimate.assumed else ""
        )
        context.log.info(
            f"The first sync takes about {format_duration(found.estimate.seconds)}{assumed}."
        )
