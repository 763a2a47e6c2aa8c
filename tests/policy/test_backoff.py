from __future__ import annotations

import math
import random

import pytest

from plexsync.model import errors
from plexsync.model.errors import (
    REQUEST,
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
from plexsync.policy.backoff import (
    BUDGETS,
    RULES,
    Bury,
    Finish,
    Later,
    Verdict,
    Wait,
    delay,
    is_last_try,
    probe_delay,
    rule_for,
    verdict,
)

JOB = Job(scene=42, reason="update", born=100.0, running=True, starts=2)


def judge(job: Job, error: SyncError, now: float = 1000.0, retries: int = 5) -> Verdict:
    return verdict(job, error, now, random.Random(4), retries)


def run_out(error: SyncError, retries: int = 5) -> tuple[list[float], Job]:
    """Fail repeatedly; returns the delays, and the job when it becomes a dead letter."""
    job, now, waits = JOB, 1000.0, []
    while True:
        outcome = judge(job, error, now, retries=retries)
        if isinstance(outcome, Bury):
            assert outcome.error is error
            return waits, outcome.job
        assert isinstance(outcome, Later)
        waits.append(outcome.job.not_before - now)
        job, now = outcome.job, outcome.job.not_before


def test_a_temporary_failure_gets_five_retries_that_grow_to_the_cap() -> None:
    waits, buried = run_out(PlexTemporaryError("boom", status=500, cause="http"))
    for wait, nominal in zip(waits, [5, 10, 20, 40, 80], strict=True):
        assert nominal / 2 <= wait <= nominal
    assert buried.attempts == {"PlexTemporaryError": 6}


def test_the_setting_is_the_standard_budget() -> None:
    waits, _ = run_out(PlexTemporaryError("boom"), retries=8)
    assert len(waits) == 8
    assert all(40 <= wait <= 80 for wait in waits[4:])


def test_a_missing_item_gets_twelve_slow_retries_over_43_to_86_minutes() -> None:
    waits, buried = run_out(PlexNotFound("not there"), retries=1)
    assert len(waits) == 12
    assert 43 * 60 - 60 <= sum(waits) <= 86 * 60
    assert buried.attempts == {"PlexNotFound": 13}


def test_a_wait_keeps_at_least_half_of_its_nominal_length() -> None:
    rng, rule = random.Random(1), RULES[PlexTemporaryError]
    waits = [delay(3, rule, rng) for _ in range(2000)]
    assert 10 <= min(waits) < 10.5
    assert 19.5 < max(waits) <= 20
    assert delay(10**9, rule, rng) <= 80
    assert delay(0, rule, rng) <= 5


def test_the_same_seed_gives_the_same_waits() -> None:
    rule = RULES[PlexNotFound]
    one, other = random.Random(7), random.Random(7)
    assert [delay(n, rule, one) for n in range(9)] == [delay(n, rule, other) for n in range(9)]


def test_the_job_remembers_what_happened_and_is_no_longer_running() -> None:
    error = PlexTemporaryError("Plex gave 500", status=500, cause="http")
    first = judge(JOB, error, now=1000.0)
    assert isinstance(first, Later)
    assert (first.job.running, first.job.starts) == (False, 0)
    assert first.job.last_error == "PlexTemporaryError"
    assert first.job.last_message == "Plex gave 500"
    assert (first.job.last_cause, first.job.last_status) == ("http", 500)
    second = judge(first.job, PlexNotFound("x" * 9000), now=1010.0)
    assert isinstance(second, Later)
    assert (second.job.first_failure, second.job.last_failure) == (1000.0, 1010.0)
    assert second.job.attempts == {"PlexTemporaryError": 1, "PlexNotFound": 1}
    assert (second.job.last_status, len(second.job.last_message)) == (None, 500)
    assert JOB.attempts == {}
    assert Job.from_dict(second.job.to_dict()) == second.job


def test_budgets_are_counted_apart() -> None:
    tired = JOB._replace(attempts={"PlexNotFound": 12, "PlexTemporaryError": 4})
    assert isinstance(judge(tired, PlexTemporaryError("x")), Later)
    assert isinstance(judge(tired, PlexNotFound("x")), Bury)


def test_errors_that_take_turns_share_the_standard_budget() -> None:
    job = JOB._replace(attempts={"PlexTemporaryError": 3, "PlexServerDown": 2})
    assert isinstance(judge(job, PlexServerDown("timeout")), Bury)
    assert isinstance(judge(job, PlexTemporaryError("x")), Bury)


def test_the_servers_fault_costs_the_job_nothing() -> None:
    tired = JOB._replace(attempts={"PlexServerDown": 5})
    for fault in (SERVER, REQUEST):
        assert judge(tired, PlexServerDown("refused", fault=fault)) == Wait("plex")
        assert judge(tired, PlexNotFound("no such path", fault=fault)) == Wait("plex")
        assert judge(tired, PlexTemporaryError("500", fault=fault)) == Wait("plex")


def test_a_timeout_of_a_healthy_server_is_the_jobs_own_fault() -> None:
    waits, buried = run_out(PlexServerDown("timeout", cause="timeout"))
    assert len(waits) == 5
    assert (buried.last_error, buried.last_cause) == ("PlexServerDown", "timeout")


@pytest.mark.parametrize(
    ("error", "what"),
    [(PlexAuthError("401"), "auth"), (StashDown("x"), "stash"), (StashAuthError("x"), "stash")],
)
def test_what_is_nobodys_fault_waits(error: SyncError, what: str) -> None:
    assert judge(JOB, error) == Wait(what)


def test_a_step_that_fails_concerns_no_single_scene() -> None:
    assert judge(JOB, PlexPermanentError("400", status=400).of_step()) == Wait("plex")
    assert StashDown("x").of_step().fault != REQUEST, "Plex is not asked about Stash"


@pytest.mark.parametrize("error", [PlexPermanentError("422", status=422), AmbiguousMatch("two")])
def test_what_no_retry_helps_is_buried_at_once(error: SyncError) -> None:
    outcome = judge(JOB, error, retries=20)
    assert isinstance(outcome, Bury)
    assert outcome.job.attempts == {error.kind: 1}


def test_a_scene_that_is_gone_is_finished() -> None:
    assert judge(JOB, SceneGone("gone")) == Finish("gone")


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [(200.0, 200, 200), (86400.0, 600, 600), (math.inf, 600, 600), (1.0, 2.5, 5), (-9.0, 2.5, 5)],
)
def test_retry_after_is_obeyed_up_to_ten_minutes(asked: float, low: float, high: float) -> None:
    outcome = judge(JOB, PlexTemporaryError("busy", status=429, retry_after=asked), now=1000.0)
    assert isinstance(outcome, Later)
    assert low <= outcome.job.not_before - 1000.0 <= high


