"""Stash and Plex are compared: every gap is found, and what can be closed is closed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.log.log import Log
from plexsync.flows.reconcile.compare import AT_ONCE
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.registry import TASKS
from plexsync.policy.gaps import DRIFTED, EMPTY, MISSING, ORPHANED, STALE
from tests.task_running import carry_out

LONG_AGO = 1_600_000_000
DETAILS = "/library/metadata/"


@pytest.fixture
def quiet(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def press(world: Any, mode: str, **args: str) -> dict[str, Any]:
    """Run a task in this process."""
    app = world.stores()
    try:
        config = app.config()
        return carry_out(
            TASKS[mode].action,
            TaskContext(
                plugin_dir="",
                folder=world.folder,
                args=args,
                config=config,
                plex=app.plex(config),
                stash=app.stash,
                clock=world.clock,
                log=Log(world.sink),
                wake=lambda: None,
                owned=app,
            ),
        )
    finally:
        app.close()


def later(world: Any, seconds: float = 60.0) -> None:
    """Long enough to be unambiguous in Plex's whole seconds."""
    world.clock.passed += seconds


def found(answer: dict[str, Any]) -> dict[str, int]:
    return {kind: count for kind, count in answer["gaps"].items() if count}


def stored(world: Any) -> Any:
    return json.loads((Path(world.folder) / "reconcile_state.json").read_text())


def edit_in_plex(world: Any, item: Any, **values: Any) -> None:
    """The user edits an item in Plex, at the world's time."""
    world.plex.user_edit(item.key, **values)


def synced(world: Any, count: int, **scene: Any) -> list[tuple[int, Any]]:
    """This many scenes that PlexSync has written."""
    pairs = [
        world.pair(f"{n}.mp4", title=f"T{n}", details=f"About {n}", **scene) for n in range(count)
    ]
    for number, _ in pairs:
        world.event(number)
    world.run(minutes=0.5)
    assert all(item.title.startswith("T") for _, item in pairs)
    later(world)
    return pairs


def test_each_kind_of_gap_is_found_and_closed(quiet: Any) -> None:
    pairs = synced(quiet, 8)
    (_, emptied), (stale, outdated), (_, drifted) = pairs[:3]
    edit_in_plex(quiet, emptied, summary="")
    quiet.stash.auto_tag(stale, details="News")
    edit_in_plex(quiet, drifted, title="By hand")
    missing = quiet.stash.add_scene(title="T", files=[("/data/none.mp4", 1)])
    quiet.film("nobody.mp4")
    later(quiet)
    answer = press(quiet, "reconcile_all")
    assert found(answer) == {EMPTY: 1, STALE: 1, DRIFTED: 1, MISSING: 1, ORPHANED: 1}
    assert answer["queued"] == {EMPTY: 1, STALE: 1, DRIFTED: 1, MISSING: 1}
    assert answer["fields"] == {EMPTY: {"summary": 1}, STALE: {"summary": 1}, DRIFTED: {"title": 1}}
    assert answer["examples"][ORPHANED] == ["/plex/nobody.mp4"]
    assert answer["checked"] == 9
    said = quiet.said("info")
    assert "9 scenes compared with Plex (all scenes)" in said
    assert (
        f"Not in Plex: 1 scene, 1 queued (no Plex item holds the scene's file); for example scene {missing}."
        in said
    )
    quiet.run(minutes=0.5)
    assert emptied.summary == "About 0"
    assert outdated.summary == "News"
    assert drifted.title == "T2"
    later(quiet)
    assert found(press(quiet, "reconcile_all")) == {MISSING: 1, ORPHANED: 1}, "it waits for Plex"
    assert len(quiet.waiting()) == 1


