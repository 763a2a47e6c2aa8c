"""Any file of the data folder is damaged while no worker runs; the next one reports it and works."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from torture.damage import DATABASES, FILES, KINDS, LOGS, Damage, emptied
from torture.rows import NO_TEXT, SLIP, Column

pytestmark = pytest.mark.long  # all of them: they share a folder

SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "11"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damage]:
    with Damage(tmp_path_factory.mktemp("damage")) as folder:
        yield folder


@pytest.mark.torture
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_harms_no_other_and_ends_no_worker(folder: Damage, file: str) -> None:
    kinds = KINDS if file in DATABASES else (*KINDS[::2], emptied)
    for kind in kinds:
        assert folder.trial(file, kind, SEED) == [], kind.__name__
        assert "Traceback" not in folder.world.said()
        if kind is emptied and file != "device_id.json" and file not in LOGS:
            assert "damaged" in folder.world.said()


@pytest.mark.torture
@pytest.mark.parametrize("file", DATABASES)
def test_a_value_that_no_column_may_hold_costs_its_row_at_most(folder: Damage, file: str) -> None:
    dice = random.Random(f"{file} {SEED}")
    columns = [column for column in folder.columns() if column.file == file]
    for column in dice.sample(columns, min(2, len(columns))):
        value = dice.choice(column.values)
        assert folder.row_trial(column, value) == [], (column, value)


@pytest.mark.torture
@pytest.mark.parametrize("file", DATABASES)
def test_a_table_that_is_another_one_stops_nobody(folder: Damage, file: str) -> None:
    dice = random.Random(f"shapes of {file} {SEED}")
    shapes = [sql for name, sql in folder.shapes() if name == file]
    for sql in dice.sample(shapes, min(2, len(shapes))):
        assert folder.shape_trial(file, sql) == [], sql


@pytest.mark.parametrize("file", ["ledger.db", "queue/data.db"])
def test_a_counter_at_its_end_is_no_full_disk(folder: Damage, file: str) -> None:
    sql = next(sql for name, sql in folder.shapes() if name == file and str(2**63 - 1) in sql)
    assert folder.shape_trial(file, sql) == []
    assert "set aside" not in folder.world.said() and "kept in" not in folder.world.said()


def test_bytes_in_a_text_and_a_slip_in_a_number_do_not_stop_the_worker(folder: Damage) -> None:
    assert folder.row_trial(Column("ledger.db", "scenes", "detail", "TEXT"), NO_TEXT) == []
    assert "8 rows of ledger.db cannot be read (scenes 8)" in folder.world.said("warning")
    assert folder.row_trial(Column("ledger.db", "meta", "value", "TEXT"), SLIP) == []
    assert "cannot be read (meta 6)" in folder.world.said("warning")
