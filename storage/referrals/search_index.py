"""The index of the desk's search: what it compares, sealed in shards by the ids of the referrals.

Whoever takes the file learns nothing from it but sizes: equal names are sealed differently.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import delete, select, update

from flows.referral.search_terms import SearchTerm, index_line
from storage.referrals.rows import unseal_answer_pairs
from storage.serialization import DecodeError
from storage.sql import upsert
from storage.tables import REFERRAL, AnyRow
from storage.unit import Unit
from storage.vault import VaultError
from storage.web_tables import SEARCH_SHARD

log = logging.getLogger("rj.search")
MAX_FOUND = 50
"""How many referrals a search finds: the newest; more would be opened for nobody to read."""
MAX_UNINDEXED = 5000
"""How many of the newest that are not in the index yet are opened by a search."""
INDEX_AT_ONCE = 500
"""How many are taken into the index in one transaction: about a fifth of a second."""
_OPEN_AT_ONCE = 17
"""How many records are opened at a time: of a frequent name one more than are shown, in three."""
_SHARD_LETTERS = 2
"""How many letters of an id name its shard: 256 shards, of a few kilobytes each in use."""
_R = REFERRAL.c
_TO_INDEX = (_R.indexed_at.is_(None), _R.body.is_not(None))


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """A referral that was found, and what matched: name or number; never what was said."""

    reference: str
    stage: str
    matched: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, the newest first; `truncated` when there may be more."""

    matches: tuple[SearchMatch, ...]
    truncated: bool


def search(unit: Unit, term: SearchTerm, queues: Collection[str]) -> SearchResult:
    """Return the newest referrals of some queues in whose answers something matches.

    The index says where it may be; those are opened, so that none is found by mistake.
    """
    unindexed = select(_R.sent_at, _R.id).where(*_TO_INDEX).order_by(_R.sent_at.desc())
    newest = unit.conn.execute(unindexed.limit(MAX_UNINDEXED + 1)).all()
    possible = {(_seconds(row.sent_at), row.id) for row in newest[:MAX_UNINDEXED]}
    possible.update(_find_in_shards(unit, term))
    ids = [id for _, id in sorted(possible, reverse=True)]
    found: list[SearchMatch] = []
    for start in range(0, len(ids), _OPEN_AT_ONCE):
        found += _open_and_match(unit, term, queues, ids[start : start + _OPEN_AT_ONCE])
        if len(found) > MAX_FOUND:
            break
    truncated = len(found) > MAX_FOUND or len(newest) > MAX_UNINDEXED
    return SearchResult(tuple(found[:MAX_FOUND]), truncated)


def index_new(unit: Unit, limit: int = INDEX_AT_ONCE) -> int:
    """Take the newest referrals that lack into the index, at most `limit`; return how many.

    Only where nobody else writes: two that change one shard would lose a line.
    """
    columns = (_R.id, _R.reference, _R.sent_at, _R.body)
    query = select(*columns).where(*_TO_INDEX).order_by(_R.sent_at.desc()).limit(limit)
    rows = sorted(unit.conn.execute(query).all(), key=lambda row: str(row.id))
    for shard, members in groupby(rows, key=lambda row: shard_of(row.id)):
        _store_lines(unit, shard, {**_load_lines(unit, shard), **_lines_of(unit, members)})
    taken = _R.id.in_([row.id for row in rows])
    unit.conn.execute(update(REFERRAL).where(taken).values(indexed_at=unit.now))
    return len(rows)


def remove_from_index(unit: Unit, referral_id: str) -> None:
    """Take a referral out of the index; only where nobody else writes."""
    shard = shard_of(referral_id)
    lines = _load_lines(unit, shard)
    if lines.pop(referral_id, ""):
        _store_lines(unit, shard, lines)


def shard_of(referral_id: str) -> str:
    """Return the id of the shard that holds the line of a referral."""
    return referral_id[:_SHARD_LETTERS]


