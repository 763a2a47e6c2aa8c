"""The head of an answer means what http.client, which reads it by `email`, takes it to mean."""

from __future__ import annotations

import io
import random
from http.client import HTTPException, HTTPResponse

import pytest

from plexsync.edges.http.response import Response

STATUS_LINES = (
    "HTTP/1.1 200 OK",
    "HTTP/1.0 200 OK",
    "HTTP/0.9 200",
    "HTTP/1.1 103 Early Hints",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 Not Modified",
    "HTTP/1.1 404 Not  Found ",
    "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Created",
    "HTTP/2.0 200 OK",
    "HTTP/1.1 20 OK",
    "HTTPS/1.1 200 OK",
    "",
)
FIELDS = (
    "Content-Length: 11",
    "content-length:7",
    "Content-Length: -3",
    "Content-Length: many",
    f"Content-Length: {'9' * 5000}",
    "Content-Length:",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "TRANSFER-ENCODING:Chunked",
    "Connection: close",
    "Connection: Keep-Alive",
    "Keep-Alive: timeout=20",
    "X-Plex-Protocol: 1.0",
    "Set-Cookie: session=a:b; Path=/",
    "Set-Cookie: other=1",
    "X-Name: J\u00fcrgen \x80",
    "X-Empty:",
    "X-Spaces: \t a  b \t",
)


class Canned:
    """A socket that has this to say."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._words)


def heads(count: int) -> list[tuple[str, bytes]]:
    rng = random.Random(3)
    found = []
    for number in range(count):
        fields = rng.sample(FIELDS, rng.randrange(7))
        lines = [STATUS_LINES[number % len(STATUS_LINES)], *fields, "", "the body, and more"]
        method = rng.choice(("GET", "GET", "PUT", "HEAD"))
        found.append((method, "\r\n".join(lines).encode("latin-1")))
    return found


def understood(kind: type[HTTPResponse], method: str, words: bytes) -> object:
    response = kind(Canned(words), method=method)
    try:
        response.begin()
        framing = response.length, response.chunked, response.will_close, response.isclosed()
        body = b"" if response.chunked else response.read()
    except HTTPException as problem:
        return type(problem)
    finally:
        response.close()
    fields = [(name, value.strip()) for name, value in response.headers.items()]
    return (response.status, response.reason, response.version), framing, fields, body


def test_heads_of_all_kinds_mean_the_same() -> None:
    seen = set()
    for method, words in heads(3000):
        expected = understood(HTTPResponse, method, words)
        assert understood(Response, method, words) == expected, words
        seen.add(expected[1] if isinstance(expected, tuple) else expected)
    assert len(seen) > 12  # kinds of framing and of refusals


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 65536 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 100 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 65536 + b"\r\n\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused_as_ever(words: bytes) -> None:
    refusal = understood(HTTPResponse, "GET", words)
    assert understood(Response, "GET", words) == refusal
    assert isinstance(refusal, type)


def test_as_many_fields_as_ever_are_read() -> None:
    words = b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 98 + b"Content-Length: 0\r\n\r\n"
    assert understood(Response, "GET", words) == understood(HTTPResponse, "GET", words)


def test_a_line_that_begins_with_a_space_continues_its_field() -> None:
    words = b"HTTP/1.1 200 OK\r\n lost\r\nX-Folded: one\r\n\ttwo: 2\r\n  three\r\nX-Next: 4\r\n\r\n"
    response = Response(Canned(words))
    response.begin()
    assert response.headers.items() == [("X-Folded", "one two: 2 three"), ("X-Next", "4")]


def test_an_odd_line_hides_no_field_after_it() -> None:
    words = b"HTTP/1.1 200 OK\nsaid by a broken proxy\nX Odd: 1\nContent-Length : 2\n\nokay"
    response = Response(Canned(words))
    response.begin()
    assert response.headers.items() == [("X Odd", "1"), ("Content-Length", "2")]
    assert response.read() == b"ok"
