"""Preview, set-up, and the line on a scene's own page."""

from __future__ import annotations

import json
import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.model.ledger import Observation
from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House, dead_letter
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_a_preview_writes_nothing_until_it_is_told_to(house: House, open_page: Open) -> None:
    changed = [house.pair(f"{n}.mp4", title=f"Film {n}", plex={"title": "Raw"}) for n in range(3)]
    page = open_page(house.stash, f"{ADDRESS}?view=preview")
    page.get_by_text("The 50 most recently updated scenes").click()
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_text(re.compile("^3 of 3 scenes would change"))).to_be_visible()
    plans = page.get_by_role("list", name="Previewed scenes")
    expect(plans.get_by_role("row", name=re.compile("^title Raw Film 1"))).to_be_visible()
    assert {item.title for _, item in changed} == {"Raw"}

    plans.get_by_role("checkbox", name="Sync Film 1").uncheck()
    page.get_by_role("button", name="Sync these 2").click()
    until(lambda: [item.title for _, item in changed] == ["Film 0", "Raw", "Film 2"])


def test_a_preview_of_named_scenes(house: House, open_page: Open) -> None:
    scene, _ = house.pair("1.mp4", title="Film", plex={"title": "Raw"})
    house.pair("2.mp4", title="Other")
    page = open_page(house.stash, f"{ADDRESS}?view=preview")
    page.get_by_label("Numbers of scenes").fill(f"{scene}")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("^1 of 1 scene would change"))).to_be_visible()


def test_a_preview_while_plex_is_down_says_so(house: House, open_page: Open) -> None:
    house.pair("1.mp4", title="Film")
    house.plex.stop()
    page = open_page(house.stash, f"{ADDRESS}?view=preview")
    page.get_by_text("The 50 most recently updated scenes").click()
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.locator(".plexsync").get_by_role("alert")).to_contain_text("Plex")


def test_the_set_up_list_names_what_is_wrong_and_adopts_the_path_map(
    house: House, open_page: Open
) -> None:
    house.configure(path_map="")
    for n in range(12):
        house.plex.add_item(house.section, file=f"/plex/films/film {n}.mp4", size=n + 1)
        house.stash.add_scene(f"Film {n}", files=[(f"/data/films/film {n}.mp4", n + 1)])
    page = open_page(house.stash, f"{ADDRESS}?view=set-up")
    page.get_by_role("button", name="Check Setup").click()
    points = page.get_by_role("list", name="Points").get_by_role("listitem")
    bad = page.locator('li[data-state="bad"], li[data-state="warn"]')
    expect(bad.filter(has_text="path")).not_to_have_count(0)
    assert points.count() > bad.count(), "some are green"
    page.get_by_role("button", name="Adopt", exact=True).click()
    expect(page.get_by_text(re.compile("The path map is now /plex"))).to_be_visible()
    until(lambda: house.stash.data.plugin_settings["PlexSync"]["path_map"])
    settings = house.stash.data.plugin_settings["PlexSync"]
    assert settings["path_map"].startswith("/plex")
    assert settings["plex_url"] == house.plex.url, "the other settings are what they were"


def test_the_set_up_list_is_copied_without_the_token(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "Film")
    page = open_page(house.stash, f"{ADDRESS}?view=set-up")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Check Setup").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "[ok] Plex token: it is set." in text.splitlines()
    assert "[ok] Editing: a lock of an item that PlexSync has written could be changed" in text


def test_the_report_for_help_is_shown_before_it_is_downloaded(
    house: House, open_page: Open
) -> None:
    house.synced("1.mp4", "Film that nobody knows")
    page = open_page(house.stash, f"{ADDRESS}?view=set-up")
    page.get_by_role("button", name="Make the Report").click()
    held = page.get_by_role("list", name="What it holds")
    expect(held).to_contain_text("Versions: versions of PlexSync, Python")
    with page.expect_download() as found:
        page.get_by_role("link", name="Download").click()
    text = Path(found.value.path()).read_text(encoding="utf-8")
    assert json.loads(text)["plex"]["healthy"] is True
    assert "nobody knows" not in text


def test_adopting_this_stash_asks_first(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "Film")
    page = open_page(house.stash, f"{ADDRESS}?view=set-up")
    page.get_by_role("button", name="Adopt This Stash").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("is deleted, with their waiting jobs")
    dialog.get_by_role("button", name="Adopt This Stash").click()
    expect(page.get_by_text("already belongs to this Stash")).to_be_visible()
    expect(dialog).to_have_count(0)


def test_a_scenes_page_tells_syncs_and_undoes(house: House, open_page: Open) -> None:
    scene, item = house.pair("1.mp4", title="Film", plex={"title": "Raw"})
    page = open_page(house.stash, f"/scenes/{scene}")
    line = page.get_by_role("region", name="PlexSync")
    expect(line).to_contain_text("not seen by PlexSync yet")
    line.get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("row", name=re.compile("^title Raw Film"))).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    line.get_by_role("button", name="Sync now").click()
    expect(line).to_contain_text("in step since")
    assert item.title == "Film"

    line.get_by_role("button", name="Undo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("would be restored")
    dialog.get_by_role("button", name=re.compile("^Restore")).click()
    expect(line).to_contain_text("undone since")
    assert item.title == "Raw"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("PlexNotFound", "not in Plex"),
        ("AmbiguousMatch", "ambiguous"),
        ("PlexPermanentError", "failed: no item"),
    ],
)
def test_a_scenes_page_says_why_it_is_not_in_step(
    house: House, open_page: Open, error: str, words: str
) -> None:
    scene = house.scene("1.mp4", title="Film")
    house.bury([dead_letter(scene, error)])
    page = open_page(house.stash, f"/scenes/{scene}")
    expect(page.get_by_role("region", name="PlexSync")).to_contain_text(f"Plex: {words}")


def test_a_scenes_page_sees_a_save(house: House, open_page: Open) -> None:
    scene, _ = house.pair("1.mp4", title="Film")
    house.stash.edit(scene, title="Film 2")
    page = open_page(house.stash, f"/scenes/{scene}")
    expect(page.get_by_role("region", name="PlexSync")).to_contain_text("in step since")


def test_what_was_edited_in_plex_is_named(house: House, open_page: Open) -> None:
    house.configure(preserve_plex_edits=True)
    scene, item = house.synced("1.mp4", "Film")
    item.title = "Somebody's own"
    house.stop_worker()
    seen = Observation(item.key, int(time.time()) + 1, "wish", (("drifted", "title"),), "HIGH")
    with closing(Ledger(str(house.data / "ledger.db"), print)) as ledger:
        ledger.save_observations([(scene, [seen])])
    page = open_page(house.stash, f"/scenes/{scene}")
    line = page.get_by_role("region", name="PlexSync")
    expect(line).to_contain_text("Plex: edited in Plex: title")
    line.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("dialog")).to_contain_text("edited in Plex, so it stays")
