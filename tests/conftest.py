"""How the suite runs: its order, and where its fixtures are."""

from __future__ import annotations

import gc
import itertools
import os

import pytest

gc.disable()  # until the tests are collected: nothing of what is made until then is garbage


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, and all code that they use, where tests run: not in the process that only
    gives them to workers.
    """
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        config.pluginmanager.import_plugin("tests.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the long tests first, so that no worker process still runs one when the others are done."""
    items[:] = dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests in such an order that half of the worker processes, to each of which xdist gives one
    piece of it, begin with their share of the long ones: these wait for most of their time, in which
    the other half computes. The tests of a file stay together: they share fixtures.
    """
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    first = shares[: max(1, workers // 2)]
    for _, file in itertools.groupby(filter(_is_long, items), lambda item: item.path):
        min(first, key=len).extend(file)
    short = itertools.filterfalse(_is_long, items)
    left = len(items)
    for number, share in enumerate(shares):
        size = left // (workers - number)
        share.extend(itertools.islice(short, max(0, size - len(share))))
        left -= size
    return [*itertools.chain(*shares), *short]


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over the thousands of tests from now on, and work less often
    than for a process that is to stay small: an eighth of a story's time.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None
