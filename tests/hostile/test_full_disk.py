"""A full disk: the worker waits until there is space, and continues."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from torture.disk import NoMount, SmallDisk, run_full, small_stage
from torture.stage import Stage


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, SmallDisk]]:
    try:
        with small_stage(tmp_path_factory.mktemp("disk"), 22, refused=0.05) as place:
            yield place
    except NoMount as problem:
        pytest.skip(f"mounting is not allowed here: {problem}")


@pytest.mark.torture
@pytest.mark.long
@pytest.mark.parametrize("leave", [0, 48 << 10])
@pytest.mark.parametrize("in_the_middle", [False, True], ids=["at the start", "in the middle"])
def test_a_full_disk_costs_no_job_an_attempt_and_is_waited_out(
    place: tuple[Stage, SmallDisk], leave: int, in_the_middle: bool
) -> None:
    stage, disk = place
    before = len(stage.log())
    verdict = run_full(stage, disk, leave, in_the_middle)
    assert verdict.bad == []
    assert verdict.innocent == 0
    told = stage.log()[before:]
    assert "Free some space" in told
    assert "Unexpected" not in told
    assert "damaged" not in told
