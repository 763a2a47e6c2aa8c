"""Page commands, from the record in the inbox to the result."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.edges.page import results
from plexsync.flows.page import operations, outcomes
from plexsync.flows.tasks.registry import PAGE_COMMANDS
from plexsync.flows.worker.intake import Intake
from plexsync.model.command import COMMANDS
from plexsync.model.ledger import Observation
from plexsync.system import LockFile
from tests.world import World

LONG_AGO = 1_600_000_000


def ask(world: World, mode: str, **args: Any) -> Any:
    """A request of the page. No worker is alive to be woken, so the test runs it."""
    request = operations.Request("/nowhere", world.folder, args, b"", world.clock.now())
    return operations.perform(mode, request)


def order(world: World, name: str, **args: Any) -> str:
    return str(ask(world, name, **args)["accepted"])


def told(world: World, accepted: str) -> Any:
    return ask(world, "result", id=accepted)


def done(world: World, name: str, **args: Any) -> Any:
    """Send a command, let the worker carry it out, and read the result."""
    accepted = order(world, name, **args)
    assert told(world, accepted)["state"] == "waiting"
    world.run()
    found = told(world, accepted)
    assert found["state"] == "done", found
    return found["output"]


def failed(world: World, name: str, **args: Any) -> str:
    accepted = order(world, name, **args)
    world.run()
    found = told(world, accepted)
    assert found["state"] == "failed", found
    return str(found["error"])


def refuse(world: World, times: int | None = None) -> Any:
    return world.plex.add_fault("status", match="PUT", status=400, times=times)


def test_every_command_is_carried_out_by_somebody() -> None:
    assert set(PAGE_COMMANDS) == set(COMMANDS)


def test_retry_tries_one_dead_letter_again(world: World) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    fault = refuse(world)
    world.edit(scene, title="new")
    world.run()
    assert world.dead_letter(scene) is not None
    fault.remove()
    assert done(world, "retry", scene=str(scene))["queued"] == 1
    assert (item.title, world.dead_letter(scene)) == ("new", None)
    assert failed(world, "retry", scene=scene) == f"Scene {scene} has no dead letter."


def test_retry_class_retries_the_dead_letters_of_one_class(world: World) -> None:
    first, item = world.pair("a.mp4", plex={"title": "old"})
    second, other = world.pair("b.mp4", plex={"title": "old"})
    for scene in (
        first,
        second,
    ):  # one after the other: a Plex that refuses all of them would be at fault itself
        fault = refuse(world)
        world.edit(scene, title="new")
        world.run()
        fault.remove()
    assert "no dead letter of the class PlexNotFound" in failed(
        world, "retry_class", **{"class": "PlexNotFound"}
    )
    assert done(world, "retry_class", **{"class": "PlexPermanentError"})["queued"] == 2
    assert (item.title, other.title) == ("new", "new")


def test_sync_writes_again_what_somebody_changed_in_plex(world: World) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    world.edit(scene, title="new")
    world.run()
    item.title = "somebody's own"
    world.event(scene)
    world.run()
    assert item.title == "somebody's own", "an event alone trusts the ledger"
    assert done(world, "sync", scenes=[scene, scene]) == {"queued": 1}
    assert item.title == "new"


def test_a_sync_right_after_plex_scanned_the_file_finds_it(world: World) -> None:
    scene = world.stash.add_scene(files=[("/data/late.mp4", 1000)], title="new")
    late: list[Any] = []

    def scanned() -> None:
        if world.plex.count("GET") and not late:  # the index was read a moment ago, without it
            late.append(world.film("late.mp4", title="late"))
            order(world, "sync", scenes=[scene])

    world.event(scene)
    world.clock.on_wait = scanned
    world.run(minutes=10 / 60)
    assert late[0].title == "new"


def test_a_sync_of_many_scenes_lets_edits_go_first(world: World) -> None:
    pairs = [world.pair(f"{n}.mp4", title=f"t{n}", plex={"title": "old"}) for n in range(60)]
    accepted = order(world, "sync", scenes=[scene for scene, _ in pairs])
    world.run(minutes=1)
    assert told(world, accepted)["output"] == {"queued": 60}
    assert [item.title for _, item in pairs] == [f"t{n}" for n in range(60)]


def test_a_preview_says_what_would_change_and_changes_nothing(world: World) -> None:
    old = {"updated_at": LONG_AGO, "plex": {"title": "old"}}
    scene, item = world.pair("a.mp4", title="new", **old)
    answer = done(world, "preview", scenes=scene)
    assert answer["counts"] == {"changes": 1}
    fields = {each["field"]: each for each in answer["scenes"][0]["items"][0]["fields"]}
    assert (fields["title"]["now"], fields["title"]["then"]) == ("old", "new")
    assert (item.title, world.waiting(), world.state(scene)) == ("old", {}, None)
    assert done(world, "preview", scope="recent")["counts"] == {"changes": 1}
    assert failed(world, "preview", scope="waiting") == "There is no such scene to preview."


def test_undo_puts_back_what_plex_had_and_sync_writes_again(world: World) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    assert "has written nothing" in failed(world, "undo", scene=scene)
    world.edit(scene, title="new")
    world.run()
    assert done(world, "undo", scene=scene)["undone"] == 1
    assert item.title == "old"
    assert ask(world, "scene_state", scenes=scene)["scenes"][0]["state"] == "undone"
    done(world, "sync", scenes=scene)
    assert item.title == "new"
    assert ask(world, "scene_state", scenes=scene)["scenes"][0]["state"] == "synced"


def test_commands_that_need_plex_say_so_at_once_and_the_others_go_on(world: World) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    world.plex.stop()
    world.edit(scene, title="new")
    world.run(minutes=1)
    assert "Plex is down" in failed(world, "preview", scenes=scene)
    assert done(world, "pin", scene=scene, part="/plex/a.mp4")["part"] == "/plex/a.mp4"
    world.plex.start()
    world.run(minutes=2)
    assert item.title == "new"


def test_a_pin_decides_which_item_a_scene_is(world: World) -> None:
    scene, item = world.pair("a.mp4", title="mine", plex={"title": "old"})
    other = world.film("elsewhere/b.mp4", title="other")
    answer = done(world, "pin", scene=scene, part="/plex/elsewhere/b.mp4")
    assert answer == {"scene": scene, "part": "/plex/elsewhere/b.mp4", "rating_key": None}
    assert (item.title, other.title) == ("old", "mine")
    pin = ask(world, "scene_state", scenes=scene)["scenes"][0]["pin"]
    assert pin == {"part": "/plex/elsewhere/b.mp4", "rating_key": None}
    assert done(world, "unpin", scene=scene) == {"scene": scene}
    assert item.title == "mine"
    assert failed(world, "unpin", scene=scene) == f"Scene {scene} has no pin."


def test_adopting_a_path_map_changes_this_one_setting_in_stash(world: World) -> None:
    world.configure(path_map="/wrong=>/elsewhere", plexHost="kept", max_tags=50)
    before = dict(world.settings)
    scene, item = world.pair("sub/a.mp4", title="new", plex={"title": "old"})
    answer = done(world, "adopt_path_map", path_map="/plex=>/data")
    assert (answer["before"], answer["after"]) == ("/wrong=>/elsewhere", "/plex=>/data")
    assert "Reload" in answer["text"]
    saved = world.stash.data.plugin_settings["PlexSync"]
    assert saved == {**before, "path_map": "/plex=>/data"}
    done(world, "sync", scenes=scene)
    assert item.title == "new"


def test_an_unusable_path_map_is_not_adopted(world: World) -> None:
    before = dict(world.settings)
    assert "The path map was not changed" in failed(world, "adopt_path_map", path_map="nonsense")
    assert world.stash.data.plugin_settings["PlexSync"] == before


def test_settings_are_changed_and_every_other_one_stays(world: World) -> None:
    world.configure(plexHost="kept", max_tags=50, no_tags=True)
    before = dict(world.settings)
    scene, item = world.pair("a.mp4", title="new", tags=[world.stash.add_tag("Tall")])
    settings = {"max_tags": 20, "no_tags": False, "max_performers": 30}
    answer = done(world, "save_settings", settings=settings)
    assert answer["changed"] == ["max_performers", "max_tags", "no_tags"]
    assert "Reload" in answer["text"]
    assert world.stash.data.plugin_settings["PlexSync"] == {**before, **settings}
    done(world, "sync", scenes=scene)
    assert item.genre == ["Tall"]


def test_an_empty_text_removes_a_setting(world: World) -> None:
    world.configure(plex_library="Films")
    assert done(world, "save_settings", settings={"plex_library": ""})["changed"] == [
        "plex_library"
    ]
    assert "plex_library" not in world.stash.data.plugin_settings["PlexSync"]
    assert (
        done(world, "save_settings", settings={"plex_library": ""})["text"]
        == "Nothing was changed."
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_tags": 20, "nonsense": 1}, 'no setting "nonsense"'),
        ({"max_tags": 20, "plex_token": "other"}, 'no setting "plex_token"'),
        ({"max_tags": 20, "max_retries": 4711}, "max_retries: 4711 is not a whole number"),
        ({"max_tags": 20, "recovery_strategy": "fast"}, 'recovery_strategy: "fast" is none of'),
    ],
)
def test_of_several_settings_one_that_is_wrong_leaves_all_as_they_were(
    world: World, settings: dict[str, Any], words: str
) -> None:
    before = dict(world.settings)
    assert words in failed(world, "save_settings", settings=settings)
    assert world.stash.data.plugin_settings["PlexSync"] == before


def test_the_plex_token_shows_in_no_result_and_no_log(world: World) -> None:
    done(world, "adopt_path_map", path_map="/plex=>/data")
    folder = os.path.join(world.folder, "results")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            assert world.settings["plex_token"] not in file.read()
    assert world.settings["plex_token"] not in world.said()


def test_clear_dead_letters_removes_a_class_or_all_and_keeps_a_copy(world: World) -> None:
    refused, _ = world.pair("a.mp4")
    fault = refuse(world)
    world.edit(refused, title="new")
    world.run()
    fault.remove()
    none = done(world, "clear", what="dead_letters", **{"class": "PlexNotFound"})
    assert none == {"removed": 0}
    answer = done(world, "clear", what="dead_letters")
    assert answer["removed"] == 1
    with open(os.path.join(world.folder, answer["copy"]), encoding="utf-8") as file:
        assert json.load(file)[0]["scene"] == refused
    assert world.dead_letter(refused) is None


def test_clear_queue_forgets_what_waits(world: World) -> None:
    world.plex.stop()
    scene, _ = world.pair("a.mp4", updated_at=LONG_AGO)
    world.event(scene)
    world.run(minutes=1)
    assert done(world, "clear", what="queue")["removed"] == 1
    assert world.waiting() == {}


def test_what_was_cleared_stays_away_until_it_is_edited_again(world: World) -> None:
    scene, item = world.pair("a.mp4", title="before", plex={"title": "old"})
    world.edit(scene, title="new")
    assert done(world, "clear", what="queue")["removed"] == 1
    world.run(minutes=20)
    assert (world.waiting(), item.title) == ({}, "old"), "no sweep brings it back"
    world.clock.passed += 5
    world.edit(scene, title="newer")
    world.run()
    assert item.title == "newer"


def test_a_command_is_carried_out_once_although_its_record_was_taken_in_twice(
    world: World,
) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", title="new", plex={"title": "old"})
    accepted = order(world, "sync", scenes=scene)
    path = os.path.join(world.folder, "inbox", "new", accepted)
    with open(path, "rb") as file:
        record = file.read()
    world.run()
    assert item.title == "new"
    with open(path, "wb") as file:  # as if the worker had died before it deleted the record
        file.write(record)
    first = told(world, accepted)
    item.title = "somebody's own"
    world.run()
    assert (told(world, accepted), item.title) == (first, "somebody's own")


@pytest.mark.parametrize(
    "sent",
    [
        None,
        7,
        [],
        {},
        {"command": "format_disk", "args": {}},
        {"command": "sync", "args": {"scenes": []}},
        {"command": "sync", "args": {"scenes": [1]}, "more": 1},
        {"command": ["sync"], "args": {}},
        {"command": "clear", "args": {"what": "everything"}},
    ],
)
def test_a_record_that_is_no_command_fails_and_stops_nothing(world: World, sent: object) -> None:
    record = {"id": 1, "type": "PlexSync.Command.Post", "input": sent}
    accepted = inbox.drop(world.folder, json.dumps(record).encode())
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    world.edit(scene, title="new")
    world.run()
    assert told(world, accepted)["state"] == "failed"
    assert item.title == "new"


def test_a_record_by_another_name_is_nobodys_command(world: World) -> None:
    record = {"id": 1, "type": "PlexSync.Command.Post", "input": {"command": "clear"}}
    place = os.path.join(world.folder, "inbox", "new")
    os.makedirs(place, mode=0o700)
    with open(os.path.join(place, "00-by-hand"), "w", encoding="utf-8") as file:
        json.dump(record, file)
    world.run()
    assert os.listdir(place) == []
    assert not os.path.exists(os.path.join(world.folder, "results"))


def test_a_command_that_took_the_worker_down_twice_is_given_up(world: World) -> None:
    old = {"updated_at": LONG_AGO, "plex": {"title": "old"}}
    scene, item = world.pair("a.mp4", title="new", **old)
    accepted = order(world, "sync", scenes=scene)
    path = os.path.join(world.folder, "results", f"{accepted}.json")
    world.run(leave=lambda: "now" if os.path.exists(path) else "")
    with open(path, encoding="utf-8") as file:
        entry = json.load(file)
    assert (entry["state"], told(world, accepted)["state"]) == ("waiting", "waiting")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**entry, "state": "running", "starts": 2}, file)
    assert told(world, accepted)["state"] == "running"
    assert results.commands_waiting(world.folder)
    world.run()
    assert "not tried again" in told(world, accepted)["error"]
    assert item.title == "old"


def test_a_killed_workers_command_is_begun_again_by_the_next(world: World) -> None:
    scene, item = world.pair("a.mp4", title="new", plex={"title": "old"})
    accepted = order(world, "sync", scenes=scene)
    path = os.path.join(world.folder, "results", f"{accepted}.json")
    world.run(leave=lambda: "now" if os.path.exists(path) else "")
    with open(path, encoding="utf-8") as file:
        entry = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**entry, "state": "running", "starts": 1}, file)
    world.run()
    assert (told(world, accepted)["state"], item.title) == ("done", "new")


def test_results_are_private_and_gone_after_a_day(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="new")
    accepted = order(world, "sync", scenes=scene)
    world.run()
    folder = os.path.join(world.folder, "results")
    (name,) = os.listdir(folder)
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o600
    old = f"{int(accepted[:20]) - 86500 * 10**9:020d}{accepted[20:]}"
    os.rename(os.path.join(folder, name), os.path.join(folder, f"{old}.json"))
    assert told(world, old)["state"] == "done"
    later = order(world, "sync", scenes=scene)
    world.run()
    assert told(world, old)["state"] == "unknown"
    assert told(world, later)["state"] == "done"


def test_at_most_so_many_results_are_kept(world: World) -> None:
    first = order(world, "unpin", scene=1)
    world.run(minutes=1)
    results = Path(world.folder, "results")
    text = (results / f"{first}.json").read_text()
    for later in range(1, 510):
        name = f"{int(first[:20]) + later:020}{first[20:]}"
        (results / f"{name}.json").write_text(text.replace(first, name))
    last = order(world, "unpin", scene=1)
    world.run(minutes=1)
    assert told(world, last)["state"] == "failed"
    assert told(world, first)["state"] == "unknown"
    assert len(os.listdir(results)) == 500


def test_the_state_of_a_scene_in_each_case(world: World) -> None:
    def state(scene: int) -> Any:
        return ask(world, "scene_state", scenes=scene)["scenes"][0]

    world.configure(no_poster=True)
    synced, _ = world.pair("a.mp4", title="t")
    nowhere = world.stash.add_scene(files=[("/data/none.mp4", 1)], title="t")
    bare = world.stash.add_scene(files=[("/data/bare.mp4", 1)])
    world.film("bare.mp4")
    refused, _ = world.pair("c.mp4", title="t")
    assert state(synced)["state"] == "unknown"
    for scene in (synced, nowhere, bare):
        world.event(scene)
    world.run(minutes=1)
    fault = refuse(world)
    world.edit(refused, title="u")
    world.run(minutes=1)
    fault.remove()
    assert state(synced)["state"] == "synced"
    target = state(synced)["targets"][0]
    assert target["part"] == "/plex/a.mp4"
    assert "title" in target["written"]
    waiting = state(nowhere)
    assert (waiting["state"], waiting["job"]["last_error"]) == ("waiting", "PlexNotFound")
    assert "no item in Plex holds this file yet" in waiting["detail"]
    assert state(bare)["state"] == "too little metadata"
    failure = state(refused)
    assert (failure["state"], failure["dead_letter"]["error"]) == ("failed", "PlexPermanentError")
    assert "400" in failure["detail"]
    both = ask(world, "scene_state", scenes=[refused, synced])["scenes"]
    assert [each["scene"] for each in both] == [refused, synced]


def test_a_scene_that_somebody_edited_in_plex_says_so_until_it_is_written_again(
    world: World,
) -> None:
    def state() -> Any:
        return ask(world, "scene_state", scenes=scene)["scenes"][0]

    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    world.edit(scene, title="new")
    world.run()
    key = state()["targets"][0]["rating_key"]
    app = world.stores()
    try:
        seen = int(world.clock.now()) + 1
        look = Observation(key, seen, "wish", (("drifted", "title"), ("empty", "studio")), "HIGH")
        app.stores.ledger.save_observations([(scene, [look])])
    finally:
        app.close()
    assert (state()["state"], state()["edited"]) == ("edited in Plex", ["title"])
    world.clock.passed += 5
    item.title = "somebody's own"
    done(world, "sync", scenes=scene)
    assert (state()["state"], state()["edited"], item.title) == ("synced", [], "new")


def test_outages_are_told_as_the_task_tells_them(world: World) -> None:
    empty = ask(world, "outages")
    assert (empty["outages"], empty["availability"], empty["ongoing"]) == ([], 1.0, False)
    scene, _ = world.pair("a.mp4")
    world.plex.stop()
    world.edit(scene, title="new")
    world.run(minutes=5)
    assert ask(world, "outages")["ongoing"]
    world.plex.start()
    world.run(minutes=5)
    found = ask(world, "outages")
    app = world.stores()
    try:
        history = app.outages.history
        assert found["mttr"] == history.mttr()
        assert found["availability"] == history.availability(world.clock.now())
    finally:
        app.close()
    assert found["outages"][0]["jobs_recovered"] == 1
    assert not found["ongoing"]


def test_a_clear_spares_what_was_saved_after_it(world: World) -> None:
    before, _ = world.pair("a.mp4", plex={"title": "old"})
    after, item = world.pair("b.mp4", plex={"title": "old"})
    world.edit(before, title="new")
    accepted = order(world, "clear", what="queue")
    world.edit(after, title="new")
    second = order(world, "clear", what="queue")
    third = order(world, "sync", scenes=[after])
    world.run()
    assert [told(world, each)["output"]["removed"] for each in (accepted, second)] == [1, 1]
    assert told(world, third)["output"] == {"queued": 1}
    assert item.title == "new"


def test_a_killed_worker_keeps_the_order_of_commands_and_events(world: World) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    order(world, "clear", what="queue")
    world.edit(scene, title="new")
    app = world.stores()
    try:  # taken over, and then the worker died
        Intake(
            world.folder, app.stores.queue, app.stores.ledger, app.stores.dead_letters, app.log
        ).take_in(world.clock.now())
        assert not app.stores.queue.jobs
    finally:
        app.close()
    world.run()
    assert item.title == "new"


def test_clear_queue_as_a_task_knows_commands_that_were_given_before_it(world: World) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "old"})
    accepted = order(world, "sync", scenes=[scene])
    world.edit(scene, title="new")
    app = world.stores()
    try:
        app.worker(lambda: "").take_in(world.clock.now())
        assert list(app.stores.queue.jobs) == [scene]
    finally:
        app.close()
    assert told(world, accepted)["state"] == "done"


def test_what_waits_for_a_task_says_so_at_once(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="T")
    accepted = order(world, "sync", scenes=[scene])
    assert (told(world, accepted)["state"], told(world, accepted)["why"]) == ("waiting", None)
    task = LockFile(f"{world.folder}/takeover.lock")
    assert task.acquire()
    assert told(world, accepted)["why"] == outcomes.TASK_AT_WORK
    task.release()
    world.run()
    assert (told(world, accepted)["state"], told(world, accepted)["why"]) == ("done", None)
