from __future__ import annotations

import pytest

from plexsync.model.formatting import counted, quoted, some_scenes


@pytest.mark.parametrize(
    ("number", "thing", "said"),
    [
        (0, "scene", "0 scenes"),
        (1, "movie library", "1 movie library"),
        (2, "movie library", "2 movie libraries"),
        (2, "try", "2 tries"),
        (3, "recovery", "3 recoveries"),
        (2, "miss", "2 misses"),
        (2, "match", "2 matches"),
        (2, "day", "2 days"),
        (2, "waiting sync", "2 waiting syncs"),
    ],
)
def test_a_number_of_things(number: int, thing: str, said: str) -> None:
    assert counted(number, thing) == said


def test_scenes_by_number() -> None:
    assert some_scenes([7]) == "scene 7"
    assert some_scenes([9, 7]) == "scenes 7, 9"
    assert some_scenes(range(25)).endswith("19 and 5 more")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (r"C:\Films\Bob's cut.mp4", r"""  "C:\Films\Bob's cut.mp4"  """.strip()),
        (r"\\nas\films", r'"\\nas\films"'),
        ('/films/the "best" one.mp4', "'/films/the \"best\" one.mp4'"),
        ("two\nlines \udc80", r'"two\nlines \udc80"'),
    ],
)
def test_a_path_can_be_copied_from_a_message(name: str, said: str) -> None:
    assert quoted(name) == said