def test_a_second_run_over_what_did_not_change_requests_no_details(quiet: Any) -> None:
    synced(quiet, 60)
    press(quiet, "reconcile_all")
    assert quiet.plex.count("GET", DETAILS) > 0
    later(quiet)
    quiet.plex.clear_journal()
    assert found(press(quiet, "reconcile_all")) == {}
    assert quiet.plex.count("GET", DETAILS) == 0


def test_details_are_fetched_with_full_requests_over_the_pages(quiet: Any) -> None:
    quiet.configure(reconcile_batch_size=10)
    pairs = synced(quiet, 2 * (AT_ONCE + 20))
    press(quiet, "reconcile_all")
    later(quiet)
    for _, item in pairs[::2]:
        edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    quiet.plex.clear_journal()
    assert found(press(quiet, "reconcile_all")) == {DRIFTED: AT_ONCE + 20}
    assert quiet.plex.count("GET", DETAILS) == 2


def test_scenes_from_before_the_installation_are_compared_when_somebody_asks(quiet: Any) -> None:
    _, item = quiet.pair("1.mp4", title="Old", created_at=LONG_AGO, updated_at=LONG_AGO)
    later(quiet)
    assert found(press(quiet, "reconcile_all")) == {STALE: 1}
    quiet.run()
    assert item.title == "Old"


def test_a_scene_with_nothing_to_say_is_no_gap(quiet: Any) -> None:
    quiet.pair("1.mp4")
    assert found(press(quiet, "reconcile_all")) == {}


def test_a_gap_that_was_tried_and_is_unchanged_is_not_found_again(quiet: Any) -> None:
    ((_, item),) = synced(quiet, 1)
    edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    quiet.plex.add_fault("status", match="PUT", status=400)
    assert found(press(quiet, "reconcile_all")) == {DRIFTED: 1}
    quiet.run(minutes=1)
    assert quiet.waiting() == {}
    assert found(press(quiet, "reconcile_all")) == {}
    edit_in_plex(quiet, item, title="Again by hand")
    later(quiet)
    assert found(press(quiet, "reconcile_all")) == {DRIFTED: 1}


def test_a_scene_that_plex_lacks_is_tried_once_and_not_found_again(quiet: Any) -> None:
    quiet.configure(skip_not_found=True)
    scene = quiet.stash.add_scene(title="T", files=[("/data/none.mp4", 1)])
    assert found(press(quiet, "reconcile_all")) == {MISSING: 1}
    quiet.run()
    quiet.outlast(scene, minutes=180)
    assert quiet.waiting() == {}
    for _ in range(3):
        assert found(press(quiet, "reconcile_all")) == {}
    quiet.stash.auto_tag(scene, title="Renamed")
    assert found(press(quiet, "reconcile_all")) == {MISSING: 1}


def test_what_waits_already_is_not_queued_twice_however_often_it_is_found(quiet: Any) -> None:
    ((scene, item),) = synced(quiet, 1)
    edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    for _ in range(3):
        assert found(press(quiet, "reconcile_all")) == {DRIFTED: 1}
    app = quiet.stores()
    assert [app.stores.ledger.backfill_ids(bulk) for bulk in app.stores.ledger.backfills()] == [
        [scene]
    ]
    app.close()


def test_a_gap_whose_job_was_lost_is_found_again(quiet: Any) -> None:
    ((_, item),) = synced(quiet, 1)
    edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    press(quiet, "reconcile_all")
    app = quiet.stores()
    for bulk in app.stores.ledger.backfills():
        app.stores.ledger.end_backfill(bulk.id)
    app.close()
    assert press(quiet, "reconcile_all")["queued"][DRIFTED] == 1
    quiet.run()
    assert item.title == "T0"


def test_an_edit_that_changes_nothing_does_not_hide_the_gap(quiet: Any) -> None:
    """The gap's job and the edit's event are merged; the job must still compare with Plex."""
    ((scene, item),) = synced(quiet, 1)
    edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    press(quiet, "reconcile_all")
    quiet.event(scene)
    quiet.run()
    assert item.title == "T0"


