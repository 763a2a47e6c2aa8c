"""The inbox: records are complete or absent and sorted by age, and links are not followed."""

from __future__ import annotations

import os
import time

import pytest

from plexsync import inbox
from tests.platforms import posix_only


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def new(data):
    return data / "inbox" / "new"


def plant(data, name: str, content: bytes = b"x"):
    """A file in `new/` that no hook has written."""
    inbox.forget(str(data), [inbox.drop(str(data), b"")])
    (new(data) / name).write_bytes(content)
    return new(data) / name


def test_what_is_dropped_is_collected_once_with_its_time(data):
    before = time.time()
    name = inbox.drop(str(data), b"one")
    (record,) = inbox.collect(str(data))
    assert (record.name, record.data) == (name, b"one")
    assert before - 1 <= record.at <= time.time() + 1
    inbox.forget(str(data), [name])
    assert inbox.collect(str(data)) == []


def test_records_come_oldest_first_and_no_more_than_asked_for(data):
    for number in range(5):
        inbox.drop(str(data), b"%d" % number)
    assert [r.data for r in inbox.collect(str(data))] == [b"0", b"1", b"2", b"3", b"4"]
    assert [r.data for r in inbox.collect(str(data), limit=2)] == [b"0", b"1"]


def test_an_inbox_that_does_not_exist_yet_is_empty(data):
    assert inbox.collect(str(data)) == []
    assert inbox.signature(str(data)) == 0
    assert inbox.sweep(str(data), time.time()) == 0
    inbox.forget(str(data), ["nothing"])


def test_names_never_collide_even_in_one_instant(data):
    names = {inbox.drop(str(data), b"") for _ in range(300)}
    assert len(names) == len(inbox.collect(str(data))) == 300
    stamp, pid, random = sorted(names)[0].split("-")
    assert (len(stamp), int(pid), len(random)) == (20, os.getpid(), 8)


def test_unfinished_records_are_not_seen(data):
    inbox.drop(str(data), b"")
    (data / "inbox" / "tmp" / "00000000000000000001-1-00000000").write_bytes(b"half")
    assert len(inbox.collect(str(data))) == 1


@pytest.mark.parametrize("gone", ["tmp", "new", "."])
def test_a_lost_folder_is_made_again(data, gone):
    inbox.forget(str(data), [inbox.drop(str(data), b"")])
    for folder in ("tmp", "new") if gone == "." else (gone,):
        (data / "inbox" / folder).rmdir()
    inbox.drop(str(data), b"again")
    assert [r.data for r in inbox.collect(str(data))] == [b"again"]


def test_a_strange_name_has_no_time_but_is_collected(data):
    plant(data, "hello")
    plant(data, "٠" * 20 + "-1-2")
    assert [record.at for record in inbox.collect(str(data))] == [0.0, 0.0]


@pytest.mark.parametrize("size", [inbox.MAX_RECORD, inbox.MAX_RECORD + 1])
def test_a_record_over_a_mebibyte_is_not_read(data, size):
    plant(data, "big", b"x" * size)
    (record,) = inbox.collect(str(data))
    assert (record.data is None) == (size > inbox.MAX_RECORD)


def test_a_flood_is_collected_in_parts(data):
    for number in range(20):
        plant(data, f"{number:020d}-1-0", b"x" * inbox.MAX_RECORD)
    seen = 0
    while records := inbox.collect(str(data)):
        assert sum(len(r.data or b"") for r in records) <= 18 << 20
        inbox.forget(str(data), [r.name for r in records])
        seen += len(records)
    assert seen == 20


@posix_only
def test_links_pipes_and_folders_in_the_inbox_are_not_read(data, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    plant(data, "link").unlink()
    (new(data) / "link").symlink_to(secret)
    (new(data) / "folder").mkdir()
    os.mkfifo(new(data) / "pipe")
    records = inbox.collect(str(data))
    assert {r.name: r.data for r in records} == {"link": None, "folder": None, "pipe": None}
    for record in records:
        inbox.set_aside(str(data), record.name)
    assert inbox.collect(str(data)) == []
    assert secret.read_bytes() == b"secret"


def test_a_damaged_record_is_kept_aside_and_others_stay(data):
    plant(data, "bad", b"\x00")
    inbox.drop(str(data), b"good")
    inbox.set_aside(str(data), "bad")
    assert [r.data for r in inbox.collect(str(data))] == [b"good"]
    assert (data / "damaged" / "bad").read_bytes() == b"\x00"


def test_only_the_newest_damaged_records_are_kept(data):
    (data / "damaged").mkdir(mode=0o700)
    (data / "damaged" / "20200101-queue").mkdir()
    for number in range(105):
        plant(data, f"{number:020d}")
        inbox.set_aside(str(data), f"{number:020d}")
    kept = sorted(os.listdir(data / "damaged"))
    assert len(kept) == 101
    assert kept[0] == f"{5:020d}"
    assert "20200101-queue" in kept


def test_only_old_unfinished_files_are_swept(data):
    inbox.drop(str(data), b"")
    tmp = data / "inbox" / "tmp"
    now = time.time()
    ages = {"young": 3600, "old": 90_000, "future": -90_000}
    for name, age in ages.items():
        for path in (tmp / name, data / f"{name}.json.tmp", data / f"{name}.json"):
            path.write_bytes(b"")
            os.utime(path, (now - age, now - age))
    assert inbox.sweep(str(data), now) == 4
    assert os.listdir(tmp) == ["young"]
    assert {p.name for p in data.glob("*.tmp")} == {"young.json.tmp"}
    assert len(list(data.glob("*.json"))) == 3
    assert len(inbox.collect(str(data))) == 1


def test_a_drop_and_a_nudge_change_the_signature(data):
    inbox.drop(str(data), b"")
    os.utime(new(data), ns=(1000, 1000))
    assert inbox.signature(str(data)) == 1000
    inbox.nudge(str(data))
    second = inbox.signature(str(data))
    assert second > 1000
    os.utime(new(data), ns=(1, 1))
    inbox.drop(str(data), b"")
    assert inbox.signature(str(data)) > 1
    assert len(inbox.collect(str(data))) == 2


def test_a_nudge_works_before_the_first_record(data):
    inbox.nudge(str(data))
    assert inbox.signature(str(data)) > 0
    assert inbox.collect(str(data)) == []
