"""The queue and the dead letters: thousands of rows, hostile texts, and the actions of each row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from plexsync.model.dead_letter import Candidate
from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House, dead_letter
from tests.world import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

LETTERS, QUEUE = f"{ADDRESS}?view=dead-letters", f"{ADDRESS}?view=queue"
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\N{RIGHT-TO-LEFT OVERRIDE}"&'


def row(page: Page, scene: int) -> Locator:
    return page.locator(f'tr[data-scene="{scene}"]')


def test_ten_thousand_dead_letters_are_shown_a_page_at_a_time(
    house: House, open_page: Open
) -> None:
    scenes = [house.scene(f"{n}.mp4", title=f"Film {n}") for n in range(10_000)]
    kinds = ("PlexNotFound", "PlexPermanentError")
    house.bury(dead_letter(scene, kinds[scene % 2]) for scene in scenes)
    page = open_page(house.stash, LETTERS)
    table = page.get_by_role("table", name="Needs you")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages).to_contain_text(re.compile(r"1–\d+ of 10\s000"))
    shown = table.locator("tbody tr").count()
    assert 10 <= shown <= 100
    assert page.locator("*").count() < 100 * shown, "only this page of them is in the document"

    first = table.locator("tbody tr").first.get_attribute("data-scene")
    pages.get_by_role("button", name="Next page").click()
    expect(pages).to_contain_text(f"{shown + 1}–{2 * shown} of")
    expect(table.locator("tbody tr").first).not_to_have_attribute("data-scene", first or "")
    pages.get_by_role("button", name="Previous page").click()
    expect(table.locator("tbody tr").first).to_have_attribute("data-scene", first or "")

    page.get_by_label("Class").select_option("PlexNotFound")
    expect(pages).to_contain_text(re.compile(r"of 5\s000"))
    page.get_by_label("Title or number").fill("7777")
    expect(table.locator("tbody tr")).to_have_count(0)
    page.get_by_label("Class").select_option("")
    expect(row(page, 7777)).to_contain_text("Film 7776")
    expect(table.locator("tbody tr")).to_have_count(1)


def test_columns_sort(house: House, open_page: Open) -> None:
    scenes = [house.scene(f"{n}.mp4", title=f"Film {n}") for n in range(3)]
    house.bury(dead_letter(scene) for scene in scenes)
    page = open_page(house.stash, LETTERS)
    rows = page.get_by_role("table", name="Needs you").locator("tbody tr")
    page.get_by_role("columnheader", name="Scene").get_by_role("button").click()
    heading = page.get_by_role("columnheader", name="Scene")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(rows.first).to_have_attribute("data-scene", str(scenes[0]))
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_have_attribute("data-scene", str(scenes[-1]))


def test_hostile_texts_are_texts(house: House, open_page: Open) -> None:
    """A dialog, an error or a request to another host fails the test."""
    scene = house.scene("1.mp4", title=HOSTILE, studio=house.stash.add_studio(HOSTILE))
    other = house.scene("2.mp4", title=HOSTILE)
    odd = dead_letter(
        other,
        "AmbiguousMatch",
        message=HOSTILE,
        candidates=(Candidate(HOSTILE, 5, "1", 7), Candidate("javascript:1")),
    )
    house.bury([dead_letter(scene, HOSTILE, message=HOSTILE, paths=(HOSTILE,)), odd])
    page = open_page(house.stash, LETTERS)
    for each in (scene, other):
        expect(row(page, each)).to_contain_text('<img src=x onerror="alert(1)">')
        expect(row(page, each)).to_contain_text("<script>alert(2)</script>")
    assert page.locator('img[src="x"], .plexsync script').count() == 0
    row(page, other).get_by_role("button", name="Pin").click()
    expect(page.get_by_role("dialog")).to_contain_text("<script>")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(f"/scenes/{scene}")
    expect(page.get_by_role("region", name="PlexSync")).to_be_visible()
    for link in page.locator(".plexsync a").all():
        assert re.match(r"/|https?:", link.get_attribute("href") or "")


def test_a_dead_letter_is_retried(house: House, open_page: Open) -> None:
    scene, item = house.pair("1.mp4", title="A film")
    house.bury([dead_letter(scene)])
    page = open_page(house.stash, LETTERS)
    row(page, scene).get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    until(lambda: item.title == "A film")
    expect(page.get_by_role("link", name="PlexSync", exact=True)).to_be_visible()


def test_all_of_a_class_are_retried(house: House, open_page: Open) -> None:
    pairs = [house.pair(f"{n}.mp4", title=f"Film {n}") for n in range(3)]
    other = house.scene("z.mp4", title="Elsewhere")
    house.bury(
        [*(dead_letter(scene) for scene, _ in pairs), dead_letter(other, "PlexPermanentError")]
    )
    page = open_page(house.stash, LETTERS)
    page.get_by_label("Class").select_option("PlexNotFound")
    page.get_by_role("button", name="Retry all").click()
    until(lambda: all(item.title.startswith("Film") for _, item in pairs))
    page.get_by_label("Class").select_option("")
    expect(page.get_by_role("table", name="Needs you").locator("tbody tr")).to_have_count(1)
    expect(row(page, other)).to_be_visible()


def test_clearing_names_the_number_and_can_be_called_off(house: House, open_page: Open) -> None:
    house.bury(dead_letter(house.scene(f"{n}.mp4")) for n in range(30))
    page = open_page(house.stash, LETTERS)
    page.get_by_role("button", name="Clear 30").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("30 scenes would be removed")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert house.status()["dead_letters"]["total"] == 30
    page.get_by_role("button", name="Clear 30").click()
    dialog.get_by_role("button", name="Clear 30 scenes").click()
    expect(page.get_by_text("30 scenes removed")).to_be_visible()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    assert house.status()["dead_letters"]["total"] == 0


def test_what_was_cleared_is_brought_back(house: House, open_page: Open) -> None:
    scene = house.scene("1.mp4", title="A film")
    house.bury([dead_letter(scene)])
    page = open_page(house.stash, LETTERS)
    page.get_by_role("button", name="Clear 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear 1 scene").click()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    page.get_by_role("button", name="Restore Removed").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Existing entries are not changed")
    dialog.get_by_role("button", name="Restore Removed").click()
    expect(page.get_by_role("region", name="Result of Restore Removed")).to_contain_text("1 dead")
    expect(row(page, scene)).to_be_visible()


def test_an_ambiguous_scene_is_pinned_to_the_right_item(house: House, open_page: Open) -> None:
    scene, wrong, right = house.ambiguous("clip")
    house.stash.edit(scene, title="The clip")
    until(lambda: house.status()["dead_letters"] and house.status()["dead_letters"]["total"])
    page = open_page(house.stash, LETTERS)
    expect(row(page, scene)).to_contain_text("2 candidates")
    row(page, scene).get_by_role("button", name="Pin").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("/plex/y/clip.mp4").click()
    dialog.get_by_role("button", name="Pin and sync").click()
    until(lambda: right.title == "The clip")
    assert wrong.title != "The clip"
    expect(page.get_by_text("Nothing needs you")).to_be_visible()


def test_a_row_shows_what_a_sync_would_change(house: House, open_page: Open) -> None:
    scene, item = house.pair("1.mp4", title="A film", plex={"title": "Raw"})
    house.bury([dead_letter(scene)])
    page = open_page(house.stash, LETTERS)
    row(page, scene).get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog")
    title = dialog.get_by_role("row", name=re.compile("^title"))
    expect(title).to_contain_text("Raw")
    expect(title).to_contain_text("A film")
    assert item.title == "Raw", "nothing is written"
    dialog.get_by_role("button", name="Sync now").click()
    until(lambda: item.title == "A film")


def test_a_row_leads_to_stash_and_to_plex(house: House, open_page: Open) -> None:
    scene, item = house.synced("1.mp4", "A film")
    house.stop_worker()
    house.bury([dead_letter(scene)])
    page = open_page(house.stash, LETTERS)
    plex = row(page, scene).get_by_role("link", name="Open in Plex")
    expect(plex).to_have_attribute("href", re.compile(f"metadata%2F{item.key}$"))
    expect(plex).to_have_attribute("rel", re.compile("noopener"))
    assert (plex.get_attribute("href") or "").startswith(house.plex.url)
    row(page, scene).get_by_role("link", name="Open in Stash").click()
    expect(page.get_by_role("heading", name="A film")).to_be_visible()


def test_the_queue_says_what_waits_and_why(house: House, open_page: Open) -> None:
    scene = house.scene("1.mp4", title="before")
    house.stash.edit(scene, title="A film")
    page = open_page(house.stash, QUEUE)
    expect(row(page, scene)).to_contain_text("Not in Plex")
    expect(row(page, scene)).to_contain_text("no item in Plex holds this file yet")
    expect(row(page, scene)).to_contain_text("A film")
    expect(row(page, scene)).to_contain_text(re.compile("[0-9] tr(y|ies)"))
    expect(page.get_by_label("Class").get_by_role("option")).to_have_text(
        ["All reasons", "Not in Plex (1)"]
    )
    expect(page.get_by_role("link", name="PlexSync", exact=True)).to_be_visible()
    item = house.plex.item(house.plex.add_item(house.section, file="/plex/1.mp4", size=1))
    row(page, scene).get_by_role("button", name="Sync now").click()
    until(lambda: item.title == "A film")
    expect(row(page, scene)).to_have_count(0)
    expect(page.get_by_text("Nothing waits: every edit is in Plex")).to_be_visible()


def test_clearing_the_queue_asks_first(house: House, open_page: Open) -> None:
    for n in range(2):
        house.stash.edit(house.scene(f"{n}.mp4"), title=f"Film {n}")
    page = open_page(house.stash, QUEUE)
    page.get_by_role("button", name="Clear the queue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 waiting jobs would be removed")
    dialog.get_by_role("button", name="Clear 2 jobs").click()
    expect(page.get_by_text("2 jobs removed")).to_be_visible()
    assert house.status()["queue"]["pending"] == 0
