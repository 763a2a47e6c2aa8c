"""What the page says is true, has a reason, and offers only what can be done."""

from __future__ import annotations

import re

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House, dead_letter

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_an_empty_list_offers_nothing_to_retry_or_clear(house: House, open_page: Open) -> None:
    page = open_page(house.stash, f"{ADDRESS}?view=dead-letters")
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Retry all|Clear"))).to_have_count(0)
    page.get_by_role("tab", name="Queue").click()
    expect(page.get_by_text("Nothing waits: every edit is in Plex.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Clear"))).to_have_count(0)


def test_what_needs_you_says_what_to_do_first(house: House, open_page: Open) -> None:
    house.bury([dead_letter(house.scene("1.mp4"))])
    page = open_page(house.stash, f"{ADDRESS}?view=dead-letters")
    expect(page.locator("[data-plexsync=headline]")).to_have_text(
        "1 scene needs you: Not in Plex 1."
    )
    why = page.get_by_role("table", name="Needs you").get_by_role("cell").nth(2)
    expect(why).to_have_text(
        re.compile(
            r"^Not in PlexLet Plex scan the folder, or correct the path map.*no item in Plex"
        )
    )


def test_an_undo_names_why_a_field_stays_and_is_not_offered_again(
    house: House, open_page: Open
) -> None:
    scene, item = house.synced("1.mp4", "Mine")
    item.title = "Somebody else's"
    page = open_page(house.stash, f"/scenes/{scene}")
    line = page.locator("[data-plexsync=scene-line]")
    line.get_by_role("button", name="Undo").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Restore")).click()
    expect(page.get_by_text("title (changed in Plex since)").first).to_be_visible()
    expect(line).to_contain_text("Plex: undone")
    expect(line.get_by_role("button", name="Undo")).to_have_count(0)
    assert item.title == "Somebody else's"


def test_the_whole_text_of_any_task_can_be_read(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "First")
    house.stash.run_task("View Queue Status", {})
    page = open_page(house.stash, ADDRESS)
    page.get_by_text("Texts of tasks").click()
    page.get_by_label("Task", exact=True).select_option("View Queue Status")
    texts = page.locator("details", has_text="Texts of tasks")
    expect(texts).to_contain_text("In step: 1 of 1 scene.")
    expect(texts).to_contain_text("Nothing to do: every edit is in Plex.")
    page.get_by_label("Task", exact=True).select_option("Rebuild Plex Index")
    expect(texts).to_contain_text("It has not run yet.")


def test_stashs_form_leads_to_all_settings_and_keeps_what_only_they_have(
    house: House, open_page: Open
) -> None:
    house.configure(max_tags=40, no_tagline=True)
    page = open_page(house.stash, "/settings?tab=plugins")
    page.get_by_label("plex_url").fill("http://10.0.0.2:32400")
    page.get_by_role("link", name="All settings of PlexSync").click()
    tags = page.get_by_label("Tags per scene", exact=True)
    expect(tags).to_have_value("40")
    row = page.locator("[data-key=max_tags]")
    expect(row.get_by_text("changed", exact=True)).to_be_visible()
    expect(page.locator("[data-key=connect_timeout]")).to_contain_text("Allowed: 1 to 30 seconds.")
    tags.fill("50")
    expect(row.get_by_text("not saved")).to_be_visible()
    row.get_by_role("button", name="Tags per scene: default").click()
    expect(tags).to_have_value("")
    stored = house.stash.data.plugin_settings["PlexSync"]
    assert (stored["max_tags"], stored["no_tagline"]) == (40, True)


def test_a_pause_is_said_at_once(house: House, open_page: Open) -> None:
    house.configure(pause_sync=True)
    page = open_page(house.stash, ADDRESS)
    expect(page.locator("[data-plexsync=headline]")).to_have_text(
        "Syncing is paused in the settings."
    )


def test_the_chart_counts_what_was_written(house: House, open_page: Open) -> None:
    scene, _ = house.synced("1.mp4", "First")
    house.stash.edit(scene, organized=True)
    house.settle()
    page = open_page(house.stash, ADDRESS)
    expect(page.get_by_role("img", name=re.compile("^Throughput: 1 scene written"))).to_be_visible()
    expect(page.get_by_text("Length of an outage (MTTR)")).to_be_visible()
