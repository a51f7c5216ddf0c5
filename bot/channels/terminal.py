"""The same conversation on a keyboard: for people, and as one JSON object a line for programs."""

from dataclasses import dataclass, field

from bot.channel_interface import Body, InboundEvent, PermanentFailure
from flows.inputs import Attachment, ButtonPress, Input, MessageEdit, Sender, TypedText
from flows.vocabulary import OutboxKind

ATTACHMENT_KINDS = ("voice", "photo", "sticker", "location", "contact")


@dataclass(slots=True)
class TerminalMessage:
    """A message on the terminal's screen."""

    id: str
    text: str
    buttons: list[list[Body]]
    edits: str | None


@dataclass(slots=True)
class TerminalChannel:
    """The channel named terminal: what is sent lands in `shown`, until it is taken from there."""

    name: str = "terminal"
    rate_limited: bool = False
    new_messages: list[TerminalMessage] = field(default_factory=list)
    screen: dict[str, TerminalMessage] = field(default_factory=dict)
    _last_id: int = 0
    _last_text_id: str = ""

    def next_id(self) -> str:
        """Return a fresh message id."""
        self._last_id += 1
        return str(self._last_id)

    def inbox_body(self, body: Body) -> Body:
        """Return a line from the keyboard as it is kept in the inbox, with its message id."""
        if "edit" in body:
            return {**body, "message": self._last_text_id}
        if "press" in body:
            return {**body, **self._find_button(str(body["press"]))}
        message = self.next_id()
        if "say" in body:
            self._last_text_id = message
        return {**body, "message": message}

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a line means; raise ValueError when it holds none of the known keys."""
        message = body.get("message")
        sender = Sender(language=body.get("language"), can_open_page=True)
        address = str(body["chat"])
        if "say" in body:
            heard: Input = TypedText(str(body["say"]), message_id=message, sender=sender)
        elif "press" in body:
            heard = ButtonPress(str(body["press"]), message_id=message, sender=sender)
        elif "edit" in body:
            heard = MessageEdit(str(body["edit"]), message_id=message, sender=sender)
        elif "send" in body:
            heard = Attachment(str(body["send"]), message_id=message, sender=sender)
        else:
            raise ValueError("nothing to do in this line")
        own = message if "press" not in body else None
        return InboundEvent(address, heard, message_id=own)

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Put a message on the screen, change one, or take some away."""
        match kind:
            case OutboxKind.SAY:
                return self._say(body)
            case OutboxKind.CLEAR | OutboxKind.DELETE:
                for id in body["messages"]:
                    self.screen.pop(id, None)
            case OutboxKind.ACKNOWLEDGE | OutboxKind.LEAVE_CHAT | OutboxKind.OFFICER_COMMANDS:
                pass
            case _:
                raise PermanentFailure(f"unknown_{kind}")
        return None

    def take_new_messages(self) -> list[TerminalMessage]:
        """Return what was shown since the last time."""
        taken, self.new_messages = self.new_messages, []
        return taken

    def _say(self, body: Body) -> str | None:
        buttons = [
            [{"label": b["label"], "id": b["id"], "kind": b["kind"]} for b in row]
            for row in body["buttons"]
            if row
        ]
        edits = body["edits_message_id"] if body["edits_message_id"] in self.screen else None
        text = body["fallback_text"] if body["private"] and not edits else body["text"]
        message = TerminalMessage(edits or self.next_id(), text, buttons, edits)
        self.screen[message.id] = message
        self.new_messages.append(message)
        return None if edits else message.id

    def _find_button(self, id_or_label: str) -> Body:
        """Find a button by its id or its label, the newest message first."""
        for message in reversed(self._by_age()):
            for row in message.buttons:
                for button in row:
                    if id_or_label in (button["id"], button["label"]):
                        return {"press": button["id"], "message": message.id}
        return {"press": id_or_label, "message": None}

    def _by_age(self) -> list[TerminalMessage]:
        return sorted(self.screen.values(), key=lambda shown: int(shown.id))
