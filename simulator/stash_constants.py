"""Values of the fields that are not simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ENTITY: Mapping[str, Any] = {
    "urls": [],
    "url": None,
    "favorite": False,
    "rating100": None,
    "details": None,
    "ignore_auto_tag": False,
    "stash_ids": [],
    "aliases": [],
}
_GROUP: Mapping[str, Any] = {
    **_ENTITY,
    "aliases": "",
    "duration": None,
    "date": None,
    "director": None,
    "synopsis": None,
}
CONSTANTS: Mapping[str, Mapping[str, Any]] = {
    "Scene": {
        "interactive": False,
        "interactive_speed": None,
        "captions": [],
        "play_history": [],
        "o_history": [],
        "scene_markers": [],
        "sceneStreams": [],
    },
    "VideoFile": {
        "parent_folder_id": "1",
        "zip_file_id": None,
        "zip_file": None,
        "format": "mp4",
        "video_codec": "h264",
        "audio_codec": "aac",
        "frame_rate": 30.0,
        "bit_rate": 5_000_000,
    },
    "Performer": {
        **_ENTITY,
        "disambiguation": None,
        "gender": None,
        "birthdate": None,
        "alias_list": [],
        "custom_fields": {},
    },
    "Studio": _ENTITY,
    "Tag": {**_ENTITY, "sort_name": None, "description": None},
    "Group": _GROUP,
    "Movie": _GROUP,
}
VERSION: Mapping[str, Any] = {
    "version": "v0.30.1",
    "hash": "cf3489ef",
    "build_time": "2025-12-18 00:00:00",
}
SYSTEM_STATUS: Mapping[str, Any] = {
    "databaseSchema": 75,
    "databasePath": "/root/.stash/stash-go.sqlite",
    "configPath": "/root/.stash/config.yml",
    "appSchema": 75,
    "status": "OK",
    "os": "linux",
    "workingDir": "/",
    "homeDir": "/root",
    "ffmpegPath": "/usr/bin/ffmpeg",
    "ffprobePath": "/usr/bin/ffprobe",
}
