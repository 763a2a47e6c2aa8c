"""A fault of the server is never charged to a scene: Plex as users really run it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.storage import files
from plexsync.flows.results import Done, Failed
from plexsync.flows.worker.blame import Blame
from plexsync.model.errors import SCENE, WRITE, PlexPermanentError, PlexTemporaryError
from plexsync.model.job import Job
from plexsync.model.ledger import SYNCED
from plexsync.policy.circuit_breaker import CircuitBreaker
from simulator.plex import PlexSim
from tests.world import TOKEN


@pytest.fixture
def quiet(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50


def crowd(world: Any, count: int = 6) -> list[tuple[int, Any]]:
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(count)]
    for scene, _ in pairs:
        world.event(scene)
    return pairs


def synced(pairs: list[tuple[int, Any]]) -> int:
    return sum(item.title.startswith("T") for _, item in pairs)


def dead_letters(world: Any) -> dict[str, int]:
    with closing(world.dead_letters()) as dead_letters:
        return dict(dead_letters.counts())


def stored(world: Any, name: str) -> Any:
    return json.loads((Path(world.folder) / name).read_text())


WHOLE = {
    "521 of a proxy": ("status", {"status": 521, "foreign": True}, "a proxy in front of it"),
    "530 of a proxy": ("status", {"status": 530, "foreign": True}, "a proxy in front of it"),
    "500 of Plex": ("status", {"status": 500}, "Plex answered 500"),
    "400 of a wrong address": ("status", {"status": 400, "foreign": True}, "it answered 400"),
    "404 of a wrong address": ("status", {"status": 404, "foreign": True}, "it answered 404"),
    "login page": ("html", {}, "web page: Sign in"),
    "another product": ("json", {}, "another product"),
    "redirect": (
        "redirect",
        {"location": "https://media.example/plex?X-Plex-Token=no"},
        "it redirects to https://media.example/plex",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_all_meet_costs_no_scene_anything(quiet: Any, name: str) -> None:
    kind, options, words = WHOLE[name]
    pairs = crowd(quiet)
    fault = quiet.plex.add_fault(kind, **options)
    quiet.run(minutes=200 / 60)
    assert synced(pairs) == 0
    assert all(not job.attempts for job in quiet.waiting().values())
    assert words in stored(quiet, "circuit_breaker.json")["reason"]
    assert quiet.said("warning").count("Circuit breaker CLOSED -> OPEN") == 1
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6
    assert dead_letters(quiet) == {}
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert words in outage["cause"]
    assert outage["end"] is not None
    assert "X-Plex-Token" not in quiet.said()


@pytest.mark.parametrize("name", ["404 of a wrong address", "login page"])
def test_what_is_not_plex_takes_nothing_from_the_index(quiet: Any, name: str) -> None:
    """Known items are read one by one, and a 404 by another program proves nothing about them."""
    kind, options, _ = WHOLE[name]
    pairs = crowd(quiet)
    quiet.run(minutes=1)
    fault = quiet.plex.add_fault(kind, **options)
    for scene, _ in pairs:
        quiet.edit(scene, title=f"T again {scene}")
    quiet.run(minutes=3)
    fault.remove()
    quiet.plex.clear_journal()
    quiet.run(minutes=5)
    assert {item.title for _, item in pairs} == {f"T again {scene}" for scene, _ in pairs}
    lists = [e for e in quiet.plex.journal if e.path.endswith("/all") and e.method == "GET"]
    assert all(entry.headers["x-plex-container-size"] == "0" for entry in lists)


@pytest.mark.parametrize("status", [301, 401, 404, 406])
def test_the_root_path_is_not_needed(quiet: Any, status: int) -> None:
    pairs = crowd(quiet)
    quiet.plex.add_fault("status", match=lambda r: r.path == "/", status=status, foreign=True)
    quiet.run(minutes=1)
    assert synced(pairs) == 6
    assert quiet.said("warning") == ""


def test_every_list_is_asked_for_with_both_container_headers(quiet: Any) -> None:
    crowd(quiet)
    quiet.run(minutes=1)
    lists = [e for e in quiet.plex.journal if e.method == "GET" and e.path != "/identity"]
    assert lists
    for entry in lists:
        assert {"x-plex-container-start", "x-plex-container-size"} <= set(entry.headers)


@pytest.mark.long
@pytest.mark.parametrize("status", [400, 500])
def test_a_list_that_fails_alone_is_no_scenes_fault(quiet: Any, status: int) -> None:
    """Plex is healthy, but a request that names no item fails: all jobs wait, however long."""
    fault = quiet.plex.add_fault(
        "status",
        match=lambda r: r.path.endswith("/all") and r.method == "GET" and "sort" in dict(r.params),
        status=status,
    )
    pairs = crowd(quiet)
    quiet.run(minutes=12)
    assert dead_letters(quiet) == {}
    assert all(not job.attempts for job in quiet.waiting().values())
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 6])
def test_a_path_of_items_that_fails_alone_is_no_scenes_fault(quiet: Any, count: int) -> None:
    """One scene is enough: another item is read before this one is blamed."""
    quiet.film("another.mp4")
    pairs = crowd(quiet, count)
    fault = quiet.plex.add_fault("status", match="/library/metadata/", status=403, foreign=True)
    quiet.run(minutes=12)
    assert dead_letters(quiet) == {}
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == count


def test_a_library_that_cannot_be_listed_holds_up_no_scene_of_another(quiet: Any) -> None:
    other = quiet.plex.add_section("Clips", locations=["/clips"])
    quiet.plex.add_item(other, file="/clips/c.mp4", size=5)
    pairs = crowd(quiet, 3)
    quiet.run(minutes=1)
    missed = quiet.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    path = f"/library/sections/{other}/all"
    fault = quiet.plex.add_fault("status", match=lambda r: r.path == path, status=500)
    quiet.event(missed)
    for scene, _ in pairs:
        quiet.edit(scene, title=f"T again {scene}")
    began = quiet.clock.passed
    there = {f"T again {scene}" for scene, _ in pairs}
    quiet.run(minutes=10, leave=lambda: "" if {i.title for _, i in pairs} != there else "written")
    assert quiet.clock.passed - began < 10
    quiet.run(minutes=20)
    assert quiet.waiting().keys() == {missed}
    assert quiet.waiting()[missed].attempts == {}
    (told,) = [text for kind, text in quiet.sink.lines if kind == "warning"]
    assert f"Plex cannot list a library (Plex answered 500 to GET {path}" in told
    found = quiet.film("new.mp4", size=7)
    quiet.run(minutes=2)
    assert found.title == "A", "the libraries that can be listed are kept up to date"
    fault.remove()
    quiet.run(minutes=2)
    assert (quiet.waiting(), dead_letters(quiet)) == ({}, {})


def test_one_item_that_plex_cannot_read_costs_its_own_scene_alone(quiet: Any) -> None:
    quiet.configure(max_retries=1)
    pairs = crowd(quiet)
    bad = str(pairs[2][1].key)

    def meets(request: Any) -> bool:
        return bad in request.path.rsplit("/", 1)[-1].split(",")

    quiet.plex.add_fault("status", match=meets, status=400)
    quiet.run(minutes=10)
    assert synced(pairs) == 5
    assert dead_letters(quiet) == {"PlexTemporaryError": 1}


def test_a_refused_scan_holds_no_new_scene_up(quiet: Any) -> None:
    quiet.configure(trigger_plex_scan=True)
    scene, item = quiet.pair("new.mp4", title="T")
    quiet.plex.add_fault("status", match=lambda r: r.path.endswith("/refresh"), status=403)
    quiet.event(scene, kind="Scene.Create.Post")
    quiet.run(minutes=1)
    assert item.title == "T"
    assert quiet.said("warning").count("did not accept a request to scan") == 1


# --- tokens ----------------------------------------------------------------------------------


@pytest.mark.long
def test_a_token_that_may_only_read_is_a_state_of_its_own(quiet: Any) -> None:
    quiet.plex.guest_token = "guest-token"
    quiet.configure(plex_token="guest-token")
    pairs = crowd(quiet)
    quiet.run(minutes=30)
    assert quiet.plex.count("PUT") <= 8, "both ways for both connections, none while it waits"
    assert quiet.plex.count("GET", "/status/sessions") <= 6
    assert [text for kind, text in quiet.sink.lines if kind == "warning"] == [
        "The Plex token may read but not write: it is not the server owner's. Sign in to Plex as the "
        "server's owner, and enter that token in Settings > Plugins > PlexSync. Jobs wait until then "
        "and nothing is lost."
    ]
    assert all(not job.attempts for job in quiet.waiting().values())
    assert stored(quiet, "recovery_state.json")["trouble"] == "read only"
    quiet.configure(plex_token="plex-sim-token")
    before = quiet.clock.passed
    quiet.run(minutes=5, leave=lambda: "done" if synced(pairs) == 6 else "")
    assert quiet.clock.passed - before < 30
    assert dead_letters(quiet) == {}
    assert stored(quiet, "recovery_state.json")["trouble"] == ""
    assert stored(quiet, "outage_history.json")["outages"] == []


def test_another_token_is_tried_at_once_while_the_worker_lives(quiet: Any) -> None:
    quiet.plex.guest_token = "guest-token"
    quiet.configure(plex_token="guest-token")
    pairs = crowd(quiet)
    entered: list[float] = []

    def enter() -> None:
        if quiet.clock.passed > 1000 and not entered:
            entered.append(quiet.clock.passed)
            quiet.configure(plex_token="plex-sim-token")

    quiet.clock.on_wait = enter
    quiet.run(minutes=40, leave=lambda: "done" if synced(pairs) == 6 else "")
    assert synced(pairs) == 6
    assert quiet.clock.passed - entered[0] < 30


def test_a_guest_who_becomes_the_owner_is_noticed_within_ten_minutes(quiet: Any) -> None:
    quiet.plex.guest_token = "guest-token"
    quiet.configure(plex_token="guest-token")
    pairs = crowd(quiet)
    quiet.run(minutes=15)
    quiet.plex.token, quiet.plex.guest_token = "guest-token", ""
    quiet.run(minutes=11)
    assert synced(pairs) == 6


def edits(item: Any) -> Any:
    """Matches every edit of an item by either endpoint."""
    key = str(item.key)
    return lambda r: (
        r.method == "PUT" and (r.get("id") == key or r.path == f"/library/metadata/{key}")
    )


@pytest.mark.parametrize("closed", ["", "/status"])
def test_a_firewall_that_forbids_one_item_stops_one_scene(quiet: Any, closed: str) -> None:
    """Including a Plex that does not answer the request for the owner of the token."""
    quiet.configure(max_retries=1)
    pairs = crowd(quiet)
    if closed:
        quiet.plex.add_fault("status", match=closed, status=403, foreign=True)
    quiet.plex.add_fault("status", match=edits(pairs[0][1]), status=403, foreign=True)
    quiet.run(minutes=5)
    assert synced(pairs) == 5
    assert dead_letters(quiet) == {"PlexTemporaryError": 1}
    assert "something in front of Plex answered 403" in quiet.dead_letter(pairs[0][0]).message
    assert "token" not in quiet.said("warning")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("wrong-token", "refuses the token (401). Enter a new Plex token"),
        ("eyJhbGciOiJFZERTQSJ9.e30.sig", "(401): it is a short-lived token of plex.tv (JWT)"),
        ("claim-AbCdEfGh1234", "(401): it is a claim code, not a token"),
    ],
)
def test_each_token_that_plex_refuses_has_its_own_words(quiet: Any, token: str, words: str) -> None:
    quiet.configure(plex_token=token)
    pairs = crowd(quiet)
    quiet.run(minutes=20)
    (told,) = [text for kind, text in quiet.sink.lines if kind == "warning"]
    assert words in told
    assert token not in quiet.said()
    assert token not in json.dumps(stored(quiet, "recovery_state.json"))
    quiet.configure(plex_token="plex-sim-token")
    quiet.run(minutes=2)
    assert synced(pairs) == 6


@pytest.mark.parametrize(
    "pasted",
    [
        "  plex-sim-token\n",
        '"plex-sim-token"',
        "X-Plex-Token=plex-sim-token",
        "\u201cplex-sim-token\u201d",
    ]
    + ["http://10.0.0.5:32400/library/metadata/7?checkFiles=1&X-Plex-Token=plex-sim-token&a=b"],
)
def test_a_pasted_token_is_cleaned_silently(quiet: Any, pasted: str) -> None:
    quiet.configure(plex_token=pasted)
    pairs = crowd(quiet)
    quiet.run(minutes=1)
    assert synced(pairs) == 6
    assert quiet.said("warning") == ""


def test_no_token_is_sent_where_a_redirect_points(quiet: Any) -> None:
    with PlexSim() as other:
        quiet.plex.add_fault("redirect", location=f"{other.url}/identity")
        crowd(quiet)
        quiet.run(minutes=10)
        assert other.journal == []
    assert f"it redirects to {other.url}/identity" in quiet.said("warning")


# --- busy writing ----------------------------------------------------------------------------


@pytest.mark.long
def test_a_plex_that_answers_and_does_not_write_costs_no_scene_anything(quiet: Any) -> None:
    pairs = crowd(quiet, 12)
    fault = quiet.plex.add_fault("status", match="PUT", status=503)
    quiet.run(minutes=20)
    assert synced(pairs) == 0
    assert all(not job.attempts for job in quiet.waiting().values())
    breaker = stored(quiet, "circuit_breaker.json")
    assert breaker["cause"] == "writing"
    assert breaker["reason"].startswith("Plex answers but does not write: Plex answered 503")
    assert quiet.plex.count("PUT") < 90, "one a minute, but for the first few"
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 12
    assert dead_letters(quiet) == {}
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert "does not write" in outage["cause"]
    assert len([1 for kind, _ in quiet.sink.lines if kind == "warning"]) <= 2


BLOCKED = b"<html><body>Blocked by policy</body></html>" + b" " * 2000
REFUSES_ALL: dict[str, tuple[str, dict[str, Any], str]] = {
    "405 of Plex": ("status", {"status": 405}, "Plex answered 405 to PUT"),
    "404 of Plex": ("status", {"status": 404}, "Plex answered 404 to PUT"),
    "403 of Plex": ("status", {"status": 403}, "Plex answered 403 to PUT"),
    "403 of a proxy": (
        "status",
        {"status": 403, "foreign": True, "body": BLOCKED},
        "something in front of Plex answered 403 to PUT",
    ),
    "405 of a proxy": ("status", {"status": 405, "foreign": True, "body": BLOCKED}, "405 to PUT"),
    "another product": ("json", {}, "another product"),
}


@pytest.mark.parametrize("name", REFUSES_ALL)
def test_what_refuses_every_edit_costs_no_scene_anything(quiet: Any, name: str) -> None:
    kind, options, words = REFUSES_ALL[name]
    pairs = crowd(quiet)
    fault = quiet.plex.add_fault(kind, match="PUT", **options)
    quiet.run(minutes=4)
    assert synced(pairs) == 0
    assert all(not job.attempts for job in quiet.waiting().values())
    assert dead_letters(quiet) == {}
    breaker = stored(quiet, "circuit_breaker.json")
    assert breaker["cause"] == "writing"
    assert words in breaker["reason"]
    assert len([1 for kind, _ in quiet.sink.lines if kind == "warning"]) == 1
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6
    assert (dead_letters(quiet), quiet.waiting()) == ({}, {})
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert words in outage["cause"]


def test_a_scene_found_in_step_later_casts_no_doubt_on_a_refusal(quiet: Any) -> None:
    """The write arrived without an answer, so the scene is not one that cannot be written."""
    blame = Blame()
    lost, refused = (Job(scene=scene, reason="update", born=0.0) for scene in (1, 2))
    with closing(PlexClient(quiet.plex.url, TOKEN, "client-uuid")) as client:
        failing = PlexTemporaryError("connection reset", cause="down", fault=WRITE)
        (first,) = blame.judge([Failed(lost, failing)], client).results
        assert first.error.fault == WRITE
        blame.judge([Done(job=lost, state=SYNCED, detail="in step")], client)
        refusal = PlexPermanentError("Plex answered 400", status=400, fault=WRITE)
        (second,) = blame.judge([Failed(refused, refusal)], client).results
    assert second.error.fault == SCENE


@pytest.mark.long
def test_a_proxy_that_lets_no_edit_through_is_told_by_one_scene_after_the_other(quiet: Any) -> None:
    """As in daily use: Plex was written to before, and each scene is edited alone."""
    crowd(quiet, 1)
    quiet.run(minutes=1)
    pairs = [quiet.pair(f"later {n}.mp4", title=f"T{n}") for n in range(4)]
    fault = quiet.plex.add_fault("status", match="PUT", status=403, foreign=True, body=BLOCKED)
    coming = [(quiet.clock.passed + 60 * n, scene) for n, (scene, _) in enumerate(pairs)]

    def save() -> None:
        if coming and quiet.clock.passed >= coming[0][0]:
            quiet.event(coming.pop(0)[1])

    quiet.clock.on_wait = save
    quiet.run(minutes=20)
    assert (coming, synced(pairs), dead_letters(quiet)) == ([], 0, {})
    fault.remove()
    quiet.run(minutes=5)
    assert (synced(pairs), dead_letters(quiet)) == (4, {})


@pytest.mark.parametrize("status", [400, 403])
def test_several_items_that_refuse_edits_stop_no_others(quiet: Any, status: int) -> None:
    """Nothing else is left to be written; what was written last shows that Plex takes edits."""
    quiet.configure(max_retries=1)
    crowd(quiet, 1)
    quiet.run(minutes=1)
    refusing = [quiet.pair(f"refusing {n}.mp4", title=f"T{n}") for n in range(5)]
    for scene, item in refusing:
        quiet.plex.add_fault("status", match=edits(item), status=status)
        quiet.event(scene)
    quiet.run(minutes=5)
    assert (sum(dead_letters(quiet).values()), quiet.waiting()) == (5, {})
    assert not (Path(quiet.folder) / "circuit_breaker.json").exists(), "it was never opened"
    scene, item = quiet.pair("later.mp4", title="Later")
    quiet.event(scene)
    quiet.run(minutes=1)
    assert item.title == "Later"


@pytest.mark.long
def test_writes_that_hang_are_no_scenes_fault(quiet: Any) -> None:
    """Each write ends by its own real deadline; the test's clock adds the minutes in between."""
    quiet.configure(read_timeout=5)
    pairs = crowd(quiet, 3)
    now = quiet.clock.now()
    before = CircuitBreaker(failures=4, failing_since=now, last_failure=now, reason="no answer")
    files.replace_json(f"{quiet.folder}/circuit_breaker.json", before.to_json())
    fault = quiet.plex.add_fault("reset", match="PUT")
    hang = quiet.plex.add_fault("hang", match="PUT", times=1)
    quiet.run(minutes=20)
    assert all(not job.attempts for job in quiet.waiting().values())
    assert stored(quiet, "circuit_breaker.json")["cause"] == "writing"
    hang.remove()
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 3
    assert dead_letters(quiet) == {}


