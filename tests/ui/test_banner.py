"""The banner says what needs somebody, until it is over or somebody hides it."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.world import until

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

SECRET = "AbCdEf0123456789secret"


def test_a_refused_token_stands_on_the_page_until_it_is_accepted(
    house: House, open_page: Open
) -> None:
    scene, item = house.pair("1.mp4", title="before")
    house.configure(plex_token="another-token")
    house.stash.edit(scene, title="after")
    until(lambda: (house.data / "notifications.json").exists())
    page = open_page(house.stash, ADDRESS)
    banner = page.locator("[data-alert=token]")
    expect(banner).to_contain_text("Plex refuses the token since")
    expect(page.get_by_role("link", name="Enter a token")).to_be_visible()
    house.configure()
    until(lambda: item.title == "after")
    expect(banner).to_have_count(0)


def test_dead_letters_are_shown_and_stay_hidden_once_they_were_hidden(
    house: House, open_page: Open
) -> None:
    house.plex.add_fault("status", match="PUT", status=400)
    house.stash.edit(house.pair("1.mp4", title="before")[0], title="after")
    page = open_page(house.stash, ADDRESS)
    banner = page.locator("[data-alert='dead letters']")
    expect(banner).to_contain_text("1 scene needs you", timeout=60_000)
    page.get_by_role("button", name="Show them").click()
    expect(page).to_have_url(f"{house.stash.url}{ADDRESS}?view=dead-letters")
    page.get_by_role("button", name="Hide: 1 scene needs you").click()
    expect(banner).to_have_count(0)
    page.reload()
    expect(page.get_by_role("table").first).to_contain_text("Refused by Plex")
    expect(banner).to_have_count(0)


def test_the_settings_show_whether_urls_are_set_and_never_what_they_are(
    house: House, open_page: Open
) -> None:
    page = open_page(house.stash, f"{ADDRESS}?view=settings")
    row = page.locator("[data-key=notify_urls]")
    expect(row).to_contain_text("not set")
    house.configure(notify_urls=f"ntfy://{SECRET}")
    page.reload()
    expect(row.get_by_text("set", exact=True)).to_be_visible()
    expect(page.locator("[data-key=plex_token]").get_by_text("set", exact=True)).to_be_visible()
    assert SECRET not in page.content()
    exported = page.get_by_role("link", name="Export").get_attribute("href")
    assert exported and "notify_urls" not in exported and "plex_token" not in exported


@pytest.mark.altered
def test_the_button_beside_them_says_what_became_of_a_test_message(
    house: House, open_page: Open
) -> None:
    house.configure(notify_urls="odd://nowhere")
    (house.plugin / "requirements-notify.txt").unlink()
    page = open_page(house.stash, f"{ADDRESS}?view=settings")
    page.get_by_role("button", name="Send a Test Message").click()
    result = page.get_by_role("region", name="Result of Send a Test Message")
    expect(result).to_contain_text("No message can be sent: PlexSync is incomplete")