def test_an_uncertain_match_is_reported_and_not_queued_while_matching_is_strict(
    quiet: Any,
) -> None:
    for folder in ("a", "b"):
        quiet.film(f"{folder}/1.mp4", size=5)
    quiet.stash.add_scene(title="T", files=[("/data/c/1.mp4", 5)])
    later(quiet)
    for _ in range(2):
        answer = press(quiet, "reconcile_all")
        assert (found(answer), answer["uncertain"]) == ({STALE: 1}, 1)
        assert sum(answer["queued"].values()) == 0
        assert "uncertain match" in answer["examples"][STALE][0]
    assert "LOW confidence" in quiet.said("info")
    quiet.configure(accept_ambiguous=True)
    assert press(quiet, "reconcile_all")["queued"][STALE] == 1


def test_an_item_that_plex_fails_to_deliver_is_told_and_looked_at_next_time(quiet: Any) -> None:
    (_, sick), *_ = synced(quiet, 4)
    for n in range(4):
        quiet.stash.auto_tag(n + 1, details=f"Changed {n}")
    later(quiet)

    def about_it(request: Any) -> bool:
        keys = request.path.removeprefix(DETAILS).split(",")
        return (
            request.method == "GET" and request.path.startswith(DETAILS) and str(sick.key) in keys
        )

    fault = quiet.plex.add_fault("status", match=about_it, status=500)
    answer = press(quiet, "reconcile_all", dry_run="true")
    assert (found(answer), answer["unread"]) == ({STALE: 3}, 1)
    assert "1 scene could not be compared" in quiet.said("info")
    fault.remove()
    answer = press(quiet, "reconcile_all")
    assert (found(answer), answer["unread"]) == ({STALE: 4}, 0)


def test_plex_may_be_a_subset_on_purpose(quiet: Any) -> None:
    quiet.stash.add_scene(title="T", files=[("/data/none.mp4", 1)])
    quiet.configure(skip_missing=True)
    assert found(press(quiet, "reconcile_all")) == {}
    quiet.configure(skip_missing=False)
    assert found(press(quiet, "reconcile_all")) == {MISSING: 1}


def test_a_dry_run_writes_nothing_and_reports_all(quiet: Any) -> None:
    pairs = synced(quiet, 3)
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    quiet.film("nobody.mp4")
    later(quiet)
    for _ in range(2):
        answer = press(quiet, "reconcile_all", dry_run="true")
        assert found(answer) == {DRIFTED: 1, ORPHANED: 1}
        assert sum(answer["queued"].values()) == 0
    assert "dry run" in quiet.said("info")
    assert quiet.waiting() == {}
    assert not (Path(quiet.folder) / "reconcile_state.json").exists()


def test_only_some_kinds_and_fields(quiet: Any) -> None:
    pairs = synced(quiet, 2)
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    edit_in_plex(quiet, pairs[1][1], summary="")
    later(quiet)
    assert found(press(quiet, "reconcile_all", fields="title", dry_run="true")) == {DRIFTED: 1}
    assert found(press(quiet, "reconcile_missing", dry_run="true")) == {EMPTY: 1}
    assert found(press(quiet, "reconcile_all", kinds="empty, stale")) == {EMPTY: 1}
    assert found(press(quiet, "reconcile_all", kinds="drifted")) == {DRIFTED: 1}


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ({"kinds": "wrong"}, "kinds must be some of empty, stale.*'wrong'"),
        ({"fields": "colour"}, "fields must be some of .*'colour'"),
        ({"by": "size"}, "by must be"),
        ({"dry_run": "perhaps"}, "dry_run must be"),
        ({"library": "Home"}, 'no library named "Home", only to: Films'),
    ],
)
def test_a_wrong_argument_is_named(quiet: Any, args: dict[str, str], complaint: str) -> None:
    with pytest.raises(TaskFailed, match="(?i)" + complaint):
        press(quiet, "reconcile_all", **args)


