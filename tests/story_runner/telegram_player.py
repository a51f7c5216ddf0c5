"""Plays a story over HTTP, with the real Telegram library, against a strict loopback Telegram."""

from collections import defaultdict
from dataclasses import replace
from typing import Literal, cast

from sqlalchemy import select
from telegram import Bot

from bot.channel_interface import Body
from bot.channels.telegram import receive
from bot.runtime import Runtime
from storage.chats import addresses, conversations
from storage.recent import RecentConversations
from storage.tables import CHAT
from tests import telegram_server
from tests.harness.telegram_app import telegram_settings
from tests.story_runner.player import DeliveryFault, ScreenEvent, Store, StoryPlayer
from tests.support.cast import CAST, Persona
from tests.telegram_server import TelegramServer
from tests.telegram_server.users import Kind


class TelegramPlayer(StoryPlayer):
    """Plays the real parts with the real library, over HTTP, against a loopback Telegram."""

    channel = "telegram"

    def __init__(self, store: Store, names_in_chat: bool = False) -> None:
        super().__init__(store, names_in_chat)
        self.server = TelegramServer(clock=self.clock)
        self.people = {
            who.name: self.server.person(who.name, who.language, phone=who.phone)
            for who in CAST.values()
        }
        self.staff = self.server.group("Staff")
        self._offset: int | None = None
        self._read = 0
        self._from_bot: set[int | None] = set()
        self._copied: dict[str, list[ScreenEvent]] = defaultdict(list)

    async def open(self) -> None:
        """Start Telegram if it is not running, then the program."""
        if not self.server.world.running:
            self.server.start()
            self.staff.adds_the_bot(self.people["Sam"])
        await super().open()
        await self._bot().initialize()

    async def close(self) -> None:
        """End the program; Telegram goes on."""
        await self._bot().shutdown()
        await super().close()

    def end(self) -> None:
        """Switch Telegram off; raise what went wrong in it."""
        self.server.stop()
        assert not self.server.errors, self.server.errors

    def build(self) -> Runtime:
        """Return the parts of a process that serves Telegram."""
        self.running = self.build_app(
            **telegram_settings(self.server, staff_telegram_chat=self.staff.chat_id)
        )
        self._offset = None
        return self.running.runtime

    async def save_arrivals(self) -> None:
        """Ask Telegram for what came, and save it; the next asking confirms it."""
        asked: Body = {"timeout": 0, "allowed_updates": receive.ALLOWED_UPDATES}
        if self._offset is not None:
            asked["offset"] = self._offset
        updates = cast("list[Body]", await self._bot().do_api_request("getupdates", asked))
        await self.running.keep([receive.arrival_of(update) for update in updates])
        if updates:
            self._offset = updates[-1]["update_id"] + 1

    async def settle(self) -> None:
        """Answer and deliver; no button may be left spinning."""
        await super().settle()
        self._check_memory_is_what_is_stored()
        for who in self.people.values():
            assert not who.spinning, f"never answered: {who.spinning}"
        self.alerts = [one.text for one in self.staff.screen if one.from_bot]

    def _check_memory_is_what_is_stored(self) -> None:
        with self.database.reading() as unit:
            from_file = replace(unit, recent=RecentConversations(limit=0))
            for chat in unit.conn.execute(select(CHAT.c.id, CHAT.c.channel, CHAT.c.address)):
                address = unit.unseal(addresses.address_context(chat.id), chat.address)
                seen = [
                    conversations.load_conversation(one, chat.channel, address)
                    for one in (unit, from_file)
                ]
                # One that has none yet, or has sent it, is given a fresh one at each loading.
                kept, read = (replace(one.conversation, reference="") for one in seen)
                assert kept == read
                # Answers that were replaced leave their numbers unused, which only memory knows.
                assert seen[0].next_n >= seen[1].next_n
                assert replace(seen[0], conversation=read, next_n=0) == replace(
                    seen[1], conversation=read, next_n=0
                )

    def says(self, who: Persona, text: str) -> None:
        """Type on Telegram."""
        self._phone(who).says(text)

    def presses(self, who: Persona, label: str, old: bool = False) -> None:
        """Press on Telegram."""
        phone = self._phone(who)
        if not old:
            before = phone.clipboard
            phone.presses(label)
            if phone.clipboard != before:
                self._copied[who.name].append(ScreenEvent("copied", phone.clipboard))
            return
        shown = [one for one in reversed(phone.screen) if one.buttons][1:]
        found = [
            (button.data, message)
            for message in shown
            for row in message.buttons
            for button in row
            if button.label == label
        ]
        assert found and found[0][0], f"no old button {label!r}; screen:\n{phone.shown()}"
        phone.presses_id(found[0][0], found[0][1])

    def shares_number(self, who: Persona) -> None:
        """Share the account's own number."""
        assert any("Share my number" in row for row in self._phone(who).keyboard)
        self._phone(who).shares_own_number()

    def sends(self, who: Persona, thing: str, caption: str = "") -> None:
        """Send what is not words."""
        if thing == "contact":
            self._phone(who).sends_contact_of_somebody_else()
        else:
            self._phone(who).sends(cast("Kind", thing), caption)

    def edits(self, who: Persona, old: str, new: str) -> None:
        """Change an own message."""
        phone = self._phone(who)
        mine = [one for one in phone.screen if not one.from_bot and one.text.startswith(old)]
        phone.edits(mine[-1], new)

    def blocks(self, who: Persona) -> None:
        """Block the bot."""
        self._phone(who).blocks_the_bot()

    def unblocks(self, who: Persona) -> None:
        """Unblock the bot."""
        self._phone(who).unblocks_the_bot()

    def adds_to_group(self, who: Persona) -> None:
        """Add the bot to a group of friends."""
        self._group = self.server.group("Friends")
        self._group.adds_the_bot(self._phone(who))

    def fail_next_message(self, what: DeliveryFault) -> None:
        """Let the next message meet trouble."""
        error: dict[DeliveryFault, int | Literal["drop"]] = {
            "wait": 429,
            "failed": 502,
            "lost": "drop",
        }
        self.server.fail_next("sendMessage", error[what])

    def take_events(self, who: Persona) -> list[ScreenEvent]:
        """Return what reached somebody's phone since the last time."""
        sent, number = self.server.sent, self._phone(who).chat_id
        fresh, self._read = [one for one in sent[self._read :] if one.chat_id == number], len(sent)
        self._from_bot |= {one.message_id for one in fresh if one.kind == "new"}
        seen = self._copied.pop(who.name, [])
        deleted: list[int | None] = []
        for one in fresh:
            if one.kind == "deleted":
                deleted.append(one.message_id)
                continue
            seen += self._removal_events(deleted)
            seen.append(ScreenEvent(one.kind, one.text, one.labels))
        seen += self._removal_events(deleted)
        return seen + self._left_group_events()

    def message_count(self, who: Persona) -> int:
        """Return how many messages stand on the screen."""
        return len(self._phone(who).screen)

    def has_keyboard(self, who: Persona) -> bool:
        """Return whether there is a reply keyboard."""
        return bool(self._phone(who).keyboard)

    def address_of(self, who: Persona) -> str:
        """Return the number of somebody's chat."""
        return str(self._phone(who).chat_id)

    def _removal_events(self, deleted: list[int | None]) -> list[ScreenEvent]:
        how = "cleared" if self._from_bot.intersection(deleted) else "deleted"
        seen = [ScreenEvent(how)] if deleted else []
        deleted.clear()
        return seen

    def _left_group_events(self) -> list[ScreenEvent]:
        group, self._group = self._group, None
        return [ScreenEvent("left")] if group and not group.chat.bot_is_member else []

    def _phone(self, who: Persona) -> telegram_server.TelegramUser:
        return self.people[who.name]

    def _bot(self) -> Bot:
        assert self.running.bot
        return self.running.bot

    _group: telegram_server.TelegramGroup | None = None