def _find_in_shards(unit: Unit, term: SearchTerm) -> Iterator[tuple[int, str]]:
    """Give when it was sent, and its id, of each referral whose line may match.

    Of a shard that cannot be opened those are all whose ids name it.
    """
    for row in unit.conn.execute(select(SEARCH_SHARD.c.id, SEARCH_SHARD.c.body)).all():
        try:
            lines = _unseal_lines(unit, row.id, row.body)
        except VaultError:
            log.error("row_unreadable", extra={"code": "search_shard"})
            of_shard = select(_R.sent_at, _R.id).where(_R.id.startswith(row.id, autoescape=True))
            yield from ((_seconds(one.sent_at), one.id) for one in unit.conn.execute(of_shard))
            continue
        for line in term.filter_lines(lines):
            id, seconds = _head(line)
            yield int(seconds), id


def _open_and_match(
    unit: Unit, term: SearchTerm, queues: Collection[str], ids: list[str]
) -> Iterator[SearchMatch]:
    columns = (_R.id, _R.reference, _R.queue, _R.stage, _R.body)
    query = select(*columns).where(_R.id.in_(ids), _R.body.is_not(None))
    # Looked up by id alone: an index of the queues would find thousands of them first.
    rows = {row.id: row for row in unit.conn.execute(query) if row.queue in queues}
    for row in (rows[id] for id in ids if id in rows):
        try:
            matched = term.match_in(unseal_answer_pairs(unit, row))
        except (VaultError, DecodeError):
            log.error("row_unreadable", extra={"code": "referral"})
            continue
        if matched:
            yield SearchMatch(row.reference, row.stage, matched)


def _lines_of(unit: Unit, rows: Iterable[AnyRow]) -> dict[str, str]:
    """Return the lines of referrals by their ids: id and time, then what a search compares.

    What cannot be opened, or holds nothing to be found, has an empty one.
    """
    lines = {}
    for row in rows:
        try:
            answers = index_line(unseal_answer_pairs(unit, row))
        except (VaultError, DecodeError):
            log.error("row_unreadable", extra={"code": "referral"})
            answers = ""
        # No word that is looked for has a capital letter, and no number ends with one.
        lines[row.id] = f"{row.id.upper()} {_seconds(row.sent_at)}Z{answers}" if answers else ""
    return lines


def _head(line: str) -> tuple[str, str]:
    """Return the id of a line's referral, and the seconds of the time when it was sent."""
    id, seconds = line.partition("Z")[0].split(" ")
    return id.lower(), seconds


def _load_lines(unit: Unit, shard: str) -> dict[str, str]:
    """Return the lines of a shard; one that cannot be opened is made anew from its referrals."""
    body = unit.conn.scalar(select(SEARCH_SHARD.c.body).where(SEARCH_SHARD.c.id == shard))
    try:
        lines = _unseal_lines(unit, shard, body) if body else []
    except VaultError:
        log.error("row_unreadable", extra={"code": "search_shard"})
        anew = update(REFERRAL).where(_R.id.startswith(shard, autoescape=True))
        unit.conn.execute(anew.values(indexed_at=None))
        unit.conn.execute(delete(SEARCH_SHARD).where(SEARCH_SHARD.c.id == shard))
        return {}
    return {_head(line)[0]: line for line in lines}


def _store_lines(unit: Unit, shard: str, lines: Mapping[str, str]) -> None:
    """Store the lines of a shard that are not empty; without any the shard goes."""
    text = "\n".join(line for line in lines.values() if line)
    if not text:
        unit.conn.execute(delete(SEARCH_SHARD).where(SEARCH_SHARD.c.id == shard))
        return
    sealed = unit.seal(_shard_context(shard), text)
    put = upsert(SEARCH_SHARD).values(id=shard, body=sealed)
    unit.conn.execute(put.on_conflict_do_update(index_elements=["id"], set_={"body": sealed}))


def _unseal_lines(unit: Unit, shard: str, body: bytes) -> list[str]:
    return unit.unseal(_shard_context(shard), body).split("\n")


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _shard_context(shard: str) -> str:
    return f"search/{shard}"
