"""Data survive updates and downgrades, and a worker exits when its version was replaced."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync import __version__
from plexsync.edges.ledger import schema as ledger_schema
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.packing import unpacked
from plexsync.edges.log.redact import load_words
from plexsync.edges.page import read_state
from plexsync.edges.plex import index_store
from plexsync.edges.plugin_files import REMOVED, PluginFiles
from plexsync.edges.queue import dead_letters, queue_store
from plexsync.edges.storage import files
from plexsync.flows.status.status import status
from plexsync.flows.tasks.confirmation import STATE as CONFIRM
from plexsync.flows.tasks.readings import outage_summary
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.event import parse_event
from plexsync.model.job import Job
from plexsync.model.ledger import KINDS, SYNCED, Observation, Pin
from plexsync.model.set_up import FRESH
from plexsync.model.stored import ABSURD, DATABASES, DOCUMENTS
from plexsync.policy import dry_pass
from plexsync.policy.circuit_breaker import OPEN
from plexsync.policy.events import actions_of
from plexsync.policy.reconcile_schedule import Schedule
from plexsync.policy.reconcile_state import to_json
from plexsync.policy.recovery_scheduler import RecoveryState
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.hostile.hook_plugin import is_running
from tests.installation import compiled_package, copy_plugin
from tests.task_running import run_task
from tests.world import (
    ROOT,
    TOKEN,
    FakeClock,
    World,
    lock_is_free,
    until,
)

SCHEMAS = {
    "ledger.db": ledger_schema.SCHEMA,
    "dlq.db": dead_letters.SCHEMA,
    "plex_index.db": index_store.SCHEMA,
}
STORIES = {*DATABASES, *DOCUMENTS}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")


def a_full_life(world: World) -> tuple[int, Any]:
    """Fill a data folder with everything that PlexSync stores; returns a scene with its item."""
    world.configure(obfuscate_paths=True, no_poster=True)
    scene, item = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    world.edit(world.stash.add_scene(files=[("/data/gone.mp4", 1)]), title="lost")
    world.run()
    world.plex.stop()
    world.edit(scene, title="newer")
    world.run(minutes=3)
    world.plex.start()
    Path(world.folder, CONFIRM).write_text('{"version": 2, "pressed_at": {}}')
    never = {"reconcile_state.json": to_json(Schedule())}
    never["set_up.json"] = FRESH.to_json()
    never["first_sync.json"] = dry_pass.to_json(dry_pass.begun(None, "", world.clock.now()))
    never["recovery_state.json"] = RecoveryState().to_json()
    never["sound.json"] = {"version": 1, "by": __version__, "databases": {}}
    for name, document in never.items():
        if not Path(world.folder, name).exists():
            Path(world.folder, name).write_text(json.dumps(document))
    return scene, item


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, int, Any, Path]]:
    """A world with a full life, its scene and item, and a copy of its data folder."""
    root = tmp_path_factory.mktemp("lived")
    (root / "data").mkdir(mode=0o700)
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        world = World(root / "data", plex, stash)
        scene, item = a_full_life(world)
        shutil.copytree(root / "data", root / "copy")
        yield world, scene, item, root / "copy"
        world.close()


@pytest.fixture
def full(lived: tuple[World, int, Any, Path]) -> tuple[World, int, Any]:
    """The same life for each test."""
    world, scene, item, copy = lived
    shutil.rmtree(world.folder)
    shutil.copytree(copy, world.folder)
    Path(world.folder).chmod(0o700)
    world.sink.lines.clear()
    return world, scene, item


def content(folder: str) -> dict[str, bytes]:
    """Every file except those that a read may change."""
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock", ".log"))
    }


def by_a_newer_version(folder: str, name: str, version: int = 0) -> Path:
    """As if a newer PlexSync had written this file."""
    path = Path(folder, name)
    if name in DATABASES:
        with closing(sqlite3.connect(path)) as changed:
            changed.execute(f"PRAGMA user_version = {version or DATABASES[name] + 1}")
            changed.execute("CREATE TABLE something_new (x)")
            changed.commit()
    else:
        known = json.loads(path.read_text())
        wanted = version or DOCUMENTS[name] + 1
        path.write_text(json.dumps({**known, "version": wanted, "something_new": [1]}))
    return path


def test_every_file_says_its_version_and_is_on_the_list(full: tuple[World, int, Any]) -> None:
    world, _, _ = full
    found = {os.path.relpath(p, world.folder) for p in Path(world.folder).rglob("*.db")}
    assert {name.replace(os.sep, "/") for name in found} == set(DATABASES)
    for name, version in DATABASES.items():
        with closing(sqlite3.connect(Path(world.folder, name))) as opened:
            assert opened.execute("PRAGMA user_version").fetchone() == (version,), name
    documents = {
        os.path.relpath(path, world.folder).replace(os.sep, "/")
        for path in Path(world.folder).rglob("*.json")
        if path.parent.name not in ("damaged", "results", "reports")
    }
    notes = {"checked_settings.json", "health_check.json"}
    assert documents == {*DOCUMENTS, *notes}, "notes are lost without harm"
    for name, version in DOCUMENTS.items():
        assert json.loads(Path(world.folder, name).read_text())["version"] == version, name


def test_the_list_is_what_the_code_knows() -> None:
    assert {name: len(schema) for name, schema in SCHEMAS.items()} == {
        name: version for name, version in DATABASES.items() if name != "queue/data.db"
    }
    assert DATABASES["queue/data.db"] == queue_store.VERSION


@pytest.mark.parametrize("name", sorted(STORIES))
def test_what_a_newer_version_wrote_is_refused_and_left_alone(
    full: tuple[World, int, Any], name: str
) -> None:
    world, scene, item = full
    path = by_a_newer_version(world.folder, name)
    title, before = item.title, content(world.folder)
    known = {**DATABASES, **DOCUMENTS}[name]
    with pytest.raises(files.NewerSchema) as refusal:
        world.run()
    for text in (str(refusal.value), "\n".join(status(world.folder, 0.0)["problems"])):
        assert f"{path} has version {known + 1}, but this PlexSync knows only {known}" in text
        assert "install the newer PlexSync again, or move that file away" in text
        assert "damaged" not in text.lower()
    assert content(world.folder) == before
    assert item.title == title

    path.unlink()
    for side in ("-wal", "-shm"):
        Path(f"{path}{side}").unlink(missing_ok=True)
    world.edit(scene, title=f"after the newer {name} was moved away")
    world.run()
    assert item.title == f"after the newer {name} was moved away"


def test_a_task_that_only_reads_says_it_too(full: tuple[World, int, Any]) -> None:
    world, _, _ = full
    by_a_newer_version(world.folder, "outage_history.json")
    run_task(world, outage_summary)
    assert "has version 2, but this PlexSync knows only 1" in world.said("warning")


def test_all_newer_files_are_named_at_once(full: tuple[World, int, Any]) -> None:
    world, _, _ = full
    names = ["ledger.db", "stats.json", "queue/data.db"]
    paths = [by_a_newer_version(world.folder, name) for name in names]
    with pytest.raises(files.NewerSchema) as refusal:
        world.run()
    assert all(str(path) in str(refusal.value) for path in paths)
    assert len(read_state.newer_files(world.folder)) == 3


@pytest.mark.parametrize("name", ["circuit_breaker.json", "stats.json", "device_id.json"])
def test_a_version_that_cannot_be_is_damage_as_ever(
    full: tuple[World, int, Any], name: str
) -> None:
    world, scene, item = full
    path = Path(world.folder, name)
    known = json.loads(path.read_text())
    for version in (ABSURD + 1, -1, 0, "2", True, 1.5, None):
        path.write_text(json.dumps({**known, "version": version}))
        world.sink.lines.clear()
        world.edit(scene, title=f"goes on after {name} {version}")
        world.run()
        assert item.title == f"goes on after {name} {version}"
        assert f"{name} was damaged" in world.said("warning"), version


def test_unknown_fields_of_the_same_version_are_passed_over(full: tuple[World, int, Any]) -> None:
    world, scene, item = full
    for name in DOCUMENTS:
        path = Path(world.folder, name)
        path.write_text(json.dumps({**json.loads(path.read_text()), "unheard_of": {"a": [1]}}))
    world.edit(scene, title="goes on")
    world.sink.lines.clear()
    world.run()
    assert item.title == "goes on"
    assert "damaged" not in world.said()


def test_a_job_with_other_fields_than_ours_is_still_a_job(world: World) -> None:
    first, item = world.pair("1.mp4", title="one")
    second, other = world.pair("2.mp4", title="two")
    world.stores().close()
    odd = {"scene": first, "unheard_of": {"deep": [1]}, "reason": "new kind", "born": 5.0}
    with closing(sqlite3.connect(Path(world.folder, "queue", "data.db"))) as queue, queue:
        for row in (odd, {"scene": second}):
            queue.execute(
                "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, 0, 2)",
                (json.dumps(row).encode(),),
            )
    world.run()
    assert (item.title, other.title) == ("one", "two")
    assert "unreadable" not in world.said()


def test_an_event_of_another_version_is_still_an_event() -> None:
    record = {"id": 7, "type": "Scene.Update.Post", "inputFields": ["title"], "unheard_of": [1]}
    assert actions_of(parse_event(json.dumps(record).encode(), 5.0)) == (
        Job(scene=7, reason="update", born=5.0),
    )
    unknown = parse_event(b'{"id": 7, "type": "Planet.Collide.Post"}', 5.0)
    assert actions_of(unknown) == ()


def test_a_job_needs_its_scene_and_nothing_else() -> None:
    assert Job.from_dict({"scene": 7, "later": 1}) == Job(scene=7, reason="update", born=0.0)
    for wrong in ({}, {"scene": 0}, {"reason": "update"}, {"scene": "7"}, []):
        with pytest.raises(ValueError):
            Job.from_dict(wrong)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_database_of_any_earlier_version_is_brought_up_to_date(tmp_path: Path, name: str) -> None:
    schema = SCHEMAS[name]

    def shape(connection: sqlite3.Connection) -> list[object]:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return sorted(
            (table, tuple(connection.execute(f"PRAGMA table_info({table})")))
            for (table,) in tables.fetchall()
        )

    with closing(files.open_sqlite(str(tmp_path / "fresh.db"), schema, pytest.fail)) as fresh:
        wanted = shape(fresh)
    for count in range(len(schema)):
        path = tmp_path / f"{count}.db"
        with closing(files.open_sqlite(str(path), schema[:count], pytest.fail)):
            pass
        with closing(files.open_sqlite(str(path), schema, pytest.fail)) as updated:
            assert shape(updated) == wanted
            assert updated.execute("PRAGMA user_version").fetchone() == (len(schema),)


def test_what_was_written_before_a_migration_is_there_after_it(world: World) -> None:
    scene, item = world.pair("1.mp4", title="one")
    path = Path(world.folder, "ledger.db")
    first = ledger_schema.SCHEMA[:1]
    with closing(files.open_sqlite(str(path), first, pytest.fail)) as old, old:
        old.execute("INSERT INTO meta VALUES ('watermark', '1700000000.0')")
        old.execute(
            "INSERT INTO bulks (reason, kind, ids, after, born) VALUES ('sync', 'scene', ?, 0, 1.0)",
            (json.dumps([scene]),),
        )
    world.run()
    assert item.title == "one"
    app = world.stores()
    assert app.stores.ledger.get_meta("installed_at") == "1700000000.0"
    app.close()


def test_stored_backfills_keep_their_scenes_over_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    rows = [("sync", "scene", "[7, 9, 12]", 7), ("rename", "tag", "null", 0), ("x", "tag", "{", 0)]
    with closing(files.open_sqlite(str(path), ledger_schema.SCHEMA[:5], pytest.fail)) as old, old:
        old.executemany(
            "INSERT INTO bulks (reason, kind, ids, after, born) VALUES (?, ?, ?, ?, 1.0)", rows
        )
    with closing(Ledger(str(path), pytest.fail)) as ledger:
        some, every, damaged = ledger.backfills()
        assert ledger.backfill_scenes(some, 10) == [9, 12]
        assert (every.listed, damaged.listed, ledger.backfill_ids(damaged)) == (False, True, [])


def _before_numbers(table: str, column: str, kind: str) -> str:
    """SQL for what the versions had in a column that has now a number or compressed JSON."""
    if column == "server" and kind == "INTEGER":
        name = f"SELECT s.server FROM now.servers s WHERE s.number = {table}.server"
        return f"coalesce(({name}), '')"
    if column == "kind" and kind == "INTEGER":
        kinds = " ".join(f"WHEN {number} THEN '{name}'" for name, number in KINDS.items())
        return f"CASE kind {kinds} END"
    if (table, column) == ("targets", "part"):
        return "coalesce(part, (SELECT path FROM now.scenes WHERE id = row))"
    return f"unpacked({column})" if kind == "BLOB" else column


def as_before_the_restructuring(folder: str) -> None:
    """Both databases as the version before wrote them: their tables, columns and meta keys."""
    path, old = Path(folder, "ledger.db"), Path(folder, "old.db")
    before = {"observations": "looked", "backfills": "bulks", "backfill_ids": "bulk_ids"}
    with closing(files.open_sqlite(str(old), ledger_schema.SCHEMA[:7], pytest.fail)) as made:
        made.execute("ATTACH ? AS now", (str(path),))
        made.create_function("unpacked", 1, lambda kept: kept if kept[0] == "{" else unpacked(kept))
        for table in ("meta", "scenes", "targets", "bases", "entities", "pins", "seen",
                      "outage_jobs", *before):  # fmt: skip
            old_table = before.get(table, table)
            count = len(made.execute(f"PRAGMA main.table_info({old_table})").fetchall())
            now = made.execute(f"PRAGMA now.table_info({table})").fetchall()[:count]
            # columns that came later are last
            values = ", ".join(_before_numbers(table, name, kind) for _, name, kind, *_ in now)
            made.execute(f"INSERT INTO main.{old_table} SELECT {values} FROM now.{table}")
        for key, known_as in (("watermark", "swept"), ("installed_at", "watermark")):
            made.execute("UPDATE main.meta SET key = ? WHERE key = ?", (known_as, key))
        made.commit()
    replace_database(path, old)
    path = Path(folder, "dlq.db")
    with closing(files.open_sqlite(str(old), dead_letters.SCHEMA[:1], pytest.fail)) as made:
        made.execute("ATTACH ? AS now", (str(path),))
        made.execute("INSERT INTO main.letters SELECT * FROM now.dead_letters")
        made.commit()
    replace_database(path, old)


def replace_database(path: Path, by: Path) -> None:
    for side in ("-wal", "-shm"):
        Path(f"{path}{side}").unlink(missing_ok=True)
    by.replace(path)


def stored(world: World, scenes: Sequence[int]) -> dict[str, Any]:
    """The data that an update must not lose."""
    app = world.stores()
    try:
        ledger = app.stores.ledger
        return {
            "jobs": dict(app.stores.queue.jobs),
            "dead letters": app.stores.dead_letters.page(10),
            "scenes": ledger.scenes(scenes),
            "pins": ledger.pins(),
            "observations": ledger.observations(scenes),
            "backfills": [(each, ledger.backfill_ids(each)) for each in ledger.backfills()],
            "held back": ledger.held_back(app.outages.history.outages[-1].start),
            "times": [ledger.get_meta(key) for key in ("installed_at", "watermark")],
            "breaker": app.outages.breaker,
            "outages": app.outages.history,
            "recovery": app.outages.recovery,
        }
    finally:
        app.close()


def test_a_folder_from_before_the_restructuring_is_opened_whole_and_its_work_goes_on(
    world: World,
) -> None:
    world.configure(no_poster=True)
    synced, known = world.pair("synced.mp4", title="synced")
    waiting, late = world.pair("waiting.mp4", title="old")
    long_ago = {"created_at": 1.0, "updated_at": 1.0}
    buried = world.stash.add_scene(title="no file", **long_ago)
    passed, first = world.pair("passed.mp4", title="passed by the backfill", **long_ago)
    ahead, second = world.pair("ahead.mp4", title="still ahead", **long_ago)
    world.event(synced)
    world.event(waiting)
    world.run()
    world.plex.stop()
    world.edit(waiting, title="edited while Plex was away")
    world.run(minutes=3)
    app = world.stores()
    ledger, now = app.stores.ledger, world.clock.now()
    seen = Observation(known.key, 7, "h", (("drifted", "title"),))
    ledger.save_observations([(synced, [seen])])
    ledger.pin(passed, Pin("/plex/passed.mp4"))
    ledger.advance(ledger.add_backfill("sync all", "scene", [passed, ahead], now), passed)
    times = {"buried_at": now, "first_failure": now, "last_failure": now}
    app.stores.dead_letters.add(
        DeadLetter(scene=buried, error="PlexPermanentError", message="refused", **times)
    )
    app.close()
    everything = [synced, waiting, buried, passed, ahead]
    before = stored(world, everything)
    assert waiting in before["jobs"] and before["breaker"].state == OPEN
    assert [each.scene for each in before["dead letters"]] == [buried]
    assert all(before.values())

    as_before_the_restructuring(world.folder)

    known_then = {scene: state._replace(basis="") for scene, state in before["scenes"].items()}
    assert stored(world, everything) == {**before, "scenes": known_then}
    assert world.said("warning").count("damaged") == 0
    world.plex.start()
    world.run(minutes=5)
    assert late.title == "edited while Plex was away"
    assert second.title == "still ahead"
    assert first.title != "passed by the backfill", "a half-done backfill goes on, not anew"
    assert world.state(synced).state == SYNCED


def test_private_words_do_not_stop_for_a_newer_salt(world: World) -> None:
    Path(world.folder, "log_salt.json").write_text('{"version": 2, "salt": "x"}')
    warnings: list[str] = []
    load_words(world.folder, warnings.append)
    assert len(warnings) == 1
    assert json.loads(Path(world.folder, "log_salt.json").read_text())["version"] == 2


class Site:
    """The plugin as Stash has it installed, and Stash's package manager."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.data = plugin / "data"
        self.section = plex.add_section("Films", locations=["/data"])
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True})

    def pair(self, name: str, **scene: Any) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file=f"/data/{name}", size=1)
        return self.stash.add_scene(files=[(f"/data/{name}", 1)], **scene), self.plex.item(key)

    def log(self) -> str:
        path = self.data / "plexsync.log"
        return path.read_text() if path.exists() else ""

    def workers(self) -> list[tuple[str, int]]:
        """Version and pid of each worker that ever owned the folder."""
        return [
            (version, int(pid))
            for version, pid in re.findall(r"worker starts version=(\S+) pid=(\d+)", self.log())
        ]

    def remove_files(self) -> None:
        """The first half of an update: the installed files are deleted."""
        (self.plugin / "PlexSync.py").unlink()
        for path in [*self.plugin.glob("plexsync/**/*.py"), *self.plugin.glob("*.yml")]:
            path.unlink()

    def write_files(self, version: str) -> None:
        """The second half: the files of another version are written one by one."""
        package = compiled_package()
        (self.plugin / "plexsync").mkdir(exist_ok=True)
        text = (package / "__init__.py").read_text()
        constant = text.replace(f'"{__version__}"', f'"{version}"')
        (self.plugin / "plexsync" / "__init__.py").write_text(constant)
        for path in sorted(package.rglob("*.py*")):  # with the byte code
            target = self.plugin / path.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            if path != package / "__init__.py":
                shutil.copy2(path, target)
        for name in ("PlexSync.yml", "requirements.txt", "PlexSync.py"):
            shutil.copy(ROOT / name, self.plugin)

    def update(self, version: str) -> None:
        self.remove_files()
        self.write_files(version)


