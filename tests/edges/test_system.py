"""Locks, folders, files and processes on this operating system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from plexsync import fast, system
from tests.platforms import posix_only
from tests.world import ROOT, until

HOLDER = """
import sys
from plexsync import system
lock = system.LockFile(sys.argv[1])
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "a.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_has_one_holder_at_a_time(tmp_path):
    one, two = (system.LockFile(str(tmp_path / "a.lock")) for _ in range(2))
    assert (one.acquire(), two.acquire()) == (True, False)
    assert (one.held, two.held) == (True, False)
    assert one.acquire()
    one.release()
    one.release()
    assert (one.held, two.acquire()) == (False, True)
    two.release()


def test_a_lock_goes_with_its_process_and_the_file_stays(tmp_path, holder):
    lock = system.LockFile(str(tmp_path / "a.lock"))
    assert not lock.acquire()
    assert lock.busy()
    holder.kill()
    holder.wait()
    assert not lock.busy()
    assert lock.acquire()
    lock.release()
    assert (tmp_path / "a.lock").exists()


@posix_only
def test_a_hook_sees_the_same_locks_at_a_glance(tmp_path, holder):
    lock, free, none = (str(tmp_path / name) for name in ("a.lock", "free.lock", "none.lock"))
    own = system.LockFile(free)
    assert own.acquire()
    own.release()
    assert [fast.is_locked(path) for path in (lock, free, none)] == [True, False, False]
    assert not (tmp_path / "none.lock").exists()
    holder.kill()
    holder.wait()
    assert not fast.is_locked(lock)


@posix_only
def test_a_hook_sees_a_lock_that_is_not_shown_and_takes_no_shared_lock_for_a_worker(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "a.lock"
    with path.open("w") as another:
        fcntl.flock(another, fcntl.LOCK_SH)
        assert not fast.is_locked(str(path))
        fcntl.flock(another, fcntl.LOCK_EX)
        assert fast.is_locked(str(path))


def test_asking_whether_a_lock_is_busy_takes_nothing(tmp_path):
    one, two = (system.LockFile(str(tmp_path / "a.lock")) for _ in range(2))
    assert not one.busy()
    assert not one.held
    assert two.acquire()
    assert one.busy()
    two.release()
    assert not one.busy()


@posix_only
def test_children_do_not_inherit_a_lock(tmp_path):
    lock = system.LockFile(str(tmp_path / "a.lock"))
    assert lock.acquire()
    look = "import os; print(*(os.path.realpath(f'/dev/fd/{fd}') for fd in os.listdir('/dev/fd')))"
    seen = subprocess.run(
        [sys.executable, "-c", look], close_fds=False, capture_output=True, text=True, check=True
    )
    lock.release()
    assert os.devnull in seen.stdout or "pipe:" in seen.stdout
    assert "a.lock" not in seen.stdout


def test_a_lock_that_cannot_be_opened_is_an_error_not_another_holder(tmp_path):
    lock = system.LockFile(str(tmp_path / "none" / "a.lock"))
    with pytest.raises(OSError):
        lock.acquire()
    with pytest.raises(OSError):
        lock.busy()
    with pytest.raises(OSError):
        system.LockFile(str(tmp_path)).acquire()


@posix_only
def test_a_lock_is_private_and_follows_no_link(tmp_path):
    path = tmp_path / "a.lock"
    assert not system.LockFile(str(path)).busy()
    assert path.stat().st_mode & 0o777 == 0o600
    link = tmp_path / "b.lock"
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic link"):
        system.LockFile(str(link)).acquire()


@posix_only
def test_failing_acquires_leave_no_descriptor_open(tmp_path):
    before = len(os.listdir("/dev/fd"))
    held, other = (system.LockFile(str(tmp_path / "a.lock")) for _ in range(2))
    assert held.acquire()
    for _ in range(20):
        assert not other.acquire()
        assert other.busy()
    held.release()
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "/plugins/PlexSync/data"),
        ({"STASH_PLUGIN_DATA": ""}, "/plugins/PlexSync/data"),
        ({"STASH_PLUGIN_DATA": "/var/lib/plexsync"}, "/var/lib/plexsync"),
        ({"STASH_PLUGIN_DATA": "../state/"}, "/plugins/state"),
    ],
)
@posix_only
def test_the_data_folder_is_named_by_stash_or_lies_in_the_plugin(environ, folder):
    assert system.data_folder("/plugins/PlexSync", environ) == folder


@posix_only
def test_a_private_folder_is_made_once(tmp_path):
    path = tmp_path / "data"
    system.private_folder(str(path))
    system.private_folder(str(path))
    assert path.stat().st_mode & 0o777 == 0o700


