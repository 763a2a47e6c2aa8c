"""The set-up's steps after the first, in a browser: each one, left and resumed, and what goes wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ui.conftest import Open
from tests.ui.gallery import Gallery
from tests.ui.house import ADDRESS, House, Witness, shoot
from tests.ui.prepare import SHOTS
from tests.world import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

expect = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests run with `python3 dev.py test-ui`"
).expect


def step(key: str) -> str:
    return f"{ADDRESS}?view=set-up&step={key}"


def title(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def saved(house: House) -> dict[str, object]:
    return dict(house.stash.data.plugin_settings["PlexSync"])


def films(house: House, count: int) -> list[int]:
    return [house.pair(f"{n}.mp4", title=f"Film {n}")[0] for n in range(count)]


def test_from_libraries_to_the_first_sync_by_pressing_on(house: House, open_page: Open) -> None:
    house.configure(path_map="", no_poster=True)
    films(house, 4)
    page = open_page(house.stash, step("libraries"))
    row = title(page, "Libraries").get_by_role("listitem").filter(has_text="Films")
    expect(row).to_contain_text("It holds 4 of the 4 files that Stash has.")
    expect(row.get_by_role("checkbox")).to_be_checked()
    press(page, "Continue")
    paths = title(page, "Paths")
    expect(paths).to_contain_text("explains 4 of 4 files that both servers have")
    expect(paths).to_contain_text("/plex=>/data")
    press(page, "Adopt and continue")
    expect(title(page, "What is written").get_by_label("Title", exact=True)).to_be_visible()
    assert saved(house)["path_map"] == "/plex=>/data"
    assert "plex_library" not in saved(house), "all movie libraries are the default"
    press(page, "Continue")
    first = title(page, "First sync")
    expect(first).to_contain_text("4in Plex, with other values")
    expect(first).to_contain_text("Bringing all in step takes less than a minute")
    press(page, "Bring all in step")
    expect(first).to_contain_text("All scenes are brought in step in the background.")
    until(lambda: [house.plex.item(key).title for key in (1, 2)] == ["Film 0", "Film 1"])
    assert house.ask("set_up")["done"] == ["connect", "libraries", "paths", "written", "first-sync"]


def test_libraries_that_cannot_be_chosen_say_why_and_warnings_what_to_do(
    house: House, open_page: Open
) -> None:
    films(house, 2)
    kino = house.plex.add_section("Kino, and more", locations=["/k"], agent="tv.plex.agents.movie")
    house.plex.sections[kino].collection_mode = 1
    house.plex.add_section("Series", type="show", locations=["/s"])
    page = open_page(house.stash, step("libraries"))
    rows = title(page, "Libraries").get_by_role("listitem")
    expect(rows.filter(has_text="Series").get_by_role("checkbox")).to_be_disabled()
    expect(rows.filter(has_text="Series")).to_contain_text("It holds shows")
    other = rows.filter(has_text="Kino")
    expect(other).to_contain_text("plex.tv")
    expect(other).to_contain_text("Personal Media")
    expect(other).to_contain_text("in a collection")
    expect(other.get_by_role("checkbox")).not_to_be_checked()
    other.get_by_role("checkbox").check()
    rows.filter(has_text="Films").get_by_role("checkbox").uncheck()
    press(page, "Continue")
    expect(title(page, "Paths")).to_be_visible()
    assert saved(house)["plex_library"] == '"Kino, and more"'
    press(page, "Back")
    expect(other.get_by_role("checkbox")).to_be_checked()
    expect(rows.filter(has_text="Films").get_by_role("checkbox")).not_to_be_checked()


def test_thirty_libraries_fit_wide_and_narrow(house: House, open_page: Open) -> None:
    for n in range(30):
        house.plex.add_section(f"Library {n}", locations=[f"/l{n}"])
    films(house, 1)
    page = open_page(house.stash, step("libraries"), size=(420, 800))
    expect(title(page, "Libraries").get_by_role("listitem")).to_have_count(31)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 420
    expect(page.get_by_role("checkbox", name="Library 29")).not_to_be_checked()


def test_files_that_match_nothing_are_listed_by_folder(house: House, open_page: Open) -> None:
    films(house, 2)
    for n in range(3):
        house.scene(f"attic/{n}.mp4", title="lost", files=[(f"/attic/{n}.mp4", 9 + n)])
    page = open_page(house.stash, step("paths"))
    paths = title(page, "Paths")
    expect(paths).to_contain_text("The path map in use (/plex=>/data) explains 2 of 2 files")
    paths.get_by_text("3 of 5 files of Stash match nothing in Plex").click()
    expect(paths.get_by_role("list", name="Folders with files that match nothing")).to_contain_text(
        "/attic 3 of 3 files. For example /attic/0.mp4: no item in Plex holds this file yet"
    )


def test_with_no_file_in_common_the_way_goes_on_all_the_same(house: House, open_page: Open) -> None:
    house.scene("a.mp4", title="x", files=[("/data/a.mp4", 5)])
    page = open_page(house.stash, step("paths"))
    paths = title(page, "Paths")
    expect(paths).to_contain_text("No file in Plex has the name and size of one in Stash")
    expect(paths).to_contain_text("1 of 1 file of Stash match")
    press(page, "Continue")
    expect(title(page, "What is written")).to_be_visible()


def test_a_plex_without_libraries_says_what_to_create(house: House, open_page: Open) -> None:
    del house.plex.sections[house.section]
    page = open_page(house.stash, step("libraries"))
    expect(title(page, "Libraries")).to_contain_text("Plex has no movie library")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_disabled()


def test_plex_may_go_in_the_middle_and_the_step_is_tried_again(
    house: House, open_page: Open
) -> None:
    films(house, 2)
    house.plex.stop()
    page = open_page(house.stash, step("libraries"))
    libraries = title(page, "Libraries")
    expect(libraries.get_by_role("alert")).to_contain_text("Nothing was compared")
    house.plex.start()
    libraries.get_by_role("button", name="Try again").click()
    expect(libraries.get_by_role("checkbox", name="Films")).to_be_checked()


def test_left_and_resumed_it_opens_at_the_step_that_is_not_done(
    house: House, open_page: Open, witness: Witness
) -> None:
    films(house, 2)
    page = open_page(house.stash, step("libraries"))
    expect(page.get_by_role("checkbox", name="Films")).to_be_checked()
    press(page, "Continue")
    expect(title(page, "Paths").get_by_role("list", name="Examples")).to_be_visible()
    until(lambda: house.ask("set_up")["done"] == ["connect", "libraries"])
    page = open_page(house.stash, f"{ADDRESS}?view=set-up")
    expect(title(page, "Paths").get_by_role("list", name="Examples")).to_be_visible()
    runs = house.stash.data.plugin_settings, witness.asked.count("mutation PlexSyncRunTask")
    assert runs[1] <= 1, "what was compared before is shown, not compared again"


def test_written_can_be_changed_on_the_way(house: House, open_page: Open) -> None:
    films(house, 2)
    page = open_page(house.stash, step("written"))
    written = title(page, "What is written")
    written.get_by_label("Title", exact=True).fill("{title}!")
    expect(written.get_by_role("button", name="Continue")).to_have_count(0)
    press(page, "Save ...")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(title(page, "First sync")).to_be_visible()
    assert saved(house)["title"] == "{title}!"


def test_only_from_now_on_is_kept_and_nobody_is_asked_again(house: House, open_page: Open) -> None:
    films(house, 3)
    page = open_page(house.stash, step("first-sync"))
    first = title(page, "First sync")
    expect(first).to_contain_text("3in Plex, with other values")
    expect(page.get_by_role("button", name="Sync All Scenes")).to_be_visible()
    press(page, "Only from now on")
    expect(first).to_contain_text("Only what is saved from now on is written.")
    expect(page.get_by_role("button", name="Sync All Scenes")).to_have_count(0)
    assert house.ask("status")["first_sync"] == "now_on"
    assert house.plex.writes() == 0


def test_twenty_are_shown_first_and_may_be_synced_alone(house: House, open_page: Open) -> None:
    house.configure(no_poster=True)
    films(house, 22)
    page = open_page(house.stash, step("first-sync"))
    first = title(page, "First sync")
    expect(first).to_contain_text("22in Plex, with other values")
    press(page, "Show me 20 first")
    plans = first.get_by_role("list", name="Scenes shown first")
    expect(plans.locator("li[data-scene]")).to_have_count(20)
    expect(plans).to_contain_text("Film 19")
    assert house.plex.writes() == 0
    press(page, "Sync these 20 only")
    until(lambda: house.plex.item(20).title == "Film 19")
    assert not re.match("Film", house.plex.item(21).title)


def test_an_empty_stash_has_nothing_to_bring_in_step(house: House, open_page: Open) -> None:
    page = open_page(house.stash, step("first-sync"))
    expect(title(page, "First sync")).to_contain_text("Nothing differs")
    press(page, "Only from now on")
    expect(title(page, "First sync")).to_contain_text("Only what is saved from now on")


def test_pictures_of_the_steps(house: House, open_page: Open, pictures: Path) -> None:
    fill_for_pictures(house)
    page = open_page(house.stash, step("libraries"), size=(1280, 900))
    expect(page.get_by_role("checkbox", name="Clips")).to_be_visible()
    shoot(page, pictures / "set-up-libraries.png")
    press(page, "Continue")
    expect(title(page, "Paths").get_by_role("list", name="Examples")).to_be_visible()
    title(page, "Paths").get_by_text(re.compile("match nothing in Plex$")).click()
    page.mouse.move(0, 0)
    shoot(page, SHOTS / "set-up-paths.png")
    press(page, "Adopt and continue")
    expect(
        title(page, "What is written").get_by_role("list", name="Title: results", exact=True)
    ).to_be_visible()
    shoot(page, SHOTS / "set-up-written.png")
    press(page, "Continue")
    first = title(page, "First sync")
    expect(first).to_contain_text("Bringing all in step takes less than a minute")
    shoot(page, pictures / "set-up-first-sync.png")
    press(page, "Show me 20 first")
    expect(first.get_by_role("list", name="Scenes shown first")).to_be_visible()
    shoot(page, SHOTS / "set-up-twenty.png")
    page.set_viewport_size({"width": 400, "height": 800})
    for key, sign in (("libraries", "Continue"), ("paths", "Continue"), ("first-sync", "Only")):
        page.goto(step(key))
        expect(page.get_by_role("button", name=re.compile(f"^{sign}"))).to_be_enabled()
        shoot(page, SHOTS / f"narrow-set-up-{key}.png")


def fill_for_pictures(house: House) -> None:
    """A library as people have it, of which Plex lacks some files."""
    Gallery(house).films()
    house.configure(path_map="")
    kino = house.plex.add_section(
        "Feature films", locations=["/kino"], agent="tv.plex.agents.movie"
    )
    house.plex.sections[kino].scanner = "Plex Movie"
    clips = house.plex.add_section("Clips", locations=["/clips"])
    house.plex.sections[clips].collection_mode = 1
    for n in range(9):
        house.plex.add_item(clips, file=f"/clips/clip {n}.mp4", size=700 + n)
        house.scene(f"{n}", title=f"Clip {n}", files=[(f"/mnt/clips/clip {n}.mp4", 700 + n)])
        house.scene(f"old {n}", title=f"Reel {n}", files=[(f"/mnt/attic/reel {n}.avi", 900 + n)])
    house.plex.add_section("Series", type="show", locations=["/series"])


def test_a_task_started_while_another_is_being_started_is_watched_too(
    house: House, open_page: Open
) -> None:
    """The step compares the files by itself, at the moment in which the user presses a button."""
    house.pair("1.mp4", title="Film")
    page = open_page(house.stash, step("connect"))
    held: list[Route] = []

    def hold(route: Route) -> None:
        starts = "PlexSyncRunTask" in (route.request.post_data or "")
        held.append(route) if starts else route.continue_()

    page.route("**/graphql", hold)
    page.get_by_role("list", name="Steps of the set-up").get_by_text("Libraries").click()

    def sent() -> int:
        page.evaluate("0")  # its answer comes after the requests so far
        return len(held)

    until(lambda: sent() == 1)
    press(page, "Check Setup")
    until(lambda: sent() == 2)
    survey, check = held
    # only the check asks who owns the token
    checking = house.plex.add_fault("hang", match=lambda asked: asked.path == "/status/sessions")
    answers = [route.fetch() for route in held]
    check.fulfill(response=answers[1])
    page.evaluate("0")
    survey.fulfill(response=answers[0])
    expect(page.get_by_text("Compared")).to_be_visible()
    checking.remove()
    expect(page.get_by_role("list", name="Points").locator("li").first).to_be_visible()
    expect(page.get_by_role("list", name="Libraries of Plex")).to_contain_text("holds 1 of the 1")


def test_the_check_can_be_pressed_while_the_files_are_compared(
    house: House, open_page: Open
) -> None:
    house.pair("1.mp4", title="Film")
    comparing = house.plex.add_fault("hang", match=lambda asked: asked.path.endswith("/all"))
    page = open_page(house.stash, step("libraries"))
    expect(page.get_by_text("Reading Plex's libraries")).to_be_visible()
    press(page, "Check Setup")
    comparing.remove()
    expect(page.get_by_role("list", name="Libraries of Plex")).to_contain_text("holds 1 of the 1")
    expect(page.get_by_role("list", name="Points").locator("li").first).to_be_visible()
