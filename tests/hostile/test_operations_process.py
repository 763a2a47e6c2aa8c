"""The page in Stash: each request is a process, many at once, with and without a running worker."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync import entry, inbox
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.flows.page.operations import READS
from plexsync.flows.page.request import MOST_ROWS
from plexsync.model.command import COMMANDS
from simulator.plex import PlexSim
from simulator.stash import StashSim
from simulator.stash_data import StashError
from tests.hostile.hook_plugin import held
from tests.installation import copy_plugin
from tests.world import lock_is_free, until

TOKEN = "plex-sim-token"

NEEDED = {
    "scene_state": {"scenes": 1},
    "result": {"id": f"{1:020d}-1-{1:08x}"},
    "report": {"task": "health_check"},
    "scenes_in_state": {"state": "waiting"},
}
"""Required arguments of operations."""

HEAVY = {
    "asyncio", "bisect", "collections", "concurrent", "contextlib", "ctypes", "dataclasses", "datetime", "email",
    "enum", "functools", "http", "inspect", "json", "logging", "math", "pathlib", "persistqueue", "plexapi",
    "pydantic", "re", "requests", "shutil", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "traceback", "typing", "urllib", "urllib3", "yaml",
}  # fmt: skip

MOST_FILES = {"status": 60, "outages": 60, "throughput": 60}
"""How many files of ours a request may load; any other 50. Each takes a hundredth of bare Python."""


class Page:
    """The page of a user in Stash, and a Plex."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.data = plugin / "data"
        self.section = plex.add_section("Films", locations=["/data"])
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True})

    def pair(self, name: str, **scene: Any) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file=f"/data/{name}", size=1)
        return self.stash.add_scene(files=[(f"/data/{name}", 1)], **scene), self.plex.item(key)

    def ask(self, mode: object, **args: Any) -> Any:
        return self.stash.run_operation({"mode": mode, **args})

    def look(self, mode: str, **args: Any) -> Any:
        """The same answer without a process, for what is asked again and again."""
        return self.here(self.stdin(mode, **args))["output"]

    def here(self, stdin: bytes) -> Any:
        return json.loads(entry.run_task(str(self.plugin), stdin))

    def refused(self, mode: object, **args: Any) -> str:
        with pytest.raises(StashError) as problem:
            self.ask(mode, **args)
        return str(problem.value)

    def result(self, accepted: str) -> Any:
        """The result of a command, once it is done."""
        until(lambda: self.look("result", id=accepted)["state"] in ("done", "failed"))
        return self.ask("result", id=accepted)

    def state(self, scene: int) -> str:
        return str(self.look("scene_state", scenes=scene)["scenes"][0]["state"])

    def stdin(self, mode: object, **args: Any) -> bytes:
        block = self.stash.server_connection()
        return json.dumps({"server_connection": block, "args": {"mode": mode, **args}}).encode()

    def process(self, stdin: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, str(self.plugin / "PlexSync.py")],
            input=stdin,
            capture_output=True,
            env={**os.environ, **environ},
        )


