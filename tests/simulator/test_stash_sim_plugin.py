"""Tasks, operations, the loop guard, and clients that disconnect."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.stash import StashError, StashSim
from tests.signals import ctrl_c

ECHO = "print(json.dumps({'output': call['args']}))"


def test_a_task_gets_its_default_arguments_as_texts(stash: StashSim, recorder: Any) -> None:
    run = stash.run_task("Work", {"mode": "mine", "b": {"z": 1, "a": "<"}})
    assert run.error is None
    (call,) = recorder.calls()
    assert b'"args":{"b":{"a":"\\u003c","z":1},"count":"5","mode":"mine"}}' in call
    recorder.forget()
    stash.run_task(args={"mode": "bare"})
    assert json.loads(recorder.calls()[0])["args"] == {"mode": "bare"}


def test_a_failing_task_ends_as_finished_with_an_error_in_the_log(recorder: Any) -> None:
    recorder.write([], "print(json.dumps({'error': 'no luck'}))")
    with StashSim(str(recorder.folder)) as sim:
        job = sim.start_task("Work")
        assert job.wait(20).error == "no luck"
        assert job.status == "FINISHED"
        assert ("error", "Plugin returned error: no luck") in [(x.level, x.text) for x in sim.log]


def test_an_unknown_task_fails(stash: StashSim) -> None:
    job = stash.start_task("Nothing")
    assert "no task with name Nothing" in str(job.wait(20).error)
    assert job.status == "FAILED"


def test_tasks_run_one_at_a_time_and_can_be_stopped(recorder: Any, ask: Any) -> None:
    body = "print('\\x01p\\x020.5', file=sys.stderr, flush=True); time.sleep(60)"
    recorder.write([], body)
    with StashSim(str(recorder.folder)) as sim:
        start = 'mutation($m: Map){runPluginTask(plugin_id:"PlexSync",args_map:$m)}'
        first = ask(sim, start, {"m": {"n": 1}})["runPluginTask"]
        second = ask(sim, start, {"m": {"n": 2}})["runPluginTask"]
        look = "{jobQueue{id status progress}}"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and ask(sim, look)["jobQueue"][0]["progress"] != 0.5:
            time.sleep(0.02)
        assert ask(sim, look)["jobQueue"] == [
            {"id": first, "status": "RUNNING", "progress": 0.5},
            {"id": second, "status": "READY", "progress": 0},
        ]
        for job in (second, first):
            assert ask(sim, f"mutation{{stopJob(job_id:{job})}}")["stopJob"] is True
        assert sim.core.jobs.find(first).wait(20).exit_code == -9  # type: ignore[union-attr]
        found = ask(sim, f"{{findJob(input:{{id:{first}}}){{status startTime}}}}")["findJob"]
        assert found["status"] == "CANCELLED" and found["startTime"]
        assert ask(sim, look)["jobQueue"] is None
        assert len(recorder.calls()) == 1


def test_a_task_can_be_cancelled_after_a_while(recorder: Any) -> None:
    recorder.write([], "time.sleep(60)")
    with StashSim(str(recorder.folder)) as sim:
        run = sim.run_task("Work", cancel_after=0.3)
        assert (run.exit_code, run.error) == (-9, "operation cancelled")


def test_an_operation_gives_its_output_or_its_error(recorder: Any, ask: Any) -> None:
    body = (
        "print(json.dumps({'error': 'bad'} if 'bad' in call['args'] else {'output': call['args']}))"
    )
    recorder.write([], body)
    with StashSim(str(recorder.folder)) as sim:
        assert sim.run_operation({"mode": "status"}) == {"mode": "status"}
        with pytest.raises(StashError, match="bad"):
            sim.run_operation({"bad": True})
        ask_it = 'mutation($a: Map){runPluginOperation(plugin_id:"PlexSync",args:$a)}'
        assert ask(sim, ask_it, {"a": {"x": [1]}})["runPluginOperation"] == {"x": [1]}
        body = {"query": 'mutation{runPluginOperation(plugin_id:"Other")}'}
        answer = requests.post(f"{sim.url}/graphql", json=body, timeout=20).json()
        assert "nil pointer" in answer["errors"][0]["message"]


LOOP = """
    import urllib.request
    at = call["server_connection"]
    query = "mutation($i: SceneUpdateInput!){sceneUpdate(input:$i){id}}"
    body = {"query": query, "variables": {"i": {"id": call["args"]["hookContext"]["id"]}}}
    request = urllib.request.Request(
        f"http://{at['Host']}:{at['Port']}/graphql",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **HEADERS},
    )
    if len(os.listdir(os.path.dirname(path))) < 15:
        urllib.request.urlopen(request).read()
    print("null")
