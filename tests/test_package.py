"""The package that users install: its bytes, its contents, and how Stash installs it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

import plexsync
from release import package
from simulator.plex import PlexSim
from simulator.plugin_manifest import load_manifest, other_manifests
from simulator.stash import StashSim
from simulator.stash_packages import PackageError, PluginFolder, read_index
from tests.installation import add_byte_code
from tests.world import ROOT, TOKEN, lock_is_free, until

SOURCES = (*package.SINGLE, "CHANGELOG.md")


def test_the_page_weighs_less_than_250_kb() -> None:
    files = (ROOT / "web").iterdir()
    assert sum(file.stat().st_size for file in files) < 250_000


def checkout(target: Path, *, backwards: bool = False) -> Path:
    """A source tree of its own with what the package is built from, created in this order."""
    found = [ROOT / name for name in SOURCES]
    for folder in ("release", *package.FOLDERS):
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(found, reverse=backwards):
        if "__pycache__" not in path.parts:
            copy = target / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return target


def built(source: Path, out: Path, **how: Any) -> tuple[bytes, bytes]:
    """What `dev.py package` runs, in that tree: the zip and the index."""
    command = [sys.executable, "-m", "release.package", "--out", str(out)]
    environ = {**os.environ, "PYTHONPATH": str(source), **how.pop("env", {})}
    subprocess.run(command, cwd=source, env=environ, check=True, capture_output=True, **how)
    return (out / "PlexSync.zip").read_bytes(), (out / "index.yml").read_bytes()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of a plugin source, as it is published."""
    out = tmp_path_factory.mktemp("dist")
    assert package.main(["--out", str(out)]) == 0
    return out / "index.yml"


@pytest.fixture
def installed(source: Path, tmp_path: Path) -> Iterator[Path]:
    """PlexSync, installed by Stash's package manager."""
    folder = PluginFolder(tmp_path / "plugins").install(read_index(source)["PlexSync"])
    yield folder
    (folder / "PlexSync.py").unlink(missing_ok=True)
    lock = folder / "data" / "worker.lock"
    if lock.exists():
        os.utime(folder / "data" / "inbox" / "new")
        until(lambda: lock_is_free(lock))


def members(source: Path) -> list[str]:
    with zipfile.ZipFile(source.parent / "PlexSync.zip") as archive:
        return archive.namelist()


def test_the_same_sources_give_the_same_bytes_whoever_builds_them(tmp_path: Path) -> None:
    one = checkout(tmp_path / "one")
    two = checkout(tmp_path / "elsewhere" / "two words", backwards=True)
    for number, file in enumerate(sorted(two.rglob("*"), reverse=True)):
        os.utime(file, (1_000_000_000 + number, 1_000_000_000 + number))
        if file.is_file() and os.name != "nt":
            file.chmod(0o600)
    for junk in ("plexsync/.hidden.py", "plexsync/edges/log/log.py.orig", "data/secret.py"):
        (two / junk).parent.mkdir(exist_ok=True)
        (two / junk).write_text("not for users")
    odd = two / "plexsync" / "app.py"
    odd.write_bytes(odd.read_bytes().replace(b"\n", b"\r\n"))
    umask = {} if os.name == "nt" else {"umask": 0o077}
    first = built(one, tmp_path / "first", env={"TZ": "UTC", "PYTHONHASHSEED": "1"})
    there = {"TZ": "Pacific/Apia", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "2"}
    other = built(two, tmp_path / "other", env=there, **umask)
    assert first == other


def test_it_holds_what_a_user_needs_and_nothing_else(source: Path) -> None:
    names = members(source)
    assert names == sorted(names)
    assert {name.partition("/")[0] for name in names} <= {*package.SINGLE, *package.FOLDERS}
    ours = (p.relative_to(ROOT) for p in (ROOT / "plexsync").rglob("*.py"))
    assert {path.as_posix() for path in ours} <= set(names)
    assert not [
        name for name in names if re.search(r"\.\.|^/|\\|:|/$|__pycache__|^manifest$", name)
    ]
    assert [name for name in names if name.endswith(".yml")] == ["PlexSync.yml"]


