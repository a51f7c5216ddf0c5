"""A few things that people say and send, for the tests of what is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flows.conversation import Answer, Conversation, Receipt
from flows.officers import Officer
from flows.questions.questionnaire import get_question
from flows.record import Record, RecordLine
from flows.stages import Stage
from flows.vocabulary import AnsweredBy, AnswerStatus, Flag, Journey, Queue
from storage.chats.conversations import load_conversation, save_conversation
from storage.database import Database

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHANNELS = ("telegram", "web", "terminal", "email")
PC_KAUR = Officer("Simran Kaur", "Kent Police", "simran.kaur@kent.example", verified=False)


def make_answer(question: str, value: str, at: datetime = NOW) -> Answer:
    """Return an answer as a person gives it."""
    return Answer(
        question=question,
        value=value,
        status=AnswerStatus.ANSWERED,
        label=value,
        prompt=get_question(question).prompt("en"),
        wording_version="1",
        language="en",
        answered_at=at,
        answered_by=AnsweredBy.PERSON,
        message_id="1001",
    )


def answered_line(question: str, value: str, at: datetime = NOW, label: str = "") -> RecordLine:
    """Return a line of a record, as a person answered a question of ours."""
    asked = get_question(question)
    return RecordLine(
        *(question, asked.prompt("en"), AnswerStatus.ANSWERED, value, label or value),
        *(AnsweredBy.PERSON, at, "1", "en"),
    )


def make_record(reference: str, due: datetime = NOW + DAY, urgent: bool = False) -> Record:
    """Return a record as it is handed over."""
    line = answered_line("name", "Amina")
    return Record(
        reference=reference,
        journey=Journey.SELF,
        lines=(line, replace(answered_line("number", "01622 496 000"), answered_at=None)),
        safe_contact=(answered_line("if_answered", "no_message"),),
        consent="Yes, send it",
        consented_at=NOW,
        sent_at=NOW,
        due=due,
        zone="Europe/London",
        queue=Queue.ADULTS,
        provider="kent",
        hold=False,
        urgent=urgent,
        may_contact=True,
        flags=(Flag.NEEDS,),
        reasons=("adults",),
        wording_version="1",
        language="en",
    )


def make_receipt(reference: str, sent_at: datetime = NOW) -> Receipt:
    """Return the receipt of a referral that was sent."""
    return Receipt(reference, sent_at, sent_at + DAY, Journey.SELF, may_contact=True)


def store_answers(database: Database, address: str, *answers: Answer, at: datetime = NOW) -> str:
    """Have somebody answer, on top of what they said before; return the id of their chat."""
    with database.unit(at) as unit:
        recalled = load_conversation(unit, "telegram", address)
        before: Conversation = recalled.conversation
        after = replace(
            before, stage=Stage.ASKING, answers=before.answers + answers, last_input_at=at
        )
        return save_conversation(unit, recalled, after).chat_id
