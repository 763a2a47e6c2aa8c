"""A hook hands a newer connection to the running worker: in memory, and to no other process."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from plexsync import inbox, loopback, system
from plexsync.edges.stash.handover import Handover
from tests.world import ROOT, until

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in the user's runtime folder that replaces the pipe of the data folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(temporary))
    return Path(system.private_stand_in(inbox.session_pipe(str(tmp_path))))


def without_pipes(folder: Path) -> None:
    """As on a file system without pipes."""
    Path(inbox.session_pipe(str(folder))).mkdir()


def start(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def overhear(squatter: socket.socket, answer: bytes, heard: bytearray) -> None:
    """Accept one connection, and answer it without knowing the key."""
    visitor, _ = squatter.accept()
    with visitor:
        heard += visitor.recv(loopback.NONCE)
        visitor.sendall(answer)
        visitor.shutdown(socket.SHUT_WR)
        while some := visitor.recv(1024):
            heard += some


def block(cookie: str) -> bytes:
    return json.dumps(
        {
            "Scheme": "http",
            "Host": "127.0.0.1",
            "Port": 9999,
            "SessionCookie": {"Name": "session", "Value": cookie},
        }
    ).encode()


@pytest.mark.parametrize("way", ["pipe", "pipe elsewhere", "loopback"])
def test_the_newest_of_what_was_handed_over_is_taken_once(
    tmp_path: Path, stand_in: Path, way: str
) -> None:
    if way != "loopback" and os.name == "nt":
        pytest.skip("Windows has no pipes in folders")
    if way == "pipe elsewhere":
        without_pipes(tmp_path)
    folder = str(tmp_path)
    with closing(Handover(folder, block("first"), pipes=way != "loopback")) as worker:
        assert worker.possible
        assert stand_in.exists() == (way != "pipe")
        assert (worker.waiting(), worker.newer()) == (False, None)
        until(lambda: inbox.hand_over(folder, block("second")))
        until(lambda: inbox.hand_over(folder, block("third")))
        until(lambda: worker.waiting() and worker.offered == block("third"))
        connection = worker.newer()
        assert connection is not None
        assert connection.cookie_value.get_secret_value() == "third"
        assert (worker.newer(), worker.block) == (None, block("third"))


@posix
def test_what_is_no_connection_is_not_taken(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with closing(Handover(folder, block("first"))) as worker:
        fd = os.open(inbox.session_pipe(folder), os.O_WRONLY)
        os.write(fd, block("torn")[:40] + block("across")[20:] + b"\n{}\n\xff\n" + block("rest"))
        assert worker.newer() is None
        os.write(fd, b"\n")
        os.close(fd)
        connection = worker.newer()
        assert connection is not None
        assert connection.cookie_value.get_secret_value() == "rest"


@posix
def test_a_full_pipe_never_makes_a_hook_wait_and_serves_again_once_it_was_read(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path)
    with closing(Handover(folder, block("first"))) as worker:
        number = 0
        while inbox.hand_over(folder, block(f"s{number}")):
            number += 1
        assert number > 10
        assert worker.newer()
        assert inbox.hand_over(folder, block("last"))
        connection = worker.newer()
        assert connection is not None
        assert connection.cookie_value.get_secret_value() == "last"


@posix
def test_nobody_else_is_ever_given_a_connection(tmp_path: Path) -> None:
    folder = str(tmp_path)
    pipe = inbox.session_pipe(folder)
    assert not inbox.hand_over(folder, block("a")), "nobody waits"
    Handover(folder, b"").close()
    assert not inbox.hand_over(folder, block("a")), "nobody waits any more"
    os.chmod(pipe, 0o622)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert not inbox.hand_over(folder, block("a")), "others could write there too"
    with closing(Handover(folder, b"")):
        assert os.stat(pipe).st_mode & 0o777 == 0o600, "the worker makes its own"
    os.close(reader)
    os.unlink(pipe)
    other = tmp_path / "other"
    other.write_bytes(b"")
    os.symlink(other, pipe)
    assert not inbox.hand_over(folder, block("a")), "a link is not followed"
    os.unlink(pipe)
    os.rename(other, pipe)
    assert not inbox.hand_over(folder, block("a"))
    assert Path(pipe).read_bytes() == b"", "nothing of it lies in a file"


@posix
def test_elsewhere_too_nobody_else_can_read_what_is_handed_over(
    tmp_path: Path, stand_in: Path
) -> None:
    without_pipes(tmp_path)
    with closing(Handover(str(tmp_path), block("first"))):
        assert stat.S_ISFIFO(stand_in.stat().st_mode)
        assert stand_in.stat().st_mode & 0o777 == 0o600
        assert stand_in.parent.stat().st_mode & 0o777 == 0o700
        stand_in.chmod(0o622)
        assert not inbox.hand_over(str(tmp_path), block("a"))


POSSIBLE = (
    "import sys; from plexsync.edges.stash.handover import Handover; from plexsync import inbox\n"
    "for pipes in (True, False):\n"
    "    worker = Handover(sys.argv[1], b'', pipes=pipes)\n"
    "    print(worker.possible, inbox.hand_over(sys.argv[1], b'{}'), worker.waiting())\n"
)


@posix
def test_where_no_place_is_safe_the_worker_knows(tmp_path: Path) -> None:
    data, temporary = tmp_path / "data", tmp_path / "tmp"
    data.mkdir(mode=0o700)
    without_pipes(data)
    shown = temporary / f"plexsync-locks-{os.geteuid()}"
    shown.mkdir(mode=0o755, parents=True)
    said = subprocess.run(
        [sys.executable, "-c", POSSIBLE, str(data)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
    )
    assert (said.stdout.split("\n"), said.stderr) == (["False False False"] * 2 + [""], "")
    assert not list(shown.iterdir())


def test_the_key_of_the_socket_is_for_its_user_alone_and_goes_with_the_worker(
    tmp_path: Path, stand_in: Path
) -> None:
    earlier = Handover(str(tmp_path), block("first"), pipes=False)
    with closing(Handover(str(tmp_path), block("first"), pipes=False)):
        if os.name != "nt":
            assert stand_in.stat().st_mode & 0o777 == 0o600
            assert stand_in.parent.stat().st_mode & 0o777 == 0o700
        earlier.close()
        until(lambda: inbox.hand_over(str(tmp_path), block("a")))  # a later key is not its own
    assert not stand_in.exists()
    assert not inbox.hand_over(str(tmp_path), block("a")), "nobody listens"
    assert (tmp_path / "session").read_bytes() == b"", "nothing of it lies in a file"


def test_a_stranger_who_listens_at_the_worker_s_port_learns_nothing(
    tmp_path: Path, stand_in: Path
) -> None:
    Handover(str(tmp_path), block("first"), pipes=False).close()
    with socket.create_server((loopback.HOST, 0)) as squatter:
        stand_in.write_bytes(loopback.to_text(squatter.getsockname()[1], b"k" * loopback.KEY))
        for answer in (b"", b"x" * (loopback.NONCE + loopback.PROOF)):
            heard = bytearray()
            thread = start(partial(overhear, squatter, answer, heard))
            assert not inbox.hand_over(str(tmp_path), block("secret"))
            thread.join()
            assert len(heard) == loopback.NONCE


def test_the_worker_takes_nothing_from_who_does_not_know_the_key(
    tmp_path: Path, stand_in: Path
) -> None:
    with closing(Handover(str(tmp_path), block("first"), pipes=False)) as worker:
        port = int(stand_in.read_bytes().split()[0])
        wrong = loopback.to_text(port, b"k" * loopback.KEY)
        assert not loopback.send(wrong, block("forged")), "and it shows that it is not the worker"
        for said in (b"", b"n" * loopback.NONCE + b"p" * loopback.PROOF + block("forged")):
            with socket.create_connection((loopback.HOST, port)) as visitor:
                visitor.sendall(said)
                visitor.shutdown(socket.SHUT_WR)
                while visitor.recv(1024):
                    pass
        assert not worker.waiting()
        until(lambda: inbox.hand_over(str(tmp_path), block("second")))
        until(worker.waiting)


@pytest.mark.parametrize("found", [b"", b"99999999 00ff", b"-1 00", b"1 xx", b"x 00", b"1 00 00"])
def test_a_damaged_note_of_port_and_key_is_nobody(found: bytes) -> None:
    assert loopback.send(found, b"block") is False
