"""The kinds of database that there are: how each is connected to, checked, copied and cleaned."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from sqlalchemy import URL, Connection, Engine


class UnsafeDatabase(RuntimeError):
    """The database is not durable or not consistent as it is set up; nothing may be stored."""


class Backend(Protocol):
    """One database of its kind. `readers` is how many threads may read at once.

    A transaction of `writer` waits until no other one is open, whoever began it. One of
    `chat_writer` waits for those of `writer` only, where the backend can tell them apart. One of
    `reader` sees one state of the database and may not write. `is_shared` says whether other
    processes may write what `listen` tells of.
    """

    is_shared: bool
    readers: int
    writer: Engine
    chat_writer: Engine
    reader: Engine

    def migration_engine(self) -> Engine:
        """Return an engine to change the schema with; whoever asks for it disposes of it."""
        ...

    def misses_parents(self, connection: Connection) -> bool:
        """Return whether a row refers to one that is not there."""
        ...

    def describe(self, connection: Connection) -> str:
        """Return in a line which database this is, and what that means for who runs it."""
        ...

    def problems(self, connection: Connection) -> list[str]:
        """Return what is wrong with the database, in plain words; nothing when all is well."""
        ...

    def erase_free_space(self) -> None:
        """Take what was deleted out of the database's files; no transaction may be open."""
        ...

    def truncate_journal(self) -> bool:
        """Move what is in the write-ahead log to the file and empty it; return whether that is so.

        Until then the log may hold deleted rows, sealed as they were. False while somebody reads.
        """
        ...

    def lock_chats(self, connection: Connection, fingerprints: Iterable[str]) -> None:
        """Keep chats from other transactions of `chat_writer` until this one is committed."""
        ...

    def publish(self, connection: Connection, signals: set[str]) -> None:
        """Tell other processes, once the transaction is committed, who is to be woken."""
        ...

    async def listen(
        self,
        on_ready: Callable[[], None],
        on_signals: Callable[[set[str]], None],
        on_message: Callable[[str], None],
    ) -> None:
        """Call `on_ready` once, then for ever the others with what other processes say.

        `on_signals` gets what they `publish`, `on_message` what they `announce`. Returns at once
        where nobody can listen. Raises when the connection is lost: what is said then is missed.
        """
        ...

    async def announce(self, next_batch: Callable[[], Awaitable[list[str]]]) -> None:
        """Give other processes, for ever, each batch of messages; at most 8,000 bytes a message.

        Returns at once where nobody can listen. Raises when the connection is lost, and with it
        the batch.
        """
        ...

    async def lead(self, leadership: str, work: Callable[[], Awaitable[None]]) -> None:
        """Wait until no other process has `leadership`, then do `work`; stop when it is lost."""
        ...


def open_backend(url: URL) -> Backend:
    """Return the database that a URL names.

    Raises ValueError or ImportError for one that there is none for, and OSError for a file that
    cannot be made.
    """
    if url.get_backend_name() == "postgresql":
        # psycopg takes longer to import than a command may, and most databases are a file.
        from storage.backends.postgresql import PostgresqlBackend

        return PostgresqlBackend(url)
    from storage.backends.sqlite import SqliteBackend

    return SqliteBackend(url)
