"""One batch: read scenes, match items, plan, write, read back, record.

From outside: batch, collection_notes, collection_writer, dry_run, item_reader, matcher,
picture_reader, planning, revival, scene_matcher, scene_reader, scene_write, seen_equal, selection,
sync_scenes, write_items.
"""