def test_every_file_that_the_manifest_names_is_in_it(source: Path, installed: Path) -> None:
    manifest = yaml.safe_load((installed / "PlexSync.yml").read_text(encoding="utf-8"))
    page = manifest.get("ui", {})
    for name in (*page.get("javascript", ()), *page.get("css", ())):
        assert "://" in name or name in members(source)
    for place in page.get("assets", {}).values():
        assert any(name.startswith(place.rstrip("/") + "/") for name in members(source)), place
    assert other_manifests(str(installed)) == []


def test_what_is_in_it_imports_only_python_its_own_and_what_is_pinned(source: Path) -> None:
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    pinned = {name.lower().replace("_", "-") for name in pins}
    brought = {module for dist in pinned if is_installed(dist) for module in modules_of(dist)}
    for name in members(source):
        for module in imported(name) if name.endswith(".py") else ():
            if module in sys.stdlib_module_names or module == "plexsync":
                continue
            assert module in brought, f"{name} imports {module}"


def is_installed(dist: str) -> bool:
    """A pin may be for other systems or Python versions only."""
    return any(metadata.distributions(name=dist))


def modules_of(dist: str) -> set[str]:
    """What can be imported once it is installed; packages_distributions of Python 3.10 knows only
    those with a top_level.txt."""
    files = metadata.files(dist) or ()
    return {
        file.parts[0].partition(".")[0] for file in files if file.suffix in (".py", ".so", ".pyd")
    }


def imported(name: str) -> set[str]:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


def test_the_index_is_one_that_stash_reads(source: Path) -> None:
    (found,) = read_index(source).values()
    manifest = load_manifest(str(ROOT / "PlexSync.yml"))
    assert (found.id, found.name, found.version) == (
        "PlexSync",
        manifest.name,
        plexsync.__version__,
    )
    assert found.sha256 == hashlib.sha256((source.parent / "PlexSync.zip").read_bytes()).hexdigest()
    assert found.requires == ()
    assert found.description.startswith("Keeps Plex equal to Stash.")
    assert set(yaml.safe_load(source.read_text(encoding="utf-8"))[0]) == {
        "id", "name", "version", "date", "path", "sha256", "metadata",
    }  # fmt: skip


UNRELEASED = "# Changelog\n\n## Unreleased\n\n### Added\n\n- x\n"


@pytest.mark.parametrize(
    ("changelog", "expected"),
    [
        (
            "# Changelog\n\n## 1.2.0 - 2026-03-04\n\n- x\n\n## 1.1.0 - 2025-01-01\n",
            "2026-03-04 00:00:00",
        ),
        ("# Changelog\n\n## Unreleased\n\n## [1.2.0] - 2026-03-04\n\n- x\n", "2026-03-04 00:00:00"),
        ("## 1.2.0 - 2026-03-04 15:30\n\n## 1.1.9 - 2026-03-04\n", "2026-03-04 15:30:00"),
        (UNRELEASED, package.NEVER),
        (UNRELEASED + "\n## 1.2.0 - 2026-03-04\n\n- x\n", package.NEVER),
        ("# Changelog\n\n## 1.2.0\n\n- x\n", package.NEVER),
        ("# Changelog\n\n## 1.3.0 - 2026-05-05\n\n## 1.2.0 - 2026-03-04\n", package.NEVER),
        ("", package.NEVER),
    ],
)
def test_its_date_is_the_releases(changelog: str, expected: str) -> None:
    assert package.release_date(changelog, "1.2.0") == expected


def test_a_date_that_is_none_would_make_the_whole_source_unreadable() -> None:
    with pytest.raises(package.NotReady, match="2026-02-30 of 1.2.0 is not a date"):
        package.release_date("## 1.2.0 - 2026-02-30\n", "1.2.0")


def test_a_second_release_of_a_day_needs_a_time_of_day() -> None:
    with pytest.raises(package.NotReady, match="1.2.0 is not later than 1.1.9.* 2026-03-04 15:30"):
        package.release_date("## 1.2.0 - 2026-03-04\n\n## 1.1.9 - 2026-03-04\n", "1.2.0")


