"""Every GraphQL text that PlexSync sends to Stash, and nothing else."""

from __future__ import annotations

SETTINGS = """
query PlexSyncSettings {
  configuration {
    general { apiKey username maxSessionAge }
    plugins(include: ["PlexSync"])
  }
  plugins { id enabled }
  version { version }
}
"""

ENABLED = "query PlexSyncEnabled { plugins { id enabled } }"

SAVE_SETTINGS = """
mutation PlexSyncSaveSettings($settings: Map!) {
  configurePlugin(plugin_id: "PlexSync", input: $settings)
}
"""

KEEP_ALIVE = "query PlexSyncKeepAlive { systemStatus { status } }"

SCENE = """
fragment PlexSyncScene on Scene {
  id title details date rating100 code director created_at updated_at
  studio { id name }
  performers {
    id name disambiguation
    ... @include(if: $details) { gender favorite alias_list }
    tags @include(if: $performerTags) { id name }
    image_path @include(if: $pictures)
  }
  tags { id name }
  groups { group { id name front_image_path @include(if: $pictures) } scene_index @include(if: $details) }
  files {
    path size fingerprints { type value }
    ... @include(if: $details) { width height }
  }
  ... @include(if: $details) { organized urls stash_ids { stash_id } galleries { id } }
  gallery_cover: galleries @include(if: $pictures) { cover { id } }
}
"""

_PARTS = "$details: Boolean! = false, $performerTags: Boolean! = false, $pictures: Boolean! = false"
"""The variables that a query with the fragment must declare."""

TAGS = """
query PlexSyncTags($page: Int!, $size: Int!) {
  found: findTags(filter: { page: $page, per_page: $size, sort: "id", direction: ASC }) {
    nodes: tags { id name aliases parents { id } }
  }
}
"""

STUDIOS = """
query PlexSyncStudios($page: Int!, $size: Int!) {
  found: findStudios(filter: { page: $page, per_page: $size, sort: "id", direction: ASC }) {
    nodes: studios { id name aliases parent_studio { id } }
  }
}
"""

SCENES_BY_FILE = (
    f"""
query PlexSyncScenesByFile($path: String!, $page: Int!, $size: Int!, {_PARTS}) {{
  findScenes(
    scene_filter: {{ path: {{ value: $path, modifier: INCLUDES }} }}
    filter: {{ page: $page, per_page: $size, sort: "id", direction: ASC }}
  ) {{ count scenes {{ ...PlexSyncScene }} }}
}}
"""
    + SCENE
)

RECENTLY_UPDATED = """
query PlexSyncRecentlyUpdated($page: Int!, $size: Int!) {
  findScenes(filter: { page: $page, per_page: $size, sort: "updated_at", direction: DESC }) {
    scenes { id updated_at }
  }
}
"""

_LISTS = {
    "performer": ("Performers", "performers"),
    "studio": ("Studios", "studios"),
    "tag": ("Tags", "tags"),
    "group": ("Groups", "groups"),
}
ENTITIES = tuple(_LISTS)
"""Kinds of entities that a scene refers to."""


def recently_updated(kind: str) -> str:
    """The same list for another kind of entity, with the names of the list of scenes."""
    query, rows = _LISTS[kind]
    return f"""
query PlexSyncRecentlyUpdated{query}($page: Int!, $size: Int!) {{
  findScenes: find{query}(
    filter: {{ page: $page, per_page: $size, sort: "updated_at", direction: DESC }}
  ) {{
    scenes: {rows} {{ id updated_at }}
  }}
}}
"""


SCENE_IDS = """
query PlexSyncSceneIds($after: Int!, $size: Int!) {
  findScenes(
    scene_filter: { id: { value: $after, modifier: GREATER_THAN } }
    filter: { per_page: $size, sort: "id", direction: ASC }
  ) { count scenes { id } }
}
"""

SCENE_PAGE = (
    f"""
query PlexSyncScenePage($after: Int!, $size: Int!, {_PARTS}) {{
  findScenes(
    scene_filter: {{ id: {{ value: $after, modifier: GREATER_THAN }} }}
    filter: {{ per_page: $size, sort: "id", direction: ASC }}
  ) {{ count scenes {{ ...PlexSyncScene }} }}
}}
"""
    + SCENE
)

SCENE_FILES = """
query PlexSyncSceneFiles($after: Int!, $size: Int!) {
  findScenes(
    scene_filter: { id: { value: $after, modifier: GREATER_THAN } }
    filter: { per_page: $size, sort: "id", direction: ASC }
  ) { count scenes { id files { path size } } }
}
"""

LATEST_SCENES = (
    f"""
query PlexSyncLatestScenes($page: Int!, $size: Int!, $sort: String!, {_PARTS}) {{
  findScenes(filter: {{ page: $page, per_page: $size, sort: $sort, direction: DESC }}) {{
    count scenes {{ ...PlexSyncScene }}
  }}
}}
"""
    + SCENE
)


def without_scenes(query: str) -> str:
    """The same list with only the ids of its scenes."""
    lean = query.removesuffix(SCENE).replace(f", {_PARTS}", "")
    return lean.replace("...PlexSyncScene", "id")


def identity(count: int) -> str:
    """What identifies a Stash, and when `count` scenes were created: variables i0, i1, ..."""
    variables = "".join(f", $i{n}: ID!" for n in range(count))
    asked = "\n".join(f"  s{n}: findScene(id: $i{n}) {{ id created_at }}" for n in range(count))
    return f"""
query PlexSyncIdentity($size: Int!{variables}) {{
  systemStatus {{ databasePath }}
  oldest: findScenes(filter: {{ per_page: $size, sort: "id", direction: ASC }}) {{
    scenes {{ id created_at }}
  }}
  newest: findScenes(filter: {{ per_page: $size, sort: "id", direction: DESC }}) {{
    scenes {{ id created_at }}
  }}
{asked}
}}
"""


def scenes(count: int) -> str:
    """One query for `count` scenes: variables i0, i1, ... and answers s0, s1, ...

    An unknown scene is null there, while `findScenes(ids:)` fails as a whole. The text depends on
    the count alone, so that Stash's cache of parsed queries stays small.
    """
    variables = ", ".join(f"$i{n}: ID!" for n in range(count))
    answers = "\n".join(
        f"  s{n}: findScene(id: $i{n}) {{ ...PlexSyncScene }}" for n in range(count)
    )
    return f"query PlexSyncScenes({variables}, {_PARTS}) {{\n{answers}\n}}\n{SCENE}"


_DETAILS_OF = {
    "performer": ("findPerformer", "details", "image_path"),
    "studio": ("findStudio", "details", "image_path"),
    "tag": ("findTag", "description", "image_path"),
    "group": ("findGroup", "synopsis", "front_image_path"),
}
"""By kind: the query, and its fields for the text and the picture's address."""


def details(kind: str, count: int) -> str:
    """One query for `count` entities of a kind: variables i0, i1, ... and answers s0, s1, ..."""
    find, text, picture = _DETAILS_OF[kind]
    variables = ", ".join(f"$i{n}: ID!" for n in range(count))
    answers = "\n".join(
        f"  s{n}: {find}(id: $i{n}) {{ id text: {text} picture: {picture} }}" for n in range(count)
    )
    return f"query PlexSyncDetailsOf{find[4:]}s({variables}) {{\n{answers}\n}}\n"
