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
from flows.record import Line, Record
from flows.service import service
from storage.chats import conversations
from storage.referrals import lifecycle
from storage.referrals.lifecycle import Entry
from storage.reports import missed_questions
from storage.serialization import write
from storage.tables import ANSWER, CHAT, CONVERSATION
from tests.story_runner.runner import Telling
from tests.support.cast import CAST, Person


@dataclass(frozen=True, slots=True)
class Sent:
    """One referral as staff have it."""

    entry: Entry
    record: Record
    steps: tuple[str, ...]


class Ending:
    """What is there to look at when a story is over."""

    def __init__(self, telling: Telling, who: Person) -> None:
        self.telling, self.player, self.who = telling, telling.player, who
        self.stands = self._stands()
        self.sent = self._sent()

    def _stands(self) -> Conversation:
        player = self.player
        with player.database.transaction() as connection:
            address = player.address_of(self.who)
            return conversations.recall(
                connection, player.vault, player.channel, address, player.clock.now()
            ).conversation

    def _sent(self) -> list[Sent]:
        player, now = self.player, self.player.clock.now()
        with player.database.session() as session:
            entries = lifecycle.queue(session, player.vault, now, include_closed=True)
            entries.sort(key=lambda entry: entry.sent_at)
            steps = [
                tuple(one.act for one in lifecycle.history(session, player.vault, e.reference))
                for e in entries
            ]
        with player.database.transaction() as connection:
            records = [
                lifecycle.open_record(connection, player.vault, e.reference, "the test", now)
                for e in entries
            ]
        return [Sent(*one) for one in zip(entries, records, steps, strict=True)]

    @property
    def last(self) -> Sent:
        """Return the newest referral; raise AssertionError when nothing was sent."""
        assert self.sent, "nothing was sent"
        return self.sent[-1]

    def answers_kept(self) -> int:
        """Return how many answers of a draft are still kept for this chat."""
        mine = (
            select(func.count())
            .select_from(ANSWER)
            .join(CONVERSATION, CONVERSATION.c.id == ANSWER.c.conversation_id)
            .join(CHAT, CHAT.c.id == CONVERSATION.c.chat_id)
            .where(CHAT.c.address_print == self._mark())
        )
        with self.player.database.transaction() as connection:
            return int(connection.execute(mine).scalar_one())

    def is_closed(self) -> bool:
        """Return whether the chat cannot be written to."""
        mine = select(CHAT.c.closed_at).where(CHAT.c.address_print == self._mark())
        with self.player.database.transaction() as connection:
            return connection.execute(mine).scalar_one() is not None

    def everything_kept(self) -> str:
        """Return all that is kept of words: the conversation, the records, questions left."""
        records = [record_json(one.record, [], one.entry.stage) for one in self.sent]
        return f"{write(self.stands)}{json.dumps(records)}{self.questions_kept()}"

    def questions_kept(self) -> list[str]:
        """Return the questions that people left for the service."""
        with self.player.database.session() as session:
            return [one.text for one in missed_questions.read(session, self.player.vault)]

    def told(self, key: str) -> str:
        """Return what the record says to a question: the value, or how it was not answered."""
        return _given(next(one for one in self.last.record.lines if one.question == key))

    def safe(self, key: str) -> str:
        """Return the same from the safe-contact block."""
        return _given(next(one for one in self.last.record.safe_contact if one.question == key))

    def kept(self, key: str) -> str:
        """Return what counts as answered in the draft, or "nothing"."""
        answer = journey.counting(self.stands).get(key)
        return (answer.value or answer.given.value) if answer else "nothing"

    def asked(self) -> str:
        """Return which question is open, or "nothing"."""
        now_open = journey.open_question(self.stands) if self.stands.stage == "asking" else None
        return now_open.key if now_open else "nothing"

    def _mark(self) -> str:
        player = self.player
        return conversations.address_print(
            player.vault, player.channel, player.address_of(self.who)
        )


def check(telling: Telling, endings: tuple[str, ...]) -> None:
    """Raise AssertionError when one of the endings does not hold."""
    assert endings, "a story ends with lines that must hold"
    assert telling.main, "nobody is in this story"
    seen = {name: Ending(telling, who) for name, who in CAST.items() if who == telling.main}
    for line in endings:
        name, colon, rest = line.partition(": ")
        if colon and name in CAST:
            seen.setdefault(name, Ending(telling, CAST[name]))
            _check(seen[name], rest)
        else:
            _check(seen[telling.main.called], line)


