"""One-time links and codes: for one chat, valid for a while, redeemed once."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select, update

from storage.chats.addresses import address_fingerprint
from storage.serialization import dumps, loads_dict
from storage.tables import AnyRow, new_id
from storage.unit import Unit
from storage.web_tables import LINK

MAX_CODE_LENGTH = 200


class LinkKind(StrEnum):
    """What a code is good for, once.

    On a button: to go to a PRIVATE_PAGE, and to show a code to the person who is with an officer
    (SHOW_CODE). These become the code of the OPEN_FORM, and the INTRODUCTION that is shown.
    """

    PRIVATE_PAGE = "quiet"
    OPEN_FORM = "quiet_form"
    SHOW_CODE = "show_code"
    INTRODUCTION = "two_key"
    RESUME = "resume"
    OIDC = "oidc"
    PASSKEY_REGISTRATION = "passkey_new"
    PASSKEY_AUTHENTICATION = "passkey"


@dataclass(frozen=True, slots=True)
class LinkPayload:
    """What a link carries: the channel and the address of a chat, and a body."""

    channel: str
    address: str
    body: dict[str, Any]


def issue_link(
    unit: Unit,
    kind: LinkKind,
    channel: str,
    address: str,
    minutes: int,
    body: dict[str, Any] | None = None,
    code: str | None = None,
) -> str:
    """Return a code of 32 characters, valid once within `minutes`, for the chat at `address`.

    `code` is one that the caller drew. Raises IntegrityError when it is in use already.
    """
    drawn, id = code or secrets.token_urlsafe(24), new_id()
    row = {
        "id": id,
        "code_fingerprint": _code_fingerprint(unit, kind, drawn),
        "kind": kind,
        "channel": channel,
        "address_fingerprint": address_fingerprint(unit, channel, address),
        "body": unit.seal(_body_context(id), dumps({"address": address, "body": body or {}})),
        "created_at": unit.now,
        "expires_at": unit.now + timedelta(minutes=minutes),
    }
    unit.conn.execute(insert(LINK), row)
    return drawn


def is_link_valid(unit: Unit, kind: LinkKind, code: str) -> bool:
    """Return whether a code is valid; this does not redeem it."""
    return unit.exists(*_is_valid(unit, kind, code))


def peek_link(unit: Unit, kind: LinkKind, code: str) -> LinkPayload | None:
    """Return what a valid code carries; this does not redeem it."""
    good = select(LINK).where(*_is_valid(unit, kind, code))
    row = unit.first(good)
    return _unseal_payload(unit, row) if row else None


def redeem_link(unit: Unit, kind: LinkKind, code: str) -> LinkPayload | None:
    """Redeem a code and return what it carries.

    A foreign, used or expired code gives None, after the same work.
    """
    good = _is_valid(unit, kind, code)
    used = unit.changed(update(LINK).where(*good).values(used_at=unit.now))
    mine = LINK.c.code_fingerprint == _code_fingerprint(unit, kind, code)
    row = unit.first(select(LINK.c.id, LINK.c.channel, LINK.c.body).where(mine))
    unit.conn.execute(update(LINK).where(mine, LINK.c.used_at.is_not(None)).values(body=None))
    if used != 1 or row is None:
        return None
    return _unseal_payload(unit, row)


def _unseal_payload(unit: Unit, row: AnyRow) -> LinkPayload:
    kept = loads_dict(unit.unseal(_body_context(row.id), row.body))
    return LinkPayload(row.channel, kept["address"], kept["body"])


def _is_valid(unit: Unit, kind: LinkKind, code: str) -> tuple[Any, ...]:
    mine = LINK.c.code_fingerprint == _code_fingerprint(unit, kind, code)
    return (mine, LINK.c.used_at.is_(None), LINK.c.expires_at > unit.now)


def _code_fingerprint(unit: Unit, kind: LinkKind, code: str) -> str:
    return unit.fingerprint("link", kind, code[:MAX_CODE_LENGTH])


def _body_context(id: str) -> str:
    return f"link/{id}/body"
