"""The layers hold: imports point downwards only, and the hook's path stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plexsync"
FAST = {"hook", "fast"}
LIGHT = {"sys", "time", "posix", "fcntl"}
"""What a hook beside a living worker loads at most; on Windows `os` instead of the last two."""
STARTING = {"inbox", "system"}
MAY_IMPORT = {
    "fast": set(),
    "system": {"fast", "loopback"},
    "inbox": {"fast", "system"},
    "loopback": set(),
    "hook": {"model", "fast", "system", "inbox", "code_cache", "entry"},
    "model": {"model"},
    "policy": {"model", "policy"},
    "edges": {"model", "edges", "system", "inbox", "loopback"},
    "dependencies": {"model", "edges", "system"},
    "send_messages": {"model", "dependencies"},
    "flows": {"model", "policy", "edges", "flows", "system", "inbox", "dependencies"},
    "services": {"model", "policy", "edges", "flows"},
    "app": {"model", "policy", "edges", "flows", "services", "system", "inbox"},
    "task_runner": {"model", "edges", "flows", "services", "app", "system", "inbox"},
    "reading": {"model", "edges", "flows", "system", "inbox"},
    "lifecycle": {"model", "edges", "flows", "services", "app", "system", "inbox"},
    "code_cache": {"fast"},
    "entry": {
        "code_cache",
        "model",
        "edges",
        "flows",
        "task_runner",
        "reading",
        "lifecycle",
        "system",
        "inbox",
        "dependencies",
    },
}
"""Which parts of the package a part may import; itself only where it is named."""
LATE_IMPORTS = {
    "PlexSync", "plexsync.app", "plexsync.code_cache", "plexsync.edges.ledger.encoding",
    "plexsync.edges.ledger.summary_queries", "plexsync.edges.page.read_state",
    "plexsync.edges.plex.connection", "plexsync.entry", "plexsync.fast",
    "plexsync.flows.page.operations", "plexsync.flows.page.tick",
    "plexsync.flows.setup.checked_settings", "plexsync.hook", "plexsync.system",
}  # fmt: skip
WORLD = {
    "asyncio", "http", "persistqueue", "plexapi", "requests", "shutil", "socket", "sqlite3", "_sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib3",
}  # fmt: skip
"""Modules that use clock, disk or network, which deciding code must not import."""


def _files() -> list[Path]:
    return [ROOT / "PlexSync.py", *sorted(PACKAGE.rglob("*.py"))]


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(file): file for file in _files()}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def _imports(module: str, tree: ast.AST | None = None) -> Iterator[str]:
    """Full names of what a module imports anywhere in it; `from a import b` is a.b if b is one."""
    for node in ast.walk(tree or _tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


@cache
def _ours(module: str) -> frozenset[str]:
    return frozenset(n for n in _imports(module) if n in MODULES and n != "plexsync")


def _part(module: str) -> str:
    return module.split(".")[1]


def test_imports_point_downwards_only():
    for module in [name for name in MODULES if name.count(".") > 0]:
        allowed = MAY_IMPORT[_part(module)]
        wrong = {name for name in _ours(module) if _part(name) not in allowed}
        assert not wrong, f"{module} must not import {', '.join(sorted(wrong))}"


def test_the_entry_file_knows_the_hook_and_the_entry_alone():
    assert _ours("PlexSync") == {"plexsync.hook", "plexsync.entry"}
    assert len(MODULES["PlexSync"].read_text(encoding="utf-8").splitlines()) < 30


def test_there_is_no_circle():
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"a circle: {' -> '.join((*way, module))}"
        if module not in done:
            for name in sorted(_ours(module)):
                visit(name, (*way, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def _room(module: str) -> str:
    """The folder within a layer in which a module lies; "" for what lies beside the rooms."""
    parts = module.split(".")
    return ".".join(parts[:3]) if len(parts) == 4 else ""


ROOMS = sorted({_room(name) for name in MODULES} - {""})


def _between_rooms() -> Iterator[tuple[str, str]]:
    """Every import of a module that lies in a room, with who imports it."""
    for module in MODULES:
        yield from ((module, name) for name in _ours(module) if _room(name))


def test_rooms_form_no_circle():
    needs = {room: set[str]() for room in ROOMS}
    for module, name in _between_rooms():
        if _room(module) and _room(module) != _room(name):
            needs[_room(module)].add(_room(name))
    while needs:
        free = {room for room, others in needs.items() if not others & set(needs)}
        assert free, f"a circle of rooms: {needs}"
        for room in free:
            del needs[room]


def test_a_room_says_what_may_be_imported_from_outside():
    for room in ROOMS:
        (named,) = re.findall(r"From outside: ([\w,\s]+)\.", str(ast.get_docstring(_tree(room))))
        used = {n.split(".")[-1] for m, n in _between_rooms() if _room(n) == room != _room(m)}
        assert used == set(re.split(r",\s+", named)), room


def test_most_imports_stay_in_one_room(capsys):
    """Within a layer; imports of files beside the rooms are not counted."""
    same = [
        _room(module) == _room(name)
        for module, name in _between_rooms()
        if _room(module) and _part(module) == _part(name)
    ]
    with capsys.disabled():
        print(f"\n{sum(same)} of {len(same)} imports within flows and edges stay in one room")
    assert sum(same) / len(same) >= 0.7


SEAM = "plexsync.flows.sync.media_server"


def test_the_steps_of_a_sync_know_the_media_server_by_its_seam_alone():
    room = [name for name in MODULES if _room(name) == _room(SEAM) and name != SEAM]
    wrong = {name for name in room for n in _ours(name) if n.startswith("plexsync.edges.plex")}
    assert not wrong


def test_imports_stand_at_the_top():
    for module in sorted(set(MODULES) - LATE_IMPORTS):
        for node in ast.walk(_tree(module)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                late = list(_imports(module, node))
                assert not late, f"{module} imports {late} within a function"


def test_pydantic_is_loaded_for_the_check_of_settings_alone():
    check = "plexsync.model.config_check"
    assert {n for n in MODULES if "pydantic" in _imports(n)} == {check}
    assert {n for n in MODULES if check in _ours(n)} == {"plexsync.flows.setup.checked_settings"}


def _at_start(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            yield from _at_start([*node.body, *node.orelse])
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


@pytest.mark.parametrize("part", sorted(FAST | STARTING))
def test_the_hook_path_imports_nothing_heavy(part):
    module = f"plexsync.{part}"
    start = ast.Module(list(_at_start(_tree(module).body)), [])
    light = LIGHT if part in FAST else LIGHT | {"os", "msvcrt"}
    windows = {"os"} if part == "fast" else set()
    assert {name.split(".")[0] for name in _imports(module, start)} - {
        "plexsync"
    } <= light | windows


def test_a_worker_that_finds_another_one_alive_loads_little():
    """As do the page's requests, see tests/hostile/test_operations_process.py."""
    loaded = "import sys, plexsync.entry, plexsync.edges.ownership; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "plexsync.edges.ownership" in done.stdout.split()
    heavy = {"dataclasses", "json", "shutil", "sqlite3", "tempfile", "threading", "typing"}
    assert not heavy & set(done.stdout.split())


