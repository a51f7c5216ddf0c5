"""Odd and hostile inputs: a clear line or a calm silence, never an error, never a lost draft."""

import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.channels.telegram import TelegramChannel, build_bot, receive, webhook
from bot.pipeline.respond import respond
from bot.runtime import Runtime
from bot.settings import Settings
from flows.conversation import Button, Conversation, Turn
from flows.dialogue import commands
from flows.inputs import ButtonPress, Sender, TypedText
from flows.questions import journey
from flows.turn import take_turn
from flows.vocabulary import AnswerStatus, OutboxKind
from storage.chats import conversations, inbox
from storage.database import Database
from storage.tables import INBOX, OUTBOX
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.harness.thorough import examples, is_thorough
from tests.support.builders import NOW
from tests.support.paths import DATA

CASES_FILE = DATA / "hostile_cases.toml"
BATCH_SIZE = 100
"""How many chats are answered in one transaction."""
TYPED = {
    "choice": "1",
    "name": "Amina",
    "phone": "07700 900123",
    "email": "amina@example.org",
    "contact": "07700 900123",
    "words": "marigold",
    "note": "hello there",
    "line": "AB/12345/26",
}
FIELDS = {
    "name": "name",
    "phone": "number",
    "email": "email",
    "note": "note",
    "reference": "line",
}
PLACES = ("welcome", "name", "number", "note", "checking", "line")
MAY_STILL_BE_VALID = ("other-chat", "earlier", "cut")
"""Changes after which an id may still be one that we made."""
FIRST_CHAT = 5000
"""The first chat's number."""


@dataclass(frozen=True, slots=True)
class HostileCase:
    """One input of the file; `change` is what is done to a true button's id."""

    name: str
    kind: str
    value: str
    field: str = ""
    accept: bool = False
    change: str = ""


@dataclass(frozen=True, slots=True)
class FlowState:
    """Where somebody stands, with what is on the screen."""

    conversation: Conversation
    buttons: tuple[Button, ...]


@cache
def cases(kind: str) -> tuple[HostileCase, ...]:
    """Return all cases of a kind."""
    rows = tomllib.loads(CASES_FILE.read_text())["case"]
    return tuple(_case(row) for row in rows if row["kind"] == kind)


def _case(row: dict[str, str]) -> HostileCase:
    made = row.get("make", "")
    change = made.removeprefix("button:") if made.startswith("button:") else ""
    value = row["value"] if "value" in row else "" if change else _expanded(made)
    accept = row.get("expect") == "accept"
    return HostileCase(row["name"], row["kind"], value, row.get("field", ""), accept, change)


def _expanded(made: str) -> str:
    how, _, rest = made.partition(":")
    match how:
        case "repeat":
            text, _, n = rest.rpartition(":")
            return text * int(n)
        case "count":
            return " ".join(str(n) for n in range(1, int(rest) + 1))
        case "surrogate":
            point, _, text = rest.partition(":")
            return text + chr(int(point, 16)) + text
        case "null":
            return "\0".join(rest)
        case "bytes":
            return bytes.fromhex(rest).decode("utf-8", "surrogateescape")
        case "message":
            text, _, n = rest.rpartition(":")
            return json.dumps(message(4001, text=text * int(n)))
        case "replies":
            return _replies(int(rest))
    raise ValueError(f"nobody knows how to make {how}")


def _replies(deep: int) -> str:
    whole = json.dumps(message(4001, text="hello"))
    inner = whole[whole.index('"message": ') + 11 : -2]
    return (
        '{"update_id": 5, "message": '
        + f'{inner}, "reply_to_message": ' * deep
        + inner
        + "}" * (deep + 2)
    )


# --- where people stand


