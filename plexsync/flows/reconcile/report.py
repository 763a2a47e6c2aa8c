"""Formats reconciliations and their progress for the log."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.model.formatting import capital, counted
from plexsync.model.reasons import GAPS
from plexsync.policy.gaps import KINDS, MISSING, ORPHANED, GapCount
from plexsync.policy.outage_history import format_duration
from plexsync.policy.reconcile_schedule import (
    ALL,
    DAMAGE,
    INTERVAL,
    MANUAL,
    OUTAGE,
    RECENT,
    SINCE,
    STARTUP,
    WEEK,
    Run,
)

SCOPES = {
    ALL: "all scenes",
    RECENT: "scenes of the last 24 hours",
    WEEK: "scenes of the last 7 days",
    SINCE: "scenes that changed around the outage",
}

REASONS = {
    MANUAL: "a task",
    INTERVAL: "its interval",
    STARTUP: "the first work after an hour of rest",
    OUTAGE: "a long outage of Plex",
    DAMAGE: "a damaged job queue",
}


def sentence(run: Run) -> str:
    """A finished run, on one line."""
    tally = run.tally
    parts = [f"{tally.found[kind]} {GAPS[kind]}" for kind in KINDS if tally.found.get(kind)]
    return (
        f"Reconciliation ({SCOPES[run.order.scope]}, because of {REASONS[run.order.trigger]}): "
        f"{counted(run.checked, 'scene')} compared in {format_duration(run.seconds)}; "
        f"{', '.join(parts) or 'no gaps'}."
    )


def lines(run: Run, *, dry: bool, strict: bool) -> Iterator[str]:
    """A finished run for the user who started it: a line for each kind, and what happens next."""
    yield (
        f"{counted(run.checked, 'scene')} compared with Plex ({SCOPES[run.order.scope]}) "
        f"in {format_duration(run.seconds)}."
    )
    for kind, meaning in KINDS.items():
        if run.tally.found.get(kind):
            yield _kind(kind, meaning, run.tally)
    if run.tally.unread:
        yield (
            f"{counted(run.tally.unread, 'scene')} could not be compared, because Plex or Stash "
            "fails to deliver what is needed (their logs say why); the next run tries again."
        )
    if not run.tally.found:
        yield "No gaps were found."
        return
    if run.tally.unsure and strict:
        yield (
            f"{run.tally.unsure} of these may belong to another Plex item (LOW confidence): only "
            'reported, because "Accept uncertain matches" is off in the settings.'
        )
    if dry:
        yield "This was a dry run: nothing was queued."
    elif run.tally.queued:
        yield "What was queued is written in the background, after the edits."


def progress(run: Run) -> float:
    """Progress of a run, 0 to 1; for a run over the latest scenes only its pages are known."""
    if run.done:
        return 1.0
    if run.order.scope == ALL:
        return 0.98 * run.checked / max(run.total, run.checked, 1)
    return 1.0 - 0.9 ** (run.cursor + 1)


def _kind(kind: str, meaning: str, tally: GapCount) -> str:
    thing = "item" if kind == ORPHANED else "scene"
    text = f"{capital(GAPS[kind])}: {counted(tally.found[kind], thing)}"
    if tally.queued.get(kind):
        text += f", {tally.queued[kind]} queued"
    text += f" ({meaning})"
    fields = sorted(tally.fields.get(kind, {}).items(), key=lambda pair: (-pair[1], pair[0]))
    if fields and kind not in (MISSING, ORPHANED):
        text += f"; by field: {', '.join(f'{name} {number}' for name, number in fields)}"
    examples = tally.examples.get(kind, ()) if kind != ORPHANED else ()
    return f"{text}; for example {', '.join(examples)}." if examples else f"{text}."