def test_one_library_alone(quiet: Any) -> None:
    clips = quiet.plex.add_section("Clips", locations=["/clips"])
    quiet.configure(path_map="/plex=>/data; /clips=>/clips")
    ((_, item),) = synced(quiet, 1)
    clip = quiet.plex.item(quiet.plex.add_item(clips, file="/clips/1.mp4", size=7))
    quiet.stash.add_scene(title="Clip", files=[("/clips/1.mp4", 7)])
    quiet.stash.add_scene(title="Lost clip", files=[("/clips/2.mp4", 7)])
    quiet.stash.add_scene(title="Lost film", files=[("/data/lost.mp4", 7)])
    quiet.plex.add_item(clips, file="/clips/orphan.mp4", size=1)
    edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    assert found(press(quiet, "reconcile_all", library="films")) == {DRIFTED: 1, MISSING: 1}
    assert found(press(quiet, "reconcile_all", library="Clips")) == {
        STALE: 1,
        MISSING: 1,
        ORPHANED: 1,
    }
    quiet.run()
    assert clip.title == "Clip"


def test_recent_scenes_by_their_update_or_creation(quiet: Any) -> None:
    now = quiet.clock.now()
    for name, created, updated in (("1", 30, 30), ("2", 30, 2), ("3", 2, 2), ("4", 400, 100)):
        quiet.pair(
            f"{name}.mp4",
            title=f"T{name}",
            created_at=now - created * 3600,
            updated_at=now - updated * 3600,
        )
    assert press(quiet, "reconcile_24h", dry_run="true")["gaps"][STALE] == 2
    assert press(quiet, "reconcile_24h", dry_run="true", by="created")["gaps"][STALE] == 1
    assert press(quiet, "reconcile_7days", dry_run="true")["gaps"][STALE] == 4
    assert press(quiet, "reconcile_7days", dry_run="true", by="created")["gaps"][STALE] == 3


@pytest.mark.long
def test_an_interrupted_run_goes_on_at_its_page(quiet: Any) -> None:
    quiet.configure(reconcile_batch_size=10)
    pairs = synced(quiet, 100)
    for _, item in pairs[::10]:
        edit_in_plex(quiet, item, title="By hand")
    later(quiet)
    pages = 0

    def seventh(entry: Any) -> bool:
        nonlocal pages
        pages += "PlexSyncScenePage" in entry.query
        return pages >= 7

    fault = quiet.stash.add_fault("status", match=seventh, status=503)
    with pytest.raises(TaskFailed, match="continue from there"):
        press(quiet, "reconcile_all")
    fault.remove()
    quiet.stash.journal.clear()
    answer = press(quiet, "reconcile_all")
    assert answer["checked"] == 100
    assert found(answer) == {DRIFTED: 10}
    assert "Continuing where it was interrupted, after 60 scenes" in quiet.said("info")
    quiet.run(minutes=0.5)
    assert [item.title for _, item in pairs] == [f"T{n}" for n in range(100)]


def test_what_a_person_changed_in_plex_stays_where_it_is_to(quiet: Any) -> None:
    pairs = synced(quiet, 2)
    (one, first), (two, second) = pairs
    edit_in_plex(quiet, first, title="By hand")
    quiet.configure(preserve_plex_edits=True)
    quiet.stash.auto_tag(one, details="News 0")
    later(quiet)
    assert found(press(quiet, "reconcile_all")) == {STALE: 1}
    quiet.run()
    assert (first.title, first.summary) == ("By hand", "News 0")
    later(quiet)
    assert found(press(quiet, "reconcile_all")) == {}
    quiet.configure(preserve_plex_edits=False)
    assert found(press(quiet, "reconcile_all")) == {DRIFTED: 1}


