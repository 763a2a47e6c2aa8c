"""Failures of Plex and Stash: nothing is lost or wrong, and other scenes are not affected."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync import inbox

LONG_AGO = 1_600_000_000


@pytest.mark.long
def test_plex_down_costs_no_attempt_and_its_return_is_noticed(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(20)]
    world.plex.stop()
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=30)
    assert all(not job.attempts for job in world.waiting().values())
    assert len(world.waiting()) == 20
    assert world.said("warning").count("CLOSED -> OPEN") == 1
    world.plex.start()
    world.run(minutes=2)
    assert {item.title for _, item in pairs} == {f"T{n}" for n in range(20)}
    assert world.waiting() == {}


def test_plex_dies_in_the_middle_and_nothing_is_lost(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(120)]
    for scene, _ in pairs:
        world.event(scene)
    down = iter([False] * 3 + [True])

    def leave() -> str:
        if world.plex.running and next(down, False):
            world.plex.stop()
        return ""

    world.run(minutes=5, leave=leave)
    assert not world.plex.running
    world.plex.start()
    world.run(minutes=5)
    assert {item.title for _, item in pairs} == {f"T{n}" for n in range(120)}


def test_a_starting_plex_is_waited_for(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    fault = world.plex.add_fault("starting")
    world.event(scene)
    world.run(minutes=10)
    assert world.waiting()[scene].attempts == {}
    fault.remove()
    world.run(minutes=2)
    assert item.title == "T"


@pytest.mark.parametrize("status", [500, 429, 408, 520])
def test_a_temporary_answer_is_retried_and_never_buried_at_once(world: Any, status: int) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="T")
    world.plex.add_fault("status", times=1, match="PUT", status=status)
    world.event(scene)
    world.run(minutes=0.05)
    assert world.dead_letter(scene) is None
    assert world.waiting()[scene].last_status == status
    assert world.waiting()[scene].attempts == {}, "whether it is this scene, others have to show"
    world.run(minutes=2)
    assert item.title == "T"


def test_retry_after_is_obeyed(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="T")
    world.plex.add_fault("status", times=1, match="PUT", status=429, retry_after=300)
    world.event(scene)
    world.run(minutes=0.1)
    job = world.waiting()[scene]
    assert job.not_before - job.last_failure == pytest.approx(300, abs=1)


def test_a_refused_edit_is_buried_with_its_reason(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="T")
    world.plex.add_fault("status", match="PUT", status=400)
    world.event(scene)
    world.run()
    dead_letter = world.dead_letter(scene)
    assert (dead_letter.error, dead_letter.status) == ("PlexPermanentError", 400)
    assert world.state(scene).state == "failed"
    assert "dead letter" in world.said("warning")


def test_a_hopeless_temporary_error_is_buried_after_its_budget(world: Any) -> None:
    world.configure(max_retries=2, no_poster=True)
    scene, item = world.pair("1.mp4", title="T")
    other, its = world.pair("2.mp4", title="U")
    world.plex.add_fault(
        "status",
        match=lambda r: r.method == "PUT" and ("id", str(item.key)) in list(r.params),
        status=500,
    )
    world.event(scene)
    world.run(minutes=0.05)
    for n in range(3):
        world.edit(other, title=f"U{n}")
        world.run(minutes=2)
        assert its.title == f"U{n}"
    assert world.dead_letter(scene).attempts == {"PlexTemporaryError": 3}


def test_a_dead_letter_goes_when_the_scene_later_syncs(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    fault = world.plex.add_fault("status", match="PUT", status=400)
    world.event(scene)
    world.run()
    assert world.dead_letter(scene) is not None
    fault.remove()
    world.edit(scene, title="U")
    world.run()
    assert item.title == "U"
    assert world.dead_letter(scene) is None


def test_a_wrong_token_pauses_all_and_a_new_one_resumes(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    world.configure(plex_token="wrong-token-wrong-token")
    world.event(scene)
    world.run(minutes=10)
    assert world.waiting()[scene].attempts == {}
    assert world.said("warning").count("refuses the token") == 1
    assert "wrong-token" not in world.said()
    world.configure(plex_token="plex-sim-token")
    world.run(minutes=2)
    assert item.title == "T"


def test_an_edit_that_plex_ignores_is_retried_and_then_reported(world: Any) -> None:
    world.configure(max_retries=1, no_poster=True)
    scene, item = world.pair("1.mp4", title="T")
    world.plex.add_fault("ignore_edit")
    world.event(scene)
    world.run(minutes=10)
    assert item.title == "1"
    assert "reads back different" in world.dead_letter(scene).message
    assert world.state(scene).targets[0].written == {}


def test_an_edit_whose_answer_was_lost_is_found_to_be_done(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="T", details="D")
    world.plex.add_fault("reset", times=1, match="PUT", at="after")
    world.event(scene)
    world.run(minutes=2)
    assert item.title == "T"
    assert world.plex.count("PUT") == 1
    world.edit(scene, details="")
    world.run()
    assert item.summary == "", "the lost write counts as ours"


@pytest.mark.parametrize("bad", [2, 5])
def test_one_item_that_fails_does_not_hold_up_the_others(world: Any, bad: int) -> None:
    """Even if nothing else is written after it, which would show that Plex can write."""
    world.configure(plex_connections=1, max_retries=1, no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(6)]
    key = str(pairs[bad][1].key)
    world.plex.add_fault(
        "status",
        match=lambda r: r.method == "PUT" and ("id", key) in list(r.params),
        status=503,
    )
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=10)
    shown = [item.title for _, item in pairs]
    assert shown == [f"{n}" if n == bad else f"T{n}" for n in range(6)]
    assert world.dead_letter(pairs[bad][0]).error == "PlexServerDown"


def test_a_failed_poster_leaves_only_the_poster_dirty(world: Any) -> None:
    cover = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"x" * 50
    scene, item = world.pair("1.mp4", title="T", cover=cover)
    world.plex.add_fault("status", times=1, match="POST", status=500)
    world.event(scene)
    world.run(minutes=0.05)
    assert item.title == "T"
    assert world.state(scene).targets[0].dirty == {"poster"}
    world.run(minutes=2)
    assert len(item.posters) == 1
    assert world.plex.count("PUT") == 1


def test_stash_down_makes_jobs_wait_and_the_worker_exits(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    world.event(scene)
    world.stash.stop()
    assert "Stash has not answered" in world.run(minutes=30)
    assert world.waiting()[scene].attempts == {}
    world.stash.start()
    world.run()
    assert item.title == "T"


def test_an_event_shows_that_stash_is_back_before_its_turn_to_be_asked(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    world.event(scene)
    world.stash.stop()
    back: list[float] = []

    def come_back() -> None:
        if world.clock.passed > 70 and not back:  # it is probed after 75 s, and then after 135
            back.append(world.clock.passed)
            world.stash.start()
            world.event(scene)

    world.clock.on_wait = come_back
    world.run(minutes=100 / 60)
    assert back
    assert item.title == "T"


def test_graphql_errors_touch_no_job(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    fault = world.stash.add_fault("graphql_errors")
    world.event(scene)
    world.run(minutes=5)
    assert world.waiting()[scene].attempts == {}
    fault.remove()
    world.run(minutes=2)
    assert item.title == "T"


def test_html_from_plex_is_never_an_empty_library(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    fault = world.plex.add_fault("html")
    world.event(scene)
    world.run(minutes=0.2)
    assert world.dead_letter(scene) is None
    fault.remove()
    world.run(minutes=2)
    assert item.title == "T"


def test_unusable_inbox_records_are_set_aside_and_the_rest_goes_on(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T")
    bad = [b"", b"not json", b"[" * 100_000, b'{"id":"7; DROP","type":"Scene.Update.Post"}']
    for record in bad:
        inbox.drop(world.folder, record)
    inbox.drop(world.folder, b'{"id":1,"type":"Scene.Update.Post","x":"' + b"y" * 2**20 + b'"}')
    world.event(scene)
    world.run()
    assert item.title == "T"
    assert world.said("warning").count("set aside") == 5


def test_hostile_metadata_arrives_literally_and_forges_nothing(world: Any) -> None:
    world.configure(debug_logging=True, no_poster=True)
    title = 'x\x01p\x02\x1b[31m&title.value=y;a=%41 "<q>" ]]>\u202eend'
    scene, item = world.pair(
        "1.mp4",
        title=title,
        details="One\r\n\x00two\n\n\n\nthree & four",
        tags=[world.stash.add_tag("a,b&genre[9].tag.tag=c")],
    )
    world.event(scene)
    world.run()
    assert item.title == 'x p [31m&title.value=y;a=%41 "<q>" ]]>end'
    assert item.summary == "One\ntwo\n\nthree & four"
    assert item.genre == ["a,b&genre[9].tag.tag=c"]
    assert all("\n" not in text and "\x01" not in text for _, text in world.sink.lines)


def test_huge_metadata_is_capped_and_counts_as_in_step(world: Any) -> None:
    world.configure(no_poster=True)
    stash = world.stash
    scene, item = world.pair(
        "1.mp4",
        title="T" * 10_000,
        details="語" * 12_000,
        tags=[stash.add_tag(f"tag {n}") for n in range(1000)],
        performers=[stash.add_performer(f"person {n}") for n in range(250)],
    )
    world.event(scene)
    world.run()
    assert world.state(scene).state == "synced"
    assert (len(item.title), len(item.genre), len(item.actor)) == (255, 100, 200)
    assert item.summary
    world.plex.clear_journal()
    world.event(scene)
    world.run()
    assert world.plex.journal == []
    world.edit(scene, rating100=50)
    world.run()
    assert world.plex.count("PUT") == 0


def test_a_dead_letter_revives_when_plex_shows_the_file(world: Any) -> None:
    world.configure(no_poster=True)
    lost = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(lost)
    world.run()
    world.outlast(lost, minutes=150)
    assert world.dead_letter(lost).paths == ("/data/new.mp4",)
    item = world.film("new.mp4", size=7)
    other, _ = world.pair("2.mp4", title="B")
    world.event(other)
    world.run(minutes=1)
    assert item.title == "A"
    assert world.dead_letter(lost) is None
    assert "turned up" in world.said("info")


def test_old_dead_letters_are_deleted_at_start_and_the_others_reported(world: Any) -> None:
    world.configure(dlq_retention_days=1)
    world.plex.add_fault("status", match="PUT", status=400)
    scene, _ = world.pair("1.mp4", title="T", created_at=LONG_AGO, updated_at=LONG_AGO)
    world.event(scene)
    world.run(minutes=1)
    late, _ = world.pair("2.mp4", title="U")
    world.clock.passed += 90_000
    world.event(late)
    world.run(minutes=1)
    assert world.dead_letter(scene) is None
    third, _ = world.pair("3.mp4", title="V")
    world.event(third)
    world.run(minutes=1)
    assert "1 dead letter: PlexPermanentError 1." in world.said("info")
