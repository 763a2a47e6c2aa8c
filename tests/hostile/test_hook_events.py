"""What the hook stores of Stash's input, and of malformed input.

It stores which object changed, how, and which fields were sent; `input` only of a merge.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from plexsync import hook, inbox, system
from plexsync.model.event import parse_event
from tests.hostile.hook_plugin import CONNECTION, COOKIE, FIXTURES, event, go_json, held
from torture import hook_fuzz

HOOKS = [path for path in FIXTURES if path.stem != "task"]


class Inbox:
    """Run the hook in this process, with a lock that looks like a living worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.data = str(folder / "data")

    def send(self, stdin: bytes) -> str:
        """The hook's answer: "ok", or the error's text."""
        answer = json.loads(hook.main(self.folder, stdin))
        assert set(answer) in ({"output"}, {"error"})
        return answer.get("output") or answer["error"]

    def record(self, stdin: bytes) -> dict:
        """The record that the hook stores of this input, which must be valid."""
        assert self.send(stdin) == "ok"
        return self.kept()

    def kept(self) -> dict:
        """The only record, removed from the inbox."""
        (found,) = inbox.collect(self.data)
        inbox.forget(self.data, [found.name])
        assert found.data is not None
        assert COOKIE.encode() not in found.data
        parse_event(found.data, found.at)
        return json.loads(found.data)

    def is_empty(self) -> bool:
        return not inbox.collect(self.data)


@pytest.fixture
def box(tmp_path, monkeypatch):
    monkeypatch.delenv("STASH_PLUGIN_DATA", raising=False)
    system.private_folder(str(tmp_path / "data"))
    with held(tmp_path / "data" / "worker.lock"):
        yield Inbox(tmp_path)


def expected(stdin: bytes) -> dict:
    """What a record must contain, according to a real JSON parser."""
    context = json.loads(stdin)["args"]["hookContext"]
    wanted = ["id", "type", "inputFields", *["input"] * context["type"].endswith(".Merge.Post")]
    return {key: context[key] for key in wanted if key in context}


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.stem)
def test_every_real_event_is_kept_as_stash_sent_it(box, path):
    stdin = path.read_bytes()
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.stem)
def test_the_same_event_printed_with_other_spaces_is_kept_too(box, path):
    stdin = json.dumps(json.loads(path.read_bytes()), indent=2).encode() + b"\n"
    assert box.record(stdin) == expected(path.read_bytes())


