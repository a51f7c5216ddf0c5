"""The figures of the database: the same in each process, and read in one short transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flows.vocabulary import CounterEvent, FaqOutcome
from storage import heartbeat
from storage.chats import backlog
from storage.chats.backlog import Backlog
from storage.chats.outbox import OutboxStage
from storage.referrals.promise_clock import PromiseClock, promise_clocks
from storage.reports.daily_counters import count_today
from storage.reports.missed_questions import count_missed_questions
from storage.revisions import stored_revision
from storage.unit import Unit


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """What the database tells at `read_at` (aware). Counts of today are of the day in UTC."""

    read_at: datetime
    engine: str
    version: str
    schema: str
    inbox: Backlog
    set_aside: int
    outbox: Mapping[str, Backlog]
    dead: Mapping[str, int]
    promises: Mapping[str, PromiseClock]
    swept_at: datetime | None
    given_up_today: int
    signposts_today: int
    unanswered_questions_today: int
    missed_questions: int


def read_figures(unit: Unit) -> DatabaseFigures:
    """Return the figures; each statement is bounded or goes by an index."""
    dialect = unit.conn.dialect
    release = dialect.server_version_info or ()
    return DatabaseFigures(
        read_at=unit.now,
        engine=dialect.name,
        version=".".join(map(str, release)),
        schema=stored_revision(unit.conn) or "",
        inbox=backlog.inbox_backlog(unit),
        set_aside=backlog.count_set_aside(unit),
        outbox=backlog.outbox_backlogs(unit),
        dead=backlog.count_dead_letters(unit),
        promises=promise_clocks(unit),
        swept_at=heartbeat.last_seen(unit),
        given_up_today=count_today(unit, "outbox", OutboxStage.GIVEN_UP),
        signposts_today=count_today(unit, CounterEvent.DANGER),
        unanswered_questions_today=count_today(unit, CounterEvent.FAQ, FaqOutcome.MISSED),
        missed_questions=count_missed_questions(unit, backlog.COUNT_LIMIT),
    )
