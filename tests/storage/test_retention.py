"""Everything is deleted on time, and nothing before its time."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session

from flows.stages import Stage
from flows.vocabulary import Journey
from storage import retention
from storage.chats import browser_sessions, inbox, message_ids, officers, outbox, screens
from storage.chats.conversations import (
    StaleConversation,
    StoredConversation,
    load_conversation,
    save_conversation,
)
from storage.chats.screens import ScreenMessage
from storage.database import Database
from storage.referrals import lifecycle
from storage.reports import missed_questions
from storage.retention import RetentionPeriods, SweepCounts
from storage.tables import CHAT, CONVERSATION
from storage.vault import Vault
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


def sweep(database: Database, vault: Vault, after: timedelta) -> SweepCounts:
    with database.transaction() as conn:
        return retention.sweep(conn, vault, NOW + after)


def recalled(
    database: Database, vault: Vault, address: str, at: datetime = NOW
) -> StoredConversation:
    with database.transaction() as conn:
        return load_conversation(conn, vault, "telegram", address, at)


def store_updates(database: Database, vault: Vault, address: str) -> str:
    """Have somebody send their referral; return its reference."""
    with database.transaction() as conn:
        before = load_conversation(conn, vault, "telegram", address, NOW)
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
        chat_id = save_conversation(conn, vault, before, after, NOW).chat_id
        lifecycle.hand_over(conn, vault, make_record(reference), chat_id, NOW)
    return reference


def test_a_draft_is_deleted_after_72_hours(database: Database, vault: Vault) -> None:
    store_answers(
        database, vault, "amina", make_answer("name", "Amina"), make_answer("town", "Margate")
    )
    assert sweep(database, vault, 72 * HOUR - MINUTE) == NOTHING
    assert len(recalled(database, vault, "amina").conversation.answers) == 2
    assert sweep(database, vault, 72 * HOUR) == replace(NOTHING, drafts=1)
    found = recalled(database, vault, "amina").conversation
    assert (found.stage, found.answers) == ("expired", ())
    assert found.draft_epoch == found.prompt_id > 0
    assert sweep(database, vault, 73 * HOUR) == NOTHING


def test_somebody_who_came_back_keeps_their_draft(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    store_answers(database, vault, "amina", make_answer("town", "Margate"), at=NOW + 2 * DAY)
    assert sweep(database, vault, 4 * DAY) == NOTHING


def test_a_sweep_in_the_middle_of_a_turn_is_noticed(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    before = recalled(database, vault, "amina")
    sweep(database, vault, 4 * DAY)
    with pytest.raises(StaleConversation), database.transaction() as conn:
        save_conversation(conn, vault, before, before.conversation, NOW + 4 * DAY)


def test_a_draft_that_cannot_be_opened_is_deleted_too(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    with database.transaction() as conn:
        conn.execute(CONVERSATION.update().values(body=b"spoiled"))
    assert sweep(database, vault, 4 * DAY).drafts == 1
    assert recalled(database, vault, "amina").conversation.stage == "expired"


def test_a_receipt_outlives_the_draft_and_goes_after_30_days(
    database: Database, vault: Vault
) -> None:
    reference = store_updates(database, vault, "amina")
    assert sweep(database, vault, 29 * DAY) == NOTHING
    found = recalled(database, vault, "amina").conversation
    assert found.receipt and found.receipt.reference == reference
    assert (found.stage, found.prompt_id, found.draft_epoch) == ("sent", 9, 0)
    sweep(database, vault, 30 * DAY)
    again = recalled(database, vault, "amina")
    assert again.conversation.receipt is None
    assert not again.new, "the chat stays while its referral does"


def test_a_chat_that_nothing_speaks_for_is_forgotten(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    kaur = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, kaur, PC_KAUR, NOW)
    assert sweep(database, vault, 30 * DAY).chats == 1
    assert recalled(database, vault, "amina").new
    assert not recalled(database, vault, "kaur").new


def test_a_chat_without_a_conversation_starts_a_new_one(database: Database, vault: Vault) -> None:
    store_updates(database, vault, "amina")
    sweep(database, vault, 30 * DAY)
    store_answers(database, vault, "amina", make_answer("name", "Amina"), at=NOW + 31 * DAY)
    assert len(recalled(database, vault, "amina").conversation.answers) == 1
    with database.transaction() as conn:
        assert len(conn.execute(select(CHAT)).all()) == 1


def test_officers_are_forgotten_after_90_days_away(database: Database, vault: Vault) -> None:
    kaur = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, kaur, PC_KAUR, NOW)
    assert recalled(database, vault, "kaur", NOW + 91 * DAY).conversation.officer is None
    store_answers(database, vault, "kaur", at=NOW + 60 * DAY)
    assert sweep(database, vault, 149 * DAY).officers == 0
    assert sweep(database, vault, 150 * DAY).officers == 1


def test_what_came_in_leaves_its_fingerprint_for_8_days(database: Database, vault: Vault) -> None:
    with database.transaction() as conn:
        some = [inbox.Arrival(str(n), "amina", {"n": n}) for n in range(3)]
        inbox.enqueue_arrivals(conn, vault, "telegram", some, NOW)
        one, two, _ = inbox.due_inbox_items(conn, vault, NOW, CHANNELS)
        inbox.mark_answered(conn, [one.id], NOW)
        inbox.set_aside(conn, two.id, NOW)
    assert sweep(database, vault, 7 * DAY) == NOTHING
    assert sweep(database, vault, 8 * DAY).inbox == 1
    assert sweep(database, vault, 30 * DAY).inbox == 1
    with database.transaction() as conn:
        assert len(inbox.due_inbox_items(conn, vault, NOW, CHANNELS)) == 1, (
            "what waits is never deleted"
        )


def test_what_went_out_is_gone_after_24_hours(database: Database, vault: Vault) -> None:
    chat_id = store_answers(database, vault, "amina")
    with database.transaction() as conn:
        sent = outbox.enqueue(conn, vault, "telegram", "say", {}, NOW, chat_id)
        outbox.mark_sent(conn, sent, NOW)
        outbox.enqueue(conn, vault, "telegram", "say", {}, NOW, chat_id)
        outbox.enqueue(
            conn, vault, "telegram", "tidy", {}, NOW, chat_id, not_before=NOW + 36 * HOUR
        )
        outbox.enqueue(conn, vault, "staff", "alert", {}, NOW)
    assert sweep(database, vault, 23 * HOUR) == NOTHING
    assert sweep(database, vault, 24 * HOUR).outbox == 2
    with database.transaction() as conn:
        left = outbox.due_outbox_items(conn, vault, NOW + 36 * HOUR, CHANNELS)
    assert [one.kind for one in left] == ["tidy", "alert"]


def test_message_ids_go_after_48_hours_and_questions_after_180_days(
    database: Database, vault: Vault
) -> None:
    kaur = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, kaur, PC_KAUR, NOW)
        message_ids.add_message_id(conn, vault, kaur, "11", True, NOW)
        missed_questions.add_missed_question(conn, vault, "Can I bring my dog?", NOW)
    assert sweep(database, vault, 47 * HOUR).messages == 0
    assert sweep(database, vault, 48 * HOUR).messages == 1
    assert sweep(database, vault, 179 * DAY).missed_questions == 0
    with database.session() as session:
        (asked,) = missed_questions.list_missed_questions(session, vault)
    assert (asked.text, asked.at) == ("Can I bring my dog?", NOW)
    assert sweep(database, vault, 180 * DAY).missed_questions == 1


def test_invitations_go_when_they_end(database: Database, vault: Vault) -> None:
    with database.transaction() as conn:
        officers.invite_officer(conn, vault, PC_KAUR, NOW)
    assert sweep(database, vault, 23 * HOUR).invitations == 0
    assert sweep(database, vault, 24 * HOUR).invitations == 1


def test_a_browser_that_stayed_away_is_let_out_after_72_hours(
    database: Database, vault: Vault
) -> None:
    with database.transaction() as conn:
        token = browser_sessions.begin_browser_session(conn, vault, "web", "amina", NOW)
        browser_sessions.begin_browser_session(conn, vault, "web", "beth", NOW)
        browser_sessions.issue_resume_code(conn, vault, "web", "amina", NOW, hours=72)
        assert browser_sessions.session_address(conn, vault, token, NOW + HOUR) == "amina"
    assert sweep(database, vault, 72 * HOUR - MINUTE) == NOTHING
    assert sweep(database, vault, 72 * HOUR) == replace(NOTHING, browser_sessions=1, links=1)
    assert sweep(database, vault, 73 * HOUR) == replace(NOTHING, browser_sessions=1)


def test_a_screen_is_cleared_after_36_hours(database: Database, vault: Vault) -> None:
    with database.transaction() as conn:
        screens.add_screen_message(conn, vault, "web", "amina", ScreenMessage("", "Hello"), NOW)
        screens.add_screen_message(
            conn, vault, "web", "amina", ScreenMessage("", "Still here"), NOW + HOUR
        )
    assert sweep(database, vault, 36 * HOUR - MINUTE) == NOTHING
    assert sweep(database, vault, 36 * HOUR) == replace(NOTHING, screen_messages=1)
    with database.session() as session:
        (left,) = screens.list_screen_messages(session, vault, "web", "amina")
    assert left.text == "Still here"


def test_a_referral_nobody_has_read_is_never_deleted(database: Database, vault: Vault) -> None:
    reference = store_updates(database, vault, "amina")
    with database.transaction() as conn:
        lifecycle.stop_contact(conn, reference, "withdraw", NOW)
    assert sweep(database, vault, 4000 * DAY).referrals == 0
    with database.transaction() as conn:
        assert lifecycle.open_record(conn, vault, reference, "Ann", NOW) == make_record(reference)


def test_a_referral_closed_unopened_is_not_deleted(database: Database, vault: Vault) -> None:
    reference = store_updates(database, vault, "amina")
    close(database, vault, reference)
    assert sweep(database, vault, 4000 * DAY).referrals == 0


def test_a_referral_read_and_closed_is_erased_30_days_later(
    database: Database, vault: Vault
) -> None:
    reference = store_updates(database, vault, "amina")
    with database.transaction() as conn:
        lifecycle.open_record(conn, vault, reference, "Ann", NOW)
    assert sweep(database, vault, 4000 * DAY).referrals == 0
    close(database, vault, reference)
    assert sweep(database, vault, 29 * DAY).referrals == 0
    assert sweep(database, vault, 30 * DAY).referrals == 1
    with database.transaction() as conn:
        (entry,) = lifecycle.list_queue(Session(conn), vault, NOW, include_closed=True)
        assert (entry.stage, entry.flags) == ("erased", ())
        with pytest.raises(lifecycle.ReferralErased):
            lifecycle.open_record(conn, vault, reference, "Ann", NOW)


def test_a_reopened_referral_is_kept(database: Database, vault: Vault) -> None:
    reference = store_updates(database, vault, "amina")
    with database.transaction() as conn:
        lifecycle.open_record(conn, vault, reference, "Ann", NOW)
    close(database, vault, reference)
    with database.transaction() as conn:
        lifecycle.perform_act(conn, vault, reference, "reopen", "Ann", NOW)
    assert sweep(database, vault, 400 * DAY).referrals == 0


def test_times_are_settings(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    with database.transaction() as conn:
        swept = retention.sweep(conn, vault, NOW + HOUR, RetentionPeriods(draft_hours=1))
    assert swept.drafts == 1


def close(database: Database, vault: Vault, reference: str) -> None:
    with database.transaction() as conn:
        for act in ("claim", "close"):
            lifecycle.perform_act(conn, vault, reference, act, "Ann", NOW)
