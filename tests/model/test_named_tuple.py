"""Our named tuples are the same in a page's process, without `dataclasses`, as in the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRIAL = """
import sys
from plexsync.model.named_tuple import NamedTuple

class Kind(NamedTuple):
    "What it is."
    first: int
    second: str = "two"
    third: tuple = ()

    @property
    def both(self):
        return self.first, self.second

    @classmethod
    def made(cls, first):
        return cls(first=first)

def refused(**named):
    try:
        Kind(**named)
    except TypeError:
        return True

made = Kind(1, third=(3,))
said = [
    made, Kind(1, "2", ()), Kind.made(5), made.both, made._replace(second="x"), made._asdict(),
    repr(made), Kind._fields, Kind.__doc__, Kind._field_defaults, Kind._make([7, 8, 9]),
    made == (1, "two", (3,)), hash(made) == hash((1, "two", (3,))), made.third, len(made),
    refused(), refused(first=1, fourth=4), hasattr(made, "__dict__"), Kind.__match_args__,
]
try:
    Kind(1, 2, 3, 4)
except TypeError:
    said.append("too many")
try:
    Kind(1, "a", second="b")
except TypeError:
    said.append("twice")
try:
    class Bare(NamedTuple):
        "It has no fields."
except TypeError:
    said.append("bare")
"""


def told(first: str) -> list[object]:
    # As all our modules begin; without it, Python 3.14 has no annotations until they are asked for.
    begin = f"from __future__ import annotations\n{first}"
    program = f"{begin}{TRIAL}\nimport json; print(json.dumps(said))"
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    return list(json.loads(done.stdout))


def test_both_ways_of_making_them_give_the_same() -> None:
    light, compiled = told(""), told("import dataclasses\n")
    assert light == compiled
    assert light[-3:] == ["too many", "twice", "bare"]
    assert light[6] == "Kind(first=1, second='two', third=(3,))"
