"""The contract checks for real servers, run against the simulated ones they are about."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.contact.command import main
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import certificates
from tests.world import names_port

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ["-m", "plexsync.flows.contact.command"]
TOKEN, KEY = "the-token-of-plex", "the.key.of.stash"
SECRETS = {"PLEX_TOKEN": TOKEN, "STASH_API_KEY": KEY}
PRIVATE = ("Summary", "Film", "film 3", "/data/", "/plex/films", "Drama", "g1", "p1", "127-0-0-1")
"""Texts of the servers; names that the checks themselves use are not among them."""
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"x" * 100


@pytest.fixture
def servers() -> Iterator[tuple[PlexSim, StashSim]]:
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(api_key=KEY, username="me", password="secret") as stash,
    ):
        home = plex.add_section("Films", ["/plex"])
        tag = stash.add_tag("Drama")
        for n in range(1, 7):
            genres, people = [f"g{k}" for k in range(5)], [f"p{k}" for k in range(5)]
            file = f"/plex/films/film {n}.mkv"
            key = plex.add_item(home, file, 1000 + n, genres=genres, actors=people)
            plex.user_edit(key, summary=f"Summary {n}", poster=JPEG)
            path = file.replace("/plex/", "/data/")
            cover = None if n == 1 else JPEG
            stash.add_scene(f"Film {n}", [(path, 1000 + n)], tags=[tag], cover=cover)
        stash.set_plugin_settings({"path_map": "/plex=>/data", "plex_url": "http://elsewhere"})
        yield plex, stash


Done = subprocess.CompletedProcess[str]


@pytest.fixture
def run(servers: tuple[PlexSim, StashSim]) -> Callable[..., Done]:
    ahead = [0.0]
    for server in servers:
        server.clock = lambda: time.time() + ahead[0]

    def pause(seconds: float) -> None:
        ahead[0] += seconds

    def run(*words: str, **more: str) -> Done:
        """The command in this process; waiting takes no time."""
        environment = {**os.environ, **SECRETS, **more}
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                code = main(words_for(servers, *words), environment, pause)
            except SystemExit as refusal:
                code = refusal.code
        return discreet(
            servers, subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())
        )

    return run


def words_for(servers: tuple[PlexSim, StashSim], *words: str) -> list[str]:
    plex, stash = servers
    return ["--plex", plex.url, "--stash", stash.url, *words]


def discreet(servers: tuple[PlexSim, StashSim], done: Done) -> Done:
    """No secret may ever show."""
    plex, stash = servers
    said = done.stdout + done.stderr
    for private in (TOKEN, KEY, *PRIVATE, "127.0.0.1"):
        assert private not in said
    assert not names_port(said, plex.port) and not names_port(said, stash.port)
    return done


def verdicts(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [
        line
        for line in done.stdout.splitlines()
        if line.startswith(("Plex: ", "Stash: ", "both: "))
    ]


def test_nothing_differs_between_the_simulators_and_what_is_checked(servers: Any) -> None:
    """As dev.py starts it."""
    done = subprocess.run(
        [sys.executable, *COMMAND, *words_for(servers)],
        cwd=ROOT,
        env={**os.environ, **SECRETS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    discreet(servers, done)
    assert [line for line in verdicts(done) if not line.endswith(": ok")] == []
    assert len(verdicts(done)) >= 24
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_written_unless_asked_for(servers: Any, run: Any) -> None:
    plex, stash = servers
    run()
    assert plex.writes() == 0
    assert not any("mutation" in entry.query for entry in stash.journal)


def state(plex: PlexSim) -> object:
    """Everything of the item that a trial edits, except when it was edited."""
    item = plex.find("/plex/films/film 3.mkv")
    values = asdict(item)
    del values["updated_at"], values["pictures"], values["thumb"]
    values["tags"] = {kind: sorted(names) for kind, names in item.tags.items() if names}
    values["roles"] = {name: role for name, role in item.roles.items() if name in item.actor}
    return values, item.selected_poster, [c.title for c in plex.collections(plex.sections[1])]


def writing(done: Done) -> list[str]:
    return [line for line in verdicts(done) if line.startswith("both: ")]


@pytest.mark.parametrize("locked", [True, False])
def test_every_kind_of_edit_is_made_read_back_and_undone(
    servers: Any, run: Any, locked: bool
) -> None:
    plex, _ = servers
    item = plex.find("/plex/films/film 3.mkv")
    item.roles["p1"] = "Part"
    item.userRating, item.originallyAvailableAt, item.year = 4.0, "1999-12-31", "1999"
    item.locks = {"summary", "genre", "actor", "thumb"} if locked else set()
    before = state(plex)
    done = run("--write", "3")
    assert [line for line in writing(done) if not line.endswith(": ok")] == []
    assert len(writing(done)) >= 19
    assert state(plex) == before
    assert done.returncode == 0
    edits = [e for e in plex.journal if e.method == "PUT" and e.path.endswith("/all")]
    assert {e.get("id") for e in edits} == {str(item.key)}


DIFFERENCES: dict[str, tuple[Callable[[PlexSim], object], str]] = {
    "the identity waits for the database": (
        lambda plex: plex.add_fault("starting", identity=503, times=3, match="/identity"),
        "/identity needs no token",
    ),
    "tags replace": (lambda plex: setattr(plex, "tag_mode", "replace"), "names are added"),
    "short lines only": (
        lambda plex: setattr(plex, "max_header_bytes", 3000),
        "a request line of 6 000 bytes",
    ),
    "small pages": (lambda plex: setattr(plex, "max_container_size", 3), "as many items as"),
    "unknown fields are ignored": (
        lambda plex: setattr(plex, "unknown_field", "ignore"),
        "an unknown field is refused",
    ),
    "an answer is lost": (
        lambda plex: plex.add_fault("reset", at="after", match="PUT", times=1),
        "by the library's endpoint",
    ),
    "blanks are folded": (lambda plex: setattr(plex, "folds_blanks", True), "keeps blanks"),
    "equal edits do not count": (
        lambda plex: setattr(plex, "equal_edits_count", False),
        "an edit that changes nothing",
    ),
    "times are local": (
        lambda plex: setattr(plex, "times_ahead", 7200),
        "updatedAt is the time of the change",
    ),
    "locks in lists": (lambda plex: setattr(plex, "locks_in_lists", True), "lists show no locks"),
    "whole ratings": (lambda plex: setattr(plex, "whole_ratings", True), "a rating of 8.3"),
    "roles are forgotten": (
        lambda plex: setattr(plex, "forgets_roles", True),
        "an actor keeps the part",
    ),
    "no edits by library": (
        lambda plex: setattr(plex, "section_edits", False),
        "by the library's endpoint",
    ),
    "pictures are refused": (
        lambda plex: setattr(plex, "picture_status", 406),
        "an uploaded poster",
    ),
    "pictures are not locked": (
        lambda plex: setattr(plex, "uploads_lock", False),
        "an uploaded poster",
    ),
    "empty collections stay": (
        lambda plex: setattr(plex, "keeps_empty_collections", True),
        "a collection is made",
    ),
    "edits are ignored": (
        lambda plex: plex.add_fault("ignore_edit", times=1),
        "by the library's endpoint",
    ),
}
"""The unknowns of Plex: how to plant each, and the rule that must find it. The first ten are those for
which the code has a way of its own whichever way they turn out."""


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_planted_difference_is_found_and_everything_restored(
    servers: Any, run: Any, name: str
) -> None:
    plex, _ = servers
    plex.find("/plex/films/film 3.mkv").roles["p1"] = "Part"
    before = state(plex)
    plant, rule = DIFFERENCES[name]
    plant(plex)
    done = run("--write", "3")
    found = [line for line in verdicts(done) if ": differs" in line]
    assert any(rule in line for line in found), done.stdout
    assert done.returncode == 1
    plex.keeps_empty_collections = False
    assert state(plex) == before


@pytest.mark.parametrize(("times", "restored"), [(2, True), (None, False)])
def test_a_plex_that_fails_while_the_item_is_restored(
    servers: Any, run: Any, times: int | None, restored: bool
) -> None:
    plex, _ = servers
    item = plex.find("/plex/films/film 3.mkv")
    item.userRating = 4.0
    before = state(plex)
    plex.add_fault("reset", match=lambda r: r.get("userRating.value").startswith("4"), times=times)
    done = run("--write", "3")
    (line,) = [line for line in writing(done) if "is as it was before the edits" in line]
    assert line.endswith(": ok") is restored
    assert (state(plex) == before) is restored
    if not restored:
        assert f"item {item.key} could not be restored" in line


def test_a_server_that_behaves_differently_is_told(servers: Any, run: Any) -> None:
    plex, stash = servers
    plex.add_fault("html", match="/identity")
    stash.add_fault("graphql_errors", message="Film in /data/ is locked")
    done = run()
    assert "differs" in next(line for line in verdicts(done) if "/identity needs no token" in line)
    assert "the query fails: a text of 24 characters (" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("status", [401, 403, 404, 406, 200, 500])
def test_versions_of_plex_refuse_who_has_no_token_in_their_own_ways(
    servers: Any, run: Any, status: int
) -> None:
    plex, _ = servers
    nobody = {"match": lambda request: not request.headers.get("x-plex-token")}
    plex.add_fault("status", status=status, **nobody)
    (line,) = [v for v in verdicts(run()) if "a wrong token is 401" in v]
    assert line.endswith(": ok") is (status in (401, 403, 404, 406))


def test_whatever_differs_shows_no_private_text(servers: Any, run: Any) -> None:
    """Malformed answers, and those of other programs, are not quoted."""
    plex, _ = servers
    for kind in ("html", "json", "cut", "empty", "reset"):
        for server in servers:
            server.add_fault(kind, times=3)
    plex.add_fault("ignore_edit", times=1)
    done = run("--write", "3")
    assert sum(": differs: " in line for line in verdicts(done)) >= 10
    assert "Traceback" not in done.stdout + done.stderr


def test_a_plex_behind_tls_is_checked_too(servers: Any, run: Any) -> None:
    plex, _ = servers
    plex.tls, plex.secure_connections = certificates.server("plex_direct"), "required"
    assert "takes only secure connections; enter the address" in run().stdout
    secure = ("--plex", plex.url.replace("http:", "https:"))
    assert "does not trust the issuer" in run(*secure).stdout
    done = run(*secure, "--certificate", certificates.path("ca"))
    assert done.returncode == 0, done.stdout


def test_a_wrong_token_is_told_without_showing_it(servers: Any, run: Any) -> None:
    done = run(PLEX_TOKEN="another-token")
    assert "differs: PlexAuthError, status 401, http: a text of " in done.stdout
    assert "another-token" not in done.stdout
    assert done.returncode == 1


def test_an_address_with_a_secret_in_it_is_refused(servers: Any, run: Any) -> None:
    done = run("--plex", "http://127.0.0.1:1/?X-Plex-Token=abc")
    assert "secrets go elsewhere" in done.stderr
    assert done.returncode == 2
