"""The set-up on the page."""

from __future__ import annotations

import re

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_it_opens_by_itself_once_and_lets_everybody_go_elsewhere(
    house: House, open_page: Open
) -> None:
    house.stash.set_plugin_settings({})
    house.forget()
    page = open_page(house.stash, ADDRESS)
    expect(page.get_by_role("region", name="Connect")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=set-up$"))
    page.get_by_role("tab", name="Overview").click()
    expect(page.locator(".plexsync-tiles")).to_be_visible()
    expect(page.get_by_role("region", name="Connect")).to_have_count(0)


def test_it_does_not_open_once_plexsync_was_connected(house: House, open_page: Open) -> None:
    page = open_page(house.stash, ADDRESS)
    expect(page.locator(".plexsync-tiles")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{ADDRESS}$"))


def test_a_step_is_in_the_address(house: House, open_page: Open) -> None:
    page = open_page(house.stash, f"{ADDRESS}?view=set-up&step=connect")
    steps = page.get_by_role("list", name="Steps of the set-up")
    expect(steps.locator('[aria-current="step"]')).to_contain_text("Connect")
    expect(steps.get_by_role("button", name="Connect (done)")).to_be_visible()
