"""Retention: what is deleted when, in one idempotent sweep."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Table, delete, exists, func, or_, select, update

from flows.casework import ReferralStage
from flows.conversation import Conversation
from flows.stages import Stage
from storage.chats import browser_sessions
from storage.chats.conversations import OFFICER_DAYS, serialize_state, state_context, unseal_state
from storage.chats.inbox import InboxStage
from storage.chats.outbox import ENDED_STAGES, OutboxStage
from storage.referrals import acts, contact_changes
from storage.referrals.released_chats import release_chats
from storage.referrals.steps import CLOCK
from storage.reports import daily_counters
from storage.sql import without_index
from storage.tables import (
    ANSWER,
    CHAT,
    CONVERSATION,
    INBOX,
    INVITATION,
    MESSAGE,
    MISSED_QUESTION,
    OFFICER,
    OUTBOX,
    REFERRAL,
    AnyRow,
    UtcDateTime,
)
from storage.unit import Unit
from storage.vault import VaultError
from storage.web_tables import BROWSER_SESSION, LINK, SCREEN_MESSAGE


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """How long each kind of row is stored; the privacy notice states these numbers.

    `receipt_days` is also how long a chat without input is stored, and `closed_days` runs from
    the day a member of staff closed the referral. `contact_change_days` is how
    long the content of a contact change is kept once a second person decided on it.
    """

    draft_hours: int = 72
    inbox_days: int = 8
    set_aside_days: int = 30
    outbox_hours: int = 24
    message_hours: int = 48
    missed_question_days: int = 180
    officer_days: int = OFFICER_DAYS
    receipt_days: int = 30
    closed_days: int = 30
    counter_days: int = 400
    contact_change_days: int = 30
    dead_letter_days: int = 30
    screen_hours: int = 36


DEFAULT_PERIODS = RetentionPeriods()


@dataclass(frozen=True, slots=True)
class SweepCounts:
    """How many of each were deleted, blanked or erased."""

    drafts: int
    chats: int
    inbox: int
    outbox: int
    messages: int
    missed_questions: int
    invitations: int
    officers: int
    referrals: int
    daily_counters: int
    contact_changes: int
    browser_sessions: int
    links: int
    screen_messages: int


def sweep(unit: Unit, periods: RetentionPeriods = DEFAULT_PERIODS) -> SweepCounts:
    """Delete what is past its retention period; return how many of each.

    A referral goes only after a member of staff has opened it and closed it.
    """
    unit.recent.drop_idle(unit.now)
    return SweepCounts(
        drafts=_blank_idle_drafts(unit, unit.now - timedelta(hours=periods.draft_hours)),
        chats=_delete_idle_chats(unit, periods),
        inbox=_drop_inbox(unit, periods),
        outbox=_drop_outbox(unit, periods),
        messages=_drop_old(unit, MESSAGE.c.at, hours=periods.message_hours),
        missed_questions=_drop_old(unit, MISSED_QUESTION.c.at, days=periods.missed_question_days),
        invitations=_drop_old(unit, INVITATION.c.expires_at),
        officers=_drop_officers(unit, unit.now - timedelta(days=periods.officer_days)),
        referrals=_erase_closed(unit, unit.now - timedelta(days=periods.closed_days)),
        daily_counters=_drop_counters(unit, periods),
        contact_changes=_blank_contact_changes(unit, periods),
        browser_sessions=_drop_browser_sessions(unit, periods),
        links=_drop_old(unit, LINK.c.expires_at),
        screen_messages=_drop_old(unit, SCREEN_MESSAGE.c.at, hours=periods.screen_hours),
    )


def _blank_idle_drafts(unit: Unit, before: datetime) -> int:
    """Blank conversations without input since `before`; return how many lost their answers."""
    has_answers = exists().where(ANSWER.c.conversation_id == CONVERSATION.c.id)
    columns = (CONVERSATION.c.id, CONVERSATION.c.version, CONVERSATION.c.body)
    idle = (CONVERSATION.c.last_input_at <= before, CONVERSATION.c.blanked_at.is_(None))
    query = select(*columns, has_answers.label("has_answers")).where(*idle)
    return sum(blank_conversation(unit, row) for row in unit.conn.execute(query).all())


def blank_conversation(unit: Unit, row: AnyRow) -> bool:
    """Delete what a conversation holds; return whether it lost answers.

    `row` has its `id`, `version` and `body`, and whether it `has_answers`.
    """
    rested = _blanked_conversation(_unseal_or_empty(unit, row), row.has_answers)
    values = {
        "version": row.version + 1,
        "stage": rested.stage,
        "reference": None,
        "body": unit.seal(state_context(row.id), serialize_state(rested)),
        "blanked_at": unit.now,
    }
    same = (CONVERSATION.c.id == row.id, CONVERSATION.c.version == row.version)
    if unit.changed(update(CONVERSATION).where(*same).values(values)) == 0:
        return False
    unit.conn.execute(delete(ANSWER).where(ANSWER.c.conversation_id == row.id))
    return bool(row.has_answers)


def _unseal_or_empty(unit: Unit, row: AnyRow) -> Conversation:
    try:
        return unseal_state(unit, row.id, row.body)
    except VaultError:
        return Conversation()


def _blanked_conversation(conversation: Conversation, has_answers: bool) -> Conversation:
    """Return what stays of an idle conversation: its language, and the receipt if there is one.

    The prompt id grows when a draft is deleted, so that its buttons belong to an earlier draft.
    """
    kept = Conversation(language=conversation.language, receipt=conversation.receipt)
    if has_answers:
        epoch = conversation.prompt_id + 1
        return replace(kept, stage=Stage.EXPIRED, prompt_id=epoch, draft_epoch=epoch)
    return replace(
        kept,
        stage=conversation.stage if conversation.receipt else kept.stage,
        journey=conversation.journey,
        prompt_id=conversation.prompt_id,
        draft_epoch=conversation.draft_epoch,
    )


def _delete_idle_chats(unit: Unit, periods: RetentionPeriods) -> int:
    """Delete conversations idle for long, and chats that no row refers to; return how many."""
    idle = unit.now - timedelta(hours=periods.draft_hours)
    old = unit.now - timedelta(days=periods.receipt_days)
    received = (CONVERSATION.c.sent_at <= old) & (
        without_index(CONVERSATION.c.last_input_at) <= idle
    )
    forgotten = or_(CONVERSATION.c.last_input_at <= old, received)
    _delete_and_release(unit, CONVERSATION, forgotten)
    # Only a released chat can be one that nothing refers to: no other is looked at.
    tables = (CONVERSATION, OFFICER, REFERRAL)
    needed = or_(*(exists().where(table.c.chat_id == CHAT.c.id) for table in tables))
    released = CHAT.c.released_at.is_not(None)
    unit.conn.execute(update(CHAT).where(released, needed).values(released_at=None))
    return unit.changed(delete(CHAT).where(released, CHAT.c.created_at <= idle, ~needed))


def _drop_officers(unit: Unit, before: datetime) -> int:
    return _delete_and_release(unit, OFFICER, OFFICER.c.seen_at <= before)


def _delete_and_release(unit: Unit, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete rows that need their chats, and release those chats; return how many rows."""
    gone = delete(table).where(condition).returning(table.c.chat_id)
    chat_ids = unit.conn.scalars(gone).all()
    release_chats(unit, chat_ids)
    return len(chat_ids)


