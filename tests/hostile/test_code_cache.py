"""What a request of the page stores of its modules for the next one, see plexsync/code_cache.py."""

from __future__ import annotations

import json
import marshal
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.world import copy_plugin

MODE = "throughput"


def ask(plugin: Path) -> Any:
    order = {"server_connection": None, "args": {"mode": MODE}}
    done = subprocess.run(
        [sys.executable, "-S", str(plugin / "PlexSync.py")],
        input=json.dumps(order).encode(),
        capture_output=True,
        check=True,
    )
    assert not done.stderr
    return json.loads(done.stdout)["output"]["seconds"]


def stored(plugin: Path) -> Path:
    return plugin / "plexsync" / "__pycache__" / f"page-{MODE}.{sys.implementation.cache_tag}.pyc"


def change(plugin: Path, seconds: int) -> None:
    """Let the operation answer another number."""
    file = plugin / "plexsync" / "flows" / "page" / "overview.py"
    text = file.read_text(encoding="utf-8")
    before = text.partition('"seconds": ')[2].partition(",")[0]
    written = file.stat().st_mtime + 2  # Python's own cache knows whole seconds only
    file.write_text(text.replace(f'"seconds": {before}', f'"seconds": {seconds}'), encoding="utf-8")
    os.utime(file, (written, written))


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return copy_plugin(tmp_path / "PlexSync")


def test_the_next_request_runs_what_is_stored(plugin: Path) -> None:
    assert (ask(plugin), stored(plugin).stat().st_mode & 0o777) == (600, 0o600)
    made_for, modules = marshal.loads(stored(plugin).read_bytes())
    name = "plexsync.flows.page.overview"
    file, stamp, package, _ = modules[name]
    text = Path(file).read_text(encoding="utf-8").replace('"seconds": SLICE', '"seconds": 7')
    other = compile(text, file, "exec")
    modules[name] = file, stamp, package, other
    stored(plugin).write_bytes(marshal.dumps((made_for, modules)))
    assert ask(plugin) == 7


def test_a_changed_source_is_compiled_again(plugin: Path) -> None:
    for seconds in (1, 2, 2, 30):
        change(plugin, seconds)
        assert ask(plugin) == seconds


def test_it_is_not_used_in_another_folder(plugin: Path) -> None:
    ask(plugin)
    moved = plugin.with_name("moved")
    subprocess.run(["cp", "-a", str(plugin), str(moved)], check=True)
    change(moved, 9)
    assert (ask(plugin), ask(moved), ask(moved)) == (600, 9, 9)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"no code", marshal.dumps((1, 2)), marshal.dumps({}), marshal.dumps(None)],
    ids=["empty", "zeros", "text", "numbers", "table", "none"],
)
def test_a_damaged_one_is_replaced(plugin: Path, content: bytes) -> None:
    ask(plugin)
    whole = stored(plugin).read_bytes()
    for damaged in (content, whole[: len(whole) // 2]):
        stored(plugin).write_bytes(damaged)
        assert ask(plugin) == 600
        assert len(stored(plugin).read_bytes()) == len(whole)


def test_without_a_place_for_it_the_answer_is_the_same(plugin: Path) -> None:
    ask(plugin)
    stored(plugin).unlink()
    stored(plugin).mkdir()
    assert (ask(plugin), ask(plugin)) == (600, 600)
    assert sorted(os.listdir(stored(plugin))) == []
    assert not list(stored(plugin).parent.glob("page-*.pyc.*"))
