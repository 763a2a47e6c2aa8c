"""Any file of the data folder damaged while no worker lived: told, set aside, and gone on without."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from torture.damage import DATABASES, FILES, KINDS, LOGS, Damage

SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "11"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damage]:
    with Damage(tmp_path_factory.mktemp("damage")) as folder:
        yield folder


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_harms_no_other_and_ends_no_worker(folder: Damage, file: str) -> None:
    kinds = KINDS if file in (*DATABASES, *LOGS) else KINDS[::2]
    for kind in kinds:
        assert folder.trial(file, kind, SEED) == [], kind.__name__
        assert "Traceback" not in folder.world.said()


@pytest.mark.parametrize("file", [name for name in FILES if name != "device_id.json"])
def test_an_emptied_file_is_told_of(folder: Damage, file: str) -> None:
    emptied = next(kind for kind in KINDS if kind.__name__ == "emptied")
    assert folder.trial(file, emptied, SEED) == []
    if not file.endswith("-wal"):
        assert "damaged" in folder.world.said()
