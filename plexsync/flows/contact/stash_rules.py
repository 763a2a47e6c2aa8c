"""What PlexSync relies on in a Stash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from plexsync.edges.stash import answers as stash_answers
from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash import scenes as stash_scenes
from plexsync.flows.contact.stash_contact import NOBODY, SAMPLE, StashContact
from plexsync.flows.contact.verdicts import SkippedError, demand, expect, plain, shape, short
from plexsync.model.settings_table import FIELDS

WRONG = "not-a-secret-of-this-server"
SUMMER_TIME = 2 * 3600.0
"""Stash sorts times as text with their offset, which may have changed in between."""
VALUES: Mapping[str, object] = {
    "path": '"no such file"',
    "page": 1,
    "size": 1,
    "after": 0,
    "sort": "created_at",
    "details": True,
    "performerTags": True,
    "pictures": True,
}
"""For the variables of PlexSync's queries."""


def queries(stash: StashContact) -> None:
    """every query of PlexSync is one that this Stash understands"""
    texts = [text for text in vars(stash_queries).values() if isinstance(text, str)]
    for query in (text for text in texts if text.lstrip().startswith("query")):
        names = set(re.findall(r"\$(\w+): ", query))
        demand(names <= VALUES.keys(), f"these checks lack values for {names - VALUES.keys()}")
        stash.data(query, **{name: VALUES[name] for name in names})
    stash.data(stash_queries.scenes(50), **{f"i{n}": str(NOBODY - n) for n in range(50)})


def version(stash: StashContact) -> None:
    """it is Stash 0.27 or newer, which has hooks for groups"""
    said = str(stash.settings["version"]["version"])
    found = re.match(r"v?(\d+)\.(\d+)", said)
    if not found:
        raise SkippedError(f"it calls itself {short(said)}")
    demand((int(found[1]), int(found[2])) >= (0, 27), f"it is {found[0]}")


def wrong_key(stash: StashContact) -> None:
    """a wrong API key is 401, whatever else is sent"""
    reply = stash.post(stash_queries.KEEP_ALIVE, {}, key=WRONG)
    expect("the status of /graphql", reply.status, 401)
    expect("the status of a cover", stash.cover(1, key=WRONG).status, 401)


def bad_query(stash: StashContact) -> None:
    """a query that does not fit the schema is 422 with errors that have a code"""
    reply = stash.post("{ findScene(id: 1) { noSuchField } }", {})
    expect("the status", reply.status, 422)
    answer = json.loads(reply.body)
    expect("data", answer.get("data"), None)
    code = answer["errors"][0].get("extensions", {}).get("code")
    expect("the code", code, "GRAPHQL_VALIDATION_FAILED", public=True)


def answer_type(stash: StashContact) -> None:
    """who accepts application/json gets it"""
    said = stash.post(stash_queries.KEEP_ALIVE, {}).headers.get("Content-Type", "")
    expect("the content type", said.partition(";")[0], "application/json", public=True)


def plugin_settings(stash: StashContact) -> None:
    """settings are a flat map below the plugin's id; the API key and the session's age are told"""
    stash_answers.read_settings(stash.settings)
    plugins = stash.settings["configuration"]["plugins"]
    demand(isinstance(plugins, dict), f"plugins is {short(plugins)}")
    demand(set(plugins) <= {"PlexSync"}, "include does not keep other plugins out")
    for name, value in plugins.get("PlexSync", {}).items():
        demand(
            isinstance(value, (str, int, float, bool)),
            f"setting {name if name in FIELDS else short(name)} is no plain value",
        )
    general = stash.settings["configuration"]["general"]
    demand(general["apiKey"] == stash.key or not stash.key, "apiKey is not the key that was used")
    demand(type(general["maxSessionAge"]) is int, "maxSessionAge is no whole number")


def unknown_scene(stash: StashContact) -> None:
    """a scene that does not exist is null and spoils nothing else of its query"""
    expect("the unknown scene", stash.scene(NOBODY), None)
    known = stash.newest(1)
    if known:
        data = stash.data(stash_queries.scenes(2), i0=str(known[0]), i1=str(NOBODY))
        expect("the unknown one", data["s1"], None)
        expect("the known one", data["s0"]["id"], str(known[0]))


