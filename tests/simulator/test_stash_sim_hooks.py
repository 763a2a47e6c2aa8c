"""Hooks are fired with the bytes that Stash sends, when Stash sends them, and only then."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.stash import BadInput, StashSim

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "hooks"
SCENE_KEYS = [
    "clientMutationId",
    "id",
    "title",
    "code",
    "details",
    "director",
    "url",
    "urls",
    "date",
    "rating100",
    "o_counter",
    "organized",
    "studio_id",
    "gallery_ids",
    "performer_ids",
    "movies",
    "groups",
    "tag_ids",
    "cover_image",
    "stash_ids",
    "resume_time",
    "play_duration",
    "play_count",
    "primary_file_id",
]


def fill(sim: StashSim, count: int = 40) -> None:
    """Scenes 1..count and six of everything else."""
    for number in range(1, count + 1):
        sim.add_scene(f"Scene {number}", [(f"/data/{number}.mp4", number)])
    for number in range(1, 7):
        sim.add_performer(f"P{number}")
        sim.add_studio(f"S{number}")
        sim.add_tag(f"T{number}")
        sim.add_group(f"G{number}")


def traces(sim: StashSim, scene: int, checksum: str, path: str) -> None:
    """Give a scene's file the fingerprints and path of a fixture."""
    file = sim.scene(scene).files[0]
    file.checksum, file.oshash, file.path = checksum, checksum[:16], path


def destroy(sim: StashSim) -> None:
    path = "/data/media/Indie & Co./ünïcode é 10.mkv"
    traces(sim, 10, "4beee467798040d132dff671e719d223", path)
    sim.destroy(10, delete_file=False)


def destroy_two(sim: StashSim) -> None:
    folder = "/data/media/Meadow Winter 0"
    traces(sim, 11, "353bb085d2291c80d7918e1e09e464fa", f"{folder}/per%cent 11.mkv")
    traces(sim, 12, "4ca4e0f05fb82df334f00d70b5f9e3c7", f"{folder}/with spaces 12.mp4")
    sim.destroy_many([11, 12])


def clean(sim: StashSim) -> None:
    path = "/data/media/Ember Velvet 2/un'apostrophe 13.wmv"
    traces(sim, 13, "dc32f39c9a4abc0b8191c24fd1baf48b", path)
    sim.clean(13)


def update(sim: StashSim) -> None:
    details = "Line one\nLine two <b>&"
    fields = {"title": "New title", "details": details, "date": "2021-03-04"}
    sim.edit(7, **fields, performer_ids=[], tag_ids=[1, 2])


def scan(sim: StashSim) -> None:
    for number in range(31, 41):
        del sim.data.scenes[number]
    sim.data._ids["scene"] = iter([31])  # type: ignore[assignment]
    sim.scan_new("/data/new.mp4", 5)


SAVES: dict[str, Callable[[StashSim], Any]] = {
    "scene-create-scan": scan,
    "scene-update": update,
    "scene-update-organized": lambda sim: sim.organize(7),
    "scene-update-moved": lambda sim: sim.move_file(4, "/data/moved.mp4"),
    "scene-update-identify": lambda sim: sim.identify(5, title="Found", tag_ids=[1]),
    "scene-bulk-update": lambda sim: sim.bulk_edit([8, 9], tag_ids={"ids": [3], "mode": "ADD"}),
    "scenes-update": lambda sim: sim.scenes_update(
        [{"id": 8, "rating100": 80}, {"id": 9, "rating100": 60}]
    ),
    "scene-destroy": destroy,
    "scenes-destroy": destroy_two,
    "scene-destroy-clean": clean,
    "performer-update": lambda sim: sim.rename_performer(3, "Renamed"),
    "performer-destroy": lambda sim: sim.destroy_performer(4),
    "studio-update": lambda sim: sim.rename_studio(2, "Renamed studio"),
    "studio-destroy": lambda sim: sim.destroy_studio(3),
    "tag-update": lambda sim: sim.rename_tag(3, "Renamed tag"),
    "tag-destroy": lambda sim: sim.destroy_tag([5, 6]),
    "tag-merge": lambda sim: sim.merge_tags([4], 1),
    "task": lambda sim: sim.run_task(None, {"mode": "do"}),
}