@cache
def state_at(name: str) -> FlowState:
    """Return a place of the flow, reached by answering all that comes before."""
    turn = _say(Conversation(reference="TEST-TEST"), "/start")
    if name == "welcome":
        return _state_of(turn)
    turn = _say(turn.conversation, "2" if name == "line" else "1")
    if name != "line":
        turn = _say(turn.conversation, "1")
    own = {"known": "2", "way": "3" if name == "email" else "1"}
    own["extra"] = "1" if name == "note" else "skip"
    while one := _open_question(turn.conversation):
        if one.key == name:
            return _state_of(turn)
        turn = _say(turn.conversation, own.get(one.key, TYPED[one.kind]))
    assert turn.conversation.stage == name, turn.conversation.stage
    return _state_of(turn)


def _open_question(conversation: Conversation) -> Any:
    return journey.open_question(conversation) if conversation.stage == "asking" else None


def _say(conversation: Conversation, text: str) -> Turn:
    heard = TypedText(text, message_id="1", sender=Sender(can_share_number=True))
    return take_turn(conversation, heard, NOW)


def _state_of(turn: Turn) -> FlowState:
    buttons = [b for reply in turn.replies for row in reply.buttons for b in row]
    return FlowState(
        turn.conversation, tuple(button for button in buttons if button.kind == "press")
    )


# --- the updates that Telegram would bring


def message(chat: int, **content: object) -> dict[str, Any]:
    """Return an ordinary message update."""
    who = {"id": chat, "first_name": "Ann"}
    return {
        "update_id": 5,
        "message": {
            "message_id": 11,
            "date": 1_760_000_000,
            "chat": {**who, "type": "private"},
            "from": {**who, "is_bot": False},
            **content,
        },
    }


def press(chat: int, data: str) -> dict[str, Any]:
    """Return an ordinary press of a button."""
    whole = message(chat, text="hello")["message"]
    query = {"id": "77", "from": whole["from"], "chat_instance": "1", "data": data}
    return {"update_id": 5, "callback_query": {**query, "message": whole}}


@dataclass
class InboxHarness:
    """A database with many chats, and a way to hear them all at once."""

    database: Database
    vault: Vault
    house: Runtime
    n: int = 0

    def process(self, updates: Iterable[dict[str, Any]]) -> None:
        """Keep raw updates and answer them, all in one go."""
        with self.database.unit(NOW) as unit:
            arrivals = []
            for update in updates:
                self.n += 1
                arrived = receive.arrival_of(update)
                arrivals.append(
                    replace(arrived, idempotency_key=f"{arrived.idempotency_key}/{self.n}")
                )
            inbox.enqueue_arrivals(unit, "telegram", arrivals)
            respond(unit, self.house, 10_000)

    def place_chats(self, chats: Iterable[int], conversation: Conversation) -> None:
        """Put some chats where `conversation` stands, each with a reference of its own."""
        with self.database.unit(NOW) as unit:
            for chat in chats:
                kept = conversations.load_conversation(unit, "telegram", str(chat))
                here = replace(conversation, reference=kept.conversation.reference)
                conversations.save_conversation(unit, kept, here)

    def conversation_of(self, chat: int) -> tuple[str, Conversation]:
        """Return the id of a chat, and where it stands."""
        with self.database.reading(NOW) as unit:
            kept = conversations.load_conversation(unit, "telegram", str(chat))
        return kept.chat_id, kept.conversation

    def outbox_counts(self, kind: OutboxKind) -> dict[str, int]:
        """Return how many rows of a kind are in line, by chat."""
        found: dict[str, int] = {}
        with self.database.reading() as unit:
            rows = select(OUTBOX.c.chat_id).where(OUTBOX.c.kind == kind)
            for chat in unit.conn.scalars(rows):
                found[chat] = found.get(chat, 0) + 1
        return found

    def inbox_stages(self) -> set[str]:
        """Return the stages that rows of the inbox are at."""
        with self.database.reading() as unit:
            return set(unit.conn.scalars(select(INBOX.c.stage)))


@pytest.fixture
def room(database: Database, vault: Vault) -> InboxHarness:
    """Return an empty database that Telegram's updates can come to."""
    root = "http://127.0.0.1:9"
    told = Settings(_env_file=None, telegram_bot_token="1:x", telegram_api_url=root)
    channel = TelegramChannel(build_bot(told))
    return InboxHarness(database, vault, build_runtime(database, {"telegram": channel}))


