"""Verifies a folder filled by pip against the packages' own records."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from pathlib import Path

import pytest

from plexsync.edges.packages import fingerprint, flaw, versions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"one/__init__.py": b"x = 1\n", "one/data.txt": b"words", "one-1.dist-info/WHEEL": b""}
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    rows = [f"{path},sha256={digest(data)},{len(data)}" for path, data in files.items()]
    script = f"../../bin/one,sha256={digest(b'')},0"
    rows += [script, "one/__pycache__/__init__.cpython-39.pyc,,", "one-1.dist-info/RECORD,,"]
    (tmp_path / "one-1.dist-info" / "RECORD").write_text("\n".join(rows))
    return tmp_path


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def test_a_set_as_it_was_packed_has_no_flaw(folder: Path) -> None:
    assert flaw(str(folder)) == ""
    assert len(fingerprint(str(folder))) == 64


@pytest.mark.parametrize("path", ["one/__init__.py", "one/data.txt"])
def test_a_file_that_was_changed_or_lost_is_named(folder: Path, path: str) -> None:
    (folder / path).write_bytes(b"other")
    assert flaw(str(folder)) == f"{path} differs from its package"
    (folder / path).unlink()
    assert flaw(str(folder)) == f"{path} differs from its package"


@pytest.mark.parametrize("path", ["json.py", "one/more.pyc", "one/fast.so", "two/__init__.py"])
def test_a_file_that_could_be_imported_and_belongs_to_nobody_is_named(
    folder: Path, path: str
) -> None:
    if sys.platform == "win32":
        path = path.replace(".so", ".pyd")
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text("")
    assert flaw(str(folder)) == f"{path} belongs to no package"


def test_what_cannot_be_imported_may_lie_there(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "one").write_text("a script")
    assert flaw(str(folder)) == ""


def test_bytecode_is_discarded_because_python_would_believe_it(folder: Path) -> None:
    (folder / "one" / "__pycache__").mkdir()
    (folder / "one" / "__pycache__" / "__init__.cpython-311.pyc").write_text("")
    assert flaw(str(folder)) == ""
    assert not (folder / "one" / "__pycache__").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_links_are_not_followed(folder: Path) -> None:
    os.rename(folder / "one" / "__init__.py", folder / "elsewhere")
    os.symlink(folder / "elsewhere", folder / "one" / "__init__.py")
    assert "differs from its package" in flaw(str(folder))
    os.rename(folder / "elsewhere", folder / "one" / "__init__.py")
    os.symlink(folder / "one", folder / "json")
    assert flaw(str(folder)) == "json belongs to no package"


def test_a_row_without_a_hash_proves_nothing(folder: Path) -> None:
    record = folder / "one-1.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("one/__init__.py,sha256=", "one/__init__.py,md5="))
    assert flaw(str(folder)) == "one/__init__.py differs from its package"


def test_the_fingerprint_changes_with_what_is_installed(folder: Path) -> None:
    before = fingerprint(str(folder))
    (folder / "two-1.dist-info").mkdir()
    (folder / "two-1.dist-info" / "RECORD").write_text("two-1.dist-info/RECORD,,\n")
    assert fingerprint(str(folder)) != before


@pytest.mark.parametrize(
    ("entry", "file", "found"),
    [
        ("Tiny_One-1.0.dist-info", "METADATA", "1.0"),
        ("tiny.one-1.0.post1.dist-info", "METADATA", "1.0.post1"),
        ("tiny_one-1.0-py3.11.egg-info", "PKG-INFO", "1.0"),
        ("tiny_one-1.0.dist-info", "RECORD", None),
        ("tiny_one_more-1.0.dist-info", "METADATA", None),
        ("tiny_one.py", "METADATA", None),
    ],
)
def test_the_version_of_a_package_is_in_the_name_of_its_metadata(
    tmp_path: Path, entry: str, file: str, found: str | None
) -> None:
    (tmp_path / "a" / entry).mkdir(parents=True)
    (tmp_path / "a" / entry / file).touch()
    (tmp_path / "b" / "tiny_one-2.0.dist-info").mkdir(parents=True)
    (tmp_path / "b" / "tiny_one-2.0.dist-info" / "METADATA").touch()
    places = [str(tmp_path / "missing"), str(tmp_path / "a")]
    assert versions(["tiny-one"], places).get("tiny-one") == found
    if found:  # an import takes the first
        assert versions(["tiny-one"], [*places, str(tmp_path / "b")]) == {"tiny-one": found}
