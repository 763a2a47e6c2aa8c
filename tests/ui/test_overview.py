"""The overview: the state, the buttons, and an outage as the user sees it."""

from __future__ import annotations

import re

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_one_sentence_says_how_things_are(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "First")
    house.pair("2.mp4", title="Never saved")
    page = open_page(house.stash, ADDRESS)
    headline = page.locator("[data-plexsync=headline]")
    expect(headline).to_have_text("Nothing waits.")
    expect(page.locator("[data-plexsync=counts]")).to_have_text(
        "In step: 1 of 2 scenes; the other: not looked at yet 1."
    )
    tiles = page.locator(".plexsync-tiles")
    expect(tiles).to_contain_text("Circuit breakerClosed")
    expect(tiles).to_contain_text("WorkerAlive")
    expect(tiles).to_contain_text("Last reconciliationNever")


def test_each_button_runs_its_task_and_tells_the_result(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "First")
    page = open_page(house.stash, ADDRESS)
    words = {
        "Process Queue": "Nothing",
        "Health Check": "Plex is healthy",
        "Recover Outage Jobs": "no outage",
    }
    for button, word in words.items():
        page.get_by_role("button", name=button, exact=True).click()
        result = page.get_by_role("region", name=f"Result of {button}")
        expect(result).to_contain_text(re.compile(word, re.IGNORECASE))
        result.get_by_role("button", name="Close").click()
        expect(result).to_have_count(0)
    expect(page.locator(".plexsync-tiles")).to_contain_text("Healthy")


def test_every_scope_of_a_reconciliation_can_be_chosen(house: House, open_page: Open) -> None:
    house.synced("1.mp4", "First")
    page = open_page(house.stash, ADDRESS)
    tasks = {
        "All scenes": "Reconcile Library (All)",
        "Last 7 days": "Reconcile Last 7 Days",
        "Last 24 hours": "Reconcile Recent (24 h)",
        "Missing metadata only": "Reconcile Missing Metadata Only",
    }
    for item, task in tasks.items():
        page.get_by_role("button", name="Reconcile", exact=True).click()
        page.get_by_role("button", name=item).click()
        expect(page.get_by_role("region", name=f"Result of {task}")).to_contain_text("1")
    expect(page.locator(".plexsync-tiles")).to_contain_text("1 scene compared, no gaps")


def test_scenes_that_nobody_saved_yet_are_synced_on_request(house: House, open_page: Open) -> None:
    films = [house.pair(f"{n}.mp4", title=f"Film {n}") for n in range(3)]
    page = open_page(house.stash, ADDRESS)
    expect(page.locator(".plexsync-headline")).to_contain_text("3 scenes were not saved")
    page.get_by_role("button", name="Sync All Scenes").click()
    expect(page.get_by_role("region", name="Result of Sync All Scenes")).to_contain_text("3")
    expect(page.locator("[data-plexsync=counts]")).to_contain_text("In step: 3 of 3 scenes.")
    assert [item.title for _, item in films] == ["Film 0", "Film 1", "Film 2"]


