"""Health Check names what answers, and what to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.tasks.health_check import health_check
from plexsync.model.job import Job
from simulator.plex import PlexSim
from tests import certificates
from tests.flows.test_queue_tasks import Buttons
from tests.world import TOKEN


@pytest.fixture
def desk(world: Any) -> Buttons:
    return Buttons(world)


def test_a_healthy_plex_tells_version_and_platform(desk: Buttons) -> None:
    found = desk.press(health_check)
    assert (found["state"], found["kind"]) == ("healthy", "healthy")
    assert found["platform"] == "Linux 20.04.1 LTS"
    assert f"It is Plex Media Server {found['version']} on Linux 20.04.1 LTS." in desk.said
    assert "Nothing to do." in desk.said


def test_it_tells_the_worker_to_go_on_with_what_is_due(desk: Buttons) -> None:
    with JobQueue(f"{desk.world.folder}/queue", print) as queue:
        now = desk.world.clock.now()
        later = {"not_before": now + 90, "attempts": {"PlexNotFound": 1}}
        due = [Job(scene=n, reason="update", born=now) for n in (1, 2)]
        waits = Job(scene=3, reason="update", born=now, last_error="PlexNotFound", **later)
        queue.put_all([*due, waits])
    assert desk.press(health_check)["due"] == 2
    at = datetime.fromtimestamp(now + 90).astimezone().strftime("%H:%M")
    assert desk.said.splitlines()[-1] == (
        f"2 jobs wait; the worker continues with them. Besides, 1 job waits for its next try at {at}."
    )


def test_with_nothing_due_it_says_when_the_first_try_is(desk: Buttons) -> None:
    with JobQueue(f"{desk.world.folder}/queue", print) as queue:
        now = desk.world.clock.now()
        later = {"attempts": {"PlexNotFound": 1}, "last_error": "PlexNotFound"}
        queue.put_all(
            Job(scene=n, reason="update", born=now, not_before=now + 90 * n, **later)
            for n in range(1, 6)
        )
    found = desk.press(health_check)
    assert (found["waiting"], found["due"]) == (5, 0)
    at = datetime.fromtimestamp(now + 90).astimezone().strftime("%H:%M")
    assert desk.said.splitlines()[-1] == (
        f"Nothing is due; 5 jobs wait for their next try, the first at {at}."
    )


def test_a_root_path_that_is_treated_otherwise_hides_the_platform_alone(desk: Buttons) -> None:
    desk.world.plex.add_fault("status", match=lambda r: r.path == "/", status=404, foreign=True)
    found = desk.press(health_check)
    assert (found["state"], found["platform"]) == ("healthy", "")


@pytest.mark.parametrize(
    ("kind", "options", "found", "said", "next_step"),
    [
        ("starting", {}, "starting", "startup maintenance tasks", "continues by itself"),
        ("starting", {"identity": 503}, "starting", "startup maintenance", "continues by itself"),
        (
            "redirect",
            {"location": "https://plex.example/identity", "status": 301},
            "redirect",
            "Plex URL is redirected: what answers at Plex URL is not Plex: it redirects to "
            "https://plex.example/identity",
            "enter it as Plex URL",
        ),
        ("html", {}, "web page", "Plex URL leads to a web page", "without the sign-in page"),
        ("json", {}, "not Plex", "Plex URL leads to something else", "Correct Plex URL"),
        ("status", {"status": 404, "foreign": True}, "not Plex", "it answered 404", "Plex URL"),
        ("status", {"status": 401, "foreign": True}, "not Plex", "answered 401", "Plex URL"),
        *(
            (
                "status",
                {"status": status, "foreign": True, "match": "/library"},
                "not Plex",
                f"something in front of Plex answered {status} to GET /library/sections",
                "Plex URL",
            )
            for status in (401, 403)
        ),
        ("status", {"status": 503, "foreign": True}, "proxy", "Plex is down", "the proxy"),
        ("status", {"status": 521, "foreign": True}, "proxy", "Plex is down", "the proxy"),
        ("status", {"status": 500}, "failing", "Plex is failing", "Plex's log"),
        ("unauthorized", {"match": "/library"}, "refused token", "refuses the token (401)", "new"),
    ],
)
def test_what_answers_has_a_name_and_a_remedy(
    desk: Buttons, kind: str, options: dict[str, Any], found: str, said: str, next_step: str
) -> None:
    desk.world.plex.add_fault(kind, **options)
    told = desk.press(health_check)
    assert told["kind"] == found
    assert said in desk.said
    assert next_step in told["remedy"]
    assert told["remedy"] in desk.said


def test_a_start_state_tells_that_plex_is_starting(desk: Buttons) -> None:
    desk.world.plex.start_state = "startingServer"
    desk.world.plex.add_fault("status", match="/library", status=500)
    assert desk.press(health_check)["kind"] == "starting"
    desk.world.plex.clear_faults()
    assert desk.press(health_check)["kind"] == "healthy", "its library can be read"


def test_a_guests_token_is_found_out_before_the_first_edit(desk: Buttons) -> None:
    desk.world.plex.guest_token = "guest-token"
    desk.world.configure(plex_token="guest-token")
    assert desk.press(health_check)["kind"] == "read only"
    assert "The Plex token may read but not write" in desk.said


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_proxy_that_hides_whose_token_it_is_makes_nobody_a_guest(
    desk: Buttons, status: int
) -> None:
    desk.world.plex.add_fault("status", match="/status", status=status, foreign=True)
    assert desk.press(health_check)["kind"] == "healthy"


def test_a_plex_that_does_not_write_is_not_called_healthy(desk: Buttons) -> None:
    world = desk.world
    world.configure(no_poster=True)
    world.event(world.pair("1.mp4", title="T")[0])
    world.plex.add_fault("status", match="PUT", status=503)
    world.run(minutes=5)
    found = desk.press(health_check)
    assert (found["state"], found["kind"]) == ("healthy", "writing")
    assert "Plex answers but does not write" in desk.said
    assert "tries one scene a minute" in found["remedy"]


def test_plain_http_to_a_plex_that_wants_tls_names_the_address_to_enter(desk: Buttons) -> None:
    with PlexSim(token=TOKEN, tls=certificates.server("plex_direct")) as secure:
        secure.secure_connections = "required"
        desk.world.configure(plex_url=f"http://127.0.0.1:{secure.port}")
        found = desk.press(health_check)
    assert found["state"] == "no TLS"
    assert "takes only secure connections; enter the address https://" in desk.said
