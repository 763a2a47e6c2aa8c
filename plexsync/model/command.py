"""The page's commands to the owner of the data folder: one table with their arguments.

Light on purpose: a command is checked by the process that stores it in the inbox, and again by the
owner that runs it.
"""

from __future__ import annotations

from plexsync.model.arguments import (
    Rule,
    one_of,
    read_arguments,
    scene_id,
    scene_ids,
    settings,
    shown,
    switch,
    text,
    whole,
    word,
)
from plexsync.model.reasons import BACKFILLS
from plexsync.model.set_up import CHOICES, FIRST_SYNC, STEPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

KIND = "PlexSync.Command.Post"
"""The type of a command's inbox record, which looks like an event's."""

ADOPT = "adopt_data_folder"
"""The only command that is accepted from a Stash to which the data folder does not belong."""

MOST_SCENES = 1000
MOST_PREVIEWS = 50
MOST_SAMPLES = 5
"""Maximum number of scenes for which unsaved settings are tried at once."""
_LONGEST_PATH = 4096
_LONGEST_ADDRESS = 500
_SETTINGS = Rule(settings(100, 20_000))

PAUSES = HOUR, TOMORROW, RESUMED = "in an hour", "tomorrow", "resumed"
"""When a paused backfill continues."""
_BACKFILL = Rule(one_of(*BACKFILLS), None)

COMMANDS: Mapping[str, Mapping[str, Rule]] = {
    "retry": {"scene": Rule(scene_id)},
    "retry_class": {"class": Rule(word)},
    "sync": {"scenes": Rule(scene_ids(MOST_SCENES)), "overwrite": Rule(switch, False)},
    "preview": {
        "scenes": Rule(scene_ids(MOST_PREVIEWS), None),
        "scope": Rule(one_of("recent", "waiting"), None),
        "forced": Rule(switch, False),
    },
    "undo": {"scene": Rule(scene_id)},
    "pin": {
        "scene": Rule(scene_id),
        "part": Rule(text(_LONGEST_PATH)),
        "rating_key": Rule(whole(1, 2**63 - 1), None),
    },
    "unpin": {"scene": Rule(scene_id)},
    "adopt_path_map": {"path_map": Rule(text(_LONGEST_PATH, empty=True))},
    "try_recipes": {"settings": _SETTINGS, "scenes": Rule(scene_ids(MOST_SAMPLES), None)},
    "save_settings": {"settings": _SETTINGS},
    "finish_step": {"step": Rule(one_of(*STEPS)), "choice": Rule(one_of(*CHOICES), None)},
    "sign_in": {},
    "check_sign_in": {"id": Rule(text(60))},
    "choose_server": {
        "id": Rule(text(60)),
        "machine": Rule(text(200)),
        "url": Rule(text(_LONGEST_ADDRESS)),
    },
    "cancel_sign_in": {"id": Rule(text(60), None)},
    "connect": {
        "url": Rule(text(_LONGEST_ADDRESS)),
        "token": Rule(text(2000, empty=True), "", secret=True),
    },
    "pause_backfill": {"backfill": _BACKFILL, "until": Rule(one_of(*PAUSES), RESUMED)},
    "resume_backfill": {"backfill": _BACKFILL},
    "stop_backfill": {"backfill": Rule(one_of(*BACKFILLS))},
    ADOPT: {},
    "clear": {"what": Rule(one_of("dead_letters", "queue")), "class": Rule(word, None)},
}
"""Command -> its arguments, in documentation order."""

NEVER_SHOWN = "token"
"""The argument that is kept only until its command has been carried out, and never shown."""

MISLEADING = frozenset({"connect", "save_settings", "try_recipes"})
"""Commands that get a secret by mistake: an address copied with its token, a setting that is one. Once
refused, their arguments are not kept."""

AT_ONCE = 20
"""Commands run between two batches at most; the rest run after the next batch."""


class Command:
    """A command with its parsed arguments."""

    __slots__ = ("name", "args")

    def __init__(self, name: str, args: Mapping[str, object]) -> None:
        self.name = name
        self.args = args


def read_command(name: object, args: object) -> Command:
    """Parse a command and its arguments; raises ValueError with a message for the user."""
    rules = COMMANDS.get(name) if isinstance(name, str) else None
    if rules is None or not isinstance(name, str):
        raise ValueError(f"PlexSync has no command {shown(name)}.")
    if not isinstance(args, dict):
        raise ValueError(f"{name}: its arguments must be an object, not {shown(args)}.")
    found = read_arguments(name, rules, args)
    if name == "clear" and found["what"] == "queue" and found["class"] is not None:
        raise ValueError("clear: class goes with dead_letters only.")
    if name == "preview" and (found["scenes"] is None) is (found["scope"] is None):
        raise ValueError("preview takes either scenes or a scope.")
    if name == "finish_step" and (found["choice"] is None) is (found["step"] == FIRST_SYNC):
        raise ValueError(f"finish_step takes a choice for {FIRST_SYNC}, and for no other step.")
    return Command(name, found)


def is_accepted_id(value: object) -> bool:
    """Whether this can be the id of an accepted command: the name of an inbox record."""
    parts = value.split("-") if isinstance(value, str) and value.isascii() else []
    if len(parts) != 3 or len(parts[0]) != 20 or len(parts[2]) != 8 or len(parts[1]) > 10:
        return False
    hexadecimal = not parts[2].strip("0123456789abcdef")
    return parts[0].isdigit() and parts[1].isdigit() and hexadecimal


def to_input(command: Command) -> dict[str, object]:
    """The `input` of a command's inbox record, as JSON values.

    The record's name in the inbox is the command's accepted id.
    """
    args = {name: value for name, value in command.args.items() if value is not None}
    return {"command": command.name, "args": args}


def without_secret(entry: Mapping[str, object]) -> dict[str, object]:
    """A stored command without its secret argument."""
    args = entry.get("args")
    if not isinstance(args, dict) or NEVER_SHOWN not in args:
        return dict(entry)
    return {**entry, "args": {name: value for name, value in args.items() if name != NEVER_SHOWN}}


def from_input(sent: object) -> Command:
    """The command in such an `input`; raises ValueError like `read_command`."""
    if not isinstance(sent, dict) or not set(sent) <= {"command", "args"}:
        raise ValueError("the record holds no command.")
    return read_command(sent.get("command"), sent.get("args"))
