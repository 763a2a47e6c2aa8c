"""Screenshots of the page for the documentation and for reviews."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ui.conftest import Open
from tests.ui.gallery import CHANGED, MISSING, NEW, REFUSED, Gallery
from tests.ui.house import ADDRESS, House, shoot
from tests.ui.prepare import SHOTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def test_the_pictures_of_the_documentation(house: House, open_page: Open, pictures: Path) -> None:
    gallery = Gallery(house)
    gallery.fill()
    page = open_page(house.stash, ADDRESS, size=(1280, 1000))
    expect(page.locator("[data-plexsync=headline]")).to_contain_text("need you")
    expect(page.get_by_role("img", name=re.compile("^Throughput"))).to_be_visible()
    shoot(page, pictures / "overview.png")

    page.get_by_role("button", name="30 days").click()
    page.get_by_text(re.compile("outages in words")).click()
    shoot(page.get_by_role("region", name="Outages of Plex"), pictures / "timeline.png")

    page.get_by_role("tab", name=re.compile("^Needs you")).click()
    expect(page.locator("img.plexsync-cover")).to_have_count(len(MISSING) + len(REFUSED) + 1)
    page.mouse.move(0, 0)
    shoot(page, pictures / "dead-letters.png")

    page.set_viewport_size({"width": 1280, "height": 520})
    page.goto(f"/scenes/{gallery.scenes['Amber Harbour']}")
    expect(page.get_by_role("region", name="PlexSync")).to_contain_text("in step since")
    shoot(page, pictures / "scene.png")

    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{ADDRESS}?view=recipes")
    page.get_by_role("button", name="Studio first").click()
    titles = page.get_by_role("list", name="Title: results")
    expect(titles.get_by_text(re.compile(r"^\w.*: .+ \(\d{4}\)$")).first).to_be_visible()
    page.mouse.move(0, 0)
    shoot(page, pictures / "what-is-written.png")

    look_at_the_rest(page, gallery.scenes[CHANGED])


def look_at_the_rest(page: Page, scene: int) -> None:
    """Screenshots for developers of the page."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{ADDRESS}?view=queue")
    expect(page.locator("img.plexsync-cover")).to_have_count(len(NEW))
    shoot(page, SHOTS / "queue.png")
    page.get_by_role("tab", name="Set-up").click()
    page.get_by_role("button", name="Check Setup").click()
    expect(page.get_by_role("list", name="Points").locator("li").first).to_be_visible()
    shoot(page, SHOTS / "set-up.png")
    page.get_by_role("tab", name="Preview").click()
    page.get_by_label("Numbers of scenes").fill(f"{scene}")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_text(re.compile("scenes? would change"))).to_be_visible()
    shoot(page, SHOTS / "preview.png")
    page.goto(f"{ADDRESS}?view=settings")
    expect(page.get_by_label("Plex URL", exact=True)).to_be_visible()
    shoot(page, SHOTS / "settings.png")
    page.set_viewport_size({"width": 400, "height": 800})
    signs = {
        "overview": ".plexsync-bar",
        "dead-letters": "img.plexsync-cover",
        "recipes": ".plexsync-results",
        "settings": ".plexsync-pattern",
    }
    for view, sign in signs.items():
        page.goto(f"{ADDRESS}?view={view}")
        expect(page.locator(sign).first).to_be_visible()
        shoot(page, SHOTS / f"narrow-{view}.png")
