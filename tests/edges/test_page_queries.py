"""The page's queries to Stash: each is valid by Stash's schema, and requests nothing needless."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema, parse, validate

from plexsync.flows.page.operations import is_operation
from plexsync.flows.tasks.registry import TASKS
from simulator.plugin_manifest import load_manifest

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "stash-schema.json"
UI = load_manifest(str(ROOT / "PlexSync.yml")).ui
SCRIPT = "".join((ROOT / name).read_text(encoding="utf-8") for name in UI.javascript)
TEXTS = dict(
    re.findall(
        r'^\tconst ([A-Z_]+) =\s+[`"]((?:query|mutation) .*?|id .*?)[`"];$', SCRIPT, re.M | re.S
    )
)
"""The page's queries, and lists of fields that go into them, by their names."""


def filled(text: str) -> str:
    for name in ("JOB_FIELDS", "SCENE_FIELDS"):
        text = text.replace(f"${{{name}}}", TEXTS[name])
    return text


def one_field_per_scene() -> str:
    """As scenesQuery() puts it together for two scenes."""
    template = re.search(r"ids\.map\(\(id\) => `(.*?)`\)", SCRIPT)
    assert template is not None
    field = filled(template[1])
    return "query { " + " ".join(field.replace("${id}", id) for id in ("7", "12")) + " }"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    if not SCHEMA.exists():
        pytest.skip("Stash's schema is not at hand")
    raw = json.loads(SCHEMA.read_text("utf-8"))
    return build_client_schema(raw.get("data", raw))


QUERIES = {name: filled(text) for name, text in TEXTS.items() if not text.startswith("id ")}
QUERIES["scenes"] = one_field_per_scene()


def test_the_queries_are_those_that_the_documentation_tells_of() -> None:
    assert set(QUERIES) == {
        "OPERATION", "RUN_TASK", "STOP_JOB", "FIND_JOB", "JOBS", "SETTINGS", "COUNT_SCENES",
        "SEARCH", "ALL_SCENES", "scenes",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_query_is_one_that_stash_understands(schema: GraphQLSchema, name: str) -> None:
    assert "${" not in QUERIES[name]
    assert validate(schema, parse(QUERIES[name])) == []


def test_the_page_changes_nothing_in_stash_but_by_operations_and_tasks() -> None:
    mutations = {name for name, text in QUERIES.items() if text.startswith("mutation")}
    assert mutations == {"OPERATION", "RUN_TASK", "STOP_JOB"}


def test_every_operation_and_task_of_the_page_exists() -> None:
    asked = set(re.findall(r'(?:operation|command|useTable)\("(\w+)"', SCRIPT))
    assert len(asked) > 10
    assert all(map(is_operation, asked))
    block = re.search(r"const TASKS = \{(.*?)\};", SCRIPT, re.S)
    assert block is not None
    unlisted = set(re.findall(r'(\w+): "', block[1]))
    listed = {task.default_args["mode"] for task in load_manifest(str(ROOT / "PlexSync.yml")).tasks}
    assert all(not TASKS[mode].button for mode in unlisted)
    started = set(re.findall(r'(?:startTask|TASKS)(?:\("|\.)(\w+)', SCRIPT))
    assert len(started) > 5
    assert started <= listed | unlisted


def test_text_from_elsewhere_never_becomes_html_and_no_other_host_is_asked() -> None:
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in SCRIPT
    catalog = (ROOT / "web" / "catalog.js").read_text(encoding="utf-8")  # addresses as examples
    script = SCRIPT.replace(catalog, "")
    assert re.findall(r"(?<!for example )https?://[^\"'`\s]+", script) == [
        "https://app.plex.tv/desktop/${hash}"
    ]
    style = (ROOT / "web" / "plexsync.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_the_plugin_folder_is_not_served() -> None:
    assert "assets:" not in (ROOT / "PlexSync.yml").read_text(encoding="utf-8")
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "web").iterdir()}
    assert {*UI.javascript, *UI.css} == shipped
