"""How far the set-up has come; light like operations.py."""

from __future__ import annotations

from plexsync.flows.page.request import Operation
from plexsync.flows.status.set_up import set_up

READS = {"set_up": Operation(lambda request: set_up(request.folder, request.now), {})}
