"""Queries and mutations over GraphQL, with the true schema and with the part that is shipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    build_client_schema,
    introspection_from_schema,
)

from simulator.stash import StashSim
from simulator.stash_schema import TRUE_SCHEMA, load_schema

needs_true_schema = pytest.mark.skipif(
    not os.path.exists(TRUE_SCHEMA), reason="Stash's true schema is not at hand"
)


@pytest.fixture(params=["part", pytest.param("whole", marks=needs_true_schema)])
def sim(request: Any) -> Iterator[StashSim]:
    """A Stash with three scenes, at 01:00, 02:00 and 03:00 of a day, server time +01:00."""
    with StashSim(whole_schema=request.param == "whole", api_key="KEY") as sim:
        first, second = sim.add_performer("Zoe"), sim.add_performer("Ann")
        tags = [sim.add_tag(name) for name in ("zebra", "Apple")]
        studio, group = sim.add_studio("House"), sim.add_group("Series")
        sim.add_scene(
            "One",
            [("/data/A b/One.mp4", 1000), ("/data/copy.mp4", 1000)],
            details="d",
            date="2020-05",
            rating100=80,
            code="C1",
            director="D",
            performers=[second, first],
            tags=tags,
            studio=studio,
            groups=[(group, 3)],
            updated_at="2026-01-11T01:00:00+01:00",
        )
        sim.add_scene("Two", [("/data/100%/two.mkv", 2000)], updated_at="2026-01-11T01:00:00Z")
        sim.add_scene("", [], updated_at="2026-01-11T03:00:00+01:00")
        yield sim


FULL = """
query Batch { a: findScene(id: 1) {...S} none: findScene(id: 99) {...S} }
fragment S on Scene {
  id title code details director date rating100 organized urls created_at updated_at
  studio { id name parent_studio { id } image_path } performers { id name image_path }
  tags { id name aliases } groups { group { id name } scene_index }
  files { id path basename size duration width height mod_time fingerprints { type value }
          fingerprint(type: "oshash") }
  stash_ids { endpoint stash_id updated_at } paths { screenshot stream } o_counter play_count
}
"""


def test_a_scene_is_told_whole(sim: StashSim, ask: Any) -> None:
    data = ask(sim, FULL)
    scene = data["a"]
    assert data["none"] is None
    assert (scene["id"], scene["title"], scene["code"], scene["date"]) == (
        "1",
        "One",
        "C1",
        "2020-05",
    )
    assert scene["updated_at"] == "2026-01-11T01:00:00+01:00"
    assert [p["name"] for p in scene["performers"]] == ["Zoe", "Ann"]  # by id
    assert [t["name"] for t in scene["tags"]] == ["Apple", "zebra"]  # by name
    assert scene["groups"] == [{"group": {"id": "1", "name": "Series"}, "scene_index": 3}]
    assert (scene["studio"]["name"], scene["studio"]["parent_studio"]) == ("House", None)
    file = scene["files"][0]
    assert (file["path"], file["basename"], file["size"]) == ("/data/A b/One.mp4", "One.mp4", 1000)
    assert {"type": "oshash", "value": file["fingerprint"]} in file["fingerprints"]
    stamp = int(sim.scene(1).updated_at)
    assert scene["paths"]["screenshot"] == f"{sim.url}/scene/1/screenshot?t={stamp}"
    assert scene["paths"]["stream"].endswith("?apikey=KEY")


def test_what_is_unset_is_empty_text_or_null_as_in_stash(sim: StashSim, ask: Any) -> None:
    scene = ask(
        sim,
        "{findScene(id:3){title code details director date rating100 studio{id} "
        "files{id} performers{id} groups{scene_index} urls stash_ids{endpoint}}}",
    )
    assert scene["findScene"] == {
        **dict.fromkeys(("title", "code", "details", "director"), ""),
        **dict.fromkeys(("date", "rating100", "studio")),
        **dict.fromkeys(("files", "performers", "groups", "urls", "stash_ids"), []),
    }  # fmt: skip


def test_times_follow_the_servers_zone(sim: StashSim, ask: Any) -> None:
    sim.core.utc_offset_minutes = 0
    assert ask(sim, "{findScene(id:1){updated_at}}")["findScene"]["updated_at"] == (
        "2026-01-11T00:00:00Z"
    )
    sim.core.utc_offset_minutes = -210
    assert ask(sim, "{findScene(id:1){updated_at}}")["findScene"]["updated_at"] == (
        "2026-01-10T20:30:00-03:30"
    )


FIND = """query Find($scene: SceneFilterType, $filter: FindFilterType, $ids: [ID!]) {
  findScenes(scene_filter: $scene, filter: $filter, ids: $ids) { count filesize scenes { id } } }"""


def ids(data: Any) -> list[str]:
    return [scene["id"] for scene in data["findScenes"]["scenes"]]


@pytest.mark.parametrize(
    ("modifier", "value", "found"),
    [
        ("EQUALS", "/data/a B/one.MP4", ["1"]),
        ("EQUALS", "/data/copy.mp4", ["1"]),
        ("EQUALS", "/data/_00%/two.mkv", ["2"]),
        ("EQUALS", "/data/100%", ["2"]),
        ("EQUALS", "data", []),
        ("INCLUDES", "b/One nowhere", ["1"]),
        ("INCLUDES", '"b/One nowhere"', []),
        ("INCLUDES", '"/A b/"', ["1"]),
        ("EXCLUDES", "one", ["2", "3"]),
        ("MATCHES_REGEX", r"\d%/", ["2"]),
    ],
)
def test_paths_are_compared_like_sql_does(
    sim: StashSim, ask: Any, modifier: str, value: str, found: list[str]
) -> None:
    criterion = {"path": {"value": value, "modifier": modifier}}
    assert ids(ask(sim, FIND, {"scene": criterion})) == found


@pytest.mark.parametrize(
    ("modifier", "value", "found"),
    [
        ("GREATER_THAN", "2026-01-11T01:00:00+01:00", ["2", "3"]),
        ("GREATER_THAN", "2026-01-11T01:59:59Z", ["2", "3"]),  # text, not time: an hour off
        ("LESS_THAN", "2026-01-11T03:00:00+01:00", ["1", "2"]),
        ("EQUALS", "2026-01-11T02:00:00+01:00", ["2"]),
    ],
)
def test_times_are_compared_as_texts(
    sim: StashSim, ask: Any, modifier: str, value: str, found: list[str]
) -> None:
    criterion = {"updated_at": {"value": value, "modifier": modifier}}
    assert ids(ask(sim, FIND, {"scene": criterion})) == found


def test_scenes_are_found_by_what_they_refer_to(sim: StashSim, ask: Any) -> None:
    for name, value in (("performers", [1]), ("tags", [2]), ("studios", [1]), ("groups", [1])):
        include = {name: {"value": value, "modifier": "INCLUDES"}}
        assert ids(ask(sim, FIND, {"scene": include})) == ["1"]
        assert ids(ask(sim, FIND, {"scene": {"NOT": include}})) == ["2", "3"]
    assert ids(ask(sim, FIND, {"scene": {"organized": True}})) == []


def test_paging_and_sorting(sim: StashSim, ask: Any) -> None:
    for number in range(30):
        sim.add_scene(f"n{number}", updated_at=2e9 + number)
    assert len(ids(ask(sim, FIND))) == 25
    everything = ask(sim, FIND, {"filter": {"per_page": -1}})
    assert (len(ids(everything)), everything["findScenes"]["count"]) == (33, 33)
    assert ids(ask(sim, FIND, {"filter": {"per_page": 0}})) == []
    newest = {"sort": "updated_at", "direction": "DESC", "per_page": 2}
    assert ids(ask(sim, FIND, {"filter": newest})) == ["33", "32"]
    assert ids(ask(sim, FIND, {"filter": {**newest, "page": 2}})) == ["31", "30"]
    assert ids(ask(sim, FIND, {"filter": {**newest, "page": -5}})) == ["33", "32"]
    assert ids(ask(sim, FIND, {"filter": {"q": "n29"}})) == ["33"]
    assert len(ids(ask(sim, FIND, {"ids": []}))) == 25


def errors(sim: StashSim, variables: Any, query: str = FIND) -> tuple[int, str]:
    body = {"query": query, "variables": variables}
    answer = requests.post(f"{sim.url}/graphql", json=body, timeout=20)
    return answer.status_code, answer.json()["errors"][0]["message"]


def test_ids_come_in_order_and_one_unknown_spoils_all(sim: StashSim, ask: Any) -> None:
    assert ids(ask(sim, FIND, {"ids": [3, "1"]})) == ["3", "1"]
    assert errors(sim, {"ids": [1, 7]}) == (200, "scene with id 7 not found")
    assert errors(sim, {"ids": [1, 1]})[0] == 200
    assert errors(sim, {"filter": {"sort": "colour"}}) == (200, "invalid sort: colour")


def test_variables_are_taken_leniently_but_unknown_fields_are_not(sim: StashSim, ask: Any) -> None:
    assert len(ids(ask(sim, FIND, {"filter": {"per_page": "2"}}))) == 2
    assert ids(ask(sim, FIND, {"ids": 2})) == ["2"]
    edit = "mutation($t: String){sceneUpdate(input:{id:1,title:$t}){title}}"
    assert ask(sim, edit, {"t": 5})["sceneUpdate"]["title"] == "5"
    assert errors(sim, {"filter": {"colour": 1}})[0] == 400
    assert errors(sim, {"filter": {"per_page": "many"}})[0] == 400


def test_a_variable_that_was_not_sent_counts_as_null(sim: StashSim, ask: Any) -> None:
    edit = "mutation($t: String, $d: String){sceneUpdate(input:{id:1,title:$t,details:$d}){title}}"
    ask(sim, edit, {"d": "new"})
    assert (sim.scene(1).title, sim.scene(1).details) == ("", "new")


def test_settings_are_missing_until_saved_and_replaced_whole(sim: StashSim, ask: Any) -> None:
    query = "query($i:[ID!]){configuration{plugins(include:$i)}}"
    assert ask(sim, "{configuration{plugins}}")["configuration"]["plugins"] == {}
    sim.set_plugin_settings({"plex_url": "http://x", "max_tags": 5, "pause_sync": False})
    assert ask(sim, query, {"i": ["PlexSync"]})["configuration"]["plugins"] == {
        "PlexSync": {"plex_url": "http://x", "max_tags": 5, "pause_sync": False}
    }
    assert ask(sim, query, {"i": ["Other"]})["configuration"]["plugins"] == {}
    change = 'mutation($m: Map!){configurePlugin(plugin_id:"PlexSync",input:$m)}'
    ask(sim, change, {"m": {"a": [1, {"b": None}]}})
    assert sim.data.plugin_settings["PlexSync"] == {"a": [1, {"b": None}]}


MUTATIONS = """mutation {
  a: sceneUpdate(input: {id: 1, title: " New ", tag_ids: [1], studio_id: null}) { id title }
  b: bulkSceneUpdate(input: {ids: [1, 2], tag_ids: {ids: [2], mode: ADD}, rating100: 20}) { id }
  c: scenesUpdate(input: [{id: 2, title: "Second"}]) { title }
  d: performerUpdate(input: {id: 1, name: "Zora", favorite: true}) { name favorite }
  e: tagUpdate(input: {id: 1, name: "horse", aliases: ["x"]}) { name aliases }
  f: studioUpdate(input: {id: 1, name: "Home"}) { name }
  g: groupUpdate(input: {id: 1, name: "Saga"}) { name }
  h: tagsMerge(input: {source: [1], destination: 2}) { id }
  i: sceneDestroy(input: {id: 3, delete_file: false})
  j: performersDestroy(ids: [2])
  k: studioDestroy(input: {id: 1})
}"""


def test_a_client_can_do_what_the_python_calls_do(sim: StashSim, ask: Any) -> None:
    data = ask(sim, MUTATIONS)
    assert data["a"] == {"id": "1", "title": "New"}
    assert data["d"] == {"name": "Zora", "favorite": True}
    assert data["e"] == {"name": "horse", "aliases": ["x"]}
    scene = sim.scene(1)
    assert (scene.tags, scene.studio, scene.rating100, scene.performers) == ([2], None, 20, [1])
    assert (sim.scene(2).title, sim.scene(2).tags) == ("Second", [2])
    assert sorted(sim.data.scenes) == [1, 2]
    assert ask(sim, "mutation{scenesDestroy(input:{ids:[1,2]})}")["scenesDestroy"] is True
    assert sim.data.scenes == {}


def test_a_refused_change_changes_nothing(sim: StashSim) -> None:
    change = 'mutation{sceneUpdate(input:{id:1,date:"soon"}){id}}'
    assert "cannot parse" in errors(sim, None, change)[1]
    assert (
        "FOREIGN KEY" in errors(sim, None, "mutation{sceneUpdate(input:{id:1,tag_ids:[9]}){id}}")[1]
    )
    assert "not found" in errors(sim, None, 'mutation{tagUpdate(input:{id:9,name:"x"}){id}}')[1]
    assert sim.scene(1).date == "2020-05"


def test_status_version_and_what_is_not_served(sim: StashSim, ask: Any) -> None:
    data = ask(sim, "{systemStatus{status os} version{version hash} plugins{id} jobQueue{id}}")
    assert data["systemStatus"]["status"] == "OK"
    assert (data["plugins"], data["jobQueue"]) == ([{"id": "PlexSync"}], None)


@needs_true_schema
def test_a_field_that_is_not_simulated_says_so() -> None:
    with StashSim(whole_schema=True) as sim:
        assert "does not serve" in errors(sim, None, "{stats{scene_count}}")[1]


# --- the schema


@needs_true_schema
def test_the_shipped_part_agrees_with_the_true_schema() -> None:
    part, whole = load_schema(whole=False), load_schema(whole=True)
    for name, kind in part.type_map.items():
        if name.startswith("__"):
            continue
        true = whole.type_map[name]
        assert type(kind) is type(true), name
        if isinstance(kind, (GraphQLObjectType, GraphQLInputObjectType)):
            fields = [field for field in true.fields if field in kind.fields]
            assert list(kind.fields) == fields, name  # the order matters: hooks follow it
            for field, value in kind.fields.items():
                assert str(value.type) == str(true.fields[field].type), f"{name}.{field}"
                arguments = getattr(value, "args", {})
                known = getattr(true.fields[field], "args", {})
                for argument in arguments:
                    assert str(arguments[argument].type) == str(known[argument].type)
        elif isinstance(kind, GraphQLEnumType):
            assert list(kind.values) == list(true.values), name


@needs_true_schema
def test_hook_inputs_are_whole_in_the_shipped_part() -> None:
    part, whole = load_schema(whole=False), load_schema(whole=True)
    for name in ("BulkSceneUpdateInput", "TagUpdateInput", "GroupUpdateInput", "TagsMergeInput"):
        assert list(part.type_map[name].fields) == list(whole.type_map[name].fields)


def test_the_schema_can_be_introspected(sim: StashSim) -> None:
    assert build_client_schema(introspection_from_schema(sim.core.schema)).query_type
