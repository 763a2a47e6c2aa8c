from __future__ import annotations

import io
import json
import logging
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from plexsync.edges.log.log import MAX_LINE, FileSink, Log, capture
from plexsync.edges.log.redact import PathWords, load_words
from plexsync.edges.log.stash_sink import StashSink
from tests.platforms import is_private

ROOT = Path(__file__).parents[2]
TOKEN = "SeCrEt-t0ken/+&=%\"'<>end"
KEY = "eyJhbGciOiJIUzI1NiJ9.eyJ1aWQiOiJzdGFzaCJ9.c2lnbmF0dXJl"
COOKIE = "MTcwMDAwMDAwMHxEdi1CQkFFQ180SUFBUkFCRUFBQVlQLUNBQUlHYzNSeWFXNW5EQThBRFY5"
WORDS = PathWords(b"a salt that stays the same")

HOSTILE = [
    "one\ntwo\r\nthree",
    "\x01p\x020.99",
    "x\n\x01e\x02forged",
    "\x1b[31mred\x1b[0m",
    "nul\0nul",
    "\u202egnp.exe\u2066\u200f",
    "lone \ud800 and \udfff",
    "lines\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029end",
    "x" * 5000,
    "🎬" * 5000,
    "family 👨\u200d👩\u200d👧",
    "\ufeff\u00ad\u200bzero",
    "%s %d {0} {x} %",
    "",
    " ",
    "é" * 2500 + "\n" * 2500,
]


