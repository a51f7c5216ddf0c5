"""Referrals that may be of the same person: only keyed hashes are kept, for staff alone."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert
from sqlmodel import Session, col, select

from flows.record import Record
from flows.referral.match_keys import marks_of
from storage.serialization import write
from storage.tables import Referral, new_id
from storage.vault import Vault
from storage.web_tables import LIKENESS, Likeness


@dataclass(frozen=True, slots=True)
class Alike:
    """Another referral that may be of the same person, and what is the same in both."""

    reference: str
    queue: str
    stage: str
    owner: str | None
    same: tuple[str, ...]


def keep(conn: Connection, vault: Vault, referral_id: str, record: Record) -> None:
    """Keep the hashes of a referral that is handed over.

    Nothing is looked up: a second referral of a person is no more work than the first.
    """
    rows = [
        {
            "id": new_id(),
            "referral_id": referral_id,
            "kind": kind,
            "print": _print(vault, kind, text),
        }
        for kind, text in marks_of(record)
    ]
    if rows:
        conn.execute(insert(LIKENESS), rows)


def renew(conn: Connection, vault: Vault, referral_id: str, record: Record) -> None:
    """Keep the hashes of a record that was changed in place of those it had."""
    forget(conn, referral_id)
    keep(conn, vault, referral_id, record)


def forget(conn: Connection, referral_id: str) -> None:
    """Delete the hashes of a referral."""
    conn.execute(delete(LIKENESS).where(LIKENESS.c.referral_id == referral_id))


def alike(session: Session, referral_id: str) -> tuple[Alike, ...]:
    """Return the other referrals that may be of the same person, the newest first."""
    own = select(Likeness.kind, Likeness.print).where(Likeness.referral_id == referral_id)
    marks = {(kind, print) for kind, print in session.exec(own)}
    query = (
        select(Referral, Likeness.kind, Likeness.print)
        .join(Likeness, col(Likeness.referral_id) == col(Referral.id))
        .where(
            col(Likeness.print).in_({print for _, print in marks}),
            Likeness.referral_id != referral_id,
        )
        .order_by(col(Referral.sent_at).desc(), col(Referral.id), col(Likeness.kind))
    )
    found: dict[str, Alike] = {}
    for row, kind, print in session.exec(query):
        if (kind, print) in marks:
            same = (*(found[row.id].same if row.id in found else ()), kind)
            found[row.id] = Alike(row.reference, row.queue, row.stage, row.owner, same)
    return tuple(found.values())


def those_alike(session: Session, queues: Collection[str]) -> frozenset[str]:
    """Return the references in these queues that share a mark with another one in them."""
    here = col(Referral.queue).in_(queues)
    shared = (
        select(Likeness.print)
        .join(Referral, col(Referral.id) == col(Likeness.referral_id))
        .where(here)
        .group_by(col(Likeness.print))
        .having(func.count(func.distinct(col(Likeness.referral_id))) > 1)
    )
    query = (
        select(Referral.reference)
        .join(Likeness, col(Likeness.referral_id) == col(Referral.id))
        .where(here, col(Likeness.print).in_(shared))
    )
    return frozenset(session.exec(query))


def _print(vault: Vault, kind: str, text: str) -> str:
    return vault.fingerprint(write(["alike", kind, text]))
