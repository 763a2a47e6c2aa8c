"""When PlexSync needs somebody: which states are alerts, and which messages say so.

An alert is a state that does not end by itself, or has not for long. The page shows alerts as a
banner; with the setting Notify URLs each is said once when it begins and once when it is over, and
never per scene. Nothing here names a title, a path or an address: messages leave the house.
"""

from __future__ import annotations

import math

from plexsync.model.messages import SUCCESS, WARNING, Message
from plexsync.model.plex_state import TOKEN_TROUBLES, headline, remedy
from plexsync.model.reasons import class_words
from plexsync.policy.notices import (
    CANNOT,
    DEAD_LETTERS,
    NO_COUNTS,
    PLEX,
    SET_UP,
    TOKEN,
    UPDATE,
    Alert,
    Facts,
    Notices,
    need_you,
    why_not,
)
from plexsync.policy.outage_history import format_duration

AT_MOST_EVERY = 3600.0
"""Seconds between two messages that begin the same subject; what is new meanwhile is collected."""

SETTLED = 600.0
"""Seconds after an outage for which its last message waits, to count what was written since."""

RETRIES = (60.0, 300.0, 900.0, 3600.0)
"""Seconds until a message that could not be delivered is sent again; after that it is given up."""


def noticed(notices: Notices, facts: Facts, now: float, patience: float) -> Notices:
    """The alerts that follow from the facts; Plex may be away for `patience` seconds."""
    notices = _trouble(notices, facts, now, patience)
    notices = _set_up(notices, facts, now, patience)
    return _dead_letters(notices, facts, now)


def _trouble(notices: Notices, facts: Facts, now: float, patience: float) -> Notices:
    if not facts.trouble:
        return _trouble_ended(notices, now)
    subject, other = (TOKEN, PLEX) if facts.trouble in TOKEN_TROUBLES else (PLEX, TOKEN)
    known = notices.alert(subject)
    if known is None and 0 <= now - facts.since < (patience if subject == PLEX else 0):
        return notices
    begun = known or Alert(subject, facts.since)
    return notices.without(other).with_alert(begun._replace(kind=facts.trouble, ended=0.0))


def _trouble_ended(notices: Notices, now: float) -> Notices:
    for subject in (TOKEN, PLEX):
        alert = notices.alert(subject)
        if alert and not alert.ended:
            notices = notices.with_alert(alert._replace(ended=now))
    return notices


def _set_up(notices: Notices, facts: Facts, now: float, patience: float) -> Notices:
    alert = notices.alert(SET_UP)
    if not facts.unready:
        notices = notices._replace(ready=facts.version, unready_since=0.0)
        return notices.with_alert(alert._replace(ended=now)) if alert else notices
    if not notices.ready:
        return notices  # it was never set up: the page leads through that
    since = notices.unready_since or now
    notices = notices._replace(unready_since=since)
    updated = notices.ready != facts.version
    if alert is None and 0 <= now - since < (0 if updated else patience):
        return notices
    begun = alert or Alert(SET_UP, since, UPDATE if updated else "settings")
    return notices.with_alert(begun._replace(ended=0.0))


def refused(notices: Notices, version: str, now: float) -> Notices:
    """As `noticed`, where this version of PlexSync cannot work with the data folder at all."""
    return _set_up(notices, Facts(unready=True, version=version), now, 0.0)


def _dead_letters(notices: Notices, facts: Facts, now: float) -> Notices:
    if not facts.dead:
        return notices.without(DEAD_LETTERS)
    if not facts.buried:
        return notices
    alert = notices.alert(DEAD_LETTERS) or Alert(DEAD_LETTERS, now)
    names = {*alert.counts, *facts.buried}
    counts = {name: alert.counts.get(name, 0) + facts.buried.get(name, 0) for name in names}
    since = alert.since if alert.counts else now
    notices = notices._replace(counted=max(notices.counted, facts.newest))
    return notices.with_alert(alert._replace(since=since, counts=counts))


def said(notices: Notices, facts: Facts, now: float) -> Notices:
    """Put into the outbox what the alerts give reason to say; a message whose last attempt killed its
    process leaves it."""
    outbox = (each for each in notices.outbox if each.attempts <= len(RETRIES) or each.due > now)
    notices = notices._replace(outbox=tuple(outbox))
    for alert in notices.alerts:
        notices = _over(notices, alert, facts, now) if alert.ended else _begun(notices, alert, now)
    return notices


def forgotten(notices: Notices) -> Notices:
    """Without anything to send: there is no URL for messages. What lasts is said to a new one."""
    lasting = (alert for alert in notices.alerts if not alert.ended)
    alerts = tuple(alert._replace(told=False, counts=NO_COUNTS) for alert in lasting)
    return notices._replace(alerts=alerts, outbox=())


def _begun(notices: Notices, alert: Alert, now: float) -> Notices:
    if not _is_new(alert) or 0 <= now - notices.said.get(alert.subject, -math.inf) < AT_MOST_EVERY:
        return notices
    title, body = _words(alert)
    message = Message(alert.subject, WARNING, title, body, now, now)
    return notices.with_alert(alert._replace(told=True, counts=NO_COUNTS))._replace(
        outbox=(*notices.outbox, message), said={**notices.said, alert.subject: now}
    )