def test_a_task_shows_its_progress_and_can_be_stopped(house: House, open_page: Open) -> None:
    for n in range(12):
        scene, _ = house.pair(f"{n}.mp4", title="old")
        house.missed(scene, title=f"new {n}")
    page = open_page(house.stash, ADDRESS)
    held = house.plex.add_fault("hang")
    page.get_by_role("button", name="Reconcile", exact=True).click()
    page.get_by_role("button", name="All scenes").click()
    expect(page.get_by_role("progressbar", name="Reconcile Library (All)")).to_be_attached()
    expect(page.get_by_role("button", name="Health Check")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    result = page.get_by_role("region", name="Result of Reconcile Library (All)")
    expect(result).to_contain_text("Stopped. Nothing is lost")
    expect(page.get_by_role("button", name="Health Check")).to_be_enabled()
    held.remove()


def test_a_task_that_runs_already_is_found_after_a_reload(house: House, open_page: Open) -> None:
    house.pair("1.mp4", title="old")
    page = open_page(house.stash, ADDRESS)
    held = house.plex.add_fault("hang")
    page.get_by_role("button", name="Health Check").click()
    running = page.get_by_role("progressbar", name="Health Check")
    expect(running).to_be_attached()
    page.reload()
    expect(running).to_be_attached()
    held.remove()
    result = page.get_by_role("region", name="Result of Health Check")
    expect(result).to_contain_text("Plex is healthy")


def test_an_outage_is_seen_to_come_and_to_go(house: House, open_page: Open) -> None:
    films = [house.pair(f"{n}.mp4", title="old") for n in range(6)]
    house.synced("a.mp4", "In step")
    page = open_page(house.stash, ADDRESS)
    headline = page.locator("[data-plexsync=headline]")
    expect(page.locator("[data-plexsync=counts]")).to_contain_text("In step: 1 of 7")
    expect(page.get_by_role("img", name="Outages: none within the last 24 hours")).to_be_visible()

    house.plex.stop()
    for scene, _ in films:
        house.stash.edit(scene, title=f"new {scene}")
    expect(headline).to_contain_text("Plex is away since")
    expect(page.locator(".plexsync-headline")).to_contain_text("6 scenes wait; nothing is lost")
    expect(page.get_by_role("link", name="PlexSync, 6 waiting")).to_be_visible()
    expect(page.locator(".plexsync-tiles")).to_contain_text("Circuit breakerOpen")
    expect(page.get_by_role("img", name="Outages: 1 within the last 24 hours")).to_be_visible()

    house.plex.start()
    page.get_by_role("button", name="Health Check").click()
    expect(headline).to_have_text("Nothing to do: every edit is in Plex.")
    until(lambda: all(item.title == f"new {scene}" for scene, item in films))
    expect(page.locator(".plexsync-tiles")).to_contain_text("Circuit breakerClosed")
    page.get_by_text("The last 1 outage in words").click()
    expect(page.locator(".plexsync-timeline li")).to_contain_text("6 scenes held back")


def test_the_timeline_covers_the_span_that_is_chosen(house: House, open_page: Open) -> None:
    house.outages((30 * 60, 120.0), (3 * 86400, 600.0), (20 * 86400, 7200.0))
    page = open_page(house.stash, ADDRESS)
    spans = page.get_by_role("group", name="Span")
    for span, count in {"24 hours": 1, "7 days": 2, "30 days": 3}.items():
        spans.get_by_role("button", name=span).click()
        expect(spans.get_by_role("button", name=span)).to_have_attribute("aria-pressed", "true")
        timeline = page.get_by_role("img", name=f"Outages: {count} within the last {span}")
        expect(timeline.locator(".plexsync-down")).to_have_count(count)


def test_what_is_not_set_up_leads_to_the_set_up(house: House, open_page: Open) -> None:
    house.stash.set_plugin_settings({})
    page = open_page(house.stash, f"{ADDRESS}?view=queue")
    headline = page.locator("[data-plexsync=headline]")
    expect(headline).to_contain_text("not set up")
    page.get_by_role("tab", name="Overview").click()
    tiles = page.locator(".plexsync-tiles")
    expect(tiles).to_contain_text("PlexNot set up")
    expect(tiles).to_contain_text("Circuit breakerNot used yet")
    page.locator(".plexsync-headline").get_by_role("link", name="Set-up").click()
    expect(page.get_by_role("region", name="Connect")).to_be_visible()


def test_a_stash_that_goes_away_is_told_and_comes_back(
    house: House, open_page: Open, witness: object
) -> None:
    page = open_page(house.stash, ADDRESS)
    expect(page.locator("[data-plexsync=headline]")).to_be_visible()
    house.stash.add_fault("graphql_errors", match="/graphql", message="database is locked")
    expect(page.get_by_role("alert")).to_contain_text("database is locked")
    house.stash.clear_faults()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
