"""One unit of work: a transaction's connection, the vault, and the time that it happens at."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, exists, select

from storage.recent import RecentConversation, RecentConversations
from storage.serialization import dumps
from storage.tables import AnyRow
from storage.vault import Vault


class StaleRow(Exception):
    """Somebody else has written this row since it was read; read it and try again."""


Rows = dict[Executable, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Unit:
    """What every storage function takes first. `now` (aware) is the time of this transaction.

    An AAD context and the first part of a fingerprint are names inside stored data: a change
    to one makes every row that was stored under it unreadable, or impossible to find.
    """

    unflushed: Connection
    """The connection for statements about rows that `add` was never given; `conn` for all else."""
    vault: Vault
    now: datetime
    recent: RecentConversations = field(default_factory=RecentConversations)
    saved: dict[str, RecentConversation] = field(default_factory=dict)
    """What `recent` learns when this is committed, by conversation id."""
    signals: set[str] = field(default_factory=set)
    """Who is woken when this is committed: the inbox, or a channel of the outbox."""
    chat_lock: Callable[[Connection, Iterable[str]], None] | None = None
    """What locks chats where others write beside this unit of work; None where nobody does."""
    chat_rows: dict[tuple[str, str], AnyRow | None] = field(default_factory=dict)
    """Chats that were read ahead, by channel and address; each is taken out when it is used."""
    increments: Counter[tuple[date, str, str]] = field(default_factory=Counter)
    """Daily counters to increment when this is committed, by day, event and key."""
    _added: Rows = field(default_factory=dict)
    _versioned: set[Executable] = field(default_factory=set)

    @property
    def conn(self) -> Connection:
        """Return the connection, once all that was added is written: a query sees its own rows."""
        self.flush()
        return self.unflushed

    def add(self, statement: Executable, row: Mapping[str, Any]) -> None:
        """Run `statement` for this row, with all that are added for it, before the next query.

        A batch of turns adds hundreds of rows to the same few tables: one executemany a table.
        """
        self._added.setdefault(statement, []).append(row)

    def add_versioned(self, statement: Executable, row: Mapping[str, Any]) -> None:
        """Run an update as `add` does, where it has to find the one row at the version it names."""
        self._versioned.add(statement)
        self.add(statement, row)

    def flush(self) -> None:
        """Write what was added; raise StaleRow where a row is no longer at its version."""
        while self._added:
            statement = next(iter(self._added))
            rows = self._added.pop(statement)
            changed = self.unflushed.execute(statement, rows)
            if statement in self._versioned and changed.rowcount != len(rows):
                raise StaleRow

    def lock_chats(self, fingerprints: Iterable[str]) -> None:
        """Wait until nobody else has these chats; keep them from others until this is committed.

        They are named by the fingerprints of their addresses.
        """
        if self.chat_lock:
            self.chat_lock(self.unflushed, fingerprints)

    def recent_conversation(self, id: str, version: int) -> RecentConversation | None:
        """Return a conversation as it is stored at this version, if it is in memory."""
        saved = self.saved.get(id)
        return saved if saved and saved.version == version else self.recent.find(id, version)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happens inside, and only that, when it raises."""
        counted = self.increments.copy()
        with self.conn.begin_nested():
            try:
                yield
                self.flush()
            except BaseException:
                self._added.clear()
                self.saved.clear()
                self.increments.clear()
                self.increments.update(counted)
                raise

    def first(self, query: Executable) -> AnyRow | None:
        """Return the first row that a query finds, None when it finds none."""
        return self.conn.execute(query).first()

    def changed(self, statement: Executable) -> int:
        """Run an update or a delete; return how many rows it was about."""
        return self.conn.execute(statement).rowcount

    def exists(self, *conditions: ColumnElement[bool]) -> bool:
        """Return whether there is a row that fits all of these."""
        return bool(self.conn.scalar(select(exists().where(*conditions))))

    def seal(self, context: str, text: str) -> bytes:
        """Return `text` sealed with AES-256-GCM, bound to `context` as associated data."""
        return self.vault.seal(text, context)

    def unseal(self, context: str, sealed: bytes) -> str:
        """Return what was sealed for `context`; raise VaultError when it cannot be opened."""
        return self.vault.unseal(sealed, context)

    def fingerprint(self, *parts: object) -> str:
        """Return the HMAC-SHA-256, 128 bits in hexadecimal, of a JSON list of `parts`."""
        return self.vault.fingerprint(dumps(parts))
