"""One update within the program, next to plain SQLite doing the same writes in the same run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

from sqlalchemy import event

from storage.backends.sqlite import PRAGMAS
from storage.backends.sqlite_driver import DRIVER
from storage.backups.table_copy import copy_to_file
from tests.bench.bench_app import INPUTS, BenchApp, open_bench_app

TALKS, TOGETHER, ROUNDS = 8, 25, 3
Writes = list[list[tuple[str, Any]]]


def measure(folder: Path) -> list[str]:
    """Return lines: updates a second, how long one takes, and the ratio to plain SQLite."""
    with open_bench_app(folder) as app:
        one_by_one(app, "first")
        copy_to_file(app.database, folder / "plain.db")
        ours, plain = side_by_side(app, folder / "plain.db")
        shared = many_at_once(app)
    each = sum(ours) / len(ours)
    cuts = quantiles(ours, n=100)
    return [
        f"one update at a time: {1 / each:.0f} a second; half take under {cuts[49] * 1000:.1f} ms, "
        f"99 of 100 under {cuts[98] * 1000:.1f} ms",
        f"plain SQLite, the same writes: {len(ours) / plain:.0f} a second; "
        f"ours take {sum(ours) / plain:.2f} times as long",
        f"{TOGETHER} chats to a commit: {shared:.0f} durable steps a second, "
        f"{shared * each:.1f} times as many as one at a time",
    ]


def side_by_side(app: BenchApp, copy: Path) -> tuple[list[float], float]:
    """Return the seconds of each of our updates, and those of plain SQLite for all of them.

    They take turns, so that whatever else this machine does weighs on both.
    """
    ours: list[float] = []
    plain = 0.0
    for talk in range(TALKS):
        with recorded(app) as writes:
            ours += one_by_one(app, f"alone/{talk}")
        plain += replayed(copy, writes)
    return ours, plain


def one_by_one(app: BenchApp, chat: str) -> list[float]:
    """Return the seconds that each update of a talk takes: kept, answered, sent, noted."""
    took = []
    for body in INPUTS:
        started = perf_counter()
        app.step((chat, body))
        took.append(perf_counter() - started)
    return took


def many_at_once(app: BenchApp) -> float:
    """Return how many updates a second are kept and answered when chats share a commit."""
    started = perf_counter()
    for round in range(ROUNDS):
        chats = [f"together/{round}/{n}" for n in range(TOGETHER)]
        for body in INPUTS:
            app.step(*((chat, body) for chat in chats))
    return ROUNDS * TOGETHER * len(INPUTS) / (perf_counter() - started)


@contextmanager
def recorded(app: BenchApp) -> Iterator[Writes]:
    """Give a list that fills with the writes of each transaction, as the database gets them."""
    writes: Writes = []
    engine = app.database.backend.writer

    def begin(connection: object) -> None:
        writes.append([])

    def execute(
        connection: object, cursor: object, statement: str, told: Any, context: object, many: bool
    ) -> None:
        if statement.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE"):
            writes[-1] += [(statement, one) for one in (told if many else [told])]

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", execute)
    yield writes
    event.remove(engine, "begin", begin)
    event.remove(engine, "before_cursor_execute", execute)


def replayed(file: Path, writes: Writes) -> float:
    """Return the seconds that plain SQLite takes for the same transactions, set the same way."""
    plain = DRIVER.connect(str(file), isolation_level=None)
    for name, value in PRAGMAS.items():
        plain.execute(f"PRAGMA {name}={value}")
    started = perf_counter()
    for transaction in writes:
        plain.execute("BEGIN IMMEDIATE")
        for statement, told in transaction:
            plain.execute(statement, told)
        plain.execute("COMMIT")
    took = perf_counter() - started
    plain.close()
    return took