@pytest.fixture
def page(plugin: Path) -> Iterator[Page]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        yield Page(plugin, plex, stash)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page on which no worker may run, for all tests of single requests."""
    plugin = copy_plugin(tmp_path_factory.mktemp("plugins") / "PlexSync")
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        yield Page(plugin, plex, stash)


def test_on_a_fresh_installation_every_read_answers_and_leaves_nothing_behind(page: Page) -> None:
    for mode in READS:
        assert isinstance(page.ask(mode, **NEEDED.get(mode, {})), dict)
    assert page.ask("tick") == {
        "pending": False, "worker": "not needed", "waiting": 0, "failed": 0
    }  # fmt: skip
    assert page.ask("dead_letters")["dead_letters"] == []
    assert page.state(1) == "unknown"
    assert page.ask("result", **NEEDED["result"])["state"] == "unknown"
    assert not page.data.exists()


def test_a_healthy_set_up_from_the_accepted_id_to_the_item_in_plex(page: Page) -> None:
    scene, item = page.pair("a.mp4", title="new")
    accepted = page.ask("sync", scenes=[str(scene)])["accepted"]
    assert page.result(accepted)["output"] == {"queued": 1}
    until(lambda: item.title == "new")
    until(lambda: page.state(scene) == "synced")
    answer = page.ask("scene_state", scenes=[scene])["scenes"][0]
    assert answer["targets"][0]["part"] == "/data/a.mp4"
    assert page.ask("status")["worker"] is True
    assert page.ask("tick")["worker"] == "alive"
    preview = page.result(page.ask("preview", scenes=scene)["accepted"])
    assert preview["output"]["counts"] == {"in step": 1}
    undone = page.result(page.ask("undo", scene=scene)["accepted"])
    assert (undone["state"], page.state(scene)) == ("done", "undone")
    assert item.title != "new"


@pytest.mark.long
def test_with_a_dead_plex_looks_and_commands_say_how_it_stands(page: Page) -> None:
    scene, _ = page.pair("a.mp4", title="old")
    page.plex.stop()
    page.stash.edit(scene, title="new")
    until(lambda: (page.look("status")["breaker"] or {}).get("state") == "OPEN")
    assert page.ask("status")["breaker"]["state"] == "OPEN"
    assert page.ask("outages")["ongoing"] is True
    assert page.ask("queue")["jobs"][0]["scene"] == scene
    assert page.state(scene) == "waiting"
    preview = page.result(page.ask("preview", scenes=scene)["accepted"])
    assert preview["state"] == "failed"
    assert "Plex is down" in preview["error"]
    cleared = page.result(page.ask("clear", what="queue")["accepted"])
    assert (cleared["state"], cleared["output"]["removed"]) == ("done", 1)
    assert page.ask("queue")["total"] == 0


def test_looks_while_the_worker_drains_never_fail(page: Page) -> None:
    pairs = [page.pair(f"{n}.mp4", title=f"t{n}") for n in range(40)]
    accepted = page.ask("sync", scenes=[scene for scene, _ in pairs])["accepted"]
    some = [scene for scene, _ in pairs]
    modes = [("status", {}), ("queue", {"limit": 500}), ("scene_state", {"scenes": some})]
    totals = []
    while not totals or totals[-1]:
        for mode, args in modes:
            page.ask(mode, **args)
        totals.append(
            page.ask("queue")["total"] + (page.ask("result", id=accepted)["output"] is None)
        )
    until(lambda: all(item.title == f"t{n}" for n, (_, item) in enumerate(pairs)))


def test_ten_requests_at_once(page: Page) -> None:
    pairs = [page.pair(f"{n}.mp4", title=f"t{n}") for n in range(5)]
    requests: list[tuple[str, dict[str, Any]]] = [
        *(("sync", {"scenes": scene}) for scene, _ in pairs),
        *((mode, {}) for mode in ("status", "queue", "dead_letters", "outages", "tick")),
    ]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda request: page.ask(request[0], **request[1]), requests))
    ids = [answer["accepted"] for answer in answers[:5]]
    assert len(set(ids)) == 5
    assert all("warning" not in answer for answer in answers)
    for accepted in ids:
        assert page.result(accepted)["state"] == "done"
    until(lambda: [item.title for _, item in pairs] == [f"t{n}" for n in range(5)])


@pytest.mark.parametrize(
    ("mode", "args", "words"),
    [
        ("dead_letters", {"limit": MOST_ROWS + 1}, "limit must be a whole number from 1 to 500"),
        ("dead_letters", {"offset": -1}, "offset must be a whole number"),
        ("dead_letters", {"offset": 10**400}, "offset must be a whole number"),
        ("dead_letters", {"sort": "scene; DROP TABLE letters"}, "sort must be one of newest"),
        ("dead_letters", {"class": "' OR 1=1 --"}, "class must be a name"),
        ("dead_letters", {"class": ["PlexNotFound"]}, "class must be a name"),
        ("queue", {"limit": "all"}, "limit must be a whole number"),
        ("queue", {"scene": 1}, "queue has no argument 'scene'"),
        ("scene_state", {}, "scenes must be 1 to 200 scene ids, not nothing"),
        ("scene_state", {"scenes": [[1]]}, "scenes must be 1 to 200 scene ids"),
        ("scene_state", {"scenes": list(range(1, 202))}, "scenes must be 1 to 200 scene ids"),
        ("result", {"id": "../../../etc/passwd"}, "id must be one that an operation answered"),
        ("result", {"id": "..\\..\\dlq.db"}, "id must be one that an operation answered"),
        ("result", {"id": 7}, "id must be a text"),
        ("report", {"task": "../ledger"}, "task must be a name"),
        ("report", {}, "task must be a name"),
        ("status", {"more": True}, "status has no argument 'more'; it takes settings, in_stash"),
        ("retry", {"scene": "1; rm -rf /"}, "scene must be a whole number"),
        ("clear", {"what": "all"}, "what must be one of dead_letters, queue"),
        ("undo", {"scene": {"$gt": 0}}, "scene must be a whole number"),
    ],
)
def test_hostile_arguments_are_refused_by_name_and_change_nothing(
    untouched: Page, mode: str, args: dict[str, Any], words: str
) -> None:
    assert words in untouched.here(untouched.stdin(mode, **args))["error"]
    assert not untouched.data.exists()


def test_a_refusal_arrives_in_the_page(untouched: Page) -> None:
    assert "scene must be a whole number" in untouched.refused("retry", scene="1; rm -rf /")
    assert not untouched.data.exists()


def test_an_unknown_mode_is_an_error_that_names_it(page: Page) -> None:
    assert '"format_disk"' in page.refused("format_disk")
    for mode in (None, 7, ["status"], {"status": 1}):
        assert "has no task" in page.here(page.stdin(mode))["error"]
    nested = b"[" * 100_000
    for stdin in (nested, b'{"args": [1]}', b'{"args": {"mode": "status"', b"\xff\xfe"):
        assert "not Stash's JSON object" in page.here(stdin)["error"]
    assert "not Stash's JSON object" in json.loads(page.process(nested).stdout)["error"]


def test_arguments_that_look_like_a_hook_are_no_event(page: Page) -> None:
    scene, _ = page.pair("1.mp4", title="A")
    like_a_hook = {"id": scene, "type": "Scene.Destroy.Post", "input": None}
    with pytest.raises(StashError, match="no task None"):
        page.stash.run_operation({"hookContext": like_a_hook})
    assert "has no argument 'hookContext'" in page.refused("tick", hookContext=like_a_hook)
    assert not (page.data / "inbox").exists()


def test_ten_thousand_dead_letters_page_by_page(page: Page) -> None:
    page.data.mkdir(mode=0o700)
    kinds = ["PlexNotFound", "PlexPermanentError", "AmbiguousMatch"]
    DeadLetters(str(page.data / "dlq.db"), print).close()
    with closing(sqlite3.connect(page.data / "dlq.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO dead_letters VALUES (?, ?, 'm', ?, ?, ?, NULL, '', '{}', '[]', '{}', ?)",
            [
                (scene, kinds[scene % 3], at, at, at, f'["/data/{scene}.mp4"]')
                for scene in range(1, 10_001)
                for at in [1e9 + scene % 100]
            ],
        )
    for sort in ("newest", "scene"):
        seen: list[dict[str, Any]] = []
        while True:
            ask = page.look if seen else page.ask
            answer = ask("dead_letters", offset=len(seen), limit=MOST_ROWS, sort=sort)
            assert answer["total"] == 10_000
            seen += answer["dead_letters"]
            if not answer["dead_letters"]:
                break
        assert len({dead_letter["scene"] for dead_letter in seen}) == len(seen) == 10_000
        times = [dead_letter["buried_at"] for dead_letter in seen]
        scenes = [dead_letter["scene"] for dead_letter in seen]
        assert (
            times == sorted(times, reverse=True) if sort == "newest" else scenes == sorted(scenes)
        )
    answer = page.ask("dead_letters", **{"class": "AmbiguousMatch"}, sort="oldest", limit=2)
    assert (answer["total"], answer["classes"][0]["count"]) == (3333, 3333)
    assert [dead_letter["error"] for dead_letter in answer["dead_letters"]] == [
        "AmbiguousMatch"
    ] * 2
    assert answer["dead_letters"][0]["paths"] == [f"/data/{answer['dead_letters'][0]['scene']}.mp4"]
    assert page.look("dead_letters", **{"class": "Nonsense"})["total"] == 0


@pytest.fixture(scope="module")
def untouched_but_owned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page beside what looks like a worker, so that no command starts one."""
    plugin = copy_plugin(tmp_path_factory.mktemp("plugins") / "PlexSync")
    data = plugin / "data"
    data.mkdir(mode=0o700)
    DeadLetters(str(data / "dlq.db"), print).close()
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        with held(data / "worker.lock"):
            yield Page(plugin, plex, stash)


