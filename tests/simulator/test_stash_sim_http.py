"""HTTP: transport, access, pictures, faults, start and stop."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import urllib3

from simulator.stash import StashSim

VERSION = "{version{version}}"
JPEG = b"\xff\xd8\xff\xe0 not much of a picture"


@pytest.fixture
def sim() -> Iterator[StashSim]:
    with StashSim() as sim:
        yield sim


@pytest.fixture
def locked() -> Iterator[StashSim]:
    """A Stash with user, password and API key, whose clock stands still at `hand`."""
    hand = [1_000_000.0]
    options = {"username": "me", "password": "pw", "api_key": "KEY"}
    with StashSim(clock=lambda: hand[0], **options) as sim:
        sim.hand = hand  # type: ignore[attr-defined]
        yield sim


def post(sim: StashSim, query: str = VERSION, **headers: str) -> requests.Response:
    return requests.post(f"{sim.url}/graphql", json={"query": query}, headers=headers, timeout=20)


def cookie(value: str) -> dict[str, str]:
    return {"Cookie": f"session={value}"}


# --- transport


@pytest.mark.parametrize(
    ("accept", "kind", "refusal"),
    [
        ("*/*", "application/graphql-response+json", 400),
        ("application/json", "application/json", 422),
        ("text/html, application/json;q=0.9", "application/json", 422),
        ("application/graphql-response+json", "application/graphql-response+json", 400),
        ("", "application/json", 422),
    ],
)
def test_the_answers_type_and_refusals_depend_on_accept(
    sim: StashSim, accept: str, kind: str, refusal: int
) -> None:
    good, bad = post(sim, Accept=accept), post(sim, "{version{colour}}", Accept=accept)
    assert (good.status_code, good.headers["Content-Type"]) == (200, kind)
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.headers["Content-Type"]) == (refusal, kind)
    assert bad.json()["data"] is None
    assert bad.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "colour" in bad.json()["errors"][0]["message"]


def test_only_json_posts_are_taken(sim: StashSim) -> None:
    url = f"{sim.url}/graphql"
    form = requests.post(url, data={"query": VERSION}, timeout=20)
    assert form.status_code == 400
    assert form.json()["errors"][0]["message"] == "transport not supported"
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, data="{", headers=headers, timeout=20).status_code == 400
    syntax = post(sim, "{version{")
    assert syntax.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_get_serves_queries_but_no_mutations(sim: StashSim) -> None:
    url = f"{sim.url}/graphql"
    assert requests.get(url, params={"query": VERSION}, timeout=20).json()["data"]["version"]
    change = 'mutation{configurePlugin(plugin_id:"X",input:{a:1})}'
    assert requests.get(url, params={"query": change}, timeout=20).status_code != 200


def test_a_resolvers_error_comes_with_status_200(sim: StashSim) -> None:
    answer = post(sim, '{findScene(id:"abc"){id}}')
    assert answer.status_code == 200
    assert answer.json()["data"] == {"findScene": None}
    assert answer.json()["errors"] == [
        {"message": 'strconv.Atoi: parsing "abc": invalid syntax', "path": ["findScene"]}
    ]


def test_json_answers_are_zipped_and_the_connection_is_kept(sim: StashSim) -> None:
    line = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=20)
    line.connect()
    first = line.sock
    for accept in ("application/json", "*/*", "application/json"):
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip", "Accept": accept}
        line.request("POST", "/graphql", json.dumps({"query": VERSION}), headers)
        answer = line.getresponse()
        body, zipped = answer.read(), answer.headers["Content-Encoding"] == "gzip"
        assert zipped == (accept == "application/json")
        assert b"v0.30" in (gzip.decompress(body) if zipped else body)
    assert line.sock is first
    line.close()


# --- access


def test_without_credentials_everybody_may_ask_but_a_wrong_key_is_refused(sim: StashSim) -> None:
    assert post(sim).status_code == 200
    assert post(sim, Cookie="session=rubbish").status_code == 200
    assert post(sim, ApiKey="nonsense").status_code == 401
    assert post(sim, ApiKey="").status_code == 200


def test_with_credentials_a_stranger_gets_an_empty_401(locked: StashSim) -> None:
    answer = post(locked)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "FormBased"


def test_the_key_opens_and_a_wrong_key_shuts_even_beside_a_good_cookie(locked: StashSim) -> None:
    good = cookie(locked.session_value())
    assert post(locked, ApiKey="KEY").status_code == 200
    assert "Set-Cookie" not in post(locked, ApiKey="KEY", **good).headers
    assert post(locked, ApiKey="WRONG", **good).status_code == 401
    url = f"{locked.url}/graphql?apikey=KEY"
    assert requests.post(url, json={"query": VERSION}, timeout=20).status_code == 200


def test_a_cookie_lasts_for_its_age_and_each_answer_renews_it(locked: StashSim) -> None:
    hand = locked.hand  # type: ignore[attr-defined]
    first = locked.session_value()
    hand[0] += 3000
    answer = post(locked, **cookie(first))
    assert answer.status_code == 200
    header = answer.headers["Set-Cookie"]
    assert "Path=/" in header and "Max-Age=3600" in header and "SameSite=Lax" in header
    hand[0] += 3000
    assert post(locked, **cookie(first)).status_code == 401
    assert post(locked, **cookie(answer.cookies["session"])).status_code == 200


def test_the_first_session_cookie_counts(locked: StashSim) -> None:
    good = locked.session_value()
    assert post(locked, Cookie=f"x=1; session={good}; session=old").status_code == 200
    assert post(locked, Cookie=f"session=old; session={good}").status_code == 401


def test_forged_and_damaged_cookies_are_refused(locked: StashSim) -> None:
    good = locked.session_value()
    with StashSim(username="me", password="pw") as other:
        foreign = other.session_value()
    for bad in (good[:-4] + "AAAA", good[1:], foreign, "é", "x" * 5000):
        header = {"Cookie": f"session={bad}".encode("latin-1")}
        assert post(locked, **header).status_code == 401  # type: ignore[arg-type]


def test_sessions_can_be_expired_and_new_ones_are_good(locked: StashSim) -> None:
    old = locked.session_value()
    locked.expire_sessions()
    assert post(locked, **cookie(old)).status_code == 401
    assert post(locked, **cookie(locked.session_value())).status_code == 200


def test_a_login_gives_a_session(locked: StashSim) -> None:
    with requests.Session() as session:
        wrong = {"username": "me", "password": "no"}
        assert session.post(f"{locked.url}/login", data=wrong, timeout=20).status_code == 401
        right = {"username": "me", "password": "pw"}
        assert session.post(f"{locked.url}/login", data=right, timeout=20).ok
        body = {"query": VERSION}
        assert session.post(f"{locked.url}/graphql", json=body, timeout=20).status_code == 200


def test_the_configuration_tells_key_and_age(locked: StashSim) -> None:
    found = post(locked, "{configuration{general{apiKey maxSessionAge}}}", ApiKey="KEY").json()
    assert found["data"]["configuration"]["general"] == {"apiKey": "KEY", "maxSessionAge": 3600}


# --- pictures


def test_a_cover_has_its_sniffed_type_and_an_etag(sim: StashSim) -> None:
    scene = sim.add_scene(cover=JPEG)
    url = f"{sim.url}/scene/{scene}/screenshot"
    answer = requests.get(url, timeout=20)
    assert (answer.content, answer.headers["Content-Type"]) == (JPEG, "image/jpeg")
    assert answer.headers["ETag"] == f'"{hashlib.md5(JPEG).hexdigest()}"'
    assert answer.headers["Cache-Control"] == "no-cache"
    again = requests.get(url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=20)
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in requests.get(f"{url}?t=1", timeout=20).headers["Cache-Control"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n..", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"<html>", "text/html; charset=utf-8"),
        (b"\x00\x01", "application/octet-stream"),
    ],
)
def test_other_content_is_sniffed_too(sim: StashSim, data: bytes, kind: str) -> None:
    scene = sim.add_scene(cover=data)
    answer = requests.get(f"{sim.url}/scene/{scene}/screenshot", timeout=20)
    assert answer.headers["Content-Type"] == kind


def test_without_a_cover_comes_a_drawing_with_status_200(sim: StashSim) -> None:
    answer = requests.get(f"{sim.url}/scene/{sim.add_scene()}/screenshot", timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert b"<svg" in answer.content


def test_unknown_and_impossible_scenes_have_no_picture(sim: StashSim) -> None:
    assert requests.get(f"{sim.url}/scene/7/screenshot", timeout=20).status_code == 404
    assert requests.get(f"{sim.url}/scene/abc/screenshot", timeout=20).status_code == 400
    assert requests.get(f"{sim.url}/nothing/here", timeout=20).status_code == 404


def test_a_stranger_is_sent_from_the_picture_to_the_login_page(locked: StashSim) -> None:
    url = f"{locked.url}/scene/{locked.add_scene(cover=JPEG)}/screenshot?t=5"
    answer = requests.get(url, allow_redirects=False, timeout=20)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?returnURL=%2Fscene%2F1%2Fscreenshot%3Ft%3D5"
    page = requests.get(url, timeout=20)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert requests.get(url, headers={"ApiKey": "KEY"}, timeout=20).content == JPEG
    assert requests.get(f"{locked.url}/x.js", timeout=20).status_code == 401


# --- other addresses


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
def test_https_with_a_self_signed_certificate(recorder: Any) -> None:
    with StashSim(str(recorder.folder), tls=True) as sim:
        assert sim.url.startswith("https://")
        with pytest.raises(requests.exceptions.SSLError):
            post(sim)
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        body = {"query": VERSION}
        answer = requests.post(f"{sim.url}/graphql", json=body, verify=False, timeout=20)
        assert answer.status_code == 200
        sim.edit(sim.add_scene(), title="x")
        assert b'"Scheme":"https"' in recorder.calls()[0]
        assert sim.server_connection()["Scheme"] == "https"


def ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not ipv6(), reason="no IPv6 here")
def test_ipv6() -> None:
    with StashSim(host="::1") as sim:
        assert sim.url == f"http://[::1]:{sim.port}"
        assert post(sim).status_code == 200
        assert sim.server_connection()["Host"] == "::1"


def test_the_address_0000_is_shown_to_the_plugin_and_served_on_the_loopback() -> None:
    with StashSim(host="0.0.0.0") as sim:
        assert sim.url == f"http://127.0.0.1:{sim.port}"
        assert sim.server_connection()["Host"] == "0.0.0.0"
        assert post(sim).status_code == 200


# --- faults and outages


def test_a_stopped_stash_refuses_and_a_restarted_one_knows_everything(locked: StashSim) -> None:
    scene, session = locked.add_scene("Kept"), locked.session_value()
    port = locked.port
    with requests.Session() as kept:
        body = {"query": VERSION}
        kept.post(f"{locked.url}/graphql", json=body, timeout=20)
        locked.stop()
        with pytest.raises(requests.ConnectionError):
            kept.post(f"{locked.url}/graphql", json=body, timeout=20)
    locked.start()
    assert locked.port == port
    assert post(locked, **cookie(session)).status_code == 200
    locked.restart()
    answer = post(locked, f"{{findScene(id:{scene}){{title}}}}", ApiKey="KEY")
    assert answer.json()["data"]["findScene"]["title"] == "Kept"


def test_faults_that_answer(sim: StashSim) -> None:
    sim.add_fault("status", times=1, status=503)
    sim.add_fault("graphql_errors", times=1, message="database is locked")
    sim.add_fault("html", times=1)
    sim.add_fault("unauthorized", times=1)
    assert post(sim).status_code == 503
    broken = post(sim)
    assert broken.status_code == 200
    assert broken.json()["errors"][0]["message"] == "database is locked"
    assert post(sim).headers["Content-Type"].startswith("text/html")
    assert post(sim).status_code == 401
    assert post(sim).json()["data"]["version"]


def test_a_fault_may_meet_only_some_requests(sim: StashSim) -> None:
    scene = sim.add_scene(cover=JPEG)
    fault = sim.add_fault("status", match="/scene")
    assert post(sim).status_code == 200
    url = f"{sim.url}/scene/{scene}/screenshot"
    assert requests.get(url, timeout=20).status_code == 500
    fault.remove()
    assert requests.get(url, timeout=20).status_code == 200
    sim.add_fault("status", match=lambda entry: "version" in entry.query)
    assert post(sim).status_code == 500
    assert post(sim, "{systemStatus{status}}").status_code == 200


def test_a_hang_lasts_until_it_is_removed_and_slow_answers_come(sim: StashSim) -> None:
    fault = sim.add_fault("hang")
    with pytest.raises(requests.Timeout):
        requests.post(f"{sim.url}/graphql", json={"query": VERSION}, timeout=0.2)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(post(sim).status_code))
    waiting.start()
    waiting.join(0.2)
    assert not got
    fault.remove()
    waiting.join(20)
    assert got == [200]
    sim.add_fault("slow", times=1, seconds=0.05)
    assert post(sim).status_code == 200
    sim.add_fault("slow", seconds=600)
    threading.Timer(0.1, sim.clear_faults).start()
    assert post(sim).status_code == 200


def test_cut_and_reset_answers(sim: StashSim) -> None:
    for kind in ("cut", "reset"):
        sim.add_fault(kind, times=1)
        with pytest.raises(requests.RequestException):
            post(sim)
    assert post(sim).status_code == 200


def test_stopping_lets_go_of_who_hangs(sim: StashSim) -> None:
    sim.add_fault("hang")
    ended = threading.Event()

    def ask() -> None:
        with pytest.raises(requests.ConnectionError):
            post(sim)
        ended.set()

    threading.Thread(target=ask, daemon=True).start()
    while not sim.journal:
        threading.Event().wait(0.01)
    sim.stop()
    assert ended.wait(20)


def test_the_journal_tells_who_asked_what(locked: StashSim) -> None:
    post(locked, "query Who {\n version{version}\n}", ApiKey="KEY")
    post(locked, VERSION, **cookie(locked.session_value()))
    requests.get(f"{locked.url}/scene/1/screenshot", allow_redirects=False, timeout=20)
    shown = [(e.method, e.path, e.operation, e.by, e.status) for e in locked.journal]
    assert shown == [
        ("POST", "/graphql", "query Who {", "key", 200),
        ("POST", "/graphql", VERSION, "cookie", 200),
        ("GET", "/scene/1/screenshot", "", "nobody", 302),
    ]
    assert re.fullmatch("[0-9a-f]{32}", locked.journal[0].digest)
