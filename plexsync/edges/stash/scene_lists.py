"""Reads scenes from Stash: by id, by file, by page, or by the time of their last update.

Every failure is raised as StashDown or StashAuthError; jobs then wait untouched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash import scene_answers
from plexsync.edges.stash.answers import unwell
from plexsync.edges.stash.connection import StashConnection
from plexsync.edges.stash.scene_answers import (
    Answer,
    RawPage,
    ScenePage,
    UpdatedPage,
    only_odd,
    only_scenes,
    or_error,
)
from plexsync.edges.stash.scenes import Unusable
from plexsync.model.errors import StashDown, SyncError
from plexsync.model.paths import name_key
from plexsync.model.scene import BASIC, Scene, SceneParts

BATCH = 100
"""Scenes per query."""
_PAGE = 100
_MAX_PAGES = 100


class StashScenes:
    """What can be asked about scenes over one connection."""

    def __init__(self, connection: StashConnection) -> None:
        self._connection = connection

    def scenes(self, ids: Sequence[int], parts: SceneParts = BASIC) -> dict[int, Scene | SyncError]:
        """The scenes with these ids, with these parts; for each that is gone or cannot be read the
        error instead.

        Raises StashDown if the fault is Stash's: not even another scene can be read.
        """
        return self.scenes_and_rows(ids, parts)[0]

    def scenes_and_rows(
        self, ids: Sequence[int], parts: SceneParts = BASIC
    ) -> tuple[dict[int, Scene | SyncError], dict[int, object]]:
        """The same, and each scene as Stash returned it."""
        answers, rows = self._scenes(ids, parts)
        return {scene: or_error(answer) for scene, answer in answers.items()}, rows

    def readable_scenes(self, ids: Sequence[int], parts: SceneParts = BASIC) -> list[Scene]:
        """Those of these scenes that exist and can be read; raises as `scenes`."""
        return only_scenes(self._scenes(ids, parts)[0].values())

    def _scenes(
        self, ids: Sequence[int], parts: SceneParts
    ) -> tuple[dict[int, Answer], dict[int, object]]:
        wanted = list(dict.fromkeys(ids))
        answers: dict[int, Answer] = {}
        rows: dict[int, object] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            variables = {f"i{n}": str(int(scene)) for n, scene in enumerate(batch)}
            query = stash_queries.scenes(len(batch))
            data, errors = self._connection.query(query, variables | _asking_for(parts))
            answers |= scene_answers.read_scenes(batch, data, errors, parts)
            rows |= {scene: data.get(f"s{n}") for n, scene in enumerate(batch)}
        odd = only_odd(answers)
        if odd and not only_scenes(answers.values()):
            self._suspect(odd)
        return answers, rows

    def _suspect(self, odd: Mapping[int, Unusable]) -> None:
        """Raise StashDown unless another scene can be read, or Stash has only one."""
        for after in (max(odd), 0):
            data = self._connection.ask(stash_queries.SCENE_PAGE, {"after": after, "size": 1})
            rows, ids, _ = scene_answers.read_rows(data)
            if ids and ids[0] not in odd:
                odd = only_odd(RawPage(rows, 0, 0, BASIC).read())
                break
        else:
            odd = odd if len(odd) > 1 else {}
        for problem in odd.values():
            raise unwell(str(problem))

    def scenes_by_file(self, names: Sequence[str], parts: SceneParts = BASIC) -> list[Scene]:
        """Scenes with a file of one of these names in any folder, by id.

        Case and Unicode form of the names do not matter; the caller compares folders and sizes.
        """
        wanted = {name_key(name) for name in names if name}
        found: dict[int, Scene] = {}
        for spelling in sorted({form for name in names for form in _spellings(name)}):
            for scene in self._including(spelling, parts):
                if any(name_key(file.path) in wanted for file in scene.files):
                    found[scene.id] = scene
        return [found[scene] for scene in sorted(found)]

    def recently_updated(self, page: int, size: int, kind: str = "scene") -> UpdatedPage:
        """Ids with their `updated_at` in seconds since the epoch, newest first; page 1 is the
        first.

        `kind` is "scene" or one of ENTITIES. Stash sorts, and the caller compares: Stash's own
        filter compares times as text.
        """
        variables = {"page": page, "size": size}
        scenes = kind == "scene"
        query = stash_queries.RECENTLY_UPDATED if scenes else stash_queries.recently_updated(kind)
        data = self._connection.ask(query, variables)
        return scene_answers.read_updates(data)

    def scene_ids(self, after: int, size: int) -> tuple[list[int], int]:
        """The next ids above `after`, ascending, at most `size`, and how many there are above it.

        Unlike with page numbers, no scene is skipped if others are deleted meanwhile.
        """
        data = self._connection.ask(stash_queries.SCENE_IDS, {"after": after, "size": size})
        ids, left = scene_answers.read_ids(data)
        scene_answers.check_onwards(ids, after, left)
        return ids, left

    def scene_page(self, after: int, size: int, parts: SceneParts = BASIC) -> ScenePage:
        """The next scenes above the id `after`, ascending, at most `size`."""
        return self.raw_page(after, size, parts).scenes()

    def raw_page(self, after: int, size: int, parts: SceneParts = BASIC) -> RawPage:
        """The same, not parsed yet."""
        variables = {"after": after, "size": size}
        page, ids = self._whole(stash_queries.SCENE_PAGE, variables, parts)
        scene_answers.check_onwards(ids, after, page.left)
        return page._replace(last=ids[-1] if ids else after, left=page.left - len(ids))

    def scene_files(self, after: int, size: int) -> tuple[list[tuple[int, str, int | None]], int]:
        """Scene, path and size in bytes of the files of the next scenes above the id `after`, at
        most `size` scenes, and how many scenes there are above it. A scene without a file has the
        path "".
        """
        data = self._connection.ask(stash_queries.SCENE_FILES, {"after": after, "size": size})
        files, left = scene_answers.read_files(data)
        scene_answers.check_onwards([*dict.fromkeys(scene for scene, *_ in files)], after, left)
        return files, left

    def latest_scenes(
        self, sort: str, page: int, size: int, parts: SceneParts = BASIC
    ) -> ScenePage:
        """Scenes by "updated_at" or "created_at", newest first; page 1 is the first."""
        variables = {"page": page, "size": size, "sort": sort}
        found, _ = self._whole(stash_queries.LATEST_SCENES, variables, parts)
        return found._replace(last=page, left=max(0, found.left - page * size)).scenes()

    def _including(self, name: str, parts: SceneParts) -> Iterator[Scene]:
        """Scenes with a path that includes `name`; %, _ and quotes in it may match more, never
        less.

        Stash splits the value at spaces unless it is in double quotes.
        """
        for page in range(1, _MAX_PAGES + 1):
            variables = {"path": f'"{name}"', "page": page, "size": _PAGE}
            found, ids = self._whole(stash_queries.SCENES_BY_FILE, variables, parts)
            yield from found.scenes().scenes
            if len(ids) < _PAGE:
                return

    def _whole(
        self, query: str, variables: Mapping[str, object], parts: SceneParts
    ) -> tuple[RawPage, list[int]]:
        """The scenes of a list with the count beside them, and their ids in its order.

        An error of one scene spoils a whole list: then the scenes are asked for one by one.
        """
        try:
            data = self._connection.ask(query, {**variables, **_asking_for(parts)})
            rows, ids, count = scene_answers.read_rows(data)
            return RawPage(rows, 0, count, parts), ids
        except StashDown as problem:
            if problem.cause != "body":
                raise
        lean = stash_queries.without_scenes(query)
        ids, count = scene_answers.read_ids(self._connection.ask(lean, variables))
        return RawPage({}, 0, count, parts, self._scenes(ids, parts)[0]), ids


def _asking_for(parts: SceneParts) -> dict[str, object]:
    """The variables beyond a query's own; the defaults are left out."""
    wanted = {
        "details": parts.details,
        "performerTags": parts.performer_tags,
        "pictures": parts.pictures,
    }
    return {name: True for name, asked in wanted.items() if asked}


def _spellings(name: str) -> set[str]:
    """The Unicode forms in which a file system may store a name; Stash compares bytes."""
    if not name.strip('" '):
        return set()
    return {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
