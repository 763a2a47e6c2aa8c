"""Texts for Plex: what cleaning keeps, what it removes, and where it cuts."""

from __future__ import annotations

import random
import unicodedata
from urllib.parse import quote

import pytest

from plexsync.model.text import clean, cut, cut_encoded, is_damaged

FAMILY = "👨‍👩‍👧‍👦"
HEART = "❤️"
FLAG = "🇩🇪"
THUMB = "👍🏽"


def line(text: str) -> str:
    return clean(text, multiline=False, strip_emoji=False)


def paragraphs(text: str) -> str:
    return clean(text, multiline=True, strip_emoji=False)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  a \t b  ", "a b"),
        ("First line.\nSecond line.", "First line. Second line."),
        ("nul\x00 and \x1b[31mred", "nul and [31mred"),
        ("\x01p\x02 0.5", "p 0.5"),
        ("“double” ‘single’ „low‚", "\"double\" 'single' \"low'"),
        ("Cafe\u0301", "Café"),
        ("e\u200b\u0301", "é"),  # a hidden character between a base character and its accent
        ("evil\u202etxt.exe\u202c", "eviltxt.exe"),
        ("a\u2066b\u2067c\u2068d\u2069e\u202af\u202bg\u202dh", "abcdefgh"),
        ("\u0085\u009f\ufeffx\ufeff", "x"),
        ("\u200e\u00ad \u200c", ""),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("half \ud800 character", "half character"),
        ("\ud83d\ude00", "😀"),  # both halves, decoded one by one
        ("not\uffffa\ufffecharacter\ufdd0", "notacharacter"),
        (f"{FAMILY} {HEART} {FLAG} {THUMB}", f"{FAMILY} {HEART} {FLAG} {THUMB}"),
        ("\u200d\ufe0f \u200d", ""),
        ("", ""),
        ("日本語のタイトル", "日本語のタイトル"),
        ('<b>&amp;]]>"%;key=value&title.value=x', '<b>&amp;]]>"%;key=value&title.value=x'),
    ],
)
def test_a_line_is_cleaned(raw: str, cleaned: str) -> None:
    assert line(raw) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم کتاب\u200cها",  # Persian: U+200C within a word
        "क्\u200dष और क्\u200cष",  # Hindi: with and without the ligature
        "العربية C++\u200f أيضا",  # Arabic: the mark keeps "++" on the correct side
        "עברית C#\u200e שלום",  # Hebrew
        "ภาษาไทยไม่มีช่องว่าง",
        "Silben\u00adtrennung",
        "\u061cعلامة",
        "👨\u200d👩\u200d👧\u200d👦 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 1\ufe0f\u20e3",
        *(
            f"🏴{''.join(chr(0xE0000 + ord(c)) for c in region)}\U000e007f"
            for region in ("gbeng", "gbsct", "gbwls")
        ),
        " ".join(chr(0x1F1E6 + a) + chr(0x1F1E6 + b) for a in range(26) for b in range(26)),
    ],
)
def test_what_carries_meaning_stays(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert line(text) == text
    assert paragraphs(f"{text}\n\n{text}") == f"{text}\n\n{text}"
    assert not is_damaged(text)


def test_a_flag_of_tags_goes_and_stays_whole() -> None:
    england = "🏴" + "".join(chr(0xE0000 + ord(c)) for c in "gbeng") + "\U000e007f"
    assert clean(f"a{england}b", multiline=False, strip_emoji=True) == "a b"
    for limit in range(2, 8):
        assert cut(f"ab{england}", limit) == "ab"
    assert cut(f"ab{england}cd", 9) == f"ab{england}"


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one \n  \t \n\n two\n", "one\n\ntwo"),
        ("one\u2028two\u2029three\x85four", "one\ntwo\n\nthree\nfour"),
        ("tab\tand\x0bvertical", "tab and vertical"),
    ],
)
def test_paragraphs_stay(raw: str, cleaned: str) -> None:
    assert paragraphs(raw) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (f"hot{FAMILY}night", "hot night"),
        (f"{HEART}Love{HEART}", "Love"),
        (f"Trip {FLAG}{THUMB} 2", "Trip 2"),
        ("Part 1\ufe0f\u20e3", "Part 1"),
        ("Star ★ and © stay", "Star ★ and © stay"),
        ("🔥", ""),
    ],
)
def test_emoji_are_taken_out_on_request(raw: str, cleaned: str) -> None:
    assert clean(raw, multiline=False, strip_emoji=True) == cleaned


