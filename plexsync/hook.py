"""The hook: store the event, wake a worker, answer ok. The user's save in Stash waits for this.

An event is a hint: what happened to which object, and which fields were sent. The usual form of
Stash's input is cut by byte operations, because importing json takes longer than everything else;
any other form is parsed.
"""

import sys

from plexsync import fast

OK = b'{"output": "ok"}'
MAX_RECORD = 16 << 10
"""No event is larger; a merge of so many tags is stored without them and stands for all tags."""


def run(plugin_dir: str) -> None:
    """Handle Stash's input (a hook, a task or a page's operation), answer, and exit."""
    fast.keep_own_umask()
    out = fast.divert_stdout()
    stdin = b"" if not sys.stdin or sys.stdin.isatty() else sys.stdin.buffer.read()
    if b'"hookContext"' in stdin:
        fast.answer(out, main(plugin_dir, stdin))
    fast.answer(out, _task(plugin_dir, stdin))


def _task(plugin_dir: str, stdin: bytes) -> bytes:
    """Answer a task or an operation; the latter loads its modules from one file."""
    import gc

    gc.disable()  # before anything is loaded, see system.stop_collecting
    from plexsync.code_cache import CodeCache, operation_of

    cache = CodeCache(operation_of(stdin))
    cache.start()
    from plexsync.entry import run_task

    return run_task(plugin_dir, stdin, cache)


def main(plugin_dir: str, stdin: bytes) -> bytes:
    """Store the event from `stdin`, make sure that a worker runs, and answer. Never raises."""
    try:
        found = read(stdin)
        data = fast.data_folder(plugin_dir) or _data_folder(plugin_dir)
    except Exception as problem:  # noqa: BLE001 - Stash shows only what is in the answer
        return _error(f"PlexSync does not understand this event (is Stash newer?): {problem}")
    if found is None:
        from plexsync.entry import run_task

        return run_task(plugin_dir, stdin)
    record, connection = found
    try:
        _keep(data, record)
    except Exception as problem:  # noqa: BLE001
        return _error(f"PlexSync cannot keep events in {data}: {_in_words(problem)}")
    try:
        _wake(plugin_dir, data, connection)
    except Exception as problem:  # noqa: BLE001
        said = _text_of(problem)
        return _error(f"PlexSync kept this event, but cannot start its worker: {said}")
    return OK


def _data_folder(plugin_dir: str) -> str:
    import os

    from plexsync import system

    return system.data_folder(plugin_dir, os.environ)


def _keep(data: str, record: bytes) -> None:
    if not fast.is_ready(data):
        from plexsync import inbox, system

        system.private_folder(data)
        inbox.make_ready(data)
    fast.drop(data, record)


def _wake(plugin_dir: str, data: str, connection: bytes) -> None:
    if fast.is_locked(f"{data}/worker.lock"):
        session = f"{data}/session"
        if fast.hand_over(session, connection) or not fast.is_elsewhere(session):
            return
    from plexsync import inbox

    inbox.wake(plugin_dir, data, connection)


def _in_words(problem: Exception) -> str:
    from plexsync import system

    return system.in_words(problem)


def _text_of(problem: Exception) -> str:
    from plexsync import system

    return system.text_of(problem)


def _error(text: str) -> bytes:
    import json

    return json.dumps({"error": text}).encode()


def read(stdin: bytes) -> tuple[bytes, bytes] | None:
    """The event's record and the connection to Stash; None if the input is not from a hook.

    Raises ValueError with the reason if the worker could not read the record.
    """
    return _cut(stdin) or _parse(stdin)


def _cut(stdin: bytes) -> tuple[bytes, bytes] | None:
    """As `read`, for the usual form of the input; None for any other.

    `input` is not stored: it only has to be one object or list, so that the names after it are
    the event's. A merge is parsed, since its input matters.
    """
    head, _, event = stdin.partition(b',"args":{"hookContext":{"id":')
    number, _, event = event.partition(b',"type":"')
    kind, _, event = event.partition(b'","input":')
    sent, named, names = event.rpartition(b',"inputFields":[')
    if named:
        end, names = names[-4:], names[:-4]
    else:
        end, sent = b"]" + event[-3:], event[:-3]
    proven = (
        end == b"]}}}"
        and number.isdigit()
        and number[0] != 48  # a zero
        and len(number) < 19
        and kind.replace(b".", b"").isalpha()
        and kind.endswith(b".Post")
        and kind.count(b".") == 2
        and not kind.endswith(b".Merge.Post")
        and (not named or _are_names(names))
        and head.startswith(b'{"server_connection":{')
        and head.endswith(b"}")
        and _brackets(head) in (b"{{}", b"{{{}}")
        and (sent == b"null" or _is_one(sent))
    )
    if not proven:
        return None
    fields = b',"inputFields":[%b]' % names if named else b""
    return b'{"id":%b,"type":"%b"%b}' % (number, kind, fields), head[21:]


def _are_names(names: bytes) -> bool:
    """Whether this is a list of GraphQL names without its brackets, such as "a","b_c"."""
    inner = names.replace(b'","', b"")
    quoted = inner.startswith(b'"') and inner.endswith(b'"')
    return quoted and inner[1:-1].replace(b"_", b"").isalnum() and len(names) < MAX_RECORD


def _is_one(text: bytes) -> bool:
    """Whether this is one complete object or list, judged by its brackets."""
    whole = _brackets(text)
    ends, inner = whole[:1] + whole[-1:], whole[1:-1]
    for _ in range(8):
        if not inner:
            break
        inner = inner.replace(b"{}", b"").replace(b"[]", b"")
    return not inner and ends == text[:1] + text[-1:] and ends in (b"{}", b"[]")


_PLAIN = b":,-.0123456789nulltruefalse"


def _brackets(text: bytes) -> bytes:
    """The brackets outside of strings, and any unexpected characters."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    pieces = text.split(b'"')
    return b"".join(pieces[::2]).translate(None, _PLAIN) if len(pieces) % 2 else b'"'


def _parse(stdin: bytes) -> tuple[bytes, bytes] | None:
    """As `read`, for any other JSON."""
    import json

    from plexsync.model.event import parse_event

    try:
        order = json.loads(stdin)
        args, event = order["args"], order["args"]["hookContext"]
        # only buttons and pages send a mode; a page's input is a map, whose keys Go sorts, while
        # Stash writes an event's id, type, input and inputFields in this order
        if "mode" in args or (type(event) is dict and list(event) == sorted(event)):
            return None
        kept = {name: event[name] for name in ("id", "type", "inputFields") if name in event}
        merge = {"input": event.get("input")} if str(event["type"]).endswith(".Merge.Post") else {}
        connection = order.get("server_connection")
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except (TypeError, LookupError, AttributeError):
        raise ValueError("it has no args.hookContext with an id and a type") from None
    except ValueError as problem:
        raise ValueError(f"it is not JSON ({problem})") from None
    record, whole = json.dumps(kept).encode(), json.dumps(kept | merge).encode()
    parse_event(record, 0.0)
    if len(record) > MAX_RECORD:
        raise ValueError("its hookContext is too large")
    kept_whole = len(whole) <= MAX_RECORD
    return whole if kept_whole else record, json.dumps(connection).encode() if connection else b""
