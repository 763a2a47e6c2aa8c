"""Decides which server certificates are accepted, and explains why one is refused."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import certifi
from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from plexsync.model.places import OUR_FORM
from plexsync.model.settings import IGNORE

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""Environment variables that name files and folders with further issuers."""

SETTING = f'"Plex certificate" in {OUR_FORM}'
_LARGEST = 4 << 20
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_PLEX_DIRECT = re.compile(r"\*\.([0-9a-f]{32})\.plex\.direct", re.IGNORECASE)
_SHOWN = 3
# OpenSSL's error numbers for a chain (X509_V_ERR_...).
_NOT_YET, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_UNKNOWN_ISSUER = frozenset({2, 19, 20, 21})


class CertificateFileError(Exception):
    """The file named by the setting holds no readable certificate."""


class Trust:
    """Which certificates are accepted.

    `setting`: "" accepts certificates of public issuers, and of those in this machine's store or
    named by `environ`; "ignore" accepts every certificate; a path accepts the certificates in that
    PEM file, whatever their names, and those that they have signed. A changed file is read again.
    """

    def __init__(self, setting: str = "", environ: Mapping[str, str] | None = None) -> None:
        self.ignores = setting == IGNORE
        self.file = "" if self.ignores else setting
        named = {name: (environ or {}).get(name, "") for name in VARIABLES}
        self._named = {} if self.file else {name: path for name, path in named.items() if path}
        self._built: tuple[object, ssl.SSLContext] | None = None
        self._pins: frozenset[bytes] = frozenset()

    def context(self) -> ssl.SSLContext:
        """Context for a handshake that fails unless the chain is valid; `fits` checks the name.

        Raises CertificateFileError.
        """
        if self.ignores:
            return unchecked()
        signature = [_signature(path) for path in (self.file, *self._named.values())]
        if self._built is None or self._built[0] != signature:
            self._built = (signature, self._strict())
        return self._built[1]

    def _strict(self) -> ssl.SSLContext:
        context = unchecked()
        context.verify_mode = ssl.CERT_REQUIRED
        # A pinned certificate need not be a root.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self.file:
            self._pins = frozenset(read(self.file))
            context.load_verify_locations(cadata=b"".join(self._pins))
            return context
        context.load_verify_locations(certifi.where())
        with suppress(ssl.SSLError):  # a broken entry in this machine's store
            context.load_default_certs()
        for path in self._named.values():
            with suppress(OSError):  # `refusal` reports it if it matters
                context.load_verify_locations(**{_kind(path): path})
        return context

    def pinned(self, certificate: bytes | None) -> bool:
        """Whether the file holds exactly this certificate."""
        return certificate in self._pins

    def fits(self, certificate: Mapping[str, Any], host: str) -> bool:
        """Whether a certificate with a valid chain is valid for this host.

        An IP address matches Plex's own wildcard certificate, whose names are addresses with
        dashes.
        """
        try:
            match_hostname(dict(certificate), host)  # type: ignore[arg-type]
        except CertificateError:
            return _address(host) is not None and bool(_plex_hash(certificate))
        return True

    def refusal(self, problem: ssl.SSLCertVerificationError, where: str) -> tuple[str, str]:
        """Cause and message for an invalid chain."""
        code, said = problem.verify_code, problem.verify_message
        if code in (_EXPIRED, _NOT_YET):
            state = "has expired" if code == _EXPIRED else "is not valid yet"
            text = f"the certificate of {where} {state}; renew it, or correct this machine's date"
            return "certificate date", text
        if code == _SELF_SIGNED:
            text = f"the certificate of {where} is self-signed"
        elif code in _UNKNOWN_ISSUER:
            text = f"this machine does not trust the issuer of the certificate of {where}"
        else:
            text = f"the certificate of {where} is not accepted: {said}"
        if self.file:
            return "certificate chain", f"{text}; it is not the one in {self.file}, {SETTING}"
        remedy = f"save it, or its issuer's, as a PEM file and name that file as {SETTING}"
        return "certificate chain", "; ".join([text, remedy, *self._unreadable()])

    def _unreadable(self) -> Iterator[str]:
        for name, path in self._named.items():
            if not os.access(path.split(os.pathsep)[0], os.R_OK):
                yield f"{name} names {path}, which cannot be read"


def misnamed(certificate: Mapping[str, Any], host: str, where: str, to_enter: str) -> str:
    """The message for a certificate that is valid for other names than `host`."""
    names = [_clean(value) for _, value in certificate.get("subjectAltName", ())]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = ", ".join(names[:_SHOWN]) + more if names else "no name at all"
    remedy = f"enter the address {to_enter}"
    if not to_enter:
        remedy = "enter an address with one of its names as Plex URL, or save the certificate as a "
        remedy += f"PEM file and name that file as {SETTING}"
    return f"the certificate of {where} is for {listed}, not for {_clean(host)}; {remedy}"


def plex_direct(certificate: Mapping[str, Any], address: str, port: int) -> str:
    """The URL under which Plex's own certificate is valid for this address; "" if it is not Plex's
    own.

    Only for IPv4: how Plex writes IPv6 addresses is not known for certain.
    """
    found, ip = _plex_hash(certificate), _address(address)
    if not found or not isinstance(ip, ipaddress.IPv4Address):
        return ""
    return f"https://{str(ip).replace('.', '-')}.{found}.plex.direct:{port}"


def read(path: str) -> list[bytes]:
    """The certificates in a PEM file; raises CertificateFileError with the reason."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe might block forever
            raise CertificateFileError(f"{path} is not a file")
        with open(path, encoding="latin-1") as file:
            found = [ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(file.read(_LARGEST))]
        if found:
            unchecked().load_verify_locations(cadata=b"".join(found))
    except OSError as problem:
        reason = "damaged" if isinstance(problem, ssl.SSLError) else problem.strerror
        raise CertificateFileError(f"{path} cannot be used ({reason})") from None
    except ValueError:
        found = []
    if not found:
        raise CertificateFileError(
            f"{path} holds no certificate in PEM form, which starts with -----BEGIN "
            "CERTIFICATE-----"
        )
    return found


def unchecked() -> ssl.SSLContext:
    """Context for a handshake without any check."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _kind(path: str) -> str:
    return "cafile" if os.path.isfile(path) else "capath"


def _signature(path: str) -> object:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _plex_hash(certificate: Mapping[str, Any]) -> str:
    for kind, name in certificate.get("subjectAltName", ()):
        found = _PLEX_DIRECT.fullmatch(name)
        if kind == "DNS" and found:
            return found[1].lower()
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:100]


PUBLIC, ANYBODY = Trust(), Trust(IGNORE)
"""Trust in public issuers, and in any certificate."""
