"""SQLite: one file, one writer at a time, pragmas that are checked on each connection."""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from storage.backends import UnsafeDatabase
from storage.backends.sqlite_driver import (
    DRIVER,
    describe_journal,
    integrity_problems,
    journal_mode,
    permission_problems,
    violates_foreign_keys,
    wrong_pragmas,
)

PRAGMAS: dict[str, str | int] = {
    "busy_timeout": 15000,  # ms
    "journal_mode": journal_mode(),
    "journal_size_limit": 4 << 20,  # bytes
    "synchronous": 3,  # EXTRA
    "fullfsync": 1,
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": 2,  # MEMORY
    "trusted_schema": 0,
}
"""How every SQLite connection is set, checked each time one opens. In WAL mode readers and the
writer do not wait for each other. EXTRA keeps the last commit through a power cut in either mode
(https://sqlite.org/pragma.html#pragma_synchronous)."""
CHECKPOINT_WAIT_MS = 250
"""How long a checkpoint waits for readers; one that they keep from it is done a minute later."""
MAX_READERS = 4


class SqliteBackend:
    """One SQLite file, made with its folder when it is not there."""

    is_shared = False

    def __init__(self, url: URL) -> None:
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
            raise ValueError("The database must be a file: sqlite:///folder/name.db")
        self._url, self._path = url, Path(str(url.database))
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        self.writer, self.reader = self._engine(), self._engine(query_only=1)
        self.chat_writer = self.writer
        # With a rollback journal every reader holds up the writer: one at a time is enough.
        self.readers = MAX_READERS if PRAGMAS["journal_mode"] == "wal" else 1

    def migration_engine(self) -> Engine:
        """Return an engine to change the schema with; whoever asks for it disposes of it."""
        # SQLite rebuilds a table to change it, so foreign keys are checked only at the end.
        return self._engine(foreign_keys=0)

    def misses_parents(self, connection: Connection) -> bool:
        """Return whether a row refers to one that is not there."""
        return violates_foreign_keys(connection)

    def describe(self, connection: Connection) -> str:
        """Return in a line which SQLite this is, and how it keeps its journal."""
        return describe_journal()

    def problems(self, connection: Connection) -> list[str]:
        """Return what is wrong with the file and its connections, in plain words."""
        connected = wrong_pragmas(connection, PRAGMAS) + integrity_problems(connection)
        return permission_problems(self._path) + connected

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy to a new file, without the pages of deleted rows."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with self._own_cursor() as cursor:
            cursor.execute("VACUUM INTO ?", (str(path),))

    def erase_free_space(self) -> None:
        """Rewrite the file without the pages of deleted rows; no transaction may be open."""
        with self._own_cursor() as cursor:
            cursor.execute("VACUUM")
        self.truncate_journal()

    def truncate_journal(self) -> bool:
        """Move what is in the write-ahead log to the file and empty it; return whether that is so.

        Until then the log may hold deleted rows, sealed as they were. False while somebody reads.
        """
        if PRAGMAS["journal_mode"] != "wal":
            return True
        with self._own_cursor(busy_timeout=CHECKPOINT_WAIT_MS) as cursor:
            (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def lock_chats(self, connection: Connection, fingerprints: Iterable[str]) -> None:
        """Do nothing: one transaction at a time has every chat."""

    def publish(self, connection: Connection, signals: set[str]) -> None:
        """Do nothing: SQLite tells other processes nothing, so they look from time to time."""

    async def listen(
        self,
        on_ready: Callable[[], None],
        on_signals: Callable[[set[str]], None],
        on_message: Callable[[str], None],
    ) -> None:
        """Return at once: nobody can listen to a file."""

    async def announce(self, next_batch: Callable[[], Awaitable[list[str]]]) -> None:
        """Return at once: nobody can listen to a file."""

    async def lead(self, leadership: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`: one process alone has a file."""
        await work()

    def _engine(self, **changed: int) -> Engine:
        """Return an engine whose connections are set by PRAGMAS, with what is `changed`."""
        engine = create_engine(self._url, hide_parameters=True, module=DRIVER)
        wanted = {**PRAGMAS, **changed}

        @event.listens_for(engine, "connect")
        def set_up(plain: Any, _: object) -> None:
            # Python would begin a transaction late, and one that may not wait for its turn.
            plain.isolation_level = None
            cursor = plain.cursor()
            for name, value in wanted.items():
                cursor.execute(f"PRAGMA {name}={value}")
                if cursor.execute(f"PRAGMA {name}").fetchone() != (value,):
                    raise UnsafeDatabase(f"This SQLite does not keep to {name}={value}.")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if wanted.get("query_only") else "BEGIN IMMEDIATE")

        return engine

    @contextmanager
    def _own_cursor(self, **changed: int) -> Iterator[Any]:
        """Give a cursor of a connection of its own, outside of any transaction."""
        engine = self._engine(**changed)
        plain = engine.raw_connection()
        try:
            yield plain.cursor()
        finally:
            plain.close()
            engine.dispose()