@pytest.fixture
def site(plugin: Path) -> Iterator[Site]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        yield Site(plugin, plex, stash)


def owner_is(site: Site, version: str) -> Callable[[], bool]:
    return lambda: bool(site.workers()) and site.workers()[-1][0] == version


@posix
@pytest.mark.parametrize("version", ["9.9.9", "0.0.1"])
def test_an_idle_worker_makes_way_at_the_next_event(site: Site, version: str) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    ((_, old),) = site.workers()
    site.update(version)
    (run,) = site.stash.edit(scene, title="two")
    assert run.output == "ok"
    until(lambda: item.title == "two")
    until(lambda: not is_running(old))
    assert [name for name, _ in site.workers()] == [__version__, version]
    # or it checked while the files were deleted
    assert re.findall(r"worker stops: (.*)", site.log())[0] in (
        f"PlexSync {version} was installed",
        REMOVED,
    )


@pytest.mark.long
@posix
def test_waiting_work_goes_over_to_the_new_version(site: Site) -> None:
    pairs = [site.pair(f"{n}.mp4", title="old") for n in range(8)]
    site.stash.edit(pairs[0][0], title="begins")
    until(lambda: pairs[0][1].title == "begins")
    site.plex.stop()
    for scene, _ in pairs[:4]:
        site.stash.edit(scene, title=f"new {scene}")
    until(lambda: "CLOSED -> OPEN" in site.log())
    ((_, old),) = site.workers()

    site.update("9.9.9")
    for scene, _ in pairs[4:]:
        (run,) = site.stash.edit(scene, title=f"new {scene}")
        assert run.output == "ok"

    until(owner_is(site, "9.9.9"))
    until(lambda: not is_running(old))
    site.plex.start()
    until(lambda: all(item.title == f"new {scene}" for scene, item in pairs))
    assert len(site.workers()) == 2


