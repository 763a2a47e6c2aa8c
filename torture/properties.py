"""Property tests of pure code with random histories, thousands of cases a minute."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from plexsync.edges.queue.job_index import LONGEST_WAIT, is_due
from plexsync.model.errors import (
    SCENE,
    SERVER,
    AmbiguousMatch,
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SceneGone,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.job import Job
from plexsync.model.plex import FIELDS, IMAGE, LIST, Edit, PlexItem, Target, Value, Written
from plexsync.model.values import name_keys, same
from plexsync.policy.backoff import BUDGETS, NOT_FOUND, RULES, Bury, Finish, Later, Wait, verdict
from plexsync.policy.outcome import value_to_record, with_unconfirmed
from plexsync.policy.plan import plan
from tests.policy import (
    test_circuit_breaker,
    test_outage_history,
    test_rate_limiter,
    test_recipe_properties,
    test_recovery_scheduler,
)
from tests.policy.test_plan_properties import apply, some_value

_KINDS: tuple[type[SyncError], ...] = (
    PlexTemporaryError,
    PlexServerDown,
    PlexNotFound,
    PlexPermanentError,
    AmbiguousMatch,
    PlexAuthError,
    StashDown,
    StashAuthError,
    SceneGone,
)
_RETRIES = 5
_EARLIEST = BUDGETS[NOT_FOUND].cap


def _retries(seed: int) -> None:
    """Random failures in any order: attempts never decrease, no wait is too long, every job ends."""
    dice = random.Random(seed)
    job, now = Job(scene=1, reason="update", born=0.0), 1000.0
    for _ in range(40):
        asked = dice.choice([None, 3.0, -1.0, 9e9, float("nan")])
        error = dice.choice(_KINDS[:3] if dice.random() < 0.8 else _KINDS)("x")
        error.retry_after = asked
        before = sum(job.attempts.values())
        early = type(error) is PlexNotFound and 0 < job.not_before - now <= _EARLIEST
        error.fault = SERVER if dice.random() < 0.3 else SCENE
        outcome = verdict(job, error, now, dice, _RETRIES)
        if isinstance(outcome, Later):
            assert now <= outcome.job.not_before <= now + LONGEST_WAIT
            # An early attempt, because a file may have appeared, costs nothing.
            assert sum(outcome.job.attempts.values()) == before + (not early)
            job = outcome.job
        elif isinstance(outcome, Wait):
            assert outcome.what == (RULES[type(error)].waits_for or "plex")
            assert not RULES[type(error)].costs_attempt or error.fault == SERVER
        else:
            assert isinstance(outcome, (Bury, Finish))
            assert isinstance(outcome, Finish) == (type(error) is SceneGone)
            break
        now += dice.choice([0.0, 5.0, 700.0, -86400.0, 86400.0])
        assert is_due(job, job.not_before) and is_due(job, now + LONGEST_WAIT)
    assert sum(job.attempts.values()) <= _RETRIES + BUDGETS[NOT_FOUND].retries


@dataclass(slots=True)
class _Item:
    """A Plex item as a value, its ledger state, and what a worker sent without recording it."""

    item: PlexItem
    written: dict[str, Written] = field(default_factory=dict)
    unconfirmed: dict[str, Value] = field(default_factory=dict)

    def sync(self, desired: dict[str, Value], dies: str, replaces: bool) -> None:
        """One run of a worker; it may be killed "before" Plex has its edits, or "after"."""
        ours = with_unconfirmed(self.item, self.written, self.unconfirmed, {})
        edits = plan(desired, self.item, ours, False)
        self.written = ours
        self.unconfirmed = {
            edit.field: value_to_record(edit, desired, ours) for edit in edits if not edit.lock_only
        }
        if dies == "before":
            return
        self._send(edits, replaces)
        if dies == "after":
            return
        for edit in edits:
            self.written[edit.field] = Written(
                value_to_record(edit, desired, ours), edit.desired_hash
            )
        self.unconfirmed = {}

    def _send(self, edits: tuple[Edit, ...], replaces: bool) -> None:
        for edit in edits:
            self.item = apply(edit, self.item, replaces)


def _crashes(seed: int) -> None:
    """However often workers are killed, the first one that is not makes Plex equal to Stash."""
    dice = random.Random(seed)
    shown = [name for name, kind in FIELDS.items() if kind.kind != IMAGE]
    empty: dict[str, Value] = {name: () if FIELDS[name].kind == LIST else "" for name in shown}
    state = _Item(PlexItem(target=Target("s", "1", 1), values={**empty, "title": "file"}))
    replaces = dice.random() < 0.5
    desired: dict[str, Value] = {}
    for _ in range(dice.randrange(2, 7)):
        desired = {name: some_value(dice, name) for name in shown}
        desired["title"] = dice.choice(("a", "b", "Café"))
        state.sync(desired, dice.choice(("", "before", "after", "after")), replaces)
    state.sync(desired, "", replaces)
    for name, wanted in desired.items():
        have = state.item.values[name]
        if FIELDS[name].kind == LIST:
            assert name_keys(wanted) == name_keys(have), name
        else:
            assert same(name, wanted, have), name
    before = state.item
    state.sync(desired, "", replaces)
    assert state.item == before


PROPERTIES: dict[str, tuple[Callable[[int], None], float]] = {
    "retries": (_retries, 0.2),
    "crashes": (_crashes, 0.2),
    "breaker": (test_circuit_breaker.test_random_events_keep_every_promise, 0.11),
    "limiter": (test_rate_limiter.test_random_events_keep_every_promise, 0.11),
    "probes": (test_recovery_scheduler.test_random_probes_keep_every_promise, 0.13),
    "history": (test_outage_history.test_random_outages_keep_every_promise, 0.02),
    "recipes": (test_recipe_properties.holds, 0.23),
}
"""The properties, functions of a seed that assert, each with its share of the cases."""


def check(seed: int, cases: int) -> tuple[int, list[str]]:
    """Run about `cases` cases; returns how many, and which failed, to be repeated by number."""
    failed, done = [], 0
    for name, (holds, share) in PROPERTIES.items():
        for number in range(seed, seed + max(1, round(cases * share))):
            done += 1
            try:
                holds(number)
            except AssertionError as problem:
                failed.append(f"{name} {number}: {str(problem).partition(chr(10))[0]}")
    return done, failed
