"""What waits is counted by where it waits, and its age is that of what is due."""

import pytest

from flows.vocabulary import OutboxKind
from storage.chats import backlog, dead_letters, inbox, outbox
from storage.chats.backlog import Backlog
from storage.chats.conversations import close_chat
from storage.chats.inbox import Arrival
from storage.chats.outbox import SendOptions
from storage.database import Database
from storage.unit import Unit
from tests.support.builders import DAY, HOUR, MINUTE, NOW, store_answers


def arrive(unit: Unit, *keys: str) -> None:
    arrivals = [Arrival(key, "4915112345", {"say": key}) for key in keys]
    inbox.enqueue_arrivals(unit, "telegram", arrivals)


def put(unit: Unit, channel: str, chat_id: str | None = None, **options: object) -> str:
    later = SendOptions(**options)  # type: ignore[arg-type]
    return outbox.enqueue(unit, channel, OutboxKind.SAY, {"text": "x"}, chat_id, later)


def test_the_inbox_waits_since_its_oldest_row(database: Database) -> None:
    with database.unit(NOW) as unit:
        assert backlog.inbox_backlog(unit) == Backlog(0, None)
        arrive(unit, "a", "b")
    with database.unit(NOW + MINUTE) as unit:
        arrive(unit, "c")
        assert backlog.inbox_backlog(unit) == Backlog(3, NOW)
        first, *_ = inbox.due_inbox_items(unit, ["telegram"])
        assert first.received_at == NOW
        inbox.set_aside(unit, first.id, "ValueError")
        inbox.mark_answered(unit, [one.id for one in inbox.due_inbox_items(unit, ["telegram"])])
        assert backlog.inbox_backlog(unit) == Backlog(0, None)
        assert backlog.count_set_aside(unit) == 1


def test_each_channel_waits_for_itself(database: Database) -> None:
    with database.unit(NOW) as unit:
        sent = put(unit, "email")
        put(unit, "webhook")
    with database.unit(NOW + HOUR) as unit:
        put(unit, "webhook")
        put(unit, "web", not_before=NOW + DAY)
        outbox.mark_sent(unit, sent)
        assert backlog.outbox_backlogs(unit) == {
            "webhook": Backlog(2, NOW),
            "web": Backlog(1, None),
        }


def test_what_was_put_off_is_due_from_then_on(database: Database) -> None:
    with database.unit(NOW) as unit:
        put(unit, "web", not_before=NOW + HOUR)
    with database.unit(NOW + HOUR + MINUTE) as unit:
        assert backlog.outbox_backlogs(unit) == {"web": Backlog(1, NOW + HOUR)}


def test_what_failed_has_been_due_all_the_time(database: Database) -> None:
    with database.unit(NOW) as unit:
        failing = put(unit, "web")
        outbox.schedule_retry(unit, failing, NOW + HOUR, "down")
    with database.unit(NOW + MINUTE) as unit:
        assert backlog.outbox_backlogs(unit) == {"web": Backlog(1, NOW)}


def test_what_is_for_a_closed_chat_does_not_count(database: Database) -> None:
    chat_id = store_answers(database, "4915112345")
    with database.unit(NOW) as unit:
        put(unit, "telegram", chat_id)
        assert backlog.outbox_backlogs(unit) == {"telegram": Backlog(1, NOW)}
        close_chat(unit, chat_id)
        assert backlog.outbox_backlogs(unit) == {}


def test_dead_letters_are_counted_by_channel(database: Database) -> None:
    with database.unit(NOW) as unit:
        assert backlog.count_dead_letters(unit) == {}
        for channel in ("webhook", "webhook", "email"):
            dead_letters.move_to_dead_letters(unit, put(unit, channel), "refused")
        assert backlog.count_dead_letters(unit) == {"webhook": 2, "email": 1}


def test_no_count_reads_more_than_its_limit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "COUNT_LIMIT", 2)
    with database.unit(NOW) as unit:
        arrive(unit, "a", "b", "c")
        for _ in range(3):
            put(unit, "web")
            dead_letters.move_to_dead_letters(unit, put(unit, "webhook"), "refused")
        assert backlog.inbox_backlog(unit).waiting == 2
        assert backlog.outbox_backlogs(unit)["web"].waiting == 2
        assert backlog.count_dead_letters(unit) == {"webhook": 2}