@pytest.mark.long
@posix
def test_no_event_is_needed_while_work_waits(site: Site) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.plex.stop()
    site.stash.edit(scene, title="new")
    until(lambda: "CLOSED -> OPEN" in site.log())
    site.update("9.9.9")
    until(owner_is(site, "9.9.9"))
    site.plex.start()
    until(lambda: item.title == "new")


@pytest.mark.long
@posix
def test_an_update_that_takes_its_time_is_waited_for(site: Site) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.plex.stop()
    site.stash.edit(scene, title="new")
    until(lambda: "CLOSED -> OPEN" in site.log())
    ((_, old),) = site.workers()
    site.remove_files()
    until(lambda: f"worker stops: {REMOVED}" in site.log())
    assert is_running(old), "it waits for the plugin to come back"
    site.write_files("9.9.9")
    until(owner_is(site, "9.9.9"))
    site.plex.start()
    until(lambda: item.title == "new")


@posix
def test_a_task_of_the_new_version_beside_a_worker_of_the_old(site: Site) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    ((_, old),) = site.workers()
    os.kill(old, signal.SIGSTOP)
    site.stash.edit(scene, title="two")
    site.update("9.9.9")
    os.kill(old, signal.SIGCONT)
    run = site.stash.run_task("Process Queue", {})
    assert run.error is None
    until(lambda: item.title == "two")
    until(lambda: not is_running(old))


