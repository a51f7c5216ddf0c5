"""Plays a story through the flow, on phones of paper that behave as Telegram does."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from bot.channel_interface import (
    Body,
    Channel,
    ChatEvent,
    InboundEvent,
    PermanentFailure,
    RateLimited,
)
from bot.channels.page import PageChannel
from bot.channels.typed import ManualEntryChannel
from bot.runtime import Runtime
from flows.inputs import (
    Attachment,
    ButtonPress,
    Input,
    MessageEdit,
    Sender,
    SharedNumber,
    TypedText,
)
from flows.vocabulary import OutboxKind
from storage.chats import inbox
from storage.chats.inbox import Arrival
from tests.harness.app import build_runtime
from tests.story_runner.player import DeliveryFault, ScreenEvent, Store, StoryPlayer
from tests.support.cast import Persona

INPUTS = {
    cls.__name__: cls for cls in (TypedText, ButtonPress, MessageEdit, SharedNumber, Attachment)
}
"""What paper can carry, by the name that stands in the inbox."""


@dataclass(slots=True)
class FakeMessage:
    """One message on a phone of paper."""

    text: str
    buttons: list[Body]
    from_person: bool
    keyboard: bool = False


@dataclass(slots=True)
class FakePhone:
    """A phone of paper: its screen, its keyboard, and what happened on it."""

    screen: dict[str, FakeMessage] = field(default_factory=dict)
    keyboard: str | None = None
    seen: list[ScreenEvent] = field(default_factory=list)


class FakeChannel:
    """A channel that behaves as Telegram does, without Telegram."""

    name = "paper"
    rate_limited = True

    def __init__(self) -> None:
        self.phones: dict[str, FakePhone] = defaultdict(FakePhone)
        self.alerts: list[str] = []
        self.fault: DeliveryFault | None = None
        self._ids = 0

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what was done; paper holds our own terms already."""
        if body.get("event"):
            return InboundEvent(body["chat"], chat_event=ChatEvent(body["event"]))
        sender = Sender(body["name"], can_share_number=True, language=body["speaks"])
        heard = replace(
            INPUTS[body["how"]](**body["what"]), message_id=body["message"], sender=sender
        )
        pressed = isinstance(heard, ButtonPress)
        message = None if pressed else body["message"]
        return InboundEvent(
            body["chat"], heard, message_id=message, callback_id="press" if pressed else None
        )

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Do on the phone of paper what an outbox row says."""
        trouble, self.fault = (self.fault, None) if kind == "say" else (None, self.fault)
        if trouble == "wait":
            raise RateLimited(3)
        if trouble == "failed":
            raise ConnectionError
        message = self._do(self.phones[address], kind, body)
        if trouble == "lost":
            raise ConnectionError
        return message

    def add_message(self, phone: FakePhone, sheet: FakeMessage) -> str:
        """Put a message on a phone; return its id."""
        self._ids += 1
        phone.screen[str(self._ids)] = sheet
        return str(self._ids)

    def _do(self, phone: FakePhone, kind: OutboxKind, body: Body) -> str | None:
        match kind:
            case "say":
                return self._say(phone, body)
            case "acknowledge" if body["toast"]:
                phone.seen.append(ScreenEvent("toast", body["toast"]))
            case "acknowledge" | "officer_commands":
                pass
            case "clear" | "delete":
                _remove_messages(phone, body["messages"])
            case "leave_chat":
                self.phones[body["address"]].seen.append(ScreenEvent("left"))
            case "alert":
                self.alerts.append(body["text"])
            case _:
                raise PermanentFailure(f"unknown_{kind}")
        return None

    def _say(self, phone: FakePhone, body: Body) -> str | None:
        buttons = [button for row in body["buttons"] for button in row]
        changed = phone.screen.get(body["edits_message_id"] or "")
        if changed and not changed.from_person and not changed.keyboard:
            if (changed.text, changed.buttons) != (body["text"], buttons):
                changed.text, changed.buttons = body["text"], buttons
                phone.seen.append(_event_of("edit", changed))
            return None
        text = body["fallback_text"] if body["private"] else body["text"]
        asks = any(button["kind"] == "share_number" for button in buttons)
        sheet = FakeMessage(text, buttons, from_person=False, keyboard=asks)
        id = self.add_message(phone, sheet)
        if asks or body["clears_keyboard"]:
            phone.keyboard = id if asks else None
        phone.seen.append(_event_of("new", sheet))
        return id


class FlowPlayer(StoryPlayer):
    """Plays through the inbox, the turns, the outbox and the file, on phones of paper."""

    channel = "paper"

    def __init__(self, store: Store, names_in_chat: bool = False) -> None:
        super().__init__(store, names_in_chat)
        self.fake_channel = FakeChannel()
        self._arrivals: list[Arrival] = []

    def build(self) -> Runtime:
        """Return the parts, with paper for a channel; every turn reads all from the file."""
        self.database.recent.limit = 0
        self.alerts = self.fake_channel.alerts
        channels: dict[str, Channel] = {"paper": self.fake_channel, "page": PageChannel()}
        channels["typed"] = ManualEntryChannel()
        return build_runtime(
            self.database,
            channels,
            ("paper",),
            officer_details="chat" if self.names_in_chat else "pointer",
        )

    async def save_arrivals(self) -> None:
        """Save what was done on paper."""
        came, self._arrivals = self._arrivals, []
        await self.database.write(inbox.enqueue_arrivals, "paper", came)

    def says(self, who: Persona, text: str) -> None:
        """Write on the phone, and hear it."""
        message = self.fake_channel.add_message(
            self._phone(who), FakeMessage(text, [], from_person=True)
        )
        self._enqueue_input(who, TypedText(text), message)

    def presses(self, who: Persona, label: str, old: bool = False) -> None:
        """Press what stands on the phone; a keyboard types its label."""
        phone = self._phone(who)
        id, button = _find_button(phone, label, old)
        if button["kind"] == "copy":
            phone.seen.append(ScreenEvent("copied", button["id"]))
        elif phone.screen[id].keyboard:
            self.says(who, label)
        else:
            self._enqueue_input(who, ButtonPress(button["id"]), id)

    def shares_number(self, who: Persona) -> None:
        """Share the number of this phone."""
        assert self._phone(who).keyboard, "the bot did not ask for a number"
        message = self.fake_channel.add_message(
            self._phone(who), FakeMessage("", [], from_person=True)
        )
        self._enqueue_input(who, SharedNumber(who.phone), message)

    def sends(self, who: Persona, thing: str, caption: str = "") -> None:
        """Send a thing."""
        message = self.fake_channel.add_message(
            self._phone(who), FakeMessage(caption, [], from_person=True)
        )
        self._enqueue_input(who, Attachment(thing, caption), message)

    def edits(self, who: Persona, old: str, new: str) -> None:
        """Change the words on the phone."""
        mine = [(id, one) for id, one in self._phone(who).screen.items() if one.from_person]
        id, sheet = next(pair for pair in reversed(mine) if pair[1].text.startswith(old))
        sheet.text = new
        self._enqueue_input(who, MessageEdit(new), id)

    def blocks(self, who: Persona) -> None:
        """Close the chat."""
        self._enqueue_event(self.address_of(who), "blocked")

    def unblocks(self, who: Persona) -> None:
        """Open the chat again."""
        self._enqueue_event(self.address_of(who), "unblocked")

    def adds_to_group(self, who: Persona) -> None:
        """Have the bot in a group; whoever added it sees it leave."""
        self.fake_channel.phones["group"] = self._phone(who)
        self._enqueue_event("group", "elsewhere")

    def fail_next_message(self, what: DeliveryFault) -> None:
        """Let the next message meet trouble."""
        self.fake_channel.fault = what

    def take_events(self, who: Persona) -> list[ScreenEvent]:
        """Return what happened on the phone since the last time."""
        phone = self._phone(who)
        seen, phone.seen = phone.seen, []
        return seen

    def message_count(self, who: Persona) -> int:
        """Return how many messages stand on the phone."""
        return len(self._phone(who).screen)

    def has_keyboard(self, who: Persona) -> bool:
        """Return whether the phone has a keyboard of ours."""
        return self._phone(who).keyboard is not None

    def address_of(self, who: Persona) -> str:
        """Return where somebody is reached: by their name."""
        return who.name

    def _phone(self, who: Persona) -> FakePhone:
        return self.fake_channel.phones[self.address_of(who)]

    def _enqueue_input(self, who: Persona, user_input: Input, message: str | None) -> None:
        what = asdict(user_input)
        del what["message_id"], what["sender"]
        body: Body = {"chat": self.address_of(who), "how": type(user_input).__name__, "what": what}
        self._enqueue({**body, "message": message, "name": who.name, "speaks": who.language})

    def _enqueue_event(self, chat: str, event: str) -> None:
        self._enqueue({"chat": chat, "event": event})

    def _enqueue(self, body: Body) -> None:
        key = f"{self.clock().isoformat()}/{len(self._arrivals)}"
        self._arrivals.append(Arrival(key, body["chat"], body))


def _event_of(how: str, sheet: FakeMessage) -> ScreenEvent:
    return ScreenEvent(how, sheet.text, tuple(button["label"] for button in sheet.buttons))


def _remove_messages(phone: FakePhone, ids: Iterable[str]) -> None:
    gone = [phone.screen.pop(id) for id in ids if id in phone.screen]
    if phone.keyboard not in phone.screen:
        phone.keyboard = None
    if gone:
        phone.seen.append(
            ScreenEvent("deleted" if all(sheet.from_person for sheet in gone) else "cleared")
        )


def _find_button(phone: FakePhone, label: str, old: bool) -> tuple[str, Body]:
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
