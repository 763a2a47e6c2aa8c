"""`NamedTuple` as in `typing`, without importing `typing`.

Each request of the page is a process, and importing `typing` or `dataclasses` would take it longer
than all the rest. So values that a request reads are named tuples of this kind. A process that has
loaded `dataclasses`, as the worker has, lives longer: there `collections.namedtuple` compiles code
for each kind, which takes five times as long, but makes values in a third of the time. A frozen
dataclass takes another five times as long to define, and twice as long to make, so nearly all values
are named tuples.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from _collections import _tuplegetter

    class _Values(tuple):
        """What `collections.namedtuple` would give each kind."""

        __slots__ = ()

        def __new__(cls, *values, **named):
            fields = cls._fields
            if not named and len(values) == len(fields):
                return tuple.__new__(cls, values)
            if len(values) < len(fields):
                given = {**cls._field_defaults, **named}
                try:
                    values += tuple([given.pop(field) for field in fields[len(values) :]])
                except KeyError as field:
                    raise TypeError(f"{cls.__name__} lacks {field}") from None
                named = {name for name in named if name in given}
            if named or len(values) > len(fields):
                raise TypeError(f"{cls.__name__} has only {', '.join(fields)}")
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            pairs = zip(self._fields, map(repr, self), strict=True)
            return f"{type(self).__name__}({', '.join(map('='.join, pairs))})"

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **named):
            made = tuple.__new__(type(self), map(named.pop, self._fields, self))
            if named:
                raise TypeError(f"{type(self).__name__} has no {', '.join(named)}")
            return made

        @classmethod
        def _make(cls, values):
            return cls(*values)

    def _light(fields, defaults):
        """What a kind that needs no base of its own has besides its body."""
        getters = {field: _tuplegetter(place, "") for place, field in enumerate(fields)}
        return {
            "_fields": fields,
            "_field_defaults": defaults,
            "__match_args__": fields,
            **getters,
        }

    class _Maker(type):
        """Turns a class body with annotated fields into a named tuple."""

        def __new__(maker, name, bases, body):
            if not bases:
                return super().__new__(maker, name, bases, body)
            fields = tuple(body.pop("__annotations__", ()))
            if not fields:
                begin = "from __future__ import annotations"
                raise TypeError(f"{name} has no fields: its module must begin with `{begin}`")
            defaults = {field: body.pop(field) for field in fields if field in body}
            if "dataclasses" in sys.modules:
                named = sys.modules["collections"].namedtuple
                base = named(name, fields, defaults=defaults.values())
            else:  # one class for each kind: a base as above would double the time
                base, body = _Values, {**_light(fields, defaults), **body}
            return type(name, (base,), {"__slots__": (), **body})

    class NamedTuple(metaclass=_Maker):
        """See above. A field without a default comes before those that have one.

        The module must begin with `from __future__ import annotations`: Python 3.14 otherwise gives a
        class body no annotations.
        """
