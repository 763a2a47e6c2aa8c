"""Takes the page's commands for the worker; light like operations.py."""

from __future__ import annotations

from plexsync import inbox, system
from plexsync.model.command import KIND, read_command, to_input
from plexsync.model.json_text import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.flows.page.request import Answer, Request


def accept(name: str, args: Mapping[str, object], request: Request) -> Answer:
    """Store a command for the worker, which checks its requirements."""
    command = read_command(name, args)
    system.private_folder(request.folder)
    record = {"id": 1, "type": KIND, "input": to_input(command)}
    try:
        answer: Answer = {"accepted": inbox.drop(request.folder, dumps(record).encode())}
    except OSError as problem:
        raise OSError(
            f"PlexSync cannot store commands in {request.folder}: {system.in_words(problem)}."
        ) from None
    try:
        inbox.wake(request.plugin_dir, request.folder, request.connection)
    except (ValueError, OSError) as problem:
        answer["warning"] = (
            f"The command is stored, but no worker could be started: {system.text_of(problem)}"
        )
    return answer