def test_a_version_is_released_once() -> None:
    with pytest.raises(package.NotReady, match="1.2.0 was released before. Raise the version"):
        package.release_date("## 1.2.0 - 2026-03-04 15:30\n\n## 1.2.0 - 2026-03-04\n", "1.2.0")


def test_both_releases_of_one_day_are_offered_and_each_to_an_unreleased_build(
    tmp_path: Path,
) -> None:
    tree, version = checkout(tmp_path / "tree"), plexsync.__version__
    history = "## 0.0.9 - 2026-03-04\n\n- x\n"
    found = []
    for text in (UNRELEASED, history, f"## {version} - 2026-03-04 15:30\n\n- y\n\n{history}"):
        (tree / "CHANGELOG.md").write_text(text)
        one = "0.0.9" if text == history else version
        constant = tree / "plexsync" / "__init__.py"
        constant.write_text(f'__version__ = "{one}"\n')
        manifest = (ROOT / "PlexSync.yml").read_text()
        (tree / "PlexSync.yml").write_text(
            re.sub(r'^version: ".*"', f'version: "{one}"', manifest, flags=re.M)
        )
        out = tmp_path / f"out{len(found)}"
        built(tree, out, env={"PYTHONDONTWRITEBYTECODE": "1"})  # two versions within a second
        found.append(read_index(out / "index.yml")["PlexSync"])
    unreleased, first, second = found
    plugins = PluginFolder(tmp_path / "plugins")
    plugins.install(unreleased)
    assert plugins.update_available(first)
    plugins.install(first)
    assert plugins.update_available(second)
    assert first.version != second.version, "Stash's page shows days only"
    plugins.install(second)
    assert not plugins.update_available(second)


def test_two_versions_are_not_packaged(tmp_path: Path) -> None:
    tree = checkout(tmp_path / "tree")
    text = (tree / "PlexSync.yml").read_text()
    (tree / "PlexSync.yml").write_text(
        re.sub(r'^version: ".*"', 'version: "9.9"', text, flags=re.M)
    )
    with pytest.raises(package.NotReady, match="has version 9.9"):
        package.read_release(tree)


def test_a_tag_publishes_only_that_version_and_only_once_it_is_dated(tmp_path: Path) -> None:
    tree, version = checkout(tmp_path / "tree"), plexsync.__version__

    def publish(tag: str) -> tuple[int, str]:
        words = ["-m", "release.package", "--out", str(tmp_path / "out"), "--tag", tag]
        environ = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(
            [sys.executable, *words], cwd=tree, env=environ, capture_output=True, text=True
        )
        return done.returncode, done.stderr

    (tree / "CHANGELOG.md").write_text(f"{UNRELEASED}\n## {version} - 2026-03-04\n\n- x\n")
    assert "nothing unreleased above it" in publish(f"v{version}")[1]
    (tree / "CHANGELOG.md").write_text(f"## {version} - 2026-03-04\n\n- x\n")
    assert "the tag v0.0.9 is not" in publish("v0.0.9")[1]
    assert not (tmp_path / "out").exists()
    assert publish(f"v{version}") == (0, "")
    assert 'date: "2026-03-04 00:00:00"' in (tmp_path / "out" / "index.yml").read_text()


def test_stash_refuses_a_package_that_is_not_the_published_one(
    source: Path, tmp_path: Path
) -> None:
    place = shutil.copytree(source.parent, tmp_path / "cut")
    data = (place / "PlexSync.zip").read_bytes()
    (place / "PlexSync.zip").write_bytes(data[:-1])
    plugins = PluginFolder(tmp_path / "plugins")
    with pytest.raises(PackageError, match="SHA256"):
        plugins.install(read_index(place / "index.yml")["PlexSync"])
    assert not plugins.folder("PlexSync").exists()


def test_an_upgrade_and_an_uninstallation_leave_the_data(source: Path, tmp_path: Path) -> None:
    plugins = PluginFolder(tmp_path / "plugins")
    found = read_index(source)["PlexSync"]
    folder = plugins.install(found)
    assert not plugins.update_available(found)
    (folder / "data").mkdir()
    (folder / "data" / "ledger.db").write_text("kept")
    (folder / "plexsync" / "gone.py").write_text("not ours")
    plugins.install(found)
    assert (folder / "data" / "ledger.db").read_text() == "kept"
    plugins.uninstall("PlexSync")
    assert not (folder / "PlexSync.py").exists()
    assert (folder / "data" / "ledger.db").read_text() == "kept"


