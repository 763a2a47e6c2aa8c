"""The transport, tested with small servers that misbehave."""

from __future__ import annotations

import contextlib
import datetime
import gc
import gzip
import re
import socket
import threading
import time
import traceback
import tracemalloc
import weakref

import pytest

from plexsync.edges.http.certificates import ANYBODY
from plexsync.edges.http.transport import Session, TransportError
from tests import certificates
from tests.listening import Listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class TinyServer:
    """Runs `script(connection, request_bytes)` for every request on real sockets."""

    def __init__(self, script, *, host="127.0.0.1", tls=None, before=lambda connection: None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.script, self.tls, self.before = script, tls, before
        self.connections, self.requests = 0, []
        self.open: list[socket.socket] = []
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind((host, 0))
        listener.listen(16)
        self.listening = Listening(listener, self._serve)
        self.port = self.listening.port
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            self.before(connection)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.connections += 1
            self.open.append(connection)
            with connection:
                while request := self._request(connection):
                    self.requests.append(request)
                    if self.script(connection, request) == "close":
                        return

    def _request(self, connection):
        seen = b""
        while b"\r\n\r\n" not in seen:
            data = connection.recv(65536)
            if not data:
                return b""
            seen += data
        head, _, body = seen.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self):
        self.listening.close()
        for connection in self.open:  # each is closed by the thread that reads from it
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


