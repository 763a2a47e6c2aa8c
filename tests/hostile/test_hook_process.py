"""The hook as a process: what it imports, prints and starts, and what it waits for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

from plexsync.edges.stash.handover import Handover
from tests.hostile.hook_plugin import CONNECTION, COOKIE, Plugin, environ, event, held, is_running
from tests.installation import copy_plugin
from tests.world import until

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")


@pytest.fixture
def plugin(tmp_path):
    plugin = Plugin(tmp_path / "PlexSync")
    yield plugin
    plugin.stop()


def test_a_hook_keeps_its_event_and_says_ok(plugin):
    with plugin.alive():
        assert plugin.run(event(scene=42, fields=["title"])) == {"output": "ok"}
    (kept,) = plugin.events()
    assert (kept.subject, kept.action, kept.id, kept.fields) == ("Scene", "Update", 42, {"title"})
    assert abs(kept.at - time.time()) < 60
    assert plugin.unfinished() == []


def _imports(plugin: Plugin, *words: str) -> set[str]:
    """The modules that Python imports if it is started like a hook, including its own start."""
    process = plugin.popen(args=[sys.executable, "-S", "-X", "importtime", *words])
    out, err = process.communicate(event(sent={"title": "x"}, fields=["title"]))
    assert out in (b"", b'{"output": "ok"}')
    return {line.rpartition(b"|")[2].strip().decode() for line in err.splitlines()}


OURS = {"plexsync", "plexsync.fast", "plexsync.hook"}


@posix_only
def test_beside_a_worker_a_hook_imports_three_modules_of_ours_and_no_other(plugin):
    bare = _imports(plugin, "-c", "pass")
    (plugin.folder / "plexsync" / "entry.py").write_text("raise SystemExit('not on the hook path')")
    with plugin.alive():
        plugin.run(event())  # makes the folders
        loaded = _imports(plugin, str(plugin.folder / "PlexSync.py"))
    assert loaded - bare == OURS


@posix_only
def test_a_hook_that_starts_a_worker_imports_two_more_and_os(plugin):
    bare = _imports(plugin, "-c", "import os")
    loaded = _imports(plugin, str(plugin.folder / "PlexSync.py"))
    assert loaded - bare == OURS | {"plexsync.inbox", "plexsync.system", "fcntl"}


def test_a_hook_on_any_system_imports_nothing_slow(plugin):
    slow = {"json", "re", "subprocess", "typing", "enum", "pathlib", "site"}
    with plugin.alive():
        assert not slow & _imports(plugin, str(plugin.folder / "PlexSync.py"))


@posix_only
@pytest.mark.parametrize("pipes", [True, False], ids=["pipe elsewhere", "socket"])
def test_a_hook_whose_worker_has_no_pipe_here_imports_nothing_slow_either(
    plugin, tmp_path, monkeypatch, pipes
):
    """Every save would pay for it, and the stored event must not contain the session."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    slow = {"json", "re", "subprocess", "typing", "enum", "socket", "tempfile", "contextlib"}
    with plugin.alive():
        (plugin.data / "session").mkdir()
        with closing(Handover(str(plugin.data), b"", pipes=pipes)) as worker:
            loaded = _imports(plugin, str(plugin.folder / "PlexSync.py"))
            until(lambda: worker.waiting() and worker.offered == CONNECTION)
    assert not slow & loaded
    assert ("plexsync.loopback" in loaded) != pipes


def test_a_hook_needs_nothing_of_site_but_does_with_it_too(plugin):
    with plugin.alive():
        for flags in (["-S"], []):
            command = [sys.executable, *flags, *plugin.command()[-1:]]
            assert plugin.run(event(), args=command) == {"output": "ok"}
    assert len(plugin.events()) == 2


@posix_only
def test_a_started_worker_inherits_nothing_and_gets_the_connection_alone(plugin):
    kept_open = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(kept_open, True)
    try:
        assert plugin.run(event(), pass_fds=[kept_open]) == {"output": "ok"}
    finally:
        os.close(kept_open)
    (worker,) = plugin.workers()
    assert worker["block"] == CONNECTION.decode()
    assert worker["sid"] == worker["pid"] != os.getsid(0)
    assert worker["argv"] == [str(plugin.folder / "PlexSync.py"), "worker"]
    assert worker["cwd"] == "/"
    assert worker["umask"] == 0o077
    files = {fd: target for fd, target in worker["fds"].items() if int(fd) < 3}
    assert files.pop("0").startswith("pipe:")
    assert files == {"1": os.devnull, "2": os.devnull}
    others = [target for fd, target in worker["fds"].items() if int(fd) > 2]
    assert [t for t in others if not t.startswith(f"/proc/{worker['pid']}/fd")] == []


@posix_only
def test_the_save_ends_while_the_worker_lives_on(plugin):
    process = plugin.popen(start_new_session=True)
    out, err = process.communicate(event(), timeout=30)  # read to the end, as Stash does
    assert (out, err, process.returncode) == (b'{"output": "ok"}', b"", 0)
    (worker,) = plugin.workers()
    assert is_running(worker["pid"])
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # no process of the hook's session is left
    assert is_running(worker["pid"])