def test_a_retry_after_that_is_no_number_is_ignored() -> None:
    outcome = judge(JOB, PlexTemporaryError("busy", retry_after=math.nan), now=1000.0)
    assert isinstance(outcome, Later)
    assert 1002.5 <= outcome.job.not_before <= 1005


def test_every_error_class_has_a_rule() -> None:
    classes = {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, SyncError)}
    assert set(RULES) == classes - {SyncError, errors.TransientError}
    assert all(rule.budget in BUDGETS for rule in RULES.values())


def test_a_class_without_a_rule_takes_the_nearest_ones_and_still_ends() -> None:
    class Odd(PlexNotFound):
        pass

    assert rule_for(Odd("x")) is RULES[PlexNotFound]
    assert rule_for(SyncError("x")) is RULES[PlexTemporaryError]
    assert len(run_out(Odd("x"))[0]) == 12
    assert len(run_out(SyncError("x"))[0]) == 5


def test_probes_slow_down_to_once_a_minute() -> None:
    assert [probe_delay(n) for n in range(6)] == [5, 10, 20, 40, 60, 60]
    assert probe_delay(10**9) == 60


def test_random_failures_keep_every_promise() -> None:
    rng = random.Random(61)
    kinds: list[type[SyncError]] = [PlexTemporaryError, PlexServerDown, PlexNotFound]
    for _ in range(400):
        job, now = JOB, 1000.0
        for _ in range(40):
            fault = SERVER if rng.random() < 0.3 else SCENE
            error = rng.choice(kinds)("x", retry_after=rng.choice([None, 3.0, 9e9]), fault=fault)
            outcome = verdict(job, error, now, rng, 5)
            if isinstance(outcome, Bury):
                break
            if isinstance(outcome, Later):
                assert now < outcome.job.not_before <= now + 600
                early = 0 < job.not_before - now <= 600 and isinstance(error, PlexNotFound)
                more = sum(outcome.job.attempts.values()) - sum(job.attempts.values())
                assert more == int(not early)
                job = outcome.job
            now += rng.uniform(-5, 700)
        assert sum(job.attempts.values()) <= 5 + 12


# --- a file that Plex lacks --------------------------------------------------------------------


def test_a_try_before_its_time_costs_nothing_and_is_the_last_error_all_the_same() -> None:
    attempts = {"PlexNotFound": 11, "PlexTemporaryError": 1}
    waiting = JOB._replace(not_before=1300.0, attempts=attempts, last_error="PlexTemporaryError")
    outcome = judge(waiting, PlexNotFound("not yet", paths=["/data/1.mp4"]))
    assert isinstance(outcome, Later)
    kept = outcome.job
    assert (kept.not_before, kept.attempts, kept.starts) == (1300.0, attempts, 0)
    assert (kept.last_error, kept.last_message) == ("PlexNotFound", "not yet")
    assert (kept.last_failure, kept.paths) == (1000.0, ("/data/1.mp4",))


@pytest.mark.parametrize("not_before", [999.0, 1000.0, 1000.0 + 601.0, 10**9])
def test_a_try_at_its_time_or_after_the_clock_was_set_back_counts(not_before: float) -> None:
    outcome = judge(JOB._replace(not_before=not_before), PlexNotFound("not yet", paths=["/d/1"]))
    assert isinstance(outcome, Later)
    assert outcome.job.attempts == {"PlexNotFound": 1}


def test_a_job_waits_for_its_file_until_something_else_happens_to_it() -> None:
    missed = judge(JOB, PlexNotFound("not yet", paths=["/data/1.mp4"]))
    assert isinstance(missed, Later)
    assert missed.job.paths == ("/data/1.mp4",)
    other = judge(missed.job._replace(not_before=0.0), PlexTemporaryError("boom"))
    assert isinstance(other, Later)
    assert other.job.paths == ()


def test_the_last_try_is_the_one_after_which_a_job_is_buried() -> None:
    job, now = JOB, 1000.0
    while True:
        outcome = judge(job, PlexNotFound("not yet"), now)
        assert is_last_try(job) == isinstance(outcome, Bury)
        if isinstance(outcome, Bury):
            return
        assert isinstance(outcome, Later)
        job, now = outcome.job, outcome.job.not_before
