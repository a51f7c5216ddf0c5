"""The only file that configures the engine: pragmas, one writer, transactions, migrations."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from storage.recent import RecentConversations
from storage.revisions import newest_revision, stored_revision
from storage.sqlite_driver import (
    DRIVER,
    integrity_problems,
    journal_mode,
    permission_problems,
    violates_foreign_keys,
    wrong_pragmas,
)
from storage.unit import Unit
from storage.vault import Vault, VaultError

P = ParamSpec("P")
T = TypeVar("T")

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

DatabaseBusy = OperationalError
"""What is raised when the database has no time for a unit of work; nothing of it is written."""


class UnsafeDatabase(RuntimeError):
    """The database is not durable or not consistent as it is set up; nothing may be stored."""


def utc_now() -> datetime:
    """Return the time now, aware."""
    return datetime.now(UTC)


class Database:
    """One database, by its URL: a SQLite file. What is there for PostgreSQL is not tested.

    Units of work need the vault; without one the schema can still be migrated and checked.
    `clock` returns an aware time. Raises UnsafeDatabase for a URL that cannot be used.
    """

    def __init__(
        self, url: str, vault: Vault | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._vault, self.clock = vault, clock
        self.recent = RecentConversations()
        self.on_commit: Callable[[set[str]], None] = lambda signals: None
        try:
            self._url = make_url(url)
            _create_file(self._url)
            self._writer = _engine(self._url)
            self._reader = _engine(self._url, query_only=1)
        except (SQLAlchemyError, ValueError, ImportError, OSError) as trouble:
            code = type(trouble).__name__
            raise UnsafeDatabase(
                f"DATABASE_URL cannot be used ({code}). It names a file: sqlite:///data/rj.db"
            ) from None
        self._writer_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._reader_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")

    @property
    def vault(self) -> Vault:
        """Return the vault; raise VaultError when the database was opened without one."""
        if self._vault is None:
            raise VaultError("This database was opened without its vault.")
        return self._vault

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection on which everything is written, or, after an error, nothing."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def unit(self, now: datetime | None = None, signals: set[str] | None = None) -> Iterator[Unit]:
        """Give a unit of work that is written as a whole, or, after an error, not at all.

        `now` (aware) stands for the time of the clock. What is committed adds to `signals` who is
        to be woken.
        """
        with self._writer.begin() as connection:
            unit = Unit(connection, self.vault, now or self.clock(), self.recent)
            yield unit
            unit.flush()
        self.recent.update(unit.saved)
        if signals is not None:
            signals |= unit.signals

    @contextmanager
    def reading(self, now: datetime | None = None) -> Iterator[Unit]:
        """Give a unit of work on a read-only connection; leave it soon, writers wait for it.

        `now` (aware) stands for the time of the clock.
        """
        with self._reader.begin() as connection:
            yield Unit(connection, self.vault, now or self.clock(), self.recent)

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `operation` with a unit of work and the arguments on the one writer thread.

        The unit's clock time is read when the transaction has begun. Once it is committed,
        `on_commit` is called with its signals, also when nobody waits for the result any more.
        """
        loop = asyncio.get_running_loop()

        def job() -> T:
            signals: set[str] = set()
            result = _run(partial(self.unit, signals=signals), operation, *args, **kwargs)
            if signals:
                loop.call_soon_threadsafe(self.on_commit, signals)
            return result

        return await loop.run_in_executor(self._writer_thread, job)

    def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run `operation` with a read-only unit of work on the reader thread; await its result."""
        job = partial(_run, self.reading, operation, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._reader_thread, job)

    def migrate(self, to: str = "head") -> None:
        """Bring the schema to revision `to`, all or nothing.

        Raises UnsafeDatabase if rows would be orphaned.
        """
        from storage import migrations

        # SQLite rebuilds a table to change it, so foreign keys are checked only at the end.
        engine = _engine(self._url, foreign_keys=0)
        try:
            with engine.begin() as connection:
                migrations.upgrade(connection, to)
                if violates_foreign_keys(connection):
                    orphans = "The new schema would leave rows without what they belong to."
                    raise UnsafeDatabase(orphans)
        finally:
            engine.dispose()

    def revision(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        with self._reader.connect() as connection:
            return stored_revision(connection)

    def is_current(self) -> bool:
        """Return whether the schema is the one this program was written for."""
        return self.revision() == newest_revision()

    def check(self) -> list[str]:
        """Return what is wrong with the database, in plain words; nothing when all is well."""
        problems = [] if self.is_current() else ["The schema is not current. Type: rj migrate"]
        if self._url.get_backend_name() == "sqlite":
            problems += permission_problems(_file_path(self._url))
            with self._reader.connect() as connection:
                problems += wrong_pragmas(connection, PRAGMAS) + integrity_problems(connection)
        return problems

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy to a new file, without the pages of deleted rows.

        Others may read and write meanwhile. Raises UnsafeDatabase when it is no SQLite file.
        """
        if self._url.get_backend_name() != "sqlite":
            raise UnsafeDatabase("Only a SQLite database is copied; for PostgreSQL use pg_dump.")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with _own_cursor(self._url) as cursor:
            cursor.execute("VACUUM INTO ?", (str(path),))

    def erase_free_space(self) -> None:
        """Rewrite the file without the pages of deleted rows; no transaction may be open."""
        if self._url.get_backend_name() != "sqlite":
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
                own.exec_driver_sql("VACUUM")
            return
        with _own_cursor(self._url) as cursor:
            cursor.execute("VACUUM")
        self.truncate_journal()

    def truncate_journal(self) -> bool:
        """Move what is in the write-ahead log to the file and empty it; return whether that is so.

        Until then the log may hold deleted rows, sealed as they were. False while somebody reads.
        """
        if PRAGMAS["journal_mode"] != "wal" or self._url.get_backend_name() != "sqlite":
            return True
        with _own_cursor(self._url, busy_timeout=CHECKPOINT_WAIT_MS) as cursor:
            (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Wait for what is under way, then close the database."""
        self._writer_thread.shutdown()
        self._reader_thread.shutdown()
        # The last connection to go moves the write-ahead log into the file, which a reader may not.
        self._reader.dispose()
        self._writer.dispose()


def _run(
    begin: Callable[[], AbstractContextManager[Unit]],
    operation: Callable[Concatenate[Unit, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with begin() as unit:
        return operation(unit, *args, **kwargs)


def _engine(url: URL, **changed: int) -> Engine:
    """Return an engine whose SQLite connections are set by PRAGMAS, with what is `changed`."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True)
    engine = create_engine(url, hide_parameters=True, module=DRIVER)
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
def _own_cursor(url: URL, **changed: int) -> Iterator[Any]:
    """Give a cursor of a SQLite connection of its own, outside of any transaction."""
    engine = _engine(url, **changed)
    plain = engine.raw_connection()
    try:
        yield plain.cursor()
    finally:
        plain.close()
        engine.dispose()


def _file_path(url: URL) -> Path:
    return Path(url.database or "")


def _create_file(url: URL) -> None:
    """Make the SQLite file and its folder, for their owner's eyes only."""
    if url.get_backend_name() != "sqlite":
        return
    if url.database in (None, "", ":memory:"):
        raise ValueError("The database must be a file: sqlite:///folder/name.db")
    path = _file_path(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