class Pipe:
    """What Stash reads from a plugin's stderr, as pairs of level and text."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.log = Log(StashSink(self.stream))

    @property
    def raw(self) -> bytes:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[tuple[str, str]]:
        found = []
        for line in self.raw.splitlines():
            assert line[:1] == b"\x01" and line[2:3] == b"\x02", line
            found.append((chr(line[1]), line[3:].decode()))
        return found

    @property
    def last(self) -> str:
        return self.entries[-1][1]


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def library_lines(pipe: Pipe) -> Iterator[Pipe]:
    undo = capture(pipe.log)
    yield pipe
    undo()


# --- the shape of a record


def test_a_record_is_its_text_and_its_fields(pipe: Pipe) -> None:
    pipe.log.info(
        "synced", scene=7, ms=12.3456, fields=["title", "two words"], why="an edit", n=None
    )
    assert pipe.entries == [
        ("i", 'synced scene=7 ms=12.346 fields=[title, "two words"] why="an edit" n=None')
    ]


def test_levels_reach_stash_as_its_characters(pipe: Pipe) -> None:
    pipe.log.info("a")
    pipe.log.warning("b")
    pipe.log.error("c")
    assert pipe.entries == [("i", "a"), ("w", "b"), ("e", "c")]


def test_debug_is_dropped_unless_switched_on_and_then_visible_at_info(pipe: Pipe) -> None:
    pipe.log.debug("hidden")
    pipe.log.configure(debug=True, words=None)
    pipe.log.debug("shown")
    assert pipe.entries == [("i", "[DEBUG] shown")]


def test_a_field_may_have_any_name(pipe: Pipe) -> None:
    pipe.log.info("x", **{"text": 1, "self": 2, "level": 3, "bad\nname": 4})
    assert pipe.last == "x text=1 self=2 level=3 bad name=4"


def test_an_empty_record_is_none_at_all(pipe: Pipe) -> None:
    pipe.log.info("")
    pipe.log.info(" \n ")
    assert pipe.raw == b""


def test_the_same_warning_is_given_once(pipe: Pipe) -> None:
    for _ in range(3):
        pipe.log.warn_once("path_map", "The path map is wrong.")
    pipe.log.warn_once("other", "Something else.")
    assert [text for _, text in pipe.entries] == ["The path map is wrong.", "Something else."]


def test_progress_moves_between_nothing_and_all(pipe: Pipe) -> None:
    for value in (-1.0, 0.25, 7.0, float("nan"), float("inf")):
        pipe.log.progress(value)
    assert pipe.entries == [("p", "0.0000"), ("p", "0.2500"), ("p", "1.0000"), ("p", "1.0000")]


def test_errors_and_pictures_show_in_short(pipe: Pipe) -> None:
    pipe.log.error("failed", error=ValueError("no\nway"), data=b"x" * 100_000)
    assert pipe.last == 'failed error="ValueError: no way" data=<100000 bytes>'


# --- hostile text


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: ascii(t)[:20])
def test_hostile_text_stays_on_one_line_of_one_level(pipe: Pipe, text: str) -> None:
    pipe.log.warning("before " + text, title=text, names=[text], deep={text: {"x": [text]}})
    assert [dead_letter for dead_letter, _ in pipe.entries] == ["w"]
    assert pipe.raw.count(b"\n") == pipe.raw.count(b"\x01") == pipe.raw.count(b"\x02") == 1
    assert len(pipe.raw) <= MAX_LINE
    assert all(c.isprintable() or c == "\u200d" for c in pipe.last)


def test_hostile_text_is_shown_as_spaces_and_escapes(pipe: Pipe) -> None:
    pipe.log.info("a\nb\x1bc\0d\ud800e\u202ef\x01p\x02 👨\u200d👩")
    assert pipe.last == r"a b\x1bc\x00d\ud800e\u202ef\x01p\x02 👨" + "\u200d👩"


def test_any_text_at_all_gives_one_clean_line() -> None:
    seed = 20240517
    chance = random.Random(seed)
    for _ in range(500):
        pipe = Pipe()
        pipe.log.configure(debug=False, words=WORDS if chance.random() < 0.5 else None)
        pipe.log.set_secrets([TOKEN])
        text = "".join(
            chr(chance.choice([chance.randrange(0x300), chance.randrange(0x110000)]))
            for _ in range(chance.randrange(200))
        )
        pipe.log.error("x" + text, title=text, path="/" + text)
        assert len(pipe.entries) == 1, (seed, text)


def test_a_clipped_line_says_so_and_cuts_no_character(pipe: Pipe) -> None:
    pipe.log.info("🎬" * 5000)
    assert pipe.last.startswith("🎬🎬") and pipe.last.endswith("🎬…")


def test_a_value_that_cannot_be_shown_loses_only_its_record(pipe: Pipe) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    loop: list[object] = []
    loop.append(loop)
    pipe.log.info("first", value=Broken())
    pipe.log.info("second", loop=loop)
    assert pipe.last.startswith("second loop=[[[[")
    assert pipe.entries[0] == ("i", "(a record could not be shown: RuntimeError)")


# --- secrets


def forms(secret: str) -> list[str]:
    return [
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote(quote(secret, safe="")),
        quote(secret, safe="").lower(),
        json.dumps(secret),
        repr(secret),
        f"http://host/?X-Plex-Token={secret}",
        f"{{'X-Plex-Token': {secret!r}}}",
    ]


@pytest.mark.parametrize("secret", [TOKEN, KEY, COOKIE], ids=["token", "key", "cookie"])
def test_a_known_secret_shows_in_no_form(pipe: Pipe, secret: str) -> None:
    pipe.log.set_secrets([TOKEN, KEY, COOKIE, ""])
    pipe.log.configure(debug=True, words=None)
    for form in forms(secret):
        pipe.log.debug(f"text {form} text", value=form, error=OSError(form), more=[{form: form}])
    for start in (secret[:12], quote(secret[:12]), secret[-8:].lower()):
        assert start not in pipe.raw.decode().replace("http://host", "")
    assert pipe.raw.decode().count("***") >= 4 * len(forms(secret))


def test_a_secret_at_the_clip_is_not_cut_in_half(pipe: Pipe) -> None:
    pipe.log.set_secrets([TOKEN])
    for before in range(3950, 4010):
        pipe.log.info("x" * before + TOKEN + TOKEN)
    pipe.log.info("token=" + "y" * 16_350 + TOKEN * 3)
    assert b"SeCrEt" not in pipe.raw


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET http://h/x?X-Plex-Token=abc123&type=1", "GET http://h/x?X-Plex-Token=***&type=1"),
        ("https://h/scene/1?apikey=abc.def", "https://h/scene/1?apikey=***"),
        ("url=%2Fx%3FX-Plex-Token%3Dabc123%26a", "url=%2Fx%3FX-Plex-Token%3D***"),
        ("http://joe:pass@word@plex:32400/web", "http://***@plex:32400/web"),
        ("{'ApiKey': 'abc', 'Accept': '*/*'}", "{'ApiKey': ***, 'Accept': '*/*'}"),
        ("Cookie: session=abc; other=def", "Cookie: ***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("sent bearer abc.def again", "sent bearer *** again"),
        ('<User authToken="abc123" id="1"/>', '<User authToken=*** id="1"/>'),
        ('{"apiKey": "abc", "maxSessionAge": 3600}', '{"apiKey": ***, "maxSessionAge": 3600}'),
    ],
)
def test_what_looks_like_a_secret_is_hidden_although_unknown(
    pipe: Pipe, text: str, shown: str
) -> None:
    pipe.log.info(text)
    assert pipe.last == shown


def test_a_field_named_like_a_secret_is_hidden(pipe: Pipe) -> None:
    pipe.log.info("settings", plex_token="never registered", api_key="neither", url="http://h")
    assert pipe.last == "settings plex_token=*** api_key=*** url=http://h"


def test_ordinary_sentences_about_tokens_stay_readable(pipe: Pipe) -> None:
    text = "Plex refuses the token: enter a new one in the settings of PlexSync (plex_token)."
    pipe.log.error(text)
    assert pipe.last == text


# --- private paths


def test_paths_and_titles_become_words_the_same_for_the_same_part(pipe: Pipe) -> None:
    pipe.log.configure(debug=False, words=WORDS)
    pipe.log.info("a", path="/media/My Film/My Film.mp4", title="My Film")
    film, media = WORDS.part("My Film"), WORDS.part("media")
    assert pipe.last == f"a path=/{media}/{film}/{film}.mp4 title={film}"


@pytest.mark.parametrize(
    "text",
    [
        "[Errno 2] No such file or directory: '/media/Private/Hidden.mp4'",
        "cannot read /media/Private/Hidden.mp4, skipped",
        "moved /media/Private Things/Hidden One.mkv to /other/Private/x.mp4",
        r"C:\Media\Private\Hidden.mp4 is gone",
        r"\\nas\Media\Private\Hidden.mp4",
        "file:///media/Private/Hidden.mp4",
        "(404) http://h/library/sections/1/refresh?path=%2Fmedia%2FPrivate%20Things&type=1",
        "PUT http://h/library/metadata/7?title.value=Private%20Hidden&title.locked=1",
    ],
)
def test_paths_in_free_text_become_words_too(pipe: Pipe, text: str) -> None:
    pipe.log.configure(debug=False, words=WORDS)
    pipe.log.error(text, error=OSError(text), paths=[text], note=text)
    for private in ("Private", "Hidden", "Media", "media", "Things"):
        assert private not in pipe.last, pipe.last


def test_addresses_of_plex_and_stash_stay_readable(pipe: Pipe) -> None:
    pipe.log.configure(debug=False, words=WORDS)
    text = "GET http://h:32400/library/metadata/7 and /library/sections/1/all?type=1 in 3/5 s"
    pipe.log.info(text)
    assert pipe.last == text


def test_without_the_switch_paths_stay(pipe: Pipe) -> None:
    pipe.log.info("a", path="/media/x.mp4")
    assert pipe.last == "a path=/media/x.mp4"


def test_every_process_says_the_same_words(tmp_path: Path) -> None:
    script = (
        "import sys; from plexsync.edges.log.redact import load_words;"
        "print(load_words(sys.argv[1], print).path('/media/Film.mp4'))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    crowd = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(4)]
    said = {process.communicate()[0].decode().rstrip() for process in crowd}
    assert said == {load_words(str(tmp_path), print).path("/media/Film.mp4")}
    assert [p.name for p in tmp_path.iterdir()] == ["log_salt.json"]
    assert is_private(tmp_path / "log_salt.json")


def test_a_damaged_salt_is_replaced_by_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "log_salt.json").write_bytes(b'{"salt": "short"')
    warned: list[str] = []
    first = load_words(str(tmp_path), warned.append)
    assert first == load_words(str(tmp_path), warned.append)
    assert len(warned) == 1


def test_without_a_place_for_the_salt_there_are_words_all_the_same(tmp_path: Path) -> None:
    warned: list[str] = []
    words = load_words(str(tmp_path / "file-in-the-way" / "x"), warned.append)
    assert words.part("x") and len(warned) == 1


# --- sinks


def test_the_file_is_private_and_starts_lines_with_the_local_time(tmp_path: Path) -> None:
    path = tmp_path / "plexsync.log"
    old = os.umask(0)
    try:
        Log(FileSink(str(path), now=lambda: 1_700_000_000.0)).warning("häppened 🎬", scene=7)
    finally:
        os.umask(old)
    line = path.read_text("utf-8")
    assert line.startswith("2023-11-1") and line.endswith(" warning häppened 🎬 scene=7\n")
    assert len(line.split(" ")[0]) == len("2023-11-14T23:13:20+01:00")
    assert is_private(path)


def test_the_file_keeps_one_megabyte_and_three_more(tmp_path: Path) -> None:
    sink = FileSink(str(tmp_path / "plexsync.log"))
    for n in range(1500):
        sink.write("info", f"{n} " + "x" * 3900)
    sink.close()
    sink.write("info", "and on")
    sizes = {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert set(sizes) == {"plexsync.log"} | {f"plexsync.log.{n}" for n in (1, 2, 3)}
    assert max(sizes.values()) <= 1_000_000
    assert all(is_private(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("length", [1, 100, 5000, 100_000])
def test_no_line_of_the_file_is_over_four_kilobytes(tmp_path: Path, length: int) -> None:
    Log(FileSink(str(tmp_path / "l"))).error("🎬" * length, title="é" * length)
    data = (tmp_path / "l").read_bytes()
    assert data.count(b"\n") == 1 and len(data) <= MAX_LINE


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "folder.log").mkdir()
    pipe = Pipe()
    for path in ("folder.log", "missing/x.log"):
        log = Log(FileSink(str(tmp_path / path)), StashSink(pipe.stream))
        log.info("still here")
    assert pipe.entries == [("i", "still here")] * 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_stops_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    sink = FileSink("/dev/full")
    log = Log(sink)
    for _ in range(3):
        log.error("x")
    sink.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symlinks")
def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "plexsync.log").symlink_to(target)
    Log(FileSink(str(tmp_path / "plexsync.log"))).info("x")
    assert target.read_text() == "mine"


def test_a_reader_that_left_does_not_stop_or_fail_the_process() -> None:
    script = (
        "import sys\n"
        "from plexsync.edges.log.log import Log\n"
        "from plexsync.edges.log.stash_sink import StashSink\n"
        "log = Log(StashSink(sys.stderr))\n"
        "log.info('first')\n"
        "sys.stdin.readline()\n"
        "for n in range(50): log.info('x' * 3000); log.progress(n / 50)\n"
        "print('went on')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout and process.stderr
    assert process.stderr.readline() == b"\x01i\x02first\n"
    process.stderr.close()
    process.stdin.write(b"go\n")
    process.stdin.close()
    assert process.stdout.read().split() == [b"went", b"on"]
    assert process.wait() == 0


@pytest.mark.parametrize("stream", [None, io.StringIO()], ids=["none", "text"])
def test_a_stream_that_takes_no_bytes_is_no_error(stream: io.StringIO | None) -> None:
    Log(StashSink(stream)).info("x")


def test_one_broken_sink_does_not_silence_the_others(pipe: Pipe) -> None:
    class Broken:
        def write(self, level: str, text: str) -> None:
            raise RuntimeError

        def progress(self, value: float) -> None:
            raise RuntimeError

    log = Log(Broken(), StashSink(pipe.stream))
    log.info("x")
    log.progress(0.5)
    assert pipe.entries == [("i", "x"), ("p", "0.5000")]


# --- messages of libraries


def test_libraries_are_heard_from_warning_up(library_lines: Pipe) -> None:
    library_lines.log.set_secrets([TOKEN])
    logging.getLogger("urllib3.connectionpool").warning("Retrying %s\nagain", TOKEN)
    logging.getLogger("plexapi").info("not this")
    logging.getLogger("persistqueue").error("full")
    assert library_lines.entries == [
        ("w", "urllib3.connectionpool: Retrying *** again"),
        ("e", "persistqueue: full"),
    ]


def test_a_library_whose_arguments_do_not_fit_is_heard_too(pipe: Pipe) -> None:
    before = list(logging.getLogger().handlers)
    undo = capture(pipe.log)
    [ours] = [h for h in logging.getLogger().handlers if h not in before]
    broken = {"name": "lib", "msg": "broken %d", "args": ("x",), "levelno": logging.ERROR}
    ours.handle(logging.makeLogRecord(broken))
    undo()
    assert pipe.entries == [("e", "lib: broken %d")]


def test_an_exception_logged_by_a_library_is_one_line(library_lines: Pipe) -> None:
    try:
        raise OSError("no\nway")
    except OSError:
        logging.getLogger("plexapi").exception("failed")
    assert library_lines.entries == [("e", "plexapi: failed (OSError: no way)")]


def test_python_warnings_are_heard(library_lines: Pipe) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old\nthing", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: old thing" in library_lines.last


def test_a_released_log_hears_nothing_more(pipe: Pipe) -> None:
    capture(pipe.log)()
    logging.getLogger("plexapi").warning("x")
    assert pipe.raw == b""
