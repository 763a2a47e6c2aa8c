"""Full, read-only, foreign and malicious data folders: one clear error, nothing half-written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from tests.hostile.hook_plugin import COOKIE, Plugin, environ, event

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights and links")


@pytest.fixture
def plugin(tmp_path):
    plugin = Plugin(tmp_path / "PlexSync")
    yield plugin
    plugin.stop()


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB, where the machine allows one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def refusal(plugin: Plugin, data: object = None, **more) -> str:
    """The one error of a hook that cannot keep its event."""
    where = environ(STASH_PLUGIN_DATA=str(data)) if data else environ()
    answer = plugin.run(event(fields=["x" * 15_000]), env=where, **more)
    assert set(answer) == {"error"}
    text = str(answer["error"])
    assert "cannot keep" in text
    assert COOKIE not in text
    return text


def test_a_full_disk_is_an_error_and_leaves_no_unfinished_file(plugin, tiny_disk):
    with plugin.alive():
        usual = environ(STASH_PLUGIN_DATA=str(tiny_disk))
        lock = os.open(tiny_disk / "worker.lock", os.O_RDWR | os.O_CREAT, 0o600)
        os.close(lock)
        kept = 0
        while plugin.run(event(fields=["x" * 15_000]), env=usual).get("output") == "ok":
            kept += 1
        assert kept < 5
        text = refusal(plugin, tiny_disk)
    assert "No space left on device" in text
    assert os.listdir(tiny_disk / "inbox" / "tmp") == []
    sizes = {entry.stat().st_size for entry in os.scandir(tiny_disk / "inbox" / "new")}
    assert len(os.listdir(tiny_disk / "inbox" / "new")) == kept
    assert len(sizes) == 1


def test_when_there_is_room_again_the_next_event_is_kept(plugin, tiny_disk):
    usual = environ(STASH_PLUGIN_DATA=str(tiny_disk))
    (tiny_disk / "ballast").write_bytes(b"")
    with open(tiny_disk / "ballast", "ab", buffering=0) as ballast:
        while ballast.tell() < 64 << 10:
            try:
                ballast.write(b"x" * 4096)
            except OSError:
                break
    refusal(plugin, tiny_disk)
    os.unlink(tiny_disk / "ballast")
    assert plugin.run(event(), env=usual) == {"output": "ok"}


def test_a_quota_that_ends_in_the_middle_of_an_event_leaves_no_half_of_it(plugin):
    limited = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
    limited += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    with plugin.alive():
        plugin.run(event(scene=1))
        text = refusal(plugin, args=[sys.executable, "-c", limited, *plugin.command()[1:]])
    assert "File too large" in text
    assert [kept.id for kept in plugin.events()] == [1]
    assert plugin.unfinished() == []


def test_a_read_only_disk_is_named(plugin, tiny_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert "Read-only file system" in refusal(plugin, tiny_disk)
    assert "Read-only file system" in refusal(plugin, tiny_disk / "data")


def test_a_missing_parent_is_not_made_because_it_may_be_a_drive(plugin, tmp_path):
    text = refusal(plugin, tmp_path / "drive" / "data")
    assert f"{tmp_path / 'drive'} does not exist" in text
    assert not (tmp_path / "drive").exists()


def test_a_file_where_the_folder_should_be_is_named_and_left_alone(plugin):
    plugin.data.write_text("mine")
    assert f"{plugin.data} is not a folder" in refusal(plugin)
    assert plugin.data.read_text() == "mine"


@pytest.mark.parametrize("part", ["inbox", "inbox/tmp", "inbox/new"])
def test_a_file_where_a_part_of_the_inbox_should_be_is_an_error(plugin, part):
    (plugin.data / part).parent.mkdir(parents=True, mode=0o700)
    (plugin.data / part).write_text("mine")
    said = refusal(plugin)
    assert said.endswith(f"{plugin.data / part} is a file instead of a folder: remove it")
    assert (plugin.data / part).read_text() == "mine"


root_only = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs users of its own"
)
STRANGER = 12345


@root_only
def test_root_keeps_events_in_a_folder_that_a_nas_gave_to_a_user_of_its_own(plugin):
    plugin.data.mkdir(mode=0o700)
    os.chown(plugin.data, STRANGER, STRANGER)
    with plugin.alive():
        assert plugin.run(event()) == {"output": "ok"}
    assert len(plugin.events()) == 1
    assert plugin.data.stat().st_uid == STRANGER


@root_only
def test_where_chmod_has_no_effect_the_event_is_kept(plugin, tmp_path):
    """As on NTFS, exFAT or SMB: the folder is 0777, and Stash's user cannot change that."""
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    data = tmp_path / "mount"
    data.mkdir()
    data.chmod(0o777)
    try:
        subprocess.run([sys.executable, "-c", ""], user=STRANGER, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this Python is for root alone")
    data_there = environ(STASH_PLUGIN_DATA=str(data))
    assert plugin.run(event(), env=data_there, user=STRANGER)
    assert len(os.listdir(data / "inbox" / "new")) == 1
    assert data.stat().st_mode & 0o777 == 0o777


@root_only
def test_a_folder_that_a_stranger_laid_in_our_way_is_refused(plugin, tmp_path):
    """Any user can create one in a folder like /tmp, and put files into it."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    (temporary / "data").mkdir(mode=0o700)
    os.chown(temporary / "data", STRANGER, STRANGER)
    text = refusal(plugin, temporary / "data")
    assert f"belongs to user {STRANGER}" in text
    assert "chown" in text
    assert os.listdir(temporary / "data") == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_an_own_folder_that_others_may_write_to_is_mended(plugin, mode):
    plugin.data.mkdir()
    plugin.data.chmod(mode)
    with plugin.alive("takeover.lock"):
        assert plugin.run(event()) == {"output": "ok"}
    assert stat.S_IMODE(plugin.data.stat().st_mode) == 0o700


def test_a_link_to_a_good_folder_works(plugin, tmp_path):
    good = tmp_path / "good"
    good.mkdir(mode=0o700)
    plugin.data.symlink_to(good)
    assert plugin.run(event()) == {"output": "ok"}
    assert len(os.listdir(good / "inbox" / "new")) == 1


def test_a_link_to_nowhere_is_named(plugin, tmp_path):
    plugin.data.symlink_to(tmp_path / "gone")
    assert "is not a folder" in refusal(plugin)
    assert not (tmp_path / "gone").exists()


@root_only
def test_a_link_that_a_stranger_laid_is_refused(plugin, tmp_path):
    good = tmp_path / "good"
    good.mkdir(mode=0o700)
    plugin.data.symlink_to(good)
    os.lchown(plugin.data, STRANGER, STRANGER)
    assert "belongs to user" in refusal(plugin)
    assert os.listdir(good) == []


@pytest.mark.parametrize("part", ["inbox", "inbox/tmp", "inbox/new"])
def test_a_link_planted_inside_the_inbox_is_not_followed(plugin, tmp_path, part):
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (plugin.data / part).parent.mkdir(parents=True, mode=0o700)
    (plugin.data / part).symlink_to(target)
    assert "symbolic link" in refusal(plugin)
    assert os.listdir(target) == []


@pytest.mark.parametrize("name", ["worker.lock", "takeover.lock", "starting.lock", "started.lock"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_planted_as_a_lock_is_not_followed(plugin, tmp_path, name, exists):
    target = tmp_path / "target"
    if exists:
        target.write_text("precious")
    plugin.data.mkdir(mode=0o700)
    (plugin.data / name).symlink_to(target)
    answer = plugin.run(event())
    assert "symbolic link" in str(answer["error"])
    assert "kept this event" in str(answer["error"])
    assert len(plugin.events()) == 1
    assert target.exists() == exists
    assert not exists or target.read_text() == "precious"


def test_everything_is_private_whatever_the_umask(plugin):
    assert plugin.run(event(), umask=0) == {"output": "ok"}
    plugin.workers()
    seen = [plugin.data]
    for folder, folders, files in os.walk(plugin.data):
        seen += [plugin.data.joinpath(folder, name) for name in (*folders, *files)]
    assert {path.name for path in seen} >= {"data", "inbox", "tmp", "new", "worker.lock"}
    for path in seen:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
