"""A conversation is recalled as it was left, for its own person, with one writer at a time."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, update

from flows.conversation import Answer, Conversation
from flows.officers import Officer
from flows.pending import ChangeAnswer
from flows.stages import Stage
from flows.vocabulary import AnswerStatus, Flag, Journey
from storage.chats import message_ids
from storage.chats.conversations import (
    StoredConversation,
    close_chat,
    load_conversation,
    reopen_chat,
    save_conversation,
    state_context,
)
from storage.chats.officers import save_officer
from storage.database import Database
from storage.tables import ANSWER, CHAT, CONVERSATION
from storage.unit import StaleRow, Unit
from storage.vault import VaultError
from tests.support.builders import DAY, HOUR, NOW, PC_KAUR, make_answer, make_receipt, store_answers

ALPHABET = set("ACDEFGHJKMNPQRTWXY34679")


@pytest.fixture(autouse=True)
def nothing_in_memory(database: Database) -> None:
    """Have all read from the file; tests/storage/test_recent.py is about what need not be."""
    database.recent.limit = 0


def recalled(database: Database, address: str = "amina") -> StoredConversation:
    with database.unit(NOW) as unit:
        return load_conversation(unit, "telegram", address)


def store(
    database: Database, before: StoredConversation, after: Conversation
) -> StoredConversation:
    with database.unit(NOW) as unit:
        return save_conversation(unit, before, after)


def count(database: Database, table: str) -> int:
    with database.unit() as unit:
        return int(unit.conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


def answer_values(conversation: Conversation) -> list[str]:
    return [answer.value for answer in conversation.answers]


def test_somebody_unknown_is_new_and_nothing_is_kept(database: Database) -> None:
    found = recalled(database)
    assert found.new and not found.closed and found.version == 0
    assert found.conversation == Conversation(reference=found.conversation.reference)
    assert count(database, "chat") == count(database, "conversation") == 0


def test_a_reference_is_set_aside_without_look_alikes(database: Database) -> None:
    references = {recalled(database).conversation.reference for _ in range(50)}
    assert len(references) == 50
    for reference in references:
        assert len(reference) == 9 and reference[4] == "-"
        assert set(reference.replace("-", "")) <= ALPHABET


def test_the_reference_stays_the_same_until_it_is_used(database: Database) -> None:
    before = recalled(database)
    store(database, before, before.conversation)
    again = recalled(database)
    assert again.conversation.reference == before.conversation.reference
    store(database, again, replace(again.conversation, reference=""))
    assert recalled(database).conversation.reference not in (
        "",
        before.conversation.reference,
    )


def test_a_reference_that_was_sent_is_not_used_again(database: Database) -> None:
    before = recalled(database)
    sent = before.conversation.reference
    store(database, before, replace(before.conversation, receipt=make_receipt(sent)))
    assert recalled(database).conversation.reference not in ("", sent)


def test_everything_comes_back_as_it_was(database: Database) -> None:
    before = recalled(database)
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
        pending=ChangeAnswer("area", "thanet", AnswerStatus.ANSWERED, "12"),
        last_input_at=NOW - HOUR,
        flags=(Flag.PRESSURE, Flag.SUICIDAL),
        consented_at=NOW,
        receipt=make_receipt("ABCD-EFGH"),
        officer=PC_KAUR,
        details_in_chat=True,
    )
    kept = store(database, before, after)
    again = recalled(database)
    assert again.conversation == after == kept.conversation
    assert again == kept
    assert not again.new


def test_only_new_answers_are_added(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    first = recalled(database).answer_row_ids
    store_answers(database, "amina", make_answer("area", "thanet"))
    found = recalled(database)
    assert answer_values(found.conversation) == ["Amina", "thanet"]
    assert found.answer_row_ids[:1] == first


def test_answers_that_are_dropped_are_deleted(database: Database) -> None:
    store_answers(database, "amina", *(make_answer(q, q) for q in ("name", "note", "code_word")))
    before = recalled(database)
    answers = (before.conversation.answers[0], make_answer("note", "another"))
    kept = store(database, before, replace(before.conversation, answers=answers))
    assert answer_values(recalled(database).conversation) == ["name", "another"]
    assert recalled(database) == kept
    store(database, kept, replace(kept.conversation, answers=()))
    assert count(database, "answer") == 0


def test_what_remember_returns_can_be_remembered_again(database: Database) -> None:
    found = recalled(database)
    for n in range(5):
        longer = (*found.conversation.answers, make_answer("note", str(n)))
        found = store(database, found, replace(found.conversation, answers=longer))
    assert answer_values(recalled(database).conversation) == ["0", "1", "2", "3", "4"]


def test_reading_alone_leaves_no_answers(database: Database) -> None:
    before = recalled(database)
    store(database, before, replace(before.conversation, stage=Stage.LEARNING))
    assert count(database, "answer") == 0


def test_two_writers_at_once_and_the_second_is_told(database: Database) -> None:
    store_answers(database, "amina")
    one, other = recalled(database), recalled(database)
    first = replace(one.conversation, answers=(make_answer("area", "thanet"),))
    store(database, one, first)
    with pytest.raises(StaleRow):
        store(database, other, replace(other.conversation, stage=Stage.CHECKING))
    assert answer_values(recalled(database).conversation) == ["thanet"]


def test_two_first_messages_at_once_and_the_second_is_told(database: Database) -> None:
    one, other = recalled(database), recalled(database)
    store(database, one, one.conversation)
    with pytest.raises(StaleRow):
        store(database, other, other.conversation)
    assert count(database, "chat") == 1


def test_people_are_kept_apart(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    store_answers(database, "ben", make_answer("name", "Ben"))
    assert answer_values(recalled(database, "amina").conversation) == ["Amina"]
    with database.unit(NOW) as unit:
        assert load_conversation(unit, "web", "amina").new


def test_an_answer_moved_to_another_person_does_not_open(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    store_answers(database, "ben")
    ben = recalled(database, "ben")
    with database.unit() as unit:
        unit.conn.execute(update(ANSWER).values(conversation_id=ben.conversation_id))
    with pytest.raises(VaultError):
        recalled(database, "ben")


def test_a_draft_can_be_forgotten(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    store_answers(database, "ben", make_answer("name", "Ben"))
    before = recalled(database)
    with database.unit(NOW) as unit:
        after = replace(before.conversation, answers=())
        save_conversation(unit, before, after)
    assert answer_values(recalled(database).conversation) == []
    assert answer_values(recalled(database, "ben").conversation) == ["Ben"]


def test_a_blocked_chat_is_closed_until_the_person_returns(database: Database) -> None:
    chat_id = store_answers(database, "amina")
    with database.unit(NOW) as unit:
        close_chat(unit, chat_id)
    assert recalled(database).closed
    with database.unit() as unit:
        reopen_chat(unit, chat_id)
    assert not recalled(database).closed


def _rewrite(unit: Unit, **changed: object) -> None:
    row = unit.conn.execute(select(CONVERSATION.c.id, CONVERSATION.c.body)).one()
    place = state_context(row.id)
    kept = {**json.loads(unit.unseal(place, row.body)), **changed}
    text = json.dumps({name: value for name, value in kept.items() if value != "gone"})
    unit.conn.execute(update(CONVERSATION).values(body=unit.seal(place, text)))


def test_a_state_from_a_newer_version_is_read_as_far_as_it_goes(database: Database) -> None:
    store_answers(database, "amina", make_answer("name", "Amina"))
    with database.unit() as unit:
        _rewrite(
            unit,
            hologram=True,
            invalid_count="gone",
            prompt_id="seven",
            pending={"kind": "guess", "status": "by telepathy"},
            receipt={"reference": "ABCD-EFGH"},
            last_input_at="yesterday",
        )
    found = recalled(database).conversation
    assert answer_values(found) == ["Amina"]
    assert (found.stage, found.prompt_id, found.invalid_count) == ("asking", 0, 0)
    assert (found.receipt, found.last_input_at) == (None, None)


def test_a_state_that_is_nonsense_starts_again(database: Database) -> None:
    store_answers(database, "amina")
    with database.unit() as unit:
        id = unit.conn.execute(select(CONVERSATION.c.id)).scalar_one()
        unit.conn.execute(update(CONVERSATION).values(body=unit.vault.seal("[", state_context(id))))
    assert recalled(database).conversation.stage == "welcome"


def test_an_answer_of_an_unknown_kind_is_asked_again(database: Database) -> None:
    strange = replace(make_answer("area", "thanet"), status="dreamt")  # type: ignore[arg-type]
    store_answers(
        database, "amina", make_answer("name", "Amina"), strange, make_answer("age", "adult")
    )
    assert answer_values(recalled(database).conversation) == ["Amina", "adult"]
    store_answers(database, "amina", make_answer("area", "dover"))
    assert answer_values(recalled(database).conversation) == ["Amina", "adult", "dover"]


def test_an_officer_is_remembered_for_their_chat(database: Database) -> None:
    chat_id = store_answers(database, "kaur")
    invited = replace(PC_KAUR, verified=True)
    with database.unit(NOW) as unit:
        save_officer(unit, chat_id, invited)
    found = recalled(database, "kaur")
    assert found.conversation.officer == invited
    store(database, found, found.conversation)
    assert recalled(database, "kaur").conversation.officer == invited
    assert recalled(database, "amina").conversation.officer is None


def test_an_officer_who_is_revoked_is_verified_no_more(database: Database) -> None:
    before = recalled(database, "kaur")
    invited: Officer = replace(PC_KAUR, verified=True)
    store(database, before, replace(before.conversation, officer=invited))
    assert recalled(database, "kaur").conversation.officer is None


def test_message_ids_are_kept_sealed_until_dropped(database: Database) -> None:
    chat_id = store_answers(database, "amina")
    with database.unit(NOW) as unit:
        message_ids.add_message_id(replace(unit, now=NOW - DAY), chat_id, "11", True)
        message_ids.add_message_id(unit, chat_id, "12", False)
        message_ids.add_message_id(unit, chat_id, "12", False)
        assert message_ids.message_ids_since(unit, chat_id, NOW - HOUR) == ["12"]
        assert message_ids.message_ids_since(unit, chat_id, NOW - 2 * DAY) == ["11", "12"]
        assert message_ids.message_ids_since(unit, "nobody", NOW - DAY) == []
        assert message_ids.message_ids_before(unit, NOW) == {chat_id: ["11"]}
        message_ids.delete_message_ids(unit, chat_id, ["11", "99"])
        assert message_ids.message_ids_since(unit, chat_id, NOW - 2 * DAY) == ["12"]


@pytest.mark.parametrize(
    ("in_memory", "statements"),
    [(0, ["SELECT", "SELECT", "UPDATE", "INSERT"]), (1, ["SELECT", "UPDATE", "INSERT"])],
)
def test_few_statements_are_needed(
    database: Database, in_memory: int, statements: list[str]
) -> None:
    database.recent.limit = in_memory
    store_answers(database, "amina", make_answer("name", "Amina"))
    said: list[str] = []
    with database.unit(NOW) as unit:
        event.listen(unit.conn, "before_cursor_execute", lambda *given: said.append(given[2]))
        found = load_conversation(unit, "telegram", "amina")
        longer = (*found.conversation.answers, make_answer("area", "dover"))
        save_conversation(unit, found, replace(found.conversation, answers=longer))
    assert [statement.split()[0] for statement in said] == statements


def test_the_chat_is_found_by_its_fingerprint_only(database: Database) -> None:
    store_answers(database, "4915112345")
    with database.unit() as unit:
        row = unit.conn.execute(select(CHAT)).one()
        assert unit.conn.execute(select(func.count()).select_from(CHAT)).scalar_one() == 1
    assert "4915112345" not in str(tuple(row))


def test_answers_keep_every_field(database: Database) -> None:
    given: Answer = replace(
        make_answer("note", "\ud83d and 'quotes'\n"), status=AnswerStatus.SKIPPED
    )
    store_answers(database, "amina", given)
    assert recalled(database).conversation.answers == (given,)
