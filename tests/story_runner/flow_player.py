"""Plays a story through the flow, on phones of paper that behave as Telegram does."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bot.channels import Arrived, Body, Channel, Refused, Wait
from bot.channels.page import PageChannel
from bot.channels.typed import TypedChannel
from bot.pipeline.respond import House
from flows.conversation import Heard, Hearing
from storage.chats import inbox
from storage.chats.inbox import Arrival
from tests.story_runner.player import Player, Seen, Troubles
from tests.support.cast import Person


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
            case "acknowledge" | "officer_commands":
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
        channels: dict[str, Channel] = {"paper": self.paper, "page": PageChannel()}
        channels["typed"] = TypedChannel()
        return House(self.vault, channels, ("paper",), self.names_in_chat)

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