"""
COOKIE = '"Cookie": "session=" + at["SessionCookie"]["Value"]'
KEY = '"ApiKey": "KEY"'


@pytest.mark.long
@pytest.mark.parametrize(
    ("headers", "times"), [(COOKIE, 10), (f"{COOKIE}, {KEY}", 10), (KEY, 15), ("", 15)]
)
def test_the_loop_guard_travels_in_the_cookie_and_only_there(
    recorder: Any, headers: str, times: int
) -> None:
    """Without the cookie the loop is endless, so the plugin itself stops after fifteen."""
    body = LOOP.replace("**HEADERS", headers)
    with StashSim(recorder.write(["Scene.Update.Post"], body), api_key="KEY") as sim:
        sim.edit(sim.add_scene(), title="x")
        assert len(recorder.calls()) == times


def test_a_plugins_cookie_signs_in_as_the_user(recorder: Any) -> None:
    options = {"username": "me", "password": "pw"}
    with StashSim(str(recorder.folder), **options) as sim:
        sim.edit(sim.add_scene(), title="x")
        block = json.loads(recorder.calls()[0])["server_connection"]
        header = {"Cookie": f"session={block['SessionCookie']['Value']}"}
        body = {"query": "{version{version}}"}
        url = f"{sim.url}/graphql"
        assert requests.post(url, json=body, headers=header, timeout=20).status_code == 200
        sim.expire_sessions()
        assert requests.post(url, json=body, headers=header, timeout=20).status_code == 401


def test_a_very_long_user_name_leaves_the_plugin_without_a_cookie(recorder: Any) -> None:
    with StashSim(str(recorder.folder), username="u" * 4000, password="pw") as sim:
        sim.edit(sim.add_scene(), title="x")
    assert json.loads(recorder.calls()[0])["server_connection"]["SessionCookie"] is None


def test_a_client_that_hangs_up_kills_the_running_hook_and_loses_the_others(
    recorder: Any,
) -> None:
    recorder.write(["Scene.Update.Post"], "time.sleep(60)")
    with StashSim(str(recorder.folder)) as sim:
        for _ in range(3):
            sim.add_scene()
        query = 'mutation{bulkSceneUpdate(input:{ids:[1,2,3],title:\\"All\\"}){id}}'
        body = f'{{"query":"{query}"}}'.encode()
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        with socket.create_connection(("127.0.0.1", sim.port)) as client:
            client.sendall(head.encode() + body)
            deadline = time.monotonic() + 20
            while not recorder.calls() and time.monotonic() < deadline:
                time.sleep(0.01)
        while not sim.runs and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [(run.exit_code, run.error) for run in sim.runs] == [(-9, "operation cancelled")]
        assert len(recorder.calls()) == 1
        assert [scene.title for scene in sim.data.scenes.values()] == ["All"] * 3


def test_the_plugin_runs_in_stashs_folder_and_sees_its_environment(recorder: Any) -> None:
    recorder.write(
        ["Scene.Update.Post"],
        "names = ('STASH_PLUGIN_DATA', 'PYTHONPATH')\n"
        "print(json.dumps({'output': [os.getcwd(), *map(os.environ.get, names), sys.path[0]]}))",
    )
    with StashSim(str(recorder.folder), env={"STASH_PLUGIN_DATA": "/d"}) as sim:
        (run,) = sim.edit(sim.add_scene(), title="x")
    folder, data, path, own = run.output
    assert folder != str(recorder.folder) and data == "/d" and own == str(recorder.folder)
    assert path.split(":")[-1] == str(recorder.folder.parent)


def test_a_relative_plugin_folder_is_shown_as_it_is(
    recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorder.folder.parent.parent)
    with StashSim("plugins/PlexSync") as sim:
        (run,) = sim.edit(sim.add_scene(), title="x")
    assert run.error is None
    block = json.loads(recorder.calls()[0])["server_connection"]
    assert block["PluginDir"] == "plugins/PlexSync"
    assert Path(block["Dir"]).is_absolute()


def test_python_m_simulator_serves_both_until_ctrl_c(recorder: Any) -> None:
    options = ["--plex-port", "0", "--stash-port", "0", "--plugin-dir", str(recorder.folder)]
    with ctrl_c():
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", *options], stdout=subprocess.PIPE, text=True
        )
    try:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "Ctrl-C ends both.\n"))
        plex, stash = (line.split()[1] for line in lines[:2])
        assert "Plugin Recorder: its log follows.\n" in lines
        query = {"query": 'mutation{sceneUpdate(input:{id:1,title:"New"}){title}}'}
        answer = requests.post(f"{stash}/graphql", json=query, timeout=20).json()
        assert answer["data"]["sceneUpdate"]["title"] == "New"
        url, token = f"{plex}/library/sections/1/all", {"X-Plex-Token": "plex-sim-token"}
        assert requests.get(url, headers=token, timeout=20).text.count("<Video ") == 12
        assert len(recorder.calls()) == 1
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """More than `select` can tell apart."""
    spare: list[int] = []
    try:
        while len(spare) < 1100:
            spare.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as few:
        pytest.skip(f"so many may not be open here: {few}")
    else:
        yield
    finally:
        for fd in spare:
            os.close(fd)


def test_a_client_beyond_a_thousand_open_files_is_not_taken_for_gone(
    many_open_files: None, recorder: Any
) -> None:
    with StashSim(str(recorder.folder)) as sim:
        assert sim.run_operation({"mode": "x"}) == "ok"
        body = {"query": 'mutation{runPluginOperation(plugin_id:"PlexSync",args:{})}'}
        answer = requests.post(f"{sim.url}/graphql", json=body, timeout=20).json()
        assert answer["data"]["runPluginOperation"] == "ok"
