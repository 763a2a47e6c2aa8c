from __future__ import annotations

import copy
import json
import re
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.pictures import (
    MAX_PICTURE,
    PictureData,
    PictureMissing,
    PictureRefused,
    PictureUnchanged,
)
from plexsync.model.connection import Connection, parse_connection, read_connection
from plexsync.model.errors import (
    PlexTemporaryError,
    SceneGone,
    SceneUnusable,
    StashAuthError,
    StashDown,
)
from plexsync.model.scene import WHOLE, Entity, Group, Performer, Scene, SceneParts, VideoFile
from plexsync.model.secret import SecretStr
from simulator.stash import StashSim
from tests.world import until

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "hooks"
COOKIE = "MTcwMDAwMDAwMHxzZWNyZXQ="
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 500
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 500
WEBP = b"RIFF\x00\x01\x00\x00WEBPVP8 " + b"w" * 100
LOGIN = b"<!DOCTYPE html><html><head><title>Login | Stash</title></head><body></body></html>"
BLOCK: dict[str, Any] = {
    "Scheme": "http",
    "Host": "0.0.0.0",
    "Port": 9999,
    "SessionCookie": {"Name": "session", "Value": COOKIE, "Path": "", "MaxAge": 0},
    "Dir": "/config",
    "PluginDir": "/config/plugins/PlexSync",
}
SCENE: dict[str, Any] = {
    "id": "7",
    "title": "A title",
    "details": "One\n\nTwo",
    "date": "2021-03",
    "rating100": 80,
    "code": "",
    "director": None,
    "created_at": "2026-01-11T08:07:53+01:00",
    "updated_at": "2026-01-11T07:07:54Z",
    "studio": {"id": "3", "name": "Studio"},
    "performers": [
        {"id": "1", "name": "Ann", "disambiguation": "of Oslo"},
        {"id": "2", "name": "Ben", "disambiguation": None},
        {"id": "1", "name": "Ann", "disambiguation": "of Oslo"},
    ],
    "tags": [{"id": "5", "name": "Tag"}],
    "groups": [{"group": {"id": "4", "name": "Group"}}],
    "files": [
        {
            "path": "/data/a.mp4",
            "size": 5_000_000_000,
            "fingerprints": [
                {"type": "md5", "value": "m"},
                {"type": "oshash", "value": "0123456789abcdef"},
            ],
        },
        {"path": "/data/b.mp4", "size": 0, "fingerprints": []},
        {"path": "/data/a.mp4", "size": 1, "fingerprints": []},
    ],
}


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> str:
        return str(json.loads(self.body)["query"])


@dataclass
class Answer:
    """An answer of the test's server; `headers` may repeat a name."""

    body: bytes = b""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    kind: str = "application/json"
    lost: int = 0  # bytes at the end that never arrive


