"""Mostly constant answers: the server itself, and the description of filters."""

from __future__ import annotations

from simulator.plex_xml import HEAD, container, esc
from simulator.plex_xml import LIBRARY as LIBRARY_ATTRIBUTES

LIBRARY = container(
    f'size="3" allowSync="0" art="/:/resources/library-art.png" content=""'
    f' {LIBRARY_ATTRIBUTES} title1="Plex Library" title2=""',
    [
        '<Directory key="sections" title="Library Sections"/>',
        '<Directory key="recentlyAdded" title="Recently Added Content"/>',
        '<Directory key="onDeck" title="On Deck Content"/>',
    ],
)

_ROOT = (
    'size="1" allowCameraUpload="1" allowChannelAccess="1" allowMediaDeletion="1" allowSharing="1"'
    ' allowSync="1" allowTuners="1" backgroundProcessing="1" certificate="1" companionProxy="1"'
    ' countryCode="usa" diagnostics="logs,databases,streaminglogs" eventStream="1" hubSearch="1"'
    ' itemClusters="1" livetv="7" mediaProviders="1" multiuser="1" myPlex="1"'
    ' myPlexMappingState="mapped" myPlexSigninState="ok" myPlexSubscription="1"'
    ' offlineTranscode="1" photoAutoTag="1" platform="Linux" platformVersion="20.04.1 LTS"'
    ' pluginHost="1" pushNotifications="0" readOnlyLibraries="0" streamingBrainABRVersion="3"'
    ' streamingBrainVersion="2" sync="1" transcoderActiveVideoSessions="0" transcoderAudio="1"'
    ' transcoderVideo="1" transcoderVideoBitrates="64,96" transcoderVideoQualities="0,1"'
    ' transcoderVideoResolutions="128,128" updater="1" voiceSearch="1"'
)


def root(name: str, machine: str, version: str, now: int) -> bytes:
    """The answer to `/`: what PlexServer() reads."""
    return container(
        f'{_ROOT} friendlyName="{esc(name)}" machineIdentifier="{esc(machine)}"'
        f' version="{esc(version)}" updatedAt="{now}"',
        ['<Directory count="1" key="activities" title="activities"/>'],
    )


_OPERATORS = {
    "tag": [("=", "is"), ("!=", "is not")],
    "integer": [("=", "is"), ("!=", "is not"), (">>=", "is greater than"), ("<<=", "is less than")],
    "string": [("=", "contains"), ("!=", "does not contain"), ("==", "is"), ("!==", "is not")]
    + [("<=", "begins with"), (">=", "ends with")],
    "boolean": [("=", "is true"), ("!=", "is false")],
    "date": [("<<=", "is before"), (">>=", "is after")],
}
_FIELDS = {
    "title": "string",
    "studio": "string",
    "userRating": "integer",
    "duration": "integer",
    "originallyAvailableAt": "date",
    "addedAt": "date",
    **dict.fromkeys(["genre", "collection", "director", "writer", "producer"], "tag"),
    **dict.fromkeys(["country", "actor", "label"], "tag"),
}
_SORTS = ["titleSort", "year", "originallyAvailableAt", "userRating", "duration", "addedAt"]


def movies(section: int) -> str:
    """The <Meta> of a film library, as `includeMeta=1` asks for it."""
    at = f"/library/sections/{section}"
    inside = [
        f'<Filter filter="{name}" filterType="string" key="{at}/{name}" title="{name}"'
        ' type="filter"/>'
        for name, kind in _FIELDS.items()
        if kind == "tag"
    ]
    inside += [
        f'<Sort defaultDirection="asc" descKey="{name}:desc" key="{name}" title="{name}"/>'
        for name in _SORTS
    ]
    inside += [
        f'<Field key="{name}" title="{name}" type="{kind}"/>' for name, kind in _FIELDS.items()
    ]
    film = f'<Type key="{at}/all?type=1" type="movie" title="Movies" active="1">'
    return f"<Meta>{film}{''.join(inside)}</Type>{_field_types()}</Meta>"


def collections(section: int) -> str:
    """The <Meta> of the collections of a library."""
    at = f"/library/sections/{section}/all?type=18"
    sort = '<Sort defaultDirection="asc" descKey="titleSort:desc" key="titleSort" title="Title"/>'
    kind = f'<Type key="{at}" type="collection" title="Collections" active="1">'
    return f"<Meta>{kind}{sort}</Type>{_field_types()}</Meta>"


def _field_types() -> str:
    types = []
    for kind, operators in _OPERATORS.items():
        inside = "".join(
            f'<Operator key="{esc(key)}" title="{title}"/>' for key, title in operators
        )
        types.append(f'<FieldType type="{kind}">{inside}</FieldType>')
    return "".join(types)


MAINTENANCE = (
    f'{HEAD}<Response code="503" title="Maintenance" status="Plex Media Server is currently'
    ' running startup maintenance tasks."/>'
).encode()
