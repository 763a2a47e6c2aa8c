from __future__ import annotations

from plexsync.policy.unchanged import decisive
from tests.model.test_config import quiet


def test_what_is_done_does_not_depend_on_when_and_how_fast_it_is_done() -> None:
    plain = decisive(quiet({}))
    conduct = [
        *({"pause_sync": True}, {"debug_logging": True}, {"quiet_hours": "22:00-06:00"}),
        *({"max_retries": 7}, {"plex_connections": 1}, {"reconcile_interval": "daily"}),
        *({"notify_urls": "json://host"}, {"recovery_start_rate": 9}),
    ]
    assert {decisive(quiet(settings)) for settings in conduct} == {plain}
    decide = [
        *({"no_tags": True}, {"max_tags": 20}, {"sync_only": "organized"}, {"title": "{code}"}),
        *({"path_map": "/a=>/b"}, {"skip_missing": True}, {"preserve_plex_edits": True}),
        *({"plex_library": "Films"}, {"collection_details": True}, {"ignore_tags": "x"}),
    ]
    assert len({plain, *(decisive(quiet(settings)) for settings in decide)}) == len(decide) + 1
