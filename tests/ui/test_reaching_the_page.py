"""The page is reachable, also after a reload, and costs little while it is hidden."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House, Witness, dead_letter
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_the_navigation_leads_to_it_and_a_reload_stays(house: House, open_page: Open) -> None:
    page = open_page(house.stash)
    page.get_by_role("link", name="PlexSync").click()
    expect(page).to_have_url(house.stash.url + ADDRESS)
    expect(page.get_by_role("heading", name="PlexSync", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Needs you").click()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="Needs you")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Overview")).to_have_attribute("aria-selected", "true")


def test_the_navigation_counts_what_waits_and_what_failed(house: House, open_page: Open) -> None:
    house.bury(dead_letter(house.scene(f"{n}.mp4")) for n in range(3))
    page = open_page(house.stash)
    expect(page.get_by_role("link", name="PlexSync, 3 need you")).to_be_visible()


def test_a_page_load_looks_once_and_wakes_a_worker_only_for_work(
    house: House, open_page: Open, witness: Witness
) -> None:
    scene, item = house.pair("1.mp4", title="old")
    page = open_page(house.stash)
    until(lambda: witness.count(page, "tick") == 1)
    page.get_by_role("link", name="All scenes").click()
    expect(page.get_by_role("heading", name="Scenes")).to_be_visible()
    assert not (house.data / "worker.lock").exists(), "nothing is due, nobody is started"

    house.missed(scene, title="new")
    page.reload()
    until(lambda: item.title == "new")
    assert witness.count(page, "tick") == 2
    assert witness.count(page, "status") == 0, "only its own page asks for more"


def test_nothing_is_asked_while_the_page_is_hidden(
    house: House, open_page: Open, witness: Witness
) -> None:
    page = open_page(house.stash, ADDRESS, clock=True)
    until(lambda: witness.count(page, "status") > 0)
    before = witness.count(page, "status")
    until(lambda: page.clock.run_for(5_000) or witness.count(page, "status") > before)

    show(page, "hidden")
    asked = len(witness.asked)
    for _ in range(20):
        page.clock.run_for(60_000)
    page.evaluate("0")
    assert witness.asked[asked:] == []

    show(page, "visible")
    before = witness.count(page, "status")
    until(lambda: page.clock.run_for(1_000) or witness.count(page, "status") > before)


def test_while_it_is_seen_there_is_one_status_every_few_seconds(
    house: House, open_page: Open, witness: Witness
) -> None:
    page = open_page(house.stash, ADDRESS, clock=True)
    until(lambda: witness.count(page, "status") > 0)
    page.clock.pause_at(datetime.now() + timedelta(hours=1))
    before = witness.count(page, "status")
    for _ in range(60):
        until(lambda: witness.answered(page))
        page.clock.run_for(1_000)
    assert 5 <= witness.count(page, "status") - before <= 21


def test_leaving_the_page_ends_its_questions(
    house: House, open_page: Open, witness: Witness
) -> None:
    page = open_page(house.stash, ADDRESS, clock=True)
    until(lambda: witness.count(page, "status") > 0)
    page.get_by_role("link", name="Stash", exact=True).click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    before = witness.count(page, "status")
    for _ in range(20):
        page.clock.run_for(60_000)
    assert witness.count(page, "status") == before


def show(page: Any, state: str) -> None:
    """Switch to another tab of the browser, or back."""
    page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            Object.defineProperty(document, "hidden",
                                  {value: state === "hidden", configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
