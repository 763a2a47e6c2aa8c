"""The set-up on the page: its frame, and how PlexSync is connected to Plex."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulator.plex_tv import connection
from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House
from tests.ui.prepare import SHOTS
from tests.world import TOKEN, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

CONNECT = f"{ADDRESS}?view=set-up&step=connect"
NOBODY = connection("http://127.0.0.1:9")


def step(page: Page) -> Locator:
    return page.get_by_role("region", name="Connect", exact=True)


def own(house: House, **more: object) -> None:
    """The account has our Plex."""
    addresses = (NOBODY, connection(house.plex.url))
    house.plex_tv.add_server(house.plex.machine, *addresses, name="NAS", token=TOKEN, **more)


def begin(page: Page) -> Page:
    """Press the button; the window at plex.tv."""
    with page.expect_popup() as opened:
        step(page).get_by_role("button", name="Sign in with Plex").click()
    window = opened.value
    window.wait_for_url(re.compile("/auth#"))
    return window


def test_it_opens_by_itself_once_and_lets_everybody_go_elsewhere(
    house: House, open_page: Open
) -> None:
    house.forget()
    page = open_page(house.stash, ADDRESS)
    expect(step(page)).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=set-up$"))
    page.get_by_role("tab", name="Overview").click()
    expect(page.locator(".plexsync-tiles")).to_be_visible()
    expect(step(page)).to_have_count(0)


def test_it_does_not_open_once_plexsync_was_connected(house: House, open_page: Open) -> None:
    page = open_page(house.stash, ADDRESS)
    expect(page.locator(".plexsync-tiles")).to_be_visible()
    expect(page).to_have_url(re.compile(f"{ADDRESS}$"))


def test_a_step_is_in_the_address(house: House, open_page: Open) -> None:
    page = open_page(house.stash, CONNECT)
    steps = page.get_by_role("list", name="Steps of the set-up")
    expect(steps.locator('[aria-current="step"]')).to_contain_text("Connect")
    expect(steps.get_by_role("button", name="Connect (done)")).to_be_visible()


def test_a_person_signs_in_and_no_token_comes_to_the_browser(
    house: House, open_page: Open, pictures: Path
) -> None:
    house.forget(max_tags=5)
    own(house)
    page = open_page(house.stash, ADDRESS)
    heard: list[Response] = []
    page.on("response", lambda response: heard.append(response))
    expect(step(page)).to_contain_text("nothing is saved before you choose one")
    page.screenshot(path=SHOTS / "set-up-connect.png")
    window = begin(page)
    expect(step(page)).to_contain_text("Waiting until you have signed in")
    with window.expect_event("close"):
        window.get_by_role("button", name="Allow").click()
    use = step(page).get_by_role("button", name="Use NAS")
    expect(use).to_be_visible()
    step(page).get_by_text("2 addresses").click()
    expect(step(page).locator(".plexsync-addresses")).to_contain_text("nothing listens")
    page.screenshot(path=pictures / "set-up-servers.png")
    use.click()
    expect(step(page)).to_contain_text(f"Connected to NAS at {house.plex.url}")
    assert house.settings == {"max_tags": 5, "plex_url": house.plex.url, "plex_token": TOKEN}
    steps = page.get_by_role("list", name="Steps of the set-up")
    expect(steps.get_by_role("button", name="Connect (done)")).to_be_visible()
    answers = [r.text() for r in heard if r.url.endswith("/graphql")]
    answers = [text for text in answers if "runPluginOperation" in text]
    assert len(answers) > 5
    assert not [text for text in answers if TOKEN in text or house.plex_tv.token in text]
    assert TOKEN not in page.content()


def test_by_keyboard_alone(house: House, open_page: Open) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    step(page).get_by_role("heading").focus()
    page.keyboard.press("Tab")
    expect(step(page).get_by_role("button", name="Sign in with Plex")).to_be_focused()
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    window = opened.value
    window.wait_for_url(re.compile("/auth#"))
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    expect(step(page).get_by_role("list", name="Servers")).to_be_visible()
    step(page).get_by_role("heading").focus()
    page.keyboard.press("Tab")
    expect(step(page).get_by_role("button", name="Use NAS")).to_be_focused()
    page.keyboard.press("Enter")
    expect(step(page)).to_contain_text("Connected to NAS")


def test_a_window_that_is_closed_can_be_opened_again(house: House, open_page: Open) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    begin(page).close()
    expect(step(page)).to_contain_text("The window at plex.tv is closed")
    with page.expect_popup() as opened:
        step(page).get_by_role("link", name="Open the window again").click()
    opened.value.get_by_role("button", name="Allow").click()
    expect(step(page).get_by_role("button", name="Use NAS")).to_be_visible()


def test_a_browser_that_blocks_windows_has_a_link(house: House, open_page: Open) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    page.evaluate("window.open = () => null")
    step(page).get_by_role("button", name="Sign in with Plex").click()
    with page.expect_popup() as opened:
        step(page).get_by_role("link", name="Open the window").click()
    opened.value.get_by_role("button", name="Allow").click()
    expect(step(page).get_by_role("button", name="Use NAS")).to_be_visible()


def test_it_goes_on_after_the_page_was_left(house: House, open_page: Open) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    begin(page)
    page.get_by_role("tab", name="Queue").click()
    house.plex_tv.allow()
    page.goto(CONNECT)
    expect(step(page).get_by_role("button", name="Use NAS")).to_be_visible()


def test_denied_it_says_so_and_can_be_started_again(house: House, open_page: Open) -> None:
    house.forget()
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Deny").click()
    expect(step(page).get_by_role("alert")).to_contain_text("denied at plex.tv")
    expect(step(page).get_by_role("button", name="Sign in with Plex")).to_be_enabled()


def test_cancelled_it_starts_afresh(house: House, open_page: Open) -> None:
    house.forget()
    page = open_page(house.stash, CONNECT)
    window = begin(page)
    with window.expect_event("close"):
        step(page).get_by_role("button", name="Cancel").click()
    expect(step(page).get_by_role("button", name="Sign in with Plex")).to_be_visible()
    until(lambda: not (house.data / "sign_in.json").exists())


def test_plex_tv_out_of_reach_leads_to_the_way_by_hand(house: House, open_page: Open) -> None:
    house.forget()
    house.plex_tv.stop()
    page = open_page(house.stash, CONNECT)
    step(page).get_by_role("button", name="Sign in with Plex").click()
    expect(step(page).get_by_role("alert")).to_contain_text("plex.tv cannot be reached from here")
    step(page).get_by_label("Address").fill(f"{house.plex.url}/web")
    step(page).get_by_label("Token").fill("wrong-token-altogether")
    page.keyboard.press("Enter")
    expect(step(page).get_by_role("alert")).to_contain_text("Plex refuses the token")
    assert house.settings == {}
    step(page).get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(step(page)).to_contain_text(f"Connected to {house.plex.url}")
    assert house.settings == {"plex_url": house.plex.url, "plex_token": TOKEN}


def test_somebody_elses_server_is_shown_with_the_reason(house: House, open_page: Open) -> None:
    house.forget()
    house.plex_tv.add_server("ann", connection(house.plex.url), name="Den", token="t", owner="Ann")
    page = open_page(house.stash, CONNECT, size=(400, 800))
    begin(page).get_by_role("button", name="Allow").click()
    servers = step(page).get_by_role("list", name="Servers")
    expect(servers).to_contain_text("It belongs to Ann.")
    expect(servers.get_by_role("button")).to_have_count(0)
    page.screenshot(path=SHOTS / "set-up-narrow.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_thirty_servers_fit_and_the_one_that_answers_comes_first(
    house: House, open_page: Open
) -> None:
    house.forget()
    for n in range(29):
        house.plex_tv.add_server(f"old-{n}", NOBODY, name=f"Old {n}", token="t")
    own(house)
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Allow").click()
    servers = step(page).get_by_role("list", name="Servers")
    expect(servers.locator(".plexsync-server")).to_have_count(30)
    expect(servers.locator(".plexsync-server").first).to_contain_text("NAS")


def test_an_account_without_servers_says_so(house: House, open_page: Open) -> None:
    house.forget()
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Allow").click()
    expect(step(page).get_by_role("alert")).to_contain_text("no Plex Media Server")


def test_two_browsers_do_not_mix_up_their_sign_ins(house: House, open_page: Open) -> None:
    house.forget()
    own(house)
    first, second = open_page(house.stash, CONNECT), open_page(house.stash, CONNECT)
    begin(first)
    begin(second)
    expect(step(first).get_by_role("alert")).to_contain_text("Another browser has started")
    house.plex_tv.allow()
    step(second).get_by_role("button", name="Use NAS").click()
    expect(step(second)).to_contain_text("Connected to NAS")


def test_a_sign_in_that_is_over_by_the_choice_can_be_started_again(
    house: House, open_page: Open
) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Allow").click()
    expect(step(page).get_by_role("button", name="Use NAS")).to_be_visible()
    (house.data / "sign_in.json").unlink()
    step(page).get_by_role("button", name="Use NAS").click()
    expect(step(page).get_by_role("alert")).to_contain_text("has ended: start it again")
    expect(step(page).get_by_role("button", name="Sign in with Plex")).to_be_enabled()


def test_a_stash_that_stores_no_settings_is_named_and_the_choice_stays(
    house: House, open_page: Open
) -> None:
    house.forget()
    own(house)
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Allow").click()
    fault = house.stash.add_fault(
        "graphql_errors", match=lambda asked: "configurePlugin" in asked.query, message="read-only"
    )
    step(page).get_by_role("button", name="Use NAS").click()
    expect(step(page).get_by_role("alert")).to_contain_text("read-only")
    fault.remove()
    step(page).get_by_role("button", name="Use NAS").click()
    expect(step(page)).to_contain_text("Connected to NAS")


def test_settings_that_an_open_settings_page_wrote_back_are_named(
    house: House, open_page: Open
) -> None:
    house.forget()
    own(house)
    opened = house.settings
    page = open_page(house.stash, CONNECT)
    begin(page).get_by_role("button", name="Allow").click()
    step(page).get_by_role("button", name="Use NAS").click()
    expect(step(page)).to_contain_text("Connected to NAS")
    house.stash.set_plugin_settings({**opened, "max_tags": 3})
    house.stash.edit(house.scene("1.mp4"), title="x")
    alert = page.get_by_role("alert").filter(has_text="earlier values again")
    expect(alert).to_contain_text("Plex token, Plex URL")


def test_packages_that_could_not_be_installed_are_named(house: House, open_page: Open) -> None:
    house.forget()
    stamp = {"folder": "/x", "at": time.time() - 5, "why": "no network", "verified": ""}
    (house.data / "dependencies.json").write_text(json.dumps(stamp))
    page = open_page(house.stash, CONNECT)
    expect(step(page).get_by_role("alert")).to_contain_text("no network")
    (house.data / "dependencies.json").unlink()


def test_from_the_installation_to_the_first_scene_in_plex_twelve_clicks_are_enough(
    house: House, open_page: Open
) -> None:
    """From Reload plugins, after `dev.py install`, to a scene in Plex; nothing is typed."""
    house.forget()
    own(house)
    scene, item = house.pair("1.mp4", title="Film", plex={"title": "Raw"})
    page = open_page(house.stash, "/")
    clicks = ["Reload plugins"]  # Stash's own button, which the host page does not have

    def click(there: Locator, what: str) -> None:
        there.click()
        clicks.append(what)

    def button(name: str) -> Locator:
        return page.get_by_role("button", name=name, exact=True)

    click(page.locator(".top-nav").get_by_role("link", name=re.compile("PlexSync")), "PlexSync")
    with page.expect_popup() as opened:
        click(button("Sign in with Plex"), "Sign in with Plex")
    click(opened.value.get_by_role("button", name="Allow"), "Allow")
    click(button("Use NAS"), "Use this server")
    click(button("Go on"), "Go on")
    click(button("Continue"), "Continue, with these libraries")
    click(button("Adopt and continue"), "Adopt and continue")
    expect(page.get_by_role("region", name="What is written", exact=True)).to_be_visible()
    click(button("Continue"), "Continue, with what is written")
    click(button("Bring all in step"), "Bring all in step")
    until(lambda: item.title == "Film")
    assert scene and len(clicks) <= 12, clicks
    print(f"{len(clicks)} clicks: {', '.join(clicks)}")