def test_of_what_was_never_written_a_lock_tells_a_persons_value_from_the_agents(quiet: Any) -> None:
    quiet.configure(preserve_plex_edits=True)
    _, item = quiet.pair(
        "1.mp4",
        title="Ours",
        details="Ours",
        plex={"title": "A person's", "summary": "The agent's", "locked": ["title"]},
    )
    later(quiet)
    answer = press(quiet, "reconcile_all")
    assert answer["fields"] == {STALE: {"summary": 1}}
    quiet.run()
    assert (item.title, item.summary) == ("A person's", "Ours")


def test_a_file_of_an_item_that_belongs_to_another_scene_is_no_gap(quiet: Any) -> None:
    item = quiet.plex.item(
        quiet.plex.add_item(quiet.section, files=[("/plex/1.mp4", 1), ("/plex/2.mp4", 1)])
    )
    first = quiet.stash.add_scene(title="First", files=[("/data/1.mp4", 1)])
    quiet.stash.add_scene(title="Second", files=[("/data/2.mp4", 1)])
    later(quiet)
    answer = press(quiet, "reconcile_all")
    assert found(answer) == {STALE: 1}
    assert answer["examples"][STALE][0].startswith(f"scene {first} ")
    quiet.run()
    assert item.title == "First"


def test_a_scene_destroyed_since_leaves_its_item_an_orphan(quiet: Any) -> None:
    pairs = synced(quiet, 3)
    press(quiet, "reconcile_all")
    quiet.stash.destroy(pairs[1][0])
    later(quiet)
    answer = press(quiet, "reconcile_all")
    assert found(answer) == {ORPHANED: 1}
    assert answer["examples"][ORPHANED] == ["/plex/1.mp4"]


def test_plex_must_be_well(quiet: Any) -> None:
    quiet.plex.stop()
    with pytest.raises(TaskFailed, match="Nothing was compared: Plex is down"):
        press(quiet, "reconcile_all")


# --- by itself


def test_never_means_never(quiet: Any) -> None:
    pairs = synced(quiet, 2)
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    later(quiet, 8 * 86400)
    quiet.event(pairs[1][0])
    quiet.run(minutes=3)
    assert pairs[0][1].title == "By hand"
    assert not (Path(quiet.folder) / "reconcile_state.json").exists()


def test_a_daily_run_closes_the_gaps_once_a_day(quiet: Any) -> None:
    quiet.configure(reconcile_interval="daily", reconcile_scope="all")
    pairs = synced(quiet, 3)
    first = stored(quiet)["stamps"]["interval"]
    later(quiet, 7200)
    for days in (1, 2):
        edit_in_plex(quiet, pairs[0][1], title="By hand")
        later(quiet, days * 86400)
        quiet.event(pairs[1][0])
        quiet.run(minutes=3)
        assert pairs[0][1].title == "T0"
    assert stored(quiet)["stamps"]["interval"] > first + 86400
    assert "because of its interval" in quiet.said("info")


def test_a_task_waits_only_so_long_for_what_is_due_by_itself(quiet: Any) -> None:
    pairs = synced(quiet, 3)
    quiet.configure(reconcile_interval="daily", reconcile_scope="all", reconcile_batch_size=10)
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    later(quiet, 86400)
    app = quiet.stores()
    config = app.config()
    compare = partial(app.reconciliation, config)
    app.reconcile.catch_up(config, compare, 0.0, lambda step: step())
    app.reconcile.mark(config)
    app.close()
    assert "continues in the background" in quiet.said("info")
    quiet.run(minutes=3)
    assert pairs[0][1].title == "T0"


def test_starting_after_an_hour_looks_at_recent_scenes_and_leaves_the_interval_alone(
    quiet: Any,
) -> None:
    quiet.configure(reconcile_interval="weekly", reconcile_scope="all")
    pairs = synced(quiet, 2)
    before = stored(quiet)["stamps"]
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    later(quiet, 3 * 3600)
    quiet.event(pairs[1][0])
    quiet.run(minutes=1)
    assert pairs[0][1].title == "T0"
    after = stored(quiet)["stamps"]
    assert after["interval"] == before["interval"]
    assert after["startup"] > before["interval"]
    quiet.event(pairs[1][0])
    quiet.run(minutes=1)
    assert stored(quiet)["stamps"] == after


