"""One database: transactions, one writer thread, reader threads, migrations, its health."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from storage.backends import UnsafeDatabase, open_backend
from storage.recent import RecentConversations
from storage.reports import daily_counters
from storage.revisions import newest_revision, stored_revision
from storage.unit import Unit
from storage.vault import Vault, VaultError

P = ParamSpec("P")
T = TypeVar("T")

WRITER_TIMEOUT = 15.0
"""Seconds that a unit of work waits for those before it; then it is given up, and never begins."""
DatabaseBusy = OperationalError
"""What is raised when the database has no time for a unit of work; nothing of it is written.

Unless the connection to PostgreSQL was lost in the middle of a commit: then all of it may be."""


def utc_now() -> datetime:
    """Return the time now, aware."""
    return datetime.now(UTC)


class Database:
    """One database, by its URL: a SQLite file, or a database of a PostgreSQL server.

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
            self.backend = open_backend(make_url(url))
        except (SQLAlchemyError, ValueError, ImportError, OSError) as trouble:
            code = type(trouble).__name__
            raise UnsafeDatabase(
                f"DATABASE_URL cannot be used ({code}). It names a file, sqlite:///data/rj.db, "
                "or a PostgreSQL database, postgresql+psycopg://user:password@host/name"
            ) from None
        self._writer_thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._reader_threads = ThreadPoolExecutor(self.backend.readers, thread_name_prefix="reader")

    @property
    def vault(self) -> Vault:
        """Return the vault; raise VaultError when the database was opened without one."""
        if self._vault is None:
            raise VaultError("This database was opened without its vault.")
        return self._vault

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection on which everything is written, or, after an error, nothing."""
        with self.backend.writer.begin() as connection:
            yield connection

    @contextmanager
    def unit(
        self,
        now: datetime | None = None,
        signals: set[str] | None = None,
        by_chat: bool = False,
    ) -> Iterator[Unit]:
        """Give a unit of work that is written as a whole, or, after an error, not at all.

        `now` (aware) stands for the time of the clock. What is committed adds to `signals` who is
        to be woken. With `by_chat` others who do so may write beside it, where the backend can.
        """
        engine = self.backend.chat_writer if by_chat else self.backend.writer
        with engine.begin() as connection:
            lock = self.backend.lock_chats if by_chat else None
            time = now or self.clock()
            unit = Unit(connection, self.vault, time, self.recent, chat_lock=lock)
            yield unit
            daily_counters.write_increments(unit)
            unit.flush()
            if unit.signals:
                self.backend.publish(connection, unit.signals)
        self.recent.update(unit.saved)
        if signals is not None:
            signals |= unit.signals

    @contextmanager
    def reading(self, now: datetime | None = None) -> Iterator[Unit]:
        """Give a unit of work on a read-only connection; leave it soon, others may wait for it.

        `now` (aware) stands for the time of the clock.
        """
        with self.backend.reader.begin() as connection:
            yield Unit(connection, self.vault, now or self.clock(), self.recent)

    async def write(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `operation` with a unit of work and the arguments on the one writer thread.

        Nobody else writes meanwhile, in any process. The unit's clock time is read when the
        transaction has begun. Once it is committed, `on_commit` is called with its signals, also
        when nobody waits for the result any more. Raises DatabaseBusy.
        """
        return await self._write(False, operation, *args, **kwargs)

    async def write_chats(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do as `write` does, beside other processes that do so, where the backend can.

        `operation` may write only what belongs to chats that it has read before (which locks
        them), new rows, and rows that it claims by an update's condition.
        """
        return await self._write(True, operation, *args, **kwargs)

    async def _write(
        self,
        by_chat: bool,
        operation: Callable[Concatenate[Unit, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        loop = asyncio.get_running_loop()

        def job() -> T:
            signals: set[str] = set()
            begin = partial(self.unit, signals=signals, by_chat=by_chat)
            result = _run(begin, operation, *args, **kwargs)
            if signals:
                loop.call_soon_threadsafe(self.on_commit, signals)
            return result

        queued = self._writer_thread.submit(job)
        written = asyncio.wrap_future(queued)
        try:
            await asyncio.wait([written], timeout=WRITER_TIMEOUT)
        except asyncio.CancelledError:
            written.cancel()
            raise
        # Once it has begun it may be committed: then only its own end says whether it was.
        if not written.done() and queued.cancel():
            raise DatabaseBusy("the writer thread", None, TimeoutError())
        return await written

    def read(
        self, operation: Callable[Concatenate[Unit, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run `operation` with a read-only unit of work on a reader thread; await its result."""
        job = partial(_run, self.reading, operation, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._reader_threads, job)

    def migrate(self, to: str = "head") -> None:
        """Bring the schema up to revision `to`, all or nothing; processes that ask take turns.

        Raises UnsafeDatabase if rows would be orphaned, or if a newer release wrote the schema.
        """
        from storage import migrations

        with self._changing_schema() as connection:
            if (stored := stored_revision(connection)) not in (None, *migrations.revisions()):
                raise UnsafeDatabase(
                    f"A newer release has migrated this database, to revision {stored}. Start that "
                    "release, or go back with it: rj migrate --back-to REVISION"
                )
            migrations.upgrade(connection, to)

    def migrate_back(self, to: str) -> None:
        """Bring the schema back to the earlier revision `to`, all or nothing.

        Raises UnsafeDatabase if rows would be orphaned, or if there is no such way back.
        """
        from storage import migrations

        with self._changing_schema() as connection:
            known, stored = migrations.revisions(), stored_revision(connection)
            earlier = known[: known.index(stored)] if stored in known else []
            if to not in earlier:
                raise UnsafeDatabase(
                    f"The tables are at revision {stored}. The revisions that this release can go "
                    f"back to from there: {', '.join(earlier) or 'none'}."
                )
            migrations.downgrade(connection, to)

    @contextmanager
    def _changing_schema(self) -> Iterator[Connection]:
        engine = self.backend.migration_engine()
        try:
            with engine.begin() as connection:
                yield connection
                if self.backend.misses_parents(connection):
                    orphans = "The new schema would leave rows without what they belong to."
                    raise UnsafeDatabase(orphans)
        finally:
            engine.dispose()

    def revision(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        with self.backend.reader.connect() as connection:
            return stored_revision(connection)

    def is_current(self) -> bool:
        """Return whether the schema is the one this program was written for."""
        return self.revision() == newest_revision()

    def check(self) -> list[str]:
        """Return what is wrong with the database, in plain words; nothing when all is well."""
        problems = [] if self.is_current() else ["The schema is not current. Type: rj migrate"]
        with self.backend.reader.connect() as connection:
            return problems + self.backend.problems(connection)

    def close(self) -> None:
        """Wait for what is under way, then close the database."""
        self._writer_thread.shutdown()
        self._reader_threads.shutdown()
        # The last connection to go moves the write-ahead log into the file, which a reader may not.
        self.backend.reader.dispose()
        self.backend.writer.dispose()


def _run(
    begin: Callable[[], AbstractContextManager[Unit]],
    operation: Callable[Concatenate[Unit, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    with begin() as unit:
        return operation(unit, *args, **kwargs)
