"""Every fault of the simulated Plex, seen by a client."""

from __future__ import annotations

import socket
import threading
import xml.etree.ElementTree as ET

import pytest
import requests

from simulator.plex import PlexSim


@pytest.fixture
def plex():
    with PlexSim() as sim:
        sim.add_section("Movies", ["/plex"])
        yield sim


@pytest.fixture
def ask(plex):
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-Plex-Token"] = plex.token

        def send(method: str, path: str, **kwargs) -> requests.Response:
            return session.request(method, plex.url + path, timeout=10, **kwargs)

        yield send


EDIT = "/library/metadata/1?title.value=New"


@pytest.fixture
def title(plex):
    """The title as it is in the server; EDIT changes it."""
    plex.add_item(1, title="Old")
    return lambda: plex.item(1).title


def test_a_status_is_answered_as_often_as_asked_for(plex, ask, title):
    fault = plex.add_fault("status", times=2, status=429, retry_after=7)
    for _ in range(2):
        answer = ask("PUT", EDIT)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert title() == "Old"
    assert ask("PUT", EDIT).status_code == 200
    assert fault.used == 2


def test_an_edit_can_be_done_although_the_answer_says_no(plex, ask, title):
    plex.add_fault("status", times=1, status=500, apply=True)
    assert ask("PUT", EDIT).status_code == 500
    assert title() == "New"


def test_a_status_that_http_has_no_name_for(plex, ask):
    plex.add_fault("status", status=599)
    assert ask("GET", "/identity").status_code == 599


def test_a_starting_server_is_in_maintenance_but_says_who_it_is(plex, ask):
    fault = plex.add_fault("starting")
    answer = ask("GET", "/library/sections")
    assert answer.status_code == 503
    response = ET.fromstring(answer.content)
    assert response.attrib["title"] == "Maintenance"
    assert "startup maintenance tasks" in response.attrib["status"]
    assert ask("GET", "/identity").status_code == 200
    fault.remove()
    assert ask("GET", "/library/sections").status_code == 200
    plex.add_fault("starting", identity=503)
    assert ask("GET", "/identity").status_code == 503


def test_a_hanging_request_is_answered_once_the_fault_is_gone(plex, ask, title):
    fault = plex.add_fault("hang", match="PUT")
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(ask("PUT", EDIT)))
    thread.start()
    while not fault.used:
        thread.join(0.01)
    assert plex.journal[0].status == 0
    assert title() == "Old"
    fault.remove()
    thread.join(30)
    assert answers[0].status_code == 200
    assert title() == "New"


def test_a_hanging_request_whose_client_left_is_never_done(plex, title):
    fault = plex.add_fault("hang")
    with pytest.raises(requests.ReadTimeout):
        requests.put(plex.url + EDIT, headers={"X-Plex-Token": plex.token}, timeout=0.1)
    fault.remove()
    plex.stop()  # waits for the handler
    assert title() == "Old"


def test_a_stop_ends_what_hangs(plex, ask):
    plex.add_fault("hang")
    errors: list[Exception] = []

    def get() -> None:
        try:
            ask("GET", "/identity")
        except requests.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=get)
    thread.start()
    while not plex.journal:
        thread.join(0.01)
    plex.stop()
    thread.join(30)
    assert errors


def test_a_dripping_answer_comes_byte_by_byte(plex, ask):
    plex.add_fault("drip", every=0.0001)
    assert ET.fromstring(ask("GET", "/identity").content).attrib["machineIdentifier"]
    plex.clear_faults()
    fault = plex.add_fault("drip", every=60)
    with socket.create_connection(("127.0.0.1", plex.port), timeout=5) as raw:
        raw.sendall(b"GET /identity HTTP/1.1\r\n\r\n")
        assert raw.recv(100) == b"H"
        fault.remove()
        assert raw.recv(100).startswith(b"TTP/1.1 200")


def test_a_page_of_somebody_else_comes_with_200(plex, ask):
    plex.add_fault("html", times=1)
    plex.add_fault("empty", times=1)
    page = ask("GET", "/library/sections")
    assert (page.status_code, ET.fromstring(page.content).tag) == (200, "html")
    nothing = ask("GET", "/library/sections")
    assert (nothing.status_code, nothing.content) == (200, b"")


def test_a_cut_answer_ends_too_early_for_its_length(plex, ask):
    plex.add_fault("cut", times=1)
    with pytest.raises(requests.RequestException):
        ask("GET", "/library/sections")
    plex.add_fault("cut", times=1, honest=True)
    answer = ask("GET", "/library/sections")
    assert answer.status_code == 200
    with pytest.raises(ET.ParseError):
        ET.fromstring(answer.content)


@pytest.mark.parametrize(("at", "outcome"), [("before", "Old"), ("after", "New")])
def test_a_reset_does_not_say_whether_the_edit_was_done(plex, ask, title, at, outcome):
    plex.add_fault("reset", times=1, at=at)
    with pytest.raises(requests.ConnectionError):
        ask("PUT", EDIT)
    assert title() == outcome
    assert ask("GET", "/identity").status_code == 200


def test_a_token_can_become_invalid(plex, ask, title):
    plex.add_fault("unauthorized", times=1)
    assert ask("PUT", EDIT).status_code == 401
    assert title() == "Old"


def test_an_edit_can_be_ignored_in_silence(plex, ask, title):
    plex.add_fault("ignore_edit", times=1)
    assert ask("GET", "/library/metadata/1").content
    assert ask("PUT", EDIT).status_code == 200
    assert title() == "Old"
    ask("PUT", EDIT)
    assert title() == "New"


def test_a_fault_meets_only_what_it_matches(plex, ask, title):
    plex.add_fault("status", match="GET /library/sections")
    plex.add_fault("status", status=418, match=lambda request: request.get("title.value") == "New")
    assert ask("GET", "/library/sections/1/all").status_code == 500
    assert ask("GET", "/library/metadata/1").status_code == 200
    assert ask("PUT", EDIT).status_code == 418
    plex.clear_faults()
    assert ask("GET", "/library/sections").status_code == 200


def test_a_fault_that_does_not_exist_is_refused(plex):
    with pytest.raises(ValueError, match="unknown fault"):
        plex.add_fault("fire")
    with pytest.raises(TypeError):
        plex.add_fault("status", colour="red")
