"""A text that is never shown by accident."""

from __future__ import annotations


class SecretStr:
    """A token, key or cookie. Only `get_secret_value` tells it: no log line, exception or copy as a
    dict does.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, SecretStr) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return "**********" if self._text else ""

    def __repr__(self) -> str:
        # digests in the ledger were made from it: another one would cost a whole comparison
        return f"SecretStr('{self}')"
