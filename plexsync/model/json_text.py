"""JSON without importing `json`, which takes as long as bare Python takes to start.

These are the functions in C that `json` uses, with the same results.
"""

from __future__ import annotations

from _json import encode_basestring_ascii, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLANK = " \t\n\r"


class _Rules:
    """How a text is read, as json.JSONDecoder has it."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_int = int

    def __init__(
        self, parse_float: Callable[[str], float], parse_constant: Callable[[str], float]
    ) -> None:
        self.parse_float = parse_float
        self.parse_constant = parse_constant


def reader(
    parse_float: Callable[[str], float] = float, parse_constant: Callable[[str], float] = float
) -> Callable[[str | bytes], Any]:
    """A function that reads one JSON value; it raises ValueError, or RecursionError if it is nested
    too deeply. `parse_constant` gets NaN, Infinity and -Infinity.
    """
    scan = make_scanner(_Rules(parse_float, parse_constant))  # type: ignore[arg-type]

    def read(data: str | bytes) -> Any:
        text = data if isinstance(data, str) else data.decode("utf-8", "surrogatepass")
        text = text.strip(_BLANK)
        try:
            value, end = scan(text, 0)
        except StopIteration as nothing:
            raise ValueError(f"no value at character {nothing.value}") from None
        except SystemError:  # up to Python 3.11: C raises json.decoder's error only if it is loaded
            raise ValueError("it is not JSON") from None
        if end != len(text):
            raise ValueError(f"more than one value, at character {end}")
        return value

    return read


loads = reader()


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


def _writer(key_separator: str, separator: str) -> Callable[[object], str]:
    # no circles are looked for: what is written is made of parsed values
    encode = make_encoder(
        None,
        _refuse,
        encode_basestring_ascii,
        None,
        key_separator,
        separator,
        False,
        False,
        False,
    )

    def write(value: object) -> str:
        return "".join(encode(value, 0))

    return write


dumps = _writer(": ", ", ")
"""A value as one line of strict JSON. Raises ValueError for NaN, TypeError for what is not JSON."""

compact = _writer(":", ",")
"""The same without blanks."""
