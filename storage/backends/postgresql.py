"""PostgreSQL: many processes on many machines; one writes at a time, each is told what changed."""

import asyncio
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, text

DRIVER = "postgresql+psycopg"
MAX_READERS = 4
WRITER_LOCK = 0x524A
"""The advisory lock that a transaction holds that writes; any number will do that nobody else
takes in this database."""
CONNECT_SECONDS = 10
SESSION = {
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "synchronous_commit": "on",
    # A stricter one would keep what was read before its turn came.
    "default_transaction_isolation": "read committed",
    "timezone": "UTC",
}
"""How every session is set. A commit is on the disk, and on a synchronous standby where there is
one, before it counts (https://www.postgresql.org/docs/current/runtime-config-wal.html)."""
KEEPALIVES = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms
}
"""How soon a machine that is gone is known to be: after about ten seconds."""
ELECTION_SECONDS = 1.0
"""Seconds between looks whether a leadership is free, and whether our own is still ours."""
WATCH_SECONDS = 3.0
"""Seconds after which a connection that says nothing counts as lost: before its server frees what
it locked, which takes as long as KEEPALIVES say."""
_OPTIONS = " ".join(
    f"-c tcp_{name}={value}" for name, value in KEEPALIVES.items() if name.startswith("keepalives")
)
_PUBLIC = "public"
_SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PUBLISH = text(
    "SELECT pg_notify(:channel, signal) FROM unnest(CAST(:signals AS text[])) AS signal"
)
_ANNOUNCE = "SELECT pg_notify(%s, message) FROM unnest(%s::text[]) AS message"
_HAS_SCHEMA = text("SELECT to_regnamespace(:name) IS NOT NULL")
_LOCK_CHATS = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k")
_SERVER_SETTINGS = {"fsync": "on", "full_page_writes": "on", "server_encoding": "UTF8"}