def _drop_inbox(unit: Unit, periods: RetentionPeriods) -> int:
    handled = unit.now - timedelta(days=periods.inbox_days)
    aside = unit.now - timedelta(days=periods.set_aside_days)
    old = or_(
        (INBOX.c.stage == InboxStage.DONE) & (INBOX.c.ended_at <= handled),
        (INBOX.c.stage == InboxStage.SET_ASIDE) & (INBOX.c.ended_at <= aside),
    )
    return unit.changed(delete(INBOX).where(old))


def _drop_outbox(unit: Unit, periods: RetentionPeriods) -> int:
    """Delete what has ended, and what a chat should have had long ago; staff alerts stay.

    Dead letters stay longer, for somebody may send them again.
    """
    stage, ended_at = OUTBOX.c.stage, OUTBOX.c.ended_at
    before = unit.now - timedelta(hours=periods.outbox_hours)
    long_before = unit.now - timedelta(days=periods.dead_letter_days)
    due = func.coalesce(OUTBOX.c.not_before, OUTBOX.c.enqueued_at, type_=UtcDateTime)
    too_late = (stage == OutboxStage.WAITING) & OUTBOX.c.chat_id.is_not(None) & (due <= before)
    ended = stage.in_(ENDED_STAGES) & (ended_at <= before)
    buried = (stage == OutboxStage.DEAD) & (ended_at <= long_before)
    return unit.changed(delete(OUTBOX).where(or_(ended, buried, too_late)))


def _drop_old(unit: Unit, time: Column[datetime], **age: int) -> int:
    """Delete the rows whose `time` is that many hours or days ago; 0 where none are said."""
    return unit.changed(delete(time.table).where(time <= unit.now - timedelta(**age)))


def _drop_counters(unit: Unit, periods: RetentionPeriods) -> int:
    before = unit.now - timedelta(days=periods.counter_days)
    return daily_counters.delete_counters_before(unit, before.date())


def _blank_contact_changes(unit: Unit, periods: RetentionPeriods) -> int:
    before = unit.now - timedelta(days=periods.contact_change_days)
    return contact_changes.blank_decided(unit, before)


def _drop_browser_sessions(unit: Unit, periods: RetentionPeriods) -> int:
    """Delete idle sessions; an officer's stays as long as the officer."""
    idle = unit.now - timedelta(hours=periods.draft_hours)
    long_idle = unit.now - timedelta(days=periods.officer_days)
    own = BROWSER_SESSION.c.channel == browser_sessions.OFFICER_CHANNEL
    old = or_((BROWSER_SESSION.c.seen_at <= idle) & ~own, BROWSER_SESSION.c.seen_at <= long_idle)
    return unit.changed(delete(BROWSER_SESSION).where(old))


def _erase_closed(unit: Unit, before: datetime) -> int:
    """Erase what a member of staff opened and closed before then; return how many."""
    read_and_closed = (
        REFERRAL.c.stage == ReferralStage.CLOSED,
        REFERRAL.c.closed_at <= before,
        REFERRAL.c.opened_at.is_not(None),
        ~REFERRAL.c.unseen,
    )
    references = unit.conn.scalars(select(REFERRAL.c.reference).where(*read_and_closed)).all()
    for reference in references:
        acts.erase(unit, reference, CLOCK)
    return len(references)
