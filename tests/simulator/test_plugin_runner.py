"""The plugin runner does what Stash does with a plugin's process, manifest, stdout and stderr."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from simulator.plugin_log import LogDecoder, LogLine
from simulator.plugin_runner import (
    ManifestError,
    PluginProcess,
    PluginRun,
    StartError,
    command,
    decode_output,
    environment,
    load_manifest,
    other_manifests,
)

# --- the manifest


def manifest(folder: Path, text: str, name: str = "PlexSync.yml") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


GOOD = """\
# requires: nothing
name: Plex Sync
description: Keeps both equal
version: 1.10
url: https://example.org
exec: [python3, "{pluginDir}/PlexSync.py"]
interface: raw
tasks:
  - name: Process Queue
    description: now
    defaultArgs: {mode: drain, limit: 1.50, dry: yes}
hooks:
  - name: edits
    triggeredBy: [Scene.Update.Post, Scene.Update.Post]
  - name: more
    execArgs: [--loud]
    triggeredBy:
      - Scene.Update.Post
      - Scene.Updat.Post
settings:
  a_url:
    displayName: URL
    type: STRING
  b_on:
    type: BOOLEAN
  c_bare:
ui:
  javascript: [x.js]
  csp: {connect-src: [self]}
"""


def test_a_manifest_is_read_with_literal_texts(tmp_path: Path) -> None:
    loaded = load_manifest(manifest(tmp_path, GOOD))
    assert (loaded.id, loaded.name, loaded.err_log) == ("PlexSync", "Plex Sync", "error")
    assert loaded.task("Process Queue").default_args == {
        "mode": "drain",
        "limit": "1.50",
        "dry": "yes",
    }
    assert loaded.settings["a_url"].type == "STRING"
    assert loaded.settings["b_on"].type == "BOOLEAN"
    assert loaded.settings["c_bare"].type == "STRING"


def test_a_trigger_listed_twice_runs_twice_and_a_typo_never(tmp_path: Path) -> None:
    loaded = load_manifest(manifest(tmp_path, GOOD))
    assert [h.name for h in loaded.hooks_for("Scene.Update.Post")] == ["edits", "edits", "more"]
    assert loaded.hooks_for("Scene.Create.Post") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: x\nauthor: me\n", "author"),
        ("name: x\nname: y\n", "already set"),
        ("name: [x]\n", "must be a text"),
        ("exec: python3 x.py\n", "must be a list"),
        ("tasks: {name: x}\n", "must be a list"),
        ("tasks:\n  - name: x\n    mode: y\n", "mode"),
        ("tasks:\n  - name: x\n    triggeredBy: [Scene.Update.Post]\n", "triggeredBy"),
        ("hooks:\n  - triggeredBy: Scene.Update.Post\n", "must be a list"),
        ("settings:\n  x:\n    default: 1\n", "default"),
        ("settings:\n  - x\n", "must be a mapping"),
        ("settings:\n  x:\n    type: PASSWORD\n", "PASSWORD"),
        ("settings:\n  x: {}\n  x: {}\n", "already set"),
        ("interface: socket\n", "invalid interface"),
        ("name: {\n", "PlexSync.yml"),
        ("- a\n- b\n", "must be a mapping"),
    ],
)
def test_what_stash_refuses_to_load_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ManifestError, match=complaint):
        load_manifest(manifest(tmp_path, text))


def test_another_yml_anywhere_below_the_plugin_is_found(tmp_path: Path) -> None:
    manifest(tmp_path, GOOD)
    assert other_manifests(str(tmp_path)) == []
    manifest(tmp_path / ".venv" / "lib", "x", "data.yml")
    stray = manifest(tmp_path / "data" / "deep", "x", "state.yml")
    (tmp_path / "fine.yaml").write_text("x")
    assert other_manifests(str(tmp_path)) == [stray]


# --- the command


def test_python_becomes_the_interpreter_and_the_folder_is_put_in(tmp_path: Path) -> None:
    loaded = load_manifest(manifest(tmp_path, GOOD))
    hook = loaded.hooks_for("Scene.Update.Post")[2]
    assert command(loaded, hook, "/opt/py") == ["/opt/py", f"{tmp_path}/PlexSync.py", "--loud"]


def test_another_program_is_looked_for_in_path_then_in_the_plugins_folder(tmp_path: Path) -> None:
    loaded = load_manifest(manifest(tmp_path, "exec: [sync.sh]\n"))
    assert command(loaded, None, "/opt/py") == [str(tmp_path / "sync.sh")]
    assert "PYTHONPATH" not in set(environment(loaded, {})) - set(os.environ)


def test_python_plugins_see_the_folder_above_theirs(tmp_path: Path) -> None:
    loaded = load_manifest(manifest(tmp_path / "community" / "PlexSync", GOOD))
    env = environment(loaded, {"PYTHONPATH": "/mine", "X": "1"})
    assert env["PYTHONPATH"] == os.pathsep.join(["/mine", str(tmp_path / "community")])
    assert env["X"] == "1" and env["PATH"] == os.environ["PATH"]


# --- stdout


@pytest.mark.parametrize(
    ("stdout", "output", "error"),
    [
        (b'{"output": "ok"}', "ok", None),
        (b' \n{"output": {"a": 1}}\n', {"a": 1}, None),
        (b'{"OutPut": 1, "ERROR": null}', 1, None),
        (b'{"error": "bad"}', None, "bad"),
        (b'{"error": ""}', None, ""),
        (b'{"error": 5}', '{"error": 5}', ""),
        (b'{"foo": 1}', None, None),
        (b"null", None, None),
        (b"", "", None),
        (b"hello\n", "hello\n", None),
        (b"[1]", "[1]", None),
        (b"5", "5", None),
        (b'"x"', '"x"', None),
        (b'{"output":1}{"output":2}', '{"output":1}{"output":2}', None),
        (b'Loading...\n{"output": "ok"}', 'Loading...\n{"output": "ok"}', None),
        (b'{"output": NaN}', '{"output": NaN}', None),
        (b'{"output": "\xff"}', "\ufffd", None),
        (b'{"output": 9007199254740993}', 9007199254740992, None),
    ],
)
def test_stdout_is_decoded_as_stash_does(stdout: bytes, output: object, error: str | None) -> None:
    assert decode_output(stdout) == (output, error)


# --- stderr


def decoded(*pieces: bytes, default: str = "error") -> LogDecoder:
    decoder = LogDecoder(default)
    for piece in pieces:
        decoder.feed(piece)
    decoder.close()
    return decoder


def test_each_level_has_a_character_and_the_text_is_trimmed() -> None:
    data = b"".join(b"\x01%c\x02 x \n" % dead_letter for dead_letter in b"tdiwe")
    levels = ["trace", "debug", "info", "warning", "error"]
    assert decoded(data).lines == [LogLine(level, "x") for level in levels]


def test_lines_may_arrive_in_pieces_and_the_last_without_its_newline() -> None:
    assert decoded(b"\x01i", b"\x02he", b"llo\r\n\x01w\x02bye").lines == [
        LogLine("info", "hello"),
        LogLine("warning", "bye"),
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"Traceback", [LogLine("error", "Traceback")]),
        (b"\x01i\x02", [LogLine("error", "\x01i\x02")]),
        (b"\x01z\x02text", [LogLine("error", "\x01z\x02text")]),
        (b" \x01i\x02text", [LogLine("error", " \x01i\x02text")]),
        (b"\x01\x00\x02text", []),
        (b"", []),
        (b"\x01i\x02\xff", [LogLine("info", "\ufffd")]),
    ],
)
def test_a_line_without_a_good_prefix_is_an_error(line: bytes, shown: list[LogLine]) -> None:
    assert decoded(line + b"\n").lines == shown


def test_the_manifest_may_choose_the_level_of_bare_lines() -> None:
    assert decoded(b"hm\n", default="info").lines == [LogLine("info", "hm")]
    assert decoded(b"hm\n", default="none").lines == []


def test_progress_is_collected_and_nonsense_is_an_error() -> None:
    decoder = decoded(b"\x01p\x020.5\n\x01p\x02half\n")
    assert decoder.progress == [0.5]
    assert [line.level for line in decoder.lines] == ["error"]


def test_a_line_of_64_kib_ends_the_reading_and_a_shorter_one_does_not() -> None:
    fits, breaks = b"x" * 65535 + b"\n", b"x" * 65536 + b"\n"
    assert [len(line.text) for line in decoded(fits + b"after\n").lines] == [65535, 5]
    broken = decoded(b"before\n" + breaks + b"after\n")
    assert broken.broken
    assert broken.lines == [LogLine("error", "before")]
    assert decoded(b"x" * 70000).broken


# --- processes


def start(code: str, stdin: bytes = b"{}", **options: object) -> PluginProcess:
    return PluginProcess([sys.executable, "-c", code], stdin, **options)  # type: ignore[arg-type]


def finished(code: str, stdin: bytes = b"{}", **options: object) -> PluginRun:
    return start(code, stdin, **options).wait()


def test_a_run_brings_back_output_log_progress_and_exit_code() -> None:
    run = finished(
        "import sys; data = sys.stdin.read()\n"
        "print('\\x01i\\x02got', len(data), file=sys.stderr)\n"
        "print('\\x01p\\x020.25', file=sys.stderr)\n"
        "print('{\"output\": [1, 2]}')",
        b"x" * 300_000,
        trigger="Scene.Update.Post",
    )
    assert (run.trigger, run.exit_code, run.output, run.error) == (
        "Scene.Update.Post",
        0,
        [1, 2],
        None,
    )
    assert run.log == [LogLine("info", "got 300000")]
    assert run.progress == [0.25]
    assert run.stdout == b'{"output": [1, 2]}\n'


def test_a_plugin_need_not_read_its_input() -> None:
    assert finished("print('null')", b"x" * 1_000_000).error is None


def test_a_bad_exit_is_an_error_unless_the_plugin_named_one() -> None:
    assert finished("import sys; sys.exit(3)").error == "exit status 3"
    assert finished('import sys; print(\'{"error":"mine"}\'); sys.exit(3)').error == "mine"


def test_a_traceback_shows_as_errors_line_by_line() -> None:
    run = finished("raise ValueError('boom')")
    assert run.log[-1] == LogLine("error", "ValueError: boom")
    assert {line.level for line in run.log} == {"error"}


def test_many_last_lines_are_not_lost() -> None:
    run = finished("import sys\nfor n in range(3000): print('\\x01i\\x02', n, file=sys.stderr)")
    assert [line.text for line in run.log] == [str(n) for n in range(3000)]


def test_a_line_too_long_breaks_the_plugins_stderr() -> None:
    run = finished(
        "import os, sys, time\n"
        "os.write(2, b'\\x01i\\x02first\\n' + b'x' * 70000 + b'\\n')\n"
        "try:\n"
        "    while True: os.write(2, b'\\x01i\\x02more\\n'); time.sleep(0.001)\n"
        "except BrokenPipeError: print('null')"
    )
    assert run.log == [LogLine("info", "first")]
    assert run.error is None


CHILD = (
    "import os, subprocess, sys\n"
    "code = 'import os, sys, time\\n'\n"
    "code += 'go = sys.argv[1]\\n'\n"
    "code += 'while os.path.exists(os.path.dirname(go)) and not os.path.exists(go): time.sleep(0.01)'\n"
    "null = subprocess.DEVNULL\n"
    "subprocess.Popen([sys.executable, '-c', code, {path!r}], stdin=null, {streams})\n"
    "print('null')\n"
)


def test_a_child_that_holds_stdout_keeps_stash_waiting(tmp_path: Path) -> None:
    go = tmp_path / "go"
    process = start(CHILD.format(path=str(go), streams="stderr=null"))
    over = threading.Event()
    threading.Thread(target=lambda: (process.wait(), over.set()), daemon=True).start()
    assert not over.wait(0.3)
    go.touch()
    assert over.wait(20)


def test_a_child_that_holds_only_stderr_does_not(tmp_path: Path) -> None:
    go = tmp_path / "go"
    try:
        # would wait for ever for the child, which waits for the file made below
        assert start(CHILD.format(path=str(go), streams="stdout=null")).wait().error is None
    finally:
        go.touch()


def test_a_kill_is_sigkill_at_once_and_says_cancelled(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    process = start(code)
    process.kill()
    run = process.wait()
    assert (run.exit_code, run.error) == (-9, "operation cancelled")


def test_a_kill_does_not_wait_for_children_and_leaves_them_alive(tmp_path: Path) -> None:
    go, pid = tmp_path / "go", tmp_path / "pid"
    code = CHILD.format(path=str(go), streams="stderr=null").replace("print('null')", "")
    code += f"open({str(pid)!r}, 'w').close()\nimport time; time.sleep(60)\n"
    process = start(code)
    deadline = time.monotonic() + 20
    while not pid.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert process.wait().error == "operation cancelled"
    go.touch()


def test_a_run_can_be_cancelled_by_time_or_because_the_client_left() -> None:
    assert start("import time; time.sleep(60)").wait(cancel_after=0.1).exit_code == -9
    assert start("import time; time.sleep(60)").wait(gone=lambda: True).exit_code == -9
    assert start("print('null')").wait(gone=lambda: False, cancel_after=60).exit_code == 0


def test_a_program_that_is_not_there_cannot_be_started() -> None:
    with pytest.raises(StartError, match="error running plugin"):
        PluginProcess(["/no/such/program"], b"")


def test_the_plugin_sees_the_environment_and_the_folder_it_is_given(tmp_path: Path) -> None:
    code = "import os, json; print(json.dumps({'output': [os.getcwd(), os.environ['COLOUR']]}))"
    run = finished(code, cwd=str(tmp_path), env={**os.environ, "COLOUR": "red"})
    assert run.output == [os.path.realpath(tmp_path), "red"]
    assert json.loads(run.stdout)["output"] == run.output
