"""What the hook makes of what Stash sends, and of what nobody should send."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from plexsync import hook, inbox, system
from plexsync.model.event import parse_event
from tests.hostile.hook_plugin import CONNECTION, COOKIE, FIXTURES, event, go_json, held

HOOKS = [path for path in FIXTURES if path.stem != "task"]


class Inbox:
    """The hook in this process, with a worker that seems to be alive."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.data = str(folder / "data")

    def send(self, stdin: bytes) -> str:
        """The hook's answer: "ok", or the error's text."""
        answer = json.loads(hook.main(self.folder, stdin))
        assert set(answer) in ({"output"}, {"error"})
        return answer.get("output") or answer["error"]

    def record(self, stdin: bytes) -> dict:
        """The one record that the hook keeps of this, valid for the worker."""
        assert self.send(stdin) == "ok"
        return self.kept()

    def kept(self) -> dict:
        """The one record there is, taken out."""
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
    """What a record must say, told by a real JSON parser."""
    context = json.loads(stdin)["args"]["hookContext"]
    kept = {key: context[key] for key in ("id", "type", "inputFields") if key in context}
    if len(go_json(context.get("input"))) < hook.MAX_INPUT:
        kept["input"] = context.get("input")
    return kept


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
        {"mode": "x", "n": 1.5},
        {"a": {"hookContext": {"id": 9, "type": "A.B.Post", "input": None}}},
        {"a": [{"hookContext": {"id": 9}}], "b": None},
    ],
)
def test_default_arguments_before_the_event_do_not_matter(box, defaults):
    stdin = event(sent=None, defaults=defaults)
    assert box.record(stdin) == expected(stdin)


def test_arguments_after_the_event_do_not_matter(box):
    stdin = event(sent={"id": "7"}, fields=["title"])[:-2] + b',"mode":{"inputFields":["x"]}}}'
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize("names", [["täg"], ["a b"], ['a"b'], ["a]}}}"], ["a,b", "c\\"]])
def test_odd_field_names_are_kept_exactly(box, names):
    stdin = event(sent={"a": 1}, fields=names)
    assert box.record(stdin) == expected(stdin)


@pytest.mark.parametrize(
    "sent", [0, -1, 1.5, 12345678901234567890, 1e-7, True, "", [], {}, [[]], [{}], [None, "a", 2]]
)
def test_any_kind_of_input_is_kept(box, sent):
    stdin = event(sent=sent)
    assert box.record(stdin) == expected(stdin)


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


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_input_is_kept_only_below_sixteen_kibibytes(box, over):
    stdin = event(sent="x" * (hook.MAX_INPUT - 2 + over))
    assert ("input" in box.record(stdin)) == (over < 0)