@pytest.mark.parametrize("mode", sorted({*READS, *COMMANDS}))
def test_nothing_heavy_is_imported_to_answer(untouched_but_owned: Page, mode: str) -> None:
    args: dict[str, Any] = {
        "retry": {"scene": 1}, "retry_class": {"class": "PlexNotFound"}, "sync": {"scenes": 1},
        "preview": {"scenes": 1}, "undo": {"scene": 1}, "pin": {"scene": 1, "part": "/a"},
        "finish_step": {"step": "paths"}, "connect": {"url": "nas"}, "check_sign_in": {"id": "9f"},
        "choose_server": {"id": "9f", "machine": "m", "url": "nas"}, "stop_backfill": {"backfill": "forced"},
        "unpin": {"scene": 1}, "adopt_path_map": {"path_map": ""},
        "try_recipes": {"settings": {"title": ""}}, "save_settings": {"settings": {"title": ""}}, "clear": {"what": "queue"},
        **NEEDED,
    }.get(mode, {})  # fmt: skip
    loaded = imported(untouched_but_owned, mode, **args)
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    ours = [name for name in loaded if name.startswith("plexsync")]
    assert len(ours) <= MOST_FILES.get(mode, 50)


def test_nothing_heavy_is_imported_to_start_a_worker(page: Page) -> None:
    loaded = imported(page, "sync", scenes=1)
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    until(lambda: not lock_is_free(page.data / "worker.lock"))


