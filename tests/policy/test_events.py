from __future__ import annotations

import json

import pytest

from plexsync.model.event import parse_event
from plexsync.model.job import Job
from plexsync.policy.events import Action, DetailsChanged, Expand, actions_of


def after(record: str) -> tuple[Action, ...]:
    return actions_of(parse_event(record.encode(), at=1.0))


def update(*fields: str) -> tuple[Action, ...]:
    return after(json.dumps({"id": 45, "type": "Scene.Update.Post", "inputFields": fields}))


def job(reason: str) -> Job:
    return Job(scene=45, reason=reason, born=1.0)


def ids(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


@pytest.mark.parametrize(
    "fields",
    [
        ("id", "organized"),
        ("id", "o_counter", "play_count", "play_duration", "resume_time"),
        ("ids", "organized"),
        ("id", "clientMutationId"),
        ("id", "stash_ids", "url", "urls"),
        (),
    ],
)
def test_fields_that_plex_never_shows_make_no_job(fields: tuple[str, ...]) -> None:
    assert update(*fields) == ()


@pytest.mark.parametrize(
    "field",
    [
        "title",
        "details",
        "date",
        "studio_id",
        "performer_ids",
        "tag_ids",
        "groups",
        "movies",
        "group_ids",
        "rating100",
        "code",
        "director",
        "cover_image",
        "primary_file_id",
        "a_field_of_tomorrow",
    ],
)
def test_any_other_field_makes_a_job(field: str) -> None:
    assert update("id", "organized", field) == (job("update"),)


def test_an_update_by_a_scan_always_makes_a_job() -> None:
    scanned = '{"id":45,"type":"Scene.Update.Post","input":null}'
    assert after(scanned) == (job("scan"),)


def test_a_new_scene_makes_a_job() -> None:
    assert after('{"id":45,"type":"Scene.Create.Post","input":null}') == (job("create"),)


@pytest.mark.parametrize(
    "sent",
    [
        '{"ids":["45","46"],"performer_ids":{"mode":"SET"}}',
        '[{"id":"45","title":"x"},{"id":"46","title":"y"}]',
        "null",
        '{"id":"99"}',
    ],
)
def test_the_id_of_the_hook_names_the_scene_whatever_the_input(sent: str) -> None:
    record = f'{{"id":45,"type":"Scene.Update.Post","input":{sent},"inputFields":["title"]}}'
    assert after(record) == (job("update"),)


@pytest.mark.parametrize("more", ["", ',"inputFields":["organized"]'])
def test_whether_a_scene_is_destroyed_is_asked_of_stash_by_the_weakest_job(more: str) -> None:
    clean = f'{{"id":45,"type":"Scene.Destroy.Post"{more}}}'
    assert after(clean) == (job("scan"),)


@pytest.mark.parametrize("subject", ["Performer", "Studio", "Tag", "Group"])
def test_a_rename_reaches_every_scene_of_the_entity(subject: str) -> None:
    record = {"id": 3, "type": f"{subject}.Update.Post", "inputFields": ["id", "name"]}
    assert after(json.dumps(record)) == (Expand(subject.lower(), ids(3)),)
    del record["inputFields"]
    told = DetailsChanged(subject.lower(), 3)
    assert after(json.dumps(record)) == (Expand(subject.lower(), ids(3)), told)


@pytest.mark.parametrize(
    ("subject", "field"),
    [("Performer", "details"), ("Studio", "image"), ("Tag", "description"), ("Group", "synopsis")],
)
def test_a_text_or_picture_concerns_what_shows_it(subject: str, field: str) -> None:
    record = {"id": 3, "type": f"{subject}.Update.Post", "inputFields": ["id", field]}
    assert after(json.dumps(record)) == (DetailsChanged(subject.lower(), 3),)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("Performer", "disambiguation"),
        ("Performer", "gender"),
        ("Performer", "favorite"),
        ("Performer", "alias_list"),
        ("Performer", "tag_ids"),
        ("Studio", "parent_id"),
        ("Studio", "aliases"),
        ("Tag", "parent_ids"),
        ("Tag", "child_ids"),
        ("Tag", "aliases"),
    ],
)
def test_so_does_what_a_recipe_can_look_at(subject: str, field: str) -> None:
    record = {"id": 3, "type": f"{subject}.Update.Post", "inputFields": ["id", field]}
    assert after(json.dumps(record)) == (Expand(subject.lower(), ids(3)),)


@pytest.mark.parametrize("subject", ["Performer", "Studio", "Tag", "Group"])
def test_other_changes_of_an_entity_do_not(subject: str) -> None:
    record = {"id": 3, "type": f"{subject}.Update.Post", "inputFields": ["ids", "ignore_auto_tag"]}
    assert after(json.dumps(record)) == ()


@pytest.mark.parametrize("sent", ['{"id":"3"}', '["3","4"]', "null"])
def test_a_deleted_entity_is_expanded_by_its_id(sent: str) -> None:
    record = f'{{"id":3,"type":"Performer.Destroy.Post","input":{sent}}}'
    assert after(record) == (Expand("performer", ids(3)),)


def test_a_merge_names_the_tags_that_vanished_and_the_one_that_stayed() -> None:
    record = '{"id":1,"type":"Tag.Merge.Post","input":{"source":["2","3"],"destination":"1"}}'
    assert after(record) == (Expand("tag", ids(1, 2, 3)),)


@pytest.mark.parametrize(
    "sent",
    [
        "null",
        "[]",
        "{}",
        '{"source":[],"destination":"1"}',
        '{"source":["2"]}',
        '{"source":"2","destination":"1"}',
        '{"source":["2","x"],"destination":"1"}',
        '{"source":["2",true],"destination":"1"}',
        '{"source":["-2"],"destination":"1"}',
        '{"source":["²"],"destination":"1"}',
        '{"source":["99999999999999999999"],"destination":"1"}',
        '{"source":[{"id":"2"}],"destination":"1"}',
    ],
)
def test_a_merge_that_cannot_be_read_reaches_every_scene(sent: str) -> None:
    record = f'{{"id":1,"type":"Tag.Merge.Post","input":{sent}}}'
    assert after(record) == (Expand("tag", None),)


@pytest.mark.parametrize(
    "name",
    [
        "Movie.Update.Post",
        "Movie.Destroy.Post",
        "Performer.Create.Post",
        "Tag.Create.Post",
        "Studio.Merge.Post",
        "Scene.Merge.Post",
        "Gallery.Update.Post",
        "Image.Destroy.Post",
        "..Post",
    ],
)
def test_everything_else_makes_nothing(name: str) -> None:
    assert after(json.dumps({"id": 3, "type": name})) == ()
