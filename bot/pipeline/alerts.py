"""Tells staff that there is something to see: a reference, a time, a link; no words of people."""

from datetime import UTC, datetime
from enum import StrEnum

from bot.channel_interface import MANAGER_RECIPIENT
from bot.runtime import Runtime
from flows.record import Record
from flows.vocabulary import OutboxKind
from flows.wording import FIRST_LANGUAGE, format_time, say
from storage.chats import outbox
from storage.tables import new_id
from storage.unit import Unit


class AlertKey(StrEnum):
    """What staff are alerted to: a key of desk.alerts."""

    NEW = "new"
    WITHDRAW = "withdraw"
    ASK_TO_DELETE = "ask_to_delete"
    FLAG = "flag"
    WROTE = "wrote"
    UNCLAIMED = "unclaimed"
    UNCLAIMED_LATE = "unclaimed_late"
    RETURNED = "returned"
    FOREIGN_POLLER = "foreign_poller"
    FOREIGN_WEBHOOK = "foreign_webhook"
    SET_ASIDE = "set_aside"


WEBHOOK_CHANNEL, BROKER_CHANNEL = EVENT_CHANNELS = "webhook", "broker"
"""The channels by which other systems are told."""


def alert(unit: Unit, runtime: Runtime, key: AlertKey, reference: str, at: datetime) -> None:
    """Alert the team, as a rule about a referral; `reference` is "" for none."""
    for channel in runtime.alerts:
        body = {"text": _alert_text(runtime, key, reference, at)}
        outbox.enqueue(unit, channel, OutboxKind.ALERT, body)


def alert_set_aside(unit: Unit, runtime: Runtime) -> None:
    """Alert the team that something which came in could not be handled; once an hour at most.

    Whoever sends us nonsense on purpose must not fill the staff chat.
    """
    if runtime.limiter.allow("1/hour", AlertKey.SET_ASIDE):
        alert(unit, runtime, AlertKey.SET_ASIDE, "", unit.now)


def alert_manager(
    unit: Unit, runtime: Runtime, key: AlertKey, reference: str, at: datetime
) -> None:
    """Alert the manager; where they have no address of their own, the team once more."""
    if not runtime.manager:
        alert(unit, runtime, key, reference, at)
    for channel in runtime.manager:
        body = {"text": _alert_text(runtime, key, reference, at), "to": MANAGER_RECIPIENT}
        outbox.enqueue(unit, channel, OutboxKind.ALERT, body)


def alert_about_service(unit: Unit, runtime: Runtime, key: AlertKey) -> None:
    """Alert the team and the manager about the service itself."""
    body = {"text": say(FIRST_LANGUAGE, f"desk.alerts.{key}")}
    for channel in runtime.alerts:
        outbox.enqueue(unit, channel, OutboxKind.ALERT, body)
    for channel in runtime.manager:
        outbox.enqueue(unit, channel, OutboxKind.ALERT, {**body, "to": MANAGER_RECIPIENT})


def notify_systems(unit: Unit, runtime: Runtime, record: Record) -> None:
    """Tell other systems that there is a new referral: nothing personal.

    The event's id is the same on each channel, and however often it is sent.
    """
    due = record.due.astimezone(UTC).isoformat()
    told = {"event": new_id(), "kind": "referral", "reference": record.reference}
    body = {**told, "queue": record.queue, "due": due}
    for channel in EVENT_CHANNELS:
        if channel in runtime.channels:
            outbox.enqueue(unit, channel, OutboxKind.REFERRAL, body)


def _alert_text(runtime: Runtime, key: AlertKey, reference: str, when: datetime) -> str:
    due = format_time(FIRST_LANGUAGE, when)
    text = say(FIRST_LANGUAGE, f"desk.alerts.{key}", reference=reference, due=due)
    if not (runtime.public_url and reference):
        return text
    return f"{text}\n{runtime.public_url.rstrip('/')}/desk/r/{reference}"
