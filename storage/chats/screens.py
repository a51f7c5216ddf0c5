"""The messages on the screen of a browser chat, sealed: each load of the page shows them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from storage.chats.addresses import address_fingerprint
from storage.serialization import DecodeError, dumps, loads_reply
from storage.tables import AnyRow, new_id
from storage.unit import Unit
from storage.vault import VaultError
from storage.web_tables import SCREEN_MESSAGE

log = logging.getLogger("rj.screens")
MAX_MESSAGES = 200
"""How many messages a chat's screen holds; older ones go."""
_IS_MINE = SCREEN_MESSAGE.c.address_fingerprint == bindparam("fingerprint")
_OF_SCREEN = select(SCREEN_MESSAGE).where(_IS_MINE).order_by(SCREEN_MESSAGE.c.n)
_ONE_MESSAGE = select(SCREEN_MESSAGE).where(_IS_MINE, SCREEN_MESSAGE.c.id == bindparam("message"))
_COUNT_AND_LAST = select(func.count(), func.max(SCREEN_MESSAGE.c.n))
_OLDEST_KEPT = (
    select(SCREEN_MESSAGE.c.n)
    .where(_IS_MINE)
    .order_by(SCREEN_MESSAGE.c.n.desc())
    .offset(MAX_MESSAGES)
    .limit(1)
)
_INSERT = insert(SCREEN_MESSAGE)
ButtonRows = Sequence[Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ScreenMessage:
    """One message; a `private` one shows a person's own answers.

    A `transient` one is shown only until the person's next input.
    """

    id: str
    text: str
    buttons: ButtonRows = ()
    from_person: bool = False
    private: bool = False
    transient: bool = False


def screen_topic(unit: Unit, channel: str, address: str) -> str:
    """Return what a commit signals that changes this chat's screen."""
    return _topic(address_fingerprint(unit, channel, address))


def add_screen_message(unit: Unit, channel: str, address: str, message: ScreenMessage) -> str:
    """Add a message below the others and return its id; without an id it gets a new one."""
    id, fingerprint = message.id or new_id(), address_fingerprint(unit, channel, address)
    shown = {"text": message.text, "rows": message.buttons}
    body = {**shown, "private": message.private, "passing": message.transient}
    row = {
        "id": id,
        "channel": channel,
        "address_fingerprint": fingerprint,
        "from_person": message.from_person,
        "body": unit.seal(_body_context(fingerprint, id), dumps(body)),
        "at": unit.now,
    }
    unit.signals.add(_topic(fingerprint))
    unit.conn.execute(_INSERT, row)
    _drop_oldest(unit, fingerprint)
    return id


def replace_screen_message(unit: Unit, channel: str, address: str, message: ScreenMessage) -> bool:
    """Replace a message by one below the others; return False when it is not on the screen."""
    if not remove_screen_messages(unit, channel, address, [message.id]):
        return False
    add_screen_message(unit, channel, address, message)
    return True


def remove_screen_messages(unit: Unit, channel: str, address: str, ids: Iterable[str]) -> int:
    """Delete messages of a chat's screen; return how many were there."""
    fingerprint = address_fingerprint(unit, channel, address)
    unit.signals.add(_topic(fingerprint))
    mine = (SCREEN_MESSAGE.c.address_fingerprint == fingerprint, SCREEN_MESSAGE.c.id.in_(list(ids)))
    return unit.changed(delete(SCREEN_MESSAGE).where(*mine))


def clear_screen(unit: Unit, channel: str, address: str) -> int:
    """Delete every message of a chat's screen; return how many there were."""
    fingerprint = address_fingerprint(unit, channel, address)
    unit.signals.add(_topic(fingerprint))
    return unit.changed(
        delete(SCREEN_MESSAGE).where(SCREEN_MESSAGE.c.address_fingerprint == fingerprint)
    )


def list_screen_messages(unit: Unit, channel: str, address: str) -> list[ScreenMessage]:
    """Return the messages of a chat's screen that can be decrypted, the oldest first.

    How many cannot is logged.
    """
    mine = {"fingerprint": address_fingerprint(unit, channel, address)}
    found = [_unseal_message(unit, row) for row in unit.conn.execute(_OF_SCREEN, mine)]
    if unreadable := found.count(None):
        log.error("screen_messages_unreadable", extra={"code": channel, "n": unreadable})
    return [line for line in found if line is not None]


def find_screen_message(unit: Unit, channel: str, address: str, id: str) -> ScreenMessage | None:
    """Return one message of a chat's screen; None when it is not there, or cannot be decrypted."""
    mine = {"fingerprint": address_fingerprint(unit, channel, address), "message": id}
    row = unit.conn.execute(_ONE_MESSAGE, mine).first()
    return _unseal_message(unit, row) if row else None


def all_screens_revision(unit: Unit) -> str:
    """Return a value that changes with any message of any screen."""
    return _revision(unit, _COUNT_AND_LAST)


def screen_revision(unit: Unit, channel: str, address: str) -> str:
    """Return a value that changes with any message of this screen."""
    mine = {"fingerprint": address_fingerprint(unit, channel, address)}
    return _revision(unit, _COUNT_AND_LAST.where(_IS_MINE), mine)


def _revision(unit: Unit, query: Any, mine: dict[str, str] | None = None) -> str:
    count, last = unit.conn.execute(query, mine).one()
    return f"{count}.{last or 0}"


def _drop_oldest(unit: Unit, fingerprint: str) -> None:
    oldest = unit.conn.execute(_OLDEST_KEPT, {"fingerprint": fingerprint}).scalar()
    if oldest is not None:
        mine = SCREEN_MESSAGE.c.address_fingerprint == fingerprint
        unit.conn.execute(delete(SCREEN_MESSAGE).where(mine, SCREEN_MESSAGE.c.n <= oldest))


def _unseal_message(unit: Unit, row: AnyRow) -> ScreenMessage | None:
    try:
        body = loads_reply(unit.unseal(_body_context(row.address_fingerprint, row.id), row.body))
    except (VaultError, DecodeError):
        return None
    return ScreenMessage(
        row.id, body["text"], body["rows"], row.from_person, body["private"], body["passing"]
    )


def _topic(fingerprint: str) -> str:
    return f"screen/{fingerprint}"


def _body_context(fingerprint: str, id: str) -> str:
    return f"screen/{fingerprint}/{id}"
