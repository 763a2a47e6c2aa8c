"""Accessibility: keyboard, screen reader, narrow screens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.ui.conftest import Open
from tests.ui.house import ADDRESS, House, dead_letter
from tests.world import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect

VIEWS = ("overview", "scenes&state=needs_you", "queue", "dead-letters", "preview", "set-up")
NAMELESS = re.compile(
    r"- (button|checkbox|combobox|dialog|img|link|navigation|progressbar|radio|searchbox"
    r"|tab|table|tablist|textbox)(?! \")(?=:|$| \[)",
    re.MULTILINE,
)


@pytest.fixture
def busy(house: House) -> House:
    """Something in every view."""
    house.outages((3600, 600))
    waiting = house.scene("waits.mp4", title="A rather long title of a film that waits " * 3)
    house.bury(dead_letter(house.scene(f"{n}.mp4", title=f"Film {n}")) for n in range(30))
    unclear, *_ = house.ambiguous("x" * 120)
    house.stash.edit(unclear, details="new")
    house.stash.edit(waiting, details="new")
    until(lambda: "AmbiguousMatch" in (house.status()["dead_letters"] or {}).get("by_class", {}))
    return house


def shown(page: Page, view: str) -> None:
    ready = {
        "overview": page.get_by_role("img", name=re.compile("^Outages")),
        "scenes&state=needs_you": page.locator("tr[data-scene]").first,
        "queue": page.locator("tr[data-scene]").first,
        "dead-letters": page.locator("tr[data-scene]").first,
        "preview": page.get_by_role("button", name="Preview", exact=True),
        "set-up": page.get_by_role("button", name="Check Setup"),
    }
    expect(ready[view]).to_be_visible()


@pytest.mark.parametrize("size", [(400, 800), (768, 1024), (1280, 900)], ids=lambda s: str(s[0]))
def test_nothing_is_wider_than_the_screen(
    busy: House, open_page: Open, size: tuple[int, int]
) -> None:
    page = open_page(busy.stash, ADDRESS, size=size)
    for view in VIEWS:
        page.goto(f"{ADDRESS}?view={view}")
        shown(page, view)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], view
    page.goto("/scenes/1")
    expect(page.get_by_role("region", name="PlexSync")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_whatever_can_be_used_has_a_name(busy: House, open_page: Open) -> None:
    page = open_page(busy.stash, ADDRESS)
    for view in VIEWS:
        page.goto(f"{ADDRESS}?view={view}")
        shown(page, view)
        tree = page.locator(".plexsync-page").aria_snapshot()
        assert NAMELESS.findall(tree) == [], tree
    page.goto(f"{ADDRESS}?view=dead-letters")
    page.get_by_role("button", name=re.compile("^Pin")).click()
    tree = page.get_by_role("dialog").aria_snapshot()
    assert NAMELESS.findall(tree) == [], tree


def test_the_check_for_names_sees_a_nameless_button(busy: House, open_page: Open) -> None:
    page = open_page(busy.stash, ADDRESS)
    shown(page, "overview")
    page.evaluate(
        "document.querySelector('.plexsync-page').append(document.createElement('button'))"
    )
    assert NAMELESS.findall(page.locator(".plexsync-page").aria_snapshot()) == ["button"]


def test_the_keyboard_reaches_and_presses_everything(busy: House, open_page: Open) -> None:
    page = open_page(busy.stash, ADDRESS)
    shown(page, "overview")
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        if seen[-1] == "Health Check":
            break
    assert "Process Queue" in seen
    assert page.evaluate("getComputedStyle(document.activeElement).boxShadow") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Result of Health Check")).to_be_visible()

    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Scenes")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name=re.compile("^Queue"))).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("ArrowRight")
    clear = page.get_by_role("button", name=re.compile("^Clear [0-9]"))
    expect(clear).to_be_enabled()
    clear.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("scenes would be removed")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(clear).to_be_focused()


def test_dialogs_keep_the_focus(busy: House, open_page: Open) -> None:
    page = open_page(busy.stash, f"{ADDRESS}?view=dead-letters")
    page.get_by_role("button", name=re.compile("^Pin")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(15):
        page.keyboard.press("Tab")
        page.wait_for_function(
            "document.activeElement.matches('body') || document.activeElement.closest('[role=dialog]')"
        )
