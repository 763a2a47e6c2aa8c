"""What a request of the page stores of its modules for the next one, see plexsync/code_cache.py."""

from __future__ import annotations

import ast
import json
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plexsync.code_cache import operation_of
from tests.installation import copy_plugin
from tests.platforms import is_private

MODE = "throughput"


def ask(plugin: Path) -> Any:
    return answer(plugin, {"mode": MODE})["output"]["seconds"]


def answer(plugin: Path, args: dict[str, Any]) -> Any:
    order = {"server_connection": None, "args": args}
    done = subprocess.run(
        [sys.executable, "-S", str(plugin / "PlexSync.py")],
        input=json.dumps(order).encode(),
        capture_output=True,
        check=True,
    )
    assert not done.stderr
    return json.loads(done.stdout)


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
    assert ask(plugin) == 600
    assert is_private(stored(plugin))
    name = "plexsync.flows.page.overview"
    _, modules = marshal.loads(stored(plugin).read_bytes())
    text = Path(modules[name][0]).read_text(encoding="utf-8")
    with_code(plugin, name, text.replace('"seconds": SLICE', '"seconds": 7'))
    assert ask(plugin) == 7


def with_code(plugin: Path, name: str, text: str) -> None:
    """Let the stored module be this text."""
    made_for, modules = marshal.loads(stored(plugin).read_bytes())
    file, stamp, package, _, at_first = modules[name]
    modules[name] = file, stamp, package, compile(text, file, "exec"), at_first
    stored(plugin).write_bytes(marshal.dumps((made_for, modules)))


def test_each_module_is_stored_after_those_that_it_needs(plugin: Path) -> None:
    ask(plugin)
    _, modules = marshal.loads(stored(plugin).read_bytes())
    assert {"__future__", "plexsync.entry", "plexsync.flows.page.overview"} <= modules.keys()
    names = list(modules)
    for name, (file, *_, at_first) in modules.items():
        needed = {
            f"{node.module}.{alias.name}"
            if f"{node.module}.{alias.name}" in modules
            else node.module
            for node in ast.parse(Path(file).read_text(encoding="utf-8")).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        earlier = [*names[: names.index(name)], *("plexsync", "plexsync.fast", "plexsync.hook")]
        assert {each for each in needed if str(each).startswith("plexsync")} <= {*earlier}, name
        assert at_first, name


def test_a_module_that_fails_fails_the_request_that_needs_it(plugin: Path) -> None:
    ask(plugin)
    with_code(plugin, "plexsync.flows.page.overview", "raise ValueError('it is broken')")
    assert answer(plugin, {"mode": MODE}) == {"error": "it is broken"}


def test_a_module_that_only_a_later_request_needs_is_loaded_when_it_is_needed(plugin: Path) -> None:
    ask(plugin)
    made_for, modules = marshal.loads(stored(plugin).read_bytes())
    del modules["plexsync.flows.page.overview"]
    stored(plugin).write_bytes(marshal.dumps((made_for, modules)))
    assert ask(plugin) == 600
    _, modules = marshal.loads(stored(plugin).read_bytes())
    late = [name for name, (*_, at_first) in modules.items() if not at_first]
    assert late == ["plexsync.flows.page.overview"]
    with_code(plugin, "plexsync.flows.page.overview", "raise ValueError('it is broken')")
    assert answer(plugin, {"mode": MODE}) == {"error": "it is broken"}


def test_nothing_is_stored_of_a_request_that_fails_and_of_another_mode(plugin: Path) -> None:
    for args in (
        {"mode": MODE, "limit": "many"},
        {"mode": "no_such_mode"},
        {"like": {"mode": MODE}},
    ):
        assert "error" in answer(plugin, args)
        assert not list(stored(plugin).parent.glob("page-*"))


@pytest.mark.parametrize(
    ("stdin", "operation"),
    [
        (b'{"server_connection":{},"args":{"limit":5,"mode":"dead_letters"}}', "dead_letters"),
        (b'{"args": {"mode":  "status", "settings": ""}}', "status"),
        (b'{"args":{"mode":"../status"}}', ""),
        (b'{"args":{"mode":"stat\\u0075s"}}', ""),
        ('{"args":{"mode":"stätus"}}'.encode(), ""),
        (b'{"args":{"mode":7,"a":"b"}}', ""),
        (b'{"args":{"like":{"mode":"tick"},"mode":"status"}}', ""),
        (b'{"args":{"mode":"status', ""),
        (b'{"args":{}}', ""),
        (b"", ""),
    ],
)
def test_the_operation_is_found_before_the_input_is_parsed(stdin: bytes, operation: str) -> None:
    assert operation_of(stdin) == operation


def test_a_changed_source_is_compiled_again(plugin: Path) -> None:
    for seconds in (1, 2, 2, 30):
        change(plugin, seconds)
        assert ask(plugin) == seconds


def test_it_is_not_used_in_another_folder(plugin: Path) -> None:
    ask(plugin)
    moved = plugin.with_name("moved")
    shutil.copytree(plugin, moved)
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
