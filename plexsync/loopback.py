"""How a hook reaches the worker on a system without named pipes: by a socket on 127.0.0.1.

Any program on the machine can connect to such a socket, or listen on the port of a worker that died.
So each side first proves, by an HMAC of random bytes from both, that it knows the worker's key. Port
and key are in a file that only this user can read; they are useless once the worker has ended.
"""

import _socket  # `socket` without its enumerations, which take as long to load as Python itself
import hmac
import os
import time

HOST = "127.0.0.1"
PATIENCE = 1.0
"""Seconds that a hook spends on this at most, because a save in Stash waits for it."""
NONCE = PROOF = KEY = 32
"""Bytes of each."""
MOST = 16 << 10
"""Bytes that are accepted at most; Stash's connection block has about 500."""

_WORKER, _HOOK = b"worker", b"hook"


def send(found: bytes, data: bytes) -> bool:
    """Send `data` to the worker that wrote the file with the content `found`; False if it cannot be
    reached or does not prove that it knows the key.
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
    """Read `size` bytes, fewer if the other side closes first. Raises TimeoutError at `ends`
    (monotonic), however slowly they arrive.
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
    """Proves to a hook that the other side is the worker."""
    return hmac.digest(key, _WORKER + nonces, "sha256")


def hook_proof(key: bytes, nonces: bytes, data: bytes) -> bytes:
    """Proves to the worker that `data` comes from a hook and arrived unchanged."""
    return hmac.digest(key, _HOOK + nonces + data, "sha256")


def to_text(port: int, key: bytes) -> bytes:
    """The content of the file by which hooks find the worker."""
    return f"{port} {key.hex()}".encode()


def _read(found: bytes) -> "tuple[int, bytes]":
    port, key = found.split()
    number = int(port)
    if not 0 < number < 65536:
        raise ValueError("it names no port")
    return number, bytes.fromhex(key.decode())