ODD = (
    "ab .,\u200c\u061c\U000e0067\n\r\t\x00\x1b\x85\u00a0\u00ad\u0301\u0323\u200b\u200d\u200e\u2028\u2029\u20e3\ufe0f\ufeff"
    "\ud800\udc00\uffff“’é1❤👨👩🏽🇩🇪日ﬁ"
)


def odd_text(dice: random.Random, length: int) -> str:
    return "".join(dice.choice(ODD) for _ in range(dice.randrange(length)))


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("strip_emoji", [False, True])
def test_cleaned_text_is_clean_whatever_went_in(multiline: bool, strip_emoji: bool) -> None:
    dice = random.Random(7)
    for _ in range(2_000):
        text = clean(odd_text(dice, 40), multiline, strip_emoji)
        assert clean(text, multiline, strip_emoji) == text
        assert text == unicodedata.normalize("NFC", text) == text.strip()
        assert "  " not in text and "\n\n\n" not in text and not is_damaged(text)
        assert multiline or "\n" not in text
        text.encode("utf-8")


@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("strip_emoji", [False, True])
def test_plain_text_takes_a_short_way_to_the_same_end(multiline: bool, strip_emoji: bool) -> None:
    rng, long_way = random.Random(5), "\u200b"
    for _ in range(2000):
        raw = "".join(
            chr(rng.choice((32, rng.randrange(32, 127)))) for _ in range(rng.randrange(20))
        )
        assert clean(raw, multiline, strip_emoji) == clean(raw + long_way, multiline, strip_emoji)


def test_damage_is_control_characters_and_halves_but_not_blanks() -> None:
    assert is_damaged("a\x00b") and is_damaged("a\x1bb") and is_damaged("a\ud800b")
    assert not is_damaged("a\tb\r\nc\u00a0d\u200de“")


def test_a_short_text_is_not_cut() -> None:
    assert cut("as it is", 8) == "as it is"


@pytest.mark.parametrize(
    ("text", "limit", "left"),
    [
        ("one two three", 12, "one two thre"),  # the blank before "three" is below 80 %
        ("one two six ten", 14, "one two six te"),
        ("aaaaaaaaa bbbb", 10, "aaaaaaaaa"),  # a boundary beyond 80 %
        ("aaaaaaaaaa bbbb", 10, "aaaaaaaaaa"),  # the limit itself is a boundary
        ("aaaaaaaa bbbb", 10, "aaaaaaaa b"),  # exactly 80 % is not beyond
        ("aaaaaaaaa\nbbbb", 10, "aaaaaaaaa"),
        ("abcdef", 3, "abc"),
        ("abc", 0, ""),
        (f"ab{FAMILY}", 6, "ab"),
        (f"abcd{THUMB}", 5, "abcd"),
        (f"abc{FLAG}{FLAG}", 6, f"abc{FLAG}"),
        (f"abcd{HEART}", 5, "abcd"),
        ("abcde\u0323\u0302x", 6, "abcd"),
        ("e" + "\u0323" * 20, 5, "e" + "\u0323" * 4),  # one cluster over the limit: cut hard
    ],
)
def test_text_is_cut_where_it_hurts_least(text: str, limit: int, left: str) -> None:
    assert cut(text, limit) == left


def test_encoded_text_is_measured_as_it_travels() -> None:
    assert cut_encoded("a" * 30, 30) == "a" * 30
    assert cut_encoded("a" * 31, 30) == "a" * 30
    assert cut_encoded("ж" * 10, 30) == "ж" * 5
    assert cut_encoded("日本語", 20) == "日本"
    assert cut_encoded("aaaaaaaaaaa bbbb", 13) == "aaaaaaaaaaa"
    assert cut_encoded(f"a{FAMILY}", 40) == "a"


def test_what_is_cut_fits_and_stays_a_clean_beginning() -> None:
    dice = random.Random(11)
    for _ in range(2_000):
        text = clean(odd_text(dice, 60), multiline=True, strip_emoji=False)
        limit = dice.randrange(1, 60)
        short, encoded = cut(text, limit), cut_encoded(text, 3 * limit)
        assert len(short) <= limit and len(quote(encoded, safe="")) <= 3 * limit
        assert text.startswith(short) and text.startswith(encoded)
        for left in (short, encoded):
            assert clean(left, multiline=True, strip_emoji=False) == left
