"""State files and databases: old or new content, complete; damage costs one file and one warning."""

from __future__ import annotations

import json
import math
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import MAX_JSON
from tests.platforms import posix_only

SCHEMA = ("CREATE TABLE wishes (scene INTEGER PRIMARY KEY, text TEXT);",)


class State:
    """A small state file and the warnings that it caused."""

    def __init__(self, folder):
        self.path = str(folder / "state.json")
        self.warnings: list[str] = []

    def read(self) -> object:
        return files.read_json(self.path, self._parse, "default", self.warnings.append)

    @staticmethod
    def _parse(raw: object) -> object:
        if not isinstance(raw, dict) or raw["version"] != 1:
            raise ValueError("not version 1")
        return raw["opened_at"] + 0.0, raw["history"]["first"].upper()

    def write(self, content: bytes) -> None:
        with open(self.path, "wb") as file:
            file.write(content)


GOOD = {"version": 1, "opened_at": 12.5, "history": {"first": "ok", "more": [1, None, "é"]}}


@pytest.fixture
def state(tmp_path):
    return State(tmp_path)


def test_what_is_written_is_read(state):
    files.replace_json(state.path, GOOD)
    assert state.read() == (12.5, "OK")
    files.replace_json(state.path, GOOD | {"opened_at": 1})
    assert state.read() == (1.0, "OK")
    assert os.listdir(os.path.dirname(state.path)) == ["state.json"]
    assert state.warnings == []


def test_without_a_file_the_default_is_no_surprise(state):
    assert state.read() == "default"
    assert state.warnings == []


def test_a_file_cut_at_any_byte_is_the_default_with_one_warning(state):
    files.replace_json(state.path, GOOD)
    with open(state.path, "rb") as file:
        whole = file.read()
    for end in range(len(whole)):
        state.write(whole[:end])
        assert state.read() == "default", end
        assert state.read() == "default"
        assert len(state.warnings) == end + 1
    kept = os.listdir(os.path.join(os.path.dirname(state.path), "damaged"))
    assert len(kept) == 5


VARIANTS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"1",
    b'"x"',
    b"NaN",
    b"\xff\xfe\x00",
    b"\x00" * 100,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 5000,
    json.dumps(GOOD).encode() + b"{}",
]
FIELDS = [
    None,
    True,
    "x",
    -1,
    [],
    {},
    [[]],
    1e308,
    math.nan,
    math.inf,
    10**400,
    "\udc80",
    "\x00",
]


@pytest.mark.parametrize("content", VARIANTS, ids=range(len(VARIANTS)))
def test_garbage_is_the_default_with_one_warning(state, content):
    state.write(content)
    assert state.read() == "default"
    assert len(state.warnings) == 1
    assert "state.json was damaged" in state.warnings[0]
    assert not os.path.exists(state.path)


@pytest.mark.parametrize("value", FIELDS, ids=range(len(FIELDS)))
@pytest.mark.parametrize("field", list(GOOD))
def test_a_wrong_field_never_raises(state, field, value):
    state.write(json.dumps(GOOD | {field: value}).encode())
    read = state.read()
    assert read == "default" or read[1] == "OK"
    assert len(state.warnings) == (read == "default")


def test_numbers_that_are_none_are_damage(state):
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        state.write(json.dumps(GOOD).replace("12.5", number).encode())
        assert state.read() == "default"


def test_unknown_newer_fields_are_left_to_the_parser(state):
    files.replace_json(state.path, GOOD | {"from_the_future": {"x": 1}})
    assert state.read() == (12.5, "OK")


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1: {2}}])
def test_what_is_not_json_is_refused_and_the_old_file_stays(state, value):
    files.replace_json(state.path, GOOD)
    with pytest.raises((ValueError, TypeError)):
        files.replace_json(state.path, value)
    assert state.read() == (12.5, "OK")
    assert os.listdir(os.path.dirname(state.path)) == ["state.json"]


