"""Which certificates are trusted, tested with real TLS listeners."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from contextlib import suppress

import pytest

from plexsync.edges.http.certificates import PUBLIC, Trust
from plexsync.edges.http.transport import TLS, Session, TransportError
from tests import certificates
from tests.certificates import HASH
from tests.listening import Listening

CA = Trust(certificates.path("ca"))
DASHED = f"127-0-0-1.{HASH}.plex.direct"


class Listener:
    """Answers each request with `reply` over TLS; plain http it answers with `plain`.

    `http` records plain requests, `https` those over TLS, `handshakes` the number of handshakes.
    """

    def __init__(self, certificate: str, plain: bytes = b"") -> None:
        self.context, self.plain = certificates.server(certificate), plain
        self.http: list[bytes] = []
        self.https: list[bytes] = []
        self.handshakes = 0
        self._listening = Listening(socket.create_server(("127.0.0.1", 0)), self._serve_and_close)
        self.port = self._listening.port
        self.close = self._listening.close

    def _serve_and_close(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            self.http.append(connection.recv(65536))
            connection.sendall(self.plain)
            return
        with self.context.wrap_socket(connection, server_side=True) as secure:
            self.handshakes += 1
            request = secure.recv(65536)
            if request:
                self.https.append(request)
                secure.sendall(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
                )


@pytest.fixture
def listen():
    made = []

    def start(certificate, **options):
        made.append(Listener(certificate, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def ask(listener, trust, host="127.0.0.1", scheme="https"):
    session = Session(5.0, 5.0, 5.0, trust=trust, detect_tls=True)
    try:
        return session.request(
            "GET", f"{scheme}://{host}:{listener.port}/", headers={"X-Plex-Token": "s3cret"}
        )
    finally:
        session.close()


def refused(listener, trust, host="127.0.0.1", scheme="https"):
    with pytest.raises(TransportError) as caught:
        ask(listener, trust, host, scheme)
    assert caught.value.cause in TLS
    assert b"s3cret" not in b"".join(listener.https)
    return caught.value.cause, str(caught.value)


# --- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "host"),
    [("by_address", "127.0.0.1"), ("by_address", "localhost"), ("plex_direct", "127.0.0.1")],
)
def test_a_good_chain_with_the_right_name_is_accepted(listen, certificate, host):
    listener = listen(certificate)
    assert ask(listener, CA, host).body == b"ok"
    assert listener.handshakes == 1


def test_plex_s_own_certificate_is_not_for_any_other_name(listen):
    listener = listen("plex_direct")
    cause, text = refused(listener, CA, "localhost")
    assert cause == "certificate name"
    assert text == (
        f"the certificate of localhost:{listener.port} is for *.{HASH}.plex.direct, not for "
        f"localhost; enter the address https://{DASHED}:{listener.port}"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_another_name_is_refused_and_says_which_it_has(listen, host):
    listener = listen("other_name")
    cause, text = refused(listener, CA, host)
    assert cause == "certificate name"
    assert "is for plex.example, www.plex.example, a.example and 1 more, not for " + host in text
    assert "Plex certificate" in text


@pytest.mark.parametrize(
    ("names", "host", "fits"),
    [
        (("*." + HASH + ".plex.direct",), "192.168.1.5", True),
        (("*." + HASH + ".plex.direct",), "fd00::5", True),
        (("*." + HASH + ".plex.direct",), f"192-168-1-5.{HASH}.plex.direct", True),
        (("*." + HASH + ".plex.direct",), f"a.b.{HASH}.plex.direct", False),
        (("*." + HASH + ".plex.direct",), "plex.lan", False),
        (("*." + HASH[:-1] + ".plex.direct",), "192.168.1.5", False),
        (("*.plex.direct",), "192.168.1.5", False),
        (("*." + HASH + ".plex.direct.example",), "192.168.1.5", False),
        (("x.*." + HASH + ".plex.direct",), "192.168.1.5", False),
        (("plex.lan",), "192.168.1.5", False),
        ((), "192.168.1.5", False),
    ],
)
def test_an_address_in_numbers_is_right_for_the_wildcard_of_plex_alone(names, host, fits):
    shown = {"subject": (), "subjectAltName": tuple(("DNS", name) for name in names)}
    assert PUBLIC.fits(shown, host) is fits


# --- issuers -------------------------------------------------------------------------------


def test_an_unknown_issuer_is_refused_with_the_way_out(listen):
    cause, text = refused(listen("by_address"), PUBLIC)
    assert cause == "certificate chain"
    assert "this machine does not trust the issuer" in text
    assert 'name that file as "Plex certificate" in the view Settings' in text


def test_a_self_signed_certificate_is_refused_until_it_is_pinned(listen):
    listener = listen("self_signed")
    cause, text = refused(listener, PUBLIC)
    assert cause == "certificate chain" and "is self-signed" in text
    assert '"Plex certificate"' in text
    assert ask(listener, Trust(certificates.path("self_signed"))).body == b"ok"


@pytest.mark.parametrize("certificate", ["other_name", "by_address", "expired"])
def test_a_pinned_certificate_is_trusted_for_what_it_is(listen, certificate):
    """An accepted certificate is trusted whatever its name, issuer or age."""
    assert ask(listen(certificate), Trust(certificates.path(certificate))).body == b"ok"


def test_another_certificate_than_the_pinned_one_is_refused(listen):
    pin = Trust(certificates.path("self_signed"))
    for certificate in ("by_address", "plex_direct", "expired", "other_name"):
        cause, text = refused(listen(certificate), pin)
        assert cause.startswith("certificate")
    cause, text = refused(listen("self_signed"), Trust(certificates.path("other_ca")))
    assert cause == "certificate chain"
    assert f"it is not the one in {certificates.path('other_ca')}" in text


def test_a_file_may_hold_several_certificates(listen, tmp_path):
    bundle = tmp_path / "bundle.pem"
    for name in ("other_ca", "self_signed", "ca"):
        with open(certificates.path(name)) as part, bundle.open("a") as whole:
            whole.write(part.read())
    for certificate in ("by_address", "self_signed"):
        assert ask(listen(certificate), Trust(str(bundle))).body == b"ok"


def test_an_expired_certificate_says_so(listen):
    cause, text = refused(listen("expired"), CA)
    assert cause == "certificate date"
    assert "has expired; renew it, or correct this machine's date" in text


def test_with_ignore_everything_is_accepted(listen):
    for certificate in ("self_signed", "expired", "other_name", "plex_direct"):
        assert ask(listen(certificate), Trust("ignore")).body == b"ok"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_issuers_of_the_environment_are_honoured(listen, variable):
    environ = {variable: certificates.path("ca")}
    assert ask(listen("by_address"), Trust("", environ)).body == b"ok"
    assert ask(listen("plex_direct"), Trust("", environ)).body == b"ok"


@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"])
def test_a_folder_of_issuers_is_honoured(listen, tmp_path, variable):
    shutil.copy(certificates.path("ca"), tmp_path / f"{certificates.CA_NAME_HASH}.0")
    environ = {variable: os.fspath(tmp_path)}
    assert ask(listen("by_address"), Trust("", environ)).body == b"ok"


def test_a_variable_that_names_nothing_is_told_of_where_it_matters(listen):
    broken = {"SSL_CERT_FILE": "/nowhere/ca.pem", "SSL_CERT_DIR": "", "OTHER": "x"}
    _, text = refused(listen("by_address"), Trust("", broken))
    assert text.endswith("SSL_CERT_FILE names /nowhere/ca.pem, which cannot be read")
    good = broken | {"REQUESTS_CA_BUNDLE": certificates.path("ca")}
    assert ask(listen("by_address"), Trust("", good)).body == b"ok"


def test_a_named_file_alone_counts(listen):
    environ = {"SSL_CERT_FILE": certificates.path("ca")}
    refused(listen("by_address"), Trust(certificates.path("other_ca"), environ))


# --- the file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be used ("),
        (b"", "holds no certificate in PEM form"),
        (b"\x30\x82\x01\x0a\x02", "holds no certificate in PEM form"),
        (b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "(damaged)"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(listen, tmp_path, content, said):
    file = tmp_path / "mine.pem"
    if content is not None:
        file.write_bytes(content)
    listener = listen("by_address")
    cause, text = refused(listener, Trust(str(file)))
    assert cause == "certificate file"
    assert said in text and str(file) in text
    assert text.endswith('correct "Plex certificate" in the view Settings of PlexSync\'s page')
    assert listener.handshakes == 0


def test_a_folder_or_a_pipe_is_no_certificate_file(listen, tmp_path):
    places = [tmp_path]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        places.append(tmp_path / "pipe")
    for place in places:
        cause, text = refused(listen("by_address"), Trust(str(place)))
        assert cause == "certificate file" and "is not a file" in text


def test_a_file_that_is_replaced_counts_at_the_next_connection(listen, tmp_path):
    file, listener = tmp_path / "mine.pem", listen("by_address")
    trust = Trust(str(file))
    assert refused(listener, trust)[0] == "certificate file"
    shutil.copy(certificates.path("other_ca"), file)
    assert refused(listener, trust)[0] == "certificate chain"
    shutil.copy(certificates.path("ca"), file)
    assert ask(listener, trust).body == b"ok"


# --- http where TLS is wanted --------------------------------------------------------------

ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        ALERT,
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 58\r\n\r\n"
        b"<h1>The plain HTTP request was sent to HTTPS port</h1>    ",
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\nReason: You're speaking plain HTTP to an SSL-enabled "
        b"server port.<br />",
    ],
    ids=["hung up", "alert", "nginx", "Go", "Apache"],
)
@pytest.mark.parametrize(
    ("certificate", "trust", "address"),
    [
        ("plex_direct", CA, f"https://{DASHED}"),
        ("plex_direct", PUBLIC, "https://127.0.0.1"),
        ("other_name", CA, "https://127.0.0.1"),
        ("self_signed", Trust("ignore"), "https://127.0.0.1"),
        ("self_signed", Trust("/nowhere"), "https://127.0.0.1"),
    ],
)
def test_plain_http_to_a_tls_port_names_the_address_to_enter(
    listen, plain, certificate, trust, address
):
    listener = listen(certificate, plain=plain)
    cause, text = refused(listener, trust, scheme="http")
    assert cause == "tls wanted"
    assert text == (
        f"127.0.0.1:{listener.port} takes only secure connections; enter the address "
        f"{address}:{listener.port}"
    )
    assert len(listener.http) == 1 and listener.https == []


def test_a_server_that_answers_http_may_hang_up_once(listen):
    """Plex serves http and https on one port; a closed connection then has another reason."""
    listener = listen("by_address", plain=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    session = Session(5.0, 5.0, 5.0, trust=CA, detect_tls=True)
    url = f"http://127.0.0.1:{listener.port}/"
    assert session.request("GET", url).body == b"ok"
    listener.plain = b""
    causes = []
    for _ in range(2):
        with pytest.raises(TransportError) as caught:
            session.request("GET", url)
        causes.append(caught.value.cause)
    assert causes == ["reset", "tls wanted"]


def test_nobody_is_asked_about_tls_for_whom_it_makes_no_difference(listen):
    """Stash reports its own scheme."""
    listener = listen("by_address")
    with pytest.raises(TransportError) as caught:
        Session(5.0, 5.0, 5.0).request("GET", f"http://127.0.0.1:{listener.port}/")
    assert caught.value.cause == "reset" and listener.handshakes == 0


def test_an_ordinary_400_is_an_answer(listen):
    plain = b"HTTP/1.1 400 Bad Request\r\n\r\n<html><h1>400 Bad Request</h1></html>"
    listener = listen("by_address", plain=plain)
    assert ask(listener, CA, scheme="http").status == 400
    assert listener.handshakes == 0


def test_a_handshake_that_is_broken_off_is_a_reset(listen):
    listener = listen("by_address")
    listener.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # has no certificate to show
    with pytest.raises(TransportError) as caught:
        ask(listener, CA)
    assert caught.value.cause in ("tls", "reset")
