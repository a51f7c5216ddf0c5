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
    SET_ASIDE = "set_aside"


WEBHOOK_CHANNEL = "webhook"
"""The channel by which another system is told."""


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


def notify_webhook(unit: Unit, runtime: Runtime, record: Record) -> None:
    """Tell another system that there is a new referral: nothing personal.

    The event's id stays the same however often it is sent.
    """
    if WEBHOOK_CHANNEL not in runtime.channels:
        return
    due = record.due.astimezone(UTC).isoformat()
    told = {"event": new_id(), "kind": "referral", "reference": record.reference}
    body = {**told, "queue": record.queue, "due": due}
    outbox.enqueue(unit, WEBHOOK_CHANNEL, OutboxKind.REFERRAL, body)


def _alert_text(runtime: Runtime, key: AlertKey, reference: str, when: datetime) -> str:
    due = format_time(FIRST_LANGUAGE, when)
    text = say(FIRST_LANGUAGE, f"desk.alerts.{key}", reference=reference, due=due)
    if not (runtime.public_url and reference):
        return text
    return f"{text}\n{runtime.public_url.rstrip('/')}/desk/r/{reference}"