def answers_lost(before: Conversation, after: Conversation) -> bool:
    """Return whether an answer that was there is not there any more."""
    return after.answers[: len(before.answers)] != before.answers


def in_batches(some: tuple[HostileCase, ...]) -> Iterable[tuple[range, tuple[HostileCase, ...]]]:
    """Give the cases in parts, each with the numbers of its chats."""
    for start in range(0, len(some), BATCH_SIZE):
        part = some[start : start + BATCH_SIZE]
        yield range(FIRST_CHAT + start, FIRST_CHAT + start + len(part)), part


# --- the cases


def test_the_cases_are_many() -> None:
    assert sum(len(cases(kind)) for kind in ("text", "field", "press", "update")) >= 1_000


def shared_out(kind: str, place: str) -> tuple[HostileCase, ...]:
    """Return the cases to try at a place: all in a thorough run, else each case at one place."""
    turn = PLACES.index(place)
    return cases(kind) if is_thorough() else cases(kind)[turn :: len(PLACES)]


@pytest.mark.parametrize("name", PLACES)
def test_any_text_gets_a_clear_line_and_loses_nothing(room: InboxHarness, name: str) -> None:
    here = state_at(name).conversation
    wrong = []
    for chats, part in in_batches(shared_out("text", name)):
        room.place_chats(chats, here)
        room.process(message(chat, text=case.value) for chat, case in zip(chats, part, strict=True))
        said = room.outbox_counts(OutboxKind.SAY)
        for chat, case in zip(chats, part, strict=True):
            id, after = room.conversation_of(chat)
            asked_to = commands.find_command(here, case.value) in ("delete", "send")
            if not said.get(id) or (answers_lost(here, after) and not asked_to):
                wrong.append(case.name)
    assert wrong == []
    assert room.inbox_stages() == {"done"}


@pytest.mark.parametrize("field", FIELDS)
def test_any_answer_gets_a_clear_line_and_honest_ones_are_taken(
    room: InboxHarness, field: str
) -> None:
    here = state_at(FIELDS[field]).conversation
    wrong = []
    some = tuple(case for case in cases("field") if case.field == field)
    for chats, part in in_batches(some):
        room.place_chats(chats, here)
        room.process(message(chat, text=case.value) for chat, case in zip(chats, part, strict=True))
        said = room.outbox_counts(OutboxKind.SAY)
        for chat, case in zip(chats, part, strict=True):
            id, after = room.conversation_of(chat)
            new = after.answers[len(here.answers) :]
            taken = [a.question for a in new if a.status == AnswerStatus.ANSWERED] == [
                FIELDS[field]
            ]
            if not said.get(id) or answers_lost(here, after) or (case.accept and not taken):
                wrong.append(case.name)
    assert wrong == []
    assert room.inbox_stages() == {"done"}


@pytest.mark.parametrize("name", PLACES)
def test_any_press_is_acknowledged_and_never_does_what_nobody_offered(
    room: InboxHarness, name: str
) -> None:
    here = state_at(name)
    wrong = []
    for chats, part in in_batches(shared_out("press", name)):
        room.place_chats(chats, here.conversation)
        pressed = [_changed(case, here) for case in part]
        room.process(press(chat, id) for chat, id in zip(chats, pressed, strict=True))
        said, acknowledged = (
            room.outbox_counts(OutboxKind.SAY),
            room.outbox_counts(OutboxKind.ACKNOWLEDGE),
        )
        for chat, case in zip(chats, part, strict=True):
            id, after = room.conversation_of(chat)
            if (
                not said.get(id)
                or not acknowledged.get(id)
                or answers_lost(here.conversation, after)
            ):
                wrong.append(case.name)
            if after.answers != here.conversation.answers and case.change not in MAY_STILL_BE_VALID:
                wrong.append(f"{case.name}: an answer was made")
    assert wrong == []
    assert room.inbox_stages() == {"done"}


