"""The guard in front of every message: all answers, all times, and no way round it."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.calendar.workdays import is_working_day
from flows.outbound import guard
from flows.outbound.guard import (
    Allow,
    Defer,
    Deny,
    OutboundKind,
    OutboundMessage,
    SafeContact,
    Variant,
)
from flows.questions.questionnaire import get_question
from flows.record import Record, RecordLine
from flows.service import service
from flows.vocabulary import AnswerStatus, Journey, OutboxKind, Queue
from tests.support.paths import ROOT

KENT = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
STAGES = ("", "new", "claimed", "in_touch", "waiting", "paused", "closed", "withdrawn", "erased")
WAYS = ("", *get_question("way").options)
IF_SEEN = ("", *get_question("if_seen").options)
TIMES = ("", *get_question("best_time").options)
SECRET = ("", *get_question("must_not_know").options)

contacts = st.builds(
    SafeContact,
    stage=st.sampled_from(STAGES),
    owner=st.sampled_from([None, "mira", "omar"]),
    may_contact=st.booleans(),
    way=st.sampled_from(WAYS),
    if_seen=st.sampled_from(IF_SEEN),
    best_time=st.sampled_from(TIMES),
    must_not_know=st.sampled_from(SECRET),
    chat_open=st.booleans(),
    handed_off_to=st.sampled_from(["", "mira", "omar"]),
    input_since_queued=st.booleans(),
)
moments = st.integers(0, 2 * 366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
outwards = st.builds(
    OutboundMessage,
    kind=st.sampled_from(OutboundKind),
    variant=st.sampled_from(tuple(guard.Variant)),
    sender=st.sampled_from(["", "mira", "omar"]),
    unblockable=st.booleans(),
)
READY = SafeContact(
    stage="in_touch", owner="mira", may_contact=True, way="here", chat_open=True, if_seen=""
)
PLAIN = OutboundMessage(OutboundKind.STAFF, Variant.NO_SERVICE, "mira")


def test_every_combination_of_answers_for_a_message_of_staff() -> None:
    tried = sent = 0
    for stage, way, seen, best, secret, may, is_open, variant in product(
        STAGES, WAYS, IF_SEEN, TIMES, SECRET, (True, False), (True, False), tuple(guard.Variant)
    ):
        contact = SafeContact(stage, "mira", may, way, seen, best, secret, is_open)
        message = OutboundMessage(OutboundKind.STAFF, variant, "mira")
        verdict = guard.check_message(message, contact, MONDAY)
        tried += 1
        reachable = stage in ("new", "claimed", "in_touch", "waiting")
        named = variant == Variant.SAY_SERVICE and not (seen == "say_service" and secret == "no")
        first = variant == Variant.FIRST_NAME and seen != "first_name"
        if not (reachable and way == "here" and may and is_open) or named or first:
            assert isinstance(verdict, Deny), contact
            assert verdict.reason in guard.DENY_REASONS
        elif best in ("afternoon", "evening"):
            assert verdict == Defer(_at(MONDAY, service().windows[best][0]))
        else:
            assert verdict == Allow()
            sent += 1
    assert tried == len(STAGES) * len(WAYS) * 4 * 5 * 6 * 2 * 2 * 3
    assert sent > 0


def test_nothing_that_was_not_answered_is_safe() -> None:
    unknown = SafeContact()
    for kind in (OutboundKind.STAFF, OutboundKind.BOT_RESUMES, OutboundKind.ANSWER):
        assert isinstance(
            guard.check_message(OutboundMessage(kind, sender="mira"), unknown, MONDAY), Deny
        )
    assert guard.allowed_variant(unknown) == Variant.NO_SERVICE
    assert guard.allowed_variant(SafeContact(if_seen="say_service")) == Variant.NO_SERVICE


reachable = contacts.map(
    lambda one: replace(one, stage="in_touch", owner="mira", may_contact=True, way="here")
)


@given(outwards, contacts | reachable, moments)
@example(PLAIN, READY, MONDAY)
@example(PLAIN, READY, MONDAY + timedelta(hours=13))
@example(OutboundMessage(OutboundKind.BOT_RESUMES, Variant.NO_SERVICE), READY, MONDAY)
def test_what_goes_goes_inside_its_hours_and_to_nobody_else(
    message: OutboundMessage, contact: SafeContact, now: datetime
) -> None:
    verdict = guard.check_message(message, contact, now)
    if message.kind == OutboundKind.CLEANUP:
        assert verdict == Allow()
    elif message.kind == OutboundKind.ANSWER:
        free = contact.chat_open and (message.unblockable or not contact.handed_off_to)
        assert isinstance(verdict, Allow) == free
    elif not isinstance(verdict, Deny):
        assert contact.stage not in ("", *guard.BLOCKED_STAGES)
        assert contact.way == "here"
        assert contact.may_contact
        assert contact.chat_open
        goes_at = verdict.not_before if isinstance(verdict, Defer) else now
        opens, closes = guard.contact_hours(contact)
        here = goes_at.astimezone(KENT)
        assert goes_at >= now
        assert goes_at - now < timedelta(days=8)
        assert opens <= here.time() < closes
        assert is_working_day(here.date(), service())
        assert guard.check_message(message, contact, goes_at) == Allow()
        if message.kind == OutboundKind.BOT_RESUMES:
            assert not contact.handed_off_to
            assert not contact.input_since_queued
        else:
            assert message.sender == contact.owner
            assert contact.handed_off_to in ("", message.sender)


@given(outwards, contacts, moments)
def test_taking_an_answer_away_never_lets_more_through(
    message: OutboundMessage, contact: SafeContact, now: datetime
) -> None:
    if not isinstance(guard.check_message(message, contact, now), Deny):
        return
    for less in (
        {"way": ""},
        {"may_contact": False},
        {"chat_open": False},
        {"stage": ""},
        {"stage": "withdrawn"},
    ):
        changed = SafeContact(**{**_parts(contact), **dict(less)})
        assert isinstance(guard.check_message(message, changed, now), Deny)


@pytest.mark.parametrize("stage", guard.BLOCKED_STAGES)
def test_after_stopping_nobody_writes(stage: str) -> None:
    stopped = SafeContact(**{**_parts(READY), "stage": stage})
    assert guard.check_message(PLAIN, stopped, MONDAY) == Deny(stage)


def test_the_record_is_read_as_it_was_answered() -> None:
    record = _record(way="here", if_seen="say_service", best_time="evening", must_not_know="no")
    contact = guard.safe_contact_in(record, "claimed", "mira", True, True)
    assert guard.allowed_variant(contact) == Variant.SAY_SERVICE
    assert guard.check_message(PLAIN, contact, MONDAY) == Defer(_at(MONDAY, time(17)))
    silent = _record(way="here", if_seen="say_service", must_not_know="")
    assert (
        guard.allowed_variant(guard.safe_contact_in(silent, "claimed", "mira", True, True))
        == "no_service"
    )
    stopped = guard.safe_contact_in(record, "claimed", "mira", False, True)
    assert guard.check_message(PLAIN, stopped, MONDAY) == Deny("no_contact")


# --- no way round it


def direct_puts(text: str) -> list[int]:
    """Return the lines on which something is put in the outbox that a person might read."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "outbox.enqueue"):
            continue
        named = {one.arg: one.value for one in node.keywords}
        kind = node.args[2] if len(node.args) > 2 else named.get("kind")
        if not isinstance(kind, ast.Attribute) or kind.attr == OutboxKind.SAY.name:
            found.append(node.lineno)
    return found