@posix_only
def test_the_cookie_is_in_no_argument_variable_or_file(plugin):
    plugin.run(event(sent={"title": "x"}))
    (worker,) = plugin.workers()
    assert COOKIE in worker["block"]
    assert COOKIE not in json.dumps([worker["argv"], worker["environ"]])
    for folder, _, names in os.walk(plugin.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert COOKIE.encode() not in file.read()


@posix_only
def test_a_second_hook_starts_no_second_worker(plugin):
    plugin.run(event())
    plugin.workers()
    for scene in range(5):
        plugin.run(event(scene=scene + 1))
    assert plugin.started() == 1
    assert len(plugin.events()) == 6


@posix_only
def test_while_a_task_takes_over_a_hook_starts_nobody(plugin):
    with plugin.alive("takeover.lock"):
        assert plugin.run(event()) == {"output": "ok"}
    plugin.run(event())
    plugin.workers()
    assert plugin.started() == 1


@posix_only
def test_a_stopped_process_that_was_to_start_a_worker_is_waited_for_ten_seconds_only(plugin):
    plugin.data.mkdir(mode=0o700)
    lock = plugin.data / "started.lock"
    with held(lock):  # as by a process that was stopped with SIGSTOP: it keeps its locks
        assert plugin.run(event(scene=1)) == {"output": "ok"}
        assert plugin.started() == 0
        os.utime(lock, (time.time() - 11,) * 2)
        assert plugin.run(event(scene=2)) == {"output": "ok"}
        plugin.workers()
        assert plugin.run(event(scene=3)) == {"output": "ok"}
    assert plugin.started() == 1
    assert len(plugin.events()) == 3


@posix_only
def test_the_start_that_replaces_a_hanging_one_has_ten_seconds_of_its_own(plugin):
    plugin.data.mkdir(mode=0o700)
    lock = plugin.data / "started.lock"
    with held(lock):
        os.utime(lock, (1e9, 1e9))
        before = time.time()
        assert plugin.run(event()) == {"output": "ok"}
        plugin.workers()
    assert lock.stat().st_mtime > before - 1


@posix_only
def test_a_hook_that_hangs_before_it_started_a_worker_holds_up_no_other(plugin):
    plugin.data.mkdir(mode=0o700)
    with held(plugin.data / "starting.lock"):
        assert plugin.run(event(scene=1)) == {"output": "ok"}
        plugin.workers()
    assert plugin.started() == 1


@posix_only
def test_after_the_worker_was_killed_the_next_hook_starts_another(plugin):
    plugin.run(event())
    (first,) = plugin.workers()
    os.kill(first["pid"], signal.SIGKILL)
    while is_running(first["pid"]):
        time.sleep(0.01)
    assert plugin.run(event()) == {"output": "ok"}
    assert len(plugin.workers(2)) == 2


def test_a_connection_too_large_for_the_pipe_is_an_error_but_the_event_is_kept(plugin):
    connection = b'{"Dir":"' + b"x" * 9000 + b'"}'
    answer = plugin.run(event(connection=connection))
    assert "kept this event" in str(answer["error"])
    assert len(plugin.events()) == 1


@posix_only
def test_a_connection_of_the_allowed_size_arrives_whole(plugin):
    connection = b'{"Dir":"' + b"x" * (8192 - 10) + b'"}'
    assert plugin.run(event(connection=connection)) == {"output": "ok"}
    assert plugin.workers()[0]["block"] == connection.decode()


@pytest.mark.parametrize("stdin", [b"", b" \n"])
def test_run_by_hand_it_says_what_it_is(tmp_path, stdin):
    folder = copy_plugin(tmp_path / "PlexSync")
    process = subprocess.run(
        [sys.executable, folder / "PlexSync.py"], input=stdin, capture_output=True, check=True
    )
    assert "plugin for Stash" in json.loads(process.stdout)["error"]
    assert not (folder / "data").exists()


def test_a_task_goes_to_the_tasks_and_only_its_answer_to_stdout(plugin):
    process = plugin.popen()
    out, err = process.communicate(b'{"server_connection":{},"args":{"mode":"do"}}')
    assert (out, process.returncode) == (b'{"output": "task"}', 0)
    assert err.replace(b"\r\n", b"\n") == b"a library that chatters\n"


@posix_only
def test_it_works_from_any_folder_and_through_a_link(plugin, tmp_path):
    link = tmp_path / "linked"
    link.symlink_to(plugin.folder)
    with plugin.alive():
        command = [sys.executable, "linked/PlexSync.py"]
        assert plugin.run(event(), args=command, cwd=tmp_path) == {"output": "ok"}
    assert len(plugin.events()) == 1


@posix_only
def test_a_data_folder_named_by_stash_is_used(plugin, tmp_path):
    elsewhere = environ(STASH_PLUGIN_DATA=str(tmp_path / "elsewhere"))
    assert plugin.run(event(), env=elsewhere) == {"output": "ok"}
    assert len(os.listdir(tmp_path / "elsewhere" / "inbox" / "new")) == 1
    assert not plugin.data.exists()
    plugin.workers()