def _changed(case: HostileCase, here: FlowState) -> str:
    first = here.buttons[0].id
    match case.change:
        case "upper":
            return first.upper()
        case "reversed":
            return first[::-1]
        case "cut":
            return first[:-1]
        case "doubled":
            return first * 2
        case "padded":
            return f"{first} "
        case "bumped":
            head, _, number = first.rpartition("~")
            return f"{head}~{int(number) + 1}"
        case "other-chat":
            return state_at("checking" if here is state_at("name") else "name").buttons[0].id
        case "earlier":
            return state_at("welcome").buttons[0].id
    return case.value


def test_any_update_is_answered_or_set_aside_and_the_person_goes_on(
    room: InboxHarness, logged: Callable[[], str]
) -> None:
    here = state_at("name").conversation
    room.place_chats([4001], here)
    for case in cases("update"):
        body = case.value.encode("utf-8", "surrogatepass")
        whole = webhook._parse_update(body)
        update = whole if whole is not None else _loaded(case.value)
        if update is None:
            continue
        room.process([update])
        assert not answers_lost(here, room.conversation_of(4001)[1]), case.name
    assert room.inbox_stages() <= {"done", "set_aside"}
    assert "row_failed" not in logged()
    before = len(room.outbox_counts(OutboxKind.SAY))
    room.process([message(4001, text="/help"), message(4002, text="/start")])
    assert len(room.outbox_counts(OutboxKind.SAY)) == before + 1, "a new person is met"
    assert "row_failed" not in logged()


def _loaded(text: str) -> dict[str, Any] | None:
    """Return what polling would make of it, when a library could read it at all."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


# --- made up by chance

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
GOOD = (
    message(4001, text="hello"),
    message(4001, contact={"phone_number": "+447700900123", "first_name": "A", "user_id": 4001}),
    message(4001, photo=[{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 1}]),
    {"update_id": 5, "edited_message": {**message(4001, text="x")["message"], "edit_date": 1}},
    press(4001, "go:self~1"),
)


def mutated(good: dict[str, Any], dice: Random, odd: list[Any]) -> dict[str, Any]:
    """Return a good update with some of its parts replaced, dropped or added."""
    whole: dict[str, Any] = json.loads(json.dumps(good))
    for one in odd:
        part: Any = whole
        while isinstance(part, dict) and part and dice.random() < 0.7:
            key = dice.choice(sorted(part))
            if not isinstance(part[key], dict) or dice.random() < 0.3:
                break
            part = part[key]
        if isinstance(part, dict):
            key = dice.choice([*sorted(part), "sticker", "reply_to_message", "via_bot"])
            if dice.random() < 0.2:
                part.pop(key, None)
            else:
                part[key] = one
    return whole


@settings(
    max_examples=examples(300),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    good=st.sampled_from(GOOD),
    dice=st.randoms(use_true_random=False),
    odd=st.lists(ANY, min_size=1, max_size=3),
)
def test_updates_with_parts_made_up_by_chance(
    room: InboxHarness, good: dict[str, Any], dice: Random, odd: list[Any]
) -> None:
    room.process([mutated(good, dice, odd)])
    assert room.inbox_stages() <= {"done", "set_aside"}


@settings(max_examples=examples(400), deadline=None, derandomize=True)
@given(
    name=st.sampled_from(PLACES),
    data=st.text(max_size=70)
    | st.from_regex(r"[a-z_]{1,16}(:[a-z0-9_]{0,24}){0,3}~[0-9]{1,9}", fullmatch=True)
    | st.builds(
        "{}:{}:{}~{}".format,
        st.sampled_from(("answer", "special", "keep", "reopen", "topic", "card", "fit", "speak")),
        st.sampled_from((*FIELDS.values(), "harm", "way", "en", "xx", "yyyyyy", "__class__")),
        st.sampled_from(("yes", "theft", "skipped", "call", "nope", "0")),
        st.integers(0, 30),
    ),
)
def test_any_id_is_a_press_that_loses_nothing(name: str, data: str) -> None:
    here = state_at(name).conversation
    turn = take_turn(here, ButtonPress(data, message_id="1"), NOW)
    assert turn.replies or turn.toast
    assert not answers_lost(here, turn.conversation)