@posix_only
def test_an_own_folder_is_mended_when_others_may_write_to_it_not_when_they_may_read(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    for mode, mended in ((0o755, 0o755), (0o775, 0o700), (0o777, 0o700), (0o1777, 0o700)):
        path.chmod(mode)
        system.private_folder(str(path))
        assert path.stat().st_mode & 0o7777 == mended
        assert system.is_private(str(path))


ROOT_USER, STASH, NAS = 0, 1000, 1024
ANYBODYS = 0o41777
"""A parent like /tmp."""


@pytest.mark.parametrize(
    ("me", "owner", "mode", "more", "expected"),
    [
        (STASH, STASH, 0o40700, {}, system.PRIVATE),
        (STASH, STASH, 0o40755, {}, system.PRIVATE),
        (STASH, STASH, 0o40700, {"parent_mode": ANYBODYS}, system.PRIVATE),
        (STASH, STASH, 0o40777, {}, system.OPEN),
        (STASH, STASH, 0o40770, {}, system.OPEN),
        (STASH, STASH, 0o41777, {}, system.OPEN),
        (STASH, STASH, 0o40700, {"link_owner": STASH}, system.PRIVATE),
        (STASH, STASH, 0o40700, {"link_owner": NAS}, system.FOREIGN),
        (STASH, ROOT_USER, 0o40755, {}, system.PRIVATE),
        (STASH, ROOT_USER, 0o40777, {}, system.OPEN),
        (STASH, ROOT_USER, 0o40777, {"parent_mode": ANYBODYS}, system.OPEN),
        (STASH, NAS, 0o40770, {}, system.OPEN),
        (STASH, NAS, 0o40700, {}, system.OPEN),
        (STASH, NAS, 0o40777, {}, system.FOREIGN),
        (STASH, NAS, 0o40777, {"squashed": True}, system.OPEN),
        (STASH, NAS, 0o40777, {"squashed": True, "parent_mode": ANYBODYS}, system.FOREIGN),
        (STASH, NAS, 0o40700, {"parent_mode": ANYBODYS}, system.FOREIGN),
        (ROOT_USER, ROOT_USER, 0o40700, {}, system.PRIVATE),
        (ROOT_USER, ROOT_USER, 0o40777, {"parent_mode": 0o40777}, system.OPEN),
        (ROOT_USER, NAS, 0o40700, {}, system.OPEN),
        (ROOT_USER, NAS, 0o40777, {"parent_mode": 0o40777}, system.OPEN),
        (ROOT_USER, NAS, 0o40700, {"parent_mode": ANYBODYS}, system.FOREIGN),
        (ROOT_USER, ROOT_USER, 0o40700, {"link_owner": NAS}, system.FOREIGN),
    ],
)
def test_whose_a_folder_is(me, owner, mode, more, expected):
    assert system.whose(me, owner, mode, **{"squashed": False, **more}) == expected


def test_every_refusal_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    for path, remedy in [("file", "move it away"), ("gone/data", "create it"), ("file/x", "")]:
        with pytest.raises(OSError) as problem:
            system.private_folder(str(tmp_path / path))
        assert remedy in str(problem.value)


def test_reading_takes_regular_files_up_to_a_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert system.read_regular(str(tmp_path / "file"), 5) == b"12345"
    with pytest.raises(ValueError, match="larger"):
        system.read_regular(str(tmp_path / "file"), 4)
    with pytest.raises(ValueError, match="regular"):
        system.read_regular(str(tmp_path), 4)
    with pytest.raises(FileNotFoundError):
        system.read_regular(str(tmp_path / "gone"), 4)


@posix_only
def test_a_new_file_is_private_and_never_an_old_one(tmp_path):
    path = str(tmp_path / "file")
    fd = system.create(path)
    system.write_all(fd, b"x" * 1_000_000)
    assert not os.get_inheritable(fd)
    os.close(fd)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.path.getsize(path) == 1_000_000
    with pytest.raises(FileExistsError):
        system.create(path)
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    with pytest.raises(FileExistsError):
        system.create(str(tmp_path / "link"))
    assert not (tmp_path / "elsewhere").exists()


def test_replacing_takes_the_place_of_a_file(tmp_path):
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    system.replace(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old").read_text() == "new"
    with pytest.raises(FileNotFoundError):
        system.replace(str(tmp_path / "new"), str(tmp_path / "old"))
    system.sync_folder(str(tmp_path))


DETACHED = """
import json, os, sys
from plexsync import system
os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
before = sorted(os.listdir("/dev/fd"))
system.detach()
system.detach()
seen = dict(
    pid=os.getpid(), session=os.getsid(0), cwd=os.getcwd(), umask=os.umask(0), before=before,
    after=sorted(os.listdir("/dev/fd")), stdin=sys.stdin.read(),
)
with open(sys.argv[1] + "~", "w") as file:
    json.dump(seen, file)
os.rename(sys.argv[1] + "~", sys.argv[1])
"""


@posix_only
def test_a_detached_process_has_its_orders_and_nothing_else(tmp_path):
    report = tmp_path / "report"
    system.start_detached([sys.executable, "-c", DETACHED, str(report)], b"orders")
    end = time.monotonic() + 10
    while not report.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    seen = json.loads(report.read_text())
    assert seen["stdin"] == "orders"
    assert seen["session"] == seen["pid"]
    assert (seen["cwd"], seen["umask"]) == ("/", 0o077)
    assert len(seen["before"]) > len(seen["after"]) == 4  # 0, 1, 2 and the listing's own
    os.waitpid(seen["pid"], 0)


THREADS = """
import os, sys, threading
def room():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmPeak:"))
before, gate = room(), threading.Barrier(5)
for _ in range(4):
    threading.Thread(target=lambda: (bytes(5000), gate.wait())).start()
gate.wait()
with open(sys.argv[1] + "~", "w") as file:
    file.write(str((room() - before) // 1024))
os.rename(sys.argv[1] + "~", sys.argv[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_threads_of_a_detached_process_reserve_little_memory(tmp_path):
    """Below `ulimit -v` the rest must be enough, whichever of them starts first."""
    report = tmp_path / "report"
    system.start_detached([sys.executable, "-c", THREADS, str(report)], b"")
    until(report.exists)
    assert int(report.read_text()) < 100  # MiB: four stacks, but no heap of 64 for each


HEIR = """
import os, sys
from plexsync import system
mine = os.open(os.devnull, os.O_RDONLY)
system.detach(keep=mine)
os.fstat(mine)
os.rename(sys.argv[1], sys.argv[2])
"""


@posix_only
def test_a_lent_lock_is_held_by_the_started_process_until_it_detaches(tmp_path):
    lock, gate = system.LockFile(str(tmp_path / "lock")), tmp_path / "gate"
    os.mkfifo(gate)
    heir = f"open({str(gate)!r}).read()\n{HEIR}"
    (tmp_path / "before").touch()
    assert lock.acquire()
    lock.lend()
    paths = [str(tmp_path / "before"), str(tmp_path / "after")]
    system.start_detached([sys.executable, "-c", heir, *paths], b"")
    lock.leave()
    assert not lock.held
    assert system.LockFile(lock.path).busy()
    gate.write_text("go on")
    until((tmp_path / "after").exists)
    until(lambda: not system.LockFile(lock.path).busy())


@posix_only
def test_a_program_that_does_not_exist_cannot_be_started(tmp_path):
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(FileNotFoundError):
        system.start_detached([str(tmp_path / "none")], b"")
    assert len(os.listdir("/dev/fd")) == before


@posix_only
def test_orders_larger_than_the_pipe_do_not_block(tmp_path):
    signal.alarm(20)
    try:
        with pytest.raises(OSError, match="too small"):
            system.start_detached(["/bin/true"], b"x" * (1 << 20))
    finally:
        signal.alarm(0)


@posix_only
def test_what_stands_in_a_files_place_is_named_and_what_is_gone_is_not(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    found = {
        name: system.stands_in_the_way(str(tmp_path / name))
        for name in ("file", "folder", "link", "gone", "\0")
    }
    assert found.pop("link").startswith("a symbolic link")
    assert found == {"file": "", "folder": "a folder", "gone": "", "\0": ""}


ASK = """
import os, sys
from plexsync import fast, system
found = fast.data_folder(sys.argv[1])
assert found in ("", system.data_folder(sys.argv[1], os.environ)), found
print(bool(found))
"""


@posix_only
@pytest.mark.parametrize(
    ("plugin", "named", "at_once"),
    [
        ("/a/.stash/plugins/PlexSync", "", True),
        ("/a/PlexSync", "/da\udcffta", True),
        ("/a/PlexSync", "state", True),
        ("/a/PlexSync", "../state", False),
        ("/a/PlexSync", "/data/", False),
        ("/a/b/../PlexSync", "", False),
        ("/a/b/../PlexSync", "/data", True),
        ("a/b", "", False),
    ],
)
def test_a_hook_finds_the_same_data_folder_as_everybody_else(plugin, named, at_once):
    command = [sys.executable, "-S", "-c", ASK, plugin]
    env = {**os.environ, "STASH_PLUGIN_DATA": named, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output(command, env=env, text=True).strip() == str(at_once)


def test_an_errors_text_has_the_names_of_files_as_they_are():
    problem = PermissionError(13, "Permission denied", r"C:\It's\a.db", None, r"D:\b.db")
    said = r"""Permission denied: "C:\It's\a.db" -> "D:\b.db" """.strip()
    assert system.text_of(problem).endswith(f"] {said}")
    assert system.in_words(problem).endswith(f"] {said}; {system.ROOM}")
    assert system.text_of(ValueError(r"a\b")) == r"a\b"
