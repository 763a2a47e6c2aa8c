"""Small and odd places: what does not work there says so, with what to do; nothing else is lost."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plexsync import system
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import forks
from tests.world import TOKEN, lock_is_free, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits, modes and mounts of Unix")

PATH = os.environ.get("PATH", "/usr/bin:/bin")
ROOM = "give Stash space and permission there, or let STASH_PLUGIN_DATA name another folder"


@contextmanager
def mounted(path: Path, options: str) -> Iterator[Path]:
    """A small file system in memory; skips the test where mounting is not allowed."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(path)]
    try:
        made = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("mounting is not allowed here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def wrapped(tmp_path: Path, before: str) -> str:
    """A Python that a shell starts after this command."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\n{before} {shlex.quote(sys.executable)} "$@"\n')
    script.chmod(0o755)
    return str(script)


class Place:
    """A Stash whose PlexSync runs in this environment, or by this Python."""

    def __init__(self, plugin: Path, plex: PlexSim, python: str = "", **env: str) -> None:
        self.plex = plex
        self.section = plex.add_section("Films", locations=["/data"])
        self.stash = StashSim(
            plugin_dir=str(plugin),
            python=python or sys.executable,
            env={"PYTHONPATH": "", **env},
            popen=subprocess.Popen if python or "TZ" in env else forks.start,
        )
        self.stash.set_plugin_settings(
            {"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True}
        )

    def pair(self) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file="/data/1.mp4", size=1, title="old")
        scene = self.stash.add_scene(files=[("/data/1.mp4", 1)], title="old")
        return scene, self.plex.item(key)

    def error(self, task: str) -> str:
        return str(self.stash.run_task(task).error)

    def point(self, name: str) -> Any:
        run = self.stash.run_task("Check Setup")
        assert run.error is None, run.error
        return next(point for point in run.output["points"] if point["point"] == name)


@pytest.fixture
def plex() -> Iterator[PlexSim]:
    with PlexSim(token=TOKEN) as plex:
        yield plex


@pytest.mark.long
def test_a_read_only_data_folder_is_shown_by_the_buttons_that_tell_about_it(
    tmp_path: Path, plugin: Path, plex: PlexSim
) -> None:
    with mounted(tmp_path / "disk", "ro,size=64k,mode=700") as disk:
        place = Place(plugin, plex, STASH_PLUGIN_DATA=str(disk))
        with place.stash:
            (hook,) = place.stash.edit(place.pair()[0], title="new")
            assert ROOM in str(hook.error)
            assert place.stash.run_task("View Queue Status").error is None
            assert place.stash.run_task("Health Check").error is None
            point = place.point("Data folder")
            assert (point["state"], point["remedy"]) == (
                "bad",
                f"{ROOM.capitalize()[:1]}{ROOM[1:]}.",
            )
            assert ROOM in place.error("Process Queue")


@pytest.mark.long
def test_where_no_data_folder_can_be_made_every_button_says_what_to_do(
    tmp_path: Path, plugin: Path, plex: PlexSim
) -> None:
    with mounted(tmp_path / "disk", "ro,size=64k,mode=700") as disk:
        place = Place(plugin, plex, STASH_PLUGIN_DATA=str(disk / "data"))
        with place.stash:
            for task in ("View Queue Status", "Health Check", "Check Setup", "Process Queue"):
                assert ROOM in place.error(task), task


@pytest.mark.long
def test_a_full_disk_says_so_wherever_it_is_met(
    tmp_path: Path, plugin: Path, plex: PlexSim
) -> None:
    with mounted(tmp_path / "disk", "size=256k,mode=700") as disk:
        (disk / "data").mkdir(mode=0o700)
        fill(disk / "ballast")
        place = Place(plugin, plex, STASH_PLUGIN_DATA=str(disk / "data"))
        with place.stash:
            (hook,) = place.stash.edit(place.pair()[0], title="new")
            assert ROOM in str(hook.error)
            assert place.stash.run_task("View Queue Status").error is None
            assert place.point("Free space")["state"] == "bad"
            assert ROOM in place.error("Process Queue")


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


@pytest.mark.parametrize("zone", ["X-25", "X+24", "ABC30:15"])
def test_a_time_zone_a_day_or_more_away_leaves_the_log_as_it_is(
    plugin: Path, plex: PlexSim, zone: str
) -> None:
    place = Place(plugin, plex, TZ=zone)
    with place.stash:
        scene, item = place.pair()
        place.stash.edit(scene, title="new")
        until(lambda: item.title == "new")
        assert place.stash.run_task("View Queue Status").error is None
    assert "worker starts" in (plugin / "data" / "plexsync.log").read_text()


def test_a_folder_that_lost_its_mode_gets_it_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0)
    system.private_folder(str(folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_few_open_files_are_named_with_their_limit(
    tmp_path: Path, plugin: Path, plex: PlexSim
) -> None:
    place = Place(plugin, plex, wrapped(tmp_path, "ulimit -n 16; exec"))
    with place.stash:
        error = place.error("Process Queue")
        assert "let Stash open more files" in error
        assert "space" not in error


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_little_memory_is_named(tmp_path: Path, plugin: Path, plex: PlexSim) -> None:
    """How little is too little depends on the libraries of this Python."""
    for mib in (64, 56, 48, 40):
        place = Place(plugin, plex, wrapped(tmp_path, f"ulimit -v {mib << 10}; exec"))
        with place.stash:
            if (error := place.error("Check Setup")) != "None":
                break
    assert "give Stash more memory" in error


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("exec env -i", id="no environment at all"),
        pytest.param("export LC_ALL=C LANG=C PYTHONUTF8=0; exec", id="the POSIX locale"),
        pytest.param("unset HOME; exec", id="no home"),
        pytest.param("umask 000; exec", id="a umask of 000"),
        pytest.param("umask 777; exec", id="a umask of 777"),
        pytest.param("ulimit -n 64; exec", id="64 open files"),
        pytest.param(
            "ulimit -v 131072; exec",
            id="128 MiB",
            marks=pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux"),
        ),
    ],
)
@pytest.mark.long
def test_a_save_reaches_plex_from_here(
    tmp_path: Path, plugin: Path, plex: PlexSim, before: str
) -> None:
    place = Place(plugin, plex, wrapped(tmp_path, before))
    with place.stash:
        scene, item = place.pair()
        place.stash.edit(scene, title="Größe 大")
        until(lambda: item.title == "Größe 大")
        heaviest = "Check Setup" if "ulimit" in before else "View Queue Status"
        assert place.stash.run_task(heaviest).error is None
    for path in (plugin / "data").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        if path.is_file() or path.is_dir():
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.parametrize(
    "mounts",
    [
        pytest.param("umount -l /proc", id="no /proc"),
        pytest.param("mount --bind /dev/null /etc/passwd; unset HOME", id="an unknown user"),
        pytest.param(
            'mount --bind "$PLUGIN" "$PLUGIN"; mount --rbind /tmp /tmp; '
            "mount -o remount,bind,ro /tmp; unset TMPDIR",
            id="a read-only /tmp",
        ),
    ],
)
@pytest.mark.long
def test_a_save_reaches_plex_from_a_machine_like_this(
    tmp_path: Path, plugin: Path, plex: PlexSim, mounts: str
) -> None:
    if not makes_namespaces("-m"):
        pytest.skip("namespaces are not allowed here")
    before = f"""exec unshare -m sh -ec '{mounts}; exec "$@"' sh"""
    python = wrapped(tmp_path, before)
    place = Place(plugin, plex, python, PLUGIN=str(plugin))
    started = subprocess.run([python, "-c", ""], env={"PATH": PATH, "PLUGIN": str(plugin)})
    if started.returncode:
        pytest.skip("this Python itself needs more")
    with place.stash:
        scene, item = place.pair()
        place.stash.edit(scene, title="new")
        until(lambda: item.title == "new")
        assert place.stash.run_task("Check Setup").error is None


def makes_namespaces(*kinds: str) -> bool:
    """Whether `unshare` works here; it needs rights."""
    command = ["unshare", *kinds, "true"]
    return bool(
        shutil.which("unshare") and not subprocess.run(command, capture_output=True).returncode
    )


def test_a_hook_that_is_the_first_process_of_a_namespace_is_noticed(
    tmp_path: Path, plugin: Path, plex: PlexSim
) -> None:
    if not makes_namespaces("-pf"):
        pytest.skip("namespaces are not allowed here")
    place = Place(plugin, plex, wrapped(tmp_path, "exec unshare -pf --mount-proc"))
    with place.stash:
        point = place.point("Processes")
    assert point["state"] == "warn"
    assert "ends with it" in point["text"]
    assert lock_is_free(plugin / "data" / "worker.lock")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/d"), ROOM),
        (OSError(errno.ENOSPC, "No space left on device"), ROOM),
        (PermissionError(errno.EACCES, "Permission denied", "/d"), ROOM),
        (OSError(errno.EMFILE, "Too many open files", "/d"), "let Stash open more files"),
        (RuntimeError("can't start new thread"), "give Stash more memory"),
        (MemoryError(), "MemoryError; give Stash more memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "give Stash more memory"),
    ],
)
def test_the_machines_own_faults_come_with_what_to_do(problem: Exception, says: str) -> None:
    assert says in system.in_words(problem)


@pytest.mark.parametrize(
    "problem",
    [ValueError("a sentence"), ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")],
)
def test_other_faults_are_told_as_they_are(problem: Exception) -> None:
    assert system.in_words(problem) == str(problem)


def test_a_disk_that_runs_nothing_is_named_before_anything_else() -> None:
    problem = ImportError("/d/core.so: failed to map segment from shared object")
    said = system.why_unloadable(problem)
    assert "noexec" in said and "STASH_PLUGIN_DATA" in said
    assert "Install PlexSync again" not in said
    assert "Install PlexSync again" in system.why_unloadable(ImportError("No module named x"))


def test_too_little_memory_for_a_package_is_no_such_disk(tmp_path: Path) -> None:
    text = "/d/core.so: failed to map segment from shared object"
    for problem in (
        ImportError(f"{text}: Cannot allocate memory"),
        ImportError(text, name="core", path=str(tmp_path)),
        SystemError("error return without exception set"),
    ):
        said = system.why_unloadable(problem)
        assert "noexec" not in said and "give Stash more memory" in said
    with mounted(tmp_path / "disk", "noexec,size=64k") as disk:
        said = system.why_unloadable(ImportError(text, name="core", path=str(disk)))
        assert "noexec" in said and "memory" not in said
