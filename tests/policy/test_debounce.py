"""How long a scene is debounced after a save."""

from __future__ import annotations

from plexsync.policy.debounce import BURST, CROWD, MEMORY, QUIET, Debounce


def test_a_save_that_stands_alone_goes_out_soon() -> None:
    debounce = Debounce()
    assert debounce.rest(7, 100.0, 1) == QUIET
    assert debounce.rest(8, 101.0, 1) == QUIET
    assert debounce.rest(7, 100.0 + MEMORY, 1) == QUIET


def test_the_second_save_of_a_scene_waits_for_the_end_of_the_burst() -> None:
    debounce = Debounce()
    assert [debounce.rest(7, at, 1) for at in (100.0, 100.4, 104.0)] == [QUIET, BURST, BURST]


def test_a_bulk_edit_is_synced_together() -> None:
    assert Debounce().rest(7, 100.0, CROWD) == BURST
    debounce = Debounce()
    one_by_one = [debounce.rest(scene, 100.0 + scene / 10, 1) for scene in range(CROWD + 3)]
    assert one_by_one == [QUIET] * (CROWD - 1) + [BURST] * 4


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    debounce = Debounce()
    for scene in range(CROWD):
        debounce.rest(scene, 1000.0, 1)
    assert debounce.rest(7, 500.0, 1) == QUIET
