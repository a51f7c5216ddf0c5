"""Referrals that may be of the same person: only keyed hashes are kept, for staff alone."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert
from sqlmodel import Session, col, select

from flows.record import Record
from flows.referral.match_keys import match_keys_of
from storage.serialization import dumps
from storage.tables import ReferralRow, new_id
from storage.vault import Vault
from storage.web_tables import MATCH_KEY, MatchKeyRow


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Another referral that may be of the same person, and what is the same in both."""

    reference: str
    queue: str
    stage: str
    owner: str | None
    matching_kinds: tuple[str, ...]


def add_match_keys(conn: Connection, vault: Vault, referral_id: str, record: Record) -> None:
    """Keep the hashes of a referral that is handed over.

    Nothing is looked up: a second referral of a person is no more work than the first.
    """
    rows = [
        {
            "id": new_id(),
            "referral_id": referral_id,
            "kind": kind,
            "print": _match_key_fingerprint(vault, kind, text),
        }
        for kind, text in match_keys_of(record)
    ]
    if rows:
        conn.execute(insert(MATCH_KEY), rows)


def replace_match_keys(conn: Connection, vault: Vault, referral_id: str, record: Record) -> None:
    """Keep the hashes of a record that was changed in place of those it had."""
    delete_match_keys(conn, referral_id)
    add_match_keys(conn, vault, referral_id, record)


def delete_match_keys(conn: Connection, referral_id: str) -> None:
    """Delete the hashes of a referral."""
    conn.execute(delete(MATCH_KEY).where(MATCH_KEY.c.referral_id == referral_id))


def possible_duplicates(session: Session, referral_id: str) -> tuple[PossibleDuplicate, ...]:
    """Return the other referrals that may be of the same person, the newest first."""
    own = select(MatchKeyRow.kind, MatchKeyRow.print).where(MatchKeyRow.referral_id == referral_id)
    marks = {(kind, print) for kind, print in session.exec(own)}
    query = (
        select(ReferralRow, MatchKeyRow.kind, MatchKeyRow.print)
        .join(MatchKeyRow, col(MatchKeyRow.referral_id) == col(ReferralRow.id))
        .where(
            col(MatchKeyRow.print).in_({print for _, print in marks}),
            MatchKeyRow.referral_id != referral_id,
        )
        .order_by(col(ReferralRow.sent_at).desc(), col(ReferralRow.id), col(MatchKeyRow.kind))
    )
    found: dict[str, PossibleDuplicate] = {}
    for row, kind, print in session.exec(query):
        if (kind, print) in marks:
            same = (*(found[row.id].matching_kinds if row.id in found else ()), kind)
            found[row.id] = PossibleDuplicate(row.reference, row.queue, row.stage, row.owner, same)
    return tuple(found.values())


def references_with_duplicates(session: Session, queues: Collection[str]) -> frozenset[str]:
    """Return the references in these queues that share a mark with another one in them."""
    here = col(ReferralRow.queue).in_(queues)
    shared = (
        select(MatchKeyRow.print)
        .join(ReferralRow, col(ReferralRow.id) == col(MatchKeyRow.referral_id))
        .where(here)
        .group_by(col(MatchKeyRow.print))
        .having(func.count(func.distinct(col(MatchKeyRow.referral_id))) > 1)
    )
    query = (
        select(ReferralRow.reference)
        .join(MatchKeyRow, col(MatchKeyRow.referral_id) == col(ReferralRow.id))
        .where(here, col(MatchKeyRow.print).in_(shared))
    )
    return frozenset(session.exec(query))


def _match_key_fingerprint(vault: Vault, kind: str, text: str) -> str:
    return vault.fingerprint(dumps(["alike", kind, text]))
