"""One batch: read scenes, match items, plan, write, read back, record.

From outside: claims, dry_run, matcher, planning, revival, scene_reader, sync_scenes, unreadable,
write_items.
"""
