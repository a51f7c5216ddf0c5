"""The channel named web: what comes from a page's form, and what goes on a chat's screen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.channels import Arrived, Body, Refused
from flows.conversation import Heard, Hearing
from storage.chats import screens
from storage.chats.screens import Line
from storage.database import Database
from storage.vault import Vault

NAME = "web"


@dataclass(slots=True)
class WebChannel:
    """Keeps each chat's screen; `changed` is called after whatever changes one."""

    database: Database
    vault: Vault
    clock: Callable[[], datetime]
    changed: Callable[[], None] = lambda: None
    name: str = NAME
    limited: bool = False

    def translate(self, body: Body) -> Arrived | None:
        """Return what a form meant; raise KeyError when it holds neither words nor a press."""
        address, message = str(body["chat"]), body.get("message")
        language = body.get("language")
        if "press" in body:
            press = str(body["press"])
            heard = Heard(Hearing.PRESSED, press, message=message, language=language)
            return Arrived(address, heard, press=press)
        heard = Heard(Hearing.SAID, str(body["say"]), message=message, language=language)
        return Arrived(address, heard, message=message)

    async def send(self, address: str, kind: str, body: Body) -> str | None:
        """Put a message on the screen, show one anew, or take some away."""
        match kind:
            case "say":
                return await self._say(address, body)
            case "clear":
                await self.database.write(
                    lambda conn: screens.wipe(conn, self.vault, NAME, address)
                )
            case "delete":
                await self.database.write(
                    lambda conn: screens.remove(conn, self.vault, NAME, address, body["messages"])
                )
            case "acknowledge":
                if body["toast"]:
                    await self._put(address, Line("", body["toast"], passing=True))
            case "officer_commands":
                pass
            case _:
                raise Refused(f"web_{kind}")
        self.changed()
        return None

    async def _say(self, address: str, body: Body) -> str | None:
        rows = [row for row in body["buttons"] if row]
        private = bool(body["private"])
        line = Line(body["edits"] or "", body["text"], rows, private=private)
        if line.id and await self._change(address, line):
            return None
        text = body["instead"] if private else body["text"]
        return await self._put(address, Line("", text, rows))

    async def _change(self, address: str, line: Line) -> bool:
        done = await self.database.write(
            lambda conn: screens.change(conn, self.vault, NAME, address, line, self.clock())
        )
        self.changed()
        return done

    async def _put(self, address: str, line: Line) -> str:
        id = await self.database.write(
            lambda conn: screens.put(conn, self.vault, NAME, address, line, self.clock())
        )
        self.changed()
        return id
