"""Which picture of a scene is shown, and which are watched."""

from __future__ import annotations

import pytest

from plexsync.model.ledger import SYNCED, SceneState
from plexsync.model.pictures import Kept, PictureSource, read_choice_of_pictures
from plexsync.model.scene import Group, Performer, Scene
from plexsync.policy.pictures import all_kept, choose, first_known, kept, sources, watched

COVER, BOX, ANN, IMAGE = (
    PictureSource("scene", 1),
    PictureSource("group", 3),
    PictureSource("performer", 4),
    PictureSource("image", 9),
)
SCENE = Scene(
    id=1,
    groups=(Group(2, "None"), Group(3, "Box", has_picture=True), Group(5, "B", has_picture=True)),
    performers=(Performer(4, "Ann", has_picture=True),),
    gallery_cover=9,
)
STATE = SceneState(
    scene=1, state=SYNCED, cover_etag='"c"', cover_sha1="c", pictures={BOX: Kept('"b"', "b")}
)
ALL = ("group", "gallery", "performer", "cover")


def test_the_pictures_come_in_the_order_of_the_choice() -> None:
    assert sources(SCENE, ALL) == [BOX, IMAGE, ANN, COVER]
    assert sources(SCENE, reversed(ALL)) == [COVER, ANN, IMAGE, BOX]
    assert sources(Scene(id=1), ALL) == [COVER]
    two = (*SCENE.performers, Performer(6, "Bea", has_picture=True))
    assert sources(Scene(id=1, performers=two), ["performer"]) == []


def test_what_may_be_shown_later_is_watched_too() -> None:
    assert watched(SCENE, {"poster": ("group",), "background": ("performer",)}) == {
        *(("group picture", number) for number in (2, 3, 5)),
        ("performer picture", 4),
    }
    assert watched(SCENE, {"poster": ("cover", "gallery")}) == frozenset()


def test_what_the_ledger_knows_of_them() -> None:
    assert kept(STATE, COVER) == Kept('"c"', "c")
    assert kept(STATE, ANN) == kept(None, COVER) == Kept("", "")
    assert all_kept(STATE) == {COVER: Kept('"c"', "c"), BOX: Kept('"b"', "b")}
    assert first_known(SCENE, STATE, {"poster": ALL, "background": ("performer",)}) == {
        "poster": BOX
    }
    assert first_known(SCENE, None, {"poster": ALL}) == {}


@pytest.mark.parametrize(
    ("answers", "chosen", "asked"),
    [
        ({}, None, BOX),
        ({BOX: True}, BOX, None),
        ({BOX: False}, None, IMAGE),
        ({BOX: False, IMAGE: True}, IMAGE, None),
        ({BOX: False, IMAGE: False}, None, None),
    ],
)
def test_only_the_next_that_may_be_shown_is_asked_for(
    answers: dict[PictureSource, bool], chosen: object, asked: object
) -> None:
    assert choose([BOX, IMAGE], answers.get) == (chosen, asked)


def test_a_choice_is_words_with_commas() -> None:
    assert read_choice_of_pictures("Cover, group,,cover") == ("cover", "group")
    assert read_choice_of_pictures("none, cover") == ()
    with pytest.raises(ValueError, match='"poster", which is none of cover, group'):
        read_choice_of_pictures("cover, poster")
