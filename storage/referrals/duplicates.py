"""Referrals that may be of the same person: found by HMAC-SHA-256 fingerprints, for staff alone."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from flows.record import Record
from flows.referral.match_keys import match_keys_of
from storage.tables import REFERRAL, new_id
from storage.unit import Unit
from storage.web_tables import MATCH_KEY


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Another referral that may be of the same person, and what is the same in both."""

    reference: str
    queue: str
    stage: str
    owner: str | None
    matching_kinds: tuple[str, ...]


def add_match_keys(unit: Unit, referral_id: str, record: Record) -> None:
    """Store the match keys of a referral that is handed over.

    Nothing is looked up: the second referral of a person takes as long as the first.
    """
    marks = [(kind, unit.fingerprint("alike", kind, text)) for kind, text in match_keys_of(record)]
    rows = [
        {"id": new_id(), "referral_id": referral_id, "kind": kind, "fingerprint": mark}
        for kind, mark in marks
    ]
    if rows:
        unit.conn.execute(insert(MATCH_KEY), rows)


def replace_match_keys(unit: Unit, referral_id: str, record: Record) -> None:
    """Replace the match keys of a record that was changed."""
    delete_match_keys(unit, referral_id)
    add_match_keys(unit, referral_id, record)


def delete_match_keys(unit: Unit, referral_id: str) -> None:
    """Delete the match keys of a referral."""
    unit.conn.execute(delete(MATCH_KEY).where(MATCH_KEY.c.referral_id == referral_id))


def possible_duplicates(unit: Unit, referral_id: str) -> tuple[PossibleDuplicate, ...]:
    """Return the other referrals that may be of the same person, the newest first."""
    mine = MATCH_KEY.c.referral_id == referral_id
    own = select(MATCH_KEY.c.kind, MATCH_KEY.c.fingerprint).where(mine)
    keys = {(kind, fingerprint) for kind, fingerprint in unit.conn.execute(own)}
    of_referral = (REFERRAL.c.id, REFERRAL.c.reference, REFERRAL.c.queue, REFERRAL.c.stage)
    query = (
        select(*of_referral, REFERRAL.c.owner, MATCH_KEY.c.kind, MATCH_KEY.c.fingerprint)
        .join(MATCH_KEY, MATCH_KEY.c.referral_id == REFERRAL.c.id)
        .where(
            MATCH_KEY.c.fingerprint.in_({fingerprint for _, fingerprint in keys}),
            MATCH_KEY.c.referral_id != referral_id,
        )
        .order_by(REFERRAL.c.sent_at.desc(), REFERRAL.c.id, MATCH_KEY.c.kind)
    )
    found: dict[str, PossibleDuplicate] = {}
    for row in unit.conn.execute(query):
        if (row.kind, row.fingerprint) in keys:
            same = (*(found[row.id].matching_kinds if row.id in found else ()), row.kind)
            found[row.id] = PossibleDuplicate(row.reference, row.queue, row.stage, row.owner, same)
    return tuple(found.values())


def references_with_duplicates(
    unit: Unit, queues: Collection[str], among: Collection[str]
) -> frozenset[str]:
    """Return those `among` these references that share a match key with another in these queues."""
    other_key, other = MATCH_KEY.alias("other_key"), REFERRAL.alias("other")
    query = (
        select(REFERRAL.c.reference)
        .distinct()
        .join(MATCH_KEY, MATCH_KEY.c.referral_id == REFERRAL.c.id)
        .join(other_key, other_key.c.fingerprint == MATCH_KEY.c.fingerprint)
        .join(other, other.c.id == other_key.c.referral_id)
        .where(REFERRAL.c.reference.in_(among), REFERRAL.c.queue.in_(queues))
        .where(other.c.queue.in_(queues), other.c.id != REFERRAL.c.id)
    )
    return frozenset(unit.conn.scalars(query))
