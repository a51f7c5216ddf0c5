"""The channel named web: what comes from a page's form, and what goes on a chat's screen."""

from dataclasses import dataclass

from bot.channel_interface import Body, InboundEvent, PermanentFailure
from flows.inputs import ButtonPress, Sender, TypedText
from flows.vocabulary import OutboxKind
from storage.chats import screens
from storage.chats.screens import ScreenMessage
from storage.database import Database
from storage.unit import Unit

WEB_CHANNEL = "web"


@dataclass(slots=True)
class WebChannel:
    """Keeps each chat's screen."""

    database: Database
    name: str = WEB_CHANNEL
    rate_limited: bool = False

    def translate(self, body: Body) -> InboundEvent | None:
        """Return what a form meant; raise KeyError when it holds neither words nor a press."""
        address, message = str(body["chat"]), body.get("message")
        sender = Sender(language=body.get("language"))
        if "press" in body:
            press = str(body["press"])
            pressed = ButtonPress(press, message_id=message, sender=sender)
            return InboundEvent(address, pressed, callback_id=press)
        typed = TypedText(str(body["say"]), message_id=message, sender=sender)
        return InboundEvent(address, typed, message_id=message)

    async def send(self, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Show what was due later than its turn, in a transaction of its own."""
        return await self.database.write(self.show, address, kind, body)

    def show(self, unit: Unit, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Put a message on the screen, show one anew, or take some away."""
        match kind:
            case OutboxKind.SAY:
                return _say(unit, address, body)
            case OutboxKind.CLEAR:
                screens.clear_screen(unit, WEB_CHANNEL, address)
            case OutboxKind.DELETE:
                screens.remove_screen_messages(unit, WEB_CHANNEL, address, body["messages"])
            case OutboxKind.ACKNOWLEDGE:
                if body["toast"]:
                    toast = ScreenMessage("", body["toast"], transient=True)
                    screens.add_screen_message(unit, WEB_CHANNEL, address, toast)
            case OutboxKind.OFFICER_COMMANDS:
                pass
            case _:
                raise PermanentFailure(f"web_{kind}")
        return None


def _say(unit: Unit, address: str, body: Body) -> str | None:
    rows = [row for row in body["buttons"] if row]
    private = bool(body["private"])
    line = ScreenMessage(body["edits_message_id"] or "", body["text"], rows, private=private)
    if line.id and screens.replace_screen_message(unit, WEB_CHANNEL, address, line):
        return None
    text = body["fallback_text"] if private else body["text"]
    new = ScreenMessage("", text, rows)
    return screens.add_screen_message(unit, WEB_CHANNEL, address, new)
