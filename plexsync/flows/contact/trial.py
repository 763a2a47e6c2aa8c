"""Every kind of edit on one Plex item, read back, undone, and proved undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plexsync.edges.http.transport import TransportError
from plexsync.flows.contact.plex_contact import PlexContact
from plexsync.flows.contact.verdicts import DiffersError, demand
from plexsync.model.errors import SyncError
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import EDITABLE, FIELDS, IMAGE, LIST, SCALAR, Edit, PlexItem, Target, Value

MARK = "PlexSync contract check"

TRIES, BETWEEN = 4, 10.0
"""How often an item is restored while Plex does not answer, and the seconds in between."""

Check = Callable[[str, Callable[[], None]], None]
"""Applies a rule with its description, and reports the verdict."""


class Snapshot(NamedTuple):
    """What a trial may change in an item, and must restore."""

    values: Mapping[str, Value]
    locks: frozenset[str]
    year: str
    roles: Mapping[str, str] = {}
    """Actor -> the part played."""
    poster: str = ""
    """The key of the selected poster."""

    def differences(self, other: Snapshot) -> list[str]:
        """The names of what is not the same; names of a list may come in another order."""
        names = [name for name, value in self.values.items() if not _same(value, other, name)]
        names += [f"lock of {name}" for name in sorted(self.locks ^ other.locks)]
        others = {"year": other.year, "roles": dict(other.roles), "poster": other.poster}
        mine = {"year": self.year, "roles": dict(self.roles), "poster": self.poster}
        return names + [name for name, value in mine.items() if value != others[name]]


def _same(value: Value, other: Snapshot, name: str) -> bool:
    theirs = other.values[name]
    return value == theirs if isinstance(value, str) else sorted(value) == sorted(theirs)


class Trial:
    """One Plex item that is edited and restored. `pause` waits so many seconds."""

    def __init__(self, plex: PlexContact, target: Target, pause: Callable[[float], None]) -> None:
        self.plex, self.target, self.pause = plex, target, pause
        self.key = target.rating_key
        self.before = self.snapshot()

    def item(self) -> PlexItem:
        """The item as PlexSync reads it now."""
        found = self.plex.client.items([self.key]).get(self.key)
        if found is None:
            raise DiffersError(f"item {self.key} is gone")
        return found

    def snapshot(self) -> Snapshot:
        """The item's state now."""
        item = self.item()
        element = self.plex.xml(f"/library/metadata/{self.key}")[0]
        roles = {each.get("tag", ""): each.get("role", "") for each in element.iter("Role")}
        poster = self.plex.client.selected_image(self.target, "poster")
        return Snapshot(dict(item.values), item.locks, item.year, roles, poster)

    def shown(self, name: str) -> Value:
        """What Plex shows in a field."""
        return self.item().values[name]

    @property
    def by_library(self) -> str:
        """The path of an edit by the library's endpoint."""
        return f"/library/sections/{self.target.section}/all?type=1&id={self.key}&"

    @property
    def by_item(self) -> str:
        """The path of an edit by the item's own endpoint."""
        return f"/library/metadata/{self.key}?"

    def put(self, *values: tuple[str, str], path: str = "") -> int:
        """Send a raw edit, by the library's endpoint unless it refuses; returns the status."""
        status = self.plex.put(path or self.by_library, values).status
        if not path and status in (403, 404, 405):
            return self.plex.put(self.by_item, values).status
        return status

    def names(self, name: str, value: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Write a list as PlexSync does."""
        edit = Edit(
            field=name,
            value=tuple(value),
            before=(),
            reason=MARK,
            remove=tuple(remove),
            locked=FIELDS[name].edit in self.before.locks,
        )
        self.plex.client.write(self.target, [edit])

    def restore(self) -> None:
        """Write back whatever differs from before; DiffersError unless all of it does."""
        self._restore_fields()
        self._restore_roles()
        self._restore_poster()
        left = self.before.differences(self.snapshot())
        demand(
            not left,
            f"item {self.key} is not as before: {', '.join(left)}; correct it in Plex by hand",
        )

    def restore_for_sure(self) -> None:
        """Restore, with another try if Plex does not answer."""
        for left in range(TRIES, 0, -1):
            try:
                self.restore()
            except (SyncError, TransportError) as problem:
                demand(
                    left > 1,
                    f"item {self.key} could not be restored ({type(problem).__name__}, "
                    f"{problem.cause}); correct it in Plex by hand",
                )
                self.pause(BETWEEN)
            else:
                return

    def _restore_fields(self) -> None:
        now, edits = self.item(), []
        for name, value in self.before.values.items():
            locked = EDITABLE[name].edit in self.before.locks
            edits += _back(name, value, now.values[name], locked, EDITABLE[name].edit in now.locks)
        if edits:
            self.plex.client.write(self.target, edits)
        if self.item().year != self.before.year:
            self.put(("year.value", self.before.year))

    def _restore_roles(self) -> None:
        now = self.snapshot().roles
        lost = [(name, role) for name, role in self.before.roles.items() if now.get(name) != role]
        values = [("actor.locked", str(int("actor" in self.before.locks)))]
        for number, (name, role) in enumerate(lost):
            values.append((f"actor[{number}].tag.tag", name))
            values.append((f"actor[{number}].tagging.text", role))
        if lost:
            self.put(*values)

    def _restore_poster(self) -> None:
        if self.plex.client.selected_image(self.target, "poster") != self.before.poster:
            self.plex.client.select_image(self.target, "poster", self.before.poster)
        locks = self.item().locks
        for name in (f.edit for f in FIELDS.values() if f.kind == IMAGE):
            if (name in locks) != (name in self.before.locks):
                self.put((f"{name}.locked", str(int(name in self.before.locks))))


def _back(name: str, value: Value, now: Value, locked: bool, is_locked: bool) -> list[Edit]:
    """The edit that restores a field; none if it is as before."""
    if EDITABLE[name].kind == SCALAR or isinstance(value, str) or isinstance(now, str):
        if value == now and locked == is_locked:
            return []
        return [Edit(field=name, value=value, before=now, reason=MARK, locked=locked)]
    assert EDITABLE[name].kind == LIST
    if sorted(value) == sorted(now) and locked == is_locked:
        return []
    extra = tuple(each for each in now if each not in value)
    return [Edit(field=name, value=value, before=now, reason=MARK, remove=extra, locked=locked)]


def try_writing(
    plex: PlexContact,
    target: Target,
    rules: Sequence[Callable[[Trial], None]],
    check: Check,
    pause: Callable[[float], None],
) -> None:
    """Apply the rules to one item; whatever happens, it is restored, and proved restored."""
    trial = Trial(plex, target, pause)

    def apply(rule: Callable[[Trial], None]) -> Callable[[], None]:
        return lambda: rule(trial)

    try:
        for rule in rules:
            check(rule.__doc__ or "", apply(rule))
    finally:
        check("the item is as it was before the edits", trial.restore_for_sure)
