from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_client_schema, parse, validate

from plexsync.edges.stash import queries as stash_queries

SCHEMA = Path(__file__).parents[3] / "shared" / "stash-schema.json"
TEXTS = {
    "settings": stash_queries.SETTINGS,
    "enabled": stash_queries.ENABLED,
    "keep alive": stash_queries.KEEP_ALIVE,
    "tags": stash_queries.TAGS,
    "studios": stash_queries.STUDIOS,
    "scenes by file": stash_queries.SCENES_BY_FILE,
    "recently updated": stash_queries.RECENTLY_UPDATED,
    **{f"updated {kind}s": stash_queries.recently_updated(kind) for kind in stash_queries.ENTITIES},
    **{f"details of {kind}s": stash_queries.details(kind, 2) for kind in stash_queries.ENTITIES},
    "scene ids": stash_queries.SCENE_IDS,
    "page of scenes": stash_queries.SCENE_PAGE,
    "latest scenes": stash_queries.LATEST_SCENES,
    "files of scenes": stash_queries.SCENE_FILES,
    "change of settings": stash_queries.SAVE_SETTINGS,
    "first identity": stash_queries.identity(0),
    "identity": stash_queries.identity(50),
    "one scene": stash_queries.scenes(1),
    "fifty scenes": stash_queries.scenes(50),
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    if not SCHEMA.exists():
        pytest.skip("Stash's schema is not at hand")
    raw = json.loads(SCHEMA.read_text("utf-8"))
    return build_client_schema(raw.get("data", raw))


def test_no_text_is_forgotten_here() -> None:
    texts = {name for name, value in vars(stash_queries).items() if isinstance(value, str)}
    known = {
        "SETTINGS",
        "ENABLED",
        "KEEP_ALIVE",
        "SAVE_SETTINGS",
        "SCENES_BY_FILE",
        "SCENE",
        "RECENTLY_UPDATED",
        "SCENE_IDS",
        "SCENE_PAGE",
        "LATEST_SCENES",
        "SCENE_FILES",
        "TAGS",
        "STUDIOS",
        "_PARTS",
    }
    assert {name for name in texts if not name.startswith("__")} == known


@pytest.mark.parametrize("name", TEXTS)
def test_every_query_is_one_that_stash_understands(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(TEXTS[name])) == []


def test_our_own_settings_are_all_that_is_ever_written(schema: GraphQLSchema) -> None:
    document = parse(stash_queries.SAVE_SETTINGS)
    assert validate(schema, document) == []
    assert 'configurePlugin(plugin_id: "PlexSync"' in stash_queries.SAVE_SETTINGS


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"change of settings"}))
def test_nothing_is_written_to_stash(name: str) -> None:
    operations = [
        d for d in parse(TEXTS[name]).definitions if isinstance(d, OperationDefinitionNode)
    ]
    assert [operation.operation.value for operation in operations] == ["query"]


@pytest.mark.parametrize("name", TEXTS)
def test_no_address_is_taken_from_stash(name: str) -> None:
    """`paths` may point to another configured host, and contain the API key in clear text. The
    scene's own `urls` are text for Plex, and are never requested."""
    words = set(re.findall(r"[a-z_]+", TEXTS[name].lower()))
    assert "paths" not in words
    assert {word for word in words if "url" in word} <= {"urls"}


def test_a_batch_of_a_size_has_one_text() -> None:
    assert stash_queries.scenes(50) == stash_queries.scenes(50) != stash_queries.scenes(49)
    assert stash_queries.scenes(3).count("...PlexSyncScene") == 3
