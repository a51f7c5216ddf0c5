"""Inbox to outbox: in order, whole or not at all, and one bad row never stops the others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels import Arrived, Body
from bot.channels.terminal import TerminalChannel
from bot.pipeline import respond as module
from bot.pipeline.respond import TRIES, Answered, House, respond
from flows.conversation import Conversation, Heard, Hearing
from flows.turn import take_turn
from flows.wording import say
from storage.chats import conversations, inbox, message_ids, officers, outbox
from storage.chats.inbox import Arrival
from storage.database import Database
from storage.referrals import lifecycle
from storage.reports import daily_counters
from storage.serialization import read_dict
from storage.tables import INBOX, OUTBOX
from storage.vault import Vault
from tests.support.builders import HOUR, MINUTE, NOW
from tests.support.cast import SAM
from tests.support.happy_path import answers, shown, until, way

pytest_plugins = ("tests.harness.telegram_fixtures",)


class Spoken:
    """A channel whose lines hold what is heard, as a dict."""

    name = "spoken"
    limited = False

    def translate(self, body: Body) -> Arrived | None:
        """Return what a line means; raise KeyError for one without a chat."""
        if body.get("nothing"):
            return None
        if "event" in body:
            return Arrived(body["chat"], event=body["event"])
        how = Hearing.PRESSED if "press" in body else Hearing.SAID
        text = body.get("press") or body.get("say", "")
        heard = Heard(how, text, message=body.get("message"))
        return Arrived(body["chat"], heard, message=body.get("message"), press=body.get("query"))

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Send nothing; these tests read the outbox."""
        raise AssertionError("nothing is sent here")


@dataclass
class Desk:
    """An inbox that lines are put into, and what is read back."""

    database: Database
    vault: Vault
    house: House
    n: int = 0

    def keep(self, chat: str, *lines: Body, channel: str = "spoken") -> None:
        """Put lines from a chat into the inbox."""
        with self.database.transaction() as connection:
            for line in lines:
                self.n += 1
                arrival = Arrival(str(self.n), chat, {"chat": chat, **line})
                inbox.keep(connection, self.vault, channel, [arrival], NOW)

    def says(self, chat: str, *texts: str) -> None:
        """Put typed words into the inbox."""
        self.keep(chat, *({"say": text} for text in texts))

    def respond(self, at: datetime = NOW, limit: int = 100) -> list[Answered]:
        """Answer what waits."""
        with self.database.transaction() as connection:
            return respond(connection, self.house, at, limit)

    def stands(self, chat: str) -> Conversation:
        """Return where a chat stands."""
        with self.database.session() as session:
            kept = conversations.recall(session.connection(), self.vault, "spoken", chat, NOW)
            return kept.conversation

    def line(self, kind: str = "") -> list[Body]:
        """Return what is in line to be sent, in order, each with its kind and channel."""
        with self.database.session() as session:
            connection = session.connection()
            rows = connection.execute(select(OUTBOX).order_by(OUTBOX.c.n)).all()
        read = [
            {
                **read_dict(self.vault.unseal(row.body, f"outbox/{row.chat_id}/{row.id}/body")),
                "kind": row.kind,
                "to": row.channel,
            }
            for row in rows
        ]
        return [body for body in read if kind in ("", body["kind"])]

    def texts(self) -> list[str]:
        """Return the first lines of what is to be said, in order."""
        return [body["text"].split("\n")[0] for body in self.line("say")]

    def stages(self) -> list[str]:
        """Return the stages of all rows of the inbox, in order."""
        with self.database.session() as session:
            found = select(INBOX.c.stage).order_by(INBOX.c.n)
            return list(session.connection().scalars(found))


@pytest.fixture
def desk(database: Database, vault: Vault) -> Desk:
    """Return an empty inbox, and staff who are told in two ways."""
    house = House(vault, {"spoken": Spoken()}, ("telegram", "email"))
    return Desk(database, vault, house)


def breaks_on(word: str, problem: Callable[[], Exception]) -> Callable[..., Any]:
    """Return take_turn, which fails when it hears a word."""

    def fails(conversation: Conversation, heard: Heard, now: datetime) -> Any:
        if word in heard.text:
            raise problem()
        return take_turn(conversation, heard, now)

    return fails


