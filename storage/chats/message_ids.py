"""The ids of messages in a chat, sealed, so that the chat can be cleared; never their text."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from storage.sql import upsert
from storage.tables import CHAT, MESSAGE, new_id
from storage.unit import Unit

_INSERT_ONCE = upsert(MESSAGE).on_conflict_do_nothing(index_elements=["chat_id", "fingerprint"])


def add_message_id(unit: Unit, chat_id: str, message_id: str, from_person: bool) -> None:
    """Store the id of a message, once; the chat must have been stored."""
    fingerprint = _message_fingerprint(unit, chat_id, message_id)
    id = new_id()
    row = {
        "id": id,
        "chat_id": chat_id,
        "fingerprint": fingerprint,
        "body": unit.seal(_message_id_context(chat_id, id), message_id),
        "from_person": from_person,
        "at": unit.now,
    }
    unit.add(_INSERT_ONCE, row)


def message_ids_since(unit: Unit, chat_id: str, since: datetime) -> list[str]:
    """Return the ids of the chat's messages since then, the oldest first."""
    found = _message_ids(unit, MESSAGE.c.chat_id == chat_id, MESSAGE.c.at >= since)
    return found.get(chat_id, [])


def message_ids_before(unit: Unit, before: datetime) -> dict[str, list[str]]:
    """Return, for each chat, the ids of its messages from before then, the oldest first."""
    return _message_ids(unit, MESSAGE.c.at < before)


def channel_of(unit: Unit, chat_id: str) -> str:
    """Return the channel of a chat; raise NoResultFound when there is none."""
    return str(unit.conn.execute(select(CHAT.c.channel).where(CHAT.c.id == chat_id)).scalar_one())


def delete_message_ids(unit: Unit, chat_id: str, ids: Iterable[str]) -> None:
    """Delete the ids of messages that are gone from the chat, or cannot be cleared any more."""
    fingerprints = [_message_fingerprint(unit, chat_id, message_id) for message_id in ids]
    for start in range(0, len(fingerprints), 200):
        unit.conn.execute(
            delete(MESSAGE).where(*_matches(chat_id, fingerprints[start : start + 200]))
        )


def _message_ids(unit: Unit, *conditions: ColumnElement[bool]) -> dict[str, list[str]]:
    query = select(MESSAGE.c.id, MESSAGE.c.chat_id, MESSAGE.c.body).where(*conditions)
    found: dict[str, list[str]] = {}
    for row in unit.conn.execute(query.order_by(MESSAGE.c.at)):
        message_id = unit.unseal(_message_id_context(row.chat_id, row.id), row.body)
        found.setdefault(row.chat_id, []).append(message_id)
    return found


def _matches(chat_id: str, fingerprints: list[str]) -> tuple[Any, Any]:
    return MESSAGE.c.chat_id == chat_id, MESSAGE.c.fingerprint.in_(fingerprints)


def _message_fingerprint(unit: Unit, chat_id: str, message_id: str) -> str:
    return unit.fingerprint("message", chat_id, message_id)


def _message_id_context(chat_id: str, id: str) -> str:
    return f"chat/{chat_id}/message/{id}"