@posix
def test_reinstalling_the_same_version_disturbs_nobody(site: Site) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    shutil.rmtree(site.plugin / "plexsync")
    site.write_files(__version__)
    site.stash.edit(scene, title="two")
    until(lambda: item.title == "two")
    assert len(site.workers()) == 1


@pytest.mark.long
@posix
def test_after_a_downgrade_hooks_keep_events_and_everybody_says_why(site: Site) -> None:
    scene, item = site.pair("1.mp4", title="old")
    site.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    site.update("9.9.9")
    site.stash.edit(scene, title="two")
    until(lambda: item.title == "two")
    (site.plugin / "PlexSync.py").rename(site.plugin / "away")
    until(lambda: lock_is_free(site.data / "worker.lock"))
    path = by_a_newer_version(str(site.data), "ledger.db")
    before = path.read_bytes()
    site.write_files(__version__)

    (run,) = site.stash.edit(scene, title="three")
    assert (run.output, run.error) == ("ok", None)
    until(lambda: "The worker stops: " in site.log())
    known = DATABASES["ledger.db"]
    reason = f"{path} has version {known + 1}, but this PlexSync knows only {known}"
    assert reason in site.log()
    task = site.stash.run_task("Process Queue", {})
    assert task.error is not None and reason in task.error
    shown = site.stash.run_task("View Queue Status", {})
    assert reason in "\n".join(line.text for line in shown.log)
    until(lambda: lock_is_free(site.data / "worker.lock"))
    assert path.read_bytes() == before
    assert len(list((site.data / "inbox" / "new").iterdir())) == 1

    with closing(sqlite3.connect(path)) as mended:
        mended.execute("PRAGMA user_version = 5")
    site.stash.edit(scene, title="four")
    until(lambda: item.title == "four")


def test_the_files_on_disk_tell_which_version_is_installed(tmp_path: Path) -> None:
    plugin = copy_plugin(tmp_path / "PlexSync")
    constant = plugin / "plexsync" / "__init__.py"
    package = PluginFiles(str(plugin))
    assert package.stop_reason() == package.stop_reason() == ""
    constant.write_text("__vers")
    assert package.stop_reason() == "", "it is being written"
    constant.write_text('"""Words."""\n\n__version__ = "0.0.9-older"\n')
    assert package.stop_reason() == "PlexSync 0.0.9-older was installed"
    constant.unlink()
    assert package.stop_reason() == "PlexSync 0.0.9-older was installed"
    (plugin / "PlexSync.py").unlink()
    assert package.stop_reason() == REMOVED
    assert not package.wait_until_stable(FakeClock())


def test_files_that_still_change_are_not_whole(tmp_path: Path) -> None:
    plugin, clock = copy_plugin(tmp_path / "PlexSync"), FakeClock()
    late = [plugin / "plexsync" / f"late{n}.py" for n in range(6)]
    clock.on_wait = lambda: late.pop().write_text("") if late else None
    assert PluginFiles(str(plugin)).wait_until_stable(clock)
    assert not late
    assert clock.passed >= 2.0
