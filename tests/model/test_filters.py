"""The language of "sync_only" and "sync_never": parsing, printing and errors."""

from __future__ import annotations

import random

import pytest

from plexsync.model.filters import (
    LONGEST,
    Condition,
    FilterError,
    Name,
    parse_filter,
    print_filter,
)


def names(text: str) -> tuple[Name, ...]:
    (condition,) = parse_filter(text)
    return condition.names


def problem(text: str) -> str:
    with pytest.raises(FilterError) as error:
        parse_filter(text)
    return str(error.value)


def test_nothing_is_no_condition() -> None:
    assert parse_filter("") == parse_filter(" ;\n; ") == ()


def test_conditions_stand_between_semicolons_or_on_lines_of_their_own() -> None:
    found = parse_filter("Organized; stash_id\nurl;")
    assert found == (Condition("organized"), Condition("stash_id"), Condition("url"))


def test_a_measure_has_a_sign_and_a_number() -> None:
    assert parse_filter("rating >= 8.5") == (Condition("rating", sign=">=", number=8.5),)
    assert parse_filter("stars<3") == (Condition("stars", sign="<", number=3.0),)


def test_names_with_commas_between_them_are_any_of_them() -> None:
    assert names("tag: VR , POV") == (Name("VR"), Name("POV"))


def test_everything_below_is_meant_with_a_star() -> None:
    assert names('studio:Acme/*, "A, B"/*') == (Name("Acme", True), Name("A, B", True))


def test_quotes_take_every_character_as_it_is() -> None:
    assert names('tag:"A;B, ""C""", {x}, [y], "Z/*"') == (
        Name('A;B, "C"'),
        Name("{x}"),
        Name("[y]"),
        Name("Z/*"),
    )


def test_a_path_is_a_whole_one_and_its_star_says_nothing_more() -> None:
    assert names("path:/data/films/*, C:\\Films, \\\\nas\\films") == (
        Name("/data/films"),
        Name("C:\\Films"),
        Name("\\\\nas\\films"),
    )


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("ratin>=3", 1, "expected organized, stash_id, url, rating>=N"),
        ("organized; tagg:X", 12, "expected organized"),
        ("organized, url", 10, "a semicolon or the end"),
        ("rating>=80", 9, "a number from 0 to 10"),
        ("stars>=6", 8, "a number from 0 to 5"),
        ("rating=4", 7, ">= <= > <"),
        ("tag", 4, "a colon and a name after tag"),
        ("tag:", 5, "the name of a tag"),
        ("tag:A,,B", 7, "the name of a tag"),
        ('tag:"A', 7, "a closing quote after the name"),
        ("tag:/*", 5, "the name of a tag"),
        ("performer:X/*", 11, "performers have nothing below them"),
        ("path:/data/a, b", 15, "an absolute path"),
        ("{organized}", 1, "expected organized"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, place: int, expected: str) -> None:
    assert f"at character {place} " in problem(text)
    assert expected in problem(text)


def test_a_message_is_one_short_line_however_long_the_filter_is() -> None:
    assert len(problem("organized; " + "x" * 9_000)) < 200
    assert f"at most {LONGEST} characters" in problem("x" * 10_001)
    assert "\n" not in problem("tag:A;\n\n!!")


def test_a_filter_of_ten_thousand_characters_is_read() -> None:
    text = "tag:" + ",".join(f"T{number}" for number in range(1700))
    assert len(text) <= LONGEST and len(names(text)) == 1700


PIECES = [
    *("organized", "stash_id", "url", "rating", "stars", "tag", "studio", "performer", "path"),
    *(">=", "<", ":", ";", ",", '"', '""', "/*", "/", "\\", "*", "{", "[", " ", "\n", "é", "ß"),
    *("8", "4.5", "A", "Genre", "/data", "C:", "\u202e", "\U0001f600", "\ud800", "\0"),
]


def test_no_text_makes_it_fail_otherwise_and_what_is_read_prints_as_itself() -> None:
    rng, read = random.Random(15), 0
    for _ in range(20_000):
        text = "".join(rng.choices(PIECES, k=rng.randrange(1, 14)))
        try:
            found = parse_filter(text)
        except FilterError as error:
            assert 0 <= error.at <= len(text)
            continue
        read += 1
        assert parse_filter(print_filter(found)) == found
    assert read > 100


def test_every_name_survives_printing() -> None:
    rng = random.Random(16)
    for _ in range(2_000):
        text = "".join(rng.choices(',;"/*{[ aß\U0001f600', k=rng.randrange(1, 8)))
        if text.strip():
            condition = Condition("tag", (Name(text, rng.random() < 0.5), Name("B")))
            assert parse_filter(print_filter((condition,))) == (condition,)
