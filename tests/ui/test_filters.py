"""Scenes that the filters leave out: counted separately, and restored after a confirmation."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_they_are_counted_apart_and_can_be_undone(house: House, open_page: Open) -> None:
    scene, item = house.synced("1.mp4", "First")
    house.synced("2.mp4", "Second")
    house.configure(sync_never="performer:Ann")
    house.stash.edit(scene, performer_ids=[house.stash.add_performer("Ann")])
    until(lambda: house.status()["scenes"] == {"left out": 1, "synced": 1})
    page = open_page(house.stash, ADDRESS)
    headline = page.locator("[data-plexsync=headline]")
    expect(headline).to_have_text("Nothing to do: every edit is in Plex.")
    expect(page.locator("[data-plexsync=counts]")).to_have_text(
        "In step: 1 of 2 scenes; the other: left out 1."
    )
    box = page.get_by_role("region", name="1 scene left out by the filters")
    expect(box).to_contain_text("Conditions: performer:Ann (1).")
    undo = box.get_by_role("button", name="Undo the 1 scene left out ...")
    undo.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert item.title == "First"
    undo.click()
    page.get_by_role("dialog").get_by_role("button", name="Undo 1 scene").click()
    result = page.get_by_role("region", name="Result of Undo Scenes Left Out")
    expect(result).to_contain_text("1 scene undone")
    assert item.title == "1"
    expect(undo).to_have_count(0)
    expect(box).to_be_visible()


def test_a_scenes_own_page_names_the_condition(house: House, open_page: Open) -> None:
    scene, _ = house.pair("1.mp4")
    house.configure(sync_only="organized")
    house.stash.edit(scene, title="First")
    until(lambda: house.status()["scenes"] == {"left out": 1})
    page = open_page(house.stash, f"/scenes/{scene}")
    line = page.locator("[data-plexsync=scene-line]")
    expect(line).to_contain_text("Plex: left out: not organized")
