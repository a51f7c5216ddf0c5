"""Browser sessions: each has a secret token, of which only the fingerprint is stored."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from storage.chats import inbox, one_time_links, outbox, screens
from storage.chats.addresses import address_fingerprint
from storage.chats.one_time_links import LinkKind
from storage.referrals.references import CODE_ALPHABET
from storage.tables import new_id
from storage.unit import Unit
from storage.web_tables import BROWSER_SESSION, LINK

OFFICER_CHANNEL = "officer"
"""A kind of link, and the channel under which an officer's browser is in a conversation."""
CODE_GROUPS, LETTERS_PER_GROUP = 4, 4
"""A code to come back with: four groups of four letters and figures, none like another."""
_BY_TOKEN = select(BROWSER_SESSION).where(BROWSER_SESSION.c.token_fingerprint == bindparam("token"))
LAST_SEEN_INTERVAL = timedelta(seconds=30)
"""Minimum interval between last-seen updates, so that not every page is a write."""


def begin_browser_session(unit: Unit, channel: str, address: str) -> str:
    """Begin a session in the conversation at `address`; return its token."""
    token, id = secrets.token_urlsafe(32), new_id()
    row = {
        "id": id,
        "token_fingerprint": _token_fingerprint(unit, token),
        "channel": channel,
        "address": unit.seal(_address_context(id), address),
        "address_fingerprint": address_fingerprint(unit, channel, address),
        "started_at": unit.now,
        "seen_at": unit.now,
    }
    unit.conn.execute(insert(BROWSER_SESSION), row)
    return token


def session_address(unit: Unit, token: str) -> str | None:
    """Return the address of a session's conversation; None when there is no such session.

    The time it was last seen is updated, at most every LAST_SEEN_INTERVAL.
    """
    found = peek_session(unit, token)
    if found and unit.now - found[1] > LAST_SEEN_INTERVAL:
        mine = BROWSER_SESSION.c.token_fingerprint == _token_fingerprint(unit, token)
        unit.conn.execute(update(BROWSER_SESSION).where(mine).values(seen_at=unit.now))
    return found[0] if found else None


def peek_session(unit: Unit, token: str) -> tuple[str, datetime] | None:
    """Return the address, and when the session was last seen; writes nothing."""
    row = unit.conn.execute(_BY_TOKEN, {"token": _token_fingerprint(unit, token)}).first()
    return (unit.unseal(_address_context(row.id), row.address), row.seen_at) if row else None


def end_browser_session(unit: Unit, token: str) -> bool:
    """End a session; return whether there was one."""
    mine = BROWSER_SESSION.c.token_fingerprint == _token_fingerprint(unit, token)
    return unit.changed(delete(BROWSER_SESSION).where(mine)) == 1


def end_all_browser_sessions(unit: Unit, channel: str, address: str) -> int:
    """End every session of a conversation; return how many there were."""
    mine = BROWSER_SESSION.c.address_fingerprint == address_fingerprint(unit, channel, address)
    return unit.changed(delete(BROWSER_SESSION).where(mine))


def issue_resume_code(unit: Unit, channel: str, address: str, hours: int) -> str:
    """Return a code that opens a conversation once, within `hours`; earlier codes end."""
    mine = LINK.c.address_fingerprint == address_fingerprint(unit, channel, address)
    unit.conn.execute(delete(LINK).where(LINK.c.kind == LinkKind.RESUME, mine))
    groups = [
        "".join(secrets.choice(CODE_ALPHABET) for _ in range(LETTERS_PER_GROUP))
        for _ in range(CODE_GROUPS)
    ]
    code, minutes = "".join(groups), hours * 60
    one_time_links.issue_link(unit, LinkKind.RESUME, channel, address, minutes, code=code)
    return "-".join(groups)


def redeem_resume_code(unit: Unit, code: str) -> tuple[str, str] | None:
    """Return a token and the address of the conversation that a code opens; None for no code.

    Its other sessions end, and its screen is cleared.
    """
    plain = "".join(letter for letter in code.upper()[:100] if letter.isalnum())
    used = one_time_links.redeem_link(unit, LinkKind.RESUME, plain)
    if used is None:
        return None
    inbox.lock_inbox_chats(unit, used.channel, [used.address])
    end_all_browser_sessions(unit, used.channel, used.address)
    screens.clear_screen(unit, used.channel, used.address)
    return begin_browser_session(unit, used.channel, used.address), used.address


def has_pending_work(unit: Unit, channel: str, address: str) -> bool:
    """Return whether something in a conversation is not answered, or not shown, yet."""
    mark = address_fingerprint(unit, channel, address)
    return inbox.has_unanswered_input(unit, channel, address) or outbox.has_due_output(unit, mark)


def _token_fingerprint(unit: Unit, token: str) -> str:
    return unit.fingerprint("visit", token[:200])


def _address_context(id: str) -> str:
    return f"visit/{id}/address"