@posix_only
def test_a_file_that_cannot_be_replaced_stays_and_leaves_no_rest(state, tmp_path):
    os.mkdir(state.path)
    (tmp_path / "state.json" / "full").touch()
    with pytest.raises(OSError):
        files.replace_json(state.path, GOOD)
    assert os.listdir(tmp_path) == ["state.json"]


@posix_only
def test_a_state_file_is_private_and_a_planted_link_is_not_followed(state, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(json.dumps(GOOD).encode())
    os.symlink(target, state.path)
    assert state.read() == "default"
    assert target.exists()
    os.symlink(target, state.path)
    files.replace_json(state.path, {"version": 1})
    assert target.read_bytes() == json.dumps(GOOD).encode()
    assert not os.path.islink(state.path)
    assert stat.S_IMODE(os.stat(state.path).st_mode) == 0o600


@posix_only
def test_a_pipe_or_a_folder_as_state_file_is_damage_and_does_not_block(state):
    os.mkfifo(state.path)
    assert state.read() == "default"
    os.mkdir(state.path)
    assert state.read() == "default"
    assert len(state.warnings) == 2


def test_a_monstrous_state_file_is_damage(state):
    state.write(b" " * (MAX_JSON + 1))
    assert state.read() == "default"


def test_a_file_in_the_place_of_the_folder_for_damage_gives_way(state, tmp_path):
    state.write(b"{")
    (tmp_path / "damaged").write_text("a file in the way")
    assert state.read() == "default"
    kept = {path.read_text() for path in (tmp_path / "damaged").glob("*/state.json")}
    assert kept == {"{"}


def test_damage_that_cannot_be_moved_away_is_still_the_default(state, tmp_path):
    name = "x" * 240  # too long for a name with a time before it
    state.path = os.path.join(os.path.dirname(state.path), name)
    state.write(b"{")
    assert state.read() == "default"
    assert "cannot be moved away" in state.warnings[0]


WRITER = """
import sys
from plexsync.edges.storage import files
n = 0
print("ready", flush=True)
while True:
    n += 1
    files.replace_json(sys.argv[1], {"n": n, "pad": "x" * (n % 7 * 1000), "again": n})
"""


@posix_only
def test_a_writer_killed_at_any_instant_leaves_the_old_or_the_new_file(tmp_path):
    rng = random.Random(9)
    path = str(tmp_path / "state.json")
    files.replace_json(path, {"n": 0, "again": 0})
    for _ in range(15):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rng.uniform(0.001, 0.02))
        writer.kill()
        writer.communicate()
        with open(path, "rb") as file:
            found = json.load(file)
        assert found["n"] == found["again"]


# --- databases --------------------------------------------------------------------------------


class Database:
    """A database of ours with a hundred rows, and the warnings that it caused."""

    def __init__(self, folder):
        self.folder = folder
        self.path = str(folder / "ledger.db")
        self.warnings: list[str] = []

    def open(self, schema=SCHEMA) -> sqlite3.Connection:
        return files.open_sqlite(self.path, schema, self.warnings.append)

    def fill(self) -> None:
        connection = self.open()
        with connection:
            rows = [(n, f"wish {n} " * 20) for n in range(1, 101)]
            connection.executemany("INSERT OR REPLACE INTO wishes VALUES (?, ?)", rows)
        connection.close()

    def rows(self) -> int:
        """The number of rows after opening the file again; all must be readable."""
        connection = self.open()
        try:
            found = connection.execute("SELECT scene, text FROM wishes ORDER BY scene").fetchall()
            assert [scene for scene, _ in found] == list(range(1, len(found) + 1))
            with connection:
                connection.execute("INSERT OR REPLACE INTO wishes VALUES (1, 'new')")
            return len(found)
        finally:
            connection.close()

    def bytes(self) -> bytes:
        with open(self.path, "rb") as file:
            return file.read()

    def put(self, content: bytes) -> None:
        for side in ("", "-wal", "-shm"):
            if os.path.exists(self.path + side):
                os.unlink(self.path + side)
        with open(self.path, "wb") as file:
            file.write(content)


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path)