def without_accidents(call: bytes) -> bytes:
    """The input with what differs from run to run replaced; inputFields sorted."""
    call = re.sub(rb'"Port":\d+', b'"Port":0', call)
    call = re.sub(rb'("(?:Value|Dir|PluginDir)"):"[^"]*"', rb'\1:""', call)
    return re.sub(
        rb'(?<="inputFields":\[)[^]]*(?=\])',
        lambda found: b",".join(sorted(found[0].split(b","))),
        call,
    )


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recorded inputs are not at hand")
@pytest.mark.parametrize("name", SAVES)
def test_the_input_is_what_stash_sends_byte_for_byte(
    stash: StashSim, recorder: Any, name: str
) -> None:
    recorded = sorted(FIXTURES.glob(f"{name}.json")) or sorted(FIXTURES.glob(f"{name}-[0-9].json"))
    assert recorded
    fill(stash)
    SAVES[name](stash)
    sent = [without_accidents(call) for call in recorder.calls()]
    assert sent == [without_accidents(path.read_bytes()) for path in recorded]


def test_every_recorded_input_has_its_test() -> None:
    names = {re.sub(r"-\d$", "", path.stem) for path in FIXTURES.glob("*.json")}
    assert names <= set(SAVES)


def test_an_update_holds_every_field_and_inputfields_tell_what_was_sent(
    stash: StashSim, recorder: Any
) -> None:
    scene = stash.add_scene("Old")
    runs = stash.edit(scene, title=" New ", studio_id=None)
    (context,) = recorder.contexts()
    assert (context["id"], context["type"]) == (scene, "Scene.Update.Post")
    assert list(context["input"]) == SCENE_KEYS
    assert context["input"]["title"] == " New " and stash.scene(scene).title == "New"
    assert sorted(context["inputFields"]) == ["id", "studio_id", "title"]
    assert [run.output for run in runs] == ["ok"]
    assert runs[0].stdin == recorder.calls()[0]


def test_nested_inputs_hold_all_their_fields_too(stash: StashSim, recorder: Any) -> None:
    scene, group = stash.add_scene(), stash.add_group("G")
    link = {"endpoint": "https://box", "stash_id": "abc"}
    stash.edit(scene, groups=[{"group_id": group}], stash_ids=[link])
    (context,) = recorder.contexts()
    assert context["input"]["groups"] == [{"group_id": "1", "scene_index": None}]
    assert context["input"]["stash_ids"] == [{"updated_at": None, **link}]


def test_a_bulk_update_leaves_out_what_is_null_or_empty(stash: StashSim, recorder: Any) -> None:
    scenes = [stash.add_scene(), stash.add_scene()]
    tag = stash.add_tag("t")
    change = {"ids": [tag], "mode": "ADD"}
    stash.bulk_edit(scenes, performer_ids=[], tag_ids=change, title=None)
    first, second = recorder.contexts()
    assert (first["id"], second["id"]) == tuple(scenes)
    assert first["input"] == {
        "ids": ["1", "2"],
        "performer_ids": {"mode": "SET"},
        "tag_ids": {"ids": ["1"], "mode": "ADD"},
    }
    assert sorted(first["inputFields"]) == ["ids", "performer_ids", "tag_ids", "title"]


def test_the_order_of_inputfields_is_random_but_repeatable() -> None:
    def orders(seed: int) -> list[str]:
        sim = StashSim(seed=seed)
        return [str(sim.core.mutations._shuffled(dict.fromkeys(SCENE_KEYS))) for _ in range(3)]

    assert orders(1) == orders(1) != orders(2)
    assert len(set(orders(1))) == 3


def test_the_edit_form_sends_all_its_fields(stash: StashSim, recorder: Any) -> None:
    scene = stash.add_scene("Old", tags=[stash.add_tag("t")], date="2020")
    stash.edit_form(scene, title="New")
    (context,) = recorder.contexts()
    assert len(context["inputFields"]) == 13
    assert context["input"]["tag_ids"] == ["1"] and context["input"]["date"] == "2020"
    assert (stash.scene(scene).title, stash.scene(scene).tags) == ("New", [1])


def test_a_cover_upload_travels_whole_through_the_hook(stash: StashSim, recorder: Any) -> None:
    scene, picture = stash.add_scene(), b"\xff\xd8\xff" + b"x" * 2_000_000
    stash.set_cover(scene, picture)
    (context,) = recorder.contexts()
    assert context["input"]["cover_image"].startswith("data:image/jpeg;base64,/9j/")
    assert stash.scene(scene).cover == picture


