"""One unit of work: a transaction's connection, the vault, and the time that it happens at."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Executable, exists, select

from storage.serialization import dumps
from storage.tables import AnyRow
from storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Unit:
    """What every storage function takes first. `now` (aware) is the time of this transaction.

    An AAD context and the first part of a fingerprint are names inside stored data: a change
    to one makes every row that was stored under it unreadable, or impossible to find.
    """

    conn: Connection
    vault: Vault
    now: datetime

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
