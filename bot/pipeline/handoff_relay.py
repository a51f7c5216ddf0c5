"""While a member of staff holds a chat: keep what the person does, say nothing, and come back."""

from datetime import datetime

from sqlalchemy import Connection

from bot.pipeline import outgoing
from bot.pipeline.alerts import alert
from bot.runtime import House
from flows.conversation import Conversation, Heard, RaiseFlag, Turn
from flows.dialogue import handoff
from flows.outbound import guard
from flows.outbound.discretion import tells
from flows.outbound.guard import Kind, Outward
from flows.turn import come_back
from flows.understanding.crisis import hear_danger
from storage.chats import conversations, handoffs
from storage.chats.handoffs import Hold
from storage.referrals import lifecycle
from storage.vault import Vault


def holder(
    conn: Connection, chat_id: str, conversation: Conversation, heard: Heard, now: datetime
) -> tuple[Hold | None, str]:
    """Return who holds the chat, if anybody does, and why what was heard ends that ("" if not).

    A hold that is over is let go of here: the person has come first, and is answered.
    """
    if handoffs.was_held(conn, chat_id) is None:
        return None, ""
    held = handoffs.holder(conn, chat_id, now)
    if held is None:
        handoffs.release(conn, chat_id)
        return None, ""
    return held, handoff.ends_hold(conversation, heard)


def listen(
    conn: Connection,
    house: House,
    held: Hold,
    conversation: Conversation,
    heard: Heard,
    now: datetime,
) -> None:
    """Keep what the person did for whoever holds the chat, and hold it a while longer."""
    words = handoff.words_of(conversation, heard)
    if handoffs.wrote(conn, house.vault, held.reference, words, now):
        alert(conn, house, "wrote", held.reference, now, now)
    handoffs.hold(conn, held.chat_id, held.who, held.reference, now + handoff.HELD_FOR)


def end(
    conn: Connection, house: House, held: Hold, why: str, heard: Heard, turn: Turn, now: datetime
) -> None:
    """End a hold because of what the person did.

    Words of danger were for whoever held the chat: they are kept, and staff see them first.
    """
    handoffs.release(conn, held.chat_id)
    if why != "danger":
        return
    handoffs.wrote(conn, house.vault, held.reference, heard.text, now)
    flags = [effect for effect in turn.effects if isinstance(effect, RaiseFlag)]
    if held.reference not in [flag.reference for flag in flags]:
        kind = hear_danger(heard.text)
        lifecycle.raise_flag(conn, house.vault, held.reference, f"danger_{kind}", now)
        alert(conn, house, "flag", held.reference, now, now)


def give_back(conn: Connection, vault: Vault, held: Hold, now: datetime) -> None:
    """Let go of the chat; the bot comes back to where they were, as far as the guard lets it."""
    handoffs.release(conn, held.chat_id)
    place = handoffs.place_of(conn, vault, held.chat_id)
    if place is None:
        return
    recalled = conversations.recall(conn, vault, *place, now)
    known = outgoing.contact(conn, vault, held.chat_id, held.reference, now)
    quietly = guard.variant(known) != "say_service"
    turn = come_back(recalled.conversation, quietly, now)
    telling = any(tells(reply.text) for reply in turn.replies)
    message = Outward(Kind.RETURN, "say_service" if telling else "no_service")
    verdict = outgoing.come_back(
        conn, vault, held.chat_id, held.reference, turn.replies, message, now
    )
    if not isinstance(verdict, guard.Refuse):
        conversations.remember(conn, vault, recalled, turn.conversation, now)


def sweep(conn: Connection, vault: Vault, now: datetime) -> None:
    """Come back to every chat whose hold ran out, or whose referral changed hands."""
    for held in handoffs.ended(conn, now):
        give_back(conn, vault, held, now)