class PostgresqlBackend:
    """One database of a PostgreSQL server; nothing is asked of it yet."""

    is_shared = True
    readers = MAX_READERS

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise ValueError("The URL must name a database.")
        self._schema = str(url.query.get("schema", _PUBLIC))
        if not _SCHEMA_NAME.fullmatch(self._schema):
            raise ValueError("A schema has a short name of lower-case letters, digits and _.")
        self._url = url.set(drivername=DRIVER).difference_update_query(["schema"])
        self._origin = secrets.token_hex(4)
        # Locks and channels are the whole database's, so each schema has its own.
        suffix = "" if self._schema == _PUBLIC else f"_{self._schema}"
        self._lock_space = _hashed(suffix, 6) if suffix else 0
        self._signals, self._messages = f"rj_signals{suffix}", f"rj_messages{suffix}"
        self.writer = self._engine()
        self.reader = self._engine(
            default_transaction_read_only="on", default_transaction_isolation="repeatable read"
        )
        event.listen(self.writer, "begin", self._wait_for_turn)
        self.chat_writer: Engine = self.writer.execution_options(by_chat=True)

    def migration_engine(self) -> Engine:
        """Return an engine to change the schema with; whoever asks for it disposes of it."""
        engine = self._engine(statement_timeout="0")
        event.listen(engine, "begin", self._wait_for_turn)
        event.listen(engine, "begin", self._make_schema)
        return engine

    def misses_parents(self, connection: Connection) -> bool:
        """Return False: PostgreSQL checks every foreign key itself, always."""
        return False

    def describe(self, connection: Connection) -> str:
        """Return in a line which PostgreSQL this is."""
        release = connection.exec_driver_sql("SHOW server_version").scalar()
        place = "" if self._schema == _PUBLIC else f", schema {self._schema}"
        return f"PostgreSQL {release}{place}: any number of processes on any number of machines."

    def problems(self, connection: Connection) -> list[str]:
        """Return where the server would not keep what was committed."""
        found = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in _SERVER_SETTINGS
        }
        return [
            f"PostgreSQL has {name}={found[name]}, not {wanted}."
            for name, wanted in _SERVER_SETTINGS.items()
            if found[name] != wanted
        ]

    def erase_free_space(self) -> None:
        """Let the space of deleted rows be written over."""
        engine = self._engine(statement_timeout="0")
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
                own.exec_driver_sql("VACUUM")
        finally:
            engine.dispose()

    def truncate_journal(self) -> bool:
        """Return True: the server looks after its own log."""
        return True

    def lock_chats(self, connection: Connection, fingerprints: Iterable[str]) -> None:
        """Keep chats from other transactions of `chat_writer` until this one is committed."""
        # In order, so that no two transactions that lock the same chats wait for each other.
        keys = sorted(int(one[:15], 16) ^ self._lock_space for one in fingerprints)
        connection.execute(_LOCK_CHATS, {"keys": keys})

    def publish(self, connection: Connection, signals: set[str]) -> None:
        """Have the server tell those who listen, once the transaction is committed."""
        told = [f"{self._origin} {signal}" for signal in sorted(signals)]
        connection.execute(_PUBLISH, {"channel": self._signals, "signals": told})

    async def listen(
        self,
        on_ready: Callable[[], None],
        on_signals: Callable[[set[str]], None],
        on_message: Callable[[str], None],
    ) -> None:
        """Call `on_ready` once, then for ever the others with what other processes say.

        Raises psycopg.Error when the connection is lost: what is said then is missed.
        """
        async with await self._connect() as connection:
            await connection.execute(f"LISTEN {self._signals}")
            await connection.execute(f"LISTEN {self._messages}")
            on_ready()
            async for notify in connection.notifies():
                origin, _, said = notify.payload.partition(" ")
                if origin == self._origin:
                    continue
                if notify.channel == self._messages:
                    on_message(said)
                else:
                    on_signals({said})

    async def announce(self, next_batch: Callable[[], Awaitable[list[str]]]) -> None:
        """Give other processes, for ever, each batch of messages; at most 8,000 bytes a message.

        Raises psycopg.Error when the connection is lost, and with it the batch.
        """
        async with await self._connect() as connection:
            while True:
                told = [f"{self._origin} {message}" for message in await next_batch()]
                await connection.execute(_ANNOUNCE, [self._messages, told])

    async def lead(self, leadership: str, work: Callable[[], Awaitable[None]]) -> None:
        """Wait until no other process has `leadership`, then do `work`.

        It is a lock of a session: when its process is gone, so is the lock. Raises
        psycopg.Error when the connection is lost, and `leadership` with it; `work` is stopped then.
        """
        key = _hashed(leadership, 8) ^ self._lock_space
        async with await self._connect() as connection:
            await _wait_for_lock(connection, key)
            doing = asyncio.ensure_future(work())
            watching = asyncio.ensure_future(_watch(connection))
            try:
                await asyncio.wait([doing, watching], return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended = [one for one in (doing, watching) if one.done()]
                for one in (doing, watching):
                    one.cancel()
                await asyncio.gather(doing, watching, return_exceptions=True)
            for one in ended:
                one.result()

    async def _connect(self) -> psycopg.AsyncConnection:
        """Return a connection outside of the pools, on which nothing is ever in a transaction."""
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        told: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "options": _OPTIONS,
            **KEEPALIVES,
        }
        return await psycopg.AsyncConnection.connect(url, autocommit=True, **told)

    def _wait_for_turn(self, connection: Connection) -> None:
        shared = "_shared" if connection.get_execution_options().get("by_chat") else ""
        key = WRITER_LOCK ^ self._lock_space
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock{shared}({key})")

    def _make_schema(self, connection: Connection) -> None:
        """Create the schema when it is not there: who may only use it need not be allowed to."""
        if not connection.execute(_HAS_SCHEMA, {"name": self._schema}).scalar():
            connection.exec_driver_sql(f'CREATE SCHEMA "{self._schema}"')

    def _engine(self, **changed: str) -> Engine:
        """Return an engine whose sessions are set by SESSION, with what is `changed`."""
        wanted = {**SESSION, "search_path": self._schema, **changed}
        options = " ".join(
            f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in wanted.items()
        )
        connect_args = {
            "options": options,
            "application_name": f"rj-{os.getpid()}",
            "connect_timeout": CONNECT_SECONDS,
            **KEEPALIVES,
        }
        # A server that was started anew costs nobody an error: its dead connections are noticed.
        engine = create_engine(
            self._url, hide_parameters=True, pool_pre_ping=True, connect_args=connect_args
        )

        @event.listens_for(engine, "connect")
        def set_up(plain: psycopg.Connection, _: object) -> None:
            plain.adapters.register_dumper(str, _TextDumper)

        return engine


class _TextDumper(StrDumper):
    """Leaves out the NUL character, which PostgreSQL refuses in any text.

    What people write is stored sealed, as bytes; this is about what is typed to look it up by.
    """

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", ""))


def _hashed(name: str, size: int) -> int:
    """Return a number of `size` bytes for a name; of 8 it may be negative, as PostgreSQL's may."""
    return int.from_bytes(sha256(name.encode()).digest()[:size], signed=size == 8)


async def _watch(connection: psycopg.AsyncConnection) -> None:
    """Raise once a connection is lost."""
    while True:
        await asyncio.sleep(ELECTION_SECONDS)
        asked = asyncio.ensure_future(connection.execute("SELECT 1"))
        # Not asyncio.timeout: psycopg would first ask the server, which says nothing, to cancel.
        if not (await asyncio.wait([asked], timeout=WATCH_SECONDS))[0]:
            connection.pgconn.finish()
            asked.cancel()
            raise TimeoutError
        asked.result()


async def _wait_for_lock(connection: psycopg.AsyncConnection, key: int) -> None:
    """Return once a lock is this session's own."""
    # Not one statement that waits: its snapshot would keep VACUUM from what others delete.
    others_had_it = False
    while True:
        asked = await connection.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if await asked.fetchone() == (True,):
            break
        others_had_it = True
        await asyncio.sleep(ELECTION_SECONDS)
    if others_had_it:
        # Who had it may not have noticed yet that their connection is gone.
        await asyncio.sleep(1.5 * ELECTION_SECONDS)
