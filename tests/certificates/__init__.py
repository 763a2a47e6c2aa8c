"""Certificates for tests, made by make.sh; `ca` signed all but `self_signed` and `other_ca`."""

from __future__ import annotations

import os
import ssl

HASH = "0123456789abcdef0123456789abcdef"
"""Of the `plex_direct` certificate, which is for *.HASH.plex.direct."""

CA_NAME_HASH = "b34d0263"
"""As OpenSSL looks for `ca` in a folder."""


def path(name: str) -> str:
    """The PEM file of that name."""
    return os.path.join(os.path.dirname(__file__), f"{name}.pem")


def server(name: str) -> ssl.SSLContext:
    """For a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(name))
    return context
