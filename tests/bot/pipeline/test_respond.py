"""Inbox to outbox: in order, whole or not at all, and one bad row never stops the others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot.channel_interface import Body, ChatEvent, InboundEvent
from bot.channels.terminal import TerminalChannel
from bot.pipeline import respond as module
from bot.pipeline.respond import MAX_ATTEMPTS, AnsweredInput, respond
from bot.runtime import Runtime
from flows.conversation import Conversation
from flows.inputs import ButtonPress, Input, TypedText, free_text
from flows.turn import take_turn
from flows.vocabulary import OutboxKind
from flows.wording import format_time, say
from storage.chats import conversations, inbox, message_ids, officers, outbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.referrals import lifecycle
from storage.reports import daily_counters
from storage.serialization import loads_dict
from storage.tables import INBOX, OUTBOX
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.support.builders import HOUR, MINUTE, NOW
from tests.support.cast import SAM
from tests.support.happy_path import expected_answers, happy_path, question_first_line, steps_before


class ScriptedChannel:
    """A channel whose lines hold what is heard, as a dict."""

    name = "spoken"
    rate_limited = False

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a line means; raise KeyError for one without a chat."""
        if body.get("nothing"):
            return None
        if "event" in body:
            return InboundEvent(body["chat"], chat_event=ChatEvent(body["event"]))
        how = ButtonPress if "press" in body else TypedText
        text = body.get("press") or body.get("say", "")
        heard = how(text, message_id=body.get("message"))
        return InboundEvent(
            body["chat"], heard, message_id=body.get("message"), callback_id=body.get("query")
        )

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Send nothing; these tests read the outbox."""
        raise AssertionError("nothing is sent here")


@dataclass
class PipelineHarness:
    """An inbox that lines are put into, and what is read back."""

    database: Database
    vault: Vault
    house: Runtime
    n: int = 0

    def save_input(self, chat: str, *lines: Body, channel: str = "spoken") -> None:
        """Put lines from a chat into the inbox."""
        with self.database.unit(NOW) as unit:
            for line in lines:
                self.n += 1
                arrival = Arrival(str(self.n), chat, {"chat": chat, **line})
                inbox.enqueue_arrivals(unit, channel, [arrival])

    def says(self, chat: str, *texts: str) -> None:
        """Put typed words into the inbox."""
        self.save_input(chat, *({"say": text} for text in texts))

    def respond(self, at: datetime = NOW, limit: int = 100) -> list[AnsweredInput]:
        """Answer what waits."""
        with self.database.unit(at) as unit:
            return respond(unit, self.house, limit)

    def conversation_of(self, chat: str) -> Conversation:
        """Return where a chat stands."""
        with self.database.reading(NOW) as unit:
            kept = conversations.load_conversation(unit, "spoken", chat)
            return kept.conversation

    def outbox_rows(self, kind: str = "") -> list[Body]:
        """Return what is in line to be sent, in order, each with its kind and channel."""
        with self.database.reading() as unit:
            connection = unit.conn
            rows = connection.execute(select(OUTBOX).order_by(OUTBOX.c.n)).all()
        read = [
            {
                **loads_dict(self.vault.unseal(row.body, f"outbox/{row.chat_id}/{row.id}/body")),
                "kind": row.kind,
                "to": row.channel,
            }
            for row in rows
        ]
        return [body for body in read if kind in ("", body["kind"])]

    def texts(self) -> list[str]:
        """Return the first lines of what is to be said, in order."""
        return [body["text"].split("\n")[0] for body in self.outbox_rows("say")]

    def inbox_stages(self) -> list[str]:
        """Return the stages of all rows of the inbox, in order."""
        with self.database.reading() as unit:
            found = select(INBOX.c.stage).order_by(INBOX.c.n)
            return list(unit.conn.scalars(found))


@pytest.fixture
def desk(database: Database, vault: Vault) -> PipelineHarness:
    """Return an empty inbox, and staff who are told in two ways."""
    house = build_runtime(database, {"spoken": ScriptedChannel()}, ("telegram", "email"))
    return PipelineHarness(database, vault, house)


def fails_on(word: str, problem: Callable[[], Exception]) -> Callable[..., Any]:
    """Return take_turn, which fails when it hears a word."""

    def fails(conversation: Conversation, heard: Input, now: datetime) -> Any:
        if word in free_text(heard):
            raise problem()
        return take_turn(conversation, heard, now)

    return fails


def send_happy_path(desk: PipelineHarness, chat: str, key: str = "") -> None:
    """Let a chat go the way in one breath, up to a question or to the end."""
    desk.says(chat, "/start")
    for step in steps_before(key) if key else happy_path():
        desk.says(chat, step.press or step.say)
    desk.respond()


# --- order


def test_many_chats_are_answered_in_one_go_each_in_its_own_order(desk: PipelineHarness) -> None:
    steps = [step.press or step.say for step in steps_before("way")]
    for words in ("/start", *steps):
        for chat in ("amina", "tom", "ines"):
            desk.says(chat, words)
    answered = desk.respond()
    assert [one.address for one in answered] == ["amina", "tom", "ines"] * 8
    for chat in ("amina", "tom", "ines"):
        found = [(a.question, a.value) for a in desk.conversation_of(chat).answers]
        assert found == expected_answers(steps_before("way"))
    assert set(desk.inbox_stages()) == {"done"}


def test_the_limit_leaves_the_rest_for_the_next_time(desk: PipelineHarness) -> None:
    desk.says("amina", *(f"/help {n}" for n in range(7)))
    assert [len(desk.respond(limit=3)) for _ in range(4)] == [3, 3, 1, 0]


# --- trouble


def test_what_fails_three_times_is_set_aside_and_the_person_is_told(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_happy_path(desk, "amina", "name")
    monkeypatch.setattr(module, "take_turn", fails_on("Xanthe", lambda: ValueError("Xanthe")))
    desk.says("amina", "Xanthe", "Amina")
    desk.says("tom", "/start")
    before = len(desk.outbox_rows("say"))
    assert [one.address for one in desk.respond()] == ["tom"]
    assert desk.inbox_stages()[-3:] == ["waiting", "waiting", "done"], (
        "what is later in the chat waits"
    )
    for n in range(1, MAX_ATTEMPTS):
        desk.respond(NOW + n * MINUTE)
    assert desk.inbox_stages()[-3:] == ["set_aside", "waiting", "done"]
    assert say("en", "errors.chat.trouble") in [b["text"] for b in desk.outbox_rows("say")[before:]]
    alerted = {b["text"] for b in desk.outbox_rows("alert")}
    at = format_time("en", NOW + (MAX_ATTEMPTS - 1) * MINUTE)
    assert alerted == {say("en", "desk.alerts.set_aside", due=at)}, "a time, no word of hers"
    desk.respond(NOW + 5 * MINUTE)
    assert desk.conversation_of("amina").answers[-1].value == "Amina", "the place was kept"
    assert desk.texts()[-1] == question_first_line("way")


def test_trouble_that_passes_is_not_noticed(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_happy_path(desk, "amina", "name")
    with monkeypatch.context() as broken:
        broken.setattr(module, "take_turn", fails_on("Amina", RuntimeError))
        desk.says("amina", "Amina")
        assert desk.respond() == []
    assert len(desk.respond(NOW + MINUTE)) == 1
    assert desk.conversation_of("amina").answers[-1].value == "Amina"
    assert say("en", "errors.chat.trouble") not in [
        body["text"] for body in desk.outbox_rows("say")
    ]


PARTS = (
    (conversations, "load_conversation"),
    (module, "take_turn"),
    (conversations, "save_conversation"),
    (message_ids, "add_message_id"),
    (outbox, "enqueue"),
    (inbox, "mark_answered"),
    (lifecycle, "hand_over"),
    (daily_counters, "increment_counter"),
)


@pytest.mark.parametrize(("owner", "name"), PARTS)
def test_a_turn_happens_whole_or_not_at_all(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    send_happy_path(desk, "amina", "name")
    for step in happy_path()[len(steps_before("name")) : -1]:
        desk.says("amina", step.press or step.say)
    desk.respond()
    before, line = desk.conversation_of("amina"), len(desk.outbox_rows())
    act = getattr(owner, name)

    def fails(*given: Any, **named: Any) -> Any:
        act(*given, **named)
        raise RuntimeError

    desk.save_input("amina", {"say": "send", "message": "900"})
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fails)
        assert desk.respond() == []
    assert desk.conversation_of("amina") == before
    assert len(desk.outbox_rows()) == line
    with desk.database.reading(NOW) as unit:
        assert lifecycle.list_queue(unit) == []
    assert len(desk.respond(NOW + MINUTE)) == 1
    with desk.database.reading(NOW) as unit:
        (entry,) = lifecycle.list_queue(unit)
    assert entry.reference == before.reference


def test_what_cannot_be_read_is_set_aside_at_once_and_the_chat_goes_on(
    desk: PipelineHarness,
) -> None:
    desk.says("amina", "/start")
    with desk.database.unit(NOW) as unit:
        inbox.enqueue_arrivals(unit, "spoken", [Arrival("x", "amina", {})])
    desk.says("amina", "/help")
    assert len([one for one in desk.respond() if one.address == "amina"]) == 2
    assert desk.inbox_stages() == ["done", "set_aside", "done"]


def test_what_means_nothing_is_done_without_a_word(desk: PipelineHarness) -> None:
    desk.save_input("amina", {"nothing": True})
    desk.respond()
    assert desk.inbox_stages() == ["done"]
    assert desk.outbox_rows() == []


def test_rows_of_a_channel_that_is_not_here_are_left_for_who_has_it(desk: PipelineHarness) -> None:
    for n in range(120):
        desk.save_input(f"chat {n}", {"say": "/start"}, channel="elsewhere")
    desk.says("amina", "/start")
    assert len(desk.respond()) == 1
    assert desk.inbox_stages().count("waiting") == 120
    assert "set_aside" not in desk.inbox_stages()


def test_the_terminal_leaves_telegrams_rows_alone(desk: PipelineHarness) -> None:
    desk.says("amina", "/start")
    desk.house = build_runtime(desk.database, {"terminal": TerminalChannel()})
    assert desk.respond() == []
    assert desk.inbox_stages() == ["waiting"]


# --- what follows from a turn


def test_every_press_is_acknowledged_first(desk: PipelineHarness) -> None:
    desk.says("amina", "/start")
    for pressed in ("go:self~1", "nonsense", ""):
        desk.save_input("amina", {"press": pressed, "query": f"q{pressed}"})
    desk.respond()
    kinds = [body["kind"] for body in desk.outbox_rows()]
    assert kinds.count("acknowledge") == 3
    assert kinds[1] == "acknowledge", "before anything is said"


def test_staff_are_told_of_a_reference_and_a_time_and_nothing_else(desk: PipelineHarness) -> None:
    send_happy_path(desk, "amina")
    with desk.database.reading(NOW) as unit:
        (entry,) = lifecycle.list_queue(unit)
    alerts = desk.outbox_rows("alert")
    assert [body["to"] for body in alerts] == ["telegram", "email"]
    for body in alerts:
        assert set(body) == {"text", "kind", "to"}
        assert entry.reference in body["text"]
        assert not [
            a for _, a in expected_answers(happy_path()) if a in body["text"] and len(a) > 4
        ]


def test_a_withdrawal_reaches_the_queue_and_the_staff(desk: PipelineHarness) -> None:
    send_happy_path(desk, "amina")
    desk.says("amina", "withdraw", "yes")
    desk.respond()
    with desk.database.reading(NOW) as unit:
        (entry,) = lifecycle.list_queue(unit)
    assert (entry.stage, entry.may_contact, entry.unseen) == ("withdrawn", False, True)
    assert len(desk.outbox_rows("alert")) == 4


def test_an_invitation_is_used_up_only_when_the_turn_is_kept(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SAM.officer
    with desk.database.unit(NOW) as unit:
        code = officers.invite_officer(unit, SAM.officer)
    desk.says("sam", f"/start i_{code}")
    with monkeypatch.context() as broken:
        broken.setattr(module, "take_turn", fails_on("/start", RuntimeError))
        assert desk.respond() == []
    desk.respond(NOW + MINUTE)
    assert desk.conversation_of("sam").officer == SAM.officer


def test_a_group_is_left_and_nothing_about_it_is_kept(desk: PipelineHarness) -> None:
    desk.save_input("-100", {"event": "elsewhere"})
    desk.respond()
    assert desk.outbox_rows() == [{"address": "-100", "kind": "leave_chat", "to": "spoken"}]
    assert desk.conversation_of("-100").last_input_at is None


def test_who_blocked_us_hears_nothing_until_they_come_back(desk: PipelineHarness) -> None:
    send_happy_path(desk, "amina", "name")
    desk.save_input("amina", {"event": "blocked"})
    desk.respond()
    assert desk.outbox_rows("say") == []
    desk.save_input("amina", {"event": "unblocked"})
    desk.says("amina", "Amina")
    desk.respond(NOW + HOUR / 6)
    assert desk.texts() == [question_first_line("way")]


def test_an_event_from_a_chat_that_is_not_known_is_nothing(desk: PipelineHarness) -> None:
    desk.save_input("amina", {"event": "blocked"}, {"event": "unblocked"})
    assert len(desk.respond()) == 2
    assert desk.outbox_rows() == []
