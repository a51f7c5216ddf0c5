"""The same conversation on a keyboard: for people, and as one JSON object a line for programs."""

from dataclasses import dataclass, field

from bot.channels import Arrived, Body, Refused
from flows.conversation import Heard, Hearing

THINGS = ("voice", "photo", "sticker", "location", "contact")


@dataclass(slots=True)
class Shown:
    """A message on the terminal's screen."""

    id: str
    text: str
    buttons: list[list[Body]]
    edits: str | None


@dataclass(slots=True)
class TerminalChannel:
    """The channel named terminal: what is sent lands in `shown`, until it is taken from there."""

    name: str = "terminal"
    limited: bool = False
    shown: list[Shown] = field(default_factory=list)
    screen: dict[str, Shown] = field(default_factory=dict)
    _last_id: int = 0
    _last_said: str = ""

    def next_id(self) -> str:
        """Return a fresh message id."""
        self._last_id += 1
        return str(self._last_id)

    def said(self, body: Body) -> Body:
        """Return a line from the keyboard as it is kept in the inbox, with its message id."""
        if "edit" in body:
            return {**body, "message": self._last_said}
        if "press" in body:
            return {**body, **self._button(str(body["press"]))}
        message = self.next_id()
        if "say" in body:
            self._last_said = message
        return {**body, "message": message}

    def translate(self, body: Body) -> Arrived | None:
        """Return what a line means; raise ValueError when it holds none of the known keys."""
        message = body.get("message")
        about: Body = {
            "message": message,
            "language": body.get("language"),
            "can_open_page": True,
        }
        address = str(body["chat"])
        if "say" in body:
            heard = Heard(Hearing.SAID, str(body["say"]), **about)
        elif "press" in body:
            heard = Heard(Hearing.PRESSED, str(body["press"]), **about)
        elif "edit" in body:
            heard = Heard(Hearing.EDITED, str(body["edit"]), **about)
        elif "send" in body:
            heard = Heard(Hearing.SENT, thing=str(body["send"]), **about)
        else:
            raise ValueError("nothing to do in this line")
        own = message if "press" not in body else None
        return Arrived(address, heard, message=own)

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Put a message on the screen, change one, or take some away."""
        match kind:
            case "say":
                return self._say(body)
            case "clear" | "delete":
                for id in body["messages"]:
                    self.screen.pop(id, None)
            case "acknowledge" | "leave_chat" | "officer_commands":
                pass
            case _:
                raise Refused(f"unknown_{kind}")
        return None

    def take_shown(self) -> list[Shown]:
        """Return what was shown since the last time."""
        taken, self.shown = self.shown, []
        return taken

    def _say(self, body: Body) -> str | None:
        buttons = [
            [{"label": b["label"], "id": b["id"], "does": b["does"]} for b in row]
            for row in body["buttons"]
            if row
        ]
        edits = body["edits"] if body["edits"] in self.screen else None
        text = body["instead"] if body["private"] and not edits else body["text"]
        message = Shown(edits or self.next_id(), text, buttons, edits)
        self.screen[message.id] = message
        self.shown.append(message)
        return None if edits else message.id

    def _button(self, pressed: str) -> Body:
        """Find a button by its id or its label, the newest message first."""
        for message in reversed(self._newest_last()):
            for row in message.buttons:
                for button in row:
                    if pressed in (button["id"], button["label"]):
                        return {"press": button["id"], "message": message.id}
        return {"press": pressed, "message": None}

    def _newest_last(self) -> list[Shown]:
        return sorted(self.screen.values(), key=lambda shown: int(shown.id))
