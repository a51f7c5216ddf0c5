"""Referrals and steps as rows: sealed when written, unsealed when read."""

from dataclasses import dataclass
from datetime import datetime

from flows.casework import ReferralStage
from flows.record import Record
from flows.vocabulary import Queue
from storage import serialization
from storage.row_mapping import from_row
from storage.tables import AnyRow
from storage.unit import Unit

AnswerPairs = tuple[tuple[str, str], ...]
"""Answers as (question, value)."""


class ReferralErased(LookupError):
    """There was a referral with this reference; what it said is gone."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One line of the staff queue: nothing that a person said.

    `unseen` when the person did something no member of staff has looked at, `late` when the
    promised time has passed, `until` when staff want to come back to it.
    """

    reference: str
    queue: str
    provider: str
    sent_at: datetime
    due: datetime
    zone: str
    stage: str
    owner: str | None
    lease_until: datetime | None
    until: datetime | None
    urgent: bool
    may_contact: bool
    hold: bool
    unseen: bool
    late: bool
    source: str
    journey: str
    flags: tuple[str, ...]

    @property
    def needs_check(self) -> bool:
        """Return whether a person decides first whether it can be worked on."""
        return self.hold or self.queue == Queue.CHECK


@dataclass(frozen=True, slots=True)
class ReferralStep:
    """One act that was taken on a referral, and the stage it led to."""

    act: str
    actor: str
    at: datetime
    stage: str
    note: str
    until: datetime | None


def referral_row_values(
    unit: Unit, id: str, record: Record, chat_id: str | None
) -> dict[str, object]:
    """Return a referral as a row: the record and its flags sealed, the rest as it is."""
    return {
        "id": id,
        "reference": record.reference,
        "chat_id": chat_id,
        "queue": record.queue,
        "provider": record.provider,
        "source": record.source,
        "journey": record.journey,
        "stage": ReferralStage.NEW,
        "hold": record.hold,
        "urgent": record.urgent,
        "may_contact": record.may_contact,
        "unseen": False,
        "body": unit.seal(_record_context(id, record.reference), serialization.dumps(record)),
        "flags": seal_flags(unit, id, list(record.flags)),
        "sent_at": record.sent_at,
        "due": record.due,
        "zone": record.zone,
    }


def unseal_record(unit: Unit, row: AnyRow) -> Record:
    """Return the record in a row; raise ReferralErased when it is gone."""
    if row.body is None:
        raise ReferralErased(row.reference)
    text = unit.unseal(_record_context(row.id, row.reference), row.body)
    return serialization.loads(Record, text)


def unseal_answer_pairs(unit: Unit, row: AnyRow) -> AnswerPairs:
    """Return what was answered in a row, as (question, value): much quicker than the record."""
    told = serialization.loads_dict(unit.unseal(_record_context(row.id, row.reference), row.body))
    lines = [*told["lines"], *told["safe_contact"]]
    by_officer = [(key, told.get(key, "")) for key in ("officer_name", "officer_contact")]
    return (*((one["question"], one["value"]) for one in lines), *by_officer)


def entry_from_row(unit: Unit, row: AnyRow) -> QueueEntry:
    """Return a row as a line of the queue."""
    flags = unseal_flags(unit, row.id, row.flags)
    return from_row(QueueEntry, row, late=row.due < unit.now, flags=flags)


def step_from_row(unit: Unit, step: AnyRow) -> ReferralStep:
    """Return a step with its note unsealed."""
    note = unit.unseal(note_context(step.referral_id, step.id), step.note) if step.note else ""
    return from_row(ReferralStep, step, note=note)


def unseal_flags(unit: Unit, id: str, sealed: bytes | None) -> tuple[str, ...]:
    """Return the flags of a referral; none once they are erased."""
    if sealed is None:
        return ()
    return tuple(serialization.loads_dict(unit.unseal(_flags_context(id), sealed))["flags"])


def seal_flags(unit: Unit, id: str, flags: list[str]) -> bytes:
    """Return the flags of a referral, sealed."""
    return unit.seal(_flags_context(id), serialization.dumps({"flags": flags}))


def _record_context(id: str, reference: str) -> str:
    return f"referral/{id}/{reference}/record"


def _flags_context(id: str) -> str:
    return f"referral/{id}/flags"


def note_context(referral_id: str, step_id: str) -> str:
    """Return the context that a step's note is sealed for."""
    return f"referral/{referral_id}/step/{step_id}/note"