def goes(desk: Desk, chat: str, key: str = "") -> None:
    """Let a chat go the way in one breath, up to a question or to the end."""
    desk.says(chat, "/start")
    for step in until(key) if key else way():
        desk.says(chat, step.press or step.say)
    desk.respond()


# --- order


def test_many_chats_are_answered_in_one_go_each_in_its_own_order(desk: Desk) -> None:
    steps = [step.press or step.say for step in until("way")]
    for words in ("/start", *steps):
        for chat in ("amina", "tom", "ines"):
            desk.says(chat, words)
    answered = desk.respond()
    assert [one.address for one in answered] == ["amina", "tom", "ines"] * 8
    for chat in ("amina", "tom", "ines"):
        found = [(a.question, a.value) for a in desk.stands(chat).answers]
        assert found == answers(until("way"))
    assert set(desk.stages()) == {"done"}


def test_the_limit_leaves_the_rest_for_the_next_time(desk: Desk) -> None:
    desk.says("amina", *(f"/help {n}" for n in range(7)))
    assert [len(desk.respond(limit=3)) for _ in range(4)] == [3, 3, 1, 0]


# --- trouble


def test_what_fails_three_times_is_set_aside_and_the_person_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes(desk, "amina", "name")
    monkeypatch.setattr(module, "take_turn", breaks_on("Xanthe", lambda: ValueError("Xanthe")))
    desk.says("amina", "Xanthe", "Amina")
    desk.says("tom", "/start")
    before = len(desk.line("say"))
    assert [one.address for one in desk.respond()] == ["tom"]
    assert desk.stages()[-3:] == ["waiting", "waiting", "done"], "what is later in the chat waits"
    for n in range(1, TRIES):
        desk.respond(NOW + n * MINUTE)
    assert desk.stages()[-3:] == ["set_aside", "waiting", "done"]
    assert say("en", "errors.chat.trouble") in [b["text"] for b in desk.line("say")[before:]]
    desk.respond(NOW + 5 * MINUTE)
    assert desk.stands("amina").answers[-1].value == "Amina", "the place was kept"
    assert desk.texts()[-1] == shown("way")


def test_trouble_that_passes_is_not_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    goes(desk, "amina", "name")
    with monkeypatch.context() as broken:
        broken.setattr(module, "take_turn", breaks_on("Amina", RuntimeError))
        desk.says("amina", "Amina")
        assert desk.respond() == []
    assert len(desk.respond(NOW + MINUTE)) == 1
    assert desk.stands("amina").answers[-1].value == "Amina"
    assert say("en", "errors.chat.trouble") not in [body["text"] for body in desk.line("say")]


PARTS = (
    (conversations, "recall"),
    (module, "take_turn"),
    (conversations, "remember"),
    (message_ids, "note_message"),
    (outbox, "put"),
    (inbox, "done"),
    (lifecycle, "hand_over"),
    (daily_counters, "add"),
)


@pytest.mark.parametrize(("owner", "name"), PARTS)
def test_a_turn_happens_whole_or_not_at_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    goes(desk, "amina", "name")
    for step in way()[len(until("name")) : -1]:
        desk.says("amina", step.press or step.say)
    desk.respond()
    before, line = desk.stands("amina"), len(desk.line())
    act = getattr(owner, name)

    def fails(*given: Any, **named: Any) -> Any:
        act(*given, **named)
        raise RuntimeError

    desk.keep("amina", {"say": "send", "message": "900"})
    with monkeypatch.context() as broken:
        broken.setattr(owner, name, fails)
        assert desk.respond() == []
    assert desk.stands("amina") == before
    assert len(desk.line()) == line
    with desk.database.session() as session:
        assert lifecycle.queue(session, desk.vault, NOW) == []
    assert len(desk.respond(NOW + MINUTE)) == 1
    with desk.database.session() as session:
        (entry,) = lifecycle.queue(session, desk.vault, NOW)
    assert entry.reference == before.reference


