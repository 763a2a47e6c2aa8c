"""Backfills on the overview: somebody watches one, pauses it, lets it continue, and stops one."""

from __future__ import annotations

import re
import time

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_a_backfill_is_watched_paused_resumed_and_stopped(house: House, open_page: Open) -> None:
    films = [house.pair(f"{n}.mp4", title=f"Film {n}") for n in range(12)]
    page = open_page(house.stash, ADDRESS)
    held = house.plex.add_fault("hang", match="PUT")
    page.get_by_role("button", name="Sync All Scenes").click()
    until(lambda: held.used)
    box = page.get_by_role("region", name="Backfills")
    one = box.get_by_role("listitem", name="Sync All Scenes")
    expect(one).to_contain_text("of 12 scenes done. Time left: not known yet.")
    expect(one.get_by_role("progressbar", name="Sync All Scenes")).to_be_attached()

    one.get_by_role("button", name="Pause").click()
    one.get_by_role("button", name="For an hour").click()
    until(lambda: list((house.data / "inbox" / "new").glob("*")))
    held.remove()  # the requests in flight end; no other begins
    expect(one).to_contain_text(re.compile(r"Paused until (\d+ \w+, )?\d+:\d\d\. Time left"))
    expect(page.locator("[data-plexsync=headline]")).to_contain_text("a backfill waits")
    scene, item = house.pair("edit.mp4", title="old")
    house.stash.edit(scene, title="Edited")
    until(lambda: item.title == "Edited")
    assert sum(item.title.startswith("Film") for _, item in films) < 12

    one.get_by_role("button", name="Resume").click()
    expect(box).to_have_count(0)
    until(lambda: all(item.title.startswith("Film") for _, item in films))


def quiet_now() -> str:
    """Quiet hours that are now, wherever this machine is."""
    return "0:00-12:00" if time.localtime().tm_hour < 12 else "12:00-24:00"


def test_quiet_hours_are_said_and_a_backfill_can_be_stopped_in_them(
    house: House, open_page: Open
) -> None:
    films = [house.pair(f"{n}.mp4", title=f"Film {n}") for n in range(3)]
    house.configure(quiet_hours=quiet_now())
    scene, item = house.pair("edit.mp4", title="old")
    house.stash.edit(scene, title="Edited")
    until(lambda: item.title == "Edited")
    house.stash.run_task("Sync All Scenes")
    page = open_page(house.stash, ADDRESS)
    one = page.get_by_role("listitem", name="Sync All Scenes")
    expect(one).to_contain_text(re.compile(r"Waits until .*\d+:\d\d \(quiet hours\)"))
    one.get_by_role("button", name="Stop ...").click()
    expect(page.get_by_role("dialog")).to_contain_text("would not be synced")
    page.get_by_role("button", name="Stop it").click()
    expect(one).to_have_count(0)
    assert not any(item.title.startswith("Film") for _, item in films)
