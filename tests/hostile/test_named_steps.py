"""The worker is killed, or its disk fails, at one step after the other."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from torture import steps
from torture.steps import Step, Steps

pytestmark = [
    pytest.mark.skipif(not steps.works(), reason="strace is missing or not allowed"),
    pytest.mark.long,  # all of them: they share a stage
    pytest.mark.torture,
]

SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "4"))
SAMPLE = 1
"""So few, since `torture` takes every step, on a Plex that fails now and then."""

NAMES = (
    "the queue's file half made",
    "an empty mark's file",
    "a mark written, not synced",
    "a mark synced, not renamed",
    "a mark renamed, its folder not synced",
    "jobs queued, no record forgotten",
    "one record forgotten",
    "answers read, nothing recorded",
    "half recorded",
    "dead letter written, job not given up",
    "recorded, not finished",
)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    with Steps(tmp_path_factory.mktemp("steps"), SEED, sick=0) as worker:
        yield worker


@pytest.fixture(scope="module")
def requests(worker: Steps) -> list[Step]:
    return worker.requests()


@pytest.fixture(scope="module")
def named(worker: Steps) -> dict[str, Step]:
    return worker.named()


@pytest.fixture(scope="module")
def on_disk(worker: Steps) -> list[Step]:
    return worker.on_disk()


@pytest.mark.parametrize("name", NAMES)
def test_a_kill_between_two_things_that_belong_together(
    worker: Steps, named: dict[str, Step], name: str
) -> None:
    killed, verdict = worker.kill(named[name])
    assert killed
    assert verdict.bad == []


@pytest.mark.parametrize("carried_out", [False, True], ids=["never arrived", "carried out"])
def test_a_kill_at_a_request_whose_answer_nobody_reads(
    worker: Steps, requests: list[Step], carried_out: bool
) -> None:
    edits = [step for step in requests if step.line.startswith("PUT")]
    before = requests[: requests.index(edits[-1])]  # how many follow differs with the load
    others = [step for step in before if step not in edits]
    for step in (edits[0], edits[-1], random.Random(SEED).choice(others)):
        killed, verdict = worker.kill(step, carried_out)
        assert killed
        assert verdict.bad == [], step


def test_a_kill_at_any_step_on_the_disk(worker: Steps, on_disk: list[Step]) -> None:
    changing = [step for step in on_disk if step.changes]
    for step in random.Random(SEED).sample(changing, SAMPLE):
        _, verdict = worker.kill(step)
        assert verdict.bad == [], step


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_disk_that_fails_once_at_any_step_is_waited_out(
    worker: Steps, on_disk: list[Step], error: str
) -> None:
    able = on_disk if error == "EIO" else [s for s in on_disk if s.call in steps.ALLOCATE]
    for step in random.Random(f"{SEED} {error}").sample(able, SAMPLE):
        verdict = worker.fail(step, error)
        assert verdict.bad == [], step
        assert verdict.innocent == 0, step
        assert "Unexpected" not in worker.stage.log(), step


def test_a_disk_that_fails_for_a_while_from_any_step_on_is_waited_out(
    worker: Steps, on_disk: list[Step]
) -> None:
    for step in random.Random(SEED).sample(on_disk, SAMPLE):
        verdict = worker.fail(step, "EIO", seconds=0.1)
        assert verdict.bad == [], step
        assert verdict.innocent == 0, step
