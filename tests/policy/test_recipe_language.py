"""Parsing of patterns: their parts, their source, and error messages."""

from __future__ import annotations

import pytest

from plexsync.policy.recipe.parser import PatternError, parse_list, parse_names, parse_text
from plexsync.policy.recipe.pattern import (
    Choice,
    Item,
    OptionalPart,
    Placeholder,
    show_list,
    show_text,
)


def one(name: str, *items: Item, condition: bool = False) -> Placeholder:
    return Placeholder((Choice(name, items),), condition)


def test_a_text_is_read_part_by_part() -> None:
    assert parse_text("[{studio}: ]{title}[ ({year})]") == (
        OptionalPart((one("studio"), ": ")),
        one("title"),
        OptionalPart((" (", one("year"), ")")),
    )


def test_a_list_is_read_entry_by_entry() -> None:
    assert parse_list(" {studio}; Series: {group} ;;; ; {?organized}Yes") == (
        (one("studio"),),
        ("Series: ", one("group"), " ;"),
        (one("organized", condition=True), "Yes"),
    )


def test_signs_written_twice_stand_for_themselves() -> None:
    assert parse_text("{{a}} [[b]] c;d") == ("{a} [b] c;d",)
    assert parse_text("[{title}]]x]") == (OptionalPart((one("title"), "]x")),)


def test_choices_name_what_is_meant() -> None:
    items = (Item("Genre", below=True), Item("Technical, odd", excluded=True, below=True))
    assert parse_text('{Tag : Genre/* , -"Technical, odd"/*}') == (one("tag", *items),)
    assert parse_text("{group|studio:A/*|title}") == (
        Placeholder((Choice("group"), Choice("studio", (Item("A", below=True),)), Choice("title"))),
    )


@pytest.mark.parametrize(
    "name",
    ["a;b", "{a}", "a[b]", "a/b", "a*b", "AC/*", '-"', '"', 'say "hi"', " a ", "a,b", "a|b", "🎬"]
    + ["عربي", "עברית", ":", "12", "-", "/*"],
)
def test_every_name_can_be_written(name: str) -> None:
    quoted = '"{}"'.format(name.replace('"', '""'))
    for item in (Item(name), Item(name, below=True), Item(name, excluded=True, below=True)):
        written = f"{{tag:{'-' * item.excluded}{quoted}{'/*' * item.below}}}"
        assert parse_text(written) == (one("tag", item),)
        assert parse_text(show_text((one("tag", item),))) == (one("tag", item),)
        assert parse_list(show_list([(one("tag", item),)])) == ((one("tag", item),),)


def test_the_number_of_a_group_goes_with_the_group() -> None:
    assert len(parse_list("{group:Saga} {group_number}")) == 1
    assert len(parse_list("{group_number}")) == 1


@pytest.mark.parametrize(
    ("pattern", "at", "expected"),
    [
        ("{title", 7, '"}", "|", ":" after the name'),
        ("{stduio}", 2, '"studio"'),
        ("{}", 2, "one of title, file,"),
        ("{zzz}", 2, "one of title, file,"),
        ("a } b", 3, '"}}" for the sign itself'),
        ("a ] b", 3, '"]]" for the sign itself'),
        ("[{title}", 9, '"]", the end of the optional part'),
        ("[4K]", 1, 'a placeholder between "[" and "]"'),
        ("[{title}[{year}]]", 9, '"]", the end of the optional part'),
        ("{organized}", 2, '"?" before it'),
        ("{year:2024}", 6, 'no ":" after year'),
        ("{title:short}", 8, '"bare"'),
        ("{tag:}", 6, "a name"),
        ("{tag:a,,b}", 8, "a name"),
        ('{tag:"a}', 6, "a second quote"),
        ("{tag:a{b}", 7, '"}", "|", "," after the name'),
        ("{performer:A/*}", 12, 'no "/*"'),
        ("{title}" * 101, 701, "at most 100 placeholders"),
        ("x" * 10_001, 10_001, "at most 10000 characters"),
    ],
)
def test_a_text_that_cannot_be_read_says_where_and_why(
    pattern: str, at: int, expected: str
) -> None:
    with pytest.raises(PatternError) as problem:
        parse_text(pattern)
    assert f"character {at}, at " in str(problem.value)
    assert expected in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("pattern", "at", "expected"),
    [
        ("{tag} {performer}", 7, '";" before it: {tag} has several values'),
        ("{tag:A} {tag:B}", 9, '";" before it: {tag:A} has several values'),
        ("[{studio}; {tag}]", 10, '"]", the end of the optional part'),
        ("; ".join(["a"] * 101), 302, "at most 100 entries"),
    ],
)
def test_a_list_that_cannot_be_read_says_where_and_why(
    pattern: str, at: int, expected: str
) -> None:
    with pytest.raises(PatternError) as problem:
        parse_list(pattern)
    assert f"character {at}, at " in str(problem.value)
    assert expected in str(problem.value)


def test_names_are_read_as_after_a_colon() -> None:
    assert parse_names('Technical/*, "a, b"') == (Item("Technical", below=True), Item("a, b"))
    for text in ("-a", "a}", "a,", '"a', "a|b"):
        with pytest.raises(PatternError):
            parse_names(text)


def test_ten_thousand_characters_are_read_in_one_pass() -> None:
    assert parse_text("é" * 10_000) == ("é" * 10_000,)
    assert parse_text("{{" * 5000) == ("{" * 5000,)
    assert len(parse_text("{tag:" + ",".join("n" * 3334) + "}")) == 1
