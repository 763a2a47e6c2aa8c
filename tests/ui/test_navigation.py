"""Stash's own pages: the entry in the bar at each width, the grid's selection, and marks on cards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.ui.conftest import Open
from tests.ui.house import House, Witness, dead_letter
from tests.ui.test_reaching_the_page import show
from tests.world import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

COUNTS = "PlexSync.polling.board.publish({waiting: 1234, failed: 12})"
ALL_SHOWN = ".plexsync-nav-name, .plexsync-nav .badge { display: inline-block !important }"


def entry(page: Page) -> Locator:
    return page.get_by_role("link", name=re.compile("^PlexSync"))


def opened(house: House, open_page: Open, width: int) -> Page:
    """A page of this width on which something waits and something failed."""
    page = open_page(house.stash, size=(width, 900))
    page.wait_for_function("PlexSync.polling.board.at > 0 && PlexSync.polling.board.counts")
    page.evaluate(COUNTS)
    return page


def right_edge(page: Page) -> float:
    """Where the last button of the bar ends."""
    box: Any = page.locator(".navbar-buttons .logout-button").bounding_box()
    return float(box["x"] + box["width"])


def test_in_the_widest_bar_the_entry_has_its_name_and_both_numbers(
    house: House, open_page: Open
) -> None:
    page = opened(house, open_page, 1400)
    expect(entry(page).get_by_text("PlexSync")).to_be_visible()
    expect(entry(page).get_by_title("waiting")).to_be_visible()
    expect(entry(page).get_by_title("needs you")).to_be_visible()
    assert right_edge(page) <= 1400


@pytest.mark.parametrize("width", [1200, 1250, 1300])
def test_in_a_narrower_bar_it_is_an_icon_with_one_number_and_nothing_is_cut(
    house: House, open_page: Open, width: int
) -> None:
    page = opened(house, open_page, width)
    expect(entry(page).get_by_title("needs you")).to_be_visible()
    expect(entry(page).get_by_title("waiting")).not_to_be_visible()
    expect(entry(page).get_by_text("PlexSync")).not_to_be_visible()
    expect(entry(page)).to_have_attribute("aria-label", re.compile("1.234 waiting, 12 need you"))
    assert right_edge(page) <= width
    page.evaluate("PlexSync.polling.board.publish({waiting: 5, failed: 0})")
    expect(entry(page).get_by_title("waiting")).to_be_visible()
    page.evaluate(COUNTS)
    page.add_style_tag(content=ALL_SHOWN)
    if width < 1300:
        assert right_edge(page) > width, "the bar is as short of room as Stash's own"


def test_in_the_collapsed_menu_the_icon_is_as_large_as_the_others(
    house: House, open_page: Open
) -> None:
    page = opened(house, open_page, 1100)
    page.locator(".nav-menu-toggle").click()
    expect(entry(page).get_by_text("PlexSync")).to_be_visible()
    own: Any = entry(page).locator("svg").bounding_box()
    stashs: Any = page.get_by_role("link", name="Scenes").locator("svg").bounding_box()
    assert own["height"] == pytest.approx(stashs["height"], abs=1)
    assert own["height"] > 30


def test_the_selected_scenes_are_synced_from_the_grid(house: House, open_page: Open) -> None:
    films = [house.pair(f"{n}.mp4", title=f"Film {n}", plex={"title": "raw"}) for n in range(3)]
    page = open_page(house.stash, "/scenes")
    expect(page.get_by_label(f"Select {films[0][0]}")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("to Plex"))).to_have_count(0)
    for scene, _ in films[:2]:
        page.get_by_label(f"Select {scene}").check()
    page.get_by_role("button", name="Sync 2 selected scenes to Plex").click()
    until(lambda: [item.title for _, item in films[:2]] == ["Film 0", "Film 1"])
    expect(page.get_by_text("2 scenes synced to Plex now.")).to_be_visible()
    assert films[2][1].title == "raw"


def test_cards_have_marks_if_the_settings_ask_for_them(
    house: House, open_page: Open, witness: Witness
) -> None:
    scene, _ = house.synced("1.mp4", "In step")
    house.stop_worker()
    others = [house.scene(f"{n}.mp4", title=f"Film {n}") for n in range(2, 25)]
    house.bury([dead_letter(others[0], "AmbiguousMatch")])
    page = open_page(house.stash, "/scenes")
    expect(page.locator(".scene-card")).to_have_count(20)
    assert witness.count(page, "scene_state") == 0, "off by default"

    house.configure(mark_cards=True)
    page = open_page(house.stash, "/")
    until(lambda: witness.answered(page))
    show(page, "hidden")
    page.get_by_role("link", name="All scenes").click()
    expect(page.locator(".scene-card")).to_have_count(20)
    page.wait_for_timeout(300)
    assert witness.count(page, "scene_state") == 0, "nobody sees them"
    show(page, "visible")
    expect(page.get_by_title("Plex: in step")).to_be_visible()
    expect(page.get_by_title("Plex: ambiguous")).to_be_visible()
    expect(page.locator(".plexsync-card")).to_have_count(2)
    assert witness.count(page, "scene_state") == 1, "one request for all cards"
    card = page.locator(".scene-card").filter(has=page.get_by_title("Plex: in step"))
    expect(card.get_by_role("link", name="In step")).to_have_attribute("href", f"/scenes/{scene}")
    page.get_by_label(f"Select {scene}", exact=True).check()
    expect(page.get_by_role("button", name="Sync 1 selected scene to Plex")).to_be_visible()
    expect(page.get_by_title("Plex: in step")).to_be_visible()
    page.wait_for_timeout(200)
    assert witness.count(page, "scene_state") == 1, "the grid stays as it is"
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".scene-card")).to_have_count(4)
    until(lambda: witness.count(page, "scene_state") == 2)
