"""Whether the Stash that is met is the one to which a data folder belongs."""

from __future__ import annotations

from plexsync.model.stash_identity import Identity, Meeting


def is_same(known: Identity, met: Meeting) -> bool:
    """By the scenes that both should have; an update, a move or a restored backup keeps them.

    With all of them gone, Stash may have been emptied. It never gives an id twice, so a scene with
    an id of old that is none of them comes from another database.
    """
    here = {scene: at for scene, at in met.asked.items() if scene in known.scenes}
    alike = sum(abs(at - known.scenes[scene]) < 1.0 for scene, at in here.items())
    if here:
        return alike * 2 >= len(here)
    if not known.scenes:
        return True
    strangers = any(scene <= known.last for scene in met.itself.scenes)
    return not strangers and met.itself.database == known.database
