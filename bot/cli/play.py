"""Plays the conversation in the terminal, through the same inbox, turns and outbox as Telegram."""

import asyncio
import json
import secrets
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.channel_interface import Body, Channel
from bot.channels.page import PageChannel
from bot.channels.terminal import TerminalChannel, TerminalMessage
from bot.pipeline.deliver import Delivery
from bot.pipeline.respond import AnsweredInput, respond
from bot.pipeline.sweep import sweep
from bot.runtime import Runtime
from bot.settings import Settings
from flows.conversation import ButtonKind, Conversation, HandOver, Turn
from flows.officers import Officer
from flows.questions import journey
from flows.stages import Stage
from storage.chats import conversations, inbox, officers
from storage.chats.inbox import Arrival
from storage.database import Database

DEMO_OFFICER = Officer("PC Sam Reed", "Kent Police", "sam.reed@example.com", verified=True)


@dataclass(slots=True)
class Player:
    """One person at a keyboard; `clock_offset` is how far they have let time run ahead."""

    database: Database
    details_in_chat: bool = False
    language: str | None = None
    public_url: str | None = None
    chat_address: str = field(default_factory=lambda: secrets.token_hex(8))
    channel: TerminalChannel = field(default_factory=TerminalChannel)
    clock_offset: timedelta = timedelta()
    turn: Turn | None = None
    _lines_sent: int = 0

    def __post_init__(self) -> None:
        """Let every transaction happen at this person's time."""
        self.database.clock = self.now

    def now(self) -> datetime:
        """Return the time as this person has it."""
        return datetime.now(UTC) + self.clock_offset

    def advance_clock(self, seconds: float) -> None:
        """Let time pass, with all that it makes due."""
        self.turn = None
        self.clock_offset += timedelta(seconds=max(0.0, min(seconds, 10 * 365 * 86_400)))
        with self.database.unit() as unit:
            sweep(unit, self._runtime())

    def submit_line(self, body: Body) -> list[TerminalMessage]:
        """Keep a line, answer it, deliver the answer; return what was shown."""
        self._lines_sent += 1
        own = {"chat": self.chat_address, "language": self.language}
        line = {**self.channel.inbox_body(body), **own}
        key = f"{self.chat_address}/{self._lines_sent}/{secrets.token_hex(4)}"
        with self.database.unit() as unit:
            inbox.enqueue_arrivals(unit, "terminal", [Arrival(key, self.chat_address, line)])
        self.turn = None
        for answered in self._respond():
            if answered.address == self.chat_address:
                self.turn = answered.turn
        asyncio.run(self._deliver())
        return self.channel.take_new_messages()

    def invitation_command(self) -> str:
        """Return the words that make this chat an invited officer's."""
        with self.database.unit() as unit:
            code = officers.invite_officer(unit, DEMO_OFFICER)
        return f"/start i_{code}"

    def handed_over_reference(self) -> str | None:
        """Return the reference of what the last line handed over, if it did."""
        effects = self.turn.effects if self.turn else ()
        return next((e.record.reference for e in effects if isinstance(e, HandOver)), None)

    def load_conversation(self) -> Conversation:
        """Return where this person's conversation stands now."""
        with self.database.unit() as unit:
            kept = conversations.load_conversation(unit, "terminal", self.chat_address)
        return replace(kept.conversation, details_in_chat=self.details_in_chat)

    def _respond(self) -> list[AnsweredInput]:
        with self.database.unit() as unit:
            return respond(unit, self._runtime())

    async def _deliver(self) -> None:
        delivery = Delivery(self._runtime())
        while (await delivery.deliver_batch())[0]:
            pass

    def _runtime(self) -> Runtime:
        channels: dict[str, Channel] = {"terminal": self.channel, "page": PageChannel()}
        settings = Settings.model_construct(
            officer_details="chat" if self.details_in_chat else "pointer",
            public_url=self.public_url,
        )
        return Runtime(settings, self.database, channels)


def play_jsonl(player: Player, lines: Iterable[str]) -> None:
    """Answer each line of JSON with a line of JSON; a line that is none says what is wrong."""
    for line in lines:
        if line.strip():
            print(json.dumps(_play_line(player, line), ensure_ascii=False), flush=True)


def _play_line(player: Player, line: str) -> Body:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return {"error": "this line is not JSON"}
    if not isinstance(body, dict) or not {"say", "press", "send", "edit", "wait"} & set(body):
        return {"error": 'a line holds one of "say", "press", "send", "edit", "wait"'}
    if "wait" in body:
        player.advance_clock(_parse_seconds(body["wait"]))
        return _response_line(player, [])
    return _response_line(player, player.submit_line(body))


def _parse_seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value == value else 0.0


def _response_line(player: Player, messages: list[TerminalMessage]) -> Body:
    stands = player.load_conversation()
    now_open = journey.open_question(stands) if stands.stage == Stage.ASKING else None
    return {
        "replies": [_message_json(one) for one in messages],
        "stage": stands.stage,
        "question": now_open.key if now_open else None,
        "handed_over": player.handed_over_reference(),
    }


def _message_json(one: TerminalMessage) -> Body:
    buttons = [[{"label": b["label"], "id": b["id"]} for b in row] for row in one.buttons]
    return {"text": one.text, "buttons": buttons, "edits": one.edits, "id": one.id}


def play_interactively(player: Player, first_line: str, until_sent: bool = False) -> str | None:
    """Talk with a person at the keyboard until they end it; return the last reference sent."""
    sent: str | None = None
    shown = player.submit_line({"say": first_line})
    while True:
        choices = _print_messages(shown)
        sent = player.handed_over_reference() or sent
        if sent and until_sent:
            return sent
        try:
            typed = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return sent
        if typed in choices:
            shown = player.submit_line({"press": choices[typed]})
        else:
            shown = player.submit_line({"say": typed}) if typed else shown


def _print_messages(messages: list[TerminalMessage]) -> dict[str, str]:
    """Print messages with numbered buttons; return which number presses which button."""
    choices: dict[str, str] = {}
    for message in messages:
        print(f"\n{'(changed) ' if message.edits else ''}{message.text}")
        choices = {}
        for row in message.buttons:
            labels = []
            for button in row:
                if button["kind"] == ButtonKind.COPY:
                    continue
                if button["kind"] == ButtonKind.OPEN:
                    labels.append(f"{button['label']}: {button['id']}")
                    continue
                number = str(len(choices) + 1)
                choices[number] = button["id"]
                labels.append(f"[{number}] {button['label']}")
            if labels:
                print("   " + "   ".join(labels))
    sys.stdout.flush()
    return choices
