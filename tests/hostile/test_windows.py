"""PlexSync on Windows, as far as it can be simulated: see windows_stand_in.py."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":  # before the stand-in, which imports what only a POSIX system has
    pytest.skip("shows on Linux how it goes on Windows", allow_module_level=True)

from plexsync import inbox
from plexsync.edges.storage.read_only import sqlite_uri
from tests.hostile import windows_stand_in
from tests.hostile.hook_plugin import environ, event, is_running
from tests.platforms import needs_ctypes
from tests.world import ROOT, World, until

STAND_IN = Path(windows_stand_in.__file__)
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
LACKING = {f"os.{name}" for name in windows_stand_in.LACKING} | {"signal.SIGKILL", "signal.alarm"}
PACKAGES = ("plexsync", "simulator", "bench", "torture", "tests")
SOURCES = [
    ROOT / "PlexSync.py",
    ROOT / "dev.py",
    *(
        path
        for name in PACKAGES
        for path in sorted((ROOT / name).rglob("*.py"))
        if path != STAND_IN
    ),
]
pytestmark = [
    pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux"),
    needs_ctypes,  # which the stand-in loads as a real Windows would
]


def unguarded(tree: ast.AST, wanted: Any, guarded: bool = False) -> Iterator[ast.AST]:
    """The entry of the wanted kind in the place where Windows would run it."""
    for node in ast.iter_child_nodes(tree):
        inside = guarded or (isinstance(node, ast.If) and "sys.platform" in ast.unparse(node.test))
        if wanted(node) and not inside:
            yield node
        yield from unguarded(node, wanted, inside)


def imports_posix(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in POSIX_ONLY for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in POSIX_ONLY


def parsed(paths: Iterable[Path], names: Iterable[str]) -> Iterator[tuple[Path, ast.AST]]:
    """Those of the files that have one of these names; to parse all takes ten times longer."""
    named = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if named.search(text):
            yield path, ast.parse(text)


def test_no_module_needs_what_windows_lacks_to_be_imported() -> None:
    for path, tree in parsed(SOURCES, POSIX_ONLY):
        found = list(unguarded(tree, imports_posix))
        assert not [ast.unparse(node) for node in found], path


def test_the_plugin_calls_nothing_that_windows_lacks() -> None:
    def lacks(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and ast.unparse(node) in LACKING

    ours = [path for path in SOURCES if path.is_relative_to(ROOT / "plexsync")]
    for path, tree in parsed(ours, LACKING):
        found = list(unguarded(tree, lacks))
        assert not [ast.unparse(node) for node in found], path


def on_windows(code: str, *words: object, **more: Any) -> str:
    """The output of a script in the stand-in, which must succeed and print nothing on stderr."""
    done = subprocess.run(
        [sys.executable, str(STAND_IN), "-c", code, *map(str, words)],
        cwd=ROOT,
        env=environ(),
        capture_output=True,
        text=True,
        **more,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_the_stand_in_is_what_it_says(tmp_path: Path) -> None:
    said = on_windows(
        "import msvcrt, os, sys\n"
        "one, two = (os.open(sys.argv[2], os.O_RDWR | os.O_CREAT) for _ in range(2))\n"
        "def tried(act, *words):\n"
        "    try:\n"
        "        act(*words)\n"
        "    except PermissionError:\n"
        "        return 'refused'\n"
        "    return 'ok'\n"
        "print(tried(msvcrt.locking, one, msvcrt.LK_NBLCK, 1))\n"
        "print(tried(msvcrt.locking, one, msvcrt.LK_NBLCK, 1))\n"
        "print(tried(msvcrt.locking, two, msvcrt.LK_NBLCK, 1))\n"
        "print(tried(msvcrt.locking, two, msvcrt.LK_UNLCK, 1))\n"
        "os.lseek(two, 1, os.SEEK_SET)\n"
        "print(tried(msvcrt.locking, two, msvcrt.LK_NBLCK, 1))\n"
        "print(tried(os.unlink, sys.argv[2]), tried(os.replace, sys.argv[2], sys.argv[2] + '2'))\n"
        "os.close(two); os.close(one)\n"
        "three = os.open(sys.argv[2], os.O_RDWR)\n"
        "print(tried(msvcrt.locking, three, msvcrt.LK_NBLCK, 1))\n"
        "os.close(three); print(tried(os.unlink, sys.argv[2]))\n"
        "print(sys.platform, hasattr(os, 'posix_spawn'), hasattr(os, 'geteuid'))\n",
        tmp_path / "file",
    )
    assert said.split("\n") == [
        "ok", "refused", "refused", "refused", "ok", "refused refused", "refused", "refused",
        "win32 False False", "",
    ]  # fmt: skip


def test_a_lock_has_one_holder_and_a_check_leaves_no_trace(tmp_path: Path) -> None:
    said = on_windows(
        "import subprocess, sys\n"
        "from plexsync.system import LockFile\n"
        "path = sys.argv[2]\n"
        "one, two = LockFile(path), LockFile(path)\n"
        "print(one.busy(), two.acquire(), one.acquire(), one.busy())\n"
        "look = 'import sys; from plexsync.system import LockFile; lock = LockFile(sys.argv[2])'\n"
        "look += '; print(lock.busy(), lock.acquire(), flush=True)'\n"
        "subprocess.run([sys.executable, '-c', look, path])\n"
        "two.release(); two.release()\n"
        "subprocess.run([sys.executable, '-c', look, path])\n"
        "print(one.busy(), one.acquire(), one.held)\n"
        "one.lend(); one.leave()\n"
        "print(two.acquire())\n",
        tmp_path / "a.lock",
    )
    assert sorted(said.split("\n")) == sorted(
        ["False True False True", "True False", "False True", "False True True", "True", ""]
    )


def test_replacing_waits_for_readers_and_readers_for_replacing(tmp_path: Path) -> None:
    said = on_windows(
        "import os, sys, threading, time\n"
        "from plexsync import system\n"
        "from plexsync.edges.storage import files\n"
        "path = os.path.join(sys.argv[2], 'state.json')\n"
        "files.replace_json(path, {'n': 0})\n"
        "held = os.open(path, os.O_RDONLY)\n"
        "threading.Timer(0.2, os.close, (held,)).start()\n"
        "files.replace_json(path, {'n': 1})\n"
        "print(open(path).read())\n"
        "warnings, seen = [], set()\n"
        "def write():\n"
        "    for n in range(2, 30):\n"
        "        files.replace_json(path, {'n': n})\n"
        "writer = threading.Thread(target=write); writer.start()\n"
        "while writer.is_alive():\n"
        "    seen.add(files.read_json(path, lambda raw: raw['n'], -1, warnings.append))\n"
        "    time.sleep(0.003)\n"
        "writer.join()\n"
        "print(-1 in seen, warnings, len(seen) > 1)\n"
        "held = os.open(path, os.O_RDONLY)\n"
        "try:\n"
        "    files.replace_json(path, {'n': 99})\n"
        "except PermissionError:\n"
        "    print('refused', sorted(os.listdir(sys.argv[2])))\n",
        tmp_path,
    )
    assert said.split("\n") == ['{"n": 1}', "False [] True", "refused ['state.json']", ""]


@pytest.mark.long
def test_the_log_goes_on_while_somebody_reads_it(tmp_path: Path) -> None:
    on_windows(
        "import os, sys\n"
        "from plexsync.edges.log.log import FileSink, Log\n"
        "path = os.path.join(sys.argv[2], 'plexsync.log')\n"
        "sink = FileSink(path); log = Log(sink)\n"
        "log.info('first')\n"
        "reader = os.open(path, os.O_RDONLY)\n"
        "for n in range(700):\n"
        "    log.info('line', n=n, text='x' * 2000)\n"
        "os.close(reader)\n"
        "for n in range(700, 1400):\n"
        "    log.info('line', n=n, text='x' * 2000)\n"
        "sink.close()\n",
        tmp_path,
    )
    logs = sorted(tmp_path.iterdir())
    assert logs[0].name == "plexsync.log"
    text = "".join(path.read_text() for path in logs)
    assert all(f"line n={n} " in text for n in (1399, 1398))


def test_the_inbox_works_whole(tmp_path: Path) -> None:
    said = on_windows(
        "import os, sys\n"
        "from plexsync import inbox, system\n"
        "data = sys.argv[2]\n"
        "system.private_folder(data)\n"
        "before = inbox.signature(data)\n"
        "names = [inbox.drop(data, b'{}') for _ in range(3)]\n"
        "print(len(inbox.collect(data)), inbox.signature(data) != before)\n"
        "inbox.set_aside(data, names[0]); inbox.forget(data, names[1:2]); inbox.nudge(data)\n"
        "print([record.name for record in inbox.collect(data)] == names[2:], inbox.sweep(data, 0))\n",
        tmp_path / "data",
    )
    assert said.split("\n") == ["3 True", "True 0", ""]


class Windows:
    """The plugin in a Stash on Windows."""

    def __init__(self, world: World, plugin: Path, told: Path) -> None:
        self.world, self.plugin, self.told = world, plugin, told
        self.data = plugin / "data"

    def run(self, stdin: bytes) -> Any:
        """What PlexSync.py answers, as Stash runs it."""
        done = subprocess.run(
            [sys.executable, str(STAND_IN), str(self.plugin / "PlexSync.py")],
            env=environ(PLEXSYNC_STARTED=str(self.told), TEMP=str(self.told.parent)),
            input=stdin,
            capture_output=True,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def hook(self, scene: int) -> Any:
        return self.run(event(scene, fields=["title", "id"], connection=self.world.block()))

    def press(self, mode: str) -> Any:
        block = json.loads(self.world.block())
        return self.run(json.dumps({"server_connection": block, "args": {"mode": mode}}).encode())

    def started(self) -> list[dict[str, Any]]:
        """Every program that was started, and with which flags."""
        if not self.told.exists():
            return []
        return [json.loads(line) for line in self.told.read_text().splitlines()]

    def log(self) -> str:
        path = self.data / "plexsync.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def windows(world: World, plugin: Path, tmp_path: Path) -> Windows:
    world.configure(no_poster=True)
    return Windows(world, plugin, tmp_path / "started.jsonl")


@pytest.mark.long
def test_a_save_reaches_plex_and_the_worker_has_no_window(windows: Windows) -> None:
    scene, item = windows.world.pair("1.mp4", title="one")
    assert windows.hook(scene) == {"output": "ok"}
    until(lambda: item.title == "one")
    (worker,) = windows.started()
    assert worker["args"][1:] == [str(windows.plugin / "PlexSync.py"), "worker"]
    assert worker["CREATE_NO_WINDOW"] and worker["CREATE_NEW_PROCESS_GROUP"]
    assert not worker["DETACHED_PROCESS"] and not worker["CREATE_NEW_CONSOLE"]

    windows.world.stash.edit(scene, title="two")
    assert windows.hook(scene) == {"output": "ok"}
    until(lambda: item.title == "two")
    assert len(windows.started()) == 1, "it lives"
    assert "error" not in windows.log()


@pytest.mark.long
def test_a_login_that_is_switched_on_under_a_living_worker(windows: Windows) -> None:
    stash = windows.world.stash
    scene, item = windows.world.pair("1.mp4", title="one")
    windows.hook(scene)
    until(lambda: item.title == "one")
    stash.require_login("me", "secret")
    stash.edit(scene, title="two")
    fresh = json.dumps(stash.server_connection()).encode()
    assert windows.run(event(scene, fields=["title", "id"], connection=fresh)) == {"output": "ok"}
    until(lambda: item.title == "two")
    assert len(windows.started()) == 1, "the worker that lived was handed the session"


@pytest.mark.long
def test_a_task_takes_over_from_the_worker_and_hands_back(windows: Windows) -> None:
    scene, item = windows.world.pair("1.mp4", title="one")
    windows.hook(scene)
    until(lambda: item.title == "one")
    windows.world.stash.edit(scene, title="two")
    answer = windows.press("process_queue")
    assert "error" not in answer, answer
    status = windows.press("queue_status")
    assert "error" not in status, status
    windows.world.stash.edit(scene, title="three")
    windows.hook(scene)
    until(lambda: item.title == "three")
    assert "Traceback" not in windows.log()


def test_a_plugin_that_was_removed_lets_go_of_its_files(windows: Windows) -> None:
    scene, item = windows.world.pair("1.mp4", title="one")
    windows.hook(scene)
    until(lambda: item.title == "one")
    (windows.plugin / "PlexSync.py").unlink()
    inbox.nudge(str(windows.data))
    until(lambda: "worker stops: the plugin was removed" in windows.log())
    (pid,) = re.findall(r"worker starts .*pid=(\d+)", windows.log())
    until(lambda: not is_running(int(pid)))


@pytest.mark.parametrize(
    ("path", "separator", "uri"),
    [
        ("/data/a b#c?d.db", "/", "file:///data/a%20b%23c%3Fd.db"),
        (r"C:\Stash\data\a b.db", "\\", "file:///C:/Stash/data/a%20b.db"),
        (r"\\nas\share\data.db", "\\", "file:////nas/share/data.db"),
    ],
)
def test_sqlite_finds_a_database_on_a_drive_and_on_a_share(
    path: str, separator: str, uri: str
) -> None:
    assert sqlite_uri(path, separator) == uri


@pytest.mark.parametrize(
    ("in_stash", "in_plex", "path_map"),
    [
        (r"D:\Media\Some Film\a.mp4", "/plex/Some Film/a.mp4", r"/plex=>D:\Media"),
        (r"\\nas\share\Films\a.mp4", "/plex/Films/a.mp4", r"/plex=>\\nas\share"),
        ("/data/Films/a.mp4", r"\\NAS\Share\Films\a.mp4", r"\\nas\share=>/data"),
        ("/data/Films/a.mp4", r"E:\Films\a.mp4", r"E:\=>/data"),
        (r"d:\media\FILMS\A.mp4", r"D:\Media\Films\a.mp4", ""),
        (r"D:\Media/Films\a.mp4", r"D:\Media\Films\a.mp4", ""),
        (r"D:\Media\Films\a.mp4", r"\\pc\Media\Films\a.mp4", r"\\pc\Media=>D:\Media"),
    ],
)
def test_a_scene_finds_its_item_across_systems(
    world: World, in_stash: str, in_plex: str, path_map: str
) -> None:
    world.configure(path_map=path_map, no_poster=True)
    item = world.plex.item(world.plex.add_item(world.section, file=in_plex, size=1000))
    other = world.plex.item(world.plex.add_item(world.section, file="/else/a.mp4", size=1000))
    scene = world.stash.add_scene(files=[(in_stash, 1000)], title="one")
    world.edit(scene, title="two")
    world.run()
    assert (item.title, other.title) == ("two", "a")