@pytest.mark.parametrize(("passed", "buried"), [(3000, 0), (3601, 1)])
def test_after_an_hour_a_write_that_fails_is_its_scenes(
    quiet: Any, passed: int, buried: int
) -> None:
    quiet.configure(max_retries=1)
    crowd(quiet, 1)
    now = quiet.clock.now()
    breaker = CircuitBreaker(
        state="OPEN",
        failures=60,
        opened_at=now,
        failing_since=now - passed,
        last_failure=now,
        reason="Plex answers but does not write",
        cause="writing",
    )
    files.replace_json(f"{quiet.folder}/circuit_breaker.json", breaker.to_json())
    quiet.plex.add_fault("status", match="PUT", status=500)
    quiet.run(minutes=6)
    assert sum(dead_letters(quiet).values()) == buried


def test_others_go_first_while_one_scene_cannot_be_written(quiet: Any) -> None:
    """As long as it is alone, Plex seems to write nothing; the next scene shows that it does."""
    quiet.configure(max_retries=1)
    ((scene, item),) = crowd(quiet, 1)
    quiet.plex.add_fault("status", match=edits(item), status=500)
    quiet.run(minutes=10)
    assert stored(quiet, "circuit_breaker.json")["cause"] == "writing"
    other, its = quiet.pair("other.mp4", title="T other")
    quiet.event(other)
    before = quiet.clock.passed
    written: list[float] = []

    def note() -> str:
        if its.title == "T other" and not written:
            written.append(quiet.clock.passed)
        return ""

    quiet.run(minutes=5, leave=note)
    assert written[0] - before <= 70
    assert stored(quiet, "circuit_breaker.json")["state"] == "CLOSED"
    assert dead_letters(quiet) == {"PlexTemporaryError": 1}


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 6])
def test_a_read_back_that_fails_for_all_is_charged_to_none(quiet: Any, count: int) -> None:
    """What was written cannot be read back, which is no single scene's fault."""
    quiet.film("another.mp4")
    pairs = crowd(quiet, count)
    put: list[bool] = []

    def after_the_edits(request: Any) -> bool:
        put.extend([True] * (request.method == "PUT"))
        return bool(put) and request.method == "GET" and "/library/metadata/" in request.path

    fault = quiet.plex.add_fault("status", match=after_the_edits, status=500)
    quiet.run(minutes=12)
    assert all(not job.attempts for job in quiet.waiting().values())
    fault.remove()
    quiet.run(minutes=3)
    assert synced(pairs) == count
    assert quiet.waiting() == {}
    assert dead_letters(quiet) == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_images_that_fail_for_all_are_charged_to_none(world: Any, method: str) -> None:
    """The texts are written, whether Plex does not list its images or does not accept ours."""
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", cover=RED) for n in range(4)]
    for scene, _ in pairs:
        world.event(scene)
    fault = world.plex.add_fault(
        "status", match=lambda r: r.method == method and r.path.endswith("/posters"), status=500
    )
    world.run(minutes=20)
    assert (synced(pairs), dead_letters(world)) == (4, {})
    assert all(not job.attempts for job in world.waiting().values())
    fault.remove()
    world.run(minutes=5)
    assert [len(item.posters) for _, item in pairs] == [1] * 4
    assert (world.waiting(), dead_letters(world)) == ({}, {})
