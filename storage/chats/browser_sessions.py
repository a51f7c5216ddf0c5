"""Browsers in a conversation: each by a secret token, of which only the fingerprint is kept."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import Session

from storage.chats import inbox, one_time_links, outbox, screens
from storage.chats.conversations import address_fingerprint
from storage.referrals.references import CODE_ALPHABET
from storage.serialization import dumps
from storage.tables import new_id
from storage.vault import Vault
from storage.web_tables import BROWSER_SESSION, LINK

RESUME_LINK, OFFICER_CHANNEL = "resume", "officer"
"""A kind of link, and the channel under which an officer's browser is in a conversation."""
CODE_GROUPS, LETTERS_PER_GROUP = 4, 4
"""A code to come back with: four groups of four letters and figures, none like another."""
LAST_SEEN_INTERVAL = timedelta(seconds=30)
"""How often it is noted that somebody is still there: not at every page."""


def begin_browser_session(
    conn: Connection, vault: Vault, channel: str, address: str, now: datetime
) -> str:
    """Let a browser into the conversation at `address`; return the token that it keeps."""
    token, id = secrets.token_urlsafe(32), new_id()
    row = {
        "id": id,
        "token_print": _token_fingerprint(vault, token),
        "channel": channel,
        "address": vault.seal(address, _address_context(id)),
        "address_print": address_fingerprint(vault, channel, address),
        "began_at": now,
        "seen_at": now,
    }
    conn.execute(insert(BROWSER_SESSION), row)
    return token


def session_address(conn: Connection, vault: Vault, token: str, now: datetime) -> str | None:
    """Return whose conversation a browser is in: its address, None when it is in none.

    It is noted now and then that somebody is still there.
    """
    found = peek_session(conn, vault, token)
    if found and now - found[1] > LAST_SEEN_INTERVAL:
        mine = BROWSER_SESSION.c.token_print == _token_fingerprint(vault, token)
        conn.execute(update(BROWSER_SESSION).where(mine).values(seen_at=now))
    return found[0] if found else None


def peek_session(conn: Connection, vault: Vault, token: str) -> tuple[str, datetime] | None:
    """Return the same, and when it was last noted that somebody is there; writes nothing."""
    row = conn.execute(
        select(BROWSER_SESSION).where(
            BROWSER_SESSION.c.token_print == _token_fingerprint(vault, token)
        )
    ).first()
    return (vault.unseal(row.address, _address_context(row.id)), row.seen_at) if row else None


def end_browser_session(conn: Connection, vault: Vault, token: str) -> bool:
    """Let a browser out of its conversation; return whether it was in one."""
    mine = BROWSER_SESSION.c.token_print == _token_fingerprint(vault, token)
    return conn.execute(delete(BROWSER_SESSION).where(mine)).rowcount == 1


def end_all_browser_sessions(conn: Connection, vault: Vault, channel: str, address: str) -> int:
    """Let every browser out of a conversation; return how many there were."""
    mine = BROWSER_SESSION.c.address_print == address_fingerprint(vault, channel, address)
    return conn.execute(delete(BROWSER_SESSION).where(mine)).rowcount


def issue_resume_code(
    conn: Connection, vault: Vault, channel: str, address: str, now: datetime, hours: int
) -> str:
    """Return a code that opens a conversation once, within `hours`; earlier codes end."""
    mine = (
        LINK.c.kind == RESUME_LINK,
        LINK.c.address_print == address_fingerprint(vault, channel, address),
    )
    conn.execute(delete(LINK).where(*mine))
    groups = [
        "".join(secrets.choice(CODE_ALPHABET) for _ in range(LETTERS_PER_GROUP))
        for _ in range(CODE_GROUPS)
    ]
    one_time_links.issue_link(
        conn, vault, RESUME_LINK, channel, address, now, hours * 60, code="".join(groups)
    )
    return "-".join(groups)


def redeem_resume_code(
    conn: Connection, vault: Vault, code: str, now: datetime
) -> tuple[str, str] | None:
    """Return a token and the address of the conversation that a code opens; None for no code.

    Other browsers are let out of it, and its screen is wiped.
    """
    used = one_time_links.redeem_link(conn, vault, RESUME_LINK, _normalize_code(code), now)
    if used is None:
        return None
    end_all_browser_sessions(conn, vault, used.channel, used.address)
    screens.clear_screen(conn, vault, used.channel, used.address)
    return begin_browser_session(conn, vault, used.channel, used.address, now), used.address


def has_pending_work(
    session: Session, vault: Vault, channel: str, address: str, now: datetime
) -> bool:
    """Return whether something in a conversation is not answered, or not shown, yet."""
    conn, mark = session.connection(), address_fingerprint(vault, channel, address)
    return inbox.has_unanswered_input(conn, vault, channel, address) or outbox.has_due_output(
        conn, mark, now
    )


def is_awaiting_answer(session: Session, vault: Vault, channel: str, address: str) -> bool:
    """Return whether something that the person did is not answered yet."""
    return inbox.has_unanswered_input(session.connection(), vault, channel, address)


def _normalize_code(code: str) -> str:
    return "".join(letter for letter in code.upper()[:100] if letter.isalnum())


def _token_fingerprint(vault: Vault, token: str) -> str:
    return vault.fingerprint(dumps(["visit", token[:200]]))


def _address_context(id: str) -> str:
    return f"visit/{id}/address"
