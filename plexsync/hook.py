"""The hook: keep the event, wake a worker, say ok. The user's save in Stash waits for this.

What Stash usually sends is cut by byte operations, because importing json takes longer than all
the rest; nothing is taken for granted on that way: what is not proven is parsed.
"""

import os

from plexsync import inbox, system

OK = b'{"output": "ok"}'
REMEDY = "; give Stash room and rights there, or let STASH_PLUGIN_DATA name another folder"
MAX_INPUT = 16 << 10
"""An `input` of so many bytes is not kept: it holds a cover, and the worker reads the scene."""
MAX_PROOF = 64 << 10
"""A larger `input` is not looked through: it is not kept, and Stash's tail says what changed."""


def main(plugin_dir: str, stdin: bytes) -> bytes:
    """Keep the event in `stdin` and see that a worker lives; the answer for Stash. Never raises."""
    try:
        record, connection = _cut(stdin) or _parse(stdin)
        data = system.data_folder(plugin_dir, os.environ)
    except Exception as problem:  # noqa: BLE001 - Stash shows only what is in the answer
        return _error(f"PlexSync does not understand this event (is Stash newer?): {problem}")
    try:
        system.private_folder(data)
        inbox.drop(data, record)
    except Exception as problem:  # noqa: BLE001
        hint = "" if getattr(problem, "errno", None) is None else REMEDY
        return _error(f"PlexSync cannot keep events in {data}: {problem}{hint}")
    try:
        inbox.wake(plugin_dir, data, connection)
    except Exception as problem:  # noqa: BLE001
        return _error(f"PlexSync kept this event, but cannot start its worker: {problem}")
    return OK


def _error(text: str) -> bytes:
    import json

    return json.dumps({"error": text}).encode()


def _record(number: bytes, kind: bytes, fields: bytes, sent: bytes) -> bytes:
    parts = [b'{"id":', number, b',"type":"', kind, b'"']
    if fields:
        parts += [b',"inputFields":', fields]
    if sent and len(sent) < MAX_INPUT:
        parts += [b',"input":', sent]
    return b"".join([*parts, b"}"])


def _cut(stdin: bytes) -> tuple[bytes, bytes] | None:
    """Record and connection of the usual shape; None for anything not proven to have it."""
    head, _, args = stdin.strip().partition(b',"args":{')
    connection = head.removeprefix(b'{"server_connection":')
    before, _, context = args.partition(b'"hookContext":{"id":')
    number, _, context = context.partition(b',"type":"')
    kind, _, context = context.partition(b'","input":')
    if connection == head or not context.endswith(b"}}}"):
        return None
    sent, fields = _split(context[:-3])
    proven = (
        _is_whole(number)
        and kind.endswith(b".Post")
        and kind.count(b".") == 2
        and kind.replace(b".", b"").isalpha()
        and connection.startswith(b"{")
        and _is_json(connection)
        and (not before or (before.endswith(b",") and _is_json(b"{" + before[:-1] + b"}")))
        and (not fields or (len(fields) < MAX_INPUT and _is_json(fields)))
        and (_is_json(sent) if len(sent) < MAX_PROOF else fields != b"")
    )
    return (_record(number, kind, fields, sent), connection) if proven else None


def _split(rest: bytes) -> tuple[bytes, bytes]:
    """`input` and `inputFields` (b"" when absent) of all that follows `"input":`."""
    sent, found, fields = rest.rpartition(b',"inputFields":')
    plain = found and fields.startswith(b"[") and fields.translate(None, _NAMES) == b"[]"
    return (sent, fields) if plain else (rest, b"")


_NAMES = b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",'
_HEX = b"0123456789abcdefABCDEF"
_CONTROLS = bytes(range(32))
_ATOMS = bytes(32 if c in b"{}[],:" else c for c in range(256))
_LETTERS = bytes(c if c in b"{}[],:k" else 118 for c in range(256))  # 118 is v
_FOLDS = (
    (b"kv", b"m"),
    (b"m,m", b"m"),
    (b"v,v", b"v"),
    (b"{m}", b"v"),
    (b"{}", b"v"),
    (b"[v]", b"v"),
    (b"[]", b"v"),
)
"""k is a key with its colon, v a value, m a member. The first fold keeps v,v inside lists."""


