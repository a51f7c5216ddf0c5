"""What is deleted when: one sweep, safe to run at any time and as often as you like."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, delete, exists, func, or_, select, update

from flows.conversation import Conversation
from storage.chats import browser_sessions
from storage.chats.conversations import OFFICER_DAYS, opened_state, state, state_place
from storage.database import Database
from storage.referrals import contact_changes, lifecycle
from storage.reports import daily_counters
from storage.tables import (
    ANSWER,
    CHAT,
    CONVERSATION,
    INBOX,
    INVITATION,
    MESSAGE,
    MISSED,
    OFFICER,
    OUTBOX,
    REFERRAL,
    AnyRow,
    Utc,
)
from storage.vault import Vault, VaultError
from storage.web_tables import LINK, SHOWN, VISIT

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Times:
    """How long things are kept; the privacy notice says these numbers.

    `receipt_days` is also how long an unheard chat is remembered, and `closed_days` runs from
    the day a member of staff closed the referral. `change_days` is how long it is kept what a
    change of contact details was, once a second person decided on it.
    """

    draft_hours: int = 72
    inbox_days: int = 8
    set_aside_days: int = 30
    outbox_hours: int = 24
    message_hours: int = 48
    missed_days: int = 180
    officer_days: int = OFFICER_DAYS
    receipt_days: int = 30
    closed_days: int = 30
    tally_days: int = 400
    change_days: int = 30
    dead_days: int = 30
    shown_hours: int = 36


TIMES = Times()


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were deleted, blanked or erased."""

    drafts: int
    chats: int
    inbox: int
    outbox: int
    messages: int
    missed: int
    invitations: int
    officers: int
    referrals: int
    tallies: int
    changes: int
    visits: int
    links: int
    shown: int


def sweep(conn: Connection, vault: Vault, now: datetime, times: Times = TIMES) -> Swept:
    """Delete what has been kept long enough; return how many of each.

    A referral goes only after a member of staff has opened it and closed it.
    """
    return Swept(
        drafts=_rest_drafts(conn, vault, now, now - timedelta(hours=times.draft_hours)),
        chats=_forget_chats(conn, now, times),
        inbox=_drop_inbox(conn, now, times),
        outbox=_drop_outbox(conn, now, times),
        messages=_drop_old(conn, MESSAGE.c.at, now - timedelta(hours=times.message_hours)),
        missed=_drop_old(conn, MISSED.c.at, now - timedelta(days=times.missed_days)),
        invitations=_drop_old(conn, INVITATION.c.expires_at, now),
        officers=_drop_old(conn, OFFICER.c.seen_at, now - timedelta(days=times.officer_days)),
        referrals=_erase_closed(conn, now, now - timedelta(days=times.closed_days)),
        tallies=daily_counters.drop(conn, (now - timedelta(days=times.tally_days)).date()),
        changes=contact_changes.blank_decided(conn, now - timedelta(days=times.change_days)),
        visits=_drop_visits(conn, now, times),
        links=_drop_old(conn, LINK.c.expires_at, now),
        shown=_drop_old(conn, SHOWN.c.at, now - timedelta(hours=times.shown_hours)),
    )


def erase_free_space(database: Database) -> None:
    """Take what was deleted out of the file itself; run it apart, it needs the file alone."""
    database.erase_free_space()


def _rest_drafts(conn: Connection, vault: Vault, now: datetime, before: datetime) -> int:
    """Blank what was not heard from since `before`; return how many lost their answers."""
    has_answers = exists().where(ANSWER.c.conversation_id == CONVERSATION.c.id)
    columns = (CONVERSATION.c.id, CONVERSATION.c.version, CONVERSATION.c.body)
    idle = (CONVERSATION.c.heard_at <= before, CONVERSATION.c.blanked_at.is_(None))
    query = select(*columns, has_answers.label("has_answers")).where(*idle)
    return sum(_rest(conn, vault, row, now) for row in conn.execute(query).all())


def _rest(conn: Connection, vault: Vault, row: AnyRow, now: datetime) -> bool:
    rested = _rested(_opened(vault, row), row.has_answers)
    values = {
        "version": row.version + 1,
        "stage": rested.stage,
        "reference": None,
        "body": vault.seal(state(rested), state_place(row.id)),
        "blanked_at": now,
    }
    same = (CONVERSATION.c.id == row.id, CONVERSATION.c.version == row.version)
    if conn.execute(update(CONVERSATION).where(*same).values(values)).rowcount == 0:
        return False
    conn.execute(delete(ANSWER).where(ANSWER.c.conversation_id == row.id))
    return bool(row.has_answers)