def _check(ending: Ending, line: str) -> None:
    for pattern, finds in ENDINGS.items():
        found = re.fullmatch(pattern, line)
        if found:
            is_so, wanted = finds(ending, *found.groups())
            assert is_so == wanted, f"{line!r} does not hold: {is_so!r}, not {wanted!r}"
            return
    raise ValueError(f"nobody knows how to check this: {line}")


def _given(line: Line) -> str:
    return line.value if line.given == "said" else line.given


def _list(told: str) -> set[str]:
    return set(filter(None, told.split(", ")))


Finds = Callable[..., tuple[object, object]]
ENDINGS: dict[str, Finds] = {
    r"stage (\w+)": lambda e, stage: (e.stands.stage, stage),
    r"asks (\w+)": lambda e, key: (e.asked(), key),
    r"stopped for (\w+)": lambda e, why: (e.stands.stopped_for, why),
    r"handed over to (\w+)": lambda e, queue: (
        (e.last.entry.queue, e.last.entry.hold),
        (queue, False),
    ),
    r"queue (\w+), held": lambda e, queue: (
        (e.last.entry.queue, e.last.entry.hold),
        (queue, True),
    ),
    r"because (.+)": lambda e, why: (set(e.last.record.reasons), _list(why)),
    r"flags (.+)": lambda e, flags: (set(e.last.entry.flags), _list(flags)),
    r"no flags": lambda e: (set(e.last.entry.flags), set()),
    r"urgent": lambda e: (e.last.entry.urgent, True),
    r"not urgent": lambda e: (e.last.entry.urgent, False),
    r"goes to (.+)": lambda e, provider: (e.last.entry.provider, provider),
    r"due in (\d) working days?": lambda e, days: (
        e.last.entry.due,
        workdays.due(e.last.entry.sent_at, int(days), service()),
    ),
    r"nothing was sent": lambda e: (len(e.sent), 0),
    r"(\d) (?:was|were) sent": lambda e, n: (len(e.sent), int(n)),
    r"contact stopped": lambda e: (
        (e.last.entry.may_contact, e.last.steps[-1] in ("withdraw", "ask_to_delete")),
        (False, True),
    ),
    r"no contact is wanted": lambda e: (e.last.record.may_contact, False),
    r"contact is wanted": lambda e: (e.last.entry.may_contact, True),
    r"staff have it as (\w+)": lambda e, stage: (e.last.entry.stage, stage),
    r"steps (.+)": lambda e, steps: (", ".join(e.last.steps), steps),
    r"staff have not seen it": lambda e: (e.last.entry.unseen, True),
    r"staff were told (\d) times?": lambda e, n: (len(e.player.alerts), int(n)),
    r"no answers kept": lambda e: (e.answers_kept(), 0),
    r"told (\w+): (.+)": lambda e, key, value: (e.told(key), value),
    r"safe (\w+): (.+)": lambda e, key, value: (e.safe(key), value),
    r"not asked: (.+)": lambda e, keys: (
        _list(keys) & {one.question for one in e.last.record.lines},
        set(),
    ),
    r"kept (\w+): (.+)": lambda e, key, value: (e.kept(key), value),
    r"nowhere: (.+)": lambda e, words: (words in e.everything_kept(), False),
    r"a question was kept: (.+)": lambda e, words: (e.questions_kept(), [words]),
    r"no question was kept": lambda e: (e.questions_kept(), []),
    r"officer verified": lambda e: (bool(e.stands.officer and e.stands.officer.verified), True),
    r"officer not verified": lambda e: (e.stands.officer and e.stands.officer.verified, False),
    r"no officer": lambda e: (e.stands.officer, None),
    r"the chat is closed": lambda e: (e.is_closed(), True),
    r"the chat is open": lambda e: (e.is_closed(), False),
    r"(\d+) messages? (?:is|are) left on the phone": lambda e, n: (
        e.player.messages_of(e.who),
        int(n),
    ),
    r"there is no keyboard": lambda e: (e.player.has_keyboard(e.who), False),
    r"taps <= (\d+)": lambda e, n: (e.telling.taps > int(n), False),
    r"typed <= (\d+)": lambda e, n: (e.telling.typed > int(n), False),
    r"screens <= (\d+)": lambda e, n: (e.telling.screens > int(n), False),
}
"""What a line says, and what is so beside what was wanted."""
