"""Our JSON is that of the module `json`, strict when it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plexsync.model.json_text import compact, dumps, loads, reader

ROOT = Path(__file__).parents[2]
VALUES = [
    1, 10**30, -1.5, 1e300, "", 'a "\\\n\t\x7f\u00e4\U0001f642\ud800', None, True, False, [], {},
    [1, (2, [3])], {"a": {"b": [None]}, "": 0}, {1: 2, None: 3, 1.5: 4},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_and_read_is_what_json_has(value: object) -> None:
    text = json.dumps(value)
    assert (dumps(value), compact(value)) == (text, json.dumps(value, separators=(",", ":")))
    assert loads(text) == loads(f" \r\n\t{text} \n".encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "{", "[1,]", "1 2", '{"a":1}}', '"\n"', "nul", b"\xff", "[1", "{'a':1}", "01", "+1",
     "1.", '{"a"}', "\ufeff1", "[NaN", "\x0b1"],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
    with pytest.raises(ValueError):
        loads(text)


BARE = """
import sys
from plexsync.model.json_text import dumps, loads

print(dumps(loads('[1]')), "json" in sys.modules)
for text in ("{", "[1", "[1,]", '"', "{'a':1}", "", "1 2", "01"):
    try:
        print(loads(text))
    except ValueError:
        print("refused")
"""


def test_a_process_that_has_not_loaded_json_refuses_the_same() -> None:
    done = subprocess.run([sys.executable, "-S", "-c", BARE], cwd=ROOT, stdout=subprocess.PIPE)
    assert done.stdout.split() == [b"[1]", b"False"] + [b"refused"] * 8


def test_nesting_has_a_limit() -> None:
    with pytest.raises(RecursionError):
        loads("[" * 100_000)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": float("-inf")}])
def test_numbers_that_are_none_are_read_but_not_written(value: object) -> None:
    assert repr(loads(json.dumps(value))) == repr(value)
    with pytest.raises(ValueError):
        dumps(value)
    numbers = reader(parse_constant=lambda name: float(len(name)))
    assert numbers("[NaN, -Infinity]") == [3.0, 9.0]


@pytest.mark.parametrize("value", [b"", {1}, object(), [1, {"a": 1j}]])
def test_what_json_has_no_form_for_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON"):
        dumps(value)
