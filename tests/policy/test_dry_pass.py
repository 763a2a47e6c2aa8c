"""The numbers of a dry pass: counted page by page, kept, and continued."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from plexsync.policy.dry_pass import (
    DIFFERS,
    EQUAL,
    EXAMPLES,
    LEFT_OUT,
    DryPass,
    Judged,
    begun,
    parse,
    to_json,
)
from plexsync.policy.reconcile_schedule import RESUME_WITHIN
from plexsync.policy.up_front import Estimate

NOW = 1_700_000_000.0


def half() -> DryPass:
    found = begun(None, "basis", NOW)
    judged = [Judged(n, DIFFERS, 1, 1) for n in range(1, 31)] + [
        Judged(31, EQUAL),
        Judged(32, LEFT_OUT),
    ]
    return found.after(replace(found.run, cursor=32, checked=32, total=64, seen=NOW + 5), judged)


def test_pages_add_up() -> None:
    found = half()
    assert dict(found.counts) == {DIFFERS: 30, EQUAL: 1, LEFT_OUT: 1}
    assert (found.writes, found.pictures, found.work.scenes) == (30, 30, 32)
    assert found.examples == tuple(range(1, EXAMPLES + 1))


def test_it_is_read_back_as_it_was_written() -> None:
    for found in (half(), replace(half(), estimate=Estimate(12.5, True))):
        assert parse(json.loads(json.dumps(to_json(found)))) == found


def test_a_stopped_pass_goes_on_and_a_finished_one_starts_over() -> None:
    found = half()
    assert begun(found, "basis", NOW + 60) is found
    assert begun(replace(found, estimate=Estimate(1, True)), "basis", NOW + 60).run.checked == 0


@pytest.mark.parametrize(
    ("basis", "now"), [("other", NOW + 60), ("basis", NOW + 6 + RESUME_WITHIN), ("basis", NOW - 60)]
)
def test_other_settings_or_another_day_start_over(basis: str, now: float) -> None:
    assert begun(half(), basis, now).run.checked == 0


@pytest.mark.parametrize(
    "wrong",
    [{"counts": {"odd": 1}}, {"counts": []}, {"examples": ["1"]}, {"estimate": 3}, {"writes": -1}],
)
def test_what_is_wrong_in_the_file_is_refused(wrong: dict[str, object]) -> None:
    raw = json.loads(json.dumps(to_json(half())))
    with pytest.raises(ValueError, match="."):
        parse({**raw, **wrong})