@pytest.fixture
def user(installed: Path) -> Iterator[tuple[StashSim, PlexSim, int]]:
    """A Stash with the package installed, a Plex, and the section of the films."""
    alone = {"PYTHONPATH": ""}  # nothing of this checkout can be imported
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(plugin_dir=str(installed), env=alone) as stash,
    ):
        section = plex.add_section("Films", locations=["/data"])
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN})
        yield stash, plex, section


@pytest.mark.long
def test_every_hook_runs_once_from_the_package(user: Any, installed: Path) -> None:
    stash, plex, section = user
    item = plex.item(plex.add_item(section, file="/data/1.mp4", size=1, title="old"))
    scene = stash.add_scene(files=[("/data/1.mp4", 1)])
    people, studio, group = stash.add_performer("A"), stash.add_studio("B"), stash.add_group("C")
    tags = [stash.add_tag(name) for name in "DEF"]
    stash.edit(scene, title="new", performer_ids=[str(people)], studio_id=str(studio))
    until(lambda: (item.title, item.studio, item.actor) == ("new", "B", ["A"]))
    stash.rename_performer(people, "AA")
    stash.rename_studio(studio, "BB")
    stash.rename_tag(tags[0], "DD")
    stash.rename_group(group, "CC")
    stash.merge_tags([tags[1]], tags[0])
    stash.destroy(stash.scan_new("/data/2.mp4", 2))
    stash.destroy_tag(tags[2])
    stash.destroy_group(group)
    stash.destroy_studio(studio)
    stash.destroy_performer(people)
    until(lambda: (item.studio, item.actor) == ("", []))
    runs = stash.core.plugin.runs
    assert {(run.output, run.error, run.exit_code) for run in runs} == {("ok", None, 0)}
    triggers = {name for hook in stash.core.plugin.manifest.hooks for name in hook.triggered_by}
    assert {run.trigger for run in runs} == triggers
    log = (installed / "data" / "plexsync.log").read_text()
    assert " error " not in log


PRESS_EACH = """
import json, os, sys

home, order, modes = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
sys.path.insert(0, home)
from plexsync import entry, task_runner

for mode in modes:
    sys.stdout.flush()
    if not os.fork():
        sys.stdout.buffer.write(entry.run_task(home, json.dumps({**order, "args": {"mode": mode}}).encode()) + b"\\n")
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0, mode
"""
"""Tasks as Stash runs them, but that what they import is imported once for all."""


NOTHING_TO_DO = {"Restore Removed": "There is no copy", "Send a Test Message": "There is no URL"}


@pytest.mark.long
def test_every_task_runs_once_from_the_package(user: Any, installed: Path) -> None:
    stash, plex, section = user
    add_byte_code(installed)
    plex.add_item(section, file="/data/1.mp4", size=1, title="old")
    stash.add_scene(files=[("/data/1.mp4", 1)], title="new")
    first, *others = stash.core.plugin.manifest.tasks
    run = stash.run_task(first.name)
    assert (run.error, run.exit_code) == (None, 0), first.name
    if not hasattr(os, "fork"):
        answers = [
            {"error": run.error, "output": run.output}
            for run in map(stash.run_task, [t.name for t in others])
        ]
    else:
        modes = [str(task.default_args["mode"]) for task in others]
        order = json.dumps({"server_connection": json.loads(run.stdin)["server_connection"]})
        done = subprocess.run(
            [sys.executable, "-c", PRESS_EACH, str(installed), order, *modes],
            env={**os.environ, "PYTHONPATH": ""},
            stdout=subprocess.PIPE,
            check=True,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
    for task, answer in zip(others, answers, strict=True):
        if task.name in NOTHING_TO_DO:
            assert str(answer.get("error")).startswith(NOTHING_TO_DO[task.name]), answer
            continue
        assert answer.get("error") is None, task.name
        assert answer["output"], task.name
