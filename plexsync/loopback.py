"""How a hook reaches the worker where no pipe can be had: by a socket that only this machine reaches.

Any program on the machine may connect to such a socket, or listen where a worker that died did, so
each end first proves to the other, by a HMAC of what both have just thrown, that it knows the
worker's key. Port and key lie in a file that only this user can read; they are worth nothing once the
worker has ended.
"""

import _socket  # `socket` without its enumerations, which take as long to load as Python itself
import hmac
import os
import time

HOST = "127.0.0.1"
PATIENCE = 1.0
"""Seconds that a hook gives to all of it at most: a save in Stash waits for the hook."""
NONCE = PROOF = KEY = 32
"""Bytes of each."""
MOST = 16 << 10
"""Bytes that are taken at most; Stash's connection block has about 500."""

_WORKER, _HOOK = b"worker", b"hook"


def send(found: bytes, data: bytes) -> bool:
    """Hand `data` to the worker of whose file this was `found`; False if it cannot be reached or does
    not know the key.
    """
    try:
        port, key = _read(found)
        line = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    except (OSError, ValueError):
        return False
    try:
        ends = time.monotonic() + PATIENCE
        line.settimeout(PATIENCE)
        line.connect((HOST, port))
        nonces = os.urandom(NONCE)
        line.sendall(nonces)
        answer = receive(line, NONCE + PROOF, ends)
        nonces += answer[:NONCE]
        if not hmac.compare_digest(answer[NONCE:], worker_proof(key, nonces)):
            return False
        line.sendall(hook_proof(key, nonces, data) + data)
    except OSError:
        return False
    finally:
        line.close()
    return True


def receive(line: _socket.socket, size: int, ends: float) -> bytes:
    """So many bytes, fewer when the other end closes first; raises TimeoutError when it is past
    `ends`, however slowly they come.
    """
    found = b""
    while len(found) < size:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        some = line.recv(size - len(found))
        if not some:
            break
        found += some
    return found


def worker_proof(key: bytes, nonces: bytes) -> bytes:
    """What shows a hook that it speaks with the worker."""
    return hmac.digest(key, _WORKER + nonces, "sha256")


def hook_proof(key: bytes, nonces: bytes, data: bytes) -> bytes:
    """What shows the worker that `data` comes from a hook, and arrived as it was sent."""
    return hmac.digest(key, _HOOK + nonces + data, "sha256")


def to_text(port: int, key: bytes) -> bytes:
    """What lies in the file by which a worker is found."""
    return f"{port} {key.hex()}".encode()


def _read(found: bytes) -> "tuple[int, bytes]":
    port, key = found.split()
    return int(port), bytes.fromhex(key.decode())
