"""What must stay gone when an older backup is restored, and how it is taken out again."""

from dataclasses import dataclass

from sqlalchemy import delete, exists, select, update

from flows.casework import Act
from storage import retention
from storage.chats import officer_registry
from storage.chats.outbox import IS_WAITING, OutboxStage
from storage.referrals import acts, lifecycle
from storage.row_mapping import from_row
from storage.tables import ANSWER, CONVERSATION, INVITATION, OUTBOX, REFERRAL
from storage.unit import Unit
from storage.web_tables import API_KEY, LINK, SIGN_IN, STAFF

RESTORE_ACTOR = "restore"
_HAS_ANSWERS = exists().where(ANSWER.c.conversation_id == CONVERSATION.c.id)


@dataclass(frozen=True, slots=True)
class EmptiedConversation:
    """A conversation that holds no answers any more, with the version at which it did not."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class ErasureList:
    """What was erased, deleted, disabled or revoked, by random ids; nothing personal.

    Of `stopped` referrals the person asked to hear nothing more. Accounts, officers (by chat) and
    API keys are those that may do nothing any more.
    """

    referrals: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    conversations: tuple[EmptiedConversation, ...] = ()
    accounts: tuple[str, ...] = ()
    officers: tuple[str, ...] = ()
    api_keys: tuple[str, ...] = ()


def list_erasures(unit: Unit) -> ErasureList:
    """Return what must stay gone from now on."""
    empty = select(CONVERSATION.c.id, CONVERSATION.c.version).where(~_HAS_ANSWERS)
    erased = select(REFERRAL.c.reference).where(REFERRAL.c.erased_at.is_not(None))
    stopped = select(REFERRAL.c.reference).where(~REFERRAL.c.may_contact)
    return ErasureList(
        tuple(unit.conn.scalars(erased)),
        tuple(unit.conn.scalars(stopped)),
        tuple(from_row(EmptiedConversation, row) for row in unit.conn.execute(empty)),
        tuple(unit.conn.scalars(select(STAFF.c.id).where(STAFF.c.disabled_at.is_not(None)))),
        tuple(officer_registry.revoked_chats(unit)),
        tuple(unit.conn.scalars(select(API_KEY.c.id).where(API_KEY.c.revoked_at.is_not(None)))),
    )


def apply_erasures(unit: Unit, gone: ErasureList) -> int:
    """Take out of a restored database what is gone; return how much of it had come back."""
    return (
        sum(acts.erase_again(unit, reference, RESTORE_ACTOR) for reference in gone.referrals)
        + _stop_contact(unit, gone.stopped)
        + _blank_conversations(unit, gone.conversations)
        + _disable_accounts(unit, gone.accounts)
        + officer_registry.revoke_again(unit, gone.officers)
        + _revoke_api_keys(unit, gone.api_keys)
    )


def end_what_a_backup_revives(unit: Unit) -> None:
    """End what may have been used up or ended since the backup, and what would be sent again.

    That is every sign-in of staff, every one-time link and invitation, and the messages to people
    that waited: on their phones these would be old, and nobody knows who looks at them now.
    """
    for table in (SIGN_IN, LINK, INVITATION):
        unit.conn.execute(delete(table))
    unit.conn.execute(update(STAFF).values(code_fingerprint=None, code_expires_at=None))
    to_people = (IS_WAITING, OUTBOX.c.chat_id.is_not(None))
    withheld = {"stage": OutboxStage.WITHHELD, "body": None, "ended_at": unit.now}
    unit.conn.execute(update(OUTBOX).where(*to_people).values(withheld))


def _stop_contact(unit: Unit, references: tuple[str, ...]) -> int:
    back = (REFERRAL.c.reference.in_(references), REFERRAL.c.may_contact)
    found = unit.conn.scalars(select(REFERRAL.c.reference).where(*back)).all()
    for reference in found:
        lifecycle.stop_contact(unit, reference, Act.WITHDRAW)
    return len(found)


def _blank_conversations(unit: Unit, emptied: tuple[EmptiedConversation, ...]) -> int:
    versions = {one.id: one.version for one in emptied}
    columns = (CONVERSATION.c.id, CONVERSATION.c.version, CONVERSATION.c.body)
    query = select(*columns, _HAS_ANSWERS.label("has_answers")).where(_HAS_ANSWERS)
    rows = unit.conn.execute(query).all()
    return sum(
        retention.blank_conversation(unit, row)
        for row in rows
        if row.version < versions.get(row.id, 0)
    )


def _disable_accounts(unit: Unit, ids: tuple[str, ...]) -> int:
    back = (STAFF.c.id.in_(ids), STAFF.c.disabled_at.is_(None))
    return unit.changed(update(STAFF).where(*back).values(disabled_at=unit.now))


def _revoke_api_keys(unit: Unit, ids: tuple[str, ...]) -> int:
    back = (API_KEY.c.id.in_(ids), API_KEY.c.revoked_at.is_(None))
    return unit.changed(update(API_KEY).where(*back).values(revoked_at=unit.now))