def test_only_one_file_puts_what_a_person_reads_in_the_outbox() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted((ROOT / "bot").rglob("*.py"))
        if path.name != "outgoing.py" and (lines := direct_puts(path.read_text("utf-8")))
    }
    assert wrong == {}


def test_nobody_takes_the_outbox_under_another_name() -> None:
    imports = 0
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "storage.chats.outbox":
                assert "enqueue" not in [one.name for one in node.names], path
            if isinstance(node, ast.ImportFrom) and node.module == "storage.chats":
                aliases = [one.asname for one in node.names if one.name == "outbox"]
                assert aliases in ([], [None]), path
                imports += len(aliases)
    assert imports >= 3


@pytest.mark.parametrize(
    "line",
    [
        "outbox.enqueue(unit, channel, OutboxKind.SAY, body, chat)",
        "outbox.enqueue(unit, channel, kind=OutboxKind.SAY, body=body)",
        "outbox.enqueue(unit, channel, kind, body)",
    ],
)
def test_a_direct_put_is_found(line: str) -> None:
    assert direct_puts(line) == [1]


def _at(day: datetime, hour: time) -> datetime:
    return datetime.combine(day.astimezone(KENT).date(), hour, KENT)


def _parts(contact: SafeContact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in SafeContact.__dataclass_fields__}


def _status(value: str) -> AnswerStatus:
    return AnswerStatus.ANSWERED if value else AnswerStatus.SKIPPED


def _record(**said: str) -> Record:
    lines = tuple(
        RecordLine(key, "", _status(value), value, "", "", None, "", "en")
        for key, value in said.items()
    )
    return Record(
        *("ACDE-3467", Journey.SELF, (), lines, "", MONDAY, MONDAY, MONDAY, "Europe/London"),
        *(Queue.ADULTS, "", False, False, True, (), (), "", "en"),
    )
