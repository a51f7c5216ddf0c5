"""Two players of a story: through the flow on a sheet of paper, and over HTTP on Telegram.

Both keep everything in a real file and read it again for each message. Both say what a person
saw in the same words, so that one story proves both.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from pydantic import SecretStr
from sqlalchemy import func, select
from telegram import Bot

from bot.channels import Arrived, Body, Refused, Wait
from bot.channels.telegram import receive
from bot.deliver import Delivery
from bot.respond import Answered, House, respond
from bot.serve import Running
from bot.settings import Settings
from bot.sweep import sweep
from flows.conversation import Heard, Hearing
from storage import inbox, officers
from storage.database import Database
from storage.inbox import Arrival
from storage.tables import CHAT, INBOX, OUTBOX
from storage.vault import Vault
from tests import telegram_server
from tests.people import CAST, Person
from tests.telegram_server import TelegramServer
from tests.telegram_server.people import Kind

BEGINS = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
"""A Tuesday, when the telephone is answered."""
BETWEEN = 6.0
"""Seconds that a person takes for one act."""
HOP = timedelta(hours=6)
"""While people wait, what time makes due is looked at this often."""
PATIENCE = 500

Troubles = Literal["wait", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that happened on somebody's phone; `how` is one of the keys of MARKS."""

    how: str
    text: str = ""
    labels: tuple[str, ...] = ()


class StoryClock:
    """Stands still, until a story lets time pass."""

    def __init__(self) -> None:
        self._at = BEGINS

    def now(self) -> datetime:
        """Return the time in the story."""
        return self._at

    def run(self, time: timedelta) -> None:
        """Let time pass."""
        self._at += time


class Player(ABC):
    """What both players share: the file, the clock, and the way from the inbox to the outbox."""

    channel: str

    def __init__(self, file: Path, names_in_chat: bool = False) -> None:
        self.file, self.names_in_chat = file, names_in_chat
        self.clock = StoryClock()
        self.alerts: list[str] = []

    async def open(self) -> None:
        """Open the file and build the parts, as when the program starts."""
        self.database = Database(f"sqlite:///{self.file}")
        self.vault = Vault.open(self.file.with_suffix(".key"), create=True)
        self.house = self.build()
        self.delivery = Delivery(self.database, self.house, self.clock.now)

    async def close(self) -> None:
        """Let go of everything that is not in the file."""
        self.database.close()

    @abstractmethod
    def build(self) -> House:
        """Return the parts that answer."""

    @abstractmethod
    async def keep_what_came(self) -> None:
        """Save what people did since the last time."""

    @abstractmethod
    def says(self, who: Person, text: str) -> None:
        """Let somebody type."""

    @abstractmethod
    def presses(self, who: Person, label: str, old: bool = False) -> None:
        """Let somebody press the newest button of that name; an old one is not the newest."""

    @abstractmethod
    def shares_number(self, who: Person) -> None:
        """Let somebody share their own number, which must have been asked for."""

    @abstractmethod
    def sends(self, who: Person, thing: str, caption: str = "") -> None:
        """Let somebody send what is not words."""

    @abstractmethod
    def edits(self, who: Person, old: str, new: str) -> None:
        """Let somebody change the newest message of their own that begins with `old`."""

    @abstractmethod
    def blocks(self, who: Person) -> None:
        """Let somebody block the bot."""

    @abstractmethod
    def unblocks(self, who: Person) -> None:
        """Let somebody take it back."""

    @abstractmethod
    def adds_to_group(self, who: Person) -> None:
        """Let somebody add the bot to a group."""

    @abstractmethod
    def goes_wrong(self, what: Troubles) -> None:
        """Let the next message meet trouble: told to wait, refused, or sent without an answer."""

    @abstractmethod
    def seen_by(self, who: Person) -> list[Seen]:
        """Return what somebody saw since this was last asked."""

    @abstractmethod
    def messages_of(self, who: Person) -> int:
        """Return how many messages stand on somebody's screen."""

    @abstractmethod
    def has_keyboard(self, who: Person) -> bool:
        """Return whether there is a keyboard of ours under the typing field."""

    @abstractmethod
    def address_of(self, who: Person) -> str:
        """Return where somebody is reached in the channel."""

    def invite(self, officer: Person) -> str:
        """Return what an invited officer's link types for them."""
        assert officer.officer, f"{officer.called} is no officer"
        with self.database.transaction() as connection:
            code = officers.invite(connection, self.vault, officer.officer, self.clock.now())
        return f"/start i_{code}"

    async def restart(self) -> None:
        """End the program and start it again on the same file."""
        await self.close()
        await self.open()

    async def settle(self) -> list[Answered]:
        """Answer all that came and deliver all the answers; return what was answered."""
        self.pass_time(timedelta(seconds=BETWEEN))
        await self.keep_what_came()
        answered = []
        while some := await self.database.write(
            lambda connection: respond(connection, self.house, self.clock.now())
        ):
            answered += some
        self._check_nothing_failed()
        await self._deliver()
        return answered

    async def wait(self, time: timedelta) -> None:
        """Let time pass, and do what it makes due."""
        while time:
            hop = min(time, HOP)
            time -= hop
            self.pass_time(hop)
            await self.database.write(
                lambda connection: sweep(connection, self.house, self.clock.now())
            )
            await self._deliver()

    def pass_time(self, time: timedelta) -> None:
        """Move the clock on."""
        self.clock.run(time)

    async def _deliver(self) -> None:
        for _ in range(PATIENCE):
            tried, wait = await self.delivery.round()
            if tried:
                continue
            seconds = wait or self._until_next_try()
            if seconds is None:
                return
            self.pass_time(timedelta(seconds=seconds))
        raise AssertionError("the outbox does not become empty")

    def _until_next_try(self) -> float | None:
        waits = (
            select(func.min(OUTBOX.c.not_before))
            .outerjoin(CHAT, CHAT.c.id == OUTBOX.c.chat_id)
            .where(OUTBOX.c.stage == "waiting", CHAT.c.closed_at.is_(None))
        )
        with self.database.transaction() as connection:
            at = connection.execute(waits).scalar_one()
        return None if at is None else max(0.1, (at - self.clock.now()).total_seconds())

    def _check_nothing_failed(self) -> None:
        with self.database.transaction() as connection:
            left = connection.execute(select(INBOX.c.stage).where(INBOX.c.stage != "done")).all()
        assert not left, "a message could not be answered; the log says why"