def test_identify_sends_the_bare_picture_groups_as_movies_and_no_id(
    stash: StashSim, recorder: Any
) -> None:
    scene, group = stash.add_scene(), stash.add_group("G")
    stash.identify(scene, cover_image=b"\xff\xd8\xffpic", groups=[group], title="Found")
    (context,) = recorder.contexts()
    assert context["inputFields"] == ["title", "movies", "cover_image"]
    assert base64.b64decode(context["input"]["cover_image"]) == b"\xff\xd8\xffpic"
    assert context["input"]["movies"] == [{"movie_id": "1", "scene_index": None}]
    assert stash.scene(scene).groups == [(group, None)]


def test_text_is_escaped_as_go_does_it(stash: StashSim, recorder: Any) -> None:
    scene = stash.add_scene()
    stash.edit(scene, title="<a>&\u2028é\U0001f600\ud800\x01")
    (call,) = recorder.calls()
    assert '"title":"\\u003ca\\u003e\\u0026\\u2028é\U0001f600\ufffd\\u0001"'.encode() in call
    assert not call.endswith(b"\n")


def test_groups_fire_under_both_names_only_for_those_who_listen(
    stash: StashSim, recorder: Any
) -> None:
    group = stash.add_group("G")
    stash.rename_group(group, "H")
    assert [c["type"] for c in recorder.contexts()] == ["Group.Update.Post"]
    recorder.forget()
    recorder.write(["Group.Update.Post", "Movie.Update.Post", "Movie.Destroy.Post"])
    with StashSim(str(recorder.folder)) as other:
        other.rename_group(other.add_group("G"), "H")
        other.destroy_group(1)
    types = [c["type"] for c in recorder.contexts()]
    assert types == ["Group.Update.Post", "Movie.Update.Post", "Movie.Destroy.Post"]
    assert recorder.contexts()[0]["input"] == {"id": "1", "name": "H"}


def test_nobody_is_called_for_plays_auto_tag_and_merges_of_scenes_and_performers(
    stash: StashSim, recorder: Any
) -> None:
    one, two = stash.add_scene("1"), stash.add_scene("2")
    first, second = stash.add_performer("a"), stash.add_performer("b")
    stash.scene(one).performers = [second]
    stash.play(one)
    stash.auto_tag(one, tags=[stash.add_tag("t")])
    stash.merge_performers([second], first)
    stash.merge_scenes([two], one)
    assert recorder.calls() == [] and stash.runs == []
    assert stash.scene(one).performers == [first]
    assert len(stash.scene(one).files) == 2 and two not in stash.data.scenes


def test_a_switched_off_plugin_hears_nothing(stash: StashSim, recorder: Any) -> None:
    scene = stash.add_scene()
    stash.enable_plugin(False)
    assert stash.edit(scene, title="x") == []
    stash.enable_plugin(True)
    assert len(stash.edit(scene, title="y")) == 1


def test_updated_at_moves_exactly_when_stash_moves_it(recorder: Any) -> None:
    hand = [1000.0]
    sim = StashSim(clock=lambda: hand[0])
    sim.add_performer("p"), sim.add_tag("t"), sim.add_tag("u"), sim.add_studio("s")
    scene = sim.add_scene(performers=[1], tags=[1], studio=1)

    def moves(act: Callable[[], Any]) -> bool:
        hand[0] += 10
        act()
        return sim.scene(scene).updated_at == hand[0]

    assert moves(lambda: sim.edit(scene))
    assert moves(lambda: sim.bulk_edit([scene], organized=True))
    assert moves(lambda: sim.scenes_update([{"id": scene}]))
    assert moves(lambda: sim.identify(scene, title="x"))
    assert moves(lambda: sim.auto_tag(scene))
    assert moves(lambda: sim.add_file(scene, "/data/b.mp4", 5))
    assert not moves(lambda: sim.move_file(scene, "/data/c.mp4"))
    assert not moves(lambda: sim.scan_changed(scene, size=9))
    assert not moves(lambda: sim.play(scene))
    assert not moves(lambda: sim.rename_performer(1, "q"))
    assert not moves(lambda: sim.merge_tags([1], 2))
    assert not moves(lambda: sim.destroy_studio(1))
    assert not moves(lambda: sim.destroy_performer([1]))
    stored = sim.scene(scene)
    assert (stored.tags, stored.studio, stored.performers) == ([2], None, [])


