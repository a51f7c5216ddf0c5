"""One-time links and codes: made for one chat, good for a while, used once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session

from storage.chats.conversations import address_fingerprint
from storage.serialization import dumps, loads_dict
from storage.tables import AnyRow, new_id
from storage.vault import Vault
from storage.web_tables import LINK

MAX_CODE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LinkPayload:
    """What a link that was just used up was made for: whose chat, and what it carried."""

    channel: str
    address: str
    body: dict[str, Any]


def issue_link(
    conn: Connection,
    vault: Vault,
    kind: str,
    channel: str,
    address: str,
    now: datetime,
    minutes: int,
    body: dict[str, Any] | None = None,
    code: str | None = None,
) -> str:
    """Return a code of 32 characters, good once within `minutes`, for the chat at `address`.

    `code` is one that the caller drew. Raises IntegrityError when it is in use already.
    """
    drawn, id = code or secrets.token_urlsafe(24), new_id()
    row = {
        "id": id,
        "code_print": _code_fingerprint(vault, kind, drawn),
        "kind": kind,
        "channel": channel,
        "address_print": address_fingerprint(vault, channel, address),
        "body": vault.seal(dumps({"address": address, "body": body or {}}), _body_context(id)),
        "made_at": now,
        "expires_at": now + timedelta(minutes=minutes),
    }
    conn.execute(insert(LINK), row)
    return drawn


def is_link_valid(session: Session, vault: Vault, kind: str, code: str, now: datetime) -> bool:
    """Return whether a code would still be good; it is not used up by this."""
    good = select(LINK.c.id).where(*_is_valid(vault, kind, code, now))
    return session.connection().execute(good).first() is not None


def peek_link(
    session: Session, vault: Vault, kind: str, code: str, now: datetime
) -> LinkPayload | None:
    """Return what a code was made for while it is good; it is not used up by this."""
    good = select(LINK).where(*_is_valid(vault, kind, code, now))
    row = session.connection().execute(good).first()
    return _unseal_payload(vault, row) if row else None


def redeem_link(
    conn: Connection, vault: Vault, kind: str, code: str, now: datetime
) -> LinkPayload | None:
    """Use a code up and return what it was made for.

    A foreign, used or expired code gives None, after the same work.
    """
    used = conn.execute(update(LINK).where(*_is_valid(vault, kind, code, now)).values(used_at=now))
    mine = LINK.c.code_print == _code_fingerprint(vault, kind, code)
    row = conn.execute(select(LINK.c.id, LINK.c.channel, LINK.c.body).where(mine)).first()
    conn.execute(update(LINK).where(mine, LINK.c.used_at.is_not(None)).values(body=None))
    if used.rowcount != 1 or row is None:
        return None
    return _unseal_payload(vault, row)


def _unseal_payload(vault: Vault, row: AnyRow) -> LinkPayload:
    kept = loads_dict(vault.unseal(row.body, _body_context(row.id)))
    return LinkPayload(row.channel, kept["address"], kept["body"])


def _is_valid(vault: Vault, kind: str, code: str, now: datetime) -> tuple[Any, ...]:
    mine = LINK.c.code_print == _code_fingerprint(vault, kind, code)
    return (mine, LINK.c.used_at.is_(None), LINK.c.expires_at > now)


def _code_fingerprint(vault: Vault, kind: str, code: str) -> str:
    return vault.fingerprint(dumps(["link", kind, code[:MAX_CODE_LENGTH]]))


def _body_context(id: str) -> str:
    return f"link/{id}/body"