def test_what_cannot_be_read_is_set_aside_at_once_and_the_chat_goes_on(desk: Desk) -> None:
    desk.says("amina", "/start")
    with desk.database.transaction() as connection:
        inbox.keep(connection, desk.vault, "spoken", [Arrival("x", "amina", {})], NOW)
    desk.says("amina", "/help")
    assert len([one for one in desk.respond() if one.address == "amina"]) == 2
    assert desk.stages() == ["done", "set_aside", "done"]


def test_what_means_nothing_is_done_without_a_word(desk: Desk) -> None:
    desk.keep("amina", {"nothing": True})
    desk.respond()
    assert desk.stages() == ["done"]
    assert desk.line() == []


def test_rows_of_a_channel_that_is_not_here_are_left_for_who_has_it(desk: Desk) -> None:
    for n in range(120):
        desk.keep(f"chat {n}", {"say": "/start"}, channel="elsewhere")
    desk.says("amina", "/start")
    assert len(desk.respond()) == 1
    assert desk.stages().count("waiting") == 120
    assert "set_aside" not in desk.stages()


def test_the_terminal_leaves_telegrams_rows_alone(desk: Desk) -> None:
    desk.says("amina", "/start")
    desk.house = House(desk.vault, {"terminal": TerminalChannel()})
    assert desk.respond() == []
    assert desk.stages() == ["waiting"]


# --- what follows from a turn


def test_every_press_is_acknowledged_first(desk: Desk) -> None:
    desk.says("amina", "/start")
    for pressed in ("go:self~1", "nonsense", ""):
        desk.keep("amina", {"press": pressed, "query": f"q{pressed}"})
    desk.respond()
    kinds = [body["kind"] for body in desk.line()]
    assert kinds.count("acknowledge") == 3
    assert kinds[1] == "acknowledge", "before anything is said"


def test_staff_are_told_of_a_reference_and_a_time_and_nothing_else(desk: Desk) -> None:
    goes(desk, "amina")
    with desk.database.session() as session:
        (entry,) = lifecycle.queue(session, desk.vault, NOW)
    alerts = desk.line("alert")
    assert [body["to"] for body in alerts] == ["telegram", "email"]
    for body in alerts:
        assert set(body) == {"text", "kind", "to"}
        assert entry.reference in body["text"]
        assert not [a for _, a in answers(way()) if a in body["text"] and len(a) > 4]


def test_a_withdrawal_reaches_the_queue_and_the_staff(desk: Desk) -> None:
    goes(desk, "amina")
    desk.says("amina", "withdraw", "yes")
    desk.respond()
    with desk.database.session() as session:
        (entry,) = lifecycle.queue(session, desk.vault, NOW)
    assert (entry.stage, entry.may_contact, entry.unseen) == ("withdrawn", False, True)
    assert len(desk.line("alert")) == 4


def test_an_invitation_is_used_up_only_when_the_turn_is_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SAM.officer
    with desk.database.transaction() as connection:
        code = officers.invite(connection, desk.vault, SAM.officer, NOW)
    desk.says("sam", f"/start i_{code}")
    with monkeypatch.context() as broken:
        broken.setattr(module, "take_turn", breaks_on("/start", RuntimeError))
        assert desk.respond() == []
    desk.respond(NOW + MINUTE)
    assert desk.stands("sam").officer == SAM.officer


def test_a_group_is_left_and_nothing_about_it_is_kept(desk: Desk) -> None:
    desk.keep("-100", {"event": "elsewhere"})
    desk.respond()
    assert desk.line() == [{"address": "-100", "kind": "leave_chat", "to": "spoken"}]
    assert desk.stands("-100").heard_at is None


def test_who_blocked_us_hears_nothing_until_they_come_back(desk: Desk) -> None:
    goes(desk, "amina", "name")
    desk.keep("amina", {"event": "blocked"})
    desk.respond()
    assert desk.line("say") == []
    desk.keep("amina", {"event": "unblocked"})
    desk.says("amina", "Amina")
    desk.respond(NOW + HOUR / 6)
    assert desk.texts() == [shown("way")]


def test_an_event_from_a_chat_that_is_not_known_is_nothing(desk: Desk) -> None:
    desk.keep("amina", {"event": "blocked"}, {"event": "unblocked"})
    assert len(desk.respond()) == 2
    assert desk.line() == []
