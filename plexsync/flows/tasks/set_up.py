"""The set-up's commands: how PlexSync is connected to Plex, and which steps are done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from plexsync.edges.plex.plex_tv import PlexTv, PlexTvTrouble
from plexsync.flows.setup import sign_in as sign_ins
from plexsync.flows.setup.saved_settings import SavedSettings
from plexsync.flows.setup.sign_in import SignInEnded
from plexsync.flows.setup.sign_in_file import SignInFile
from plexsync.flows.setup.trials import another_server, try_token
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.save_settings import RELOAD, change_settings
from plexsync.model.set_up import CONNECT
from plexsync.model.settings import read_address, read_token

T = TypeVar("T")
Answer = dict[str, object]

BY_HAND = "You can also enter the address and a token by hand."


def finish_step(context: TaskContext) -> Answer:
    """Store that the user has finished a step of the set-up, and the choice for the first sync."""
    step, choice = context.args["step"], context.args["choice"] or ""
    saved = SavedSettings(context.folder, context.log.warning)
    return {"done": list(saved.finish(step, context.clock.now(), choice).finished)}


def sign_in(context: TaskContext) -> Answer:
    """Begin a sign-in at plex.tv."""
    now, file = context.clock.now(), SignInFile(context.folder)
    return _at_plex_tv(context, lambda plex_tv: sign_ins.start(plex_tv, file, now).shown(now))


def check_sign_in(context: TaskContext) -> Answer:
    """How the sign-in stands; once the user has allowed it, the account's servers are tried."""
    now, file, trial = context.clock.now(), SignInFile(context.folder), context.owner().trial
    wanted = context.args["id"]

    def check(plex_tv: PlexTv) -> Answer:
        return sign_ins.check(plex_tv, trial(context.config), file, wanted, now).shown(now)

    return _at_plex_tv(context, check)


def _at_plex_tv(context: TaskContext, ask: Callable[[PlexTv], T]) -> T:
    with closing(context.owner().plex_tv()) as plex_tv:
        try:
            return ask(plex_tv)
        except PlexTvTrouble as problem:
            raise TaskFailed(f"{problem} {BY_HAND}") from None
        except SignInEnded as ended:
            raise TaskFailed(str(ended)) from None


def cancel_sign_in(context: TaskContext) -> Answer:
    """End the sign-in, and delete its tokens; one that another browser has begun goes on."""
    file, wanted = SignInFile(context.folder), context.args["id"]
    found = file.read()
    if found is not None and wanted not in (None, found.id):
        return {"cancelled": False}
    file.forget()
    return {"cancelled": found is not None}


def choose_server(context: TaskContext) -> Answer:
    """Connect to a server that the sign-in has found; its own token is saved in Stash."""
    args, file = context.args, SignInFile(context.folder)
    trial, now = context.owner().trial(context.config), context.clock.now()
    try:
        name, token = sign_ins.choose(trial, file, args["id"], args["machine"], args["url"], now)
    except SignInEnded as ended:
        raise TaskFailed(str(ended)) from None
    answer = _save(context, args["url"], token)
    file.forget()
    return {"server": name, **answer}


def connect(context: TaskContext) -> Answer:
    """Connect to the Plex at an address, with a token; without one the token in use is kept, if the
    same server answers there.
    """
    url = _read("The address", read_address, context.args["url"])
    typed = _read("The token", read_token, context.args["token"])
    token = typed or context.config.plex_token.get_secret_value()
    if not token:
        raise TaskFailed("Nothing was saved: enter a token too.")
    if not typed and url != context.config.plex_url:
        _check_known(context, url, token)
    health = try_token(context.owner().trial(context.config), url, token)
    if not health.healthy:
        raise TaskFailed(f"Nothing was saved. {health.words}. {health.remedy}")
    answer = _save(context, url, token)
    SignInFile(context.folder).forget()
    return {"server": "", **answer}


def _check_known(context: TaskContext, url: str, token: str) -> None:
    """Raise TaskFailed unless the server at a new address is the one that the token belongs to; no
    other gets the token.
    """
    known = context.owner().stores.ledger.server
    if not known:
        raise TaskFailed("Nothing was saved: enter the token too, since the address is a new one.")
    why = another_server(context.owner().trial(context.config), url, known, token)
    if why:
        raise TaskFailed(
            f"Nothing was saved. {why} The present token was not sent: if it is the right server, "
            "enter its token too."
        )


def _read(what: str, read: Callable[[object], str], value: str) -> str:
    try:
        return read(value)
    except ValueError as problem:
        raise TaskFailed(f"Nothing was saved: {what} {problem}.") from None


def _save(context: TaskContext, url: str, token: str) -> Answer:
    change_settings(context, {"plex_url": url, "plex_token": token})
    SavedSettings(context.folder, context.log.warning).finish(CONNECT, context.clock.now())
    context.log.info(f"The set-up has connected PlexSync to Plex at {url}.")
    return {"url": url, "text": RELOAD}
