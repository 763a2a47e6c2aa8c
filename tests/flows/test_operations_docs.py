"""Compares docs/operations.md with the code: names, arguments, defaults, shape of answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.edges.page.reports import Report
from plexsync.flows.page import operations
from plexsync.flows.page.operations import READS, reads
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.arguments import REQUIRED, read_arguments
from plexsync.model.command import COMMANDS, read_command
from tests.world import World

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S))
BY_NAME = {
    "args", "attempts", "by_class", "by_error", "classes", "counts", "errors", "failed", "fields",
    "left", "output", "problems", "refused", "scenes", "states", "values", "why",
}  # fmt: skip
"""Objects whose keys are data, unless they are lists."""

OPERATIONS = {*READS, *COMMANDS}


def block(name: str, kind: str) -> Any:
    (found,) = re.findall(rf"```json {kind}\n(.*?)```", SECTIONS[name], re.S)
    return json.loads(found)


def rows(name: str) -> dict[str, str]:
    """Argument -> default, from the table."""
    found = re.findall(r"^\| `(\w+)` \| .+? \| (.+?) \|$", SECTIONS[name], re.M)
    return dict(found)


def rules(name: str) -> Any:
    return COMMANDS[name] if name in COMMANDS else reads(name).rules


def shape(value: Any, name: str = "") -> Any:
    """The keys of a value, or of a list's first element; None if unknown."""
    if isinstance(value, dict):
        if name in BY_NAME:
            return "by name"
        return {key: shape(each, key) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [shape(value[0])] if value else []
    return None


def agree(documented: Any, real: Any, where: str) -> None:
    if isinstance(documented, dict) and isinstance(real, dict):
        assert set(documented) == set(real), where
        for key, each in documented.items():
            agree(each, real[key], f"{where}.{key}")
    elif isinstance(documented, list) and isinstance(real, list) and documented and real:
        agree(documented[0], real[0], f"{where}[]")


def test_every_operation_has_a_section_and_none_is_a_tasks_mode() -> None:
    assert set(SECTIONS) == OPERATIONS
    assert not OPERATIONS & set(TASKS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_arguments_and_their_defaults_are_the_codes(name: str) -> None:
    assert list(rows(name)) == list(rules(name))
    for key, said in rows(name).items():
        default = rules(name)[key].default
        if default is REQUIRED:
            assert said == "required"
        elif default is None:
            assert said in ("all", "none")
        else:
            assert said.strip("`") == str(default).lower()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_request_in_the_example_is_accepted(name: str) -> None:
    request = block(name, "request")
    assert request.pop("mode") == name
    if name in COMMANDS:
        read_command(name, request)
    else:
        read_arguments(name, reads(name).rules, request)


def ask(world: World, mode: str, **args: Any) -> Any:
    request = operations.Request("/nowhere", world.folder, args, b"", world.clock.now())
    return operations.perform(mode, request)


def done(world: World, name: str, **args: Any) -> Any:
    accepted = ask(world, name, **args)["accepted"]
    world.run()
    result = ask(world, "result", id=accepted)
    assert result["state"] == "done", result
    return result["output"]


def checked(name: str, answer: Any) -> None:
    agree(shape(block(name, "answer")), shape(json.loads(json.dumps(answer))), name)


def test_looks_answer_in_the_documented_shape(world: World) -> None:
    world.configure(no_poster=True)
    checked("tick", ask(world, "tick"))
    scene, _ = world.pair("a.mp4", plex={"title": "old"})
    refused, _ = world.pair("b.mp4")
    world.edit(scene, title="new")
    world.run()
    world.plex.stop()
    world.edit(scene, title="newer")
    world.run(minutes=3)
    world.plex.start()
    world.run(minutes=3)
    world.plex.add_fault("status", match="PUT", status=400)
    world.edit(refused, title="refused")
    world.run()
    missing = world.stash.add_scene(files=[("/data/none.mp4", 1)], title="t")
    world.event(missing)
    pin = ask(world, "pin", scene=scene, part="/plex/a.mp4")["accepted"]
    world.run()
    app = world.stores()
    app.stores.ledger.add_backfill("forced", "scene", [scene], world.clock.now())
    app.close()
    report = Report(world.folder, "health_check", world.clock.now)
    report.write("info", "Plex is healthy.")
    report.done(block("report", "answer")["output"])
    for name, args in (
        ("status", {}),
        ("dead_letters", {}),
        ("queue", {}),
        ("outages", {}),
        ("throughput", {}),
        ("report", {"task": "health_check"}),
        ("scene_state", {"scenes": scene}),
        ("scenes_in_state", {"state": "needs_you"}),
        ("only_in_plex", {}),
        ("known_scenes", {}),
        ("result", {"id": pin}),
        ("set_up", {}),
    ):
        checked(name, ask(world, name, **args))
    answer = ask(world, "scene_state", scenes=[refused, missing])["scenes"]
    assert set(answer[0]["dead_letter"]) == set(block("dead_letters", "answer")["dead_letters"][0])
    assert set(answer[1]["job"]) == set(block("queue", "answer")["jobs"][0])


def backfill(world: World, scene: int) -> None:
    app = world.stores()
    app.stores.ledger.add_backfill("sync all", "scene", [scene], world.clock.now())
    app.close()


def test_commands_answer_in_the_documented_shape(world: World) -> None:
    world.configure(no_poster=True)
    scene, _ = world.pair("a.mp4", title="new", plex={"title": "old"})
    fault = world.plex.add_fault("status", match="PUT", status=400)
    world.event(scene)
    world.run()
    checked("preview", done(world, "preview", scenes=scene))
    checked("retry_class", done(world, "retry_class", **{"class": "PlexPermanentError"}))
    fault.remove()
    checked("retry", done(world, "retry", scene=scene))
    checked("pin", done(world, "pin", scene=scene, part="/plex/a.mp4"))
    checked("unpin", done(world, "unpin", scene=scene))
    checked("sync", done(world, "sync", scenes=scene))
    checked("undo", done(world, "undo", scene=scene))
    checked("try_recipes", done(world, "try_recipes", settings={"labels": "{tag"}, scenes=scene))
    checked("save_settings", done(world, "save_settings", settings={"max_tags": 50}))
    checked("finish_step", done(world, "finish_step", step="libraries"))
    checked("adopt_path_map", done(world, "adopt_path_map", path_map="/plex=>/data"))
    pause = {"backfill": "sync all", "until": "in an hour"}
    backfill(world, scene)
    checked("pause_backfill", done(world, "pause_backfill", **pause))
    checked("resume_backfill", done(world, "resume_backfill"))
    backfill(world, scene)
    done(world, "pause_backfill", **pause)
    checked("stop_backfill", done(world, "stop_backfill", backfill="sync all"))
    world.plex.stop()
    inbox.drop(world.folder, b'{"id":%d,"type":"Scene.Update.Post"}' % scene)
    checked("clear", done(world, "clear", what="queue"))
