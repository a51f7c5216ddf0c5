"""Outbox to a screen that we store ourselves: it is there with the commit of the turn."""

from datetime import timedelta

from bot.channel_interface import LocalChannel
from bot.pipeline import outgoing
from flows.vocabulary import OutboxKind
from storage.chats import message_ids, outbox
from storage.unit import Unit

CLEARED = timedelta(days=3650)
"""How far back a screen is cleared: all of it, it is our own."""


def deliver_locally(unit: Unit, channel: LocalChannel, address: str) -> None:
    """Show what a chat can be sent now, in order; the guard is asked again before each.

    What is due later stays in the outbox, for the delivery of the channel.
    """
    for row in outbox.due_items_of_chat(unit, channel.name, address):
        if not row.chat_id or not outgoing.recheck_guard(unit, row):
            continue
        if row.kind == OutboxKind.CLEAR:
            gone = message_ids.message_ids_since(unit, row.chat_id, unit.now - CLEARED)
            message_ids.delete_message_ids(unit, row.chat_id, gone)
        message_id = channel.show(unit, address, row.kind, row.body)
        outbox.mark_sent(unit, row.id)
        outgoing.record_sent(unit, row)
        if message_id:
            message_ids.add_message_id(unit, row.chat_id, message_id, from_person=False)
    unit.signals.discard(channel.name)
