"""The hook is killed, or its disk fails, at every step."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.hostile.hook_plugin import Plugin, event
from torture.hook_kills import kill_hooks

KILLS = int(os.environ.get("PLEXSYNC_TEST_KILLS", "30"))
"""Few, since strace kills at every step below, and `torture` thousands of times."""
SEED = 4242


@pytest.fixture
def plugin(tmp_path):
    plugin = Plugin(tmp_path / "PlexSync")
    yield plugin
    plugin.stop()


@pytest.mark.torture
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_hooks_killed_at_any_instant_lose_nothing_that_was_acknowledged(tmp_path):
    acknowledged, lost = kill_hooks(tmp_path, SEED, KILLS)
    assert lost == [], f"seed {SEED}"
    assert acknowledged


def _strace_works() -> bool:
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0


traced = pytest.mark.skipif(not _strace_works(), reason="strace is missing or not allowed")
_IGNORED = re.compile(r"\b(ENOENT|F_SETFD)\b")
CALLS = "?open,openat,write,fsync,?rename,?renameat,renameat2,?unlink,unlinkat,flock,fcntl,?mkdir,mkdirat,pipe2"
"""A libc has its own choice between `open` and `openat`, and a machine may lack the older one."""


def _kind(call: str) -> str:
    """What a call does: `open` for `openat`, too."""
    return re.sub("at2?$", "", call)


def _strace(plugin: Plugin, *options: str) -> tuple[bytes, list[str]]:
    """One hook under strace: its output, and its system calls in the data folder."""
    log = plugin.folder.parent / "trace"
    command = ["strace", "-qq", "-y", "-o", str(log), *options, *plugin.command()]
    process = plugin.popen(args=command)
    out, _ = process.communicate(event(scene=7, sent={"title": "x"}), timeout=30)
    lines = [re.sub(r"^\d+ +", "", line) for line in log.read_text().splitlines()]
    return out, lines


@traced
def test_the_order_is_write_sync_rename_sync_folder_and_only_then_stdout(plugin):
    with plugin.alive():
        plugin.run(event())
        out, lines = _strace(plugin, "-e", f"trace={CALLS}")
    assert out == b'{"output": "ok"}'
    inbox = str(plugin.data / "inbox")
    steps = []
    for line in lines:
        if line.startswith(("open(", "openat(")) and "O_EXCL" in line:
            assert "O_NOFOLLOW" in line
            assert "0600" in line
            steps.append("create")
        elif line.startswith("write(") and f"{inbox}/tmp/" in line:
            steps.append("write")
        elif line.startswith("fsync(") and f"{inbox}/tmp/" in line:
            steps.append("sync")
        elif line.startswith("rename") and f"{inbox}/new/" in line:
            steps.append("rename")
        elif line.startswith("fsync(") and f"<{inbox}/new>" in line:
            steps.append("sync folder")
        elif line.startswith("write(") and "output" in line:
            steps.append("answer")
    assert steps == ["create", "write", "sync", "rename", "sync folder", "answer"]


def _steps(plugin: Plugin) -> list[tuple[str, int, str]]:
    """Every system call of a hook in the data folder: name, number of its kind, strace's line.

    strace can only count, so the same hook must be run again in the same state.
    """
    _, lines = _strace(plugin, "-e", f"trace={CALLS}")
    counts: dict[str, int] = {}
    steps = []
    for line in lines:
        call = line.partition("(")[0]
        counts[call] = counts.get(call, 0) + 1
        # musl sets FD_CLOEXEC once more after it opened a file, and ignores whether that fails
        if f"{plugin.data}" in line and not _IGNORED.search(line):
            steps.append((call, counts[call], line))
    return steps


def _empty(plugin: Plugin, fresh: bool) -> None:
    for folder in ("new", "tmp"):
        shutil.rmtree(plugin.data / "inbox" / folder)
        (plugin.data / "inbox" / folder).mkdir(mode=0o700)
    if fresh:
        shutil.rmtree(plugin.data / "inbox")


@pytest.mark.torture
@pytest.mark.long
@traced
@pytest.mark.parametrize("fresh", [False, True], ids=["old folder", "fresh folder"])
def test_a_hook_killed_at_any_step_says_nothing_and_leaves_whole_records(plugin, fresh):
    with plugin.alive():
        plugin.run(event())
        _empty(plugin, fresh)
        steps = _steps(plugin)
        did = {_kind(call) for call, _, _ in steps}
        assert {"open", "write", "fsync", "rename", "fcntl"} <= did
        renamed = False
        for call, number, line in steps:
            _empty(plugin, fresh)
            out, _ = _strace(plugin, "-e", f"inject={call}:signal=KILL:when={number}")
            assert out == b"", line
            assert [e.id for e in plugin.events()] == ([7] if renamed else []), line
            assert plugin.run(event(scene=9)) == {"output": "ok"}, line
            renamed = renamed or _kind(call) == "rename"


@pytest.mark.torture
@pytest.mark.long
@traced
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("fresh", [False, True], ids=["old folder", "fresh folder"])
def test_a_disk_that_fails_at_any_step_is_one_error_and_no_half_event(plugin, fresh, error):
    with plugin.alive():
        plugin.run(event())
        _empty(plugin, fresh)
        steps = _steps(plugin)
        renamed = False
        for call, number, line in steps:
            _empty(plugin, fresh)
            out, _ = _strace(plugin, "-e", f"inject={call}:error={error}:when={number}")
            if "worker.lock" in line:  # a check that fails is repeated
                assert out == b'{"output": "ok"}', line
            else:
                assert os.strerror(getattr(errno, error)) in json.loads(out)["error"], line
            assert [e.id for e in plugin.events()] == ([7] if renamed else []), line
            assert plugin.unfinished() == [], line
            assert plugin.run(event(scene=9)) == {"output": "ok"}, line
            renamed = renamed or _kind(call) == "rename"


@traced
@pytest.mark.parametrize("call", ["pipe2", "vfork", "clone", "clone3"])
def test_a_hook_that_cannot_start_a_worker_says_so_and_has_kept_the_event(plugin, call):
    with plugin.alive():
        plugin.run(event())
    _empty(plugin, False)
    out, lines = _strace(plugin, "-e", f"inject={call}:error=EAGAIN")
    if not any("INJECTED" in line for line in lines):
        assert out == b'{"output": "ok"}'
        return  # this libc starts processes with another call
    text = json.loads(out)["error"]
    assert "kept this event, but cannot start its worker" in text
    assert "Resource temporarily unavailable" in text
    assert [e.id for e in plugin.events()] == [7]