def imported(page: Page, mode: str, **args: Any) -> set[str]:
    """What a request's process loads, as Stash starts it."""
    command = [sys.executable, "-S", "-X", "importtime", str(page.plugin / "PlexSync.py")]
    done = subprocess.run(command, input=page.stdin(mode, **args), capture_output=True)
    assert "output" in json.loads(done.stdout)
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[1].strip() for line in lines}
    assert "plexsync.flows.page.operations" in names
    return names


def test_a_tick_wakes_a_worker_only_when_something_waits_and_nobody_lives(page: Page) -> None:
    scene, item = page.pair("a.mp4", title="new")
    page.data.mkdir(mode=0o700)
    event = {"id": scene, "type": "Scene.Update.Post", "inputFields": ["title", "id"]}
    inbox.drop(str(page.data), json.dumps(event).encode())  # its hook was killed before it woke
    assert page.ask("tick")["worker"] == "started"
    until(lambda: item.title == "new")
    assert page.ask("tick")["worker"] == "alive"


def test_a_command_whose_worker_cannot_be_started_is_kept_and_says_so(page: Page) -> None:
    order = {"args": {"mode": "sync", "scenes": 1}}
    answer = json.loads(page.process(json.dumps(order).encode()).stdout)["output"]
    assert "no worker could be started" in answer["warning"]
    assert page.ask("result", id=answer["accepted"])["state"] == "waiting"
    assert page.ask("tick")["worker"] == "started"
    assert page.result(answer["accepted"])["state"] == "done"


