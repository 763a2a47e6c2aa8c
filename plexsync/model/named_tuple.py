"""`NamedTuple` as in `typing`, without importing `typing`.

Each request of the page is a process, and importing `typing` or `dataclasses` would take it longer
than all the rest. So values that a request reads are named tuples of this kind.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Maker(type):
        """Turns a class body with annotated fields into a subclass of a named tuple."""

        def __new__(maker, name, bases, body):
            if not bases:
                return super().__new__(maker, name, bases, body)
            fields = list(body.pop("__annotations__", {}))
            defaults = [body.pop(field) for field in fields if field in body]
            values = namedtuple(name, fields, defaults=defaults)
            return type(name, (values,), {"__slots__": (), **body})

    class NamedTuple(metaclass=_Maker):
        """See above. A field without a default comes before those that have one."""
