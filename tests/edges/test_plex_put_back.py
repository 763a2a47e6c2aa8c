"""Restoring locks, lists and images in the simulated Plex, and the owner of the token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plexsync.edges.plex.client import PlexClient
from plexsync.model.errors import PlexPermanentError
from plexsync.model.plex import Edit, Target
from simulator.plex import PlexSim

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20


@pytest.fixture
def plex() -> Iterator[PlexSim]:
    with PlexSim(token="token") as server:
        server.add_section("Movies", ["/plex"])
        yield server


@pytest.fixture
def client(plex: PlexSim) -> Iterator[PlexClient]:
    made = PlexClient(plex.url, "token", "client-uuid")
    yield made
    made.close()


def edit(field: str, value: str | tuple[str, ...] = "", **more: object) -> Edit:
    return Edit(field=field, value=value, before="", reason="undo", **more)  # type: ignore[arg-type]


def test_a_value_goes_back_together_with_an_open_lock(plex: PlexSim, client: PlexClient) -> None:
    key = plex.add_item(1, title="New", genres=["x", "y"], locked=["title", "genre", "studio"])
    target = Target(plex.machine, "1", key)
    edits = [
        edit("title", "old", locked=False),
        edit("tags", ("z", "y"), remove=("x",), locked=False),
        edit("studio", locked=False, lock_only=True),
        edit("poster", locked=True, lock_only=True),
    ]
    client.write(target, edits)
    item = plex.item(key)
    assert (item.title, set(item.genre), item.locks) == ("old", {"y", "z"}, {"thumb"})
    assert plex.count("PUT") == 1


@pytest.mark.parametrize("field", ["poster", "background"])
def test_an_earlier_image_is_shown_again(plex: PlexSim, client: PlexClient, field: str) -> None:
    target = Target(plex.machine, "1", plex.add_item(1))
    before = client.selected_image(target, field)
    assert bool(before) == (field == "poster")
    client.upload_image(target, field, PNG)
    assert client.selected_image(target, field) != before
    client.select_image(target, field, before)
    assert client.selected_image(target, field) == before


def test_an_image_that_plex_has_no_more_is_refused(plex: PlexSim, client: PlexClient) -> None:
    target = Target(plex.machine, "1", plex.add_item(1))
    with pytest.raises(PlexPermanentError):
        client.select_image(target, "poster", "media://gone & done?.jpg")
    with pytest.raises(PlexPermanentError):
        client.select_image(Target(plex.machine, "1", 0), "poster", "x")


def test_who_the_token_belongs_to(plex: PlexSim, client: PlexClient) -> None:
    assert client.owns() is True
    for status, owns in ((401, False), (403, False), (404, None)):
        fault = plex.add_fault("status", match="GET /status/sessions", status=status)
        assert client.owns() is owns
        fault.remove()


def test_libraries_of_every_type_are_named(plex: PlexSim, client: PlexClient) -> None:
    plex.add_section("Series", ["/tv"], type="show")
    assert client.libraries() == [("Movies", "movie"), ("Series", "show")]
