"""Fuzzes the hook's input: compares what it stores with what a JSON parser and the worker read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from plexsync import hook
from plexsync.model.event import Event, parse_event
from tests.hostile.hook_plugin import CONNECTION, event, go_json

KINDS = ("Scene.Update.Post", "Scene.Destroy.Post", "Performer.Update.Post", "Tag.Merge.Post")
NAMES = ("id", "title", "tag_ids", "cover_image", "performer_ids", "rating100")
TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b'\\"', b"\\\\", b" ", b"\n", b"\x0b"),
    *(b"\x0c", b"\x00", b"\xff", "é".encode(), b"0", b"1", b"-", b".", b"e", b"null", b"true"),
    *(b"}}}", b"]}}}", b'"id":', b'"type":', b'"input":', b'"inputFields":', b"[null]", b'["id"]'),
    *(
        b',"args":{',
        b'"hookContext":{',
        b'"hookContext":{"id":',
        b'{"server_connection":',
        b".Post",
    ),
    *(b'"a":1', b',"id":8', b'"mode":"x"', b'{"a":1}', b',"more":{}', b"Scene.Update.Post"),
)
TEXT = 'ab"\\{}[],:k v\n\x01é\U0001f600<'


def disagreements(seed: int, cases: int) -> Iterator[str]:
    """Disagreements in `cases` random cases; there may be none."""
    dice = random.Random(seed)
    for _ in range(cases):
        stdin = _mutated(dice, _written(dice))
        problem = _disagreement(stdin)
        if problem:
            yield f"{problem}: {stdin!r}"


def _disagreement(stdin: bytes) -> str:
    meant = _meant(stdin)
    try:
        found = hook.read(stdin)
    except Exception as refusal:  # noqa: BLE001 - the hook answers with any error
        return f"refused ({refusal})" if meant else ""
    if found is None:
        return "taken for a page's call" if meant else ""
    try:
        kept = parse_event(found[0], 0.0)
    except ValueError as problem:
        return f"kept a record that the worker cannot read ({problem})"
    if meant:
        return "" if kept == meant else f"kept {kept}, not {meant}"
    # `input` and the connection are not part of the event, which is stored even if they are damaged
    said = b'"id":%d,"type":"%b.%b.Post"' % (kept.id, kept.subject.encode(), kept.action.encode())
    return "" if said in stdin and kept.input is None else f"made {kept} up"


def _meant(stdin: bytes) -> Event | None:
    """The event as read by a JSON parser; None if there is none."""
    try:
        order = json.loads(stdin)
        args = order["args"]
        sent: dict[str, Any] = args["hookContext"]
        if "mode" in args or list(sent) == sorted(sent):
            return None
        kept = {name: sent[name] for name in ("id", "type", "inputFields") if name in sent}
        if str(sent["type"]).endswith(".Merge.Post"):
            kept["input"] = sent.get("input")
        return parse_event(json.dumps(kept).encode(), 0.0)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _written(dice: random.Random) -> bytes:
    """An event as Stash writes it, or with other white space, connections or arguments."""
    block = CONNECTION if dice.random() < 0.9 else go_json({"Dir": _value(dice, 2)})
    fields = [_text(dice)] if dice.random() < 0.05 else dice.sample(NAMES, dice.randrange(1, 4))
    stdin = event(
        dice.choice((7, 12345)),
        dice.choice(KINDS),
        sent=_sent(dice),
        fields=dice.choice((None, fields, fields)),
        defaults={"a": _value(dice, 1)} if dice.random() < 0.1 else None,
        connection=block,
    )
    if dice.random() < 0.1:
        return json.dumps(json.loads(stdin), indent=dice.choice((None, 1))).encode()
    return stdin


def _sent(dice: random.Random) -> object:
    """An `input`, usually an object or a list of objects, as of a mutation."""
    if dice.random() < 0.2:
        return _value(dice, 3)
    sent = {name: _value(dice, 2) for name in dice.sample(NAMES, 4)}
    return dice.choice((None, sent, sent, sent, [sent, sent]))


def _value(dice: random.Random, depth: int) -> object:
    kind = dice.randrange(9 if depth else 6)
    if kind == 6:
        return [_value(dice, depth - 1) for _ in range(dice.randrange(4))]
    if kind > 6:
        return {_text(dice): _value(dice, depth - 1) for _ in range(dice.randrange(5))}
    return (None, True, dice.randrange(-99, 99), dice.random(), _text(dice), "")[kind]


def _text(dice: random.Random) -> str:
    if dice.random() < 0.1:
        return dice.choice(TOKENS).decode(errors="replace")
    return "".join(dice.choice(TEXT) for _ in range(dice.randrange(9)))


def _mutated(dice: random.Random, stdin: bytes) -> bytes:
    """The input with up to three parts changed, doubled, cut or moved."""
    own = stdin.find(b'"hookContext"') if dice.random() < 0.8 else 0
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        place = dice.randrange(min(max(own, 0), len(stdin)), len(stdin) + 1)
        end = min(len(stdin), place + dice.choice((0, 1, 1, 5, 40)))
        piece = stdin[place:end] * 2 if dice.random() < 0.2 else dice.choice(TOKENS)
        stdin = stdin[:place] + piece + stdin[end:]
        if dice.random() < 0.01:
            stdin = stdin[: dice.randrange(len(stdin) + 1)]
    return stdin
