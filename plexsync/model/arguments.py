"""Arguments of the page's requests, read strictly: a mistake is reported, never guessed around.

Light on purpose: the page's requests are answered by processes that live for milliseconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REQUIRED = object()
"""Marks an argument without a default."""

_MOST_DIGITS = 18
_SHOWN = 60


class Rule:
    """One argument: how a value is read (ValueError says what it must be), and its default. No error
    quotes a secret one."""

    __slots__ = ("read", "default", "secret")

    def __init__(
        self,
        read: Callable[[object], object],
        default: object = REQUIRED,
        *,
        secret: bool = False,
    ) -> None:
        self.read = read
        self.default = default
        self.secret = secret


def read_arguments(
    what: str, rules: Mapping[str, Rule], args: Mapping[str, object]
) -> dict[str, object]:
    """Read each argument of the rules or take its default; null counts as not given.

    Raises ValueError with a sentence for the user: which argument is wrong, and what it must be.
    """
    unknown = sorted(set(map(str, args)) - set(rules))
    if unknown:
        takes = ", ".join(rules) or "nothing"
        raise ValueError(f"{what} has no argument {shown(unknown[0])}; it takes {takes}.")
    return {name: _read(what, name, rule, args.get(name)) for name, rule in rules.items()}


def _read(what: str, name: str, rule: Rule, value: object) -> object:
    if value is None and rule.default is not REQUIRED:
        return rule.default
    try:
        return rule.read(value)
    except ValueError as problem:
        given = "" if rule.secret else f", not {'nothing' if value is None else shown(value)}"
        raise ValueError(f"{what}: {name} must be {problem}{given}.") from None


def shown(value: object) -> str:
    """A value as an error message quotes it: short, on one line."""
    text = repr(value if isinstance(value, (str, int, float, bool)) else type(value).__name__)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def whole(low: int, high: int) -> Callable[[object], int]:
    """Reads a whole number in a range, also as text, since ids are strings in GraphQL."""

    def read(value: object) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value) if len(value) <= _MOST_DIGITS else None
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def one_of(*words: str) -> Callable[[object], str]:
    """Reads one of these words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return read


def text(longest: int, *, empty: bool = False) -> Callable[[object], str]:
    """Reads text of one line."""

    def read(value: object) -> str:
        plain = value.strip() if isinstance(value, str) else None
        if plain is None or len(plain) > longest or not (plain or empty) or not _clean(plain):
            raise ValueError(f"a text of at most {longest} characters on one line")
        return plain

    return read


def _clean(plain: str) -> bool:
    return not any(char < " " or "\ud800" <= char <= "\udfff" for char in plain)


def word(value: object) -> str:
    """Reads a name such as PlexNotFound."""
    if not isinstance(value, str) or not value.isidentifier() or len(value) > _SHOWN:
        raise ValueError("a name such as PlexNotFound")
    return value


def switch(value: object) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def settings(most: int, longest: int) -> Callable[[object], dict[str, object]]:
    """Reads settings as Stash stores them: an object of texts, numbers, and true or false.

    Their names and values are checked where they are used.
    """

    def read(value: object) -> dict[str, object]:
        if not isinstance(value, dict) or not 0 < len(value) <= most:
            raise ValueError(f"an object of 1 to {most} settings")
        for name, each in value.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError("an object with the names of settings")
            if isinstance(each, str) and len(each) <= longest and _clean(each):
                continue
            if type(each) not in (bool, int):
                raise ValueError(
                    f"an object of texts of at most {longest} characters on one line, whole numbers, "
                    "true and false"
                )
        return dict(value)

    return read


scene_id = whole(1, 2**63 - 1)
"""Reads a scene id."""


def scene_ids(most: int) -> Callable[[object], tuple[int, ...]]:
    """Reads scene ids, without duplicates; a single id need not be in a list."""

    def read(value: object) -> tuple[int, ...]:
        given = value if isinstance(value, (list, tuple)) else [value]
        if not 0 < len(given) <= most:
            raise ValueError(f"1 to {most} scene ids")
        try:
            return tuple(dict.fromkeys(map(scene_id, given)))
        except ValueError:
            raise ValueError(f"1 to {most} scene ids") from None

    return read