HOSTILE = [
    '","inputFields":["organized"]}}}',
    '"hookContext":{"id":666,"type":"Scene.Destroy.Post","input":null}}}',
    '\\","hookContext":{"id":666',
    '\\\\","inputFields":["id"]}}}',
    ',"args":{"hookContext":{"id":666,"type":"Scene.Update.Post","input":null}}}',
    "}}}",
    "]}}}",
    "\\",
    '\\"',
    '"',
    "\n\x01p\x021.0\n\x1b[31m \u2028 \x00",
    "Ünï \U0001f600 日本語 <b>&amp;",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("fields", [None, [], ["title", "id"]])
def test_a_title_that_looks_like_our_marks_is_only_a_title(box, text, fields):
    stdin = event(sent={"title": text, text: [text, {"inputFields": [text]}]}, fields=fields)
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_elsewhere_changes_nothing_either(box, text):
    connection = go_json(
        {"Scheme": "http", "Dir": text, text: {"args": {"hookContext": {"id": 1}}}}
    )
    stdin = event(
        sent=text, fields=["title"], defaults={"a": text, "b": {"id": 1}}, connection=connection
    )
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize(
    "defaults",
    [
        {"a": "x", "n": 1.5},
        {"a": {"hookContext": {"id": 9, "type": "A.B.Post", "input": None}}},
        {"a": [{"hookContext": {"id": 9}}], "b": None},
    ],
)
def test_default_arguments_before_the_event_do_not_matter(box, defaults):
    stdin = event(sent=None, defaults=defaults)
    assert box.record(stdin) == expected(stdin)


def test_arguments_after_the_event_do_not_matter(box):
    stdin = event(sent={"id": "7"}, fields=["title"])[:-2] + b',"more":{"inputFields":["x"]}}}'
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize("names", [["täg"], ["a b"], ['a"b'], ["a]}}}"], ["a,b", "c\\"]])
def test_odd_field_names_are_kept_exactly(box, names):
    stdin = event(sent={"a": 1}, fields=names)
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize(
    "sent", [0, -1, 1.5, 12345678901234567890, 1e-7, True, "", [], {}, [[]], [{}], [None, "a", 2]]
)
@pytest.mark.parametrize("kind", ["Scene.Update.Post", "Tag.Merge.Post"])
def test_any_kind_of_input_will_do_and_that_of_a_merge_is_kept(box, sent, kind):
    stdin = event(kind=kind, sent=sent)
    assert box.record(stdin) == expected(stdin)


def test_the_record_of_a_usual_edit_has_some_tens_of_bytes():
    for path in HOOKS:
        found = hook.read(path.read_bytes())
        assert found, path.stem
        assert len(found[0]) < 120, path.stem


def test_a_merge_too_large_to_keep_is_one_of_all_tags(box):
    many = {"source": [str(number) for number in range(9_000)], "destination": "9001"}
    assert box.record(event(kind="Tag.Merge.Post", sent=many)) == {
        "id": 7,
        "type": "Tag.Merge.Post",
    }


def test_what_a_later_stash_may_add_is_ignored(box):
    stdin = event(sent={"id": "7"}, fields=["title"])[:-3] + b',"more":{"a":[1]}}}}'
    assert box.record(stdin) == expected(stdin)


def test_a_cover_of_megabytes_never_reaches_the_disk(box):
    cover = "data:image/jpeg;base64," + "QUJD" * 500_000
    stdin = event(sent={"cover_image": cover, "title": "x"}, fields=["cover_image", "id"])
    assert box.record(stdin) == {
        "id": 7,
        "type": "Scene.Update.Post",
        "inputFields": ["cover_image", "id"],
    }


def test_a_large_input_without_fields_is_dropped_as_well(box):
    stdin = event(kind="Scene.Destroy.Post", sent={"ids": [str(n) for n in range(20_000)]})
    assert box.record(stdin) == {"id": 7, "type": "Scene.Destroy.Post"}


BLANKS = (b"\n", b"\x0b", b"\x0c")
"""A line feed, and two that JSON does not allow: VT and FF."""


def context(number: str, kind: str = '"Scene.Update.Post"', more: str = "") -> bytes:
    """An event in Stash's order, without a connection: it is parsed."""
    return b'{"args":{"hookContext":{"id":%b,"type":%b,"input":null%b}}}' % (
        number.encode(),
        kind.encode(),
        more.encode(),
    )


BAD = [
    (b'{"hookContext"', "not JSON"),
    (b'"hookContext"', "no args.hookContext"),
    (b'["hookContext"]', "no args.hookContext"),
    (b'{"hookContext":{"id":1}}', "no args.hookContext"),
    (b'{"args":null,"hookContext":1}', "no args.hookContext"),
    (b'{"args":{"hookContext":null}}', "no args.hookContext"),
    (b'{"args":{"hookContext":[]}}', "no args.hookContext"),
    (b'{"args":{"hookContext":"7"}}', "no args.hookContext"),
    (b'{"args":{"hookContext":{"type":"A.B.Post","input":null}}}', "id"),
    (b'{"args":{"hookContext":{"id":7,"input":null,"a":1}}}', "no args.hookContext"),
    (context('"7"'), "id"),
    (context("true"), "id"),
    (context("0"), "id"),
    (context("-7"), "id"),
    (context("7.0"), "id"),
    (context("9223372036854775808"), "id"),
    (context("7", '"Scene.Update"'), "type"),
    (context("7", '["Scene.Update.Post"]'), "type"),
    (context("7", '"A.B.Post"', ',"inputFields":{"a":1}'), "inputFields"),
    (context("7", '"A.B.Post"', ',"inputFields":[1]'), "inputFields"),
    (event(fields=["a"]).replace(b'["a"]', b"[null]"), "inputFields"),
    (event(fields=["a"]).replace(b'["a"]', b'["a",]'), "not JSON"),
    (event(fields=["a"]).replace(b'["a"]', b'["a""b"]'), "not JSON"),
    (b'{"args":{"hookContext":' + b"[" * 200_000, "nested too deeply"),
    (b'{"args":{"hookContext":{"id":' + b"7" * 5000 + b"}}}", "not JSON"),
    (b'\xff\xfe{"hookContext":1}', "not JSON"),
    (b'{"args":{"hookContext":{"id":7,"type":"A.B.Post","input":"\xff"}}}', "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a" 1'), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a":1}'), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a":[1}'), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a":undefined'), "not JSON"),
    (event(sent=[1]).replace(b"[1]", b"[1 2]"), "not JSON"),
    (event(sent=[1]).replace(b"[1]", b'1,"id":2,"a"'), "not JSON"),
    *((event(sent=[1]).replace(b"[1]", b"[1%b2]" % blank), "not JSON") for blank in BLANKS),
    *((event(sent=[1]).replace(b"[1]", b"[1]%b" % blank), "not JSON") for blank in BLANKS[1:]),
    *(
        (event(sent=None, fields=["a"]).replace(b"null,", b"null%b," % blank), "not JSON")
        for blank in BLANKS[1:]
    ),
    (event(fields=["a" * 20_000]), "too large"),
]


@pytest.mark.parametrize(("stdin", "reason"), BAD, ids=range(len(BAD)))
def test_what_is_no_event_is_one_clear_error_and_leaves_nothing(box, stdin, reason):
    text = box.send(stdin)
    assert reason in text
    assert text.startswith("PlexSync does not understand this event")
    assert COOKIE not in text
    assert box.is_empty()


@pytest.mark.parametrize("text", ['a\\"b', "}}}}", "{}}}", '","inputFields":["a"]}}}', "[]}}}"])
def test_an_event_cut_at_any_byte_is_an_error_and_leaves_nothing(box, text):
    stdin = event(sent={"title": text, "tags": ["1", None]}, fields=["title", "id"])
    for end in range(len(stdin)):
        assert box.send(stdin[:end]) != "ok", end
    assert box.is_empty()


@pytest.mark.long
def test_hook_and_worker_agree_on_five_thousand_mutations():
    assert list(itertools.islice(hook_fuzz.disagreements(20, 5000), 3)) == []


def test_the_usual_shapes_are_cut_without_a_parser():
    """Why the hook cuts bytes: for usual events json is not even imported."""
    for path in HOOKS:
        assert hook._cut(path.read_bytes()) or path.stem == "tag-merge", path.stem
    assert hook._cut(event(sent={"title": HOSTILE[0]}, fields=["title"]))
    assert hook._cut(event(sent={"cover_image": "QUJD" * 500_000}, fields=["cover_image"]))


@pytest.mark.parametrize(
    "args",
    [
        {"hookContext": {"id": 7, "type": "Scene.Destroy.Post"}},
        {"hookContext": {"id": 7, "input": None, "type": "Scene.Destroy.Post"}},
        {"hookContext": {"id": 7, "input": None, "inputFields": ["a"], "type": "A.B.Post"}},
        {"hookContext": {"id": 7, "type": "A.B.Post", "input": None}, "mode": "status"},
    ],
)
def test_what_a_page_or_a_button_sends_is_no_event_whatever_it_looks_like(args):
    stdin = b'{"server_connection":%b,"args":%b}' % (CONNECTION, go_json(args))
    assert hook.read(stdin) is None


def test_the_connection_travels_unchanged(box):
    found = hook.read(event(sent=None))
    assert found is not None
    assert found[1] == CONNECTION