def _opened(vault: Vault, row: AnyRow) -> Conversation:
    try:
        return opened_state(vault, row.id, row.body)
    except VaultError:
        return Conversation()


def _rested(old: Conversation, has_answers: bool) -> Conversation:
    """Return what stays of a conversation at rest: its language, and the receipt if there is one.

    The step moves on when a draft is lost, so that its buttons belong to an earlier draft.
    """
    kept = Conversation(language=old.language, receipt=old.receipt)
    if has_answers:
        return replace(kept, stage=EXPIRED, step=old.step + 1, began=old.step + 1)
    stage = old.stage if old.receipt else kept.stage
    return replace(kept, stage=stage, journey=old.journey, step=old.step, began=old.began)


def _forget_chats(conn: Connection, now: datetime, times: Times) -> int:
    """Forget conversations at rest for long, and chats that nothing speaks for any more."""
    idle, old = now - timedelta(hours=times.draft_hours), now - timedelta(days=times.receipt_days)
    received = (CONVERSATION.c.sent_at <= old) & (CONVERSATION.c.heard_at <= idle)
    conn.execute(delete(CONVERSATION).where(or_(CONVERSATION.c.heard_at <= old, received)))
    needed = [
        exists().where(table.c.chat_id == CHAT.c.id) for table in (CONVERSATION, OFFICER, REFERRAL)
    ]
    empty = delete(CHAT).where(CHAT.c.created_at <= idle, ~or_(*needed))
    return conn.execute(empty).rowcount


def _drop_inbox(conn: Connection, now: datetime, times: Times) -> int:
    handled = now - timedelta(days=times.inbox_days)
    aside = now - timedelta(days=times.set_aside_days)
    old = or_(
        (INBOX.c.stage == "done") & (INBOX.c.ended_at <= handled),
        (INBOX.c.stage == "set_aside") & (INBOX.c.ended_at <= aside),
    )
    return conn.execute(delete(INBOX).where(old)).rowcount


def _drop_outbox(conn: Connection, now: datetime, times: Times) -> int:
    """Drop what has ended, and what a chat should have had long ago; staff alerts stay.

    What is dead stays longer, for somebody may send it again.
    """
    before = now - timedelta(hours=times.outbox_hours)
    long_before = now - timedelta(days=times.dead_days)
    due = func.coalesce(OUTBOX.c.not_before, OUTBOX.c.put_at, type_=Utc)
    too_late = (OUTBOX.c.stage == "waiting") & OUTBOX.c.chat_id.is_not(None) & (due <= before)
    ended = (OUTBOX.c.stage != "dead") & (OUTBOX.c.ended_at <= before)
    buried = (OUTBOX.c.stage == "dead") & (OUTBOX.c.ended_at <= long_before)
    return conn.execute(delete(OUTBOX).where(or_(ended, buried, too_late))).rowcount


def _drop_old(conn: Connection, at: Column[datetime], before: datetime) -> int:
    return conn.execute(delete(at.table).where(at <= before)).rowcount


def _drop_visits(conn: Connection, now: datetime, times: Times) -> int:
    """Let browsers out that were not seen for long; an officer's stays as long as the officer."""
    idle = now - timedelta(hours=times.draft_hours)
    long_idle = now - timedelta(days=times.officer_days)
    own = VISIT.c.channel == browser_sessions.OFFICER
    old = or_((VISIT.c.seen_at <= idle) & ~own, VISIT.c.seen_at <= long_idle)
    return conn.execute(delete(VISIT).where(old)).rowcount


def _erase_closed(conn: Connection, now: datetime, before: datetime) -> int:
    """Erase what a member of staff opened and closed before then; return how many."""
    read_and_closed = (
        REFERRAL.c.stage == "closed",
        REFERRAL.c.closed_at <= before,
        REFERRAL.c.opened_at.is_not(None),
        ~REFERRAL.c.unseen,
    )
    references = conn.scalars(select(REFERRAL.c.reference).where(*read_and_closed)).all()
    for reference in references:
        lifecycle.erase(conn, reference, lifecycle.CLOCK, now)
    return len(references)
