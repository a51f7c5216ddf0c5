"""Browsers in a conversation: each by a secret token, of which only the fingerprint is kept."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session

from storage.chats import inbox, one_time_links, outbox, screens
from storage.chats.conversations import address_print
from storage.referrals.references import LETTERS
from storage.serialization import write
from storage.tables import new_id
from storage.vault import Vault
from storage.web_tables import LINK, VISIT

RESUME, OFFICER = "resume", "officer"
"""A kind of link, and the channel under which an officer's browser is in a conversation."""
GROUPS, IN_GROUP = 4, 4
"""A code to come back with: four groups of four letters and figures, none like another."""
TOUCH = timedelta(seconds=30)
"""How often it is noted that somebody is still there: not at every page."""


def begin(conn: Connection, vault: Vault, channel: str, address: str, now: datetime) -> str:
    """Let a browser into the conversation at `address`; return the token that it keeps."""
    token, id = secrets.token_urlsafe(32), new_id()
    row = {
        "id": id,
        "token_print": _print(vault, token),
        "channel": channel,
        "address": vault.seal(address, _place(id)),
        "address_print": address_print(vault, channel, address),
        "began_at": now,
        "seen_at": now,
    }
    conn.execute(insert(VISIT), row)
    return token


def who(conn: Connection, vault: Vault, token: str, now: datetime) -> str | None:
    """Return whose conversation a browser is in: its address, None when it is in none.

    It is noted now and then that somebody is still there.
    """
    found = seen(conn, vault, token)
    if found and now - found[1] > TOUCH:
        mine = VISIT.c.token_print == _print(vault, token)
        conn.execute(update(VISIT).where(mine).values(seen_at=now))
    return found[0] if found else None


def seen(conn: Connection, vault: Vault, token: str) -> tuple[str, datetime] | None:
    """Return the same, and when it was last noted that somebody is there; writes nothing."""
    row = conn.execute(select(VISIT).where(VISIT.c.token_print == _print(vault, token))).first()
    return (vault.unseal(row.address, _place(row.id)), row.seen_at) if row else None


def end(conn: Connection, vault: Vault, token: str) -> bool:
    """Let a browser out of its conversation; return whether it was in one."""
    mine = VISIT.c.token_print == _print(vault, token)
    return conn.execute(delete(VISIT).where(mine)).rowcount == 1


def end_all(conn: Connection, vault: Vault, channel: str, address: str) -> int:
    """Let every browser out of a conversation; return how many there were."""
    mine = VISIT.c.address_print == address_print(vault, channel, address)
    return conn.execute(delete(VISIT).where(mine)).rowcount


def code_to_come_back(
    conn: Connection, vault: Vault, channel: str, address: str, now: datetime, hours: int
) -> str:
    """Return a code that opens a conversation once, within `hours`; earlier codes end."""
    mine = (LINK.c.kind == RESUME, LINK.c.address_print == address_print(vault, channel, address))
    conn.execute(delete(LINK).where(*mine))
    groups = ["".join(secrets.choice(LETTERS) for _ in range(IN_GROUP)) for _ in range(GROUPS)]
    one_time_links.make(
        conn, vault, RESUME, channel, address, now, hours * 60, code="".join(groups)
    )
    return "-".join(groups)


def come_back(conn: Connection, vault: Vault, code: str, now: datetime) -> tuple[str, str] | None:
    """Return a token and the address of the conversation that a code opens; None for no code.

    Other browsers are let out of it, and its screen is wiped.
    """
    used = one_time_links.use(conn, vault, RESUME, _bare(code), now)
    if used is None:
        return None
    end_all(conn, vault, used.channel, used.address)
    screens.wipe(conn, vault, used.channel, used.address)
    return begin(conn, vault, used.channel, used.address, now), used.address


def is_waiting(session: Session, vault: Vault, channel: str, address: str, now: datetime) -> bool:
    """Return whether something in a conversation is not answered, or not shown, yet."""
    conn, mark = session.connection(), address_print(vault, channel, address)
    return inbox.is_waiting(conn, vault, channel, address) or outbox.is_waiting(conn, mark, now)


def is_unheard(session: Session, vault: Vault, channel: str, address: str) -> bool:
    """Return whether something that the person did is not answered yet."""
    return inbox.is_waiting(session.connection(), vault, channel, address)


def _bare(code: str) -> str:
    return "".join(letter for letter in code.upper()[:100] if letter.isalnum())


def _print(vault: Vault, token: str) -> str:
    return vault.fingerprint(write(["visit", token[:200]]))


def _place(id: str) -> str:
    return f"visit/{id}/address"
