"""Everything is deleted on time, and nothing before its time."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from flows.casework import Act
from flows.stages import Stage
from flows.vocabulary import Journey, OutboxKind
from storage import retention
from storage.chats import browser_sessions, inbox, message_ids, officers, outbox, screens
from storage.chats.conversations import (
    StoredConversation,
    load_conversation,
    save_conversation,
)
from storage.chats.outbox import SendOptions
from storage.chats.screens import ScreenMessage
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.rows import ReferralErased
from storage.reports import missed_questions
from storage.retention import RetentionPeriods, SweepCounts
from storage.tables import CHAT, CONVERSATION
from storage.unit import StaleRow
from tests.support.builders import (
    CHANNELS,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    PC_KAUR,
    make_answer,
    make_receipt,
    make_record,
    store_answers,
)

NOTHING = SweepCounts(*(0 for _ in fields(SweepCounts)))


def sweep(database: Database, after: timedelta) -> SweepCounts:
    with database.unit(NOW + after) as unit:
        return retention.sweep(unit)


def recalled(database: Database, address: str, at: datetime = NOW) -> StoredConversation:
    with database.unit(at) as unit:
        return load_conversation(unit, "telegram", address)


def store_updates(database: Database, address: str) -> str:
    """Have somebody send their referral; return its reference."""
    with database.unit(NOW) as unit:
        before = load_conversation(unit, "telegram", address)
        reference = before.conversation.reference
        after = replace(
            before.conversation,
            stage=Stage.SENT,
            journey=Journey.SELF,
            answers=(),
            reference="",
            prompt_id=9,
            last_input_at=NOW,
            receipt=make_receipt(reference),
        )
        chat_id = save_conversation(unit, before, after).chat_id
        lifecycle.hand_over(unit, make_record(reference), chat_id)
    return reference


def test_a_draft_is_deleted_after_72_hours(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"), make_answer("area", "thanet"))
    assert sweep(database, 72 * HOUR - MINUTE) == NOTHING
    assert len(recalled(database, "amina").conversation.answers) == 2
    assert sweep(database, 72 * HOUR) == replace(NOTHING, drafts=1)
    found = recalled(database, "amina").conversation
    assert (found.stage, found.answers) == ("expired", ())
    assert found.draft_epoch == found.prompt_id > 0
    assert sweep(database, 73 * HOUR) == NOTHING


def test_somebody_who_came_back_keeps_their_draft(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    store_answers(database, "amina", make_answer("area", "thanet"), at=NOW + 2 * DAY)
    assert sweep(database, 4 * DAY) == NOTHING


def test_a_sweep_in_the_middle_of_a_turn_is_noticed(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    before = recalled(database, "amina")
    sweep(database, 4 * DAY)
    with pytest.raises(StaleRow), database.unit(NOW + 4 * DAY) as unit:
        save_conversation(unit, before, before.conversation)


def test_a_draft_that_cannot_be_opened_is_deleted_too(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    with database.unit() as unit:
        unit.conn.execute(CONVERSATION.update().values(body=b"spoiled"))
    assert sweep(database, 4 * DAY).drafts == 1
    assert recalled(database, "amina").conversation.stage == "expired"


def test_a_receipt_outlives_the_draft_and_goes_after_30_days(database: Database) -> None:
    reference = store_updates(database, "amina")
    assert sweep(database, 29 * DAY) == NOTHING
    found = recalled(database, "amina").conversation
    assert found.receipt and found.receipt.reference == reference
    assert (found.stage, found.prompt_id, found.draft_epoch) == ("sent", 9, 0)
    sweep(database, 30 * DAY)
    again = recalled(database, "amina")
    assert again.conversation.receipt is None
    assert not again.new, "the chat stays while its referral does"


def test_a_chat_that_nothing_speaks_for_is_forgotten(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    kaur = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, kaur, PC_KAUR)
    assert sweep(database, 30 * DAY).chats == 1
    assert recalled(database, "amina").new
    assert not recalled(database, "kaur").new


def test_a_chat_without_a_conversation_starts_a_new_one(database: Database) -> None:
    store_updates(database, "amina")
    sweep(database, 30 * DAY)
    store_answers(database, "amina", make_answer("name", "Amina"), at=NOW + 31 * DAY)
    assert len(recalled(database, "amina").conversation.answers) == 1
    with database.unit() as unit:
        assert len(unit.conn.execute(select(CHAT)).all()) == 1


def test_officers_are_forgotten_after_90_days_away(database: Database) -> None:
    kaur = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, kaur, PC_KAUR)
    assert recalled(database, "kaur", NOW + 91 * DAY).conversation.officer is None
    store_answers(database, "kaur", at=NOW + 60 * DAY)
    assert sweep(database, 149 * DAY).officers == 0
    assert sweep(database, 150 * DAY).officers == 1


def test_what_came_in_leaves_its_fingerprint_for_8_days(database: Database) -> None:
    with database.unit(NOW) as unit:
        some = [inbox.Arrival(str(n), "amina", {"n": n}) for n in range(3)]
        inbox.enqueue_arrivals(unit, "telegram", some)
        one, two, _ = inbox.due_inbox_items(unit, CHANNELS)
        inbox.mark_answered(unit, [one.id])
        inbox.set_aside(unit, two.id, "ValueError")
    assert sweep(database, 7 * DAY) == NOTHING
    assert sweep(database, 8 * DAY).inbox == 1
    assert sweep(database, 30 * DAY).inbox == 1
    with database.unit(NOW) as unit:
        assert len(inbox.due_inbox_items(unit, CHANNELS)) == 1, "what waits is never deleted"


def test_what_went_out_is_gone_after_24_hours(database: Database) -> None:
    chat_id = store_answers(database, "amina")
    with database.unit(NOW) as unit:
        sent = outbox.enqueue(unit, "telegram", OutboxKind.SAY, {}, chat_id)
        outbox.mark_sent(unit, sent)
        outbox.enqueue(unit, "telegram", OutboxKind.SAY, {}, chat_id)
        outbox.enqueue(
            unit, "telegram", OutboxKind.DELETE, {}, chat_id, SendOptions(NOW + 36 * HOUR)
        )
        outbox.enqueue(unit, "email", OutboxKind.ALERT, {})
    assert sweep(database, 23 * HOUR) == NOTHING
    assert sweep(database, 24 * HOUR).outbox == 2
    with database.unit(NOW + 36 * HOUR) as unit:
        left = outbox.due_outbox_items(unit, CHANNELS)
    assert [one.kind for one in left] == [OutboxKind.DELETE, OutboxKind.ALERT]


def test_message_ids_go_after_48_hours_and_questions_after_180_days(database: Database) -> None:
    kaur = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, kaur, PC_KAUR)
        message_ids.add_message_id(unit, kaur, "11", True)
        missed_questions.add_missed_question(unit, "Can I bring my dog?")
    assert sweep(database, 47 * HOUR).messages == 0
    assert sweep(database, 48 * HOUR).messages == 1
    assert sweep(database, 179 * DAY).missed_questions == 0
    with database.reading() as unit:
        (asked,) = missed_questions.list_missed_questions(unit)
    assert (asked.text, asked.at) == ("Can I bring my dog?", NOW)
    assert sweep(database, 180 * DAY).missed_questions == 1


def test_invitations_go_when_they_end(database: Database) -> None:
    with database.unit(NOW) as unit:
        officers.invite_officer(unit, PC_KAUR)
    assert sweep(database, 23 * HOUR).invitations == 0
    assert sweep(database, 24 * HOUR).invitations == 1


def test_a_browser_that_stayed_away_is_let_out_after_72_hours(database: Database) -> None:
    with database.unit(NOW) as unit:
        token = browser_sessions.begin_browser_session(unit, "web", "amina")
        browser_sessions.begin_browser_session(unit, "web", "beth")
        browser_sessions.issue_resume_code(unit, "web", "amina", hours=72)
        assert browser_sessions.session_address(replace(unit, now=NOW + HOUR), token) == "amina"
    assert sweep(database, 72 * HOUR - MINUTE) == NOTHING
    assert sweep(database, 72 * HOUR) == replace(NOTHING, browser_sessions=1, links=1)
    assert sweep(database, 73 * HOUR) == replace(NOTHING, browser_sessions=1)


def test_a_screen_is_cleared_after_36_hours(database: Database) -> None:
    with database.unit(NOW) as unit:
        screens.add_screen_message(unit, "web", "amina", ScreenMessage("", "Hello"))
        screens.add_screen_message(
            replace(unit, now=NOW + HOUR), "web", "amina", ScreenMessage("", "Still here")
        )
    assert sweep(database, 36 * HOUR - MINUTE) == NOTHING
    assert sweep(database, 36 * HOUR) == replace(NOTHING, screen_messages=1)
    with database.reading() as unit:
        (left,) = screens.list_screen_messages(unit, "web", "amina")
    assert left.text == "Still here"


def test_a_referral_nobody_has_read_is_never_deleted(database: Database) -> None:
    reference = store_updates(database, "amina")
    with database.unit(NOW) as unit:
        lifecycle.stop_contact(unit, reference, Act.WITHDRAW)
    assert sweep(database, 4000 * DAY).referrals == 0
    with database.unit(NOW) as unit:
        assert lifecycle.open_record(unit, reference, "Ann") == make_record(reference)


def test_a_referral_closed_unopened_is_not_deleted(database: Database) -> None:
    reference = store_updates(database, "amina")
    close(database, reference)
    assert sweep(database, 4000 * DAY).referrals == 0


def test_a_referral_read_and_closed_is_erased_30_days_later(database: Database) -> None:
    reference = store_updates(database, "amina")
    with database.unit(NOW) as unit:
        lifecycle.open_record(unit, reference, "Ann")
    assert sweep(database, 4000 * DAY).referrals == 0
    close(database, reference)
    assert sweep(database, 29 * DAY).referrals == 0
    assert sweep(database, 30 * DAY).referrals == 1
    with database.unit(NOW) as unit:
        (entry,) = lifecycle.list_queue(unit, include_closed=True)
        assert (entry.stage, entry.flags) == ("erased", ())
        with pytest.raises(ReferralErased):
            lifecycle.open_record(unit, reference, "Ann")


def test_a_reopened_referral_is_kept(database: Database) -> None:
    reference = store_updates(database, "amina")
    with database.unit(NOW) as unit:
        lifecycle.open_record(unit, reference, "Ann")
    close(database, reference)
    with database.unit(NOW) as unit:
        acts.perform_act(unit, reference, "reopen", "Ann")
    assert sweep(database, 400 * DAY).referrals == 0


def test_times_are_settings(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    with database.unit(NOW + HOUR) as unit:
        swept = retention.sweep(unit, RetentionPeriods(draft_hours=1))
    assert swept.drafts == 1


def close(database: Database, reference: str) -> None:
    with database.unit(NOW) as unit:
        for act in ("claim", "close"):
            acts.perform_act(unit, reference, act, "Ann")