def test_a_request_that_is_killed_at_any_moment_harms_nothing(page: Page) -> None:
    dice = random.Random(5)
    scene, item = page.pair("a.mp4", title="new")
    stdin = page.stdin("sync", scenes=scene)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, str(page.plugin / "PlexSync.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin
        process.stdin.write(stdin)
        process.stdin.close()
        time.sleep(dice.uniform(0, 0.12))
        process.kill()
        process.wait()
    assert page.result(page.ask("sync", scenes=scene)["accepted"])["state"] == "done"
    until(lambda: item.title == "new")
    until(lambda: page.look("queue")["total"] == 0)
    assert page.look("dead_letters")["total"] == 0


def test_a_damaged_file_is_named_and_the_rest_still_answers(page: Page) -> None:
    page.data.mkdir(mode=0o700)
    (page.data / "dlq.db").write_bytes(b"this is no database" * 100)
    (page.data / "outage_history.json").write_text('{"outages": 7')
    (page.data / "results").mkdir()
    accepted = f"{time.time_ns():020d}-1-00000000"
    (page.data / "results" / f"{accepted}.json").write_text("[]")
    assert "dlq.db cannot be read now" in page.refused("dead_letters")
    assert page.ask("queue")["total"] == 0
    assert "outage_history.json cannot be read now" in page.refused("outages")
    assert page.ask("result", id=accepted)["state"] == "unknown"
    assert page.ask("status")["dead_letters"] is None


def test_a_folder_that_others_may_write_to_is_mended_by_a_command(page: Page) -> None:
    scene, item = page.pair("1.mp4", title="A")
    page.data.mkdir()
    page.data.chmod(0o777)
    assert page.result(page.ask("sync", scenes=scene)["accepted"])["state"] == "done"
    assert page.data.stat().st_mode & 0o777 == 0o700
    until(lambda: item.title == "A")


def test_a_worker_that_was_killed_in_a_command_is_followed_by_one_that_ends_it(page: Page) -> None:
    scene, item = page.pair("a.mp4", title="new")
    page.plex.add_fault("hang", match="/identity", every=2.0, times=1)
    accepted = page.ask("preview", scenes=scene)["accepted"]
    until(lambda: page.look("result", id=accepted)["state"] == "running")
    log = until(lambda: (page.data / "plexsync.log").read_text())
    pid = int(log.rsplit("pid=", 1)[1].split()[0])
    os.kill(pid, 9)
    until(lambda: lock_is_free(page.data / "worker.lock"))
    page.plex.clear_faults()
    assert page.ask("tick")["worker"] == "started"
    assert page.result(accepted)["state"] == "done"


def test_every_operation_is_known_by_one_name_only() -> None:
    assert not set(READS) & set(COMMANDS)


@pytest.mark.long
def test_a_page_learns_what_a_task_told_stash(page: Page) -> None:
    began = time.time()
    run = page.stash.run_task("Health Check")
    report = page.ask("report", task="health_check")
    assert report["state"] == "done"
    assert report["output"]["state"] == "healthy"
    assert report["lines"][0]["text"].startswith("Plex is healthy")
    assert [line["text"] for line in report["lines"]] == [line.text for line in run.log]
    assert began <= report["began_at"] <= report["ended_at"] <= time.time()
    assert TOKEN not in json.dumps(report)

    page.plex.stop()
    page.stash.run_task("Process Queue")
    report = page.ask("report", task="process_queue")
    assert report["state"] == "failed"
    assert "Plex is down" in report["error"]
    assert page.ask("report", task="check_setup")["state"] == "unknown"