def test_a_database_is_durable_and_plain(database):
    connection = database.open()
    for name, value in [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]:
        assert connection.execute(f"PRAGMA {name}").fetchone() == (value,)
    assert connection.execute("PRAGMA busy_timeout").fetchone()[0] >= 1000
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.row_factory is None
    assert connection.isolation_level == ""
    connection.close()
    assert database.warnings == []


def test_a_transaction_is_all_or_nothing(database):
    connection = database.open()
    with pytest.raises(sqlite3.IntegrityError), connection:
        connection.execute("INSERT INTO wishes VALUES (1, 'a')")
        connection.execute("INSERT INTO wishes VALUES (1, 'b')")
    assert connection.execute("SELECT count(*) FROM wishes").fetchone() == (0,)
    connection.close()


def test_later_migrations_run_once_and_in_order(database):
    database.fill()
    later = (
        *SCHEMA,
        "ALTER TABLE wishes ADD COLUMN at REAL DEFAULT 1; CREATE INDEX by_at ON wishes (at);",
        "UPDATE wishes SET at = at + 1",
    )
    for _ in range(2):
        connection = database.open(later)
        assert connection.execute("SELECT sum(at) FROM wishes").fetchone() == (200.0,)
        connection.close()
    assert database.warnings == []


def test_a_newer_database_is_refused_by_name_and_left_alone(database):
    database.fill()
    connection = sqlite3.connect(database.path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    before = database.bytes()
    with pytest.raises(files.NewerSchema) as refusal:
        database.open()
    text = str(refusal.value)
    assert database.path in text
    assert "version 3" in text
    assert "install the newer PlexSync" in text
    assert database.bytes() == before
    assert database.warnings == []


@posix_only
def test_all_its_files_are_private_whatever_the_umask(database):
    umask = os.umask(0)
    try:
        connection = database.open()
        with connection:
            connection.execute("INSERT INTO wishes VALUES (1, 'a')")
        found = [entry for entry in os.scandir(database.folder) if entry.is_file()]
        assert {entry.name for entry in found} == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
        assert {stat.S_IMODE(entry.stat().st_mode) for entry in found} == {0o600}
        connection.close()
        os.chmod(database.path, 0o666)
        database.open().close()
        assert stat.S_IMODE(os.stat(database.path).st_mode) == 0o600
    finally:
        os.umask(umask)


def damaged_files(database) -> list[str]:
    found = []
    for folder, _, names in os.walk(database.folder / "damaged"):
        found += [os.path.join(folder, name) for name in names]
    return found


def check_survives(database, content: bytes, damage: str) -> None:
    """Opening works twice in a row; lost rows are always reported."""
    database.put(content)
    database.warnings.clear()
    rows = database.rows()
    assert rows in (0, 100), damage
    assert len(database.warnings) == (rows == 0), damage
    assert database.rows() == (rows or 1), damage


def test_a_database_cut_anywhere_is_set_aside_with_one_warning(database):
    database.fill()
    whole = database.bytes()
    rng = random.Random(1)
    cuts = [0, 1, 15, 16, 99, 100, 4095, 4096, *(rng.randrange(len(whole)) for _ in range(112))]
    for cut in cuts:
        check_survives(database, whole[:cut], f"cut at {cut}")
        assert "ledger.db was damaged" in database.warnings[0]


def test_a_database_with_a_zeroed_part_is_set_aside_or_whole(database):
    database.fill()
    whole = database.bytes()
    rng = random.Random(2)
    for page in range(len(whole) // 4096):
        content = whole[: page * 4096] + bytes(4096) + whole[(page + 1) * 4096 :]
        check_survives(database, content, f"page {page} zeroed")
    for _ in range(100):
        start = rng.randrange(len(whole))
        size = rng.randrange(1, 200)
        content = whole[:start] + bytes(len(whole[start : start + size])) + whole[start + size :]
        _check_opens(database, content, f"zeroed at {start}")


def test_a_database_with_a_flipped_header_is_set_aside_or_whole(database):
    database.fill()
    whole = database.bytes()
    for place in range(100):
        for bit in (1, 128):
            content = bytearray(whole)
            content[place] ^= bit
            _check_opens(database, bytes(content), f"byte {place} bit {bit}")


def test_a_table_whose_definition_is_no_text_is_damage(database):
    database.fill()
    content = database.bytes()
    assert b"text TEXT" in content
    database.put(content.replace(b"text TEXT", b"te\xfft TEXT"))
    assert database.rows() == 0
    assert len(database.warnings) == 1


def test_a_database_with_flipped_bytes_anywhere_opens(database):
    database.fill()
    whole = database.bytes()
    rng = random.Random(3)
    for _ in range(120):
        place = rng.randrange(100, len(whole))
        content = bytearray(whole)
        content[place] ^= 1 << rng.randrange(8)
        _check_opens(database, bytes(content), f"byte {place}")


def _check_opens(database, content: bytes, damage: str) -> None:
    """A changed value may stay undetected, but there is no exception and no start that always fails."""
    database.put(content)
    database.warnings.clear()
    for _ in range(2):
        try:
            connection = database.open()
        except files.NewerSchema:
            return  # the version itself was changed, to a possible one
        connection.close()
    assert len(database.warnings) <= 1, damage


def test_a_lost_main_file_is_noticed_by_what_lies_beside_it(database):
    connection = database.open()
    with connection:
        connection.execute("INSERT INTO wishes VALUES (1, 'a')")
    wal = database.path + "-wal"
    with open(wal, "rb") as file:
        kept = file.read()
    connection.close()
    os.unlink(database.path)
    with open(wal, "wb") as file:
        file.write(kept)
    assert database.rows() == 0
    assert len(database.warnings) == 1
    (moved,) = damaged_files(database)
    with open(moved, "rb") as file:
        assert file.read() == kept


def test_a_file_and_those_beside_it_are_set_aside_together(tmp_path):
    for side in ("", "-wal", "-shm"):
        (tmp_path / f"a.db{side}").write_text(side)
    kept = files.set_aside(str(tmp_path / "a.db"))
    assert sorted(os.listdir(kept)) == ["a.db", "a.db-shm", "a.db-wal"]
    assert os.path.dirname(kept) == str(tmp_path / "damaged")
    assert kept.endswith("-a.db")
    assert os.listdir(tmp_path) == ["damaged"]


def test_the_newest_five_are_kept(tmp_path):
    for number in range(8):
        (tmp_path / "a.json").write_text(str(number))
        files.set_aside(str(tmp_path / "a.json"))
    kept = sorted((tmp_path / "damaged").iterdir())
    assert [(folder / "a.json").read_text() for folder in kept] == ["3", "4", "5", "6", "7"]


@posix_only
def test_planted_links_are_moved_away_and_their_targets_untouched(database, tmp_path):
    target = tmp_path / "target"
    for side in ("", "-wal", "-shm"):
        target.write_bytes(b"precious")
        database.put(b"")
        os.unlink(database.path)
        database.fill()
        if side == "":
            os.unlink(database.path)
        os.symlink(target, database.path + side)
        database.warnings.clear()
        assert database.rows() == 0
        assert len(database.warnings) == 1
        assert target.read_bytes() == b"precious"


@pytest.mark.long
def test_a_locked_database_is_no_damage(database):
    database.fill()
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("INSERT OR REPLACE INTO wishes VALUES (1, 'x')")
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            database.open((*SCHEMA, "CREATE TABLE more (x)"))
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert database.warnings == []
    assert database.rows() == 100


def test_a_database_may_be_shared_by_threads_when_asked_for(database):
    connection = files.open_sqlite(
        database.path, SCHEMA, database.warnings.append, check_same_thread=False
    )
    with ThreadPoolExecutor(1) as pool:
        counted = pool.submit(lambda: connection.execute("SELECT count(*) FROM wishes").fetchone())
        assert counted.result() == (0,)
    connection.close()
