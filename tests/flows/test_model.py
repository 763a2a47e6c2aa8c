"""Random days of edits, outages and crashes: in the end Plex equals Stash, or a dead letter exists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torture.model import play

FIRST = int(os.environ.get("PLEXSYNC_TEST_SEED", "0"))
SEQUENCES = int(os.environ.get("PLEXSYNC_TEST_SEQUENCES", "1"))
"""Few: `torture` plays many more, and longer ones."""
STEPS = 20


@pytest.mark.long
@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEQUENCES))
def test_at_rest_plex_equals_stash_or_a_dead_letter_says_why(tmp_path: Path, seed: int) -> None:
    outcome = play(tmp_path, seed, STEPS, leaps=True)
    assert outcome.bad == [], f"seed {seed}: {', '.join(outcome.history)}"
