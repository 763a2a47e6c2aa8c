"""Pictures of performers, studios, tags and groups of the simulated Stash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from simulator.stash import StashSim

JPEG = b"\xff\xd8\xff\xe0" + b"picture"


@pytest.fixture
def stash() -> Iterator[StashSim]:
    with StashSim() as sim:
        yield sim


def test_an_own_picture_is_served_with_an_etag(stash: StashSim) -> None:
    studio = stash.add_studio("Acme")
    stash.edit_entity("studio", studio, image=JPEG, details="All of it.")
    there = f"{stash.url}/studio/{studio}/image"
    answer = requests.get(there, timeout=10)
    assert (answer.content, answer.headers["Content-Type"]) == (JPEG, "image/jpeg")
    again = requests.get(there, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
    assert again.status_code == 304


def test_without_one_the_address_says_that_it_is_a_default(stash: StashSim) -> None:
    ann, group = stash.add_performer("Ann"), stash.add_group("Box")
    query = (
        f'{{ findPerformer(id: "{ann}") {{ image_path }}'
        f' findGroup(id: "{group}") {{ front_image_path }} findTag(id: "7") {{ id }} }}'
    )
    data = requests.post(f"{stash.url}/graphql", json={"query": query}, timeout=10).json()["data"]
    assert data["findPerformer"]["image_path"].endswith("default=true")
    assert data["findGroup"]["front_image_path"].endswith("default=true")
    assert data["findTag"] is None
    default = requests.get(data["findPerformer"]["image_path"], timeout=10)
    assert default.headers["Content-Type"] == "image/png"
    assert requests.get(f"{stash.url}/tag/7/image", timeout=10).status_code == 404