@pytest.fixture
def serve():
    servers = []

    def start(script, **options):
        servers.append(TinyServer(script, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def session():
    with contextlib.closing(Session(1.0, 5.0, 5.0)) as made:
        yield made


def answer(data):
    return lambda connection, _: connection.sendall(data)


def drip(server_over, data, first=b""):
    """Send `first` at once and then a byte each 50 ms, until the client closes."""

    def script(connection, _):
        connection.sendall(first)
        for byte in iter(lambda: data, None):
            if server_over.wait(0.05):
                return
            connection.sendall(byte)

    return script


def cause_of(session, url, **options):
    with pytest.raises(TransportError) as caught:
        session.request("GET", url, **options)
    return caught.value.cause


# --- an ordinary exchange --------------------------------------------------------------------


def test_an_answer_of_any_status_comes_back_as_it_is(serve, session):
    server = serve(answer(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nwait!"))
    reply = session.request("GET", server.url + "/a", params={"q": "ä b"}, headers={"X-A": "1"})
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (503, b"wait!", "7")
    assert server.requests[0].startswith(b"GET /a?q=%C3%A4+b HTTP/1.1\r\n")
    assert b"X-A: 1\r\n" in server.requests[0]
    assert (session.requests, session.received) == (1, 5)
    assert reply.seconds >= 0


def test_json_and_bytes_travel_in_the_body(serve, session):
    server = serve(answer(OK))
    session.request("POST", server.url, json={"a": 1})
    session.request("POST", server.url, data=b"\x00\xff")
    assert server.requests[0].endswith(b'{"a":1}')
    assert server.requests[1].endswith(b"\x00\xff")


def test_what_is_not_json_is_not_sent(serve, session):
    server = serve(answer(OK))
    with pytest.raises(TransportError):
        session.request("POST", server.url, json={"a": float("nan")})
    assert server.requests == []


def test_a_redirect_is_an_answer_and_is_not_followed(serve, session):
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    server = serve(answer(head))
    reply = session.request("GET", server.url)
    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (b"https://plex.example:443/login?next=secret#x", "https://plex.example:443/login"),
        (b"https://user:secret@other.example/a", "https://other.example/a"),
        (b"/web/index.html?X-Plex-Token=secret", "{url}/web/index.html"),
        (b"//other.example/a", "http://other.example/a"),
        (b"http://[::1/secret", "an address that cannot be read"),
        (b"http://h/" + b"a" * 500, "http://h/" + "a" * 188 + "..."),
        (b"", ""),
    ],
)
def test_a_redirect_says_where_it_points_without_secrets(serve, session, location, shown):
    head = b"HTTP/1.1 301 Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    server = serve(answer(head))
    reply = session.request("GET", server.url + "/library?a=b")
    assert reply.redirect == shown.format(url=server.url)


def test_only_a_redirect_points_anywhere(serve, session):
    server = serve(answer(b"HTTP/1.1 201 Made\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"))
    assert session.request("POST", server.url).redirect == ""


def test_nothing_is_asked_of_the_place_that_a_redirect_points_to(serve, session):
    elsewhere = serve(answer(OK))
    for status in (b"301", b"302", b"303", b"307", b"308"):
        head = b"HTTP/1.1 " + status + b" Go\r\nLocation: " + elsewhere.url.encode()
        server = serve(answer(head + b"/identity\r\nContent-Length: 0\r\n\r\n"))
        for method in ("GET", "PUT", "POST", "DELETE"):
            reply = session.request(method, server.url, headers={"X-Plex-Token": "secret"})
            assert reply.redirect == elsewhere.url + "/identity"
    assert elsewhere.connections == 0


def test_a_body_leaves_nothing_behind_for_the_next_request(serve, session):
    here = serve(answer(OK))
    session.request("POST", here.url, json={"a": 1})
    session.request("POST", here.url, data=b"picture")
    session.request("POST", here.url)
    sent = [
        (
            re.search(rb"Content-Length: (\d+)", request)[1],
            b"Content-Type: application/json" in request,
        )
        for request in here.requests
    ]
    assert sent == [(b"7", True), (b"7", False), (b"0", False)]


def test_each_request_has_its_own_method_path_query_headers_and_body(serve, session):
    here, there = serve(answer(OK)), serve(answer(OK))
    for query in ("?a=1", "?a=2", ""):
        session.request("PUT", f"{here.url}/x{query}", headers={"Key": "one"})
    session.request("PUT", f"{here.url}/x", headers={"Key": "two"})
    session.request("DELETE", f"{here.url}/x", headers={"Key": "two"})
    session.request("PUT", f"{here.url}/x", headers={"Key": "two"}, data=b"body")
    session.request("PUT", f"{here.url}/x", headers={"Key": "two"}, params={"a": "3"})
    session.request("PUT", f"{here.url}/x", headers={"Key": "two"})
    session.request("PUT", f"{there.url}/x", headers={"Key": "two"})
    session.close()
    session.request("PUT", f"{there.url}/x", headers={"Key": "two"})
    sent = [
        (
            bytes(re.split(rb" HTTP", request)[0]),
            re.search(rb"Key: (\w+)", request)[1],
            request[-4:],
        )
        for request in here.requests + there.requests
    ]
    end = b"\r\n\r\n"
    assert sent == [
        (b"PUT /x?a=1", b"one", end),
        (b"PUT /x?a=2", b"one", end),
        (b"PUT /x", b"one", end),
        (b"PUT /x", b"two", end),
        (b"DELETE /x", b"two", end),
        (b"PUT /x", b"two", b"body"),
        (b"PUT /x?a=3", b"two", end),
        (b"PUT /x", b"two", end),
        (b"PUT /x", b"two", end),
        (b"PUT /x", b"two", end),
    ]


def test_cookies_of_an_answer_are_shown_but_not_kept(serve, session):
    server = serve(
        answer(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=abc; Path=/\r\nContent-Length: 0\r\n\r\n")
    )
    assert "session=abc" in session.request("GET", server.url).headers["Set-Cookie"]
    session.request("GET", server.url)
    assert b"abc" not in server.requests[1]


def test_proxies_of_the_environment_are_not_asked(serve, session, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert session.request("GET", serve(answer(OK)).url).body == b"ok"


def test_ipv6_addresses_work(serve, session):
    try:
        server = serve(answer(OK), host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    assert session.request("GET", server.url).body == b"ok"
    server.close()
    with pytest.raises(TransportError, match=r"\[::1\]:"):
        Session(1.0, 1.0, 1.0).request("GET", server.url)


# --- the connection --------------------------------------------------------------------------


def test_one_connection_serves_many_requests(serve):
    server, session = serve(answer(OK)), Session()
    for _ in range(5):
        session.request("GET", server.url)
    assert (server.connections, session.opened) == (1, 1)
    session.close()


def test_a_session_that_nobody_closed_ends_its_connection_when_it_is_forgotten(serve):
    server, session = serve(answer(OK)), Session()
    session.request("GET", server.url)
    ours = weakref.ref(session)
    del session
    gc.collect()
    assert ours() is None
    until = time.monotonic() + 10
    while server.open[0].fileno() >= 0 and time.monotonic() < until:
        time.sleep(0.01)
    assert server.open[0].fileno() == -1, "the server was not told"


def test_a_connection_idle_for_20_seconds_is_not_used_again(serve):
    server, now = serve(answer(OK)), [100.0]
    session = Session(monotonic=lambda: now[0])
    session.request("GET", server.url)
    now[0] += 10
    session.request("GET", server.url)
    assert session.opened == 1
    assert session.connected
    now[0] += 20
    assert not session.connected
    session.request("GET", server.url)
    assert session.opened == server.connections == 2
    session.close()


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(serve, session):
    server = serve(answer(OK))
    session.request("GET", server.url)
    assert session.connected
    server.open[0].shutdown(socket.SHUT_RDWR)
    until = time.monotonic() + 5
    while session.connected and time.monotonic() < until:
        time.sleep(0.01)
    assert not session.connected
    assert session.request("GET", server.url).body == b"ok"
    assert session.opened == 2


def test_threads_take_turns_on_the_one_connection(serve, session):
    server, bodies = serve(answer(OK)), []
    ask = [
        threading.Thread(target=lambda: bodies.append(session.request("GET", server.url).body))
        for _ in range(8)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert bodies == [b"ok"] * 8
    assert server.connections == 1


def test_a_closed_session_can_be_used_again(serve, session):
    server = serve(answer(OK))
    session.request("GET", server.url)
    session.close()
    assert session.request("GET", server.url).body == b"ok"


# --- the deadline ----------------------------------------------------------------------------


@pytest.fixture
def deaf(serve, monkeypatch):
    """As on Windows: a reader does not notice that another thread shuts its socket down."""
    monkeypatch.setattr(socket.socket, "shutdown", lambda *_: None)


@pytest.mark.usefixtures("deaf")
def test_a_server_that_hangs_is_cut(serve):
    server = serve(lambda *_: None)
    assert cause_of(Session(1.0, 60.0, 0.3), server.url) == "timeout"


def test_the_read_timeout_cuts_before_the_deadline(serve):
    server = serve(lambda *_: None)
    assert cause_of(Session(1.0, 0.2, 60.0), server.url) == "timeout"


@pytest.mark.parametrize(
    ("first", "data"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"a"),
    ],
    ids=["status", "a header", "headers", "body", "chunks", "body to the end"],
)
@pytest.mark.usefixtures("deaf")
def test_a_dripping_server_is_cut_by_the_total_deadline(serve, first, data):
    over = threading.Event()
    server = serve(drip(over, data, first))
    try:
        assert cause_of(Session(1.0, 60.0, 0.4), server.url) == "timeout"
    finally:
        over.set()


@pytest.mark.usefixtures("deaf")
def test_a_dripping_server_is_cut_through_tls_too(serve, certificate):
    over = threading.Event()
    server = serve(drip(over, b"a", b"HTTP/1.1 200 OK\r\n\r\n"), tls=certificate)
    try:
        assert cause_of(Session(1.0, 60.0, 0.5, trust=ANYBODY), server.url) == "timeout"
    finally:
        over.set()


@pytest.mark.usefixtures("deaf")
def test_a_server_that_takes_no_more_is_cut(serve):
    """A server whose buffers are full, and which does not read before the test ends."""
    over = threading.Event()
    server = serve(lambda *_: None, before=lambda connection: over.wait())
    try:
        with pytest.raises(TransportError) as caught:
            Session(1.0, 600.0, 0.3).request("POST", server.url, data=bytes(50_000_000))
        assert caught.value.cause == "timeout"
    finally:
        over.set()


@pytest.mark.usefixtures("deaf")
def test_a_server_that_never_shakes_hands_is_cut(serve):
    over = threading.Event()
    server = serve(lambda *_: None, before=lambda connection: over.wait())
    secure = server.url.replace("http:", "https:")
    try:
        assert cause_of(Session(600.0, 600.0, 0.3), secure) == "timeout"
        assert cause_of(Session(0.3, 600.0, 600.0), secure) == "timeout"
    finally:
        over.set()


def test_a_request_can_have_a_shorter_deadline_than_its_session(serve):
    server = serve(lambda *_: None)
    assert cause_of(Session(1.0, 60.0, 60.0), server.url, total=0.2) == "timeout"


def test_a_deadline_that_passed_does_not_disturb_the_next_request(serve):
    def script(connection, request):
        if b"/slow" not in request:
            connection.sendall(OK)

    server = serve(script)
    session = Session(1.0, 60.0, 0.3)
    for _ in range(3):
        assert cause_of(session, server.url + "/slow") == "timeout"
        assert session.request("GET", server.url + "/fast", total=30.0).body == b"ok"
    session.close()


def test_a_connect_that_nobody_answers_is_given_up(serve):
    """A full listen queue: the kernel silently drops further connection requests."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    port, fillers = full.getsockname()[1], []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    assert cause_of(Session(0.3, 5.0, 5.0), f"http://127.0.0.1:{port}") == "timeout"
    assert cause_of(Session(30.0, 30.0, 0.3), f"http://127.0.0.1:{port}") == "timeout"
    for used in [full, *fillers]:
        used.close()


# --- size and shape of the body --------------------------------------------------------------


def endless(connection, _, status=b"HTTP/1.1 200 OK\r\n"):
    connection.sendall(status + b"Transfer-Encoding: chunked\r\n\r\n")
    block = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in range(300):
        connection.sendall(block)
    connection.sendall(b"0\r\n\r\n")


GZIP_BOMB = gzip.compress(bytes(100 * 1024 * 1024), 1)


def gzipped(connection, _):
    size = len(GZIP_BOMB)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + GZIP_BOMB)


def redirected(connection, request):
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n")
    endless(connection, request, b"")


@pytest.mark.parametrize("script", [endless, gzipped, redirected])
def test_a_body_of_hundreds_of_mb_is_refused_without_filling_memory(serve, script):
    server = serve(script)
    session = Session(max_body=4_000_000)
    tracemalloc.start()
    try:
        cause = cause_of(session, server.url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert cause == "too large"
    assert peak < 30_000_000
    assert session.received < 6_000_000


def test_an_announced_size_over_the_limit_is_refused_unread(serve, session):
    server = serve(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\nabc"))
    assert cause_of(session, server.url, max_body=1000) == "too large"
    assert session.received == 0


def test_a_body_as_large_as_the_limit_is_fine(serve, session):
    server = serve(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"))
    assert session.request("GET", server.url, max_body=5).body == b"abcde"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
    ids=["cut", "cut chunk", "bad chunk", "bad gzip"],
)
def test_a_body_that_is_cut_or_garbled_is_named_so(serve, session, data):
    server = serve(lambda connection, _: (connection.sendall(data), "close")[1])
    assert cause_of(session, server.url) == "body"


# --- no answer -------------------------------------------------------------------------------


def test_nobody_listening_is_refused(serve, session):
    server = serve(answer(OK))
    server.close()
    assert cause_of(session, server.url) == "refused"


def test_an_unknown_name_is_a_dns_failure(session):
    assert cause_of(session, "http://plexsync.invalid:32400/") == "dns"
    assert cause_of(session, f"http://{'a' * 70}.example/") in {"dns", "url"}


@pytest.mark.parametrize("data", [b"", b"not http at all\r\n\r\n"])
def test_a_connection_closed_before_the_answer_is_a_reset(serve, session, data):
    server = serve(lambda connection, _: (connection.sendall(data), "close")[1])
    assert cause_of(session, server.url) == "reset"


def test_a_tcp_reset_before_the_answer_is_a_reset(serve, session):
    def script(connection, _):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        return "close"

    assert cause_of(session, serve(script).url) == "reset"


@pytest.mark.parametrize(
    "url",
    ["nonsense", "ftp://h/x", "http://", "http://h:99999/", "http://[::1", "http://h\ud800/"],
)
def test_what_is_no_address_is_named_so(session, url):
    assert cause_of(session, url) in {"url", "dns"}


def test_a_header_that_cannot_be_sent_is_named_so(serve, session):
    server = serve(answer(OK))
    assert cause_of(session, server.url, headers={"X-Plex-Token": "a\r\nb"}) == "url"
    assert cause_of(session, server.url, headers={"X-Plex-Token": "a\u20ac"}) == "url"
    assert session.request("GET", server.url).body == b"ok"


# --- TLS -------------------------------------------------------------------------------------


@pytest.fixture
def certificate():
    return certificates.server("self_signed")


@pytest.mark.filterwarnings("error")
def test_a_self_signed_certificate_is_accepted_without_a_warning_when_told_so(serve, certificate):
    server = serve(answer(OK), tls=certificate)
    session = Session(trust=ANYBODY)
    assert session.request("GET", server.url).body == b"ok"
    assert session.request("GET", server.url).body == b"ok"
    assert server.connections == 1
    session.close()


def test_https_to_a_plain_server_is_a_tls_failure(serve, session):
    plain = socket.create_server(("127.0.0.1", 0))

    def serve_plain():
        connection, _ = plain.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=serve_plain, daemon=True).start()
    with plain:
        with pytest.raises(TransportError, match="does not speak TLS") as caught:
            session.request("GET", f"https://127.0.0.1:{plain.getsockname()[1]}")
        assert caught.value.cause == "tls"


# --- secrets ---------------------------------------------------------------------------------


def test_no_failure_tells_credentials_query_or_headers(serve):
    def cut(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        return "close"

    hang, gone = serve(lambda *_: None), serve(answer(OK))
    broken, reset = serve(cut), serve(lambda *_: "close")
    gone.close()
    secret = f"s3cret-{datetime.date.today():%j}"
    texts = []
    for url in [hang.url, gone.url, broken.url, reset.url, "http://plexsync.invalid", "http://:x"]:
        url = url.replace("//", f"//user:{secret}@") + f"/path?X-Plex-Token={secret}"
        headers = {"X-Plex-Token": secret}
        for bad in ({}, {"X-Other": f"{secret}\r\n"}, {"X-Other": f"{secret}\u20ac"}):
            try:
                session = Session(1.0, 1.0, 0.3, detect_tls=True)
                session.request("GET", url, headers=headers | bad)
            except TransportError:
                texts.append(traceback.format_exc())
    assert len(texts) == 18
    for text in texts:
        assert secret not in text