# --- on paper


@dataclass(slots=True)
class Sheet:
    """One message on a phone of paper."""

    text: str
    buttons: list[Body]
    own: bool
    keyboard: bool = False


@dataclass(slots=True)
class Phone:
    """A phone of paper: its screen, its keyboard, and what happened on it."""

    screen: dict[str, Sheet] = field(default_factory=dict)
    keyboard: str | None = None
    seen: list[Seen] = field(default_factory=list)


class PaperChannel:
    """A channel that behaves as Telegram does, without Telegram."""

    name = "paper"
    limited = True

    def __init__(self) -> None:
        self.phones: dict[str, Phone] = defaultdict(Phone)
        self.alerts: list[str] = []
        self.trouble: Troubles | None = None
        self._ids = 0

    def translate(self, body: Body) -> Arrived | None:
        """Return what was done; paper holds our own terms already."""
        if body.get("event"):
            return Arrived(body["chat"], event=body["event"])
        heard = Heard(
            Hearing(body["how"]),
            body["text"],
            body["thing"],
            message=body["message"],
            profile_name=body["name"],
            can_share_number=True,
            language=body["speaks"],
        )
        pressed = heard.how == Hearing.PRESSED
        message = None if pressed else body["message"]
        return Arrived(body["chat"], heard, message=message, press="press" if pressed else None)

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Do on the phone of paper what an outbox row says."""
        trouble, self.trouble = (self.trouble, None) if kind == "say" else (None, self.trouble)
        if trouble == "wait":
            raise Wait(3)
        if trouble == "failed":
            raise ConnectionError
        message = self._do(self.phones[address], kind, body)
        if trouble == "lost":
            raise ConnectionError
        return message

    def write(self, phone: Phone, sheet: Sheet) -> str:
        """Put a message on a phone; return its id."""
        self._ids += 1
        phone.screen[str(self._ids)] = sheet
        return str(self._ids)

    def _do(self, phone: Phone, kind: str, body: Body) -> str | None:
        match kind:
            case "say":
                return self._say(phone, body)
            case "acknowledge" if body["toast"]:
                phone.seen.append(Seen("toast", body["toast"]))
            case "acknowledge":
                pass
            case "clear" | "delete":
                _take_away(phone, body["messages"])
            case "leave_chat":
                self.phones[body["address"]].seen.append(Seen("left"))
            case "alert":
                self.alerts.append(body["text"])
            case _:
                raise Refused(f"unknown_{kind}")
        return None

    def _say(self, phone: Phone, body: Body) -> str | None:
        buttons = [button for row in body["buttons"] for button in row]
        changed = phone.screen.get(body["edits"] or "")
        if changed and not changed.own and not changed.keyboard:
            if (changed.text, changed.buttons) != (body["text"], buttons):
                changed.text, changed.buttons = body["text"], buttons
                phone.seen.append(_seen("edit", changed))
            return None
        text = body["instead"] if body["private"] else body["text"]
        asks = any(button["does"] == "share_number" for button in buttons)
        sheet = Sheet(text, buttons, own=False, keyboard=asks)
        id = self.write(phone, sheet)
        if asks or body["clears_keyboard"]:
            phone.keyboard = id if asks else None
        phone.seen.append(_seen("new", sheet))
        return id


class FlowPlayer(Player):
    """Plays through the inbox, the turns, the outbox and the file, on phones of paper."""

    channel = "paper"

    def __init__(self, file: Path, names_in_chat: bool = False) -> None:
        super().__init__(file, names_in_chat)
        self.paper = PaperChannel()
        self._came: list[Arrival] = []

    def build(self) -> House:
        """Return the parts, with paper for a channel."""
        self.alerts = self.paper.alerts
        return House(self.vault, {"paper": self.paper}, ("paper",), self.names_in_chat)

    async def keep_what_came(self) -> None:
        """Save what was done on paper."""
        came, self._came = self._came, []
        await self.database.write(
            lambda connection: inbox.keep(connection, self.vault, "paper", came, self.clock.now())
        )

    def says(self, who: Person, text: str) -> None:
        """Write on the phone, and hear it."""
        message = self.paper.write(self._phone(who), Sheet(text, [], own=True))
        self._heard(who, Hearing.SAID, text, message=message)

    def presses(self, who: Person, label: str, old: bool = False) -> None:
        """Press what stands on the phone; a keyboard types its label."""
        phone = self._phone(who)
        id, button = _find(phone, label, old)
        if button["does"] == "copy":
            phone.seen.append(Seen("copied", button["id"]))
        elif phone.screen[id].keyboard:
            self.says(who, label)
        else:
            self._heard(who, Hearing.PRESSED, button["id"], message=id)

    def shares_number(self, who: Person) -> None:
        """Share the number of this phone."""
        assert self._phone(who).keyboard, "the bot did not ask for a number"
        message = self.paper.write(self._phone(who), Sheet("", [], own=True))
        self._heard(who, Hearing.SHARED_NUMBER, who.phone, message=message)

    def sends(self, who: Person, thing: str, caption: str = "") -> None:
        """Send a thing."""
        message = self.paper.write(self._phone(who), Sheet(caption, [], own=True))
        self._heard(who, Hearing.SENT, caption, thing=thing, message=message)

    def edits(self, who: Person, old: str, new: str) -> None:
        """Change the words on the phone."""
        mine = [(id, one) for id, one in self._phone(who).screen.items() if one.own]
        id, sheet = next(pair for pair in reversed(mine) if pair[1].text.startswith(old))
        sheet.text = new
        self._heard(who, Hearing.EDITED, new, message=id)

    def blocks(self, who: Person) -> None:
        """Close the chat."""
        self._event(self.address_of(who), "blocked")

    def unblocks(self, who: Person) -> None:
        """Open the chat again."""
        self._event(self.address_of(who), "unblocked")

    def adds_to_group(self, who: Person) -> None:
        """Have the bot in a group; whoever added it sees it leave."""
        self.paper.phones["group"] = self._phone(who)
        self._event("group", "elsewhere")

    def goes_wrong(self, what: Troubles) -> None:
        """Let the next message meet trouble."""
        self.paper.trouble = what

    def seen_by(self, who: Person) -> list[Seen]:
        """Return what happened on the phone since the last time."""
        phone = self._phone(who)
        seen, phone.seen = phone.seen, []
        return seen

    def messages_of(self, who: Person) -> int:
        """Return how many messages stand on the phone."""
        return len(self._phone(who).screen)

    def has_keyboard(self, who: Person) -> bool:
        """Return whether the phone has a keyboard of ours."""
        return self._phone(who).keyboard is not None

    def address_of(self, who: Person) -> str:
        """Return where somebody is reached: by their name."""
        return who.called

    def _phone(self, who: Person) -> Phone:
        return self.paper.phones[self.address_of(who)]

    def _heard(
        self, who: Person, how: Hearing, text: str, thing: str = "", message: str | None = None
    ) -> None:
        body: Body = {"chat": self.address_of(who), "how": how.value, "text": text, "thing": thing}
        self._arrive({**body, "message": message, "name": who.called, "speaks": who.speaks})

    def _event(self, chat: str, event: str) -> None:
        self._arrive({"chat": chat, "event": event})

    def _arrive(self, body: Body) -> None:
        key = f"{self.clock.now().isoformat()}/{len(self._came)}"
        self._came.append(Arrival(key, body["chat"], body))


def _seen(how: str, sheet: Sheet) -> Seen:
    return Seen(how, sheet.text, tuple(button["label"] for button in sheet.buttons))


def _take_away(phone: Phone, ids: Iterable[str]) -> None:
    gone = [phone.screen.pop(id) for id in ids if id in phone.screen]
    if phone.keyboard not in phone.screen:
        phone.keyboard = None
    if gone:
        phone.seen.append(Seen("deleted" if all(sheet.own for sheet in gone) else "cleared"))


def _find(phone: Phone, label: str, old: bool) -> tuple[str, Body]:
    shown = [
        (id, sheet)
        for id, sheet in reversed(phone.screen.items())
        if sheet.buttons and (not sheet.keyboard or id == phone.keyboard)
    ]
    for id, sheet in shown[1:] if old else shown:
        for button in sheet.buttons:
            if button["label"] == label:
                return id, button
    there = [button["label"] for _, sheet in shown for button in sheet.buttons]
    raise AssertionError(f"no button {label!r} among {there}")


# --- on Telegram


class TelegramPlayer(Player):
    """Plays the real parts with the real library, over HTTP, against a loopback Telegram."""

    channel = "telegram"

    def __init__(self, file: Path, names_in_chat: bool = False) -> None:
        super().__init__(file, names_in_chat)
        self.server = TelegramServer()
        self.server.clock.freeze(BEGINS)
        self.people = {
            who.called: self.server.person(who.called, who.speaks, phone=who.phone)
            for who in CAST.values()
        }
        self.staff = self.server.group("Staff")
        self._offset: int | None = None
        self._read = 0
        self._from_bot: set[int | None] = set()
        self._copied: dict[str, list[Seen]] = defaultdict(list)

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
        assert not self.server.troubles, self.server.troubles

    def build(self) -> House:
        """Return the parts of a process that serves Telegram."""
        settings = Settings(
            _env_file=None,
            database_url=f"sqlite:///{self.file}",
            vault_key_file=self.file.with_suffix(".key"),
            telegram_bot_token=SecretStr(self.server.token),
            telegram_api_url=self.server.api_url,
            telegram_mode="polling",
            officer_details="chat" if self.names_in_chat else "pointer",
            staff_telegram_chat=self.staff.chat_id,
            staff_email=None,
        )
        self.running = Running(settings, self.database, self.vault, self.clock.now)
        self._offset = None
        return self.running.house

    async def keep_what_came(self) -> None:
        """Ask Telegram for what came, and save it; the next asking confirms it."""
        asked: Body = {"timeout": 0, "allowed_updates": receive.LISTENS_FOR}
        if self._offset is not None:
            asked["offset"] = self._offset
        updates = cast("list[Body]", await self._bot().do_api_request("getUpdates", asked))
        await self.running.keep([receive.arrival(update) for update in updates])
        if updates:
            self._offset = updates[-1]["update_id"] + 1

    async def settle(self) -> list[Answered]:
        """Answer and deliver; no button may be left spinning."""
        answered = await super().settle()
        for who in self.people.values():
            assert not who.spinning, f"never answered: {who.spinning}"
        self.alerts = [one.text for one in self.staff.screen if one.from_bot]
        return answered

    def pass_time(self, time: timedelta) -> None:
        """Move both clocks on."""
        super().pass_time(time)
        self.server.clock.advance(time.total_seconds())

    def says(self, who: Person, text: str) -> None:
        """Type on Telegram."""
        self._phone(who).says(text)

    def presses(self, who: Person, label: str, old: bool = False) -> None:
        """Press on Telegram."""
        phone = self._phone(who)
        if not old:
            before = phone.clipboard
            phone.presses(label)
            if phone.clipboard != before:
                self._copied[who.called].append(Seen("copied", phone.clipboard))
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

    def shares_number(self, who: Person) -> None:
        """Share the account's own number."""
        assert any("Share my number" in row for row in self._phone(who).keyboard)
        self._phone(who).shares_own_number()

    def sends(self, who: Person, thing: str, caption: str = "") -> None:
        """Send what is not words."""
        if thing == "contact":
            self._phone(who).sends_contact_of_somebody_else()
        else:
            self._phone(who).sends(cast("Kind", thing), caption)

    def edits(self, who: Person, old: str, new: str) -> None:
        """Change an own message."""
        phone = self._phone(who)
        mine = [one for one in phone.screen if not one.from_bot and one.text.startswith(old)]
        phone.edits(mine[-1], new)

    def blocks(self, who: Person) -> None:
        """Block the bot."""
        self._phone(who).blocks_the_bot()

    def unblocks(self, who: Person) -> None:
        """Unblock the bot."""
        self._phone(who).unblocks_the_bot()

    def adds_to_group(self, who: Person) -> None:
        """Add the bot to a group of friends."""
        self._group = self.server.group("Friends")
        self._group.adds_the_bot(self._phone(who))

    def goes_wrong(self, what: Troubles) -> None:
        """Let the next message meet trouble."""
        error: dict[Troubles, int | Literal["drop"]] = {"wait": 429, "failed": 502, "lost": "drop"}
        self.server.fail_next("sendMessage", error[what])

    def seen_by(self, who: Person) -> list[Seen]:
        """Return what reached somebody's phone since the last time."""
        sent, number = self.server.sent, self._phone(who).chat_id
        fresh, self._read = [one for one in sent[self._read :] if one.chat_id == number], len(sent)
        self._from_bot |= {one.message_id for one in fresh if one.kind == "new"}
        seen = self._copied.pop(who.called, [])
        deleted: list[int | None] = []
        for one in fresh:
            if one.kind == "deleted":
                deleted.append(one.message_id)
                continue
            seen += self._gone(deleted)
            seen.append(Seen(one.kind, one.text, one.labels))
        seen += self._gone(deleted)
        return seen + self._left()

    def messages_of(self, who: Person) -> int:
        """Return how many messages stand on the screen."""
        return len(self._phone(who).screen)

    def has_keyboard(self, who: Person) -> bool:
        """Return whether there is a reply keyboard."""
        return bool(self._phone(who).keyboard)

    def address_of(self, who: Person) -> str:
        """Return the number of somebody's chat."""
        return str(self._phone(who).chat_id)

    def _gone(self, deleted: list[int | None]) -> list[Seen]:
        how = "cleared" if self._from_bot.intersection(deleted) else "deleted"
        seen = [Seen(how)] if deleted else []
        deleted.clear()
        return seen

    def _left(self) -> list[Seen]:
        group, self._group = self._group, None
        return [Seen("left")] if group and not group.chat.bot_is_member else []

    def _phone(self, who: Person) -> telegram_server.Person:
        return self.people[who.called]

    def _bot(self) -> Bot:
        assert self.running.bot
        return self.running.bot

    _group: telegram_server.Group | None = None
