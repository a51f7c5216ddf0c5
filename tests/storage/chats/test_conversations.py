"""A conversation is recalled as it was left, for its own person, with one writer at a time."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event, func, select, update

from flows.conversation import Answer, Conversation
from flows.officers import Officer
from flows.pending import ChangeAnswer
from flows.stages import Stage
from flows.vocabulary import AnswerStatus, Flag, Journey
from storage.chats import message_ids
from storage.chats.conversations import (
    StaleConversation,
    StoredConversation,
    close_chat,
    delete_draft_answers,
    load_conversation,
    reopen_chat,
    save_conversation,
    state_context,
)
from storage.chats.officers import save_officer
from storage.database import Database
from storage.tables import ANSWER, CHAT, CONVERSATION
from storage.vault import Vault, VaultError
from tests.support.builders import DAY, HOUR, NOW, PC_KAUR, make_answer, make_receipt, store_answers

ALPHABET = set("ACDEFGHJKMNPQRTWXY34679")


def recalled(database: Database, vault: Vault, address: str = "amina") -> StoredConversation:
    with database.transaction() as conn:
        return load_conversation(conn, vault, "telegram", address, NOW)


def store(
    database: Database, vault: Vault, before: StoredConversation, after: Conversation
) -> StoredConversation:
    with database.transaction() as conn:
        return save_conversation(conn, vault, before, after, NOW)


def count(database: Database, table: str) -> int:
    with database.transaction() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def answer_values(conversation: Conversation) -> list[str]:
    return [answer.value for answer in conversation.answers]


def test_somebody_unknown_is_new_and_nothing_is_kept(database: Database, vault: Vault) -> None:
    found = recalled(database, vault)
    assert found.new and not found.closed and found.version == 0
    assert found.conversation == Conversation(reference=found.conversation.reference)
    assert count(database, "chat") == count(database, "conversation") == 0


def test_a_reference_is_set_aside_without_look_alikes(database: Database, vault: Vault) -> None:
    references = {recalled(database, vault).conversation.reference for _ in range(50)}
    assert len(references) == 50
    for reference in references:
        assert len(reference) == 9 and reference[4] == "-"
        assert set(reference.replace("-", "")) <= ALPHABET


def test_the_reference_stays_the_same_until_it_is_used(database: Database, vault: Vault) -> None:
    before = recalled(database, vault)
    store(database, vault, before, before.conversation)
    again = recalled(database, vault)
    assert again.conversation.reference == before.conversation.reference
    store(database, vault, again, replace(again.conversation, reference=""))
    assert recalled(database, vault).conversation.reference not in (
        "",
        before.conversation.reference,
    )


def test_a_reference_that_was_sent_is_not_used_again(database: Database, vault: Vault) -> None:
    before = recalled(database, vault)
    sent = before.conversation.reference
    store(database, vault, before, replace(before.conversation, receipt=make_receipt(sent)))
    assert recalled(database, vault).conversation.reference not in ("", sent)


def test_everything_comes_back_as_it_was(database: Database, vault: Vault) -> None:
    before = recalled(database, vault)
    after = replace(
        before.conversation,
        stage=Stage.ASKING,
        journey=Journey.SELF,
        language="pl",
        answers=(
            make_answer("name", "Amina"),
            replace(make_answer("age", ""), status=AnswerStatus.RATHER_NOT_SAY, message_id=None),
        ),
        prompt_id=7,
        draft_epoch=2,
        editing="age",
        pending=ChangeAnswer("town", "Margate", AnswerStatus.ANSWERED, "12"),
        last_input_at=NOW - HOUR,
        flags=(Flag.PRESSURE, Flag.SUICIDAL),
        consented_at=NOW,
        receipt=make_receipt("ABCD-EFGH"),
        officer=PC_KAUR,
        details_in_chat=True,
    )
    kept = store(database, vault, before, after)
    again = recalled(database, vault)
    assert again.conversation == after == kept.conversation
    assert again == kept
    assert not again.new


def test_only_new_answers_are_added(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    first = recalled(database, vault).answer_row_ids
    store_answers(database, vault, "amina", make_answer("town", "Margate"))
    found = recalled(database, vault)
    assert answer_values(found.conversation) == ["Amina", "Margate"]
    assert found.answer_row_ids[:1] == first


def test_answers_that_are_dropped_are_deleted(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", *(make_answer(q, q) for q in ("one", "two", "three")))
    before = recalled(database, vault)
    answers = (before.conversation.answers[0], make_answer("two", "another"))
    kept = store(database, vault, before, replace(before.conversation, answers=answers))
    assert answer_values(recalled(database, vault).conversation) == ["one", "another"]
    assert recalled(database, vault) == kept
    store(database, vault, kept, replace(kept.conversation, answers=()))
    assert count(database, "answer") == 0


def test_what_remember_returns_can_be_remembered_again(database: Database, vault: Vault) -> None:
    found = recalled(database, vault)
    for n in range(5):
        longer = (*found.conversation.answers, make_answer("q", str(n)))
        found = store(database, vault, found, replace(found.conversation, answers=longer))
    assert answer_values(recalled(database, vault).conversation) == ["0", "1", "2", "3", "4"]


def test_reading_alone_leaves_no_answers(database: Database, vault: Vault) -> None:
    before = recalled(database, vault)
    store(database, vault, before, replace(before.conversation, stage=Stage.LEARNING))
    assert count(database, "answer") == 0


def test_two_writers_at_once_and_the_second_is_told(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina")
    one, other = recalled(database, vault), recalled(database, vault)
    first = replace(one.conversation, answers=(make_answer("town", "Margate"),))
    store(database, vault, one, first)
    with pytest.raises(StaleConversation):
        store(database, vault, other, replace(other.conversation, stage=Stage.CHECKING))
    assert answer_values(recalled(database, vault).conversation) == ["Margate"]


def test_two_first_messages_at_once_and_the_second_is_told(
    database: Database, vault: Vault
) -> None:
    one, other = recalled(database, vault), recalled(database, vault)
    store(database, vault, one, one.conversation)
    with pytest.raises(StaleConversation):
        store(database, vault, other, other.conversation)
    assert count(database, "chat") == 1


def test_people_are_kept_apart(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    store_answers(database, vault, "ben", make_answer("name", "Ben"))
    assert answer_values(recalled(database, vault, "amina").conversation) == ["Amina"]
    with database.transaction() as conn:
        assert load_conversation(conn, vault, "web", "amina", NOW).new


def test_an_answer_moved_to_another_person_does_not_open(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    store_answers(database, vault, "ben")
    ben = recalled(database, vault, "ben")
    with database.transaction() as conn:
        conn.execute(update(ANSWER).values(conversation_id=ben.conversation_id))
    with pytest.raises(VaultError):
        recalled(database, vault, "ben")


def test_a_draft_can_be_forgotten(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    store_answers(database, vault, "ben", make_answer("name", "Ben"))
    before = recalled(database, vault)
    with database.transaction() as conn:
        after = replace(before.conversation, answers=())
        delete_draft_answers(conn, save_conversation(conn, vault, before, after, NOW))
    assert answer_values(recalled(database, vault).conversation) == []
    assert answer_values(recalled(database, vault, "ben").conversation) == ["Ben"]


def test_a_blocked_chat_is_closed_until_the_person_returns(
    database: Database, vault: Vault
) -> None:
    chat_id = store_answers(database, vault, "amina")
    with database.transaction() as conn:
        close_chat(conn, chat_id, NOW)
    assert recalled(database, vault).closed
    with database.transaction() as conn:
        reopen_chat(conn, chat_id)
    assert not recalled(database, vault).closed


def _rewrite(conn: Connection, vault: Vault, **changed: object) -> None:
    row = conn.execute(select(CONVERSATION.c.id, CONVERSATION.c.body)).one()
    place = state_context(row.id)
    kept = {**json.loads(vault.unseal(row.body, place)), **changed}
    text = json.dumps({name: value for name, value in kept.items() if value != "gone"})
    conn.execute(update(CONVERSATION).values(body=vault.seal(text, place)))


def test_a_state_from_a_newer_version_is_read_as_far_as_it_goes(
    database: Database, vault: Vault
) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    with database.transaction() as conn:
        _rewrite(
            conn,
            vault,
            hologram=True,
            invalid_count="gone",
            prompt_id="seven",
            pending={"kind": "guess", "status": "by telepathy"},
            receipt={"reference": "ABCD-EFGH"},
            last_input_at="yesterday",
        )
    found = recalled(database, vault).conversation
    assert answer_values(found) == ["Amina"]
    assert (found.stage, found.prompt_id, found.invalid_count) == ("asking", 0, 0)
    assert (found.receipt, found.last_input_at) == (None, None)


def test_a_state_that_is_nonsense_starts_again(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina")
    with database.transaction() as conn:
        id = conn.execute(select(CONVERSATION.c.id)).scalar_one()
        conn.execute(update(CONVERSATION).values(body=vault.seal("[", state_context(id))))
    assert recalled(database, vault).conversation.stage == "welcome"


def test_an_answer_of_an_unknown_kind_is_asked_again(database: Database, vault: Vault) -> None:
    strange = replace(make_answer("town", "Margate"), status="dreamt")  # type: ignore[arg-type]
    store_answers(
        database, vault, "amina", make_answer("name", "Amina"), strange, make_answer("age", "30")
    )
    assert answer_values(recalled(database, vault).conversation) == ["Amina", "30"]
    store_answers(database, vault, "amina", make_answer("town", "Deal"))
    assert answer_values(recalled(database, vault).conversation) == ["Amina", "30", "Deal"]


def test_an_officer_is_remembered_for_their_chat(database: Database, vault: Vault) -> None:
    chat_id = store_answers(database, vault, "kaur")
    invited = replace(PC_KAUR, verified=True)
    with database.transaction() as conn:
        save_officer(conn, vault, chat_id, invited, NOW)
    found = recalled(database, vault, "kaur")
    assert found.conversation.officer == invited
    store(database, vault, found, found.conversation)
    assert recalled(database, vault, "kaur").conversation.officer == invited
    assert recalled(database, vault, "amina").conversation.officer is None


def test_an_officer_who_is_revoked_is_verified_no_more(database: Database, vault: Vault) -> None:
    before = recalled(database, vault, "kaur")
    invited: Officer = replace(PC_KAUR, verified=True)
    store(database, vault, before, replace(before.conversation, officer=invited))
    assert recalled(database, vault, "kaur").conversation.officer is None


def test_message_ids_are_kept_sealed_until_dropped(database: Database, vault: Vault) -> None:
    chat_id = store_answers(database, vault, "amina")
    with database.transaction() as conn:
        message_ids.add_message_id(conn, vault, chat_id, "11", True, NOW - DAY)
        message_ids.add_message_id(conn, vault, chat_id, "12", False, NOW)
        message_ids.add_message_id(conn, vault, chat_id, "12", False, NOW)
        assert message_ids.message_ids_since(conn, vault, chat_id, NOW - HOUR) == ["12"]
        assert message_ids.message_ids_since(conn, vault, chat_id, NOW - 2 * DAY) == ["11", "12"]
        assert message_ids.message_ids_since(conn, vault, "nobody", NOW - DAY) == []
        assert message_ids.message_ids_before(conn, vault, NOW) == {chat_id: ["11"]}
        message_ids.delete_message_ids(conn, vault, chat_id, ["11", "99"])
        assert message_ids.message_ids_since(conn, vault, chat_id, NOW - 2 * DAY) == ["12"]


def test_few_statements_are_needed(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "amina", make_answer("name", "Amina"))
    said: list[str] = []
    with database.transaction() as conn:
        event.listen(conn, "before_cursor_execute", lambda *given: said.append(given[2]))
        found = load_conversation(conn, vault, "telegram", "amina", NOW)
        longer = (*found.conversation.answers, make_answer("town", "Deal"))
        save_conversation(conn, vault, found, replace(found.conversation, answers=longer), NOW)
    assert [statement.split()[0] for statement in said] == ["SELECT", "SELECT", "UPDATE", "INSERT"]


def test_the_chat_is_found_by_its_fingerprint_only(database: Database, vault: Vault) -> None:
    store_answers(database, vault, "4915112345")
    with database.transaction() as conn:
        row = conn.execute(select(CHAT)).one()
        assert conn.execute(select(func.count()).select_from(CHAT)).scalar_one() == 1
    assert "4915112345" not in str(tuple(row))


def test_answers_keep_every_field(database: Database, vault: Vault) -> None:
    given: Answer = replace(
        make_answer("note", "\ud83d and 'quotes'\n"), status=AnswerStatus.SKIPPED
    )
    store_answers(database, vault, "amina", given)
    assert recalled(database, vault).conversation.answers == (given,)
