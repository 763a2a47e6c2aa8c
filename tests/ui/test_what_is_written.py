"""The views "What is written" and "Settings": results while typing, counting, saving."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

VIEW = f"{ADDRESS}?view=recipes"


def films(house: House) -> list[int]:
    """Five films of a studio, in both servers."""
    studio = house.stash.add_studio("Acme")
    return [
        house.pair(f"{n}.mp4", title=f"Film {n}", studio=studio, date="2021-05-04")[0]
        for n in range(5)
    ]


def saved(house: House) -> dict[str, object]:
    return dict(house.stash.data.plugin_settings["PlexSync"])


def test_results_follow_what_is_typed_and_nothing_is_saved_before_save(
    house: House, open_page: Open
) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    results = page.get_by_role("list", name="Title: results")
    expect(results.get_by_text("Film 4", exact=True)).to_be_visible()
    page.get_by_label("Title", exact=True).fill("[{studio}: ]{title}[ ({year})]")
    expect(results.get_by_text("Acme: Film 4 (2021)")).to_be_visible()
    assert "title" not in saved(house)

    page.get_by_role("button", name="Count the changes").click()
    expect(page.get_by_text("This changes 5 of 5 scenes.")).to_be_visible()
    page.get_by_role("button", name="Save ...").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This changes 5 of 5 scenes.")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert saved(house)["title"] == "[{studio}: ]{title}[ ({year})]"
    expect(page.get_by_role("button", name="Save ...")).to_be_disabled()


def test_a_count_belongs_to_the_draft_that_was_counted(house: House, open_page: Open) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    title = page.get_by_label("Title", exact=True)
    title.fill("{title}!")
    held = house.stash.add_fault("hang", match=lambda entry: "PlexSyncScenePage" in entry.query)
    page.get_by_role("button", name="Count the changes").click()
    progress = page.get_by_role("progressbar", name="Count the changes")
    expect(progress).to_be_visible()
    title.fill("{title}?")
    held.remove()
    expect(progress).to_have_count(0)
    expect(page.get_by_text("This changes 5 of 5 scenes.")).to_have_count(0)
    title.fill("{title}!")
    page.get_by_role("button", name="Save ...").click()
    expect(page.get_by_role("dialog")).to_contain_text("have not been counted")


def test_a_pattern_that_cannot_be_read_says_where_and_cannot_be_saved(
    house: House, open_page: Open
) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    row = page.locator('.plexsync-pattern[data-key="title"]')
    row.get_by_label("Title", exact=True).fill("{titel}")
    expect(row.get_by_role("alert")).to_contain_text("character 2")
    expect(page.get_by_role("button", name="Save ...")).to_be_disabled()
    row.get_by_role("button", name="Title: default").click()
    expect(row.get_by_role("alert")).to_have_count(0)


def test_a_placeholder_and_a_picked_name_are_entered_at_the_cursor(
    house: House, open_page: Open
) -> None:
    films(house)
    house.stash.add_tag("Kids, and Adults")
    page = open_page(house.stash, VIEW)
    labels = page.get_by_label("Labels", exact=True)
    labels.fill("; X")
    labels.press("Home")
    page.get_by_role("button", name="{studio}", exact=True).click()
    expect(labels).to_have_value("{studio}; X")
    labels.press("End")
    labels.type("; ")
    page.get_by_label("Name of a tag").fill("Kids, and Adults")
    page.get_by_role("button", name="Insert").click()
    expect(labels).to_have_value('{studio}; X; {tag:"Kids, and Adults"}')


def test_a_preset_fills_every_pattern_and_can_be_discarded(house: House, open_page: Open) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    preset = page.get_by_role("button", name="As StashPlexAgent did")
    preset.click()
    expect(preset).to_have_attribute("aria-pressed", "true")
    results = page.get_by_role("list", name="Collections: results")
    expect(results.get_by_text("Site: Acme").first).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(preset).to_have_attribute("aria-pressed", "false")


def test_a_filter_shows_which_samples_it_leaves_out(house: House, open_page: Open) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    page.get_by_label("Sync only").fill("organized")
    expect(page.get_by_text("left out: not organized")).to_have_count(5)
    page.get_by_role("button", name="Count the changes").click()
    expect(page.get_by_text("5 scenes would be left out.")).to_be_visible()


def test_settings_are_searched_changed_and_saved(house: House, open_page: Open) -> None:
    page = open_page(house.stash, f"{ADDRESS}?view=settings")
    page.get_by_label("Search the settings").fill("dead letters dlq")
    field = page.get_by_label("Keep dead letters", exact=True)
    expect(page.locator(".plexsync-pattern")).to_have_count(1)
    field.fill("4711")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("1 to 365")
    field.fill("60")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(re.compile("Saved. Reload an open settings page"))).to_be_visible()
    assert saved(house)["dlq_retention_days"] == 60
    assert saved(house)["plex_url"] == house.plex.url


def test_settings_are_exported_without_the_token_and_imported(
    house: House, open_page: Open, tmp_path: Path
) -> None:
    house.configure(max_tags=40, no_tagline=True)
    page = open_page(house.stash, f"{ADDRESS}?view=settings")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    file = tmp_path / "settings.json"
    download.value.save_as(file)
    exported = json.loads(file.read_text(encoding="utf-8"))["plexsync"]
    assert (exported["max_tags"], exported["no_tagline"]) == ("40", True)
    assert "plex_token" not in exported

    file.write_text(json.dumps({"plexsync": {**exported, "max_tags": "30"}}), encoding="utf-8")
    page.get_by_label("Settings to import").set_input_files(file)
    expect(page.get_by_text("1 setting changed, not saved")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    until(lambda: saved(house)["max_tags"] == 30)


def test_stashs_own_select_is_used_where_plugins_are_given_one(
    house: House, open_page: Open
) -> None:
    films(house)
    page = open_page(house.stash, VIEW)
    expect(page.get_by_label("Name of a tag")).to_be_visible()
    page.evaluate(
        """() => {
          const { React } = window.PluginApi;
          const tag = { id: "1", name: "Kids, and Adults" };
          const pick = ({ onSelect }) =>
            React.createElement("button", { onClick: () => onSelect([tag]) }, "Stash's select");
          window.PluginApi.components = { ...window.PluginApi.components, TagSelect: pick };
        }"""
    )
    labels = page.get_by_label("Labels", exact=True)
    labels.fill("X; ")  # a change, so that the page is drawn anew
    page.get_by_role("button", name="Stash's select").click()
    expect(labels).to_have_value('X; {tag:"Kids, and Adults"}')