BAD = [
    (b'{"hookContext"', "not JSON"),
    (b'"hookContext"', "no args.hookContext"),
    (b'["hookContext"]', "no args.hookContext"),
    (b'{"hookContext":{"id":1}}', "no args.hookContext"),
    (b'{"args":null,"hookContext":1}', "no args.hookContext"),
    (b'{"args":{"hookContext":null}}', "no args.hookContext"),
    (b'{"args":{"hookContext":[]}}', "no args.hookContext"),
    (b'{"args":{"hookContext":"7"}}', "no args.hookContext"),
    (b'{"args":{"hookContext":{"id":7}}}', "no args.hookContext"),
    (b'{"args":{"hookContext":{"id":"7","type":"Scene.Update.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":true,"type":"Scene.Update.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":0,"type":"Scene.Update.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":-7,"type":"Scene.Update.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":7.0,"type":"Scene.Update.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":9223372036854775808,"type":"A.B.Post"}}}', "id"),
    (b'{"args":{"hookContext":{"id":7,"type":"Scene.Update"}}}', "type"),
    (b'{"args":{"hookContext":{"id":7,"type":["Scene.Update.Post"]}}}', "type"),
    (b'{"args":{"hookContext":{"id":7,"type":"A.B.Post","inputFields":{"a":1}}}}', "inputFields"),
    (b'{"args":{"hookContext":{"id":7,"type":"A.B.Post","inputFields":[1]}}}', "inputFields"),
    (b'{"args":{"hookContext":' + b"[" * 200_000, "nested too deeply"),
    (b'{"args":{"hookContext":{"id":' + b"7" * 5000 + b"}}}", "not JSON"),
    (b'\xff\xfe{"hookContext":1}', "not JSON"),
    (b'{"args":{"hookContext":{"id":7,"type":"A.B.Post","input":"\xff"}}}', "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a":1,'), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a" 1'), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b"1,2"), "not JSON"),
    (event(sent={"a": 1}).replace(b'"a":1', b'"a":01'), "not JSON"),
    (event(sent={"a": "b"}).replace(b'"b"', b'"\\x"'), "not JSON"),
    (event(sent={"a": "b"}).replace(b'"b"', b'"\\u12g4"'), "not JSON"),
    (event(sent={"a": "b"}).replace(b'"b"', b'"\x01"'), "not JSON"),
    (event(sent=[1]).replace(b"[1]", b"[1 2]"), "not JSON"),
    (event(sent=[1]).replace(b"[1]", b'1,"id":2,"a"'), "not JSON"),
    (event(sent=[1]).replace(b"[1]", b"[1\\n2]"), "not JSON"),
    (event(fields=["a" * 20_000]), "too large"),
]


@pytest.mark.parametrize(("stdin", "reason"), BAD, ids=range(len(BAD)))
def test_what_is_no_event_is_one_clear_error_and_leaves_nothing(box, stdin, reason):
    text = box.send(stdin)
    assert reason in text
    assert text.startswith("PlexSync does not understand this event")
    assert COOKIE not in text
    assert box.is_empty()


def test_an_event_cut_at_any_byte_is_an_error_and_leaves_nothing(box):
    stdin = event(sent={"title": 'a\\"b', "tags": ["1", None]}, fields=["title", "id"])
    for end in range(len(stdin)):
        assert box.send(stdin[:end]) != "ok", end
    assert box.is_empty()


def test_an_event_with_any_byte_changed_is_understood_as_a_parser_does_or_refused(box):
    rng = random.Random(20)
    plain = event(sent={"a": 'x"\\y', "b": [1, -2.5, None, {"c": {}}]}, fields=["a", "b"])
    start = plain.index(b',"args"')
    for _ in range(4000):
        place = rng.randrange(start, len(plain))
        char = rng.choice(b'{}[],:"\\ \n019.-eaknuv\x00\xff')
        stdin = plain[:place] + bytes([char]) + plain[place + rng.randrange(2) :]
        if box.send(stdin) == "ok":
            assert box.kept() == expected(stdin), stdin
    assert box.is_empty()


def test_random_documents_are_kept_as_they_are(box):
    rng = random.Random(21)
    for _ in range(600):
        stdin = event(sent=_random_value(rng, 4), fields=rng.choice([None, ["a"], ["a", "b_c"]]))
        assert box.record(stdin) == expected(stdin), stdin


def _random_value(rng: random.Random, depth: int) -> object:
    kind = rng.randrange(8 if depth else 6)
    if kind == 6:
        return [_random_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {_random_text(rng): _random_value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return [None, True, rng.randrange(-99, 99), rng.random(), _random_text(rng), ""][kind]


def _random_text(rng: random.Random) -> str:
    return "".join(rng.choice('ab"\\{}[],:k v\n\x01é\U0001f600<') for _ in range(rng.randrange(9)))


def test_the_usual_shapes_are_cut_without_a_parser():
    """The whole point of cutting bytes: on the usual way json is not even imported."""
    for path in HOOKS:
        assert hook._cut(path.read_bytes()), path.stem
    assert hook._cut(event(sent={"title": HOSTILE[0]}, fields=["title"], defaults={"a": 1}))


def test_the_connection_travels_unchanged(box):
    stdin = event(sent=None)
    cut = hook._cut(stdin)
    assert cut is not None
    assert cut[1] == CONNECTION
