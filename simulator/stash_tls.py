"""A self-signed certificate, made with the `openssl` program."""

from __future__ import annotations

import functools
import os
import shutil
import ssl
import subprocess
import tempfile


@functools.cache
def self_signed() -> ssl.SSLContext:
    """A server's context with a new certificate. Raises OSError if there is no `openssl`."""
    program = shutil.which("openssl")
    if program is None:
        raise OSError("no openssl program found: tls=True needs it to make a certificate")
    with tempfile.TemporaryDirectory(prefix="stash-tls-") as folder:
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
        subprocess.run(
            [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
            + ["-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=stash"],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    return context