MOST_LINES = 300
LONGER = {"plexsync.model.settings_table", "plexsync.system"}
"""A table of all settings, and the one place for what differs between operating systems, which a hook
loads as one file."""


def test_a_file_has_at_most_three_hundred_lines():
    for module in sorted(MODULES):
        lines = MODULES[module].read_text(encoding="utf-8").count("\n")
        assert (lines > MOST_LINES) == (module in LONGER), f"{module} has {lines} lines"


def test_the_package_itself_holds_its_version_and_nothing_else():
    assert [type(node) for node in _tree("plexsync").body] == [ast.Expr, ast.Assign]


def test_no_other_module_asks_which_system_this_is():
    for module in sorted(set(MODULES) - {"plexsync.system", "plexsync.fast"}):
        names = {
            ast.unparse(node) for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute)
        }
        assert not names & {"sys.platform", "os.name", "os.uname"}, module
        assert not set(_imports(module)) & {"fcntl", "msvcrt", "platform", "winreg"}, module


def test_modules_with_named_tuples_begin_as_these_need_it():
    """Python 3.14 otherwise gives them no fields, see model/named_tuple.py."""
    for module in MODULES:
        if "plexsync.model.named_tuple" in _imports(module):
            assert "__future__" in _imports(module), module


def test_what_only_decides_touches_no_clock_disk_or_network():
    for module in [n for n in MODULES if n.startswith(("plexsync.model", "plexsync.policy"))]:
        assert not {name.split(".")[0] for name in _imports(module)} & WORLD, module
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert not called.endswith(("datetime.now", "date.today", "utcnow")), module
                assert called not in ("open", "print", "input"), module


def test_flows_read_no_clock_but_the_one_they_are_given():
    for module in [n for n in MODULES if n.startswith("plexsync.flows")]:
        calls = {ast.unparse(n.func) for n in ast.walk(_tree(module)) if isinstance(n, ast.Call)}
        assert not calls & {"time.time", "time.monotonic"}, module


def test_messages_show_names_as_they_are_not_as_python_writes_them():
    """`!r` doubles each backslash, so that no path of Windows could be copied from a message."""
    for module in sorted(MODULES):
        shown = [n for n in ast.walk(_tree(module)) if isinstance(n, ast.FormattedValue)]
        as_python = {ast.unparse(each.value) for each in shown if each.conversion == ord("r")}
        assert as_python <= {"problem"}, f"{module}: use quoted() of plexsync.model.formatting"


def test_messages_show_the_files_of_an_oserror_as_they_are():
    """Its own text doubles each backslash; `system.text_of` does not."""
    for module in sorted(set(MODULES) - {"plexsync.system"}):
        handlers = [n for n in ast.walk(_tree(module)) if isinstance(n, ast.ExceptHandler)]
        for handler in [h for h in handlers if h.type and "OSError" in ast.unparse(h.type)]:
            parts = [n for line in handler.body for n in ast.walk(line)]
            shown = {ast.unparse(n.value) for n in parts if isinstance(n, ast.FormattedValue)}
            assert handler.name not in shown, f"{module}: use system.text_of({handler.name})"


CODE = "plexsync.code_cache"
"""It reads code, from Python's own cache of the plugin's folder; never from the data folder."""


def test_nothing_stored_can_be_code():
    assert {n for n in MODULES if CODE in _ours(n)} == {"plexsync.entry", "plexsync.hook"}
    for module in sorted(MODULES):
        text = MODULES[module].read_text(encoding="utf-8")
        assert "pickle" not in text, module
        assert not set(_imports(module)) & {"shelve", "dill", "code"}, module
        calls = {ast.unparse(n.func) for n in ast.walk(_tree(module)) if isinstance(n, ast.Call)}
        run = calls & {"eval", "exec", "__import__", "yaml.load"}
        assert run == ({"exec"} if module == CODE else set()), module
        written = text.replace("import marshal", "").replace("marshal.dumps", "")
        assert "marshal" not in written or module == CODE, module


def test_nothing_at_the_top_hides_a_module_of_python():
    ours = {path.stem.lower() for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not ours & {name.lower() for name in sys.stdlib_module_names}
