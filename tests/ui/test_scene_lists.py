"""Each number on the overview leads to its list, and a list offers what fits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, LONG_AGO, House, Witness, dead_letter
from tests.world import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

LISTS = f"{ADDRESS}?view=scenes"


def row(page: Page, scene: int) -> Any:
    return page.locator(f'tr[data-scene="{scene}"]')


def numbers(page: Page) -> dict[str, int]:
    """What the overview says, by the titles."""
    box = page.get_by_role("region", name="Scenes")
    expect(box).to_be_visible()
    texts = box.get_by_role("link").all_inner_texts()
    found = (re.match(r"([\d\s]+) (.+)", text) for text in texts)
    return {each[2]: int(re.sub(r"\s", "", each[1])) for each in found if each}


def test_every_scene_is_counted_once_and_each_number_leads_to_its_list(
    house: House, open_page: Open
) -> None:
    house.synced("1.mp4", "In step")
    bare, _ = house.pair("2.mp4")
    house.stash.edit(bare, title="")
    missing = house.scene("3.mp4", title="No file in Plex")
    house.stash.edit(missing, title="No file in Plex")
    until(lambda: house.status()["badge"]["later"] == 1)
    house.stop_worker()
    given_up = house.scene("4.mp4", title="Given up")
    house.bury([dead_letter(given_up)])
    old = [house.scene(f"old{n}.mp4", title=f"Old {n}", updated_at=LONG_AGO) for n in range(3)]
    page = open_page(house.stash, ADDRESS)
    expect(page.get_by_role("link", name="3 Not looked at yet")).to_be_visible()
    counted = numbers(page)
    assert counted == {
        "In step": 1, "Not in Plex": 1, "Needs you": 1, "Too little metadata": 1,
        "Not looked at yet": 3,
    }  # fmt: skip
    assert sum(counted.values()) == len(house.stash.data.scenes)

    page.get_by_role("link", name="1 Not in Plex").click()
    expect(page).to_have_url(re.compile(r"view=scenes&state=not_in_plex$"))
    expect(row(page, missing)).to_contain_text("No file in Plex")
    page.reload()
    expect(row(page, missing)).to_be_visible()
    lists = page.get_by_role("navigation", name="Lists of scenes")
    lists.get_by_role("link", name="Not looked at yet").click()
    expect(row(page, old[2])).to_contain_text("Old 2")
    page.get_by_label("Title or number").fill("Old 1")
    expect(row(page, old[1])).to_be_visible()
    expect(row(page, old[2])).to_have_count(0)
    lists.get_by_role("link", name="Too little metadata").click()
    expect(row(page, bare).get_by_role("link", name="Open in Stash")).to_be_visible()
    expect(row(page, bare).get_by_role("button")).to_have_count(0)
    lists.get_by_role("link", name="Needs you").click()
    expect(row(page, given_up).get_by_role("button", name=re.compile("^Retry"))).to_be_visible()


def test_an_empty_list_has_a_sentence_and_no_button(house: House, open_page: Open) -> None:
    page = open_page(house.stash, f"{LISTS}&state=needs_you")
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
    table = page.get_by_role("table", name="Needs you")
    expect(table).to_be_visible()
    pane = page.get_by_role("tabpanel")
    expect(pane.get_by_role("button", name=re.compile("Retry|Sync|CSV"))).to_have_count(0)


def test_a_row_is_synced_and_leaves_its_list(house: House, open_page: Open) -> None:
    scene, item = house.pair("1.mp4", title="Old film", updated_at=LONG_AGO)
    page = open_page(house.stash, f"{LISTS}&state=not_seen")
    row(page, scene).get_by_role("button", name=re.compile("^Sync now")).click()
    until(lambda: item.title == "Old film")
    expect(row(page, scene)).to_have_count(0)
    expect(page.get_by_text("PlexSync knows every scene.")).to_be_visible()
    page.get_by_role("link", name="In step").click()
    expect(row(page, scene).get_by_role("link", name="Open in Plex")).to_be_visible()
    row(page, scene).get_by_role("button", name=re.compile("^Undo")).click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    until(lambda: item.title != "Old film")
    page.get_by_role("link", name="Undone").click()
    expect(row(page, scene)).to_be_visible()


def test_edits_in_plex_are_overwritten_after_a_question(house: House, open_page: Open) -> None:
    house.configure(preserve_plex_edits=True, no_poster=True)
    scene, item = house.synced("1.mp4", "By Stash")
    lonely = house.plex.add_item(house.section, file="/plex/nobody.mp4", size=1)
    house.plex.user_edit(item.key, title="By hand")
    page = open_page(house.stash, ADDRESS)
    page.get_by_role("button", name="Reconcile").click()
    page.get_by_role("button", name="All scenes").click()
    page.get_by_role("link", name="1 Edited in Plex").click()
    expect(page.get_by_text("As found by the reconciliation of")).to_be_visible()
    expect(row(page, scene)).to_contain_text("title")
    row(page, scene).get_by_role("button", name=re.compile("^Overwrite")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 scene is replaced")
    dialog.get_by_role("button", name="Overwrite 1 scene").click()
    until(lambda: item.title == "By Stash")
    expect(page.get_by_text("No edit in Plex is known.")).to_be_visible()
    page.get_by_role("link", name="Only in Plex").click()
    expect(row(page, lonely)).to_contain_text("/plex/nobody.mp4")
    expect(row(page, lonely).get_by_role("link", name="Open in Plex")).to_be_visible()
    page.get_by_label("Part of the path").fill("somebody")
    expect(page.get_by_text("Nothing in this list matches.")).to_be_visible()


def test_a_list_is_saved_whole_as_csv(
    house: House, open_page: Open, tmp_path: Path, witness: Witness
) -> None:
    scenes = [house.scene(f"{n}.mp4", title=f"=cmd|'{n}'!A1, \"x\"") for n in range(1, 4)]
    house.bury(dead_letter(n) for n in range(scenes[0], scenes[0] + 1200))
    page = open_page(house.stash, f"{LISTS}&state=needs_you")
    expect(row(page, scenes[0])).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    assert saved.value.suggested_filename == "plexsync-needs_you.csv"
    saved.value.save_as(tmp_path / "list.csv")
    lines = (tmp_path / "list.csv").read_bytes().decode("utf-8-sig").split("\r\n")
    assert len(lines) == 1 + 1200 + 1
    assert lines[0] == "Scene,Title,State,Why,Since,File,In Stash,In Plex"
    assert lines[1].startswith(f'{scenes[0]},"\'=cmd|\'1\'!A1, ""x""",not in Plex,')
    assert f"{house.stash.url}/scenes/{scenes[0]}" in lines[1]
    assert witness.count(page, "scenes_in_state") >= 4, "500 rows at a time"