def _is_new(alert: Alert) -> bool:
    return bool(alert.counts) if alert.subject == DEAD_LETTERS else not alert.told


def _over(notices: Notices, alert: Alert, facts: Facts, now: float) -> Notices:
    """Say that an alert is over, if its beginning was said; of a beginning that nobody got, only
    the end is said."""
    if alert.told and _is_settling(alert, facts, now):
        return notices
    unsent = [m for m in notices.outbox if m.subject == alert.subject and not m.done]
    left = tuple(message for message in notices.outbox if message not in unsent)
    notices = notices.without(alert.subject)._replace(outbox=left)
    if not alert.told:
        return notices
    title, body = _words_of_end(alert, facts)
    message = Message(alert.subject, SUCCESS, title, body, now, now)
    return notices._replace(outbox=(*notices.outbox, message))


def _is_settling(alert: Alert, facts: Facts, now: float) -> bool:
    """Whether what an outage held back is still being written."""
    counting = alert.subject == PLEX and facts.waiting and facts.written < facts.affected
    return bool(counting) and 0 <= now - alert.ended < SETTLED


def _words(alert: Alert) -> tuple[str, str]:
    """Title and text of the message that an alert begins with."""
    if alert.subject == DEAD_LETTERS:
        total = sum(alert.counts.values())
        listed = ", ".join(f"{class_words(name)}: {n}" for name, n in sorted(alert.counts.items()))
        return (
            f"PlexSync: {need_you(total)}",
            f"PlexSync gave up on {'it' if total == 1 else 'them'} ({listed}). Its page in Stash "
            "says under Needs you what helps.",
        )
    if alert.subject == SET_UP:
        return CANNOT, f"{why_not(alert)} What you save in Stash meanwhile is kept."
    kept = "Nothing is lost: what you save in Stash is written afterwards."
    return f"PlexSync: {headline(alert.kind)}", f"{remedy(alert.kind)} {kept}"


def _words_of_end(alert: Alert, facts: Facts) -> tuple[str, str]:
    lasted = f"It took {format_duration(alert.ended - alert.since)}."
    if alert.subject == SET_UP:
        return "PlexSync syncs again", lasted
    waiting = f"{facts.waiting} {'scene waits' if facts.waiting == 1 else 'scenes wait'}."
    if alert.subject == TOKEN:
        return "PlexSync: Plex accepts the token", f"{lasted} {waiting}"
    if facts.ended < alert.since:  # what it was is not counted as an outage
        return "PlexSync: Plex is back", f"{lasted} {waiting}"
    scenes = "1 scene" if facts.affected == 1 else f"{facts.affected} scenes"
    counted = f"{scenes} waited for it, {facts.written} of them are written now."
    return "PlexSync: Plex is back", f"{lasted} {counted} {waiting}"


def next_message(notices: Notices, now: float) -> Message | None:
    """The message that is to be sent now."""
    due = [message for message in notices.outbox if message.due <= now or message.born > now]
    return due[0] if due else None


def attempted(notices: Notices, message: Message, now: float) -> tuple[Notices, Message]:
    """Before a message is sent, so that an attempt which kills its process is counted too; also
    returns the message as it is now."""
    delay = RETRIES[min(message.attempts, len(RETRIES) - 1)]
    tried = message._replace(attempts=message.attempts + 1, due=now + delay)
    outbox = tuple(tried if each == message else each for each in notices.outbox)
    return notices._replace(outbox=outbox), tried


def delivered(notices: Notices, message: Message, done: tuple[str, ...], urls: int) -> Notices:
    """After an attempt: `done` of so many `urls` need no other one. Out of the outbox when all are
    done, or no attempt is left."""
    whole = (*message.done, *done)
    left = message.attempts <= len(RETRIES) and len(whole) < urls
    kept = (message._replace(done=whole),) if left else ()
    outbox = (kept if each == message else (each,) for each in notices.outbox)
    return notices._replace(outbox=tuple(each for part in outbox for each in part))


def next_due(notices: Notices, facts: Facts, now: float, patience: float) -> float:
    """When something may be to be said or sent that no event announces; infinity if nothing is.

    A state that was due by now has had its turn: while that is held back, nothing hurries.
    """
    dues = list[float]()
    if facts.trouble and not notices.alert(PLEX) and facts.trouble not in TOKEN_TROUBLES:
        dues.append(facts.since + patience)
    if notices.unready_since and not notices.alert(SET_UP):
        dues.append(notices.unready_since + patience)
    for alert in notices.alerts:
        if alert.ended:
            dues.append(alert.ended + SETTLED)
        elif _is_new(alert):
            dues.append(notices.said.get(alert.subject, 0.0) + AT_MOST_EVERY)
    later = [due for due in dues if due > now]
    return min((*later, *(message.due for message in notices.outbox)), default=math.inf)