class Odd:
    """A local server that gives the test's answers and records the requests."""

    def __init__(self, answer: Callable[[Asked], Answer], host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers.items()), body)
                odd.asked.append(asked)
                said = answer(asked)
                self.send_response(said.status)
                self.send_header("Content-Type", said.kind)
                self.send_header("Content-Length", str(len(said.body)))
                for name, value in said.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body[: len(said.body) - said.lost])
                self.close_connection = bool(said.lost)

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None: ...

        self._server = Server((host, 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


Serve = Callable[..., Odd]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with one answer for all requests, or a function from request to answer."""
    started: list[Odd] = []

    def start(answer: Callable[[Asked], Answer] | Answer, host: str = "127.0.0.1") -> Odd:
        said = answer if callable(answer) else (lambda asked: answer)
        started.append(Odd(said, host))
        return started[-1]

    yield start
    for odd in started:
        odd.stop()


CLIENTS: weakref.WeakSet[StashClient] = weakref.WeakSet()


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    yield
    for client in list(CLIENTS):
        client.close()


def client(odd: Odd, **changes: Any) -> StashClient:
    connection = Connection("http", "127.0.0.1", odd.port, "session", SecretStr(COOKIE))
    made = StashClient(connection, **({"read_timeout": 5.0, "total": 5.0} | changes))
    CLIENTS.add(made)
    return made


def graphql(data: object, errors: object = None) -> Answer:
    return Answer(json.dumps({"data": data} | ({"errors": errors} if errors else {})).encode())


def settings(api_key: str = "", age: int = 3600, plugins: object = None) -> Answer:
    general = {"apiKey": api_key, "maxSessionAge": age}
    return graphql({"configuration": {"general": general, "plugins": plugins or {}}})


def scene(number: int, **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(SCENE) | {"id": str(number)} | changes


def by_number(asked: Asked, known: Callable[[int], object]) -> Answer:
    """The answer to a batch, composed of one answer per scene."""
    variables = json.loads(asked.body)["variables"]
    return graphql({f"s{n}": known(int(variables[f"i{n}"])) for n in range(len(variables))})


# --- the connection


def block(**changes: object) -> bytes:
    return json.dumps(BLOCK | changes).encode()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:9999"),
        ("", "http://127.0.0.1:9999"),
        ("::", "http://[::1]:9999"),
        ("[::]", "http://[::1]:9999"),
        ("::1", "http://[::1]:9999"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:9999"),
        ("192.168.1.5", "http://192.168.1.5:9999"),
        ("stash.local", "http://stash.local:9999"),
    ],
)
def test_what_stash_listens_on_becomes_an_address_to_ask(host: str, url: str) -> None:
    assert parse_connection(block(Host=host)).base_url == url


def test_a_connection_knows_its_folders_and_hides_its_cookie() -> None:
    connection = parse_connection(block(Scheme="https"))
    assert connection.base_url == "https://127.0.0.1:9999"
    assert (connection.plugin_dir, connection.config_dir) == ("/config/plugins/PlexSync", "/config")
    assert (connection.cookie_name, connection.cookie_value) == ("session", SecretStr(COOKIE))
    assert COOKIE not in repr(connection)


def test_no_session_is_no_error() -> None:
    assert parse_connection(block(SessionCookie=None)).cookie_name == ""


def test_the_block_of_a_real_hook_is_understood() -> None:
    if not FIXTURES.exists():
        pytest.skip("the fixtures are not at hand")
    for path in FIXTURES.glob("*.json"):
        connection = read_connection(json.loads(path.read_bytes())["server_connection"])
        assert connection.base_url == "http://127.0.0.1:37721"


@pytest.mark.parametrize(
    ("raw", "about"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (block(Scheme="ftp"), "Scheme"),
        (block(Scheme=None), "Scheme"),
        (block(Port="9999"), "Port"),
        (block(Port=0), "Port"),
        (block(Port=70000), "Port"),
        (block(Port=True), "Port"),
        (block(Host=None), "Host"),
        (block(Host="evil/@x"), "Host"),
        (block(Host="a b"), "Host"),
        (block(Host="h\r\nX: y"), "Host"),
        (block(SessionCookie="x"), "SessionCookie"),
        (block(SessionCookie={"Name": "a b", "Value": COOKIE}), "SessionCookie"),
        (block(SessionCookie={"Name": "session", "Value": COOKIE + "\r\nX: y"}), "SessionCookie"),
        (block(SessionCookie={"Name": "session", "Value": COOKIE + "; a=b"}), "SessionCookie"),
        (block(SessionCookie={"Name": "session", "Value": 7}), "SessionCookie"),
        (block(PluginDir=7), "PluginDir"),
        (block(Dir="a\0b"), "Dir"),
    ],
)
def test_a_bad_block_is_refused_with_its_reason_and_without_its_cookie(
    raw: bytes, about: str
) -> None:
    with pytest.raises(ValueError, match=about) as caught:
        parse_connection(raw)
    assert COOKIE not in str(caught.value)


# --- settings and signing


def test_settings_are_those_of_the_plugin(serve: Serve) -> None:
    odd = serve(settings("the-key", 7200, {"PlexSync": {"plex_url": "http://plex"}}))
    found = client(odd).settings()
    assert found.plugin == {"plex_url": "http://plex"}
    assert (found.api_key.get_secret_value(), found.max_session_age) == ("the-key", 7200)
    assert "the-key" not in repr(found)


@pytest.mark.parametrize("plugins", [{}, None, {"PlexSync": None}, {"Other": {"a": 1}}])
def test_a_plugin_nobody_configured_has_no_settings(serve: Serve, plugins: object) -> None:
    assert client(serve(settings(plugins=plugins))).settings().plugin == {}


def test_the_api_key_is_used_beside_the_session_once_it_is_known(serve: Serve) -> None:
    odd = serve(settings("the-key"))
    stash = client(odd)
    stash.settings()
    stash.settings()
    assert [a.headers.get("ApiKey") for a in odd.asked] == [None, "the-key"]
    assert [a.headers["Cookie"] for a in odd.asked] == [f"session={COOKIE}"] * 2
    assert set(stash.secrets) == {"the-key", COOKIE}
    assert all("the-key" not in a.path and b"the-key" not in a.body for a in odd.asked)


def test_a_key_that_was_changed_in_stash_is_dropped_and_the_session_used(serve: Serve) -> None:
    keys = iter(["old", "new"])

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("ApiKey") == "old":
            return Answer(status=401)
        return settings(next(keys))

    odd = serve(answer)
    stash = client(odd)
    assert stash.settings().api_key == SecretStr("old")
    assert stash.settings().api_key == SecretStr("new")
    assert [a.headers.get("ApiKey") for a in odd.asked] == [None, "old", None]


def test_each_new_session_replaces_the_one_before(serve: Serve) -> None:
    fresh = iter(["second", "third"])

    def answer(asked: Asked) -> Answer:
        said = settings()
        extra = [("Set-Cookie", "theme=dark; Expires=Thu, 01 Jan 2099 00:00:00 GMT")]
        newest = next(fresh, "")
        last = [("Set-Cookie", f"session={newest}; Path=/; Max-Age=3600; SameSite=Lax")]
        said.headers = [("Set-Cookie", "session=stale; Path=/"), *extra, *(last if newest else [])]
        return said

    odd = serve(answer)
    stash = client(odd)
    for _ in range(3):
        stash.settings()
    sent = [f"session={value}" for value in (COOKIE, "second", "third")]
    assert [a.headers["Cookie"] for a in odd.asked] == sent


def test_a_session_that_is_taken_away_is_not_forgotten(serve: Serve) -> None:
    said = settings()
    said.headers = [("Set-Cookie", "session=; Path=/; Max-Age=0")]
    odd = serve(said)
    stash = client(odd)
    stash.settings()
    stash.settings()
    assert odd.asked[1].headers["Cookie"] == f"session={COOKIE}"


def test_without_a_session_none_is_sent(serve: Serve) -> None:
    odd = serve(settings())
    StashClient(Connection("http", "127.0.0.1", odd.port)).settings()
    assert "Cookie" not in odd.asked[0].headers


def test_a_proxy_of_the_environment_is_not_asked(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(Answer(status=502))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert client(serve(settings())).settings().api_key == SecretStr("")
    assert proxy.asked == []


# --- scenes


def test_a_scene_is_read_whole(serve: Serve) -> None:
    odd = serve(lambda asked: by_number(asked, scene))
    (found,) = client(odd).readable_scenes([7])
    assert (found.id, found.title, found.details) == (7, "A title", "One\n\nTwo")
    assert (found.date, found.rating100, found.code, found.director) == ("2021-03", 80, "", "")
    assert found.studio == Entity(3, "Studio")
    assert found.performers == (Performer(1, "Ann", "of Oslo"), Performer(2, "Ben"))
    assert found.tags == (Entity(5, "Tag"),) and found.groups == (Group(4, "Group"),)
    assert found.files == (
        VideoFile("/data/a.mp4", 5_000_000_000, "0123456789abcdef"),
        VideoFile("/data/b.mp4", None, ""),
    )
    assert (found.created_at, found.updated_at) == (1768115273.0, 1768115274.0)


def test_scenes_come_a_hundred_a_query_each_once(serve: Serve) -> None:
    odd = serve(lambda asked: by_number(asked, lambda n: scene(n) if n % 2 else None))
    found = client(odd).scenes([*range(1, 221), 5, 6])
    assert [len(json.loads(a.body)["variables"]) for a in odd.asked] == [100, 100, 20]
    assert [n for n, s in found.items() if isinstance(s, Scene)] == list(range(1, 221, 2))
    assert [n for n, s in found.items() if isinstance(s, SceneGone)] == list(range(2, 221, 2))


def test_no_ids_are_no_query(serve: Serve) -> None:
    odd = serve(Answer(status=500))
    assert client(odd).scenes([]) == {}
    assert client(odd).scenes_by_file([]) == []
    assert odd.asked == []


def test_an_error_with_a_path_is_one_scenes_and_spoils_no_other(serve: Serve) -> None:
    errors = [
        {"message": "context\nbroken", "path": ["s0", "studio"]},
        {"message": "scene with id 3 not found", "path": ["s2"]},
    ]
    data = {"s0": scene(1, studio=None), "s1": scene(2), "s2": None, "s3": None}
    answers = client(serve(graphql(data, errors))).scenes([1, 2, 3, 4])
    assert [type(each) for each in answers.values()] == [
        PlexTemporaryError,
        Scene,
        SceneGone,
        SceneGone,
    ]
    assert str(answers[1]) == "Stash cannot read this scene: context broken"


def test_an_error_of_the_only_scene_is_its_own_if_stash_can_read_another(serve: Serve) -> None:
    sick = graphql({"s0": None}, [{"message": "broken", "path": ["s0", "files"]}])
    page = graphql({"findScenes": {"count": 1, "scenes": [scene(8)]}})
    odd = serve(lambda asked: page if "ScenePage" in asked.query else sick)
    assert str(client(odd).scenes([7])[7]) == "Stash cannot read this scene: broken"
    assert json.loads(odd.asked[-1].body)["variables"] == {"after": 7, "size": 1}


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        (None, [{"message": "database is\nlocked"}]),
        ({"s0": None}, [{"message": "database is locked", "path": ["s0"]}]),
        ({"s0": None}, [{"message": "database is locked"}]),
        ({"s0": None}, [{"message": "database is locked", "path": []}]),
        ({"s0": None}, ["database is locked"]),
        (None, "database is locked"),
    ],
)
def test_errors_with_status_200_mean_that_stash_is_down_not_that_a_scene_is_gone(
    serve: Serve, data: object, errors: object
) -> None:
    with pytest.raises(StashDown, match="database is locked"):
        client(serve(graphql(data, errors))).scenes([1])


def test_a_long_error_is_one_clipped_line(serve: Serve) -> None:
    with pytest.raises(StashDown) as caught:
        client(serve(graphql(None, [{"message": "a\x1b[1m\n" * 9000}]))).scenes([1])
    assert len(caught.value.message) < 400 and caught.value.message.isprintable()


def test_a_query_that_this_stash_does_not_know_says_what_is_needed(serve: Serve) -> None:
    error = {
        "message": 'Cannot query field "groups" on type "Scene".',
        "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
    }
    body = json.dumps({"data": None, "errors": [error]}).encode()
    with pytest.raises(StashDown, match=r'"groups".*needs Stash 0.27') as caught:
        client(serve(Answer(body, 422))).scenes([1])
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        ("v0.26.2", "this is Stash v0.26.2, and PlexSync needs 0.27 or newer: update Stash"),
        ("v0.31.0", "Stash v0.31.0 no longer supports this PlexSync's queries: update PlexSync"),
        ("v1.2.3-55-gabc", "no longer supports this PlexSync's queries: update PlexSync"),
        ("", "for a newer Stash there may be a newer PlexSync"),
    ],
)
def test_a_stash_newer_than_known_is_not_called_too_old(
    serve: Serve, version: str, advice: str
) -> None:
    known = settings()
    general = {**json.loads(known.body)["data"], "version": {"version": version}}
    unknown = {
        "message": 'Cannot query field "groups" on type "Scene".',
        "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
    }
    refusal = Answer(json.dumps({"data": None, "errors": [unknown]}).encode(), 422)
    stash = client(serve(lambda asked: graphql(general) if "Settings" in asked.query else refusal))
    stash.settings()
    with pytest.raises(StashDown, match=re.escape(advice)):
        stash.scenes([1])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"7", LOGIN, b"\xff\xfe", b"[" * 50_000, b'{"data": 7}', b"{}"],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_graphql_means_that_stash_is_down(serve: Serve, body: bytes) -> None:
    with pytest.raises(StashDown):
        client(serve(Answer(body))).scenes([1])


ODD: list[tuple[dict[str, object], str]] = [
    ({"id": "8"}, "it is about scene 8"),
    ({"id": "x"}, "id is text, not an id"),
    ({"id": None}, "id is null, not an id"),
    ({"title": 7}, "title is a number, not text"),
    ({"files": None}, "files is null, not a list"),
    ({"files": [{"path": None}]}, "files size is missing"),
    ({"files": [{"path": "/a", "size": 1e999, "fingerprints": []}]}, "files size is a number"),
    ({"files": [{"path": "/a", "size": 10**30, "fingerprints": []}]}, "files size is too large"),
    ({"performers": None}, "performers is null, not a list"),
    ({"performers": [{"id": "1"}]}, "performers name is missing"),
    ({"performers": [None]}, "performers is null, not an object"),
    ({"tags": {"id": "1"}}, "tags is an object, not a list"),
    ({"groups": [{}]}, "groups group is missing"),
    ({"studio": [1]}, "studio is a list, not an object"),
    ({"rating100": True}, "rating100 is true or false"),
    ({"updated_at": "yesterday"}, 'updated_at is not a readable time: "yesterday"'),
    ({"created_at": "0000-01-01T00:00:00Z"}, "created_at is not a readable time"),
    ({"updated_at": None}, "updated_at is null, not a time"),
]


@pytest.mark.parametrize(("change", "words"), ODD, ids=str)
def test_an_odd_scene_is_told_in_words_and_spoils_no_other(
    serve: Serve, change: dict[str, object], words: str
) -> None:
    data = {"s0": scene(6), "s1": scene(7, **change), "s2": scene(8)}
    answers = client(serve(graphql(data))).scenes([6, 7, 8])
    assert [type(each) for each in answers.values()] == [Scene, SceneUnusable, Scene]
    assert words in str(answers[7])


@pytest.mark.parametrize("name", sorted(SCENE))
def test_a_scene_without_one_of_its_fields_is_odd(serve: Serve, name: str) -> None:
    broken = {key: value for key, value in scene(7).items() if key != name}
    answers = client(serve(graphql({"s0": scene(6), "s1": broken}))).scenes([6, 7])
    assert isinstance(answers[7], SceneUnusable) and f": {name} is missing;" in str(answers[7])


def test_when_every_scene_is_odd_it_is_stash_that_is_unwell(serve: Serve) -> None:
    odd, page = scene(7, performers=None), scene(8, performers=None)
    answer = {"s0": odd, "findScenes": {"count": 1, "scenes": [page]}}
    with pytest.raises(StashDown, match="performers is null"):
        client(serve(graphql(answer))).scenes([7])


def test_a_page_goes_on_past_an_odd_scene(serve: Serve) -> None:
    rows = [scene(6), scene(7, files=None), scene(8)]
    page = client(serve(graphql({"findScenes": {"count": 9, "scenes": rows}}))).scene_page(5, 3)
    assert [found.id for found in page.scenes] == [6, 8]
    assert (page.last, page.left, page.odd) == (8, 6, {7})


def test_a_scene_that_the_answer_lacks_is_not_taken_for_gone(serve: Serve) -> None:
    answers = client(serve(graphql({"s0": scene(7)}))).scenes([7, 8])
    assert isinstance(answers[8], SceneUnusable) and ": it is missing;" in str(answers[8])
    with pytest.raises(StashDown, match="shape"):
        client(serve(graphql({"s0": None}))).scenes([7, 8])


def test_lone_surrogates_and_nul_in_texts_come_through(serve: Serve) -> None:
    odd = serve(graphql({"s0": scene(7, title="a\ud800b\0", details="\u2028")}))
    (found,) = client(odd).readable_scenes([7])
    assert (found.title, found.details) == ("a\ud800b\0", "\u2028")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-11T07:07:53Z", 1768115273.0),
        ("2026-01-11T08:07:53+01:00", 1768115273.0),
        ("2026-01-11T02:37:53.123456789-04:30", 1768115273.0),
    ],
)
def test_times_are_the_same_in_every_zone(serve: Serve, text: str, seconds: float) -> None:
    (found,) = client(serve(graphql({"s0": scene(7, updated_at=text)}))).readable_scenes([7])
    assert found.updated_at == seconds


# --- scenes by file


def files(*paths: str) -> list[dict[str, object]]:
    return [{"path": path, "size": 1, "fingerprints": []} for path in paths]


def test_scenes_are_found_by_the_names_of_their_files(serve: Serve) -> None:
    stored = [
        scene(1, files=files("/a/Clip One.mp4")),
        scene(2, files=files("/a/x.mp4", r"C:\b\clip one.MP4")),
        scene(3, files=files("/a/Clip One.mp4.bak", "/a/My Clip One.mp4")),
    ]
    odd = serve(graphql({"findScenes": {"count": len(stored), "scenes": stored}}))
    assert [s.id for s in client(odd).scenes_by_file(["Clip One.mp4"])] == [1, 2]
    assert json.loads(odd.asked[0].body)["variables"]["path"] == '"Clip One.mp4"'


def test_a_name_is_asked_for_in_both_unicode_forms(serve: Serve) -> None:
    stored = [scene(1, files=files("/a/e\u0301.mp4"))]
    odd = serve(graphql({"findScenes": {"count": 1, "scenes": stored}}))
    assert [s.id for s in client(odd).scenes_by_file(["\u00e9.mp4"])] == [1]
    asked = {json.loads(a.body)["variables"]["path"] for a in odd.asked}
    assert asked == {'"\u00e9.mp4"', '"e\u0301.mp4"'}


def test_many_scenes_of_a_name_come_in_pages(serve: Serve) -> None:
    def answer(asked: Asked) -> Answer:
        page = json.loads(asked.body)["variables"]["page"]
        numbers = range(page * 100 - 99, min(page * 100, 230) + 1)
        stored = [scene(n, files=files(f"/{n}/a.mp4")) for n in numbers]
        return graphql({"findScenes": {"count": len(stored), "scenes": stored}})

    odd = serve(answer)
    assert [s.id for s in client(odd).scenes_by_file(["a.mp4"])] == list(range(1, 231))
    assert len(odd.asked) == 3


@pytest.mark.parametrize("name", ["", " ", '"', '" "'])
def test_a_name_that_would_match_everything_is_not_asked_for(serve: Serve, name: str) -> None:
    odd = serve(graphql({"findScenes": {"count": 1, "scenes": [scene(1)]}}))
    assert client(odd).scenes_by_file([name]) == [] and odd.asked == []


@pytest.mark.parametrize("data", [{}, {"findScenes": None}, {"findScenes": {"scenes": None}}])
def test_a_search_of_another_shape_is_never_guessed_at(serve: Serve, data: object) -> None:
    with pytest.raises(StashDown):
        client(serve(graphql(data))).scenes_by_file(["a.mp4"])


# --- covers


def picture(body: bytes, kind: str, etag: str = "") -> Answer:
    return Answer(body, kind=kind, headers=[("ETag", etag)] if etag else [])


@pytest.mark.parametrize(
    ("body", "said", "kind"),
    [
        (JPEG, "image/jpeg", "image/jpeg"),
        (PNG, "image/png", "image/png"),
        (WEBP, "image/webp", "image/webp"),
        (b"GIF89a" + b"g" * 50, "image/gif", "image/gif"),
        (b"BM" + b"b" * 50, "image/bmp", "image/bmp"),
        (JPEG, "IMAGE/PNG; charset=binary", "image/jpeg"),
    ],
)
def test_a_raster_image_is_a_cover(serve: Serve, body: bytes, said: str, kind: str) -> None:
    odd = serve(picture(body, said, '"abc"'))
    found = client(odd).cover(7)
    assert isinstance(found, PictureData)
    assert (found.data, found.media_type, found.etag) == (body, kind, '"abc"')
    assert len(found.sha1) == 40
    assert (odd.asked[0].method, odd.asked[0].path) == ("GET", "/scene/7/screenshot")
    assert odd.asked[0].headers["Cookie"] == f"session={COOKIE}"


def test_an_unchanged_cover_is_not_sent_again(serve: Serve) -> None:
    odd = serve(lambda a: Answer(status=304 if a.headers.get("If-None-Match") == '"abc"' else 500))
    assert client(odd).cover(7, '"abc"') == PictureUnchanged()


@pytest.mark.parametrize("etag", ["", "a\r\nX: y", "ü", "\0"])
def test_an_etag_that_no_header_can_hold_is_not_sent(serve: Serve, etag: str) -> None:
    odd = serve(picture(JPEG, "image/jpeg"))
    client(odd).cover(7, etag)
    assert "If-None-Match" not in odd.asked[0].headers and "X" not in odd.asked[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        picture(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        picture(b'<?xml version="1.0"?><svg/>', "image/png"),
        picture(b"\xef\xbb\xbf <SVG/>", "text/xml"),
        picture(b"", "image/jpeg"),
        Answer(status=404),
    ],
    ids=["svg", "svg as png", "svg as xml", "empty", "404"],
)
def test_the_placeholder_is_no_cover_yet(serve: Serve, answer: Answer) -> None:
    assert client(serve(answer)).cover(7) == PictureMissing()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"just text", "image/jpeg"),
        (b"MZ\x90\0 a program", "image/png"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (JPEG, "application/octet-stream"),
        (b'{"a": 1}', "application/json"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
    ],
)
def test_what_is_no_raster_image_is_refused(serve: Serve, body: bytes, kind: str) -> None:
    found = client(serve(picture(body, kind))).cover(7)
    assert isinstance(found, PictureRefused) and "not an image" in found.reason


def test_a_cover_over_ten_megabytes_is_refused(serve: Serve) -> None:
    answers = iter([JPEG + b"x" * (MAX_PICTURE - len(JPEG)), JPEG + b"x" * MAX_PICTURE])
    odd = serve(lambda asked: picture(next(answers), "image/jpeg"))
    stash = client(odd)
    assert isinstance(stash.cover(7), PictureData)
    assert stash.cover(7) == PictureRefused("larger than 10 MB")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_wherever_it_leads(serve: Serve, status: int) -> None:
    other = serve(picture(JPEG, "image/jpeg"))
    places = [f"http://127.0.0.1:{other.port}/x.jpg", "file:///etc/passwd", "//169.254.169.254/"]
    for place in places:
        odd = serve(Answer(status=status, headers=[("Location", place)]))
        with pytest.raises(StashDown, match="redirect"):
            client(odd).cover(7)
        with pytest.raises(StashDown, match="redirect"):
            client(odd).scenes([7])
    assert other.asked == []


def test_the_way_to_the_login_page_means_that_the_session_ended(serve: Serve) -> None:
    odd = serve(Answer(status=302, headers=[("Location", "/login?returnURL=%2Fscene%2F7")]))
    with pytest.raises(StashAuthError):
        client(odd).cover(7)


def test_a_login_page_is_no_cover(serve: Serve) -> None:
    with pytest.raises(StashAuthError):
        client(serve(picture(LOGIN, "text/html; charset=utf-8"))).cover(7)
    with pytest.raises(StashAuthError):
        client(serve(picture(LOGIN, "image/jpeg"))).cover(7)
    with pytest.raises(StashDown):
        client(serve(picture(b"<html>Bad gateway</html>", "text/html"))).cover(7)


def test_a_scene_id_is_a_number(serve: Serve) -> None:
    odd = serve(picture(JPEG, "image/jpeg"))
    for crooked in ("7/../../x", "http://other/", "7?x"):
        with pytest.raises(ValueError):
            client(odd).cover(crooked)  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            client(odd).scenes([crooked])  # type: ignore[list-item]
    assert odd.asked == []


def test_covers_may_be_fetched_by_several_threads_at_once(serve: Serve) -> None:
    meeting = threading.Barrier(3, timeout=20)

    def answer(asked: Asked) -> Answer:
        meeting.wait()  # the test fails unless all three are requested at the same time
        return picture(JPEG + asked.path.encode(), "image/jpeg")

    stash = client(serve(answer), read_timeout=20.0, total=20.0)
    found: dict[int, object] = {}

    def fetch(number: int) -> None:
        cover = stash.cover(number)
        found[number] = isinstance(cover, PictureData) and cover.data[len(JPEG) :].decode()

    threads = [threading.Thread(target=fetch, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {n: f"/scene/{n}/screenshot" for n in (1, 2, 3)}


# --- trouble


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_means_that_stash_is_down(serve: Serve, status: int) -> None:
    odd = serve(Answer(b"oops", status))
    for ask in (client(odd).settings, lambda: client(odd).cover(7)):
        with pytest.raises(StashDown) as caught:
            ask()
        assert caught.value.status == status


def test_a_refused_session_is_its_own_error(serve: Serve) -> None:
    odd = serve(Answer(status=401))
    for ask in (client(odd).settings, lambda: client(odd).cover(7)):
        with pytest.raises(StashAuthError) as caught:
            ask()
        assert caught.value.status == 401 and COOKIE not in str(caught.value)


def test_nobody_there_means_that_stash_is_down(serve: Serve) -> None:
    odd = serve(settings())
    stash = client(odd)
    stash.settings()
    odd.stop()
    stash.close()
    with pytest.raises(StashDown) as caught:
        stash.settings()
    assert caught.value.cause == "refused" and COOKIE not in str(caught.value)


def test_silence_ends_with_the_deadline(serve: Serve) -> None:
    done = threading.Event()

    def answer(asked: Asked) -> Answer:
        done.wait(20)
        return settings()

    with pytest.raises(StashDown) as caught:
        client(serve(answer), read_timeout=0.2, total=0.4).settings()
    done.set()
    assert caught.value.cause == "timeout"


def test_an_answer_cut_short_means_that_stash_is_down(serve: Serve) -> None:
    said = graphql({"s0": scene(7)})
    said.lost = 20
    with pytest.raises(StashDown):
        client(serve(said)).scenes([7])
    cover = picture(JPEG, "image/jpeg")
    cover.lost = 20
    with pytest.raises(StashDown):
        client(serve(cover)).cover(7)


@pytest.mark.parametrize("host", ["::1", "::"])
def test_stash_on_ipv6_is_reached(serve: Serve, host: str) -> None:
    try:
        odd = serve(settings(), "::1")
    except OSError:
        pytest.skip("no IPv6 here")
    connection = parse_connection(block(Host=host, Port=odd.port))
    assert StashClient(connection).settings().plugin == {}


# --- staying signed in


def test_a_session_is_kept_alive_every_third_of_its_age_at_most_twenty_minutes(
    serve: Serve,
) -> None:
    for age, every in ((900, 300.0), (3600, 1200.0), (86400, 1200.0), (1, 1.0)):
        odd = serve(settings(age=age))
        stash = client(odd)
        stash.settings()
        assert stash.next_keep_alive(1000.0) == 1000.0 + every
        assert stash.next_keep_alive(1000.0 + every / 2) == 1000.0 + every
        assert stash.next_keep_alive(1000.0 + every) == 1000.0 + every
        stash.keep_alive(1000.0 + every)
        assert stash.next_keep_alive(1000.0 + every) == 1000.0 + 2 * every
        assert "systemStatus" in odd.asked[-1].query


def test_a_clock_set_back_makes_the_session_due_rather_than_forgotten(serve: Serve) -> None:
    stash = client(serve(settings()))
    assert stash.next_keep_alive(100_000.0) == 101_200.0
    assert stash.next_keep_alive(50.0) == 50.0


def test_what_cannot_expire_is_not_kept_alive(serve: Serve) -> None:
    with_key = client(serve(settings("key")))
    with_key.settings()
    for_ever = client(serve(settings(age=0)))
    for_ever.settings()
    without = StashClient(Connection("http", "127.0.0.1", 1))
    assert [c.next_keep_alive(0.0) for c in (with_key, for_ever, without)] == [None] * 3


def test_an_unknown_age_is_an_hour(serve: Serve) -> None:
    for age in (-5, None, "x"):
        stash = client(serve(settings(age=age)))  # type: ignore[arg-type]
        assert stash.settings().max_session_age == 3600


def test_keeping_alive_takes_the_new_session(serve: Serve) -> None:
    said = graphql({"systemStatus": {"status": "OK"}})
    said.headers = [("Set-Cookie", "session=fresh; Path=/")]
    odd = serve(said)
    stash = client(odd)
    stash.keep_alive(0.0)
    stash.keep_alive(1.0)
    assert odd.asked[1].headers["Cookie"] == "session=fresh"
    assert set(stash.secrets) == {"fresh", COOKIE}


def test_a_failed_keep_alive_waits_for_its_next_time(serve: Serve) -> None:
    stash = client(serve(Answer(status=503)))
    with pytest.raises(StashDown):
        stash.keep_alive(0.0)
    assert stash.next_keep_alive(1.0) == 1200.0


# --- against a whole Stash


class Hands:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


def reach(sim: StashSim, **timeouts: float) -> StashClient:
    made = StashClient(read_connection(sim.server_connection()), **timeouts)
    CLIENTS.add(made)
    return made


def queries(sim: StashSim) -> int:
    return sum(entry.path == "/graphql" for entry in sim.journal)


@pytest.fixture
def sim() -> Iterator[StashSim]:
    with StashSim(username="joe", password="secret") as running:
        yield running


def test_a_scene_comes_as_stash_has_it(sim: StashSim) -> None:
    ann, tag = sim.add_performer("Ann"), sim.add_tag("Tag")
    studio, group = sim.add_studio("Studio"), sim.add_group("Group")
    number = sim.add_scene(
        "Title 🎬",
        files=[("/data/a b.mp4", 10), ("/data/c.mkv", 6_000_000_000)],
        details="One\n\nTwo",
        date="2020-01-02",
        rating100=55,
        studio=studio,
        performers=[ann],
        tags=[tag],
        groups=[group],
        updated_at=1_700_000_000.0,
    )
    (found,) = reach(sim).readable_scenes([number])
    assert (found.title, found.details, found.date) == ("Title 🎬", "One\n\nTwo", "2020-01-02")
    assert (found.studio, found.groups) == (Entity(studio, "Studio"), (Group(group, "Group"),))
    assert (found.performers, found.tags) == ((Performer(ann, "Ann"),), (Entity(tag, "Tag"),))
    assert [(f.path, f.size) for f in found.files] == [
        ("/data/a b.mp4", 10),
        ("/data/c.mkv", 6_000_000_000),
    ]
    assert found.files[0].oshash == sim.scene(number).files[0].oshash
    assert (found.rating100, found.updated_at) == (55, 1_700_000_000.0)


def test_the_details_of_a_scene_come_only_when_they_are_asked_for(sim: StashSim) -> None:
    tall, kind = sim.add_tag("Tall"), sim.add_tag("Kind")
    ann, group = sim.add_performer("Ann"), sim.add_group("Group")
    more = {
        "gender": "NON_BINARY",
        "favorite": True,
        "alias_list": ["Annie", ""],
        "tag_ids": [tall],
    }
    sim.data.entity("performer", ann).more.update(more)
    number = sim.add_scene(
        performers=[ann],
        tags=[kind],
        groups=[(group, 3)],
        organized=True,
        urls=["https://example.org/1"],
        stash_ids=[{"stash_id": "a-b", "endpoint": "https://stashdb.example"}],
        galleries=[8, 5],
    )
    stash = reach(sim)
    for found in (
        stash.readable_scenes([number], WHOLE)[0],
        stash.scene_page(0, 10, WHOLE).scenes[0],
        stash.latest_scenes("updated_at", 1, 10, WHOLE).scenes[0],
    ):
        assert found.organized
        assert (found.urls, found.stash_ids) == (("https://example.org/1",), ("a-b",))
        assert found.galleries == (8, 5)
        assert found.groups == (Group(group, "Group", number=3),)
        assert (found.files[0].width, found.files[0].height) == (1920, 1080)
        expected = Performer(
            ann, "Ann", "", "non_binary", True, ("Annie",), (Entity(tall, "Tall"),)
        )
        assert found.performers == (expected,)
    bare = stash.readable_scenes([number])[0]
    assert not (bare.organized or bare.urls or bare.galleries or bare.files[0].width)
    assert bare.performers == (Performer(ann, "Ann"),)
    without = stash.readable_scenes([number], SceneParts(details=True))[0]
    assert without.organized and without.performers[0].tags == ()


def test_tags_and_studios_come_with_what_stands_above_them(sim: StashSim) -> None:
    genre = sim.add_tag("Genre")
    drama = sim.add_tag("Drama", parents=[genre])
    noir = sim.add_tag("Noir", parents=[drama])
    network = sim.add_studio("Network")
    label = sim.add_studio("Label", parent=network)
    sim.data.entity("tag", noir).more["aliases"] = ["Film noir"]
    stash = reach(sim)
    found = stash.hierarchy()
    assert found.tag_below("genre") == {drama, noir}
    assert found.tag_ancestors(noir) == {drama, genre}
    assert found.tags.named("FILM NOIR") == {noir}
    assert [node.name for node in found.studio_chain(label)] == ["Label", "Network"]
    asked = queries(sim)
    assert stash.hierarchy() is found and queries(sim) == asked
    sim.edit_entity("tag", drama, parent_ids=[])
    sim.edit_entity("tag", genre, child_ids=[noir])
    stash.forget_hierarchy()
    assert stash.hierarchy().tag_ancestors(noir) == {drama, genre}
    assert stash.hierarchy().tag_below("Genre") == {noir}


def test_more_tags_than_a_query_brings_are_all_read(sim: StashSim) -> None:
    numbers = [sim.add_tag(f"Tag {n}") for n in range(2001)]
    assert set(reach(sim).hierarchy().tags.nodes) == set(numbers)


def test_tags_of_another_shape_are_the_fault_of_stash(serve: Serve) -> None:
    with pytest.raises(StashDown, match="tags and studios.*nodes is null"):
        client(serve(graphql({"found": {"nodes": None}}))).hierarchy()


def test_a_batch_is_one_query_and_survives_unknown_scenes(sim: StashSim) -> None:
    known = [sim.add_scene(f"S{n}") for n in range(30)]
    found = reach(sim).scenes([*known, *range(900, 920)])
    assert queries(sim) == 1
    assert [n for n, s in found.items() if isinstance(s, Scene)] == known
    assert all(isinstance(found[n], SceneGone) for n in range(900, 920))


def test_settings_and_key_come_in_one_query(sim: StashSim) -> None:
    sim.set_plugin_settings({"plex_url": "http://plex:32400", "no_tags": True})
    found = reach(sim).settings()
    assert found.plugin == {"plex_url": "http://plex:32400", "no_tags": True}
    assert queries(sim) == 1


def test_scenes_are_found_by_file_name_whatever_is_in_it(sim: StashSim) -> None:
    names = ["100%_x.mp4", 'a "b" c.mp4', "two words.mp4", "É.mp4", "[x]*.mp4", "c:d'e.mp4"]
    numbers = [sim.add_scene(files=[(f"/data/{n}/{name}", 1)]) for n, name in enumerate(names)]
    sim.add_scene(files=[("/data/100 and a x.mp4", 1), ("/data/words.mp4", 1)])
    stash = reach(sim)
    assert [s.id for s in stash.scenes_by_file(names)] == numbers
    for name, number in zip(names, numbers, strict=True):
        assert [s.id for s in stash.scenes_by_file([name])] == [number]
    assert stash.scenes_by_file(["nothing.mp4"]) == []


def test_the_cover_of_a_scene_is_fetched_once_and_then_only_when_it_changed(sim: StashSim) -> None:
    number = sim.add_scene(cover=JPEG)
    stash = reach(sim)
    first = stash.cover(number)
    assert isinstance(first, PictureData) and first.data == JPEG and first.etag
    assert stash.cover(number, first.etag) == PictureUnchanged()
    sim.scene(number).cover = PNG
    second = stash.cover(number, first.etag)
    assert isinstance(second, PictureData) and second.media_type == "image/png"


def test_no_cover_and_no_scene_are_no_cover(sim: StashSim) -> None:
    stash = reach(sim)
    assert stash.cover(sim.add_scene()) == PictureMissing()
    assert stash.cover(999) == PictureMissing()


def test_an_expired_session_is_told_apart_from_a_stash_that_is_down(sim: StashSim) -> None:
    number = sim.add_scene(cover=JPEG)
    stash = reach(sim)
    sim.expire_sessions()
    with pytest.raises(StashAuthError):
        stash.scenes([number])
    with pytest.raises(StashAuthError):
        stash.cover(number)
    assert reach(sim).readable_scenes([number])


def test_a_session_lives_as_long_as_it_is_kept_alive() -> None:
    clock = Hands()
    with StashSim(username="joe", password="secret", clock=clock, max_session_age=3600) as sim:
        kept, forgotten = reach(sim), reach(sim)
        kept.settings()
        for _ in range(20):
            due = kept.next_keep_alive(clock.time)
            assert due is not None
            clock.time = due
            kept.keep_alive(clock.time)
        assert isinstance(kept.scenes([1])[1], SceneGone)
        with pytest.raises(StashAuthError):
            forgotten.scenes([1])


def test_an_api_key_outlives_every_session() -> None:
    with StashSim(username="joe", password="secret", api_key="the-key") as sim:
        stash = reach(sim)
        stash.settings()
        sim.expire_sessions()
        number = sim.add_scene(cover=JPEG)
        assert stash.readable_scenes([number])
        assert isinstance(stash.cover(number), PictureData)
        assert stash.next_keep_alive(0.0) is None
        assert [entry.by for entry in sim.journal] == ["cookie", "key", "key"]


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_stash_is_reached_wherever_it_listens(host: str, tls: bool) -> None:
    try:
        sim = StashSim(host=host, tls=tls, username="joe", password="secret")
        sim.start()
    except OSError:
        pytest.skip(f"no {host} here")
    try:
        number = sim.add_scene("T", cover=JPEG)
        stash = reach(sim)
        assert stash.readable_scenes([number])
        assert isinstance(stash.cover(number), PictureData)
    finally:
        sim.stop()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "html"},
        {"kind": "empty"},
        {"kind": "cut"},
        {"kind": "reset"},
        {"kind": "hang"},
        {"kind": "drip"},
        {"kind": "graphql_errors"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_sick_stash_is_down_until_it_is_well(sim: StashSim, fault: dict[str, Any]) -> None:
    number = sim.add_scene("T")
    stash = reach(sim, read_timeout=0.5, total=0.7)
    sick = sim.add_fault(**fault)
    with pytest.raises(StashDown):
        stash.scenes([number])
    sick.remove()
    until(lambda: well(stash, number))


def well(stash: StashClient, number: int) -> bool:
    """Whether Stash returns a scene in time; on a busy machine even a healthy one may not."""
    try:
        return bool(stash.readable_scenes([number]))
    except StashDown:
        return False


def test_stash_may_be_restarted_meanwhile(sim: StashSim) -> None:
    number = sim.add_scene("T")
    stash = reach(sim)
    assert stash.readable_scenes([number])
    sim.stop()
    with pytest.raises(StashDown) as caught:
        stash.scenes([number])
    assert caught.value.cause in ("refused", "reset")
    sim.start()
    assert stash.readable_scenes([number])


def test_nothing_secret_stands_in_an_address_or_an_error(sim: StashSim) -> None:
    with StashSim(username="joe", password="secret", api_key="KEY-KEY-KEY") as keyed:
        stash = reach(keyed)
        number = keyed.add_scene(cover=JPEG)
        stash.settings()
        stash.scenes([number])
        stash.cover(number)
        secrets = {"KEY-KEY-KEY", *stash.secrets}
        assert not any(s in entry.path + entry.query for s in secrets for entry in keyed.journal)
        keyed.stop()
        with pytest.raises(StashDown) as caught:
            stash.cover(number)
        assert not any(s in repr(caught.value) + repr(stash) for s in secrets)