def test_the_cover_of_a_new_file_comes_after_its_hook(recorder: Any, ask: Any) -> None:
    body = """
        import urllib.request
        at = call["server_connection"]
        url = f"http://{at['Host']}:{at['Port']}/scene/{call['args']['hookContext']['id']}/screenshot"
        kind = urllib.request.urlopen(url).headers["Content-Type"]
        print(json.dumps({"output": kind}))
    """
    recorder.write(["Scene.Create.Post", "Scene.Update.Post"], body)
    with StashSim(str(recorder.folder), host="0.0.0.0") as sim:
        scene = sim.scan_new("/data/new.mp4", 77)
        assert sim.runs[-1].output == "image/svg+xml"
        assert sim.edit(scene, organized=True)[0].output == "image/jpeg"
        assert (sim.scene(scene).title, sim.scene(scene).files[0].size) == ("", 77)


def test_a_scan_runs_hooks_of_several_files_at_once(recorder: Any) -> None:
    """Each hook waits until a second one has been recorded, so they must overlap."""
    body = f"""
        deadline = time.monotonic() + 20
        while len(os.listdir({str(recorder.heard)!r})) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        print(json.dumps({{"output": time.monotonic() < deadline}}))
    """
    recorder.write(["Scene.Create.Post"], body)
    with StashSim(str(recorder.folder), parallel_hooks=2) as sim:
        ids = sim.scan_many([f"/data/{n}.mp4" for n in range(4)])
    assert len(set(ids)) == 4
    assert [run.output for run in sim.runs] == [True] * 4


def test_a_bulk_edit_whose_client_leaves_kills_the_hook_and_skips_the_rest(
    recorder: Any,
) -> None:
    recorder.write(["Scene.Update.Post"], "time.sleep(60)")
    with StashSim(str(recorder.folder)) as sim:
        scenes = [sim.add_scene() for _ in range(3)]
        sim.patience = 0.5
        (run,) = sim.bulk_edit(scenes, title="All")
        assert (run.exit_code, run.error) == (-9, "operation cancelled")
        assert [sim.scene(i).title for i in scenes] == ["All"] * 3
        assert any("operation cancelled" in line.text for line in sim.log)


def test_a_hook_that_fails_does_not_fail_the_save(recorder: Any) -> None:
    recorder.write(["Scene.Update.Post"], "print('\\x01w\\x02hm', file=sys.stderr); sys.exit(2)")
    with StashSim(str(recorder.folder)) as sim:
        scene = sim.add_scene()
        (run,) = sim.edit(scene, title="kept")
        assert sim.scene(scene).title == "kept"
        assert run.error == "exit status 2"
        assert [(line.level, line.text) for line in sim.log] == [
            ("warning", "[Plugin / Recorder] hm"),
            ("error", "Scene.Update.Post [Recorder]: returned error: exit status 2"),
        ]


def test_a_hook_that_cannot_be_started_is_logged_and_ends_the_row(recorder: Any) -> None:
    triggers = ["Scene.Update.Post"] * 2
    with StashSim(recorder.write(triggers), python="/no/such/python") as sim:
        (run,) = sim.edit(sim.add_scene(), title="x")
        assert run.exit_code is None
        assert sim.log[0].text.startswith("error executing post hooks: error running plugin")


def test_a_mistyped_field_is_the_testers_mistake() -> None:
    sim = StashSim()
    scene = sim.add_scene()
    with pytest.raises(BadInput, match="titel"):
        sim.edit(scene, titel="x")


def test_the_connection_block_tells_host_port_and_folders(stash: StashSim, recorder: Any) -> None:
    stash.edit(stash.add_scene(), organized=True)
    block = json.loads(recorder.calls()[0])["server_connection"]
    assert (block["Scheme"], block["Host"], block["Port"]) == ("http", "0.0.0.0", stash.port)
    assert block["PluginDir"] == str(recorder.folder)
    assert block["Dir"] == str(recorder.folder.parent.parent)
    assert list(block) == list(stash.server_connection())