def scene_shape(stash: StashContact) -> None:
    """scenes read as PlexSync reads them: texts, whole numbers, files with size and oshash"""
    for raw in stash.raw:
        scene = stash_scenes.read_scene(raw)
        demand(isinstance(raw["id"], str), "an id is no text")
        for name in ("title", "details", "code", "director"):
            demand(isinstance(raw[name], str), f"{name} of scene {scene.id} is no text")
        demand(
            raw["rating100"] is None or type(raw["rating100"]) is int, "rating100 is not a number"
        )
        for file in raw["files"]:
            demand(
                type(file["size"]) is int, f"the size of a file of scene {scene.id} is not a number"
            )
        demand(
            all(file.oshash for file in scene.files), f"a file of scene {scene.id} has no oshash"
        )


def times(stash: StashContact) -> None:
    """times are RFC 3339 in whole seconds with an offset"""
    for raw in stash.raw:
        for name in ("created_at", "updated_at"):
            right = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", raw[name])
            demand(right, f"{name} looks like {shape(raw[name])}")


def dates(stash: StashContact) -> None:
    """a date is null or a year with or without month and day"""
    for raw in stash.raw:
        good = raw["date"] is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", raw["date"])
        demand(good, f"the date of scene {raw['id']} looks like {shape(raw['date'])}")


def find_by_file(stash: StashContact) -> None:
    """a scene is found by a file name in double quotes"""
    scene = next((s for s in map(stash_scenes.read_scene, stash.raw) if s.files), None)
    if scene is None:
        raise SkippedError("no scene has a file")
    name = re.split(r"[/\\]", scene.files[0].path)[-1]
    found = stash.data(stash_queries.SCENES_BY_FILE, path=f'"{name}"', page=1, size=100)
    ids = {int(each["id"]) for each in found["findScenes"]["scenes"]}
    demand(scene.id in ids or len(ids) == 100, f"scene {scene.id} is not found by its file's name")


def scene_order(stash: StashContact) -> None:
    """sort "id" orders by number, so that pages join without gap or overlap"""
    ids = [int(raw["id"]) for raw in stash.raw]
    expect("the order", ids, sorted(ids, reverse=True))
    expect("two pages of two", stash.newest(2) + stash.newest(2, page=2), ids[:4])


def after_an_id(stash: StashContact) -> None:
    """a filter for ids greater than one gives the next ones"""
    ids = sorted(int(raw["id"]) for raw in stash.raw)
    found = stash.data(
        "query($after: Int!) { findScenes(scene_filter: {id: {value: $after, modifier:"
        ' GREATER_THAN}}, filter: {per_page: 3, sort: "id", direction: ASC}) { scenes { id } } }',
        after=ids[0],
    )
    expect("the next ids", [int(s["id"]) for s in found["findScenes"]["scenes"]], ids[1:4])


def newest_first(stash: StashContact) -> None:
    """sort "updated_at" descending gives what was changed last first, but for summer time"""
    data = stash.data(stash_queries.RECENTLY_UPDATED, page=1, size=SAMPLE)
    moments = [stash_scenes.utc_seconds(s["updated_at"]) for s in data["findScenes"]["scenes"]]
    for newer, older in zip(moments, moments[1:], strict=False):
        demand(older <= newer + SUMMER_TIME, "a scene stands behind one that was changed earlier")


def cover(stash: StashContact) -> None:
    """a cover is an image with an ETag, and 304 as long as that is known"""
    for raw in stash.raw:
        reply = stash.cover(int(raw["id"]))
        expect("the status", reply.status, 200)
        demand(reply.headers.get("ETag"), "there is no ETag")
        said = reply.headers.get("Content-Type", "")
        demand(said.startswith("image/"), f"the content type is {plain(said)}")
        again = stash.cover(int(raw["id"]), reply.headers["ETag"])
        expect("the status with the ETag", again.status, 304)
        return


def no_cover(stash: StashContact) -> None:
    """a scene without a cover has an SVG placeholder"""
    for raw in stash.raw:
        said = stash.cover(int(raw["id"])).headers.get("Content-Type", "").partition(";")[0]
        if said not in ("image/jpeg", "image/png", "image/webp", "image/gif"):
            expect("the content type", said, "image/svg+xml", public=True)
            return
    raise SkippedError(f"the newest {len(stash.raw)} scenes all have covers")


def cover_of_nobody(stash: StashContact) -> None:
    """the cover of a scene that does not exist is 404"""
    expect("the status", stash.cover(NOBODY).status, 404)


STASH: Sequence[Callable[[StashContact], None]] = (
    queries,
    version,
    wrong_key,
    bad_query,
    answer_type,
    plugin_settings,
    unknown_scene,
    scene_shape,
    times,
    dates,
    find_by_file,
    scene_order,
    after_an_id,
    newest_first,
    cover,
    no_cover,
    cover_of_nobody,
)
