"""The report for help: what it holds with everything well and with everything broken, and that it
never holds anything private."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.log.log import Log
from plexsync.flows.contact.kinds import PLEX_KINDS, stash_kinds
from plexsync.flows.contact.report import SECTIONS
from plexsync.flows.contact.veil import Counts, Word, sealed
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.registry import TASKS
from plexsync.flows.tasks.report_for_help import FILE
from plexsync.flows.tasks.undo import undo_all
from plexsync.model.stored import DATABASES, DOCUMENTS
from plexsync.services import Services
from plexsync.task_runner import run_with
from tests.task_running import run_task
from tests.world import ROOT, TOKEN, names_port

PRIVATE = "zqx"
"""Every text that is planted contains it, in one case or another."""


def run_it(world: Any) -> dict[str, Any]:
    """Run the task as the task runner does."""
    stash = world.client()
    services = Services(world.folder, stash, world.clock, Log(world.sink), world.environ)
    try:
        task = TASKS["report_for_help"]
        return run_with(task, str(ROOT), {}, services, lambda: None)
    finally:
        services.close()
        stash.close()


def made(world: Any) -> dict[str, Any]:
    """The report; it is checked here that it only read, and says nothing private."""
    world.plex.clear_journal()
    world.sink.lines.clear()
    output = run_it(world)
    assert {entry.method for entry in world.plex.journal} <= {"GET"}
    assert not any(entry.path.endswith("/refresh") for entry in world.plex.journal)
    assert not any("mutation" in entry.query for entry in world.stash.journal)
    text = json.dumps([output["report"], output["holds"]])
    for secret in (PRIVATE, TOKEN, "127.0.0.1", world.folder):
        assert secret not in text.lower()
    assert not names_port(text, world.plex.port)
    report: dict[str, Any] = output["report"]
    assert [*report] == ["format", *(section.name for section in SECTIONS)]
    assert len(output["holds"]) == len(SECTIONS)
    return report


def furnish(world: Any) -> None:
    """A library, scenes, jobs, dead letters and settings, all of them private."""
    world.plex.name = "Zqx server"
    home = world.plex.sections[world.section]
    home.title, home.locations = "Zqx library", ["/plex", "/zqx/more"]
    home.agent, home.scanner = "com.plexapp.agents.zqx", "Zqx Scanner"
    tag, studio = world.stash.add_tag("Zqx tag"), world.stash.add_studio("Zqx studio")
    for name in ("zqx-1.mp4", "zqx-2.mp4", "zqx-3.mp4"):
        scene, item = world.pair(name, title=f"Zqx {name}", tags=[tag], studio=studio)
        world.plex.user_edit(item.key, summary="Zqx summary", actor=["Zqx Actor"])
        world.event(scene)
    lost = world.stash.add_scene(title="Zqx lost", files=[("/data/zqx-lost.mp4", 5)])
    world.event(lost)
    refused, item = world.pair("zqx-4.mp4", title="Zqx refused")
    world.plex.add_fault(
        "status",
        match=lambda r: r.method == "PUT" and r.get("id") == str(item.key),
        status=400,
        body=b"<html><body>zqx</body></html>",
    )
    world.event(refused)
    world.configure(
        sync_never='path:"/data/zqx-9"',
        recipe_title="",
        title="{title} Zqx",
        plex_library="Zqx library",
        path_map="/plex=>/data; /zqx=>/zqx2",
        read_timeout=60,
        no_poster=True,
        recovery_strategy="aggressive",
    )
    world.run(1.0)


def test_it_tells_what_a_helper_needs(world: Any) -> None:
    furnish(world)
    report = made(world)
    assert report["versions"]["plexsync"]
    assert report["versions"]["python"]
    assert report["plex"]["kind"] == "healthy"
    assert report["plex"]["version"] == "1.41.3.9314-a0bfb8370"
    assert report["plex"]["owner"] is True
    assert report["stash"]["scenes"] == 5
    changed = report["settings"]
    assert changed["read_timeout"] == 60
    assert changed["sync_poster"] is False
    assert changed["recovery_strategy"] == "aggressive"
    assert set(changed["path_map"]) == {"hash", "length"}
    assert changed["plex_token"] is True
    assert report["ledger"]["scenes"]["synced"] >= 3
    (library,) = report["libraries"]
    assert library["items"] == 4
    assert library["title"] == changed["plex_library"]  # equal texts are seen to be equal
    assert library["agent"]["length"] == len("com.plexapp.agents.zqx")
    answers = {each["kind"]: each for each in report["requests to Plex"]}
    assert answers["identity"]["status"] == 200
    assert answers["identity"]["content type"] == "text/xml"
    assert answers["list of items"]["plex"] is True
    assert answers["edit by library"] == {
        "kind": "edit by library",
        "method": "PUT",
        "not sent": "it changes something",
    }
    asked = {each["kind"]: each for each in report["requests to Stash"]}
    assert asked["PlexSyncSettings"]["status"] == 200
    assert {each["verdict"] for each in report["rules"]} <= {"ok", "skipped"}


def test_it_says_what_it_holds_before_it_saves_it_for_its_user_alone(world: Any) -> None:
    furnish(world)
    report = made(world)
    path = Path(world.folder, FILE)
    assert json.loads(path.read_text()) == report
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = world.said("info").splitlines()
    saved = next(n for n, line in enumerate(said) if line.startswith("Saved as "))
    told = [line for line in said[:saved] if line.startswith("Versions: ")]
    assert told == ["Versions: versions of PlexSync, Python, the operating system and the packages"]
    assert "It holds no token, address, path, title or name" in said[saved - 1]


def broken(world: Any, how: str) -> None:
    if how == "no Plex":
        world.plex.stop()
    elif how == "no token":
        world.configure(plex_token="")
    elif how == "nothing entered":
        world.configure(plex_url="", plex_token="")
    elif how == "a wrong token":
        world.configure(plex_token="zqx-wrong-token")
    elif how == "another program":
        world.plex.add_fault("html", times=None, body=b"<html><title>Zqx</title></html>")
    elif how == "another product":
        world.plex.add_fault("json", times=None, body=b'{"zqx": "Zqx"}')
    elif how == "a redirect":
        world.plex.add_fault("redirect", times=None, location="http://zqx.example/zqx")
    elif how == "odd words":
        world.plex.version = "1.2.3-Zqx"
        world.plex.add_fault(
            "rewrite",
            times=None,
            change=lambda body: body.replace(b"MediaContainer", b"ZqxContainer"),
            match="/library/sections",
        )
    elif how == "errors of Stash":
        world.stash.add_fault("graphql_errors", times=None, message="Zqx is locked")
    else:
        for name in (*DATABASES, *DOCUMENTS):
            Path(world.folder, *name.split("/")).write_bytes(b'{"zqx": "Zqx"')


BROKEN = [
    "no Plex",
    "no token",
    "nothing entered",
    "a wrong token",
    "another program",
    "another product",
    "a redirect",
    "odd words",
    "damaged files",
    "errors of Stash",
]


@pytest.mark.parametrize("how", BROKEN)
def test_it_works_with_everything_broken_and_says_nothing_private(world: Any, how: str) -> None:
    furnish(world)
    world.plex.clear_faults()
    broken(world, how)
    report = made(world)
    assert report["versions"]["plexsync"]
    errors = [
        each["error"] for each in report.values() if isinstance(each, dict) and "error" in each
    ]
    assert all(re.fullmatch(r"[A-Z]\w+", error) for error in errors)
    if how == "damaged files":
        assert "Unreadable" in errors
    elif how == "errors of Stash":
        assert report["stash"]["error"] == "StashDown"
    elif how != "odd words":
        assert report["plex"]["healthy"] is False
        assert "Plex is not healthy" in str(report["rules"])


def test_every_request_that_is_sent_is_of_a_kind_that_the_report_knows(world: Any) -> None:
    """A session with syncs, a comparison and an undo sends nothing else."""
    furnish(world)
    world.configure(trigger_plex_scan=True, collection_details=True)
    run_task(world, reconcile_all, owns=True)
    run_task(world, undo_all, owns=True)
    run_task(world, undo_all, owns=True)
    patterns = [(kind.method, kind.path) for kind in PLEX_KINDS]
    for entry in world.plex.journal:
        assert any(
            entry.method == method and re.fullmatch(path, entry.path) for method, path in patterns
        ), f"{entry.method} {entry.path} is of no known kind"
    known = {*stash_kinds(), "PlexSyncSaveSettings"}
    named = {found[1] for e in world.stash.journal if (found := re.search(r"query (\w+)", e.query))}
    assert named <= known | {"PlexSyncIdentity", "PlexSyncHierarchy"}


def test_only_what_is_marked_as_public_is_shown() -> None:
    tree = {"a": "zqx", "b": Word("ok"), "c": [1, 2.5, None, True, ("zqx",)], "d": b"zqx"}
    shown: Any = sealed(tree)
    assert shown["b"] == "ok"
    assert shown["a"]["length"] == 3
    assert shown["a"] == shown["c"][4][0]
    assert "zqx" not in json.dumps(shown)
    counts: Any = sealed(Counts({"PlexNotFound": 2, "zqx": 1}, {"PlexNotFound"}))
    assert counts.pop("PlexNotFound") == 2
    assert [*counts.values()] == [1]
    assert "zqx" not in json.dumps(counts)
