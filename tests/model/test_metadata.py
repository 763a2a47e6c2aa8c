"""A scene's metadata: cleaned, limited, and never a crash."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import pytest

from plexsync.model.metadata import Limits, SyncMetadata, validate_metadata

LENIENT = Limits()
STRICT = Limits(strict_mode=True)


def accepted(raw: Mapping[str, object], limits: Limits = LENIENT) -> SyncMetadata:
    metadata, error = validate_metadata(raw, limits)
    assert error is None and metadata is not None
    return metadata


def refused(raw: object, limits: Limits = LENIENT) -> str:
    metadata, error = validate_metadata(raw, limits)
    assert metadata is None and error
    assert "\n" not in error and len(error) < 1_000
    return error


def test_everything_at_once() -> None:
    metadata = accepted(
        {
            "title": " A  “title” ",
            "summary": "One.\r\n\r\n\r\nTwo.",
            "studio": "Acme",
            "date": "2024-05-31",
            "rating": 8.5,
            "original_title": "AC-1",
            "performers": ["Ann", "Bob"],
            "tags": ("x",),
            "directors": [" Di ", ""],
            "collections": None,
        }
    )
    assert metadata == SyncMetadata(
        title='A "title"',
        summary="One.\n\nTwo.",
        studio="Acme",
        date="2024-05-31",
        rating="8.5",
        original_title="AC-1",
        performers=("Ann", "Bob"),
        tags=("x",),
        directors=("Di",),
    )


def test_what_is_not_given_is_empty() -> None:
    metadata = accepted({"title": "t", "summary": None, "tags": None, "date": None, "rating": None})
    assert metadata == SyncMetadata(title="t")
    assert metadata.summary == metadata.tagline == metadata.date == metadata.rating == ""
    assert metadata.tags == metadata.performers == ()


def test_it_cannot_be_changed() -> None:
    metadata = SyncMetadata(title="t")
    with pytest.raises(AttributeError):
        metadata.title = "u"  # type: ignore[misc]


@pytest.mark.parametrize("title", ["", "   ", None, "\u200b\u200d", "\x00"])
def test_a_title_is_required(title: str | None) -> None:
    assert refused({"title": title}).startswith("title: must not be empty")


def test_a_missing_title_is_named() -> None:
    assert refused({}).startswith("title: ")


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ("2024-05-31", "2024-05-31"),
        ("2024-05", "2024-05-01"),
        ("2024", "2024-01-01"),
        ("1850", "1850-01-01"),
        ("2100-12-31", "2100-12-31"),
        ("2024-5-3", "2024-05-03"),
        (" 2024-05-31T12:00:00Z ", "2024-05-31"),
        ("", ""),
    ],
)
def test_a_partial_date_is_its_first_day(given: str, day: str) -> None:
    assert accepted({"title": "t", "date": given}, STRICT).date == day


@pytest.mark.parametrize(
    "given",
    ["2023-02-29", "2024-13", "0000", "31.05.2024", "soon", "20245", "٢٠٢٤", "2024-"]
    + ["1849-12-31", "0001-01-01", "2101", "9999-12-31"],
)
def test_a_date_that_is_none_is_left_out_or_refused_in_strict_mode(given: str) -> None:
    raw = {"title": "t", "date": given}
    assert accepted(raw).date == ""
    assert refused(raw, STRICT).startswith("date: is not a date")


@pytest.mark.parametrize(
    ("given", "rating"),
    [(8.7, "8.7"), (10.0, "10"), (0.1, "0.1"), ("7.50", "7.5"), (0, ""), ("", ""), (None, "")],
)
def test_a_rating_is_a_number_as_text(given: object, rating: str) -> None:
    assert accepted({"title": "t", "rating": given}, STRICT).rating == rating


@pytest.mark.parametrize(
    "given", ["good", -1, 10.1, float("nan"), float("inf"), True, 10**400, [5]]
)
def test_a_rating_that_is_none_is_left_out_or_refused_in_strict_mode(given: object) -> None:
    assert accepted({"title": "t", "rating": given}).rating == ""
    assert refused({"title": "t", "rating": given}, STRICT).startswith("rating: ")


def test_names_are_unique_whatever_their_case_and_blank_ones_are_dropped() -> None:
    names = ["Ann", " ann ", "", None, "A\u200bnn", "Straße", "STRASSE", "Bob", "\t"]
    assert accepted({"title": "t", "tags": names}).tags == ("Ann", "Straße", "Bob")


def test_text_is_cut_to_what_plex_takes() -> None:
    metadata = accepted(
        {
            "title": "a" * 250 + " " + "b" * 50,
            "studio": "s" * 300,
            "tagline": "t" * 300,
            "original_title": "c" * 300,
            "summary": "word " * 5_000,
            "performers": [f"p{n}" for n in range(500)],
            "directors": ["d" * 300],
            "collections": [f"c{n}" for n in range(500)],
            "tags": [f"t{n}" for n in range(1_000)],
        }
    )
    assert metadata.title == "a" * 250
    assert len(metadata.studio) == len(metadata.tagline) == len(metadata.original_title) == 255
    assert len(metadata.summary) == 9_999 and metadata.summary.endswith("word")
    assert len(metadata.performers) == 200 and len(metadata.directors[0]) == 255
    assert len(metadata.collections) == 100 and len(metadata.tags) == 100


def test_the_number_of_tags_is_a_setting_and_repeated_names_do_not_use_it_up() -> None:
    names = [name for n in range(50) for name in (f"t{n}", f"T{n}")]
    assert len(accepted({"title": "t", "tags": names}, Limits(max_tags=20)).tags) == 20
    assert accepted({"title": "t", "tags": names}, Limits(max_tags=20)).tags[-1] == "t19"


def test_emoji_are_removed_on_request_but_a_title_keeps_its_only_ones() -> None:
    raw = {"title": "🔥", "studio": "Hot 🔥", "tags": ["🔥", "a👍🏽"]}
    assert accepted(raw).tags == ("🔥", "a👍🏽")
    metadata = accepted(raw, Limits(strip_emoji=True))
    assert (metadata.title, metadata.studio, metadata.tags) == ("🔥", "Hot", ("a",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "a\x00b"),
        ("title", "t" * 256),
        ("summary", "a\x1b[31mb"),
        ("summary", "s" * 10_001),
        ("studio", "s" * 5_000_000),
        ("original_title", "\ud800x"),
        ("tags", ["fine", "t\x07"]),
        ("performers", ["p" * 256]),
    ],
)
def test_strict_mode_refuses_what_it_would_have_to_change(field: str, value: object) -> None:
    raw = {"title": "t", field: value}
    accepted(raw)
    assert refused(raw, STRICT).startswith(f"{field}: ")


def test_strict_mode_does_not_mind_blanks_quotes_and_hidden_marks() -> None:
    raw = {"title": " a \u200b “b” ", "summary": "one\r\n\ttwo", "tags": ["x"] * 300}
    assert accepted(raw, STRICT) == accepted(raw)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", b"bytes"),
        ("summary", ["a"]),
        ("studio", {"name": "x"}),
        ("date", 2024),
        ("tags", "one"),
        ("tags", {"a": 1}),
        ("performers", [1]),
        ("collections", [["a"]]),
        ("directors", 7),
    ],
)
def test_a_value_of_the_wrong_type_is_named(field: str, value: object) -> None:
    assert refused({"title": "t", field: value}).startswith(f"{field}: must be ")


def test_every_unusable_field_is_named_and_no_value_shown() -> None:
    error = refused({"title": "secret\x00", "date": "hidden", "tags": "private"}, STRICT)
    assert [part.split(":")[0] for part in error.split("; ")] == ["title", "date", "tags"]
    assert not any(word in error for word in ("secret", "hidden", "private"))


@pytest.mark.parametrize("raw", [None, 5, "title", [], [("title", "t")], object(), b"{}"])
def test_anything_but_an_object_is_refused(raw: object) -> None:
    assert "must be an object" in refused(raw)


def test_any_mapping_with_any_keys_will_do() -> None:
    raw: Mapping[object, object] = OrderedDict({"title": "t", 5: 1, None: 2, "\ud800": "x", "z": 1})
    assert validate_metadata(raw, Limits()) == (SyncMetadata(title="t"), None)


def test_huge_input_is_just_cut() -> None:
    raw = {
        "title": "x" * 20_000_000,
        "summary": "\u0301\u0323" * 1_000_000,
        "tags": ["a"] * 500_000,
    }
    metadata = accepted(raw)
    assert (
        len(metadata.title) == 255 and len(metadata.summary) == 10_000 and metadata.tags == ("a",)
    )


def test_what_is_cut_is_told_in_words() -> None:
    told: list[str] = []
    raw = {
        "title": "a" * 300,
        "summary": "s" * 20_001,
        "performers": [f"p{n % 30}" for n in range(60)],
        "tags": [f"t{n}" for n in range(60)],
    }
    accepted(raw, Limits(max_performers=40, max_tags=50, cut=told.append))
    assert told == [
        "title (255 of 300 characters)",
        "summary (10000 of 20001 characters)",
        "tags (50 of 60)",
    ]
    told.clear()
    accepted({"title": "t", "summary": "s" * 10_000}, Limits(cut=told.append))
    assert told == []
