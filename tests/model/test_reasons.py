"""The table of reasons has an entry for each reason that the code uses, and no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from plexsync.flows.tasks import preview_words
from plexsync.model import ledger, reasons
from plexsync.model.error_types import CLASSES, error_types
from plexsync.model.reasons import (
    DEAD_STATES,
    REASONS,
    STATES,
    choices,
    class_words,
    reason_words,
    state_words,
)
from plexsync.policy.backoff import DEAD_LETTER, RULES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plexsync"
TABLE = PACKAGE / "model" / "reasons.py"
NAMES = {name: value for name, value in vars(reasons).items() if value in list(REASONS)}
"""The constants of the table that name a reason."""

GIVEN_ON = {"reason", "backfill", "*self._what", "wanted"}
"""Variables that pass on a reason which was named before."""


@cache
def scanned() -> tuple[dict[str, str], set[str]]:
    """The expressions by which jobs and backfills are given a reason, each with its file, and every
    name that is used.
    """
    said: dict[str, str] = {}
    used: set[str] = set()
    for file in sorted(PACKAGE.rglob("*.py")):
        if file == TABLE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name):
                used.add(node.id)
            elif isinstance(node, ast.Call):
                said.update({ast.unparse(each): file.name for each in emitted(node)})
    return said, used


def emitted(call: ast.Call) -> Iterator[ast.expr]:
    """The reasons that are given by this call."""
    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if called == "Job":
        yield from (key.value for key in call.keywords if key.arg == "reason")
    elif called == "_sync_of":
        yield call.args[1]
    elif called in ("add_backfill", "_queue_all"):
        yield call.args[1 if called == "_queue_all" else 0]


def test_every_reason_that_code_gives_to_a_job_is_one_of_the_table() -> None:
    said, _ = scanned()
    unknown = {text: file for text, file in said.items() if text not in {*NAMES, *GIVEN_ON}}
    assert unknown == {}, "name a constant of model/reasons.py instead"
    assert len(said) > 7, "the scan still sees where jobs are made"


def test_nothing_in_the_table_is_never_emitted() -> None:
    _, used = scanned()
    assert set(NAMES) <= used
    assert set(NAMES.values()) == set(REASONS)


def test_the_classes_are_those_after_which_jobs_wait_or_are_given_up() -> None:
    assert set(reasons.CLASSES) == {
        kind.__name__ for kind, rule in RULES.items() if rule.end == DEAD_LETTER
    }
    assert CLASSES is reasons.CLASSES
    assert set(DEAD_STATES) <= set(CLASSES)
    assert error_types("plexnotfound") == {"PlexNotFound"}


def test_the_states_are_the_ledgers_the_pages_and_the_previews() -> None:
    previewed = {
        preview_words.CHANGES,
        preview_words.IN_STEP,
        preview_words.LEFT,
        preview_words.GONE,
    }
    assert set(STATES) == {*ledger.STATES, *previewed, "unknown", "edited in Plex"}
    assert {ledger.AMBIGUOUS, ledger.NOT_IN_PLEX} == set(DEAD_STATES.values())
    assert state_words("shared") == "its Plex item is another scene's"


def test_no_two_reasons_or_classes_read_alike() -> None:
    assert len(set(REASONS.values())) == len(REASONS)
    assert len(set(reasons.CLASSES.values())) == len(reasons.CLASSES)


@pytest.mark.parametrize("words", [reason_words, class_words, state_words])
def test_what_another_version_wrote_is_shown_as_it_is(words: object) -> None:
    assert callable(words)
    assert words("of the future") == "of the future"


def test_what_can_be_chosen_is_in_the_order_of_its_words() -> None:
    assert choices({"PlexNotFound": 2, "AmbiguousMatch": 1, "Odd": 3}) == [
        {"class": "AmbiguousMatch", "words": "Ambiguous", "count": 1},
        {"class": "PlexNotFound", "words": "Not in Plex", "count": 2},
        {"class": "Odd", "words": "Odd", "count": 3},
    ]


def test_the_page_has_no_table_of_its_own() -> None:
    scripts = (ROOT / "web").glob("*.js")
    page = "".join(script.read_text(encoding="utf-8") for script in scripts)
    tables = (REASONS, reasons.CLASSES)
    found = [f'"{words}"' for table in tables for words in table.values() if f'"{words}"' in page]
    assert found == ['"Not in Plex"'], "the title of a list, which is no class"
    assert not [name for name in CLASSES if name in page]
