"""A browser whose page is watched: any error in the background fails the test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plexsync.services import PLEX_TV_VARIABLE
from simulator.plex import PlexSim
from simulator.plex_tv import PlexTvSim
from simulator.stash import StashSim
from tests import forks
from tests.ui.house import House, Witness
from tests.ui.prepare import SHOTS, SITE, chromium
from tests.world import ROOT, TOKEN, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

FAILED = pytest.StashKey[bool]()
"""Whether the test has failed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--screenshots`: renew the pictures of the documentation."""
    parser.addoption("--screenshots", action="store_true", help="write docs/images anew")


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """The folder for screenshots of the page."""
    wanted = request.config.getoption("--screenshots", default=False)
    folder = ROOT / "docs" / "images" if wanted else SHOTS
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        driver.expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def house(plugin: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    """The real plugin in a Stash with its web app, beside a Plex and plex.tv."""
    altered = request.node.get_closest_marker("altered")
    with (
        PlexTvSim() as plex_tv,
        PlexSim(token=TOKEN) as plex,
        StashSim(
            plugin_dir=str(plugin),
            ui_dir=str(SITE),
            env={PLEX_TV_VARIABLE: plex_tv.url},
            popen=subprocess.Popen if altered else forks.start,
        ) as stash,
    ):
        house = House(plugin, plex, stash, plex_tv)
        yield house
        if (house.data / "worker.lock").exists():
            house.stop_worker()  # one that a task has started may never have seen an inbox


@pytest.fixture
def witness() -> Iterator[Witness]:
    """All background errors of pages; what the test does not clear fails it."""
    witness = Witness()
    yield witness
    assert witness.seen == []


Open = Callable[..., "Page"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the fixtures know of a failure: what the page said is part of it."""
    report = yield
    item.stash.setdefault(FAILED, False)
    item.stash[FAILED] |= report.failed
    return report


@pytest.fixture
def open_page(browser: Browser, witness: Witness, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`open_page(stash, path)`: a new browser profile at that address.

    `size` is that of its window; with `clock` the page's time stands still between `run_for`s.
    After a failure the words of each page and Stash's log are printed.
    """
    contexts = []
    asked: list[StashSim] = []

    def run(
        stash: StashSim,
        path: str = "/",
        size: tuple[int, int] = (1280, 900),
        clock: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            base_url=stash.url,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        asked.append(stash)
        if clock:
            context.clock.install()
        page = context.new_page()
        witness.watch(page, stash.url)
        page.goto(path)
        page.locator(".top-nav").wait_for()
        if not clock:
            until(lambda: witness.settled(page))
        return page

    yield run
    if request.node.stash.get(FAILED, False):
        for page in (page for context in contexts for page in context.pages):
            print(f"--- {page.url}\n{page.locator('body').inner_text()}")
        print("--- Stash's log", *asked[-1].log if asked else (), sep="\n")
    for context in contexts:
        context.close()
