"""The lines that must hold at the end of a story."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from bot.desk.casework.text_views import record_json
from flows.calendar import workdays
from flows.conversation import Conversation
from flows.questions import journey
from flows.record import Record, RecordLine
from flows.service import service
from storage.chats import addresses, conversations
from storage.referrals import lifecycle
from storage.referrals.rows import QueueEntry
from storage.reports import missed_questions
from storage.serialization import dumps
from storage.tables import ANSWER, CHAT, CONVERSATION
from tests.story_runner.runner import StoryRunner
from tests.support.cast import CAST, Persona


@dataclass(frozen=True, slots=True)
class SentReferral:
    """One referral as staff have it."""

    entry: QueueEntry
    record: Record
    steps: tuple[str, ...]


class StoryOutcome:
    """What is there to look at when a story is over."""

    def __init__(self, telling: StoryRunner, who: Persona) -> None:
        self.telling, self.player, self.persona = telling, telling.player, who
        self.conversation = self._read_conversation()
        self.sent = self._read_referrals()

    def _read_conversation(self) -> Conversation:
        player = self.player
        with player.database.unit(player.clock()) as unit:
            address = player.address_of(self.persona)
            return conversations.load_conversation(unit, player.channel, address).conversation

    def _read_referrals(self) -> list[SentReferral]:
        player, now = self.player, self.player.clock()
        with player.database.reading(now) as unit:
            entries = lifecycle.list_queue(unit, include_closed=True)
            entries.sort(key=lambda entry: entry.sent_at)
            steps = [
                tuple(one.act for one in lifecycle.list_steps(unit, e.reference)) for e in entries
            ]
        with player.database.unit(now) as unit:
            records = [lifecycle.open_record(unit, e.reference, "the test") for e in entries]
        return [SentReferral(*one) for one in zip(entries, records, steps, strict=True)]

    @property
    def last_referral(self) -> SentReferral:
        """Return the newest referral; raise AssertionError when nothing was sent."""
        assert self.sent, "nothing was sent"
        return self.sent[-1]

    def stored_answer_count(self) -> int:
        """Return how many answers of a draft are still kept for this chat."""
        mine = (
            select(func.count())
            .select_from(ANSWER)
            .join(CONVERSATION, CONVERSATION.c.id == ANSWER.c.conversation_id)
            .join(CHAT, CHAT.c.id == CONVERSATION.c.chat_id)
            .where(CHAT.c.address_fingerprint == self._chat_fingerprint())
        )
        with self.player.database.unit() as unit:
            return int(unit.conn.execute(mine).scalar_one())

    def is_closed(self) -> bool:
        """Return whether the chat cannot be written to."""
        mine = select(CHAT.c.closed_at).where(
            CHAT.c.address_fingerprint == self._chat_fingerprint()
        )
        with self.player.database.unit() as unit:
            return unit.conn.execute(mine).scalar_one() is not None

    def stored_text(self) -> str:
        """Return all that is kept of words: the conversation, the records, questions left."""
        records = [record_json(one.record, [], one.entry.stage) for one in self.sent]
        return f"{dumps(self.conversation)}{json.dumps(records)}{self.missed_questions()}"

    def missed_questions(self) -> list[str]:
        """Return the questions that people left for the service."""
        with self.player.database.reading() as unit:
            return [one.text for one in missed_questions.list_missed_questions(unit)]

    def recorded_answer(self, key: str) -> str:
        """Return what the record says to a question: the value, or how it was not answered."""
        return _value_or_given(
            next(one for one in self.last_referral.record.lines if one.question == key)
        )

    def safe_contact_answer(self, key: str) -> str:
        """Return the same from the safe-contact block."""
        return _value_or_given(
            next(one for one in self.last_referral.record.safe_contact if one.question == key)
        )

    def draft_answer(self, key: str) -> str:
        """Return what counts as answered in the draft, or "nothing"."""
        answer = journey.current_answers(self.conversation).get(key)
        return (answer.value or answer.status.value) if answer else "nothing"

    def open_question_key(self) -> str:
        """Return which question is open, or "nothing"."""
        now_open = (
            journey.open_question(self.conversation)
            if self.conversation.stage == "asking"
            else None
        )
        return now_open.key if now_open else "nothing"

    def _chat_fingerprint(self) -> str:
        player = self.player
        with player.database.reading() as unit:
            return addresses.address_fingerprint(
                unit, player.channel, player.address_of(self.persona)
            )


def check_expectations(telling: StoryRunner, endings: tuple[str, ...]) -> None:
    """Raise AssertionError when one of the endings does not hold."""
    assert endings, "a story ends with lines that must hold"
    assert telling.main_persona, "nobody is in this story"
    seen = {
        name: StoryOutcome(telling, who)
        for name, who in CAST.items()
        if who == telling.main_persona
    }
    for line in endings:
        name, colon, rest = line.partition(": ")
        if colon and name in CAST:
            seen.setdefault(name, StoryOutcome(telling, CAST[name]))
            _check_expectation(seen[name], rest)
        else:
            _check_expectation(seen[telling.main_persona.name], line)


def _check_expectation(ending: StoryOutcome, line: str) -> None:
    for pattern, finds in EXPECTATIONS.items():
        found = re.fullmatch(pattern, line)
        if found:
            is_so, wanted = finds(ending, *found.groups())
            assert is_so == wanted, f"{line!r} does not hold: {is_so!r}, not {wanted!r}"
            return
    raise ValueError(f"nobody knows how to check this: {line}")


def _value_or_given(line: RecordLine) -> str:
    return line.value if line.status == "said" else line.status


def _as_set(told: str) -> set[str]:
    return set(filter(None, told.split(", ")))


Measurement = Callable[..., tuple[object, object]]
EXPECTATIONS: dict[str, Measurement] = {
    r"stage (\w+)": lambda e, stage: (e.conversation.stage, stage),
    r"asks (\w+)": lambda e, key: (e.open_question_key(), key),
    r"stopped for (\w+)": lambda e, why: (e.conversation.stop_reason, why),
    r"handed over to (\w+)": lambda e, queue: (
        (e.last_referral.entry.queue, e.last_referral.entry.hold),
        (queue, False),
    ),
    r"queue (\w+), held": lambda e, queue: (
        (e.last_referral.entry.queue, e.last_referral.entry.hold),
        (queue, True),
    ),
    r"because (.+)": lambda e, why: (set(e.last_referral.record.reasons), _as_set(why)),
    r"flags (.+)": lambda e, flags: (set(e.last_referral.entry.flags), _as_set(flags)),
    r"no flags": lambda e: (set(e.last_referral.entry.flags), set()),
    r"urgent": lambda e: (e.last_referral.entry.urgent, True),
    r"not urgent": lambda e: (e.last_referral.entry.urgent, False),
    r"goes to (.+)": lambda e, provider: (e.last_referral.entry.provider, provider),
    r"due in (\d) working days?": lambda e, days: (
        e.last_referral.entry.due,
        workdays.due_at(e.last_referral.entry.sent_at, int(days), service()),
    ),
    r"nothing was sent": lambda e: (len(e.sent), 0),
    r"(\d) (?:was|were) sent": lambda e, n: (len(e.sent), int(n)),
    r"contact stopped": lambda e: (
        (
            e.last_referral.entry.may_contact,
            e.last_referral.steps[-1] in ("withdraw", "ask_to_delete"),
        ),
        (False, True),
    ),
    r"no contact is wanted": lambda e: (e.last_referral.record.may_contact, False),
    r"contact is wanted": lambda e: (e.last_referral.entry.may_contact, True),
    r"staff have it as (\w+)": lambda e, stage: (e.last_referral.entry.stage, stage),
    r"steps (.+)": lambda e, steps: (", ".join(e.last_referral.steps), steps),
    r"staff have not seen it": lambda e: (e.last_referral.entry.unseen, True),
    r"staff were told (\d) times?": lambda e, n: (len(e.player.alerts), int(n)),
    r"no answers kept": lambda e: (e.stored_answer_count(), 0),
    r"told (\w+): (.+)": lambda e, key, value: (e.recorded_answer(key), value),
    r"safe (\w+): (.+)": lambda e, key, value: (e.safe_contact_answer(key), value),
    r"not asked: (.+)": lambda e, keys: (
        _as_set(keys) & {one.question for one in e.last_referral.record.lines},
        set(),
    ),
    r"kept (\w+): (.+)": lambda e, key, value: (e.draft_answer(key), value),
    r"nowhere: (.+)": lambda e, words: (words in e.stored_text(), False),
    r"a question was kept: (.+)": lambda e, words: (e.missed_questions(), [words]),
    r"no question was kept": lambda e: (e.missed_questions(), []),
    r"officer verified": lambda e: (
        bool(e.conversation.officer and e.conversation.officer.verified),
        True,
    ),
    r"officer not verified": lambda e: (
        e.conversation.officer and e.conversation.officer.verified,
        False,
    ),
    r"no officer": lambda e: (e.conversation.officer, None),
    r"the chat is closed": lambda e: (e.is_closed(), True),
    r"the chat is open": lambda e: (e.is_closed(), False),
    r"(\d+) messages? (?:is|are) left on the phone": lambda e, n: (
        e.player.message_count(e.persona),
        int(n),
    ),
    r"there is no keyboard": lambda e: (e.player.has_keyboard(e.persona), False),
    r"taps <= (\d+)": lambda e, n: (e.telling.taps > int(n), False),
    r"typed <= (\d+)": lambda e, n: (e.telling.typed > int(n), False),
    r"screens <= (\d+)": lambda e, n: (e.telling.screens > int(n), False),
}
"""What a line says, and what is so beside what was wanted."""
