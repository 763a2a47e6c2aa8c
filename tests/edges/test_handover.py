"""A newer connection on its way from a hook to a worker that lives: in memory, and to nobody else."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from plexsync import inbox
from plexsync.edges.stash.handover import Handover

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")


def block(cookie: str) -> bytes:
    return json.dumps(
        {
            "Scheme": "http",
            "Host": "127.0.0.1",
            "Port": 9999,
            "SessionCookie": {"Name": "session", "Value": cookie},
        }
    ).encode()


@posix
def test_the_newest_of_what_was_handed_over_is_taken_once(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with closing(Handover(folder, block("first"))) as worker:
        assert worker.possible
        assert (worker.waiting(), worker.newer()) == (False, None)
        assert inbox.hand_over(folder, block("second"))
        assert inbox.hand_over(folder, block("third"))
        assert worker.waiting()
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
def test_where_no_pipe_can_be_made_the_worker_knows(tmp_path: Path) -> None:
    folder = str(tmp_path)
    (tmp_path / "session").mkdir()
    with closing(Handover(folder, block("first"))) as worker:
        assert not worker.possible
        assert (worker.waiting(), worker.newer()) == (False, None)