def test_a_failed_run_is_not_counted_and_goes_on_when_the_server_is_back(quiet: Any) -> None:
    pairs = synced(quiet, 2)
    edit_in_plex(quiet, pairs[0][1], title="By hand")
    quiet.configure(reconcile_interval="daily", reconcile_scope="all")
    later(quiet)
    fault = quiet.plex.add_fault("status", match="/library/metadata/", status=500)
    quiet.event(pairs[1][0])
    quiet.run(minutes=3)
    assert not (Path(quiet.folder) / "reconcile_state.json").exists()
    assert quiet.said("info").count("The reconciliation pauses") == 1
    fault.remove()
    quiet.event(pairs[1][0])
    quiet.run(minutes=1)
    assert pairs[0][1].title == "T0"
    assert "interval" in stored(quiet)["stamps"]


def test_a_page_ends_when_a_task_wants_to_take_over(quiet: Any) -> None:
    quiet.configure(reconcile_batch_size=10)
    pairs = synced(quiet, 50)
    quiet.configure(reconcile_batch_size=10, reconcile_interval="hourly", reconcile_scope="all")
    quiet.event(pairs[0][0])

    def wanted() -> str:
        path = Path(quiet.folder) / "reconcile_state.json"
        runs = stored(quiet)["runs"] if path.exists() else {}
        return "a task takes over" if runs else ""

    assert quiet.run(minutes=5, leave=wanted) == "a task takes over"
    under_way = stored(quiet)["runs"]["interval"]
    assert 0 < under_way["checked"] < 50
    quiet.run(minutes=1)
    assert stored(quiet)["runs"] == {}
    assert stored(quiet)["last"]["checked"] == 50


def test_a_damaged_queue_is_made_good_for_what_was_plexsyncs_business(quiet: Any) -> None:
    _, old = quiet.pair("old.mp4", title="Old", created_at=LONG_AGO, updated_at=LONG_AGO)
    ((scene, item),) = synced(quiet, 1)
    quiet.stash.auto_tag(scene, title="Changed")
    edit_in_plex(quiet, item, title="By hand")
    for path in Path(quiet.folder, "queue").iterdir():
        if path.name.startswith("data.db"):
            path.write_bytes(b"not a database" * 100)
    later(quiet)
    quiet.run(minutes=1)
    assert item.title == "Changed"
    assert old.title == "old"
    assert stored(quiet)["wanted"] == {}


def test_a_long_outage_is_followed_by_a_check_of_the_same_span(quiet: Any) -> None:
    quiet.configure(reconcile_interval="weekly")
    pairs = synced(quiet, 3)
    quiet.plex.stop()
    quiet.event(pairs[0][0])
    quiet.stash.edit(pairs[0][0], title="T0 new")
    quiet.run(minutes=5)
    quiet.clock.passed += 85 * 60
    quiet.run(minutes=1)
    edit_in_plex(quiet, pairs[1][1], title="From a backup")
    quiet.plex.start()
    quiet.run(minutes=10)
    assert pairs[0][1].title == "T0 new"
    assert pairs[1][1].title == "T1"
    assert "outage" in stored(quiet)["stamps"]


def test_a_cover_that_stash_has_by_now_is_a_gap(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    assert item.posters == []
    later(world)
    world.stash.scene(scene).cover = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"x" * 50
    world.stash.scene(scene).updated_at = world.clock.now()
    answer = press(world, "reconcile_all")
    assert sum(found(answer).values()) == 1
    world.run()
    assert len(item.posters) == 1
    later(world)
    assert found(press(world, "reconcile_all")) == {}
