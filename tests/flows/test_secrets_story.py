"""Stash repeats the API key in its errors: it is never logged, stored or shown."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from plexsync import hook
from plexsync.edges.stash.client import StashClient
from plexsync.entry import run_task
from plexsync.flows.page import operations
from plexsync.model.connection import parse_connection
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import ROOT, TOKEN, World

KEY = "eyJhbGciOiJIUzI1NiIs.InR5cCI6IkpXVCJ9-secret/key+1"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("STASH_PLUGIN_DATA", str(folder))
    with PlexSim(token=TOKEN) as plex, StashSim(api_key=KEY) as stash:
        world = World(folder, plex, stash)
        world.configure(no_poster=True)
        yield world
        world.close()


def echo(world: World, path: list[object]) -> Any:
    """Stash's answers that have what `path` names have an error that repeats our key."""

    def spoiled(body: bytes) -> bytes:
        answer = json.loads(body)
        if path[0] in answer["data"]:
            text = f"cannot do that with ApiKey {KEY} and http://me:{KEY}@plex"
            answer["errors"] = [{"message": text, "path": path}]
        return json.dumps(answer).encode()

    return world.stash.add_fault("rewrite", match="/graphql", change=spoiled)


def spots(world: World) -> list[str]:
    """Files of the data folder that hold the key in any form."""
    tail = KEY.rpartition("-")[2].encode()
    return [
        str(path)
        for path in Path(world.folder).rglob("*")
        if path.is_file() and (KEY.encode() in path.read_bytes() or tail in path.read_bytes())
    ]


def test_no_result_dead_letter_or_log_line_has_it(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="A")
    other, _ = world.pair("b.mp4", title="B")
    fault = echo(world, ["s0", "files"])
    world.event(scene)
    world.event(other)
    world.run(minutes=10)
    dead_letter = world.dead_letter(scene)
    assert "Stash cannot read this scene" in dead_letter.message
    assert "***" in dead_letter.message
    request = operations.Request(
        "/nowhere", world.folder, {"scenes": str(scene)}, b"", world.clock.now()
    )
    accepted = operations.perform("preview", request)["accepted"]
    world.run()
    result = (Path(world.folder) / "results" / f"{accepted}.json").read_text()
    assert "***" in result
    assert spots(world) == []
    assert KEY not in world.said()
    fault.remove()


def test_no_report_and_no_tasks_answer_has_it(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.pair("a.mp4", title="A")
    echo(world, ["findScenes"])
    order = {"args": {"mode": "preview_sync"}, "server_connection": json.loads(world.block())}
    answer = run_task(str(ROOT), json.dumps(order).encode()).decode()
    assert "***" in answer
    report = (Path(world.folder) / "reports" / "preview_sync.json").read_text()
    assert "***" in report
    assert spots(world) == []
    said = capfd.readouterr()
    assert not [text for text in (answer, said.err, said.out) if KEY in text]


SPECIAL = "pl3x+token/with~odd%signs&more"
FORMS = {SPECIAL, quote(SPECIAL), quote(SPECIAL, safe=""), html.escape(SPECIAL), SPECIAL.upper()}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_word_of_plex_repeats_the_token(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with PlexSim(token=SPECIAL) as plex, StashSim() as stash:
        world = World(folder, plex, stash)
        world.configure(no_poster=True, plex_token=SPECIAL)
        pairs = [world.pair(f"{n}.mp4", title=f"T{n}", details="D") for n in range(3)]
        whole, _, part = [str(film.key) for _, film in pairs]
        said = f'<Response code="400" status="no token {form} here"/>'.encode()
        answer = {"status": 400, "body": said, "content_type": "text/xml"}

        def edits(key: str, field: str = "title.locked") -> Callable[[Any], bool]:
            by_item = f"/library/metadata/{key}"
            return lambda r: (
                field in dict(r.params) and (("id", key) in r.params or r.path == by_item)
            )

        plex.add_fault("status", match=edits(whole), **answer)
        plex.add_fault("status", match=edits(part, "summary.value"), **answer)
        for scene, _ in pairs:
            world.event(scene)
        world.run(minutes=10)
        said_anywhere = world.said() + "".join(
            str(operations.perform(mode, operations.Request("/", world.folder, args, b"", 0.0)))
            for mode, args in (("status", {}), ("scene_state", {"scenes": [1, 2, 3]}))
        )
        refused = world.state(pairs[2][0]).targets[0].refused
        files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        world.close()
    assert "no token *** here" in refused["summary"].words
    assert "no token *** here" in said_anywhere
    assert form not in said_anywhere
    assert not any(form.encode() in data for data in files)


def test_secret_values_print_stars(world: World) -> None:
    stash = StashClient(parse_connection(world.block()))
    found = stash.settings()
    assert found.api_key.get_secret_value() == KEY
    assert KEY not in f"{found} {found!r} {found.api_key} {found.api_key!r} {vars(stash)!r}"
    stash.close()


def test_no_words_of_the_hook_repeat_the_session() -> None:
    cookie, dice = "MTcwMDAwMDAwMHxzZWNyZXQ", random.Random(3)
    block = {"Scheme": "http", "SessionCookie": {"Name": "session", "Value": cookie}}
    event = {"id": 7, "type": "Scene.Update.Post", "input": {"id": "7"}, "inputFields": ["id"]}
    sent = json.dumps({"server_connection": block, "args": {"hookContext": event}}).encode()
    refused = 0
    for _ in range(3000):
        damaged = bytearray(sent)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.choice(b'{}[]",:x0\n\xff')
        try:
            hook.read(bytes(damaged))
        except ValueError as problem:
            refused += 1
            assert cookie not in str(problem)
    assert refused > 1000