def _is_json(text: bytes) -> bool:
    """Whether this is one JSON value as Go writes it; False also for what is merely unusual.

    It takes each string and number for one letter and folds what is complete until one value is
    left: a few dozen replacements, however much there is.
    """
    shape = _shape(text)
    for _ in range(64):
        if shape == b"v" or shape.startswith(b"v,"):
            return shape == b"v"
        for whole, letter in _FOLDS:
            shape = shape.replace(whole, letter)
    return False


def _shape(text: bytes) -> bytes:
    """The text in brackets, commas, k and v; b"" when a token is not plain JSON."""
    pieces = _unescaped(text).split(b'"')
    outside = b'"'.join(pieces[::2])
    inside = b"".join(pieces[1::2])
    if b" " in outside or len(pieces) % 2 == 0 or inside.translate(None, _CONTROLS) != inside:
        return b""
    if not all(map(_is_atom, set(outside.translate(_ATOMS).split()))):
        return b""
    shape = outside.replace(b'":', b"k").translate(_LETTERS)
    while b"vv" in shape:
        shape = shape.replace(b"vv", b"v")
    return shape


def _unescaped(text: bytes) -> bytes:
    """The text with an x for each escape; without any sense when an escape or its UTF-8 is wrong."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return b"x"
    if b"\\" not in text:
        return text
    for escape in (b"\\\\", b'\\"', b"\\/", b"\\b", b"\\f", b"\\n", b"\\r", b"\\t"):
        text = text.replace(escape, b"x")
    codes = text.split(b"\\u")
    good = all(len(code) > 3 and not code[:4].translate(None, _HEX) for code in codes[1:])
    text = b"x".join(codes)
    return text if good and b"\\" not in text else b"x"


def _is_atom(token: bytes) -> bool:
    if token in (b'"', b"null", b"true", b"false"):
        return True
    whole, dot, rest = token.removeprefix(b"-").partition(b".")
    return (whole == b"0" or _is_whole(whole)) and (not dot or rest.isdigit())


def _is_whole(digits: bytes) -> bool:
    return digits.isdigit() and len(digits) < 19 and not digits.startswith(b"0")


def _parse(stdin: bytes) -> tuple[bytes, bytes]:
    """Record and connection of any other JSON; ValueError with the reason when it has no event."""
    import json

    try:
        order = json.loads(stdin)
        event = order["args"]["hookContext"]
        record = {"id": event["id"], "type": event["type"]}
        fields, sent = event.get("inputFields"), event.get("input")
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except (TypeError, LookupError, AttributeError):
        raise ValueError("it has no args.hookContext with an id and a type") from None
    except ValueError as problem:
        raise ValueError(f"it is not JSON ({problem})") from None
    if fields is not None:
        record["inputFields"] = fields
    _check(record)
    if len(stdin) < 2 * MAX_INPUT and len(json.dumps(sent, allow_nan=False)) < MAX_INPUT:
        record["input"] = sent
    connection = order.get("server_connection")
    return json.dumps(record).encode(), json.dumps(connection).encode() if connection else b""


def _check(record: dict[str, object]) -> None:
    number, kind, fields = record["id"], record["type"], record.get("inputFields", [])
    if type(number) is not int or not 0 < number < 2**63:
        raise ValueError("hookContext.id is not a positive whole number")
    if not isinstance(kind, str) or kind.count(".") != 2 or not kind.endswith(".Post"):
        raise ValueError("hookContext.type is not the name of a hook, like Scene.Update.Post")
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise ValueError("hookContext.inputFields is not a list of names")
    if len(kind) + sum(map(len, fields)) > MAX_INPUT:
        raise ValueError("hookContext is too large")
