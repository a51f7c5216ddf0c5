"""Chats of which something that needed them went: whether anything else does, the sweep looks."""

from collections.abc import Sequence

from sqlalchemy import update

from storage.tables import CHAT
from storage.unit import Unit

_IDS_AT_A_TIME = 500


def release_chats(unit: Unit, chat_ids: Sequence[str]) -> None:
    """Mark these chats for the sweep.

    Whoever deletes a conversation or an officer, or takes a referral from its chat, does this.
    """
    for start in range(0, len(chat_ids), _IDS_AT_A_TIME):
        some = CHAT.c.id.in_(chat_ids[start : start + _IDS_AT_A_TIME])
        unit.conn.execute(update(CHAT).where(some).values(released_at=unit.now))
