"""The only file that knows the engine: pragmas, one writer, transactions, migrations."""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlmodel import Session

T = TypeVar("T")

PRAGMAS: dict[str, str | int] = {
    "busy_timeout": 15000,  # ms
    "journal_mode": "delete",
    "synchronous": 3,  # EXTRA
    "fullfsync": 1,
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": 2,  # MEMORY
    "trusted_schema": 0,
}
"""How every SQLite connection is set, checked each time one opens. No WAL: releases before
3.51.3 can corrupt a WAL file (https://sqlite.org/wal.html), and with a rollback journal
EXTRA keeps the last commit through a power cut (https://sqlite.org/pragma.html)."""


class UnsafeDatabase(RuntimeError):
    """The database does not keep what it is told to keep; nothing may be promised with it."""


class Database:
    """One database, by its URL: a SQLite file, or a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        _create_file(self._url)
        self._writer = _engine(self._url)
        self._reader = _engine(self._url, query_only=1)
        self._writer_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._reader_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection on which everything is written, or, after an error, nothing."""
        with self._writer.begin() as connection:
            yield connection

    def session(self) -> Session:
        """Return a session for reading; close it soon, an open one makes writers wait."""
        return Session(self._reader, expire_on_commit=False)

    def write(self, operation: Callable[[Connection], T]) -> Awaitable[T]:
        """Run `act` in a transaction on the one writer thread; await its result."""
        return asyncio.get_running_loop().run_in_executor(
            self._writer_thread, self._run_write, operation
        )

    def read(self, operation: Callable[[Session], T]) -> Awaitable[T]:
        """Run `act` with a session on the reader thread; await its result."""
        return asyncio.get_running_loop().run_in_executor(
            self._reader_thread, self._run_read, operation
        )

    def migrate(self) -> None:
        """Bring the schema up to date, all or nothing; raise NotSafe if rows would lose touch."""
        from storage import migrations

        # SQLite rebuilds a table to change it, so its foreign keys rest until the end.
        engine = _engine(self._url, foreign_keys=0)
        try:
            with engine.begin() as connection:
                migrations.upgrade(connection)
                if _violates_foreign_keys(connection):
                    raise UnsafeDatabase(
                        "The new schema would leave rows without what they belong to."
                    )
        finally:
            engine.dispose()

    def revision(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        from storage import migrations

        with self._reader.connect() as connection:
            return migrations.revision(connection)

    def is_current(self) -> bool:
        """Return whether the schema is the one this program was written for."""
        from storage import migrations

        return self.revision() == migrations.head()

    def check(self) -> list[str]:
        """Return what is wrong with the database, in plain words; nothing when all is well."""
        problems = [] if self.is_current() else ["The schema is not current. Type: rj migrate"]
        if self._url.get_backend_name() == "sqlite":
            problems += _permission_problems(self._url)
            with self._reader.connect() as connection:
                problems += _wrong_pragmas(connection) + _integrity_problems(connection)
        return problems

    def erase_free_space(self) -> None:
        """Rewrite the file without the pages that deleted rows left behind."""
        if self._url.get_backend_name() != "sqlite":
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
                own.exec_driver_sql("VACUUM")
            return
        plain = self._writer.raw_connection()
        try:
            plain.cursor().execute("VACUUM")
        finally:
            plain.close()

    def close(self) -> None:
        """Let what is under way end, then let go of the database."""
        self._writer_thread.shutdown()
        self._reader_thread.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def _run_write(self, operation: Callable[[Connection], T]) -> T:
        with self.transaction() as connection:
            return operation(connection)

    def _run_read(self, operation: Callable[[Session], T]) -> T:
        with self.session() as session:
            return operation(session)


def _engine(url: URL, **changed: int) -> Engine:
    """Return an engine whose SQLite connections are set by PRAGMAS, with what is `changed`."""
    engine = create_engine(url, hide_parameters=True)
    if engine.dialect.name != "sqlite":
        return engine
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


def _permission_problems(url: URL) -> list[str]:
    path = _file_path(url)
    if os.name != "posix" or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return []
    return [f"Others can read the database. Type: chmod 600 {path}"]


def _wrong_pragmas(connection: Connection) -> list[str]:
    found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    return [
        f"SQLite has {name}={found[name]}, not {value}."
        for name, value in PRAGMAS.items()
        if found[name] != value
    ]


def _integrity_problems(connection: Connection) -> list[str]:
    seen = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    damaged = [] if seen == ["ok"] else ["The database file is damaged. Put back a copy."]
    broken = ["Some rows belong to nothing."] if _violates_foreign_keys(connection) else []
    return damaged + broken


def _violates_foreign_keys(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    return connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None
